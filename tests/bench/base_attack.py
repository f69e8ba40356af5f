"""Who is broken through the public base, and is the base found by it: students of the base, of another one, of none.

Bases are small networks that each learned 4,000 handwritten digits of MNIST, drawn anew; students are tuned on 1,000
digits of scikit-learn. Attacked are the audited base A beside three references; B is a base that nobody names::

    python tests/bench/base_attack.py [SEED ...]

Seeds 160 to 179 named A under a new head in 18, 20 and 20 of 20 at 100, 200 and 300 rows, B under a new head never, and
a student from scratch in 0, 1 and 1. With two layers frozen A was named in 8, 9 and 11, with all tuned in 8, 7 and 11,
and B under a tuned student never. Momentum, clips and limit were chosen on seeds 60 to 65 and 140 to 159.
The way in which each row draws its reference was chosen on seeds 40 to 45. Without seeds three are run.
"""

from __future__ import annotations

import copy
import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from attacked_fixture import Open, case_of
from case_fixture import make_dataset
from digit_students import digits, fitted, mnist_rows

from govkit.checks._attacked import sample_of, whole_ball
from govkit.checks.robustness import base_exposure as exposing
from govkit.core import Case, Passes
from govkit.stats import proportion
from govkit.subjects import FeatureBase, Probe, probe

EPS, ROWS, STEPS = 0.15, (100, 200, 300), 20
CLASSES = tuple(f"class {digit}" for digit in range(10))
FROZEN = {"head": 3, "two frozen": 2, "tuned": 0, "head on B": 3, "tuned from B": 0, "scratch": 0}
"""Kinds of student, and how many of the three convolutions stay as they were in its base."""


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@cache
def mnist() -> tuple[torch.Tensor, torch.Tensor]:
    """Images ``(5000, 1, 16, 16)`` on the 8-bit grid, not smoothed like those of ``digit_students``, and classes."""
    pixels, labels = mnist_rows()
    x = torch.tensor(pixels / 255).reshape(-1, 1, 28, 28)
    x = nn.functional.interpolate(x, size=(16, 16), mode="bilinear", align_corners=False)
    return (x * 255).round() / 255, torch.tensor(labels)


def network(seed: int) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(16, 16, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10),
        )  # fmt: skip


def base(seed: int, *, rounds: int = 6) -> nn.Sequential:
    """A network that learned 4,000 rows of MNIST."""
    x, labels = mnist()
    rows = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))[:4000]
    return fitted(network(seed), x[rows], labels[rows], seed=seed, epochs=rounds, rate=2e-3)


@dataclass
class World:
    """Bases with probes, and the digits of scikit-learn: 1,000 to tune on, the others to attack."""

    seed: int
    a: nn.Sequential
    b: nn.Sequential
    probes: list[Probe]
    train: tuple[torch.Tensor, torch.Tensor]
    test: tuple[torch.Tensor, torch.Tensor]

    def student(self, kind: str) -> nn.Sequential:
        start = network(self.seed * 1000 + 900) if kind == "scratch" else self.b if "B" in kind else self.a
        net = copy.deepcopy(start)
        net[-1] = network(self.seed * 1000 + 901)[-1]
        rate = 2e-3 if kind == "scratch" else 1e-3
        rounds = 15_000 // len(self.train[1])
        # A convolution has two tensors.
        return fitted(net, *self.train, seed=self.seed * 1000 + 902, epochs=rounds, rate=rate, frozen=2 * FROZEN[kind])


def world(seed: int, *, rounds: int = 6, rows: int = 1000) -> World:
    """Five bases and their probes; without rounds the bases know nothing but their random weights."""
    x, labels = digits()
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    tune, rest = order[:rows], order[1000:]
    a, b, *others = (base(seed * 1000 + number, rounds=rounds) for number in range(5))
    train = make_dataset(labels[tune].numpy(), role="train", inputs=x[tune].numpy())
    probes = [probe(features(f"seed{seed}_{at}", net), train, CLASSES, Passes()) for at, net in enumerate((a, *others))]
    return World(seed, a, b, probes, (x[tune], labels[tune]), (x[rest], labels[rest]))


