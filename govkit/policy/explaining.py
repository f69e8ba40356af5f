"""A control in words, for somebody who knows no statistics and nothing of govkit."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from govkit.core import Check, Control, Metric, Policy, Ruling, State
from govkit.core.words import Disposition
from govkit.documents import nearest
from govkit.errors import PolicyError
from govkit.policy.deciding import disposition
from govkit.policy.planning import kind_of
from govkit.policy.plans import counted
from govkit.policy.sentences import number
from govkit.policy.standards import instruments, subcategories

WHOSE = {
    "candidate": "the candidate, the model that is audited",
    "base": "the base, the model before its fine-tuning",
    "incumbent": "the incumbent, the model in service",
    "trivial": "an answer that needs no model, the best single answer for all rows",
    "labels": "the true answers",
}
NEEDS = {
    "base": "base: the model before its fine-tuning",
    "base_data": "base.trained_on: what the base was trained on",
    "incumbent": "incumbent: the model in service",
    "groups": "columns.groups: the columns that say who a row is about",
    "parts": "columns.groups or columns.parts: columns whose values are seen apart",
    "train": "data.train: the rows that the model was tuned on",
    "test": "data.test: rows that the model has never seen",
    "shifted": "data.shifted: rows of another time or place",
    "calibration": "data.calibration: rows for recalibration",
    "canary": "data.canary: rows that were planted",
    "run": "subject.run: the record that `govkit record` wrote",
    "weights": "subject.run or subject.model: the weights themselves, not only answers",
    "probabilities": "probabilities: a live model, or columns.score or columns.scores",
    "inputs": "a model that can be asked (subject.run, model or python) and columns.input",
    "service": "service: a signed month of `govkit watch`",
    "reference": "reference: a table of whom the rows stand for",
    "texts": "columns.input: a column of texts",
    "media": "columns.input: texts or images",
}
"""What a check needs or a ``when`` asks for -> the keys of the audit file that bring it."""

FOLLOWS: dict[Disposition, str] = {
    "block": "the model is blocked",
    "review": "a person must decide",
    "warn": "it passes with an exception that every document names",
    "ignore": "it counts as an exception at least",
}
STATES: dict[State, str] = {
    "fail": "it is not met",
    "inconclusive": "the rows cannot tell",
    "missing": "there is no evidence",
    "error": "the check broke down",
    "unsupported": "the model cannot be asked that way",
}
LEVELS = {
    "statute": "A law",
    "regulation": "A regulation",
    "agency_rule_of_thumb": "A rule of thumb of an agency, which is no law",
    "standard": "A standard, which is voluntary",
    "convention": "A habit of the field",
    "publication": "A publication",
    "none": "No law, standard or publication: this is our own margin",
}


def explain(
    policy: Policy, control_id: str, catalog: Mapping[str, Check] | None = None, *, ruling: Ruling | None = None
) -> dict[str, Any]:
    """A control in words: what is asked, on whose authority, which outcomes it serves and what follows.

    Args:
        policy: A policy as ``load`` or ``resolve`` gives it.
        control_id: Id of the control.
        catalog: Checks by name, for what they do and need.
        ruling: What a verdict says of it.

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
        "then": {f"on_{state}": getattr(control, f"on_{state}") for state in STATES},
        "advice": control.advice,
    }
    return {**facts, "words": dict(_words(control, policy, (catalog or {}).get(control.check or ""), ruling))}


def _words(
    control: Control, policy: Policy, check: Check | None, ruling: Ruling | None
) -> Iterator[tuple[str, list[str]]]:
    known = subcategories()
    metric = check.metrics.get(control.metric or "") if check is not None else None
    usual = check.params.model_construct().model_dump(mode="json") if check is not None else {}
    params = {name: value for name, value in control.params.items() if usual.get(name) != value}
    settings = [f"With {name} {value}, which is not the usual setting." for name, value in params.items()]
    asked = [*_asked(control, policy, metric), *settings] if control.attest is None else _signed(control)
    yield "What is asked", [f"{control.title}.", *asked]
    if control.require is not None:
        yield "What counts as met", list(_met(control, policy, metric))
    if control.authority is not None:
        yield "Who says so", list(_authority(control))
    yield "What it serves", [f"{name}: {known[name].says}" for name in control.rmf if name in known]
    if check is not None:
        yield "What it takes", list(_takes(control, policy, check))
    follows = [f"If {says}: {FOLLOWS[disposition(control, state)]}." for state, says in STATES.items()]
    yield "What follows", [f"Severity {control.severity}. If it is met, nothing follows.", *follows]
    yield "What to do when it is not met", [control.advice or "The policy gives no advice."]
    if ruling is not None:
        consequence = FOLLOWS[ruling.disposition] if ruling.state not in ("pass", "not_applicable") else "nothing"
        waived = " A waiver covers it." if ruling.waived else ""
        state = ruling.state.replace("_", " ")
        yield "What was seen", [f"State: {state}. What follows: {consequence}.{waived}", ruling.reason]


