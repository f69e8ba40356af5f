"""Duplicates: how many rows of a data set stand there more than once?"""

from __future__ import annotations

from collections.abc import Iterator

from govkit.checks._shared import missing
from govkit.checks.data import row_keys
from govkit.core import Case, Dataset, Finding, Measurement, Metric, check, exact


@check(
    "duplicates",
    crosswalk="check.data_quality",
    metrics={
        "duplicate_rows": Metric(
            "Rows whose content stands earlier in the same data set.", better="lower", unit="rows", low=0
        ),
        "duplicate_share": Metric("These rows as a share of all rows.", better="lower", low=0, high=1),
    },
)
def duplicates(case: Case) -> Iterator[Finding]:
    """Rows that repeat an earlier row, in each data set.

    Texts count as the same when they differ only in case, white space or the Unicode form of a character. Rows of a
    table count as the same when all input columns and the label are equal. Ids play no part. Stored predictions
    without inputs cannot be told apart.

    Repeated rows count several times in every number of an audit and make its intervals too narrow.
    """
    for data in case.data.values():
        yield from _of(case, data)


def _of(case: Case, data: Dataset) -> Iterator[Finding]:
    import numpy as np

    keys = row_keys(case, data, with_labels=True)
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
