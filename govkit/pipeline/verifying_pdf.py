"""Verify a report that travels alone: its signature, and the statements that it carries."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from govkit import evidence, policy as policies
from govkit.core import Verdict
from govkit.core.verdict import EXIT_CODE
from govkit.core.words import Outcome
from govkit.errors import EvidenceError, UsageError
from govkit.evidence import moment
from govkit.evidence.links import check_links
from govkit.evidence.measured import refuse_unmeasured, unsigned
from govkit.evidence.predicates import Kind, VerdictLinks, file_of, parse, type_of
from govkit.evidence.verify import ROLE_OF
from govkit.pipeline import clock
from govkit.pipeline.bundle import FINDINGS
from govkit.pipeline.policy import resolve_declared

KINDS: tuple[Kind, ...] = ("run", "findings", "verdict")


@dataclass(frozen=True)
class VerifiedPdf:
    """What was proved: these keys signed this file and these statements, which speak of each other.

    Attributes:
        signer: Name of the key in the trust file that signed the PDF.
        signed_at: When the PDF says that it was signed, UTC; empty if it does not say.
        outcome: What the findings give as of now, where they were judged again; else what the signed verdict says.
        judged_again: Whether they were; that takes the policy.
        judged_at: When it was judged, UTC.
        name: Name of the model.
        artifact: Artifact digest of the model; no model was compared.
        policy: Digest of the policy.
        signers: Statement -> name of the key in the trust file that signed it.
        digests: Statement -> ``sha256:<hex>`` of its payload.
        as_of: UTC time that was taken as now.
    """

    signer: str
    signed_at: str
    outcome: Outcome
    judged_again: bool
    judged_at: str
    name: str
    artifact: str
    policy: str
    signers: dict[str, str]
    digests: dict[str, str]
    as_of: str

    @property
    def exit_code(self) -> int:
        """What a gate answers to the signed verdict: 0, 1 or 3."""
        return EXIT_CODE[self.outcome]


def verify_pdf(
    path: Path | str,
    *,
    trust: Path | str | evidence.Trust,
    policy: Path | str | None = None,
    as_of: str | None = None,
) -> VerifiedPdf:
    """Check the signature of a report, then each statement attached to it, then what ties these together.

    Args:
        path: The PDF.
        trust: The consumer's trust file.
        policy: A policy that the verifier holds: the findings that the file carries are judged again by it. A verdict
            that rests on people's statements or a lock, which are not in the file, takes its bundle.
        as_of: UTC time to take as now.

    Raises:
        EvidenceError: Something does not verify: the codes of ``evidence.check_pdf``, ``evidence.open_statement`` and
            ``evidence.links.check_links``, and ``FUTURE``, ``FINDINGS_UNSIGNED``, ``POLICY_SWAPPED`` or
            ``VERDICT_DIFFERS``.
        UsageError: The file or the trust file cannot be read.
        MissingExtra: pyHanko is not installed.
    """
    place, now = Path(path), clock.deciding_time(as_of)
    if not place.is_file():
        raise UsageError(f"{place}: no such file; expected a signed report.pdf")
    store = evidence.read_trust(trust)
    raw = evidence.read_bytes(place, file=place.name)
    signed = evidence.check_pdf(raw, trust=store, as_of=now, file=place.name)
    opened = _opened(signed, trust=store, as_of=now, file=place.name)
    name, artifact = opened["verdict"].subjects[0]
    judged = _tied(opened)
    refuse_unmeasured(judged.measured, opened["findings"].signer, store)
    moment.refuse_future(judged.verdict.as_of, as_of=now, file=file_of("verdict"))
    if signed.as_of:
        moment.refuse_future(signed.as_of, as_of=now, file=place.name)
    again = None if policy is None else _judged_again(opened, judged, str(policy), as_of=now)
    return VerifiedPdf(
        signer=signed.signer.name,
        signed_at=signed.as_of,
        outcome=judged.verdict.outcome if again is None else again.outcome,
        judged_again=again is not None,
        judged_at=judged.verdict.as_of,
        name=name,
        artifact=artifact,
        policy=judged.verdict.policy,
        signers={kind: found.signer.name for kind, found in opened.items()},
        digests={kind: found.payload_sha256 for kind, found in opened.items()},
        as_of=now,
    )


def _tied(opened: dict[Kind, evidence.Statement]) -> VerdictLinks:
    """What the verdict rests on; all statements are about one model and speak of each other."""
    name, artifact = opened["verdict"].subjects[0]
    judged = parse(VerdictLinks, opened["verdict"].predicate, file=file_of("verdict"))
    for kind, statement in opened.items():
        if statement.subjects != ((name, artifact),):
            raise EvidenceError.at(file_of(kind), "WRONG_SUBJECT", "is about another model")
    check_links(
        opened["findings"].predicate,
        opened["verdict"].predicate,
        payloads={kind: found.payload_sha256 for kind, found in opened.items() if kind != "verdict"},
        # The statements of people are not in the file; the verdict names them by their digests.
        people={"waivers": judged.waivers, "attestations": judged.attestations},
        artifact=artifact,
        outcome=judged.verdict.outcome,
    )
    return judged


def _judged_again(opened: dict[Kind, evidence.Statement], links: VerdictLinks, policy: str, *, as_of: str) -> Verdict:
    """The verdict of now from the findings that the file carries; that of then must be the stored one."""
    predicate = opened["findings"].predicate
    if links.waivers or links.attestations or predicate.get("lock") is not None:
        raise UsageError("--policy: the verdict rests on statements of people or a lock; verify its bundle instead")
    try:
        findings = FINDINGS.validate_python(predicate["findings"])
        stored = Verdict.model_validate(opened["verdict"].predicate["verdict"])
    except ValidationError as error:
        message = f"{file_of('findings')} or {file_of('verdict')}: {error.errors()[0]['msg']}"
        raise EvidenceError("BAD_STATEMENT", message, file=file_of("findings")) from None
    rules = resolve_declared(policy, findings)
    if policies.digest(rules) != links.verdict.policy:
        message = "the findings were judged by another policy than the policy given"
        raise EvidenceError("POLICY_SWAPPED", message, file=file_of("verdict"))
    if rules.decision.signed_findings and links.measured == evidence.UNSIGNED:
        raise unsigned(f"policy {rules.id} asks for it")
    notices = evidence.measured_notices(links.measured)
    again = partial(policies.judge, rules, findings, subject=links.verdict.subject, notices=notices)
    then = again(as_of=stored.as_of, enforced=stored.enforced)
    if then != stored:
        message = f"{file_of('verdict')}: says {stored.outcome}; judging again gives {then.outcome}"
        raise EvidenceError("VERDICT_DIFFERS", message, file=file_of("verdict"))
    return again(as_of=as_of)


def _opened(
    signed: evidence.SignedPdf, *, trust: evidence.Trust, as_of: str, file: str
) -> dict[Kind, evidence.Statement]:
    """The attached statements: findings, verdict, and the run if there is one. Nothing else may be attached."""
    names = {file_of(kind): kind for kind in KINDS}
    for name in sorted(signed.attachments.keys() - names):
        raise EvidenceError.at(file, "PDF_ATTACHMENT", f"carries {ascii(name)[:80]}, which is no statement of a report")
    for name in sorted(names.keys() - signed.attachments.keys() - {file_of("run")}):
        raise EvidenceError.at(file, "PDF_ATTACHMENT", f"does not carry {name}")
    return {
        kind: evidence.open_statement(
            signed.attachments[name], trust=trust, role=ROLE_OF[kind], predicate_type=type_of(kind), as_of=as_of,
            file=name,
        )
        for name, kind in names.items()
        if name in signed.attachments
    }  # fmt: skip
