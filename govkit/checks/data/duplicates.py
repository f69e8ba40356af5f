"""Duplicates: how many rows of a data set stand there more than once, exactly or nearly?"""

from __future__ import annotations

from collections.abc import Iterator

from govkit.checks._near import Prints, near_rows
from govkit.checks._shared import counted, missing
from govkit.checks.data import prints, row_keys
from govkit.core import Case, Dataset, Finding, Metric, check
from govkit.core.case import Array
from govkit.core.words import TASKS
from govkit.data import first_rows
from govkit.lazy import np

NEAR = "near_duplicate_rows"


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
        "duplicate_share": Metric.share("These rows as a share of all rows.", better="lower"),
        "near_duplicate_rows": Metric(
            "Rows of texts or images that are no such repeat but nearly an earlier row.",
            better="lower",
            unit="rows",
            low=0,
        ),
    },
)
def duplicates(case: Case) -> Iterator[Finding]:
    """Rows that repeat an earlier row, in each data set.

    Texts count as the same when they differ only in case, white space or the Unicode form of a character, images when
    their pixels are equal. Rows of a table count as the same when every column of the file but the declared id is
    equal, stored predictions included: people of the same coarse description are no copies of each other, and two who
    also share each score and group hardly differ from one. Without an id, rows that a wider file would tell apart
    count as the same. Stored predictions without inputs cannot be told apart.

    Texts are near that share nine tenths of their distinct runs of five characters, the ends padded: in texts of a
    hundred characters one may differ. Images are near that look the same in a copy 32 pixels wide, as after a change
    of size or of compression. Of a chat or a record the text of all fields counts. Near rows are found by hashes and
    then compared in full, so that none is wrongly found; few are missed but in large sets of form letters. Rows are in
    canonical order, so that an earlier row need not stand earlier in the file.

    Repeated rows count several times in every number of an audit and make its intervals too narrow.
    """
    for data in case.data.values():
        yield from _of(case, data)


def _of(case: Case, data: Dataset) -> Iterator[Finding]:
    keys = row_keys(case, data, whole=True)
    if keys is None:
        detail = f"The {data.role} data hold no inputs, so equal rows cannot be told apart."
        for name in ("duplicate_rows", "duplicate_share", NEAR):
            yield missing(name, "no data", detail, data=data)
        return
    repeated = ~first_rows(keys)
    yield counted("duplicate_rows", repeated.sum(), data, which=repeated)
    yield counted("duplicate_share", repeated.mean(), data, which=repeated)
    del keys
    yield _near(prints(case, data), np.flatnonzero(~repeated), data)


def _near(found_by: Prints | None, first: Array, data: Dataset) -> Finding:
    if found_by is None:
        return missing(NEAR, "unsupported", "Only texts and images are searched for near repeats.", data=data)
    near = first[near_rows(found_by if len(first) == len(data) else found_by.take(first))]
    return counted(NEAR, len(near), data, which=near)
