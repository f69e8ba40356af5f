from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
import pytest
from case_fixture import make_case
from pydantic import PositiveInt

from govkit.checks import Request, measure
from govkit.core import Case, Check, Finding, Gap, Measurement, Metric, check
from govkit.errors import MissingExtra, SubjectError, UsageError

METRICS = {"share": Metric("A share.", better="higher"), "word": Metric("A word.", words=("yes", "no"))}


def declare(function, *, needs=frozenset(), name="probe", **more) -> Check:
    return check(name, crosswalk="check.performance", metrics=METRICS, needs=needs, **more)(function)


def run(item: Check, case: Case | None = None, **params) -> list[Finding]:
    case = make_case([0, 1], [0.1, 0.9]) if case is None else case
    return measure(case, [Request(item.name, params)], catalog={item.name: item})


def test_a_finding_is_stamped_with_check_parameters_direction_and_unit():
    def function(case: Case, *, rows: PositiveInt = 3) -> Iterator[Finding]:
        yield Measurement(name="share", value=rows / 10, n=2)
        yield Measurement(name="word", value="yes", n=2)
        yield Gap(name="share", reason="no data", of="base")

    share, word, gap = run(declare(function), rows=5)
    assert (share.check, share.params, share.value) == ("probe", {"rows": 5}, 0.5)
    assert (share.better, share.unit, share.seed) == ("higher", "share", "")
    assert (word.better, word.unit) == (None, "")
    assert (gap.check, gap.params, gap.name, gap.of) == ("probe", {"rows": 5}, "share", "base")


def test_the_seed_is_stamped_where_it_was_read_and_only_there():
    def random(case: Case) -> Iterator[Finding]:
        yield Measurement(name="share", value=case.seed / 10, n=1)

    def named(case: Case) -> Iterator[Finding]:
        yield Measurement(name="share", value=0.5, n=1, seed=str(case.seed))
        yield Measurement(name="word", value="no", n=1)

    case = make_case([0, 1], [0.1, 0.9], seed=7)
    assert [finding.seed for finding in run(declare(random), case)] == ["7"]
    assert [finding.seed for finding in run(declare(named), case)] == ["7", ""]


@pytest.mark.parametrize(
    ("need", "reason", "word"),
    [
        ("probabilities", "unsupported", "labels only"),
        ("weights", "unsupported", "weights"),
        ("inputs", "unsupported", "stored predictions"),
        ("train", "no data", "training data"),
        ("shifted", "no data", "shifted"),
        ("run", "no data", "record"),
        ("groups", "no data", "group columns"),
        ("base", "no data", "base"),
        ("incumbent", "no data", "incumbent"),
    ],
)
def test_an_unmet_need_is_one_gap_for_the_whole_check(need, reason, word):
    def function(case: Case) -> Iterator[Finding]:
        raise AssertionError("it must not run")
        yield

    (gap,) = run(declare(function, needs={need}), make_case([0, 1], [0, 1]))
    assert (gap.kind, gap.check, gap.name, gap.reason) == ("gap", "probe", "*", reason)
    assert word in gap.detail


def test_a_met_need_lets_the_check_run():
    def function(case: Case) -> Iterator[Finding]:
        yield Measurement(name="share", value=1.0, n=2)

    rows = {"labels": [0, 1], "probs": [0.2, 0.8]}
    case = make_case(
        [0, 1], [0.1, 0.9], groups={"sex": ["f", "m"]}, base=[0, 1], incumbent=[1, 1], train=rows, shifted=rows
    )
    needs = {"probabilities", "train", "shifted", "groups", "base", "incumbent"}
    assert [finding.kind for finding in run(declare(function, needs=needs), case)] == ["measurement"]


def test_two_unmet_needs_are_both_named():
    (gap,) = run(declare(lambda _case: iter(()), needs={"train", "weights"}), make_case([0, 1], [0, 1]))
    assert "training data" in gap.detail
    assert "weights" in gap.detail
    assert gap.reason == "unsupported"


@pytest.mark.parametrize(("tasks", "found"), [({"regression"}, 0), ({"regression", "ranking"}, 1)])
def test_what_another_task_is_asked_is_not_lacking(tasks, found):
    def function(case: Case) -> Iterator[Finding]:
        yield Measurement(name="share", value=0.5, n=1)

    gaps = run(declare(function, tasks=tasks))
    assert [(type(gap), gap.reason) for gap in gaps] == [(Gap, "unsupported")] * found


