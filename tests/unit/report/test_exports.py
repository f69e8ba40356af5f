"""The bundle in the formats of others: of the bundle, bound to it, never more than it says."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from bundle_fixture import ARTIFACT, measurement, run as recorded, write_bundle
from hostile_fixture import TEXTS
from huggingface_hub import ModelCard

from govkit import core
from govkit.errors import EvidenceError
from govkit.report import attestable, check_exports
from govkit.report.card import card
from govkit.report.cover import cover
from govkit.report.exports import check_references, written
from govkit.report.exports.checking import BOM, FILES, PLAN, PROVENANCE_FILE, RESULTS, SPDX, SUMMARY_FILE
from govkit.report.model import Report
from govkit.report.read import read, read_statement

NUMBER = re.compile(r"(?<![\w.-])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.-]*\w)")
HEX = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
OWN = {"1", "0", "1.6", "3.0.1", "1.2.1"}
"""Versions of formats, and the two scores of conformance."""


def made(folder: Path) -> dict[str, Any]:
    """Every export of a bundle as plain data."""
    files = {name: json.loads(content) for name, content in written(Report(read(folder))).items()}
    return files | {name: predicate for name, _, predicate in attestable(folder)}


def signed(folder: Path) -> Path:
    """Writes all exports, the two statements among them with an empty signature."""
    (folder / "exports").mkdir(exist_ok=True)
    for name, content in written(Report(read(folder))).items():
        (folder / name).write_bytes(content)
    for name, kind, predicate in attestable(folder):
        store(folder / name, {"predicateType": kind, "predicate": predicate})
    return folder


def store(path: Path, statement: dict[str, Any]) -> None:
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    path.write_text(json.dumps({"dsseEnvelope": {"payload": payload}}), encoding="utf-8")


def leaves(found: Any) -> Iterator[Any]:
    if isinstance(found, dict):
        for key, value in found.items():
            yield key
            yield from leaves(value)
    elif isinstance(found, list):
        for value in found:
            yield from leaves(value)
    else:
        yield found


def results(documents: dict[str, Any]) -> dict[str, Any]:
    return documents[RESULTS]["assessment-results"]["results"][0]  # type: ignore[no-any-return]


def states(documents: dict[str, Any]) -> dict[str, str]:
    """Control -> whether OSCAL has it satisfied."""
    return {each["target"]["target-id"]: each["target"]["status"]["state"] for each in results(documents)["findings"]}


def mapped(documents: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Control -> its part of the CycloneDX attestation."""
    requirements = documents[BOM]["definitions"]["standards"][0]["requirements"]
    names = {each["bom-ref"]: each["identifier"] for each in requirements}
    return {names[each["requirement"]]: each for each in documents[BOM]["declarations"]["attestations"][0]["map"]}


def props(found: dict[str, Any], key: str = "properties") -> dict[str, str]:
    return {each["name"]: each["value"] for each in found[key]}


def spdx(documents: dict[str, Any], type_: str) -> list[dict[str, Any]]:
    return [each for each in documents[SPDX]["@graph"] if each["type"] == type_]


def relations(documents: dict[str, Any]) -> set[str]:
    return {each["relationshipType"] for each in spdx(documents, "Relationship")}


# Of the bundle


def _texts(folder: Path) -> str:
    """Everything that the bundle says, as one text."""
    files = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.yaml"))]
    payloads = (read_statement(path)[0] for path in sorted(folder.rglob("*.sigstore.json")))
    files += [json.dumps(json.loads(payload), ensure_ascii=False) for payload in payloads]
    return "\n".join(files)


def test_every_number_and_every_digest_occurs_in_the_bundle(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path)
    text, sources = _texts(folder), read(folder)
    numbers = set(NUMBER.findall(text)) | OWN
    digests = {*HEX.findall(text), sources.verdict_digest[7:], sources.findings_digest[7:]}
    said = [leaf for document in made(folder).values() for leaf in leaves(document)]
    told = [json.dumps(leaf) if isinstance(leaf, int | float) else str(leaf) for leaf in said]
    assert len(told) > 3000
    found = {number for leaf in told for number in NUMBER.findall(leaf.replace("T23:59:59Z", ""))}
    assert len(found) > 150
    assert found - numbers == set()
    assert {digest for leaf in told for digest in HEX.findall(leaf)} - digests == set()


