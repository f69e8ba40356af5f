"""The words of another language: all of them there, each in its place, none for a text that no longer ships."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from bundle_fixture import write_bundle
from page_reader import Page
from reading_ease import ease, syllables

import govkit
from govkit.checks import every_check
from govkit.core.words import TASKS, Access, Modality
from govkit.documents import read
from govkit.errors import UsageError
from govkit.report import languages, render
from govkit.report.said import _pattern
from govkit.report.words import metric, statements
from govkit.resources import find

CODES = languages()[1:]
NOT_WORDS = ("shape", "letter", "fill", "ink", "kind", "size")
"""Keys of leaves that are no words: a translation repeats them or leaves them out, as names of checks and of risks."""
SIGNS = (("numerals", "group"), ("numerals", "point"))
ALIKE = {"es": {"no", "Control", "Bytes"}}
"""Words that are the same in both languages."""
ONE_SENSE = {"mean_absolute_error", "roc_auc", "trust_reason"}
"""Metrics that checks describe in other words, and that one name fits for all."""
TURNED = {"es": {"cluster of {n1} = {n2}, {b}", "cluster of {n1} = {n2}"}}
"""Patterns whose numbers stand in another order."""
CONTRARY = {
    "es": {
        (("lower", "menor"), ("higher", "mayor")),
        (("at least", "al menos"), ("at most", "como máximo")),
        (("worse", "peor"), ("better", "mejor")),
        (("before", "antes"), ("after", "después")),
        (("fewer than", "menos de"), ("more than", "más de")),
    }
}
"""Words that say the contrary of each other, in both languages."""
_HOLE = re.compile(r"\{\w+\}")
_POLICY = {"title", "tier_rationale", "advice", "description", "affected", "risk", "reason", "note"}
_STANDARD = {"categories", "paraphrase", "iso_42001_gist", "annex_iv_gist"}
"""Keys under which a policy or a standard holds what readers see."""

Place = tuple[str | int, ...]


def leaves(found: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every value of a catalog with its place."""
    if isinstance(found, dict | list):
        entries = found.items() if isinstance(found, dict) else enumerate(found)
        for key, value in entries:
            yield from leaves(value, (*place, key))
    else:
        yield place, found


@cache
def catalog(name: str) -> Any:
    """A file of the templates, by the strict reader: a key that stands twice is refused."""
    return read(find("templates") / name, error=UsageError).data


def worded(code: str = "") -> dict[Place, Any]:
    return dict(leaves(catalog(f"words.{code}.yaml" if code else "words.yaml")))


def no_words(place: Place) -> bool:
    last = str(place[-1])
    return place[0] == "families" or "general" in place or last in NOT_WORDS or last.endswith("_shape")


def shown(place: Place) -> str:
    return ".".join(map(str, place))


def has_words(text: Any) -> bool:
    """Whether it says something, beside holes, commands and names of files."""
    plain = re.sub(r"`[^`]*`|\b\w+\.(?:html|json|pdf|md|sig|yaml)\b", "", _HOLE.sub("", text))
    return bool(re.search(r"[^\W\d_]{2}", plain))


@pytest.mark.parametrize("code", CODES)
def test_a_catalog_has_every_word_of_the_english_one_and_no_other(code: str) -> None:
    english, own = worded(), worded(code)
    lacking = [shown(place) for place in english if place not in own and not no_words(place)]
    assert not lacking, f"words.{code}.yaml lacks {', '.join(lacking)}: translate them, or they are shown in English"
    strange = [shown(place) for place in own if place not in english]
    assert not strange, f"words.{code}.yaml has {', '.join(strange)}, which words.yaml lacks: take them out"
    assert [place for place in english if place in own] == [place for place in own if place in english]


@pytest.mark.parametrize("code", CODES)
def test_a_translation_keeps_type_holes_and_the_spaces_around_it(code: str) -> None:
    for place, own in worded(code).items():
        english = worded()[place]
        assert type(own) is type(english), shown(place)
        if isinstance(own, str):
            assert sorted(_HOLE.findall(own)) == sorted(_HOLE.findall(english)), shown(place)
            assert [own != own.lstrip(), own != own.rstrip()] == [
                english != english.lstrip(),
                english != english.rstrip(),
            ]


@pytest.mark.parametrize("code", CODES)
def test_what_is_no_word_is_what_it_is_in_english(code: str) -> None:
    english = worded()
    for place, own in worded(code).items():
        if no_words(place):
            assert own == english[place], shown(place)


@pytest.mark.parametrize("code", CODES)
def test_no_word_is_empty_or_left_in_english(code: str) -> None:
    english = worded()
    for place, own in worded(code).items():
        if isinstance(own, str) and not no_words(place) and place not in SIGNS:
            assert bool(own.strip()) == bool(english[place].strip()), f"{shown(place)} is empty in one language only"
            alike = own == english[place] and has_words(own) and own not in ALIKE.get(code, set())
            assert not alike, f"{shown(place)} is {own!r} in both languages: translate it, or declare it as alike"


