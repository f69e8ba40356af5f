"""The only clock: everything below is told the time."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from govkit.errors import UsageError


def now() -> str:
    """UTC time in ISO 8601 with seconds, fixed by ``SOURCE_DATE_EPOCH`` where that is set."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.now(UTC) if epoch is None else _since_1970(epoch)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _since_1970(seconds: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"SOURCE_DATE_EPOCH: expected seconds since 1970, found {seconds!r}") from None


def parse(text: str) -> str:
    """A date or UTC time that a person wrote, in the one form that is stored.

    Raises:
        UsageError: It is neither a date nor a time.
    """
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is no date; expected for example 2026-11-24 or 2026-11-24T12:00:00Z") from None
    if moment.year < 1970:
        raise UsageError(f"{text!r} is before 1970; expected for example 2026-11-24")
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