def test_every_metric_is_a_measurement_with_its_interval(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path)
    measured = {
        (m.name, json.dumps(m.value), json.dumps(m.interval.low), json.dumps(m.interval.high))
        for m in read(folder).findings
        if isinstance(m, core.Measurement) and m.interval and m.of == "candidate" and m.compared_with is None
    }
    metrics = made(folder)[BOM]["metadata"]["component"]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    shown = {
        (m["type"], m["value"], m["confidenceInterval"]["lowerBound"], m["confidenceInterval"]["upperBound"])
        for m in metrics
        if "confidenceInterval" in m
    }
    assert len(shown) > 40
    assert shown <= measured
    assert ("accuracy", "0.851237", "0.839237", "0.863237") in shown
    assert {m["slice"] for m in metrics} >= {
        "test rows; all rows; check: performance",
        "test rows; sex: Female; check: fairness",
    }


def test_two_measurements_that_differ_in_their_parameters_alone_are_told_apart(tmp_path: Path) -> None:
    extra = [measurement("attacked", value, check="adversarial", params={"eps": eps})
             for value, eps in ((0.625, 0.25), (0.375, 0.75))]  # fmt: skip
    documents = made(write_bundle(tmp_path, extra=extra))
    metrics = documents[BOM]["metadata"]["component"]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    shown = {metric["slice"]: metric["value"] for metric in metrics if metric["type"] == "attacked"}
    where = "test rows; all rows; check: adversarial; parameters: "
    assert shown == {f'{where}{{"eps": 0.25}}': "0.625", f'{where}{{"eps": 0.75}}': "0.375"}
    keys = [each["key"] for each in spdx(documents, "ai_AIPackage")[0]["ai_metric"]]
    assert len(keys) == len(set(keys))


def test_an_attack_that_cannot_be_believed_is_no_metric(tmp_path: Path) -> None:
    documents = made(write_bundle(tmp_path))
    metrics = documents[BOM]["metadata"]["component"]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    names = {metric["type"] for metric in metrics}
    assert "robust_accuracy" in names
    assert "membership_auc" not in names
    assert not [e for e in spdx(documents, "ai_AIPackage")[0]["ai_metric"] if e["key"].startswith("membership_auc")]


def test_every_document_names_the_three_digests(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path)
    sources, documents = read(folder), made(folder)
    bound = (ARTIFACT, sources.findings_digest, sources.verdict_digest)
    assert set(documents) == set(FILES)
    for name, document in documents.items():
        text = json.dumps(document)
        assert all(digest.removeprefix("sha256:") in text for digest in bound), name
    assert check_exports(signed(folder)) == tuple(sorted(FILES))


def test_base_data_and_licenses_are_told_as_they_are_known(tmp_path: Path) -> None:
    documents = made(write_bundle(tmp_path))
    model = documents[BOM]["metadata"]["component"]
    (base,) = model["pedigree"]["ancestors"]
    assert model["hashes"] == [{"alg": "SHA-256", "content": ARTIFACT[7:]}]
    assert (base["name"], base["version"], base["hashes"][0]["content"]) == (
        "acme/tabular-base", "9f2c41d0" * 5, "b2" * 32)  # fmt: skip
    assert "licenses" not in base, "its license is in conflict"
    assert "licenses" not in model, "nobody declared one"
    train, test, shifted = documents[BOM]["components"]
    assert train["licenses"] == [{"expression": "CC-BY-4.0", "acknowledgement": "concluded"}]
    assert "licenses" not in test
    assert props(train)["govkit:trained-on"] == "recorded"
    assert "govkit:trained-on" not in props(test) | props(shifted)
    assert relations(documents) == {
        "ancestorOf", "descendantOf", "trainedOn", "testedOn", "hasDeclaredLicense", "hasConcludedLicense"
    }  # fmt: skip
    concluded = [e["to"] for e in spdx(documents, "Relationship") if e["relationshipType"] == "hasConcludedLicense"]
    assert concluded.count(["expandedlicensing_NoAssertionLicense"]) == 4, "all but that of the training data"


