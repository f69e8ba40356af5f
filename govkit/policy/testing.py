"""``govkit policy test``, on made-up findings (``govkit.policy-tests/v1``): does it say what its authors mean?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, ValidationError, model_validator

from govkit.core import LEVELS, Attestation, Check, Finding, Gap, Measurement, Policy, Waiver
from govkit.core.finding import Bound, DataRef, Value, exact
from govkit.core.policy import Has
from govkit.core.recorded import Digest, Recorded
from govkit.core.words import Access, GapReason, Modality, Of, Outcome, Role, State, Task, Trust
from govkit.documents import nearest
from govkit.errors import PolicyError
from govkit.policy.judging import judge
from govkit.policy.matching import SCOPE

MODEL = "sha256:" + "0" * 64
"""Digest of the model that made-up findings are about."""


class MadeUp(Recorded):
    """A finding in short.

    Attributes:
        metric: Metric of the check; ``*`` with a gap for all of them.
        value: What was measured; without it, say which ``gap`` there is.
        low: Lower end of the range at every level; without ends the value was counted.
        high: Upper end of the range.
        gap: Why there is no value.
    """

    check: str
    metric: str
    value: Value | None = None
    low: float | None = None
    high: float | None = None
    n: Annotated[int, Field(ge=0)] = 1000
    part: dict[str, str] = {}
    of: Of = "candidate"
    compared_with: Of | None = None
    data: Role = "test"
    params: dict[str, Any] = {}
    trust: Trust | None = None
    gap: GapReason | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> MadeUp:
        if (self.value is None) == (self.gap is None):
            raise ValueError("expected a value or a gap, and not both")
        if (self.low is None) != (self.high is None):
            raise ValueError("low and high stand together: the range of the value")
        return self

    @model_validator(mode="after")
    def _value_in_range(self) -> MadeUp:
        if self.low is None or self.high is None:
            return self
        number = float("nan") if isinstance(self.value, bool | str | None) else float(self.value)
        if not self.low <= number <= self.high:
            raise ValueError(f"expected a number from low to high, found {self.value}, {self.low} and {self.high}")
        return self


class Facts(Recorded):
    """Facts of the made-up case; what ``has`` does not name is not there."""

    task: Task = "binary"
    modality: Modality = "table"
    access: Access = "weights"
    has: tuple[Has, ...] = ()


class Signed(Attestation):
    """An attestation; it is about the made-up model where nothing else is said."""

    model: Digest = MODEL


class Excused(Waiver):
    """A waiver; it is for the made-up model where nothing else is said."""

    model: Digest = MODEL


class Expected(Recorded):
    """What the policy is to say: the outcome, the state of controls, and those that a waiver is to cover."""

    outcome: Outcome | None = None
    controls: dict[str, State] = {}
    waived: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Expected:
        if self.outcome is None and not self.controls and not self.waived:
            raise ValueError("expect is empty: name an outcome, controls with their states, or waived ones")
        return self


class PolicyCase(Recorded):
    """One case: facts and findings, and what is expected of them."""

    name: Annotated[str, Field(min_length=1)]
    facts: Facts = Facts()
    findings: tuple[MadeUp, ...] = ()
    attestations: tuple[Signed, ...] = ()
    waivers: tuple[Excused, ...] = ()
    expect: Expected


class PolicyTests(Recorded):
    """A file of tests; ``as_of`` is the time that counts as now."""

    schema_: Annotated[Literal["govkit.policy-tests/v1"], Field(alias="schema")]
    as_of: str = "2026-12-01T12:00:00Z"
    cases: Annotated[tuple[PolicyCase, ...], Field(min_length=1)]


@dataclass(frozen=True)
class CaseResult:
    """What became of a case; ``wrong`` says what was expected and what was found, and is empty where it passed."""

    name: str
    wrong: tuple[str, ...]


def run_cases(policy: Policy, tests: PolicyTests, catalog: Mapping[str, Check]) -> tuple[CaseResult, ...]:
    """Judge every case and compare.

    Args:
        policy: A policy as ``resolve`` gives it.
        tests: The cases.
        catalog: Checks by name.

    Raises:
        PolicyError: A case names a check, metric, parameter or control that does not exist.
    """
    known = {control.id for control in policy.controls}
    for case in tests.cases:
        for name in sorted({*case.expect.controls, *case.expect.waived} - known):
            raise PolicyError(f"{case.name}: policy {policy.id} has no control {name!r}{nearest(name, known)}")
    return tuple(CaseResult(case.name, tuple(_wrong(policy, case, tests.as_of, catalog))) for case in tests.cases)


def _wrong(policy: Policy, case: PolicyCase, as_of: str, catalog: Mapping[str, Check]) -> Iterator[str]:
    findings = [*_scope(case.facts), *(_finding(each, case.name, catalog) for each in case.findings)]
    verdict = judge(policy, findings, subject=MODEL, as_of=as_of, attestations=case.attestations, waivers=case.waivers)
    if case.expect.outcome not in (None, verdict.outcome):
        yield f"expected {case.expect.outcome}, found {verdict.outcome}"
    rulings = {ruling.control: ruling for ruling in verdict.rulings}
    for name, state in case.expect.controls.items():
        if rulings[name].state != state:
            yield f"{name}: expected {state}, found {rulings[name].state} ({rulings[name].reason})"
    for name in case.expect.waived:
        if not rulings[name].waived:
            yield f"{name}: expected a waiver to cover it; {'; '.join(verdict.notices) or 'there is none'}"


def _scope(facts: Facts) -> Iterator[Finding]:
    told: dict[str, Value] = {"task": facts.task, "modality": facts.modality, "access": facts.access}
    told |= {f"has_{thing}": thing in facts.has for thing in get_args(Has)}
    yield from (Measurement(check=SCOPE, name=name, value=value, n=1) for name, value in told.items())


def _finding(each: MadeUp, name: str, catalog: Mapping[str, Check]) -> Finding:
    check = catalog.get(each.check)
    if check is None:
        raise PolicyError(f"{name}: there is no check {each.check!r}{nearest(each.check, catalog)}")
    if each.metric not in check.metrics and (each.gap is None or each.metric != "*"):
        hint = nearest(each.metric, check.metrics)
        raise PolicyError(f"{name}: the check {each.check} has no metric {each.metric!r}{hint}")
    try:
        params = check.params.model_validate(each.params).model_dump(mode="json")
    except ValidationError as error:
        raise PolicyError(f"{name}: parameters of {each.check}: {error.errors()[0]['msg']}") from None
    where: dict[str, Any] = {"check": each.check, "name": each.metric, "params": params, "of": each.of}
    where |= {"part": each.part, "compared_with": each.compared_with, "data": DataRef(role=each.data, digest=MODEL)}
    if each.gap is not None:
        return Gap(reason=each.gap, **where)
    bounds: tuple[Bound, ...] = ()
    if each.low is not None and each.high is not None:
        bounds = tuple(Bound(level=level, low=each.low, high=each.high) for level in LEVELS)
    elif isinstance(each.value, int | float) and not isinstance(each.value, bool):
        where["interval"], bounds = exact(float(each.value))
    return Measurement(value=each.value, n=each.n, bounds=bounds, trust=each.trust, **where)
