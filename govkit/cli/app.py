"""The commands, by group."""

from __future__ import annotations

import typer

from govkit.cli import (
    ancestry,
    audit,
    compare,
    data,
    demo,
    inspect,
    keys,
    license,
    people,
    policy,
    record,
    release,
    remedy,
    selfcheck,
    verify,
    watch,
)

app = typer.Typer(
    name="govkit",
    help="Audit a fine-tuned model beside its base: measured, judged by policy, signed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo")(demo.demo)
app.command("record")(record.record)
app.command("audit")(audit.audit)
app.command("measure")(audit.measure)
app.command("judge")(audit.judge)
app.command("attest")(audit.attest)
app.command("render")(audit.render)
app.command("seal")(audit.seal)
app.command("verify")(verify.verify)
app.command("show")(inspect.show)
app.command("checks")(inspect.checks)
app.command("compare")(compare.compare)
app.command("remedy")(remedy.remedy)
app.command("watch")(watch.watch)
app.command("selfcheck")(selfcheck.selfcheck)
app.command("ancestry")(ancestry.ancestry)
app.add_typer(policy.app, name="policy")
app.add_typer(data.app, name="data")
app.add_typer(license.app, name="license")
app.add_typer(keys.app, name="keys")
app.add_typer(release.app, name="release")
app.add_typer(people.waiver, name="waiver")
app.add_typer(people.attestation, name="attestation")


@app.callback(invoke_without_command=True)
def root(version: bool = typer.Option(False, "--version", help="Print the version and end.")) -> None:
    """Audit a fine-tuned model beside its base: measured, judged by policy, signed."""
    if version:
        from govkit import __version__

        print(f"govkit {__version__}")
        raise typer.Exit
