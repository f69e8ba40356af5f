"""report.html at a screen: in Chromium, by keyboard, without a script, with nothing but the file."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from bundle_fixture import STATES, measurement, write_bundle
from hostile_fixture import SCRIPT, hostile_options
from page_reader import page

from govkit import core
from govkit.report import comparing, render
from govkit.report.anchors import findings, rulings
from govkit.report.html import without_script
from govkit.report.model import Report
from govkit.report.read import read
from govkit.report.standing import Standing

ROOT = Path(__file__).parents[3]
MODULES = ROOT / ".node/node_modules"
PROGRAM = ROOT / "tests/support/report_screen.cjs"
MOST_LINES = 200


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_bundle(tmp_path_factory.mktemp("plain"))
    render(folder, pdf=False)
    return folder


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_bundle(tmp_path_factory.mktemp("hostile"), **hostile_options())
    render(folder, pdf=False)
    return folder


@pytest.fixture(scope="module")
def seen(plain: Path, evil: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a browser saw; it is started once for all tests of this file."""
    assert (MODULES / "playwright-core").is_dir(), "make test installs the packages for node"
    browser = shutil.which("chromium")
    assert browser, "make test installs chromium"
    folder = tmp_path_factory.mktemp("others")
    render(plain, out=folder, pdf=False, profile="owner", standing=Standing("unverified", "A file was changed."))
    (folder / "compare.html").write_text(comparing.page(comparing.compare(read(plain), read(evil))), encoding="utf-8")
    pages = [*(str(one / "report.html") for one in (plain, evil, folder)), str(folder / "compare.html")]
    done = subprocess.run(["node", str(PROGRAM), browser, *pages], capture_output=True, text=True, check=False,
                          timeout=200, env={**os.environ, "NODE_PATH": str(MODULES)})  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_no_rule_of_accessibility_is_broken_in_light_and_dark_at_three_widths(seen: dict[str, Any]) -> None:
    looked = [look for look in seen["looks"] if "violations" in look]
    assert {look["place"] for look in looked} == {0, 1, 2, 3}
    assert {(look["colorScheme"], look["width"]) for look in looked if not look["place"]} == {
        (scheme, width) for scheme in ("light", "dark") for width in (360, 768, 1440)
    }
    assert [look for look in looked if look["violations"]] == []


def test_the_page_is_never_wider_than_the_screen_and_what_scrolls_can_be_focused(seen: dict[str, Any]) -> None:
    assert len(seen["looks"]) == 18
    assert max(look["wider"] for look in seen["looks"]) <= 0
    assert {look["stuck"] for look in seen["looks"]} == {0}
    assert any(look["scrolled"] for look in seen["looks"] if look["width"] == 360)


def test_figures_stand_on_white_where_the_page_is_dark(seen: dict[str, Any]) -> None:
    dark = [look for look in seen["looks"] if look["colorScheme"] == "dark" and look["place"] < 2]
    assert {tuple(look["panels"]) for look in dark} == {("rgb(255, 255, 255)",)}
    assert len({look["paper"] for look in seen["looks"]}) == 2


def test_one_file_is_asked_for_and_nothing_is_complained_of(seen: dict[str, Any]) -> None:
    assert set(seen["requests"]) == {1}
    assert seen["said"] == []


def test_every_control_is_reached_by_tab_and_seen_to_be(seen: dict[str, Any]) -> None:
    found = seen["keyboard"]
    assert found["stops"] > 100
    assert found["reached"] == found["stops"]
    assert found["bare"] == []
    assert found["first"] == "Skip to the sections"
    assert (found["enter"], found["space"]) == ("ascending", "descending")
    assert found["skipped"] == "main"


def test_without_a_script_the_page_says_the_same(seen: dict[str, Any]) -> None:
    without, whole = seen["without"], seen["with"]
    assert len(without["rows"]) > 200
    assert without["rows"] == whole["rows"]
    assert without["numbers"] == whole["numbers"]
    assert without["buttons"] == 0
    assert whole["buttons"] > len(STATES)


def test_rows_are_chosen_by_words_state_and_part(seen: dict[str, Any]) -> None:
    found = seen["choosing"]
    assert found["all"] == [f"control-{state[0]}" for state in STATES]
    assert found["text"] == ["control-LIC-01"]
    assert found["said"] == f"1 of {len(STATES)} rows are shown"
    assert found["reset"] == found["all"]
    assert found["state"] == [f"control-{id_}" for id_, state, *_ in STATES if state == "inconclusive"]
    assert len(found["part"]) == 8
    assert all("sex: Female" in row for row in found["part"])
    (one,) = found["together"]
    assert "−0.060" in one


