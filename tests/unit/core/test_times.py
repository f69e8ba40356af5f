"""One reader of days and times: what is taken, what is refused, and that models use it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from govkit.core import times


def test_days_and_times_are_read_in_utc() -> None:
    assert times.day("2026-11-24") == date(2026, 11, 24)
    assert times.instant("2026-11-24T13:30+01:30") == datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert times.day_or_instant("2026-11-24") == datetime(2026, 11, 24, tzinfo=UTC)
    assert times.day_or_instant("2026-11-24T01:02:03") == datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC)
    assert times.write(times.instant("2026-11-24T12:00:00.999999Z")) == "2026-11-24T12:00:00Z"


@pytest.mark.parametrize("odd", ["2026-W48-2", "20261124", "2026-11-24T00:00:00", "1795521600", "2026-1-1", 1795521600])
def test_a_field_that_holds_a_day_takes_one_form(odd: object) -> None:
    assert TypeAdapter(times.Day).validate_python("2026-11-24") == date(2026, 11, 24)
    with pytest.raises(ValidationError, match="expected a day like"):
        TypeAdapter(times.Day).validate_python(odd)


@pytest.mark.parametrize("odd", ["2026-11-24", "2026-11-24 12:00:00Z", "2026-11-24T12:00:00", "1795521600", 1795521600])
def test_a_field_that_holds_a_time_takes_one_form(odd: object) -> None:
    assert TypeAdapter(times.Instant).validate_python("2026-11-24T12:00:00Z").year == 2026
    with pytest.raises(ValidationError, match="expected a time with a zone"):
        TypeAdapter(times.Instant).validate_python(odd)
