"""``govkit policy lint``: are the checks at hand, do they take these parameters, can these limits be met?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from govkit.core import Check, Control, Metric, Policy, Risk, Waiver
from govkit.core.policy import RANK
from govkit.documents import nearest
from govkit.errors import PolicyError
from govkit.policy.doubts import Complaint, aged, dead_waivers, open_outcomes, undecided
from govkit.policy.read import places
from govkit.policy.standards import crosswalk, instruments, subcategories

_TRUTHS = frozenset({"true", "false", "unknown"})


@dataclass(frozen=True)
class Problem:
    """Something about a policy that is wrong (``error``) or deserves a thought (``warning``).

    Attributes:
        level: An error is refused by ``resolve``; a warning is not.
        control: Id of the control, empty for the policy as a whole.
        message: What was found and what to do.
        place: ``FILE:LINE`` of the control, where the policy came from a file.
    """

    level: Literal["error", "warning"]
    control: str
    message: str
    place: str = ""


def resolve(policy: Policy, catalog: Mapping[str, Check], *, source: str | Path | None = None) -> Policy:
    """The policy with every parameter of every check written out, ready to judge by.

    Args:
        policy: A policy as ``load`` gives it.
        catalog: Checks by name.
        source: Name or path that the policy was loaded by; then problems name file and line.

    Raises:
        PolicyError: Lists every error that ``lint`` finds.
    """
    errors = _placed([problem for problem in lint(policy, catalog) if problem.level == "error"], source)
    if errors:
        names = [(f"{each.place}: " if each.place else "") + f"policy {policy.id}" for each in errors]
        lines = [
            f"{name}, {each.control or 'as a whole'}: {each.message}" for name, each in zip(names, errors, strict=True)
        ]
        raise PolicyError("\n".join(lines))
    controls = tuple(
        control.model_copy(update={"params": _complete(catalog[control.check], control.params)})
        if control.check is not None
        else control
        for control in policy.controls
    )
    return policy.model_copy(update={"controls": controls})


def lint(
    policy: Policy,
    catalog: Mapping[str, Check],
    *,
    source: str | Path | None = None,
    waivers: Iterable[Waiver] = (),
    as_of: date | None = None,
) -> tuple[Problem, ...]:
    """Everything that is wrong with a policy or deserves a thought, control by control.

    Args:
        policy: A policy as ``load`` gives it.
        catalog: Checks by name.
        source: Name or path that the policy was loaded by; then problems name file and line.
        waivers: Exceptions that are on file; those that can never hold are named.
        as_of: Day that counts as now; without it the age of sources and waivers is not looked at.
    """
    old = aged(policy, as_of) if as_of is not None else ()
    problems = [Problem(level, "", message) for level, message in (*_whole(policy), *open_outcomes(policy), *old)]
    for control in policy.controls:
        complaints = (*_cited(control, catalog), *_asked(control, catalog), *_worded(control))
        problems += [Problem(level, control.id, message) for level, message in complaints]
        problems += [Problem(level, control.id, message) for level, message in undecided(control, policy, catalog)]
    dead = dead_waivers(policy, waivers, as_of or date.min)
    problems += [Problem("warning", name, message) for name, message in dead]
    return _placed(problems, source)


def _placed(problems: Sequence[Problem], source: str | Path | None) -> tuple[Problem, ...]:
    """Problems with the lines of the file; it is read again only where there are some."""
    where = places(source) if source is not None and problems else {}
    return tuple(replace(each, place=where.get(each.control, "")) for each in problems)


def _complete(check: Check, params: Mapping[str, Any]) -> dict[str, Any]:
    return check.params.model_validate(dict(params)).model_dump(mode="json")


def _whole(policy: Policy) -> Iterator[Complaint]:
    if policy.extends:
        yield "error", f"extends {', '.join(policy.extends)} is not resolved; read the policy from its file"
    if policy.review_by is None:
        yield "warning", "review_by is missing: say when a person looks at these limits again"
    for risk in policy.risks:
        yield from _risk(risk)
    for trigger in policy.triggers:
        authority = trigger.authority
        yield from _authority(authority.level, authority.ref, authority.note)
    used = {name for control in policy.controls for name in control.over}
    for name in policy.slices:
        if name not in used:
            yield "warning", f"slice {name} is used by no control"


def _risk(risk: Risk) -> Iterator[Complaint]:
    if not risk.controls:
        yield "warning", f"risk {risk.id} has no control: it will stand as not measured"
    known = subcategories()
    for name in (name for name in risk.rmf if name not in known):
        yield "error", f"risk {risk.id}: {name!r} is no subcategory of the NIST AI RMF{nearest(name, known)}"


def _cited(control: Control, catalog: Mapping[str, Check]) -> Iterator[Complaint]:
    """Subcategories and authorities."""
    known = subcategories()
    check = catalog.get(control.check or "")
    served = {name for row in _rows(check, control) for name in crosswalk().get(row, ())} if check is not None else None
    for name in control.rmf:
        if name not in known:
            yield "error", f"{name!r} is no subcategory of the NIST AI RMF{nearest(name, known)}"
        elif control.check is not None and known[name].evidence == "organisational":
            yield "error", f"{name} can only be shown by the organisation; a check cannot speak to it"
        elif check is not None and served is not None and name not in served:
            yield "warning", f"the crosswalk does not connect {check.crosswalk} with {name}"
    if control.authority is not None:
        yield from _authority(control.authority.level, control.authority.ref, control.authority.note)


def _rows(check: Check, control: Control) -> Iterator[str]:
    """Rows of the crosswalk that a control speaks to: that of its check, and those of what it compares."""
    yield check.crosswalk
    if control.compared_with == "base":
        yield from ("check.forgetting", "check.bias_amplification")
    if control.compared_with == "incumbent":
        yield "check.regression"
    if control.data == "shifted":
        yield from ("check.drift", "check.ood")


def _authority(level: str, ref: str, note: str) -> Iterator[Complaint]:
    sources = instruments()
    if ref and ref not in sources:
        yield "error", f"authority.ref {ref!r} is no source of the crosswalk{nearest(ref, sources)}"
    elif ref and sources[ref].stale:
        after = sources[ref].superseded_by
        yield "warning", f"authority {ref} is {sources[ref].status}" + (f"; see {after}" if after else "")
    if level == "none" and not note.strip():
        yield "warning", "authority none has no note: say whose margin this is, and why"
    if level in ("statute", "regulation", "agency_rule_of_thumb", "standard") and not ref:
        yield "error", f"authority {level} needs a ref, one of {', '.join(sorted(sources))}"


def _asked(control: Control, catalog: Mapping[str, Check]) -> Iterator[Complaint]:
    """Check, parameters, metric and limit."""
    if control.check is None:
        yield from _attested(control)
        return
    if control.check not in catalog:
        yield "error", f"there is no check {control.check!r}{nearest(control.check, catalog)}; see 'govkit checks'"
        return
    check = catalog[control.check]
    yield from _params(check, control.params)
    if control.compared_with == control.of:
        yield "error", f"{control.of} is compared with itself"
    if control.metric not in check.metrics:
        hint = nearest(str(control.metric), check.metrics)
        yield "error", f"the check {check.name} has no metric {control.metric!r}{hint}"
        return
    if check.metrics[str(control.metric)].diagnosis:
        yield "error", f"{control.metric} is for diagnosis and has no bounds; no control may rest on it"
    yield from _limit(control, check.metrics[str(control.metric)])


def _attested(control: Control) -> Iterator[Complaint]:
    for key in ("metric", "require", "over", "params", "compared_with"):
        if getattr(control, key):
            yield "error", f"{key} has no meaning beside attest"
    kind = control.attest.kind if control.attest else ""
    listed = {name.removeprefix("attest.") for row in subcategories().values() for name in row.listed}
    if kind not in listed:
        yield "warning", f"no outcome of the RMF lists a statement of the kind {kind!r}{nearest(kind, listed)}"


def _params(check: Check, params: Mapping[str, Any]) -> Iterator[Complaint]:
    try:
        _complete(check, params)
    except ValidationError as error:
        known = list(check.params.model_fields)
        for fault in error.errors(include_url=False):
            name = ".".join(str(step) for step in fault["loc"])
            if fault["type"] == "extra_forbidden":
                hint = nearest(name, known) if known else "; it takes none"
                yield "error", f"the check {check.name} has no parameter {name!r}{hint}"
            else:
                yield "error", f"parameter {name} of the check {check.name}: {fault['msg']}; found {fault['input']!r}"


def _limit(control: Control, metric: Metric) -> Iterator[Complaint]:
    require = control.require
    if require is None:
        return
    if require.equals is not None:
        yield from _equals(require.equals, control, metric)
        return
    if metric.words:
        yield "error", f"{control.metric} is a word ({', '.join(metric.words)}); use equals, not min or max"
        return
    yield from _direction(control, metric)
    low, high = _range(metric, paired=control.compared_with is not None)
    for name, limit in (("min", require.min), ("max", require.max)):
        if limit is None:
            continue
        if (low is not None and limit < low) or (high is not None and limit > high):
            yield "error", f"{name} {limit} lies outside the range of {control.metric}, {low} to {high}"
        elif limit == (low if name == "min" else high):
            yield "warning", f"{name} {limit} is the end of the range of {control.metric}: it excludes nothing"


def _equals(wanted: bool | str, control: Control, metric: Metric) -> Iterator[Complaint]:
    truth = bool(metric.words) and set(metric.words) <= _TRUTHS
    if wanted == "unknown":
        yield "error", "equals unknown can never be met: unknown never satisfies a control"
    elif isinstance(wanted, bool) and metric.words and not truth:
        yield "error", f"{control.metric} is one of {', '.join(metric.words)}; found equals {str(wanted).lower()}"
    elif not metric.words and (not isinstance(wanted, bool) or _is_number(metric)):
        yield "error", f"{control.metric} holds no words; use min or max, or equals true or false for a truth"
    elif isinstance(wanted, str) and (truth or wanted not in metric.words):
        hint = nearest(wanted, metric.words)
        yield "error", f"{control.metric} is one of {', '.join(metric.words)}; found equals {wanted!r}{hint}"


def _is_number(metric: Metric) -> bool:
    """True where the check declares a range, which only a number has."""
    return metric.low is not None or metric.high is not None


def _direction(control: Control, metric: Metric) -> Iterator[Complaint]:
    require = control.require
    if require is None or control.compared_with is not None or None not in (require.min, require.max):
        return
    if require.min is not None and metric.better == "lower":
        yield "error", f"{control.metric} is better when lower; a min alone would ask for worse. Use max"
    if require.max is not None and metric.better == "higher":
        yield "error", f"{control.metric} is better when higher; a max alone would ask for worse. Use min"


def _range(metric: Metric, *, paired: bool) -> tuple[float | None, float | None]:
    if not paired:
        return metric.low, metric.high
    if metric.low is None or metric.high is None:
        return None, None
    return metric.low - metric.high, metric.high - metric.low


def _worded(control: Control) -> Iterator[Complaint]:
    if not control.advice.strip():
        yield "warning", "advice is missing: say in plain words what to do when this is not met"
    if control.on_fail == "ignore":
        yield "error", "on_fail: ignore would let a failure pass in silence; use warn, review or block"
    for key in ("on_missing", "on_error", "on_unsupported", "on_inconclusive"):
        if getattr(control, key) == "ignore":
            yield "warning", f"{key}: ignore counts as warn: what is not met is never less than an exception"
    if RANK[control.on_fail] < RANK[control.on_inconclusive]:
        opens = RANK[control.on_fail] < RANK["review"] <= RANK[control.on_inconclusive]
        milder = f"on_fail {control.on_fail} is milder than on_inconclusive {control.on_inconclusive}"
        yield "error" if opens else "warning", f"{milder}: a worse value would do better; write the same word for both"
