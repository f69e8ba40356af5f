"""One round of a watch: whatever has arrived since the last one is counted, and told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from govkit import data, documents, evidence, manifest
from govkit.core import Policy, Trigger, times
from govkit.core.case import Array
from govkit.errors import AuditError, DataError, UsageError
from govkit.pipeline import clock
from govkit.pipeline.policy import beside, policy_reference, resolve_policy
from govkit.stats import Look, MeanStream, StreamState
from govkit.stats.days import FEWEST_DAYS, Days
from govkit.watch import telling
from govkit.watch.arrivals import Arrival, arrivals, days_of, middle_day
from govkit.watch.form import WatchFile
from govkit.watch.memory import Alarm, Counted, Memory
from govkit.watch.reference import FEWEST_ROWS, Column, column_of
from govkit.watch.streams import DaysLearned, Right, Stream, day_effects, look_at, right_of, streams_of

Event = dict[str, Any]
FACTS = ("began", "reference", "columns", "right", "days", "day_effects")
"""What a memory holds beside that by which the watch is known."""


@dataclass(frozen=True)
class Watch:
    """A watch that is going on.

    Attributes:
        form: Its file.
        root: The folder of that file.
        policy: The policy whose triggers are watched.
        memory: What it remembers.
        columns: Watched columns of the reference.
        streams: Its tests, by name.
    """

    form: WatchFile
    root: Path
    policy: Policy
    memory: Memory
    columns: Mapping[str, Column]
    streams: Mapping[str, Stream]


@contextmanager
def opened(path: Path, *, now: str) -> Iterator[Watch]:
    """A watch by its file; the first time, the reference is read and remembered.

    Raises:
        UsageError: The file, the policy, the reference or the memory cannot be used, or the file, the policy or the
            model is not what it was when the watch began.
    """
    form = documents.read_model(path, WatchFile, error=AuditError)
    root = path.parent
    policy = resolve_policy(beside(form.policy, root))
    if not policy.triggers:
        raise AuditError(f"{path}: policy {policy.id} has no triggers, so nothing would be watched; add some to it")
    settled = {
        "watch": _digest(form),
        "policy": policy_reference(policy),
        "model": manifest.artifact_digest(root / form.model),
    }
    memory = Memory(root / form.state)
    try:
        with memory.at_once():
            if not memory.facts():
                memory.settle({**settled, "began": now, **_reference(form, root, policy)})
        facts = memory.facts()
        if absent := sorted({*FACTS, *settled} - set(facts)):
            raise UsageError(f"{root / form.state}: is damaged, {absent[0]!r} is missing; begin another watch")
        for name, value in settled.items():
            if facts[name] != value:
                raise UsageError(
                    f"{path}: the {name} is not the one that this watch began with; begin another: name a new state"
                )
        columns = {name: Column.model_validate(column) for name, column in facts["columns"].items()}
        yield Watch(form, root, policy, memory, columns, _streams(form, policy, columns, facts))
    finally:
        memory.close()


def _digest(form: WatchFile) -> str:
    """Digest of what decides; where alarms are sent and where looks are kept may change."""
    plain = form.model_dump(
        mode="json",
        by_alias=True,
        exclude={"webhook": True, "state": True, "looks": {"path"}, "every_days": True, "labels_days": True},
    )
    return evidence.digest(plain)


def _reference(form: WatchFile, root: Path, policy: Policy) -> dict[str, Any]:
    """What is remembered of the reference, as plain data."""
    table = data.read_table(root / form.reference.path)
    if len(table) < FEWEST_ROWS:
        raise DataError(f"{form.reference.path}: has {len(table)} rows; expected at least {FEWEST_ROWS}")
    columns = {name: column_of(table, name) for name in form.columns.watch}
    right = None if form.columns.label is None else right_of(table, form.columns)
    if right is not None and right.rows < FEWEST_ROWS:
        raise DataError(f"{form.reference.path}: {right.rows} rows have a label; expected at least {FEWEST_ROWS}")
    facts: dict[str, Any] = {
        "reference": data.content_digest(table)[0],
        "columns": {name: column.model_dump(mode="json") for name, column in columns.items()},
        "right": None if right is None else asdict(right),
        "days": 1,
        "day_effects": {},
    }
    if right is not None and all(trigger.watch != "accuracy" for trigger in policy.triggers):
        raise DataError(f"columns.label is named, but the policy {policy.id} has no trigger that watches accuracy")
    streams = _streams(form, policy, columns, facts)
    if not streams:
        raise DataError(f"{form.reference.path}: no trigger of the policy {policy.id} fits a column that is watched")
    days = [] if form.columns.time is None else list(days_of(table, form.columns.time))
    if len(days) >= FEWEST_DAYS:
        looks = [(day, look_at(rows, policy.triggers, columns, form.columns)) for day, rows in days]
        learned = day_effects(streams, looks)
        facts |= {"days": len(days), "day_effects": {name: asdict(each) for name, each in learned.items()}}
    return facts


def _streams(
    form: WatchFile, policy: Policy, columns: Mapping[str, Column], facts: Mapping[str, Any]
) -> dict[str, Stream]:
    right = None if facts["right"] is None else Right(**facts["right"])
    found = streams_of(policy.triggers, columns, right, alpha=form.false_alarms, looks=form.looks_a_year)
    learned = {name: _learned(effect) for name, effect in facts["day_effects"].items()}
    return {name: stream.among_days(learned.get(name, DaysLearned()), facts["days"]) for name, stream in found.items()}


def _learned(effect: Any) -> DaysLearned:
    """As remembered. A watch that an older version began knows the spread of days alone, and goes on with it."""
    return DaysLearned(**effect) if isinstance(effect, dict) else DaysLearned((Days(effect),))


def assumed(kept: Watch) -> dict[str, Any]:
    """What the chance of a false alarm rests on.

    Returns:
        ``days`` of the reference that tell how days differ, None for too few; the highest ``correlation`` from one look
        to the next that is allowed for; ``season``, whether the wave of a year is known.
    """
    days = kept.memory.facts()["days"]
    most = max((test.correlation for stream in kept.streams.values() for test in stream.tests), default=0.0)
    known = bool(kept.streams) and all(stream.season is not None for stream in kept.streams.values())
    told = days >= FEWEST_DAYS
    return {"days": days if told else None, "correlation": most if told else None, "season": known}


def look_once(
    path: Path | str, *, as_of: str | None = None, tell: Callable[[Event], None] = lambda _event: None
) -> int:
    """Count every look that has arrived, and tell of what was found.

    Args:
        path: The watch file.
        as_of: UTC time to take as now.
        tell: Told of each event: a ``look`` that was counted, an ``alarm``, an alarm ``not sent``, a look ``refused``,
            looks ``overdue``, rows ``unlabeled`` for long; last of the ``state``, which names what stands.

    Returns:
        1 while an alarm stands that calls for retraining or withdrawal; 3 while a person has to look: at another alarm,
        at looks that were not counted, or because none arrive, or none with a label; 0 otherwise.

    Raises:
        UsageError: See ``opened``.
    """
    now = moment(as_of)
    with opened(Path(path), now=now) as kept:
        counted = {look.name: look.stamp for look in kept.memory.looks()}
        if not counted:
            tell({"event": "assumed", **assumed(kept)})
        for arrival in arrivals(kept.form, kept.root, today=times.instant(now).date()):
            if not arrival.stamp or counted.get(arrival.name) != arrival.stamp:
                _look(kept, arrival, now=now, tell=tell)
        _tell(kept, tell)
        return _standing(kept, now=now, tell=tell)


def acknowledge_alarms(path: Path | str, reason: str, *, as_of: str | None = None) -> int:
    """Close what stands, with what a person says about it; the streams of their triggers begin anew.

    Returns:
        Alarms that were closed.

    Raises:
        UsageError: See ``opened``; or nobody says anything.
    """
    if not reason.strip():
        raise UsageError("an alarm is closed with a name and a reason; found nothing")
    now = moment(as_of)
    with opened(Path(path), now=now) as kept, kept.memory.at_once():
        closed = kept.memory.close_alarms(when=now, reason=reason)
        triggers = {alarm.trigger for alarm in closed}
        streams = [(name, stream) for name, stream in kept.streams.items() if stream.trigger.id in triggers]
        kept.memory.remember({name: _plain(stream.start()) for name, stream in streams})
        return len(closed)


def moment(as_of: str | None) -> str:
    """What is taken as now."""
    return clock.deciding_time(None if as_of is None else clock.parse(as_of))


def _look(kept: Watch, arrival: Arrival, *, now: str, tell: Callable[[Event], None]) -> None:
    """Count one look, whole or not at all."""
    try:
        table = arrival.read()
        digest = data.content_digest(table)[0]
        before = kept.memory.seen(arrival.name, digest)
        looks = {} if before else look_at(table, kept.policy.triggers, kept.columns, kept.form.columns)
        day = None if before else _day_of(kept, table)
    except DataError as error:
        _refuse(kept, arrival.name, str(error), now=now, tell=tell)
        return
    with kept.memory.at_once():
        # Another process may have counted it in the meantime.
        before = kept.memory.seen(arrival.name, digest)
        if before is None:
            states = _advanced(kept, looks, day)
            margins = {name: _margin(each) for name, each in states.items()}
            seen = Counted(arrival.name, digest, len(table), now, margins, arrival.stamp, _labeled(kept, looks))
            kept.memory.count(seen, {name: _plain(each) for name, each in states.items()})
            for trigger, says in _alarms(kept, margins, looks):
                kept.memory.raise_alarm(trigger.id, seen.name, now, says)
        elif before.name == arrival.name and before.digest == digest and before.stamp != arrival.stamp:
            kept.memory.touched(arrival.name, arrival.stamp)
    if before is None:
        beyond = [name for name, state in margins.items() if state >= 0]
        tell({"event": "look", "name": seen.name, "rows": seen.rows, "beyond": beyond})
    elif before.name != arrival.name:
        _refuse(kept, arrival.name, f"holds the rows of {before.name}, which were counted", now=now, tell=tell)
    elif before.digest != digest:
        why = f"holds other rows than when it was counted, now {digest[:19]}"
        _refuse(kept, arrival.name, why, now=now, tell=tell)


def _day_of(kept: Watch, table: Array) -> int | None:
    """The day of a look, where a season was learned."""
    time = kept.form.columns.time
    seasonal = any(stream.season is not None for stream in kept.streams.values())
    return middle_day(table, time) if seasonal and time is not None else None


def _advanced(kept: Watch, looks: Mapping[str, Look], day: int | None) -> dict[str, list[StreamState]]:
    stored = kept.memory.streams()
    states = {}
    for name, stream in kept.streams.items():
        before = _states(stored[name]) if name in stored else stream.start()
        states[name] = stream.update(before, looks[name], day)
    return states


def _plain(states: Sequence[StreamState]) -> list[dict[str, Any]]:
    return [asdict(state) for state in states]


def _states(stored: Any) -> list[StreamState]:
    """As remembered; an older version kept the one state of a stream alone."""
    return [StreamState(**each) for each in (stored if isinstance(stored, list) else [stored])]


def _margin(states: Sequence[StreamState]) -> float:
    """Logarithm of the evidence less that of an alarm, by the test that is farthest from one."""
    return min(state.log_evidence - state.log_alarm for state in states)


def _alarms(
    kept: Watch, margins: Mapping[str, float], looks: Mapping[str, Look]
) -> Iterator[tuple[Trigger, dict[str, Any]]]:
    """Each trigger with a stream beyond its limit, of a column that no standing alarm of it names; surest first."""
    standing = [alarm for alarm in kept.memory.alarms() if alarm.closed is None]
    for trigger in kept.policy.triggers:
        told = {each["column"] for alarm in standing if alarm.trigger == trigger.id for each in alarm.says["streams"]}
        own = ((name, each) for name, each in kept.streams.items() if each.trigger == trigger)
        beyond = [name for name, stream in own if margins[name] >= 0 and stream.column not in told]
        if mine := sorted(beyond, key=lambda name: -margins[name]):
            said = trigger.model_dump(mode="json", include={"title", "then", "advice", "limit"})
            yield trigger, {**said, "streams": [_found(kept.streams[name], looks[name]) for name in mine]}


def _found(stream: Stream, look: Look) -> dict[str, Any]:
    kind = "shift" if isinstance(stream.test, MeanStream) else "share"
    found = stream.value(look) if look.rows else stream.usual
    about = {"what": stream.what, "column": stream.column, "kind": kind}
    return {**about, "found": found, "usual": stream.usual, "rows": look.rows}


def _labeled(kept: Watch, looks: Mapping[str, Look]) -> int:
    """Rows whose label was there."""
    return max((looks[name].rows for name, stream in kept.streams.items() if not stream.column), default=0)


def _refuse(kept: Watch, name: str, why: str, *, now: str, tell: Callable[[Event], None]) -> None:
    known = any(each.name == name and each.why == why for each in kept.memory.refused())
    with kept.memory.at_once():
        kept.memory.refuse(name, why=why, seen=now)
    if not known:
        tell({"event": "refused", "name": name, "why": why})


def alarm_event(kept: Watch, alarm: Alarm) -> Event:
    """An alarm as it is told."""
    event = {"event": "alarm", "id": alarm.id, "model": kept.form.name, "look": alarm.look, "seen": alarm.seen}
    return {**event, "trigger": alarm.trigger, **alarm.says}


def _tell(kept: Watch, tell: Callable[[Event], None]) -> None:
    """Tell of every alarm that nobody was told of; one that the address did not take is sent again next time."""
    for alarm in kept.memory.alarms(untold=True):
        event = alarm_event(kept, alarm)
        tell(event)
        fault = "" if kept.form.webhook is None else telling.post(kept.form.webhook, event)
        if fault:
            tell({"event": "not sent", "id": alarm.id, "why": fault})
        else:
            with kept.memory.at_once():
                kept.memory.told([alarm])


def _standing(kept: Watch, *, now: str, tell: Callable[[Event], None]) -> int:
    """Exit code for what stands."""
    open_alarms = [alarm for alarm in kept.memory.alarms() if alarm.closed is None]
    refused = [each for each in kept.memory.refused() if each.closed is None]
    late = list(_late(kept, now))
    for event in late:
        tell(event)
    standing = [alarm.id for alarm in open_alarms]
    counted = len(kept.memory.looks())
    tell({"event": "state", "looks": counted, "alarms": standing, "refused": [each.name for each in refused]})
    if any(alarm.says["then"] != "review" for alarm in open_alarms):
        return 1
    return 3 if open_alarms or refused or late else 0


def _late(kept: Watch, now: str) -> Iterator[Event]:
    """What has not arrived for too long: looks, and labels where accuracy is watched."""
    looks, began = kept.memory.looks(), kept.memory.facts()["began"]
    awaited = [("overdue", looks, 2 * kept.form.every_days)]
    if any(not stream.column for stream in kept.streams.values()):
        awaited.append(("unlabeled", [look for look in looks if look.labeled], kept.form.labels_days))
    for event, held, days in awaited:
        last = max((look.seen for look in held), default=began)
        waited = times.instant(now) - times.instant(last)
        if waited > timedelta(days=days):
            yield {"event": event, "last": last, "days": waited.days}
