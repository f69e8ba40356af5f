"""Personal data and secrets in any field of any row; never a value in what is said about it."""

import logging
import sys
import time
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from case_fixture import make_case
from personal_texts import POSITIVE, chance, negatives, sentence
from rows_fixture import gaps, measurements, read_case, run, value

from govkit.checks._identifiers import KINDS
from govkit.checks.data import personal_data

CARD = "4012 8888 8888 1881"


def case_of(**columns):
    """A case of stored predictions whose file holds these columns."""
    case = make_case([0, 1], [0.2, 0.7])
    return replace(case, data={"test": replace(case.data["test"], table=pa.table(columns))})


def found(columns) -> dict[str, float]:
    """Metric -> rows of the whole file, where there are any."""
    return {item.name: item.value for item in run("personal_data", case_of(**columns)) if not item.part and item.value}


def holds(text: str) -> set[str]:
    return {kind.name for kind in KINDS if kind.within(text)}


@pytest.mark.parametrize(
    "columns",
    [
        {"prompt": ["hello", f"my card is {CARD}"], "completion": ["hi", "thanks"]},
        {"prompt": ["hello", "my card?"], "completion": ["hi", f"it is {CARD}."]},
        {"messages": [[{"role": "user", "content": "hello"}],
                      [{"role": "user", "content": "card?"}, {"role": "assistant", "content": CARD}]]},
        {"path": ["cats/1.png", f"cats/scan_{CARD.replace(' ', '')}.jpg"]},
        {"deep": [None, {"a": [{"b": [None, CARD]}], "c": None}]},
        {"map": pa.array([[("k", "v")], [("k", CARD)]], pa.map_(pa.string(), pa.string()))},
        {"map": pa.array([[("k", "v")], [(CARD, "v")]], pa.map_(pa.string(), pa.string()))},
        {"whole": [1, 4012888888881881]},
        {"whole": [0.5, 4012888888881881.0]},
        {"coded": pa.array(["a", CARD]).dictionary_encode()},
        {"view": pa.array(["a", CARD], pa.string_view())},
        {"bytes": [b"\xff\xd8\xff", CARD.encode()]},
        {"list": pa.array([["a", "b"], ["c", CARD]], pa.list_(pa.string(), 2))},
        {"view": pa.array([["a"], ["b", CARD]], pa.list_view(pa.string()))},
    ],
)  # fmt: skip
def test_a_card_is_found_in_every_kind_of_field(columns):
    assert found(columns) == {"card_rows": 1.0, "personal_rows": 1.0}


@pytest.mark.parametrize(
    "card",
    [
        "4012.8888.8888.1881", "4012/8888/8888/1881", "4012 - 8888 - 8888 - 1881", "4012  8888  8888  1881",
        "4012\u20138888\u20138888\u20131881", "4 0 1 2 8 8 8 8 8 8 8 8 1 8 8 1", "3782.822463.10005",
        "\uff14\uff10\uff11\uff12\uff18\uff18\uff18\uff18\uff18\uff18\uff18\uff18\uff11\uff18\uff18\uff11",
        "scans/IMG4012888888881881_2.JPG", "scans/passport4012888888881881.png",
    ],
)  # fmt: skip
def test_a_card_is_found_however_it_is_written(card):
    assert found({"text": ["nothing", f"\u00e9, {card}, thanks"]}) == {"card_rows": 1.0, "personal_rows": 1.0}


def test_digits_in_a_list_a_path_or_a_digest_are_no_card():
    for text in ("1 4 0 1 2 8 8 8 8 8 8 8 8 1 8 8 1 7", "4012.8888/8888.1881", "4012/8888.8888-1881",
                 "a3f4012888888881881.png", "4012888888881882.png", "scan4012888888881881.py"):  # fmt: skip
        assert "card" not in holds(text), text


def test_a_column_whose_name_holds_personal_data_is_not_named():
    findings = run("personal_data", case_of(text=["a", "b"], **{CARD: [1, None]}))
    assert value(findings, "card_rows", part={"column": "column 2, name not shown"}) == 1.0
    assert CARD not in str(findings)


def test_without_presidio_its_engine_is_a_gap_that_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    (gap,) = run("personal_data", case_of(text=[CARD]), engine="presidio")
    assert (gap.reason, "pip install 'govkit[presidio]'" in gap.detail) == ("no extra", True)


