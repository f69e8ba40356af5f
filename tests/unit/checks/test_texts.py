"""Damaged texts, scripts and the most frequent text."""

import pyarrow as pa
import pytest

from govkit.checks._texts import SCRIPTS, as_texts, damaged, most_frequent, scripts
from govkit.checks.data import plain

CLEAN = {
    "German": ["Straßenbahn nach Köln, größer als üblich", "„Ä“ und „Ö“ – so heißt’s…", "20\u00a0°C, 5 µm, Ümläut"],
    "French": ["«\u00a0Voilà\u00a0»", "«\u00a0café\u00a0»", "déjà\u00a0! où\u00a0? «né»…", "À bientôt", "é», à»"],
    "Spanish": ["«está»…", "¿Dónde está? ¡Ahí!", "EL NIÑO…", "«SEÑOR»", "Ñandú, pingüino, 3.ª"],
    "Vietnamese": ["Tiếng Việt rất đẹp", "ĐÃ ĐẾN…", "CÂU HỎI", "Ủy ban đã họp hôm qua", "ĐÃ\u00a0ĐI"],
    "Portuguese": ["“MANHÃ”", "AMANHÃ…", "LIMITAÇÃO", "SÃO PAULO – BRASIL", "À tarde, às três"],
    "emoji": ["👍🏽 ❤️ 😀", "👨‍👩‍👧 ok", "¯\\_(ツ)_/¯", "★ ½ × 3² ±5 €"],
    "others": ["Привет, как дела?", "Å² and Å³, IKEÄ®", "Þórður", "ＡＢＣ　こんにちは", "안녕하세요", "Ναι «όχι»", "Ã"],
}  # fmt: skip


@pytest.mark.parametrize("language", sorted(CLEAN))
def test_no_language_is_taken_for_damage(language):
    assert not any(damaged(pa.array(CLEAN[language])).to_pylist())


def read_as(text: str, encoding: str) -> str:
    """UTF-8 that was read as another encoding; bytes that it lacks become control characters."""
    return "".join(
        bytes([byte]).decode(encoding, errors="ignore") or chr(byte) for byte in text.encode()
    )  # fmt: skip


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
@pytest.mark.parametrize(
    "text",
    [
        "Straße", "größer", "Österreich", "Äpfel", "café", "déjà vu", "señor", "“quoted”", "it’s", "5 €", "20\u00a0°C",
        "Tiếng Việt rất đẹp", "Zażółć gęślą jaźń", "Příliš žluťoučký", "verità nuova", "Привет", "Ελλάδα", "こんにちは",
        "안녕하세요", "สวัสดี", "नमस्ते", "😀", "naïve – yes", "½ cup", "™",
    ],
)  # fmt: skip
def test_utf8_that_was_read_as_something_else_is_damage(text, encoding):
    assert damaged(pa.array(["plain", read_as(text, encoding), None])).to_pylist() == [False, True, False]


def test_a_lost_character_is_damage():
    assert damaged(pa.array(["caf\ufffd", "ï¿½", "cafe"])).to_pylist() == [True, True, False]


def test_the_script_is_that_of_most_letters():
    names = [*SCRIPTS, "other"]
    texts = {
        "Hello, мир": "Latin", "Привет OK": "Cyrillic", "日本語のテキスト abc": "Han or kana", "한국어": "Hangul",
        "שלום": "Hebrew", "مرحبا": "Arabic", "ქართული": "other", "καλημέρα": "Greek", "สวัสดี": "Thai",
        "नमस्ते": "Devanagari",
    }  # fmt: skip
    assert [names[code] for code in scripts(pa.chunked_array([list(texts)]))] == list(texts.values())
    assert scripts(pa.chunked_array([["123 !?", "👍", "", None]])).tolist() == [-1] * 4


def test_the_most_frequent_text_is_counted_in_all_rows():
    texts = ["Straße", "STRASSE", "strasse ", None, "ﬁne", "fine", "x"] * 1000
    assert most_frequent(pa.chunked_array([texts]), plain).sum() == 3000
    assert most_frequent(pa.chunked_array([pa.array([None, None], pa.string())]), plain).sum() == 0


def test_the_most_frequent_text_may_be_one_word_of_ten_megabytes():
    long = "A" * 10_000_000
    texts = pa.array([long, "short", long.lower(), long + "b"], pa.large_string())
    assert most_frequent(pa.chunked_array([texts]), plain).tolist() == [True, False, True, False]


def test_cells_that_are_no_text_count_as_they_print():
    column = as_texts(pa.chunked_array([[[{"role": "user"}], None]]))
    assert column.to_pylist() == ["[{'role': 'user'}]", None]
