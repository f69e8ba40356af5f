"""UTC times as text, in the one form that is signed: ``2026-11-24T12:00:00Z``. Nothing here asks a clock."""

from __future__ import annotations

from datetime import UTC, datetime

from govkit.errors import UsageError


def read(text: str) -> datetime:
    """The time that a text names.

    Raises:
        UsageError: It is not ISO 8601 with a zone.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"as_of: expected a time like 2026-11-24T12:00:00Z, found {ascii(text)[:60]}") from None
    if found.tzinfo is None:
        raise UsageError(f"as_of: expected a time with a zone, like 2026-11-24T12:00:00Z, found {text!r}")
    return found.astimezone(UTC)


def write(time: datetime) -> str:
    """The text of a time, to the second."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
