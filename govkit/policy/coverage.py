"""``govkit policy coverage``: the 72 subcategories of the NIST AI RMF, each with its state. No percentage, no grade."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from govkit.core import Control, Coverage, Finding, Gap, Policy, Ruling
from govkit.core.verdict import Cell, CellState
from govkit.policy.standards import Subcategory, subcategories

_UNMET = frozenset({"fail", "error", "missing", "unsupported"})


def coverage(policy: Policy, rulings: Sequence[Ruling], findings: Sequence[Finding]) -> Coverage:
    """Counts of states, measurements and gaps, and the 72 cells."""
    controls = {control.id: control for control in policy.controls}
    cited: dict[str, list[tuple[Control, Ruling]]] = {}
    for ruling in rulings:
        control = controls[ruling.control]
        for name in dict.fromkeys(control.rmf):
            cited.setdefault(name, []).append((control, ruling))
    gaps = sum(isinstance(finding, Gap) for finding in findings)
    return Coverage(
        controls=dict(sorted(Counter(ruling.state for ruling in rulings).items())),
        findings=len(findings) - gaps,
        gaps=gaps,
        cells=tuple(_cell(each, cited.get(each.id, [])) for each in subcategories().values()),
    )


def reach(policy: Policy) -> Coverage:
    """What a policy could show at most: its coverage if every control were met."""
    met = [
        Ruling(control=each.id, state="pass", severity=each.severity, disposition="ignore", reason="if it is met")
        for each in policy.controls
    ]
    return coverage(policy, met, ())


def table(found: Coverage) -> tuple[dict[str, Any], ...]:
    """A row for each of the 72: ``function``, ``id``, ``says``, the evidence it ``wants``, ``state``, ``controls``."""
    known = subcategories()
    return tuple(
        {
            "function": cell.id.split()[0],
            "id": cell.id,
            "says": known[cell.id].says,
            "wants": known[cell.id].evidence,
            "state": cell.state,
            "partly": cell.partly,
            "controls": list(cell.controls),
        }
        for cell in found.cells
    )


def _cell(outcome: Subcategory, cited: Sequence[tuple[Control, Ruling]]) -> Cell:
    names = tuple(control.id for control, _ in cited)
    applicable = [(control, ruling) for control, ruling in cited if ruling.state != "not_applicable"]
    if not applicable:
        return Cell(id=outcome.id, state="not_applicable" if cited else "open", controls=names)
    rulings = [ruling for _, ruling in applicable]
    if any(ruling.state in _UNMET and not ruling.waived for ruling in rulings):
        return Cell(id=outcome.id, state="failed", controls=names)
    if any(ruling.waived for ruling in rulings):
        return Cell(id=outcome.id, state="excepted", controls=names)
    if any(ruling.state == "inconclusive" for ruling in rulings):
        return Cell(id=outcome.id, state="inconclusive", controls=names)
    return _evidenced(outcome, [control for control, _ in applicable], names)


def _evidenced(outcome: Subcategory, controls: Sequence[Control], names: tuple[str, ...]) -> Cell:
    """All controls pass. The standard file caps what that may claim.

    A passing check on an outcome that needs a signed statement leaves it open and partly spoken to.
    """
    measured = {control.check for control in controls if control.check is not None}
    signed = {control.attest.kind for control in controls if control.attest is not None}
    state: CellState = "open"
    if outcome.evidence == "organisational":
        state = "linked"
    elif outcome.evidence == "automated" and measured:
        state = "evidenced_automatic"
    elif signed:
        state = "evidenced_by_document"
    partly = outcome.strength != "direct" or len(measured) + len(signed) < len(outcome.listed)
    return Cell(id=outcome.id, state=state, partly=partly, controls=names)
