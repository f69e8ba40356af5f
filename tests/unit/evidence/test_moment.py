"""Times in signed files: read whatever their zone, refused where they are none or lie ahead."""

from __future__ import annotations

import pytest

from govkit.errors import EvidenceError, UsageError
from govkit.evidence import moment

ODD = (
    "2026-W48-2T12:00:00Z", "20261124T120000Z", "2026-11-24 12:00:00Z", "2026-11-24T12:00:00,5Z", "2026-11-24T12Z",
    "2026-11-24T12:00:00+01:00:01", "2026-11-24t12:00:00z", "1795521600", " 2026-11-24T12:00:00Z",
    "2026-11-24T12:00:00Z\n", "\uff12026-11-24T12:00:00Z", "2026-11-24",
)  # fmt: skip
"""What some readers of ISO 8601 take for a time and others do not."""
LAST = "9999-12-31T23:59:59Z"


def test_a_time_is_read_in_utc() -> None:
    assert moment.write(moment.read("2026-11-24T14:00:00+02:00")) == "2026-11-24T12:00:00Z"


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-11-24T12:00:00", "2026-99-99T00:00:00Z", "9999-12-31T23:59:59-10:00", *ODD]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected a time"):
        moment.read(text)
    with pytest.raises(EvidenceError, match=r"BAD_STATEMENT: x\.json: as_of is no time"):
        moment.refuse_future(text, as_of=LAST, file="x.json")


def test_a_clock_may_be_five_minutes_ahead_and_no_more() -> None:
    moment.refuse_future("2026-11-24T12:05:00Z", as_of="2026-11-24T12:00:00Z", file="x.json")
    with pytest.raises(EvidenceError, match="FUTURE"):
        moment.refuse_future("2026-11-24T12:05:01Z", as_of="2026-11-24T12:00:00Z", file="x.json")


def test_the_last_moment_of_all_is_a_time_too() -> None:
    moment.refuse_future(LAST, as_of=LAST, file="x.json")
    assert moment.write(moment.read(LAST)) == LAST
