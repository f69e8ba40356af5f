"""The same facts for the owner, the engineer, the auditor and the regulator; marked where nobody may rely on them."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from bundle_fixture import measurement, write_bundle
from page_reader import Page, evidence, page, walk
from reading_level import grade

import govkit as gk
from govkit import core
from govkit.core.policy import NotMeasured, Requirement, Risk
from govkit.core.verdict import Cell, PartRuling
from govkit.errors import UsageError
from govkit.report import PROFILES, Standing, _sections, render, words
from govkit.report.charts import choose
from govkit.report.html import _NUMBER
from govkit.report.language import speaking as speaking_in
from govkit.report.model import Report
from govkit.report.numbers import number, out_of, points, size, whole_of
from govkit.report.profiles.index import speaking
from govkit.report.profiles.owner import means
from govkit.report.read import read
from govkit.resources import find, load

WHOLES = (100, 1_000, 10_000)
OWNER = """\
Income classifier 2026
BLOCK
This model must not go into service.
Sorts letters about income support; a person reads each of them.
Who it is not for
Deciding without a person.
No group is selected far less often than everybody else ✕ fail
For race Other the share that gets a yes is about 8 in 100 lower than for everybody else. A gap of at most \
10 in 100 is allowed. Also open: sex Female; race Asian-Pac-Islander and more.
Sure enough to count. Going by 66 cases, it lies between about 19 in 100 lower and about 3 in 100 higher.
People in one group get a yes less or more often than all others. Some may lose out for who they are.
Look at the groups that fail, gather more rows of them, or choose another limit with reason.
Test rows are not among the training rows ! error
The check crashed; its log says where.
Nothing is known. That never counts as good.
The numbers on this page may be kinder than real life.
Remove the overlapping rows from the test set and measure again.
The licenses allow the declared use □ missing
The right to use it is not clear. Someone may ask you to stop.
Supply the evidence that the control asks for, then audit again.
Give this page to those who built or sold you the model. Ask for what stands under “What to do”, then for a new audit. \
More points are open. The full report lists them.
Hidden triggers: cannot be measured on this model.
Feedback loops: the model is not in service yet.
Independent review: V. Validator signed on 2026-11-19.
M. Risk lets this point stand until 2027-02-01: Stated probabilities come true
govkit verify BUNDLE --model DIR --trust trust.yaml
"""
"""What somebody who opens the page cold has to find, in this order: verdict, three open points, what to do, gaps."""


def made(bundle: Path, out: Path, profile: str, *, standing: Standing | None = None, pdf: bool = False) -> Path:
    out.mkdir()
    render(bundle, out=out, pdf=pdf, profile=profile, standing=standing)
    return out


def lines(folder: Path) -> list[str]:
    """What a reader sees of the page, a line each."""
    text = (folder / "report.html").read_text(encoding="utf-8").split("<body")[1].split("<script>")[0]
    text = re.sub(r"</(?:p|li|dd|dt|h\d|div|td|th|caption|tr)>|^[^<]*>", "\n", text)
    shown = html.unescape(re.sub(r"<[^>]+>", "", text))
    return [" ".join(line.split()) for line in shown.splitlines() if line.strip()]


def printed(folder: Path) -> list[str]:
    """The text of each page, as pdftotext has it."""
    raw = subprocess.run(["pdftotext", folder / "report.pdf", "-"], capture_output=True, check=True).stdout
    return raw.decode().split("\f")[:-1]


def keys(folder: Path) -> list[str]:
    found = page(folder)
    return [value for tag, name, value in found.attributes if (tag, name) == ("section", "id")]


@pytest.fixture(scope="module")
def folders(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of each profile."""
    place = tmp_path_factory.mktemp("profiles")
    return {name: made(bundle, place / name, name) for name in PROFILES}


def test_the_owner_finds_verdict_three_risks_and_what_to_do(folders: dict[str, Path]) -> None:
    shown = lines(folders["owner"])
    place = 0
    for expected in OWNER.splitlines():
        found = [at for at in range(place, len(shown)) if expected in shown[at]]
        assert found, expected
        place = found[0]
    assert sum(line == "What to do" for line in shown) == 3


