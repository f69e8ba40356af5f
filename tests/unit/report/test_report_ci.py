"""What continuous integration reads: valid by public schemas, in words, and safe from what stands in a bundle."""

from __future__ import annotations

import base64
import itertools
import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import public_schemas
import pytest
from bundle_fixture import SHIFTED, measurement, write_bundle
from hostile_fixture import TEXTS
from jsonschema import Draft7Validator
from lxml import etree
from markdown_it import MarkdownIt
from page_reader import xml

from govkit import core
from govkit.core.policy import Authority
from govkit.report import render
from govkit.report.asked import asked, authority, remedy, told
from govkit.report.model import Report
from govkit.report.read import read
from govkit.report.words import catalog

OUTCOMES = ("PASS", "PASS_WITH_EXCEPTIONS", "REVIEW", "BLOCK")
LONG = "\u202e::error::%0A\n<b>&" + "😀 שלום " * 2000


def drawn(folder: Path, **options: Any) -> Path:
    write_bundle(folder, **options)
    render(folder, pdf=False)
    return folder


def named(folder: Path, name: str, **options: Any) -> Path:
    return drawn(folder, audit={"name": name}, **options)


# SARIF and JUnit


@pytest.mark.parametrize("which", ["bundle", "hostile"])
def test_sarif_is_valid_by_the_public_schema(which: str, request: pytest.FixtureRequest) -> None:
    log = json.loads((request.getfixturevalue(which) / "results.sarif").read_bytes())
    schema = public_schemas.sarif()
    Draft7Validator.check_schema(schema)
    assert list(Draft7Validator(schema).iter_errors(log)) == []
    assert list(Draft7Validator(schema).iter_errors({**log, "runs": [{"results": "none"}]})), "it can fail"


@pytest.mark.parametrize("which", ["bundle", "hostile"])
def test_junit_is_valid_by_the_schema_of_the_readers(which: str, request: pytest.FixtureRequest) -> None:
    schema = public_schemas.junit()
    text = (request.getfixturevalue(which) / "junit.xml").read_bytes()
    schema.assertValid(etree.fromstring(text))
    assert not schema.validate(
        etree.fromstring(text.replace(b"<testcase ", b"<case ").replace(b"</testcase", b"</case"))
    )


def test_every_rule_says_what_is_asked_by_whom_and_what_to_do(bundle: Path) -> None:
    (run,) = json.loads((bundle / "results.sarif").read_bytes())["runs"]
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    assert len(rules) == 10
    for rule in rules.values():
        lines = rule["help"]["text"].splitlines()
        assert [line.split(":")[0] for line in lines] == ["Asked", "Authority", "If it is not met"]
        assert all(len(line.split(": ", 1)[1]) > 10 for line in lines)
    assert "accuracy of this model, test rows: at least 0.760" in rules["PERF-01"]["help"]["text"]
    assert "our own margin" in rules["PERF-01"]["help"]["text"]
    assert "Remove the overlapping rows" in rules["DATA-01"]["help"]["text"]
    assert "independent_review, signed as validator" in rules["GOV-01"]["help"]["text"]
    levels = {id_: rule["defaultConfiguration"]["level"] for id_, rule in rules.items()}
    assert set(levels.values()) == {"error"}, "all of these block where they fail"


def test_a_result_says_what_to_do(bundle: Path) -> None:
    (run,) = json.loads((bundle / "results.sarif").read_bytes())["runs"]
    for result in run["results"]:
        assert ("What to do:" in result["message"]["text"]) == (result["kind"] == "fail")


def test_a_comparison_and_a_statute_are_said_in_words() -> None:
    control = core.Control(
        id="A", title="t", rmf=("MEASURE 2.3",), check="performance", metric="accuracy", compared_with="incumbent",
        require=core.Requirement(min=-0.01), severity="high", over=("groups", "region"), data="shifted",
        authority=Authority(level="statute", ref="29 CFR 1607.4(D)", note="Smaller differences can matter."),
    )  # fmt: skip
    said = asked(control)
    assert said.startswith("accuracy of this model less that of the model in service, shifted rows")
    assert said.endswith("each of groups, region: at least −0.010")
    assert authority(control) == "a statute, 29 CFR 1607.4(D). Smaller differences can matter."
    assert remedy(control) == catalog()["advice"]["fail"]


def test_the_words_of_an_assertion_name_every_open_point(bundle: Path) -> None:
    report = Report(read(bundle))
    text = told(report)
    assert text.startswith("BLOCK: This model must not go into service.")
    assert [line.split()[0] for line in text.splitlines()[1::4]] == [e.ruling.control for e in report.open_points]
    assert "PERF-01" not in text
    for label in ("asked:", "seen: ", "to do:"):
        assert text.count(f"\n  {label}") == len(report.open_points)
    assert "excepted" in text


