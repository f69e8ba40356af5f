"""A bundle on a terminal: everything is there, nothing is wider than the screen, no text acts on it."""

from __future__ import annotations

import math
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from bundle_fixture import measurement, write_bundle
from hostile_fixture import hostile_options

from govkit import core
from govkit.report import words
from govkit.report.asked import spoken
from govkit.report.escape import clean, sentences, short
from govkit.report.read import read
from govkit.report.terminal import Seen, Wish, lettered, lines
from govkit.report.terminal.paper import beside, broken, cells, columns
from govkit.report.terminal.pictures import heights, interval
from govkit.report.terminal.seen import title
from govkit.report.terminal.series import series

WIDTHS = (60, 80, 120)


def seen(folder: Path) -> Seen:
    sources = read(folder)
    base = str(sources.run.base.id.value) if sources.run else ""
    return Seen(sources, name=sources.audit.name, base=base, passes=sources.measured["passes"], place=str(folder))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return seen(write_bundle(tmp_path_factory.mktemp("plain")))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return seen(write_bundle(tmp_path_factory.mktemp("hostile"), **hostile_options()))


def text(found: Seen, **wished: Any) -> str:
    return "\n".join(line for line, _ in lines(found, Wish(**wished)))


def flat(found: str) -> str:
    return " ".join(found.split())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("which", ["plain", "hostile"])
def test_no_line_is_wider_than_the_terminal_and_none_acts_on_it(
    which: str, width: int, request: pytest.FixtureRequest
) -> None:
    for line, _ in lines(request.getfixturevalue(which), Wish(all=True, width=width)):
        assert cells(line) <= width, line
        assert line.isprintable()
        assert not {unicodedata.bidirectional(character) for character in line} & {"RLO", "LRO", "RLE", "RLI", "PDF"}


def test_page_one_says_what_was_judged_by_what_when_and_that_nothing_is_proved(plain: Seen) -> None:
    said = flat(text(plain, width=120))
    for part in ("✕ BLOCK", "Income classifier 2026", "This model must not go into service.", "acme.income 1.2.0",
                 "2026-11-24T00:00:00Z", "acme/tabular-base", "read, not proved", "`govkit verify`"):  # fmt: skip
        assert part in said
    assert "2 ✕ fail" in said
    assert "✕✕" in said


def test_a_verdict_that_was_not_enforced_says_so(tmp_path: Path) -> None:
    assert "NOT ENFORCED" in text(seen(write_bundle(tmp_path / "b", enforced=False)))


@pytest.mark.parametrize("width", WIDTHS)
def test_every_open_point_and_every_gap_stands_there_with_what_to_do_or_why(plain: Seen, width: int) -> None:
    said = flat(text(plain, all=True, width=width))
    told = spoken(plain)
    for entry in plain.open_points:
        ruling = entry.ruling
        assert flat(f"{ruling.control} {sentences(ruling.title, 160)}")[:30] in said
        assert flat(told[ruling.control][0]) in said
        assert f"To do: {flat(told[ruling.control][1])}" in said
    gaps = [each for each in plain.sources.findings if isinstance(each, core.Gap)]
    assert gaps
    narrow = flat(text(plain, all=True, width=60))
    for gap in gaps:
        assert clean(gap.detail) in narrow
        assert f"{words.word('reasons', gap.reason)}." in narrow.lower()


def test_every_measurement_has_a_line_with_its_value_and_its_rows(plain: Seen) -> None:
    said = flat(text(plain, all=True, width=60))
    for found in plain.measurements:
        assert flat(title(found)) in said
    assert said.count("n 8,143") >= sum(found.n == 8143 for found in plain.measurements if found.is_number)


def test_what_is_left_out_is_counted_and_the_option_that_shows_it_is_named(plain: Seen) -> None:
    said = text(plain, width=120)
    assert len(said) < len(text(plain, all=True, width=120)) / 2
    own = [m for m in plain.measurements if m.check == "performance"]
    assert f"{len(own) - 5} more of this check: --all --check performance" in said
    assert "more" not in text(plain, all=True, width=120).split("Measured")[1].split("Read on")[0]


