"""What an attack may change: all points within a radius of the input, inside the valid range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from govkit.lazy import torch

Norm = Literal["linf", "l2", "token_l2"]

ROUNDING = 4 * 2.0**-23
"""What rounding may add to a change, as a share of the input: a few steps of float32."""


@dataclass(frozen=True)
class Ball:
    """A set of allowed inputs around each row.

    Attributes:
        norm: ``linf`` (each coordinate), ``l2`` (each row) or ``token_l2`` (each token embedding of a text).
        radius: A number, or for ``linf`` a tensor that broadcasts against the inputs; zero allows no change.
        low: Smallest valid value, a number or a tensor; None if there is none.
        high: Largest valid value.
        grid: Distance between two values that can be stored (1/255 of the range for 8-bit images), or None. A change is
            rounded towards zero on this grid before the model sees it, so that it never leaves the ball by rounding.
    """

    norm: Norm
    radius: Any
    low: Any = None
    high: Any = None
    grid: float | None = None

    def scaled(self, factor: float) -> Ball:
        """The same ball with a radius ``factor`` times as large."""
        return Ball(self.norm, self.radius * factor, self.low, self.high, self.grid)

    def project(self, x: Any, center: Any) -> Any:
        """The nearest allowed point to ``x`` (n, ...), in float32."""
        delta = x.float() - center
        if self.norm == "linf":
            delta = _clamped(delta, -self.radius, self.radius)
        else:
            length = self._length(delta)
            delta = delta * (self.radius / length.clamp_min(1e-12)).clamp_max(1.0)
        return self._in_range(center + delta)

    def settle(self, x: Any, center: Any) -> Any:
        """The point that is evaluated: projected, and on the grid if there is one."""
        return self.snap(self.project(x, center), center)

    def snap(self, point: Any, center: Any) -> Any:
        """A point that is projected already, on the grid if there is one; the point itself if there is none."""
        if self.grid is None:
            return point
        # The small addend keeps 8/255 on its step although the division gives 7.9999 in float32.
        steps = torch.floor((point - center).abs() / self.grid + 1e-3)
        return self._in_range(center + torch.sign(point - center) * steps * self.grid)

    def stored(self, x: Any) -> Any:
        """``x`` as it is after it was written and read again: rounded to the grid, if there is one."""
        if self.grid is None:
            return x
        zero = torch.as_tensor(0.0 if self.low is None else self.low, dtype=torch.float32)
        return zero + torch.round((x - zero) / self.grid) * self.grid

    def direction(self, gradient: Any) -> Any:
        """Steepest ascent within the ball of this norm: a step to its surface, zero where the gradient is zero."""
        if self.norm == "linf":
            return torch.sign(gradient) * self.radius
        # Dividing by the largest entry first keeps gradients of 1e-30 from vanishing when they are squared.
        scaled = gradient / self._length(gradient, torch.inf).clamp_min(torch.finfo(torch.float32).tiny)
        return scaled / self._length(scaled).clamp_min(1e-12) * self.radius

    def noise(self, like: Any, seeds: Sequence[int], *, surface: bool = False) -> Any:
        """A random change for each row of ``like`` (n, ...), drawn from a generator of its own.

        Args:
            like: Tensor that gives the shape.
            seeds: One seed per row, so that neither order nor batches change the draw.
            surface: Draw corners (``linf``) or points at the full radius instead of points inside.
        """
        rows = []
        for row, seed in zip(like, seeds, strict=True):
            generator = torch.Generator().manual_seed(seed)
            rows.append(self._draw(row, generator, surface=surface))
        return torch.stack(rows).to(like.device) * self.radius

    def excess(self, x: Any, center: Any) -> float:
        """By how much the worst row leaves the ball or the range, as a share of the radius; NaN gives infinity.

        A few steps of float32 at the size of the inputs are rounding: beside 20000 no smaller change can be stored.
        """
        if not bool(torch.isfinite(x).all()):
            return float("inf")
        delta = x.float() - center
        size = delta.abs() if self.norm == "linf" else self._length(delta)
        radius = torch.as_tensor(self.radius, dtype=torch.float32).clamp_min(1e-12)
        steps = ROUNDING * torch.maximum(x.float().abs(), center.abs())
        rounding = steps if self.norm == "linf" else self._length(steps)
        over = ((size - self.radius - rounding) / radius).max()
        outside = (x.float() - self._in_range(x.float())).abs().max()
        return max(0.0, float(over), float(outside))

    def _draw(self, row: Any, generator: Any, *, surface: bool) -> Any:
        """A change of one row in units of the radius."""
        if self.norm == "linf":
            draw = torch.rand(row.shape, generator=generator) * 2 - 1
            return torch.sign(draw) if surface else draw
        draw = torch.randn(row.shape, generator=generator)
        share = 1.0 if surface else float(torch.rand((), generator=generator))
        return draw / self._length(draw[None])[0].clamp_min(1e-12) * share

    def _in_range(self, x: Any) -> Any:
        return x if self.low is None and self.high is None else _clamped(x, self.low, self.high)

    def _length(self, delta: Any, order: float = 2) -> Any:
        """L2 norm of each row or token, or that of another order, with dimensions kept for broadcasting."""
        dims = -1 if self.norm == "token_l2" else tuple(range(1, delta.dim()))
        # Of an image all three dimensions count; ``delta.norm`` takes two at most.
        return torch.linalg.vector_norm(delta, order, dim=dims, keepdim=True)


def _clamped(x: Any, low: Any, high: Any) -> Any:
    """``x`` between two ends, numbers or tensors; one pass over it where each is one number."""
    ends = [end.item() if isinstance(end, torch.Tensor) and not end.dim() else end for end in (low, high)]
    if any(isinstance(end, torch.Tensor) for end in ends):
        ends = [None if end is None else torch.as_tensor(end, dtype=torch.float32, device=x.device) for end in ends]
    return torch.clamp(x, *ends)
