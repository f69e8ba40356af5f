"""Drift: how far do the shifted data lie from the test data?"""

from __future__ import annotations

import operator
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import PositiveInt

from govkit.checks._shared import loading, measured, missing, stated
from govkit.checks._two_sample import METRICS, told_apart
from govkit.checks.data import categories
from govkit.core import Case, Dataset, Finding, Gap, Metric, check
from govkit.core.case import Array, Predictions
from govkit.core.columns import LARGEST
from govkit.core.words import LABEL, TASKS
from govkit.lazy import np, pa, pd
from govkit.stats import jensen_shannon, population_stability, proportion
from govkit.stats.drift import Shift, farthest, middle, variation_shift, wasserstein_shift

BINS = 10
"""Bins of a number for the population stability index: tenths of the reference, as is usual."""

FEWEST = 30
"""Values on either side below which a distance between numbers says nothing."""


@dataclass(frozen=True)
class Column:
    """One column of both data sets; categories with the missing cells as a category of their own.

    Numbers stand without the missing ones and in order: sorting once pays for every distance.

    Attributes:
        name: Its name.
        kind: ``input``, ``label`` or ``prediction``.
        numeric: Whether its values are numbers with an order.
        reference: Values in the test data.
        current: Values in the shifted data.
        part: The part of its findings.
    """

    name: str
    kind: str
    numeric: bool
    reference: Array
    current: Array
    part: dict[str, str] = field(default_factory=dict)


@check(
    "drift",
    crosswalk="check.drift",
    tasks=TASKS,
    needs={"shifted"},
    # The features of a base come with its answers.
    reads=tuple((of, role) for of in ("candidate", "base") for role in ("test", "shifted")),
    metrics={
        "wasserstein": Metric(
            "Distance of a column of numbers from the test data, in its standard deviations.",
            better="lower",
            unit="standard deviations",
            low=0,
        ),
        "total_variation": Metric.share(
            "Share of rows by which the categories of a column differ from the test data.", better="lower"
        ),
        "label_total_variation": Metric.share("The same for the labels that are categories.", better="lower"),
        "prediction_total_variation": Metric.share("The same for the answers that are categories.", better="lower"),
        "label_wasserstein": Metric(
            "The same for labels that are numbers.", better="lower", unit="standard deviations", low=0
        ),
        "prediction_wasserstein": Metric(
            "The same for answers that are numbers.", better="lower", unit="standard deviations", low=0
        ),
        "column_drift": Metric(
            "Distance of an input from the test data: numbers in standard deviations, categories as a share of rows.",
            better="lower",
            low=0,
        ),
        "worst_column_drift": Metric("The largest of these distances, over all inputs.", better="lower", low=0),
        "psi": Metric("Population stability index of a column.", better="lower", unit="nats", low=0),
        "psi_noise": Metric("What the index would be by chance alone.", unit="nats", low=0),
        "jensen_shannon": Metric(
            "Jensen-Shannon divergence of a column of categories, less its noise.", better="lower", unit="nats", low=0
        ),
        "new_category_rate": Metric.share(
            "Share of shifted rows whose category no test row has, by column.", better="lower"
        ),
        **METRICS,
        "evidently_drifted_columns": Metric(
            "Columns that evidently's default tests call drifted, on a sample.", better="lower", unit="columns", low=0
        ),
    },
)
def drift(case: Case, *, sample: PositiveInt = 2000, two_sample_rows: PositiveInt = 5000) -> Iterator[Finding]:
    """Distances between the test data (reference) and the shifted data, column by column, on all rows.

    Numbers: first Wasserstein distance over the standard deviation of the reference, both of values clipped to all but
    the outermost hundredths of the reference. Categories: total variation; numbers that are nearly all the same count
    as categories. ``column_drift`` is the one or the other, so that one limit speaks of all inputs;
    ``worst_column_drift`` is the largest of them. Labels and answers are one or the other, as the task has them; of
    several labels each stands alone. Both are norms with closed bounds, so they can be judged. Texts are measured by
    their length, images by their brightness. Cells are categories by their value, not by their type, and missing cells
    are a category of their own, except beside numbers.
    The population stability index is shown beside the value that chance alone would give it; it has no bounds, nor has
    the Jensen-Shannon divergence. The columns with the largest distances carry the drift.

    All inputs together, on a sample: how well a cross-validated classifier tells the rows of both sides apart, with
    bounds, and a kernel's maximum mean discrepancy with its p-value, without. A column that moves with time, such as a
    date, tells them apart by itself. Of texts they see the features of the base, else hashed words.
    evidently's drift tests run on a sample of both, as a second opinion that is not judged.

    Args:
        case: Test and shifted data, and the candidate's answers to both.
        sample: Most rows of each side for evidently.
        two_sample_rows: Most rows of each side for the classifier; the kernel takes the first 1,000 of them.
    """
    shifted = case.data["shifted"]
    columns = list(_columns(case))
    inputs: list[Shift | Gap] = []
    for column in columns:
        shift = _shift(column, shifted)
        yield from _distances(column, shift, shifted)
        inputs += [shift] if column.kind == "input" else []
    yield _farthest(inputs, case)
    if not any(column.kind == "prediction" for column in columns):
        why = "The candidate has no answers to the test or the shifted data."
        plain = "wasserstein" if case.task in ("regression", "ranking") else "total_variation"
        yield missing(f"prediction_{plain}", "no data", why, data=shifted)
    names = [name for name in dict.fromkeys([*_inputs(case), *case.data["test"].groups]) if _in_both(case, name)]
    yield from told_apart(case, names, categories, rows=two_sample_rows)
    count = _evidently(columns, rows=sample, seed=case.seed)
    n = min(sample, len(case.data["test"])) + min(sample, len(shifted))
    yield stated("evidently_drifted_columns", count, n, shifted, seed=str(case.seed))


