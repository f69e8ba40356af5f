"""Has a column or a model changed since its reference? Asked at every look, with one error for the whole year.

For each of several changes ``g`` the looks are weighed by a likelihood ratio, change against no change. The change may
start on any day, so each of the ``T`` looks of a year gets the same prior weight: ``W <- (W + 1/T) * ratio`` sums over
all start days and remembers one number. Without a change the mean of ``W`` plus the weight of the days to come is a
nonnegative supermartingale that starts at 1. Hence it reaches ``1/a`` within the year with a chance of at most ``a``,
however often somebody looks (Ville 1939). Ratios as in Wald (1945, Annals of Mathematical Statistics 16:117); sums over
unknown start days as in Shin, Ramdas and Rinaldo (2024, E-detectors, New England Journal of Statistics in Data Science
2:229). After ``T`` looks all is forgotten and a new year starts.

Half of a stream's error pays for the looks, the other half for the reference, which is a sample too. Where days differ
the ratios are those of what a look shows beyond what the looks before it let expect (``stats.days``).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Any, Literal, NamedTuple

from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.days import Days, Trace, followed
from govkit.stats.inputs import count
from govkit.stats.proportions import clopper_pearson

MEAN_GAPS = (0.02, 0.03, 0.05, 0.08, 0.12, 0.18, 0.27, 0.4)
"""Changes of a mean, beyond the limit, in standard deviations of the reference."""

RATE_GAPS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1)
"""Changes of a share, beyond the tolerance."""

NONE = -1000.0
"""Logarithm of a weight of 0; minus infinity is no JSON."""

EDGE = 1e-9
"""Shares are kept this far from 0 and 1, where no smaller or larger one could be the alternative."""

SMOOTHEST = 1e8
"""Day effects of a share that are smaller count as this many pseudo-rows, for the sake of the last digits."""


class Look(NamedTuple):
    """What one look at one stream showed.

    Attributes:
        value: For ``MeanStream`` the mean of the rows, from that of the reference, in its standard deviations; for
            ``RateStream`` the number of rows that count.
        rows: Rows of the look. A look without rows changes nothing.
        season: How far values usually lie from the mean of the year at that time of the year; of a count, its share.
    """

    value: float
    rows: int
    season: float = 0.0


@dataclass(frozen=True)
class StreamState:
    """All that a stream remembers; ``StreamState(**dataclasses.asdict(state))`` is the same, by way of JSON too.

    Attributes:
        log_weights: Natural logarithm of the weight of each change, ``(changes,)``.
        log_alarm: Logarithm of the evidence at which the alarm is raised.
        looks: Looks with rows, since the start of the stream.
        rows: Rows, since the start of the stream.
        trace: Means and then variances of what the looks let expect of the next day, one for each direction; empty
            where days tell nothing of each other.
    """

    log_weights: tuple[float, ...]
    log_alarm: float
    looks: int = 0
    rows: int = 0
    trace: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "log_weights", tuple(self.log_weights))
        object.__setattr__(self, "trace", tuple(self.trace))

    @property
    def log_evidence(self) -> float:
        """Natural logarithm of the mean weight of this year's looks."""
        most = max(self.log_weights)
        return most + math.log(sum(math.exp(each - most) for each in self.log_weights) / len(self.log_weights))

    @property
    def evidence(self) -> float:
        """Mean weight of this year's looks, 0 or more, cut at 1e300: without a change it is at most 1 on average."""
        return min(math.exp(min(self.log_evidence, 700.0)), 1e300)

    @property
    def alarm(self) -> bool:
        """Has the stream changed, as of the last look?"""
        return self.log_evidence >= self.log_alarm


def advance(log_weights: Array, log_ratios: Array, looks_a_year: int) -> Array:
    """Weights after one more look; shapes ``(..., changes)``, natural logarithms."""
    return np.logaddexp(log_weights, -math.log(looks_a_year)) + log_ratios


def season_error(error: float, variance: float) -> float:
    """How far a wave of a year, fitted to a reference, may be wrong on any day, its mean included.

    The mean has this variance and sine and cosine twice as much each; by Cauchy and Schwarz over the three.
    """
    from scipy.special import chdtri

    return math.sqrt(3 * float(chdtri(3, error)) * variance)


