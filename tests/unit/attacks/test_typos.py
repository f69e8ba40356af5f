"""Typos stay small, leave numbers alone and find a planted weakness."""

import re

import numpy as np
from hypothesis import example, given, settings, strategies as st

from govkit.attacks import mistype, search, trying
from govkit.attacks.typos import NEIGHBORS

TEXTS = st.text(st.characters(codec="utf-8"), max_size=60) | st.from_regex(
    r"([A-Za-z]{1,9}|[£$]?\d{1,4}|www\.\w+\.com/\d)( ([A-Za-z]{1,9}|\d{1,4}|a@b\.org)){0,6}", fullmatch=True
)


def typos(predict, texts, labels, *, edits=2, tries=8, seed=0):
    return search(predict, texts, labels, trying(mistype, tries=tries, seed=seed), edits=edits)


def distance(a, b):
    """Edits between two texts; a swap of neighbors is one (optimal string alignment)."""
    rows = [list(range(len(b) + 1))]
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            best = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.integers(0, 1000))
@example("", 0)
@example("12345", 3)
@example("see www.win.com now", 5)
def test_one_edit_is_one_edit_and_protects_numbers_and_addresses(text, key):
    changed = mistype(text, str(key))
    assert distance(text, changed) <= 1
    assert mistype(text, str(key)) == changed
    assert re.sub(r"\D", "", changed) == re.sub(r"\D", "", text)
    for token in text.split():
        if re.search(r"[\d£$@]|www\.", token):
            assert token in changed.split()


def test_every_kind_of_mistake_occurs():
    kinds = {mistype("please remember", str(key)) for key in range(300)}
    assert any(len(text) < 15 for text in kinds)
    assert any(len(text) > 15 for text in kinds)
    assert any(text.lower() == "please remember" and text != text.lower() for text in kinds)
    assert any(sorted(text) == sorted("please remember") for text in kinds)
    assert "pleaseremember" in kinds
    assert NEIGHBORS["s"] == "ad"


def contains(word):
    """A model that answers 1 if and only if the exact word occurs."""

    def predict(texts):
        hits = np.array([word in text.split() for text in texts], dtype=float)
        return np.stack([1 - hits, hits], axis=1)

    return predict


def test_a_planted_weakness_is_found_and_a_sound_model_is_not_accused():
    texts = [f"{word} prize waiting" for word in ("claim", "collect", "accept", "receive")]
    weak = typos(contains("prize"), texts, [1] * 4, edits=2, tries=20)
    assert weak.broken == [True] * 4
    assert all("prize" not in text.split() for text in weak.inputs)
    sound = typos(lambda asked: np.tile([0.1, 0.9], (len(asked), 1)), texts, [1] * 4, edits=2, tries=20)
    assert sound.broken == [False] * 4


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=5), st.integers(0, 3), st.integers(1, 4))
def test_the_budget_is_kept_and_passes_are_counted(texts, edits, tries):
    asked = []

    def predict(rows):
        asked.extend(rows)
        return np.tile([0.2, 0.8], (len(rows), 1))

    result = typos(predict, texts, [1] * len(texts), edits=edits, tries=tries, seed=3)
    assert result.forward == len(asked) <= len(texts) * edits * tries
    assert all(distance(a, b) <= made <= edits for a, b, made in zip(texts, result.inputs, result.edits, strict=True))


def test_a_row_is_attacked_the_same_in_any_company():
    texts = ["good morning everyone", "call before noon today", "nothing to report here"]
    whole = typos(contains("noon"), texts, [0, 1, 0], seed=5)
    alone = typos(contains("noon"), texts[1:2], [1], seed=5)
    assert whole.inputs[1] == alone.inputs[0]
    assert typos(contains("noon"), texts, [0, 1, 0], seed=6).inputs != whole.inputs
