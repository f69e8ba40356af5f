"""``remedy``: make a new candidate from an audited one, audit it by the same policy, and put both side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

from govkit import evidence, manifest, policy as policies, remedies
from govkit.core import Audit, Case, Policy, Predictions, Role, Verdict
from govkit.core.case import Array
from govkit.errors import UsageError
from govkit.lineage.cost import Clock
from govkit.pipeline import clock
from govkit.pipeline.bundle import Bundle, read_bundle
from govkit.pipeline.casework import Casework, build_case, read_audit
from govkit.pipeline.digests import audit_digest
from govkit.pipeline.folder import refuse_unwritable, whole_folder
from govkit.pipeline.measuring import Progress, measure_case
from govkit.pipeline.new_weights import FOLDER, Options, refuse_unmakeable
from govkit.pipeline.policy import beside, rules_of
from govkit.pipeline.remedied_files import PREDICTION, TEST, write_candidate, write_numbers, write_record
from govkit.pipeline.reweighting import reweighted
from govkit.pipeline.robustness import Robust, robustness
from govkit.pipeline.signer import Signer
from govkit.pipeline.steps import audit, judge
from govkit.remedies import Effect, Fitted, Method, Remedy, Rows

How = Literal["temperature", "isotonic", "threshold", "reweigh", "harden", "soup"]

MEANT: dict[str, tuple[How, ...]] = {
    "group": ("threshold", "reweigh"),
    "constraint": ("threshold",),
    "eps": ("harden",),
    "epochs": ("harden",),
    "method": ("harden",),
    "base_weight": ("soup",),
}
"""Remedies to which an option says something."""

RETRAINED = ("harden", "soup")
"""Remedies that change weights; the others change answers."""

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
        robust: What attacks left right before and after, where the weights changed.
        artifact: What the new candidate is, in its folder: a file of answers, or a folder of weights.
    """

    path: Path
    bundle: Bundle
    before: Verdict
    remarks: tuple[str, ...]
    effects: tuple[Effect, ...]
    robust: tuple[Robust, ...] = ()
    artifact: str = TEST

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
            "robust": [each.model_dump(mode="json") for each in self.robust],
        }


@dataclass(frozen=True)
class _Made:
    """A new candidate before it is written: what was fitted, the test rows before and after, and what writes it."""

    fitted: Fitted
    test: Rows
    after: Predictions
    write: Callable[..., None]
    remarks: tuple[str, ...] = ()
    robust: tuple[Robust, ...] = ()
    artifact: str = TEST


def remedy(
    audit_file: Path | str,
    how: How,
    *,
    out: Path | str,
    group: str | None = None,
    constraint: str | None = None,
    eps: float | None = None,
    epochs: int | None = None,
    method: Method | None = None,
    base_weight: float | None = None,
    before: Path | str | None = None,
    policy: str | None = None,
    key: Path | str | evidence.SigningKey | None = None,
    password: bytes | Path | None = None,
    seed: int | None = None,
    as_of: str | None = None,
    progress: Progress | None = None,
) -> Remedied:
    """Make a new candidate, and audit it beside what it was made from; ``out`` appears whole or not.

    ::

        OUT/  predictions.parquet  predictions-ROLE.parquet    the new answers, with the columns of the rows
              model/                                           or, of harden and soup, the new weights
              remedy.json  run.json                            what was fitted on what; the record of the run
              audit.yaml  evidence/                            the audit of the new candidate
              comparison.json                                  before and after, control by control, group by group

    Args:
        audit_file: Audit file of the candidate. ``data.calibration`` is what the remedy is fitted on, of ``harden``
            ``data.train``.
        how: The remedy.
        out: Folder to make.
        group: Group column, for ``threshold`` and ``reweigh``.
        constraint: What ``threshold`` makes equal between groups; ``equalized_odds`` if not given.
        eps: Largest change that ``harden`` trains against: a share of the input range (8/255 for images, 0.1 for
            tables), of a text of the median length of a token's embedding (0.1).
        epochs: Updates of ``harden`` that each training row takes part in; if not given 12, for texts 3, and more where
            rows are so few that the model would be updated fewer than 200 times, for texts 60.
        method: Of ``harden``: ``pgd`` if not given, ``free`` or ``trades``.
        base_weight: Weight of the base in ``soup``; chosen on ``data.calibration`` if not given.
        before: Your own bundle of the candidate as it is, to take its findings instead of measuring again.
        policy: Name or path of a policy, instead of the audit file's.
        key: Signing key or the path of one; without it a throw-away key signs.
        password: Passphrase of the key file, or the file that holds it.
        seed: Seed, instead of the audit file's.
        as_of: UTC time to take as now.
        progress: Told about each step.

    Raises:
        UsageError: Bad input, or the rows do not determine the remedy; nothing is written.
    """
    target, moment, meter = Path(out), clock.deciding_time(as_of), Clock()
    refuse_unwritable(target)
    options = Options(eps, epochs, method, base_weight, group, constraint)
    _refuse_idle(how, options)
    signer = Signer(key, password, moment)
    given, root = read_audit(Path(audit_file), seed=seed)
    rules, work = rules_of(given, root, policy), _built(given, root, how, signer)
    known = None if before is None else _found(Path(before), work, rules)
    made = (_weights if how in RETRAINED else _answered)(work, root, how, options, progress)
    effects = tuple(remedies.effects(made.test, made.after, parts(work.case), seed=work.case.seed))
    remarks = (*made.fitted.remarks, *made.remarks)
    named = policy or beside(given.policy, root)
    with whole_folder(target) as draft:
        made.write(draft, policy=named, remarks=(*remarks, *harms(effects)), clock=meter, started=moment)
        was = judge(known or measure_case(work, rules, progress=progress), rules, as_of=moment)
        work.close()
        signing = key if key is None else signer.opened()
        bundle = audit(draft / "audit.yaml", out=draft / "evidence", key=signing, as_of=moment, progress=progress)
        done = Remedied(target, bundle, was, remarks, effects, made.robust, made.artifact)
        _write_comparison(draft, done)
    return replace(done, bundle=read_bundle(target / "evidence"))


