"""Which findings speak to a control: one entry a part, and an entry for every part that should be there and is not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from govkit.core import Control, Finding, Gap, Measurement, Policy, State
from govkit.core.words import LABEL, PART_KEYS
from govkit.errors import PolicyError
from govkit.policy.sentences import clipped, part_name

MOST_PARTS = 100_000
"""Parts by labels in the findings of one check: no audit has so many, and each of them would be an entry."""

SCOPE = "scope"
"""The check that states the facts of a case."""

_STATE: dict[str, State] = {
    "crashed": "error",
    "unsupported": "unsupported",
    "no data": "missing",
    "no extra": "missing",
    "not run": "missing",
    "too few rows": "inconclusive",
}

Part = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Selector:
    """One slice of a control. ``columns`` is None for the reserved slice ``groups``."""

    name: str
    columns: frozenset[str] | None
    min_n: int = 0
    report_small: bool = False

    def takes(self, part: Mapping[str, str]) -> bool:
        """True for a part of this slice, of whatever label; ``*`` as a value stands for all groups of a column."""
        columns = set(part) - {LABEL}
        if self.columns is not None:
            return columns == self.columns
        return len(columns) == 1 and not PART_KEYS & columns and "*" not in part.values()


@dataclass(frozen=True)
class Entry:
    """One part of one control: a measurement to judge, or a state that is settled without one.

    Attributes:
        part: The rows.
        index: Place of the finding it rests on, -1 for none.
        measurement: What is to be judged, or None.
        state: The state where it is settled already; None where the measurement decides.
        reason: A sentence for a settled state.
    """

    part: Part
    index: int
    measurement: Measurement | None = None
    state: State | None = None
    reason: str = ""


@dataclass(frozen=True)
class Matched:
    """Entries of a control, and the parts that its slice leaves out for their size."""

    entries: tuple[Entry, ...]
    left_out: tuple[str, ...]


def by_check(findings: Iterable[Finding]) -> dict[str, list[tuple[int, Finding]]]:
    """Check -> its findings with their places."""
    result: dict[str, list[tuple[int, Finding]]] = {}
    for index, finding in enumerate(findings):
        result.setdefault(finding.check, []).append((index, finding))
    return result


def match(control: Control, policy: Policy, findings: Mapping[str, Sequence[tuple[int, Finding]]]) -> Matched:
    """All entries of a control with a check, in an order that does not depend on the order of the findings."""
    selectors = _selectors(control, policy)
    pool = findings.get(control.check or "", ())
    gaps = list(_gaps(control, selectors, pool))
    sizes = _sizes(findings.get(SCOPE, ()), control)
    measured = _measured(control, selectors, pool)
    blurred = _blurred(control, selectors, pool)
    measured = {part: entry for part, entry in measured.items() if part not in blurred}
    have = {*measured, *(gap.part for gap in gaps)}
    absent = {entry.part: entry for entry in _absent(control, selectors, _known(control, pool) | set(sizes), have)}
    entries: list[Entry] = []
    left_out: list[str] = []
    for entry in (*measured.values(), *blurred.values(), *gaps, *absent.values()):
        n = entry.measurement.n if entry.measurement is not None else sizes.get(entry.part)
        seen = [_seen(entry, n, each) for each in selectors if each.takes(dict(entry.part))] or [entry]
        # A part in two slices is judged as each of them says, so that no second slice can take it out of the first.
        entries += [each for place, each in enumerate(seen) if each is not None and each not in seen[:place]]
        if not any(seen):
            least = min(each.min_n for each in selectors if each.takes(dict(entry.part)))
            left_out.append(f"{part_name(dict(entry.part))} ({n} of {least} rows)")
    entries += _uncovered(control, selectors, entries)
    return Matched(tuple(sorted(entries, key=_order)), tuple(sorted(left_out)))


def _order(entry: Entry) -> tuple[Part, str, str]:
    return entry.part, entry.state or "", entry.reason


def _selectors(control: Control, policy: Policy) -> tuple[Selector, ...]:
    if not control.over:
        return (Selector("all rows", frozenset()),)
    chosen = []
    for name in control.over:
        if name == "groups":
            chosen.append(Selector(name, None))
            continue
        rows = policy.slices[name]
        chosen.append(Selector(name, frozenset(rows.columns), rows.min_n, rows.below_min == "report"))
    return tuple(chosen)


def _key(part: Mapping[str, str]) -> Part:
    return tuple(sorted(part.items()))


def _same_rows(finding: Finding, control: Control) -> bool:
    return (finding.data.role if finding.data is not None else "test") == control.data


def _measured(
    control: Control, selectors: Sequence[Selector], pool: Sequence[tuple[int, Finding]]
) -> dict[Part, Entry]:
    """Part -> its measurement. Two measurements of one thing contradict each other, whatever they say."""
    found: dict[Part, Entry] = {}
    for index, finding in pool:
        if not isinstance(finding, Measurement) or not _answers(finding, control):
            continue
        if not any(selector.takes(finding.part) for selector in selectors):
            continue
        key = _key(finding.part)
        if key in found:
            first = min(index, found[key].index)
            found[key] = Entry(key, first, state="error", reason="more than one measurement of the same thing")
        else:
            found[key] = Entry(key, index, measurement=finding)
    return found


def _blurred(control: Control, selectors: Sequence[Selector], pool: Sequence[tuple[int, Finding]]) -> dict[Part, Entry]:
    """Part with ``*`` -> an error, where the same metric also speaks of single groups.

    One metric is either about groups or about all of them together. With both, ``*`` could be the name of a group, and
    to judge only the others would drop it in silence.
    """
    named = {frozenset(finding.part): finding.part for _, finding in pool if _names_a_group(finding, control)}
    speaking = [each for each in selectors if any(each.takes(part) for part in named.values())]
    found: dict[Part, Entry] = {}
    for index, finding in pool:
        part = finding.part
        if not isinstance(finding, Measurement) or not _answers(finding, control) or "*" not in part.values():
            continue
        if any(each.takes(dict.fromkeys(part, "")) for each in speaking):
            what = f"{control.metric} of {part_name(part)} stands beside {control.metric} of single groups"
            reason = f"{what}: * means all groups together, and no group may have that name"
            first = min(index, found[_key(part)].index) if _key(part) in found else index
            found[_key(part)] = Entry(_key(part), first, state="error", reason=reason)
    return found


def _names_a_group(finding: Finding, control: Control) -> bool:
    if not finding.part or "*" in finding.part.values():
        return False
    if isinstance(finding, Measurement):
        return _answers(finding, control)
    return finding.name == control.metric and _concerns(finding, control)


def _answers(finding: Measurement, control: Control) -> bool:
    return (
        finding.name == control.metric
        and finding.of == control.of
        and finding.compared_with == control.compared_with
        and finding.params == control.params
        and _same_rows(finding, control)
    )


def _gaps(control: Control, selectors: Sequence[Selector], pool: Sequence[tuple[int, Finding]]) -> Iterator[Entry]:
    for index, finding in pool:
        if isinstance(finding, Gap) and _concerns(finding, control):
            if finding.part and not any(
                selector.takes(finding.part) or _all_of(finding, selector) for selector in selectors
            ):
                continue
            what = clipped(finding.detail.strip()) or finding.reason
            yield Entry(_key(finding.part), index, state=_STATE[finding.reason], reason=f"{finding.reason}: {what}")


def _all_of(gap: Gap, selector: Selector) -> bool:
    """True for a gap over all groups of a column, which leaves the slice ``groups`` without them."""
    columns = set(gap.part) - {LABEL}
    return selector.columns is None and len(columns) == 1 and not PART_KEYS & columns


def _concerns(gap: Gap, control: Control) -> bool:
    """A gap concerns a control if what it lacks is any part of what the control needs."""
    if gap.name not in ("*", control.metric) or (gap.params and gap.params != control.params):
        return False
    if gap.data is not None and gap.data.role != control.data:
        return False
    if gap.compared_with is not None:
        return (gap.of, gap.compared_with) == (control.of, control.compared_with)
    return gap.of in (control.of, control.compared_with)


def _sizes(scope: Sequence[tuple[int, Finding]], control: Control) -> dict[Part, int]:
    """Part -> its rows, where the scope of the case says so."""
    return {
        _key(finding.part): finding.n
        for _, finding in scope
        if isinstance(finding, Measurement) and finding.name == "rows" and finding.part and _same_rows(finding, control)
    }


def _known(control: Control, pool: Sequence[tuple[int, Finding]]) -> set[Part]:
    """Parts of the same rows that the check speaks of in any of its findings."""
    return {
        _key(finding.part)
        for _, finding in pool
        if finding.part and finding.params == control.params and _same_rows(finding, control)
    }


def _absent(
    control: Control, selectors: Sequence[Selector], known: Collection[Part], have: set[Part]
) -> Iterator[Entry]:
    """Parts that the same check, or the scope, knows of, and for which this metric has no finding."""
    for selector in selectors:
        if any("*" in dict(part).values() and selector.takes(dict(part)) for part in have):
            continue
        for part in sorted(_of_each_label(set(known), have) - have):
            if selector.takes(dict(part)) and "*" not in dict(part).values():
                yield Entry(part, -1, state="missing", reason=f"{control.metric} was not measured")


def _of_each_label(known: Collection[Part], have: Collection[Part]) -> set[Part]:
    """The parts that are known; where a part is spoken of label by label, those of every label in its place."""
    labels = {item for part in (*known, *have) for item in part if item[0] == LABEL}
    spoken = {tuple(item for item in part if item not in labels) for part in (*known, *have) if labels & set(part)}
    single = {part for part in known if part not in spoken}
    if len(labels) * len(spoken) > MOST_PARTS:
        raise PolicyError(f"findings of {len(spoken)} parts by {len(labels)} labels; expected at most {MOST_PARTS:,}")
    return single | {_key(dict((*part, label))) for part in spoken & set(known) for label in labels}


def _seen(entry: Entry, n: int | None, selector: Selector) -> Entry | None:
    """The entry as a slice of its part sees it: whole, too small for more than inconclusive, or None: left out."""
    if n is None or n >= selector.min_n:
        return entry
    if selector.report_small and entry.state in (None, "inconclusive", "missing"):
        return None
    if entry.state is not None and entry.state != "inconclusive":
        return entry
    reason = f"only {n} rows; the slice {selector.name} asks for {selector.min_n}"
    return Entry(entry.part, entry.index, state="inconclusive", reason=reason)


def _uncovered(control: Control, selectors: Sequence[Selector], entries: Sequence[Entry]) -> Iterator[Entry]:
    """A missing entry for every slice on which nothing was found at all."""
    whole_gap = any(entry.state is not None and not entry.part and entry.measurement is None for entry in entries)
    for selector in selectors:
        if whole_gap or any(selector.takes(dict(entry.part)) for entry in entries):
            continue
        beside = f" minus {control.compared_with}" if control.compared_with else ""
        what = f"no measurement of {control.metric} by the check {control.check} of the {control.of}{beside}"
        yield Entry((), -1, state="missing", reason=f"{what} on {selector.name}, {control.data} data")
