"""``govkit audit`` and its steps, file to file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import govkit as gk
from govkit.cli import options, screen

AuditFile = Annotated[Path, typer.Argument(help="The audit file.")]
Findings = Annotated[Path, typer.Argument(help="Findings, as `govkit measure` wrote them.")]
Folder = Annotated[Path, typer.Argument(help="The bundle.")]


def audit(
    audit_file: AuditFile,
    policy: options.Policy = None,
    key: options.MaybeKey = None,
    password_file: options.PasswordFile = None,
    out: Annotated[Path, typer.Option("--out", help="Bundle to make; it must not exist.")] = Path("evidence"),
    seed: Annotated[int | None, typer.Option("--seed", help="Seed, instead of the audit file's.")] = None,
    as_of: options.AsOf = None,
    evaluate: options.Evaluate = False,
    json: options.Json = False,
) -> None:
    """Measure, judge, sign and report. Exit 0 passed, 1 blocked, 3 a person must decide, 2 bad input."""
    secret = None if key is None else options.passphrase(password_file)
    with screen.progress() as tell:
        bundle = gk.audit(
            audit_file, out=out, policy=policy, key=key, password=secret, seed=seed,
            as_of=options.moment(as_of), enforced=not evaluate, progress=tell,
        )  # fmt: skip
    screen.show_bundle(bundle, json=json)
    raise typer.Exit(bundle.verdict.exit_code)


def measure(
    audit_file: AuditFile,
    out: Annotated[Path, typer.Option("--out", help="Findings document to write.")],
    policy: options.Policy = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed, instead of the audit file's.")] = None,
) -> None:
    """Run the checks and write the findings."""
    screen.refuse_existing(out)
    with screen.progress() as tell:
        document = gk.measure(audit_file, policy=policy, seed=seed, progress=tell)
    gk.write_findings(out, document)
    screen.say(f"{len(document['findings'])} findings: {out}")


def judge(
    findings: Findings,
    policy: Annotated[str, typer.Option("--policy", help="Name or path of a policy.")],
    out: Annotated[Path, typer.Option("--out", help="Verdict to write.")],
    as_of: options.AsOf = None,
    evaluate: options.Evaluate = False,
) -> None:
    """Judge findings by a policy. Exit 0 passed, 1 blocked, 3 a person must decide."""
    screen.refuse_existing(out)
    verdict = gk.judge(findings, policy, as_of=options.moment(as_of), enforced=not evaluate)
    gk.write_verdict(out, verdict)
    screen.show_verdict(verdict)
    raise typer.Exit(verdict.exit_code)


def attest(
    findings: Findings,
    verdict: Annotated[Path, typer.Argument(help="Verdict, as `govkit judge` wrote it.")],
    audit_file: Annotated[Path, typer.Option("--audit", help="The audit file.")],
    key: options.Key,
    out: Annotated[Path, typer.Option("--out", help="Bundle to make; it must not exist.")],
    policy: options.Policy = None,
    password_file: options.PasswordFile = None,
) -> None:
    """Sign the statements of findings and verdict into a new bundle."""
    signer = gk.load_key(key, options.passphrase(password_file))
    screen.say(f"signed: {gk.attest(findings, verdict, audit_file=audit_file, out=out, key=signer, policy=policy)}")


def render(
    folder: Folder,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the documents, instead of the bundle.")] = None,
    pdf: Annotated[bool, typer.Option(help="Write report.pdf too.")] = True,
) -> None:
    """Write card, HTML, PDF and the files for CI from a bundle's statements."""
    for path in gk.render(folder, out=out, pdf=pdf):
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