def test_the_page_of_the_owner_is_easy_to_read(folders: dict[str, Path]) -> None:
    told = [line for line in lines(folders["owner"]) if "govkit verify" not in line]
    assert grade("\n".join(told)) <= 9
    sentences = [line for line in told if line.endswith(".")]
    assert len(sentences) > 20
    assert grade("\n".join(sentences)) <= 9


def _leaves_of(found: Any) -> list[str]:
    if isinstance(found, str):
        return [found]
    return [leaf for each in (found.values() if isinstance(found, dict) else found) for leaf in _leaves_of(each)]


def test_what_the_catalog_says_to_owners_is_easy_to_read() -> None:
    says = words.catalog()["profiles"]["owner"]
    told = [says[key] for key in ("no_excluded", "more", "no_gaps", "not_proof", "numbers", "check", "more_gaps")]
    told += [says["hand_over"]]
    told += _leaves_of([says["sure"], says["outcomes"], says["means"]])
    told += [f"{each.rstrip('.')}." for each in says["plainly"].values()]
    assert grade("\n".join(told)) <= 6
    assert all(grade(each) <= 9 for each in told)


def test_plainer_words_are_kept_only_for_sentences_that_a_pack_still_says() -> None:
    packs = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in find("policies").glob("*.yaml"))
    said = {" ".join(str(leaf).split()) for leaf in walk(list(packs))}
    says = words.catalog()["profiles"]["owner"]
    for sentence in (*says["plainly"], *says["general"]):
        risk, _, reason = sentence.partition(": ")
        assert sentence in said or (risk in said and any(each.startswith(reason) for each in said)), sentence


MISSED = {
    ("en", "below"): "In the group named first, more of those who should get a yes are missed.",
    ("en", "above"): "Outside the group named first, more of those who should get a yes are missed.",
    ("es", "below"): "En el primer grupo nombrado se pasa por alto a más de quienes deberían recibir un sí.",
    ("es", "above"): "Fuera del primer grupo nombrado se pasa por alto a más de quienes deberían recibir un sí.",
}
BLAMED = {
    "below": "Outside the group named first, a false yes comes more often.",
    "above": "In the group named first, a false yes comes more often.",
}
WRONG = {
    "below": "The model is wrong about the group named first more often than about all others.",
    "above": "The model is wrong about all others more often than about the group named first.",
}


def apart(folder: Path, metric: str, values: dict[str, float], **more: Any) -> Report:
    """A bundle whose control FAIR-02 asks that of these groups, and all of them fail."""
    extra = [measurement(metric, own, check="fairness", part={"site": name}, **more) for name, own in values.items()]

    def policy(found: core.Policy) -> core.Policy:
        asked = {"metric": metric, "require": Requirement(min=-0.1, max=0.1), **more}
        own = [each.model_copy(update=asked if each.id == "FAIR-02" else {}) for each in found.controls]
        return found.model_copy(update={"controls": tuple(own)})

    def verdict(found: core.Verdict) -> core.Verdict:
        first = found.coverage.findings + found.coverage.gaps - len(extra)
        parts = [PartRuling(part=each.part, finding=first + at, state="fail") for at, each in enumerate(extra)]
        told = {"metric": metric, "state": "fail", "parts": tuple(parts)}
        own = [each.model_copy(update=told if each.control == "FAIR-02" else {}) for each in found.rulings]
        return found.model_copy(update={"rulings": tuple(own)})

    return Report(read(write_bundle(folder, extra=extra, policy=policy, verdict=verdict)))


def meant(report: Report, control: str = "FAIR-02") -> str:
    (entry,) = (each for each in report.entries if each.ruling.control == control)
    return means(entry, report)


@pytest.mark.parametrize(
    ("values", "side"),
    [
        ({"north": -0.22}, "below"),
        ({"north": 0.26}, "above"),
        ({"north": -0.2, "south": 0.3}, "above"),
        ({"north": -0.31, "south": 0.3, "west": 0.2}, "below"),
        ({"north": 0.22, "south": -0.22}, "below"),
    ],
)
def test_what_a_gap_means_is_true_of_the_group_that_is_told_first(
    tmp_path: Path, values: dict[str, float], side: str
) -> None:
    other = {"below": "above", "above": "below"}[side]
    missed = apart(tmp_path / "a", "true_positive_rate_difference", values)
    for code in ("en", "es"):
        with speaking_in(code):
            assert meant(missed).startswith(MISSED[code, side])
    assert meant(apart(tmp_path / "b", "false_negative_rate_difference", values)).startswith(MISSED["en", other])
    assert meant(apart(tmp_path / "c", "false_positive_rate_difference", values)).startswith(BLAMED[side])
    assert meant(apart(tmp_path / "d", "accuracy_difference", values)) == WRONG[side]