@cache
def told(code: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    found = catalog(f"said.{code}.yaml")
    return found["exact"], found["patterns"]


def kinds(code: str) -> list[dict[str, str]]:
    """Patterns for texts of one kind."""
    return [each for own in catalog(f"said.{code}.yaml")["only"].values() for each in own]


@pytest.mark.parametrize("code", CODES)
def test_a_pattern_matches_itself_and_fills_what_it_took(code: str) -> None:
    for each in (*told(code)[1], *kinds(code)):
        assert set(each) == {"en", code}
        holes = sorted(set(_HOLE.findall(each["en"])))
        assert sorted(_HOLE.findall(each[code])) == holes, each["en"]
        fills = {hole[1:-1]: "17" if hole.startswith("{n") else "words" for hole in holes}
        match = _pattern(each["en"]).fullmatch(each["en"].format(**fills))
        assert match is not None, each["en"]
        assert match.groupdict() == fills
        assert each[code].format(**fills)
    texts = [each["en"] for each in (*told(code)[1], *kinds(code))]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("code", CODES)
def test_numbers_of_a_pattern_keep_their_order(code: str) -> None:
    """Two numbers that change places make another statement; where a language needs that, it is declared."""
    moved = {each["en"] for each in (*told(code)[1], *kinds(code)) if _numbers(each["en"]) != _numbers(each[code])}
    assert moved == TURNED.get(code, set())


def _numbers(text: str) -> list[str]:
    return [hole for hole in _HOLE.findall(text) if hole.startswith("{n")]


@pytest.mark.parametrize("code", CODES)
def test_no_text_says_the_contrary(code: str) -> None:
    pairs = [(english, worded(code)[place]) for place, english in worded().items() if place in worded(code)]
    pairs += [(each["en"], each[code]) for each in (*told(code)[1], *kinds(code))]
    pairs += list(told(code)[0].items())
    turned, seen = [], 0
    for english, own in pairs:
        for (one, ours), (other, theirs) in CONTRARY[code]:
            for word, right, wrong in ((one, ours, theirs), (other, theirs, ours)):
                if (
                    isinstance(own, str)
                    and _holds(english, word)
                    and not _holds(english, {one: other, other: one}[word])
                ):
                    seen += 1
                    turned += [own] if _holds(own, wrong) and not _holds(own, right) else []
    assert turned == []
    assert seen > 50


def _holds(text: str, word: str) -> bool:
    return re.search(rf"\b{word}\b", text, re.IGNORECASE) is not None


@cache
def shipped() -> dict[str, tuple[str, bool]]:
    """Texts in the policies and standards that ship -> the file that holds it, and whether it is said to readers."""
    found: dict[str, tuple[str, bool]] = {}
    for folder, about in (("policies", _POLICY), ("policies/standards", _STANDARD)):
        for path in sorted(find(folder).glob("*.yaml")):
            for place, text in leaves(read(path, error=UsageError).data):
                spoken = path.name != "attestations.yaml" and bool(about & {place[-1], place[0]})
                if isinstance(text, str) and text:
                    found[text] = (path.name, spoken or found.get(text, ("", False))[1])
    return found


@cache
def written() -> tuple[frozenset[str], tuple[re.Pattern[str], ...], str]:
    """Texts in the source of govkit: constants, f-strings as patterns, and all of it for names."""
    constants, patterns, whole = set[str](), set[str](), []
    home = Path(govkit.__file__).parent
    for path in sorted(home.rglob("*.yaml")):
        constants |= {text for _, text in leaves(yaml.safe_load(path.read_bytes())) if isinstance(text, str)}
    for path in sorted(home.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        whole.append(source)
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                constants.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = [re.escape(str(p.value)) if isinstance(p, ast.Constant) else ".+" for p in node.values]
                if len(re.sub(r"\W|\.\+", "", "".join(parts))) > 8:
                    patterns.add("".join(parts))
    return frozenset(constants), tuple(map(re.compile, sorted(patterns))), "\n".join(whole)


@cache
def named() -> frozenset[str]:
    """Names that readers see with spaces: of metrics, of kinds of statements and of statuses; and what licenses ask."""
    metrics = (name for each in every_check().values() for name in each.metrics)
    package = Path(govkit.__file__).parent
    listed: set[str] = set()
    for path in (
        find("policies") / "attestations.yaml",
        find("policies/standards") / "crosswalk.yaml",
        package / "checks" / "words.yaml",
        package / "licenses" / "rules.yaml",
    ):
        for place, text in leaves(yaml.safe_load(path.read_text(encoding="utf-8"))):
            listed |= {str(key) for key in place} | ({text} if isinstance(text, str) else set())
    return frozenset(each.replace("_", " ") for each in (*metrics, *listed))


def ships(text: str) -> bool:
    """Whether govkit can say it: a sentence of a policy or a standard, a name, or words of its source."""
    constants, patterns, source = written()
    return (
        text in shipped()
        or bool({text, f"{text}."} & constants)
        or any(text[:at] in constants and text[at:] in constants for at in range(8, len(text) - 8))
        or set(text.split(" or ")) <= constants
        or text.replace("_", " ") in named()
        or text.replace(" ", "_") in source
        or any(pattern.fullmatch(text) for pattern in patterns)
    )


@pytest.mark.parametrize("code", CODES)
def test_every_text_that_is_translated_still_ships(code: str) -> None:
    stale = [text for text in told(code)[0] if not ships(text)]
    assert not stale, f"said.{code}.yaml translates what no policy, standard or check says any more: {stale}"


@pytest.mark.parametrize("code", CODES)
def test_every_sentence_of_a_policy_or_standard_is_translated(code: str) -> None:
    exact, _ = told(code)
    lacking = [f"{text!r} ({name})" for text, (name, spoken) in shipped().items() if spoken and text not in exact]
    assert not lacking, f"said.{code}.yaml lacks {'; '.join(lacking)}: add each under exact, in a short plain sentence"
    assert all((own.strip() and own != text) or text in ALIKE.get(code, ()) for text, own in exact.items())


@pytest.mark.parametrize(
    ("word", "count"),
    [("la", 1), ("respuesta", 3), ("proporción", 3), ("día", 2), ("país", 2), ("leer", 2), ("auditoría", 5), ("que", 1),
     ("quien", 1), ("ruido", 2), ("rey", 1), ("y", 1), ("pingüino", 3), ("área", 3), ("muy", 1), ("rayo", 2),
     ("guerra", 2), ("leído", 3), ("ciudad", 2), ("estadounidense", 6), ("caía", 3)],
)  # fmt: skip
def test_syllables_of_spanish_are_counted_as_they_are_written(word: str, count: int) -> None:
    assert syllables(word) == count


def test_what_the_catalog_says_to_owners_is_easy_spanish() -> None:
    says = catalog("words.es.yaml")["profiles"]["owner"]
    own = [says[key] for key in ("no_excluded", "more", "no_gaps", "not_proof", "numbers", "check", "more_gaps")]
    own += [each for group in (says["sure"], says["means"]) for _, each in leaves(group)]
    assert ease("\n".join(own)) >= 75
    assert all(ease(each) >= 50 for each in own)


def test_the_page_of_the_owner_is_easy_spanish(tmp_path: Path) -> None:
    """The words of govkit: what the bundle's own policy and audit file say stays in English."""
    render(write_bundle(tmp_path), out=tmp_path, pdf=False, profile="owner", language="es")
    rows = Page((tmp_path / "report.html").read_text(encoding="utf-8")).rows
    own = "\n".join(row.text for row in rows if "govkit verify" not in row.text)
    assert "Lo más importante" in own
    assert ease(own) >= 55


def declared() -> dict[str, dict[str, str]]:
    """Metric -> check that declares it -> what it says that it is."""
    found: dict[str, dict[str, str]] = {}
    for check, each in every_check().items():
        for name, made in each.metrics.items():
            found.setdefault(name, {})[check] = made.what
    return found


@pytest.mark.parametrize("name", ["words.yaml", *(f"words.{code}.yaml" for code in CODES)])
def test_what_checks_declare_has_words(name: str) -> None:
    wanted = {
        "metrics": declared(),
        "checks": every_check(),
        "values": {*TASKS, *get_args(Modality), *get_args(Access)},
    }
    for kind, names in wanted.items():
        lacking = sorted(set(names) - set(catalog(name)[kind]))
        assert not lacking, f"{name} lacks {', '.join(lacking)} under {kind}: write for each what a reader understands"


@pytest.mark.parametrize("code", CODES)
def test_kinds_of_statements_and_words_that_checks_find_are_translated(code: str) -> None:
    known = {*told(code)[0], *catalog(f"words.{code}.yaml")["values"], *catalog(f"words.{code}.yaml")["origins"]}
    wanted = {kind.replace("_", " ") for kind in statements()}
    wanted |= {word for each in every_check().values() for made in each.metrics.values() for word in made.words}
    lacking = sorted(wanted - known)
    assert not lacking, f"said.{code}.yaml lacks {', '.join(lacking)}: add each under exact"


@pytest.mark.parametrize("name", ["words.yaml", *(f"words.{code}.yaml" for code in CODES)])
def test_a_name_that_checks_use_for_different_things_has_words_for_each(name: str) -> None:
    words = catalog(name)["metrics"]
    for each, checks in declared().items():
        senses: dict[str, set[str]] = {}
        for check, what in checks.items():
            senses.setdefault(words.get(f"{check}.{each}", words[each]), set()).add(what)
        alike = [shown for shown, whats in senses.items() if len(whats) > 1 and each not in ONE_SENSE]
        assert not alike, f"{name} says {alike} of {each} in {', '.join(checks)}: add a line CHECK.{each}"


def test_a_name_is_told_as_the_check_means_it() -> None:
    told = {check: metric("clean_accuracy", check) for check in ("adversarial", "contamination", "corruptions", "")}
    assert told["adversarial"] == told[""] == "accuracy on the attacked rows, without an attack"
    assert told["contamination"] == "accuracy on test rows that do not stand in the training data"
    assert told["corruptions"] == "accuracy on the same rows without damage"
