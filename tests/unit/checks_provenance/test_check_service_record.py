"""What a signed statement of the watch says about the model in service."""

import pytest
from case_fixture import make_case
from rows_fixture import gaps, run, value

DIGEST = "sha256:" + "5" * 64


def alarm(then, closed=None):
    return {"then": then, "closed": closed}


def stated(alarms=(), refused=(), looks=2):
    return {
        "month": "2026-10",
        "digest": DIGEST,
        "age": 27,
        "looks": [{"name": f"{day}.csv", "rows": 100, "labeled": 40} for day in range(looks)],
        "days_without_look": 31 - looks,
        "refused": list(refused),
        "alarms": list(alarms),
    }


def of(statement):
    return run("service_record", make_case([0, 1], [0.2, 0.7], service=statement))


def test_a_quiet_month():
    found = of(stated())
    assert [value(found, name) for name in ("looks", "days_without_look", "refused_looks", "standing_alarms")] == [
        2.0, 29.0, 0.0, 0.0
    ]  # fmt: skip
    assert (value(found, "labeled_rows"), value(found, "statement_age")) == (80, 27)
    assert value(found, "calls_for") == "nothing"
    assert value(found, "statement") == f"2026-10 {DIGEST}"
    assert {item.n for item in found} == {200}


def test_an_alarm_that_somebody_closed_stands_no_more():
    found = of(stated([alarm("withdraw", closed="2026-10-09T00:00:00Z"), alarm("review")], refused=[{}]))
    assert (value(found, "standing_alarms"), value(found, "refused_looks")) == (1.0, 1.0)
    assert value(found, "calls_for") == "review"


@pytest.mark.parametrize("order", [1, -1])
def test_the_gravest_alarm_says_what_is_called_for(order):
    found = of(stated([alarm("retrain"), alarm("review"), alarm("withdraw")][::order]))
    assert value(found, "calls_for") == "withdraw"


def test_without_a_statement_there_is_one_gap():
    found = of(None)
    assert gaps(found) == {"*": "no data"}
    assert "service" in found[0].detail