def test_a_declared_license_of_the_model_is_declared_and_not_concluded(tmp_path: Path) -> None:
    said = [{"of": "candidate", "id": "income", "expression": "MIT"}]
    documents = made(write_bundle(tmp_path, audit={"licenses": said}))
    declared = documents[BOM]["metadata"]["component"]["licenses"]
    assert declared == [{"expression": "MIT", "acknowledgement": "declared"}]
    nobody = made(
        write_bundle(tmp_path / "b", audit={"licenses": [{"of": "candidate", "id": "i", "expression": "gpl"}]})
    )
    assert "licenses" not in nobody[BOM]["metadata"]["component"], "a family of licenses is none"


# Never more than the record


def test_only_a_pass_is_satisfied_whatever_excuses_the_rest(tmp_path: Path) -> None:
    documents = made(write_bundle(tmp_path))
    satisfied = {control for control, state in states(documents).items() if state == "satisfied"}
    assert satisfied == {"PERF-01", "DRIFT-01"}
    assert set(states(documents)) == {*mapped(documents)} - {"GOV-01"}, "what does not apply is no finding"
    reviewed = results(documents)["reviewed-controls"]["control-selections"][0]
    assert reviewed["exclude-controls"] == [{"control-id": "GOV-01"}]
    for control, each in mapped(documents).items():
        assert each["conformance"].get("score") == (None if control == "GOV-01" else int(control in satisfied))
        assert ("claims" in each) == (control in satisfied)
        assert ("counterClaims" in each) == (control not in {*satisfied, "GOV-01"})


@pytest.mark.parametrize("state", ["fail", "inconclusive", "missing", "error", "unsupported"])
@pytest.mark.parametrize("waived", [True, False])
def test_what_was_not_passed_is_open_everywhere(state: Any, waived: bool, tmp_path: Path) -> None:
    def turned(found: core.Verdict) -> core.Verdict:
        rulings = tuple(r.model_copy(update={"state": state, "waived": waived}) for r in found.rulings)
        return found.model_copy(update={"rulings": rulings})

    documents = made(write_bundle(tmp_path, verdict=turned))
    assert set(states(documents).values()) == {"not-satisfied"}
    assert len(states(documents)) == 10
    assert {each["conformance"]["score"] for each in mapped(documents).values()} == {0}
    assert not [each for each in mapped(documents).values() if "claims" in each]
    items = documents[PLAN]["plan-of-action-and-milestones"]["poam-items"]
    assert len(items) == 10 + 2, "each ruling, the risk that is left and the one that nobody measured"
    (annotation,) = spdx(documents, "Annotation")
    assert {said.split(",")[0] for said in json.loads(annotation["statement"])["rulings"].values()} == {state}


def test_an_exception_has_its_deadline_and_satisfies_nothing(tmp_path: Path) -> None:
    documents = made(write_bundle(tmp_path))
    plan = documents[PLAN]["plan-of-action-and-milestones"]
    risks = {props(risk, "props").get("control"): risk for risk in plan["risks"]}
    waived = risks["CAL-01"]
    assert (waived["status"], waived["deadline"]) == ("deviation-approved", "2027-02-01T23:59:59Z")
    assert "M. Risk" in json.dumps(waived["remediations"])
    assert {risk["status"] for control, risk in risks.items() if control != "CAL-01"} == {"open"}
    assert mapped(documents)["CAL-01"]["conformance"]["mitigationStrategies"] == ["waiver-0"]
    (waiver,) = [e for e in documents[BOM]["declarations"]["evidence"] if e["bom-ref"] == "waiver-0"]
    assert waiver["expires"] == "2027-02-01T23:59:59Z"


