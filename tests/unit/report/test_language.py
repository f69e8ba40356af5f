"""Documents in other languages: a catalog beside the English one is all that a language needs."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from bundle_fixture import measurement, policy, write_bundle
from figures_fixture import everything
from hostile_fixture import hostile_options
from page_reader import Page
from true_documents import numerals

import govkit as gk
from govkit import resources
from govkit.core import Policy, Verdict
from govkit.core.policy import Requirement
from govkit.core.verdict import PartRuling, ResidualRisk
from govkit.errors import UsageError
from govkit.policy import digest
from govkit.report import PROFILES, languages, numbers, render, words
from govkit.report.comparing import compare, markdown, page as compare_page
from govkit.report.escape import short
from govkit.report.judged import _why
from govkit.report.language import catalog_of, check_language, speaking
from govkit.report.read import read
from govkit.report.said import said

NO_WORDS = ("shape", "kind", "letter", "fill", "ink", "deny_shape", "allow_shape", "unknown_shape")
"""Keys of the catalog whose values nobody reads as words."""

FREE = {"govkit"}
"""What stands in a page in any language: the name of the tool."""


def _wrapped(found: Any, key: str = "") -> Any:
    """A catalog in which each word stands between marks."""
    if isinstance(found, dict):
        return {name: _wrapped(own, name) for name, own in found.items()}
    if isinstance(found, list):
        return [_wrapped(own, key) for own in found]
    if key in NO_WORDS or not isinstance(found, str) or not found.strip():
        return found
    lead, tail = found[: len(found) - len(found.lstrip())], found[len(found.rstrip()) :]
    marked = re.sub(r"(\{\w+\})", r"»\1«", found.strip())
    return f"{lead}«{marked}»{tail}".replace("«»", "")


@pytest.fixture
def marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A language in which every word of a catalog stands between marks."""
    shutil.copytree(resources.find("templates"), tmp_path / "model_cards" / "templates")
    (tmp_path / "policies").symlink_to(resources.find("policies"))
    folder = tmp_path / "model_cards" / "templates"
    whole = yaml.safe_load((folder / "words.yaml").read_text(encoding="utf-8"))
    made = _wrapped(whole) | {"families": whole["families"]}
    made["numerals"] |= {"group": ".", "point": ","}
    (folder / "words.zxx.yaml").write_text(yaml.safe_dump(made, allow_unicode=True), encoding="utf-8")
    texts = {"exact": {}, "patterns": [{"en": "{a}", "zxx": "«{a}»"}]}
    (folder / "said.zxx.yaml").write_text(yaml.safe_dump(texts, allow_unicode=True), encoding="utf-8")
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "govkit")
    yield "zxx"
    catalog_of.cache_clear()