def test_rows_of_a_nested_field_are_told_apart_in_every_slice():
    rows = [[{"content": "a"}], None, [], [{"content": CARD}, {"content": CARD}], [{"content": None}], None] * 3
    chunks = pa.chunked_array([pa.array(rows[:7]), pa.array(rows).slice(7, 11)])
    marks = personal_data._searched("messages", chunks)
    assert np.flatnonzero(marks["card_rows"]).tolist() == [3, 9, 15]


def test_more_rows_than_are_searched_at_once_are_all_searched(monkeypatch):
    monkeypatch.setattr(personal_data, "ROWS", 3)
    marks = personal_data._searched("text", pa.chunked_array([[CARD, "a", "b", "c", CARD], ["d", "e", "f", CARD]]))
    assert np.flatnonzero(marks["personal_rows"]).tolist() == [0, 4, 8]


def test_counts_are_exact_and_name_the_column():
    findings = run("personal_data", case_of(text=["write to a@b.org", "nothing"], other=[CARD, "call +49 171 1234567"]))
    assert value(findings, "personal_rows", part={}) == 2.0
    assert value(findings, "personal_rows", part={"column": "text"}) == 1.0
    assert value(findings, "personal_rows", part={"column": "other"}) == 2.0
    assert value(findings, "phone_rows", part={"column": "other"}) == 1.0
    (whole,) = measurements(findings, "email_rows", part={})
    assert (whole.value, whole.n, whole.unit, whole.better) == (1.0, 2, "rows", "lower")
    assert {(bound.low, bound.high) for bound in whole.bounds} == {(1.0, 1.0)}
    assert not measurements(findings, "email_rows", part={"column": "other"})


def test_each_data_set_is_searched_apart():
    columns = {"input": "text", "label": "label"}
    table = {"text": ["write to a@b.org", "no"], "label": ["ham", "spam"]}
    clean = {"text": ["x", "y"], "label": ["ham", "spam"]}
    findings = run("personal_data", read_case({"test": clean, "train": table}, columns=columns))
    assert value(findings, "personal_rows", part={}, role="train") == 1.0
    assert value(findings, "personal_rows", part={}, role="test") == 0.0


def test_data_without_rows_or_columns_are_a_gap():
    for table in ({}, {"text": pa.array([], pa.string())}):
        missing = gaps(run("personal_data", case_of(**table)))
        assert missing == dict.fromkeys(personal_data.WHAT, "no data")


def test_the_name_of_a_column_says_what_its_numbers_are():
    assert found({"bsn": [111222333, 5]}) == {"national_id_rows": 1.0, "personal_rows": 1.0}
    assert found({"article": [111222333, 5]}) == {}
    assert found({"user": [{"password": "Hunter2!xy"}, {"password": None}]})["secret_rows"] == 1.0
    assert found({"phone_number": [7700900123, 3]})["phone_rows"] == 1.0


def test_what_issuers_publish_as_examples_is_found():
    published = {
        "iban": "GB29 NWBK 6016 1331 9268 19", "card": "378282246310005", "it_codice": "RSSMRA85T10A562S",
        "pl_pesel": "44051401359", "nl_bsn": "BSN 111222333", "de_tax": "86 095 742 719", "br_cpf": "529.982.247-25",
        "fr_nir": "2 55 08 14 168 025 38", "es_dni": "12345678Z", "us_ssn": "219-09-9999",
        "token": "AKIAIOSFODNN7EXAMPLE", "phone": "+1 (212) 555-0123", "private_key": "-----BEGIN RSA PRIVATE KEY-----",
    }  # fmt: skip
    assert {name: name in holds(text) for name, text in published.items()} == dict.fromkeys(published, True)


def test_one_wrong_digit_makes_it_another_number():
    for wrong in ("GB29 NWBK 6016 1331 9268 18", "378282246310006", "RSSMRA85T10A562T", "44051401358", "BSN 111222334",
                  "86095742718", "529.982.247-26", "255081416802539", "12345678A", "666-12-1234"):  # fmt: skip
        assert not holds(wrong), wrong


