"""The user's own expectations of the data: a suite of great-expectations, read and run."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from govkit.checks._shared import loading
from govkit.core import Dataset
from govkit.errors import DataError

SEVERITIES = ("critical", "warning", "info")
"""How much it matters that an expectation is not met, in the words of great-expectations."""


@dataclass(frozen=True)
class Outcome:
    """What came of a suite.

    Attributes:
        expectations: How many it holds.
        failed: Severity, type and columns of each that is not met, where it is known which.
        lost: Expectations without a result, by severity; they are not met either.
    """

    expectations: int
    failed: Sequence[tuple[str, str, str]]
    lost: Sequence[str] = ()

    def count(self, *severities: str) -> int:
        """Expectations of these severities that are not met."""
        return sum(severity in severities for severity in (*(each[0] for each in self.failed), *self.lost))


def read_suite(given: Path | Mapping[str, Any]) -> list[Any]:
    """The expectations of the user, each or none: great-expectations itself drops the ones it does not know.

    Args:
        given: A file, or what such a file would hold.

    Raises:
        DataError: The file is no suite, holds no expectation, or one that does not exist or has wrong arguments.
    """
    with loading():
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    path = given if isinstance(given, Path) else Path("quality")
    try:
        held = json.loads(path.read_text(encoding="utf-8")) if isinstance(given, Path) else given
        listed = held["expectations"]
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


def suite_digest(suite: list[Any]) -> str:
    """``sha256:<hex>`` of the types, arguments and severities of a suite's expectations, in their order."""
    plain = [[each.expectation_type, each.configuration.kwargs, str(each.severity)] for each in suite]
    return "sha256:" + hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode()).hexdigest()


def context() -> Any:
    """A context in memory: no folder, no network, no progress bars."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with loading():
        import great_expectations

        made = great_expectations.get_context(mode="ephemeral")
    made.variables.progress_bars = {"globally": False}
    return made


def validated(where: Any, suite: list[Any], data: Dataset) -> Outcome:
    """Run a suite; of its results only truths, names and severities are kept. The table becomes a frame for it."""
    import great_expectations

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = where.data_sources.add_pandas(data.role)
        rows = source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all")
        whole = great_expectations.ExpectationSuite(name=data.role, expectations=suite)
        batch = rows.get_batch(batch_parameters={"dataframe": data.table.to_pandas()})
        results = batch.validate(whole, result_format="BOOLEAN_ONLY").results
    lost = [_severity(each) for each in suite]
    for result in results:
        lost.remove(_severity(result.expectation_config))
    # The library reports columns in an order of its own.
    failed = sorted((_names(result) for result in results if not result.success), key=lambda each: each[1:])
    return Outcome(len(suite), failed, lost)


def _severity(expectation: Any) -> str:
    found = str(getattr(expectation.severity, "value", expectation.severity))
    return found if found in SEVERITIES else SEVERITIES[0]


def _names(result: Any) -> tuple[str, str, str]:
    """Severity and type of an expectation, and the columns it is about."""
    config = result.expectation_config
    columns = [config.kwargs.get(key) for key in ("column", "column_A", "column_B")]
    columns += list(config.kwargs.get("column_list") or ())
    return _severity(config), config.type, ", ".join(str(name) for name in columns if name is not None)
