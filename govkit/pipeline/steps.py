"""The steps of the corridor, one function each, and ``audit``, which walks them all."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml

from govkit import evidence, policy as policies
from govkit.core import Audit, Policy, Run, Verdict
from govkit.core.audit import DRIFT_PAGE
from govkit.core.selfcheck import SELF_CHECK
from govkit.errors import UsageError
from govkit.pipeline import clock, drift_report
from govkit.pipeline.branding import read_logo, write_files
from govkit.pipeline.bundle import FINDINGS, Bundle, read_bundle, tool
from govkit.pipeline.cache import opened
from govkit.pipeline.casework import Casework, build_case, read_audit, read_run_of
from govkit.pipeline.digests import audit_digest
from govkit.pipeline.files import read_findings, read_verdict
from govkit.pipeline.folder import refuse_unwritable, whole_folder
from govkit.pipeline.locking import hold_case, hold_findings, hold_measured
from govkit.pipeline.measuring import Progress, measure_case
from govkit.pipeline.people import open_people
from govkit.pipeline.policy import policy_reference, resolve_declared, rules_of
from govkit.pipeline.rendering import RELEASE, render_apart, render_within
from govkit.pipeline.selfcheck import read_selfcheck, selfcheck_bytes
from govkit.pipeline.signer import Signer


def measure(
    audit_file: Path | str,
    *,
    policy: str | None = None,
    seed: int | None = None,
    cache: Path | str | None = None,
    lock: Path | str | None = None,
    trust: Path | str | evidence.Trust | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Run every check, and every check again with the parameters that the policy asks for.

    Args:
        audit_file: The audit file.
        policy: Name or path of a policy, instead of the audit file's.
        seed: Seed, instead of the audit file's.
        cache: Folder of findings that were measured before, see ``pipeline.cache``.
        lock: Lock that policy and data must have; the findings name it.
        trust: Trust file that says whose locks are believed.
        progress: Told about each step.

    Returns:
        The findings document (``govkit.findings/v1``).

    Raises:
        UsageError: Anything in the audit file, the policy or the data that cannot be measured.
    """
    kept = None if cache is None else opened(Path(cache))
    audit_, root = read_audit(Path(audit_file), policy=policy, seed=seed)
    rules, moment = rules_of(audit_, root, policy), clock.deciding_time()
    held = open_people(lock=lock, trust=trust, as_of=moment).lock
    read_logo(audit_, root)
    with closing(build_case(audit_, root)) as work:
        hold_case(held, rules, work, as_of=moment)
        return measure_case(work, rules, lock=held, cache=kept, progress=progress)


def judge(
    findings: Path | str | Mapping[str, Any],
    policy: str | Policy,
    *,
    as_of: str | None = None,
    people: evidence.People | None = None,
    enforced: bool = True,
) -> Verdict:
    """Judge findings by a policy.

    Args:
        findings: A findings document that is still in the process that measured it, or the path of one; of a file the
            verdict says if no measurer signed it.
        policy: Name or path of a policy, or a resolved one.
        as_of: UTC time to take as now.
        people: Waivers, attestations, the lock that the findings were measured under, and the measurer's signature, as
            ``open_people`` gives them.
        enforced: False makes a gate answer 0; the rulings stay as they are.

    Raises:
        UsageError: The document is none of this version, does not go with the lock or with what the measurer signed,
            or the policy asks for that signature and there is none.
    """
    document = read_findings(Path(findings)) if isinstance(findings, Path | str) else findings
    moment = clock.deciding_time(as_of)
    seen = FINDINGS.validate_python(document["findings"])
    rules = policy if isinstance(policy, Policy) else resolve_declared(str(policy), seen)
    said = people or evidence.People()
    measured = hold_measured(said.measured, document, rules, by_file=document is not findings)
    return _judged(document, rules, said, as_of=moment, enforced=enforced, measured=measured)


def _judged(
    document: Mapping[str, Any],
    rules: Policy,
    people: evidence.People,
    *,
    as_of: str,
    enforced: bool,
    measured: str | None = None,
) -> Verdict:
    """The verdict; ``measured`` is what it says of the way that the findings came."""
    return policies.judge(
        rules,
        FINDINGS.validate_python(document["findings"]),
        subject=document["subject"]["digest"],
        as_of=as_of,
        attestations=people.attestations,
        waivers=people.waivers,
        enforced=enforced,
        notices=(*hold_findings(people.lock, document, rules, as_of=as_of), *evidence.measured_notices(measured)),
    )