def test_a_gap_that_only_moved_since_the_base_says_nothing_of_who_is_missed_more(tmp_path: Path) -> None:
    report = apart(tmp_path, "true_positive_rate_difference", {"north": -0.22}, compared_with="base")
    assert meant(report) == "It may treat some groups of people worse than others."


def test_a_risk_of_a_pack_gives_way_where_it_need_not_hold(tmp_path: Path) -> None:
    """A model that is less sure than it should be is off too, and a license in doubt forbids nothing yet."""
    surer, forbidden = "The model sounds surer than it is", "The model may not be used or passed on"
    told = {surer: "CAL-01", forbidden: "LIC-01", "Offers are late": "PERF-01"}
    risks = tuple(
        Risk(id=f"R-{at}", description=what, affected="people", impact=3, likelihood=3, controls=(control,))
        for at, (what, control) in enumerate(told.items())
    )
    bundle = write_bundle(tmp_path, policy=lambda found: found.model_copy(update={"risks": risks}))
    report = Report(read(bundle))
    assert meant(report, "CAL-01").startswith("When it says how sure it is, that may be off.")
    assert meant(report, "LIC-01") == "The right to use it is not clear. Someone may ask you to stop."
    assert meant(report, "PERF-01") == "Offers are late (people)."
    with speaking_in("es"):
        assert meant(report, "CAL-01").startswith("Cuando dice qué tan seguro está, puede no ser así.")
        assert meant(report, "LIC-01").startswith("No está claro el derecho a usarlo.")


def test_licenses_that_forbid_the_use_are_told_harder_than_licenses_in_doubt(tmp_path: Path) -> None:
    extra = [measurement("composition", "deny", width=0, check="license", data=None)]

    def verdict(found: core.Verdict) -> core.Verdict:
        last = found.coverage.findings + found.coverage.gaps - 1
        told = {"metric": "composition", "state": "fail", "parts": (PartRuling(part={}, finding=last, state="fail"),)}
        own = [each.model_copy(update=told if each.control == "LIC-01" else {}) for each in found.rulings]
        return found.model_copy(update={"rulings": tuple(own)})

    report = Report(read(write_bundle(tmp_path, extra=extra, verdict=verdict)))
    assert meant(report, "LIC-01").startswith("As the licenses stand, you may not use it")


def test_what_a_pack_does_not_measure_is_told_in_plain_words_of_each_language(tmp_path: Path) -> None:
    shipped = load("policies", "nist-ai-rmf-core.yaml")["not_measured"]
    known = tuple(NotMeasured(risk=each["risk"], reason=each["reason"]) for each in shipped)
    bundle = write_bundle(tmp_path / "b", policy=lambda found: found.model_copy(update={"not_measured": known}))
    for code in ("en", "es"):
        (tmp_path / code).mkdir()
        render(bundle, out=tmp_path / code, pdf=False, profile="owner", language=code)
        shown = set(lines(tmp_path / code))
        with speaking_in(code):
            plain = words.catalog()["profiles"]["owner"]["plainly"]
        whole = [sentence for sentence in plain if any(sentence.startswith(f"{each.risk}: ") for each in known)]
        assert len(whole) == 4
        assert {plain[sentence] for sentence in whole} <= shown


def test_the_page_of_the_owner_is_one_page(bundle: Path, tmp_path: Path) -> None:
    pages = printed(made(bundle, tmp_path / "o", "owner", pdf=True))
    assert len(pages) == 1
    assert "How to check" in pages[0]
    assert "…" not in pages[0]


