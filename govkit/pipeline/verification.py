"""Verify a bundle: signatures and digests first, then the judgement again, from what is signed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from govkit import documents, evidence, manifest, policy as policies
from govkit.core import Audit, Policy, Verdict
from govkit.errors import AuditError, EvidenceError, PolicyError, UsageError
from govkit.evidence.log import LOG_FILE
from govkit.evidence.measured import unsigned
from govkit.evidence.verify import refuse_stale
from govkit.manifest import FileDigest
from govkit.pipeline import clock
from govkit.pipeline.attached import Attached, check_attached
from govkit.pipeline.bundle import FINDINGS
from govkit.pipeline.digests import asked_digest, audit_digest
from govkit.pipeline.rewriting import check_documents
from govkit.report.read import audit_of, policy_of, read_statement

Said = TypeVar("Said")


@dataclass(frozen=True)
class Verification:
    """What was proved.

    Attributes:
        verdict: The judgement made anew, as of the verifier's clock; enforced.
        signers: Statement -> name of the key in the trust file that signed it; of waivers and attestations by file.
        digests: Statement -> ``sha256:<hex>`` of its payload.
        artifact: Digest of the model that was compared.
        policy: Id of the policy judged by.
        policy_given: Whether the verifier brought that policy, rather than taking the one in the bundle.
        release: The seal.
        attached: What else lies in the bundle.
        documents: Names of the documents that were written anew, if that was asked for.
        log: The release log, if one was given.
        audit: The audit file that was measured for.
    """

    verdict: Verdict
    signers: dict[str, str]
    digests: dict[str, str]
    artifact: str
    policy: str
    policy_given: bool
    release: evidence.Release
    attached: Attached
    documents: tuple[str, ...]
    log: evidence.ReleaseLog | None
    audit: Audit

    def dump(self) -> dict[str, Any]:
        """The facts that ``govkit verify --json`` prints."""
        attached = self.attached
        return {
            "verified": True,
            "verdict": {**self.verdict.model_dump(mode="json"), "exit_code": self.verdict.exit_code},
            "signers": self.signers,
            "artifact": self.artifact,
            "policy": self.policy,
            "policy_given": self.policy_given,
            "release": {
                "sequence": self.release.sequence,
                "published": self.release.published,
                "sealed": self.release.as_of,
                "in_log": self.log is not None,
            },
            "countersigned": [
                {"file": each.file, "name": each.signer.name, "role": each.record.role}
                for each in attached.countersigned
            ],
            "report_signer": attached.report,
            "model_sig": attached.model_sig,
            "exports": list(attached.exports),
            "stamped": attached.stamped,
            "written_anew": list(self.documents),
        }


def verify(
    bundle: Path | str,
    *,
    model: Path | str,
    trust: Path | str | evidence.Trust,
    policy: Path | str | None = None,
    as_of: str | None = None,
    minimum_sequence: int | None = None,
    max_age_days: int | None = None,
    log: Path | str | evidence.ReleaseLog | None = None,
    log_max_age_days: int | None = None,
    written_anew: bool = False,
    read: evidence.Reader = manifest.walk,
) -> Verification:
    """Check every signature and digest, then judge again; a stored verdict is never believed.

    Args:
        bundle: The folder.
        model: Folder or file of the weights or predictions that are about to be used.
        trust: The consumer's trust file: which keys may sign what.
        policy: A policy the verifier holds; the bundle must have been judged by the same one.
        as_of: UTC time to take as now.
        minimum_sequence: Refuse releases older than this number.
        max_age_days: Refuse a verdict that is older.
        log: Release log in which the release must stand and not be taken back.
        log_max_age_days: Refuse a log whose last entry is older. A log that is young can still be one that leaves out
            what another one says: that nobody was given another one, no verifier can know.
        written_anew: Write every document anew from the statements and refuse one that differs in a byte.
        read: Digests the files of the model; for callers that copy them at the same time.

    Raises:
        EvidenceError: Something does not verify; the code is stable, the message names the file.
        UsageError: Bundle, model, trust file, log or policy is not there or cannot be read, or one of the last three
            lies in what it is to judge.
    """
    folder, moment = Path(bundle), clock.deciding_time(as_of)
    given = policy if policy is not None and Path(policy).exists() else None  # else it is the name of one
    refuse_inside(folder, Path(model), {"trust file": trust, "release log": log, "policy": given})
    store = evidence.read_trust(trust)
    files: list[FileDigest] = []
    proof = evidence.check_signatures(
        folder, model=Path(model), trust=store, as_of=moment,
        minimum_sequence=minimum_sequence, max_age_days=max_age_days,
        read=lambda path, sizes: _noted(files, read(path, sizes)),
    )  # fmt: skip
    rules = _rules(folder, proof, policy)
    audit = _check_audit(folder, proof)
    _refuse_outside(Path(model), files, audit)
    return Verification(
        verdict=_judged_again(rules, proof, as_of=moment),
        signers=proof.signers,
        digests=proof.digests,
        artifact=proof.artifact,
        policy=rules.id,
        policy_given=policy is not None,
        release=proof.release,
        attached=check_attached(folder, proof, rules, trust=store, as_of=moment),
        documents=check_documents(folder, proof) if written_anew else (),
        log=_listed(log, proof, trust=store, as_of=moment, max_age_days=log_max_age_days),
        audit=audit,
    )


def policy_and_audit(folder: Path) -> tuple[Policy, Audit]:
    """The policy and the audit file of a bundle that nobody verified, if they are those that its statements name.

    Raises:
        EvidenceError: One of them is another; what is shown by it would not be what the verdict rests on.
        UsageError: The folder is no bundle.
    """
    findings, judged = (read_statement(folder / f"{kind}.sigstore.json")[1] for kind in ("findings", "verdict"))
    rules, audit, verdict = policy_of(folder), audit_of(folder), judged.get("verdict")
    if not isinstance(verdict, dict) or verdict.get("policy") != policies.digest(rules):
        message = (
            f"{folder}: policy.yaml is not the policy that the verdict was made by; take the bundle as it was made"
        )
        raise EvidenceError("POLICY_SWAPPED", message, file="policy.yaml")
    if findings.get("audit", found := audit_digest(audit)) != found:
        message = f"{folder}: audit.yaml is not the audit file of the findings; take the bundle as it was made"
        raise EvidenceError("AUDIT_SWAPPED", message, file="audit.yaml")
    return rules, audit


def refuse_inside(folder: Path, model: Path, given: Mapping[str, object]) -> None:
    """What a verifier believes comes from elsewhere than what is verified, and what he writes goes elsewhere.

    Args:
        folder: The bundle.
        model: The model.
        given: What it is called -> a path; whatever is no path lies nowhere.

    Raises:
        UsageError: It lies in the bundle or in the model.
    """
    for what, value in given.items():
        path = Path(value).resolve() if isinstance(value, str | Path) else None
        if path is not None and any(path.is_relative_to(each.resolve()) for each in (folder, model)):
            raise UsageError(
                f"{value}: lies in what is to be verified; expected a {what} that lies elsewhere and is your own"
            )


def _check_audit(folder: Path, proof: evidence.Evidence) -> Audit:
    audit = documents.read_model(folder / "audit.yaml", Audit, error=AuditError)
    if proof.findings.get("audit") != audit_digest(audit):
        message = "audit.yaml is not the audit file that the findings were measured for"
        raise EvidenceError("AUDIT_SWAPPED", message, file="audit.yaml")
    if proof.people.lock is not None:
        proof.people.lock.check_asked(asked_digest(audit))
    return audit


def _noted(into: list[FileDigest], files: tuple[FileDigest, ...]) -> tuple[FileDigest, ...]:
    into[:] = files
    return files


def _refuse_outside(model: Path, files: list[FileDigest], audit: Audit) -> None:
    """What transformers would load is what was sealed, and not a file elsewhere that a sealed file names."""
    if audit.subject.python is not None or audit.subject.predictions is not None or not model.is_dir():
        return
    try:
        manifest.refuse_outside(model, {file.path: file.sha256 for file in files})
    except EvidenceError as error:
        if error.code in ("OUTSIDE", "CHANGED"):  # the rest keeps a model from loading, and is sealed
            raise


def _judged_again(rules: Policy, proof: evidence.Evidence, *, as_of: str) -> Verdict:
    """The verdict of now; that of then must be the stored one."""
    stored = _said("verdict", Verdict.model_validate, proof.verdict["verdict"])
    again = _judging(rules, proof)
    then = again(as_of=stored.as_of, enforced=stored.enforced)
    if then != stored:
        raise EvidenceError(
            "VERDICT_DIFFERS",
            f"verdict.sigstore.json says {stored.outcome}; judging the signed findings again gives {then.outcome}",
            file="verdict.sigstore.json",
        )
    return again(as_of=as_of)


def _listed(
    log: Path | str | evidence.ReleaseLog | None,
    proof: evidence.Evidence,
    *,
    trust: evidence.Trust,
    as_of: str,
    max_age_days: int | None,
) -> evidence.ReleaseLog | None:
    """The log, in which the release stands and is not taken back."""
    if isinstance(log, str | Path):
        log = evidence.read_log(Path(log), trust=trust, as_of=as_of)
    if log is None and max_age_days is not None:
        raise UsageError("a greatest age of the release log needs the log: name it with --log")
    if log is not None:
        last, advice = log.entries[-1].as_of, "ask the publisher for the newest log"
        refuse_stale(last, max_age_days, as_of=as_of, file=LOG_FILE, advice=advice)
        evidence.check_listed(log, proof.release, proof.release_sha256, signer=proof.signers["release"], as_of=as_of)
    return log


def _judging(rules: Policy, proof: evidence.Evidence) -> Callable[..., Verdict]:
    """Judges what was signed, as of any time, with what people signed beside it."""
    return partial(
        policies.judge,
        rules,
        _said("findings", FINDINGS.validate_python, proof.findings.get("findings")),
        subject=proof.artifact,
        waivers=proof.people.waivers,
        attestations=proof.people.attestations,
        notices=(
            *(() if proof.people.lock is None else (proof.people.lock.notice,)),
            *evidence.measured_notices(proof.verdict.get("measured")),
        ),
    )


def _said(kind: str, read: Callable[[Any], Said], content: object) -> Said:
    """What a signed statement says; a signature does not make it well formed."""
    try:
        return read(content)
    except ValidationError as error:
        item, file = error.errors()[0], f"{kind}.sigstore.json"
        key = ".".join(ascii(part).strip("'")[:80] for part in item["loc"])
        raise EvidenceError("BAD_STATEMENT", f"{file}: {key}: {item['msg']}", file=file) from None


def _rules(folder: Path, proof: evidence.Evidence, policy: Path | str | None) -> Policy:
    """The policy that the findings were measured for."""
    rules = _policy(folder, policy, proof)
    if policies.digest(rules) != proof.findings["policy"]["digest"]:
        what = "the policy given" if policy is not None else "policy.yaml"
        message = f"the findings were judged by another policy than {what}"
        raise EvidenceError("POLICY_SWAPPED", message, file="policy.yaml")
    if rules.decision.signed_findings and proof.verdict.get("measured") == evidence.UNSIGNED:
        raise unsigned(f"policy {rules.id} asks for it")
    return rules


def _policy(folder: Path, policy: Path | str | None, proof: evidence.Evidence) -> Policy:
    if policy is not None:
        from govkit.pipeline.policy import resolve_declared  # loads every check of this package

        return resolve_declared(str(policy), _said("findings", FINDINGS.validate_python, proof.findings["findings"]))
    try:
        return policies.load(str(folder / "policy.yaml"))
    except PolicyError as error:
        raise EvidenceError("POLICY_SWAPPED", str(error), file="policy.yaml") from None
