"""Figures: each only where its findings exist, every text of the bundle, the same bytes, nothing cut off or hidden."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from bundle_fixture import measurement, write_bundle
from figures_fixture import attacks, everything, flips, licensed, moved
from hostile_fixture import TEXTS, hostile_options
from page_reader import evidence, walk

from govkit import core
from govkit.core.policy import Risk
from govkit.core.verdict import ResidualRisk
from govkit.report import render
from govkit.report.charts import Chart, choose
from govkit.report.charts.chart import tick
from govkit.report.escape import DRAWN
from govkit.report.figures import draw
from govkit.report.figures.canvas import WIDE
from govkit.report.figures.widths import fitted, width
from govkit.report.html import _NUMBER
from govkit.report.model import Report
from govkit.report.numbers import number
from govkit.report.read import read

USES = {"use": {"purpose": "Sorts letters.", "intent": ["internal", "distribute", "hosted", "commercial"]}}
KINDS = ("lineage", "licenses", "change", "flips", "groups-1", "groups-2", "reliability", "drift", "budget", "risks")


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that calls for every kind of figure."""
    return write_bundle(tmp_path_factory.mktemp("full"), extra=everything(), audit=USES)


def report_of(folder: Path, findings: Sequence[core.Finding] = (), **options: Any) -> Report:
    """A report on these findings alone."""
    sources = read(write_bundle(folder, **options))
    verdict = sources.verdict.model_copy(update={"rulings": ()})
    return Report(replace(sources, findings=tuple(findings), verdict=verdict))


def charts(report: Report) -> dict[str, Chart]:
    return {chart.key: chart for chart in choose(report)}


def texts(svg: bytes) -> list[str]:
    return [str(element.text or "") for element in tree(svg).iter() if element.tag.endswith("text")]


def tree(svg: bytes) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 -- our own file


def spans(svg: bytes) -> Iterator[tuple[float, float, float, str]]:
    """Left and right end, base line and words of each text, as wide as DejaVu Sans draws it."""
    for element in tree(svg).iter():
        if element.tag.endswith("text"):
            said, x = str(element.text or ""), float(element.get("x", ""))
            wide = width(said, float(element.get("font-size", "")))
            left = x - wide * {"start": 0.0, "middle": 0.5, "end": 1.0}[element.get("text-anchor", "start")]
            yield left, left + wide, float(element.get("y", "")), said


def test_each_figure_stands_where_its_findings_are_and_nowhere_else(full: Path, tmp_path: Path) -> None:
    assert tuple(charts(Report(read(full)))) == KINDS
    risk_free = {"policy": lambda found: found.model_copy(update={"risks": ()}), "without_run": True}
    assert charts(report_of(tmp_path / "none", **risk_free)) == {}
    for kind, findings in (("flips", flips()), ("budget", attacks()), ("drift", moved())):
        assert tuple(charts(report_of(tmp_path / kind, findings, **risk_free))) == (kind,)
    words = [finding.model_copy(update={"value": "none"}) for finding in (*flips(), *attacks(), *moved())]
    assert charts(report_of(tmp_path / "words", words, **risk_free)) == {}


