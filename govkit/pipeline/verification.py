"""Verify a bundle: signatures and digests first, then the judgement again, from what is signed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from govkit import documents, evidence
from govkit import policy as policies
from govkit.core import Audit, Policy, Verdict
from govkit.errors import AuditError, EvidenceError, PolicyError
from govkit.pipeline import clock
from govkit.pipeline.bundle import FINDINGS
from govkit.pipeline.casework import asked_digest, audit_digest
from govkit.pipeline.policy import resolve_policy


@dataclass(frozen=True)
class Verification:
    """What was proved.

    Attributes:
        verdict: The judgement made anew, as of the verifier's clock; enforced.
        signers: Statement -> name of the key in the trust file that signed it; of waivers and attestations by file.
        artifact: Digest of the model that was compared.
        policy: Id of the policy judged by.
    """

    verdict: Verdict
    signers: dict[str, str]
    artifact: str
    policy: str


def verify(
    bundle: Path | str,
    *,
    model: Path | str,
    trust: Path | str | evidence.Trust,
    policy: Path | str | None = None,
    as_of: str | None = None,
    minimum_sequence: int | None = None,
) -> Verification:
    """Check every signature and digest, then judge again; a stored verdict is never believed.

    Args:
        bundle: The folder.
        model: Folder or file of the weights or predictions that are about to be used.
        trust: The consumer's trust file: which keys may sign what.
        policy: A policy the verifier holds; the bundle must have been judged by the same one.
        as_of: UTC time to take as now.
        minimum_sequence: Refuse releases older than this number.

    Raises:
        EvidenceError: Something does not verify; the code is stable, the message names the file.
        UsageError: The trust file or the policy cannot be read.
    """
    folder, moment = Path(bundle), as_of or clock.now()
    store = evidence.read_trust(trust)
    proof = evidence.check_signatures(
        folder, model=Path(model), trust=store, as_of=moment, minimum_sequence=minimum_sequence
    )
    rules = _rules(folder, policy)
    if policies.digest(rules) != proof.findings["policy"]["digest"]:
        what = "the policy given" if policy is not None else "policy.yaml"
        raise EvidenceError(
            "POLICY_SWAPPED", f"the findings were judged by another policy than {what}", file="policy.yaml"
        )
    audit = documents.read_model(folder / "audit.yaml", Audit, error=AuditError)
    if proof.findings["audit"] != audit_digest(audit):
        message = "audit.yaml is not the audit file that the findings were measured for"
        raise EvidenceError("AUDIT_SWAPPED", message, file="audit.yaml")
    if proof.people.lock is not None:
        proof.people.lock.check_asked(asked_digest(audit))
    stored, again = Verdict.model_validate(proof.verdict["verdict"]), _judging(rules, proof)
    then = again(as_of=stored.as_of, enforced=stored.enforced)
    if then != stored:
        raise EvidenceError(
            "VERDICT_DIFFERS",
            f"verdict.sigstore.json says {stored.outcome}; judging the signed findings again gives {then.outcome}",
            file="verdict.sigstore.json",
        )
    return Verification(verdict=again(as_of=moment), signers=proof.signers, artifact=proof.artifact, policy=rules.id)


def _judging(rules: Policy, proof: evidence.Evidence) -> Callable[..., Verdict]:
    """Judges what was signed, as of any time, with what people signed beside it."""
    return partial(
        policies.judge,
        rules,
        FINDINGS.validate_python(proof.findings["findings"]),
        subject=proof.artifact,
        waivers=proof.people.waivers,
        attestations=proof.people.attestations,
        notices=() if proof.people.lock is None else (proof.people.lock.notice,),
    )


def _rules(folder: Path, policy: Path | str | None) -> Policy:
    if policy is not None:
        return resolve_policy(str(policy))
    try:
        return policies.load(str(folder / "policy.yaml"))
    except PolicyError as error:
        raise EvidenceError("POLICY_SWAPPED", str(error), file="policy.yaml") from None
