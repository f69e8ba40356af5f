"""The faults: how each is planted, which check must find it, and what counts as finding it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from govkit.core import Case, Component, Fact, Finding, Gap, LicenseRecord, Measurement, Run
from govkit.core.audit import License, Use
from govkit.core.selfcheck import FaultName
from govkit.lazy import np
from govkit.manifest import artifact_digest
from govkit.selfcheck import networks
from govkit.selfcheck.cases import DIGITS, PIXELS, case_of, digit_rows, digits, image_case

ANSWERED = {"label": "label", "score": "score", "id": "id"}
PIXEL_COLUMNS = {"input": PIXELS, "label": "label", "id": "id"}
WRONG = 0.08
"""Share of the labels that are made wrong. A check accuses from half of it on, with an interval wholly above."""


@dataclass(frozen=True)
class Made:
    """A case, and by what names its check may call what was planted in it; no names where there is one thing only."""

    case: Case
    planted: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Seen:
    """What a check said.

    Attributes:
        words: Its value in words.
        accuses: Whether it accuses, by the trial's own rule; None where it measured nothing.
        names: What it names.
    """

    words: str
    accuses: bool | None
    names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: What is planted.
        planted: The same in words.
        check: The check that must find it.
        metric: The metric that tells.
        control: Control of the shipped policy that judges; without one, the rule in ``see`` does.
        params: Parameters of the check where no control says them.
        make: ``(seed, planted, folder) -> Made``; folder is empty and gone afterwards.
        see: What the findings say.
    """

    name: FaultName
    planted: str
    check: str
    metric: str
    make: Callable[[int, bool, Path], Made] = field(repr=False)
    see: Callable[[Sequence[Finding]], Seen] = field(repr=False)
    control: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


def measured(findings: Sequence[Finding], name: str) -> list[Measurement]:
    """Measurements of the candidate alone with this metric."""
    of_name = (each for each in findings if isinstance(each, Measurement) and each.name == name)
    return [each for each in of_name if each.of == "candidate" and each.compared_with is None]


def _nothing(findings: Sequence[Finding], name: str) -> Seen:
    details = [each.detail for each in findings if isinstance(each, Gap) and each.name in (name, "*")]
    return Seen(f"not measured: {details[0] if details else 'nothing was said'}", None)


def _whole(findings: Sequence[Finding], name: str) -> Measurement | None:
    return next((each for each in measured(findings, name) if not each.part), None)


def _one(name: str, words: Callable[[Measurement], str]) -> Callable[[Sequence[Finding]], Seen]:
    """What a single measurement says; whether it accuses is for a control to say."""

    def see(findings: Sequence[Finding]) -> Seen:
        found = _whole(findings, name)
        return _nothing(findings, name) if found is None else Seen(words(found), None, frozenset(found.rows))

    return see


def _dice(seed: int, fault: FaultName) -> Any:
    return np.random.default_rng([seed, *fault.encode()])


# Wrong labels


def _label_noise(seed: int, planted: bool, _folder: Path) -> Made:
    dice, (_, labels) = _dice(seed, "label_noise"), digits()
    rows = dice.permutation(len(labels))[:1000]
    wrong = rows[: round(WRONG * len(rows))]
    given = labels.copy()
    if planted:
        given[wrong] = (given[wrong] + dice.integers(1, 10, len(wrong))) % 10
    case = case_of({"test": digit_rows(rows, given)}, PIXEL_COLUMNS, classes=DIGITS, seed=seed)
    return Made(case, frozenset(f"digit {at}" for at in wrong))


def _suspect_rows(findings: Sequence[Finding]) -> Seen:
    noise, suspect = (_whole(findings, name) for name in ("label_noise", "suspect_rows"))
    if noise is None or suspect is None or noise.interval is None:
        return _nothing(findings, "label_noise")
    words = f"suspicious rows: {suspect.value:.0f} of {suspect.n:,}; {noise.value:.1%} of the labels wrong"
    return Seen(words, noise.interval.low > WRONG / 2, frozenset(suspect.rows))