@pytest.mark.parametrize("name", PROFILES)
def test_every_number_is_of_the_bundle_and_only_formed(bundle: Path, folders: dict[str, Path], name: str) -> None:
    numbers, strings = evidence(bundle)
    found = page(folders[name])
    assert {raw for raw, _ in found.data if raw not in numbers and raw not in strings} == set()
    for raw, text in found.data if name == "owner" else ():
        forms = {raw}
        if raw in numbers:
            value = json.loads(raw)
            forms |= {form(value).text for form in (number, points, size)}
            forms |= {out_of(value, whole=whole).text for whole in WHOLES}
        assert text in forms
    assert [text for text in found.free if _NUMBER.search(text)] == []


@pytest.mark.parametrize(
    ("value", "whole", "text"),
    [
        (0.0312, 100, "about 3 in 100"),
        (-0.0312, 1_000, "about 31 in 1,000"),
        (0.1, 100, "10 in 100"),
        (0.0, 100, "0 in 100"),
        (1.0, 100, "100 in 100"),
        (0.9971, 100, "more than 99 in 100"),
        (0.0004, 100, "fewer than 1 in 100"),
        (0.07, 100, "7 in 100"),
    ],
)
def test_shares_are_told_as_people_say_them(value: float, whole: int, text: str) -> None:
    assert out_of(value, whole=whole).text == text
    assert json.loads(out_of(value, whole=whole).raw) == value


@pytest.mark.parametrize(
    ("values", "whole"),
    [((0.85, 0.76), 100), ((0.031, 0.03), 1_000), ((0.0301, 0.03), 10_000), ((0.002,), 1_000), ((0.0, 0.5), 100),
     ((-0.1, 0.1), 100), ((0.03000001, 0.03), 10_000)]
)  # fmt: skip
def test_a_value_and_its_limit_never_look_the_same_where_they_differ(values: tuple[float, ...], whole: int) -> None:
    assert whole_of(values) == whole


def test_a_profile_is_a_list_of_known_sections(bundle: Path, folders: dict[str, Path]) -> None:
    report = Report(read(bundle))
    there = {section.key for section in _sections(report, choose(report))}
    for name, profile in PROFILES.items():
        assert len(set(profile.sections)) == len(profile.sections)
        found = keys(folders[name])
        assert found == [key for key in profile.sections if key in found]
    assert set(keys(folders["regulator"])) == set(keys(folders["auditor"])) == there | {"index"}
    assert keys(folders["auditor"])[0] == "index"
    assert set(keys(folders["engineer"])) < there
    assert {"performance", "fairness", "robustness", "findings", "gaps"} <= set(keys(folders["engineer"]))


def test_the_gaps_stand_in_every_profile(folders: dict[str, Path]) -> None:
    for name, folder in folders.items():
        text = "\n".join(lines(folder))
        for gap in ("Feedback loops", "the model is not in service yet", "Hidden triggers", "Quality of the data"):
            assert gap in text, (name, gap)
        assert "What was not measured" in text


def test_other_profiles_write_the_report_alone(folders: dict[str, Path]) -> None:
    assert [path.name for path in folders["owner"].iterdir()] == ["report.html"]
    assert (folders["regulator"] / "card.md").is_file()


def test_an_unknown_profile_is_refused_before_anything_is_written(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected one of owner, engineer, auditor, regulator"):
        made(bundle, tmp_path / "x", "boss")
    assert not list((tmp_path / "x").iterdir())


# The index of the auditor.


def table_rows(folder: Path, caption: str) -> dict[str, list[str]]:
    """Rows of a table of the index, by their point."""
    text = (folder / "report.html").read_text().split('id="index"')[1].split("</section>")[0]
    body = text.split(f"<caption>{caption}")[1].split("</tbody>")[0].split("<tbody>")[1]
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in body.split("</tr>") if "<td" in row]
    plain = [[html.unescape(re.sub(r"<[^>]+>", "", each)).strip() for each in row] for row in rows]
    return {row[0]: row[1:] for row in plain}


def test_the_rows_of_the_checks_are_those_that_the_checks_declare() -> None:
    declared = {name: check.crosswalk for name, check in gk.catalog().items()}
    assert load("policies/standards", "crosswalk.yaml")["rows_of_checks"] == declared


