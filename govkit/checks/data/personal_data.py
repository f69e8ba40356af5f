"""Personal data: which rows hold personal data or secrets, in any field?"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from govkit.checks._identifiers import KINDS
from govkit.checks._presidio import NAMES, Reader, open_reader
from govkit.checks._shared import counted, missing
from govkit.core import Case, Dataset, Finding, Metric, check
from govkit.core.case import Array
from govkit.core.words import TASKS
from govkit.lazy import np, pa, pc

ROWS = 1 << 16
"""Rows that are searched at once."""

WIDE = r"[\x{FF01}-\x{FF5E}\x{1D7CE}-\x{1D7FF}]"
"""Signs and digits that are others in their form only, in the syntax of RE2."""

WHAT = {
    "personal_rows": "Rows that hold personal data or a secret of any of these kinds, in any field.",
    "email_rows": "Rows that hold an e-mail address.",
    "phone_rows": "Rows that hold a phone number: international, in a common national form, or after a word such as "
    "phone or call.",
    "card_rows": "Rows that hold the number of a payment card: known range, right length and check digit.",
    "iban_rows": "Rows that hold an IBAN: right length for its country and right check digits.",
    "national_id_rows": "Rows that hold a national id with right check digits, of Brazil (CPF), France (NIR), Germany "
    "(Steuer-ID), Italy (codice fiscale), the Netherlands (BSN, where it is named so), Poland (PESEL) or Spain (DNI, "
    "NIE).",
    "ssn_rows": "Rows that hold what looks like a United States social security number, which has no check digit.",
    "ip_rows": "Rows that hold a public IPv4 address.",
    "secret_rows": "Rows that hold a secret: a private key, an access token of a known form, a JSON web token, or "
    "characters too irregular for words after a name such as key, token, secret or password.",
}
WHO = "Rows that hold the name of a person, as a language model sees it; only with the engine presidio."
UNREAD = ("national_id_rows", "secret_rows")
"""What presidio does not look for in English."""


@check(
    "personal_data",
    crosswalk="check.data_quality",
    tasks=TASKS,
    metrics={name: Metric(what, better="lower", unit="rows", low=0) for name, what in {**WHAT, NAMES: WHO}.items()},
)
def personal_data(case: Case, *, engine: Literal["own", "presidio"] = "own") -> Iterator[Finding]:
    """Rows with personal data and secrets, in every column of each data set's file, used or not.

    Lists, maps and structures are searched to their last text, such as the messages of a chat; paths of images too, and
    whole numbers. Full-width signs count as the usual ones. The name of a column counts as said before each of its
    cells, so that nine digits in ``bsn`` are tested as one. What is in pictures is not read, and names, places and
    dates of birth have no form to be known by: no row found is no proof that nobody can be recognized. Some forms are
    those of harmless numbers too (``ip_rows`` and ``ssn_rows`` above all). Counts for single columns stand where they
    are not zero. Only names of columns and of rows, and counts, leave the check, never a value; where the ids
    themselves hold something, rows are named by their places in the file, and so is a column whose name does.

    Args:
        case: Its data sets.
        engine: ``presidio`` asks the library of that name instead, in English: a second opinion, some hundred times
            slower. It knows no secrets and of national ids only that of the United States; with a language model of
            spaCy that is installed it also sees names of people.
    """
    reader = open_reader() if engine == "presidio" else None
    for data in case.data.values():
        yield from _of(data, case.column.get("id"), reader)


def _unread(data: Dataset, reader: Reader | None) -> Iterator[Finding]:
    """What presidio does not look for as it is installed here."""
    if reader is None:
        return
    for name in UNREAD:
        yield missing(name, "unsupported", "presidio does not look for them in English; use engine: own.", data=data)
    if NAMES not in reader.metrics:
        why = "No model of spaCy that knows names is installed: python -m spacy download en_core_web_sm"
        yield missing(NAMES, "no extra", why, data=data)


def _of(data: Dataset, ids: str | None, reader: Reader | None) -> Iterator[Finding]:
    n = data.table.num_rows
    if not n or not data.table.num_columns:
        detail = f"The {data.role} data hold no rows or no columns, so there is nothing to search."
        for name in WHAT:
            yield missing(name, "no data", detail, data=data)
        return
    found_in = {column: _searched(column, data.table[column], reader) for column in data.table.column_names}
    whole: dict[str, Array] = {}
    shown = {column: _unsaid(column, at) for at, column in enumerate(found_in, 1)}
    if ids in found_in and (reader is not None or found_in[ids]["personal_rows"].any()):
        data = replace(data, ids=None)
    for column, found in found_in.items():
        for name, rows in found.items():
            whole[name] = whole.get(name, False) | rows
            if rows.any():
                yield counted(name, rows.sum(), data, which=rows, part={"column": shown[column]})
    for name, rows in whole.items():
        yield counted(name, rows.sum(), data, which=rows)

    yield from _unread(data, reader)


def _unsaid(name: str, at: int) -> str:
    """The name of a column, unless it holds personal data itself."""
    return f"column {at}, name not shown" if any(kind.within(name) for kind in KINDS) else name


def _searched(name: str, column: Array, reader: Reader | None = None) -> dict[str, Array]:
    """Metric -> whether each row of a column holds what it counts, truths ``(n,)``.

    Raises:
        RuntimeError: The search failed. The error that says why may hold a cell, so only its class is told.
    """
    metrics = WHAT if reader is None else ("personal_rows", *reader.metrics)
    found = {metric: np.zeros(len(column), dtype=bool) for metric in metrics}
    at = 0
    try:
        for chunk in column.chunks:
            for start in range(0, len(chunk), ROWS):
                part = chunk.slice(start, ROWS)
                for field, texts, rows in _texts(name, part, np.arange(at, at + len(part))):
                    if reader is None:
                        _mark(field, texts, rows, found)
                    else:
                        _mark_by(reader, texts, rows, found)
                at += len(part)
    except Exception as error:  # noqa: BLE001 - whatever it is, its text stays here
        raise RuntimeError(f"the search of the column {_unsaid(name, 0)!r} failed ({type(error).__name__})") from None
    # Of ten arrays a column most are empty, and should cost nothing.
    return {metric: rows if rows.any() else np.broadcast_to(np.False_, rows.shape) for metric, rows in found.items()}


def _mark_by(reader: Reader, texts: Array, rows: Array, found: dict[str, Array]) -> None:
    """As ``_mark``, by another reader, who is not told the field."""
    for row, text in zip(rows, texts.to_pylist(), strict=True):
        for metric in reader.read(text) if text else ():
            found[metric][row] = found["personal_rows"][row] = True


def _mark(field: str, texts: Array, rows: Array, found: dict[str, Array]) -> None:
    """Set the truth of each row that holds something; Arrow first asks for the hint, for most texts hold nothing."""
    texts, field = _narrow(texts), unicodedata.normalize("NFKC", field)
    for hint in dict.fromkeys(kind.hint for kind in KINDS):
        if re.search(hint, field):
            asked = pc.is_valid(texts)
        else:
            asked = pc.fill_null(pc.match_substring_regex(texts, hint), fill_value=False)
        kinds = [kind for kind in KINDS if kind.hint == hint]
        for row, text in zip(rows[np.asarray(asked)], texts.filter(asked).to_pylist(), strict=True):
            for kind in kinds:
                if not found[kind.metric][row] and kind.within(f"{field}: {text}"):
                    found[kind.metric][row] = found["personal_rows"][row] = True


def _narrow(texts: Array) -> Array:
    """The texts; those with full-width or styled signs, as some keyboards write them, with the usual ones (NFKC)."""
    if pc.all(pc.string_is_ascii(texts)).as_py() is not False:
        return texts
    wide = pc.fill_null(pc.match_substring_regex(texts, WIDE), fill_value=False)
    return pc.replace_with_mask(texts, wide, pc.utf8_normalize(texts.filter(wide), form="NFKC"))


def _texts(field: str, cells: Array, rows: Array) -> Iterator[tuple[str, Array, Array]]:
    """The name, the texts ``(m,)`` and their rows ``(m,)`` of each field within a column, down to the last."""
    is_, kind = pa.types, cells.type
    if isinstance(cells, pa.ExtensionArray):
        yield from _texts(field, cells.storage, rows)
    elif is_.is_dictionary(kind):
        yield from _texts(field, cells.dictionary_decode(), rows)
    elif is_.is_map(kind):
        pairs = pa.struct([("key", kind.key_type), ("value", kind.item_type)])
        yield from _texts(field, cells.cast(pa.list_(pairs)), rows)
    elif is_.is_list(kind) or is_.is_large_list(kind) or is_.is_fixed_size_list(kind):
        yield from _texts(field, pc.list_flatten(cells), rows[pc.list_parent_indices(cells).to_numpy()])
    elif is_.is_struct(kind):
        for inner, values in zip(kind, cells.flatten(), strict=True):
            yield from _texts(f"{field}.{inner.name}", values, rows)
    else:
        texts = _as_text(cells)
        if texts is not None:
            yield field, texts, rows


def _as_text(cells: Array) -> Array | None:
    """The cells as text; None of types that hold none. A fraction that is whole counts as a whole number."""
    is_, kind, text = pa.types, cells.type, pa.large_string()
    if is_.is_null(kind) or is_.is_boolean(kind) or is_.is_temporal(kind) or is_.is_float16(kind):
        return None
    if is_.is_floating(kind):
        cells = pc.cast(cells, pa.float64())
        whole = pc.and_(pc.equal(pc.floor(cells), cells), pc.less(pc.abs(cells), float(1 << 53)))
        cells = pc.cast(pc.if_else(whole, cells, None), pa.int64())
    strings = is_.is_string(kind) or is_.is_large_string(kind) or is_.is_string_view(kind)
    if strings or is_.is_primitive(kind) or is_.is_decimal(kind):
        return pc.cast(cells, text)
    return pa.array([_decoded(cell) for cell in cells.to_pylist()], text)


def _decoded(cell: object) -> str | None:
    """A cell of bytes where they are text, or of a type that Arrow cannot make text of."""
    if not isinstance(cell, bytes):
        return None if cell is None else str(cell)
    try:
        return cell.decode()
    except UnicodeDecodeError:
        return None
