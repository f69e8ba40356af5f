"""Attacks on tables: does the answer survive what could really be different in a row?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field, PositiveInt

from govkit.attacks import Feasible, Moved, feasible
from govkit.attacks.feasible import frame_of
from govkit.checks._attacked import Sample, beside_base, rows_of, sample_of, share, subjects_of
from govkit.checks._feasible import rules_of
from govkit.checks._shared import measured, missing, named_rows, stated
from govkit.core import Case, Finding, Measurement, Metric, Of, Passes, check
from govkit.core.case import Array
from govkit.core.words import Trust
from govkit.lazy import np
from govkit.stats import paired_difference

Budget = Annotated[float, Field(gt=0, le=1e6)]

FEASIBLE = "feasible_accuracy"
DROP = "feasible_accuracy_drop"
COST = "breaking_cost"
COLUMN = "breaking_share"
OUTSIDE = "impossible_rows"


def _extra(case: Case, *, rows: int, edits: int, tries: int, base: bool, **_: Any) -> Passes:
    """Most passes: what breaks early costs less."""
    n = min(rows, len(case.data["test"])) if case.modality == "table" else 0
    # Two more for each row: as it was and as it ended, asked again in other company.
    return Passes(forward=n * (edits * (tries + 1) + 2) * len(list(subjects_of(case, base=base))))


@check(
    "table_attacks",
    crosswalk="check.adversarial",
    needs={"inputs"},
    reads=(("candidate", "test"), ("base", "test")),
    extra=_extra,
    metrics={
        "clean_accuracy": Metric.share("Accuracy on the attacked rows without an attack.", better="higher"),
        FEASIBLE: Metric.share("Accuracy after the worst feasible changes found within the budget.", better="higher"),
        DROP: Metric.share("Clean accuracy minus accuracy after feasible changes.", better="lower"),
        COST: Metric(
            "Median cost of the changes that broke a row, in standard deviations where no cost is declared.",
            better="higher",
            low=0,
        ),
        COLUMN: Metric.share("Share of the broken rows in which a column was changed."),
        OUTSIDE: Metric("Rows that break the declared rules already; they were not attacked.", better="lower", low=0),
    },
)
def table_attacks(
    case: Case,
    *,
    rows: PositiveInt = 64,
    budget: Budget = 1.0,
    edits: PositiveInt = 3,
    tries: PositiveInt = 16,
    base: bool = True,
) -> Iterator[Finding]:
    """Feasible changes of a row that change the answer, on the first rows in canonical order.

    Changed are columns that are neither protected attributes nor declared immutable (``feasible`` in the audit file),
    to values that the data hold, so that types, ranges and sets of 0 and 1 stay possible; declared relations hold in
    every row that is asked about. The search only asks for answers, so that trees and closed models are attacked alike.
    The accuracy is an upper bound: a row that stands may still break under a change that was not tried.

    Args:
        case: The candidate, and the base beside it.
        rows: Rows to attack.
        budget: Largest cost of the changes of one row: a change of a number by one standard deviation costs 1, and so
            does another category, where the audit file names no cost.
        edits: Most columns changed in one row.
        tries: Most changes tried for each.
        base: Attack the base too.
    """
    data = case.data["test"]
    if case.modality != "table":
        why = "Feasible changes are those of a table; the checks adversarial and text_attacks try other inputs."
        yield missing(FEASIBLE, "unsupported", why, data=data)
        return
    survivors: dict[tuple[str, Of], tuple[Array, Trust | None]] = {}
    rules = rules_of(case, budget)
    for of, subject in subjects_of(case, base=base):
        sample = sample_of(case, of, subject, rows)
        possible = None if sample is None else _possible(sample, rules)
        lacking = _lacking(sample, possible, rules)
        if sample is None or possible is None or lacking is not None:
            yield from (missing(name, "no data", lacking or "", data=data, of=of) for name in (FEASIBLE, DROP))
            continue
        attacked = (sample.right & possible).nonzero()[0]
        labels, seeds = sample.own_labels[attacked].tolist(), [sample.seeds[row] for row in attacked]
        frame = rows_of(sample.inputs, attacked)
        moved = feasible(subject.predict, frame, labels, rules, seeds=seeds, edits=edits, tries=tries)
        if not any(moved.tried):
            why = "No feasible change fits into the budget in any row that is answered rightly."
            yield from (missing(name, "no data", why, data=data, of=of) for name in (FEASIBLE, DROP))
            continue
        kept = sample.right.copy()
        kept[attacked] = [not broken for broken in moved.broken]
        trust = _trust(sample, frame, moved, labels)
        survivors[FEASIBLE, of] = kept[possible], trust
        yield from _findings(sample, kept, possible, moved, trust)
        yield from _explained(sample, frame, moved, rules)
    yield from beside_base(survivors, data)


def _lacking(sample: Sample | None, possible: Array | None, rules: Feasible) -> str | None:
    """Why no row can be attacked, if so."""
    if sample is None or possible is None:
        return "There are no answers to the test data."
    if not rules.moves:
        return "Nothing may change: every input is a protected attribute, immutable, or holds one value."
    if not possible.any():
        return "Every attacked row breaks the declared rules as it is; correct feasible in the audit file."
    return None


def _trust(sample: Sample, frame: Any, moved: Moved, labels: list[int]) -> Trust:
    """Suspect where the rows, as they were and as they ended, are answered otherwise when asked again in other company.

    What breaks a row may then be chance, and what does not may be a model that knows an attack by its company. Not
    evaluated where less than half of the rows could be changed at all.
    """
    ended = frame_of(frame, moved.rows)[::-1]
    again = np.asarray(sample.subject.predict(sample.inputs)).argmax(axis=1)
    then = np.asarray(sample.subject.predict(ended))[::-1]
    broken = (then.argmax(axis=1) != np.array(labels)) | ~np.isfinite(then).all(axis=1)
    same = ((again == sample.own_labels) == sample.right).all() and (broken == np.array(moved.broken)).all()
    few = np.count_nonzero(moved.tried) < len(labels) / 2
    return "suspect" if not same else "not evaluated" if few else "trusted"


def _possible(sample: Sample, rules: Feasible) -> Array:
    """Rows that keep to the rules as they are, truths ``(n,)``; the others cannot be attacked within the rules."""
    return np.array([rules.holds(row) for row in sample.inputs.to_dict("records")], dtype=bool)


def _findings(sample: Sample, kept: Array, possible: Array, moved: Moved, trust: Trust) -> Iterator[Finding]:
    where: dict[str, Any] = {"of": sample.of, "trust": trust}
    passes = {"forward": moved.forward + len(sample) + len(moved.rows), "backward": 0}
    broken = sample.right & ~kept
    yield Measurement(name=OUTSIDE, value=int((~possible).sum()), n=len(kept), of=sample.of, data=sample.data.ref)
    yield measured("clean_accuracy", share(sample.right[possible]), sample.data, of=sample.of)
    names = named_rows(sample.data, np.flatnonzero(broken))
    yield measured(FEASIBLE, share(kept[possible]), sample.data, passes=passes, rows=names, **where)
    drop = paired_difference(int(broken.sum()), 0, int(possible.sum()))
    yield measured(DROP, drop, sample.data, **where)


def _explained(sample: Sample, frame: Any, moved: Moved, rules: Feasible) -> Iterator[Finding]:
    """What it took to break the rows, for the reader."""
    of, data = sample.of, sample.data
    origin = frame.to_dict("records")
    found = [at for at, broken in enumerate(moved.broken) if broken]
    if not found:
        yield missing(COST, "no data", "No row was broken, so that there is no cost of breaking one.", data=data, of=of)
        return
    yield stated(COST, float(np.median([moved.costs[at] for at in found])), len(found), data, of=of)
    for move in rules.moves:
        name = ", ".join(move.columns)
        changed = sum(any(moved.rows[at][each] != origin[at][each] for each in move.columns) for at in found)
        if changed:
            yield stated(COLUMN, changed / len(found), len(found), data, of=of, part={"column": name})