@dataclass(frozen=True, kw_only=True)
class _Stream(ABC):
    """What is common to all streams.

    Attributes:
        alpha: Chance of any false alarm in a year, over all streams together, in (0, 1).
        streams: Streams that are watched at once, 1 or more; each may use ``alpha / streams``.
        looks_a_year: Looks after which the stream starts afresh.
        reference_rows: Rows of the reference, above 0.
        day_sd: Standard deviation of the true value between days, in the units of the value (see ``possible_days``).
        correlation: Autocorrelation of the true value from one look to the next, in [0, 1).
        reference_days: Days that the reference is spread over; matters only with a day effect.
        seasonal: Whether the season of the reference is taken off the looks, which has its own error.
    """

    reference_rows: float
    day_sd: float = 0.0
    correlation: float = 0.0
    reference_days: int = 1
    seasonal: bool = False
    alpha: float = 0.05
    streams: int = 1
    looks_a_year: int = 365

    def __post_init__(self) -> None:
        if not (0 < self.alpha < 1 and self.reference_rows > 0 and 0 <= self.day_sd < math.inf):
            raise ValueError(
                f"alpha {self.alpha} must lie in (0, 1), reference_rows {self.reference_rows} above 0, "
                f"day_sd {self.day_sd} at 0 or above"
            )
        if not 0 <= self.correlation < 1:
            raise ValueError(f"correlation is {self.correlation}; expected 0 or more and less than 1")
        if min(self.streams, self.looks_a_year, self.reference_days) < 1:
            raise ValueError("streams, looks_a_year and reference_days must be at least 1")

    @property
    def days(self) -> Days:
        """How days differ."""
        return Days(self.day_sd, self.correlation)

    @property
    def day_error(self) -> float:
        """Variance of the mean of the reference by its days."""
        return self.day_sd**2 * self.days.inflation / self.reference_days

    @property
    def error(self) -> float:
        """Chance of a false alarm of this stream in a year: half for the looks, half for the reference."""
        return self.alpha / self.streams

    @abstractmethod
    def after(self, look: Look, trace: Trace | None = None) -> tuple[Array, Trace]:
        """What a look says of each change, and what it lets expect of the next one.

        Args:
            look: Its value and rows, above 0, may be arrays of any shape.
            trace: What the looks before it let expect, ``(..., directions)``; None for the first.

        Returns:
            Natural logarithms of the likelihood ratios, shape ``(..., changes)``, and the trace after the look.
        """

    def log_ratios(self, values: Any, rows: Any) -> Array:
        """What looks say of each change, each taken for the first.

        Args:
            values: As in ``Look``, any shape.
            rows: Rows of each look, above 0; broadcasts with ``values``.

        Returns:
            Natural logarithms, shape ``(..., changes)``.
        """
        return self.after(Look(values, rows))[0]

    def start(self) -> StreamState:
        """The state before the first look."""
        return StreamState((NONE,) * self.log_ratios(0, 1).size, math.log(2 / self.error))

    def update(self, state: StreamState, look: Look) -> StreamState:
        """The state after one more look. The same look given twice counts twice.

        Raises:
            ValueError: If the look is impossible, or the state is that of another kind of stream.
        """
        if count("the number of rows", look.rows) == 0:
            return state
        self._check(look)
        trace = Trace(*np.split(np.array(state.trace), 2)) if state.trace else None
        ratios, trace = self.after(look, trace)
        if ratios.size != len(state.log_weights):
            raise ValueError(f"the state weighs {len(state.log_weights)} changes; this stream weighs {ratios.size}")
        fresh = state.looks % self.looks_a_year == 0
        weights = np.full(ratios.size, NONE) if fresh else np.array(state.log_weights)
        weights = advance(weights, ratios, self.looks_a_year)
        alarm, kept = math.log(2 / self.error), (*trace.mean.tolist(), *trace.variance.tolist())
        trail = kept if self.correlation else ()
        return StreamState(tuple(weights.tolist()), alarm, state.looks + 1, state.rows + int(look.rows), trail)

    def _first(self, sides: int) -> Trace:
        """What is expected of the first day."""
        return Trace(np.zeros(sides), np.full(sides, self.day_sd**2))

    def _check(self, look: Look) -> None:
        if not math.isfinite(look.value):
            raise ValueError(f"the value of the look is {look.value}; expected a number")