class _Seen(HTMLParser):
    """What a reader sees or hears of a page, and of its figures; numbers, commands and digests apart."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "img", "col", "wbr"):
            self._inside.append(tag)
        for name, value in attrs:
            if name in ("alt", "aria-label", "data-states", "data-parts"):
                self.texts.append(value or "")
            if name == "src" and value and value.startswith("data:image/svg"):
                drawing = base64.b64decode(value.partition(",")[2]).decode()
                self.texts += map(unescape, re.findall(r"<text[^>]*>([^<]*)<", drawing))

    def handle_endtag(self, _tag: str) -> None:
        self._inside.pop()

    def handle_data(self, text: str) -> None:
        if not {"style", "script", "code", "data", "time"} & set(self._inside):
            self.texts.append(text)


def _leaves(found: Any) -> Iterator[str]:
    if isinstance(found, dict):
        for key, own in found.items():
            yield str(key)
            yield from _leaves(own)
    elif isinstance(found, list | tuple):
        for own in found:
            yield from _leaves(own)
    elif isinstance(found, str):
        yield found


def _pieces(text: str) -> Iterator[str]:
    """Words between signs."""
    for piece in re.split(r"[^A-Za-z ]+|  +", text):
        if re.search(r"[A-Za-z]{2}", piece):
            yield piece.strip()


def _free(bundle: Path) -> set[str]:
    """Words of those who wrote the bundle: names, purposes, groups, people."""
    sources = read(bundle)
    held = [sources.audit, sources.policy, sources.verdict, *sources.findings, *sources.waivers, *sources.attestations]
    held += [sources.run] if sources.run else []
    texts = [text for one in held for text in _leaves(one.model_dump(mode="json"))]
    texts += [f"{column} {group}" for found in sources.findings for column, group in found.part.items()]
    return {piece for text in texts for piece in _pieces(text)}


def _left(text: str) -> str:
    """What stands between no marks; a text that was cut has lost its last one."""
    before = None
    while before != text:
        before, text = text, re.sub(r"«[^«»]*»", "|", text)
    return re.sub(r"«[^»]*$|^[^«]*»", "|", text)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("without_run", [False, True])
def test_no_word_that_a_reader_sees_stands_in_the_code(
    marked: str, tmp_path: Path, profile: str, *, without_run: bool
) -> None:
    bundle = write_bundle(tmp_path / "b", extra=everything(), without_run=without_run)
    render(bundle, out=tmp_path, pdf=False, profile=profile, language=marked)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    free = _free(bundle) | FREE
    left = {piece for text in _Seen(page).texts for piece in _pieces(_left(text))}
    assert page.count("«") > 50
    with speaking(marked):
        assert re.fullmatch("W{400}«… .cut, sha256:»[0-9a-f]{8}«.»", short("W" * 500))
    assert sorted(left - free) == []


def test_no_word_of_a_comparison_stands_in_the_code(marked: str, tmp_path: Path) -> None:
    first = write_bundle(tmp_path / "a", extra=everything())
    second = write_bundle(tmp_path / "b", without_run=True, outcome="REVIEW", audit={"name": "Other model"})
    found = compare(read(first), read(second))
    free = _free(first) | _free(second) | FREE | {"A", "B"}
    left = {piece for text in _Seen(compare_page(found, language=marked)).texts for piece in _pieces(_left(text))}
    assert sorted(left - free) == []
    assert "«" not in markdown(found)


def test_a_language_moves_no_number_and_adds_none(marked: str, tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "b", extra=everything())
    pages = []
    for language in ("en", marked):
        render(bundle, out=tmp_path / language, pdf=False, language=language)
        pages.append(Page((tmp_path / language / "report.html").read_text(encoding="utf-8")))
    english, other = ([raw for raw, _ in page.data] for page in pages)
    assert len(english) > 1000
    assert english == other


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("language", languages())
def test_every_profile_can_be_written_in_every_language(tmp_path: Path, profile: str, language: str) -> None:
    bundle = write_bundle(tmp_path / "b", extra=everything())
    texts = []
    for out in (tmp_path / "one", tmp_path / "two"):
        written = render(bundle, out=out, pdf=False, profile=profile, language=language)
        assert language == "en" or written == (out / "report.html",)
        texts.append((out / "report.html").read_text(encoding="utf-8"))
    title = words.catalog()["profiles"]["names"][profile]
    assert texts[0] == texts[1]
    assert f'<html lang="{language}">' in texts[0]
    assert (f"<title>{title}: Income classifier 2026</title>" in texts[0]) == (language == "en")


@pytest.mark.parametrize("language", languages())
def test_hostile_texts_are_escaped_in_every_language(tmp_path: Path, language: str) -> None:
    bundle = write_bundle(tmp_path / "b", **hostile_options())
    render(bundle, out=tmp_path, pdf=False, language=language)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<script>") == 1
    assert "<img src=x" not in page


def test_a_language_without_a_catalog_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "b")
    for refused in (
        lambda: render(bundle, out=tmp_path / "out", language="tlh"),
        lambda: gk.render(bundle, out=tmp_path / "out", language="../words"),
        lambda: check_language("EN"),
    ):
        with pytest.raises(UsageError, match=r"there is no language .*; expected one of en.* add a catalog"):
            refused()
    assert not (tmp_path / "out").exists()
    assert words.catalog() is catalog_of("en")


def test_another_language_stands_beside_a_bundle_never_in_it(tmp_path: Path) -> None:
    true = digest(policy())
    bundle = write_bundle(tmp_path / "b", verdict=lambda made: made.model_copy(update={"policy": true}))
    before = sorted(path.name for path in bundle.iterdir())
    with pytest.raises(UsageError, match="another profile or language"):
        gk.render(bundle, pdf=False, language=languages()[-1])
    assert sorted(path.name for path in bundle.iterdir()) == before
    written = gk.render(bundle, out=tmp_path / "out", pdf=False, language=languages()[-1])
    assert [path.name for path in written] == ["report.html"]


def test_what_a_catalog_lacks_is_said_in_english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "model_cards" / "templates"
    shutil.copytree(resources.find("templates"), folder)
    (folder / "words.qaa.yaml").write_text("of: {base: 'la base'}\nnot_there: 'x'\n", encoding="utf-8")
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "govkit")
    assert "qaa" in languages()
    with speaking("qaa"):
        assert words.word("of", "base") == "la base"
        assert words.word("of", "incumbent") == "the model in service"
        assert "not_there" not in words.catalog()
        assert said("No test row stands in the training data") == "No test row stands in the training data"
    catalog_of.cache_clear()


def test_numbers_carry_the_signs_of_the_language_and_keep_their_value() -> None:
    english = numbers.number(1_234_567), numbers.number(-0.8512), numbers.points(0.1234), numbers.percent(0.9995)
    with speaking("es"):
        spanish = numbers.number(1_234_567), numbers.number(-0.8512), numbers.points(0.1234), numbers.percent(0.9995)
        tenth = numbers.out_of(0.1, whole=1_000)
    assert [found.text for found in english] == ["1,234,567", "−0.851", "12.3", "99.95"]
    assert [found.text for found in spanish] == ["1.234.567", "−0,851", "12,3", "99,95"]
    assert [found.raw for found in spanish] == [found.raw for found in english]
    assert "1.000" in tenth.text


def test_texts_that_ship_are_looked_up_and_others_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "model_cards" / "templates"
    shutil.copytree(resources.find("templates"), folder)
    (folder / "words.qab.yaml").write_text("numerals: {group: '.', point: ','}\n", encoding="utf-8")
    patterns = [{"en": "{a}: only {n1} rows; {a} asks for {n2}", "qab": "{a} pide {n2}, hay {n1}"}]
    texts = {"exact": {"a part": "una parte"}, "patterns": patterns}
    (folder / "said.qab.yaml").write_text(yaml.safe_dump(texts), encoding="utf-8")
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "govkit")
    with speaking("qab"):
        assert said("a\npart") == "una parte"
        assert said("a part: only 1,234 rows; a part asks for 0.5") == "una parte pide 0,5, hay 1.234"
        assert said("a part: only 66 rows; another asks for 100") == "a part: only 66 rows; another asks for 100"
        assert said("a part: only few rows; a part asks for 100").startswith("a part")
        assert said("Words of {a} somebody") == "Words of {a} somebody"
    assert said("a part") == "a part"
    catalog_of.cache_clear()


@pytest.mark.parametrize(
    "text",
    ["Group A: test (train)", "base rate", "train drivers", "section 8 tenants", "train station: waiting rooms (other)",
     "age 20 to under 30"],
)  # fmt: skip
def test_words_of_somebody_else_stay_where_they_look_like_ours(text: str) -> None:
    with speaking("es"):
        assert said(text) == text


def test_names_of_columns_people_and_classes_stay_inside_our_sentences() -> None:
    with speaking("es"):
        for name in ("weights", "text", "age"):
            assert words.part({"found": f"{name} 20 to under 30"}).endswith(f": {name} de 20 a menos de 30")
        both = words.part({"found": "words 5 to under 1.5, age 20 to under 30"})
        assert both.endswith(": palabras de 5 a menos de 1,5, age de 20 a menos de 30")
        assert "columna weights no" in said("The column weights holds no value in the test or the shifted data.")
        assert said("review signed by test on 2026-11-19").endswith("la firmó test el 2026-11-19")


def test_what_a_license_asks_is_said_in_each_language_where_the_check_says_it() -> None:
    owed = "base acme, MIT: keep the copyright notice and the text of the license (section 2)"
    found = measurement("obligation", owed, width=0, check="licenses")
    with speaking("es"):
        (told,) = numbers.value(found)
    assert told.startswith("modelo base acme, MIT: ")
    assert told.endswith("(sección 2)")


def test_both_languages_show_the_same_numbers_with_groups_that_are_codes(tmp_path: Path) -> None:
    extra = [measurement("rows_short", 319, width=0, check="fairness", part={"RAC1P": "4"})]

    def verdict(found: Verdict) -> Verdict:
        last = found.coverage.findings + found.coverage.gaps - 1
        told = {
            "metric": "rows_short",
            "state": "fail",
            "parts": (PartRuling(part={"RAC1P": "4"}, finding=last, state="fail"),),
        }
        own = [each.model_copy(update=told if each.control == "FAIR-02" else {}) for each in found.rulings]
        return found.model_copy(update={"rulings": tuple(own)})

    def policy(found: Policy) -> Policy:
        told = {"metric": "rows_short", "require": Requirement(max=0)}
        own = [each.model_copy(update=told if each.id == "FAIR-02" else {}) for each in found.controls]
        return found.model_copy(update={"controls": tuple(own)})

    bundle = write_bundle(tmp_path / "b", extra=extra, verdict=verdict, policy=policy)
    for code in languages():
        render(bundle, out=tmp_path / code, pdf=False, language=code)
    texts = [(tmp_path / code / "report.html").read_text(encoding="utf-8") for code in languages()]
    assert all("RAC1P 4: " in text for text in texts)
    shown = [numerals(tmp_path / code / "report.html") for code in languages()]
    assert shown == shown[:1] * len(shown)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("likelihood lowered by 0 of at most 2 steps; A-1 missing",
         {"en": "Likelihood not lowered; A-1 missing", "es": "La probabilidad no se reduce; A-1 falta"}),
        ("likelihood lowered by 1 of at most 2 steps; A-1 pass",
         {"en": "Likelihood lowered by 1 of at most 2 steps, which does not change the level; A-1 pass",
          "es": "La probabilidad se reduce en 1 de 2 pasos como máximo, lo que no cambia el nivel; A-1 cumple"}),
        ("not lowered while A-1, A-2 fails",
         {"en": "Not lowered while A-1, A-2 fail", "es": "No se reduce mientras no se cumpla: A-1, A-2"}),
    ],
)  # fmt: skip
def test_why_a_risk_is_lower_or_not_is_the_same_in_each_language(reason: str, told: dict[str, str]) -> None:
    risk = ResidualRisk(id="R", description="x", inherent="high", residual="high", measured=True, reason=reason)
    for code, expected in told.items():
        with speaking(code):
            assert _why(risk) == expected
            assert _why(risk.model_copy(update={"measured": False})).endswith(words.catalog()["plain"]["not_measured"])


def test_a_language_ends_with_its_document(tmp_path: Path) -> None:
    with pytest.raises(UsageError), speaking("es"):
        render(tmp_path, pdf=False, language="es")
    assert words.catalog() is catalog_of("en")
