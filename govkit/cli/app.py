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
for command in (
    demo.demo, record.record, audit.audit, audit.measure, audit.judge, audit.attest, audit.render, audit.seal,
    verify.verify, inspect.show, inspect.checks, compare.compare, remedy.remedy, watch.watch, selfcheck.selfcheck,
    ancestry.ancestry,
):  # fmt: skip
    app.command()(command)
for group in (policy, data, license, keys, release):
    app.add_typer(group.app, name=group.__name__.rpartition(".")[2])
app.add_typer(people.waiver, name="waiver")
app.add_typer(people.attestation, name="attestation")


@app.callback(invoke_without_command=True)
def root(version: bool = typer.Option(False, "--version", help="Print the version and end.")) -> None:
    """Audit a fine-tuned model beside its base: measured, judged by policy, signed."""
    if version:
        from govkit import __version__

        print(f"govkit {__version__}")
        raise typer.Exit
