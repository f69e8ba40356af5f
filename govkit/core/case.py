"""Live things: a subject, its data, and the case that puts candidate, base and incumbent side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

from govkit.core.audit import FeasibleChanges, License, SubjectSource, Use
from govkit.core.finding import DataRef
from govkit.core.run import Run
from govkit.core.words import Absent, Access, Modality, Of, Role, Task

Array: TypeAlias = Any
"""A numpy array. The trusted part may not name numpy, so shapes and types stand in the docstrings."""


@dataclass
class Passes:
    """Rows that went forward through a model, and rows whose gradient was taken (one backward each)."""

    forward: int = 0
    backward: int = 0

    def __add__(self, other: Passes) -> Passes:
        return Passes(self.forward + other.forward, self.backward + other.backward)


@runtime_checkable
class Subject(Protocol):
    """A model that can be asked.

    Attributes:
        digest: ``sha256:<hex>`` of what it was loaded from.
        access: What can be reached of it.
        modality: What its inputs are.
        classes: Names of the classes in the order of the columns of ``predict``; empty if the model has no names.
        path: Folder or file of its weights, or None.
    """

    digest: str
    access: Access
    modality: Modality
    classes: tuple[str, ...]
    path: Path | None

    def predict(self, inputs: Any) -> Array:
        """Probabilities ``(n, k)``, each row in [0, 1] and summing to 1, for ``n`` inputs."""
        ...


@runtime_checkable
class Differentiable(Subject, Protocol):
    """A subject on torch whose gradients are open.

    ``encode`` turns inputs into one batch of continuous tensors, ``logits`` runs the model on it. For text the
    continuous tensor is the embedding of the tokens, for images and tables the input itself.
    """

    input_range: tuple[float, float] | None

    def encode(self, inputs: Any) -> dict[str, Any]:
        """A batch: ``{"x": float tensor (n, ...), ...}``; other keys are passed through to ``logits``."""
        ...

    def logits(self, batch: Mapping[str, Any]) -> Any:
        """Logits, a tensor ``(n, k)``, differentiable in ``batch["x"]``; modes and RNG state stay as they were."""
        ...


@dataclass(frozen=True)
class Predictions:
    """Answers of one model to one data set, row by row.

    Attributes:
        labels: Predicted class index, int64 ``(n,)``; of a multi-label task truths 0 and 1, ``(n, k)``; of a regression
            the predicted number, float64 ``(n,)``; of a ranking empty.
        probabilities: float64 ``(n, k)``, or None for a model that gives labels only. Of a multi-label task each column
            is a probability of its own.
        scores: Score of a ranking, float64 ``(n,)``, the higher the more relevant; None for the other tasks.
    """

    labels: Array
    probabilities: Array | None = None
    scores: Array | None = None


@dataclass(frozen=True)
class Coded:
    """A column of names.

    Attributes:
        codes: Index into ``names`` of each row, int32 ``(n,)``.
        names: The names that occur, sorted.
    """

    codes: Array
    names: tuple[str, ...]


@dataclass(frozen=True)
class Dataset:
    """Rows in canonical order (sorted by the digest of their content), so that no result depends on file order.

    Attributes:
        role: What the rows are used for.
        table: All columns, a ``pyarrow.Table`` of n rows.
        inputs: What the subject is asked: for text ``list[str]``, or a lazy ``Sequence[str]`` where the table is
            larger than memory should hold; float32 ``(n, c, h, w)`` for images, a pandas frame for tables (in memory,
            whole), None for stored predictions.
        labels: Class index, int64 ``(n,)``, into ``Case.classes``; of a multi-label task truths 0 and 1, ``(n, k)``;
            of a regression the true number, float64 ``(n,)``.
        groups: Protected attributes, by column.
        ids: Row ids as str ``(n,)``, or None.
        row_digests: Digest of each row's content, ``(n,)`` of 32-byte values (numpy ``S64`` hex), sorted.
        digest: ``sha256:<hex>`` of the content, independent of order and file format.
        path: Where the rows came from.
        parts: Further columns whose values are parts of the rows that the user wants to see apart.
        broken: Rows of the file that could not be read and are not among these, each with its place and its fault.
        order: Row of the file, counted from 0 with the broken ones, of each row, int64 ``(n,)``; None where the rows
            come from no file.
        cluster: Cluster of each row, int32 ``(n,)`` from 0: rows of different clusters are independent. None where the
            audit file declares no such columns.
    """

    role: Role
    table: Any
    inputs: Any
    labels: Array
    groups: Mapping[str, Coded]
    ids: Array | None
    row_digests: Array
    digest: str
    path: Path
    parts: Mapping[str, Coded] = field(default_factory=dict)
    broken: tuple[str, ...] = ()
    order: Array | None = None
    cluster: Array | None = None

    def __len__(self) -> int:
        return int(self.labels.shape[0])

    @property
    def ref(self) -> DataRef:
        """Role and digest, as findings carry them."""
        return DataRef(role=self.role, digest=self.digest)


@dataclass(frozen=True)
class Fenced:
    """What code of the models could reach, and what it opened.

    Attributes:
        closed: ``memory`` (of this process, where keys are), ``network`` and ``data`` (files with labels) -> whether
            that is closed to it.
        read: Files with labels that it opened, from what Python tells and from decoys.
    """

    closed: Mapping[str, bool]
    read: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """Candidate, base and incumbent beside the data, by role; predictions are made once and kept.

    Attributes:
        subject: The candidate, or None when only its predictions are at hand.
        base: The pretrained base with a head on it, or None.
        incumbent: The model in service, or None.
        data: Data sets by role; ``test`` is always there.
        classes: Names of the classes, of a multi-label task of the labels; index = column of probabilities. None for a
            regression.
        positive: Index of the class that counts as the positive outcome (selected, spam, employed ...).
        run: Record of the fine-tuning run, if there is one.
        use: Declared purpose and intents.
        access: What can be reached of the candidate.
        modality: What its inputs are.
        model_path: File or folder of the candidate's weights or predictions; None for a bare function.
        base_path: Folder or file of the base's weights, or of the code that holds it; None where none is at hand.
        reference_bases: Other bases of the same kind of pretraining, each with a probe fitted on the training rows.
        answers: ``(of, role) -> Predictions`` or None; asks the model once and keeps the answer.
        passes: Counter of all model passes of this audit.
        embed: ``role -> (n, d) float32`` features of the frozen base, or None if there are none; counted and kept.
        seed: Seed of every randomness.
        column: Names of the columns by use: ``{"input": ..., "label": ...}`` as in the audit file.
        suite: The user's great-expectations suite: a file, or what such a file would hold; or None.
        licenses: Licenses that the audit file declares, where no run record does.
        task: What the answers are.
        reference: Whom the rows are to stand for, a ``pyarrow.Table`` or None: group columns as text, each combination
            once, and last ``count`` (int64, people) or ``share`` (float64, sum 1), each above 0.
        base_trained_on: What the base was trained on, as far as the audit file names it: files, folders or patterns.
        service: What the watch of the incumbent, or of the candidate, stated, with the ``digest`` of that statement and
            its ``age`` in days; None where the audit file names no statement. It was verified.
        feasible: What may change in a row of a table, as far as the audit file says it.
        foreign: The user's own rows that are none of the task, without labels that mean anything; or None.
        absent: What the audit file says there is none of, and why.
        source: Where the candidate comes from, as the audit file says it; None where there is no such file.
        fenced: What code of the models reached so far; None where no model is code.
    """

    subject: Subject | None
    base: Subject | None
    incumbent: Subject | None
    data: Mapping[Role, Dataset]
    classes: tuple[str, ...]
    positive: int
    run: Run | None
    use: Use
    access: Access
    modality: Modality
    model_path: Path | None
    answers: Callable[[Of, Role], Predictions | None]
    passes: Passes
    embed: Callable[[Role], Array | None] = lambda _role: None
    seed: int = 0
    column: Mapping[str, Any] = field(default_factory=dict)
    suite: Path | Mapping[str, Any] | None = None
    licenses: tuple[License, ...] = ()
    base_path: Path | None = None
    reference_bases: tuple[Subject, ...] = ()
    task: Task = "binary"
    reference: Any = None
    base_trained_on: tuple[Path, ...] = ()
    service: Mapping[str, Any] | None = None
    feasible: FeasibleChanges = field(default_factory=FeasibleChanges)
    foreign: Dataset | None = None
    absent: Mapping[Absent, str] = field(default_factory=dict)
    source: SubjectSource | None = None
    fenced: Callable[[], Fenced | None] = lambda: None

    def predictions(self, of: Of, role: Role = "test") -> Predictions | None:
        """Answers of one of the models to one data set, or None where either does not exist.

        ``trivial`` answers every row with the most frequent label of these rows, with their frequencies as
        probabilities; of a regression with the mean of the labels, of a ranking with one score for all.
        """
        return self.answers(of, role) if role in self.data else None
