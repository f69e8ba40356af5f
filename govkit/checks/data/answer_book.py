"""Answer book: does the candidate know the test rows themselves, and not only what they show?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import PositiveInt

from govkit.attacks.text_changes import double_space, recase
from govkit.checks._clusters import paired
from govkit.checks._shared import missing, named_rows, seed_of
from govkit.core import Case, Dataset, Finding, Measurement, Metric, Passes, Predictions, check
from govkit.core.case import Array
from govkit.core.words import CLASSES, TASKS
from govkit.engine import Answers
from govkit.lazy import np

FEWEST = 20
"""Rows below which nothing is compared."""

SLIGHT = 1e-3
"""Change of a number in a table, as a share of the spread of its column; at least one unit of its last digit."""

LEVELS = 255
"""Levels of an image between its smallest and its largest value."""

ADVANTAGE = "exact_row_advantage"


def _extra(case: Case, *, rows: int) -> Passes:
    data = case.data["test"]
    if case.subject is None or data.inputs is None or _changed(case, _chosen(case, rows)) is None:
        return Passes()
    return Passes(forward=len(_chosen(case, rows)))


@check(
    "answer_book",
    crosswalk="check.contamination",
    tasks=TASKS,
    needs={"inputs"},
    reads=(("candidate", "test"),),
    extra=_extra,
    last=True,
    metrics={
        "read_audit_data": Metric(
            "Whether code of the models opened a file of the audit that holds labels.", words=("yes", "no")
        ),
        "closed_to_code": Metric(
            "Whether this was closed to code of the models: memory with keys, the network, files with labels.",
            words=("yes", "no"),
        ),
        ADVANTAGE: Metric.difference(
            "Share of right answers on test rows less that on the same rows slightly changed, paired.", better="lower"
        ),
    },
)
def answer_book(case: Case, *, rows: PositiveInt = 1000) -> Iterator[Finding]:
    """What code of the models opened, and how much better the candidate is on exact test rows than on rows beside them.

    A table of answers that is keyed by the row finds nothing for a row that differs in a space, a letter's case, the
    last digit of a number or one level of a pixel; a model hardly notices. The changed rows are asked once, shuffled.
    The first answers count, which all other numbers rest on. Of a regression a row is right where its error is at most
    the median error on the changed rows. A table that is keyed by what such a change leaves as it was, for example
    words without their case and spaces, is not seen, and neither is one that answers for all its neighbors alike.

    Files count that Python tells of and those that were laid over the data; see ``docs/isolation.md``.

    Args:
        case: A candidate that can be asked.
        rows: Most rows that are changed and asked again.
    """
    yield from _reached(case)
    data, before, chosen = case.data["test"], case.predictions("candidate"), _chosen(case, rows)
    if before is None or len(chosen) < FEWEST:
        why = f"{len(chosen)} test rows; at least {FEWEST} are needed."
        yield missing(ADVANTAGE, "too few rows", why, data=data, of="candidate")
        return
    inputs = _changed(case, chosen)
    if inputs is None:
        why = "No input can be changed slightly: a table needs a column of numbers, images need differing values."
        yield missing(ADVANTAGE, "unsupported", why, data=data, of="candidate")
        return
    exact, slight = _right(case, chosen, before, _asked(case, chosen, inputs))
    found = paired(ADVANTAGE, exact, slight, data, at=chosen, of="candidate", seed=str(case.seed))
    yield found.model_copy(update={"rows": named_rows(data, chosen[exact & ~slight])})


def _reached(case: Case) -> Iterator[Finding]:
    """Files and closures; without code of a model there is nothing that could open a file."""
    fenced, ref, n = case.fenced(), case.data["test"].ref, len(case.data["test"])
    read = () if fenced is None else fenced.read
    yield Measurement(name="read_audit_data", value="yes" if read else "no", n=n, data=ref)
    for what, closed in ({} if fenced is None else fenced.closed).items():
        yield Measurement(name="closed_to_code", value="yes" if closed else "no", n=n, part={"what": what}, data=ref)


def _chosen(case: Case, rows: int) -> Array:
    """Numbers of the rows, sorted: the first ones, whose order is that of a digest."""
    return np.arange(min(rows, len(case.data["test"])))


def _changed(case: Case, chosen: Array) -> Any:
    """The rows slightly changed, or None where nothing can be."""
    data = case.data["test"]
    digests = data.row_digests[chosen].tolist()
    if hasattr(data.inputs, "iloc"):
        return _table(data.inputs.iloc[chosen], seed_of(case.seed, "answer book"))
    if hasattr(data.inputs, "dtype"):
        rng = np.random.default_rng(seed_of(case.seed, "answer book"))
        return _images(data.inputs[chosen], getattr(case.subject, "input_range", None), rng)
    texts = [data.inputs[row] for row in chosen.tolist()]
    return [_text(text, f"{case.seed}:{digest!r}") for text, digest in zip(texts, digests, strict=True)]


def _text(text: str, key: str) -> str:
    """One space more, and one word in another case."""
    return double_space(recase(text, key), key)


def _table(frame: Any, seed: int) -> Any:
    """Every number of the columns that hold fractions, or many whole numbers, up or down by its last digit or more."""
    rng, made, any_changed = np.random.default_rng(seed), frame.copy(), False
    for name, kind in frame.dtypes.items():
        values = frame[name].to_numpy(dtype=np.float64, na_value=np.nan) if kind.kind in "iuf" else np.zeros(0)
        held = values[np.isfinite(values)]
        whole = bool((held == np.round(held)).all())
        if not len(held) or (whole and len(np.unique(held)) <= FEWEST):
            continue
        digits = next((digits for digits in range(7) if np.allclose(held, np.round(held, digits), atol=1e-9)), 7)
        step = np.ceil(max(SLIGHT * held.std() * 10**digits, 1)) / 10**digits
        other = np.round(values + step * rng.choice([-1.0, 1.0], len(values)), digits)
        made[name] = np.clip(other, held.min(), held.max()).astype(kind)
        any_changed = True
    return made if any_changed else None


def _images(images: Array, span: tuple[float, float] | None, rng: Any) -> Array | None:
    """Each value up or down by one level."""
    low, high = span or (float(images.min(initial=0)), float(images.max(initial=0)))
    if not high > low:
        return None
    moved = images + (high - low) / LEVELS * rng.choice([-1.0, 1.0], images.shape)
    return np.clip(moved, low, high).astype(images.dtype)


def _asked(case: Case, chosen: Array, inputs: Any) -> Predictions:
    """Answers to the changed rows, which are asked in another order."""
    data = case.data["test"]
    order = np.random.default_rng(seed_of(case.seed, "answer book", "order")).permutation(len(chosen))
    if hasattr(inputs, "iloc"):
        shuffled = inputs.iloc[order].reset_index(drop=True)
    else:
        shuffled = inputs[order] if hasattr(inputs, "dtype") else [inputs[at] for at in order.tolist()]
    rows = Dataset(
        role="test", table=None, inputs=shuffled, labels=data.labels[chosen][order], groups={}, ids=None,
        row_digests=data.row_digests[chosen][order], digest=data.digest, path=data.path,
    )  # fmt: skip
    answers = Answers({"candidate": case.subject}, {"test": rows}, classes=case.classes, task=case.task)
    found, back = answers("candidate", "test"), np.empty(len(order), dtype=np.int64)
    if found is None:
        raise ValueError("expected answers of a candidate that can be asked")
    back[order] = np.arange(len(order))
    return Predictions(found.labels[back])


def _right(case: Case, chosen: Array, before: Predictions, after: Predictions) -> tuple[Array, Array]:
    """Truths ``(n,)``: the answer to the exact row is right, and to the changed row."""
    known = case.data["test"].labels[chosen]
    first, then = before.labels[chosen], after.labels
    if case.task in CLASSES:
        return first == known, then == known
    if case.task == "multilabel":
        return (first == known).all(axis=1), (then == known).all(axis=1)
    errors = np.abs(first - known), np.abs(then - known)
    limit = np.median(errors[1])
    return errors[0] <= limit, errors[1] <= limit