def attest(
    findings: Path | str,
    verdict: Path | str,
    *,
    audit_file: Path | str,
    out: Path | str,
    key: evidence.SigningKey,
    policy: str | None = None,
    waivers: Path | str | None = None,
    attestations: Path | str | None = None,
    lock: Path | str | None = None,
    trust: Path | str | evidence.Trust | None = None,
) -> Path:
    """Sign the statements of findings and a verdict that were made by ``measure`` and ``judge``.

    Args:
        findings: The findings document.
        verdict: The verdict.
        audit_file: The audit file they belong to.
        out: Folder to make.
        key: Signing key.
        policy: Name or path of the policy they were judged by, instead of the audit file's.
        waivers: Folder of the signed waivers they were judged with.
        attestations: Folder of the signed attestations they were judged with.
        lock: Lock that they were measured under.
        trust: Trust file that says which people may waive and attest, and who may measure.

    Raises:
        UsageError: They do not belong together, or a statement of a person does not verify.
    """
    document, ruling = read_findings(Path(findings)), read_verdict(Path(verdict))
    audit_, root = read_audit(Path(audit_file), policy=policy, seed=int(document["seed"]))
    rules = rules_of(audit_, root, policy)
    if {document["policy"]["digest"], ruling.policy} != {policies.digest(rules)}:
        raise UsageError(f"{verdict}: findings, verdict and policy {rules.id} do not belong together; judge again")
    if document["audit"] != audit_digest(audit_):
        raise UsageError(f"{audit_file}: the findings were measured for another audit file; measure again")
    people = open_people(
        waivers=waivers, attestations=attestations, lock=lock, trust=trust, as_of=ruling.as_of, key=key,
        findings=findings,
    )  # fmt: skip
    measured = hold_measured(people.measured, document, rules, by_file=True)
    again = _judged(document, rules, people, as_of=ruling.as_of, enforced=ruling.enforced, measured=measured)
    # Whoever judged in the process that measured did not know that the findings would come here as a file.
    by_file = (*ruling.notices, *evidence.measured_notices(measured))
    if again not in (ruling, ruling.model_copy(update={"notices": by_file})):
        raise UsageError(f"{verdict}: the verdict does not follow from {findings}; judge again")
    logo, run = read_logo(audit_, root), read_run_of(audit_, root)
    with whole_folder(Path(out)) as draft:
        write_files(draft, logo)
        write_statements(
            draft, document, again, audit=audit_, rules=rules, run=run, people=people, key=key, measured=measured
        )
        if audit_.drift_report is not None:
            with closing(build_case(audit_, root)) as work:
                write_files(draft, _drift_page(work))
    return Path(out)


def write_statements(
    folder: Path,
    findings: Mapping[str, Any],
    verdict: Verdict,
    *,
    audit: Audit,
    rules: Policy,
    run: Run | None,
    people: evidence.People,
    key: evidence.SigningKey,
    measured: str | None = None,
) -> None:
    """Write the signed statements, those of people too, the resolved policy and the audit file into a folder."""
    people.write(folder)
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
            **people.digests(),
            **({} if measured is None else {"measured": measured}),
            "tool": tool(),
        },
        key=key,
    )


def _drift_page(work: Casework) -> dict[str, bytes]:
    """The page of evidently where the audit file asks for it."""
    asked = work.audit.drift_report
    return {} if asked is None else {DRIFT_PAGE: drift_report.drift_report(work.case, asked).encode()}