def _asked(control: Control, policy: Policy, metric: Metric | None) -> Iterator[str]:
    if metric is not None:
        yield f"Measured: {control.metric}. {metric.what}"
    whose = WHOSE[control.of]
    if control.compared_with is None:
        yield f"Of {whose}."
    else:
        yield f"Of {whose}, less that of {WHOSE[control.compared_with]}, on the same rows."
    which = counted(control)
    yield f"On the {control.data} data{'' if which == 'rows' else f', of which it counts the {which}'}."
    yield from (_slice(name, policy) for name in control.over)
    yield from _when(control)


def _slice(name: str, policy: Policy) -> str:
    if name == "groups":
        return "For every group of every declared column of groups, and every declared part, one by one."
    rows = policy.slices[name]
    few = "left out, and named" if rows.below_min == "report" else "not enough to tell"
    least = f"; fewer than {rows.min_n} rows are {few}" if rows.min_n > 1 else ""
    return f"For every part by {' and '.join(rows.columns)}, one by one{least}."


def _when(control: Control) -> Iterator[str]:
    if control.when is not None:
        asked = control.when.model_dump(exclude_none=True)
        parts = [f"{key} is {' or '.join(asked[key])}" for key in ("task", "modality", "access") if key in asked]
        parts += [f"there is {' and '.join(asked['has'])}"] if "has" in asked else []
        yield f"It applies only where {', and '.join(parts).replace('_', ' ')}."


def _signed(control: Control) -> Iterator[str]:
    asked = control.attest
    if asked is not None:
        role = f" as {asked.signer_role}" if asked.signer_role else ""
        yield f"A person signs a statement of the kind {asked.kind}{role}, at most {asked.max_age_days} days old."
        if asked.not_same_as:
            yield f"It must be somebody else than: {', '.join(asked.not_same_as)}."
        if asked.fields:
            yield f"It must answer: {', '.join(asked.fields)}."


def _met(control: Control, policy: Policy, metric: Metric | None) -> Iterator[str]:
    require, unit = control.require, metric.unit if metric is not None else ""
    if require is None:
        return
    if require.equals is not None:
        yield f"The answer must be {str(require.equals).lower()}. Unknown never counts as met."
        return
    ends = [f"at least {_amount(require.min, unit)}"] if require.min is not None else []
    ends += [f"at most {_amount(require.max, unit)}"] if require.max is not None else []
    yield f"The value must be {' and '.join(ends)}."
    if metric is not None and kind_of(control, metric) == "exact":
        yield "It is counted and not estimated, so the number itself is held against the limit."
        return
    times = number(round(100 * (control.confidence or policy.decision.confidence), 6))
    end = "both ends" if len(ends) == 2 else "the lower end" if require.min is not None else "the upper end"
    yield "The rows are a sample, so what is measured is a range and not a point."
    yield f"It counts as met when even the cautious end of the range ({end}) keeps the limit, on every part."
    yield f"The range is drawn so that in {times} of 100 audits the truth is no worse than that end."
    yield "It counts as failed only when the whole range lies beyond the limit; in between, the rows cannot tell."


def _amount(value: float, unit: str) -> str:
    if unit == "share":
        return f"{number(value)} ({number(abs(100 * value))} in 100{' lower' if value < 0 else ''})"
    return f"{number(value)} {unit}".strip()


def _authority(control: Control) -> Iterator[str]:
    authority = control.authority
    if authority is None:
        return
    yield f"{LEVELS[authority.level]}."
    source = instruments().get(authority.ref)
    if source is not None:
        after = f"; now see {source.superseded_by}" if source.superseded_by else ""
        yield f"{source.title}: {source.status.replace('_', ' ')}, looked up on {source.checked_on}{after}."
    if authority.note:
        yield authority.note


def _takes(control: Control, policy: Policy, check: Check) -> Iterator[str]:
    yield f"The check {check.name}: {inspect.cleandoc(check.function.__doc__ or '').partition(chr(10))[0]}"
    has = control.when.has or () if control.when is not None else ()
    slices = {column for name in control.over if name != "groups" for column in policy.slices[name].columns}
    compared = () if control.compared_with in (None, "trivial", "labels") else (control.compared_with,)
    over = ("parts",) if "groups" in control.over else ()
    names = dict.fromkeys((control.data, *compared, *over, *sorted(check.needs), *has))
    yield "The audit file must hold:"
    yield from (f"  {NEEDS[name]}" for name in names if name in NEEDS)
    if slices:
        yield f"  the columns {', '.join(sorted(slices))} in the {control.data} data"
