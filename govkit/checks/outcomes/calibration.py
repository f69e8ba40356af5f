"""Calibration: do stated probabilities match observed frequencies?

Fine-tuning often makes a model more certain than it is right, at unchanged accuracy (Guo et al. 2017, "On calibration
of modern neural networks"). Binning understates the error, since gaps of both signs inside a bin cancel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pydantic import PositiveInt

from govkit import stats
from govkit.checks._shared import (
    MODELS,
    answers,
    measured,
    missing,
    no_probabilities,
    parts_of,
    stated,
    unrivaled,
)
from govkit.core import Case, Dataset, Finding, Metric, Of, Predictions, Role, check
from govkit.core.case import Array

METRICS = {
    "calibration_error": Metric(
        "Root mean square distance between stated probability and observed frequency, debiased: of the positive class, "
        "with more than two classes of the answer given.",
        better="lower",
        low=0,
        high=1,
    ),
    "ece": Metric(
        "Mean distance between stated probability and observed frequency in bins of equal width; too large on few "
        "rows, kept to compare with published values.",
        better="lower",
        low=0,
        high=1,
    ),
    "brier": Metric(
        "Mean squared distance between stated probabilities and the true class.", better="lower", low=0, high=2
    ),
    "consistency_p": Metric(
        "Chance of deviations as large as these, if the stated probabilities were right.",
        better="higher",
        unit="probability",
        low=0,
        high=1,
    ),
    "mean_gap": Metric(
        "Mean stated probability less observed share; with more than two classes above 0 is overconfident.",
        low=-1,
        high=1,
    ),
    "calibration_error_change": Metric(
        "Calibration error on the shifted data less that on the test data.", better="lower", low=-1, high=1
    ),
    "bin_confidence": Metric("Mean stated probability of the rows in a bin.", low=0, high=1),
    "bin_observed": Metric("Share of the rows in a bin where it came true.", low=0, high=1),
}
FEWEST = 20
"""Rows below which a calibration error says nothing: it is a gap, of all rows as of a group."""

DRAWS = 199
"""Redrawn outcomes of the consistency test."""

ROLES: tuple[Role, ...] = ("test", "shifted")


@dataclass(frozen=True)
class Stated:
    """One model's certainty on some rows.

    Attributes:
        of: The model.
        data: The data set.
        confidence: Stated probability, ``(n,)``: of the positive class, with more than two classes of the answer given.
        correct: Whether it came true, truths ``(n,)``.
        squares: Brier score of each row, ``(n,)``; as in scikit-learn, 0 to 1 with two classes and else 0 to 2.
        most: Largest Brier score that a row can have.
    """

    of: Of
    data: Dataset
    confidence: Array
    correct: Array
    squares: Array
    most: float

    def among(self, rows: Array) -> Stated:
        """The same on some of the rows."""
        return replace(self, confidence=self.confidence[rows], correct=self.correct[rows], squares=self.squares[rows])


@check(
    "calibration",
    crosswalk="check.calibration",
    metrics=METRICS,
    needs={"probabilities"},
    reads=tuple((of, role) for of in MODELS for role in ROLES),
)
def calibration(case: Case, *, bins: PositiveInt = 15) -> Iterator[Finding]:
    """Calibration of stated probabilities: error, test, Brier score, direction, groups, and the change under shift.

    Of the candidate, the base and the incumbent, with paired differences of the calibration error; the reliability
    diagrams of candidate and base. ``bins`` is the number of bins of ``ece`` and of the diagram; the calibration error
    chooses its own bins of equal mass. The p-value's bounds are those of its random draws.

    References:
        Kumar, Liang and Ma 2019 (debiased error); Naeini 2015 (ece); Brier 1950; Broecker and Smith 2007 (consistency
        resampling).
    """
    models = {role: dict(_models(case, role)) for role in ROLES if role in case.data}
    for role, given in models.items():
        for of in (of for of in answers(case, role) if of not in given):
            names = ("calibration_error", "ece", "brier", "consistency_p", "mean_gap")
            yield from no_probabilities(of, names if role == "test" else ("calibration_error_change",), case.data[role])
    test = models["test"]
    for one in test.values():
        yield from _whole(one, bins, case.seed)
        yield from _groups(one)
    for of in (of for of in ("candidate", "base") if of in test):
        yield from _diagram(test[of], bins)
    yield from _paired(case, test)
    yield from _changes(test, models.get("shifted"), bins=bins, seed=case.seed)


def _models(case: Case, role: Role) -> Iterator[tuple[Of, Stated]]:
    for of, given in answers(case, role).items():
        if given.probabilities is not None:
            yield of, _stated(of, case.data[role], given, positive=case.positive)


def _stated(of: Of, data: Dataset, given: Predictions, *, positive: int) -> Stated:
    import numpy as np

    probabilities: Array = given.probabilities
    rows, classes = np.arange(len(data)), probabilities.shape[1]
    # With two classes the answer's probability would fold both tails into one and hide gaps of opposite signs.
    asked = np.full(len(data), positive) if classes == 2 else given.labels
    most = 1.0 if classes == 2 else 2.0
    # Stored probabilities may miss 0, 1 and their sum by a last digit.
    away = probabilities - (np.arange(classes) == data.labels[:, None])
    squares = np.minimum((away**2).sum(axis=1) * most / 2, most)
    confidence = np.clip(probabilities[rows, asked], 0, 1)
    return Stated(of, data, confidence, asked == data.labels, squares, most)


def _whole(one: Stated, bins: int, seed: int) -> Iterator[Finding]:
    if len(one.confidence) < 2:
        for name in ("calibration_error", "ece", "brier", "consistency_p", "mean_gap"):
            yield missing(name, "too few rows", "It needs two rows.", data=one.data, of=one.of)
        return
    yield _error(one)
    yield stated("ece", stats.ece(one.confidence, one.correct, bins), len(one.correct), one.data, of=one.of)
    yield measured("brier", stats.mean(one.squares, low=0.0, high=one.most), one.data, of=one.of)
    gap = stats.mean(one.confidence - one.correct, low=-1.0, high=1.0)
    yield measured("mean_gap", gap, one.data, of=one.of)
    yield _consistency(one, seed)


def _consistency(one: Stated, seed: int) -> Finding:
    p = stats.consistency_test(one.confidence, one.correct, seed, DRAWS)
    # Of the draws, so many went at least as far as the data did: a share, known as well as a share of that many is.
    drawn = stats.proportion(round(p * (DRAWS + 1)) - 1, DRAWS)
    estimate = replace(drawn, value=p, n=len(one.correct))
    return measured("consistency_p", estimate, one.data, of=one.of, seed=str(seed))


def _error(one: Stated, part: dict[str, str] | None = None) -> Finding:
    name, n = "calibration_error", len(one.correct)
    if n < FEWEST:
        whose = "This group has" if part else "The data have"
        detail = f"{whose} {_rows(n)}; a calibration error needs {FEWEST}."
        return missing(name, "too few rows", detail, data=one.data, of=one.of, part=part or {})
    return measured(name, stats.calibration(one.confidence, one.correct), one.data, of=one.of, part=part or {})


def _rows(n: int) -> str:
    return "1 row" if n == 1 else f"{n} rows"


def _groups(one: Stated) -> Iterator[Finding]:
    for part, rows in parts_of(one.data):
        yield _error(one.among(rows), part)


def _diagram(one: Stated, bins: int) -> Iterator[Finding]:
    for point in stats.reliability_bins(one.confidence, one.correct, bins):
        part = {"bin": point.label}
        yield stated("bin_confidence", point.confidence, point.n, one.data, of=one.of, part=part)
        yield measured("bin_observed", point.observed, one.data, of=one.of, part=part)


def _paired(case: Case, models: dict[Of, Stated]) -> Iterator[Finding]:
    """Calibration error of the candidate less that of base and incumbent, on the same rows."""
    name, data = "calibration_error", case.data["test"]
    for of in MODELS[1:]:
        one, two = models["candidate"], models.get(of)
        if case.predictions(of) is None:
            yield from unrivaled(of, (name,), data)
        elif two is not None and len(one.correct) < FEWEST:
            detail = f"The data have {_rows(len(one.correct))}; a difference of calibration errors needs {FEWEST}."
            yield missing(name, "too few rows", detail, data=data, compared_with=of)
        elif two is not None:
            estimate = stats.calibration_difference(
                one.confidence, one.correct, two.confidence, two.correct, paired=True, seed=case.seed
            )
            yield measured(name, estimate, data, compared_with=of, seed=str(case.seed))


def _changes(test: dict[Of, Stated], shifted: dict[Of, Stated] | None, *, bins: int, seed: int) -> Iterator[Finding]:
    """Calibration error on the shifted rows, and less that on the test rows."""
    if shifted is None:
        detail = "There are no shifted data (data.shifted in the audit file)."
        yield missing("calibration_error_change", "no data", detail)
        return
    for of in (of for of in shifted if of in test):
        after, before = shifted[of], test[of]
        yield _error(after)
        if len(after.correct) >= 2:
            ece = stats.ece(after.confidence, after.correct, bins)
            yield stated("ece", ece, len(after.correct), after.data, of=of)
        if min(len(after.correct), len(before.correct)) < FEWEST:
            detail = f"The data sets have {_rows(len(before.correct))} and {_rows(len(after.correct))}; "
            detail += f"a change of the calibration error needs {FEWEST} in each."
            yield missing("calibration_error_change", "too few rows", detail, data=after.data, of=of)
            continue
        estimate = stats.calibration_difference(
            after.confidence, after.correct, before.confidence, before.correct, paired=False, seed=seed
        )
        yield measured("calibration_error_change", estimate, after.data, of=of, seed=str(seed))
