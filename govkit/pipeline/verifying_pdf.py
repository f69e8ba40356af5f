"""Verify a report that travels alone: its signature, and the statements that it carries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from govkit import evidence
from govkit.core.verdict import EXIT_CODE
from govkit.core.words import Outcome
from govkit.errors import EvidenceError, UsageError
from govkit.evidence import moment
from govkit.evidence.links import check_links
from govkit.evidence.predicates import Kind, VerdictLinks, file_of, parse, type_of
from govkit.evidence.verify import ROLE_OF
from govkit.pipeline import clock

KINDS: tuple[Kind, ...] = ("run", "findings", "verdict")


@dataclass(frozen=True)
class VerifiedPdf:
    """What was proved: these keys signed this file and these statements, which speak of each other.

    Attributes:
        signer: Name of the key in the trust file that signed the PDF.
        signed_at: When the PDF says that it was signed, UTC; empty if it does not say.
        outcome: What the signed verdict says. It is not judged again: that takes the bundle.
        judged_at: When it was judged, UTC.
        name: Name of the model.
        artifact: Artifact digest of the model; no model was compared.
        policy: Digest of the policy.
        signers: Statement -> name of the key in the trust file that signed it.
        digests: Statement -> ``sha256:<hex>`` of its payload.
    """

    signer: str
    signed_at: str
    outcome: Outcome
    judged_at: str
    name: str
    artifact: str
    policy: str
    signers: dict[str, str]
    digests: dict[str, str]

    @property
    def exit_code(self) -> int:
        """What a gate answers to the signed verdict: 0, 1 or 3."""
        return EXIT_CODE[self.outcome]


def verify_pdf(path: Path | str, *, trust: Path | str | evidence.Trust, as_of: str | None = None) -> VerifiedPdf:
    """Check the signature of a report, then each statement attached to it, then what ties these together.

    Args:
        path: The PDF.
        trust: The consumer's trust file.
        as_of: UTC time to take as now.

    Raises:
        EvidenceError: Something does not verify: the codes of ``evidence.check_pdf``, ``evidence.open_statement`` and
            ``evidence.links.check_links``, and ``FUTURE``.
        UsageError: The file or the trust file cannot be read.
        MissingExtra: pyHanko is not installed.
    """
    place, now = Path(path), as_of or clock.now()
    if not place.is_file():
        raise UsageError(f"{place}: no such file; expected a signed report.pdf")
    store = evidence.read_trust(trust)
    raw = evidence.read_bytes(place, file=place.name)
    signed = evidence.check_pdf(raw, trust=store, as_of=now, file=place.name)
    opened = _opened(signed, trust=store, as_of=now, file=place.name)
    verdict, (name, artifact) = opened["verdict"], opened["verdict"].subjects[0]
    judged = parse(VerdictLinks, verdict.predicate, file=file_of("verdict"))
    for kind, statement in opened.items():
        if statement.subjects != ((name, artifact),):
            raise EvidenceError("WRONG_SUBJECT", f"{file_of(kind)}: is about another model", file=file_of(kind))
    check_links(
        opened["findings"].predicate,
        verdict.predicate,
        payloads={kind: found.payload_sha256 for kind, found in opened.items() if kind != "verdict"},
        # The statements of people are not in the file; the verdict names them by their digests.
        people={"waivers": judged.waivers, "attestations": judged.attestations},
        artifact=artifact,
        outcome=judged.verdict.outcome,
    )
    moment.refuse_future(judged.verdict.as_of, as_of=now, file=file_of("verdict"))
    if signed.as_of:
        moment.refuse_future(signed.as_of, as_of=now, file=place.name)
    return VerifiedPdf(
        signer=signed.signer.name,
        signed_at=signed.as_of,
        outcome=judged.verdict.outcome,
        judged_at=judged.verdict.as_of,
        name=name,
        artifact=artifact,
        policy=judged.verdict.policy,
        signers={kind: found.signer.name for kind, found in opened.items()},
        digests={kind: found.payload_sha256 for kind, found in opened.items()},
    )


def _opened(
    signed: evidence.SignedPdf, *, trust: evidence.Trust, as_of: str, file: str
) -> dict[Kind, evidence.Statement]:
    """The attached statements: findings, verdict, and the run if there is one. Nothing else may be attached."""
    names = {file_of(kind): kind for kind in KINDS}
    for name in sorted(signed.attachments.keys() - names):
        message = f"{file}: carries {ascii(name)[:80]}, which is no statement of a report"
        raise EvidenceError("PDF_ATTACHMENT", message, file=file)
    for name in sorted(names.keys() - signed.attachments.keys() - {file_of("run")}):
        raise EvidenceError("PDF_ATTACHMENT", f"{file}: does not carry {name}", file=file)
    return {
        kind: evidence.open_statement(
            signed.attachments[name], trust=trust, role=ROLE_OF[kind], predicate_type=type_of(kind), as_of=as_of,
            file=name,
        )
        for name, kind in names.items()
        if name in signed.attachments
    }  # fmt: skip
