"""``govkit policy``."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated

import typer

import govkit as gk
from govkit.cli import asking, options, policy_screen, screen

app = typer.Typer(help="Policies: rules as files.", no_args_is_help=True, rich_markup_mode=None)
Names = Annotated[list[str], typer.Argument(help="Names of shipped policies, or paths of files.")]
Name = Annotated[str, typer.Argument(help="Name of a shipped policy, or path of a file.")]


@app.command("lint")
def lint(
    names: Names,
    waivers: Annotated[
        Path | None, typer.Option("--waivers", help="Folder of waivers: name those that can never hold.")
    ] = None,
    as_of: options.AsOf = None,
    json: options.Json = False,
) -> None:
    """Check policies before they are used. Exit 1 when something was found that is wrong."""
    found = {name: gk.lint_policy(name, waivers=waivers, as_of=options.moment(as_of)) for name in names}
    problems = list(itertools.chain.from_iterable(found.values()))
    for name, its in () if json else found.items():
        if len(names) > 1:
            screen.say(f"{name}:")
        policy_screen.show_problems(its, json=False)
    if json:
        policy_screen.show_problems(problems, json=True)
    raise typer.Exit(1 if any(problem.level == "error" for problem in problems) else 0)


@app.command("show")
def show(name: Name, json: options.Json = False) -> None:
    """Print a policy with everything it inherits: each control, its limit, and who says so."""
    policy_screen.show_policy(gk.resolve_policy(name), json=json)


@app.command("list")
def packs(json: options.Json = False) -> None:
    """List the policies that ship with govkit."""
    policy_screen.show_packs(gk.packs(), json=json)


@app.command("explain")
def explain(
    name: Name,
    control: Annotated[str, typer.Argument(help="Id of a control.")],
    bundle: Annotated[Path | None, typer.Option("--bundle", help="Bundle: also what was seen there, and why.")] = None,
    json: options.Json = False,
) -> None:
    """Say in plain words what a control asks, who says so, what follows, and what to do."""
    policy_screen.show_explanation(gk.explain_control(name, control, bundle=bundle), json=json)


@app.command("plan")
def plan(
    name: Name,
    rows: Annotated[int | None, typer.Option("--rows", min=1, help="Test rows at hand.")] = None,
    value: Annotated[
        list[str], typer.Option("--value", help="METRIC=V or CONTROL=V: the true value to assume; may be repeated.")
    ] = [],  # noqa: B006 -- typer makes a new list of it
    differing: Annotated[float, typer.Option("--differing", help="Share of rows on which two models differ.")] = 0.1,
    json: options.Json = False,
) -> None:
    """Rows that each control needs, before any are collected.

    Assumed is a truth half-way between the limit and the best that is possible, unless --value says another.
    """
    plans = gk.plan_rows(name, rows=rows, values=dict(map(_assumed, value)), differing=differing)
    policy_screen.show_plans(plans, json=json)


def _assumed(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        return name, float(number)
    except ValueError:
        raise gk.UsageError(f"--value {text}: expected METRIC=NUMBER, for example accuracy=0.93") from None


@app.command("diff")
def diff(
    old: Name,
    new: Annotated[str, typer.Argument(help="Name or path of the policy to compare it with.")],
    json: options.Json = False,
) -> None:
    """Say what became looser, tighter or neither. Exit 1 when something became looser."""
    changes = gk.compare_policies(old, new)
    policy_screen.show_changes(changes, json=json)
    raise typer.Exit(1 if any(change.direction == "looser" for change in changes) else 0)


@app.command("coverage")
def coverage(
    place: Annotated[str, typer.Argument(help="A bundle, or the name or path of a policy.")],
    json: options.Json = False,
) -> None:
    """The 72 outcomes of the NIST AI RMF: who speaks to each, and which stay open.

    Of a bundle the states are those of its verdict; of a policy, those that it would reach if every control were met.
    """
    policy_screen.show_table(gk.rmf_table(place), json=json)


@app.command("test")
def run_tests(
    name: Name,
    tests: Annotated[Path, typer.Argument(help="Tests of the policy, made-up findings and what is expected.")],
    json: options.Json = False,
) -> None:
    """Judge made-up findings by a policy. Exit 1 when a case does not come out as expected."""
    results = gk.run_policy_tests(name, tests)
    policy_screen.show_cases(results, json=json)
    raise typer.Exit(1 if any(each.wrong for each in results) else 0)


@app.command("schema")
def schema(
    kind: Annotated[str, typer.Argument(help="policy, audit, waiver, attestation, policy-tests.")] = "policy",
) -> None:
    """Print the JSON Schema of a kind of file, for an editor that completes and checks while you type."""
    from govkit.policy import schema as schema_of

    screen.put_json(schema_of(kind))


@app.command("init")
def init(
    folder: Annotated[Path, typer.Argument(help="Folder to make; its name becomes the id of the policy.")],
    answers: Annotated[
        Path | None, typer.Option("--answers", help="File of answers, instead of questions on the terminal.")
    ] = None,
) -> None:
    """Ask ten plain questions and write policy.yaml and audit.yaml."""
    screen.refuse_existing(folder)
    for path in gk.begin_policy(folder, asking.ask_all() if answers is None else answers):
        screen.say(str(path))
    screen.say(f"Next: govkit policy lint {folder}/policy.yaml, then govkit audit {folder}/audit.yaml")


@app.command("lock")
def lock(
    name: Name,
    audit_file: Annotated[Path, typer.Option("--audit", help="The audit file, whose data are locked.")],
    key: options.Key,
    owner: Annotated[str, typer.Option("--name", help="Who locks, as the trust file calls the holder of the key.")],
    out: Annotated[Path, typer.Option("--out", help="Lock to write.")] = Path("policy.lock"),
    password_file: options.PasswordFile = None,
    as_of: options.AsOf = None,
) -> None:
    """Sign the limits and the test data before there are results; no model is needed.

    It proves that the findings came after the lock. That nothing was measured before it, and that the clock was right,
    only its signer says.
    """
    screen.refuse_existing(out)
    signer = gk.load_key(key, options.passphrase(password_file))
    moment = options.moment(as_of)
    made = gk.lock_policy(name, audit_file=audit_file, key=signer, name=owner, out=out, as_of=moment)
    screen.say(f"locked: {made.policy.id} {made.policy.version} and {', '.join(made.data)} data, {made.as_of}: {out}")
