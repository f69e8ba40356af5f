"""The audit file: what is audited, beside what, on which data, for which use."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from govkit.core.recorded import Recorded
from govkit.core.words import Role, Task

Intent = Literal["internal", "distribute", "hosted", "commercial"]
DataStance = Literal["strict", "notice", "ignore"]
"""``strict``: the license of training data binds the weights. ``notice``: its terms are named and its duties listed.
``ignore``: it is left out, for a reason. Data used for measuring only never binds."""


class SubjectSource(Recorded):
    """Where a model comes from; exactly one of the four places.

    Attributes:
        run: A ``run.json`` written by ``record()``; its output folder is the model.
        model: A folder with a transformers model.
        python: ``pkg.mod:NAME`` of a predict function, a ``torch.nn.Module`` or a ``Subject``.
        predictions: A table of stored predictions.
        artifact: Beside ``python``: folder or file that identifies the model, with its code and its weights; the
            module's file alone if not given.
        input_range: Range of a continuous input; attacks need it.
    """

    run: str | None = None
    model: str | None = None
    python: str | None = None
    predictions: str | None = None
    artifact: str | None = None
    input_range: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _one_place(self) -> SubjectSource:
        given = [name for name in ("run", "model", "python", "predictions") if getattr(self, name) is not None]
        if len(given) != 1:
            found = ", ".join(given) or "none"
            raise ValueError(f"expected exactly one of run, model, python, predictions; found {found}")
        if self.artifact is not None and self.python is None:
            raise ValueError("artifact stands only beside python; the other subjects are their own artifact")
        return self


class BaseSource(Recorded):
    """Where the base comes from: the run record, a folder, or stored predictions, and which head sits on it."""

    from_: Annotated[Literal["run"] | None, Field(alias="from")] = None
    model: str | None = None
    predictions: str | None = None
    head: Literal["probe", "own"] | None = None

    @model_validator(mode="after")
    def _one_place(self) -> BaseSource:
        given = [name for name in ("from_", "model", "predictions") if getattr(self, name) is not None]
        if len(given) != 1:
            found = ", ".join(name.rstrip("_") for name in given) or "none"
            raise ValueError(f"expected exactly one of from, model, predictions; found {found}")
        if self.predictions is None and self.head is None:
            raise ValueError("a base that is a model needs head: probe (a linear probe) or head: own")
        if self.predictions is not None and self.head is not None:
            raise ValueError("stored predictions have no head: remove the key head")
        return self


class DataSource(Recorded):
    """A file of rows."""

    path: str


class Columns(Recorded):
    """Names of the columns.

    Attributes:
        input: Column of text or image paths, or the list of a table's feature columns.
        label: Column of the true class, or of the true number; a list of columns of 0 and 1 is a multi-label task.
        task: ``ordinal``, ``regression`` or ``ranking``; else the labels tell: two classes, more, or several labels.
        prediction: Column of the predicted class (stored predictions).
        score: Column of the positive class's probability (two classes).
        predictions: Columns of the answers 0 and 1 of a multi-label task, label -> column.
        scores: Columns of the probabilities, class name (of a multi-label task: label) -> column.
        base_score: The same for the base, in the same file.
        incumbent_score: The same for the incumbent.
        base_prediction: Column of the base's predicted class.
        incumbent_prediction: Column of the incumbent's predicted class.
        groups: Columns of protected attributes.
        parts: Further columns whose values are parts of the rows to be seen apart, for example a region.
        range: Smallest and largest possible number of a regression, for labels and answers; bounds need it.
        id: Column of unique row ids.
        time: Column of times.
        positive: Class that counts as the positive outcome; the last in sorted order if not given.
        classes: All classes, where the data does not show each of them.
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
    positive: str | None = None
    classes: tuple[str, ...] | None = None


class Use(Recorded):
    """What the model is for, in the words of its owner.

    Attributes:
        purpose: What it is to do.
        intent: How it is to be used; nothing counts as all of them.
        excluded: What it is not for.
        data_stance: What the license of training data means for the weights; the law has not settled it.
        data_stance_reason: Why that license is left out, with the stance ``ignore`` and only with it.
    """

    purpose: str = ""
    intent: tuple[Intent, ...] = ()
    excluded: tuple[str, ...] = ()
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


class License(Recorded):
    """What the owner says about the license of a part of the case, where no run record does.

    ``expression`` is an SPDX expression; without one the license is unknown, and said to be.
    """

    of: Literal["base", "candidate", "data"]
    id: str
    expression: str | None = None


class Audit(Recorded):
    """One audit, as its file says it (``govkit.audit/v1``); paths are relative to that file."""

    schema_: Annotated[Literal["govkit.audit/v1"], Field(alias="schema")] = "govkit.audit/v1"
    name: str = ""
    subject: SubjectSource
    base: BaseSource | None = None
    incumbent: SubjectSource | None = None
    data: dict[Role, DataSource] = {}
    columns: Columns
    use: Use = Use()
    licenses: tuple[License, ...] = ()
    quality: str | None = None
    policy: str = "nist-ai-rmf-core"
    seed: Annotated[int, Field(ge=0, lt=2**53)] = 0

    def dump(self) -> dict[str, Any]:
        """Plain data with the names that the file uses, absent keys left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