def features(name: str, net: nn.Sequential) -> FeatureBase:
    """The network without its head, as a module of Python code that an audit file could name."""
    module = sys.modules.setdefault("base_attack_bodies", ModuleType("base_attack_bodies"))
    module.__file__ = __file__
    setattr(module, name, net[:-1])
    origin = f"base_attack_bodies:{name}"
    return FeatureBase(origin, paths=[], modality="image", passes=Passes(), input_range=(0.0, 1.0))


def case_for(made: World, student: nn.Module, n: int) -> Case:
    x, labels = (part[:n].numpy() for part in made.test)
    case = case_of(x, labels, lambda passes: Open(student, passes), base=lambda _: made.probes[0])
    return replace(case, classes=CLASSES, reference_bases=tuple(made.probes[1:]))


def trial(
    made: World, *, n: int = max(ROWS), kinds: tuple[str, ...] = tuple(FROZEN)
) -> dict[str, dict[str, np.ndarray]]:
    """For each kind of student the rows that it has right, and those that each attack turns wrong, ``(n,)`` each.

    The attacks do not look at the student, so they are made once for all.
    """
    case = case_for(made, made.a, n)
    beside, models = sample_of(case, "base", made.probes[0], n), made.probes
    ball = whole_ball(beside, models[0]).scaled(EPS)
    plain = exposing._climbed(beside, models[0], ball, steps=STEPS)
    for_base = exposing._aimed(beside, models, [0] * n, ball, steps=STEPS)
    mirror = exposing._aimed(beside, models, [1 + seed % (len(models) - 1) for seed in beside.seeds], ball, steps=STEPS)
    inputs = {"plain": plain.inputs, "noise": plain.noise, "base": for_base.inputs, "mirror": mirror.inputs}
    found = {"base itself": {"plain": plain.fell, "right": beside.right}}
    for kind in kinds:
        case = case_for(made, made.student(kind), n)
        mine = sample_of(case, "candidate", case.subject, n)
        found[kind] = {name: exposing._broken(mine, asked) for name, asked in inputs.items()} | {"right": mine.right}
    return found


def answer(rows: dict[str, np.ndarray], n: int) -> str:
    """What the check says of the first ``n`` rows."""
    ours, theirs = rows["base"][:n], rows["mirror"][:n]
    only, other = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    return exposing._named(proportion(only, only + other)) if only + other else "cannot tell"


def main(seeds: list[int]) -> None:
    kept: dict[str, list[dict[str, np.ndarray]]] = {}
    for seed in seeds:
        for kind, rows in trial(world(seed)).items():
            kept.setdefault(kind, []).append(rows)
        answers = ", ".join(f"{kind} {answer(kept[kind][-1], max(ROWS))}" for kind in FROZEN)
        say(f"seed {seed} at {max(ROWS)} rows: {answers}")
    tell(kept)


def tell(kept: dict[str, list[dict[str, np.ndarray]]]) -> None:
    """The table over all seeds."""
    say(
        f"radius {EPS}; share of right answers that break under the attack on A alone, under the contrastive ones for A"
    )
    say("and for a reference, and under noise; number of seeds in which A is found at 100, 200 and 300 rows")
    for kind, trials in kept.items():
        names = [name for name in ("plain", "base", "mirror", "noise") if name in trials[0]]
        shares = {
            name: np.mean([(rows[name] & rows["right"]).sum() / rows["right"].sum() for rows in trials])
            for name in names
        }
        found = [sum(answer(rows, n) == "found" for rows in trials) for n in ROWS] if "base" in trials[0] else []
        broken = "  ".join(f"{name} {share:.2f}" for name, share in shares.items())
        say(f"  {kind:13} {broken}" + ("  found " if found else "") + ", ".join(map(str, found)))
    say(f"  of {len(trials)} seeds")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main([int(seed) for seed in sys.argv[1:]] or [120, 121, 122])
