"""Models that are asked again about other rows than those of the data sets."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from govkit.core import Case, Of, Subject
from govkit.core.case import Array
from govkit.engine import Answers
from govkit.errors import SubjectError
from govkit.lazy import np, pd

MOST_NUMBERS = 50_000_000
"""Numbers that are asked about at a time."""


def asked(case: Case, of: Of, subject: Subject, inputs: Any) -> Array:
    """Probabilities ``(n, k)`` of one model in the order of the case's classes, checked as all answers are.

    Raises:
        SubjectError: The model refuses these inputs, or its answers are no probabilities.
    """
    if not len(inputs):
        return np.empty((0, len(case.classes)))
    rows = replace(case.data["test"], inputs=inputs, labels=np.zeros(len(inputs), dtype=np.int64))
    given = Answers({of: subject}, {"test": rows}, classes=case.classes)(of, "test")
    return given.probabilities if given is not None else np.empty((0, len(case.classes)))


def row_keys(case: Case, rows: slice) -> list[str]:
    """A key for each of these test rows, of its content and the seed, that decides what is drawn for it."""
    return [f"{case.seed}:{digest.decode()}" for digest in case.data["test"].row_digests[rows].tolist()]


def refusal(of: Of, error: SubjectError) -> str:
    """What a finding says of a refusal: not the model's own words, which may repeat values of rows; they are logged."""
    logging.getLogger("govkit.checks").info("the %s refuses rows: %s", of, error)
    return f"It refuses them ({type(error).__name__})."


def asked_together(case: Case, of: Of, subject: Subject, blocks: Sequence[Any]) -> list[Array]:
    """Probabilities of each of several blocks of inputs, asked in as few calls as memory allows.

    A base keeps the features of the last data sets that it was asked about; many small calls would drive out those of
    the training rows.
    """
    found: list[Array] = []
    for some in _packed(blocks):
        answer = asked(case, of, subject, joined(some))
        found += np.split(answer, np.cumsum([len(block) for block in some])[:-1])
    return found


def _packed(blocks: Sequence[Any]) -> Iterator[list[Any]]:
    held: list[Any] = []
    size = 0
    for block in blocks:
        more = int(getattr(block, "size", len(block)))
        if held and size + more > MOST_NUMBERS:
            yield held
            held, size = [], 0
        held.append(block)
        size += more
    if held:
        yield held


def joined(blocks: Sequence[Any]) -> Any:
    """Blocks of texts, of images, or of rows of a table, one below the other."""
    if hasattr(blocks[0], "columns"):
        return pd.concat(blocks, ignore_index=True)
    return np.concatenate(blocks) if hasattr(blocks[0], "shape") else [text for block in blocks for text in block]


def first_rows(inputs: Any, rows: int) -> Any:
    """The first rows in canonical order: it is that of a digest, so that they are as good as drawn."""
    if hasattr(inputs, "iloc"):
        return inputs.iloc[:rows].reset_index(drop=True)
    return inputs[:rows] if hasattr(inputs, "shape") else [inputs[row] for row in range(min(rows, len(inputs)))]
