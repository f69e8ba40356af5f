"""``govkit audit`` and its steps, file to file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import govkit as gk
from govkit.cli import actions, options, screen

AuditFile = Annotated[Path, typer.Argument(help="The audit file.")]
Findings = Annotated[Path, typer.Argument(help="Findings, as `govkit measure` wrote them.")]
Folder = Annotated[Path, typer.Argument(help="The bundle.")]


def audit(
    audit_file: AuditFile,
    policy: options.Policy = None,
    key: options.MaybeKey = None,
    password_file: options.PasswordFile = None,
    out: Annotated[Path, typer.Option("--out", help="Bundle to make; it must not exist.")] = Path("evidence"),
    seed: options.Seed = None,
    as_of: options.AsOf = None,
    evaluate: options.Evaluate = False,
    cache: options.Cache = None,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop once a control is certain to block; the rest is not measured.")
    ] = False,
    waivers: options.Waivers = None,
    attestations: options.Attestations = None,
    lock: options.Lock = None,
    trust: options.PeopleTrust = None,
    selfcheck: Annotated[
        Path | None, typer.Option("--selfcheck", help="Record of `govkit selfcheck --out`, to stand in the bundle.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Measure, judge, sign and report. Exit 0 passed, 1 blocked, 3 a person must decide, 2 bad input."""
    secret = None if key is None else options.late_passphrase(password_file)
    with screen.progress() as tell:
        bundle = gk.audit(
            audit_file, out=out, policy=policy, key=key, password=secret, seed=seed,
            as_of=options.moment(as_of), enforced=not evaluate, cache=cache, fail_fast=fail_fast, progress=tell,
            waivers=waivers, attestations=attestations, lock=lock, trust=trust, selfcheck=selfcheck,
        )  # fmt: skip
    actions.show_bundle(bundle, json=json)
    raise typer.Exit(bundle.verdict.exit_code)


def measure(
    audit_file: AuditFile,
    out: Annotated[Path, typer.Option("--out", help="Findings document to write.")],
    policy: options.Policy = None,
    seed: options.Seed = None,
    cache: options.Cache = None,
    lock: options.Lock = None,
    trust: options.PeopleTrust = None,
    key: Annotated[Path | None, typer.Option("--key", help="Signs the findings as who measured.")] = None,
    password_file: options.PasswordFile = None,
) -> None:
    """Run the checks and write the findings; with --key also who measured, beside them."""
    screen.refuse_existing(out)
    secret = None if key is None else options.passphrase(password_file)
    with screen.progress() as tell:
        document = gk.measure(audit_file, policy=policy, seed=seed, cache=cache, lock=lock, trust=trust, progress=tell)
    # The key is opened only now: what was measured may have run code of others.
    gk.write_findings(out, document, key=None if key is None else gk.load_key(key, secret))
    screen.say(f"{len(document['findings'])} findings: {out}")


def judge(
    findings: Findings,
    policy: Annotated[str, typer.Option("--policy", help="Name or path of a policy.")],
    out: Annotated[Path, typer.Option("--out", help="Verdict to write.")],
    as_of: options.AsOf = None,
    evaluate: options.Evaluate = False,
    waivers: options.Waivers = None,
    attestations: options.Attestations = None,
    lock: options.Lock = None,
    trust: options.PeopleTrust = None,
) -> None:
    """Judge findings by a policy. Exit 0 passed, 1 blocked, 3 a person must decide."""
    screen.refuse_existing(out)
    moment = options.moment(as_of)
    people = gk.open_people(
        waivers=waivers, attestations=attestations, lock=lock, trust=trust, as_of=moment, findings=findings
    )
    verdict = gk.judge(findings, policy, as_of=moment, people=people, enforced=not evaluate)
    gk.write_verdict(out, verdict)
    actions.show_verdict(verdict)
    raise typer.Exit(verdict.exit_code)


def attest(
    findings: Findings,
    verdict: Annotated[Path, typer.Argument(help="Verdict, as `govkit judge` wrote it.")],
    audit_file: Annotated[Path, typer.Option("--audit", help="The audit file.")],
    key: options.Key,
    out: Annotated[Path, typer.Option("--out", help="Bundle to make; it must not exist.")],
    policy: options.Policy = None,
    password_file: options.PasswordFile = None,
    waivers: options.Waivers = None,
    attestations: options.Attestations = None,
    lock: options.Lock = None,
    trust: options.PeopleTrust = None,
) -> None:
    """Sign the statements of findings and verdict into a new bundle."""
    signer = gk.load_key(key, options.passphrase(password_file))
    made = gk.attest(
        findings, verdict, audit_file=audit_file, out=out, key=signer, policy=policy,
        waivers=waivers, attestations=attestations, lock=lock, trust=trust,
    )  # fmt: skip
    screen.say(f"signed: {made}")


def render(
    folder: Folder,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the documents, instead of the bundle.")] = None,
    pdf: Annotated[bool, typer.Option(help="Write report.pdf too.")] = True,
    key: Annotated[Path | None, typer.Option("--key", help="Signs report.pdf and the statements for others.")] = None,
    password_file: options.PasswordFile = None,
    profile: Annotated[
        str, typer.Option("--profile", help="For whom: owner, engineer, auditor or regulator (everything).")
    ] = "regulator",
    language: options.Language = "en",
    model: Annotated[Path | None, typer.Option("--model", help="The model, to verify the bundle first.")] = None,
    trust: Annotated[Path | None, typer.Option("--trust", help="Your trust file, to verify the bundle first.")] = None,
    as_of: options.AsOf = None,
) -> None:
    """Write card, HTML, PDF and the files for CI and for other tools from a bundle's statements.

    With --model and --trust the bundle is verified first. Exit 4: it does not verify, and each page says so.
    """
    signer = None if key is None else gk.load_key(key, options.passphrase(password_file))
    written = gk.render(
        folder, out=out, pdf=pdf, key=signer,
        profile=profile, language=language, model=model, trust=trust, as_of=options.moment(as_of),
    )  # fmt: skip
    for path in written:
        screen.say(str(path))


def seal(
    folder: Folder,
    model: Annotated[Path, typer.Option("--model", help="Folder or file of the audited model or predictions.")],
    key: options.Key,
    password_file: options.PasswordFile = None,
) -> None:
    """Sign the release, which binds every file of the bundle and of the model. The last step."""
    gk.seal(folder, model=model, key=gk.load_key(key, options.passphrase(password_file)))
    screen.say(f"sealed: {folder}")
