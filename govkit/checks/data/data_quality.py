"""Data quality: do the data hold what their suite of expectations says?"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from govkit.checks._shared import loading, measured
from govkit.core import Case, Dataset, Finding, Measurement, Metric, check, exact
from govkit.core.words import TASKS
from govkit.errors import DataError
from govkit.stats import proportion


@check(
    "data_quality",
    crosswalk="check.data_quality",
    tasks=TASKS,
    metrics={
        "suite_passed": Metric("Whether every expectation of the suite is met."),
        "failed_expectations": Metric("Expectations that are not met.", better="lower", unit="expectations", low=0),
        "expectations": Metric("Expectations in the suite.", unit="expectations", low=0),
        "expectation_met": Metric("Whether one expectation is met; listed where it is not."),
        "missing_share": Metric("Share of rows without a value in a column.", better="lower", low=0, high=1),
    },
)
def data_quality(case: Case) -> Iterator[Finding]:
    """A suite of great-expectations, run on each data set, and the missing values of each declared column.

    The suite is the user's own file (``quality`` in the audit file, JSON as great-expectations writes it). Without one
    a suite is made: there are rows; labels, inputs and groups are not missing; labels are known classes, truths, or
    numbers in their range; texts are not blank; ids are unique; no input column of a table and no label is constant. An
    expectation that cannot be computed, for example because its column does not exist, is not met. Only names and
    counts leave the check, never values.
    """
    context = _context()
    for data in case.data.values():
        frame = data.table.to_pandas()
        suite = _users_suite(case.suite) if case.suite is not None else _default_suite(case, data, frame)
        yield from _validated(context, suite, frame, data)
        yield from _missing_shares(case, data, frame)


def _context() -> Any:
    """A context in memory: no folder, no network, no progress bars."""
    import os

    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with loading():
        import great_expectations

        context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    return context


def _users_suite(path: Path) -> list[Any]:
    """The expectations of the user's file, each or none: great-expectations itself drops the ones it does not know.

    Raises:
        DataError: The file is no suite, holds no expectation, or one that does not exist or has wrong arguments.
    """
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    try:
        listed = json.loads(path.read_text(encoding="utf-8"))["expectations"]
        items = [(str(item["type"]), dict(item)) for item in listed]
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}: no suite of expectations ({type(error).__name__}: {error}); expected the JSON that "
            "great-expectations 1.x writes, with a list 'expectations' whose items have a 'type'"
        ) from error
    if not items:
        raise DataError(f"{path}: the suite holds no expectation, so it would be met by any data; add one or remove it")
    suite = []
    for number, (kind, item) in enumerate(items, 1):
        try:
            suite.append(ExpectationConfiguration(**item).to_domain_obj())
        # pydantic, TypeError or the library's own error, depending on what is wrong with the item.
        except Exception as error:
            raise DataError(
                f"{path}: expectation {number} ({kind}): {str(error).splitlines()[0]}; repair it"
            ) from error
    return suite


def _default_suite(case: Case, data: Dataset, frame: Any) -> list[Any]:
    """What any audit expects of its data."""
    import great_expectations.expectations as gxe

    inputs, row_id = _inputs(case, frame), case.column.get("id")
    suite: list[Any] = [gxe.ExpectTableRowCountToBeBetween(min_value=1)]
    suite += [gxe.ExpectColumnValuesToNotBeNull(column=name) for name in _declared(case, frame)]
    if isinstance(data.inputs, list):
        suite += [gxe.ExpectColumnValuesToMatchRegex(column=name, regex=r"\S") for name in inputs]
    if hasattr(data.inputs, "columns"):
        suite += [gxe.ExpectColumnUniqueValueCountToBeBetween(column=name, min_value=2) for name in inputs]
    for label in (name for name in _labels(case) if name in frame):
        suite += _known_labels(case, label, frame[label])
        suite.append(gxe.ExpectColumnUniqueValueCountToBeBetween(column=label, min_value=2))
    if row_id in frame:
        suite.append(gxe.ExpectColumnValuesToBeUnique(column=row_id))
    return suite


def _known_labels(case: Case, label: str, cells: Any) -> list[Any]:
    """Labels are classes of the case, truths of one label of several, or numbers in the declared range."""
    import great_expectations.expectations as gxe

    from govkit.data import canonical_text

    if case.task == "regression":
        ends = [case.column["range"]] if "range" in case.column else []
        return [gxe.ExpectColumnValuesToBeBetween(column=label, min_value=low, max_value=high) for low, high in ends]
    values = cells.dropna().unique().tolist()
    names = {"0", "1", "false", "true"} if case.task == "multilabel" else set(case.classes)
    known = [value for value in values if canonical_text([value])[0] in names]
    return [gxe.ExpectColumnValuesToBeInSet(column=label, value_set=known)]


def _labels(case: Case) -> tuple[str, ...]:
    named = case.column.get("label") or ()
    return (named,) if isinstance(named, str) else tuple(named)


def _inputs(case: Case, frame: Any) -> list[str]:
    named = case.column.get("input") or ()
    return [name for name in ((named,) if isinstance(named, str) else named) if name in frame]


def _declared(case: Case, frame: Any) -> list[str]:
    """Columns of inputs, labels, groups and id that the table holds, each once."""
    others = (*_labels(case), *(case.column.get("groups") or ()), case.column.get("id"))
    return list(dict.fromkeys([*_inputs(case, frame), *(name for name in others if name in frame)]))


def _validated(context: Any, suite: list[Any], frame: Any, data: Dataset) -> Iterator[Finding]:
    """Run the suite; of its results only truths, names and numbers of expectations are kept."""
    import great_expectations

    n = len(frame)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = context.data_sources.add_pandas(data.role)
        rows = source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all")
        whole = great_expectations.ExpectationSuite(name=data.role, expectations=suite)
        results = (
            rows.get_batch(batch_parameters={"dataframe": frame}).validate(whole, result_format="BOOLEAN_ONLY").results
        )
    # The library reports columns in an order of its own; an expectation without a result is not met.
    failed = sorted(_names(result) for result in results if not result.success)
    lost = len(suite) - len(results)
    passed = not failed and not lost
    yield Measurement(name="suite_passed", value=passed, n=n, data=data.ref)
    for name, value in (("failed_expectations", len(failed) + lost), ("expectations", len(suite))):
        interval, bounds = exact(float(value))
        yield Measurement(name=name, value=float(value), n=n, interval=interval, bounds=bounds, data=data.ref)
    for number, (kind, column) in enumerate(failed, 1):
        part = {"expectation": kind, "column": column, "number": str(number)}
        yield Measurement(name="expectation_met", value=False, n=n, part=part, data=data.ref)


def _names(result: Any) -> tuple[str, str]:
    """Type of an expectation and the columns it is about."""
    kwargs = result.expectation_config.kwargs
    columns = [kwargs.get(key) for key in ("column", "column_A", "column_B")] + list(kwargs.get("column_list") or ())
    return result.expectation_config.type, ", ".join(str(name) for name in columns if name is not None)


def _missing_shares(case: Case, data: Dataset, frame: Any) -> Iterator[Finding]:
    """Share of null cells of each declared column; a blank text counts as missing too."""
    n = len(frame)
    for name in _declared(case, frame) if n else ():
        absent = frame[name].isna()
        if isinstance(data.inputs, list) and name == case.column.get("input"):
            absent = absent | ~frame[name].astype(str).str.contains(r"\S")
        yield measured("missing_share", proportion(int(absent.sum()), n), data, part={"column": name})
