"""Cases of rows that are made here, read as an audit reads its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from govkit import data, engine
from govkit.core import Case, Dataset, Passes, Predictions
from govkit.core.audit import Use
from govkit.core.case import Array
from govkit.core.columns import Columns
from govkit.core.words import Modality, Of, Role
from govkit.lazy import np, pa
from govkit.subjects.python import Origin, TorchSubject

PIXELS = tuple(f"pixel {at}" for at in range(64))
DIGITS = tuple(str(digit) for digit in range(10))


@cache
def digits() -> tuple[Array, Array]:
    """scikit-learn's 1797 digits: float32 ``(n, 64)`` in [0, 1] on the 8-bit grid, and their classes ``(n,)``."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return (np.round(pixels / 16 * 255) / 255).astype(np.float32), labels.astype(np.int64)


def digit_rows(which: Array, labels: Array | None = None) -> dict[str, Any]:
    """Digits as columns: a pixel each, the label, and the place among the 1797 as id."""
    pixels, own = digits()
    given = own if labels is None else labels
    columns = {name: pixels[which, at] for at, name in enumerate(PIXELS)}
    return {**columns, "id": [f"digit {at}" for at in which], "label": [DIGITS[given[at]] for at in which]}


def case_of(
    tables: Mapping[Role, Mapping[str, Any]],
    columns: Mapping[str, Any],
    *,
    classes: tuple[str, ...],
    **fields: Any,
) -> Case:
    """A case of stored answers, where the columns name any.

    Args:
        tables: Role -> column -> values.
        columns: As the audit file names them.
        classes: Names of the classes.
        fields: Any further field of :class:`Case`, for example ``seed`` or ``run``.
    """
    named = Columns.model_validate({"classes": classes, **columns})
    modality: Modality = "unknown" if named.input is None else "table"
    sets = {
        role: data.read_dataset(
            Path(role), role=role, columns=named, modality=modality, classes=classes, table=pa.table(dict(table))
        )
        for role, table in tables.items()
    }
    positive, stored = len(classes) - 1, dict[tuple[Of, Role], Predictions]()
    for role, rows in sets.items() if named.score else ():
        given = data.stored_predictions(rows, named, which="candidate", classes=classes, positive=positive)
        if given is not None:
            stored["candidate", role] = given
    usual: dict[str, Any] = {
        "subject": None, "base": None, "incumbent": None, "run": None, "use": Use(), "access": "predictions",
        "model_path": None, "passes": Passes(), "column": named.model_dump(exclude_none=True),
        "task": data.task_of(named, classes), "answers": engine.Answers({}, sets, classes=classes, stored=stored),
    }  # fmt: skip
    return Case(data=sets, classes=classes, positive=positive, modality=modality, **{**usual, **fields})


def image_case(net: Any, which: Array, seed: int) -> Case:
    """A torch module that is asked for digits ``(n, 1, 8, 8)`` in [0, 1]."""
    case = case_of({"test": digit_rows(which)}, {"input": PIXELS, "label": "label", "id": "id"}, classes=DIGITS)
    test = case.data["test"]
    images = test.inputs.to_numpy(dtype=np.float32).reshape(-1, 1, 8, 8)
    sets: dict[Role, Dataset] = {"test": replace(test, inputs=images)}
    passes = Passes()
    origin = Origin("digits", Path(__file__), (), "image", DIGITS, passes, (0.0, 1.0))
    subject = TorchSubject(net, origin)
    answers = engine.Answers({"candidate": subject}, sets, classes=DIGITS)
    return replace(
        case, subject=subject, data=sets, modality="image", access="weights", answers=answers, passes=passes, seed=seed
    )
