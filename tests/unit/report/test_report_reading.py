"""What a reader without statistics meets: page one, the register and the summary."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from bundle_fixture import measurement, write_bundle
from page_reader import page, rows_of
from pypdf import PdfReader

from govkit import core, stats
from govkit.checks import every_check
from govkit.report import render
from govkit.report.escape import sentences
from govkit.report.model import Report
from govkit.report.numbers import ends, interval, is_difference, points
from govkit.report.read import read
from govkit.report.saying import _judged, in_words
from govkit.report.text import cell, plain


def said(bundle: Path) -> dict[str, str]:
    """Control -> its plain sentence."""
    report = Report(read(bundle))
    return {e.ruling.control: re.sub(r"\\(\W)", r"\1", cell(in_words(e, report))) for e in report.entries}


def cover_of(bundle: Path) -> str:
    html = (bundle / "report.html").read_text(encoding="utf-8")
    return re.sub(r"<[^>]+>", "", html.split('<header class="cover">')[1].split("</header>")[0])


def test_rulings_are_plain_sentences(bundle: Path) -> None:
    found = said(bundle)
    assert found["FAIR-01"] == (
        "For race Other the share with the positive answer is 7.6 points lower than for everybody else; "
        "at most 10 points are allowed."
    )
    assert found["CAL-01"] == "The error of the stated probabilities is 3.1 %; at most 3 % is allowed."
    assert found["ROB-01"] == "Not measured. stored predictions cannot be asked again"
    assert found["PRIV-01"].endswith("The attack behind this number cannot be believed, so it settles nothing.")
    assert found["PERF-01"] == "The share of right answers is 85.1 %; at least 76 % is required."


@pytest.mark.parametrize(
    ("name", "value", "part", "told"),
    [
        ("rows_short", 320, {"race": "77"}, "For race 77: 320 rows are lacking to show a gap; none is allowed."),
        ("absent_groups", 1, {}, "1 group of the reference has no row; none is allowed."),
        ("standing_alarms", 2, {}, "2 alarms in service stand that nobody has closed; none is allowed."),
    ],
)
def test_counts_are_plain_sentences_apart_from_the_name_of_a_group(
    name: str, value: int, part: dict[str, str], told: str
) -> None:
    found = measurement(name, value, check="representation", part=part)
    assert re.sub(r"\\(\W)", r"\1", cell(_judged(found, core.Requirement(max=0), "fail", 0.95))) == told


@pytest.mark.parametrize(
    ("name", "require", "says"),
    [
        ("accuracy", {"min": 0.7, "max": 0.9}, "at least 70 % is required and at most 90 % is allowed"),
        ("rows_short", {"min": 2, "max": 9}, "at least 2 are required and at most 9 are allowed"),
    ],
)
def test_a_limit_with_two_ends_that_differ_names_both(name: str, require: dict[str, float], says: str) -> None:
    found = measurement(name, 0.95 if name == "accuracy" else 12, check="performance")
    assert plain(_judged(found, core.Requirement(**require), "fail", 0.95)).endswith(f"; {says}.")


def test_a_sign_stands_before_what_may_lie_on_either_side_of_zero() -> None:
    for each in every_check().values():
        for name, declared in each.metrics.items():
            named = name.endswith(("_difference", "_change")) and not declared.words
            may_be_below = declared.low is None or declared.low < 0
            assert is_difference(measurement(name, 0.1, check=each.name)) == (named and may_be_below), name
    beside = {name: measurement(name, 0.1, check="flips", compared_with="base") for name in ("accuracy", "mcnemar_p")}
    assert {name: is_difference(found) for name, found in beside.items()} == {"accuracy": True, "mcnemar_p": False}


def test_page_one_has_no_names_of_programs_and_nothing_cut(bundle: Path) -> None:
    text = cover_of(bundle)
    assert not re.search(r"[a-z]_[a-z]", text)
    assert "confidence" not in text
    assert "(cut, sha256" not in text
    assert "…" not in text


def test_only_whole_sentences_are_kept_where_they_fit() -> None:
    assert sentences("One is short. Two is much longer than that.", 20) == "One is short."
    assert sentences("One that does not fit at all.", 12) == "One that…"
    assert sentences("All of it.", 20) == "All of it."


@pytest.mark.parametrize(
    ("value", "text"), [(-0.2341, "23.4"), (0.1, "10"), (0.0, "0"), (0.00123, "0.12"), (1.0, "100"), (-0.05, "5")]
)
def test_points_only_form_the_value(value: float, text: str) -> None:
    assert points(value).text == text
    assert float(points(value).raw) == value


def test_the_register_prints_six_parts_and_the_page_holds_all(tmp_path: Path) -> None:
    groups = {"region": {f"region {i}": 200 + i for i in range(9)}}
    bundle = write_bundle(tmp_path, groups=groups)
    render(bundle, pdf=False)
    row = (bundle / "report.html").read_text().split('<section id="register"')[1].split("<code>FAIR-01</code>")[1]
    row = row.split("</tr>")[0]
    assert row.count('<li class="">') == 7  # six parts, and what to do
    assert row.count('<li class="screen">') == 3
    assert row.count('<li class="print">') == 1
    assert all(f"region: region {i}" in re.sub(r"<[^>]+>", "", row) for i in range(9))


def test_not_enforced_is_said_in_every_document(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path, enforced=False)
    render(bundle)
    printed = " ".join(" ".join(p.extract_text().split()) for p in PdfReader(bundle / "report.pdf").pages)
    shown = [(bundle / name).read_text().split("</style>")[-1] for name in ("card.md", "report.html", "summary.md")]
    assert ["not enforced" in text.lower() for text in (*shown, printed)] == [True] * 4


def test_the_summary_is_short_and_gives_a_line_to_each_open_point(bundle: Path) -> None:
    lines = (bundle / "summary.md").read_text().splitlines()
    assert len(lines) <= 40
    open_points = [entry.ruling.control for entry in Report(read(bundle)).open_points]
    assert [sum(f"`{control}`" in line for line in lines) for control in open_points] == [1] * len(open_points)


def test_an_interval_that_ends_nowhere_is_said_in_words(tmp_path: Path) -> None:
    most = sys.float_info.max
    assert ends(0.5, most)[-1] == ", no upper bound"
    assert ends(-most, 0.5)[-1] == ", no lower bound"
    assert ends(-most, most) == ("no bound",)
    open_end = core.Interval(level=0.95, low=0.4, high=most, method="score")
    ratio = measurement("selection_rate_ratio", 0.7, check="fairness", part={"sex": "Female"}, interval=open_end)
    bundle = write_bundle(tmp_path, extra=[ratio])
    render(bundle, pdf=False)
    assert any("no upper bound" in text for text in page(bundle).free)
    assert not [raw for raw, _ in page(bundle).data if "e+308" in raw]


def test_no_notice_of_the_verdict_is_lost(tmp_path: Path) -> None:
    notices = ("A first.", f"{'A second that is long. ' * 9}And its end.", "A third.", "A fourth.")
    bundle = write_bundle(tmp_path, verdict=lambda found: found.model_copy(update={"notices": notices}))
    render(bundle, pdf=False)
    shown = [row.text for row in rows_of(bundle / "report.html")]
    assert [sum(notice in row for row in shown) for notice in notices] == [1] * 4


def test_words_have_a_table_of_their_own(bundle: Path) -> None:
    html = (bundle / "report.html").read_text()
    assert html.count('<th scope="col">What was looked at</th><th scope="col">Found</th>') >= 2
    assert "candidate" not in cover_of(bundle)


def test_the_bounds_that_judge_stand_beside_an_interval_that_is_far_narrower() -> None:
    """The reader's interval of a mean of losses is that of t; the gate also reckons with rows that were not seen."""
    losses = stats.mean(np.linspace(0, 0.25, 500), low=0.0, high=36.05)
    shares = stats.proportion(450, 500)
    far, near = (
        measurement("log_loss", each.value).model_copy(update={"interval": each.interval, "bounds": each.bounds})
        for each in (losses, shares)
    )
    high = next(bound.high for bound in losses.bounds if bound.level == 0.975)
    assert high - losses.interval.high > losses.interval.high - losses.interval.low
    assert "; judged by " in cell(interval(far))
    assert f"to {high:.3f}" in cell(interval(far))
    assert "judged" not in cell(interval(near))


def test_a_calibration_that_passes_says_what_bins_hide() -> None:
    found = measurement("calibration_error", 0.02)
    told = {state: cell(_judged(found, core.Requirement(max=0.05), state, 0.95)) for state in ("pass", "fail")}
    assert "within a bin cancel, and a wave finer than 80 rows is not seen" in told["pass"]
    assert "understate" not in told["fail"]