def _columns(case: Case) -> Iterator[Column]:
    """Inputs and groups, each column once, then labels and answers."""
    test, shifted = case.data["test"], case.data["shifted"]
    if isinstance(test.inputs, Sequence):
        yield _column("text length", [len(text) for text in test.inputs], [len(text) for text in shifted.inputs])
    elif getattr(test.inputs, "ndim", 0) == 4:
        yield _column("brightness", test.inputs.mean(axis=(1, 2, 3)), shifted.inputs.mean(axis=(1, 2, 3)))
    held = [name for name in _inputs(case) if _in_both(case, name)]
    for name in held:
        yield _column(name, test.table[name], shifted.table[name])
    for name in test.groups:
        if name not in held and name in shifted.groups:
            sides = [
                np.array(coded.names, dtype=object)[coded.codes] for coded in (test.groups[name], shifted.groups[name])
            ]
            yield Column(name, "input", numeric=False, reference=sides[0], current=sides[1], part={"column": name})
    yield from _of_task(case, "label", test.labels, shifted.labels)
    before, after = case.predictions("candidate", "test"), case.predictions("candidate", "shifted")
    if before is not None and after is not None:
        yield from _of_task(case, "prediction", _given(before), _given(after))


def _inputs(case: Case) -> list[str]:
    """Declared input columns."""
    named = case.column.get("input") or ()
    return [] if isinstance(named, str) else list(named)


def _in_both(case: Case, name: str) -> bool:
    return all(name in case.data[role].table.column_names for role in ("test", "shifted"))


def _given(answers: Predictions) -> Array:
    return answers.labels if answers.scores is None else answers.scores


def _of_task(case: Case, kind: str, reference: Array, current: Array) -> Iterator[Column]:
    """Labels or answers: categories, numbers, or a column of truths for each label."""
    if reference.dtype.kind == "f":
        yield _column(kind, reference, current, kind=kind)
    elif reference.ndim == 1:
        yield Column(kind, kind, numeric=False, reference=reference, current=current)
    else:
        for at, name in enumerate(case.classes):
            part = {LABEL: name}
            yield Column(kind, kind, numeric=False, reference=reference[:, at], current=current[:, at], part=part)


def _column(name: str, reference: Any, current: Any, *, kind: str = "input") -> Column:
    """A column is numeric where both sides hold numbers and the middle of the reference is not constant.

    Otherwise its cells are categories by their value: a word or a blank cell on one side alone makes a reader type the
    same numbers otherwise.
    """
    part = {"column": name} if kind == "input" else {}
    arrow = (pa.Array, pa.ChunkedArray)
    sides = [values.to_pandas() if isinstance(values, arrow) else pd.Series(values) for values in (reference, current)]
    numbers = all(pd.api.types.is_numeric_dtype(side) and not pd.api.types.is_bool_dtype(side) for side in sides)
    if numbers:
        first, second = (side.dropna().to_numpy(dtype=np.float64) for side in sides)
        first, second = first[np.abs(first) <= LARGEST], second[np.abs(second) <= LARGEST]
        first, second = np.sort(first), np.sort(second)
        if first.size and operator.lt(*middle(first)):
            return Column(name, kind, numeric=True, reference=first, current=second, part=part)
    first, second = (_named(values) for values in (reference, current))
    return Column(name, kind, numeric=False, reference=first, current=second, part=part)


def _named(values: Any) -> Array:
    """Categories of a column, the missing ones named; empty where no cell holds a value."""
    from govkit.data.dataset import MISSING

    names = categories(values)
    absent = pd.isna(names)
    names[absent] = MISSING
    return names[:0] if absent.all() else names