def test_an_exception_that_the_verdict_does_not_grant_excuses_nothing(tmp_path: Path) -> None:
    def strict(found: core.Verdict) -> core.Verdict:
        rulings = tuple(r.model_copy(update={"waived": False}) for r in found.rulings)
        return found.model_copy(update={"rulings": rulings})

    documents = made(write_bundle(tmp_path, verdict=strict))
    risks = documents[PLAN]["plan-of-action-and-milestones"]["risks"]
    assert {risk["status"] for risk in risks} == {"open"}
    assert not [risk for risk in risks if "deadline" in risk]
    assert "mitigationStrategies" not in mapped(documents)["CAL-01"]["conformance"]


def test_a_gap_stands_as_not_measured(tmp_path: Path) -> None:
    documents = made(write_bundle(tmp_path))
    card = documents[BOM]["metadata"]["component"]["modelCard"]
    gaps = [each["value"] for each in card["properties"] if each["name"] == "govkit:gap"]
    assert len(gaps) == 3
    assert all("not measured" in gap for gap in gaps)
    (gap,) = [e for e in results(documents)["observations"] if props(e, "props")["kind"] == "gap"]
    assert "not measured, unsupported" in gap["description"]


@pytest.mark.parametrize(
    ("outcome", "enforced", "result", "level"),
    [
        ("PASS", True, "PASSED", "GOVKIT_PASS"),
        ("PASS_WITH_EXCEPTIONS", True, "PASSED", "GOVKIT_PASS_WITH_EXCEPTIONS"),
        ("PASS", False, "PASSED", "GOVKIT_PASS_NOT_ENFORCED"),
        ("REVIEW", True, "FAILED", "FAILED"),
        ("REVIEW", False, "FAILED", "FAILED"),
        ("BLOCK", True, "FAILED", "FAILED"),
        ("BLOCK", False, "FAILED", "FAILED"),
    ],
)
def test_the_summary_says_passed_for_a_pass_alone(
    outcome: str, enforced: bool, result: str, level: str, tmp_path: Path
) -> None:
    documents = made(write_bundle(tmp_path, outcome=outcome, enforced=enforced))
    summary = documents[SUMMARY_FILE]
    assert (summary["verificationResult"], summary["verifiedLevels"]) == (result, [level])
    aloud = f"{outcome}" if enforced else f"{outcome}, NOT ENFORCED"
    assert documents[BOM]["declarations"]["attestations"][0]["summary"] == f"Verdict: {aloud}"
    assert props(documents[BOM]["metadata"])["govkit:verdict"] == aloud
    assert aloud in results(documents)["description"]
    assert json.loads(spdx(documents, "Annotation")[0]["statement"])["verdict"] == aloud
    assert props(results(documents), "props")["enforced"] == ("true" if enforced else "false")


def test_without_a_run_nothing_is_said_of_base_training_or_build(tmp_path: Path) -> None:
    documents = made(write_bundle(tmp_path, without_run=True))
    assert PROVENANCE_FILE not in documents
    assert "pedigree" not in documents[BOM]["metadata"]["component"]
    assert relations(documents) == {"testedOn", "hasConcludedLicense"}
    assert [each["name"] for each in documents[BOM]["components"]] == ["test rows", "shifted rows"]


def _with_run(folder: Path, **more: Any) -> Path:
    """A bundle whose record of the run says something else."""
    write_bundle(folder)
    record = recorded().model_copy(update=more).model_dump(mode="json", by_alias=True)
    store(folder / "run.sigstore.json", {"predicate": record})
    return folder


def test_the_record_of_another_model_says_nothing_of_this_one(tmp_path: Path) -> None:
    other = core.Fact(value="sha256:" + "99" * 32, seen="observed")
    documents = made(_with_run(tmp_path, artifact=other))
    assert PROVENANCE_FILE not in documents
    assert "pedigree" not in documents[BOM]["metadata"]["component"]
    assert relations(documents) & {"trainedOn", "ancestorOf", "descendantOf"} == set()


