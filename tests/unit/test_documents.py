"""People's files are read strictly, and a mistake is named by file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from govkit import documents
from govkit.core import Audit
from govkit.errors import AuditError, UsageError


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    depth: int = 0


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    inner: tuple[Inner, ...] = ()
    by_name: dict[str, Inner] = {}
    day: str = ""


def _read(tmp_path: Path, text: str | bytes, model: type[BaseModel] = Outer) -> BaseModel:
    path = tmp_path / "file.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return documents.read_model(path, model, error=AuditError)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("inner:\n  - depth: 1\n  - dept: 2\n", ("line 3", "inner.1.dept", "did you mean 'depth'")),
        ("by_name:\n  a: {dpth: 1}\n", ("line 2", "by_name.a.dpth", "'depth'")),
        ("innr: []\n", ("line 1", "innr", "'inner'")),
        ("inner: [{depth: one}]\n", ("line 1", "inner.0.depth", "'one'")),
        ("day: a\nday: b\n", ("line 2", "'day' stands twice")),
        ("day:\n\tx: 1\n", ("line 2", "tab")),
        ("a: &x [1]\nb: *x\n", ("aliases",)),
        ("", ("empty",)),
        ("- 1\n", ("expected keys and values",)),
        ("day: [\n", ("not valid YAML",)),
        ("? [a]\n: b\n", ("plain word",)),
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
    for name, words in ((".", "folder"), ("none", "no such file"), ("loop", "cannot be read"), ("giant", "larger")):
        with pytest.raises(AuditError, match=words):
            documents.read_text(tmp_path / name, error=AuditError)


@given(st.text(max_size=60))
def test_whatever_the_text_only_a_usage_error_comes_out(text):
    try:
        documents.validate(*documents.parse(text, where="x", error=UsageError)[:1], Audit, where="x", error=UsageError)
    except UsageError as refused:
        assert str(refused)
