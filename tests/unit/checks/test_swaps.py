"""Words are swapped for their partners, and nothing else changes."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from govkit.checks._swaps import Words, neutral_pairs, word_lists

GENDER = word_lists()["gender"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He told his brother.", "She told her sister."),
        ("HE told Her brother, he's late", "SHE told His sister, she's late"),
        ("I saw her. I saw her again.", "I saw him. I saw him again."),
        ("I saw her in her car", "I saw him in his car"),
        ("It is his. It is hers now", "It is hers. It is his now"),
        ("the mother's hat; mothers do", "the father's hat; mothers do"),
        ("shed the sheep hymn", "shed the sheep hymn"),
        ("Mr Smith, 3 men\tand a\n woman!", "Mrs Smith, 3 women\tand a\n man!"),
        ("", ""),
    ],
)
def test_gender(text: str, expected: str) -> None:
    assert GENDER.swap(text).text == expected


def test_words_of_each_kind_are_counted() -> None:
    swapped = GENDER.swap("He and she and he")
    assert (swapped.first, swapped.second, swapped.words) == (2, 1, 3)
    assert GENDER.swap("he he he", most=2).text == "she she he"


def test_a_name_is_only_found_with_its_capital() -> None:
    names = word_lists()["names_gender"]
    assert names.swap("james and James, JAMES").text == "james and Mary, MARY"


def test_the_neutral_partner_of_a_name_is_of_the_same_kind() -> None:
    names = word_lists()["names_ethnicity"]
    white, black = (set(kind) for kind in zip(*names.pairs, strict=True))
    for first, second in names.neutral.pairs:
        assert (first, second) in neutral_pairs() or {first, second} <= white or {first, second} <= black
    assert names.neutral.swap("Emily called this Jamal.").text != "Emily called this Jamal."


def test_every_list_has_a_source_and_no_word_twice_in_one_kind() -> None:
    for name, words in word_lists().items():
        for kind in zip(*words.pairs, strict=True):
            assert len(set(kind)) == len(kind), name
    neutral = {word.lower() for pair in neutral_pairs() for word in pair}
    swapped = {word.lower() for words in word_lists().values() for pair in words.pairs for word in pair}
    assert not neutral & swapped


@given(
    st.lists(
        st.sampled_from([*(w for pair in GENDER.pairs for w in pair if w not in ("her", "him")), "cat", "3", "ÄÖ"])
    )
)
def test_a_second_swap_leads_back(words: list[str]) -> None:
    text = " ".join(words)
    swapped = GENDER.swap(text)
    assert GENDER.swap(swapped.text).text == text
    assert len(swapped.text.split()) == len(words)


@given(st.text())
def test_a_text_without_these_words_is_left_as_it_is(text: str) -> None:
    words = Words((("zebra-one", "zebra-two"),))
    assert words.swap(text).text == text or "zebra" in text.lower()
