"""The signer's side: attest and seal."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import evidence_bundle as tools
import pytest
from evidence_bundle import NOW, Small

from govkit import evidence, manifest
from govkit.errors import EvidenceError, UsageError


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return tools.make(tmp_path)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    key = evidence.throwaway_key("Ada", NOW)
    one, two = tools.make(tmp_path / "one", key=key), tools.make(tmp_path / "two", key=key)
    assert manifest.walk(one.folder) == manifest.walk(two.folder)


def test_a_bundle_without_a_run_verifies(tmp_path: Path) -> None:
    small = tools.make(tmp_path, with_run=False)
    proof = small.check()
    assert proof.run is None
    assert set(proof.verdict["inputs"]) == {"findings"}
    assert set(proof.signers) == {"findings", "verdict", "release"}


def test_the_release_lists_bundle_and_model(small: Small) -> None:
    release = small.statement("release")
    predicate = release["predicate"]
    assert set(predicate["files"]) == {
        *tools.FILES,
        *(f"{kind}.sigstore.json" for kind in ("run", "findings", "verdict")),
    }
    assert predicate["model_files"] == {
        name: {"sha256": tools.sha256(data), "size": len(data)} for name, data in tools.MODEL.items()
    }
    subjects = {item["name"]: item["digest"]["sha256"] for item in release["subject"]}
    assert subjects["small"] == predicate["artifact"].removeprefix("sha256:")
    assert subjects["policy.yaml"] == tools.sha256(tools.FILES["policy.yaml"])
    assert subjects["model:config.json"] == tools.sha256(tools.MODEL["config.json"])
    assert len(subjects) == len(release["subject"]) == 1 + len(tools.MODEL) + len(predicate["files"])


def test_attest_returns_the_payload_digests_that_the_verdict_rests_on(tmp_path: Path) -> None:
    key = evidence.throwaway_key("Ada", NOW)
    artifact = "sha256:" + "1" * 64
    findings, verdict = tools.predicates(artifact)
    digests = evidence.attest(
        tmp_path, subject_name="m", subject_digest=artifact, findings=findings, verdict=verdict, run={}, key=key
    )
    trust = evidence.trust_of(key)
    raw = (tmp_path / "verdict.sigstore.json").read_bytes()
    options = {"trust": trust, "as_of": NOW, "file": "verdict.sigstore.json"}
    opened = evidence.open_statement(raw, role="gate", predicate_type="urn:govkit:verdict:v1", **options)
    assert opened.predicate["inputs"] == {kind: digests[kind] for kind in ("run", "findings")}
    assert opened.payload_sha256 == digests["verdict"]
    assert opened.signer.id == key.id
    assert opened.subjects == (("m", artifact),)
    assert "inputs" not in verdict
    assert evidence.read_unverified(tmp_path / "findings.sigstore.json") == findings


def test_a_single_file_is_a_model(tmp_path: Path) -> None:
    small = tools.make(tmp_path, model={"predictions.csv": b"id,label\n1,spam\n"})
    with pytest.raises(EvidenceError, match="MODEL_MISMATCH"):
        small.check(model=tools.write_files(tmp_path, {"other.csv": b"id,label\n1,spam\n"}) / "other.csv")
    assert small.check(model=small.model / "predictions.csv").model_checked


def test_a_model_that_is_no_file_is_not_checked(tmp_path: Path) -> None:
    key = evidence.throwaway_key("Ada", NOW)
    artifact = "sha256:" + "1" * 64
    findings, verdict = tools.predicates(artifact)
    evidence.attest(
        tmp_path, subject_name="m", subject_digest=artifact, findings=findings, verdict=verdict, run=None, key=key
    )
    evidence.seal(tmp_path, artifact=artifact, outcome="PASS", key=key, as_of=NOW)
    small = Small(tmp_path, tmp_path, key, evidence.trust_of(key))
    assert not small.check(model=None).model_checked
    with pytest.raises(EvidenceError, match="MODEL_MISMATCH"):
        small.check(model=tools.write_files(tmp_path.parent / "some-model", tools.MODEL))


def test_nothing_is_written_twice(small: Small) -> None:
    artifact = manifest.artifact_digest(small.model)
    with pytest.raises(UsageError, match="sealed already"):
        evidence.seal(small.folder, artifact=artifact, outcome="PASS", key=small.key, as_of=NOW)
    findings, verdict = tools.predicates(artifact)
    before = manifest.walk(small.folder)
    with pytest.raises(UsageError, match="never overwritten"):
        evidence.attest(
            small.folder,
            subject_name="small",
            subject_digest=artifact,
            findings=findings,
            verdict=verdict,
            run=None,
            key=small.key,
        )
    assert manifest.walk(small.folder) == before


def test_nobody_seals_what_cannot_verify(small: Small) -> None:
    small.path("release").unlink()
    artifact = manifest.artifact_digest(small.model)
    options = {"artifact": artifact, "outcome": "PASS", "key": small.key, "as_of": NOW}
    for changes, message in (
        ({"outcome": "REVIEW"}, "VERDICT_DIFFERS"),
        ({"artifact": "sha256:" + "0" * 64}, "another model"),
        ({"artifact": ""}, "no model"),
        ({"as_of": "now"}, "as_of"),
    ):
        with pytest.raises(UsageError, match=message):
            evidence.seal(small.folder, **{**options, **changes})
    shutil.copy(small.path("run"), small.path("findings"))
    with pytest.raises(UsageError, match="BAD_STATEMENT"):
        evidence.seal(small.folder, **options)
    small.path("findings").unlink()
    with pytest.raises(UsageError, match=r"MISSING_FILE.*findings"):
        evidence.seal(small.folder, **options)
    assert not small.path("release").exists()


def test_a_changed_model_is_not_sealed(small: Small) -> None:
    small.path("release").unlink()
    (small.model / "config.json").write_bytes(b"{}")
    with pytest.raises(UsageError, match="another model"):
        evidence.seal(small.folder, model=small.model, outcome="PASS", key=small.key, as_of=NOW)


def test_links_and_bad_digests_are_not_sealed(small: Small) -> None:
    small.path("release").unlink()
    (small.folder / "figures").symlink_to(small.model)
    with pytest.raises(EvidenceError, match="SYMLINK"):
        evidence.seal(small.folder, model=small.model, outcome="PASS", key=small.key, as_of=NOW)
    with pytest.raises(EvidenceError, match="BAD_DIGEST"):
        evidence.sign("urn:x", {}, [("m", "md5:00")], small.key)


def test_a_statement_holds_no_nan(small: Small) -> None:
    with pytest.raises(EvidenceError, match="NON_FINITE"):
        evidence.sign("urn:x", {"value": float("nan")}, [("m", "sha256:" + "0" * 64)], small.key)


def test_reading_unverified_still_wants_a_statement(small: Small) -> None:
    small.path("run").write_bytes(b"{}\n")
    with pytest.raises(EvidenceError, match=r"run\.sigstore\.json"):
        evidence.read_unverified(small.path("run"))
    with pytest.raises(EvidenceError, match="MISSING_FILE"):
        evidence.read_unverified(small.folder / "none.sigstore.json")
    small.sign("run", b"[]")
    with pytest.raises(EvidenceError, match="BAD_ENVELOPE"):
        evidence.read_unverified(small.path("run"))


def test_no_bundle_is_bad_usage(small: Small, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected a bundle"):
        evidence.check_signatures(tmp_path / "none", model=None, trust=small.trust, as_of=NOW)
    with pytest.raises(UsageError, match="no such file"):
        small.check(model=tmp_path / "none")
    with pytest.raises(UsageError, match="as_of"):
        small.check(as_of="now")


def test_the_payload_digest_is_the_identity(small: Small) -> None:
    """The same statement by two keys is two files and one payload."""
    other = evidence.throwaway_key("Bob", NOW)
    subjects = [("m", "sha256:" + "0" * 64)]
    files = [evidence.sign("urn:x", {"a": 1}, subjects, key) for key in (small.key, other)]
    assert files[0] != files[1]
    opened = [
        evidence.open_statement(
            raw, trust=evidence.trust_of(key), role="audit", predicate_type="urn:x", as_of=NOW, file="x"
        )
        for raw, key in zip(files, (small.key, other), strict=True)
    ]
    assert opened[0].payload_sha256 == opened[1].payload_sha256
    payload = evidence.dumps(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "m", "digest": {"sha256": "0" * 64}}],
            "predicateType": "urn:x",
            "predicate": {"a": 1},
        }
    )
    assert opened[0].payload_sha256 == "sha256:" + hashlib.sha256(payload).hexdigest()


def test_statements_may_be_about_the_artifact_alone(small: Small) -> None:
    """Attested where the model is not at hand; the release still names every file of the model."""
    for kind in ("run", "findings", "verdict", "release"):
        small.path(kind).unlink()
    artifact = manifest.artifact_digest(small.model)
    findings, verdict = tools.predicates(artifact)
    evidence.attest(
        small.folder,
        subject_name="small",
        subject_digest=artifact,
        findings=findings,
        verdict=verdict,
        run={},
        key=small.key,
    )
    evidence.seal(small.folder, model=small.model, outcome="PASS", key=small.key, as_of=NOW)
    assert small.check().release.model_files.keys() == tools.MODEL.keys()
    (small.model / "config.json").write_bytes(b"{}")
    with pytest.raises(EvidenceError, match=r"MODEL_MISMATCH.*'config\.json' \(changed\)") as caught:
        small.check()
    assert caught.value.file == "config.json"