def test_an_empty_run_is_told_as_unknown_and_is_no_provenance(tmp_path: Path) -> None:
    unknown = core.Fact(seen="unknown")
    nothing = core.LicenseRecord(expression=None, state="unknown", reason="nobody said")
    base = core.Component(role="base", id=unknown, revision=unknown, digest=unknown, rows=unknown, license=nothing)
    empty: dict[str, Any] = {name: {} for name in ("method", "hyperparameters", "code", "environment", "cost")}
    documents = made(
        _with_run(tmp_path, base=base, data=(), artifact=unknown, seed=unknown, exit="unfinished", **empty)
    )
    assert PROVENANCE_FILE not in documents, "nobody saw that it wrote this model"
    model = documents[BOM]["metadata"]["component"]
    assert "pedigree" not in model
    assert props(model)["govkit:run:wrote"] == "not seen"
    assert "did not finish" in props(model)["govkit:run:problem"]
    assert "trainedOn" not in relations(documents)


def test_only_training_data_of_the_record_was_trained_on(tmp_path: Path) -> None:
    record = recorded()
    held = record.data[0].model_copy(update={"role": "calibration", "digest": core.Fact(seen="unknown")})
    documents = made(_with_run(tmp_path / "a", data=(*record.data, held)))
    train, other, *_ = documents[BOM]["components"]
    assert props(train)["govkit:trained-on"] == "recorded"
    assert "govkit:trained-on" not in props(other)
    (trained,) = [e["to"] for e in spdx(documents, "Relationship") if e["relationshipType"] == "trainedOn"]
    assert len(trained) == 1
    said = [{"of": "data", "id": "adult.data", "expression": "CC-BY-4.0"}]
    declared = made(write_bundle(tmp_path / "b", without_run=True, audit={"licenses": said}))
    assert declared[BOM]["components"][0]["name"] == "adult.data"
    assert "govkit:trained-on" not in props(declared[BOM]["components"][0])
    assert "trainedOn" not in relations(declared)


def test_what_speaks_against_the_record_stands_beside_it(tmp_path: Path) -> None:
    problem = core.run.Problem(kind="data not read", what="adult.data was never opened")
    documents = made(_with_run(tmp_path, problems=(problem,)))
    for name in (BOM, SPDX, PROVENANCE_FILE):
        assert "adult.data was never opened" in json.dumps(documents[name]), name


@pytest.mark.parametrize(("dirty", "exact"), [(False, True), (True, False), (None, False)])
def test_a_commit_is_a_digest_of_the_code_only_where_nothing_differed(
    dirty: bool | None, exact: bool, tmp_path: Path
) -> None:
    code = {
        "commit": core.Fact(value="1e34567" + "0" * 33, seen="observed"),
        "dirty": core.Fact(value=dirty, seen="unknown" if dirty is None else "observed"),
    }
    definition = made(_with_run(tmp_path, code=code))[PROVENANCE_FILE]["buildDefinition"]
    base, train, source = definition["resolvedDependencies"]
    assert (base["digest"], train["digest"]) == ({"sha256": "b2" * 32}, {"sha256": "c3" * 32})
    assert source.get("digest") == ({"gitCommit": "1e34567" + "0" * 33} if exact else None)


def test_one_finding_and_one_ruling_make_whole_documents(tmp_path: Path) -> None:
    def one(found: core.Verdict) -> core.Verdict:
        return found.model_copy(update={"rulings": found.rulings[:1], "risks": ()})

    def bare(found: core.Policy) -> core.Policy:
        return found.model_copy(update={"not_measured": (), "risks": ()})

    folder = write_bundle(tmp_path, outcome="PASS", verdict=one, policy=bare, without_run=True)
    payload, said = read_statement(folder / "findings.sigstore.json")
    said["findings"] = said["findings"][:1]
    store(folder / "findings.sigstore.json", {**json.loads(payload), "predicate": said})
    documents = made(folder)
    assert PLAN not in documents, "nothing is open, and OSCAL has no plan without an item"
    assert states(documents) == {"PERF-01": "satisfied"}
    assert len(results(documents)["observations"]) == 1
    assert check_exports(signed(folder)) == tuple(sorted({BOM, SPDX, RESULTS, SUMMARY_FILE}))


