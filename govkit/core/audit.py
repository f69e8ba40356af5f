"""The audit file: what is audited, beside what, on which data, for which use."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from govkit.core.brand import Brand
from govkit.core.recorded import Recorded
from govkit.core.words import CLASSES, Absent, Role, Task

Intent = Literal["internal", "distribute", "hosted", "commercial"]
DataStance = Literal["strict", "notice", "ignore"]
"""``strict``: the license of training data binds the weights. ``notice``: its terms are named and its duties listed.
``ignore``: it is left out, for a reason. Data used for measuring only never binds."""

_OF_CLASSES = frozenset(
    {"prediction", "score", "scores", "base_prediction", "base_score", "incumbent_prediction", "incumbent_score"}
    | {"classes", "positive"}
)
READ_BY: dict[Task, frozenset[str]] = {
    **dict.fromkeys(CLASSES, _OF_CLASSES),
    "multilabel": frozenset({"predictions", "scores"}),
    "regression": frozenset({"prediction", "base_prediction", "incumbent_prediction", "range"}),
    "ranking": frozenset({"score", "base_score", "incumbent_score", "classes", "positive"}),
}
"""Keys of ``columns`` that a task reads, of those that not every task reads."""

LARGEST = 1e40
"""Largest size of a number, above all of 32 bits: the sixth power, which the skewness of squares needs, is finite."""


class SubjectSource(Recorded):
    """Where a model comes from; exactly one of the four places, or predictions or Python code beside their record.

    Attributes:
        run: A ``run.json`` written by ``record()``; its output folder is the model, or its artifact the predictions, or
            the folder with code and weights of a model in Python.
        model: A folder with a transformers model.
        python: ``pkg.mod:NAME`` of a predict function, a ``torch.nn.Module`` or a ``Subject``.
        predictions: A table of stored predictions.
        artifact: Beside ``python``: folder or file that identifies the model, with its code and its weights; the
            module's file alone if not given, beside ``run`` the output folder.
        input_range: Range of a continuous input; attacks need it.
        code: Digest of the code that ships with the model, as the check ``shipped_code`` tells it, once somebody has
            read that code: it was audited as code then, and blocks no more.
        timeout: Beside ``python``: seconds that one answer may take; no limit if not given.
    """

    run: str | None = None
    model: str | None = None
    python: str | None = None
    predictions: str | None = None
    artifact: str | None = None
    input_range: tuple[float, float] | None = None
    code: Annotated[str | None, Field(pattern="^sha256:[0-9a-f]{64}$")] = None
    timeout: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _one_place(self) -> SubjectSource:
        given = [name for name in ("run", "model", "python", "predictions") if getattr(self, name) is not None]
        if len(given) != 1 and given not in (["run", "predictions"], ["run", "python"]):
            found = ", ".join(given) or "none"
            raise ValueError(f"expected exactly one of run, model, python, predictions; found {found}")
        if self.artifact is not None and self.python is None:
            raise ValueError("artifact stands only beside python; the other subjects are their own artifact")
        if self.code is not None and self.predictions is not None:
            raise ValueError("code is the digest of what ships with a model; stored predictions ship none")
        return self


class BaseSource(Recorded):
    """Where the base comes from: run record, folder, Python code or stored predictions, and which head sits on it.

    Attributes:
        python: ``pkg.mod:NAME`` of a ``torch.nn.Module``, whose outputs are features under a probe and else logits.
        artifact: Beside ``python``: folder or file of its weights; the module's file if not given.
        code: Beside ``python``: folder in which modules are found first; that of the audit file if not given.
        references: Beside ``head: probe``: other bases of the same kind of pretraining, which an attack through the
            base is told apart from; folders, or each ``pkg.mod:NAME`` beside ``python``.
        trained_on: What the base was trained on, as far as that is at hand: files, folders or patterns.
    """

    from_: Annotated[Literal["run"] | None, Field(alias="from")] = None
    model: str | None = None
    python: str | None = None
    predictions: str | None = None
    head: Literal["probe", "own"] | None = None
    artifact: str | None = None
    code: str | None = None
    references: tuple[str, ...] = ()
    trained_on: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_place(self) -> BaseSource:
        given = [name for name in ("from_", "model", "python", "predictions") if getattr(self, name) is not None]
        if len(given) != 1:
            found = ", ".join(name.rstrip("_") for name in given) or "none"
            raise ValueError(f"expected exactly one of from, model, python, predictions; found {found}")
        if self.predictions is None and self.head is None:
            raise ValueError("a base that is a model needs head: probe (a linear probe) or head: own")
        if self.predictions is not None and self.head is not None:
            raise ValueError("stored predictions have no head: remove the key head")
        return self

    @model_validator(mode="after")
    def _beside(self) -> BaseSource:
        for name in ("artifact", "code"):
            if getattr(self, name) is not None and self.python is None:
                raise ValueError(f"{name} stands only beside python; the other bases are their own artifact")
        if self.references and self.head != "probe":
            raise ValueError("references stand only beside head: probe, for each of them gets a probe too")
        return self


class DataSource(Recorded):
    """A file of rows."""

    path: str


class Reference(Recorded):
    """Whom the rows are to stand for: a table with one or more of the group columns.

    Attributes:
        path: The table, for example of a census.
        count: Column with the number of people of each row; each row is one person if neither is given.
        share: Column with the share of people of each row, where it is known and no number of people is.
    """

    path: str
    count: str | None = None
    share: str | None = None

    @model_validator(mode="after")
    def _one_weight(self) -> Reference:
        if self.count is not None and self.share is not None:
            raise ValueError("found both count and share; keep the one that the rows of the reference hold")
        return self


class ServiceRecord(Recorded):
    """What a watch saw of the model in service, or of the candidate itself: a statement of ``govkit watch``.

    Attributes:
        statement: The signed statement of one month.
        trust: Trust file that holds its key.
    """

    statement: str
    trust: str


DRIFT_PAGE = "drift.html"
"""The file of a bundle that ``drift_report`` asks for."""


class DriftReport(Recorded):
    """evidently's page on drift, which shows values of the data: ``rows`` of each side at the most."""

    rows: Annotated[int, Field(ge=100, le=100_000)] = 5000