def test_a_state_brings_only_what_is_judged_like_it(plain: Seen) -> None:
    said = text(plain, state="fail", all=True, width=120)
    assert "FAIR-01" in said
    assert "DATA-01" not in said
    assert "PERF-01" not in said
    judged = [entry for entry in plain.entries if entry.ruling.state == "fail"]
    assert said.count("To do:") == len(judged)


def test_a_check_brings_only_what_it_found(plain: Seen) -> None:
    said = text(plain, check="calibration", all=True, width=120)
    assert "CAL-01" in said
    assert "FAIR-01" not in said
    assert "(calibration)" in said
    assert "(performance)" not in said


def test_nothing_of_a_kind_is_said_aloud(plain: Seen) -> None:
    assert "Nothing in this bundle" in text(plain, check="performance", state="missing")


def test_the_models_stand_side_by_side_with_what_the_paired_difference_says_of_this_one(tmp_path: Path) -> None:
    better = {"better": "higher", "check": "performance", "width": 0.006}
    extra = [
        *(measurement("recall", each, of=of, check="performance", better="higher")
          for of, each in (("candidate", 0.8), ("base", 0.7), ("incumbent", 0.9))),
        measurement("recall", 0.1, compared_with="base", **better),
        measurement("recall", -0.1, compared_with="incumbent", **better),
    ]  # fmt: skip
    found = seen(write_bundle(tmp_path / "b", extra=extra))
    row = next(line for line in text(found, all=True, width=120).splitlines() if "0.700 " in line)
    assert flat(row).startswith("recall") or "0.700 ▲→ 0.800 ←▼ 0.900" in flat(row)
    assert "0.700 ▲→ 0.800 ←▼ 0.900" in flat(row)


def test_a_difference_without_a_better_side_cannot_be_compared(plain: Seen) -> None:
    row = next(line for line in text(plain, all=True, width=120).splitlines() if "0.812" in line)
    assert "0.812 –→ 0.851 ←– 0.846" in flat(row)


def test_equal_bundles_read_alike(plain: Seen, tmp_path: Path) -> None:
    again = seen(write_bundle(tmp_path / "b"))
    told = [text(each, all=True).replace(each.place, "") for each in (plain, again)]
    assert told[0] == told[1]


@pytest.mark.parametrize("which", ["plain", "hostile"])
def test_a_small_alphabet_is_enough(which: str, request: pytest.FixtureRequest) -> None:
    for line, _ in lines(request.getfixturevalue(which), Wish(all=True)):
        lettered(line, "ascii").encode("ascii")
        lettered(line, "latin-1").encode("latin-1")
        assert lettered(line, "utf-8") == line


def test_shapes_become_letters_of_the_same_width() -> None:
    drawn = interval(0.5, (0.4, 0.6), (0.8,), (0.0, 1.0)) + heights([1, 2, None, 3])
    assert len(lettered(drawn, "ascii")) == len(drawn)
    assert "\\u" not in lettered(drawn, "ascii")
    marks = "".join(entry["shape"] for entry in words.catalog()["states"].values())
    assert len(set(lettered(marks, "ascii"))) == len(marks), "no two states look alike"


@pytest.mark.parametrize(
    ("value", "ends", "limits", "drawn"),
    [
        (0.5, (0.25, 0.75), (), "──┤━●━├──"),
        (0.5, (0.25, 0.75), (1.0,), "──┤━●━├─│"),
        (0.5, (0.25, 0.75), (0.375,), "──┤╋●━├──"),
        (0.5, (0.5, 0.5), (0.5,), "────◉────"),
        (0.5, None, (0.0, 1.0), "│───●───│"),
        (0.5, (0.25, math.inf), (), "──┤━●━━━━"),
        (0.5, (-math.inf, math.inf), (), "━━━━●━━━━"),
        (9.0, (7.0, 11.0), (), "────────●"),
    ],
)
def test_an_interval_is_drawn_beside_its_limits(
    value: float, ends: tuple[float, float] | None, limits: tuple[float, ...], drawn: str
) -> None:
    assert interval(value, ends, limits, (0.0, 1.0), width=9) == drawn


