"""evidently's page in a bundle: asked for, bound by the seal, linked, closed in."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from case_fixture import make_case
from pypdf import PdfReader
from rows_fixture import read_case

import govkit as gk
from govkit.core.audit import DriftReport
from govkit.errors import DataError, MissingExtra
from govkit.evidence import throwaway_key
from govkit.pipeline.drift_report import drift_report

MOMENT = "2026-01-01T00:00:00Z"
AUDIT = """\
schema: govkit.audit/v1
subject: {predictions: rows.csv}
data: {shifted: {path: later.csv}}
columns: {input: [age, job, note, gone, day], label: label, prediction: prediction, score: score, id: id}
drift_report: {rows: 200}
use: {purpose: "test", intent: [internal]}
policy: policy.yaml
"""
POLICY = """\
schema: govkit.policy/v1
id: small
version: 1.0.0
controls:
  - {id: A, title: "labels as they were", rmf: [MEASURE 2.4], check: drift, metric: label_total_variation,
     data: shifted, require: {max: 0.1}, authority: {level: none, note: ours}, severity: low}
"""
HOSTILE = "</script><script src='https://evil.example/x.js'></script><img src=https://evil.example/y>"


def frame(seed: int, age: float) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n, score = 300, rng.uniform(size=300).round(4)
    return pd.DataFrame(
        {
            "id": [f"{seed}-{number}" for number in range(n)],
            "age": np.where(rng.uniform(size=n) < 0.1, np.nan, rng.normal(age, 9, n).round(1)),
            "job": rng.choice(["cook", "clerk", HOSTILE], n),
            "note": [f"private words of person {number}" for number in range(n)],
            "gone": [None] * n,
            "day": pd.date_range("2026-01-01", periods=n).astype(str),
            "label": (rng.uniform(size=n) < score).astype(int),
            "prediction": (score >= 0.5).astype(int),
            "score": score,
        }
    )


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, fixed_clock):
    folder = tmp_path_factory.mktemp("drift")
    frame(1, 40).to_csv(folder / "rows.csv", index=False)
    frame(2, 50).to_csv(folder / "later.csv", index=False)
    (folder / "audit.yaml").write_text(AUDIT, encoding="utf-8")
    (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    gk.audit(folder / "audit.yaml", out=folder / "evidence")
    return folder


@pytest.fixture(scope="module")
def html(bundle):
    return (bundle / "evidence" / "drift.html").read_text(encoding="utf-8")


def verify(folder):
    return gk.verify(folder / "evidence", model=folder / "rows.csv", trust=folder / "evidence.trust.yaml")


def test_the_page_shows_the_columns_that_the_audit_file_names(html):
    for name in ("age", "job", "note, length", "day, length", "(label)", "(prediction)"):
        assert f'"{name}"' in html, name
    assert "clerk" in html
    assert "private words" not in html
    assert "gone" not in re.findall('"column_name": "([^"]*)"', html)


def test_the_page_asks_nobody_for_anything_whatever_the_data_hold(html):
    found = _Tags()
    found.feed(html)
    names = [name for name, _ in found.tags]
    assert names.index("meta") < names.index("script")
    policy = found.tags[names.index("meta")][1]["content"]
    assert policy.startswith("default-src 'none'; ")
    assert not re.search(r"https?:|\*|connect-src|'self'", policy)
    assert not [tag for tag in found.tags if tag[1].keys() & {"src", "href", "srcset", "action"}]
    assert not {"img", "iframe", "link", "base", "object", "embed", "form"} & set(names)
    assert "evil.example" in html, "the data do hold the address, as text"


def test_the_same_audit_gives_the_same_page(bundle, html):
    again = gk.audit(bundle / "audit.yaml", out=bundle / "again").path / "drift.html"
    assert again.read_text(encoding="utf-8") == html


def test_the_report_the_print_and_the_card_lead_to_the_page(bundle):
    says = "on a random sample of the test and the shifted rows, of each at most"
    report = (bundle / "evidence" / "report.html").read_text(encoding="utf-8")
    assert '<a href="drift.html">drift.html</a> is the report' in report
    card = (bundle / "evidence" / "card.md").read_text(encoding="utf-8")
    assert f"[drift\\.html](drift.html) is the report of the library evidently {says} 200" in card
    pages = PdfReader(bundle / "evidence" / "report.pdf").pages
    actions = [note.get_object().get("/A", {}) for page in pages for note in page.get("/Annots", ())]
    assert "drift.html" in [action.get("/URI") for action in actions]


def test_documents_without_the_page_beside_them_do_not_lead_to_it(bundle):
    gk.render(bundle / "evidence", out=bundle / "elsewhere", pdf=False)
    assert "drift.html" not in (bundle / "elsewhere" / "report.html").read_text(encoding="utf-8")


def test_the_seal_binds_the_page(bundle):
    assert verify(bundle).policy == "small"
    page = bundle / "evidence" / "drift.html"
    raw = page.read_bytes()
    page.write_bytes(raw.replace(b"clerk", b"clerc", 1))
    with pytest.raises(gk.EvidenceError, match=r"BOUND_FILE.*drift\.html") as found:
        verify(bundle)
    assert found.value.exit_code == 4
    page.write_bytes(raw)


def test_without_shifted_data_the_key_is_refused(bundle):
    path = bundle / "bare.yaml"
    path.write_text(AUDIT.replace("data: {shifted: {path: later.csv}}\n", ""), encoding="utf-8")
    with pytest.raises(gk.UsageError, match=r"drift_report .* data\.shifted") as found:
        gk.audit(path, out=bundle / "none")
    assert found.value.exit_code == 2
    assert not (bundle / "none").exists()


def test_the_steps_one_by_one_write_the_page_too(bundle, html):
    findings, verdict = bundle / "findings.json", bundle / "verdict.json"
    gk.write_findings(findings, gk.measure(bundle / "audit.yaml"))
    gk.write_verdict(verdict, gk.judge(findings, str(bundle / "policy.yaml")))
    gk.attest(findings, verdict, audit_file=bundle / "audit.yaml", out=bundle / "steps", key=throwaway_key("a", MOMENT))
    assert (bundle / "steps" / "drift.html").read_text(encoding="utf-8") == html


def test_of_texts_the_page_shows_the_length_and_numbers_stay_numbers():
    rows = {"text": ["one", "two", "private words"] * 40, "label": [0.5, 1.0, 2.5] * 40}
    columns = {"input": "text", "label": "label", "task": "regression"}
    case = read_case({"test": rows, "shifted": rows}, columns=columns, modality="text")
    page = drift_report(case, DriftReport(rows=100))
    assert '"text, length"' in page
    assert "private words" not in page


def test_without_values_on_both_sides_there_is_nothing_to_show():
    rows = {"text": ["one", "two"], "label": ["ham", "spam"]}
    none = {name: pa.array([], pa.string()) for name in rows}
    case = read_case({"test": rows, "shifted": none}, columns={"input": "text", "label": "label"}, modality="text")
    with pytest.raises(DataError, match="drift_report"):
        drift_report(case, DriftReport())


def test_without_evidently_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "evidently", None)
    case = make_case([0, 1], [0, 1], shifted={"labels": [0, 1]})
    with pytest.raises(MissingExtra, match=r"govkit\[audit\]"):
        drift_report(case, DriftReport())
