"""Names of groups, parts and classes, which every finding and report repeats: none may be those of somebody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from govkit.checks._identifiers import KINDS
from govkit.core import Dataset
from govkit.data import file_order
from govkit.errors import DataError

# The other kinds have forms of harmless names too: a span of years, a version.
TOLD = {
    "email_rows": "an e-mail address",
    "card_rows": "the number of a payment card",
    "iban_rows": "an IBAN",
    "national_id_rows": "a national id",
    "secret_rows": "a secret",
}


def refuse_personal_names(sets: Iterable[Dataset], classes: Sequence[str]) -> None:
    """Refuse data whose groups, parts or classes are called by personal data or a secret, before anything is measured.

    Such cells may stay in any other column; without these names nobody could read a report.

    Raises:
        DataError: Names file, row and column, or the class by its number; never what was found.
    """
    advice = "reports show such names; put a code in its place"
    for data in sets:
        for column, coded in {**data.groups, **data.parts}.items():
            for code, name in enumerate(coded.names):
                if what := _held(name):
                    row = int(file_order(data)[coded.codes == code].min()) + 1
                    raise DataError(f"{data.path}, row {row}: column {column!r} holds {what}, and {advice}")
    for number, name in enumerate(classes, 1):
        if what := _held(name):
            raise DataError(f"columns.label: class {number} of {len(classes)} is {what}, and {advice}")


def _held(name: str) -> str:
    """What a name holds, in words; empty where that is nothing."""
    return next((TOLD[kind.metric] for kind in KINDS if kind.metric in TOLD and kind.within(name)), "")
