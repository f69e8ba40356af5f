from __future__ import annotations

import numpy as np
import pytest
from case_fixture import bound, gaps, make_case, pick, run_check

from govkit.checks.outcomes.flips import flips

LABELS = np.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0])
OLD = np.array([1, 1, 1, 1, 0, 0, 0, 0, 1, 1])  # wrong in rows 4, 8 and 9
NEW = np.array([1, 1, 1, 0, 1, 0, 0, 0, 0, 1])  # wrong in rows 3 and 9


def test_flips_are_counted_over_all_rows():
    found = run_check(flips, make_case(LABELS, NEW, base=OLD))
    negative, positive = pick(found, "negative_flip_rate_vs_base"), pick(found, "positive_flip_rate_vs_base")
    assert (negative.value, negative.n, negative.better) == (0.1, 10, "lower")
    assert (positive.value, positive.n, positive.better) == (0.2, 10, "higher")
    # Clopper-Pearson of 1 in 10 at 0.95, from its tables.
    assert bound(negative, 0.95) == pytest.approx((0.0051, 0.3942), abs=1e-4)


def test_the_p_value_is_that_of_an_exact_coin_toss():
    found = run_check(flips, make_case(LABELS, NEW, base=OLD))
    p = pick(found, "mcnemar_p", compared_with="base")
    assert p.value == pytest.approx(1.0)  # 1 against 2: nothing is more even
    assert p.bounds == ()
    six = run_check(flips, make_case(np.ones(6, int), np.ones(6, int), base=np.zeros(6, int)))
    assert pick(six, "mcnemar_p", compared_with="base").value == pytest.approx(2 * 0.5**6)


def test_each_group_has_its_flips():
    groups = {"sex": ["f"] * 5 + ["m"] * 5}
    found = run_check(flips, make_case(LABELS, NEW, base=OLD, groups=groups))
    assert pick(found, "negative_flip_rate_vs_base", part={"sex": "f"}).value == 0.2
    assert pick(found, "negative_flip_rate_vs_base", part={"sex": "m"}).value == 0.0
    assert pick(found, "positive_flip_rate_vs_base", part={"sex": "m"}).n == 5


def test_base_and_incumbent_are_told_apart():
    found = run_check(flips, make_case(LABELS, NEW, base=OLD, incumbent=LABELS))
    assert pick(found, "negative_flip_rate_vs_incumbent").value == 0.2
    assert pick(found, "positive_flip_rate_vs_incumbent").value == 0.0
    assert pick(found, "mcnemar_p", compared_with="incumbent").value == pytest.approx(0.5)


def test_the_excess_is_the_negative_covariance_of_being_right():
    found = run_check(flips, make_case(LABELS, NEW, incumbent=OLD))
    # One row lost; 7 of 10 were right and 2 of 10 are wrong now, so unrelated errors would lose 0.14.
    excess = pick(found, "excess_flips_vs_incumbent")
    assert excess.value == pytest.approx(0.1 - 0.7 * 0.2)
    assert excess.value == pytest.approx(-np.cov(OLD == LABELS, NEW == LABELS, bias=True)[0, 1])
    assert excess.better == "lower"


def test_a_model_that_is_wrong_just_where_the_other_was_right_has_an_excess_and_an_independent_one_has_not():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 3000)
    old = np.where(rng.random(3000) < 0.8, labels, 1 - labels)
    swapped = np.where((old == labels) & (rng.random(3000) < 0.25), 1 - labels, labels)
    apart = np.where(rng.random(3000) < 0.8, labels, 1 - labels)
    ends = {
        name: bound(pick(run_check(flips, make_case(labels, new, incumbent=old)), "excess_flips_vs_incumbent"), 0.999)
        for name, new in (("swapped", swapped), ("apart", apart))
    }
    assert ends["swapped"][0] > 0.02
    assert ends["apart"][0] < 0.0 < ends["apart"][1] < 0.02


@pytest.mark.parametrize("rival", ["base", "incumbent"])
def test_a_missing_rival_is_a_gap_for_each_of_its_metrics(rival):
    other = {"base": "incumbent", "incumbent": "base"}[rival]
    missing = gaps(run_check(flips, make_case(LABELS, NEW, **{other: OLD})))
    assert missing.keys() == {
        (f"negative_flip_rate_vs_{rival}", "candidate", None),
        (f"positive_flip_rate_vs_{rival}", "candidate", None),
        (f"excess_flips_vs_{rival}", "candidate", None),
        ("mcnemar_p", "candidate", rival),
    }
    assert {gap.reason for gap in missing.values()} == {"no data"}


def test_power_three_percent_of_broken_rows_are_found_and_a_faithful_model_is_not_accused():
    found = false_alarms = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, 2, 3000)
        old = np.where(rng.random(3000) < 0.9, labels, 1 - labels)
        broken = np.where(rng.random(3000) < 0.05, 1 - old, old)
        faithful = np.where(rng.random(3000) < 0.01, 1 - old, old)
        for new, limit in ((broken, 0.02), (faithful, 0.02)):
            rate = pick(run_check(flips, make_case(labels, new, base=old)), "negative_flip_rate_vs_base")
            beyond = bound(rate, 0.999)[0] > limit
            found += beyond and new is broken
            false_alarms += beyond and new is faithful
    assert found == 20
    assert false_alarms == 0
