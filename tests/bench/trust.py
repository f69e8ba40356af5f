"""Which models are trusted, and by which check the others are found: honest ones and ones that hide their gradients.

Name parts for their long versions (digits and waves take nine minutes on one core)::

    python tests/bench/trust.py [digits | waves | carrier ...]

The limits of ``govkit.attacks.trust`` were set on seeds 0 to 21, 30 to 37 and 60; this table takes others. Of 25 masked
and 18 honest kinds, seed 70, tier gate: 25 suspect, 17 trusted; suspect is an honest network whose logits are ten times
as large, for the cross-entropy has no gradient there.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from digit_models import HELD_OUT, digits, held_out, network
from masked_models import HONEST, MASKED, ODD, SOFTMAX, Logits, rippled, tuned_carrier

from govkit.attacks import (
    TIERS,
    Ball,
    Balls,
    Outcome,
    TierName,
    battery,
    doubts,
    foresight,
    lender,
    most_passes,
    twin,
    unknowns,
)

STEPS = 10


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def judged(outcome: Outcome) -> str:
    return "suspect" if doubts(outcome) else "not evaluated" if unknowns(outcome) else "trusted"


def attacked(
    net: Logits, rows: tuple[torch.Tensor, torch.Tensor], tier: TierName, *, seed: int, radius: float, lenders: Any = ()
) -> Outcome:
    """A battery on images on the 8-bit grid, as the check ``adversarial`` makes it."""
    x, labels = rows
    sizes = (radius, 1 / 255, 0.5)
    balls = Balls(*(Ball("linf", size, 0.0, 1.0, 1 / 255) for size in sizes))
    parts = [slice(start, start + 32) for start in range(0, len(x), 32)]
    batches = [({"x": x[part]}, labels[part], [10_000 * seed + row for row in range(len(x))[part]]) for part in parts]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return battery(
            lambda batch: net(batch["x"]), batches, balls, steps=STEPS, tier=TIERS[tier], lenders=lenders
        )  # fmt: skip


@cache
def others(seed: int) -> list[Any]:
    """A network of the same kind that saw the same rows, in place of a base, and the twin of the check."""
    base, (x, labels) = network(seed + 500), digits()
    own = twin(x[:-HELD_OUT], labels[:-HELD_OUT], 10, seed=seed)
    return [lender(lambda batch: base(batch["x"])), lender(own, counted=False)]


def line(name: str, seed: int, tier: TierName, found: Outcome, began: float) -> str:
    n, told = len(found.clean), foresight(found)
    broken = [("one step", found.strong & ~found.fgsm), ("noise", found.strong & ~found.noise)]
    broken += [("Square", found.strong & ~found.scored), ("half", found.scored & ~found.half)]
    broken += [("lent", found.half & ~found.lent), ("far", found.far)]
    extra = " ".join(f"{what} {int(rows.sum())}" for what, rows in broken if int(rows.sum()))
    return (
        f"{name:24}{seed:4} {tier:6} {judged(found):14} clean {int(found.clean.sum())}/{n} stand "
        f"{int(found.worst.sum()):3} foretold {'  - ' if told is None else f'{told:.2f}'} "
        f"F {found.forward / n:6.1f} B {found.backward / n:6.1f} s {time.process_time() - began:5.1f} [{extra}] "
        + "; ".join(reason.split(" (")[0].split(":")[0][:50] for reason in doubts(found) or unknowns(found))
    )


def table(
    models: dict[str, Callable[[int], Logits]], seeds: tuple[int, ...], tiers: tuple[TierName, ...], n: int
) -> dict[tuple[str, TierName], list[str]]:
    """Each model on each seed by each tier, and how it was judged."""
    rows, seen = held_out(n), {}
    for name, make in models.items():
        for tier in tiers:
            for seed in seeds:
                began, lenders = time.process_time(), [] if tier == "smoke" else others(seed)
                found = attacked(make(seed), rows, tier, seed=seed, radius=0.1, lenders=lenders)
                forward, backward = most_passes(
                    STEPS, tier=TIERS[tier], classes=10, counted=len(lenders) // 2, free=len(lenders) // 2
                )
                if found.forward > n * forward or found.backward > n * backward:
                    raise SystemExit(f"{name}: more passes than declared")
                seen.setdefault((name, tier), []).append(judged(found))
                say(line(name, seed, tier, found, began))
    return seen


def summary(seen: dict[tuple[str, TierName], list[str]]) -> None:
    for (name, tier), words in seen.items():
        say(f"{name:24} {tier:6} " + ", ".join(f"{word} {words.count(word)}" for word in sorted(set(words))))


def the_digits(*, short: bool = False) -> None:
    say("honest and masked networks on digits, radius 0.1: judged, rows that only a weaker attack broke, passes a row")
    models = HONEST | SOFTMAX | ODD | MASKED
    seeds = (40,) if short else tuple(range(40, 45))
    seen = table(models, seeds, ("smoke", "gate"), 32 if short else 64)
    if not short:
        seen |= table(HONEST, seeds, ("audit",), 64) | table(MASKED, seeds[:1], ("audit",), 32)
    summary(seen)


def the_waves(*, short: bool = False) -> None:
    say("waves on the logits, which mislead ten steps and not a hundred")
    makers = {f"waves {waves:g}, height {height}": rippled(height, waves) for waves, height in ((100, 0.5), (100, 1.0))}
    summary(
        table(makers, (40,) if short else (40, 41, 42), ("smoke", "gate") if short else ("smoke", "gate", "audit"), 64)
    )


def the_carrier(*, short: bool = False) -> None:
    say("EfficientNet-Lite0 with a head tuned on digits of 64 x 64, radius 8/255")
    for seed in (40,) if short else tuple(range(40, 45)):
        net, rows, masked = tuned_carrier(seed, 12 if short else 20)
        for tier in ("smoke",) if short or seed > 41 else ("smoke", "gate"):
            for name, model in (("plain", net), ("8-bit input", masked)):
                began = time.process_time()
                found = attacked(model, rows, tier, seed=seed, radius=8 / 255)
                say(line(f"EfficientNet, {name}", seed, tier, found, began))


PARTS = {"digits": the_digits, "waves": the_waves, "carrier": the_carrier}

if __name__ == "__main__":
    torch.set_num_threads(1)
    for part in sys.argv[1:] or PARTS:
        PARTS[part](short=not sys.argv[1:])