def test_every_point_of_a_standard_stands_in_the_index(folders: dict[str, Path]) -> None:
    standards, says = load("policies/standards", "crosswalk.yaml"), words.catalog()["profiles"]["index"]
    for key, count in (("annex_iv", 23), ("iso_42001", 38)):
        gists, found = standards[f"{key}_gist"], table_rows(folders["auditor"], says["captions"][key])
        assert list(found) == list(gists)
        assert len(found) == count
        assert {point for row in standards["checks"].values() for point in row[key]} <= set(gists)
    assert len(table_rows(folders["auditor"], says["captions"]["rmf"])) == 72


def test_a_point_is_spoken_to_by_what_was_measured_recorded_or_signed(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "b", extra=[measurement("smallest_group", 0.2, check="bias")])
    found = table_rows(made(bundle, tmp_path / "a", "auditor"), "EU AI Act, Annex IV, by point")
    assert found["IV.1(f)"][1:] == ["nothing in this bundle", "–"]
    assert not [point for point, row in found.items() if "DATA-01" in row[1]]  # it crashed, and speaks to nothing
    assert "PERF-01" in found["IV.2(g)"][1]
    assert "record of the run" in found["IV.2(a)"][1]
    assert words.word("checks", "bias") in found["IV.2(g)"][1]
    assert "Fairness" in found["IV.2(g)"][2]
    bare = Report(read(write_bundle(tmp_path / "c", without_run=True)))
    rows = speaking(bare, load("policies/standards", "crosswalk.yaml"))
    assert "record.run" not in rows
    assert "attest.independent_review" in rows


def test_the_index_of_the_rmf_is_that_of_the_verdict(tmp_path: Path) -> None:
    def verdict(found: core.Verdict) -> core.Verdict:
        cells = (
            Cell(id="MEASURE 2.11", state="failed", controls=("FAIR-01", "GOV-01")),
            Cell(id="MAP 1.1", state="open"),
            Cell(id="MAP 1.2", state="evidenced_by_document"),
        )
        return found.model_copy(update={"coverage": found.coverage.model_copy(update={"cells": cells})})

    folder = made(write_bundle(tmp_path / "b", verdict=verdict), tmp_path / "a", "auditor")
    found = table_rows(folder, "NIST AI RMF, by subcategory")
    assert {key: row[1:] for key, row in found.items()} == {
        "MEASURE 2.11": ["FAIR-01, GOV-01", "Fairness, What people signed"],
        "MAP 1.1": ["nothing in this bundle", "–"],
        "MAP 1.2": ["a signed statement of a person", "–"],
    }
    assert "no claim of conformity" in "\n".join(lines(folder))


# How far a document may be believed.


@pytest.mark.parametrize(
    ("kind", "title"), [("draft", "DRAFT, not signed"), ("unverified", "NOT VERIFIED")]
)  # fmt: skip
def test_a_mark_stands_on_each_printed_page_and_on_top_of_the_screen(
    bundle: Path, tmp_path: Path, kind: str, title: str
) -> None:
    folder = made(bundle, tmp_path / "x", "engineer", standing=Standing(kind, "<b>why</b>"), pdf=True)
    text = (folder / "report.html").read_text()
    assert re.search(rf'class="banner"[^>]*>{title}</', text.split("<body")[1].split("<header")[0])
    assert re.search(r"@media screen \{\s*\.banner \{ position: fixed", text)
    assert "&lt;b&gt;why&lt;/b&gt;" in text
    pages = printed(folder)
    assert len(pages) > 5
    assert [title in each for each in pages] == [True] * len(pages)


def test_a_page_that_nobody_checked_says_so_once(bundle: Path, tmp_path: Path) -> None:
    folder = made(bundle, tmp_path / "x", "regulator", standing=Standing("unchecked"))
    text = (folder / "report.html").read_text()
    assert text.count("Not checked when this was written.") == 1
    assert 'class="banner"' not in text
    assert "Not checked when this was written" in (folder / "card.md").read_text()
    assert "Not checked" not in (bundle / "report.html").read_text()


