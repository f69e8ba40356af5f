"""The one reader of dates and times that files, people and policies write (RFC 3339).

Python's own reader takes week dates, commas, seconds in zones and other spellings of ISO 8601, and pydantic's takes
seconds since 1970; what one reader takes and another refuses is a time that two verifiers see differently.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator

_TIME = r"T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
_ZONE = r"(Z|[+-][0-9]{2}:[0-9]{2})"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(_DAY.pattern + _TIME + _ZONE)
_ANY = re.compile(f"{_DAY.pattern}({_TIME}{_ZONE}?)?")


def day(text: str) -> date:
    """A day written ``2026-11-24``.

    Raises:
        ValueError: It is written otherwise, or there is no such day.
    """
    return _read(text, _DAY, "a day like 2026-11-24").date()


def instant(text: str) -> datetime:
    """A time with a zone, ``2026-11-24T12:00:00Z`` or ``2026-11-24T13:00+01:00``, in UTC.

    Raises:
        ValueError: It is written otherwise, has no zone, or there is no such time.
    """
    return _read(text, _INSTANT, "a time with a zone, like 2026-11-24T12:00:00Z")


def day_or_instant(text: str) -> datetime:
    """A time, or the first moment of a day, in UTC; without a zone it is UTC.

    Raises:
        ValueError: It is neither.
    """
    return _read(text, _ANY, "a day or a time, like 2026-11-24T12:00:00Z")


def write(time: datetime) -> str:
    """The text of a time in the one form that is stored: UTC, to the second."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read(text: object, form: re.Pattern[str], expected: str) -> datetime:
    if isinstance(text, str) and form.fullmatch(text):
        with suppress(ValueError, OverflowError):  # no such day, or a zone that leads out of all years
            found = datetime.fromisoformat(text)
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    raise ValueError(f"expected {expected}, found {ascii(text)[:60]}")


def _as_day(value: Any) -> Any:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    return day(value)


def _as_instant(value: Any) -> Any:
    return value if isinstance(value, datetime) else instant(value)


Day = Annotated[date, BeforeValidator(_as_day)]
"""A field that holds a day, read by ``day``."""

Instant = Annotated[AwareDatetime, BeforeValidator(_as_instant)]
"""A field that holds a time with a zone, read by ``instant``."""
