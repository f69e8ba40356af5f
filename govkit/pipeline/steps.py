"""The steps of the corridor, one function each, and ``audit``, which walks them all."""

from __future__ import annotations

import hashlib
import importlib.metadata
import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from govkit import checks, evidence, report
from govkit import policy as policies
from govkit.core import Attestation, Audit, Policy, Run, Verdict, Waiver
from govkit.core.audit import DRIFT_PAGE
from govkit.errors import EvidenceError, UsageError
from govkit.pipeline import clock, drift_report
from govkit.pipeline.bundle import FINDINGS, Bundle, FindingsDocument, read_bundle
from govkit.pipeline.casework import Casework, build_case, read_audit, read_run_of
from govkit.pipeline.folder import refuse_unwritable, whole_folder

Progress = Callable[[str, int, int], None]
"""``(what is being done, steps done, steps in all)``."""


def measure(
    audit_file: Path | str,
    *,
    policy: str | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Run every check, and every check again with the parameters that the policy asks for.

    Args:
        audit_file: The audit file.
        policy: Name or path of a policy, instead of the audit file's.
        seed: Seed, instead of the audit file's.
        progress: Told about each step.

    Returns:
        The findings document (``govkit.findings/v1``).

    Raises:
        UsageError: Anything in the audit file, the policy or the data that cannot be measured.
    """
    audit_, root = read_audit(Path(audit_file), policy=policy, seed=seed)
    rules = rules_of(audit_, root, policy)
    return measure_case(build_case(audit_, root), rules, progress=progress)


def resolve_policy(name: str) -> Policy:
    """A policy by name, or by path as seen from here, with every parameter of its checks filled in."""
    return policies.resolve(policies.load(name), checks.catalog())


def rules_of(audit: Audit, root: Path, policy: str | None) -> Policy:
    """The policy to judge by: the one given, as seen from here; else the audit file's own, as seen from that file.

    The two are kept apart, so that nobody who hands over an audit file can shadow the policy that a gate names.
    """
    if policy is not None:
        return resolve_policy(policy)
    return policy_beside(audit.policy, root)


def policy_beside(name: str, root: Path) -> Policy:
    """A policy by name, or by path as seen from the file in ``root`` that names it."""
    is_path = name.endswith((".yaml", ".yml")) or "/" in name
    return resolve_policy(str(root / name) if is_path else name)


def measure_case(work: Casework, rules: Policy, *, progress: Progress | None = None) -> dict[str, Any]:
    """The findings document of a case that has been built."""
    requests = checks.requests_for(rules, checks.catalog())
    declared = checks.declared_passes(work.case, requests)
    findings = checks.measure(work.case, requests, progress=_told(progress, len(requests)))
    return {
        "schema": "govkit.findings/v1",
        "subject": {"name": work.name, "digest": work.digest},
        "policy": policy_reference(rules),
        "audit": audit_digest(work.audit),
        "seed": str(work.case.seed),
        "tool": tool(),
        "passes": {
            "forward": work.case.passes.forward,
            "backward": work.case.passes.backward,
            "declared_forward": declared.forward,
            "declared_backward": declared.backward,
        },
        "findings": [finding.model_dump(mode="json") for finding in findings],
    }


def _told(progress: Progress | None, total: int) -> Callable[[str], None] | None:
    """Counts the checks as they begin."""
    if progress is None:
        return None
    number = itertools.count()
    return lambda name: progress(f"check {name}", next(number), total)


def audit_digest(audit: Audit) -> str:
    """Digest of an audit file as resolved; the policy has a digest of its own."""
    plain = {key: value for key, value in audit.dump().items() if key != "policy"}
    return "sha256:" + hashlib.sha256(evidence.dumps(plain)).hexdigest()


def tool() -> dict[str, str]:
    """Name and version of what made a statement."""
    return {"name": "govkit", "version": importlib.metadata.version("govkit")}


def policy_reference(rules: Policy) -> dict[str, str]:
    """Id, version and digest of a resolved policy."""
    return {"id": rules.id, "version": rules.version, "digest": policies.digest(rules)}


def judge(
    findings: Path | str | Mapping[str, Any],
    policy: str | Policy,
    *,
    as_of: str | None = None,
    waivers: Sequence[Waiver] = (),
    attestations: Sequence[Attestation] = (),
    enforced: bool = True,
) -> Verdict:
    """Judge findings by a policy.

    Args:
        findings: A findings document, or the path of one.
        policy: Name or path of a policy, or a resolved one.
        as_of: UTC time to take as now.
        waivers: Exceptions in force.
        attestations: Statements of people.
        enforced: False makes a gate answer 0; the rulings stay as they are.

    Raises:
        UsageError: The document is none of this version.
    """
    document = read_findings(Path(findings)) if isinstance(findings, Path | str) else findings
    return policies.judge(
        policy if isinstance(policy, Policy) else resolve_policy(policy),
        FINDINGS.validate_python(document["findings"]),
        subject=document["subject"]["digest"],
        as_of=as_of or clock.now(),
        attestations=attestations,
        waivers=waivers,
        enforced=enforced,
    )


def read_findings(path: Path) -> dict[str, Any]:
    """A findings document that ``measure`` wrote.

    Raises:
        UsageError: It is none, or of another version.
    """
    document: dict[str, Any] = _read_json(path)
    if document.get("schema") != "govkit.findings/v1":
        raise UsageError(f"{path}: expected schema govkit.findings/v1, found {document.get('schema')!r}")
    try:
        FindingsDocument.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise UsageError(f"{path}: {key}: {first['msg']}; expected what measure wrote") from None
    return document


def read_verdict(path: Path) -> Verdict:
    """A verdict that ``judge`` wrote.

    Raises:
        UsageError: It is none.
    """
    try:
        return Verdict.model_validate(_read_json(path))
    except ValidationError as error:
        raise UsageError(f"{path}: no verdict ({str(error).splitlines()[0]})") from None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = evidence.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    except EvidenceError as error:
        raise UsageError(f"{path}: {error}") from None
    if not isinstance(document, dict):
        raise UsageError(f"{path}: expected a JSON object, found {type(document).__name__}")
    return document


def attest(
    findings: Path | str,
    verdict: Path | str,
    *,
    audit_file: Path | str,
    out: Path | str,
    key: evidence.SigningKey,
    policy: str | None = None,
) -> Path:
    """Sign the statements of findings and a verdict that were made by ``measure`` and ``judge``.

    Args:
        findings: The findings document.
        verdict: The verdict.
        audit_file: The audit file they belong to.
        out: Folder to make.
        key: Signing key.
        policy: Name or path of the policy they were judged by, instead of the audit file's.

    Raises:
        UsageError: The three do not belong together.
    """
    document, ruling = read_findings(Path(findings)), read_verdict(Path(verdict))
    audit_, root = read_audit(Path(audit_file), policy=policy, seed=int(document["seed"]))
    rules = rules_of(audit_, root, policy)
    if {document["policy"]["digest"], ruling.policy} != {policies.digest(rules)}:
        raise UsageError(f"{verdict}: findings, verdict and policy {rules.id} do not belong together; judge again")
    if document["audit"] != audit_digest(audit_):
        raise UsageError(f"{audit_file}: the findings were measured for another audit file; measure again")
    if judge(document, rules, as_of=ruling.as_of, enforced=ruling.enforced) != ruling:
        raise UsageError(f"{verdict}: the verdict does not follow from {findings}; judge again")
    with whole_folder(Path(out)) as draft:
        write_statements(draft, document, ruling, audit=audit_, rules=rules, run=read_run_of(audit_, root), key=key)
        if audit_.drift_report is not None:
            _write_drift_report(draft, build_case(audit_, root))
    return Path(out)


def write_statements(
    folder: Path,
    findings: Mapping[str, Any],
    verdict: Verdict,
    *,
    audit: Audit,
    rules: Policy,
    run: Run | None,
    key: evidence.SigningKey,
) -> None:
    """Write the signed statements, the resolved policy and the audit file into a folder."""
    (folder / "policy.yaml").write_text(policies.dump(rules), encoding="utf-8")
    text = yaml.safe_dump(audit.dump(), sort_keys=False, allow_unicode=True)
    (folder / "audit.yaml").write_text(text, encoding="utf-8")
    evidence.attest(
        folder,
        subject_name=findings["subject"]["name"],
        subject_digest=findings["subject"]["digest"],
        run=None if run is None else run.model_dump(mode="json", by_alias=True),
        findings=dict(findings),
        verdict={
            "schema": "govkit.verdict/v1",
            "verdict": verdict.model_dump(mode="json"),
            "policy": policy_reference(rules),
            "waivers": [],
            "attestations": [],
            "tool": tool(),
        },
        key=key,
    )


def _write_drift_report(folder: Path, work: Casework) -> None:
    """Write evidently's page where the audit file asks for it."""
    if work.audit.drift_report is not None:
        page = drift_report.drift_report(work.case, work.audit.drift_report)
        (folder / DRIFT_PAGE).write_text(page, encoding="utf-8")


def render(folder: Path | str, *, out: Path | None = None, pdf: bool = True) -> tuple[Path, ...]:
    """Write the documents of a bundle that has its statements; see ``govkit.report.render``.

    Raises:
        UsageError: The bundle is sealed, so its documents may not change; or ``out`` exists.
    """
    bundle = Path(folder)
    if out is None and (bundle / "release.sigstore.json").exists():
        raise UsageError(f"{bundle}: is sealed, its documents stay as they are; name another folder with --out")
    if out is None:
        return report.render(bundle, pdf=pdf)
    with whole_folder(out) as draft:
        written = report.render(bundle, out=draft, pdf=pdf)
    return tuple(out / path.relative_to(draft) for path in written)


def seal(folder: Path | str, *, model: Path, key: evidence.SigningKey, as_of: str | None = None) -> None:
    """Sign the release: it binds every file of the bundle and every file of the model, last."""
    bundle = read_bundle(folder)
    evidence.seal(
        Path(folder),
        model=model,
        outcome=bundle.verdict.outcome,
        key=key,
        as_of=as_of or bundle.verdict.as_of,
    )


def audit(
    audit_file: Path | str,
    *,
    out: Path | str = "evidence",
    policy: str | None = None,
    key: Path | str | evidence.SigningKey | None = None,
    password: bytes | None = None,
    seed: int | None = None,
    as_of: str | None = None,
    enforced: bool = True,
    progress: Progress | None = None,
) -> Bundle:
    """Measure, judge, attest, render and seal; the bundle appears whole at ``out`` or not at all.

    Args:
        audit_file: The audit file.
        out: Folder to make; it must not exist.
        policy: Name or path of a policy, instead of the audit file's.
        key: Signing key or the path of one; without it a throw-away key signs, and ``OUT.trust.yaml`` is written.
        password: Passphrase of the key file.
        seed: Seed, instead of the audit file's.
        as_of: UTC time to take as now.
        enforced: False marks everything "not enforced" and makes a gate answer 0; the verdict stays as it is.
        progress: Told about each step.

    Raises:
        UsageError: Bad input, found before anything is written.
    """
    target, moment = Path(out), as_of or clock.now()
    refuse_unwritable(target)
    signer, trust = _signer(key, password, moment)
    beside = target.with_name(target.name + ".trust.yaml")
    if trust is not None:
        refuse_unwritable(beside)
    audit_, root = read_audit(Path(audit_file), policy=policy, seed=seed)
    rules = rules_of(audit_, root, policy)
    work = build_case(audit_, root)
    findings = measure_case(work, rules, progress=progress)
    verdict = judge(findings, rules, as_of=moment, enforced=enforced)
    with whole_folder(target) as draft:
        write_statements(draft, findings, verdict, audit=audit_, rules=rules, run=work.case.run, key=signer)
        _write_drift_report(draft, work)
        render(draft)
        seal(draft, model=work.path, key=signer, as_of=moment)
    if trust is not None:
        evidence.write_trust(beside, trust)
    return read_bundle(target)


def _signer(
    key: Path | str | evidence.SigningKey | None, password: bytes | None, moment: str
) -> tuple[evidence.SigningKey, evidence.Trust | None]:
    if key is None:
        signer = evidence.throwaway_key("throw-away key", as_of=moment)
        return signer, evidence.trust_of(signer)
    if isinstance(key, Path | str):
        return evidence.load_key(Path(key), password), None
    return key, None


def write_findings(path: Path, document: Mapping[str, Any]) -> None:
    """Write a findings document as canonical JSON."""
    path.write_bytes(evidence.dumps(document) + b"\n")


def write_verdict(path: Path, verdict: Verdict) -> None:
    """Write a verdict as canonical JSON."""
    path.write_bytes(evidence.dumps(verdict.model_dump(mode="json")) + b"\n")
