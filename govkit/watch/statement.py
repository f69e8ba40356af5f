"""What a watch saw in one month, signed: evidence that a card can cite."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from govkit import evidence
from govkit.core import times
from govkit.errors import UsageError
from govkit.pipeline.bundle import tool
from govkit.pipeline.folder import write_new
from govkit.watch.looking import Watch, alarm_event, assumed, moment, opened
from govkit.watch.memory import Counted


def sign_month(
    path: Path | str, month: str, *, key: evidence.SigningKey, out: Path | str, as_of: str | None = None
) -> Path:
    """Write the signed statement of one month that is over.

    Args:
        path: The watch file.
        month: For example ``2026-11``.
        key: Who signs.
        out: File to write; it must not exist.
        as_of: UTC time to take as now.

    Raises:
        UsageError: The month is none, is not over, or is before the watch began; or see ``looking.opened``.
    """
    now, target = moment(as_of), Path(out)
    first, last = _month(month)
    if now[:10] <= last.isoformat():
        raise UsageError(f"{month} is not over on {now[:10]}; sign it from the first day of the next month on")
    if target.exists() or target.is_symlink():
        raise UsageError(f"{target}: already exists; name a new file with --out")
    with opened(Path(path), now=now) as kept:
        facts = kept.memory.facts()
        if facts["began"][:7] > month:
            raise UsageError(f"the watch began on {facts['began'][:10]}, after {month}")
        predicate = {
            "schema": "govkit.watch/v1",
            "name": kept.form.name,
            **{key: facts[key] for key in ("model", "watch", "policy", "reference", "began")},
            "false_alarms": kept.form.false_alarms,
            "assumed": assumed(kept),
            "month": month,
            **_seen(kept, first, last),
            "as_of": now,
            "tool": tool(),
        }
    write_new(target, evidence.sign(evidence.type_of("watch"), predicate, [(kept.form.name, facts["model"])], key))
    return target


def _month(text: str) -> tuple[date, date]:
    try:
        first = times.day(f"{text}-01")
    except ValueError:
        raise UsageError(f"{text!r} is no month; expected for example 2026-11") from None
    return first, first.replace(day=monthrange(first.year, first.month)[1])


def _seen(kept: Watch, first: date, last: date) -> dict[str, Any]:
    """Looks, streams, alarms and silence of a month."""
    within = (first.isoformat(), last.isoformat())
    looks = [look for look in kept.memory.looks() if within[0] <= look.seen[:10] <= within[1]]
    alarms = [
        {**alarm_event(kept, alarm), "closed": alarm.closed, "reason": alarm.reason}
        for alarm in kept.memory.alarms()
        if alarm.seen[:10] <= within[1] and (alarm.closed is None or alarm.closed[:10] >= within[0])
    ]
    # Why a file could not be read may name folders of this machine, or hold a cell; that stays here.
    refused = [
        {"name": each.name, "seen": each.seen, "closed": each.closed, "reason": each.reason}
        for each in kept.memory.refused()
        if each.seen[:10] <= within[1] and (each.closed is None or each.closed[:10] >= within[0])
    ]
    return {
        "looks": [
            {"name": look.name, "digest": look.digest, "rows": look.rows, "labeled": look.labeled, "seen": look.seen}
            for look in looks
        ],
        "days_without_look": _silent(looks, max(first, times.day(kept.memory.facts()["began"][:10])), last),
        "streams": [_stream(kept, name, looks) for name in kept.streams],
        "alarms": alarms,
        "refused": refused,
    }


def _silent(looks: Sequence[Counted], first: date, last: date) -> int:
    seen = {look.seen[:10] for look in looks}
    days = ((first + timedelta(days=day)).isoformat() for day in range((last - first).days + 1))
    return sum(day not in seen for day in days)


def _stream(kept: Watch, name: str, looks: Sequence[Counted]) -> Mapping[str, Any]:
    """How near a stream came to its alarm; ``nearest`` is the logarithm of its evidence less that of an alarm."""
    stream = kept.streams[name]
    nearest = max((look.evidence[name] for look in looks), default=None)
    return {"name": name, "trigger": stream.trigger.id, "limit": stream.trigger.limit, "nearest": nearest}
