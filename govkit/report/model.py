"""The report model: a bundle with its rulings joined to the controls and the findings they rest on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from govkit.core import Control, Gap, Measurement, Of, Role, Ruling
from govkit.core.policy import RANK
from govkit.report.read import Judgement, Sources
from govkit.report.said import said
from govkit.report.words import catalog, family, word

SEVERITIES = ("info", "low", "medium", "high", "critical")
FREE = ("pass", "not_applicable")
GROUP_RATES = ("selection_rate", "true_positive_rate", "false_positive_rate")
GROUP_DIFFERENCES = tuple(f"{name}_difference" for name in GROUP_RATES)
CURVE = "smooth_observed"
DIAGRAM = ("bin_confidence", "bin_observed", CURVE)
"""What is said of a place in the reliability diagram, not of the model."""


@dataclass(frozen=True)
class Entry:
    """A ruling and the control that it is about (None where the policy file lacks it)."""

    ruling: Ruling
    control: Control | None

    @property
    def open(self) -> bool:
        """Whether something is left to do."""
        return self.ruling.state not in FREE

    @property
    def weight(self) -> tuple[bool, bool, int, int]:
        """Sorts open points: what failed first, of these what has the harder consequence; waived ones last."""
        ruling = self.ruling
        consequence = (-RANK[ruling.disposition], -SEVERITIES.index(ruling.severity))
        return (ruling.waived, ruling.state != "fail", *consequence)

    @property
    def advice(self) -> str:
        """What to do next: the policy's own words, else the catalog's."""
        own = said(self.control.advice) if self.control else ""
        return own or word("advice", self.ruling.state)

    @property
    def next_step(self) -> str:
        """What to do next for a reader: first of all supply what was not measured, or the rows that are lacking."""
        control, first = self.control, word("advice", self.ruling.state)
        numeric = control is not None and control.require is not None and control.require.equals is None
        if not numeric or not self.advice or self.advice == first:
            return self.advice
        if self.ruling.state in ("missing", "unsupported") or self._lacks_rows:
            return f"{first} {word('advice', 'then')} {self.advice[:1].lower()}{self.advice[1:]}"
        return self.advice

    @property
    def _lacks_rows(self) -> bool:
        """Whether more rows would settle it, and no value is seen to lie beyond the limit."""
        reason = self.ruling.reason
        few = "rows would settle it" in reason or "too few rows: " in reason
        return self.ruling.state == "inconclusive" and few and "beyond the limit" not in reason


@dataclass(frozen=True)
class Rulings:
    """The rulings of a verdict beside the controls and the findings that they rest on."""

    sources: Judgement

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Rulings with their controls, in the order of the verdict."""
        controls = {control.id: control for control in self.sources.policy.controls}
        return tuple(Entry(ruling, controls.get(ruling.control)) for ruling in self.sources.verdict.rulings)

    def confidence(self, control: Control) -> float:
        """The one-sided level at which a control is judged."""
        return control.confidence or self.sources.policy.decision.confidence

    @cached_property
    def open_points(self) -> tuple[Entry, ...]:
        """What is not settled, the most important first."""
        return tuple(sorted((entry for entry in self.entries if entry.open), key=lambda entry: entry.weight))

    def limits(self, found: Measurement, *, of: Of | None = None) -> tuple[float, ...]:
        """Limits of the policy for a measurement, or for the same of another model."""
        about = (found.check, found.name, of or found.of, found.compared_with)
        controls = (c for c in self.sources.policy.controls if (c.check, c.metric, c.of, c.compared_with) == about)
        required = [c.require for c in controls if c.require is not None]
        return tuple(sorted({end for r in required for end in (r.min, r.max) if end is not None}))

    @cached_property
    def measurements(self) -> tuple[Measurement, ...]:
        """All measurements."""
        return tuple(f for f in self.sources.findings if isinstance(f, Measurement))


@dataclass(frozen=True)
class Report(Rulings):
    """Everything a document may show."""

    sources: Sources

    @property
    def name(self) -> str:
        """Name of what was audited."""
        run = self.sources.run
        subject = self.sources.measured.get("subject") or {}
        return (
            self.sources.audit.name
            or (run.name if run else "")
            or str(subject.get("name") or catalog()["absent"]["model"])
        )

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """All gaps."""
        return tuple(f for f in self.sources.findings if isinstance(f, Gap))

    @cached_property
    def _index(self) -> dict[tuple[object, ...], Measurement]:
        index: dict[tuple[object, ...], Measurement] = {}
        for found in self.measurements:
            part = tuple(sorted(found.part.items()))
            index.setdefault((found.name, found.of, found.compared_with, part, _role(found)), found)
        return index

    def find(
        self,
        name: str,
        *,
        of: Of = "candidate",
        compared_with: Of | None = None,
        part: dict[str, str] | None = None,
    ) -> Measurement | None:
        """The first measurement of this name about this model on these test rows, or None."""
        return self._index.get((name, of, compared_with, tuple(sorted((part or {}).items())), "test"))

    def family(self, name: str) -> Iterator[Measurement]:
        """Measurements of the checks that belong to one section."""
        return (found for found in self.measurements if family(found.check) == name)

    @cached_property
    def compared_columns(self) -> tuple[str, ...]:
        """Declared group columns by which something was measured, whatever the measure."""
        parts = {column for found in self.measurements if family(found.check) != "scope" for column in found.part}
        return tuple(column for column in self.sources.audit.columns.groups if column in parts)

    def bins(self, of: Of) -> tuple[tuple[Measurement, Measurement], ...]:
        """Bins of the reliability diagram: stated probability and observed share."""
        pairs = ((self.find("bin_confidence", of=of, part=m.part), m) for m in self._diagram("bin_observed", of))
        return tuple((stated, found) for stated, found in pairs if stated is not None)

    def curve(self, of: Of) -> tuple[tuple[float, Measurement], ...]:
        """Smooth line of the reliability diagram: stated probability, ascending, and observed share."""
        points = ((_probability(found.part.get("bin", "")), found) for found in self._diagram(CURVE, of))
        return tuple(sorted(((place, m) for place, m in points if place is not None), key=lambda point: point[0]))

    def _diagram(self, name: str, of: Of) -> Iterator[Measurement]:
        """What is said of the places in the reliability diagram of a model on the test rows."""
        about = (name, of, None, "test")
        return (m for m in self.measurements if (m.name, m.of, m.compared_with, _role(m)) == about)


def _probability(text: str) -> float | None:
    """A number from 0 to 1, or None for any other text."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number <= 1 else None


def _role(found: Measurement) -> Role:
    return found.data.role if found.data else "test"
