"""The attacks of four public libraries and ours on the same images: what stands, what it cost. ``make oracle`` runs it.

Alone, for all 1,000 held-out digits (some minutes)::

    .venv-oracle/bin/python tests/reference/attack_table.py 1000
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from benches import load_bench
from digit_models import held_out, network

from govkit.attacks import TIERS, Ball, cross_entropy, pgd

BENCH = load_bench("attacks")
say = BENCH.say
MODELS = ((0.1, 0, 0.1), (0.0, 0, 0.03))
"""Radius of adversarial training, seed, radius of the attack."""

Attack = Callable[[nn.Module, torch.Tensor, torch.Tensor], torch.Tensor]
"""Model, images and classes -> attacked images."""


def ours(radius: float) -> Iterator[tuple[str, str, Attack]]:
    for name, attack in BENCH.ours(Ball("linf", radius, 0.0, 1.0)).items():
        kind = ("ensemble", f"govkit {name}") if name in TIERS else (name, "govkit")
        yield *kind, lambda model, x, labels, attack=attack: attack(model, x, labels).x


def torchattacks(radius: float) -> Iterator[tuple[str, str, Attack]]:
    import torchattacks as ta

    kinds = {
        "FGSM": partial(ta.FGSM, eps=radius),
        "PGD-40": partial(ta.PGD, eps=radius, alpha=2.5 * radius / 40, steps=40, random_start=False),
        "APGD-50": partial(ta.APGD, eps=radius, steps=50),
        "Square-1000": partial(ta.Square, eps=radius, n_queries=1000),
        "ensemble": partial(ta.AutoAttack, eps=radius, n_classes=10),
    }
    for name, kind in kinds.items():
        yield name, "torchattacks", lambda model, x, labels, kind=kind: kind(model)(x, labels)


def foolbox(radius: float) -> Iterator[tuple[str, str, Attack]]:
    import foolbox as fb

    step = 2.5 * radius / 40
    kinds = {
        "FGSM": fb.attacks.FGSM(random_start=False),
        "PGD-40": fb.attacks.LinfProjectedGradientDescentAttack(abs_stepsize=step, steps=40, random_start=False),
    }
    for name, kind in kinds.items():
        yield (
            name,
            "foolbox",
            lambda model, x, labels, kind=kind: kind(fb.PyTorchModel(model, bounds=(0, 1)), x, labels, epsilons=radius)[
                1
            ],
        )


def art(radius: float) -> Iterator[tuple[str, str, Attack]]:
    from art.attacks import evasion

    kinds = {
        "FGSM": partial(evasion.FastGradientMethod, eps=radius, batch_size=256),
        "PGD-40": partial(
            evasion.ProjectedGradientDescent, eps=radius, eps_step=2.5 * radius / 40, max_iter=40, batch_size=256,
            verbose=False,
        ),
        "APGD-50": partial(
            evasion.AutoProjectedGradientDescent, eps=radius, eps_step=2 * radius, max_iter=50, nb_random_init=1,
            batch_size=256, verbose=False,
        ),
        "Square-1000": partial(evasion.SquareAttack, eps=radius, max_iter=1000, batch_size=256, verbose=False),
    }  # fmt: skip
    for name, kind in kinds.items():

        def run(model: nn.Module, x: torch.Tensor, labels: torch.Tensor, kind: Any = kind) -> torch.Tensor:
            return torch.tensor(kind(estimator(model, x)).generate(x.numpy(), y=np.eye(10)[labels.numpy()]))

        yield name, "ART", run


def estimator(model: nn.Module, x: torch.Tensor, classes: int = 10) -> Any:
    from art.estimators.classification import PyTorchClassifier

    return PyTorchClassifier(
        model, loss=nn.CrossEntropyLoss(), input_shape=tuple(x.shape[1:]), nb_classes=classes, clip_values=(0.0, 1.0),
        device_type="cpu",
    )  # fmt: skip


def pyautoattack(radius: float) -> Iterator[tuple[str, str, Attack]]:
    from pyautoattack import AutoAttack

    def run(model: nn.Module, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        judge = AutoAttack(model, norm="Linf", eps=radius, seed=0)
        return judge.run_standard_evaluation(x.clone(), labels.clone(), batch_size=len(x))[0]

    yield "ensemble", "pyautoattack", run


def table(n: int) -> None:
    x, labels = held_out(n)
    say(f"{n} digits; passes are rows that went forward, and rows whose gradient was taken, for each image")
    for hardened, seed, radius in MODELS:
        net = network(seed, hardened=hardened)
        clean = float((net(x).argmax(1) == labels).float().mean())
        say(f"\ntrained at {hardened}, radius {radius}: clean accuracy {clean:.3f}")
        say(f"{'attack':16} {'library':14} {'robust':>7} {'forward':>9} {'backward':>9} {'CPU s':>8}")
        sources = (ours, torchattacks, foolbox, art, pyautoattack)
        rows = [row for source in sources for row in source(radius)]
        for name, library, attack in sorted(rows, key=lambda row: row[0]):
            model, began = BENCH.Counted(net).eval(), time.process_time()
            with torch.random.fork_rng():
                point = attack(model, x.clone(), labels.clone())
            spent = time.process_time() - began
            with torch.no_grad():
                stands = float((net(point).argmax(1) == labels).float().mean())
            over = float((point - x).abs().max()) - radius
            mark = "" if over < 1e-5 else f"  leaves its ball by {over:.2g}"
            say(
                f"{name:16} {library:14} {stands:7.3f} {model.forwards / n:9.1f} {model.backwards / n:9.1f} "
                f"{spent:8.2f}{mark}"
            )


def steps(repeats: int = 7, size: int = 10) -> None:
    """A step on EfficientNet-Lite0 against the step of foolbox and of ART, in pairs."""
    import foolbox as fb
    from art.attacks.evasion import ProjectedGradientDescent
    from efficientnet_lite_pytorch import EfficientNet

    net = EfficientNet.from_name("efficientnet-lite0").eval()
    x = torch.rand((8, 3, 96, 96), generator=torch.Generator().manual_seed(0))
    labels, radius = torch.zeros(8, dtype=torch.int64), 8 / 255
    ball, step = Ball("linf", radius, 0.0, 1.0), 2.5 * radius / size

    def mine() -> None:
        options = {"loss": cross_entropy, "steps": size, "stop": False}
        pgd(lambda batch: net(batch["x"]), {"x": x}, labels, ball, **options)

    def by_foolbox() -> None:
        attack = fb.attacks.LinfProjectedGradientDescentAttack(abs_stepsize=step, steps=size, random_start=False)
        attack(fb.PyTorchModel(net, bounds=(0, 1)), x, labels, epsilons=radius)

    def by_art() -> None:
        asked = estimator(net, x, 1000)
        attack = ProjectedGradientDescent(asked, eps=radius, eps_step=step, max_iter=size, verbose=False)
        attack.generate(x.numpy(), y=np.eye(1000)[labels.numpy()])

    say(f"\nCPU seconds of {size} steps of PGD on EfficientNet-Lite0, 96 x 96, ours over theirs: median (least, most)")
    for name, theirs in (("foolbox", by_foolbox), ("ART", by_art)):
        say(f"  {name:10} {BENCH.in_pairs(mine, theirs, repeats)}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    table(int(sys.argv[1]) if sys.argv[1:] else 100)
    steps()