def _name(column: Column) -> str:
    plain = "wasserstein" if column.numeric else "total_variation"
    return plain if column.kind == "input" else f"{column.kind}_{plain}"


def _shift(column: Column, shifted: Dataset) -> Shift | Gap:
    """How far a column moved, or why that is not known."""
    fewest = min(len(column.reference), len(column.current))
    if not fewest:
        why = f"The column {column.name} holds no value in the test or the shifted data."
        return missing(_name(column), "no data", why, data=shifted, part=column.part)
    if not column.numeric:
        return variation_shift(*_counts(column))
    if fewest < FEWEST:
        why = f"The column {column.name} holds {fewest} values in the test or the shifted data; it needs {FEWEST}."
        return missing(_name(column), "too few rows", why, data=shifted, part=column.part)
    return wasserstein_shift(column.reference, column.current)


def _distances(column: Column, shift: Shift | Gap, shifted: Dataset) -> Iterator[Finding]:
    own = column.kind == "input"
    names = (_name(column), "column_drift") if own else (_name(column),)
    n = len(column.reference) + len(column.current)
    if isinstance(shift, Gap):
        yield from (shift.model_copy(update={"name": name}) for name in names)
    else:
        yield from (measured(name, shift.estimate(n), shifted, part=column.part) for name in names)
    if own and len(column.reference) and len(column.current):
        yield from _shown(column, *_counts(column), shifted)


def _farthest(inputs: Sequence[Shift | Gap], case: Case) -> Finding:
    """The largest distance of all inputs; unknown where that of any is."""
    shifted = case.data["shifted"]
    gaps = [each for each in inputs if isinstance(each, Gap)]
    shifts = [each for each in inputs if isinstance(each, Shift)]
    if gaps:
        return gaps[0].model_copy(update={"name": "worst_column_drift", "part": {}})
    if not shifts:
        return missing("worst_column_drift", "no data", "No input of the test data is a column.", data=shifted)
    return measured("worst_column_drift", farthest(shifts, len(case.data["test"]) + len(shifted)), shifted)


def _shown(column: Column, before: Array, after: Array, shifted: Dataset) -> Iterator[Finding]:
    """What stands beside the distance of an input, from its rows in each category."""
    part, n = column.part, len(column.reference) + len(column.current)
    for metric, value in zip(("psi", "psi_noise"), population_stability(before, after), strict=True):
        yield stated(metric, value, n, shifted, part=part)
    if not column.numeric:
        yield stated("jensen_shannon", jensen_shannon(before, after), n, shifted, part=part)
        new = proportion(int(after[before == 0].sum()), int(after.sum()))
        yield measured("new_category_rate", new, shifted, part=part)


def _counts(column: Column) -> tuple[Array, Array]:
    """Rows of each category in both data sets; numbers fall into tenths of the reference."""
    sides = [column.reference, column.current]
    if column.numeric:
        edges = np.unique(np.quantile(column.reference, np.arange(1, BINS) / BINS))
        upto = [np.append(np.searchsorted(side, edges, side="right"), len(side)) for side in sides]
        before, after = (np.diff(each, prepend=0) for each in upto)
        return before[before + after > 0], after[before + after > 0]
    codes, names = pd.factorize(np.concatenate(sides))
    n = len(sides[0])
    return np.bincount(codes[:n], minlength=len(names)), np.bincount(codes[n:], minlength=len(names))


def _evidently(columns: list[Column], *, rows: int, seed: int) -> int:
    """Number of columns that evidently calls drifted, each by the test that it chooses itself."""
    # Numbers stand for names: two columns may share one, such as a label column that is also an input.
    usable = dict(enumerate(column for column in columns if len(column.reference) and len(column.current)))
    generator = np.random.default_rng(seed)
    frames = [
        pd.DataFrame({str(at): pd.Series(_drawn(column, side, rows, generator)) for at, column in usable.items()})
        for side in ("reference", "current")
    ]
    os.environ.setdefault("DO_NOT_TRACK", "1")
    with loading():
        from evidently import DataDefinition, Dataset as Frame, Report
        from evidently.metrics import DriftedColumnsCount
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        definition = DataDefinition(
            numerical_columns=[str(at) for at, column in usable.items() if column.numeric],
            categorical_columns=[str(at) for at, column in usable.items() if not column.numeric],
        )
        reference, current = (Frame.from_pandas(frame, data_definition=definition) for frame in frames)
        # The count that heads the preset DataDriftPreset, without the figures, which take most of its time.
        report = Report([DriftedColumnsCount()]).run(current, reference)
    return int(report.dict()["metrics"][0]["value"]["count"])


def _drawn(column: Column, side: str, rows: int, generator: Any) -> Array:
    values = getattr(column, side)
    if len(values) > rows:
        values = values[generator.choice(len(values), rows, replace=False)]
    return values if column.numeric else values.astype(str)