# The badge


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("enforced", [True, False])
def test_the_badge_says_the_verdict_in_words(outcome: str, enforced: bool, tmp_path: Path) -> None:
    folder = named(tmp_path, "Letters", outcome=outcome, enforced=enforced)
    facts = json.loads((folder / "badge.json").read_bytes())
    assert set(facts) == {"schemaVersion", "label", "message", "color", "isError"}
    assert facts["schemaVersion"] == 1
    assert facts["label"] == "Letters"
    assert facts["message"].startswith(catalog()["badge"][outcome]["text"])
    assert facts["message"].endswith("2026-11-24")
    assert ("not enforced" in facts["message"]) != enforced
    assert facts["isError"] == (outcome == "BLOCK")
    root = xml(folder / "badge.svg")
    texts = [element.text for element in root if element.tag.endswith("text")]
    assert texts == ["Letters", f"{catalog()['badge'][outcome]['shape']} {facts['message']}"]
    assert root.find("{*}title").text == f"Letters: {facts['message']}"  # type: ignore[union-attr]


def test_the_badge_stands_alone_and_fits(bundle: Path) -> None:
    text = (bundle / "badge.svg").read_text(encoding="utf-8")
    assert text.count("http") == 1, "the name of the format, nothing to load"
    root = xml(bundle / "badge.svg")
    places = [(float(e.get("x")), float(e.get("textLength"))) for e in root if e.tag.endswith("text")]
    assert all(x > 0 and x + width < float(root.get("width")) for x, width in places)


