"""Policies: what is required, by whose authority, and what follows when it is not met."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from govkit.core.recorded import Digest, Recorded
from govkit.core.times import Day
from govkit.core.words import Access, Disposition, Modality, Of, Role, Severity, Task, Tier

Number = Annotated[float, Field(strict=True)]
"""A number that is written as one: ``true`` is no 1, and ``0_1`` none of 0.1 and 1."""

RANK: dict[Disposition, int] = {"ignore": 0, "warn": 1, "review": 2, "block": 3}


Has = Literal[
    "base",
    "base_data",
    "incumbent",
    "run",
    "shifted",
    "train",
    "groups",
    "parts",
    "reference",
    "service",
    "clusters",
    "texts",
    "media",
]
"""What a case may have; ``base_data`` are the training sets of the base, ``service`` is what a watch stated,
``clusters`` are columns of rows that belong together, ``texts`` are inputs that are texts or chats, be they columns of
a table, ``media`` are texts or images."""


class Authority(Recorded):
    """Who says so. ``none`` is an honest answer: the limit is somebody's own margin."""

    level: Literal["statute", "regulation", "agency_rule_of_thumb", "standard", "convention", "publication", "none"]
    ref: str = ""
    note: str = ""


class Requirement(Recorded):
    """What the value must satisfy: ``min``, ``max`` or both, or ``equals`` for words and truths."""

    min: Number | None = None
    max: Number | None = None
    equals: bool | str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Requirement:
        limits = (self.min, self.max)
        if self.equals is None and limits == (None, None):
            raise ValueError("expected min, max or equals; found none of them")
        if self.equals is not None and limits != (None, None):
            raise ValueError("equals cannot stand beside min or max")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}: nothing could pass")
        return self

    @property
    def words(self) -> str:
        """As the file says it: ``min 0.8, max 1.25``, or ``equals true``."""
        return ", ".join(f"{name} {str(value).lower()}" for name, value in self.model_dump(exclude_none=True).items())


class Attest(Recorded):
    """A signed human statement that a control asks for.

    Attributes:
        kind: What is stated, a key of ``policies/attestations.yaml`` or a word of your own.
        signer_role: What the signer must sign as; empty for anybody whom the trust file lets attest.
        not_same_as: Who may not be the signer: ``owner`` of the policy, or a kind of attestation whose signer is meant.
        max_age_days: How old it may be.
        fields: Questions that must have an answer.
    """

    kind: Annotated[str, Field(min_length=1)]
    signer_role: str = ""
    not_same_as: tuple[str, ...] = ()
    max_age_days: Annotated[int, Field(gt=0)] = 365
    fields: tuple[str, ...] = ()


class When(Recorded):
    """Where a control applies. The facts come from the findings of the check ``scope``."""

    task: tuple[Task, ...] | None = None
    modality: tuple[Modality, ...] | None = None
    access: tuple[Access, ...] | None = None
    has: tuple[Has, ...] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> When:
        names = ("task", "modality", "access", "has")
        if all(getattr(self, name) is None for name in names):
            raise ValueError(f"an empty when excludes nothing: name one of {', '.join(names)}, or remove it")
        for name in names:
            if getattr(self, name) == ():
                raise ValueError(f"{name} is an empty list; expected at least one word: name one, or remove {name}")
        return self


