"""Audits of stored predictions: order does not matter, bytes repeat, hostile text stays text, nothing appears half."""

from __future__ import annotations

import signal
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import govkit as gk

AUDIT = """\
schema: govkit.audit/v1
subject: {predictions: rows.csv}
columns: {label: label, prediction: prediction, score: score, base_score: base, groups: [sex], id: id}
use: {purpose: "test", intent: [internal]}
"""


def frame(n: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    score = rng.uniform(size=n).round(4)
    return pd.DataFrame(
        {
            "id": [f"r{number}" for number in range(n)],
            "label": (rng.uniform(size=n) < score).astype(int),
            "prediction": (score >= 0.5).astype(int),
            "score": score,
            "base": np.clip(score + rng.normal(0, 0.1, n), 0, 1).round(4),
            "sex": rng.choice(["f", "m"], n),
        }
    )


def _prepare(folder: Path, rows: pd.DataFrame | bytes, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "audit.yaml").write_text(text, encoding="utf-8")
    if isinstance(rows, bytes):
        (folder / "rows.csv").write_bytes(rows)
    else:
        rows.to_csv(folder / "rows.csv", index=False)
    return folder / "audit.yaml"


def audit(folder: Path, rows: pd.DataFrame | bytes, text: str = AUDIT, **options) -> gk.Bundle:
    return gk.audit(_prepare(folder, rows, text), out=folder / "evidence", **options)


def measure(folder: Path, rows: pd.DataFrame | bytes, text: str = AUDIT) -> dict:
    return gk.measure(_prepare(folder, rows, text))


def judge(folder: Path, rows: pd.DataFrame, text: str = AUDIT) -> gk.Verdict:
    return gk.judge(measure(folder, rows, text), "nist-ai-rmf-core")


@pytest.fixture(scope="module")
def findings(tmp_path_factory) -> list[dict]:
    return measure(tmp_path_factory.mktemp("plain"), frame())["findings"]


def test_permuting_rows_changes_no_measurement(findings, tmp_path):
    shuffled = frame().sample(frac=1, random_state=5)
    assert measure(tmp_path / "a", shuffled)["findings"] == findings


def test_byte_order_mark_windows_line_ends_and_quoted_newlines_change_nothing(findings, tmp_path):
    text = frame().to_csv(index=False)
    assert measure(tmp_path / "a", b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())["findings"] == findings
    rows = frame()
    rows.loc[0, "sex"] = "f\nor m"
    assert {"sex": "f\nor m"} in [finding["part"] for finding in measure(tmp_path / "b", rows)["findings"]]


def test_the_same_input_gives_the_same_bytes(key_folder, fixed_clock, tmp_path):
    key = {"key": key_folder / "audit.key", "password": b"correct horse"}
    first, second = audit(tmp_path / "a", frame(), **key).path, audit(tmp_path / "b", frame(), **key).path
    names = sorted(str(path.relative_to(first)) for path in first.rglob("*") if path.is_file())
    assert names == sorted(str(path.relative_to(second)) for path in second.rglob("*") if path.is_file())
    assert {"card.md", "report.html", "report.pdf", "release.sigstore.json"} <= set(names)
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_a_group_of_one_row_never_passes(tmp_path):
    rows = frame()
    rows.loc[0, "sex"] = "x"
    verdict = judge(tmp_path / "a", rows)
    states = [
        part.state
        for ruling in verdict.rulings
        if ruling.check == "bias"
        for part in ruling.parts
        if part.part == {"sex": "x"}
    ]
    assert states
    assert "pass" not in states
    assert verdict.exit_code != 0


def test_without_groups_fairness_is_missing_and_the_gate_stays_shut(tmp_path):
    verdict = judge(tmp_path / "a", frame(), AUDIT.replace("groups: [sex], ", ""))
    states = {ruling.control: ruling.state for ruling in verdict.rulings if ruling.check == "bias"}
    assert states.pop("FAIR-06") == "not_applicable"  # two classes
    assert set(states.values()) == {"missing"}
    assert verdict.exit_code != 0


def test_evaluating_answers_0_and_marks_everything(tmp_path):
    bundle = audit(tmp_path / "a", frame(), enforced=False)
    assert bundle.verdict.outcome in ("BLOCK", "REVIEW")
    assert bundle.verdict.exit_code == 0
    for name in ("card.md", "report.html", "summary.md"):
        assert "not enforced" in (bundle.path / name).read_text(encoding="utf-8").lower(), name
    proof = gk.verify(bundle.path, model=tmp_path / "a" / "rows.csv", trust=tmp_path / "a" / "evidence.trust.yaml")
    assert proof.verdict.exit_code != 0, "verify enforces"


HOSTILE = (
    "<script>alert(1)</script>",
    "a|b`c*d_e[f](javascript:alert(1))",
    "\x1b[31mred\x07",
    "right\u202eto left",
    "]]> & \"quotes' \u0000",
    "=cmd|' /C calc'!A0",
    "{{ 7*7 }} {% raw %}",
)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)


