"""UTC times as text, in the one form that is signed: ``2026-11-24T12:00:00Z``. Nothing here asks a clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from govkit.errors import EvidenceError, UsageError

CLOCK_SKEW = timedelta(minutes=5)
"""By how much the clock of a signer may be ahead of that of a verifier."""


def read(text: str) -> datetime:
    """The time that a text names.

    Raises:
        UsageError: It is not ISO 8601 with a zone.
    """
    try:
        found = datetime.fromisoformat(text)
        utc = found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(f"as_of: expected a time like 2026-11-24T12:00:00Z, found {ascii(text)[:60]}") from None
    if found.tzinfo is None:
        raise UsageError(f"as_of: expected a time with a zone, like 2026-11-24T12:00:00Z, found {text!r}")
    return utc


def write(time: datetime) -> str:
    """The text of a time, to the second."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def refuse_future(text: str, *, as_of: str, file: str) -> None:
    """Refuse what is dated later than now.

    Args:
        text: When a signed file says that it was made.
        as_of: UTC time to take as now.
        file: Name of the file, for the message.

    Raises:
        EvidenceError: ``FUTURE``; ``BAD_STATEMENT`` where the text is no time.
        UsageError: ``as_of`` is no time.
    """
    now = read(as_of)
    try:
        time = read(text)
    except UsageError:
        raise EvidenceError("BAD_STATEMENT", f"{file}: as_of is no time: {ascii(text)[:60]}", file=file) from None
    if time - now > CLOCK_SKEW:
        raise EvidenceError("FUTURE", f"{file}: dated {write(time)}, later than now ({write(now)})", file=file)