def _built(given: Audit, root: Path, how: How, signer: Signer) -> Casework:
    """The case, with the code of its models apart unless their weights are to be changed."""
    apart = how not in RETRAINED
    if not apart and not signer.throwaway:
        _refuse_code_beside_key(given)
    return build_case(given, root, apart=apart, secret=signer.files)


def _refuse_code_beside_key(audit: Audit) -> None:
    """Code whose weights are changed runs in this process, where it could sign what it likes."""
    sources = (audit.subject.python, audit.base and audit.base.python, audit.incumbent and audit.incumbent.python)
    if any(sources) or ":" in (audit.quality or ""):
        raise UsageError(
            "--key: this remedy runs the Python code of the models in the process that would sign; make it without a "
            "key, and audit the new candidate with yours: govkit audit OUT/audit.yaml --key KEY"
        )


def _found(bundle: Path, work: Casework, rules: Policy) -> dict[str, Any]:
    """Findings of a bundle, if they are about this model and were measured for this audit file and this policy."""
    read_bundle(bundle)
    document = evidence.read_unverified(bundle / "findings.sigstore.json")
    found = (document["audit"], document["policy"]["digest"], document["subject"]["digest"])
    wanted = (audit_digest(work.audit), policies.digest(rules), manifest.artifact_digest(work.path))
    for what, one, other in zip(("audit file", "policy", "model"), found, wanted, strict=True):
        if one != other:
            raise UsageError(f"{bundle}: was measured for another {what}; leave it out, to measure again")
    return document


def _write_comparison(folder: Path, done: Remedied) -> None:
    text = json.dumps(done.dump(), indent=2, allow_nan=False)
    (folder / "comparison.json").write_text(text + "\n", encoding="utf-8")


def _refuse_idle(how: How, options: Options) -> None:
    """What somebody asks for must mean something to the remedy."""
    if how not in get_args(How):
        raise UsageError(f"remedy {how!r}: expected one of {', '.join(get_args(How))}")
    for name, value in asdict(options).items():
        if value is not None and how not in MEANT[name]:
            said, wanted = name.replace("_", "-"), " or ".join(MEANT[name])
            raise UsageError(f"--{said} {value}: says nothing to {how}; it is for {wanted}")


def _answered(work: Casework, root: Path, how: How, options: Options, _: Progress | None) -> _Made:
    """A remedy that changes answers."""
    group = options.group
    fitted, test = fit(work.case, how, group, options.constraint)
    made = answers(work.case, fitted, group)

    def write(draft: Path, *, policy: str, remarks: tuple[str, ...], clock: Clock, started: str) -> None:
        write_candidate(draft, work, root, made, name=fitted.name, policy=policy, remarks=remarks)
        write_numbers(draft, work, fitted, group=group)
        write_record(draft, work, fitted, clock, group=group, started=started)

    return _Made(fitted, test, made["test"], write, tuple(remarks_on(work, test, made["test"])))


def _weights(work: Casework, root: Path, how: How, options: Options, progress: Progress | None) -> _Made:
    """A remedy that changes weights."""
    refuse_unmakeable(work)
    made = reweighted(work.case, how, options, progress=progress)
    case = made.case(work.case)
    test, after = remedies.rows_of(work.case, "test", None), case.predictions("candidate")
    if test is None or after is None:
        raise UsageError("data.test holds no inputs that the candidate could be asked")
    robust, why = robustness(work.case, case, made.eps)
    write = partial(made.write, work=work, root=root)
    return _Made(made.fitted, test, after, write, (*changed_answers(test, after), *why), robust, FOLDER)


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
    yield from changed_answers(test, after)
    trained = remedies.shared_rows(data["calibration"], data["train"]) if "train" in data else 0
    if trained:
        yield (
            f"{trained} calibration rows are training rows too (repeats counted once), of which the candidate is surer "
            "than of new ones; without them the fit is better."
        )
    if work.audit.columns.prediction == PREDICTION:
        yield "If the remedy before was fitted on the same calibration rows, this one had better have rows of its own."


def changed_answers(test: Rows, after: Predictions) -> Iterator[str]:
    """How many answers changed."""
    changed = int((test.predicted != after.labels).sum())
    yield f"{changed} of {len(test.labels)} answers to the test rows are other answers than before."


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