def test_nothing_that_applies_is_nothing_satisfied(tmp_path: Path) -> None:
    def none(found: core.Verdict) -> core.Verdict:
        rulings = tuple(r.model_copy(update={"state": "not_applicable"}) for r in found.rulings)
        return found.model_copy(update={"rulings": rulings})

    result = results(made(write_bundle(tmp_path, verdict=none)))
    assert "findings" not in result
    assert len(result["reviewed-controls"]["control-selections"][0]["exclude-controls"]) == 10


def test_an_open_end_of_an_interval_is_no_number(tmp_path: Path) -> None:
    wide = core.Interval(level=0.95, low=-1.7976931348623157e308, high=0.5, method="m")
    extra = [measurement("spread", 0.25, width=0, interval=wide, check="performance")]
    documents = made(write_bundle(tmp_path, extra=extra))
    metrics = documents[BOM]["metadata"]["component"]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    (found,) = [metric for metric in metrics if metric["type"] == "spread"]
    assert found["confidenceInterval"] == {"upperBound": "0.5"}
    assert "e+308" not in json.dumps(documents)


# The same, and clean


def test_the_same_bundle_gives_the_same_bytes_in_another_process(bundle: Path, tmp_path: Path) -> None:
    program = (
        "import sys, json, pathlib; from govkit.report import attestable; from govkit.report.exports import written;"
        "from govkit.report.model import Report; from govkit.report.read import read; b = pathlib.Path(sys.argv[1]);"
        "print(json.dumps([{k: v.decode() for k, v in written(Report(read(b))).items()}, attestable(b)]))"
    )
    environment = {**os.environ, "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program, bundle], check=True, env=environment, capture_output=True, text=True
    )
    files, statements = json.loads(done.stdout)
    assert {name: content.encode() for name, content in files.items()} == {
        name: (bundle / name).read_bytes() for name in (BOM, SPDX, RESULTS, PLAN)
    }
    assert [tuple(each) for each in statements] == attestable(bundle)


def test_hostile_texts_stay_text_in_every_field(hostile: Path) -> None:
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    for name in (BOM, SPDX, RESULTS, PLAN):
        raw = (hostile / name).read_bytes()
        assert raw.isascii(), name
        for leaf in leaves(json.loads(raw)):
            assert not [c for c in str(leaf) if unicodedata.category(c) in hidden], (name, ascii(leaf))
            assert "W" * 500 not in str(leaf), "a long text is cut"
    check_exports(hostile)


@pytest.mark.parametrize("text", [*TEXTS, "", " ", "\ud800", "1-x", "artifact-digest", "govkit:artifact-digest"])
def test_whatever_things_are_called_the_documents_hold_together(text: str, tmp_path: Path) -> None:
    plain = text.encode(errors="replace").decode()

    def named(found: core.Verdict) -> core.Verdict:
        first = found.rulings[0].model_copy(update={"control": plain, "title": plain, "reason": plain})
        risks = tuple(risk.model_copy(update={"id": plain, "description": plain}) for risk in found.risks)
        return found.model_copy(update={"rulings": (first, *found.rulings[1:]), "risks": risks})

    extra = [
        measurement(plain, 0.5, part={plain: plain}, check=plain),
        core.Gap(check=plain, name=plain, reason="crashed", detail=plain),
    ]
    folder = write_bundle(tmp_path, verdict=named, extra=extra, train=text, audit={"name": plain})
    record = recorded(train=text).model_dump(mode="json", by_alias=True)
    told = {"value": text, "seen": "declared", "why": ""}
    record["method"][plain] = record["hyperparameters"][plain] = told
    record["base"]["id"] = record["base"]["revision"] = record["data"][0]["notes"]["owner"] = told
    store(folder / "run.sigstore.json", {"predicate": record})
    assert check_exports(signed(folder)) == tuple(sorted(FILES))
    for document in made(folder).values():
        json.dumps(document).encode("utf-8")
        assert not [leaf for leaf in leaves(document) if isinstance(leaf, str) and re.search("[\ud800-\udfff]", leaf)]


