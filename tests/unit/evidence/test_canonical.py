from __future__ import annotations

from typing import Any

import pytest

from govkit.errors import EvidenceError
from govkit.evidence import dumps, loads

RFC_8785_3_2_3 = b"""{
  "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
  "string": "\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/",
  "literals": [null, true, false]
}"""
RFC_8785_3_2_4 = bytes.fromhex(
    "7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e"
    "756d62657273223a5b3333333333333333332e333333333333332c31652b3330"
    "2c342e352c302e3030322c31652d32375d2c22737472696e67223a22e282ac24"
    "5c75303030665c6e4127425c225c5c5c5c5c222f227d"
)


def test_the_example_of_the_standard() -> None:
    assert dumps(loads(RFC_8785_3_2_3)) == RFC_8785_3_2_4


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"verdict":"BLOCK","verdict":"PASS"}', "DUP_KEY"),
        (b'[{"a":1,"\\u0061":2}]', "DUP_KEY"),
        (b"NaN", "NON_FINITE"),
        (b"[-Infinity]", "NON_FINITE"),
        (b"1e400", "NON_FINITE"),
        (b"9" * 400, "NON_FINITE"),
        (b"9" * 5000, "NON_FINITE"),
        (b'"\xff"', "BAD_JSON"),
        (b"\xef\xbb\xbf1", "BAD_JSON"),
        (b'"\xed\xa0\x80"', "BAD_JSON"),
        ("{}".encode("utf-16"), "BAD_JSON"),
        (b"", "BAD_JSON"),
        (b"{} {}", "BAD_JSON"),
        (b"{'a':1}", "BAD_JSON"),
        (b"[" * 200_000, "BAD_JSON"),
    ],
)
def test_what_two_parsers_may_read_differently_is_refused(raw: bytes, code: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        loads(raw, file="x.json")
    assert (caught.value.code, caught.value.file) == (code, "x.json")
    assert "x.json" in str(caught.value)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (float("nan"), "NON_FINITE"),
        ({"a": [float("inf")]}, "NON_FINITE"),
        (2**53, "BAD_JSON"),
        ({1: 2}, "BAD_JSON"),
        ("\ud800", "BAD_JSON"),
        ({"\ud800": 1}, "BAD_JSON"),
        ({"a": {1, 2}}, "BAD_JSON"),
    ],
)
def test_what_has_no_canonical_form_is_refused(value: Any, code: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        dumps(value)
    assert caught.value.code == code


def test_integers_stay_exact_or_become_the_double_they_are() -> None:
    assert loads(b"9007199254740991") == 2**53 - 1
    assert isinstance(loads(b"9007199254740991"), int)
    assert isinstance(loads(b"-9007199254740992"), float)
    assert dumps(loads(dumps(1e20))) == b"100000000000000000000"