def test_letters_that_only_fold_to_those_of_an_id_are_other_letters():
    # The Kelvin sign and the long s.
    for text in ("R\u017f\u017fMRA85T10A562S", "GB29 NWB\u212a 6016 1331 9268 19", "1234567\u0668Z", "12345678\u212a"):
        assert not holds(text)


@pytest.mark.parametrize("name", POSITIVE)
def test_recall_and_precision_of_each_kind(name):
    rng = chance(name)
    made = [sentence(rng, POSITIVE[name](rng)) for _ in range(400)]
    clean = negatives(rng, 2_000)
    hits = sum(name in holds(text) for text in made)
    false = sum(name in holds(text) for text in clean) * len(made) / len(clean)
    assert hits / len(made) >= 0.98
    assert hits / (hits + false) >= 0.95


def test_clean_rows_are_hardly_ever_accused():
    rng = chance(7)
    # Cards and ids whose check digit fits by chance: one number in ten to a hundred of the right length.
    assert sum(bool(holds(text)) for text in negatives(rng, 4_000)) <= 20


def test_the_cheap_question_loses_no_row():
    rng = chance(8)
    for name, make in POSITIVE.items():
        texts = [sentence(rng, make(rng)) for _ in range(100)]
        marks = personal_data._searched("x", pa.chunked_array([texts]))
        assert marks["personal_rows"].tolist() == [bool(holds(text)) for text in texts], name


@pytest.mark.parametrize("unit", ["4 ", "+1 ", "12-", "1.", "a@a.", "eyJ", "GB12 ", "key=", "phone ", "ABCDEF12A", "x"])
def test_the_time_grows_as_the_text_does(unit):
    took = []
    for size in (40_000, 640_000):
        column = pa.chunked_array([[unit * (size // len(unit))]])
        start = time.process_time()
        personal_data._searched("text", column)
        took.append(time.process_time() - start)
    # Sixteen times the text; what grows with its square takes 256 times as long.
    assert took[1] < 64 * max(took[0], 0.02)


def test_no_value_is_told(caplog):
    rng = chance(3)
    planted = [make(rng) for make in POSITIVE.values()]
    table = {"text": planted, "chat": [[{"content": text}] for text in reversed(planted)]}
    with caplog.at_level(logging.DEBUG):
        told = f"{run('personal_data', case_of(**table))} {caplog.text} {KINDS}"
    assert [text for text in planted if text in told] == []


def test_not_even_a_crash_tells_a_value(monkeypatch, caplog):
    def broken(digits):
        raise ValueError(f"cannot read {digits}")

    monkeypatch.setattr(personal_data, "KINDS", tuple(replace(kind, valid=broken) for kind in KINDS))
    crash = run("personal_data", case_of(text=["a", CARD]))
    assert gaps(crash) == {"*": "crashed"}
    told = f"{crash} {caplog.text}"
    assert "ValueError" in told
    assert CARD not in told
    assert CARD.replace(" ", "") not in told


@pytest.mark.parametrize(
    ("text", "metric"),
    [
        ("aws_secret_access_key = " + "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY", "secret_rows"),
        ("Authorization: Bearer " + "abcdef1234567890ghijkl", "secret_rows"),
        ("\u8bf7\u8054\u7cfbjohn@example.com\u8c22\u8c22", "email_rows"),
        ("_john@example.com_", "email_rows"),
    ],
)
def test_what_stands_beside_letters_without_spaces_is_found(text, metric):
    assert metric in {kind.metric for kind in KINDS if kind.within(text)}
    assert not [kind for kind in KINDS if kind.within("path key: /usr/lib/python3.11/site-packages/foo/bar")]


def test_rows_are_named_but_never_by_an_id_that_holds_something():
    rows = {"text": ["a", "b", f"card {CARD}"], "label": ["ham", "spam", "ham"], "id": ["x1", "x2", "x3"]}
    columns = {"input": "text", "label": "label", "id": "id"}
    found = run("personal_data", read_case({"test": rows}, columns=columns))
    assert {item.name: item.rows for item in measurements(found, "card_rows", part={})} == {"card_rows": ("x3",)}
    told = run("personal_data", read_case({"test": {**rows, "id": ["x1", "ann@example.com", "x3"]}}, columns=columns))
    assert measurements(told, "personal_rows", part={})[0].rows == ("row 2", "row 3")
    assert "ann@example.com" not in str(told)