def _linear(color: str) -> np.ndarray:
    values = np.array([int(color[i : i + 2], 16) for i in (0, 2, 4)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _luminance(linear: np.ndarray) -> float:
    return float(linear @ [0.2126, 0.7152, 0.0722])


def _lab(linear: np.ndarray) -> np.ndarray:
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(to_xyz @ linear / [0.9505, 1.0, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


BLIND = {  # Machado, Oliveira, Fernandes 2009, severity 1.0
    "none": np.eye(3),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                            [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                              [-0.011820, 0.042940, 0.968881]]),
    "tritanopia": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                            [0.004733, 0.691367, 0.303900]]),
    "monochromacy": np.tile([0.2126, 0.7152, 0.0722], (3, 1)),
}  # fmt: skip


@pytest.mark.parametrize("kind", BLIND)
def test_the_colors_of_the_badge_stay_apart_for_every_eye(kind: str) -> None:
    """At least 10 of CIE76, four times a just noticeable difference; the words say it without any color."""
    seen = {o: _lab(np.clip(BLIND[kind] @ _linear(catalog()["badge"][o]["fill"]), 0, 1)) for o in OUTCOMES}
    apart = {pair: float(np.linalg.norm(seen[pair[0]] - seen[pair[1]])) for pair in itertools.combinations(OUTCOMES, 2)}
    assert min(apart.values()) > 10, apart


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_words_of_the_badge_can_be_read(outcome: str) -> None:
    """Contrast of WCAG 2.1, level AA."""
    shown = catalog()["badge"][outcome]
    dark, light = sorted((_luminance(_linear(shown["fill"])), _luminance(_linear(shown["ink"]))))
    assert (light + 0.05) / (dark + 0.05) >= 4.5


# The comment


def compared(value: float, better: Any, other: Any = "incumbent", **more: Any) -> core.Measurement:
    return measurement(more.pop("name", "accuracy"), value, better=better, check="performance", compared_with=other,
                       **more)  # fmt: skip


def lines(folder: Path) -> list[str]:
    text = (folder / "comment.md").read_text(encoding="utf-8")
    assert text.endswith("\n")
    return text.replace("\\", "").splitlines()


def test_the_comment_says_what_got_better_and_what_got_worse(tmp_path: Path) -> None:
    extra = [
        compared(0.05, "higher", width=0.01, name="recall"),
        compared(0.05, "lower", width=0.01, name="ece"),
        compared(-0.05, "lower", width=0.01, name="brier", part={"sex": "Female"}),
        compared(0.004, "higher", width=0.01, name="precision"),
        compared(0.05, "higher", width=0, name="f1"),
        compared(-0.04, "higher", width=0.01, name="recall", data=SHIFTED),
        core.Gap(check="performance", name="roc_auc", compared_with="incumbent", reason="unsupported"),
    ]
    verdict, better, worse, rest, verify = lines(drawn(tmp_path, extra=extra))
    assert verdict.startswith("**BLOCK** Income classifier 2026, judged by acme.income")
    assert "Decides: ✕ fail `FAIR-01`" in verdict
    assert better == (
        "- Better than the model in service, beyond chance: recall +0.050 (+0.040 to +0.060); "
        "Brier score, sex: Female −0.050 (−0.060 to −0.040)."
    )
    assert worse == (
        "- Worse than the model in service, beyond chance: "
        "expected calibration error +0.050 (+0.040 to +0.060); recall, shifted rows −0.040 (−0.050 to −0.030)."
    )
    assert "Within chance: precision." in rest
    assert "Not comparable: area under the ROC curve (cannot be measured on this model); F1 (no interval)." in rest
    assert verify.startswith("- Verify: `govkit verify BUNDLE --model DIR --trust trust.yaml`; findings `sha256:")


def _without(folder: Path, gone: set[str | None]) -> Path:
    """Findings about some models become gaps that say nothing, so that rulings still refer to the right ones."""
    path = folder / "findings.sigstore.json"
    statement = json.loads(base64.b64decode(json.loads(path.read_bytes())["dsseEnvelope"]["payload"]))
    empty = core.Gap(check="scope", reason="no data")
    kept = [empty if gone & {f.of, f.compared_with} else f for f in read(folder).findings]
    statement["predicate"]["findings"] = [finding.model_dump(mode="json") for finding in kept]
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    path.write_text(json.dumps({"dsseEnvelope": {"payload": payload}}), encoding="utf-8")
    render(folder, pdf=False)
    return folder


def test_without_a_model_in_service_the_comment_compares_with_the_base(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path, extra=[compared(0.2, "higher", "base", name="recall")])
    better = lines(_without(folder, {"incumbent"}))[1]
    assert better.startswith("- No model in service stands beside it; compared with its base. Better than its base")
    assert "recall +0.200" in better


def test_without_any_other_model_the_comment_says_so(tmp_path: Path) -> None:
    found = lines(_without(write_bundle(tmp_path), {"incumbent", "base"}))
    assert found[1] == "- There is neither a model in service nor a base to compare with."
    assert len(found) == 3


def test_a_long_line_of_changes_says_that_there_are_more(tmp_path: Path) -> None:
    extra = [compared(0.1 + i / 100, "higher", name="recall", part={"sex": str(i)}) for i in range(9)]
    better = lines(drawn(tmp_path, extra=extra))[1]
    assert better.count("recall") == 4
    assert "sex: 8" in better, "the largest change stands first"
    assert better.endswith("; and more.")


@pytest.mark.parametrize(("outcome", "enforced"), [*zip(OUTCOMES, [True] * 4, strict=True), ("BLOCK", False)])
def test_the_comment_is_of_five_lines_and_says_whether_it_was_enforced(
    outcome: str, enforced: bool, tmp_path: Path
) -> None:
    found = lines(drawn(tmp_path, outcome=outcome, enforced=enforced))
    assert len(found) <= 5
    assert found[0].startswith(f"**{catalog()['outcomes'][outcome]['stamp']}")
    assert ("NOT ENFORCED" in found[0]) != enforced


def test_a_pass_with_nothing_open_says_that_all_was_met(tmp_path: Path) -> None:
    def passed(found: core.Verdict) -> core.Verdict:
        return found.model_copy(update={"rulings": tuple(r for r in found.rulings if r.state == "pass")})

    (verdict, *_) = lines(drawn(tmp_path, outcome="PASS", verdict=passed))
    assert catalog()["outcomes"]["PASS"]["more"] in verdict


# Hostile text


@pytest.mark.parametrize("text", [*TEXTS, LONG, "\n", "%0A::error::x", "a\r\nb"])
def test_whatever_a_model_is_called_badge_and_comment_keep_their_form(text: str, tmp_path: Path) -> None:
    extra = [compared(0.1, "higher", part={text: text}), core.Gap(check=text, name=text, compared_with="incumbent",
             reason="crashed", detail=text)]  # fmt: skip
    folder = named(tmp_path, f"x{text}", extra=extra)
    facts = json.loads((folder / "badge.json").read_bytes())
    assert len(facts["label"]) <= 41
    words = [element.text or "" for element in xml(folder / "badge.svg").iter()]
    body = (folder / "comment.md").read_text(encoding="utf-8")
    assert len(body.splitlines()) == 5
    assert len(body) < 10_000
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    for shown in (facts["label"], *words, *body.splitlines()):
        assert not [c for c in shown if unicodedata.category(c) in hidden]
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(body)
    kinds = {token.type for token in (*tokens, *(c for token in tokens for c in token.children or ()))}
    assert not kinds & {"link_open", "html_block", "html_inline", "fence", "hr", "image", "heading_open", "table_open"}
    assert [token.type for token in tokens].count("list_item_open") == 4