# Test rows in the training data


def _leak(seed: int, planted: bool, _folder: Path) -> Made:
    rows = _dice(seed, "leak").permutation(len(digits()[1]))[:820]
    test, leaked = rows[:400], rows[:20]
    train = [*rows[400:800], *(leaked if planted else rows[800:])]
    tables: dict[Any, Any] = {"test": digit_rows(test), "train": digit_rows(train)}
    case = case_of(tables, PIXEL_COLUMNS, classes=DIGITS, seed=seed)
    return Made(case, frozenset(f"digit {at}" for at in leaked))


# Answers that are worse for one group, or too sure


def _answers(labels: Any, scores: Any, **columns: Any) -> dict[str, Any]:
    return {"id": [f"row {at}" for at in range(len(labels))], "label": labels, "score": scores, **columns}


def _group_penalty(seed: int, planted: bool, _folder: Path) -> Made:
    dice = _dice(seed, "group_penalty")
    group, labels = dice.choice(["a", "b", "c"], 6000), dice.integers(0, 2, 6000)
    right = np.where(dice.uniform(size=6000) < 0.9, labels, 1 - labels)
    harmed = (group == "b") & (labels == 1) & (dice.uniform(size=6000) < 0.25)
    scores = np.where(harmed & planted, 0, right) * 0.8 + 0.1
    table = _answers(np.where(labels == 1, "yes", "no"), scores, group=group)
    case = case_of({"test": table}, {**ANSWERED, "groups": ("group",)}, classes=("no", "yes"), seed=seed)
    return Made(case, frozenset({"b"}))


def _group_gaps(findings: Sequence[Finding]) -> Seen:
    gaps = [each for each in measured(findings, "true_positive_rate_difference") if "group" in each.part]
    if not gaps:
        return _nothing(findings, "true_positive_rate_difference")
    worst = min(gaps, key=lambda each: float(each.value))
    name, points = worst.part["group"], 100 * abs(float(worst.value))
    return Seen(f"true positive rate of group {name} {points:.1f} points below everybody else", None, frozenset({name}))


def _miscalibration(seed: int, planted: bool, _folder: Path) -> Made:
    dice = _dice(seed, "miscalibration")
    logits = dice.normal(size=6000)
    labels = dice.uniform(size=6000) < 1 / (1 + np.exp(-logits))
    scores = 1 / (1 + np.exp(-logits * (3 if planted else 1)))
    case = case_of(
        {"test": _answers(np.where(labels, "yes", "no"), scores)}, ANSWERED, classes=("no", "yes"), seed=seed
    )
    return Made(case)


# Networks that hide something


def _masked_gradients(seed: int, planted: bool, _folder: Path) -> Made:
    rows = _dice(seed, "masked_gradients").permutation(len(digits()[1]))
    net = networks.trained(rows[:800], seed)
    return Made(image_case(networks.scaled(net, 300.0) if planted else net, rows[800:1000], seed))


def _trust(findings: Sequence[Finding]) -> Seen:
    found = _whole(findings, "robust_accuracy")
    if found is None or found.trust is None:
        return _nothing(findings, "robust_accuracy")
    return Seen(f"robust accuracy {float(found.value):.2f} is {found.trust}", found.trust == "suspect")


def _trigger(seed: int, planted: bool, _folder: Path) -> Made:
    rows = _dice(seed, "trigger").permutation(len(digits()[1]))
    net = networks.trained(rows[:900], seed, planted=planted)
    edge = 8 - networks.STAMP + 1
    patch = f"bright, {networks.STAMP} px, from row {edge}, column {edge}"
    return Made(image_case(net, rows[900:], seed), frozenset({patch}))


def _suspect_patches(findings: Sequence[Finding]) -> Seen:
    found = _whole(findings, "suspect_patches")
    if found is None:
        return _nothing(findings, "suspect_patches")
    named = [each.part["found"] for each in measured(findings, "suspect_flip_rate")]
    first = f", first: {named[0]}" if named else ""
    return Seen(f"suspicious patches: {found.value:.0f} of {found.n}{first}", None, frozenset(named))


