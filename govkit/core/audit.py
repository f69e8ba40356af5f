"""The audit file: what is audited, beside what, on which data, for which use."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from govkit.core.brand import Brand
from govkit.core.columns import Columns
from govkit.core.recorded import Recorded
from govkit.core.words import Absent, Role

Intent = Literal["internal", "distribute", "hosted", "commercial"]
DataStance = Literal["strict", "notice", "ignore"]
"""``strict``: the license of training data binds the weights. ``notice``: its terms are named and its duties listed.
``ignore``: it is left out, for a reason. Data used for measuring only never binds."""


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