def test_a_crash_drops_what_came_before_it_and_logs_the_traceback(caplog):
    def function(case: Case) -> Iterator[Finding]:
        yield Measurement(name="share", value=0.5, n=1)
        raise ValueError("no such file: /home/ann/secret/rows.csv\n\x1b[31mred")

    with caplog.at_level(logging.ERROR, logger="govkit.checks"):
        (gap,) = run(declare(function))
    assert (gap.name, gap.reason) == ("*", "crashed")
    assert gap.detail == "ValueError: no such file: <path> \N{REPLACEMENT CHARACTER}[31mred"
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is ValueError


def test_a_crash_never_repeats_the_cell_that_it_is_about():
    def function(case: Case) -> Iterator[Finding]:
        raise KeyError("jane.roe@firm.org")
        yield

    (gap,) = run(declare(function))
    assert gap.detail == "KeyError: message not shown"


def test_a_crash_of_one_check_leaves_the_others_alone():
    def bad(case: Case) -> Iterator[Finding]:
        raise RuntimeError("boom")
        yield

    def good(case: Case) -> Iterator[Finding]:
        yield Measurement(name="share", value=0.5, n=1)

    known = {"bad": declare(bad, name="bad"), "good": declare(good, name="good")}
    seen: list[str] = []
    found = measure(
        make_case([0, 1], [0.1, 0.9]), [Request("bad"), Request("good")], catalog=known, progress=seen.append
    )
    assert [(finding.check, finding.kind) for finding in found] == [("bad", "gap"), ("good", "measurement")]
    assert seen == ["bad", "good"]


@pytest.mark.parametrize(
    "findings",
    [
        [Measurement(name="unheard of", value=1.0, n=1)],
        [Gap(name="unheard of", reason="no data")],
        [Measurement(name="share", value=1.0, n=1), Measurement(name="share", value=0.0, n=1)],
        [Measurement(name="share", value=1.0, n=1), Gap(name="share", reason="no data")],
    ],
)
def test_an_undeclared_or_doubled_finding_is_a_crash(findings):
    (gap,) = run(declare(lambda _case: iter(findings)))
    assert (gap.name, gap.reason) == ("*", "crashed")
    assert gap.detail.startswith("UndeclaredFinding: ")


def test_one_metric_for_two_parts_is_not_doubled():
    found = run(declare(lambda _case: iter([
        Measurement(name="share", value=1.0, n=1),
        Measurement(name="share", value=1.0, n=1, part={"sex": "f"}),
        Measurement(name="share", value=1.0, n=1, of="base"),
        Measurement(name="share", value=0.0, n=1, compared_with="base"),
    ])))  # fmt: skip
    assert [finding.kind for finding in found] == ["measurement"] * 4


def test_a_value_that_is_not_a_number_is_a_crash():
    def function(case: Case) -> Iterator[Finding]:
        yield Measurement(name="share", value=float(np.mean([np.nan])), n=1)

    (gap,) = run(declare(function))
    assert (gap.reason, gap.name) == ("crashed", "*")


@pytest.mark.parametrize(
    "error",
    [
        ModuleNotFoundError("No module named 'fairlearn'", name="fairlearn.metrics"),
        MissingExtra("pip install 'govkit[audit]'"),
    ],
)
def test_a_missing_optional_dependency_is_named_with_its_extra(error):
    def function(case: Case) -> Iterator[Finding]:
        raise error
        yield

    (gap,) = run(declare(function))
    assert (gap.reason, gap.name) == ("no extra", "*")
    assert "govkit[audit]" in gap.detail


def test_a_missing_module_that_is_nobodys_extra_is_a_crash():
    def function(case: Case) -> Iterator[Finding]:
        raise ModuleNotFoundError("No module named 'left_pad'", name="left_pad")
        yield

    (gap,) = run(declare(function))
    assert gap.reason == "crashed"


@pytest.mark.parametrize("error", [SubjectError("bad rows"), KeyboardInterrupt(), SystemExit(3)])
def test_what_the_user_must_repair_and_interrupts_pass_through(error):
    def function(case: Case) -> Iterator[Finding]:
        raise error
        yield

    with pytest.raises(type(error)):
        run(declare(function))


def test_wrong_parameters_and_unknown_checks_are_usage_errors():
    def function(case: Case, *, rows: PositiveInt = 3) -> Iterator[Finding]:
        yield Measurement(name="share", value=1.0, n=1)

    with pytest.raises(UsageError, match=r"check 'probe' .*rows: Input should be greater than 0"):
        run(declare(function), rows=0)
    with pytest.raises(UsageError, match="there is no check 'perfromance'"):
        measure(make_case([0], [0]), [Request("perfromance")])


def test_equal_requests_run_once():
    item = declare(lambda _case: iter([Measurement(name="share", value=1.0, n=1)]))
    assert len(measure(make_case([0], [0]), [Request("probe"), Request("probe")], catalog={"probe": item})) == 1