class Columns(Recorded):
    """Names of the columns.

    Attributes:
        input: Column of text or image paths, or the list of a table's feature columns.
        label: Column of the true class, or of the true number; a list of columns of 0 and 1 is a multi-label task,
            whose labels have the names of these columns.
        task: ``ordinal``, ``regression`` or ``ranking``; else the labels tell: two classes, more, or several labels.
            Another task may be named too, and must be the one that the data show.
        prediction: Column of the predicted class, or of the predicted number (stored predictions).
        score: Column of the positive class's probability (two classes); of a ranking any number, the higher the more
            relevant.
        predictions: Columns of the answers 0 and 1 of a multi-label task, label -> column; where none are stored, a
            probability from 0.5 on answers 1.
        scores: Columns of the probabilities, class name (of a multi-label task: label) -> column. Those of classes sum
            to 1, those of labels stand alone.
        base_score: As ``score`` for the base, in the same file.
        incumbent_score: As ``score`` for the incumbent.
        base_prediction: As ``prediction`` for the base.
        incumbent_prediction: As ``prediction`` for the incumbent.
        groups: Columns of protected attributes.
        parts: Further columns whose values are parts of the rows to be seen apart, for example a region.
        range: Smallest and largest possible number of a regression, for labels and answers; bounds need it.
        id: Column of unique row ids.
        time: Column of times.
        cluster: Column, or columns, of what makes rows belong together: person, site, conversation, day. Rows that
            share a value of any of them are not independent, and every bound respects it.
        independent: Who says that the rows are independent of each other, and why; in place of ``cluster``.
        paraphrase: Column of the test data with the same text in other words, for the check ``memory_signal``.
        positive: Class that counts as the positive outcome; the last in sorted order if not given.
        classes: All classes, where the data does not show each of them; of an ordinal task in their order, which words
            need and whole numbers have.
    """

    input: str | tuple[str, ...] | None = None
    label: str | tuple[str, ...]
    task: Task | None = None
    prediction: str | None = None
    score: str | None = None
    predictions: dict[str, str] | None = None
    scores: dict[str, str] | None = None
    base_prediction: str | None = None
    base_score: str | None = None
    incumbent_prediction: str | None = None
    incumbent_score: str | None = None
    groups: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    range: tuple[float, float] | None = None
    id: str | None = None
    time: str | None = None
    cluster: str | tuple[str, ...] | None = None
    independent: Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")] | None = None
    paraphrase: str | None = None
    positive: str | None = None
    classes: tuple[str, ...] | None = None

    @property
    def clusters(self) -> tuple[str, ...]:
        """The columns of ``cluster``; none where it is not declared."""
        return (self.cluster,) if isinstance(self.cluster, str) else self.cluster or ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The label columns: one, or one a label."""
        return (self.label,) if isinstance(self.label, str) else self.label

    @property
    def declared_task(self) -> Task | None:
        """The task as far as the file says it; None where the number of classes tells."""
        return self.task if isinstance(self.label, str) else "multilabel"

    @model_validator(mode="after")
    def _labels_of_the_task(self) -> Columns:
        several = not isinstance(self.label, str)
        if len(set(self.labels)) < max(1, len(self.labels)):
            raise ValueError(f"label names no column, or one twice: {', '.join(self.labels) or 'nothing'}")
        if several and self.task not in (None, "multilabel"):
            raise ValueError(f"label is a list of columns, which is a multilabel task; found task: {self.task}")
        if self.task == "multilabel" and not several:
            raise ValueError("a multilabel task has a list as label: a column of 0 and 1 for each label")
        return self

    @model_validator(mode="after")
    def _keys_of_the_task(self) -> Columns:
        task: Task = self.declared_task or "multiclass"
        for key in sorted(frozenset().union(*READ_BY.values()) - READ_BY[task]):
            if getattr(self, key) is not None:
                what = "classes" if task in CLASSES else task
                raise ValueError(f"{key} says nothing in a task of {what}; it reads {', '.join(sorted(READ_BY[task]))}")
        if self.range is not None and not -LARGEST <= self.range[0] < self.range[1] <= LARGEST:
            found, size = list(self.range), f"{LARGEST:g} in size"
            raise ValueError(f"range is {found}; expected the smallest number before the largest, both up to {size}")
        return self

    @model_validator(mode="after")
    def _each_column_once(self) -> Columns:
        if "" in {*self.groups, *self.parts, *self.labels, *self.clusters, self.id, self.time}:
            raise ValueError("a column without a name cannot be declared; give it one in the file")
        if self.cluster is not None and len(set(self.clusters)) < max(1, len(self.clusters)):
            raise ValueError("cluster is a column or a list of columns, each once; found none or one twice")
        if self.cluster is not None and self.independent is not None:
            raise ValueError("found cluster and independent; rows that belong together are not independent, keep one")
        if set(self.clusters) & {*self.labels}:
            raise ValueError("cluster names a label column; rows of one class do not belong together for that alone")
        both = sorted({*self.groups} & {*self.parts})
        if both:
            raise ValueError(f"{both[0]!r} stands in groups and in parts; groups are parts already, keep it in groups")
        return self


class Use(Recorded):
    """What the model is for, in the words of its owner.

    Attributes:
        purpose: What it is to do.
        intent: How it is to be used; nothing counts as all of them.
        excluded: What it is not for.
        conditions: What whoever uses it has to know or to do.
        data_stance: What the license of training data means for the weights; the law has not settled it.
        data_stance_reason: Why that license is left out, with the stance ``ignore`` and only with it.
    """

    purpose: str = ""
    intent: tuple[Intent, ...] = ()
    excluded: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    data_stance: DataStance = "notice"
    data_stance_reason: str = ""

    @model_validator(mode="after")
    def _reason_to_ignore(self) -> Use:
        if self.data_stance == "ignore" and not self.data_stance_reason.strip():
            raise ValueError(
                "data_stance: ignore leaves out the licenses of training data: say why, data_stance_reason"
            )
        if self.data_stance != "ignore" and self.data_stance_reason:
            raise ValueError(f"data_stance_reason stands only beside data_stance: ignore, found {self.data_stance}")
        return self


class FeasibleChanges(Recorded):
    """What may change in a row of a table, for attacks; group columns never do.

    Attributes:
        immutable: Columns that nobody can change.
        range: Smallest and largest possible number of a column; those of the data if not given.
        one_hot: Columns of 0 and 1 of which exactly one is 1; such sets whose names begin alike are found without it.
        relations: What always holds, ``COLUMN + COLUMN <= COLUMN + NUMBER``.
        cost: Cost of a change by one standard deviation, or to another category; 1 if not given.
    """

    immutable: tuple[str, ...] = ()
    range: dict[str, tuple[float, float]] = {}
    one_hot: tuple[tuple[str, ...], ...] = ()
    relations: tuple[str, ...] = ()
    cost: dict[str, Annotated[float, Field(gt=0, le=1e6)]] = {}

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it names, relations left aside."""
        return (*self.immutable, *self.range, *self.cost, *(name for names in self.one_hot for name in names))

    @model_validator(mode="after")
    def _ranges_in_order(self) -> FeasibleChanges:
        for name, (low, high) in self.range.items():
            if not low <= high:
                raise ValueError(f"range of {name} is {[low, high]}; expected the smallest number before the largest")
        return self