def render(
    folder: Path | str,
    *,
    out: Path | None = None,
    pdf: bool = True,
    key: evidence.SigningKey | None = None,
    profile: str = "regulator",
    language: str = "en",
    model: Path | str | None = None,
    trust: Path | str | evidence.Trust | None = None,
    as_of: str | None = None,
) -> tuple[Path, ...]:
    """Write the documents of a bundle that has its statements; see ``govkit.report.render``.

    Args:
        folder: The bundle.
        out: Folder to make for the documents, instead of the bundle. They say on page one that nobody checked the
            bundle when they were written, or on each page that they are a draft where there is no release yet.
        pdf: Whether to write ``report.pdf`` too.
        key: Signs ``report.pdf``, and provenance and verification summary for other tools; without it there is no
            signature in the PDF, and the two are not written.
        profile: For whom: ``owner``, ``engineer``, ``auditor`` or ``regulator``; other than the last beside ``out``.
        language: Code of a language that has a catalog of words, such as ``es``; other than ``en`` beside ``out``.
        model: The model, to verify the bundle first; beside ``out`` and ``trust``.
        trust: The trust file to verify it by.
        as_of: UTC time to take as now when verifying.

    Raises:
        EvidenceError: The bundle does not verify, or holds another policy or audit file than its statements name; each
            page in ``out`` says so.
        UsageError: The bundle is sealed, so its documents may not change; or ``out`` exists or lies in it; or the
            documents cannot be written, none of them.
    """
    bundle = Path(folder)
    if out is not None:
        return render_apart(
            bundle, out, pdf=pdf, key=key, profile=profile, language=language, model=model, trust=trust, as_of=as_of
        )
    if (bundle / RELEASE).exists():
        raise UsageError(f"{bundle}: is sealed, its documents stay as they are; name another folder with --out")
    if (profile, language) != ("regulator", "en") or model is not None or trust is not None:
        others = "another profile or language, and verifying, are"
        raise UsageError(f"{others} for documents beside a bundle: name a folder with --out")
    return render_within(bundle, pdf=pdf, key=key)


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
    password: bytes | Path | None = None,
    seed: int | None = None,
    as_of: str | None = None,
    enforced: bool = True,
    waivers: Path | str | None = None,
    attestations: Path | str | None = None,
    lock: Path | str | None = None,
    trust: Path | str | evidence.Trust | None = None,
    cache: Path | str | None = None,
    fail_fast: bool = False,
    selfcheck: Path | str | None = None,
    progress: Progress | None = None,
) -> Bundle:
    """Measure, judge, attest, render and seal; the bundle appears whole at ``out`` or not at all.

    Args:
        audit_file: The audit file.
        out: Folder to make; it must not exist.
        policy: Name or path of a policy, instead of the audit file's.
        key: Signing key or the path of one; without it a throw-away key signs, and ``OUT.trust.yaml`` is written.
        password: Passphrase of the key file, or the file that holds it; the key is opened after measuring, when no
            code of a model runs.
        seed: Seed, instead of the audit file's.
        as_of: UTC time to take as now.
        enforced: False marks everything "not enforced" and makes a gate answer 0; the verdict stays as it is.
        waivers: Folder of signed waivers.
        attestations: Folder of signed attestations.
        lock: Lock that policy and data must have; the verdict says so.
        trust: Trust file that says which people may waive, attest and lock.
        cache: Folder of findings that were measured before, see ``pipeline.cache``.
        fail_fast: Measure the cheap things first, and nothing more once a control is certain to block.
        selfcheck: Record of a self-check, to stand in the bundle.
        progress: Told about each step.

    Raises:
        UsageError: Bad input, found before anything is written.
    """
    target, moment = Path(out), clock.deciding_time(as_of)
    refuse_unwritable(target)
    kept = None if cache is None else opened(Path(cache))
    signer = _signer(key, password, moment, target)
    people = open_people(
        waivers=waivers, attestations=attestations, lock=lock, trust=trust, as_of=moment, key_ids=signer.ids
    )
    audit_, root = read_audit(Path(audit_file), policy=policy, seed=seed)
    extra, rules = _extra(audit_, root, selfcheck), rules_of(audit_, root, policy)

    def judged(document: Mapping[str, Any]) -> Verdict:
        return judge(document, rules, people=people, as_of=moment, enforced=enforced)

    with closing(build_case(audit_, root, secret=signer.files)) as work:
        hold_case(people.lock, rules, work, as_of=moment)
        early = judged if fail_fast else None
        findings = measure_case(work, rules, lock=people.lock, cache=kept, judged=early, progress=progress)
        extra |= _drift_page(work)
    verdict = judged(findings)
    _write_bundle(target, work, findings, verdict, rules=rules, people=people, extra=extra, signer=signer, as_of=moment)
    return read_bundle(target)


def _extra(audit: Audit, root: Path, selfcheck: Path | str | None) -> dict[str, bytes]:
    """Files that stand in the bundle as they came: the logo, and the record of a self-check."""
    tried = {} if selfcheck is None else {SELF_CHECK: selfcheck_bytes(read_selfcheck(selfcheck))}
    return {**read_logo(audit, root), **tried}


def _write_bundle(
    out: Path,
    work: Casework,
    findings: Mapping[str, Any],
    verdict: Verdict,
    *,
    rules: Policy,
    people: evidence.People,
    extra: Mapping[str, bytes],
    signer: Signer,
    as_of: str,
) -> None:
    key = signer.opened()
    with whole_folder(out) as draft:
        run = work.case.run
        write_statements(draft, findings, verdict, audit=work.audit, rules=rules, run=run, people=people, key=key)
        write_files(draft, extra)
        render(draft, key=key)
        seal(draft, model=work.path, key=key, as_of=as_of)
    if signer.throwaway:
        evidence.write_trust(_beside(out), evidence.trust_of(key))


def _beside(out: Path) -> Path:
    """Trust in a throw-away key."""
    return out.with_name(out.name + ".trust.yaml")


def _signer(
    key: Path | str | evidence.SigningKey | None, password: bytes | Path | None, moment: str, out: Path
) -> Signer:
    """Who signs; beside the bundle there must be room for the trust in a throw-away key."""
    if key is None:
        refuse_unwritable(_beside(out))
    return Signer(key, password, moment)
