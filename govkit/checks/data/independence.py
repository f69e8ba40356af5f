"""Independence: do rows belong together, so that they say less than as many rows of their own?

Ten rows of one person whose answers are alike (intraclass correlation 0.3) are worth fewer than three independent ones,
and bounds that take them for ten miss far more often than they say (Kish 1965, "Survey sampling").
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from govkit import stats
from govkit.checks._candidates import used_columns
from govkit.checks._clusters import clusters_in
from govkit.checks._near import near_twins
from govkit.checks._shared import counted, missing, stated
from govkit.checks.data import prints, row_keys
from govkit.core import Case, Dataset, Finding, Interval, Measurement, Metric, check
from govkit.core.case import Array
from govkit.core.words import CLASSES, INDEPENDENCE, TASKS
from govkit.data.cells import coded_text
from govkit.lazy import np, pa, pc

FEWEST, FEWEST_CLUSTERS = 50, 10
MOST_ROWS = 20_000
"""Rows that a test draws from; of more, whole clusters are chosen by lot. Near rows are sought in no more."""

MOST_COLUMNS, LARGEST = 20, 50
"""Columns that are tried, and rows of a cluster on average up to which one is suspected."""

REPEATED = 0.2
"""Share of the rows that are to have a companion."""

RUN = 10
"""Rows next to each other in time that are taken together."""

DRAWS, ALPHA, NOTABLE = 999, 0.05, 1.2
"""Draws of the test, the chance of any false alarm, and the design effect from which one is given."""

NO_COLUMNS = frozenset({"task", "positive", "classes", "range", "independent"})
"""What the audit file says under ``columns`` that is no column."""

_KEY = re.compile(
    "id|(?:key|uid|uuid|person|patient|subject|user|customer|client|member|household|family|account|author|speaker|student|"
    "pupil|teacher|worker|employee|applicant|candidate|conversation|session|dialog|dialogue|thread|chat|prompt|template|"
    "document|doc|article|visit|encounter|site|hospital|clinic|ward|school|centre|center|store|branch|device|sensor|"
    "camera|video|scene|slide|batch)(?:id|s)?"
)
"""Words of the name of a column of keys."""

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_END = re.compile(r"[-_./:# ]+[^-_./:# ]{1,6}$")


@check(
    INDEPENDENCE,
    crosswalk="check.data_quality",
    tasks=TASKS,
    reads=(("candidate", "test"),),
    metrics={
        "independence_declared": Metric(
            "Whether the audit file says which rows belong together, or who says that none do.",
            words=("declared", "not declared"),
        ),
        "suspected_clusters": Metric(
            "Ways in which rows seem to belong together that nobody declared.", better="lower", unit="ways", low=0
        ),
        "design_effect": Metric(
            "Variance of the accuracy over that of as many independent rows: so many rows are worth one.",
            better="lower",
            unit="ratio",
            low=0,
        ),
    },
)
def independence(case: Case) -> Iterator[Finding]:
    """What is declared of rows that belong together, and what the rows themselves say.

    Suspected are columns of keys that are neither inputs, labels, answers nor groups (by their name, or by text that
    holds digits), ids with a common stem such as ``p12-1`` and ``p12-2``, texts or images that repeat each other
    exactly or nearly, and runs of ten rows in the order of ``columns.time``. A suspicion is given where answers are
    right more alike inside than between, with a chance of any false alarm of 5 % (permutations of the rows, Holm), and
    a design effect above 1.2. Beside declared clusters only coarser ones are suspected, and clusters are what is
    permuted. Clusters about which the candidate's mistakes say nothing are not found, and few where it makes few.

    References:
        Kish 1965 (design effect); Donner and Klar 2000 (intraclass correlation); Good 2005 (permutation tests).
    """
    data, declared = case.data["test"], case.column.get("cluster") or case.column.get("independent")
    word = "declared" if declared else "not declared"
    yield Measurement(name="independence_declared", value=word, n=len(data), data=data.ref)
    values = _values(case, data)
    if values is None or len(data) < FEWEST:
        why = f"It needs the candidate's answers to {FEWEST} rows, each right or wrong or a number."
        for name in ("suspected_clusters", "design_effect"):
            yield missing(name, "no data" if values is None else "too few rows", why, data=data)
        return
    clusters = clusters_in(data)
    if clusters is not None:
        yield _effect(values, clusters, data)
    found = _suspected(values, dict(_ways(case, data)), data, case.seed)
    yield counted("suspected_clusters", len(found), data)
    for name, codes in found.items():
        yield _effect(values, stats.clusters_of(codes), data, part={"found": name})


def _values(case: Case, data: Dataset) -> Array | None:
    """What is right in each row, as a number ``(n,)``."""
    given = case.predictions("candidate")
    if given is None or case.task == "ranking":
        return None
    if case.task in CLASSES:
        return (given.labels == data.labels).astype(np.float64)
    return np.abs(given.labels - data.labels).reshape(len(data), -1).mean(axis=1)


def _effect(values: Array, clusters: stats.Clusters, data: Dataset, **where: dict[str, str]) -> Finding:
    """Design effect of a mean of these values, with an interval from the chi-square of its degrees of freedom."""
    from scipy.special import chdtri

    design = stats.design_of(values, clusters)
    effect, freedom = float(design.effect[0]), float(design.freedom[0])
    interval = None
    if 0 < freedom < len(data):
        low, high = (effect * freedom / float(chdtri(freedom, alpha)) for alpha in (0.025, 0.975))
        interval = Interval(level=0.95, low=min(low, effect), high=max(high, effect), method="chi-square")
    return stated("design_effect", effect, len(data), data, interval=interval, clusters=clusters.count, **where)


def _ways(case: Case, data: Dataset) -> Iterator[tuple[str, Array]]:
    """Ways in which rows may belong together, and the cluster of each row ``(n,)``."""
    used, tried = used_columns(case.column, aside=NO_COLUMNS), 0
    for name in data.table.column_names:
        codes = None if name in used or tried >= MOST_COLUMNS else _keys(name, data.table[name])
        if codes is not None:
            tried += 1
            yield f"column {name}", codes
    if data.ids is not None:
        yield "ids with a common stem", np.unique([_END.sub("", each) for each in data.ids], return_inverse=True)[1]
    repeats = _repeats(case, data)
    if repeats is not None:
        yield "rows that repeat each other", repeats
    if case.column.get("time"):
        run = np.empty(len(data), dtype=np.int64)
        run[pc.sort_indices(data.table[case.column["time"]]).to_numpy()] = np.arange(len(data)) // RUN
        yield "rows next to each other in time", run


def _keys(name: str, column: Array) -> Array | None:
    """Codes of a column that looks like keys; one without a value is a cluster of its own."""
    kind, named = column.type, any(_KEY.fullmatch(word.lower()) for word in _WORD.findall(name))
    written = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind)
    if not (written or (named and pa.types.is_integer(kind))):
        return None
    coded = coded_text(column)
    digits = sum(any(map(str.isdigit, each)) and not each.isdigit() for each in coded.names)
    if not named and digits < 0.9 * len(coded.names):
        return None
    return np.where(coded.codes < 0, len(coded.names) + np.arange(len(column)), coded.codes)


def _repeats(case: Case, data: Dataset) -> Array | None:
    """Texts or images that are the same, or nearly, as one cluster; people of one description are no copies."""
    keys = None if hasattr(data.inputs, "columns") else row_keys(case, data)
    if keys is None:
        return None
    _, first, codes = np.unique(keys, return_index=True, return_inverse=True)
    codes = codes.reshape(-1)
    found_by = prints(case, data) if len(data) <= MOST_ROWS else None
    if found_by is not None:
        twins = near_twins(found_by.take(first))
        # A twin stands earlier, so that its own cluster is settled.
        root = np.arange(len(first))
        for row in np.flatnonzero(twins >= 0):
            root[row] = root[twins[row]]
        codes = root[codes]
    return codes


def _suspected(values: Array, ways: dict[str, Array], data: Dataset, seed: int) -> dict[str, Array]:
    """The ways in which values are alike, and their codes by row; beside declared clusters, what joins whole ones."""
    declared = clusters_in(data)
    first = np.arange(len(data)) if declared is None else np.unique(declared.codes, return_index=True)[1]
    units = values if declared is None else declared.sums(values) / declared.sums(np.ones(len(data)))
    held: dict[str, Array] = {}
    for name, codes in ways.items():
        whole = declared is None or bool((codes[first][declared.codes] == codes).all())
        sizes = np.unique(codes[first], return_counts=True)[1]
        alike, mean = sizes[sizes > 1].sum() / len(first), len(first) / len(sizes)
        if whole and len(sizes) >= FEWEST_CLUSTERS and alike >= REPEATED and mean <= LARGEST:
            held[name] = codes
    chances = [_chance(units, codes[first], seed) for codes in held.values()]
    sure = stats.holm(chances) <= ALPHA if chances else []
    clusters = {
        name: stats.clusters_of(codes) for (name, codes), is_it in zip(held.items(), sure, strict=True) if is_it
    }
    return {name: each.codes for name, each in clusters.items() if stats.design_of(values, each).effect[0] > NOTABLE}


def _chance(values: Array, codes: Array, seed: int) -> float:
    """Chance of values as alike inside clusters, if they were dealt to the rows by lot."""
    rng = np.random.default_rng(seed)
    clusters = np.unique(codes, return_inverse=True)[1]
    if len(values) > MOST_ROWS:
        chosen = rng.permutation(clusters.max() + 1)[clusters]
        rows = np.argsort(chosen, kind="stable")[:MOST_ROWS]
        values, clusters = values[rows], np.unique(clusters[rows], return_inverse=True)[1]
    away = values - values.mean()

    def alike(dealt: Array) -> float:
        sums = np.bincount(clusters, dealt)
        return float(sums @ sums)

    seen = alike(away)
    reached = sum(alike(rng.permutation(away)) >= seen - 1e-9 for _ in range(DRAWS))
    return (1 + reached) / (1 + DRAWS)
