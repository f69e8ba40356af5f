"""``remedy``: make a new candidate from an audited one, audit it by the same policy, and put both side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

from govkit import evidence, remedies
from govkit.core import Case, Predictions, Role, Verdict
from govkit.core.case import Array
from govkit.errors import UsageError
from govkit.lineage.cost import Clock
from govkit.pipeline import clock
from govkit.pipeline.bundle import Bundle, read_bundle
from govkit.pipeline.casework import Casework, build_case, read_audit
from govkit.pipeline.folder import refuse_unwritable, whole_folder
from govkit.pipeline.remedied_files import PREDICTION, is_path, write_candidate, write_numbers, write_record
from govkit.pipeline.steps import Progress, audit, judge, measure_case, rules_of
from govkit.remedies import Effect, Remedy, Rows

How = Literal["temperature", "isotonic", "threshold", "reweigh"]

ANSWERED = ("pass", "fail", "inconclusive")
"""States of a control that rest on a measurement."""


@dataclass(frozen=True)
class Remedied:
    """A remedied candidate beside the one it was made from.

    Attributes:
        path: Folder of the new candidate; its bundle is ``evidence`` in it.
        bundle: What was measured and judged of it.
        before: Verdict on the candidate as it was, by the same policy.
        remarks: What whoever uses it has to know.
        effects: What changed on the test rows, for all and for each group.
    """

    path: Path
    bundle: Bundle
    before: Verdict
    remarks: tuple[str, ...]
    effects: tuple[Effect, ...]

    @property
    def changed(self) -> list[tuple[str, str, str, str]]:
        """Controls whose state is another than before: id, title, state before and after, as the policy orders them."""
        now = {ruling.control: ruling.state for ruling in self.bundle.verdict.rulings}
        was = [(ruling.control, ruling.title, ruling.state, now[ruling.control]) for ruling in self.before.rulings]
        return [each for each in was if each[2] != each[3]]

    @property
    def unanswered(self) -> list[str]:
        """Controls that were answered before and are not any more: answers in a file have no weights and no record."""
        return [name for name, _, was, now in self.changed if was in ANSWERED and now not in ANSWERED]

    @property
    def standing(self) -> list[str]:
        """Controls that failed before and are not answered any more: a failure stands until a measurement lifts it."""
        return [name for name, _, was, now in self.changed if was == "fail" and now not in ANSWERED]

    @property
    def exit_code(self) -> int:
        """That of the new verdict; where failures stand, that of the stricter of both."""
        codes = [self.bundle.verdict.exit_code, *([self.before.exit_code] if self.standing else [])]
        return max(codes, key=(0, 3, 1).index)

    def dump(self) -> dict[str, Any]:
        """Before and after as plain data, as ``comparison.json`` holds it."""
        return {
            "schema": "govkit.comparison/v1",
            "policy": self.before.policy,
            "outcome": {"before": self.before.outcome, "after": self.bundle.verdict.outcome},
            "exit_code": self.exit_code,
            "remarks": list(self.remarks),
            "changed": [dict(zip(("control", "title", "before", "after"), each, strict=True)) for each in self.changed],
            "unanswered": self.unanswered,
            "standing": self.standing,
            "effects": [effect.model_dump(mode="json") for effect in self.effects],
        }


def remedy(
    audit_file: Path | str,
    how: How,
    *,
    out: Path | str,
    group: str | None = None,
    constraint: str | None = None,
    policy: str | None = None,
    key: Path | str | evidence.SigningKey | None = None,
    password: bytes | None = None,
    seed: int | None = None,
    as_of: str | None = None,
    progress: Progress | None = None,
) -> Remedied:
    """Fit a remedy on the calibration rows, and audit what it makes of the candidate; ``out`` appears whole or not.

    ::

        OUT/  predictions.parquet  predictions-ROLE.parquet    the new answers, with the columns of the rows
              remedy.json  run.json                            what was fitted on what; the record of the run
              audit.yaml  evidence/                            the audit of the new candidate
              comparison.json                                  before and after, control by control, group by group

    Args:
        audit_file: Audit file of the candidate; ``data.calibration`` is what the remedy is fitted on.
        how: The remedy.
        out: Folder to make.
        group: Group column, for ``threshold`` and ``reweigh``.
        constraint: What ``threshold`` makes equal between groups; ``equalized_odds`` if not given.
        policy: Name or path of a policy, instead of the audit file's.
        key: Signing key or the path of one; without it a throw-away key signs.
        password: Passphrase of the key file.
        seed: Seed, instead of the audit file's.
        as_of: UTC time to take as now.
        progress: Told about each step.

    Raises:
        UsageError: Bad input, or the rows do not determine the remedy; nothing is written.
    """
    target, moment, meter = Path(out), as_of or clock.now(), Clock()
    refuse_unwritable(target)
    if how not in get_args(How):
        raise UsageError(f"remedy {how!r}: expected one of {', '.join(get_args(How))}")
    signer = evidence.load_key(Path(key), password) if isinstance(key, Path | str) else key
    given, root = read_audit(Path(audit_file), seed=seed)
    rules = rules_of(given, root, policy)
    work = build_case(given, root)
    fitted, test = fit(work.case, how, group, constraint)
    made = answers(work.case, fitted, group)
    before = judge(measure_case(work, rules, progress=progress), rules, as_of=moment)
    remarks = (*fitted.remarks, *remarks_on(work, test, made["test"]))
    effects = tuple(remedies.effects(test, made["test"], parts(work.case), seed=work.case.seed))
    named = policy or (str(root / given.policy) if is_path(given.policy) else given.policy)
    with whole_folder(target) as draft:
        told = (*remarks, *harms(effects))
        write_candidate(draft, work, root, made, name=fitted.name, policy=named, remarks=told)
        write_numbers(draft, work, fitted, group=group)
        write_record(draft, work, fitted, meter, group=group, started=moment)
        bundle = audit(draft / "audit.yaml", out=draft / "evidence", key=signer, as_of=moment, progress=progress)
        done = Remedied(target, bundle, before, remarks, effects)
        text = json.dumps(done.dump(), indent=2, allow_nan=False)
        (draft / "comparison.json").write_text(text + "\n", encoding="utf-8")
    return replace(done, bundle=read_bundle(target / "evidence"))


def fit(case: Case, how: How, group: str | None, constraint: str | None) -> tuple[Remedy, Rows]:
    """The remedy, fitted on the calibration rows and nothing else, and the test rows as they were answered.

    Raises:
        UsageError: There are no such rows, they share some with the test, or do not determine the remedy.
    """
    if case.task not in ("binary", "multiclass"):
        raise UsageError(f"a remedy is for a task of two or more classes without order; this one is {case.task}")
    if "calibration" not in case.data:
        raise UsageError(
            "data.calibration is missing: a remedy is fitted on rows of its own, never on the test rows; name a file "
            "of rows that neither training nor test holds"
        )
    if constraint is not None and how != "threshold":
        raise UsageError(f"--constraint {constraint}: only threshold makes something equal; found {how}")
    if group is not None and how in ("temperature", "isotonic"):
        raise UsageError(f"--group {group}: {how} is one map for all; only threshold and reweigh take a group")
    remedies.refuse_shared(case.data["calibration"], case.data["test"])
    rows, test = (remedies.rows_of(case, role, group) for role in ("calibration", "test"))
    if rows is None or test is None:
        path = case.data["calibration"].path
        raise UsageError(f"{path}: holds none of the candidate's answers; store them in the columns of the test rows")
    fits: dict[How, Callable[[Rows], Remedy]] = {
        "temperature": remedies.temperature,
        "isotonic": remedies.isotonic,
        "threshold": partial(remedies.threshold, constraint=constraint or "equalized_odds", seed=case.seed),
        "reweigh": remedies.reweigh,
    }
    return fits[how](rows), test


def answers(case: Case, fitted: Remedy, group: str | None) -> dict[Role, Predictions]:
    """The new answers wherever the candidate has answered."""
    found = {role: remedies.rows_of(case, role, group) for role in case.data}
    return {role: fitted.apply(rows) for role, rows in found.items() if rows is not None}


def remarks_on(work: Casework, test: Rows, after: Predictions) -> Iterator[str]:
    """How many answers changed, and what the choice of the calibration rows takes away from the fit."""
    data = work.case.data
    changed = int((test.predicted != after.labels).sum())
    yield f"{changed} of {len(test.labels)} answers to the test rows are other answers than before."
    trained = remedies.shared_rows(data["calibration"], data["train"]) if "train" in data else 0
    if trained:
        yield (
            f"{trained} calibration rows are training rows too (repeats counted once), of which the candidate is surer "
            "than of new ones; without them the fit is better."
        )
    if work.audit.columns.prediction == PREDICTION:
        yield "The remedy before was fitted on the same calibration rows; this one had better have rows of its own."


def harms(effects: Iterable[Effect]) -> tuple[str, ...]:
    """A remark on the groups that a remedy makes worse off, beyond what chance explains; none where there are none."""
    worse = [each for each in effects if each.part and each.worse and each.beyond_chance]
    named = [f"{', '.join(map(' '.join, each.part.items()))} ({each.metric.replace('_', ' ')})" for each in worse]
    return (f"Worse than before, by more than chance explains: {'; '.join(named)}.",) if named else ()


def parts(case: Case) -> dict[tuple[str, str], Array]:
    """``(column, group)`` -> its test rows, truths ``(n,)``."""
    groups = case.data["test"].groups
    return {
        (column, name): coded.codes == index
        for column, coded in groups.items()
        for index, name in enumerate(coded.names)
    }