def test_an_axis_without_a_length_shows_nothing() -> None:
    assert interval(3.0, (3.0, 3.0), (), (3.0, 3.0)) == ""


def test_very_large_numbers_have_a_place() -> None:
    assert len(interval(1e308, (-1.7e308, 1.7e308), (0.0,), (-1.7e308, 1.7e308))) == 15


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], ""),
        ([7.0], "▅"),
        ([2.0, 2.0, 2.0], "▅▅▅"),
        ([0.0, 1.0], "▁█"),
        ([-1.0, 0.0, 1.0], "▁▅█"),
        ([0.0, None, 7.0], "▁·█"),
        ([None, None], "··"),
        ([-1e308, 1e308], "▁█"),
    ],
)
def test_values_are_drawn_from_the_lowest_to_the_highest(values: list[float | None], drawn: str) -> None:
    assert heights(values) == drawn


def test_groups_with_a_gap_keep_their_place_in_a_series() -> None:
    rows: list[core.Finding] = [
        measurement("selection_rate", each, check="fairness", part={"race": name})
        for name, each in (("a", 0.1), ("b", 0.2), ("c", 0.3))
    ]
    rows.insert(1, core.Gap(check="fairness", name="selection_rate", part={"race": "few"}, reason="too few rows"))
    (made,) = series(rows, frozenset())
    assert [name for name, _ in made.points] == ["a", "few", "b", "c"]
    assert made.points[1][1] is None
    assert [name for name, _ in made.ends] == ["a", "c"]
    assert made.known == 3


def test_budgets_of_an_attack_are_a_series_from_the_smallest() -> None:
    rows = [
        measurement("robust_accuracy", each, check="adversarial", params={"eps": eps})
        for eps, each in ((0.3, 0.1), (0.1, 0.8), (0.2, 0.5))
    ]
    (made,) = series(rows, frozenset({"eps"}))
    assert [name for name, _ in made.points] == ["0.100", "0.200", "0.300"]
    assert "over eps" in made.title
    assert heights([float(each.value) for _, each in made.points if each]) == "█▅▁"


def test_groups_and_bins_have_pictures_of_their_own(plain: Seen) -> None:
    said = flat(text(plain, width=120))
    assert "selection rate, over race" in said
    assert "over bin" in said


def test_a_series_of_very_many_values_fits(tmp_path: Path) -> None:
    groups = {"place": {f"group {number}": 300 + number for number in range(200)}}
    found = seen(write_bundle(tmp_path / "b", groups=groups))
    for width in WIDTHS:
        assert all(cells(line) <= width for line, _ in lines(found, Wish(width=width)))


def test_long_and_wide_texts_break_at_words_where_they_can() -> None:
    assert broken("one two three", 7) == ["one two", "three"]
    assert broken("日本語日本語", 6) == ["日本語", "日本語"]
    assert broken("W" * 10_000, 100) == ["W" * 100] * 100
    assert "".join(broken(f"a {'b' * 30} c", 10)).replace(" ", "") == f"a{'b' * 30}c"
    assert cells("e\u0301") == 1
    assert list(columns((("one two", 3, False), ("x", 4, True)))) == [("  one     x", ""), ("  two", "")]
    assert list(beside(("aa", "", "bb", "cc"), 12)) == [("    aa  bb", ""), ("    cc", "")]


def test_a_name_of_ten_thousand_characters_is_cut_aloud(tmp_path: Path) -> None:
    found = seen(write_bundle(tmp_path / "b", audit={"name": "N" * 10_000}))
    said = text(found, width=60)
    assert short("N" * 10_000)[-20:] in flat(said)
    assert said.count("N" * 10) < 100
