"""What is changed in a text is small and what a reader expects; numbers, addresses and money stay."""

import re
import unicodedata

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from govkit.attacks import (
    disguise,
    inserting,
    mistype,
    protected,
    recase,
    remembering,
    respace,
    rewording,
    search,
    trying,
    visible,
)
from govkit.attacks.homoglyphs import LOOKALIKES
from govkit.attacks.text_changes import AFTER, BEFORE, SPACES, UNSEEN

KINDS = {
    "typos": mistype,
    "homoglyphs": disguise,
    "spaces": respace,
    "casing": recase,
    "insertions": inserting(),
    "synonyms": rewording({"call": ["ring", "phone up"], "win": ["gain"], "com": ["org"]}),
}
TOKENS = st.sampled_from(
    ["call", "win", "Prize", "lunch", "NOW", "don't", "£100", "5pm", "www.win.com/claim", "http://bit.ly/Win",
     "a.b@c.org", "call@home", "win.com", "50%", "$5", "USD", "euros", "09061701461", "ok...call", "(win)",
     "straße", "звони", "é\u200bt"]
)  # fmt: skip
TEXTS = st.lists(TOKENS, max_size=9).map(" ".join) | st.text(st.characters(codec="utf-8"), max_size=40)
SACRED = re.compile(r"[\d£$€%@]|://|^www\.|\.com|\.org|^(?:USD|euros)$", re.IGNORECASE)


def plain(text):
    """A text as a reader sees it: look-alikes as what they look like, every space as one, nothing unseen."""
    alike = {ord(other): letter for letter, others in LOOKALIKES.items() for other in others}
    return re.sub(r"\s", " ", re.sub(f"[{UNSEEN}]", "", text)).translate(alike)


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.integers(0, 99), st.sampled_from(sorted(KINDS)))
@example("call www.win.com/claim now", 1, "synonyms")
@example("win win.com", 1, "spaces")
def test_no_search_of_any_kind_touches_numbers_addresses_or_money(text, seed, kind):
    result = search(
        lambda rows: np.tile([0.2, 0.8], (len(rows), 1)), [text], [1], trying(KINDS[kind], tries=3, seed=seed), edits=3
    )
    found = result.inputs[0]
    assert [token for token in found.split() if SACRED.search(token)] == [
        token for token in text.split() if SACRED.search(token)
    ]
    assert re.sub(r"\D", "", found) == re.sub(r"\D", "", text)
    assert protected(found) == protected(text)


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.integers(0, 999))
def test_a_disguise_changes_one_letter_and_looks_the_same(text, key):
    changed = disguise(text, str(key))
    assert changed == disguise(text, str(key))
    assert len(changed) == len(text)
    differing = [(a, b) for a, b in zip(text, changed, strict=True) if a != b]
    assert len(differing) <= 1
    assert all(b in LOOKALIKES[a] for a, b in differing)


def test_look_alikes_are_letters_of_two_other_alphabets_and_belong_to_one_letter_each():
    others = "".join(LOOKALIKES.values())
    assert len(set(others)) == len(others)
    for letter, alike in LOOKALIKES.items():
        for each in alike:
            assert unicodedata.name(each).startswith(("CYRILLIC", "GREEK"))
            assert each.isupper() == letter.isupper()
            # No normalization undoes them, so a model that normalizes must know them.
            assert unicodedata.normalize("NFKC", each) != letter


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.integers(0, 999))
def test_white_space_changes_at_one_place_and_nothing_else(text, key):
    changed = respace(text, str(key))
    assert re.sub(rf"[\s{UNSEEN}]", "", changed) == re.sub(rf"[\s{UNSEEN}]", "", text)
    assert abs(len(changed) - len(text)) <= 1 or " " * 2 in text


def test_every_kind_of_white_space_occurs():
    found = {respace("please remember", str(key)) for key in range(600)}
    assert {"pleaseremember", *(f"please{space}remember" for space in SPACES)} < found
    assert {f"pl{each}ease remember" for each in (" ", *UNSEEN)} < found


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.integers(0, 999))
def test_casing_changes_case_and_nothing_else(text, key):
    changed = recase(text, str(key))
    assert len(changed) == len(text)
    assert changed.casefold() == text.casefold() or changed.lower() == text.lower()


def test_every_casing_occurs():
    assert {recase("Hello you", str(key)) for key in range(60)} == {"HELLO you", "hello you", "Hello You", "Hello YOU"}


def test_phrases_stand_before_or_after_and_do_not_repeat():
    insert = inserting()
    found = {insert("see you", str(key)) for key in range(300)}
    assert found == {f"{each} see you" for each in BEFORE} | {f"see you {each}" for each in AFTER}
    own = inserting(["übrigens"])
    assert {own("bis dann", str(key)) for key in range(20)} == {"übrigens bis dann", "bis dann übrigens"}
    assert own("übrigens bis dann", "1") == "übrigens bis dann"


def test_synonyms_take_whole_words_and_their_case():
    change = rewording({"win": ["gain"], "Call": ["ring"]})
    assert {change("WIN winner Call", str(key)) for key in range(40)} == {"GAIN winner Call", "WIN winner Ring"}
    assert change("winner of www.win.com", "0") == "winner of www.win.com"
    assert rewording({})("win", "0") == "win"


@settings(max_examples=200, deadline=None)
@given(TEXTS, TEXTS)
@example("fr\u200bee \u0440rize", "free prize")
@example("⟨U+200B⟩", "")
def test_a_visible_text_loses_nothing(text, original):
    shown = visible(text, original)
    back = re.sub(r"⟨U\+([0-9A-F]+)⟩", lambda match: chr(int(match[1], 16)), shown)
    assert back == text
    assert all(each.isprintable() and (each == " " or not each.isspace()) for each in shown)


def test_a_reader_sees_what_was_changed():
    assert visible("fr\u200bee \u0440rize", "free prize") == "fr⟨U+200B⟩ee ⟨U+0440⟩rize"
    assert visible("звони\u00a0ok", "звони ok") == "звони⟨U+00A0⟩ok"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_change_looks_the_same_or_adds_words(kind):
    text = "Please call home and win the prize"
    found = {KINDS[kind](text, str(key)) for key in range(200)} - {text}
    assert found
    if kind == "homoglyphs":
        assert {plain(each) for each in found} == {text}
    if kind == "insertions":
        assert all(text in each for each in found)


def test_an_answer_that_is_no_number_is_wrong():
    predict = lambda rows: np.array([[0.1, 0.9] if row == "kept" else [np.nan, 0.9] for row in rows])  # noqa: E731
    for label, broken in ((0, True), (1, True)):
        found = search(predict, ["call me"], [label], lambda *_: ["kept", "lost"], edits=1)
        assert found.broken == [broken]
    held = search(predict, ["call me"], [1], lambda *_: ["kept"], edits=1)
    assert (held.broken, held.edits) == ([False], [1])


def test_a_model_that_remembers_is_asked_once():
    asked = []

    def predict(texts):
        asked.extend(texts)
        return np.array([[float(len(text)), 0.0] for text in texts])

    ask = remembering(predict, lambda texts: [text.lower() for text in texts])
    assert ask(["Aa", "aa", "b"]).tolist() == [[2.0, 0.0], [2.0, 0.0], [1.0, 0.0]]
    ask(["B", "AA"])
    assert sorted(map(str.lower, asked)) == ["aa", "b"]
