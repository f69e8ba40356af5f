"""Data quality: do the data hold what their suite of expectations says, and what is broken, missing or odd in them?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from govkit.checks._clusters import share
from govkit.checks._expectations import SEVERITIES, Outcome, context, read_suite, suite_digest, validated
from govkit.checks._identifiers import KINDS
from govkit.checks._quality import Summary, absent, blank, marked, outside, pieces, repeated, summary, unknown
from govkit.checks._shared import counted, measured, missing, named_rows
from govkit.checks._texts import as_texts, damaged, languages, most_frequent, scripts, spread
from govkit.checks.data import plain
from govkit.core import Case, Dataset, Finding, Measurement, Metric, check
from govkit.core.case import Array
from govkit.core.finding import MOST_ROWS
from govkit.core.words import CLASSES, LABEL, TASKS, Better
from govkit.data import column_types
from govkit.lazy import np, pc
from govkit.stats import proportion

LONGEST = 10_000
"""Characters of the list of columns that a finding carries."""

FEWEST = 30
"""Texts whose language must be told before their share says something."""

_PLACE = re.compile(r"(.*?, )??(row [0-9]+): ", re.DOTALL)


def _counts(what: str, unit: str = "rows") -> Metric:
    return Metric(what, better="lower", unit=unit, low=0)


def _share(what: str, better: Better = "lower") -> Metric:
    return Metric.share(what, better=better)


AGAINST = {
    "out_of_range_rows": _counts("Rows with a number outside the range of the training data."),
    "other_type_columns": _counts("Columns of another type than in the training data.", "columns"),
    "new_categories": _counts("Categories that no training row has.", "categories"),
}
"""What is counted against the training data, in every data set."""

SPOKEN = {
    "other_script_rows": _counts("Rows whose text is mostly in another script than most training texts."),
    "other_language_share": _share(
        "Share of rows in another language than most training texts, among those of a sample whose language py3langid "
        "tells with a probability of 0.9."
    ),
}
"""The same for texts."""


@check(
    "data_quality",
    crosswalk="check.data_quality",
    tasks=TASKS,
    metrics={
        "suite_passed": Metric("Whether every expectation of the suite is met."),
        "failed_expectations": _counts("Expectations that are not met.", "expectations"),
        **{f"failed_{each}": _counts(f"Expectations of severity {each} that are not met.", "expectations")
           for each in SEVERITIES},
        "suite": Metric("Digest of the user's suite."),
        "column_types": Metric("What the columns hold, as they were read."),
        "expectations": Metric("Expectations in the suite.", unit="expectations", low=0),
        "expectation_met": Metric("Whether one expectation is met; listed where it is not."),
        "missing_share": _share("Share of rows without a value in a column."),
        "broken_rows": _counts("Rows of the file that could not be read and are in no other number."),
        "constant_columns": _counts("Columns of inputs and labels without two different values.", "columns"),
        "damaged_text_rows": _counts("Rows with text that was read in a wrong encoding, or has lost characters."),
        "rarest_class_share": _share("Share of rows of the rarest class.", "higher"),
        "repeated_text_share": _share("Share of rows that hold the most frequent text."),
        **AGAINST,
        **SPOKEN,
    },
)  # fmt: skip
def data_quality(case: Case) -> Iterator[Finding]:
    """A suite of expectations on each data set, and counts of what is broken, missing or odd in the declared columns.

    The suite is the user's own (``quality`` in the audit file: JSON as great-expectations writes it, or
    ``pkg.mod:NAME`` of a suite in Python), which great-expectations runs on the whole table as a frame. Without one
    these are counted: there are rows; labels, inputs and groups are not missing; labels are known classes, truths, or
    numbers in their range; texts are not blank; ids are unique; no input column of a table and no label is constant.
    All of these count as critical. An expectation that cannot be computed, for example because its column does not
    exist, is not met.

    The other counts are exact. Ranges, types, categories, scripts and languages are those of the training data, and
    without it they are not known; some test rows lie outside of any range by chance. Categories are texts of at most
    300 kinds, ten rows each on the average. The most frequent text is looked for in 2,000 rows and counted in all, each
    text as a reader takes it. The bounds of the rarest class are those of that class alone. Damage is what UTF-8
    becomes when read as Windows-1252 or Latin-1; some goes unseen. An image that cannot be read is refused before.

    Only names, counts and names of rows leave the check, never values.
    """
    read = None if case.suite is None else read_suite(case.suite)
    where = None if read is None else context()
    if read is not None:
        yield Measurement(name="suite", value=suite_digest(read), n=len(case.data["test"]))
    train = case.data.get("train")
    known = {} if train is None else _summaries(case, train)
    for data in case.data.values():
        held = known if data is train else _summaries(case, data)
        yield from _judged(_defaults(case, data, held) if read is None else validated(where, read, data), data)
        yield Measurement(name="column_types", value=_types(data), n=len(data), data=data.ref)
        yield from _alone(case, data, held)
        if train is None:
            yield from _without_train(case, data)
        elif data is not train:
            yield from _beside(case, data, held, known)
    if case.modality == "text" and train is not None:
        yield from _spoken(case, train)


def _types(data: Dataset) -> str:
    """Names of columns by what they hold; a name that looks like personal data stays inside."""
    by_type: dict[str, list[str]] = {}
    for at, (name, kind) in enumerate(column_types(data.table).items(), 1):
        shown = f"column {at}" if any(each.within(name) for each in KINDS) else name
        by_type.setdefault(kind, []).append(shown)
    said = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in sorted(by_type.items()))
    return said if len(said) <= LONGEST else f"{said[:LONGEST]} ..."


def _named(case: Case, use: str, data: Dataset) -> list[str]:
    """The columns of one use that the table holds."""
    found, there = case.column.get(use) or (), set(data.table.column_names)
    return [name for name in ((found,) if isinstance(found, str) else found) if name in there]


def _summaries(case: Case, data: Dataset) -> dict[str, Summary]:
    """What each column of inputs, labels, groups and id holds."""
    names = dict.fromkeys(name for use in ("input", "label", "groups", "id") for name in _named(case, use, data))
    return {name: summary(data.table[name]) for name in names}


def _defaults(case: Case, data: Dataset, held: Mapping[str, Summary]) -> Outcome:
    """What any audit expects of its data, under the names that great-expectations has for it."""
    asked, labels = _named(case, "input", data), _named(case, "label", data)
    met = [("expect_table_row_count_to_be_between", "", data.table.num_rows >= 1)]
    met += [("expect_column_values_to_not_be_null", name, not found.absent) for name, found in held.items()]
    if case.modality == "text":
        met += [("expect_column_values_to_match_regex", name, not held[name].blank) for name in asked]
    for label in labels:
        met += [(kind, label, fits) for kind, fits in _known_labels(case, data, label, held[label])]
    for name in [*(asked if case.modality == "table" else ()), *labels]:
        met.append(("expect_column_unique_value_count_to_be_between", name, held[name].varied))
    for name in _named(case, "id", data):
        met.append(("expect_column_values_to_be_unique", name, not repeated(data.table[name])))
    return Outcome(len(met), sorted((SEVERITIES[0], kind, name) for kind, name, fits in met if not fits))


def _known_labels(case: Case, data: Dataset, label: str, held: Summary) -> Iterator[tuple[str, bool]]:
    """Labels are classes of the case, truths of one label of several, or numbers in the declared range."""
    from govkit.data import canonical_text

    if case.task == "regression":
        if "range" in case.column:
            low, high = case.column["range"]
            within = held.low is None or (low <= held.low and held.high <= high)
            yield "expect_column_values_to_be_between", within
        return
    names = {"0", "1", "false", "true"} if case.task == "multilabel" else set(case.classes)
    distinct = (canonical_text(pc.unique(cells)) for _, cells in pieces(data.table[label]))
    found = {name for values in distinct for name in values if name is not None}
    yield "expect_column_values_to_be_in_set", found <= names


def _judged(outcome: Outcome, data: Dataset) -> Iterator[Finding]:
    """What came of the suite; a lost expectation is not met, and nobody knows which it is."""
    failed, n = outcome.count(*SEVERITIES), len(data)
    yield Measurement(name="suite_passed", value=not failed, n=n, data=data.ref)
    yield counted("failed_expectations", failed, data)
    yield counted("expectations", outcome.expectations, data)
    for severity in SEVERITIES:
        yield counted(f"failed_{severity}", outcome.count(severity), data)
    for number, (_, kind, column) in enumerate(outcome.failed, 1):
        part = {"expectation": kind, "column": column, "number": str(number)}
        yield Measurement(name="expectation_met", value=False, n=n, part=part, data=data.ref)


def _alone(case: Case, data: Dataset, held: Mapping[str, Summary]) -> Iterator[Finding]:
    """What is broken, missing, constant, damaged or lopsided in a data set, whatever the others hold."""
    asked, labels, n = _named(case, "input", data), _named(case, "label", data), len(data)
    places = tuple(map(_place, data.broken[:MOST_ROWS]))
    yield counted("broken_rows", len(data.broken), data, n=n + len(data.broken), rows=places)
    texts, paths = (asked if case.modality == kind else [] for kind in ("text", "image"))
    yield from (_absence(data, name, found, blanks=name in texts) for name, found in held.items() if n)
    constant = [name for name in [*(asked if case.modality == "table" else ()), *labels] if not held[name].varied]
    yield counted("constant_columns", len(constant), data)
    yield from (counted("constant_columns", 1, data, part={"column": name}) for name in constant)
    written = [name for name in held if held[name].kind == "text" and name not in paths]
    yield from _summed("damaged_text_rows", data, ((name, marked(data.table[name], damaged)) for name in written))
    yield from _balance(case, data)
    for name in texts if n else ():
        same = most_frequent(as_texts(data.table[name]), plain)
        rows = named_rows(data, same) if same.sum() > 1 else ()
        yield share("repeated_text_share", same, data, rows=rows)


def _place(broken: str) -> str:
    """Where a broken row stands, ``row 3`` or ``part.csv, row 3``; the name of a file may be that of somebody."""
    found = _PLACE.match(broken)
    file, row = found.groups("") if found else ("", "")
    return ("a file whose name is not shown, " if any(kind.within(file) for kind in KINDS) else file) + row


def _absence(data: Dataset, name: str, held: Summary, *, blanks: bool) -> Finding:
    """Rows without a value in a column; a blank text is none where texts are what is asked."""
    column, count = data.table[name], held.absent + (held.blank if blanks else 0)
    rows = np.zeros(0, dtype=bool)
    if count:
        rows = marked(column, lambda cells: pc.or_(absent(cells), blank(cells)) if blanks else absent(cells))
    share = proportion(count, len(data))
    return measured("missing_share", share, data, part={"column": name}, rows=named_rows(data, rows))


def _summed(name: str, data: Dataset, columns: Iterable[tuple[str, Array]]) -> Iterator[Measurement]:
    """Rows that are marked in any column, and in each where there are some."""
    whole = np.zeros(len(data), dtype=bool)
    for column, rows in columns:
        whole |= rows
        if rows.any():
            yield counted(name, int(rows.sum()), data, rows=named_rows(data, rows), part={"column": column})
    yield counted(name, int(whole.sum()), data, rows=named_rows(data, whole))


def _balance(case: Case, data: Dataset) -> Iterator[Finding]:
    n = len(data)
    found: list[tuple[dict[str, str], int]] = []
    if case.task in CLASSES and n:
        found = [({}, int(np.bincount(data.labels, minlength=len(case.classes)).min()))]
    elif case.task == "multilabel" and n:
        ones = data.labels.sum(axis=0).tolist()
        found = [({LABEL: name}, min(count, n - count)) for name, count in zip(case.classes, ones, strict=True)]
    for part, rarest in found:
        yield measured("rarest_class_share", proportion(rarest, n), data, part=part)


def _without_train(case: Case, data: Dataset) -> Iterator[Finding]:
    for name in (*AGAINST, *(SPOKEN if case.modality == "text" else ())):
        why = "There are no training data to compare with; name them in the audit file (data.train)."
        yield missing(name, "no data", why, data=data)


def _beside(case: Case, data: Dataset, held: Mapping[str, Summary], known: Mapping[str, Summary]) -> Iterator[Finding]:
    """Types, ranges and categories against the training data, column by column; ids are new by nature."""
    ids = _named(case, "id", data)
    of = {name: (known[name], found) for name, found in held.items() if name in known and name not in ids}
    other = [name for name, kinds in of.items() if len({kinds[0].kind, kinds[1].kind} - {"nothing"}) > 1]
    yield counted("other_type_columns", len(other), data)
    yield from (counted("other_type_columns", 1, data, part={"column": name}) for name in other)
    numbers = [(name, past) for name, (past, now) in of.items() if past.kind == now.kind == "number"]
    ranges = ((name, outside(data.table[name], past.low, past.high)) for name, past in numbers)
    yield from _summed("out_of_range_rows", data, ranges)
    free = _named(case, "input", data) if case.modality in ("text", "image") else []
    named = {name: past.categories for name, (past, now) in of.items() if now.kind == "text" and name not in free}
    yield from _strange(data, {name: past for name, past in named.items() if past})


def _strange(data: Dataset, known: Mapping[str, frozenset[str]]) -> Iterator[Finding]:
    """Categories that no training row has, and the rows that hold one."""
    total, whole = 0, np.zeros(len(data), dtype=bool)
    for name, past in known.items():
        new, rows = unknown(data.table[name], past)
        total, whole = total + new, whole | rows
        if new:
            yield counted("new_categories", new, data, rows=named_rows(data, rows), part={"column": name})
    yield counted("new_categories", total, data, rows=named_rows(data, whole))


def _spoken(case: Case, train: Dataset) -> Iterator[Finding]:
    """Scripts of all texts and languages of some, beside what most training texts are written in."""
    sets = [train, *(data for data in case.data.values() if data is not train)]
    texts = [as_texts(data.table[name]) for data in sets for name in _named(case, "input", data)]
    if len(texts) != len(sets):
        return
    usual = np.bincount(scripts(texts[0]) + 1)[1:]
    for data, column in zip(sets[1:], texts[1:], strict=True):
        found = scripts(column)
        rows = (found >= 0) & (found != (usual.argmax() if usual.size else -1))
        yield counted("other_script_rows", int(rows.sum()), data, rows=named_rows(data, rows))
    try:
        told = languages(texts)
    except ModuleNotFoundError:
        why = "This number needs 'py3langid', which is not installed: pip install py3langid."
        yield from (missing("other_language_share", "no extra", why, data=data) for data in sets[1:])
        return
    yield from (_foreign(data, names, told[0]) for data, names in zip(sets[1:], told[1:], strict=True))


def _foreign(data: Dataset, names: list[str | None], usual: list[str | None]) -> Finding:
    """Share of the rows whose language is told that are in another one than most training rows."""
    counts = Counter(name for name in usual if name is not None)
    told = {row: name for row, name in zip(spread(len(data)), names, strict=True) if name is not None}
    fewest = min(len(told), counts.total())
    if fewest < FEWEST:
        why = f"The language of {fewest} rows could be told, in the training or these data; it needs {FEWEST}."
        return missing("other_language_share", "too few rows", why, data=data)
    most = min(counts, key=lambda name: (-counts[name], name))
    other = np.array([row for row, name in told.items() if name != most], dtype=np.int64)
    share = proportion(len(other), len(told))
    return measured("other_language_share", share, data, rows=named_rows(data, other))