Reason = Annotated[str, Field(min_length=10, max_length=200, pattern=r"^[^\x00-\x1f]*$")]


class License(Recorded):
    """What the owner says about the license of a part of the case, where no run record does.

    ``expression`` is an SPDX expression; without one the license is unknown, and said to be.
    """

    of: Literal["base", "candidate", "data"]
    id: str
    expression: str | None = None


class Audit(Recorded):
    """One audit, as its file says it (``govkit.audit/v1``); paths are relative to that file.

    ``absent`` says of what there is none, and why: the base, the model in service (``incumbent``), groups of people and
    so on. Where a policy asks for what is neither named nor absent, its controls are missing.
    """

    schema_: Annotated[Literal["govkit.audit/v1"], Field(alias="schema")] = "govkit.audit/v1"
    name: str = ""
    subject: SubjectSource
    base: BaseSource | None = None
    incumbent: SubjectSource | None = None
    data: dict[Role, DataSource] = {}
    reference: Reference | None = None
    service: ServiceRecord | None = None
    drift_report: DriftReport | None = None
    foreign: DataSource | None = None
    columns: Columns
    use: Use = Use()
    brand: Brand | None = None
    licenses: tuple[License, ...] = ()
    quality: str | None = None
    feasible: FeasibleChanges | None = None
    absent: Annotated[dict[Absent, Reason], Field(exclude_if=lambda said: not said)] = {}
    policy: str = "nist-ai-rmf-core"
    seed: Annotated[int, Field(ge=0, lt=2**53)] = 0

    @model_validator(mode="after")
    def _shifted_rows(self) -> Audit:
        if self.drift_report is not None and "shifted" not in self.data:
            raise ValueError("drift_report compares the test data with data.shifted, which is missing; name its file")
        return self

    @model_validator(mode="after")
    def _people_are_no_group(self) -> Audit:
        weight = self.reference and (self.reference.count or self.reference.share)
        if weight in self.columns.groups:
            raise ValueError(f"reference: {weight!r} is a column of groups; name the one that holds how many people")
        return self

    @model_validator(mode="after")
    def _absent_or_there(self) -> Audit:
        columns = self.columns
        there: dict[Absent, Any] = {
            "base": self.base or columns.base_score or columns.base_prediction,
            "base_data": self.base and self.base.trained_on,
            "groups": columns.groups,
            "incumbent": self.incumbent or columns.incumbent_score or columns.incumbent_prediction,
            "reference": self.reference,
            "run": self.subject.run,
            "service": self.service,
            "shifted": "shifted" in self.data,
            "train": "train" in self.data,
        }
        for name in sorted(self.absent):
            if there[name]:
                raise ValueError(f"absent.{name}: the file names one too; remove the one that is not true")
        return self

    def dump(self) -> dict[str, Any]:
        """Plain data with the names that the file uses, absent keys left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
