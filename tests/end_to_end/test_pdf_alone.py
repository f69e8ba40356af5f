"""A report that travels alone proves what it carries, and carries no more than it proves."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
import signed_report as tools
from bundle_fixture import ARTIFACT
from evidence_bundle import LATER, NOW

from govkit import evidence
from govkit.errors import EvidenceError, UsageError
from govkit.evidence import moment
from govkit.pipeline.verifying_pdf import verify_pdf

OTHER = "sha256:" + "0f" * 32


class Alone:
    """A signed report, and the bundle it was written from."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.key = evidence.throwaway_key("Ada", NOW)
        self.trust = evidence.trust_of(self.key)
        self.folder = tools.write(root / "bundle", self.key)
        self.other = tools.write(root / "other", self.key, artifact=OTHER)

    def statement(self, kind: str, folder: Path | None = None) -> bytes:
        return ((folder or self.folder) / f"{kind}.sigstore.json").read_bytes()

    def signed(self, name: str, **statements: bytes | None) -> Path:
        path = self.root / name
        path.write_bytes(evidence.sign_pdf(tools.small(self.folder, **statements), self.key, NOW))
        return path

    def code(self, path: Path, *, trust: evidence.Trust | None = None, as_of: str = LATER) -> tuple[str, str]:
        with pytest.raises(EvidenceError) as raised:
            verify_pdf(path, trust=trust or self.trust, as_of=as_of)
        return raised.value.code, raised.value.file


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Alone:
    return Alone(tmp_path_factory.mktemp("alone"))


def test_a_report_alone_proves_its_statements(alone: Alone) -> None:
    found = verify_pdf(alone.signed("good.pdf"), trust=alone.trust, as_of=LATER)
    assert (found.signer, found.signed_at, found.outcome) == ("Ada", NOW, "BLOCK")
    assert (found.name, found.artifact) == ("income", ARTIFACT)
    assert found.signers == dict.fromkeys(("run", "findings", "verdict"), "Ada")
    payloads = {kind: evidence.unverified_payload(alone.folder / f"{kind}.sigstore.json")[1] for kind in found.signers}
    assert found.digests == payloads


def test_the_trust_file_may_be_a_path(alone: Alone) -> None:
    evidence.write_trust(alone.root / "trust.yaml", alone.trust)
    assert verify_pdf(alone.signed("path.pdf"), trust=alone.root / "trust.yaml", as_of=LATER).signer == "Ada"


def test_findings_of_another_model_are_refused(alone: Alone) -> None:
    path = alone.signed("findings.pdf", findings=alone.statement("findings", alone.other))
    assert alone.code(path) == ("WRONG_SUBJECT", "findings.sigstore.json")


def test_a_verdict_of_another_model_is_refused(alone: Alone) -> None:
    path = alone.signed("verdict.pdf", verdict=alone.statement("verdict", alone.other))
    assert alone.code(path)[0] == "WRONG_SUBJECT"


def test_a_verdict_on_other_findings_is_refused(alone: Alone) -> None:
    predicate = evidence.read_unverified(alone.folder / "findings.sigstore.json")
    raw = evidence.sign(evidence.type_of("findings"), {**predicate, "seed": "1"}, (("income", ARTIFACT),), alone.key)
    assert alone.code(alone.signed("seed.pdf", findings=raw)) == ("INPUTS_MISMATCH", "verdict.sigstore.json")


def test_a_run_that_the_verdict_names_may_not_be_missing(alone: Alone) -> None:
    assert alone.code(alone.signed("run.pdf", run=None)) == ("INPUTS_MISMATCH", "verdict.sigstore.json")


@pytest.mark.parametrize("kind", ["findings", "verdict"])
def test_a_report_without_findings_or_verdict_is_refused(alone: Alone, kind: str) -> None:
    path = alone.signed(f"no-{kind}.pdf", **{kind: None})
    assert alone.code(path) == ("PDF_ATTACHMENT", path.name)


def test_what_is_no_statement_may_not_be_attached(alone: Alone) -> None:
    output = BytesIO()
    with pikepdf.open(BytesIO(tools.small(alone.folder))) as pdf:
        pdf.attachments["notes.txt"] = b"trust me"
        pdf.save(output)
    path = alone.root / "notes.pdf"
    path.write_bytes(evidence.sign_pdf(output.getvalue(), alone.key, NOW))
    assert alone.code(path) == ("PDF_ATTACHMENT", "notes.pdf")


@pytest.mark.parametrize("kind", ["run", "findings", "verdict"])
def test_every_statement_needs_a_signer_of_its_own_role(alone: Alone, kind: str) -> None:
    stranger = evidence.throwaway_key("Stranger", NOW)
    predicate = evidence.read_unverified(alone.folder / f"{kind}.sigstore.json")
    raw = evidence.sign(evidence.type_of(kind), predicate, (("income", ARTIFACT),), stranger)
    path = alone.signed(f"stranger-{kind}.pdf", **{kind: raw})
    assert alone.code(path) == ("UNKNOWN_KEY", f"{kind}.sigstore.json")
    only = evidence.trust_of(stranger, roles=["report", "lock"])
    assert alone.code(path, trust=evidence.join_trust([alone.trust, only])) == ("KEY_ROLE", f"{kind}.sigstore.json")


def test_a_statement_with_an_edited_payload_is_refused(alone: Alone) -> None:
    outer = json.loads(alone.statement("verdict"))
    outer["dsseEnvelope"]["payload"] = outer["dsseEnvelope"]["payload"].replace("Q", "R", 1)
    path = alone.signed("edited.pdf", verdict=evidence.dumps(outer) + b"\n")
    assert alone.code(path) == ("BAD_SIGNATURE", "verdict.sigstore.json")


def test_a_report_of_tomorrow_is_refused(alone: Alone) -> None:
    key = alone.trust.keys[0].model_copy(update={"not_before": moment.read("2026-01-01T00:00:00Z")})
    code = alone.code(alone.signed("late.pdf"), trust=evidence.Trust(keys=(key,)), as_of="2026-11-24T11:00:00Z")
    assert code == ("FUTURE", "late.pdf")


def test_a_report_that_is_not_signed_is_refused(alone: Alone) -> None:
    path = alone.root / "plain.pdf"
    path.write_bytes(tools.small(alone.folder))
    assert alone.code(path) == ("PDF_UNSIGNED", "plain.pdf")


def test_no_file_is_no_evidence(alone: Alone) -> None:
    with pytest.raises(UsageError, match="no such file"):
        verify_pdf(alone.root / "nowhere.pdf", trust=alone.trust, as_of=LATER)
