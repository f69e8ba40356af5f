"""The three models of ``examples/three_models.py``, measured for every shipped pack, and what the packs say of them.

``python tests/support/three_bundles.py`` writes the tables of ``docs/packs/`` anew.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import torch

import govkit as gk
from govkit import checks, policy as policies
from govkit.core import Attestation, Finding, Policy, Verdict
from govkit.pipeline.casework import build_case, read_audit

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "packs"
NAMES = ("ready", "harmful", "thin")
CLOSED = "closed-base-api"
"""The one pack that is not about models which can be looked into; it is shown their stored answers."""

AS_OF = "2026-11-24T12:00:00Z"
SHOWN = 4
HEAD = "| model | nothing signed | all signed | what decides then |\n|---|---|---|---|"

Findings = tuple[str, list[Finding]]
"""Digest of the model, and what was measured of it."""


def example() -> ModuleType:
    """The example as a module."""
    spec = importlib.util.spec_from_file_location("three_models", ROOT / "examples" / "three_models.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def measured(folder: Path) -> dict[tuple[str, str], Findings]:
    """(model, audit file) -> its findings, for everything that any pack asks."""
    three, found = example(), {}
    torch.set_num_threads(1)
    sys.dont_write_bytecode = True
    base = three.pretrained()
    packs = {name: gk.resolve_policy(name) for name in gk.packs()}
    for name, (tuned_on, tested_on) in three.three().items():
        three.write(folder / name, tuned_on, tested_on, base)
        for file in ("audit", "closed"):
            asked = [pack for key, pack in packs.items() if (key == CLOSED) == (file == "closed")]
            audit, root = read_audit(folder / name / f"{file}.yaml", policy=None, seed=None)
            work = build_case(audit, root)
            found[name, file] = (work.digest, checks.measure(work.case, _requests(asked)))
    return found


def _requests(packs: Sequence[Policy]) -> Iterator[checks.Request]:
    yield checks.Request("scope", {})
    for pack in packs:
        yield from (checks.Request(each.check, each.params) for each in pack.controls if each.check is not None)


def signed(rules: Policy, model: str) -> tuple[Attestation, ...]:
    """Every statement that a pack asks for, each by another person."""
    asked = [control.attest for control in rules.controls if control.attest is not None]
    return tuple(
        Attestation(
            kind=each.kind,
            model=model,
            signer=f"Person {number}",
            role=each.signer_role,
            answers=dict.fromkeys(each.fields, "As it was agreed."),
            signed_at="2026-11-20",
        )
        for number, each in enumerate(asked)
    )


def verdicts(pack: str, found: dict[tuple[str, str], Findings]) -> dict[str, tuple[Verdict, Verdict]]:
    """Model -> the verdict of a pack with no statement signed, and with all of them."""
    rules = gk.resolve_policy(pack)
    result = {}
    for name in NAMES:
        model, findings = found[name, "closed" if pack == CLOSED else "audit"]
        bare, full = (
            policies.judge(rules, findings, subject=model, as_of=AS_OF, attestations=statements)
            for statements in ((), signed(rules, model))
        )
        result[name] = (bare, full)
    return result


def table(judged: dict[str, tuple[Verdict, Verdict]]) -> str:
    """The three models under a pack, as it stands in its page."""
    lines = [f"| {name} | {bare.outcome} | {full.outcome} | {_why(full)} |" for name, (bare, full) in judged.items()]
    return "\n".join([HEAD, *lines])


def _why(verdict: Verdict) -> str:
    """The controls behind an outcome, those that failed first."""
    worst = {"BLOCK": "block", "REVIEW": "review"}.get(verdict.outcome)
    if worst is None:
        return "everything that gates is met"
    heavy = [ruling for ruling in verdict.rulings if ruling.disposition == worst and ruling.state in _SAID]
    by_state = {state: [ruling.control for ruling in heavy if ruling.state == state] for state in _SAID}
    return "; ".join(f"{', '.join(names[:SHOWN])} {_SAID[state]}" for state, names in by_state.items() if names)


_SAID = {"fail": "failed", "missing": "not measured", "inconclusive": "cannot be told with so few rows"}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder))
    for pack in gk.packs():
        page = PAGES / f"{pack}.md"
        text = page.read_text(encoding="utf-8")
        before = text.split("TABLE")[0].split(HEAD)[0]
        page.write_text(before + table(verdicts(pack, found)) + "\n", encoding="utf-8")
        sys.stdout.write(f"{page}\n")


if __name__ == "__main__":
    main()
