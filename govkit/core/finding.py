"""Findings: what a check measured, or why it could not."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr

from govkit.core.recorded import Recorded
from govkit.core.words import Better, GapReason, Of, Role, Trust

LEVELS = (0.90, 0.95, 0.975, 0.99, 0.995, 0.999, 0.9995, 0.9998, 0.9999)
"""One-sided confidence levels stored with every measurement, so that a judge needs no statistics."""

MOST_ROWS = 100
"""Rows that a finding names at most; its value counts all of them."""

Value = StrictBool | StrictInt | StrictFloat | StrictStr
Params = dict[str, Any]


class Interval(Recorded):
    """Two-sided interval, for the reader. ``level`` is in (0, 1); ``method`` names the formula."""

    level: float
    low: float
    high: float
    method: str


class Bound(Recorded):
    """One-sided bounds at ``level``: the truth is >= ``low``, and it is <= ``high``, each with that confidence."""

    level: float
    low: float
    high: float


class DataRef(Recorded):
    """The rows that were measured: their role and the digest of their content, ``sha256:<hex>``."""

    role: Role
    digest: str


class Measurement(Recorded):
    """A value with its uncertainty.

    Attributes:
        check: Name of the check. ``measure()`` stamps it, with ``params``, ``better`` and ``seed``.
        params: Every parameter of the check, defaults included.
        name: Name of the metric, one of those that the check declares.
        of: Whose value it is.
        compared_with: If set, the value is the paired difference ``of`` − ``compared_with``.
        value: A number, a word or a truth.
        unit: For example ``"share"``, ``"rows"``, ``"nats"``; empty for words.
        n: Rows that carry the value.
        clusters: Clusters that these rows lie in, where rows belong together and the bounds respect it.
        interval: Two-sided interval for the reader.
        bounds: One-sided bounds at ``LEVELS`` for the judge; empty where none can be given.
        part: Which rows, for example ``{"sex": "female"}``; empty means all of them.
        better: Direction of improvement, if there is one.
        data: Which rows, by digest.
        trust: Trust state of an attack's result.
        seed: Seed of the randomness used, as text; empty if there was none.
        passes: Model passes spent on it beyond the shared predictions, ``{"forward": rows, "backward": rows}``.
        rows: Names of the rows that were counted, at most ``MOST_ROWS``: their declared id, else their place in the
            file, ``row 17`` counted from 1. Never what stands in them.
        mirrored: One of two groups, each less the other: both findings are one comparison, seen from both sides.
    """

    kind: Literal["measurement"] = "measurement"
    check: str = ""
    params: Params = {}
    name: str
    of: Of = "candidate"
    compared_with: Of | None = None
    value: Value
    unit: str = ""
    n: Annotated[int, Field(ge=0)]
    clusters: Annotated[int, Field(ge=1)] | None = None
    interval: Interval | None = None
    bounds: tuple[Bound, ...] = ()
    part: dict[str, str] = {}
    better: Better | None = None
    data: DataRef | None = None
    trust: Trust | None = None
    seed: str = ""
    passes: dict[str, int] | None = None
    rows: Annotated[tuple[str, ...], Field(max_length=MOST_ROWS)] = ()
    mirrored: bool = False

    @property
    def is_number(self) -> bool:
        """False for a word and for a truth."""
        return not isinstance(self.value, bool | str)


class Gap(Recorded):
    """Something that was asked for and not measured. A gap never passes.

    Attributes:
        name: The metric that is missing, or ``"*"`` for all of the check's metrics.
        reason: One of five words.
        detail: A sentence for the reader: what was found, what would be needed.
    """

    kind: Literal["gap"] = "gap"
    check: str = ""
    params: Params = {}
    name: str = "*"
    of: Of = "candidate"
    compared_with: Of | None = None
    part: dict[str, str] = {}
    data: DataRef | None = None
    reason: GapReason
    detail: str = ""


Finding = Annotated[Measurement | Gap, Field(discriminator="kind")]


def exact(value: float) -> tuple[Interval, tuple[Bound, ...]]:
    """Interval and bounds of a number that was counted, not estimated: zero width at every level."""
    interval = Interval(level=0.95, low=value, high=value, method="exact count")
    return interval, tuple(Bound(level=level, low=value, high=value) for level in LEVELS)
