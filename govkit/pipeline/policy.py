"""Policies before and after an audit: read from files, held against the checks, explained, compared, begun."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from govkit import checks, documents, evidence, policy as policies
from govkit.core import Audit, Control, Finding, Policy, Waiver
from govkit.errors import EvidenceError, PolicyError, UsageError
from govkit.pipeline import clock
from govkit.pipeline.bundle import read_bundle
from govkit.pipeline.folder import whole_folder
from govkit.report.asked import spoken
from govkit.report.model import Rulings
from govkit.report.read import Judgement

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}"


def resolve_policy(name: str) -> Policy:
    """A policy by name, or by path as seen from here, with every parameter of its checks filled in."""
    return policies.resolve(policies.load(name), checks.catalog(), source=name)


def resolve_declared(name: str, findings: Sequence[Finding]) -> Policy:
    """A policy for whoever judges findings that are at hand, without any plug-in.

    Controls on checks of this package get their parameters from it. Those on a check that only the findings know get
    what the findings declare: the one set of parameters that holds all that the policy asks for.

    Args:
        name: Name or path of a policy.
        findings: What was measured.
    """
    policy, known = policies.load(name), checks.built_in()
    declared: dict[str, list[dict[str, Any]]] = {}
    for each in findings:
        if each.check not in known and each.params not in declared.setdefault(each.check, []):
            declared[each.check].append(each.params)
    own = tuple(each for each in policy.controls if each.check not in declared)
    resolved = policies.resolve(policy.model_copy(update={"controls": own}), known, source=name)
    done = {each.id: each for each in resolved.controls}
    controls = [done.get(each.id) or _declared(each, declared[str(each.check)]) for each in policy.controls]
    return policy.model_copy(update={"controls": tuple(controls)})


def _declared(control: Control, declared: Sequence[dict[str, Any]]) -> Control:
    held = [each for each in declared if control.params.items() <= each.items()]
    return control.model_copy(update={"params": held[0]}) if len(held) == 1 else control


def policy_reference(rules: Policy) -> dict[str, str]:
    """Id, version and digest of a resolved policy."""
    return {"id": rules.id, "version": rules.version, "digest": policies.digest(rules)}


def rules_of(audit: Audit, root: Path, policy: str | None) -> Policy:
    """The policy to judge by: the one given, as seen from here; else the audit file's own, as seen from that file.

    The two are kept apart, so that nobody who hands over an audit file can shadow the policy that a gate names.
    """
    return resolve_policy(beside(audit.policy, root) if policy is None else policy)


def is_path(policy: str) -> bool:
    """Whether a policy is named by its file, and not as one of the shipped ones."""
    return policy.endswith((".yaml", ".yml")) or "/" in policy


def beside(policy: str, root: Path) -> str:
    """Name or path, as seen from here, of a policy that a file in ``root`` names."""
    return str(root / policy) if is_path(policy) else policy


def lint_policy(
    name: str, *, waivers: Path | str | None = None, as_of: str | None = None
) -> tuple[policies.Problem, ...]:
    """Everything that is wrong with a policy, with the lines of its file.

    Args:
        name: Name or path of a policy.
        waivers: Folder of waivers, signed or not; those that can never hold are named. No signature is checked.
        as_of: UTC time to take as now, for the age of sources and waivers.

    Raises:
        UsageError: The policy or a waiver cannot be read.
    """
    return policies.lint(
        policies.load(name),
        checks.catalog(),
        source=name,
        waivers=() if waivers is None else _waivers(Path(waivers)),
        as_of=policies.day(clock.deciding_time(as_of)),
    )


def _waivers(folder: Path) -> list[Waiver]:
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; expected one of waivers")
    files = sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml", ".json"))
    if not files:
        raise UsageError(f"{folder}: holds no waiver; expected files NAME.yaml or NAME.sigstore.json")
    return [_waiver(path) for path in files]


def _waiver(path: Path) -> Waiver:
    if not path.name.endswith(".sigstore.json"):
        return documents.read_model(path, Waiver, error=PolicyError)
    try:
        return Waiver.model_validate(evidence.read_unverified(path))
    except (EvidenceError, ValidationError) as error:
        raise UsageError(f"{path}: is no waiver ({str(error).splitlines()[0]})") from None


def explain_control(name: str, control: str, *, bundle: Path | str | None = None) -> dict[str, Any]:
    """A control in words, for somebody who knows no statistics; with a bundle also what was seen there and why.

    Args:
        name: Name or path of a policy.
        control: Id of the control.
        bundle: A bundle that was judged by this policy; nothing of it is verified.

    Raises:
        UsageError: The policy, the control or the bundle is not there, or they do not belong together.
    """
    policy, catalog = resolve_policy(name), checks.catalog()
    if bundle is None:
        return policies.explain(policy, control, catalog)
    made = read_bundle(bundle)
    if made.verdict.policy != policies.digest(policy):
        inside = Path(bundle) / "policy.yaml"
        raise UsageError(f"{bundle}: was judged by another policy than {name}; explain {inside} instead")
    ruling = next((each for each in made.verdict.rulings if each.control == control), None)
    seen = spoken(Rulings(Judgement(findings=made.findings, verdict=made.verdict, policy=policy)))
    return policies.explain(policy, control, catalog, ruling=ruling, seen=seen.get(control, ("", ""))[0])


def plan_rows(
    name: str, *, rows: int | None = None, values: Mapping[str, float] | None = None, differing: float = 0.1
) -> tuple[policies.Plan, ...]:
    """Rows that each control needs before data are collected; see ``govkit.policy.plan``.

    Args:
        name: Name or path of a policy.
        rows: Rows of the test data at hand.
        values: Metric or id of a control -> the true value to assume.
        differing: Share of rows on which the candidate and another model give different answers.

    Raises:
        UsageError: The policy cannot be read, or an assumption makes no sense.
    """
    policy, catalog = policies.load(name), checks.catalog()
    # Too few planned rows are what a plan is for: a policy that lint refuses for them alone is planned all the same.
    resolved = policies.resolve(policy.model_copy(update={"planned": None}), catalog, source=name)
    resolved = resolved.model_copy(update={"planned": policy.planned})
    return policies.plan(resolved, catalog, rows=rows, values=values, differing=differing)


def compare_policies(old: str, new: str) -> tuple[policies.Change, ...]:
    """What became looser, tighter or neither from one policy to another, with all parameters written out.

    Args:
        old: Name or path of a policy.
        new: Name or path of the other.

    Raises:
        UsageError: One of them cannot be read, or is wrong.
    """
    was, now = (resolve_policy(name) for name in (old, new))
    return policies.compare(was, now)


def rmf_table(place: str) -> tuple[dict[str, Any], ...]:
    """The 72 outcomes of the NIST AI RMF, a row each: of a bundle as they are, of a policy as they could be at most.

    Args:
        place: A bundle, or the name or path of a policy.

    Raises:
        UsageError: It is neither.
    """
    if (Path(place) / "verdict.sigstore.json").is_file():
        return policies.table(read_bundle(place).verdict.coverage)
    if Path(place).is_dir():
        raise UsageError(f"{place}: is a folder and no bundle; expected a bundle or a policy")
    return policies.table(policies.reach(policies.load(place)))


def run_policy_tests(name: str, tests: Path | str) -> tuple[policies.CaseResult, ...]:
    """Judge made-up findings by a policy and compare with what its authors expect.

    Args:
        name: Name or path of a policy.
        tests: A file of tests (``govkit.policy-tests/v1``).

    Raises:
        UsageError: One of the two cannot be read, or names what does not exist.
    """
    read = documents.read_model(Path(tests), policies.PolicyTests, error=PolicyError)
    return policies.run_cases(resolve_policy(name), read, checks.catalog())


def begin_policy(
    folder: Path | str, answers: policies.Answers | Path | str, *, as_of: str | None = None
) -> tuple[Path, ...]:
    """Write the first policy of somebody, and the audit file for it, into a new folder.

    Args:
        folder: Folder to make; its name becomes the id of the policy.
        answers: The answers, or a file of them; the table is a path as seen from here.
        as_of: UTC time to take as now.

    Raises:
        UsageError: The folder exists, or an answer is none; nothing was written.
    """
    out = Path(folder)
    if not re.fullmatch(NAME, out.name):
        raise UsageError(f"{out}: the folder names the policy; expected letters, digits, dots and hyphens")
    if not isinstance(answers, policies.Answers):
        answers = documents.read_model(Path(answers), policies.Answers, error=PolicyError)
    if not Path(answers.table).is_absolute():
        seen = Path(os.path.relpath(answers.table, out)).as_posix()
        answers = answers.model_copy(update={"table": seen})
    day = policies.day(clock.written_time(as_of))
    texts = policies.begin(answers, name=out.name, as_of=day, catalog=checks.catalog())
    with whole_folder(out) as draft:
        for name, text in texts.items():
            (draft / name).write_text(text, encoding="utf-8")
    return tuple(out / name for name in texts)
