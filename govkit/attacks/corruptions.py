"""Fifteen ways in which an image is damaged without anybody meaning harm, each at five severities.

After Hendrycks and Dietterich 2019, "Benchmarking neural network robustness to common corruptions and perturbations",
written so that they need no data of their own, fit one or three channels and any size from 8 pixels on, and grow: the
mean pixel error rises with the severity. The noise of a row stays the same and is only scaled, blocks and quantization
steps are nested, blurs are those of heat that spreads; only for rotation and translation does it take images whose
neighboring pixels are alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from govkit.lazy import torch

SMALLEST = 8
"""Pixels of a side below which an image has nothing to blur."""

WORST = 5
"""The highest severity."""

Corruption = Callable[[Any, int, Any], Any]
"""``(images, severity, generators) -> images``; images are ``(n, c, h, w)`` in [0, 1], one generator a row."""

# Luminance table of JPEG (ITU-T T.81, annex K), in steps of 1/255.
_JPEG = (
    (16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55), (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62), (18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99),
)  # fmt: skip


def corrupt(
    images: Any, kind: str, severity: int, *, seeds: Sequence[int], span: tuple[float, float] = (0.0, 1.0)
) -> Any:
    """Damage images.

    Args:
        images: Float tensor ``(n, c, h, w)`` with values in ``span``; h and w at least ``SMALLEST``.
        kind: A key of ``CORRUPTIONS``.
        severity: 0, which changes nothing, to ``WORST``.
        seeds: One seed a row, which alone decides the randomness of that row.
        span: Values of black and of full brightness.

    Returns:
        float32 ``(n, c, h, w)`` in ``span``.

    Raises:
        ValueError: The severity is not among these, or the images are too small.
    """
    known_severity(severity)
    if min(images.shape[-2:]) < SMALLEST:
        raise ValueError(f"images of {images.shape[-2]}×{images.shape[-1]}; expected {SMALLEST} pixels a side or more")
    x = images.detach().float()
    if not severity or not len(x):
        return x
    low, high = span
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    unit = ((x - low) / (high - low)).clamp(0, 1)
    changed = CORRUPTIONS[kind](unit, severity, generators).clamp(0, 1)
    return (low + changed * (high - low)).clamp(low, high)


def known_severity(severity: int) -> int:
    """The severity itself; of images, texts and tables alike.

    Raises:
        ValueError: It is not 0 to ``WORST``.
    """
    if not 0 <= severity <= WORST:
        raise ValueError(f"severity is {severity}; expected 0 to {WORST}")
    return severity


def _normal(x: Any, generators: Any) -> Any:
    return torch.stack([torch.randn(x.shape[1:], generator=own) for own in generators]).to(x)


def _uniform(x: Any, generators: Any, *shape: int) -> Any:
    return torch.stack([torch.rand(shape or x.shape[1:], generator=own) for own in generators]).to(x)


def _gaussian_noise(x: Any, severity: int, generators: Any) -> Any:
    return x + (0.04, 0.08, 0.12, 0.18, 0.26)[severity - 1] * _normal(x, generators)


def _shot_noise(x: Any, severity: int, generators: Any) -> Any:
    """The normal limit of counted light: the variance is that of Poisson counts, in proportion to the brightness."""
    photons = (250, 120, 60, 25, 12)[severity - 1]
    return x + (x / photons).sqrt() * _normal(x, generators)


def _impulse_noise(x: Any, severity: int, generators: Any) -> Any:
    share, hit = (0.01, 0.03, 0.06, 0.1, 0.17)[severity - 1], _uniform(x, generators)
    # Below half the smallest share a pixel turns black, above it white, so that larger shares hold the smaller ones.
    return torch.where(hit < share / 2, 0.0, torch.where(hit > 1 - share / 2, 1.0, x))


def _blur(x: Any, severity: int, _generators: Any) -> Any:
    width = (0.25 + 0.005 * min(x.shape[-2:])) * severity
    down, across = (_spread(size, width**2 / 2).to(x) for size in x.shape[-2:])
    return down @ x @ across.T


def _spread(size: int, time: float) -> Any:
    """What becomes of each pixel of a line when heat spreads along it; nothing leaves at the ends."""
    line = torch.diag(torch.full((size,), -2.0, dtype=torch.float64))
    line += torch.diag(torch.ones(size - 1, dtype=torch.float64), 1)
    line += torch.diag(torch.ones(size - 1, dtype=torch.float64), -1)
    line[0, 0] = line[-1, -1] = -1.0
    return torch.linalg.matrix_exp(line * time)


def _motion_blur(x: Any, severity: int, generators: Any) -> Any:
    """A trail that fades, to one of the four sides."""
    length = (0.25 + 0.01 * min(x.shape[-2:])) * severity
    keep = length / (1 + length)
    side = (_uniform(x, generators, 1)[:, 0] * 4).long()
    down, across = (_trail(size, keep).to(x) for size in x.shape[-2:])
    moved = torch.stack([x @ across.T, x @ across.flip(0, 1).T, down @ x, down.flip(0, 1) @ x])
    return moved[side, torch.arange(len(x))]


def _trail(size: int, keep: float) -> Any:
    at = torch.arange(size, dtype=torch.float64)
    behind = at[:, None] - at[None]
    weight = torch.where(behind >= 0, keep ** behind.clamp(min=0), torch.zeros(()))
    return weight / weight.sum(dim=1, keepdim=True)


def _pixelate(x: Any, severity: int, _generators: Any) -> Any:
    """Blocks of 1, 2, 4 and 8 pixels, no larger than a quarter of a side; between two of them their mixture."""
    most = min(3, int(math.log2(min(x.shape[-2:]) / 4)))
    step = most * severity / WORST
    fine = min(int(step), most - 1)
    part = step - fine
    return (1 - part) * _blocks(x, 2**fine) + part * _blocks(x, 2 ** (fine + 1))


def _blocks(x: Any, size: int) -> Any:
    """Each block replaced by its mean; blocks at the right and lower edge may be smaller."""
    from torch.nn import functional

    high, wide = x.shape[-2:]
    means = functional.avg_pool2d(x, size, ceil_mode=True, count_include_pad=False)
    return means.repeat_interleave(size, dim=-2).repeat_interleave(size, dim=-1)[..., :high, :wide]


def _jpeg(x: Any, severity: int, _generators: Any) -> Any:
    """Cosine transform of blocks of 8×8, each coefficient rounded; each severity doubles the steps of the one before.

    Every channel gets the table of brightness, and nothing is thrown away but what rounding loses.
    """
    from torch.nn import functional

    n, channels, high, wide = x.shape
    padded = functional.pad(x, (0, -wide % 8, 0, -high % 8), mode="replicate")
    tall, broad = padded.shape[-2] // 8, padded.shape[-1] // 8
    blocks = padded.reshape(n, channels, tall, 8, broad, 8).transpose(3, 4)
    basis = _cosines().to(x)
    steps = torch.tensor(_JPEG).to(x) / 255 * 2.0 ** (severity - 2)
    kept = torch.round(basis @ (blocks - 0.5) @ basis.T / steps) * steps
    back = (basis.T @ kept @ basis + 0.5).transpose(3, 4).reshape(padded.shape)
    return back[..., :high, :wide]


def _cosines() -> Any:
    at = torch.arange(8, dtype=torch.float64)
    basis = torch.cos(math.pi / 8 * (at[None] + 0.5) * at[:, None]) / 2
    basis[0] /= math.sqrt(2)
    return basis


def _contrast(x: Any, severity: int, _generators: Any) -> Any:
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    return mean + (0.75, 0.6, 0.45, 0.3, 0.15)[severity - 1] * (x - mean)


def _brightness(x: Any, severity: int, _generators: Any) -> Any:
    return x + 0.1 * severity


def _darkness(x: Any, severity: int, _generators: Any) -> Any:
    return x ** (1.3, 1.6, 2.0, 2.6, 3.5)[severity - 1]


def _fog(x: Any, severity: int, generators: Any) -> Any:
    from torch.nn import functional

    coarse = _uniform(x, generators, 1, 4, 4)
    cloud = 0.5 + 0.5 * functional.interpolate(coarse, size=x.shape[-2:], mode="bilinear", align_corners=True)
    part = (0.15, 0.3, 0.45, 0.6, 0.75)[severity - 1]
    return (1 - part) * x + part * cloud


def _posterize(x: Any, severity: int, _generators: Any) -> Any:
    steps = 2.0 ** (WORST + 1 - severity)
    return torch.round(x * steps) / steps


def _rotation(x: Any, severity: int, generators: Any) -> Any:
    turn = math.radians(4.0 * severity)
    sign = _sign(x, generators, 1)[:, 0]
    cos, sin = math.cos(turn), math.sin(turn) * sign
    high, wide = x.shape[-2:]
    return _moved(x, [[cos + 0 * sin, -sin * high / wide, 0 * sin], [sin * wide / high, cos + 0 * sin, 0 * sin]])


def _translation(x: Any, severity: int, generators: Any) -> Any:
    sign = _sign(x, generators, 2) * (0.05 * severity)
    zero = 0 * sign[:, 0]
    return _moved(x, [[zero + 1, zero, sign[:, 0]], [zero, zero + 1, sign[:, 1]]])


def _sign(x: Any, generators: Any, count: int) -> Any:
    return torch.where(_uniform(x, generators, count) < 0.5, -1.0, 1.0).to(x)


def _moved(x: Any, rows: Any) -> Any:
    """The image under an affine map; what comes in from outside repeats the edge."""
    from torch.nn import functional

    map_ = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1).to(x)
    grid = functional.affine_grid(map_, list(x.shape), align_corners=False)
    return functional.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _occlusion(x: Any, severity: int, generators: Any) -> Any:
    """A grey square, around the same place at every severity."""
    high, wide = x.shape[-2:]
    center = _uniform(x, generators, 2)
    side = (0.12 + 0.07 * severity) * min(high, wide) / 2
    down = (torch.arange(high).to(x) - center[:, :1] * (high - 1)).abs() <= side
    across = (torch.arange(wide).to(x) - center[:, 1:] * (wide - 1)).abs() <= side
    return torch.where((down[:, :, None] & across[:, None])[:, None], 0.5, x)


CORRUPTIONS: dict[str, Corruption] = {
    "gaussian noise": _gaussian_noise,
    "shot noise": _shot_noise,
    "impulse noise": _impulse_noise,
    "blur": _blur,
    "motion blur": _motion_blur,
    "pixelate": _pixelate,
    "jpeg": _jpeg,
    "contrast": _contrast,
    "brightness": _brightness,
    "darkness": _darkness,
    "fog": _fog,
    "posterize": _posterize,
    "rotation": _rotation,
    "translation": _translation,
    "occlusion": _occlusion,
}
