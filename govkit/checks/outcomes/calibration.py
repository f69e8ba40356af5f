"""Calibration: do stated probabilities match observed frequencies?

Fine-tuning often makes a model more certain than it is right, at unchanged accuracy (Guo et al. 2017, "On calibration
of modern neural networks"). Binning understates the error, since gaps of both signs inside a bin cancel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from pydantic import PositiveInt

from govkit import stats
from govkit.checks._certainty import Certainty, certainties
from govkit.checks._clusters import clusters_in
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
from govkit.core import Case, Finding, Metric, Of, Role, check
from govkit.lazy import np

METRICS = {
    "calibration_error": Metric.share(
        "Root mean square distance between stated probability and observed frequency, debiased: of the positive class, "
        "with more than two classes of the answer given.",
        better="lower",
    ),
    "ece": Metric.share(
        "Mean distance between stated probability and observed frequency in bins of equal width; too large on few "
        "rows, kept to compare with published values.",
        better="lower",
    ),
    "smooth_calibration_error": Metric.share(
        "Mean distance between stated probability and observed frequency, smoothed instead of binned; too large on few "
        "rows.",
        better="lower",
    ),
    "cumulated_gap": Metric.share(
        "Largest cumulated gap between stated probability and what happened, rows in the order of the probability, as "
        "a share of all rows.",
        better="lower",
    ),
    "class_calibration_error": Metric.share(
        "Calibration error of the probability stated for one class, with more than two classes; without a class the "
        "root mean square over them.",
        better="lower",
    ),
    "brier": Metric(
        "Mean squared distance between stated probabilities and the true class.", better="lower", low=0, high=2
    ),
    "consistency_p": Metric.share(
        "Chance of deviations as large as these, if the stated probabilities were right.",
        better="higher",
        unit="probability",
    ),
    "consistency_p_adjusted": Metric.share(
        "Chance of deviations as large as these in a group, adjusted for the number of groups (Holm).",
        better="higher",
        unit="probability",
    ),
    "mean_gap": Metric.difference(
        "Mean stated probability less observed share; with more than two classes above 0 is overconfident."
    ),
    "calibration_error_change": Metric.difference(
        "Calibration error on the shifted data less that on the test data.", better="lower"
    ),
    "bin_confidence": Metric.share("Mean stated probability of the rows in a bin."),
    "bin_observed": Metric.share("Share of the rows in a bin where it came true."),
    "smooth_observed": Metric.share("Share that came true around a stated probability, smoothed."),
}
WHOLE = ("calibration_error", "ece", "smooth_calibration_error", "cumulated_gap", "brier", "mean_gap", "consistency_p")
"""What is measured on all rows of every data set."""

FEWEST = 20
"""Rows below which a calibration error says nothing: it is a gap, of all rows as of a group."""

DRAWS = 199
"""Redrawn outcomes of the consistency test on all rows."""

MOST_DRAWS = 999
"""And at most in a group: adjusted for up to 49 groups, a p-value can still fall below 0.05."""

ROLES: tuple[Role, ...] = ("test", "shifted")


@check(
    "calibration",
    crosswalk="check.calibration",
    metrics=METRICS,
    needs={"probabilities"},
    reads=tuple((of, role) for of in MODELS for role in ROLES),
)
def calibration(case: Case, *, bins: PositiveInt = 15) -> Iterator[Finding]:
    """Calibration of stated probabilities: error, test, Brier score, direction, groups, and the change under shift.

    Of the candidate, the base and the incumbent, with paired differences of the calibration error and the Brier score;
    the reliability diagrams of candidate and base, in bins and smooth. ``bins`` is the number of bins of ``ece`` and of
    the diagram; the calibration error chooses its own bins of equal mass. The p-value's bounds are those of its random
    draws. With more than two classes all is about the answer given, but for the errors of each class.

    References:
        Kumar, Liang and Ma 2019 (debiased error, and over the classes: marginal); Naeini 2015 (ece); Blasiok and
        Nakkiran 2023 (smooth error and diagram); Brier 1950; Broecker and Smith 2007 (consistency resampling); Gupta
        2021 (cumulated gap).
    """
    models = {role: dict(certainties(case, role)) for role in ROLES if role in case.data}
    for role, given in models.items():
        for of in (of for of in answers(case, role) if of not in given):
            changes = () if role == "test" else ("calibration_error_change",)
            yield from no_probabilities(of, WHOLE + changes, case.data[role])
        for one in given.values():
            yield from _whole(one, bins, case.seed)
    test = models["test"]
    for one in test.values():
        yield from _groups(one, case.seed)
    for of in (of for of in ("candidate", "base") if of in test):
        yield from _diagram(test[of], bins, case.seed)
        yield from _classes(case, of)
    yield from _paired(case, test)
    yield from _changes(test, models.get("shifted"), case.seed)


def _whole(one: Certainty, bins: int, seed: int) -> Iterator[Finding]:
    n = len(one.confidence)
    if n < 2:
        for name in WHOLE:
            yield missing(name, "too few rows", "It needs two rows.", data=one.data, of=one.of)
        return
    yield _error(one)
    for name, value in (
        ("ece", stats.ece(one.confidence, one.correct, bins)),
        ("smooth_calibration_error", stats.smooth_calibration_error(one.confidence, one.correct)),
        ("cumulated_gap", stats.cumulated_gap(one.confidence, one.correct)),
    ):
        yield stated(name, value, n, one.data, of=one.of)
    brier = stats.mean(one.squares, low=0.0, high=one.most, clusters=clusters_in(one.data))
    yield measured("brier", brier, one.data, of=one.of)
    yield _mean_gap(one)
    yield _consistency(one, seed)


def _consistency(one: Certainty, seed: int) -> Finding:
    if len(one.correct) < FEWEST:
        detail = f"The data have {_rows(len(one.correct))}; a test of calibration needs {FEWEST}."
        return missing("consistency_p", "too few rows", detail, data=one.data, of=one.of)
    p = stats.consistency_test(one.confidence, one.correct, seed, DRAWS)
    # Of the draws, so many went at least as far as the data did: a share, known as well as a share of that many is.
    drawn = stats.proportion(round(p * (DRAWS + 1)) - 1, DRAWS)
    estimate = replace(drawn, value=p, n=len(one.correct))
    return measured("consistency_p", estimate, one.data, of=one.of, seed=str(seed))


def _mean_gap(one: Certainty, part: dict[str, str] | None = None) -> Finding:
    if len(one.confidence) < 2:
        detail = "A mean with bounds needs two rows."
        return missing("mean_gap", "too few rows", detail, data=one.data, of=one.of, part=part or {})
    estimate = stats.mean(one.confidence - one.correct, low=-1.0, high=1.0)
    return measured("mean_gap", estimate, one.data, of=one.of, part=part or {})


def _error(one: Certainty, part: dict[str, str] | None = None) -> Finding:
    name, n = "calibration_error", len(one.correct)
    if n < FEWEST:
        whose = "This group has" if part else "The data have"
        detail = f"{whose} {_rows(n)}; a calibration error needs {FEWEST}."
        return missing(name, "too few rows", detail, data=one.data, of=one.of, part=part or {})
    return measured(name, stats.calibration(one.confidence, one.correct), one.data, of=one.of, part=part or {})


def _rows(n: int) -> str:
    return "1 row" if n == 1 else f"{n} rows"


def _groups(one: Certainty, seed: int) -> Iterator[Finding]:
    """Error and direction in each group and declared part; of candidate and base also the test, adjusted by column."""
    for _, found in groupby(parts_of(one.data), key=lambda found: tuple(found[0])):
        parts = [(part, one.among(rows)) for part, rows in found]
        for part, some in parts:
            yield _error(some, part)
            yield _mean_gap(some, part)
        if one.of == "incumbent":
            continue
        draws = min(max(DRAWS, 20 * len(parts) + 19), MOST_DRAWS)
        adjusted = stats.holm([stats.consistency_test(some.confidence, some.correct, seed, draws) for _, some in parts])
        for (part, some), p in zip(parts, adjusted.tolist(), strict=True):
            where = {"of": one.of, "part": part, "seed": str(seed)}
            yield stated("consistency_p_adjusted", p, len(some.correct), one.data, **where)


def _diagram(one: Certainty, bins: int, seed: int) -> Iterator[Finding]:
    for point in stats.reliability_bins(one.confidence, one.correct, bins):
        part = {"bin": point.label}
        yield stated("bin_confidence", point.confidence, point.n, one.data, of=one.of, part=part)
        yield measured("bin_observed", point.observed, one.data, of=one.of, part=part)
    for place in stats.smooth_diagram(one.confidence, one.correct, seed):
        where = {"of": one.of, "part": {"bin": f"{place.confidence:.2f}"}, "seed": str(seed)}
        yield stated("smooth_observed", place.observed, place.n, one.data, interval=place.band, **where)


def _classes(case: Case, of: Of) -> Iterator[Finding]:
    """Calibration error of the probability of each of more than two classes, and the root mean square over them."""
    name, data, given = "class_calibration_error", case.data["test"], case.predictions(of)
    if given is None or given.probabilities is None or len(case.classes) == 2:
        return
    if len(data) < FEWEST:
        detail = f"The data have {_rows(len(data))}; a calibration error needs {FEWEST}."
        yield missing(name, "too few rows", detail, data=data, of=of)
        return
    values = []
    for index, label in enumerate(case.classes):
        estimate = stats.calibration(np.clip(given.probabilities[:, index], 0, 1), data.labels == index)
        values.append(estimate.value)
        yield measured(name, estimate, data, of=of, part={"class": label})
    yield stated(name, float(np.sqrt(np.mean(np.square(values)))), len(data), data, of=of)


def _paired(case: Case, models: dict[Of, Certainty]) -> Iterator[Finding]:
    """Calibration error and Brier score of the candidate less those of base and incumbent, on the same rows."""
    one, data = models["candidate"], case.data["test"]
    for of in MODELS[1:]:
        two = models.get(of)
        if case.predictions(of) is None:
            yield from unrivaled(of, ("calibration_error", "brier"), data)
        elif two is not None:
            yield _error_difference(one, two, case.seed)
            yield _brier_difference(one, two)


def _error_difference(one: Certainty, two: Certainty, seed: int) -> Finding:
    name, n = "calibration_error", len(one.correct)
    if n < FEWEST:
        detail = f"The data have {_rows(n)}; a difference of calibration errors needs {FEWEST}."
        return missing(name, "too few rows", detail, data=one.data, compared_with=two.of)
    sides = (one.confidence, one.correct, two.confidence, two.correct)
    estimate = stats.calibration_difference(*sides, paired=True, seed=seed)
    return measured(name, estimate, one.data, compared_with=two.of, seed=str(seed))


def _brier_difference(one: Certainty, two: Certainty) -> Finding:
    if len(one.squares) < 2:
        detail = "A mean with bounds needs two rows."
        return missing("brier", "too few rows", detail, data=one.data, compared_with=two.of)
    some = clusters_in(one.data)
    estimate = stats.mean_difference(one.squares, two.squares, low=-one.most, high=one.most, clusters=some)
    return measured("brier", estimate, one.data, compared_with=two.of)


def _changes(test: dict[Of, Certainty], shifted: dict[Of, Certainty] | None, seed: int) -> Iterator[Finding]:
    """Calibration error on the shifted rows less that on the test rows."""
    name = "calibration_error_change"
    if shifted is None:
        yield missing(name, "no data", "There are no shifted data (data.shifted in the audit file).")
        return
    for of in (of for of in shifted if of in test):
        after, before = shifted[of], test[of]
        if min(len(after.correct), len(before.correct)) < FEWEST:
            detail = f"The data sets have {_rows(len(before.correct))} and {_rows(len(after.correct))}; "
            detail += f"a change of the calibration error needs {FEWEST} in each."
            yield missing(name, "too few rows", detail, data=after.data, of=of)
            continue
        sides = (after.confidence, after.correct, before.confidence, before.correct)
        estimate = stats.calibration_difference(*sides, paired=False, seed=seed)
        yield measured(name, estimate, after.data, of=of, seed=str(seed))
