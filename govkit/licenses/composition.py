"""May a model made from these components be used and shared as intended, and under what obligations?

The answer composes one rule a license: what is forbidden for one component is forbidden for the model, obligations add
up, a restriction cannot be dropped by a laxer label, and two licenses that each demand to be kept exclude each other.
Whether the license of training data binds the weights is not settled in law; the stance on it is the caller's and
stands in the reasons.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Literal

from govkit.core import Component
from govkit.licenses.expressions import MOST_CHOICES, alternatives, normalize
from govkit.licenses.rules import Pin, Rule, rule

DataStance = Literal["strict", "notice", "ignore"]
"""``strict``: the license of training data binds the weights. ``notice``: its terms are named and its duties listed.
``ignore``: it is left out. Data used for measuring only never binds."""

_ORDER = {"allow": 0, "unknown": 1, "deny": 2}


@dataclass(frozen=True)
class Composition:
    """The answer.

    Attributes:
        verdict: ``allow``, ``deny``, or ``unknown`` where a license is not resolved or not in the rule table.
        reasons: Sentences that name component, license and rule.
        obligations: What has to be done, each with component, license and section.
    """

    verdict: Literal["allow", "deny", "unknown"]
    reasons: tuple[str, ...]
    obligations: tuple[str, ...]


@dataclass(frozen=True)
class _Term:
    """One license of one component; ``binds`` is False for training data under the stance ``notice``."""

    who: str
    license: str
    rule: Rule
    binds: bool


def compose(
    components: Sequence[Component],
    *,
    intent: Sequence[str],
    declared: str | None,
    data_stance: DataStance = "notice",
) -> Composition:
    """Compose the licenses of a model's components for a use.

    Args:
        components: Base and data sources, as a run records them.
        intent: Of ``internal``, ``distribute``, ``hosted``, ``commercial``; nothing declared counts as all of them.
        declared: License that the model is to carry, None if none was chosen.
        data_stance: What the license of training data means for the weights.

    Returns:
        The verdict of the best choice where licenses offer one. Deny is certain: it stands even beside unknowns.
    """
    uses = frozenset(intent) or frozenset({"distribute", "hosted", "commercial"})
    flowing = [part for part in components if _flows(part, data_stance)]
    open_ = [_unresolved(part) for part in flowing if part.license.expression is None]
    label, wrong = _label(declared)
    open_ += wrong
    if not flowing:
        open_.append("no component with a license is recorded: nothing can be composed")
    known = [part for part in flowing if part.license.expression is not None]
    choices = [alternatives(str(part.license.expression)) for part in known]
    open_ += [_unreadable(part) for part, choice in zip(known, choices, strict=True) if not choice]
    answers = [
        _choice(list(zip(known, chosen, strict=True)), uses=uses, label=label, stance=data_stance)
        for chosen in islice(product(*choices), MOST_CHOICES)
    ]
    best = min(answers, key=lambda answer: _ORDER[answer.verdict], default=Composition("unknown", (), ()))
    if open_ and best.verdict == "allow":
        best = Composition("unknown", best.reasons, best.obligations)
    return Composition(best.verdict, (*open_, *best.reasons, *_left_out(components, data_stance)), best.obligations)


def _flows(part: Component, stance: DataStance) -> bool:
    return part.role == "base" or (part.role == "train" and stance != "ignore")


def _who(part: Component) -> str:
    return f"{part.role} {part.id.value}" if part.id.value is not None else part.role


def _unresolved(part: Component) -> str:
    return f"{_who(part)}: the license is not resolved ({part.license.state}): {part.license.reason}"


def _unreadable(part: Component) -> str:
    return f"{_who(part)}: {part.license.expression!r} cannot be read as a license expression"


def _left_out(components: Sequence[Component], stance: DataStance) -> Iterator[str]:
    for part in components:
        if part.role == "train" and stance == "ignore":
            yield f"{_who(part)}: left out, the stance on training data is to ignore its license"


def _label(declared: str | None) -> tuple[str | None, list[str]]:
    if declared is None:
        return None, []
    label = normalize(declared)
    if label is None or rule(label) is None:
        return None, [f"the declared license {declared!r} is not one license of the rule table"]
    return label, []


def _choice(
    chosen: list[tuple[Component, tuple[str, ...]]],
    *,
    uses: frozenset[str],
    label: str | None,
    stance: DataStance,
) -> Composition:
    terms, open_ = [], []
    for part, licenses in chosen:
        for name in licenses:
            found = rule(name)
            if found is None:
                open_.append(f"{_who(part)}: {name} is not in the rule table")
            else:
                binds = part.role == "base" or stance == "strict"
                terms.append(_Term(_who(part), name, found, binds))
    binding = [term for term in terms if term.binds]
    denied = [*_forbidden(binding, uses), *_pins(binding, uses, label), *_dropped(binding, label)]
    undecided = [*open_, *_undeclared(binding, uses, label)]
    verdict: Literal["allow", "deny", "unknown"] = "deny" if denied else "unknown" if undecided else "allow"
    reasons = (*denied, *undecided, *_notices(terms, uses))
    duties = [f"{t.who}, {t.license}: {duty.do} ({duty.section})" for t in terms for duty in t.rule.duties]
    limits = [f"{t.who}, {t.license}: pass on the use restrictions ({t.rule.uses})" for t in terms if t.rule.uses]
    return Composition(verdict, reasons, tuple(dict.fromkeys((*duties, *limits))))


def _forbidden(terms: Sequence[_Term], uses: frozenset[str]) -> Iterator[str]:
    for term in terms:
        if term.rule.commercial == "forbidden" and "commercial" in uses:
            yield f"{term.who}: {term.license} forbids commercial use, which is intended"
        if term.rule.derivatives == "forbidden":
            yield f"{term.who}: {term.license} forbids derivatives, and a tuned model is one"
        if term.rule.derivatives == "private" and uses & {"distribute", "hosted"}:
            yield f"{term.who}: {term.license} forbids sharing derivatives, which is intended"


def _applies(pin: Pin | None, uses: frozenset[str]) -> bool:
    if pin is None:
        return False
    return "distribute" in uses or (pin.from_ == "hosted" and "hosted" in uses)


def _accepted(term: _Term) -> frozenset[str]:
    pin = term.rule.pin
    return frozenset({term.license, *(pin.accepts if pin else ())})


def _pins(terms: Sequence[_Term], uses: frozenset[str], label: str | None) -> Iterator[str]:
    """A pin excludes every other label, and two pins exclude each other unless one license satisfies both."""
    pinned = [term for term in terms if _applies(term.rule.pin, uses)]
    if pinned and not frozenset.intersection(*map(_accepted, pinned)):
        named = " and ".join(f"{term.license} ({term.who})" for term in pinned)
        yield f"{named} each must be kept by a derivative, and no license satisfies them all"
    for term in pinned:
        if label is not None and label not in _accepted(term):
            yield f"{term.who}: {term.license} must be kept by a derivative; {label} was declared"


def _undeclared(terms: Sequence[_Term], uses: frozenset[str], label: str | None) -> Iterator[str]:
    for term in terms:
        if label is None and _applies(term.rule.pin, uses):
            yield f"{term.who}: {term.license} must be kept by a derivative; no license was declared for the model"


def _dropped(terms: Sequence[_Term], label: str | None) -> Iterator[str]:
    """Restrictions that the declared license does not carry on."""
    carried = rule(label) if label is not None else None
    if carried is None:
        return
    for term in terms:
        if term.rule.commercial == "forbidden" and carried.commercial != "forbidden":
            yield f"{term.who}: {term.license} forbids commercial use; the declared {label} would drop that"
        if term.rule.uses and term.rule.uses != carried.uses:
            yield f"{term.who}: {term.license} restricts uses; the declared {label} would drop that"


def _notices(terms: Sequence[_Term], uses: frozenset[str]) -> Iterator[str]:
    for term in terms:
        if term.rule.commercial == "conditional" and "commercial" in uses:
            yield f"{term.who}: {term.license} allows commercial use under a condition, see the obligations"
        if not term.binds and term.rule.commercial == "forbidden" and "commercial" in uses:
            yield f"notice: {term.who}: {term.license} forbids commercial use of the data itself"
        if not term.binds and term.rule.pin is not None:
            yield f"notice: {term.who}: {term.license} demands share-alike for what is derived from the data"