def test_the_same_bytes_in_another_process(full: Path, tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from govkit.report import render; "
        "render(pathlib.Path(sys.argv[1]), out=pathlib.Path(sys.argv[2]), pdf=False)"
    )
    environment = {**os.environ, "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "3"}
    subprocess.run([sys.executable, "-c", program, full, tmp_path], check=True, env=environment)
    for chart in choose(Report(read(full))):
        assert (tmp_path / "figures" / f"{chart.key}.svg").read_bytes() == draw(chart)
        assert json.loads((tmp_path / "tables" / f"{chart.key}.json").read_bytes()) == chart.table


def test_every_number_in_a_figure_is_in_its_table_or_a_tick_of_it(full: Path) -> None:
    for chart in choose(Report(read(full))):
        table = chart.table
        leaves = list(walk(json.loads(json.dumps(table))))
        strings = [leaf for leaf in leaves if isinstance(leaf, str)]
        known = {match.group() for leaf in strings for match in _NUMBER.finditer(leaf)}
        for leaf in leaves:
            if isinstance(leaf, int | float) and not isinstance(leaf, bool):
                known |= {number(leaf, signed=signed).text for signed in (True, False)}
        known |= {tick(value) for ticks in table["ticks"].values() for value in ticks}
        for said in texts(draw(chart)):
            orphans = [match.group() for match in _NUMBER.finditer(said) if match.group() not in known]
            assert orphans == [] or any(said in leaf for leaf in strings), (chart.key, said)


def test_the_numbers_of_a_table_are_those_of_the_bundle(full: Path) -> None:
    numbers, _ = evidence(full)
    for chart in choose(Report(read(full))):
        table = chart.table
        leaves = walk([table["rows"], table["limits"]])
        found = {json.dumps(x) for x in leaves if isinstance(x, int | float) and not isinstance(x, bool)}
        assert {x for x in found if x not in numbers and x not in {f"{n}.0" for n in numbers}} == set(), chart.key


def test_words_for_those_who_cannot_see_hold_the_main_numbers(full: Path) -> None:
    alts = {chart.key: chart.picture.alt for chart in choose(Report(read(full)))}
    for key, says in (
        ("change", "accuracy: its base 0.812, this model 0.851, the model in service 0.846"),
        ("flips", "its base: lost 0.031, won 0.070"),
        ("groups-2", "selection rate, difference to the rest: Female −0.060"),
        ("reliability", "calibration error 0.031"),
        ("drift", "column 7 0.210"),
        ("budget", "accuracy under the worst of all attacks of the tier 0.420 (suspect)"),
        ("lineage", "made the model Income classifier 2026"),
        ("licenses", "all parts together: unknown"),
        ("risks", "R-01: high, then high"),
    ):
        assert says in alts[key]


def test_states_limits_and_counts_are_words_beside_the_groups(full: Path) -> None:
    said = texts(draw(charts(Report(read(full)))["groups-2"]))
    assert {"limit −0.100, 0.100", "limit −0.150", "✕ fail", "◇ not settled", "n 2,712", "n 5,431"} <= set(said)


def test_a_suspect_point_is_hollow_and_says_so(tmp_path: Path) -> None:
    svg = draw(charts(report_of(tmp_path, attacks()))["budget"])
    said = texts(svg)
    assert "this model: 0.420  ✕ suspect".replace("  ", " ") in " ".join(said).replace("  ", " ")
    assert "this model: 0.550  ○ not evaluated".replace("  ", " ") in " ".join(said).replace("  ", " ")
    marks = [e for e in tree(svg).iter() if e.get("class") == "mark" and e.get("stroke-width") == "1.2"]
    hollow = sum(mark.get("fill") == "#ffffff" for mark in marks)
    # Four suspect points and one not evaluated, and the same five beside the names of the lines.
    assert hollow == 10
    assert {"0.010, gate", "0.031, gate", "usual size, smoke", "no attack"} <= set(said)


def test_attacks_on_numbers_show_errors_on_a_scale_of_their_own(tmp_path: Path) -> None:
    params = {"eps": 0.1, "norm": "linf", "tier": "gate"}
    more: dict[str, Any] = {"check": "number_attacks", "params": params, "width": 0.4}
    errors = [
        measurement("clean_error", 2.1, 64, **more),
        measurement("attacked_error", 9.2, 64, trust="trusted", **more),
    ]
    chart = charts(report_of(tmp_path, errors))["budget"]
    assert chart.axes["number_attacks linf"].ticks == (0.0, 5.0)
    assert "mean absolute error under the worst of all attacks of the tier 9.200 (trusted)" in chart.picture.alt


def test_rows_to_measure_on_are_told_from_rows_that_the_run_could_learn_from(tmp_path: Path) -> None:
    report = report_of(tmp_path)
    assert report.sources.run is not None
    (source,) = report.sources.run.data
    data = tuple(source.model_copy(update={"role": role}) for role in ("test", "train"))
    chart = charts(Report(replace(report.sources, run=report.sources.run.model_copy(update={"data": data}))))["lineage"]
    assert [row["role"] for row in chart.facts] == ["base", "train", "test", "run", "model"]
    assert draw(chart).count(b"stroke-dasharray") == 2


def test_margins_of_the_flips_are_shown_for_the_same_rows_only(tmp_path: Path) -> None:
    both = [
        measurement("accuracy", value, check="performance", of=of) for of, value in (("base", 0.8), ("candidate", 0.9))
    ]
    assert {"0.800", "0.900"} <= set(texts(draw(charts(report_of(tmp_path / "a", [*flips(), *both]))["flips"])))
    other = [m.model_copy(update={"n": 17}) for m in both]
    assert {"0.800", "0.900"} & set(
        texts(draw(charts(report_of(tmp_path / "b", [*flips(), *other]))["flips"]))
    ) == set()


def test_the_licenses_are_shown_only_where_the_rules_give_the_signed_answer(tmp_path: Path) -> None:
    assert "licenses" in charts(report_of(tmp_path / "a", licensed("unknown"), audit=USES))
    assert "licenses" not in charts(report_of(tmp_path / "b", licensed("allow"), audit=USES))
    assert "licenses" not in charts(report_of(tmp_path / "c", audit=USES))


def test_risks_move_from_where_they_were_declared_to_their_level(tmp_path: Path) -> None:
    declared = [Risk(id=f"R-{at}", description="x", impact=4, likelihood=3) for at in range(5)]
    more: dict[str, Any] = {"inherent": "high", "residual": "medium", "measured": True, "reason": ""}
    after = tuple(ResidualRisk(id=risk.id, description="x", **more) for risk in declared)
    report = report_of(
        tmp_path,
        policy=lambda found: found.model_copy(update={"risks": tuple(declared)}),
        verdict=lambda found: found.model_copy(update={"risks": after}),
    )
    said = texts(draw(charts(report)["risks"]))
    assert said.count("R-0") == 2
    assert said.count("and more") == 2
    assert "R-4" not in said


@pytest.mark.parametrize("kind", ["groups", "columns"])
def test_very_many_lines_are_cut_and_said_to_be(tmp_path: Path, kind: str) -> None:
    if kind == "groups":
        report = Report(read(write_bundle(tmp_path, groups={"region": {f"r{at}": 300 for at in range(500)}})))
        chart = charts(report)["groups-1"]
        assert (len(chart.findings), chart.more) == (1500, 480)
    else:
        chart = charts(report_of(tmp_path, moved(60)))["drift"]
        assert (len(chart.findings), chart.more) == (61, 31)
        assert "and 31 more" in texts(draw(chart))
    svg = draw(chart)
    assert svg.count(b'class="mark"') <= 300
    assert len(svg) < 60_000
    assert float(re.findall(rb'height="([\d.]+)pt"', svg)[0]) < 800


def test_sources_beyond_the_twelfth_are_counted(tmp_path: Path) -> None:
    report = report_of(tmp_path)
    assert report.sources.run is not None
    (source,) = report.sources.run.data
    run = report.sources.run.model_copy(update={"data": (source,) * 20})
    chart = charts(Report(replace(report.sources, run=run)))["lineage"]
    said = texts(draw(chart))
    assert "and 8 more" in said
    assert sum(text.startswith("training rows") for text in said) == 12
    assert len(chart.facts) == 23


@pytest.mark.parametrize("options", [{}, hostile_options()], ids=["plain", "hostile"])
def test_nothing_is_cut_off_or_written_over_something_else(tmp_path: Path, options: dict[str, Any]) -> None:
    extra = [*options.pop("extra", []), *everything(), *moved_with(TEXTS)]
    report = Report(read(write_bundle(tmp_path, extra=extra, **options)))
    for chart in choose(report):
        svg = draw(chart)
        height = float(re.findall(rb'height="([\d.]+)pt"', svg)[0])
        placed = list(spans(svg))
        assert min(left for left, *_ in placed) >= -1.0, chart.key
        assert max(right for _, right, *_ in placed) <= WIDE + 1.0, chart.key
        assert all(5.0 < y <= height for *_, y, _ in placed), chart.key
        for at, (left, right, y, said) in enumerate(placed):
            touched = [other for *ends, line, other in placed[at + 1 :]
                       if abs(line - y) < 6 and min(right, ends[1]) - max(left, ends[0]) > 1.0]  # fmt: skip
            assert touched == [], (chart.key, said)


def moved_with(names: Sequence[str]) -> list[core.Finding]:
    return [measurement("wasserstein", 0.5, check="drift", part={"column": name}) for name in names]


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    options = hostile_options()
    options["extra"] = [*options["extra"], *everything(), *moved_with(TEXTS)]
    for chart in choose(Report(read(write_bundle(tmp_path, **options)))):
        svg = draw(chart)
        assert {element.tag.rsplit("}")[-1] for element in tree(svg).iter()} <= {
            "svg",
            "path",
            "rect",
            "circle",
            "text",
        }
        assert svg.isascii()
        assert b"\x1b" not in svg
        names = {name for element in tree(svg).iter() for name in element.attrib}
        assert not [name for name in names if name.startswith("on") or "href" in name]


def test_numbers_without_end_stay_on_the_page(tmp_path: Path) -> None:
    wide = measurement("wasserstein", 1.7e308, width=0, check="drift", part={"column": "a"})
    low = measurement("wasserstein", -1.7e308, width=0, check="drift", part={"column": "b"})
    svg = draw(charts(report_of(tmp_path, [wide, low]))["drift"]).decode()
    assert "inf" not in svg
    assert "nan" not in svg


def test_a_text_is_as_wide_as_its_font_draws_it() -> None:
    ft2font = importlib.import_module("matplotlib.ft2font")
    font_manager = importlib.import_module("matplotlib.font_manager")
    font = ft2font.FT2Font(font_manager.findfont("DejaVu Sans", fallback_to_default=False))
    font.set_size(2048, 72)
    for low, high in DRAWN[1:]:
        for code in range(low, high + 1):
            true = font.load_char(code, ft2font.LoadFlags.NO_HINTING).linearHoriAdvance / 65536 / 2048
            assert true - 1e-6 <= width(chr(code), 1.0) <= true + 0.0501, chr(code)


def test_a_long_text_is_cut_where_there_is_no_room() -> None:
    assert fitted("short", 8, 100) == "short"
    assert fitted("W" * 50, 8, 60).endswith("…")
    assert width(fitted("W" * 50, 8, 60), 8) <= 60


def test_the_report_shows_every_figure_where_it_belongs(full: Path, tmp_path: Path) -> None:
    render(full, out=tmp_path, pdf=False)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert html.count("<figure") == len(KINDS)
    places = [
        html.index(f'alt="{title}') for title in ("Where this", "What each", "Right and", "How far", "Answers under")
    ]
    assert places == sorted(places)