def test_hostile_text_stays_text(tmp_path):
    rows = frame()
    rows["sex"] = [HOSTILE[number % len(HOSTILE)].replace("\u0000", "") for number in range(len(rows))]
    rows = rows.rename(columns={"sex": "<b>sex</b>\u202e"})
    bundle = audit(tmp_path / "a", rows, AUDIT.replace("[sex]", '["<b>sex</b>\\u202e"]'))
    html = (bundle.path / "report.html").read_text(encoding="utf-8")
    page = _Tags()
    page.feed(html)
    assert page.tags.count("script") == 1  # ours, named in the content policy of the page by its digest
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "49" not in page.tags
    ElementTree.parse(bundle.path / "junit.xml")  # noqa: S314 — our own file
    card = (bundle.path / "card.md").read_text(encoding="utf-8")
    assert "<script>" not in card
    assert "\x1b" not in card
    pdf = subprocess.run(
        ["pdftotext", str(bundle.path / "report.pdf"), "-"], capture_output=True, text=True, check=True
    )
    assert "\x1b" not in pdf.stdout
    shown = subprocess.run(
        [sys.executable, "-m", "govkit", "show", str(bundle.path)], capture_output=True, text=True, check=True
    )
    assert "\x1b" not in shown.stdout
    assert "\u202e" not in shown.stdout


def _start(folder: Path) -> subprocess.Popen[str]:
    folder.mkdir()
    frame().to_csv(folder / "rows.csv", index=False)
    (folder / "audit.yaml").write_text(AUDIT, encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, "-m", "govkit", "audit", "audit.yaml"], cwd=folder, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_audit_leaves_no_half_bundle(how, tmp_path):
    running = _start(tmp_path / "a")
    assert running.stderr is not None
    assert running.stderr.readline(), "it has begun to measure"
    running.send_signal(how)
    _, complaint = running.communicate(timeout=60)
    assert running.returncode != 0
    assert "Traceback" not in complaint
    assert not (tmp_path / "a" / "evidence").exists()
    assert gk.measure(tmp_path / "a" / "audit.yaml")["findings"], "the next run works"


def test_a_read_only_folder_is_refused_before_work_begins(tmp_path):
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "file").write_text("", encoding="utf-8")
    frame().to_csv(folder / "rows.csv", index=False)
    (folder / "audit.yaml").write_text(AUDIT, encoding="utf-8")
    with pytest.raises(gk.UsageError, match="no such folder"):
        gk.audit(folder / "audit.yaml", out=folder / "file" / "evidence")
    # Even root cannot write there.
    with pytest.raises(gk.UsageError, match="cannot be written"):
        gk.audit(folder / "audit.yaml", out=Path("/proc/evidence"))


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from govkit.pipeline import steps
render = steps.render
def full_disk(*arguments, **options):
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    return render(*arguments, **options)
steps.render = full_disk
sys.argv = ["govkit", "audit", "audit.yaml"]
from govkit.cli import main
main()
"""


def test_a_disk_that_fills_up_leaves_nothing_behind(tmp_path):
    """Files cannot grow past 20 kB from the moment the documents are written, as on a full disk."""
    folder = tmp_path / "a"
    folder.mkdir()
    frame().to_csv(folder / "rows.csv", index=False)
    (folder / "audit.yaml").write_text(AUDIT, encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", LIMITED], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "could not be written" in done.stderr
    assert {path.name for path in folder.iterdir()} == {"audit.yaml", "rows.csv"}