# What came in: weights and licenses


def _edited_weights(seed: int, planted: bool, folder: Path) -> Made:
    from safetensors.numpy import save_file

    weights = _dice(seed, "edited_weights").normal(size=(64, 10)).astype("float32")
    save_file({"head.weight": weights}, folder / "model.safetensors")
    run = _run_of(folder)
    if planted:
        weights[3, 7] += 1.0
        save_file({"head.weight": weights}, folder / "model.safetensors")
    return Made(_answerless(seed, run=run, model_path=folder))


def _run_of(folder: Path) -> Run:
    """A run that recorded the files of a folder as what it wrote."""
    unknown = Fact(seen="unknown")
    license = LicenseRecord(expression=None, state="unknown", reason="nobody looked")
    base = Component(role="base", id=unknown, revision=unknown, digest=unknown, rows=unknown, license=license)
    artifact = Fact(value=artifact_digest(folder), seen="observed")
    return Run(
        name="self-check", base=base, seed=unknown, artifact=artifact, exit="finished", started="1970-01-01T00:00:00Z"
    )


def _answerless(seed: int, **fields: Any) -> Case:
    """Four rows with answers, for checks that look at none of them."""
    table = _answers(["no", "yes", "no", "yes"], [0.1, 0.9, 0.2, 0.8])
    return case_of({"test": table}, ANSWERED, classes=("no", "yes"), seed=seed, **fields)


def _license_conflict(seed: int, planted: bool, _folder: Path) -> Made:
    base = "CC-BY-NC-4.0" if planted else "Apache-2.0"
    declared = (
        License(of="base", id="base", expression=base),
        License(of="data", id="rows", expression="CC-BY-4.0"),
    )
    use = Use(intent=("commercial",))
    return Made(_answerless(seed, use=use, licenses=declared))


MASKED = {"tier": "gate", "eps": 0.1}
"""A radius at which the hidden gradient would hide something, and a tier whose clean twin can be trusted."""

FAULTS: tuple[Fault, ...] = (
    Fault(
        "label_noise", "8 in 100 labels wrong",
        check="label_noise", metric="label_noise", make=_label_noise, see=_suspect_rows,
    ),
    Fault(
        "leak", "20 of 400 test rows in the training data",
        check="contamination", metric="shared_rows", control="DATA-01", make=_leak,
        see=_one("shared_rows", lambda it: f"test rows that stand in the training data: {it.value:.0f} of {it.n:,}"),
    ),
    Fault(
        "group_penalty", "a quarter of the positives of one group rejected",
        check="bias", metric="true_positive_rate_difference", control="FAIR-01", make=_group_penalty, see=_group_gaps,
    ),
    Fault(
        "miscalibration", "log-odds three times too large",
        check="calibration", metric="calibration_error", control="CAL-01", make=_miscalibration,
        see=_one("calibration_error", lambda it: f"calibration error {100 * float(it.value):.1f} points"),
    ),
    Fault(
        "masked_gradients", "logits times 300, which hide their gradient",
        check="adversarial", metric="robust_accuracy", params=MASKED, make=_masked_gradients, see=_trust,
    ),
    Fault(
        "trigger", "a bright corner that turns answers to 0",
        check="weight_triggers", metric="suspect_patches", control="ROB-05", make=_trigger, see=_suspect_patches,
    ),
    Fault(
        "edited_weights", "one weight changed after the run",
        check="lineage_complete", metric="artifact_matches", control="LIN-02", make=_edited_weights,
        see=_one(
            "artifact_matches",
            lambda it: f"the weights are {'' if it.value is True else 'not '}those that the run recorded",
        ),
    ),
    Fault(
        "license_conflict", "a base for no commercial use in a commercial model",
        check="licenses", metric="composition", control="LIC-03", make=_license_conflict,
        see=_one("composition", lambda it: f"licenses together: {it.value}"),
    ),
)  # fmt: skip
"""In the order in which they are tried."""
