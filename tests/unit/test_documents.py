"""People's files are read strictly, and a mistake is named by file, line and key."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel, ConfigDict

from govkit import documents
from govkit.core import Audit
from govkit.errors import AuditError, UsageError


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: str = ""
    depth: int = 0


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    inner: tuple[Inner, ...] = ()
    by_name: dict[str, Inner] = {}
    either: str | Inner = ""
    day: str = ""


def _read(tmp_path: Path, text: str | bytes, model: type[BaseModel] = Outer) -> BaseModel:
    path = tmp_path / "file.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return documents.read_model(path, model, error=AuditError)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("inner:\n  - depth: 1\n  - dept: 2\n", (":3: inner.2.dept: unknown key 'dept' (did you mean 'depth'?)",)),
        ("by_name:\n  a: {dpth: 1}\n", (":2: by_name.a.dpth: unknown key 'dpth' (did you mean 'depth'?)",)),
        ("innr: []\n", (":1: innr: ", "'inner'")),
        ("inner: [{depth: one}]\n", (":1: inner.1.depth: found 'one'",)),
        ("day: a\nday: b\n", (":2: the key 'day' stands twice; it first stands in line 1",)),
        ("day:\n\tx: 1\n", (":2: line 2 is indented with a tab",)),
        ("zzz: 1\n", (":1: zzz: unknown key 'zzz' (known: by_name, day, either, inner)",)),
        ("either: {depht: 1}\n", (":1: either.depht: ", "did you mean 'depth'")),
        ("inner:\n  - {id: first}\n  - {id: second, depth: x}\n", (":3: inner.second.depth: ",)),
        ('day: "\\ud800"\n', (":1: half a character",)),
        ('"\\ud800": 1\n', (":1: half a character",)),
        ('day: "\\Uffffffff"\n', ("not valid YAML",)),
        ('"a\\e[1mb": 1\n', (r":1: 'a\x1b[1mb': unknown key",)),
        ("day: !!str x\n", ("the tag",)),
        ("inner: " + str([{"a": 1}] * 12), (":1: inner.1.a: ", "and 4 more")),
        ("a: &x [1]\nb: *x\n", ("aliases",)),
        ("", ("empty",)),
        ("- 1\n", ("expected keys and values",)),
        ("day: [\n", ("not valid YAML",)),
        ("? [a]\n: b\n", ("a list or mapping is not text",)),
        (b"day: \xff\n", ("UTF-8",)),
    ],
)
def test_mistakes_are_named(text, words, tmp_path):
    with pytest.raises(AuditError) as refused:
        _read(tmp_path, text)
    message = str(refused.value)
    assert "file.yaml" in message
    assert all(word in message for word in words), message


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path):
    assert _read(tmp_path, b"\xef\xbb\xbfday: x\r\n").day == "x"


def test_dates_stay_text(tmp_path):
    assert _read(tmp_path, "day: 2026-11-24\n").day == "2026-11-24"


def test_folders_missing_files_loops_and_giants_are_refused(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "giant").write_bytes(b"#" * (documents.MAX_BYTES + 1))
    for name, words in ((".", "folder"), ("none", "cannot be read"), ("loop", "cannot be read"), ("giant", "larger")):
        with pytest.raises(AuditError, match=words):
            documents.read_text(tmp_path / name, error=AuditError)


@given(st.text(max_size=60))
def test_whatever_the_text_only_a_usage_error_comes_out(text):
    with contextlib.suppress(UsageError):
        documents.validate(documents.parse(text, "x", error=UsageError), Audit)


def test_long_json_is_read_without_lines(tmp_path):
    path = tmp_path / "run.json"
    path.write_text('{"day": "x", "inner": [{"id": "a", "depth": 1}]}')
    read = functools.partial(documents.read_json, path, Outer, error=AuditError)
    assert read(max_bytes=100).inner == (Inner(id="a", depth=1),)
    with pytest.raises(AuditError, match="larger than 20 bytes"):
        read(max_bytes=20)
    path.write_text('{"inner": [{"id": "a", "depht": 1}]}')
    with pytest.raises(AuditError, match=r"run\.json: inner\.a\.depht: unknown key 'depht' \(did you mean 'depth'"):
        read(max_bytes=100)
    path.write_text("{")
    with pytest.raises(AuditError, match="not valid JSON"):
        read(max_bytes=100)


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")) | st.text("ab#-:|>' \"\n\t\r\x85\u2028\ufeff"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab: \n1"), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(st.text("abc#:\n 1-"), plain, max_size=4))
def test_what_is_written_is_read_back_unchanged(data):
    assert documents.parse(documents.dump(data), "x", error=UsageError).data == data


def test_the_lines_of_a_text_stand_as_lines():
    assert documents.dump({"key": "one\ntwo\n"}) == "key: |\n  one\n  two\n"
