"""The American Community Survey of Massachusetts, 2015 to 2018: what moved, and what a shipped model loses by it."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from case_fixture import make_case, pick, run_check
from rows_fixture import measurements, read_case, run

from govkit.checks.data.label_free import label_free_accuracy
from govkit.core import Gap

pytestmark = pytest.mark.carrier

INPUTS = ("AGEP", "SCHL", "MAR", "RELP", "ESP", "CIT", "MIG", "MIL", "ANC", "NATIVITY", "DEAR", "DEYE", "DREM")
GROUPS = ("SEX", "RAC1P", "DIS")
PARTS = ("SEX", "RAC1P", "DIS", "NATIVITY", "MAR", "decade")
"""Columns whose values with 100 rows or more are 26 parts of 2018; decades of age up to 90 and more."""


@pytest.fixture(scope="module")
def census():
    """Year -> rows."""
    folder = Path(str(distribution("nannyml").locate_file("nannyml/datasets/data")))
    later = pd.read_parquet(folder / "employment_MA_analysis.pq")
    later = later.merge(pd.read_parquet(folder / "employment_MA_analysis_target.pq"), on="id")
    rows = pd.concat([pd.read_parquet(folder / "employment_MA_reference.pq"), later])
    return dict(list(rows.assign(decade=(rows["AGEP"] // 10).clip(upper=9).astype(int)).groupby("year")))


def estimates(census, year, *, labels=None):
    """Findings for a later year, calibrated on 2015."""
    first, later = census[2015], census[year]
    shifted = {
        "labels": later["employed"] if labels is None else labels,
        "probs": later["predicted_probability"].to_numpy(),
        "groups": {name: later[name].astype(str).to_numpy() for name in PARTS},
    }
    case = make_case(first["employed"], first["predicted_probability"].to_numpy(), shifted=shifted)
    return run_check(label_free_accuracy, case)


@pytest.fixture(scope="module")
def found(census):
    return {year: estimates(census, year) for year in (2016, 2017, 2018)}


@pytest.mark.parametrize(("year", "error"), [(2016, 0.0016), (2017, -0.0013), (2018, -0.0011)])
def test_the_estimate_is_within_a_point_of_the_truth_every_year(found, year, error):
    assert pick(found[year], "estimate_error", role="shifted").value == pytest.approx(error, abs=3e-4)


def test_of_26_parts_four_in_five_are_within_a_point_and_the_unchanged_figure_is_not(census, found):
    errors = {next(iter(item.part.items())): item.value for item in measurements(found[2018], "estimate_error")
              if item.part}  # fmt: skip
    assert len(errors) == 26
    assert sum(abs(error) <= 0.01 for error in errors.values()) >= 21
    assert np.mean(np.abs([*errors.values()])) < 0.008
    first, last = (rows.assign(right=rows["prediction"] == rows["employed"]) for rows in (census[2015], census[2018]))
    unchanged = {
        (name, value): first["right"].mean() - last["right"][last[name].astype(str) == value].mean()
        for name, value in errors
    }
    assert sum(abs(error) <= 0.01 for error in unchanged.values()) <= 10
    assert np.mean(np.abs([*unchanged.values()])) > 0.03
    assert unchanged["decade", "6"] > 0.14
    assert abs(errors["decade", "6"]) < 0.005
    small = {next(iter(item.part.items())) for item in found[2018] if isinstance(item, Gap)}
    assert small == {("RAC1P", value) for value in "3457"}


def test_flipped_labels_leave_the_estimate_unmoved(census, found):
    labels = census[2018]["employed"].to_numpy()
    flipped = np.where(np.random.default_rng(0).random(labels.size) < 0.05, 1 - labels, labels)
    after = estimates(census, 2018, labels=flipped)
    before, now = (pick(each, "estimated_accuracy", role="shifted").value for each in (found[2018], after))
    assert now == before
    assert pick(after, "estimate_error", role="shifted").value == pytest.approx(0.032, abs=0.002)


def test_the_columns_that_moved_stand_in_the_order_of_their_distances(census):
    def table(rows):
        return {name: rows[name].astype(float if name == "AGEP" else str).tolist() for name in (*INPUTS, *GROUPS)}

    tables = {
        role: table(census[year]) | {"label": census[year]["employed"].astype(str).tolist()}
        for role, year in (("test", 2015), ("shifted", 2018))
    }
    columns = {"input": INPUTS, "label": "label", "groups": GROUPS}
    found = run("drift", read_case(tables, columns=columns, modality="table", classes=("0", "1")))
    moved = [item for name in ("wasserstein", "total_variation") for item in measurements(found, name)]
    moved = sorted(moved, key=lambda item: -item.value)
    assert len(moved) == 16
    assert [item.part["column"] for item in moved[:4]] == ["ANC", "SCHL", "AGEP", "MIL"]
    surely = [item for item in moved if next(bound.low for bound in item.bounds if bound.level == 0.99) > 0]
    assert surely == moved[:4]
    assert all(item.value == 0 for item in measurements(found, "new_category_rate"))
    (told,) = measurements(found, "two_sample_auc")
    assert 0.5 < next(bound.low for bound in told.bounds if bound.level == 0.95) < told.value < 0.55
