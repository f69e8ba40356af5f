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

from govkit.core import Component, Recorded
from govkit.core.audit import DataStance
from govkit.licenses.expressions import MOST_CHOICES, alternatives, normalize
from govkit.licenses.rules import Duty, Pin, Rule, rule

TRAINING = frozenset({"train", "unknown"})
"""Roles of data that went into the weights; of unknown ones nobody said that they did not."""
_UNCHECKED = "its rule was not yet compared with the text"
_ORDER = {"allow": 0, "unknown": 1, "deny": 2}


class Obligation(Recorded):
    """A duty, and the component whose license asks for it."""

    who: str
    license: str
    duty: Duty

    def __str__(self) -> str:
        return f"{self.who}, {self.license}: {self.duty.do} ({self.duty.section})"


class Composition(Recorded):
    """The answer.

    Attributes:
        verdict: ``allow``, ``deny``, or ``unknown`` where a license is not resolved, not in the rule table, or its rule
            was never compared with the text.
        reasons: Sentences that name component, license and rule.
        owed: What has to be done.
    """

    verdict: Literal["allow", "deny", "unknown"]
    reasons: tuple[str, ...] = ()
    owed: tuple[Obligation, ...] = ()

    @property
    def obligations(self) -> tuple[str, ...]:
        """What has to be done, each with component, license and section."""
        return tuple(dict.fromkeys(map(str, self.owed)))


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
    best = min(answers, key=lambda answer: _ORDER[answer.verdict], default=Composition(verdict="unknown"))
    reasons = (*open_, *best.reasons, *_left_out(components, data_stance))
    verdict = "unknown" if open_ and best.verdict == "allow" else best.verdict
    return best.model_copy(update={"verdict": verdict, "reasons": reasons})


def _flows(part: Component, stance: DataStance) -> bool:
    return part.role == "base" or (part.role in TRAINING and stance != "ignore")


def _who(part: Component) -> str:
    return f"{part.role} {part.id.value}" if part.id.value is not None else part.role


def _unresolved(part: Component) -> str:
    return f"{_who(part)}: the license is not resolved ({part.license.state}): {part.license.reason}"


def _unreadable(part: Component) -> str:
    return f"{_who(part)}: {part.license.expression!r} cannot be read as a license expression"


def _left_out(components: Sequence[Component], stance: DataStance) -> Iterator[str]:
    for part in components:
        if part.role in TRAINING and stance == "ignore":
            yield f"{_who(part)}: left out, the stance on training data is to ignore its license"


def _label(declared: str | None) -> tuple[str | None, list[str]]:
    if declared is None:
        return None, []
    label = normalize(declared)
    found = rule(label) if label is not None else None
    if found is None:
        return None, [f"the declared license {declared!r} is not one license of the rule table"]
    return label, [] if found.checked_on else [f"the declared license {declared}: {_UNCHECKED}"]


def _choice(
    chosen: list[tuple[Component, tuple[str, ...]]],
    *,
    uses: frozenset[str],
    label: str | None,
    stance: DataStance,
) -> Composition:
    terms, open_ = [], []
    for part, name in [(part, name) for part, licenses in chosen for name in licenses]:
        found = rule(name)
        if found is None:
            open_.append(f"{_who(part)}: {name} is not in the rule table")
        else:
            # Terms that call a model trained on outputs a derivative leave nothing to a stance.
            binds = part.role == "base" or stance == "strict" or found.outputs == "derivative"
            terms.append(_Term(_who(part), name, found, binds))
            open_ += _unsure(part, name, found, bases={each for p, all_ in chosen if p.role == "base" for each in all_})
    binding = [term for term in terms if term.binds]
    denied = [*_forbidden(binding, uses), *_pins(binding, uses, label), *_dropped(binding, label)]
    undecided = [*open_, *_undeclared(binding, uses, label)]
    verdict: Literal["allow", "deny", "unknown"] = "deny" if denied else "unknown" if undecided else "allow"
    reasons = (*denied, *undecided, *_notices(terms, uses))
    owed = [Obligation(who=t.who, license=t.license, duty=duty) for t in terms for duty in t.rule.duties]
    owed += [_restrictions(t) for t in terms if t.rule.uses]
    return Composition(verdict=verdict, reasons=reasons, owed=tuple(dict.fromkeys(owed)))


def _restrictions(term: _Term) -> Obligation:
    by = "the restrictions as a part of the terms under which the model is shared or hosted"
    duty = Duty(do="pass on the use restrictions", section=term.rule.uses, by=by)
    return Obligation(who=term.who, license=term.license, duty=duty)


def _unsure(part: Component, name: str, found: Rule, *, bases: set[str]) -> Iterator[str]:
    if found.checked_on is None:
        yield f"{_who(part)}: {name}: {_UNCHECKED}"
    if part.role != "base" and found.outputs == "conditional" and name not in bases:
        yield f"{_who(part)}: {name} lets its outputs train some models and not others: a person has to decide"


def _forbidden(terms: Sequence[_Term], uses: frozenset[str]) -> Iterator[str]:
    for term in terms:
        if term.rule.commercial == "forbidden" and "commercial" in uses:
            yield f"{term.who}: {term.license} forbids commercial use, which is intended"
        if term.rule.hosted == "forbidden" and "hosted" in uses:
            yield f"{term.who}: {term.license} forbids offering it as a service, which is intended"
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
        yield f"{named} each must be kept by a derivative, and no license of the rule table satisfies them all"
    for term in pinned:
        for other in terms:
            if term.rule.pin is not None and other.license in term.rule.pin.refuses:
                yield f"{term.who}: {term.license} lets nobody ask for more; {other.license} ({other.who}) does"
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
