"""``harden``: adversarial training on the rows that the candidate was tuned on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from govkit import remedies
from govkit.attacks import Ball
from govkit.core import Case
from govkit.core.case import Array, Dataset
from govkit.engine.answers import class_order
from govkit.engine.repeats import rows_of
from govkit.errors import UsageError
from govkit.lazy import np, torch
from govkit.pipeline.measuring import Progress
from govkit.pipeline.new_weights import NewWeights, Options
from govkit.remedies import Fitted, Hardened, Training
from govkit.subjects.modules import copied, forward_of, module_of, with_module

EPS: dict[str, float] = {"image": 8 / 255, "table": 0.1, "text": 0.1}
"""Largest change that is trained against if none is given: a share of the input range, of a text of the median length
of a token's embedding."""

TEXT = Training(epochs=3, steps=3, replays=3, rate=2e-5, batch=32)
"""A pretrained transformer forgets what it knows at the rate of a small network."""

MOST_EPOCHS = 1000

FEWEST_UPDATES, FEWEST_OF_TEXT = 200, 60
"""Where nobody says how many epochs, few rows are seen more often: fewer updates move little."""


def hardened(case: Case, subject: Any, options: Options, progress: Progress | None = None) -> NewWeights:
    """Train a copy of the candidate's module; its own stays as it is.

    Args:
        case: The audited case.
        subject: Its candidate, whose module is at hand.
        options: What to do otherwise than usual.
        progress: Told about each update.

    Raises:
        UsageError: Rows, range or options do not allow it, or the model's gradients are closed.
    """
    forward, eps, training = forward_of(subject), _radius(case, subject, options.eps), _training(case, options)
    ball, train = _ball(case, subject, eps), case.data["train"]
    made = with_module(subject, copied(module_of(subject), "harden"))
    module = module_of(made)
    if case.modality == "text":
        _open_all_but_embeddings(module)
    done = remedies.harden(
        module,
        forward,
        lambda rows: made.encode(rows_of(train.inputs, rows)),
        _own_labels(case, subject),
        ball,
        training=training,
        seed=case.seed,
        tell=partial(_told, progress),
    )
    numbers = {"eps": eps, "norm": ball.norm, **asdict(training), **asdict(done), "losses": list(done.losses)}
    said = tuple(_said(case, training, eps, done))
    name = f"adversarial training ({training.method})"
    return NewWeights(Fitted(name, numbers, said), made, "train", done.trained, eps)


def _training(case: Case, options: Options) -> Training:
    usual = TEXT if case.modality == "text" else Training()
    updates, fewest = len(case.data["train"]) // usual.batch, FEWEST_UPDATES if usual is not TEXT else FEWEST_OF_TEXT
    enough = min(MOST_EPOCHS, max(usual.epochs, math.ceil(fewest / max(1, updates))))
    epochs = enough if options.epochs is None else options.epochs
    if not 1 <= epochs <= MOST_EPOCHS:
        raise UsageError(f"--epochs {epochs}: expected a whole number from 1 to {MOST_EPOCHS}")
    return replace(usual, method=options.method or usual.method, epochs=epochs)


def _own_labels(case: Case, subject: Any) -> Array:
    """True classes of the training rows as columns of the subject, which may order its classes in another way."""
    columns = class_order(subject.classes, case.classes, what="the candidate")
    labels: Array = np.asarray(columns, dtype=np.int64)[case.data["train"].labels]
    return labels


def _said(case: Case, training: Training, eps: float, done: Hardened) -> Iterator[str]:
    what = {
        "text": f"moves of a token's embedding by up to {eps:.4g} of the median length of one",
        "image": f"changes of each value by up to {eps:.4g} of the range",
    }.get(case.modality, f"changes of each value by up to {eps:.4g} of the range of its column")
    yield (
        f"Trained ({training.method}, {training.epochs} epochs on {len(case.data['train'])} training rows) against "
        f"{what}; what is larger or of another kind is none of it."
    )
    if case.modality == "text":
        yield "The table of word embeddings stays as it was, so that a move is as large before and after."
    yield f"{done.trained:,} weights were trained."


def _radius(case: Case, subject: Any, given: float | None) -> float:
    """The largest change to train against, where rows and range allow it.

    Raises:
        UsageError: They do not.
    """
    if "train" not in case.data:
        raise UsageError(
            "data.train is missing: harden trains on the rows that the candidate was tuned on; name their file"
        )
    train = case.data["train"]
    remedies.refuse_shared(train, case.data["test"])
    eps = EPS[case.modality] if given is None else given
    if not 0 < eps < math.inf:
        raise UsageError(f"--eps {eps:g}: expected a number above 0")
    if case.modality == "image" and subject.input_range is None:
        raise UsageError("images need a range: set subject.input_range: [low, high] in the audit file")
    if case.modality != "text" and eps > 1:
        raise UsageError(f"--eps {eps:g}: is larger than the range of the input; it is a share of it, at most 1")
    return eps


def _ball(case: Case, subject: Any, eps: float) -> Ball:
    """What may be changed: of a text each token's embedding, else each value as a share of the range.

    The range of a table is that of each column over the training rows, where the subject names none.

    Raises:
        UsageError: A table has rows with values that are missing or infinite.
    """
    inputs = case.data["train"].inputs
    if case.modality == "table":
        _refuse_gaps(case.data["train"])
    if case.modality == "text":
        batch = subject.encode(rows_of(inputs, range(min(len(inputs), 256))))
        length = batch["x"].float().norm(dim=-1)[batch["attention_mask"].bool()].median()
        return Ball("token_l2", eps * float(length))
    if subject.input_range is not None:
        low, high = (torch.tensor(float(end)) for end in subject.input_range)
    else:
        x = subject.encode(inputs)["x"].float()
        low, high = x.amin(dim=0, keepdim=True), x.amax(dim=0, keepdim=True)
    return Ball("linf", eps * (high - low), low, high)


def _refuse_gaps(train: Dataset) -> None:
    """A missing or infinite value has no neighbors, and leaves its column without a range."""
    frame = train.inputs
    n = int((frame.isna() | frame.isin([math.inf, -math.inf])).any(axis=1).sum())
    if n:
        raise UsageError(
            f"{train.path}: {n} of {len(train)} rows have missing or infinite values, which harden cannot move; fill "
            "them in as the candidate's training did, or remove these rows"
        )


def _open_all_but_embeddings(module: Any) -> None:
    for parameter in module.parameters():
        parameter.requires_grad = True
    for parameter in module.get_input_embeddings().parameters():
        parameter.requires_grad = False


def _told(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress("training", done, total)
