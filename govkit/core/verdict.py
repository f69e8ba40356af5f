"""Rulings and the verdict over them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from govkit.core.recorded import Long, Recorded
from govkit.core.words import Disposition, Outcome, Severity, State

BY_FILE = "the findings came as a file that no measurer signed; nothing shows that they are what was measured"
"""What a verdict says of findings that nobody vouches for."""

EXIT_CODE: dict[Outcome, int] = {"PASS": 0, "PASS_WITH_EXCEPTIONS": 0, "REVIEW": 3, "BLOCK": 1}

CellState = Literal[
    "failed",
    "excepted",
    "inconclusive",
    "evidenced_automatic",
    "evidenced_by_document",
    "linked",
    "open",
    "not_applicable",
]


class PartRuling(Recorded):
    """The state of a control on one part of the rows; ``finding`` is its index in the findings, -1 for none."""

    part: dict[str, str]
    state: State
    finding: int
    reason: str = ""


class Ruling(Recorded):
    """The state of one control.

    Attributes:
        control: Id of the control.
        title: What was asked.
        check: Name of the check; None for an attestation.
        metric: Name of the metric; None for an attestation.
        state: One of seven.
        severity: Of the control.
        disposition: What the policy says follows from the state.
        waived: True where a valid waiver covers it.
        reason: A sentence: what was found beside what was required.
        parts: The state on each part, and the finding it rests on.
    """

    control: str
    title: str = ""
    check: str | None = None
    metric: str | None = None
    state: State
    severity: Severity
    disposition: Disposition
    waived: bool = False
    reason: str
    parts: Long[PartRuling] = ()


class Cell(Recorded):
    """One subcategory of the RMF: its state, and the controls that cite it.

    ``partly`` marks evidence that speaks to a part of the outcome only.
    """

    id: str
    state: CellState
    partly: bool = False
    controls: tuple[str, ...] = ()


class Coverage(Recorded):
    """What the verdict rests on and what it does not. Counts, never a percentage.

    Attributes:
        controls: State -> number of controls.
        findings: Number of measurements.
        gaps: Number of gaps.
        cells: The 72 subcategories.
    """

    controls: dict[State, int]
    findings: int
    gaps: int
    cells: Long[Cell]


class ResidualRisk(Recorded):
    """A declared risk after the controls: ``inherent`` and ``residual`` level, and why."""

    id: str
    description: str
    inherent: Literal["low", "medium", "high", "very high"]
    residual: Literal["low", "medium", "high", "very high"]
    measured: bool
    reason: str


class Verdict(Recorded):
    """The judgement: worst disposition over all rulings, with its coverage.

    ``subject`` is the digest of what was judged, ``policy`` the digest of the resolved policy, ``as_of`` the UTC time
    that judging took as now (ISO 8601).
    """

    outcome: Outcome
    rulings: Annotated[Long[Ruling], Field(min_length=1)]
    coverage: Coverage
    risks: Long[ResidualRisk] = ()
    subject: str
    policy: str
    as_of: str
    enforced: bool = True
    notices: Long[str] = ()

    @property
    def exit_code(self) -> int:
        """0 pass, 1 block, 3 review: what a gate answers (0 when evaluated without enforcing)."""
        return EXIT_CODE[self.outcome] if self.enforced else 0
