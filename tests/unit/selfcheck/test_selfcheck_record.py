"""The record of a self-check: it follows from its trials, and one that was touched is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

import govkit as gk
from govkit.core.selfcheck import FAULT_NAMES, SelfCheck, Trial
from govkit.evidence import dumps
from govkit.pipeline.selfcheck import read_selfcheck


def a_trial(fault: str = "leak", **fields) -> Trial:
    plain = {
        "fault": fault, "planted": "20 rows", "check": "contamination", "metric": "shared_rows", "value": "20 rows",
        "clean_value": "0 rows", "found": True, "clean_accused": False, "seconds": 1.5,
        "passes": {"forward": 3, "backward": 0},
    }  # fmt: skip
    return Trial.model_validate({**plain, **fields})


def a_record(*trials: Trial, version: str = gk.__version__, ok: bool | None = None) -> SelfCheck:
    said = all(trial.ok for trial in trials) if ok is None else ok
    return SelfCheck(tool={"name": "govkit", "version": version}, seed="0", trials=trials, ok=said)


EVERY = tuple(a_trial(name) for name in FAULT_NAMES)


def written(folder: Path, record: SelfCheck) -> Path:
    path = folder / "selfcheck.json"
    path.write_bytes(gk.selfcheck_bytes(record))
    return path


def test_a_record_comes_back_as_it_was_written(tmp_path: Path):
    record = a_record(*EVERY)
    assert read_selfcheck(written(tmp_path, record)) == record
    assert record.sentence == "self-check of govkit 0.1.0: 8 of 8 planted faults found, 0 of 8 clean twins accused"
    assert json.loads((tmp_path / "selfcheck.json").read_bytes())["schema"] == "govkit.selfcheck/v1"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"found": False}, "7 of 8 planted faults found, 0 of 8 clean twins accused"),
        ({"clean_accused": True}, "8 of 8 planted faults found, 1 of 8 clean twins accused"),
        ({"clean_accused": None}, "8 of 8 planted faults found, 0 of 8 clean twins accused, 1 not measured"),
    ],
)
def test_a_record_that_is_not_ok_is_read_and_says_so(tmp_path: Path, fields: dict, sentence: str):
    record = a_record(a_trial(FAULT_NAMES[0], **fields), *EVERY[1:])
    assert not record.ok
    assert read_selfcheck(written(tmp_path, record)) == record
    assert record.sentence.endswith(sentence)


def test_ok_follows_from_the_trials_and_no_fault_stands_twice():
    with pytest.raises(ValidationError, match="the trials say otherwise"):
        a_record(a_trial(found=False), ok=True)
    with pytest.raises(ValidationError, match="the trials say otherwise"):
        a_record(a_trial(), ok=False)
    with pytest.raises(ValidationError, match="twice"):
        a_record(a_trial(), a_trial())
    with pytest.raises(ValidationError):
        a_record()


def _rewritten(raw: bytes, **changes) -> bytes:
    return dumps({**json.loads(raw), **changes}) + b"\n"


@pytest.mark.parametrize(
    ("touch", "message"),
    [
        (lambda raw: raw.replace(b"20 rows", b"21 rows", 1), "was changed after it was written"),
        (lambda raw: raw.replace(b'"seed":"0"', b'"seed":"1"'), "was changed after it was written"),
        (lambda raw: raw.replace(b'"seed":"0"', b'"seed": "0"'), "was changed after it was written"),
        (lambda raw: raw.replace(b'"found":true', b'"found":false', 1), "no record of a self-check"),
        (lambda raw: _rewritten(raw, digest="sha256:" + "0" * 64), "was changed after it was written"),
        (lambda raw: _rewritten(raw, digest=None), "was changed after it was written"),
        (lambda raw: _rewritten(raw, more=1), "no record of a self-check"),
        (lambda raw: _rewritten(raw, schema="govkit.selfcheck/v2"), "no record of a self-check"),
        (lambda raw: raw[:-30], "no record of a self-check"),
        (lambda _: b"[]", "no record of a self-check"),
        (lambda _: b"", "no record of a self-check"),
        (lambda _: b"\xff\xfe", "no record of a self-check"),
    ],
)
def test_a_record_that_was_touched_is_refused(tmp_path: Path, touch, message: str):
    path = written(tmp_path, a_record(*EVERY))
    raw = path.read_bytes()
    path.write_bytes(touch(raw))
    assert path.read_bytes() != raw
    with pytest.raises(gk.UsageError, match=message):
        read_selfcheck(path)


def test_a_record_of_another_version_or_of_some_faults_only_is_refused(tmp_path: Path):
    with pytest.raises(gk.UsageError, match=r"self-check of govkit 0\.0\.9; this is govkit 0\.1\.0"):
        read_selfcheck(written(tmp_path, a_record(*EVERY, version="0.0.9")))
    with pytest.raises(gk.UsageError, match="holds no trial of label_noise"):
        read_selfcheck(written(tmp_path, a_record(*EVERY[1:])))
    with pytest.raises(gk.UsageError, match="cannot be read"):
        read_selfcheck(tmp_path / "none.json")
    with pytest.raises(gk.UsageError, match="cannot be read"):
        read_selfcheck(tmp_path)
