"""Models that answer with a number: are sound ones trusted, are masked ones suspect, and how far are they pulled?

Networks on scikit-learn's digits, whose value they read, and on tables: real ones, made ones, skewed and binary ones.
Name seeds for more::

    python tests/bench/number_attacks.py [SEED ...]

The limits of ``govkit.attacks.pull`` were set on seeds 50 to 54 (images) and 60 to 65 (tables); this takes others.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_diabetes, make_friedman1, make_friedman2
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from digit_models import HELD_OUT, digits
from masked_models import MASKED_NUMBERS
from rows_fixture import measurements, run, value
from task_fixture import open_case

from govkit.core import Case

torch.set_num_threads(1)
ROWS = 64
BODIES: dict[str, Callable[[int], list[nn.Module]]] = {
    "linear": lambda d: [nn.Linear(d, 1)],
    "tanh": lambda d: [nn.Linear(d, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1)],
    "relu": lambda d: [nn.Linear(d, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 1)],
}


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Standardized(nn.Module):
    """A network between standardized inputs and answers; ``ask`` stands in front of it."""

    def __init__(self, net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> None:
        super().__init__()
        self.net, self.ask = net, lambda inner, z: inner(z)
        # Some pixels are the same in all images.
        self.x, self.y = (x.mean(0), x.std() if x.dim() > 2 else x.std(0)), (y.mean(), y.std())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.ask(lambda z: self.net((z - self.x[0]) / self.x[1]) * self.y[1] + self.y[0], x)


def fitted(layers: Callable[[], list[nn.Module]], x: Any, y: Any, seed: int) -> Standardized:
    x, y = (torch.as_tensor(part, dtype=torch.float32) for part in (x, y))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = Standardized(nn.Sequential(*layers()), x, y)
        optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
        for _ in range(400):
            rows = torch.randint(0, len(x), (64,))
            optimizer.zero_grad()
            nn.functional.mse_loss(net(x[rows])[:, 0] / net.y[1], y[rows] / net.y[1]).backward()
            optimizer.step()
    return net.requires_grad_(requires_grad=False).eval()


def tables(seed: int) -> Iterator[tuple[str, Any, Any]]:
    """Name, rows ``(n, d)`` and numbers ``(n,)``."""
    rng, diabetes = np.random.default_rng(seed), load_diabetes()
    order = rng.permutation(len(diabetes.target))
    yield "diabetes", diabetes.data[order], diabetes.target[order]
    yield "friedman 1", *make_friedman1(600, noise=1, random_state=seed)
    yield "friedman 2", *make_friedman2(600, noise=50, random_state=seed)
    skewed = rng.lognormal(0, 1.5, (600, 4))
    yield "skewed", skewed, np.log(skewed).sum(1) + rng.normal(size=600)
    binary = rng.integers(0, 2, (600, 8)).astype(float)
    yield "binary", binary, binary @ rng.normal(size=8) + 3 * binary[:, 0] * binary[:, 1] + 0.3 * rng.normal(size=600)


def cases(seed: int) -> Iterator[tuple[str, Case, float]]:
    """Name, case and radius of each model."""
    for name, x, y in tables(seed):
        for kind, layers in BODIES.items():
            net = fitted(lambda layers=layers, d=x.shape[1]: layers(d), x[:-100], y[:-100], seed)
            yield f"{name}, {kind}", open_case("regression", x[-100:], y[-100:], net), 0.1
    x, digit = digits()
    train = x[:-HELD_OUT], digit[:-HELD_OUT]
    conv = lambda: [nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 1)]  # noqa: E731
    for name, ask in {"sound": lambda net, z: net(z), **MASKED_NUMBERS}.items():
        net = fitted(conv, *train, seed)
        net.ask = ask
        rows = x[-HELD_OUT:][:ROWS].numpy(), digit[-HELD_OUT:][:ROWS].double().numpy()
        yield f"digits, {name}", open_case("regression", *rows, net, modality="image", input_range=(0, 1)), 0.1


def main(seeds: list[int]) -> None:
    say(f"gate, {ROWS} rows: mean absolute error without and under attack, added by noise; trust; CPU seconds")
    counts: dict[str, Counter[str]] = {}
    for seed in seeds:
        for name, case, eps in cases(seed):
            began = time.process_time()
            found = run("number_attacks", case, eps=eps, tier="gate", rows=ROWS)
            (item,) = measurements(found, "attacked_error")
            counts.setdefault(name, Counter())[str(item.trust)] += 1
            why = "" if item.trust == "trusted" else value(found, "trust_reason")[:90]
            say(
                f"  {seed} {name:28} {value(found, 'clean_error'):9.3g} {item.value:9.3g} "
                f"+{value(found, 'noise_error_increase'):<9.3g} {item.trust} {time.process_time() - began:.1f} {why}"
            )
    for name, count in counts.items():
        say(f"{name:28} " + ", ".join(f"{trust} {n}" for trust, n in sorted(count.items())))


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]] or [70])
