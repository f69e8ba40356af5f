"""The only clocks: everything below is told the time.

There are two, since two questions are asked. What is believed, refused, expired or too old is decided by the machine's
clock or by a time that somebody gave; an environment variable, which any script can set, must not move it. Only dates
that are written, and that nothing was decided by, may be fixed so that equal input gives equal bytes.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime

from govkit.core import times
from govkit.errors import UsageError


def deciding_time(as_of: str | None = None) -> str:
    """What is taken as now wherever something is verified, judged, expires or is revoked.

    Args:
        as_of: A time that was given; it is taken as it is.

    Returns:
        UTC time in ISO 8601 with seconds: the one given, else that of the machine, whatever ``SOURCE_DATE_EPOCH`` says.
    """
    return times.write(_machine()) if as_of is None else as_of


def written_time(as_of: str | None = None) -> str:
    """A date to write into a form, a lock or a new key; ``SOURCE_DATE_EPOCH`` fixes it for reproducible bytes.

    Args:
        as_of: A time that was given; it is taken as it is.

    Raises:
        UsageError: ``SOURCE_DATE_EPOCH`` is no number of seconds.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    return deciding_time(as_of) if as_of is not None or epoch is None else times.write(_since_1970(epoch))


def _machine() -> datetime:
    return datetime.now(UTC)


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
        moment = times.day_or_instant(text)
    except ValueError:
        raise UsageError(f"{text!r} is no date; expected for example 2026-11-24 or 2026-11-24T12:00:00Z") from None
    if moment.year < 1970:
        raise UsageError(f"{text!r} is before 1970; expected for example 2026-11-24")
    return times.write(moment)
