"""Small patches to put on images: solid, checkered and random ones, in the corners and in the middle."""

from __future__ import annotations

from dataclasses import dataclass

from govkit.checks._shared import seed_of
from govkit.core.case import Array
from govkit.lazy import np

PIXELS = 3
"""Side of the small patch; the other one is an eighth of the image. A patch of more would hide what the image shows."""

COLORS = 2
"""Random colors, and random noises, of each size."""


@dataclass(frozen=True)
class Patch:
    """A square ``(c, s, s)`` with its first pixel at ``row`` and ``column``."""

    kind: str
    row: int
    column: int
    pixels: Array

    @property
    def name(self) -> str:
        """What it looks like and where it lies, counted from 1; no two of a search are named alike."""
        return f"{self.kind}, {self.pixels.shape[1]} px, from row {self.row + 1}, column {self.column + 1}"


def patches_for(shape: tuple[int, ...], ends: tuple[float, float], seed: int) -> list[Patch]:
    """Patches to try.

    Args:
        shape: Of an image, ``(c, h, w)``.
        ends: Smallest and largest value of a pixel.
        seed: Seed of the random colors.
    """
    high, wide = shape[1:]
    side = min(high, wide)
    sizes = sorted({min(PIXELS, max(2, side // 6)), max(2, round(side / 8))})
    found = []
    for size in (size for size in sizes if size <= side):
        for kind, pixels in _kinds(shape[0], size, ends, seed):
            found += [Patch(kind, row, column, pixels) for row, column in _places(high, wide, size)]
    return found


def _places(high: int, wide: int, size: int) -> list[tuple[int, int]]:
    """Corners, flush and one pixel in, and the middle."""
    places = [
        (row, column)
        for gap in (0, 1)
        for row in (gap, high - size - gap)
        for column in (gap, wide - size - gap)
        if min(row, column) >= 0
    ]
    return sorted({*places, ((high - size) // 2, (wide - size) // 2)})


def _kinds(channels: int, size: int, ends: tuple[float, float], seed: int) -> list[tuple[str, Array]]:
    dice, (low, high) = np.random.default_rng(seed_of(seed, "weight_triggers", "patches", size)), ends
    whole = np.ones((channels, size, size), dtype=np.float32)
    odd = np.indices((size, size)).sum(axis=0) % 2 == 1
    kinds = [("dark", low * whole), ("bright", high * whole)]
    kinds += [(f"checkered {at + 1}", np.where(odd == (at == 0), low, high) * whole) for at in range(2)]
    for at in range(1, COLORS + 1):
        kinds.append((f"colored {at}", dice.uniform(low, high, (channels, 1, 1)) * whole))
        kinds.append((f"noisy {at}", dice.choice([low, high], (channels, size, size))))
    return [(kind, np.asarray(pixels, dtype=np.float32)) for kind, pixels in kinds]


def pasted(images: Array, patch: Patch) -> Array:
    """Copies of images ``(r, c, h, w)`` with the patch on them."""
    changed = np.array(images, copy=True)
    size = patch.pixels.shape[1]
    changed[:, :, patch.row : patch.row + size, patch.column : patch.column + size] = patch.pixels
    return changed
