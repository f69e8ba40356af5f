from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from case_fixture import gaps, make_case, pick, run_check

from govkit.checks.outcomes.individual_fairness import indices, individual_fairness, nearest

# Two clusters of three rows on a line, far apart, and the answers to them.
PLACES = pd.DataFrame({"x": [0.0, 1.0, 2.0, 100.0, 101.0, 102.0], "name": list("abcdef")})
LABELS = np.array([1, 1, 0, 0, 0, 1])
ANSWERS = np.array([1, 1, 0, 0, 0, 0])


def with_inputs(case, inputs, **fields):
    return replace(case, data={"test": replace(case.data["test"], inputs=inputs)}, **fields)


@pytest.fixture(scope="module")
def found():
    case = make_case(LABELS, ANSWERS, base=LABELS, groups={"g": list("uuuvvv")})
    return run_check(individual_fairness, with_inputs(case, PLACES), neighbors=3)


def test_consistency_by_hand(found):
    """In the first cluster the mean answer is 2/3: distances 1/3, 1/3, 2/3; in the second all are alike."""
    assert pick(found, "consistency").value == pytest.approx(1 - (4 / 3) / 6)
    # The labels of the second cluster are 0, 0, 1.
    assert pick(found, "consistency", of="labels").value == pytest.approx(1 - (8 / 3) / 6)
    assert pick(found, "consistency", of="base").value == pick(found, "consistency", of="labels").value
    assert (pick(found, "consistency").n, pick(found, "consistency").bounds) == (6, ())


def test_indices_by_hand(found):
    """One row of six lost what was due: benefits 1, 1, 1, 1, 1, 0 with mean 5/6."""
    shares = np.array([1.2] * 5 + [0.0])
    assert pick(found, "generalized_entropy_index").value == pytest.approx(np.mean(shares**2 - 1) / 2)
    assert pick(found, "theil_index").value == pytest.approx(5 / 6 * 1.2 * np.log(1.2))
    assert pick(found, "coefficient_of_variation").value == pytest.approx(np.std(shares))
    # The base answers as the labels say: everybody has 1.
    assert pick(found, "theil_index", of="base").value == 0.0


def test_between_groups_by_hand(found):
    """Means 1 and 2/3: shares 1.2 and 0.8 of the mean benefit."""
    for group in ("u", "v", "*"):
        part = {"g": group}
        value = pick(found, "between_group_generalized_entropy_index", part=part).value
        assert value == pytest.approx((1.2**2 + 0.8**2 - 2) / 4)
        assert pick(found, "between_group_coefficient_of_variation", part=part).value == pytest.approx(0.2)
        assert pick(found, "between_group_theil_index", part=part).interval is None


def test_without_a_table_the_features_of_the_base_tell_who_is_near():
    case = make_case(LABELS, ANSWERS)
    features = PLACES[["x"]].to_numpy(dtype=np.float32)
    found = run_check(individual_fairness, replace(case, embed=lambda _role: features), neighbors=3)
    assert pick(found, "consistency").value == pytest.approx(1 - (4 / 3) / 6)


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        (None, "no data"),
        (["a text"] * 6, "no data"),
        (PLACES[["name"]], "no data"),
        (pd.DataFrame({"x": [1.0, 2.0, np.nan, np.nan, np.nan, np.nan]}), "too few rows"),
    ],
)
def test_consistency_without_neighbors_is_a_gap_and_the_indices_stay(inputs, reason):
    found = run_check(individual_fairness, with_inputs(make_case(LABELS, ANSWERS), inputs), neighbors=3)
    assert gaps(found)["consistency", "candidate", None].reason == reason
    pick(found, "theil_index")


def test_where_nobody_has_a_benefit_the_indices_are_gaps():
    found = run_check(individual_fairness, make_case([1, 1, 1], [0, 0, 0], groups={"g": ["a", "b", "b"]}))
    assert {gap.reason for gap in gaps(found).values() if gap.name != "consistency"} == {"too few rows"}
    assert not [item for item in found if item.kind == "measurement"]


def test_one_group_alone_has_no_indices_between_groups():
    found = run_check(individual_fairness, make_case(LABELS, ANSWERS, groups={"g": ["a"] * 6}))
    between = [item for item in found if item.name.startswith("between_group_")]
    assert {(item.kind, item.reason) for item in between} == {("gap", "too few rows")}


def test_a_sample_is_drawn_with_the_seed_and_said_so():
    rng = np.random.default_rng(0)
    labels, answers = rng.integers(0, 2, (2, 500))
    case = with_inputs(make_case(labels, answers, seed=3), pd.DataFrame({"x": rng.random(500)}))
    one, two = (run_check(individual_fairness, case, sample=100) for _ in range(2))
    assert one == two
    drawn = pick(one, "consistency")
    assert (drawn.n, drawn.seed) == (100, "3")


def test_indices_grow_with_inequality_and_split_into_within_and_between():
    """Generalized entropy of alpha 2 is the part between the groups plus that within them (Speicher et al. 2018)."""
    counts = np.array([[5, 3, 2, 7], [9, 1, 4, 2]])
    benefits = np.array([1.0, 0.0, 2.0, 1.0])
    rows, means = counts.sum(axis=1), counts @ benefits / counts.sum(axis=1)
    whole = indices(benefits, counts.sum(axis=0))["generalized_entropy_index"]
    between = indices(means, rows)["generalized_entropy_index"]
    mean = (rows * means).sum() / rows.sum()
    own = indices(benefits, counts)["generalized_entropy_index"]
    within = (rows / rows.sum() * (means / mean) ** 2 * own).sum()
    assert whole == pytest.approx(between + within)
    even, uneven = indices(benefits, np.array([[10, 0, 0, 0], [5, 1, 1, 3]]))["theil_index"]
    assert even == 0 < uneven


def test_the_interval_of_an_index_covers_it_nineteen_times_of_twenty():
    rng = np.random.default_rng(1)
    shares = np.array([0.3, 0.1, 0.1, 0.5])
    truth = indices(np.array([1.0, 0.0, 2.0, 1.0]), shares)["theil_index"]
    held = 0
    for seed in range(200):
        cells = rng.choice(4, 300, p=shares)
        labels, answers = (cells < 2).astype(int), (cells % 2 == 0).astype(int)
        found = run_check(individual_fairness, make_case(labels, answers, seed=seed))
        interval = pick(found, "theil_index").interval
        held += interval.low <= truth <= interval.high
    assert 181 <= held <= 199


def test_power_answers_by_a_coin_among_like_rows_are_found_and_answers_by_rule_are_not_accused():
    rng = np.random.default_rng(2)
    places = rng.random(1000)
    rule, coin = (places > 0.5).astype(int), rng.integers(0, 2, 1000)
    case = with_inputs(make_case(rule, rule, base=coin), pd.DataFrame({"x": places}))
    found = run_check(individual_fairness, case)
    assert pick(found, "consistency").value > 0.99
    assert pick(found, "consistency", of="base").value < 0.7


def test_neighbors_in_many_columns_are_those_of_the_tree():
    rows = np.random.default_rng(3).normal(size=(120, 80))
    distance = ((rows[:, None] - rows[None]) ** 2).sum(axis=2)
    assert (np.sort(nearest(rows, 4)) == np.sort(np.argsort(distance)[:, :4])).all()
    assert (np.sort(nearest(rows[:, :5], 1)).ravel() == np.arange(120)).all()