class Control(Recorded):
    """A rule: one metric of one check within a limit, or one attestation on file.

    Attributes:
        id: Unique within the policy.
        title: What is asked, in words.
        rmf: Subcategories of the NIST AI RMF that it serves; at least one.
        check: Name of the check.
        params: Parameters of the check that differ from its defaults.
        metric: Name of the metric.
        over: Slices, by name; ``groups`` means every group of every declared group column. Empty = all rows.
        data: Role of the rows measured.
        of: Whose value.
        compared_with: If set, the paired difference ``of`` − ``compared_with`` is judged.
        require: The limit.
        attest: A statement of a person, instead of a check.
        authority: Who sets the limit; mandatory beside a check.
        severity: How bad it is when it is not met.
        when: Where the control applies.
        confidence: One-sided level instead of the policy's.
        on_fail: What follows from each state; high and critical cannot be soft on fail or missing.
        advice: What to do when it is not met, in plain words.
    """

    id: Annotated[str, Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    title: Annotated[str, Field(min_length=1)]
    rmf: Annotated[tuple[str, ...], Field(min_length=1)]
    check: str | None = None
    params: dict[str, Any] = {}
    metric: str | None = None
    over: tuple[str, ...] = ()
    data: Role = "test"
    of: Of = "candidate"
    compared_with: Of | None = None
    require: Requirement | None = None
    attest: Attest | None = None
    authority: Authority | None = None
    severity: Severity
    when: When | None = None
    confidence: Annotated[Number, Field(ge=0.5, le=0.9999)] | None = None
    on_fail: Disposition = "block"
    on_missing: Disposition = "block"
    on_error: Disposition = "block"
    on_unsupported: Disposition = "review"
    on_inconclusive: Disposition = "review"
    advice: str = ""

    @model_validator(mode="after")
    def _check_or_attest(self) -> Control:
        if (self.check is None) == (self.attest is None):
            raise ValueError("expected exactly one of check and attest")
        if self.check is not None:
            absent = [key for key in ("metric", "require", "authority") if getattr(self, key) is None]
            if absent:
                raise ValueError(f"a control with a check also needs {', '.join(absent)}")
        return self

    @model_validator(mode="after")
    def _not_soft(self) -> Control:
        unmeasured = min(RANK[self.on_missing], RANK[self.on_error], RANK[self.on_unsupported])
        if RANK[self.on_fail] >= RANK["review"] > RANK[self.on_inconclusive]:
            raise ValueError(
                f"on_inconclusive must be review or block where on_fail is; found {self.on_inconclusive}: "
                "fewer rows may not open the gate"
            )
        if self.severity in ("high", "critical") and self.on_fail != "block":
            raise ValueError(f"severity {self.severity} needs on_fail: block; found {self.on_fail}")
        if RANK[self.on_fail] >= RANK["review"] and unmeasured < RANK["review"]:
            raise ValueError(
                "on_missing, on_error and on_unsupported must be review or block where on_fail is: "
                "less evidence may not open the gate"
            )
        return self


class Slice(Recorded):
    """Parts of the rows, by the values of one or more columns."""

    by: str | tuple[str, ...]
    min_n: Annotated[int, Field(ge=1)] = 1
    below_min: Literal["inconclusive", "report"] = "inconclusive"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, also where the file names only one."""
        return (self.by,) if isinstance(self.by, str) else self.by


class Risk(Recorded):
    """A declared risk: how bad, how likely (ordinals 1 to 5), and which controls lower its likelihood."""

    id: str
    description: str
    affected: str = ""
    rmf: tuple[str, ...] = ()
    impact: Annotated[int, Field(ge=1, le=5)]
    likelihood: Annotated[int, Field(ge=1, le=5)]
    declared_by: str = ""
    controls: tuple[str, ...] = ()
    response: Literal["mitigate", "transfer", "avoid", "accept"] = "mitigate"


class NotMeasured(Recorded):
    """A risk that the policy knows and does not measure, said aloud."""

    risk: str
    reason: str
    owner: str = ""
    review_by: Day | None = None


class Trigger(Recorded):
    """Something that is watched after the release, and what it calls for.

    Attributes:
        id: Unique within the policy, beside those of the controls too.
        title: What is watched, in words.
        watch: ``accuracy``: answers against labels that arrive later. ``shift``: each watched column against the
            reference. ``missing``: cells without a value. ``new``: categories that the reference does not hold.
        limit: What is tolerated: a loss of accuracy, or more missing or new cells, as a share; a shift in standard
            deviations of the reference.
        then: What the alarm calls for.
        authority: Who sets the limit.
        advice: What to do, in plain words.
    """

    id: Annotated[str, Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    title: Annotated[str, Field(min_length=1)]
    watch: Literal["accuracy", "shift", "missing", "new"]
    limit: Annotated[Number, Field(ge=0, le=1)]
    then: Literal["review", "retrain", "withdraw"]
    authority: Authority
    advice: str = ""


class Person(Recorded):
    """A named person and their role."""

    name: str
    role: str = ""


class Decision(Recorded):
    """How a limit is judged: by the one-sided bound at ``confidence``; failures by Holm's procedure.

    ``signed_findings`` refuses findings that come as a file which no measurer signed.
    """

    confidence: Annotated[Number, Field(ge=0.5, le=0.9999)] = 0.95
    signed_findings: Annotated[bool, Field(exclude_if=lambda asked: not asked)] = False


class Relax(Recorded):
    """A loosening of an inherited control, printed everywhere; after ``expires`` every verdict is REVIEW at least."""

    control: str
    field: str
    reason: Annotated[str, Field(min_length=20)]
    approver: Annotated[str, Field(min_length=1)]
    expires: Day


class Planned(Recorded):
    """Rows that an audit under this policy will have, so that limits which they cannot decide are seen beforehand.

    Attributes:
        rows: Role of a data set -> its rows.
        parts: Name of a slice, or ``groups`` -> rows of its smallest part.
    """

    rows: dict[Role, Annotated[int, Field(ge=1)]] = {}
    parts: dict[str, Annotated[int, Field(ge=1)]] = {}


class Policy(Recorded):
    """Rules to judge findings by (``govkit.policy/v1``). At least one control: an empty policy cannot be built.

    Attributes:
        inherited_owners: Owners of the policies that it extends; whom a statement is not to come from includes them.
        applies: What the policy was written for; a case outside of it is blocked, whatever its controls say.
        planned: Rows that an audit will have.
    """

    schema_: Annotated[Literal["govkit.policy/v1"], Field(alias="schema")]
    id: Annotated[str, Field(min_length=1)]
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    title: str = ""
    extends: tuple[str, ...] = ()
    relax: tuple[Relax, ...] = ()
    owner: Person | None = None
    inherited_owners: Annotated[tuple[Person, ...], Field(exclude_if=lambda found: not found)] = ()
    review_by: Day | None = None
    tier: Tier = "medium"
    tier_rationale: str = ""
    applies: When | None = None
    decision: Decision = Decision()
    planned: Planned | None = None
    slices: dict[str, Slice] = {}
    controls: Annotated[tuple[Control, ...], Field(min_length=1)]
    risks: tuple[Risk, ...] = ()
    not_measured: tuple[NotMeasured, ...] = ()
    triggers: tuple[Trigger, ...] = ()

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Policy:
        ids = [*(control.id for control in self.controls), *(trigger.id for trigger in self.triggers)]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"ids of controls and triggers must be unique; {', '.join(twice)} stands more than once")
        if "policy" in ids:
            raise ValueError("the id policy is reserved: it stands for the policy as a whole")
        return self

    @model_validator(mode="after")
    def _names_exist(self) -> Policy:
        if "groups" in self.slices:
            raise ValueError("the slice name groups is reserved for every group of every declared group column")
        known = {*self.slices, "groups"}
        for name in sorted({*(self.planned.parts if self.planned else ())} - known):
            raise ValueError(f"planned.parts: slice {name!r} is not one of {', '.join(sorted(known))}")
        for control in self.controls:
            for name in sorted({*control.over} - known):
                raise ValueError(f"control {control.id}: slice {name!r} is not one of {', '.join(sorted(known))}")
        ids = {control.id for control in self.controls}
        for risk in self.risks:
            for name in sorted({*risk.controls} - ids):
                raise ValueError(f"risk {risk.id}: control {name!r} does not exist in this policy")
        return self


class Waiver(Recorded):
    """A signed, dated exception (``govkit.waiver/v1``): one model digest, one control.

    Attributes:
        id: Name of the waiver.
        control: Id of the control.
        model: Digest of the one model that it is for.
        owner: Who asks for it and does what it promises.
        approver: Who grants it and signs; from severity high on another person than the owner.
        response: What is done about the risk, in the words of RMF MANAGE 1.3.
        reason: Why, in a sentence.
        compensating: What is done instead.
        ceiling: The worst value for which it holds.
        created: First day, UTC.
        expires: Last day, UTC.
        ticket: Where it is tracked.
    """

    schema_: Annotated[Literal["govkit.waiver/v1"], Field(alias="schema")] = "govkit.waiver/v1"
    id: Annotated[str, Field(min_length=1)]
    control: Annotated[str, Field(min_length=1)]
    model: Digest
    owner: Annotated[str, Field(min_length=1)]
    approver: Annotated[str, Field(min_length=1)]
    response: Literal["mitigate", "transfer", "avoid", "accept"] = "accept"
    reason: Annotated[str, Field(min_length=20)]
    compensating: tuple[str, ...] = ()
    ceiling: Number | None = None
    created: Day
    expires: Day
    ticket: str = ""


class Attestation(Recorded):
    """A signed statement of a person about one model digest (``govkit.attestation/v1``).

    Attributes:
        kind: What is stated.
        model: Digest of the model.
        signer: Who states it, by the name that the trust file gives to the key.
        role: What they sign as.
        answers: Question -> answer.
        signed_at: Day of the statement, UTC.
        valid_until: Last day on which it counts.
    """

    schema_: Annotated[Literal["govkit.attestation/v1"], Field(alias="schema")] = "govkit.attestation/v1"
    kind: Annotated[str, Field(min_length=1)]
    model: Digest
    signer: Annotated[str, Field(min_length=1)]
    role: str = ""
    answers: dict[str, str] = {}
    signed_at: Day
    valid_until: Day | None = None
