"""What changed between two bundles beside the numbers: rulings, gaps, exceptions, lineage, environment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from govkit.core import Attestation, Component, Fact, Finding, Gap, Measurement, Ruling, Run, Waiver
from govkit.core.policy import RANK
from govkit.core.words import Outcome
from govkit.report.comparing.model import FactChange, GapChange, Moved, RulingChange, Turn
from govkit.report.comparing.questions import Key, gaps_by_place
from govkit.report.read import Sources
from govkit.report.saying import JUDGED

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


def rulings(a: Sources, b: Sources) -> tuple[RulingChange, ...]:
    """Controls whose state or exception is another one, or that only one of the bundles has."""
    first = {each.control: each for each in a.verdict.rulings}
    second = {each.control: each for each in b.verdict.rulings}
    asked = [{each.id: each for each in side.policy.controls} for side in (a, b)]
    found = []
    for control in dict.fromkeys((*second, *first)):
        one, two = first.get(control), second.get(control)
        if one and two and (one.state, one.waived, one.disposition) == (two.state, two.waived, two.disposition):
            continue
        same = asked[0].get(control) == asked[1].get(control)
        shown = two or one
        if shown is not None:
            found.append(_ruling(one, two, shown, _turn(one, two, same=same)))
    return tuple(found)


def _ruling(a: Ruling | None, b: Ruling | None, shown: Ruling, turn: Turn) -> RulingChange:
    return RulingChange(
        control=shown.control, title=shown.title, turn=turn, a=a.state if a else None, b=b.state if b else None,
        waived_a=bool(a and a.waived), waived_b=bool(b and b.waived), severity=shown.severity,
    )  # fmt: skip


def _turn(a: Ruling | None, b: Ruling | None, *, same: bool) -> Turn:
    if a is None or b is None:
        return "new" if a is None else "gone"
    if not same:
        return "asked otherwise"
    if a.state in JUDGED and b.state not in JUDGED:
        return "no longer judged"
    before, after = _weight(a), _weight(b)
    return "other" if before == after else "harder" if after > before else "milder"


def _weight(ruling: Ruling) -> int:
    """How hard the consequence is; an exception leaves a warning."""
    return min(RANK[ruling.disposition], RANK["warn"]) if ruling.waived else RANK[ruling.disposition]


def gaps(a: tuple[Finding, ...], b: tuple[Finding, ...]) -> tuple[GapChange, ...]:
    """Gaps that came, went, or have another reason."""
    first, second = gaps_by_place(a), gaps_by_place(b)
    found = []
    for place in dict.fromkeys((*second, *first)):
        one, two = _gap_at(first, place), _gap_at(second, place)
        if one and two and one.reason == two.reason:
            continue
        if one is None or two is None:
            moved: Moved = "new" if one is None else _closed(one, b)
        else:
            moved = "other reason"
        found.append(GapChange(moved, one, two))
    return tuple(found)


def _gap_at(gaps: dict[Key, Gap], place: Key) -> Gap | None:
    """The gap of a place; one of the whole check stands for each of its measures."""
    check, _, *rest = place
    return gaps.get(place) or gaps.get((check, "*", *rest))


def _closed(gap: Gap, findings: Iterable[Finding]) -> Moved:
    """Closed where it is measured now; a gap may also be gone because nobody asks any more."""
    for each in findings:
        whose = (each.check, each.of, each.compared_with) == (gap.check, gap.of, gap.compared_with)
        if isinstance(each, Measurement) and whose and gap.name in ("*", each.name):
            return "closed"
    return "not asked"


def facts(a: Sources, b: Sources) -> tuple[FactChange, ...]:
    """Facts about people, origin and environment that differ."""
    return (
        *_differing("lineage", _origin(a.run), _origin(b.run)),
        *_signed(a, b),
        *_differing("environment", _environment(a), _environment(b)),
    )


def _differing(topic: Any, a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[FactChange]:
    for what in dict.fromkeys((*b, *a)):
        if a.get(what) != b.get(what):
            yield FactChange(topic, what, a.get(what), b.get(what))


def _origin(run: Run | None) -> dict[str, Any]:
    """The base and the data sets with their digests and licenses, by name."""
    if run is None:
        return {"record of the run": "none"}
    found = {"record of the run": "there is one", **_component("base", run.base)}
    times: dict[str, int] = {}
    for each in run.data:
        name = f"{each.role} {known(each.id)}"
        times[name] = times.get(name, 0) + 1
        found |= _component(name if times[name] == 1 else f"{name} ({times[name]})", each)
    return found


def _component(name: str, found: Component) -> dict[str, Any]:
    facts = {"id": found.id, "revision": found.revision, "digest": found.digest, "rows": found.rows}
    told = {f"{name}: {key}": known(fact) for key, fact in facts.items() if fact.seen != "not_applicable"}
    return told | {f"{name}: license": found.license.expression or found.license.state}


def known(fact: Fact) -> Any:
    """The value of a fact, or the word for how little is known."""
    return fact.seen if fact.value is None else fact.value


def _signed(a: Sources, b: Sources) -> Iterator[FactChange]:
    """Records that only one of the bundles has, and of those that both have key by key what differs."""
    first, second = _people(a), _people(b)
    for name in dict.fromkeys((*second, *first)):
        one, two = first.get(name), second.get(name)
        if one is None or two is None:
            yield FactChange("people", name, _in_line(one), _in_line(two))
        else:
            keys = ({f"{name}: {key}": value for key, value in each.items()} for each in (one, two))
            yield from _differing("people", *keys)


def _people(side: Sources) -> dict[str, dict[str, Any]]:
    """What each person signed; the model that it is for differs by its nature."""
    waivers = {f"waiver {each.id} of {each.control}": _plain(each, "id", "control") for each in side.waivers}
    stated = {f"attestation {each.kind} of {each.signer}": _plain(each, "kind", "signer") for each in side.attestations}
    return waivers | stated


def _plain(record: Waiver | Attestation, *named: str) -> dict[str, Any]:
    whole = record.model_dump(mode="json", exclude={"schema_", "model", *named})
    return {key: value for key, value in whole.items() if value not in (None, "", [], {})}


def _in_line(record: dict[str, Any] | None) -> str | None:
    if record is None:
        return None
    told = {key: value if isinstance(value, str) else json.dumps(value) for key, value in record.items()}
    return "; ".join(f"{key}: {value}" for key, value in told.items())


def _environment(side: Sources) -> dict[str, Any]:
    """Versions of what measured and judged, and where the run took place."""
    found: dict[str, Any] = {"seed of the audit": side.measured.get("seed")}
    for step, said in (("measured", side.measured), ("judged", side.judged)):
        tool = said.get("tool")
        found[f"{step} with"] = " ".join(map(str, tool.values())) if isinstance(tool, dict) else None
    for name, fact in sorted(side.run.environment.items()) if side.run else ():
        found |= _flat(name, fact.value if fact.value is not None else fact.seen)
    return found


def _flat(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {name: value}
    return {f"{name}: {key}": each for key, each in sorted(value.items())}
