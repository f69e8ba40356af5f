"""The body of the report: each task has its own figures and tables, and nothing said is lost or said wrongly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bundle_fixture import measurement, write_bundle

from govkit.core import Finding, Measurement
from govkit.core.verdict import PartRuling
from govkit.report.blocks import Block, Num, Section, Table, Text
from govkit.report.charts import Chart, choose
from govkit.report.figures import draw
from govkit.report.model import Report
from govkit.report.outcomes import measured
from govkit.report.read import read
from govkit.report.words import catalog, word

LABELS = ("a", "b", "base", "d", "e")
"""One is named as a model is."""


def report_of(folder: Path, findings: Sequence[Finding], **audit: Any) -> Report:
    """A report on these findings alone, without rulings."""
    sources = read(write_bundle(folder, audit={"columns": {"label": "y", **audit}}))
    verdict = sources.verdict.model_copy(update={"rulings": ()})
    return Report(replace(sources, findings=tuple(findings), verdict=verdict))


def body(report: Report) -> dict[str, tuple[Block, ...]]:
    """Section -> its blocks."""
    return {s.key: s.blocks for s in measured(report, choose(report)) if isinstance(s, Section)}


def table(blocks: Sequence[Block], caption: str) -> list[list[str]]:
    """Cells of the table of this caption as text."""
    (found,) = (b for b in blocks if isinstance(b, Table) and b.caption == caption)
    return [["".join(p.text if isinstance(p, Num) else str(p) for p in cell) for cell in row] for row in found.rows]


def captions(blocks: Sequence[Block]) -> list[str]:
    return [b.caption for b in blocks if isinstance(b, Table)]


def said(blocks: Sequence[Block]) -> str:
    """The paragraphs."""
    texts = (b.pieces for b in blocks if isinstance(b, Text))
    return "\n".join("".join(p.text if isinstance(p, Num) else str(p) for p in pieces) for pieces in texts)


def compared(name: str, value: float, part: dict[str, str], rival: Any, better: Any = "higher") -> Measurement:
    return measurement(name, value, check="performance", part=part, compared_with=rival, better=better)


def found(names: Sequence[str]) -> list[Finding]:
    """A search beside the base that found these parts."""
    drops = [measurement("found_drop", -0.2, check="found_parts", compared_with="base", part={"found": name})
             for name in names]  # fmt: skip
    return [measurement("found_parts", float(len(names)), check="found_parts", compared_with="base"), *drops]


def rates(label: str = "", columns: Sequence[str] = ("sex",)) -> list[Finding]:
    own = {"label": label} if label else {}
    return [
        measurement(name, value, check="bias", part={**own, column: group})
        for column in columns
        for group, value in (("f", 0.31), ("m", 0.42))
        for name in ("selection_rate", "selection_rate_difference")
    ]


def several_labels() -> list[Finding]:
    """Answers to several labels: rates by group, bins and smooth lines of each label, for candidate and base."""
    made: list[Finding] = [measurement("task", "multilabel", width=0, check="scope", data=None)]
    for at, label in enumerate(LABELS):
        made += rates(label)
        for of in ("candidate", "base"):
            more: dict[str, Any] = {"check": "calibration", "of": of}
            for place in (0.1, 0.5, 0.9):
                part = {"label": label, "bin": f"{place:.2f}"}
                made.append(measurement("bin_confidence", place, width=0, part=part, **more))
                made.append(measurement("bin_observed", place / (1 + at), part=part, **more))
                made.append(measurement("smooth_observed", place / (1 + at), width=0, part=part, **more))
    return made


def test_a_declared_part_is_not_said_to_be_named_by_nobody(tmp_path: Path) -> None:
    declared = [compared("accuracy", -0.1, {"sex": "f"}, "base"), compared("accuracy", -0.2, {"place": "east"}, "base")]
    parts = {"groups": ["sex"], "parts": ["place"]}
    names = ("place = east, age 59 or more", "sex = f", "place = east", "sex = f, place = east")
    blocks = body(report_of(tmp_path / "some", [*declared, *found(names)], **parts))["change"]
    rows = table(blocks, "Parts that nobody declared, beside its base; the surest first")
    assert [row[0] for row in rows] == ["place = east, age 59 or more", "sex = f, place = east"]
    assert catalog()["found"]["interval"] in said(blocks)
    assert catalog()["found"]["left_out"] in said(blocks)
    only = body(report_of(tmp_path / "only", [*declared, *found(names[1:3])], **parts))["change"]
    assert captions(only) == ["Changes on groups and declared parts, what got worse first"]
    assert said(only) == catalog()["found"]["known"].format(other="its base")


def test_every_part_stands_in_the_table_where_none_was_declared(tmp_path: Path) -> None:
    blocks = body(report_of(tmp_path, found(("sex = f",))))["change"]
    assert table(blocks, "Parts that nobody declared, beside its base; the surest first")[0][0] == "sex = f"
    assert catalog()["found"]["left_out"] not in said(blocks)


@pytest.mark.parametrize(("sizes", "says"), [((0.05, 0.21), "21 points"), ((0.05,), "even a large drop")])
def test_the_search_in_several_labels_sees_what_it_sees_in_each(
    tmp_path: Path, sizes: tuple[float, ...], says: str
) -> None:
    more: dict[str, Any] = {"check": "found_parts", "compared_with": "base"}
    counts = [measurement("found_parts", 0.0, part={"label": label}, **more) for label in LABELS[:2]]
    seen = [measurement("visible_drop", size, part={"label": label}, **more)
            for label, size in zip(LABELS, sizes, strict=False)]  # fmt: skip
    text = said(body(report_of(tmp_path, [*several_labels(), *counts, *seen]))["change"])
    assert text.count("found none") == 1
    assert says in text


def test_without_a_rival_the_trivial_answer_is_none(tmp_path: Path) -> None:
    alone = [measurement("accuracy", 0.9, check="performance"), compared("accuracy", 0.1, {"sex": "f"}, "trivial"),
             measurement("base_license", "MIT", width=0, check="licenses", of="base", data=None)]  # fmt: skip
    blocks = body(report_of(tmp_path, alone))["change"]
    assert said(blocks) == catalog()["no_rival"]
    assert captions(blocks) == []
    beside = compared("accuracy", -0.1, {"sex": "m"}, "incumbent")
    blocks = body(report_of(tmp_path / "b", [*alone, beside]))["change"]
    rows = table(blocks, "Changes on groups and declared parts, what got worse first")
    assert [row[1:3] for row in rows] == [["the model in service", "sex: m"]]
    assert said(blocks) == ""


def test_squares_are_not_ranked_beside_distances(tmp_path: Path) -> None:
    names = ("mean_squared_error", "mean_absolute_error")
    findings = [compared(name, 3.0, {"sex": "f"}, "base", "lower") for name in names]
    blocks = body(report_of(tmp_path, findings))["change"]
    rows = table(blocks, "Changes on groups and declared parts, what got worse first")
    assert [row[0] for row in rows] == [word("metrics", "mean_absolute_error")]


def test_origins_stand_without_a_base_and_those_that_say_something_come_first(tmp_path: Path) -> None:
    silent = [measurement("selection_rate_label_origin", "none", width=0, check="bias_origin", part={"race": f"{at}"})
              for at in range(14)]  # fmt: skip
    loud = measurement("selection_rate_label_origin", "beyond the data", width=0, check="bias_origin",
                       part={"dis": "1"})  # fmt: skip
    blocks = body(report_of(tmp_path, [*silent, loud]))["change"]
    rows = table(blocks, "Where the gaps between groups come from")
    assert rows[0] == ["dis: 1", "selection rate", "–", "larger than in the labels"]
    assert len(rows) == 12
    own = measurement("selection_rate_origin", "introduced", width=0, check="bias_origin", part={"race": "13"})
    rows = table(body(report_of(tmp_path / "b", [*silent, loud, own]))["change"], captions(blocks)[0])
    assert rows[0] == ["race: 13", "selection rate", "introduced by the tuning", "no gap"]


@pytest.mark.parametrize("name", ["mean_absolute_error", "average_precision", "subset_accuracy", "hamming_loss"])
def test_the_figure_of_the_change_knows_each_task(tmp_path: Path, name: str) -> None:
    sides = [measurement(name, 0.4, check="x", of=of) for of in ("candidate", "base")]
    chart = next(chart for chart in choose(report_of(tmp_path, sides)) if chart.kind == "change")
    assert list(chart.panels) == [name]
    assert word("metrics", name).encode()[:20] in draw(chart)


def test_errors_of_numbers_by_group_stand_under_fairness(tmp_path: Path) -> None:
    findings = [
        measurement(name, value, check="regression", part={"sex": group})
        for group, sign in (("f", -1), ("m", 1))
        for name, value in (("mean_absolute_error", 5.5), ("mean_error", 0.5 * sign),
                            ("mean_absolute_error_gap", 0.6 * sign))
    ]  # fmt: skip
    sections = body(report_of(tmp_path, findings, groups=["sex"]))
    assert captions(sections["fairness"]) == ["Errors by group: sex", "Differences to everybody else: sex"]
    assert [row[0] for row in table(sections["fairness"], "Errors by group: sex")] == ["f", "m"]
    assert "performance" not in sections


def reliability(report: Report) -> Chart:
    return next(chart for chart in choose(report) if chart.kind == "reliability")


def test_each_label_has_its_own_panel_line_and_rows(tmp_path: Path) -> None:
    report = report_of(tmp_path, several_labels(), groups=["sex"])
    chart = reliability(report)
    assert list(chart.panels) == list(LABELS[:4])
    for label in LABELS[:4]:
        assert [place for place, _ in chart.curves[label]] == [0.1, 0.5, 0.9]
        assert {m.part["label"] for _, m in chart.curves[label]} == {label}
        assert {(m.of, m.part["label"]) for line in chart.panels[label] for m in line.points} == {("candidate", label)}
    svg = draw(chart)
    assert b">base</text>" in svg
    assert b"its base" not in svg
    rows = table(body(report)["calibration"], "Bins of the reliability diagram")
    assert [row[0] for row in rows] == [label for label in LABELS for _ in range(6)]


def test_each_of_the_first_labels_has_tables_by_group_and_the_rest_is_said_to_be_cut(tmp_path: Path) -> None:
    report = report_of(tmp_path, several_labels(), groups=["sex"])
    blocks = body(report)["fairness"]
    assert [c for c in captions(blocks) if c.startswith("Rates")] == [
        f"Rates by group: sex, label {label}" for label in LABELS[:4]
    ]
    assert said(blocks) == catalog()["more_labels"]
    assert [c.about for c in choose(report) if c.kind == "groups"] == [f"sex, label {label}" for label in LABELS[:4]]
    few = [m for m in several_labels() if m.part.get("label") in (None, "a", "b")]
    assert said(body(report_of(tmp_path / "few", few, groups=["sex"]))["fairness"]) == ""


def test_a_column_named_label_is_a_group_where_there_is_one_label(tmp_path: Path) -> None:
    blocks = body(report_of(tmp_path, rates(columns=("label",)), groups=["label"]))["fairness"]
    assert "Rates by group: label" in captions(blocks)


def test_no_column_of_groups_crowds_out_another_and_no_failure_is_cut(tmp_path: Path) -> None:
    findings: list[Finding] = rates(columns=("sex", "dis"))
    for column in ("sex", "dis"):
        findings += [measurement(f"gap_{at}", 0.1, check="bias", part={column: "*"}) for at in range(30)]
    findings += [measurement("accuracy_difference", 0.58, check="bias", part={"dis": group}) for group in ("1", "2")]
    report = report_of(tmp_path, findings, groups=["sex", "dis"])
    ruling = read(tmp_path).verdict.rulings[0]
    failing = PartRuling(part={"dis": "2"}, finding=len(findings) - 1, state="fail", reason="")
    verdict = report.sources.verdict.model_copy(update={"rulings": (ruling.model_copy(update={"parts": (failing,)}),)})
    blocks = body(Report(replace(report.sources, verdict=verdict)))["fairness"]
    assert len(table(blocks, "Further measures by group: sex")) == 8
    assert [row[1] for row in table(blocks, "Further measures by group: dis")[:2]] == ["dis: 2", "dis: all groups"]


def test_a_group_that_fails_is_shown_among_very_many(tmp_path: Path) -> None:
    groups = {"region": {f"r{at}": 300 for at in range(40)}}
    sources = read(write_bundle(tmp_path, groups=groups))
    last = max(i for i, m in enumerate(sources.findings) if isinstance(m, Measurement) and m.part.get("region") == "r39"
               and m.name == "selection_rate_difference")  # fmt: skip
    part = PartRuling(part={"region": "r39"}, finding=last, state="fail", reason="")
    ruling = sources.verdict.rulings[0].model_copy(update={"parts": (part,)})
    report = Report(replace(sources, verdict=sources.verdict.model_copy(update={"rulings": (ruling,)})))
    rows = table(body(report)["fairness"], "Differences to everybody else: region")
    assert [row[0] for row in rows][:3] == ["r39", "r0", "r1"]
    assert len(rows) == 20


def test_that_no_group_is_declared_is_said_where_fairness_is_told_at_all(tmp_path: Path) -> None:
    index = measurement("theil_index", 0.1, check="individual_fairness")
    assert said(body(report_of(tmp_path, [index]))["fairness"]) == catalog()["no_groups"]
    assert said(body(report_of(tmp_path / "b", [index], groups=["sex"]))["fairness"]) == ""
    assert "fairness" not in body(report_of(tmp_path / "c", [measurement("accuracy", 0.9, check="performance")]))


def test_all_rows_stand_before_their_parts(tmp_path: Path) -> None:
    parts = [measurement("accuracy", 0.8, check="performance", part={"place": f"{at}"}) for at in range(30)]
    last = measurement("roc_auc", 0.9, check="performance")
    rows = table(body(report_of(tmp_path, [*parts, last]))["performance"], word("checks", "performance"))
    assert rows[0][0] == word("metrics", "roc_auc")


def test_what_is_said_of_all_rows_is_not_pushed_out_of_a_table_by_its_parts(tmp_path: Path) -> None:
    parts = [
        measurement("corrupted_accuracy", 0.9, check="corruptions", part={"corruption": f"noise {at}"})
        for at in range(40)
    ]
    whole = measurement("corruption_drop", 0.123, check="corruptions")
    robustness = body(report_of(tmp_path, [*parts, whole]))["robustness"]
    (shown,) = (block for block in robustness if isinstance(block, Table))
    assert shown.cut
    assert len(shown.rows) < 41
    assert any("0.123" in cell for cell in table(robustness, shown.caption)[0])
