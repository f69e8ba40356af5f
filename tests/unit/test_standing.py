"""What is measured and what is digested are one file, however short the time in which another one stood there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import govkit as gk
from govkit import data
from govkit.core import Audit
from govkit.errors import AuditError
from govkit.pipeline.casework import build_case, read_audit
from govkit.pipeline.measuring import measure_case
from govkit.pipeline.places import Places
from govkit.pipeline.standing import refuse_changed, states

ROWS = "id,label,pred\n" + "".join(f"{at},{at % 2},{{}}\n" for at in range(60))
GOOD = ROWS.format(*(at % 2 for at in range(60)))
POOR = ROWS.format(*(1 - at % 2 for at in range(60)))
AUDIT = """\
schema: govkit.audit/v1
subject: {predictions: rows.csv}
columns: {label: label, prediction: pred, id: id}
"""


def _write(path: Path, text: bytes) -> None:
    """The same file, of the same size, with the times that it had."""
    seen = path.stat()
    path.write_bytes(text)
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def _rename(path: Path, text: bytes) -> None:
    aside = path.with_name("aside")
    shutil.copy2(path, aside)
    aside.write_bytes(text)
    aside.replace(path)


def _link(path: Path, text: bytes) -> None:
    other = path.parents[1] / "other"
    other.write_bytes(text)
    path.unlink()
    path.symlink_to(other)


def _folder(path: Path, text: bytes) -> None:
    aside = path.parent.with_name("aside")
    path.parent.rename(aside)
    shutil.copytree(aside, path.parent, copy_function=shutil.copy2)
    shutil.rmtree(aside)
    _write(path, text)


def _more(path: Path, text: bytes) -> None:
    path.with_name("more").write_bytes(text)
    path.with_name("more").unlink()


@pytest.mark.parametrize("way", [_write, _rename, _link, _folder, _more])
def test_no_swap_and_back_is_missed(tmp_path: Path, way: Callable[[Path, bytes], None]):
    file = tmp_path / "model" / "deep" / "weights"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"good")
    source = {"python": "m:predict", "artifact": "model"}
    places = Places(Audit.model_validate({"subject": source, "columns": {"label": "y"}}), tmp_path)
    for _ in range(40):
        before = states(places)
        refuse_changed(before)
        for text in (b"evil", b"good"):
            way(file, text)
        assert file.read_bytes() == b"good"
        with pytest.raises(AuditError, match="was changed while it was measured"):
            refuse_changed(before)


@pytest.mark.parametrize("swapped", ["while it is read", "after it was read", "never"])
def test_stored_answers_are_those_of_their_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swapped: str):
    """The better answers stand there for as long as the rows are read; the digest would be of the poor ones."""
    rows = tmp_path / "rows.csv"
    rows.write_text(POOR, encoding="utf-8")
    (tmp_path / "audit.yaml").write_text(AUDIT, encoding="utf-8")
    real = data.read_rows

    def read(path: Path) -> data.Rows:
        _write(path, GOOD.encode())
        found = real(path)
        _write(path, POOR.encode())
        return found

    if swapped == "while it is read":
        monkeypatch.setattr(data, "read_rows", read)
    audit, root = read_audit(tmp_path / "audit.yaml")
    work = build_case(audit, root)
    if swapped == "after it was read":
        _write(rows, GOOD.encode())
    if swapped == "never":
        work.refuse_changed()
        return
    with pytest.raises(AuditError, match=r"rows\.csv: was changed while it was measured"):
        measure_case(work, gk.resolve_policy(audit.policy))


def test_a_name_that_this_system_cannot_write_is_refused(tmp_path: Path):
    """As every name outside of ASCII is in the locale C with PYTHONUTF8=0; never an internal error."""
    audit = Audit.model_validate({"subject": {"predictions": "rows.csv"}, "columns": {"label": "y"}})
    for name in ("\ud800.csv", "a\0.csv"):
        with pytest.raises(AuditError, match="cannot be the name of a file"):
            Places(audit, tmp_path).at(name)
