"""How strong the attacks are, what they cost, what early exits spare, and what a step costs beside a bare gradient.

Run it alone for the long version (some minutes on one core)::

    python tests/bench/attacks.py [strength | exits | step ...]

``tests/reference/attack_table.py`` puts the same attacks beside those of other libraries.
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

from govkit.attacks import TIERS, Attacked, Ball, apgd, cross_entropy, fgsm, margin, pgd, square, strengthen

MODELS = ((0.1, 0, 0.1), (0.1, 1, 0.1), (0.0, 0, 0.1), (0.0, 0, 0.03))
"""Radius of adversarial training, seed, radius of the attack."""

Attack = Callable[[nn.Module, torch.Tensor, torch.Tensor], Attacked]
"""Model, images and classes -> what the attack made of them."""


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Counted(nn.Module):
    """A model that counts the rows that go through it, and those whose gradient may be taken."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net, self.forwards, self.backwards = net, 0, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.forwards += len(x)
        self.backwards += len(x) * bool(x.requires_grad and torch.is_grad_enabled())
        return self.net(x)


def ours(ball: Ball) -> dict[str, Attack]:
    """Attacks by name; PGD starts at the images themselves, as those of other libraries can be told to."""

    def alone(attack: Callable[..., Attacked], *, seeded: bool = False, **options: Any) -> Attack:
        def run(model: nn.Module, x: torch.Tensor, labels: torch.Tensor) -> Attacked:
            seeds = {"seeds": range(len(x))} if seeded else {}
            return attack(lambda batch: model(batch["x"]), {"x": x}, labels, ball, **seeds, **options)

        return run

    def tier(name: str) -> Attack:
        def run(model: nn.Module, x: torch.Tensor, labels: torch.Tensor) -> Attacked:
            scores = model(x).detach()
            before = Attacked(x, scores.argmax(1) != labels, None, forward=0, backward=0)
            rows = ({"x": x}, labels, list(range(len(x))))
            return strengthen(lambda batch: model(batch["x"]), rows, ball, before, scores=scores, tier=TIERS[name])[1]

        return run

    return {
        "FGSM": alone(fgsm),
        "PGD-40": alone(pgd, loss=cross_entropy, steps=40),
        "PGD-40, margin": alone(pgd, loss=margin, steps=40),
        "APGD-50": alone(apgd, seeded=True, loss=cross_entropy, steps=50),
        "Square-1000": alone(square, seeded=True, queries=1000),
        "gate": tier("gate"),
        "audit": tier("audit"),
    }


def strength(n: int = 1000) -> None:
    x, labels = held_out(n)
    say("robust accuracy, forward and backward passes a row, CPU seconds")
    for hardened, seed, radius in MODELS:
        net = network(seed, hardened=hardened)
        say(f"trained at {hardened}, seed {seed}, radius {radius}: clean {right(net, x, labels):.3f}")
        for name, attack in ours(Ball("linf", radius, 0.0, 1.0)).items():
            model, began = Counted(net), time.process_time()
            broken = attack(model, x, labels).broken
            spent = time.process_time() - began
            share = float((~broken).float().mean())
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
                broken = ours(Ball("linf", radius, 0.0, 1.0))[name](model, x, labels).broken
                forward, backward = TIERS[name].most_passes(10)
                spared = (forward + 1) * len(x) / model.forwards, backward * len(x) / model.backwards
                say(
                    f"  seed {seed} radius {radius:4} {name:5} robust {float((~broken).float().mean()):.3f}"
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

        say(f"  {name:24} {in_pairs(attack, lambda net=net, x=x, y=labels: bare(net, x, y, steps), repeats)}")


def in_pairs(one: Callable[[], None], other: Callable[[], None], repeats: int) -> str:
    """Seconds of one over those of the other, which begin by turns: median (smallest, largest)."""
    ratios = []
    for turn in range(repeats):
        spent = [timed(run) for run in ((one, other) if turn % 2 else (other, one))]
        ratios.append(spent[0] / spent[1] if turn % 2 else spent[1] / spent[0])
    return f"{np.median(ratios):.3f} ({min(ratios):.3f}, {max(ratios):.3f})"


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
