"""What the checks share: the models side by side, parts of the rows, and estimates as findings."""

from __future__ import annotations

import gc
import hashlib
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from govkit.checks._identifiers import KINDS
from govkit.core import Case, Dataset, Gap, Measurement, Of, Predictions, Role, Subject, exact
from govkit.core.case import Array, Coded
from govkit.core.finding import MOST_ROWS
from govkit.core.words import GapReason
from govkit.data import file_order
from govkit.lazy import np
from govkit.stats import Estimate

MODELS: tuple[Of, ...] = ("candidate", "base", "incumbent")
"""The models that stand side by side, the candidate first."""

READS_TEST: tuple[tuple[Of, Role], ...] = tuple((of, "test") for of in MODELS)


@contextmanager
def loading() -> Iterator[None]:
    """Load a large library without its advice, and without the garbage collector.

    Loading makes millions of objects that live as long as the process; to look through them again and again for
    something to free takes a third of the time.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if collects:
            gc.enable()


def live_models(case: Case) -> dict[Of, Subject]:
    """The models that can be asked, the candidate first."""
    live: dict[Of, Subject | None] = {"candidate": case.subject, "base": case.base, "incumbent": case.incumbent}
    return {of: subject for of, subject in live.items() if subject is not None}


def answers(case: Case, role: Role = "test", models: tuple[Of, ...] = MODELS) -> dict[Of, Predictions]:
    """Answers of the models that exist, in the order asked."""
    found = {of: case.predictions(of, role) for of in models}
    return {of: predictions for of, predictions in found.items() if predictions is not None}


def groups_of(data: Dataset) -> Iterator[tuple[dict[str, str], Array]]:
    """Each group of each group column: its part, and the rows in it as truths ``(n,)``."""
    yield from _rows_of(data.groups)


def parts_of(data: Dataset) -> Iterator[tuple[dict[str, str], Array]]:
    """Each group, and each value of the further columns that the user wants to see apart."""
    yield from _rows_of({**data.groups, **data.parts})


def _rows_of(columns: Mapping[str, Coded]) -> Iterator[tuple[dict[str, str], Array]]:
    for column, coded in columns.items():
        for index, name in enumerate(coded.names):
            yield {column: name}, coded.codes == index


def measured(name: str, estimate: Estimate, data: Dataset, **where: Any) -> Measurement:
    """An estimate as a finding; ``where`` holds any of ``of``, ``compared_with``, ``part`` and ``seed``."""
    return Measurement(
        name=name,
        value=float(estimate.value),
        n=int(estimate.n),
        clusters=estimate.clusters,
        interval=estimate.interval,
        bounds=estimate.bounds,
        data=data.ref,
        **where,
    )


def stated(name: str, value: float, n: int, data: Dataset, **where: Any) -> Measurement:
    """A number for the reader that carries no bounds and so never satisfies a limit."""
    return Measurement(name=name, value=float(value), n=int(n), data=data.ref, **where)


def counted(
    name: str, value: float, data: Dataset | None = None, *, which: Array | None = None, **where: Any
) -> Measurement:
    """A number that was counted, not estimated, with the names of the rows ``which``; n is all rows if not given."""
    interval, bounds = exact(float(value))
    if data is not None:
        where = {"n": len(data), "data": data.ref, **where}
        where |= {} if which is None else {"rows": named_rows(data, which)}
    return Measurement(name=name, value=float(value), interval=interval, bounds=bounds, **where)


def named_rows(data: Dataset, which: Array) -> tuple[str, ...]:
    """Names of some rows, as a finding carries them: their ids, else their places in the file.

    Ids that look like personal data or secrets stay where they are: such rows are named by their places.

    Args:
        data: A data set of n rows.
        which: Truths ``(n,)`` or indices ``(m,)``.

    Returns:
        At most ``MOST_ROWS`` names, in the order of the file where there are no ids.
    """
    chosen = np.flatnonzero(which) if np.asarray(which).dtype == bool else np.asarray(which)
    ids = () if data.ids is None else tuple(map(str, data.ids[chosen][:MOST_ROWS]))
    if ids and not any(kind.within(name) for name in ids for kind in KINDS):
        return ids
    return tuple(f"row {place + 1}" for place in np.sort(file_order(data)[chosen])[:MOST_ROWS])


def seed_of(*words: object) -> int:
    """A number in [0, 2**56) that depends on nothing but these words."""
    key = ":".join(map(str, words)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(key).digest()[:7], "big")


def missing(name: str, reason: GapReason, detail: str, *, data: Dataset | None = None, **where: Any) -> Gap:
    """A metric that could not be measured; ``where`` holds any of ``of``, ``compared_with`` and ``part``."""
    return Gap(name=name, reason=reason, detail=detail, data=None if data is None else data.ref, **where)


def no_probabilities(of: Of, names: tuple[str, ...], data: Dataset) -> Iterator[Gap]:
    """One gap a metric for a model that gives labels only."""
    for name in names:
        yield missing(name, "unsupported", f"The {of} gives labels only; {name} needs probabilities.", data=data, of=of)


def unrivaled(rival: Of, names: Iterable[str], data: Dataset) -> Iterator[Gap]:
    """One gap a metric that would have been compared with a model that does not exist."""
    detail = f"There is no {rival} to compare with; name one in the audit file ({rival})."
    for name in names:
        yield missing(name, "no data", detail, data=data, compared_with=rival)


def log_losses(given: Predictions, data: Dataset) -> Array | None:
    """Negative logarithm of the probability of each row's true class ``(n,)``, in nats; None without probabilities.

    The probability is kept away from 0 and 1 by the machine epsilon, as in scikit-learn's ``log_loss``.
    """
    if given.probabilities is None:
        return None
    true = given.probabilities[np.arange(len(data)), data.labels]
    smallest = np.finfo(np.float64).eps
    return np.asarray(-np.log(np.clip(true, smallest, 1 - smallest)))