def test_a_link_to_a_row_that_was_not_chosen_shows_it(seen: dict[str, Any]) -> None:
    assert "control-PERF-01" not in seen["choosing"]["state"]
    assert "control-PERF-01" in seen["choosing"]["linked"]


def test_a_browser_prints_every_row_and_no_control(seen: dict[str, Any]) -> None:
    assert seen["choosing"]["printed"] == {"controls": 0, "missing": 0}


def test_columns_are_sorted_by_the_value_and_back_again(seen: dict[str, Any]) -> None:
    before, up, down, after = (seen["sorting"][key] for key in ("before", "up", "down", "after"))
    values = [float(value) for value in before["values"]]
    assert any(0 < abs(value) < 0.001 for value in values)
    assert [float(value) for value in up["values"]] == sorted(values)
    assert [float(value) for value in down["values"]] == sorted(values, reverse=True)
    assert after["values"] == before["values"] != up["values"]
    assert [state["aria"] for state in (before, up, down, after)] == [None, "ascending", "descending", None]


@pytest.mark.parametrize(
    ("way", "told", "selected", "pasted"),
    [
        ("clipboard", "FAIR-01 is copied", "", "FAIR-01"),
        ("older", "FAIR-02 is copied", "", "FAIR-02"),
        ("none", "CAL-01 is selected: copy it with Ctrl+C or Cmd+C", "CAL-01", "FAIR-02"),
    ],
)
def test_an_id_is_copied_and_told(seen: dict[str, Any], way: str, told: str, selected: str, pasted: str) -> None:
    assert seen["copying"][way] == {"told": told, "selected": selected, "pasted": pasted}


def test_an_address_leads_to_its_row_and_marks_it(seen: dict[str, Any]) -> None:
    assert seen["linking"]["id"].startswith("finding-license-compatible-")
    assert seen["linking"]["inside"]
    assert seen["linking"]["marked"]


def test_hostile_text_stays_text_and_has_addresses_of_its_own(seen: dict[str, Any]) -> None:
    found = seen["hostile"]
    assert found["scripts"] == 1
    assert len(found["ids"]) == len(set(found["ids"])) > 150
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9._~-]*", id_) for id_ in found["ids"])
    assert len(found["chosen"]) == 8
    assert all(f"{SCRIPT}: {SCRIPT}" in row for row in found["chosen"])


def test_only_our_script_may_run_and_the_printed_page_has_none(plain: Path) -> None:
    text = (plain / "report.html").read_text(encoding="utf-8")
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (allowed,) = [value for _, _, value in page(plain).attributes if value.startswith("default-src")]
    assert allowed == f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'"
    assert len(script.splitlines()) <= MOST_LINES
    assert without_script(text).count("<script") == 0
    assert without_script(text).replace("\n", "") == text.replace(f"<script>{script}</script>", "").replace("\n", "")


def test_an_address_tells_what_was_asked_and_stays_when_the_answer_changes(tmp_path: Path) -> None:
    part = {"sex": "Female <b>", "label": "a"}
    first, moved, gone = (
        measurement("accuracy", 0.81, check="performance", part=part),
        measurement("accuracy", 0.79, 17, check="performance", part=part),
        core.Gap(check="performance", name="accuracy", reason="no data", part=part),
    )
    again = measurement("accuracy", 0.81, check="performance", part={**part, "sex": "Female (b)"})
    made = [
        findings(Report(read(write_bundle(tmp_path / str(place), extra=extra))))
        for place, extra in enumerate(([first], [moved], [gone], [first, first, again]))
    ]
    last = [[about.anchor for about in one.values()][-3:] for one in made]
    assert len({one[-1] for one in last[:3]}) == 1
    assert last[0][-1].startswith("finding-performance-accuracy-female-b-a-")
    assert last[3][0] == last[0][-1]
    assert last[3][1] == f"{last[0][-1]}~2"
    assert last[3][2].rsplit("-", 1)[0] == last[0][-1].rsplit("-", 1)[0]
    assert last[3][2] != last[0][-1]


def test_a_hostile_control_has_an_address_too(tmp_path: Path) -> None:
    names = ("A-1", '"><script>', '" ><script>', "", "A-1")

    def renamed(found: core.Verdict) -> core.Verdict:
        pairs = zip(names, found.rulings, strict=False)
        return found.model_copy(update={"rulings": tuple(r.model_copy(update={"control": n}) for n, r in pairs)})

    about = rulings(Report(read(write_bundle(tmp_path, verdict=renamed))))
    anchors = [one.anchor for one in about]
    assert [one.name for one in about] == list(names)
    assert len(set(anchors)) == len(names)
    assert (anchors[0], anchors[4]) == ("control-A-1", "control-A-1~2")
    assert all(re.fullmatch(r"control-[A-Za-z0-9~-]+", anchor) for anchor in anchors)
