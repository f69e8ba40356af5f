"""The exports beside the readers of those who own the formats: accepted by each, and each refuses a broken one."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "report"))
sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from bundle_fixture import write_bundle
from evidence_bundle import NOW
from hostile_fixture import hostile_options

from govkit import core, evidence
from govkit.report import attestable
from govkit.report.exports import written
from govkit.report.exports.checking import BOM, PLAN, PROVENANCE_FILE, RESULTS, SPDX, SUMMARY_FILE
from govkit.report.model import Report
from govkit.report.read import read


def _passed(found: core.Verdict) -> core.Verdict:
    rulings = tuple(r.model_copy(update={"state": "pass", "waived": False}) for r in found.rulings[:1])
    return found.model_copy(update={"rulings": rulings})


KINDS: dict[str, Callable[[], dict[str, Any]]] = {
    "plain": dict,
    "hostile": hostile_options,
    "without a run": lambda: {"without_run": True},
    "passed": lambda: {"outcome": "PASS", "verdict": _passed},
    "not enforced": lambda: {"enforced": False},
}


@pytest.fixture(scope="module", params=KINDS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of one kind, with its exports."""
    made = write_bundle(tmp_path_factory.mktemp("exports"), **KINDS[request.param]())
    (made / "exports").mkdir()
    for name, content in written(Report(read(made))).items():
        (made / name).write_bytes(content)
    return made


@pytest.mark.parametrize("version", ["1.6", "1.7"])
def test_cyclonedx_is_valid_and_a_broken_one_is_refused(folder: Path, version: str) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    validator = JsonStrictValidator(SchemaVersion[f"V{version.replace('.', '_')}"])
    document = json.loads((folder / BOM).read_bytes())
    document |= {"specVersion": version, "$schema": f"http://cyclonedx.org/schema/bom-{version}.schema.json"}
    assert validator.validate_str(json.dumps(document)) is None
    document["metadata"]["component"]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"][0]["value"] = 0.5
    assert validator.validate_str(json.dumps(document)) is not None


def test_every_reference_inside_cyclonedx_resolves(folder: Path) -> None:
    document = json.loads((folder / BOM).read_bytes())
    defined = list(_values(document, "bom-ref"))
    assert len(defined) == len(set(defined))
    used = set(_values(document, "ref", "assessor", "target", "requirement"))
    used |= set(_values(document, "claims", "counterClaims", "evidence", "mitigationStrategies"))
    assert len(used) >= 5
    assert used <= set(defined)


def _values(found: Any, *keys: str) -> Iterator[str]:
    if isinstance(found, dict):
        for key, value in found.items():
            if key in keys:
                yield from ([value] if isinstance(value, str) else (each for each in value if isinstance(each, str)))
            yield from _values(value, *keys)
    elif isinstance(found, list):
        for value in found:
            yield from _values(value, *keys)


def test_spdx_is_read_written_again_and_a_broken_one_is_refused(folder: Path) -> None:
    import spdx_python_model

    path = folder / SPDX
    model, objects = spdx_python_model.load(path)
    objects.link()
    assert objects.missing_ids == set()
    again = io.BytesIO()
    model.JSONLDSerializer().write(objects, again)
    assert _elements(again.getvalue()) == _elements(path.read_bytes()), "nothing was lost on the way"
    _refused_by_spdx(path, lambda graph: graph.update({"software_purpose": "model"}), "read")
    _refused_by_spdx(path, lambda graph: graph.update({"software_primaryPurpose": "weights"}), "read")
    _refused_by_spdx(path, lambda graph: graph.pop("creationInfo"), "write")


def _elements(raw: bytes) -> dict[str, dict[str, Any]]:
    """Elements by their id, without the information on their creation, which a writer may put anywhere."""
    found = (each for each in json.loads(raw)["@graph"] if "spdxId" in each)
    return {each["spdxId"]: {key: value for key, value in each.items() if key != "creationInfo"} for each in found}


def _refused_by_spdx(path: Path, spoil: Callable[[dict[str, Any]], Any], when: str) -> None:
    from spdx_python_model import v3_0_1 as model

    document = json.loads(path.read_bytes())
    spoil(next(each for each in document["@graph"] if each["type"] == "ai_AIPackage"))
    objects = model.SHACLObjectSet()
    if when == "read":
        with pytest.raises((KeyError, ValueError, TypeError)):
            model.JSONLDDeserializer().deserialize_data(document, objects)
        return
    model.JSONLDDeserializer().deserialize_data(document, objects)
    with pytest.raises(ValueError, match="creationInfo"):
        model.JSONLDSerializer().write(objects, io.BytesIO())


@pytest.mark.parametrize("name", [RESULTS, PLAN])
def test_oscal_is_read_whole_and_an_unknown_field_is_refused(folder: Path, name: str, tmp_path: Path) -> None:
    from trestle.common.err import TrestleError
    from trestle.oscal.assessment_results import AssessmentResults
    from trestle.oscal.poam import PlanOfActionAndMilestones

    kind = AssessmentResults if name == RESULTS else PlanOfActionAndMilestones
    found = kind.oscal_read(folder / name)
    assert found is not None
    document = json.loads((folder / name).read_bytes())
    (root,) = document
    assert json.loads(found.oscal_serialize_json())[root]["uuid"] == document[root]["uuid"]
    again = tmp_path / "again.json"
    found.oscal_write(again)
    assert set(json.loads(again.read_bytes())[root]) == set(document[root])
    document[root]["metadata"]["approved"] = True
    again.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(TrestleError):
        kind.oscal_read(again)


def test_slsa_predicates_are_those_of_in_toto_and_a_broken_one_is_refused(folder: Path) -> None:
    from google.protobuf.json_format import ParseDict, ParseError
    from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
    from in_toto_attestation.predicates.vsa.v1.vsa_pb2 import VerificationSummary

    kinds = {
        PROVENANCE_FILE: ("https://slsa.dev/provenance/v1", Provenance),
        SUMMARY_FILE: ("https://slsa.dev/verification_summary/v1", VerificationSummary),
    }
    found = attestable(folder)
    assert {name for name, _, _ in found} == {*kinds} - (
        set() if (folder / "run.sigstore.json").exists() else {PROVENANCE_FILE}
    )
    for name, type_, predicate in found:
        expected, message = kinds[name]
        assert type_ == expected
        levels = predicate.pop("verifiedLevels", ["none asked"])
        # One text in the package, a list in the specification that it follows: in-toto/attestation, issue 425.
        assert all(isinstance(level, str) and level for level in levels)
        assert ParseDict(predicate, message()).ByteSize() > 200
        with pytest.raises(ParseError):
            ParseDict({**predicate, "approved": True}, message())


def test_slsa_statements_can_be_signed_and_are_in_toto_statements(folder: Path) -> None:
    from google.protobuf.json_format import ParseDict
    from in_toto_attestation.v1.statement import Statement
    from in_toto_attestation.v1.statement_pb2 import Statement as Message

    key = evidence.throwaway_key("Signer", NOW)
    subject = ("income", read(folder).verdict.subject)
    for name, type_, predicate in attestable(folder):
        (folder / name).write_bytes(evidence.sign(type_, predicate, [subject], key))
        content, _ = evidence.unverified_payload(folder / name)
        Statement.copy_from_pb(ParseDict({**content, "type": content.pop("_type")}, Message())).validate()
        opened = evidence.open_statement(
            (folder / name).read_bytes(), trust=evidence.trust_of(key), role="gate", predicate_type=type_, as_of=NOW,
            file=name,
        )  # fmt: skip
        assert opened.predicate == predicate
