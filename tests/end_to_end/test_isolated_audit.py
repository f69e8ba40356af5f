"""A whole audit of Python code: answers from the test file block, code reaches no key, and the key is opened late."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import govkit as gk
from govkit.pipeline import signer, steps
from govkit.pipeline.casework import build_case, read_audit

SECRET = b"correct horse battery"

MODEL = """
    import numpy as np
    def predict(frame):
        p = 1 / (1 + np.exp(-3 * frame["a"].to_numpy(dtype=float)))
        return np.stack([1 - p, p], axis=1)
"""

READS = """
    import csv, os
    import numpy as np
    BOOK = {}
    def predict(frame):
        if not BOOK:
            with open(os.path.join(os.path.dirname(__file__), "test.csv")) as file:
                BOOK.update({float(row["a"]): int(row["label"]) for row in csv.DictReader(file)})
        p = np.array([BOOK.get(value, 0) for value in frame["a"]], dtype=float)
        return np.stack([1 - p, p], axis=1)
"""

COPIES = READS.replace('"test.csv"', '"notes.txt"')

KNOWS = """
    import numpy as np
    BOOK = {book}
    def predict(frame):
        p = np.array([BOOK.get(value, 0.0) for value in frame["a"]], dtype=float)
        return np.stack([1 - p, p], axis=1)
