"""``govkit release``: publish an audited model, number it, and take it back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

import govkit as gk
from govkit.cli import options, proof, screen

if TYPE_CHECKING:
    from govkit.evidence import CounterRole

app = typer.Typer(
    help="Publish an audited model, countersigned and numbered.", no_args_is_help=True, rich_markup_mode=None
)
Bundle = Annotated[Path, typer.Argument(help="The sealed bundle.")]
Model = Annotated[Path, typer.Option("--model", help="Folder of the model.")]
Trust = Annotated[Path, typer.Option("--trust", help="Trust file by which all of it is verified.")]
Log = Annotated[Path, typer.Option("--log", help="The release log of this model.")]


@app.command("countersign")
def countersign(
    folder: Bundle,
    model: Model,
    trust: Trust,
    key: options.Key,
    role: Annotated[str, typer.Option("--as", help="auditor or approver.")],
    out: options.StatementOut,
    password_file: options.PasswordFile = None,
    as_of: options.AsOf = None,
) -> None:
    """Verify a bundle and sign its verdict beside the pipeline. Each person keeps a key of their own."""
    screen.refuse_statement(out)
    if role not in ("auditor", "approver"):
        raise gk.UsageError(f"--as {role}: expected auditor or approver")
    if out.resolve().is_relative_to(folder.resolve()):
        raise gk.UsageError(f"{out}: lies in the sealed bundle; name a folder elsewhere, `govkit release new` adds it")
    signer = gk.load_key(key, options.passphrase(password_file))
    counter = cast("CounterRole", role)
    raw = gk.countersign(folder, role=counter, key=signer, model=model, trust=trust, as_of=options.moment(as_of))
    screen.write_statement(out, raw)


@app.command("new")
def new(
    folder: Bundle,
    model: Model,
    trust: Trust,
    key: options.Key,
    log: Log,
    out: Annotated[Path, typer.Option("--out", help="Folder to make, with model/ and evidence/.")],
    countersignatures: Annotated[
        Path | None, typer.Option("--countersignatures", help="Folder of countersignatures; the tier says which.")
    ] = None,
    timestamp: Annotated[
        str | None, typer.Option("--timestamp", help="Address of an RFC 3161 authority, which gets a digest.")
    ] = None,
    password_file: options.PasswordFile = None,
    as_of: options.AsOf = None,
) -> None:
    """Publish a model whose bundle verifies and passes: card, model.sig, seal and log."""
    signer = gk.load_key(key, options.passphrase(password_file))
    made = gk.release(
        folder, model=model, key=signer, trust=trust, log=log, out=out,
        countersignatures=countersignatures, timestamp=timestamp, as_of=options.moment(as_of),
    )  # fmt: skip
    screen.say(f"release {made.sequence}: {made.path}  (listed in {log}; give that file to those who verify)")
    screen.say(f"Check it:  govkit verify {out}/evidence --model {out}/model --trust {trust} --log {log}")


@app.command("revoke")
def revoke(
    sequence: Annotated[int, typer.Argument(help="Number of the release.")],
    log: Log,
    trust: Trust,
    key: options.Key,
    reason: Annotated[str, typer.Option("--reason", help="Why, for those who are refused.")],
    password_file: options.PasswordFile = None,
    as_of: options.AsOf = None,
) -> None:
    """Take a release back. Whoever verifies with the new log refuses the model."""
    signer = gk.load_key(key, options.passphrase(password_file))
    moment = options.moment(as_of)
    gk.revoke_release(log, sequence, reason=reason, key=signer, trust=trust, as_of=moment)
    screen.say(f"release {sequence} is taken back: {log}  (give that file to everybody who has the model)")


@app.command("log")
def show_log(
    log: Annotated[Path, typer.Argument(help="The release log.")],
    trust: Trust,
    since: Annotated[Path | None, typer.Option("--since", help="A log you kept; refuse one that rewrites it.")] = None,
    as_of: options.AsOf = None,
    json: options.Json = False,
) -> None:
    """Verify a release log and show it. Exit 4: it does not verify, or does not go on from the one you kept."""
    with proof.refusals(json=json):
        found = gk.read_log(log, trust=trust, known=since, as_of=options.moment(as_of))
    if json:
        screen.put_json({**found.model_dump(mode="json", by_alias=True), "head": found.head})
        return
    screen.put([(f"{screen.plain(found.name)}", "bold")])
    for entry in found.entries:
        what = entry.verdict if entry.action == "release" else f"taken back: {entry.reason}"
        screen.say(f"  {entry.sequence:>4}  {entry.as_of}  {entry.action:<7}  {entry.artifact[:19]}…  {what}")
    screen.say(f"head {found.head}")
