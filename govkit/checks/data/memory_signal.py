"""Memory signal: does the base foretell the test rows better than the same in other words?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from pydantic import PositiveInt

from govkit.checks._shared import missing, stated
from govkit.core import Case, Finding, Interval, Metric, Passes, check
from govkit.core.case import Array
from govkit.core.words import TASKS
from govkit.errors import SubjectError
from govkit.lazy import np
from govkit.subjects.language import LanguageModel, copies, language_kind

NAME = "memory_signal"
FEWEST = 20
"""Pairs below which the interval of a mean says nothing."""


def _extra(case: Case, *, rows: int) -> Passes:
    if _lacking(case) is not None or case.base_path is None:
        return Passes()
    return Passes(forward=2 * len(_drawn(case, rows)) * copies(case.base_path))


@check(
    "memory_signal",
    crosswalk="check.contamination",
    tasks=TASKS,
    extra=_extra,
    metrics={
        NAME: Metric(
            "Mean loss of the base on paraphrases minus its loss on the test rows themselves, paired. A hint that it "
            "has seen the rows, never proof; without bounds, so that it satisfies no limit.",
            unit="nats a token",
        )
    },
)
def memory_signal(case: Case, *, rows: PositiveInt = 500) -> Iterator[Finding]:
    """Loss of the base on the test rows beside its loss on paraphrases of them (``columns.paraphrase``).

    A model that has learned a text by heart finds the same in other words less likely. So does any model where the
    paraphrases are clumsier, rarer in style or made by another model than the rows: the number is a hint for the
    reader, never proof, and a value near 0 does not clear the base. Compare it with the same number for rows that are
    surely newer than the base, paraphrased alike. A base that holds its language-model head as safetensors is asked;
    the loss of a masked one is over tokens masked eight at a time apart, a pseudo-loss.

    Args:
        case: Test data with paraphrases, and the folder of the base.
        rows: Most rows, drawn at random among those with a paraphrase.
    """
    data, lacking = case.data["test"], _lacking(case)
    drawn = _drawn(case, rows) if lacking is None else []
    if lacking is not None or case.base_path is None or len(drawn) < FEWEST:
        few = f"{len(drawn)} rows have a paraphrase; at least {FEWEST} are needed."
        yield missing(NAME, "no data" if lacking else "too few rows", lacking or few, data=data, of="base")
        return
    cells = data.table[case.column["paraphrase"]]
    try:
        base = LanguageModel(case.base_path, case.passes)
        before = case.passes.forward
        own, other = (
            base.losses(texts)
            for texts in ([data.inputs[at] for at in drawn], [str(cells[int(at)].as_py()) for at in drawn])
        )
    except SubjectError as error:
        yield missing(NAME, "unsupported", f"The base cannot be asked: {error}", data=data, of="base")
        return
    change = other - own
    change = change[np.isfinite(change)]
    if len(change) < FEWEST:
        yield missing(NAME, "too few rows", f"{len(change)} rows have tokens enough.", data=data, of="base")
        return
    half = 1.96 * float(change.std(ddof=1)) / math.sqrt(len(change))
    value = float(change.mean())
    interval = Interval(level=0.95, low=value - half, high=value + half, method="normal, paired")
    spent = {"forward": case.passes.forward - before, "backward": 0}
    yield stated(NAME, value, len(change), data, of="base", interval=interval, passes=spent)


def _lacking(case: Case) -> str | None:
    """What is not there to be compared."""
    data, column = case.data["test"], case.column.get("paraphrase")
    if column is None:
        return "No column of paraphrases of the test rows is named (columns.paraphrase in the audit file)."
    if column not in data.table.column_names:
        return f"The test data have no column {column!r}, which columns.paraphrase names."
    if not isinstance(data.inputs, Sequence):
        return "The test data hold no texts."
    if case.base_path is None or language_kind(case.base_path) is None:
        return "There is no folder of a base that was saved with a language-model head (base in the audit file)."
    return None


def _drawn(case: Case, rows: int) -> Array:
    """Places of the rows that are asked, sorted."""
    cells = case.data["test"].table[case.column["paraphrase"]].to_pylist()
    held = np.flatnonzero([cell is not None and bool(str(cell).strip()) for cell in cells])
    return held if len(held) <= rows else np.sort(np.random.default_rng(case.seed).choice(held, rows, replace=False))
