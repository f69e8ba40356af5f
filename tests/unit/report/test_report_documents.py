"""The documents of a bundle: complete, equal to the evidence, the same bytes each time."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from bundle_fixture import PLACES, STATES, measurement, write_bundle
from huggingface_hub import ModelCard
from page_reader import DOCUMENTS, SHORT, evidence, page, xml
from pydantic import TypeAdapter
from pypdf import PdfReader
from true_documents import misled

from govkit.core import Finding
from govkit.errors import MissingExtra, UsageError
from govkit.report import render
from govkit.report.charts import choose
from govkit.report.exports.checking import FILES, PROVENANCE_FILE, SUMMARY_FILE
from govkit.report.figures import draw
from govkit.report.figures.diagrams import unbroken
from govkit.report.html import _NUMBER
from govkit.report.model import Report
from govkit.report.numbers import number, percent, points, size
from govkit.report.pdf import on_paper, with_own_check
from govkit.report.read import read
from govkit.report.words import word


def test_all_documents_are_written(bundle: Path, tmp_path: Path) -> None:
    shutil.copytree(bundle, tmp_path / "b")
    written = render(tmp_path / "b", out=tmp_path / "out", pdf=False)
    names = {path.relative_to(tmp_path / "out").as_posix() for path in written}
    charts = ("lineage", "change", "groups-1", "groups-2", "reliability", "risks")
    expected = {*DOCUMENTS, *SHORT} - {"report.pdf"}
    drawn = {f"figures/{c}.svg" for c in charts} | {f"tables/{c}.json" for c in charts}
    assert names == expected | drawn | set(FILES) - {PROVENANCE_FILE, SUMMARY_FILE}
    assert all(path.stat().st_size > 100 for path in written)
    assert all((bundle / name).is_file() for name in DOCUMENTS)


def test_same_bundle_same_bytes_in_another_process(bundle: Path, tmp_path: Path) -> None:
    program = (
        "import sys, pathlib, govkit.report as r; r.render(pathlib.Path(sys.argv[1]), out=pathlib.Path(sys.argv[2]))"
    )
    environment = {**os.environ, "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "1"}
    environment.pop("SOURCE_DATE_EPOCH", None)
    subprocess.run([sys.executable, "-c", program, bundle, tmp_path], check=True, env=environment)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert len(made) == 26
    assert [name for name in made if (tmp_path / name).read_bytes() != (bundle / name).read_bytes()] == []


def test_every_marked_number_is_of_the_bundle_and_only_formatted(bundle: Path) -> None:
    numbers, strings = evidence(bundle)
    found = page(bundle)
    assert len(found.data) > 800
    assert {raw for raw, _ in found.data if raw not in numbers and raw not in strings} == set()
    for raw, text in found.data:
        forms = {raw}
        if raw in numbers:
            forms |= {number(json.loads(raw), signed=signed).text for signed in (True, False)}
            forms |= {form(json.loads(raw)).text for form in (points, percent, size)}
        assert text in forms


def test_no_number_stands_outside_a_mark(bundle: Path) -> None:
    assert [text for text in page(bundle).free if _NUMBER.search(text)] == []


@pytest.mark.parametrize(("name", "few"), [("card.md", 10), ("summary.md", 10), ("comment.md", 2)])
def test_numbers_of_the_markdown_stand_in_the_report(bundle: Path, name: str, few: int) -> None:
    text = (bundle / name).read_text(encoding="utf-8")
    text = text.split("\n---\n", 1)[-1]
    plain = re.sub(r"\\([^\w\s])", r"\1", re.sub(r"`[^`\n]*`", "", text))
    shown = page(bundle)
    known = {form for pair in shown.data for form in pair}
    lines = [line for line in plain.splitlines() if not line.startswith("#")]
    tokens = [match.group() for line in lines for match in _NUMBER.finditer(line)]
    assert len(tokens) > few
    assert set(tokens) - known == set()


def test_the_page_is_alone(bundle: Path) -> None:
    found = page(bundle)
    assert not [name for _, name, _ in found.attributes if name.startswith("on")]
    addresses = [value for _, name, value in found.attributes if name in ("src", "href")]
    assert addresses
    assert all(value.startswith(("data:image/svg+xml;base64,", "#")) for value in addresses)
    assert "url(" not in (bundle / "report.html").read_text(encoding="utf-8").split("</style>")[0]


def test_every_picture_has_words(bundle: Path) -> None:
    found = page(bundle)
    pictures = found.tags.count("img")
    alts = [value for tag, name, value in found.attributes if (tag, name) == ("img", "alt")]
    assert pictures == 7
    assert len(alts) == pictures
    assert all(len(alt) > 10 for alt in alts)


def test_page_one_says_what_matters(bundle: Path) -> None:
    pages = PdfReader(bundle / "report.pdf").pages
    first = " ".join(pages[0].extract_text().split())
    for text in (
        "This model must not go into service.",
        "Test rows are not among the training rows",
        "Remove the overlapping rows from the test set and measure again.",
        "Feedback loops: the model is not in service yet",
        "govkit verify BUNDLE --model DIR --trust trust.yaml",
    ):
        assert text in first
    assert "Contents" in pages[1].extract_text()


def test_pdf_is_tagged_archival_and_carries_the_statements(bundle: Path) -> None:
    reader = PdfReader(bundle / "report.pdf")
    root = reader.trailer["/Root"]
    assert str(root["/MarkInfo"]["/Marked"]) == "True"
    assert "/StructTreeRoot" in root
    assert root["/Lang"].startswith("en")
    xmp = root["/Metadata"].get_object().get_data().decode()
    assert re.search(r"pdfaid:part[^0-9]*3", xmp)
    names = [f"{kind}.sigstore.json" for kind in ("findings", "run", "verdict")]
    assert dict(reader.attachments) == {name: [(bundle / name).read_bytes()] for name in names}
    assert reader.metadata is not None
    assert reader.metadata.creation_date is not None
    assert reader.metadata.creation_date.isoformat().startswith("2026-11-24T00:00:00")


def test_verdict_and_digest_stand_in_large_letters_and_at_the_edges_of_each_page(bundle: Path, tmp_path: Path) -> None:
    assert misled(bundle, bundle / "report.html") == []
    other = write_bundle(tmp_path / "other", outcome="REVIEW", extra=[measurement("accuracy", 0.5, check="shift")])
    for folder, of in (("own", bundle), ("strange", other)):
        (tmp_path / folder).mkdir()
        render(of, out=tmp_path / folder, profile="owner")
    assert misled(bundle, tmp_path / "own/report.html") == []
    shown = (tmp_path / "own/report.html").read_text(encoding="utf-8")
    shutil.copy(tmp_path / "strange/report.pdf", tmp_path / "own/report.pdf")
    lost = misled(bundle, tmp_path / "own/report.html")
    assert "page 1 says REVIEW" in lost
    assert [each for each in lost if each.startswith("page 1 lacks sha256:")]
    (tmp_path / "own/report.pdf").unlink()
    for old, new in (
        (">BLOCK<", ">PASS<"),
        ('data-short="BLOCK"', 'data-short="PASS"'),
        ('data-short="sha256:', 'data-short="sha256:0'),
    ):
        assert shown.count(old) == 1
        (tmp_path / "own/report.html").write_text(shown.replace(old, new), encoding="utf-8")
        assert len(misled(bundle, tmp_path / "own/report.html")) == 1
    render(bundle, out=tmp_path, pdf=False, language="es")
    assert misled(bundle, tmp_path / "report.html", "es") == []


def test_only_the_printed_report_says_how_to_check_the_file_itself(bundle: Path) -> None:
    last = " ".join(PdfReader(bundle / "report.pdf").pages[-1].extract_text().split())
    sources = read(bundle)
    for text in ("How to check this file", "govkit verify report.pdf --trust trust.yaml"):
        assert text in last
        assert text not in (bundle / "report.html").read_text(encoding="utf-8")
    plain = last.replace(" ", "")
    assert all(digest in plain for digest in (sources.verdict.subject, sources.findings_digest, sources.verdict_digest))


def test_paper_is_made_without_the_rows_that_are_for_the_screen(bundle: Path) -> None:
    shown = (bundle / "report.html").read_text(encoding="utf-8")
    rows = re.findall(r"<tr.*?</tr>", shown, flags=re.DOTALL)
    printed = [row for row in rows if not row.startswith('<tr class="screen"')]
    assert len(printed) < len(rows)
    assert re.findall(r"<tr.*?</tr>", on_paper(shown), flags=re.DOTALL) == printed


def test_without_the_library_for_codes_it_says_which_extra(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "segno", None)
    with pytest.raises(MissingExtra, match=r"segno.*govkit\[pdf\]"):
        with_own_check("<main></main>", read(bundle))


def test_tables_hold_the_findings_behind_each_figure(bundle: Path) -> None:
    findings = read(bundle).findings
    for path in (bundle / "tables").iterdir():
        table = json.loads(path.read_bytes())
        rows = TypeAdapter(list[Finding]).validate_python([row for row in table["rows"] if "kind" in row])
        assert len(rows) >= 6 or path.stem in ("lineage", "risks")
        assert all(row in findings for row in rows)
        assert xml(bundle / "figures" / f"{path.stem}.svg").tag.endswith("svg")


def test_the_smooth_line_is_in_the_figure_and_its_table_and_crowds_no_list(bundle: Path) -> None:
    table = json.loads((bundle / "tables" / "reliability.json").read_bytes())
    rows = TypeAdapter(list[Finding]).validate_python(table["rows"])
    assert sum(row.name == "smooth_observed" for row in rows) == 2 * len(PLACES)
    assert "smoothed" in (bundle / "figures" / "reliability.svg").read_text()
    html = (bundle / "report.html").read_text()
    assert word("metrics", "bin_observed") in html
    assert word("metrics", "smooth_observed") not in html


def test_the_smooth_line_breaks_where_few_rows_are_and_other_models_have_none(bundle: Path) -> None:
    chart = next(chart for chart in choose(Report(read(bundle))) if chart.key == "reliability")
    for of in ("base", "candidate"):
        assert [place for place, _ in chart.curves[of]] == pytest.approx(PLACES)
        assert [len(piece) for piece in unbroken(chart.curves[of])] == [8, 14]
    assert chart.curves["incumbent"] == ()


def test_a_smooth_line_of_words_is_not_drawn(tmp_path: Path) -> None:
    parts = ("nan", "1e999", "-0.1", "<b>", "0.42")
    values = (0.5, 0.5, 0.5, 0.5, "high")
    extra = [
        measurement("smooth_observed", value, width=0, check="calibration", part={"bin": part})
        for part, value in zip(parts, values, strict=True)
    ]
    report = Report(read(write_bundle(tmp_path, extra=extra)))
    chart = next(chart for chart in choose(report) if chart.key == "reliability")
    assert [place for place, _ in chart.curves["candidate"]] == pytest.approx(PLACES)
    assert draw(chart).count(b"smoothed") == 1


def test_junit_agrees_with_the_rulings(bundle: Path) -> None:
    suite = xml(bundle / "junit.xml")[0]
    cases = {case.get("name", "").split()[0]: [child.tag for child in case] for case in suite.iter("testcase")}
    kinds = {"pass": [], "fail": ["failure"], "inconclusive": ["failure"], "missing": ["error"], "error": ["error"],
             "unsupported": ["error"], "not_applicable": ["skipped"]}  # fmt: skip
    assert cases == {control: kinds[state] for control, state, *_ in STATES}
    counts = {name: int(suite.get(name, "-1")) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": 10, "failures": 4, "errors": 3, "skipped": 1}


def test_sarif_has_a_result_for_each_ruling_that_is_no_pass(bundle: Path) -> None:
    log = json.loads((bundle / "results.sarif").read_bytes())
    (run,) = log["runs"]
    results = {result["ruleId"]: result for result in run["results"]}
    assert list(results) == [control for control, state, *_ in STATES if state != "pass"]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[result["ruleIndex"]]["id"] == control for control, result in results.items())
    assert {control: results[control]["level"] for control in ("FAIR-01", "FAIR-02", "PRIV-01", "GOV-01")} == {
        "FAIR-01": "error",
        "FAIR-02": "warning",
        "PRIV-01": "note",
        "GOV-01": "none",
    }
    assert "suppressions" in results["CAL-01"]
    assert "suppressions" not in results["FAIR-01"]


def test_the_hub_reads_the_card(bundle: Path) -> None:
    text = (bundle / "card.md").read_text(encoding="utf-8")
    data = ModelCard(text).data
    measured = {m.name: m.value for m in read(bundle).findings if m.kind == "measurement" and m.of == "candidate"
                and m.compared_with is None and not m.part}  # fmt: skip
    assert data.eval_results is not None
    assert {r.metric_type for r in data.eval_results} == {
        "accuracy", "balanced_accuracy", "roc_auc", "log_loss", "calibration_error",
    }  # fmt: skip
    assert all(measured[r.metric_type] == r.metric_value for r in data.eval_results)
    raw = {value for value, _ in page(bundle).data}
    assert all(json.dumps(r.metric_value) in raw for r in data.eval_results)
    assert data.license == "other"
    assert data.license_name == "unknown"
    assert data.base_model == "acme/tabular-base"
    assert data.pipeline_tag == "tabular-classification"
    assert data["govkit"]["verdict"] == "BLOCK"
    matter = text.split("---\n")[1]
    strings = [line.split(": ", 1)[1] for line in matter.splitlines() if ": " in line]
    assert all(item.startswith('"') or item == "true" or re.fullmatch(r"-?[\d.e+-]+", item) for item in strings)


def test_a_license_conflict_is_said_aloud(bundle: Path) -> None:
    assert "License in conflict: base model, acme/tabular-base." in (bundle / "report.html").read_text()
    assert "**License in conflict" in (bundle / "card.md").read_text()


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        ("PASS", "This model may be used as declared."),
        ("PASS_WITH_EXCEPTIONS", "Exceptions stand on record."),
        ("REVIEW", "A person must decide"),
        ("BLOCK", "This model must not go into service."),
    ],
)
def test_a_verdict_in_words_and_shape(tmp_path: Path, outcome: str, says: str) -> None:
    bundle = write_bundle(tmp_path, outcome=outcome, enforced=outcome != "BLOCK", without_run=True)
    render(bundle, pdf=False)
    html = (bundle / "report.html").read_text()
    assert f'alt="Verdict: {outcome.replace("_", " ")}"' in html
    for name in ("report.html", "summary.md", "card.md"):
        text = re.sub(r"\\([^\w\s])", r"\1", (bundle / name).read_text())
        assert says in text
        assert ("NOT ENFORCED" in re.sub(r"<style>.*</style>", "", text, flags=re.DOTALL)) == (outcome == "BLOCK")
    assert "lineage is unknown" in html


def test_without_the_extra_for_pdf_all_else_is_written(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(MissingExtra, match=r"govkit\[pdf\]"):
        render(bundle, out=tmp_path)
    assert (tmp_path / "report.html").read_bytes() == (bundle / "report.html").read_bytes()
    assert not (tmp_path / "report.pdf").exists()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("findings.sigstore.json", None, "lacks findings.sigstore.json"),
        ("verdict.sigstore.json", "{}", "expected an in-toto statement"),
        ("policy.yaml", "a: [", "expected YAML"),
        ("policy.yaml", "{}", "Policy is not as expected"),
        ("audit.yaml", None, "lacks audit.yaml"),
    ],
)
def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path, name: str, content: str | None, says: str) -> None:
    bundle = write_bundle(tmp_path)
    if content is None:
        (bundle / name).unlink()
    else:
        (bundle / name).write_text(content)
    with pytest.raises(UsageError, match=says):
        render(bundle, pdf=False)
    assert not (bundle / "report.html").exists()


@pytest.mark.parametrize(
    ("composition", "license"), [("allow", "apache-2.0"), ("unknown", "other"), ("deny", "other"), (None, "other")]
)
def test_front_matter_promises_a_license_only_where_all_of_them_allow(
    tmp_path: Path, composition: str | None, license: str
) -> None:
    licenses = [{"of": "candidate", "id": "income", "expression": "Apache-2.0"}]
    extra = [measurement("composition", composition, check="licenses", data=None)] if composition else []
    bundle = write_bundle(tmp_path, audit={"licenses": licenses}, extra=extra)
    render(bundle, pdf=False)
    matter = yaml.safe_load((bundle / "card.md").read_text().split("---\n")[1])
    assert matter["license"] == license
    assert ("license_name" in matter) == (license == "other")


def test_many_findings_are_cut_in_the_body_and_whole_in_the_annex(tmp_path: Path) -> None:
    groups = {"region": {f"region {i} of many": 200 + i for i in range(60)}}
    bundle = write_bundle(tmp_path, groups=groups)
    render(bundle, pdf=False)
    found = page(bundle)
    text = (bundle / "report.html").read_text()
    body, annex = text.split('<section id="findings"')
    assert "region: region 59 of many" not in re.sub(r"<[^>]+>", "", body.split('<section id="register"')[0])
    assert re.sub(r"<[^>]+>", "", annex).count("region: region 59 of many") == 8
    assert "Only the first rows stand here" in body
    assert annex.count('<tr class="screen" id="finding-') > 100
    assert "The printed page stops here." in annex
    assert found.tags.count("figure") == 5
