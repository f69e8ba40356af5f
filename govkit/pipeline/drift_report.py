"""evidently's own report on a sample of the test and the shifted rows, as one page of a bundle."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from govkit.core import Case
from govkit.core.audit import DriftReport
from govkit.core.case import Array
from govkit.core.words import Role
from govkit.errors import DataError, optional_imports
from govkit.lazy import np, pd

MOST_VALUES = 100
"""Different values of a column that are shown as they are; of a column with more only the lengths are."""

# The page runs evidently's script, and the browser refuses every request of it, to wherever.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; font-src data:; "
    "img-src data: blob:"
)
_TIMED = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"


def drift_report(case: Case, asked: DriftReport) -> str:
    """The page: evidently's presets of drift and of summaries.

    It holds declared inputs, labels and the candidate's answers, with values of the data. Of texts, and of any column
    with more than ``MOST_VALUES`` words, the lengths are shown, of images the brightness.

    Args:
        case: Test and shifted data.
        asked: How many rows of each side are drawn, with the seed of the case.

    Returns:
        HTML; the same case gives the same bytes.

    Raises:
        DataError: There is nothing to show.
        MissingExtra: evidently is not installed.
    """
    os.environ.setdefault("DO_NOT_TRACK", "1")
    with warnings.catch_warnings(action="ignore"):
        with optional_imports():
            from evidently import DataDefinition, Dataset, Report
            from evidently.presets import DataDriftPreset, DataSummaryPreset
        frames, numbers = _frames(case, asked.rows)
        if not len(frames[0].columns):
            raise DataError("drift_report: the test and the shifted data share no column that holds values in both")
        words = [name for name in frames[0] if name not in numbers]
        definition = DataDefinition(numerical_columns=numbers, categorical_columns=words)
        test, shifted = (Dataset.from_pandas(frame, data_definition=definition) for frame in frames)
        made = Report([DataDriftPreset(), DataSummaryPreset()]).run(shifted, test)
        return _hardened(made.get_html_str(as_iframe=False))


def _frames(case: Case, rows: int) -> tuple[list[Any], list[str]]:
    """The drawn rows of test and shifted data, and the names of the columns that hold numbers."""
    rng = np.random.default_rng(case.seed)
    roles: tuple[Role, ...] = ("test", "shifted")
    drawn = {role: np.sort(rng.permutation(len(case.data[role]))[:rows]) for role in roles}
    sides = [dict(_columns(case, role, drawn[role])) for role in roles]
    frames: list[dict[str, Any]] = [{}, {}]
    numbers: list[str] = []
    for name in (name for name in sides[0] if name in sides[1]):
        pair = [pd.Series(side[name]) for side in sides]
        if any(part.isna().all() for part in pair):
            continue
        if all(pd.api.types.is_numeric_dtype(part) and not pd.api.types.is_bool_dtype(part) for part in pair):
            pair = [part.astype(np.float64).replace([np.inf, -np.inf], np.nan) for part in pair]
            numbers.append(name)
        else:
            pair = [part.astype(object).where(part.notna(), None).map(str, na_action="ignore") for part in pair]
            if pd.concat(pair).nunique() > MOST_VALUES:
                name, pair = f"{name}, length", [part.str.len().astype(np.float64) for part in pair]
                numbers.append(name)
        for frame, part in zip(frames, pair, strict=True):
            frame[name] = part
    return [pd.DataFrame(frame) for frame in frames], numbers


def _columns(case: Case, role: Role, rows: Array) -> Iterator[tuple[str, Any]]:
    """Inputs, labels and answers of some rows, by their names on the page."""
    data, named = case.data[role], case.column.get("input") or ()
    if getattr(data.inputs, "ndim", 0) == 4:
        yield "brightness", data.inputs[rows].mean(axis=(1, 2, 3))
    elif isinstance(data.inputs, Sequence):
        yield "text, length", [float(len(data.inputs[row])) for row in rows]
    for name in () if isinstance(named, str) else named:
        if name in data.table.column_names:
            yield name, data.table[name].take(rows).to_pandas()
    yield from _of_task(case, "(label)", data.labels[rows])
    given = case.predictions("candidate", role)
    if given is not None:
        yield from _of_task(case, "(prediction)", (given.labels if given.scores is None else given.scores)[rows])


def _of_task(case: Case, name: str, values: Array) -> Iterator[tuple[str, Any]]:
    """Labels or answers as numbers, as names of classes, or a column for each label."""
    if values.dtype.kind == "f":
        yield name, values
    elif values.ndim == 1:
        yield name, np.array(case.classes, dtype=object)[values] if case.classes else values
    else:
        for at, label in enumerate(case.classes):
            yield f"{name} {label}", values[:, at].astype(bool)


def _hardened(page: str) -> str:
    """The page with its data closed in, no requests, and numbers instead of the ids that evidently draws.

    evidently writes the data into a script as they are: a cell could end that script and begin its own.
    """
    start, end = page.index("<script>") + len("<script>"), page.rindex('<div id="root_metric_')
    end = page.rindex("</script>", start, end)
    page = page[:start] + page[start:end].replace("<", "\\u003c") + page[end:]
    page = page.replace("<head>", f'<head>\n<meta http-equiv="Content-Security-Policy" content="{_POLICY}">', 1)
    drawn = re.findall(rf'"id": "({_TIMED})"', page)
    drawn += re.findall('<div id="root_metric_([0-9a-f]{32})">', page)
    known = {each: f"{at:0{len(each)}d}" for at, each in enumerate(dict.fromkeys(drawn))}
    return re.sub(f"{_TIMED}|(?<=metric_)[0-9a-f]{{32}}", lambda found: known.get(found[0], found[0]), page)
