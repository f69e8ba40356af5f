"""UTC times as text, in the one form that is signed: ``2026-11-24T12:00:00Z``. Nothing here asks a clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from govkit.core import times
from govkit.errors import EvidenceError, UsageError

CLOCK_SKEW = timedelta(minutes=5)
"""By how much the clock of a signer may be ahead of that of a verifier."""


def read(text: str) -> datetime:
    """The time that a text names.

    Raises:
        UsageError: It is none that ``core.times`` reads.
    """
    try:
        return times.instant(text)
    except ValueError as error:
        raise UsageError(f"as_of: {error}") from None


write = times.write


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
        raise EvidenceError.at(file, "BAD_STATEMENT", f"as_of is no time: {ascii(text)[:60]}") from None
    if time - now > CLOCK_SKEW:
        raise EvidenceError.at(file, "FUTURE", f"dated {write(time)}, later than now ({write(now)})")
