"""How strong the attacks are, what they cost, what early exits spare, and what a step costs beside a bare gradient.

Run it alone for the long version (some minutes on one core)::

    python tests/bench/attacks.py [strength | exits | step ...]

Under ``.venv-oracle`` (``make oracle`` builds it) ``strength`` runs pyautoattack on the same 1,000 digits too.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from digit_models import held_out, network

from govkit.attacks import TIERS, Attacked, Ball, cross_entropy, fgsm, margin, pgd, square, strengthen

MODELS = ((0.1, 0, 0.1), (0.1, 1, 0.1), (0.0, 0, 0.1), (0.0, 0, 0.03))
"""Radius of adversarial training, seed, radius of the attack."""


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Counted(nn.Module):
    """A model that counts the rows that go through it."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net, self.forwards, self.backwards = net, 0, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.forwards += len(x)
        self.backwards += len(x) * bool(x.requires_grad and torch.is_grad_enabled())
        return self.net(x)


def ours(ball: Ball, n: int) -> dict[str, Callable[..., Any]]:
    """Attacks by name: function of model, images and labels -> rows that stand."""
    seeds = list(range(n))

    def tier(name: str) -> Callable[..., Any]:
        def attack(model: Any, x: torch.Tensor, labels: torch.Tensor) -> Any:
            logits = lambda batch: model(batch["x"])  # noqa: E731
            scores = model(x).detach()
            none = Attacked(x, scores.argmax(1) != labels, None, forward=0, backward=0)
            rows = ({"x": x}, labels, seeds)
            return ~strengthen(logits, rows, ball, none, scores=scores, tier=TIERS[name])[1].broken

        return attack

    def alone(attack: Callable[..., Attacked], **options: Any) -> Callable[..., Any]:
        return lambda model, x, labels: (
            ~attack(lambda batch: model(batch["x"]), {"x": x}, labels, ball, **options).broken
        )

    return {
        "FGSM": alone(fgsm),
        "PGD-40, cross-entropy": alone(pgd, loss=cross_entropy, steps=40, seeds=seeds),
        "PGD-40, margin": alone(pgd, loss=margin, steps=40, seeds=seeds),
        "Square, 1000": alone(square, queries=1000, seeds=seeds),
        "gate": tier("gate"),
        "audit": tier("audit"),
    }


def pyautoattack(radius: float, norm: str = "Linf") -> Callable[..., Any]:
    from pyautoattack import AutoAttack

    def attack(model: nn.Module, x: torch.Tensor, labels: torch.Tensor) -> Any:
        judge = AutoAttack(model, norm=norm, eps=radius, seed=0)
        point, _ = judge.run_standard_evaluation(x.clone(), labels.clone(), batch_size=len(x))
        return model.net(point).argmax(1) == labels

    return attack


def strength(n: int = 1000) -> None:
    x, labels = held_out(n)
    say("robust accuracy, forward and backward passes a row, CPU seconds")
    for hardened, seed, radius in MODELS:
        net = network(seed, hardened=hardened)
        say(f"trained at {hardened}, seed {seed}, radius {radius}: clean {right(net, x, labels):.3f}")
        attacks = ours(Ball("linf", radius, 0.0, 1.0), n)
        if find_spec("pyautoattack"):
            attacks["pyautoattack standard"] = pyautoattack(radius)
        for name, attack in attacks.items():
            model, began = Counted(net), time.process_time()
            stands = attack(model, x, labels)
            spent = time.process_time() - began
            share = float(stands.float().mean())
            say(f"  {name:24} {share:.3f} {model.forwards / n:8.1f} {model.backwards / n:8.1f} {spent:7.2f}")


def right(net: nn.Module, x: torch.Tensor, labels: torch.Tensor) -> float:
    return float((net(x).argmax(1) == labels).float().mean())


def exits(n: int = 500) -> None:
    say("passes a row without early exits over those with them, on rows that are right at first")
    for seed in range(3):
        net = network(seed)
        x, labels = held_out(n)
        keep = net(x).argmax(1) == labels
        x, labels = x[keep], labels[keep]
        for radius in (0.1, 0.15, 0.2, 0.3):
            for name in ("gate", "audit"):
                model = Counted(net)
                stands = ours(Ball("linf", radius, 0.0, 1.0), len(x))[name](model, x, labels)
                forward, backward = TIERS[name].most_passes(10)
                spared = (forward + 1) * len(x) / model.forwards, backward * len(x) / model.backwards
                say(
                    f"  seed {seed} radius {radius:4} {name:5} robust {float(stands.float().mean()):.3f}"
                    f"   forward {spared[0]:5.1f}x   backward {spared[1]:5.1f}x"
                )


def bare(net: nn.Module, x: torch.Tensor, labels: torch.Tensor, steps: int) -> None:
    """What no attack can do without: a forward pass and the gradient of the input for each step, and a last look."""
    for _ in range(steps):
        point = x.detach().requires_grad_()
        torch.autograd.grad(nn.functional.cross_entropy(net(point), labels, reduction="sum"), point)
    with torch.no_grad():
        net(x)


def step(repeats: int = 9, steps: int = 10) -> None:
    say("CPU seconds of 10 steps of PGD over those of 10 bare gradients, in pairs: median (smallest, largest)")
    generator = torch.Generator().manual_seed(0)
    for name, net, shape in nets():
        x, labels = torch.rand(shape, generator=generator), torch.zeros(shape[0], dtype=torch.int64)
        ball = Ball("linf", 8 / 255, 0.0, 1.0)

        def attack(net: Any = net, x: Any = x, labels: Any = labels, ball: Ball = ball) -> None:
            options = {"loss": cross_entropy, "steps": steps, "stop": False}
            pgd(lambda batch: net(batch["x"]), {"x": x}, labels, ball, **options)

        ratios = []
        for turn in range(repeats):
            runs = [attack, lambda net=net, x=x, labels=labels: bare(net, x, labels, steps)]
            spent = [timed(run) for run in (runs if turn % 2 else runs[::-1])]
            ratios.append(spent[0] / spent[1] if turn % 2 else spent[1] / spent[0])
        say(f"  {name:24} {np.median(ratios):.3f} ({min(ratios):.3f}, {max(ratios):.3f})")


def timed(run: Callable[[], None]) -> float:
    began = time.process_time()
    run()
    return time.process_time() - began


def nets() -> list[tuple[str, nn.Module, tuple[int, ...]]]:
    """Networks of three sizes, with the shape of a batch; the largest lies in a carrier."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        middle = nn.Sequential(
            nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(64 * 256, 10),
        ).eval()  # fmt: skip
    found = [("digits, 8 x 8", network(), (256, 1, 8, 8)), ("three layers, 32 x 32", middle, (32, 3, 32, 32))]
    if find_spec("efficientnet_lite_pytorch"):
        from efficientnet_lite_pytorch import EfficientNet

        found.append(("EfficientNet-Lite0, 64", EfficientNet.from_name("efficientnet-lite0").eval(), (8, 3, 64, 64)))
    return found


PARTS = {"strength": strength, "exits": exits, "step": step}

if __name__ == "__main__":
    torch.set_num_threads(1)
    short = not sys.argv[1:]
    for part in sys.argv[1:] or PARTS:
        if short and part != "step":
            PARTS[part](100)
        else:
            PARTS[part]()