@dataclass(frozen=True, kw_only=True)
class MeanStream(_Stream):
    """Means of looks, in standard deviations of the reference: more than ``limit`` away, on either side?

    A row is taken to vary about as in the reference (variance 1), and the mean of a look to be normal. On mid-ranks
    (``rank_shift``) an unchanged column of whatever form keeps to that exactly: mid-ranks spread no more than a uniform
    variable, whose exponential moments lie below those of a normal one of the same variance.

    Attributes:
        limit: Change that is tolerated, in standard deviations, 0 or more.
    """

    limit: float = 0.0

    @cached_property
    def boundary(self) -> float:
        """Largest distance from the mean of the reference that is still no change."""
        z = NormalDist().inv_cdf(1 - self.error / 4)
        usual = z * math.sqrt(1 / self.reference_rows + self.day_error)
        return self.limit + (
            season_error(self.error / 2, self.day_error + 1 / self.reference_rows) if self.seasonal else usual
        )

    def after(self, look: Look, trace: Trace | None = None) -> tuple[Array, Trace]:
        """Log-likelihood ratios, normal; the upward changes first."""
        mean, n = (np.asarray(part, dtype=np.float64)[..., None] for part in (look.value, look.rows))
        trace = self._first(2) if trace is None else trace
        beyond = np.array([1.0, -1.0]) * (mean - look.season) - self.boundary
        kept, later = followed(beyond, 1 / n, trace, self.days)
        gaps = np.array(MEAN_GAPS) * kept[..., None]
        spread = (1 / n + trace.variance)[..., None]
        ratios = ((beyond - trace.mean)[..., None] - gaps / 2) * gaps / spread
        return ratios.reshape((*ratios.shape[:-2], -1)), later


@dataclass(frozen=True, kw_only=True)
class RateStream(_Stream):
    """Counts of looks: accuracy that falls, a category that grows rarer or more frequent, categories never seen.

    Binomial; with a day effect beta-binomial.

    Attributes:
        reference_count: Rows of the reference that count.
        tolerance: Change of the share that is tolerated, 0 or more.
        direction: Which change raises the alarm: ``down``, ``up`` or ``both``.
    """

    reference_count: float
    tolerance: float = 0.0
    direction: Literal["down", "up", "both"] = "down"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.reference_count <= self.reference_rows:
            raise ValueError(f"reference_count is {self.reference_count}; expected 0 to {self.reference_rows}")

    @cached_property
    def nulls(self) -> tuple[float, float]:
        """Lowest and highest share that are still no change; only that of the direction is used."""
        k, n = self.reference_count, self.reference_rows
        share = (k + 0.5) / (n + 1)
        # Rows of one day are worth less than as many of different days.
        design = 1 + n * self.day_error / (share * (1 - share))
        alpha = self.error / (4 if self.direction == "both" else 2)
        low, high = (
            float(end) for end in clopper_pearson(*(np.asarray(part) for part in (k / design, n / design, alpha)))
        )
        if self.seasonal:
            away = season_error(2 * alpha, share * (1 - share) * design / n)
            low, high = min(low, share - away), max(high, share + away)
        ends = np.clip((low - self.tolerance, high + self.tolerance), EDGE, 1 - EDGE)
        return float(ends[0]), float(ends[1])

    def after(self, look: Look, trace: Trace | None = None) -> tuple[Array, Trace]:
        """Log-likelihood ratios, binomial or beta-binomial; the downward changes first."""
        k, n = (np.asarray(part, dtype=np.float64)[..., None] for part in (look.value, look.rows))
        # A share that rises is the share of the other rows that falls.
        sides = {"down": [0], "up": [1], "both": [0, 1]}[self.direction]
        falls = np.concatenate([k, n - k], axis=-1)[..., sides]
        usual = np.array([self.nulls[0] + look.season, 1 - self.nulls[1] - look.season])[sides]
        usual = np.clip(usual, EDGE, 1 - EDGE)
        trace = self._first(len(sides)) if trace is None else trace
        kept, later = followed(usual - falls / n, usual * (1 - usual) / n, trace, self.days)
        null = np.maximum(usual - trace.mean, EDGE)[..., None]
        others = np.maximum(null - np.array(RATE_GAPS) * kept[..., None], null / 10)
        ratios = self._ratios(falls[..., None], n[..., None], null, others, np.asarray(trace.variance)[..., None])
        return ratios.reshape((*ratios.shape[:-2], -1)), later

    def _ratios(self, k: Array, n: Array, null: Array, others: Array, variance: Array) -> Array:
        """Ratios of smaller shares against ``null``, shape ``(..., directions, changes)``."""
        from scipy.special import betaln

        if self.day_sd == 0:
            return np.asarray(k * np.log(others / null) + (n - k) * np.log((1 - others) / (1 - null)))
        size = np.clip(null * (1 - null) / variance - 1, 1.0, SMOOTHEST)

        def likelihood(share: Any) -> Any:
            a, b = size * share, size * (1 - share)
            return betaln(k + a, n - k + b) - betaln(a, b)

        return np.asarray(likelihood(others) - likelihood(null))

    def _check(self, look: Look) -> None:
        count("the value of the look", look.value, most=look.rows)