def test_who_owns_a_data_set_is_said_where_it_was_noted(tmp_path: Path) -> None:
    record = recorded().model_dump(mode="json", by_alias=True)
    record["data"][0]["notes"]["owner"] = {"value": "D. Owner", "seen": "declared", "why": ""}
    folder = write_bundle(tmp_path)
    assert "governance" not in made(folder)[BOM]["components"][0]["data"][0]
    store(folder / "run.sigstore.json", {"predicate": record})
    governed = made(folder)[BOM]["components"][0]["data"][0]
    assert governed["governance"] == {"owners": [{"contact": {"name": "D. Owner"}}]}


def test_the_card_gives_the_hub_quoted_texts_and_measured_figures(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path)
    record = recorded().model_dump(mode="json", by_alias=True)
    record["base"]["id"]["value"] = "1e3"
    store(folder / "run.sigstore.json", {"predicate": record})
    report = Report(read(folder))
    text = card(report, cover(report), (), figures=frozenset())
    data = ModelCard(text).data
    assert data["base_model"] == "1e3", "a text, which a reader of YAML 1.2 takes for a number unless it is quoted"
    plain = [node.value for node in _scalars(yaml.compose(text.split("---")[1])) if node.style != '"']
    assert {type(yaml.safe_load(value)) for value in plain} <= {int, float, bool}
    measured = {
        m.name: m.value for m in report.measurements if (m.of, m.compared_with, m.part) == ("candidate", None, {})
    }
    assert data.eval_results
    assert {each.metric_type: each.metric_value for each in data.eval_results}.items() <= measured.items()


def _scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        yield node
        return
    for each in node.value:
        for inner in each if isinstance(each, tuple) else (each,):
            yield from _scalars(inner)


# The verifier


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("which", ["artifact", "findings", "verdict"])
def test_an_export_of_another_bundle_is_refused(name: str, which: str, tmp_path: Path) -> None:
    folder = signed(write_bundle(tmp_path))
    sources = read(folder)
    digests = {"artifact": ARTIFACT, "findings": sources.findings_digest, "verdict": sources.verdict_digest}
    digest = digests[which][7:]
    if name in (PROVENANCE_FILE, SUMMARY_FILE):
        text = read_statement(folder / name)[0].decode()
        store(folder / name, json.loads(text.replace(digest, "0" * 64)))
    else:
        text = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace(digest, "0" * 64), encoding="utf-8")
    assert digest in text
    with pytest.raises(EvidenceError) as refused:
        check_exports(folder)
    assert (refused.value.code, refused.value.file) == ("EXPORT_MISMATCH", name)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"a": 1, "a": 2}', b"[" * 100_000, b"null"])
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_export_is_refused(name: str, content: bytes, tmp_path: Path) -> None:
    folder = signed(write_bundle(tmp_path))
    (folder / name).write_bytes(content)
    with pytest.raises(EvidenceError, match="EXPORT_MISMATCH"):
        check_exports(folder)


def test_a_file_of_a_foreign_name_is_refused_among_the_exports(tmp_path: Path) -> None:
    folder = signed(write_bundle(tmp_path))
    (folder / "exports" / "more").mkdir()
    (folder / "exports" / "more" / "bom.json").write_text("{}", encoding="utf-8")
    with pytest.raises(EvidenceError, match=r"EXPORT_MISMATCH: exports/more/bom\.json: is no export"):
        check_exports(folder)


def test_a_document_that_names_two_models_is_refused(tmp_path: Path) -> None:
    folder = signed(write_bundle(tmp_path))
    document = json.loads((folder / BOM).read_bytes())
    document["metadata"]["properties"].append({"name": "govkit:artifact-digest", "value": "sha256:" + "0" * 64})
    (folder / BOM).write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(EvidenceError, match="EXPORT_MISMATCH"):
        check_exports(folder)


