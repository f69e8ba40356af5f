"""What lies in a bundle beside its statements: each thing is checked on its own, and none of them can be left wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from govkit import evidence, report
from govkit.core import Policy
from govkit.errors import EvidenceError, MissingExtra
from govkit.evidence import moment
from govkit.manifest import CARD as BESIDE, FileDigest
from govkit.pipeline.signing import REPORT

CARD = "card.md"
MODEL_SIG = "model.sig"
SIGNED_EXPORTS: dict[str, tuple[evidence.SignerRole, str]] = {
    "exports/provenance.sigstore.json": ("train", "https://slsa.dev/provenance/v1"),
    "exports/verification-summary.sigstore.json": ("gate", "https://slsa.dev/verification_summary/v1"),
}
"""Exports that carry a signature of their own -> role of its key, and what they state."""


@dataclass(frozen=True)
class Attached:
    """What was found.

    Attributes:
        countersigned: Who signed the verdict beside the pipeline.
        report: Name of the signer of the PDF; empty if it is not signed, None if that could not be looked at.
        model_sig: Whether there is a signature of the model for tools outside of govkit.
        exports: Names of the documents for other tools.
        stamped: Time at which an authority of the trust file saw the verdict; empty if there is no stamp, None if no
            authority is trusted.
    """

    countersigned: tuple[evidence.Countersigned, ...]
    report: str | None
    model_sig: bool
    exports: tuple[str, ...]
    stamped: str | None


def check_attached(
    folder: Path, proof: evidence.Evidence, rules: Policy, *, trust: evidence.Trust, as_of: str
) -> Attached:
    """Check card, countersignatures, PDF, exports, model.sig and time stamp of a bundle whose seal was verified.

    Raises:
        EvidenceError: The first that does not fit; the codes are those of each.
    """
    files = proof.release.files
    _check_card(folder, proof)
    return Attached(
        countersigned=_countersigned(folder, proof, rules, trust=trust, as_of=as_of),
        report=_report(folder, proof, trust=trust, as_of=as_of) if REPORT in files else "",
        model_sig=_model_sig(folder, proof, trust=trust, as_of=as_of),
        exports=_exports(folder, proof, trust=trust, as_of=as_of),
        stamped=_stamped(folder, proof, trust=trust),
    )


def _bytes(folder: Path, proof: evidence.Evidence, file: str) -> bytes:
    """The bytes whose digest was sealed, whatever happened to the file since it was compared."""
    return evidence.read_bytes(folder / file, file=file, sha256=proof.release.files[file].sha256)


def _check_card(folder: Path, proof: evidence.Evidence) -> None:
    """The front matter of the card says what is signed, and the card beside the model is this card."""
    own, card = proof.release.files.get(CARD), proof.release.card
    if own is not None:
        report.check_card(folder, _bytes(folder, proof, CARD).decode("utf-8", errors="replace"))
    if card is not None and card != own:
        raise EvidenceError("CARD_OTHER", f"{BESIDE} of the model is not {CARD} of the bundle", file=BESIDE)
    if proof.release.published and card is None:
        raise EvidenceError("CARD_OTHER", f"the release was published without {BESIDE} in the model", file=BESIDE)


def _countersigned(
    folder: Path, proof: evidence.Evidence, rules: Policy, *, trust: evidence.Trust, as_of: str
) -> tuple[evidence.Countersigned, ...]:
    files = [file for file in sorted(proof.release.files) if file.startswith(f"{evidence.COUNTERSIGNATURES}/")]
    found = tuple(
        evidence.open_countersignature(
            _bytes(folder, proof, file), file, trust=trust, as_of=as_of,
            verdict=proof.digests["verdict"], artifact=proof.artifact, outcome=proof.release.verdict,
        )
        for file in files
    )  # fmt: skip
    tier = rules.tier if proof.release.published else "low"
    evidence.check_demanded(found, tier=tier, keys=proof.keys, trust=trust)
    return found


def _report(folder: Path, proof: evidence.Evidence, *, trust: evidence.Trust, as_of: str) -> str | None:
    """Signer of the PDF, which holds the very statements of the bundle."""
    try:
        signed = evidence.check_pdf(_bytes(folder, proof, REPORT), trust=trust, as_of=as_of, file=REPORT)
    except MissingExtra:
        return None
    except EvidenceError as error:
        if error.code == "PDF_UNSIGNED":
            return ""
        raise
    own = {f"{kind}.sigstore.json" for kind in proof.digests}
    for name in sorted(own | signed.attachments.keys()):
        if name not in own or signed.attachments.get(name) != _bytes(folder, proof, name):
            message = f"holds another {ascii(name)[:80]} than the bundle, or none"
            raise EvidenceError.at(REPORT, "PDF_ATTACHMENT", message)
    if signed.as_of:
        moment.refuse_future(signed.as_of, as_of=as_of, file=REPORT)
    return signed.signer.name


def _exports(folder: Path, proof: evidence.Evidence, *, trust: evidence.Trust, as_of: str) -> tuple[str, ...]:
    found = report.check_exports(folder)
    for file in found:
        if file in SIGNED_EXPORTS:
            role, kind = SIGNED_EXPORTS[file]
            raw = _bytes(folder, proof, file)
            said = evidence.open_statement(raw, trust=trust, role=role, predicate_type=kind, as_of=as_of, file=file)
            if [digest for _, digest in said.subjects] != [proof.artifact]:
                raise EvidenceError.at(file, "WRONG_SUBJECT", "is about another model")
    return found


def _model_sig(folder: Path, proof: evidence.Evidence, *, trust: evidence.Trust, as_of: str) -> bool:
    if MODEL_SIG not in proof.release.files:
        return False
    evidence.check_model_sig(_bytes(folder, proof, MODEL_SIG), released(proof.release), trust=trust, as_of=as_of)
    return True


def released(release: evidence.Release) -> Sequence[FileDigest]:
    """Every file of a released model, with its card."""
    return [FileDigest(path, found.sha256, found.size) for path, found in sorted(release.model_folder.items())]


def _stamped(folder: Path, proof: evidence.Evidence, *, trust: evidence.Trust) -> str | None:
    if evidence.STAMP_FILE not in proof.release.files:
        return ""
    return evidence.check_bundle_stamp(
        _bytes(folder, proof, evidence.STAMP_FILE), _bytes(folder, proof, "verdict.sigstore.json"), trust
    )