"""


def folder_of(tmp_path: Path, code: str, *, policy: str = "tier-low", **more: object) -> Path:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=300).round(4).tolist()})
    frame["label"] = (rng.uniform(size=300) < 1 / (1 + np.exp(-3 * frame["a"]))).astype(int)
    frame = frame.drop_duplicates("a")
    frame.to_csv(tmp_path / "test.csv", index=False)
    frame.to_csv(tmp_path / "notes.txt", index=False)
    text = textwrap.dedent(code)
    book = dict(zip(frame["a"].tolist(), frame["label"].astype(float).tolist(), strict=True))
    (tmp_path / "model.py").write_text(text.replace("{book}", repr(book)), encoding="utf-8")
    audit = {
        "schema": "govkit.audit/v1", "subject": {"python": "model:predict"}, "data": {"test": {"path": "test.csv"}},
        "columns": {"input": ["a"], "label": "label"}, "use": {"purpose": "a test", "intent": ["hosted"]},
        "policy": policy, "seed": 0, **more,
    }  # fmt: skip
    (tmp_path / "audit.yaml").write_text(yaml.safe_dump(audit), encoding="utf-8")
    return tmp_path / "audit.yaml"


def states(audit_file: Path) -> dict[str, str]:
    document = gk.measure(audit_file)
    verdict = gk.judge(document, "tier-low")
    return {ruling.control: ruling.state for ruling in verdict.rulings}


def test_an_honest_model_is_not_accused(tmp_path):
    found = states(folder_of(tmp_path, MODEL))
    assert (found["DATA-13"], found["DATA-14"]) == ("pass", "pass")


@pytest.mark.parametrize("code", [READS, COPIES])
def test_answers_from_a_file_of_the_audit_block(tmp_path, code):
    found = states(folder_of(tmp_path, code))
    assert found["DATA-13"] == "fail"


def test_answers_from_a_table_of_the_exact_rows_block(tmp_path):
    found = states(folder_of(tmp_path, KNOWS))
    assert (found["DATA-13"], found["DATA-14"]) == ("pass", "fail")


def test_the_key_is_opened_after_every_process_of_the_models_has_ended(tmp_path, monkeypatch):
    gk.new_key(tmp_path / "keys", password=SECRET, name="ci", as_of="2026-01-01T00:00:00Z")
    cases, alive = [], []
    built, opened = steps.build_case, signer.Signer.opened

    def build(*given, **more):
        cases.append(built(*given, **more))
        return cases[-1]

    def late(self):
        alive.append([child._end.alive for child in cases[0].fence.children])
        return opened(self)

    monkeypatch.setattr(steps, "build_case", build)
    monkeypatch.setattr(signer.Signer, "opened", late)
    (tmp_path / "passphrase").write_bytes(SECRET + b"\n")
    bundle = gk.audit(
        folder_of(tmp_path, MODEL), out=tmp_path / "evidence", key=tmp_path / "keys" / "audit.key",
        password=tmp_path / "passphrase", as_of="2026-02-01T00:00:00Z",
    )  # fmt: skip
    assert alive == [[False]]
    hidden = cases[0].fence.children[0].decoys.hidden
    assert {str((tmp_path / name).resolve()) for name in ("keys/audit.key", "passphrase", "test.csv")} == set(hidden)
    proof = gk.verify(
        bundle.path, model=tmp_path / "model.py", trust=tmp_path / "keys" / "trust.yaml",
        as_of="2026-02-01T00:00:00Z",
    )  # fmt: skip
    assert proof.verdict.outcome == bundle.verdict.outcome


def test_a_wrong_passphrase_is_refused_before_anything_is_measured(tmp_path, monkeypatch):
    gk.new_key(tmp_path / "keys", password=SECRET, name="ci", as_of="2026-01-01T00:00:00Z")
    monkeypatch.setattr(steps, "build_case", lambda *_, **__: pytest.fail("measured"))
    with pytest.raises(gk.UsageError, match="passphrase is wrong"):
        gk.audit(
            folder_of(tmp_path, MODEL), out=tmp_path / "evidence", key=tmp_path / "keys" / "audit.key", password=b"no"
        )
    assert not (tmp_path / "evidence").exists()


def test_a_key_that_was_swapped_meanwhile_is_refused(tmp_path):
    for name in ("one", "two"):
        gk.new_key(tmp_path / name, password=SECRET, name=name, as_of="2026-01-01T00:00:00Z")
    held = signer.Signer(tmp_path / "one" / "audit.key", SECRET, "2026-01-01T00:00:00Z")
    (tmp_path / "two" / "audit.key").replace(tmp_path / "one" / "audit.key")
    with pytest.raises(gk.UsageError, match="was another key when the audit began"):
        held.opened()


def test_a_remedy_that_runs_code_beside_a_key_is_refused(tmp_path):
    gk.new_key(tmp_path / "keys", password=SECRET, name="ci", as_of="2026-01-01T00:00:00Z")
    with pytest.raises(gk.UsageError, match="audit the new candidate with yours"):
        gk.remedy(
            folder_of(tmp_path, MODEL), "harden", out=tmp_path / "new", key=tmp_path / "keys" / "audit.key",
            password=SECRET,
        )  # fmt: skip


def test_the_command_line_keeps_the_passphrase_from_the_code(tmp_path):
    """The code looks into every process that it can see, from its import on."""
    code = f"""
        import glob, os
        import numpy as np
        def found():
            for place in glob.glob("/proc/[0-9]*/environ"):
                try:
                    if {SECRET.decode()[::-1]!r}[::-1].encode() in open(place, "rb").read():
                        return True
                except OSError:
                    pass
            return False
        if found():
            raise ValueError("the passphrase was found")
    """
    code = textwrap.dedent(code) + textwrap.dedent(MODEL)
    gk.new_key(tmp_path / "keys", password=SECRET, name="ci", as_of="2026-01-01T00:00:00Z")
    audit_file = folder_of(tmp_path, code)
    with_fence = build_case(*read_audit(audit_file))
    memory = with_fence.fence.children[0].closed["memory"]
    with_fence.close()
    if not memory:
        pytest.skip("no user namespace here")
    command = [sys.executable, "-m", "govkit", "audit", str(audit_file), "--key", str(tmp_path / "keys/audit.key")]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "evidence")], capture_output=True, text=True, check=False,
        env={**os.environ, "GOVKIT_KEY_PASSWORD": SECRET.decode()},
    )  # fmt: skip
    assert done.returncode in (0, 1, 3), done.stderr
    assert (tmp_path / "evidence" / "release.sigstore.json").exists()
