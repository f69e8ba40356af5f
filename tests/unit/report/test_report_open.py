"""What page one, the register of rulings and the card say of what is open, and why it is not settled."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bundle_fixture import measurement, write_bundle

from govkit import core
from govkit.core.policy import Requirement
from govkit.core.verdict import PartRuling, ResidualRisk
from govkit.report import render, text
from govkit.report.blocks import Lines
from govkit.report.cover import cover
from govkit.report.judged import _version
from govkit.report.model import Report
from govkit.report.numbers import percent, size
from govkit.report.read import read
from govkit.report.saying import in_words

Change = Callable[[core.Verdict], core.Verdict]


def rulings(**changes: dict[str, Any]) -> Change:
    """Changes fields of rulings; the name of a control has an underscore for its hyphen."""

    def change(found: core.Verdict) -> core.Verdict:
        new = [each.model_copy(update=changes.get(each.control.replace("-", "_"), {})) for each in found.rulings]
        states = [each.state for each in new]
        counts = {state: states.count(state) for state in dict.fromkeys(states)}
        coverage = found.coverage.model_copy(update={"controls": counts})
        return found.model_copy(update={"rulings": tuple(new), "coverage": coverage})

    return change


def report_of(folder: Path, **options: Any) -> Report:
    return Report(read(write_bundle(folder, **options)))


def plain(found: Any) -> str:
    return re.sub(r"\\(\W)", r"\1", text.cell(found))


def told(report: Report, control: str) -> str:
    return plain(in_words(next(e for e in report.entries if e.ruling.control == control), report))


def section_of(bundle: Path, key: str) -> str:
    html = (bundle / "report.html").read_text(encoding="utf-8").split(f'<section id="{key}"')[1].split("</section>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_failures_stand_before_what_is_missing_and_the_count_is_of_all(tmp_path: Path) -> None:
    change = rulings(
        PERF_01={"state": "fail", "disposition": "warn"}, DRIFT_01={"state": "fail", "disposition": "warn"}
    )
    shown = cover(report_of(tmp_path, verdict=change))
    assert [point.control for point in shown.points] == ["FAIR-01", "PERF-01", "DRIFT-01", "DATA-01"]
    assert plain(shown.more_points) == (
        "Open in all: 4 fail, 2 not settled, 1 error, 1 unsupported, 1 missing. The register of rulings lists them."
    )


def test_what_blocks_is_never_hidden_behind_mild_failures(tmp_path: Path) -> None:
    mild = {"state": "fail", "disposition": "warn"}
    blocks = {"disposition": "review"}
    change = rulings(PERF_01=mild, FAIR_01=mild, FAIR_02=mild, ROB_01=mild, DRIFT_01=mild, LIC_01=blocks)
    points = [point.control for point in cover(report_of(tmp_path, verdict=change)).points]
    assert points[0] == "DATA-01"
    assert set(points[1:]) < {"PERF-01", "FAIR-01", "FAIR-02", "ROB-01", "DRIFT-01"}


def test_what_an_audit_lacks_stands_before_what_no_audit_measures(tmp_path: Path) -> None:
    shown = cover(report_of(tmp_path)).unmeasured
    assert shown == (
        "Hidden triggers: cannot be measured on this model.",
        "Feedback loops: the model is not in service yet.",
        "Quality of the data: no data.",
        "Differences between groups, race Other: too few rows.",
    )


def difference(value: float, width: float) -> core.Measurement:
    part = {"race": "Martian"}
    return measurement("true_positive_rate_difference", value, 90, width=width, check="fairness", part=part)


@pytest.mark.parametrize(
    ("value", "width", "says"),
    [
        (-0.3, 0.1, "That is beyond the limit, but not surely enough among all comparisons that were made."),
        (-0.3, 0.2, "The rows at hand are too few to be sure."),
    ],
)
def test_a_number_wholly_beyond_the_limit_is_not_said_to_lack_rows(
    tmp_path: Path, value: float, width: float, says: str
) -> None:
    found = told(report_of(tmp_path, extra=[difference(value, width)]), "FAIR-02")
    assert found.startswith(
        "For race Martian the share of true cases that are found is 30 points lower than for everybody else;"
    )
    assert found.endswith(says)


def test_an_interval_beyond_the_limit_counts_where_the_bounds_are_wider(tmp_path: Path) -> None:
    bounds = tuple(core.Bound(level=level, low=-0.5, high=-0.1) for level in core.LEVELS)
    found = difference(-0.3, 0.1).model_copy(update={"bounds": bounds})
    assert told(report_of(tmp_path, extra=[found]), "FAIR-02").endswith("comparisons that were made.")


def test_the_register_gives_the_level_of_the_bounds_and_the_method_says_what_failing_takes(bundle: Path) -> None:
    register, method = section_of(bundle, "register"), section_of(bundle, "method")
    assert "✓ all rows: 0.851 (bounds at 95 %: 0.839 to 0.863 ); n 8,143" in register
    assert "The bounds behind a number are one-sided" in register
    assert "Confidence of a limit 95 %, one-sided" in method
    assert "Holm&#39;s procedure" in method
    assert "the same number can stand with two ranges" in method


def test_parts_that_differ_are_named_and_parts_alike_are_not(tmp_path: Path) -> None:
    def parts(*reasons: str) -> Change:
        made = tuple(
            PartRuling(part={"list": name}, state="missing", finding=-1, reason=reason)
            for name, reason in zip(("age", "religion"), reasons, strict=True)
        )
        return rulings(ROB_01={"state": "missing", "parts": made})

    differ = told(report_of(tmp_path / "a", verdict=parts("no text", "one text")), "ROB-01")
    assert differ == "For list age: not measured. No evidence in this bundle speaks to it."
    alike = told(report_of(tmp_path / "b", verdict=parts("no text", "no text")), "ROB-01")
    assert alike == "Not measured. No evidence in this bundle speaks to it."


def judged_as(tmp_path: Path, found: core.Measurement, *more: core.Finding, **require: Any) -> str:
    """What is said of one finding that a control failed on."""
    control = core.Control(
        id="ROB-01", title="asked", rmf=("MEASURE 1.3",), check=found.check, metric=found.name, severity="low",
        compared_with=found.compared_with, require=Requirement(**require),
        authority={"level": "none", "note": "our own"},  # type: ignore[arg-type] -- pydantic makes it one
    )  # fmt: skip

    def policy(old: core.Policy) -> core.Policy:
        return old.model_copy(update={"controls": tuple(control if c.id == control.id else c for c in old.controls)})

    def verdict(old: core.Verdict) -> core.Verdict:
        part = PartRuling(part=dict(found.part), state="fail", finding=index)
        return rulings(ROB_01={"state": "fail", "parts": (part,)})(old)

    index = len(read(write_bundle(tmp_path / "empty")).findings)
    return told(report_of(tmp_path / "full", extra=[found, *more], policy=policy, verdict=verdict), "ROB-01")


def test_what_a_record_lacks_is_named(tmp_path: Path) -> None:
    names = ("code.commit", "train.1.license", "train.2.license", "method.trainable_parameters", "seed")
    facts = [measurement("unknown_fact", name, check="lineage_complete", part={"fact": name}) for name in names]
    complete = core.Measurement(name="complete", value=False, n=14, check="lineage_complete")
    assert judged_as(tmp_path, complete, *facts, equals=True) == (
        "The record of the run is not complete. Not known: commit of the code; license of the training rows; "
        "trainable parameters of the method; seed."
    )


@pytest.mark.parametrize(
    ("found", "require", "says"),
    [
        (measurement("data_license", "conflict", check="licenses"), {"equals": "known"},
         "The sources contradict each other about the license of the data; their owner can say which of them holds."),
        (measurement("accuracy", -0.031, check="performance", compared_with="incumbent"), {"min": -0.01},
         "The share of right answers is 3.1 points lower than that of the model in service; "
         "at most 1 point lower is allowed."),
        (measurement("accuracy", 0.0, check="performance", compared_with="base"), {"min": 0.02},
         "The share of right answers is the same as that of its base; at least 2 points higher is required."),
        (measurement("contradictions", 1, check="lineage_complete"), {"max": 0.0},
         "1 thing that was seen speaks against the record of the run; none is allowed."),
        (measurement("contradictions", 3, check="lineage_complete"), {"max": 0.0},
         "3 things that were seen speak against the record of the run; none is allowed."),
        (measurement("mean_absolute_error", 1.426, check="regression", compared_with="base")
         .model_copy(update={"unit": "units of the label"}), {"max": 0.0},
         "The mean distance from the true number is 1.426 higher than that of its base; it may not be higher."),
        (measurement("roc_auc", -0.034, check="ranking", compared_with="base"), {"min": -0.02},
         "The chance that a row of the class in question stands above another row is 3.4 points lower than that of "
         "its base; at most 2 points lower is allowed."),
    ],
)  # fmt: skip
def test_a_failure_reads_as_a_sentence(
    tmp_path: Path, found: core.Measurement, require: dict[str, Any], says: str
) -> None:
    assert judged_as(tmp_path, found, **require) == says


@pytest.mark.parametrize(
    ("reason", "residual", "measured", "says"),
    [
        ("not measured: CAL-01 unsupported, LIN-03 not_applicable", "high", False,
         "Not measured: CAL-01 unsupported, LIN-03 not applicable"),
        ("likelihood lowered by 2 of at most 2 steps; CAL-01 pass", "high", True,
         "Likelihood lowered by 2 of at most 2 steps, which does not change the level; CAL-01 pass"),
        ("likelihood lowered by 2 of at most 2 steps; CAL-01 pass", "medium", True,
         "Likelihood lowered by 2 of at most 2 steps; CAL-01 pass"),
        ("likelihood lowered by 0 of at most 2 steps; CAL-01 inconclusive", "high", True,
         "Likelihood not lowered; CAL-01 not settled"),
        ("not lowered while FAIR-01, FAIR-03 fails", "high", True, "Not lowered while FAIR-01, FAIR-03 fail"),
        ("nobody looked", "high", False, "Nobody looked. Not measured."),
    ],
)  # fmt: skip
def test_a_risk_is_told_once_in_words(tmp_path: Path, reason: str, residual: Any, measured: bool, says: str) -> None:
    risk = ResidualRisk(
        id="R-01", description="harm", inherent="high", residual=residual, measured=measured, reason=reason
    )
    bundle = write_bundle(tmp_path, verdict=lambda found: found.model_copy(update={"risks": (risk,)}))
    render(bundle, pdf=False)
    assert section_of(bundle, "risks").removesuffix(" Back to contents").endswith(says)


def test_the_card_parts_a_measure_from_its_rows_and_names_the_groups_of_a_regression(tmp_path: Path) -> None:
    assert text.cell(("unknown fact", Lines((("code commit",), ("seed",))))) == "unknown fact, code commit; seed"
    assert text.cell(("It is known.", Lines((("all rows",),)))) == "It is known\\. all rows"
    gap = measurement("mean_absolute_error_gap", 1.2, check="regression", part={"place": "north"})
    bundle = write_bundle(tmp_path, groups={}, extra=[gap], audit={"columns": {"label": "y", "groups": ["place", "x"]}})
    render(bundle, pdf=False)
    assert "\nGroups compared: place\n" in (bundle / "card.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("count", [0.0, 3.0])
def test_a_task_without_classes_has_no_count_of_them(tmp_path: Path, count: float) -> None:
    bundle = write_bundle(tmp_path, extra=[measurement("classes", count, check="scope", width=0)])
    render(bundle, pdf=False)
    assert ("classes or labels" in section_of(bundle, "scope")) == (count > 0)


def test_packages_stand_one_a_line_and_nothing_in_the_method_shows_a_digest_of_a_cut(tmp_path: Path) -> None:
    extra = [measurement(f"metric_number_{i}_with_a_long_name", 0.5, check="more") for i in range(40)]
    bundle = write_bundle(tmp_path, extra=extra)
    render(bundle, pdf=False)
    method = section_of(bundle, "method")
    assert "…" in method
    assert "(cut, sha256" not in method
    packages = _version({"numpy": "2.4.6", "torch": "2.13.0"})
    assert plain(packages) == "numpy `2.4.6`; torch `2.13.0`"


def test_levels_and_sizes_are_only_formed() -> None:
    assert [percent(level).text for level in core.LEVELS] == [
        "90", "95", "97.5", "99", "99.5", "99.9", "99.95", "99.98", "99.99",
    ]  # fmt: skip
    assert (percent(0.95).raw, size(-1.426).raw, size(-1.426).text) == ("0.95", "-1.426", "1.426")


def test_a_line_of_the_models_holds_numbers_of_one_check(tmp_path: Path) -> None:
    extra = [
        measurement("clean_accuracy", value, check=check, of=of)
        for check, sides in (("adversarial", (0.912, 0.823)), ("corruptions", (0.734, 0.645)))
        for of, value in zip(("candidate", "base"), sides, strict=True)
    ]
    extra.append(measurement("clean_accuracy", 0.089, check="corruptions", compared_with="base"))
    bundle = write_bundle(tmp_path, extra=extra)
    render(bundle, pdf=False)
    changed = section_of(bundle, "change")
    assert "accuracy on the same rows without damage" in changed
    line = changed.split("accuracy on the same rows without damage")[1]
    assert re.findall(r"[+−]?0\.\d{3}", line)[:3] == ["0.645", "0.734", "+0.089"]
    assert "without an attack" not in changed
