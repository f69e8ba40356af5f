"""``govkit policy explain``: a control in words, for somebody who knows no statistics and nothing of govkit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from govkit.core import Check, Control, Metric, Policy, Ruling
from govkit.documents import nearest
from govkit.errors import PolicyError
from govkit.policy.chances import kind_of
from govkit.policy.deciding import disposition
from govkit.policy.planning import counted
from govkit.policy.sentences import number
from govkit.policy.standards import instruments, subcategories
from govkit.policy.templates import Plain, plain_metric, templates
from govkit.resources import load


@lru_cache(maxsize=1)
def _said() -> dict[str, dict[str, str]]:
    """Names -> words, by what is named: whose value, which rows, a state, what a check needs and so on."""
    said: dict[str, dict[str, str]] = load("policies/standards", "explained.yaml")
    return said


def explain(
    policy: Policy,
    control_id: str,
    catalog: Mapping[str, Check] | None = None,
    *,
    ruling: Ruling | None = None,
    seen: str = "",
) -> dict[str, Any]:
    """A control in words: what is asked, on whose authority, which outcomes it serves and what follows.

    Args:
        policy: A policy as ``load`` or ``resolve`` gives it.
        control_id: Id of the control.
        catalog: Checks by name, for what they do and need.
        ruling: What a verdict says of it.
        seen: The same for a reader without statistics; the reason of the ruling if not given.

    Returns:
        The facts, and ``words``: heading -> sentences.

    Raises:
        PolicyError: The policy has no such control.
    """
    controls = {control.id: control for control in policy.controls}
    if control_id not in controls:
        raise PolicyError(f"policy {policy.id} has no control {control_id!r}{nearest(control_id, controls)}")
    control, known = controls[control_id], subcategories()
    authority, source = control.authority, instruments().get(control.authority.ref if control.authority else "")
    measures = f"{control.check}.{control.metric}" if control.check else ""
    facts = {
        "control": control.id,
        "title": control.title,
        "severity": control.severity,
        "measures": measures or (f"a signed {control.attest.kind}" if control.attest else ""),
        "of": control.of if control.compared_with is None else f"{control.of} minus {control.compared_with}",
        "over": list(control.over) or ["all rows"],
        "data": control.data,
        "limit": control.require.model_dump(exclude_none=True) if control.require else {},
        "confidence": control.confidence or policy.decision.confidence,
        "authority": authority.model_dump() if authority else {},
        "source": {"title": source.title, "status": source.status, "checked_on": source.checked_on} if source else {},
        "serves": {name: known[name].says for name in control.rmf if name in known},
        "then": {f"on_{state}": getattr(control, f"on_{state}") for state in _said()["states"]},
        "advice": control.advice,
    }
    words = dict(_words(control, policy, (catalog or {}).get(control.check or "")))
    return {**facts, "words": words if ruling is None else {**words, "What was seen": _seen(ruling, seen)}}


def _words(control: Control, policy: Policy, check: Check | None) -> Iterator[tuple[str, list[str]]]:
    known = subcategories()
    metric = check.metrics.get(control.metric or "") if check is not None else None
    usual = check.params.model_construct().model_dump(mode="json") if check is not None else {}
    params = {name: value for name, value in control.params.items() if usual.get(name) != value}
    settings = [f"With {_plain(name)} {value}, which is not the usual setting." for name, value in params.items()]
    asked = [*_asked(control, policy, metric), *settings] if control.attest is None else _signed(control)
    yield "What is asked", [f"{control.title}.", *asked]
    if control.require is not None:
        yield "What counts as met", list(_met(control, policy, metric))
    if control.authority is not None:
        yield "Who says so", list(_authority(control))
    served = [f"  {name}: {known[name].says}" for name in control.rmf if name in known]
    yield "What it serves", ["Outcomes of the NIST AI Risk Management Framework, which is voluntary:", *served]
    if check is not None:
        yield "What it takes", list(_takes(control, policy, check))
    states: Any = _said()["states"] if control.attest is None else {"missing": "nobody has signed it"}
    then = _said()["follows"]
    follows = [f"If {says}: {then[disposition(control, state)]}." for state, says in states.items()]
    yield "What follows", [f"Severity {control.severity}. If it is met, nothing follows.", *follows]
    yield "What to do when it is not met", [control.advice or "The policy gives no advice."]


def _seen(ruling: Ruling, seen: str) -> list[str]:
    settled = {"pass": "it is met", "not_applicable": "it does not apply"}
    consequence = "nothing" if ruling.state in settled else _said()["follows"][ruling.disposition]
    waived = " A waiver covers it." if ruling.waived else ""
    says = {**_said()["states"], **settled}[ruling.state]
    return [f"State: {_plain(ruling.state)}, {says}. What follows: {consequence}.{waived}", seen or ruling.reason]


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _asked(control: Control, policy: Policy, metric: Metric | None) -> Iterator[str]:
    whose, rows = _said()["whose"], _said()["rows"]
    if metric is not None:
        yield f"Measured: {plain_metric(control.metric or '', metric).says}"
    if control.compared_with is not None:
        yield f"Compared: {whose[control.of]}, with {whose[control.compared_with]}, on the same rows."
    elif control.of != "candidate":
        yield f"Of {whose[control.of]}."
    which = counted(control)
    if control.data != "test" or control.require is None or control.require.equals is None:
        yield f"Rows: {rows.get(control.data, control.data)}{'' if which == 'rows' else f'; only {which} count'}."
    yield from (_slice(name, policy) for name in control.over)
    yield from _when(control)


def _slice(name: str, policy: Policy) -> str:
    if name == "groups":
        return "Every group of people, and every declared part of the rows, must meet it by itself."
    rows = policy.slices[name]
    few = "left out, and named" if rows.below_min == "report" else "not enough to tell"
    least = f"; fewer than {rows.min_n} rows are {few}" if rows.min_n > 1 else ""
    return f"Every part by {' and '.join(rows.columns)} must meet it by itself{least}."


def _when(control: Control) -> Iterator[str]:
    if control.when is not None:
        asked = control.when.model_dump(exclude_none=True)
        says = {"task": "the answer is", "modality": "the inputs are", "access": "the model is reached"}
        parts = [f"{says[key]} {_either(asked[key])}" for key in says if key in asked]
        parts += [f"there is {' and '.join(map(_when_word, asked['has']))}"] if "has" in asked else []
        yield f"It applies only where {', and where '.join(parts)}."


def _when_word(name: str) -> str:
    return _said()["when"].get(name, _plain(name))


def _either(names: Sequence[str]) -> str:
    *first, last = map(_when_word, names)
    return f"{', '.join(first)} or {last}" if first else last


def _signed(control: Control) -> Iterator[str]:
    asked = control.attest
    if asked is None:
        return
    role, form = f", as {_plain(asked.signer_role)}," if asked.signer_role else "", templates().get(asked.kind)
    if form is None:
        yield f"A person signs{role} a statement of the kind {_plain(asked.kind)}."
        yield from [f"It must answer: {', '.join(map(_plain, asked.fields))}."] if asked.fields else []
    else:
        yield f"A person signs{role} that this is true: {form.title}."
        yield f"`govkit attestation new {asked.kind}` writes a form with these questions:"
        yield from (f"  {question}" for question in form.questions.values())
        more = [_plain(name) for name in asked.fields if name not in form.questions]
        yield from [f"It must also answer: {', '.join(more)}."] if more else []
    yield f"The statement counts for {asked.max_age_days} days."
    if asked.not_same_as:
        yield f"It must be somebody else than: {', '.join(map(_person, asked.not_same_as))}."


def _person(name: str) -> str:
    return "the owner of the policy" if name == "owner" else f"the one who signed the {_plain(name)}"


def _met(control: Control, policy: Policy, metric: Metric | None) -> Iterator[str]:
    require = control.require
    if require is None:
        return
    if require.equals is not None:
        said = str(require.equals).lower()
        yield f"The answer must be: {_said()['values'].get(said, said)}. What is unknown never counts as met."
        return
    exact = metric is not None and kind_of(control, metric) == "exact"
    if exact and require.max == 0:
        yield "There must be none."
    else:
        yield f"The value must be {' and '.join(_ends(control, metric, exact=exact))}."
    if exact:
        yield "It is counted and not estimated, so the number itself is held against the limit."
        return
    times = number(round(100 * (control.confidence or policy.decision.confidence), 6))
    both = require.min is not None and require.max is not None
    end = "both ends" if both else "the lower end" if require.min is not None else "the upper end"
    yield "The rows are only a sample, so what is measured is a range and not a point."
    yield f"It is met when even the cautious end of the range ({end}) keeps the limit, on every part."
    yield f"The range is drawn so that in {times} of 100 audits the truth is no worse than that end."
    yield "It is not met only when the whole range lies beyond the limit; in between, the rows cannot tell."


def _ends(control: Control, metric: Metric | None, *, exact: bool) -> Iterator[str]:
    """The limits in words; those of a difference say lower or higher, and than what."""
    require, unit = control.require, metric.unit if metric is not None else ""
    told = plain_metric(control.metric or "", metric) if metric is not None else Plain("")
    than = told.than if control.compared_with is None else f"that of {_said()['whose'][control.compared_with]}"
    below_zero = metric is not None and (metric.low or 0) < 0
    signed = bool(than or below_zero) and not told.size and not exact
    edges = [] if require is None else [("min", require.min), ("max", require.max)]
    for at, (side, edge) in enumerate((side, edge) for side, edge in edges if edge is not None):
        last = at == sum(edge is not None for _, edge in edges) - 1
        if signed:
            yield f"{_signed_end(side, edge, unit)}{f' than {than}' if than and last else ''}"
        else:
            yield f"at {'least' if side == 'min' else 'most'} {_amount(edge, unit)}"


def _signed_end(side: str, edge: float, unit: str) -> str:
    if edge == 0:
        return "no lower" if side == "min" else "no higher"
    bound = "most" if (side == "max") == (edge > 0) else "least"
    return f"at {bound} {_amount(abs(edge), unit)} {'higher' if edge > 0 else 'lower'}"


def _amount(value: float, unit: str) -> str:
    if unit == "ratio":
        return f"{number(value)} (1 means no difference)"
    if unit not in ("share", "probability"):
        return f"{number(value)} {unit.removesuffix('s') if value == 1 else unit}".strip()
    hundred = round(100 * value, 9)
    return f"{number(hundred)} in 100" if hundred.is_integer() else f"{number(round(10 * hundred, 8))} in 1,000"


def _authority(control: Control) -> Iterator[str]:
    authority = control.authority
    if authority is None:
        return
    yield f"{_said()['levels'][authority.level]}."
    source = instruments().get(authority.ref)
    if source is not None:
        after = f"; now see {source.superseded_by}" if source.superseded_by else ""
        yield f"{source.title}: {source.status.replace('_', ' ')}, looked up on {source.checked_on}{after}."
    if authority.note:
        yield authority.note


def _takes(control: Control, policy: Policy, check: Check) -> Iterator[str]:
    yield f"The check {_plain(check.name)} measures it; `govkit checks {check.name}` says how."
    has = control.when.has or () if control.when is not None else ()
    slices = {column for name in control.over if name != "groups" for column in policy.slices[name].columns}
    compared = () if control.compared_with in (None, "trivial", "labels") else (control.compared_with,)
    over = ("parts",) if "groups" in control.over else ()
    names = dict.fromkeys((control.data, *compared, *over, *sorted(check.needs), *has))
    yield "The audit file must hold:"
    needs = _said()["needs"]
    yield from (f"  {needs[name]}" for name in names if name in needs)
    if slices:
        yield f"  the columns {', '.join(sorted(slices))} in the {control.data} data"