def test_a_bundle_without_exports_has_nothing_to_check(tmp_path: Path) -> None:
    assert check_exports(write_bundle(tmp_path)) == ()


def _first(kind: str) -> Any:
    return lambda root: root["results"][0][kind][0]


BROKEN: dict[str, Any] = {
    "observation of nobody": lambda root: _first("findings")(root)["related-observations"][0].update(
        {"observation-uuid": "5d0e7a4c-6a3e-4c1b-8f7e-0123456789ab"}
    ),
    "observation that is a risk": lambda root: _first("findings")(root)["related-observations"][0].update(
        {"observation-uuid": _first("risks")(root)["uuid"]}
    ),
    "risk of nobody": lambda root: root["results"][0]["findings"][1]["related-risks"][0].update({"risk-uuid": "x"}),
    "subject of nobody": lambda root: _first("observations")(root)["subjects"][0].update({"subject-uuid": "x"}),
    "actor of nobody": lambda root: _first("observations")(root)["origins"][0]["actors"][0].update({"actor-uuid": 7}),
    "a kind of reference that is not ours": lambda root: _first("findings")(root).update(
        {"implementation-statement-uuid": _first("findings")(root)["uuid"]}
    ),
    "evidence of nobody": lambda root: _first("observations")(root)["relevant-evidence"][0].update({"href": "#x"}),
    "plan of nobody": lambda root: root["import-ap"].update({"href": "#" + root["uuid"]}),
    "one UUID twice": lambda root: _first("findings")(root).update({"uuid": root["uuid"]}),
    "no UUID": lambda root: root.update({"uuid": "1"}),
    "another version": lambda root: root["metadata"].update({"oscal-version": "9.9.9"}),
    "no version": lambda root: root.pop("metadata"),
    "a method of nobody": lambda root: _first("observations")(root).update({"methods": ["WHATEVER"]}),
    "no method": lambda root: _first("observations")(root).update({"methods": []}),
    "an end before the start": lambda root: root["results"][0].update({"end": "2020-01-01T00:00:00Z"}),
    "expired before it was collected": lambda root: _first("observations")(root).update(
        {"expires": "2020-01-01T00:00:00Z"}
    ),
    "a time without a zone": lambda root: root["results"][0].update({"start": "2026-11-24T00:00:00"}),
    "no time": lambda root: root["metadata"].update({"last-modified": "yesterday"}),
    "a target that nobody reviewed": lambda root: _first("findings")(root)["target"].update({"target-id": "X-9"}),
    "a target that is a list": lambda root: _first("findings")(root)["target"].update({"target-id": []}),
    "results that are text": lambda root: root.update({"results": "none", "import-ap": {"href": "#x"}}),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_reference_that_leads_nowhere_is_found(what: str, tmp_path: Path) -> None:
    folder = signed(write_bundle(tmp_path))
    document = json.loads((folder / RESULTS).read_bytes())
    check_references(document)
    BROKEN[what](document["assessment-results"])
    with pytest.raises(EvidenceError, match="EXPORT_DANGLING"):
        check_references(document)
    (folder / RESULTS).write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(EvidenceError) as refused:
        check_exports(folder)
    assert (refused.value.code, refused.value.file) == ("EXPORT_DANGLING", RESULTS)


@pytest.mark.parametrize("document", [{}, {"catalog": {}}, {"assessment-results": []}, {"poam": {}, "x": {}}])
def test_a_document_of_another_kind_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(EvidenceError, match="EXPORT_DANGLING"):
        check_references(document)


def test_a_plan_with_a_finding_of_nobody_is_refused(tmp_path: Path) -> None:
    document = made(write_bundle(tmp_path))[PLAN]
    check_references(document)
    document["plan-of-action-and-milestones"]["findings"].pop()
    with pytest.raises(EvidenceError, match=r"EXPORT_DANGLING.*finding-uuid"):
        check_references(document)
