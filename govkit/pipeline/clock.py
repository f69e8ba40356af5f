"""The only clock: everything below is told the time."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from govkit.errors import UsageError


def now() -> str:
    """UTC time in ISO 8601 with seconds, fixed by ``SOURCE_DATE_EPOCH`` where that is set."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is None:
        moment = datetime.now(UTC)
    elif epoch.isdigit():
        moment = datetime.fromtimestamp(int(epoch), UTC)
    else:
        raise UsageError(f"SOURCE_DATE_EPOCH: expected seconds since 1970, found {epoch!r}")
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(text: str) -> str:
    """A date or UTC time that a person wrote, in the one form that is stored.

    Raises:
        UsageError: It is neither a date nor a time.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no date; expected for example 2026-11-24 or 2026-11-24T12:00:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