def test_nothing_without_room_for_the_mark_is_written_of_what_does_not_verify(bundle: Path, tmp_path: Path) -> None:
    folder = made(bundle, tmp_path / "x", "regulator", standing=Standing("unverified", "X"))
    assert [path.name for path in folder.iterdir()] == ["report.html"]
    draft = made(bundle, tmp_path / "y", "regulator", standing=Standing("draft"))
    for name in ("card.md", "summary.md", "comment.md"):
        assert re.search(r"DRAFT\\?, not signed", (draft / name).read_text())


# Bad input.


def nothing(found: core.Verdict) -> core.Verdict:
    """A verdict of one ruling that rests on nothing."""
    ruling = found.rulings[6].model_copy(update={"parts": ()})
    coverage = found.coverage.model_copy(update={"controls": {"missing": 1}, "findings": 0, "gaps": 0, "cells": ()})
    return found.model_copy(update={"rulings": (ruling,), "coverage": coverage, "risks": (), "notices": ()})


def emptied(folder: Path, findings: list[core.Finding]) -> Path:
    """A bundle with these findings alone, one ruling, no run and no people."""
    from bundle_fixture import statement

    bundle = write_bundle(folder, verdict=nothing, without_run=True)
    said = json.loads(json.dumps(read(bundle).measured))
    said["findings"] = [found.model_dump(mode="json") for found in findings]
    statement(bundle / "findings.sigstore.json", said, "findings")
    for kind in ("waivers", "attestations"):
        (bundle / kind / "one.sigstore.json").unlink()
    return bundle


@pytest.mark.parametrize("name", PROFILES)
def test_an_empty_bundle_and_one_finding_make_whole_pages(tmp_path: Path, name: str) -> None:
    for count, findings in enumerate(([], [measurement("accuracy", 0.87, check="performance")])):
        bundle = emptied(tmp_path / str(count), findings)
        folder = made(bundle, tmp_path / f"out{count}", name, pdf=name == "owner")
        text = "\n".join(lines(folder))
        assert "This model must not go into service." in text
        assert "The licenses allow the declared use" in text
        assert "Feedback loops" in text
        assert ("0.870" in text) == (count == 1 and name != "owner")
    with pytest.raises(UsageError, match="is not a bundle"):
        made(tmp_path / "none", tmp_path / "none2", name)


@pytest.mark.parametrize("name", PROFILES)
def test_500_groups_and_a_name_of_300_characters_lose_nothing(tmp_path: Path, name: str) -> None:
    long = " ".join(f"part{index:03d}" for index in range(60))[:300]
    groups = {"region": {f"region {index}": 200 + index for index in range(500)}}
    bundle = write_bundle(tmp_path / "b", groups=groups, audit={"name": long})
    folder = made(bundle, tmp_path / "x", name, pdf=name == "owner")
    shown = lines(folder)
    assert long in shown
    assert "(cut, sha256" not in "\n".join(shown)
    rows = {line for line in shown if re.fullmatch(r"region: region \d+", line)}
    assert len(rows) == (0 if name == "owner" else 500)
    if name == "owner":
        assert any("and more" in line for line in shown)
        assert long in " ".join(" ".join(printed(folder)).split())


def test_hostile_texts_stay_text_on_every_page(hostile: Path, tmp_path: Path) -> None:
    for name in ("owner", "auditor"):
        folder = made(hostile, tmp_path / name, name, standing=Standing("unverified", "<script>x</script>"))
        found = Page((folder / "report.html").read_text())
        assert found.tags.count("script") == 1  # our own
        assert not [attribute for _, attribute, _ in found.attributes if attribute.startswith("on")]
        assert not {"img"} & {tag for tag, key, value in found.attributes if key == "src" and "data:" not in value}


def test_the_same_bundle_gives_the_same_bytes_in_another_process(bundle: Path, tmp_path: Path) -> None:
    folder = made(bundle, tmp_path / "one", "owner", standing=Standing("draft"), pdf=True)
    (tmp_path / "two").mkdir()
    program = (
        "import sys, pathlib, govkit.report as r; a, b = map(pathlib.Path, sys.argv[1:]); "
        "r.render(a, out=b, profile='owner', standing=r.Standing('draft'))"
    )
    subprocess.run([sys.executable, "-c", program, bundle, tmp_path / "two"], check=True)
    for name in ("report.html", "report.pdf"):
        assert (folder / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
