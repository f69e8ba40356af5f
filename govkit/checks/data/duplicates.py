"""Duplicates: how many rows of a data set stand there more than once?"""

from __future__ import annotations

from collections.abc import Iterator

from govkit.checks._shared import missing
from govkit.checks.data import row_keys
from govkit.core import Case, Dataset, Finding, Measurement, Metric, check, exact
from govkit.core.words import TASKS


@check(
    "duplicates",
    crosswalk="check.data_quality",
    tasks=TASKS,
    metrics={
        "duplicate_rows": Metric(
            "Rows that repeat an earlier row: the same text but for case and white space, the same image, or, in a "
            "table, the same value in every column but the id.",
            better="lower",
            unit="rows",
            low=0,
        ),
        "duplicate_share": Metric("These rows as a share of all rows.", better="lower", low=0, high=1),
    },
)
def duplicates(case: Case) -> Iterator[Finding]:
    """Rows that repeat an earlier row, in each data set.

    Texts count as the same when they differ only in case, white space or the Unicode form of a character, images when
    their pixels are equal. Rows of a table count as the same when every column of the file but the declared id is
    equal, stored predictions included: people of the same coarse description are no copies of each other, and two who
    also share each score and group hardly differ from one. Without an id, rows that a wider file would tell apart
    count as the same. Stored predictions without inputs cannot be told apart.

    Repeated rows count several times in every number of an audit and make its intervals too narrow.
    """
    for data in case.data.values():
        yield from _of(case, data)


def _of(case: Case, data: Dataset) -> Iterator[Finding]:
    import numpy as np

    keys = row_keys(case, data, whole=True)
    if keys is None:
        detail = f"The {data.role} data hold no inputs, so equal rows cannot be told apart."
        for name in ("duplicate_rows", "duplicate_share"):
            yield missing(name, "no data", detail, data=data)
        return
    n = len(keys)
    repeated = n - len(np.unique(keys))
    for name, value in (("duplicate_rows", float(repeated)), ("duplicate_share", repeated / n)):
        interval, bounds = exact(value)
        yield Measurement(name=name, value=value, n=n, interval=interval, bounds=bounds, data=data.ref)
