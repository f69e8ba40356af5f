"""Sequential tests: against scipy and exact sums; a short version of ``tests/bench/watch.py``."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from types import ModuleType

import numpy as np
import pytest
from benches import load_bench
from hypothesis import given, strategies as st
from scipy.stats import beta, betabinom, binom, norm, rankdata

from govkit.stats import (
    Look,
    MeanStream,
    RateStream,
    StreamState,
    category_looks,
    rank_bins,
    rank_shift,
    rank_variance,
    unseen_share,
)
from govkit.stats.days import _unlikelihood, possible_days, season_of, seasonal, spans_a_year
from govkit.stats.sequential import MEAN_GAPS, RATE_GAPS

MEAN = MeanStream(reference_rows=10_000, limit=0.1, day_sd=0.02, reference_days=60)
RATE = RateStream(reference_rows=10_000, reference_count=9000)


def wandering(rng: np.random.Generator, days: int, sd: float, correlation: float) -> np.ndarray:
    return load_bench("watch").wandering(rng, (days,), sd, correlation)


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    return load_bench("watch")


# The likelihood ratios.


def test_the_ratio_of_a_mean_is_that_of_two_normal_densities():
    edge = 0.1 + norm.isf(0.05 / 4) * math.sqrt(1 / 10_000 + 0.02**2 / 60)
    assert MEAN.boundary == pytest.approx(edge)
    sd = math.sqrt(1 / 500 + 0.02**2)
    up = [norm.logpdf(0.17, edge + gap, sd) - norm.logpdf(0.17, edge, sd) for gap in MEAN_GAPS]
    down = [norm.logpdf(0.17, -edge - gap, sd) - norm.logpdf(0.17, -edge, sd) for gap in MEAN_GAPS]
    assert MEAN.log_ratios(0.17, 500) == pytest.approx(np.array(up + down))


def test_the_ratio_of_a_count_is_that_of_two_binomial_chances():
    stream = dataclasses.replace(RATE, tolerance=0.02, direction="both", streams=4)
    low = beta.ppf(0.05 / 16, 9000, 1001) - 0.02
    high = beta.isf(0.05 / 16, 9001, 1000) + 0.02
    assert stream.nulls == pytest.approx((low, high))
    # There is no share 10 points above 0.92; instead 9 in 10 of what is missing to 1 are taken away.
    above = np.minimum(high + np.array(RATE_GAPS), 1 - (1 - high) / 10)
    down = [binom.logpmf(880, 1000, low - gap) - binom.logpmf(880, 1000, low) for gap in RATE_GAPS]
    up = [binom.logpmf(880, 1000, share) - binom.logpmf(880, 1000, high) for share in above]
    assert stream.log_ratios(880, 1000) == pytest.approx(np.array(down + up))


def test_with_a_day_effect_it_is_that_of_two_beta_binomial_chances():
    stream = dataclasses.replace(RATE, day_sd=0.02, reference_days=60)
    null = stream.nulls[0]
    assert null < RATE.nulls[0]
    size = null * (1 - null) / 0.02**2 - 1
    chances = [
        betabinom.logpmf(880, 1000, size * share, size * (1 - share))
        for share in (null, *(null - gap for gap in RATE_GAPS))
    ]
    assert stream.log_ratios(880, 1000) == pytest.approx(np.array(chances[1:]) - chances[0])


def test_a_tiny_day_effect_is_next_to_none():
    assert dataclasses.replace(RATE, day_sd=1e-7).log_ratios(880, 1000) == pytest.approx(
        RATE.log_ratios(880, 1000), abs=1e-3
    )


@pytest.mark.parametrize("direction", ["down", "up", "both"])
@pytest.mark.parametrize("day_sd", [0.0, 0.03])
@pytest.mark.parametrize("right", [0, 3, 90, 180, 200])
def test_without_a_change_no_ratio_is_above_1_on_average(right, day_sd, direction):
    """Exact sums: 1 at the ends of what counts as no change, less between them."""
    stream = RateStream(
        reference_rows=200, reference_count=right, day_sd=day_sd, reference_days=60, direction=direction, tolerance=0.01
    )
    low, high = stream.nulls
    first, last = (low if direction != "up" else 1e-9), (high if direction != "down" else 1 - 1e-9)
    k = np.arange(51)
    ratios = np.exp(stream.log_ratios(k, 50))
    for share in np.linspace(first, last, 7):
        null = low if direction == "down" else high
        size = max(null * (1 - null) / day_sd**2 - 1, 1) if day_sd else None
        chance = betabinom.pmf(k, 50, size * share, size * (1 - share)) if size else binom.pmf(k, 50, share)
        if direction == "both" and size:
            continue  # the two ends have two sizes
        assert np.all(chance @ ratios <= 1 + 1e-6)
        if share == {"down": first, "up": last}.get(direction):
            assert chance @ ratios == pytest.approx(np.ones(ratios.shape[1]), abs=1e-6)


@given(st.lists(st.integers(1, 40), min_size=2, max_size=30), st.floats(-30, 30))
def test_mid_ranks_of_an_unchanged_column_never_spread_more_than_a_normal_variable(counts, tilt):
    """The exponential moments of any reference, ties included, lie below those that the ratio assumes."""
    shares = np.array(counts) / sum(counts)
    ranks = np.array([rank_shift([each], np.arange(len(counts)), counts) for each in range(len(counts))])
    assert shares @ ranks == pytest.approx(0, abs=1e-9)
    assert shares @ ranks**2 == pytest.approx(rank_variance(counts))
    assert math.log(shares @ np.exp(tilt * ranks)) <= tilt**2 / 2 + 1e-9


# The evidence.


def test_the_evidence_of_every_path_of_looks_averages_to_the_share_of_the_year():
    """Each start day has weight 1/5 and ratios that average to 1, so after t of 5 looks the mean is t/5, exactly."""
    stream = RateStream(reference_rows=50, reference_count=40, looks_a_year=5)
    null, rows = stream.nulls[0], 3
    for looks in (1, 2, 3, 4):
        mean = 0.0
        for path in itertools.product(range(rows + 1), repeat=looks):
            state = stream.start()
            for right in path:
                state = stream.update(state, Look(right, rows))
            mean += state.evidence * math.prod(binom.pmf(path, rows, null))
        assert mean == pytest.approx(looks / 5)


def test_ville_at_the_worst_place_of_the_null(bench):
    """Looks exactly at the boundary: the bound is used up to the days that a change had no time to show in."""
    stream = MeanStream(reference_rows=10_000)
    rng = np.random.default_rng(0)
    looks = stream.boundary + rng.normal(size=(2000, bench.LOOKS)) / math.sqrt(bench.ROWS)
    alarms = np.mean(bench.first(bench.evidence(stream.log_ratios(looks, bench.ROWS)) >= math.log(2 / 0.05)) <= 365)
    assert 0 < alarms <= 0.025


def test_looks_one_by_one_say_the_same_as_all_at_once(bench):
    values = np.random.default_rng(0).normal(0.1, 0.03, size=20)
    state, path = MEAN.start(), []
    for value in values:
        state = MEAN.update(state, Look(value, 1000))
        path.append(state.log_evidence)
    assert path == pytest.approx(bench.evidence(MEAN.log_ratios(values, 1000)[None])[0])
    assert (state.looks, state.rows) == (20, 20_000)


def test_a_state_survives_a_file():
    state = MEAN.update(MEAN.start(), Look(0.3, 1000))
    for each in (state, MEAN.start()):
        loaded = StreamState(**json.loads(json.dumps(dataclasses.asdict(each), allow_nan=False)))
        assert loaded == each
        assert MEAN.update(loaded, Look(0.2, 500)) == MEAN.update(each, Look(0.2, 500))


def test_a_year_of_a_gross_change_overflows_nothing_and_a_new_year_forgets_it():
    state = MEAN.start()
    assert not state.alarm
    assert state.evidence == 0
    for _ in range(365):
        state = MEAN.update(state, Look(1.7, 10**9))
    assert state.alarm
    assert math.isfinite(state.log_evidence)
    assert state.evidence == pytest.approx(1e300)
    json.dumps(dataclasses.asdict(state), allow_nan=False)
    fresh = MEAN.update(state, Look(0.0, 1000))
    assert fresh.log_weights == MEAN.update(MEAN.start(), Look(0.0, 1000)).log_weights
    assert fresh.looks == 366


def test_more_streams_ask_for_more_evidence_and_a_wider_margin():
    many = dataclasses.replace(MEAN, streams=20)
    assert many.start().log_alarm == pytest.approx(math.log(20 * 2 / 0.05))
    assert many.boundary > MEAN.boundary


def test_a_look_without_rows_changes_nothing():
    state = RATE.update(RATE.start(), Look(880, 1000))
    assert RATE.update(state, Look(0, 0)) is state
    assert MEAN.update(MEAN.start(), Look(math.nan, 0)) == MEAN.start()


@pytest.mark.parametrize(
    ("stream", "look"),
    [(RATE, (11, 10)), (RATE, (-1, 10)), (RATE, (5.5, 10)), (MEAN, (math.nan, 10)), (MEAN, (0.0, -1))],
)
def test_an_impossible_look_is_refused(stream, look):
    with pytest.raises(ValueError, match="expected"):
        stream.update(stream.start(), Look(*look))


def test_the_state_of_another_stream_is_refused():
    with pytest.raises(ValueError, match="weighs"):
        RATE.update(MEAN.start(), Look(5, 10))


@pytest.mark.parametrize(
    "wrong",
    [
        {"alpha": 0.0},
        {"reference_rows": 0},
        {"day_sd": -1.0},
        {"day_sd": math.nan},
        {"streams": 0},
        {"looks_a_year": 0},
    ],
)
def test_an_impossible_stream_is_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        dataclasses.replace(MEAN, **wrong)
    with pytest.raises(ValueError, match="reference_count"):
        RateStream(reference_rows=10, reference_count=11)


# What a look shows.


def test_mid_ranks_are_those_of_scipy():
    reference = np.array([1.0, 1.0, 2.0, 5.0, 9.0])
    # Among all values, a reference value's own mid-rank is its rank less one half, over n.
    for value, rank in zip(reference, rankdata(reference), strict=True):
        assert rank_shift([value], reference) == pytest.approx(((rank - 0.5) / 5 - 0.5) * math.sqrt(12))
    assert rank_shift([0], reference) == pytest.approx(-math.sqrt(3))
    assert rank_shift([3, 10], reference) == pytest.approx(((0.6 + 1) / 2 - 0.5) * math.sqrt(12))


@pytest.mark.parametrize("form", [np.asarray, np.exp, np.round])
def test_a_stored_reference_says_nearly_what_all_its_values_say(form):
    rng = np.random.default_rng(0)
    reference, look = form(rng.normal(size=10_000)), form(rng.normal(0.3, 1, size=1000))
    edges, counts = rank_bins(reference)
    assert len(edges) == len(counts) <= 256
    assert sum(counts) == 10_000
    assert rank_shift(reference, edges, counts) == pytest.approx(0, abs=1e-12)
    assert rank_shift(reference, np.sort(reference)) == pytest.approx(0, abs=1e-12)
    assert rank_shift(look, edges, counts) == pytest.approx(rank_shift(look, np.sort(reference)), abs=0.003)
    assert 0.2 < rank_shift(look, edges, counts) < 0.35
    json.dumps([edges, counts])


def test_values_above_the_reference_rank_above_all_of_it_and_those_below_count_to_its_first_bin():
    edges, counts = rank_bins([1, 2, 2, 3])
    assert (edges, counts) == ([1.0, 2.0, 3.0], [1, 2, 1])
    assert rank_shift([-9], edges, counts) == rank_shift([1], edges, counts) == pytest.approx(-0.375 * math.sqrt(12))
    assert rank_shift([3], edges, counts) == rank_shift([2.5], edges, counts) == pytest.approx(0.375 * math.sqrt(12))
    assert rank_shift([9], edges, counts) == rank_shift([9], [1, 2, 2, 3]) == pytest.approx(math.sqrt(3))


def test_a_column_of_0_and_1_whose_ones_become_7_has_shifted():
    edges, counts = rank_bins([0, 1] * 100)
    assert rank_shift([0, 1] * 5, edges, counts) == pytest.approx(0, abs=1e-12)
    assert rank_shift([0, 7] * 5, edges, counts) == pytest.approx(0.125 * math.sqrt(12))


@given(st.lists(st.integers(0, 20), min_size=2, max_size=60), st.integers(1, 8))
def test_fresh_rows_above_the_reference_by_chance_shift_an_unchanged_column_by_less_than_two_over_its_rows(
    values, bins
):
    """A fresh row of an unchanged column is any of its rows, the others being the reference."""
    more = []
    for at, value in enumerate(values):
        edges, counts = rank_bins(values[:at] + values[at + 1 :], bins=bins)
        more.append(rank_shift([value], edges, counts) - rank_shift([min(value, edges[-1])], edges, counts))
    assert 0 <= np.mean(more) <= math.sqrt(3) / len(values) + 1e-9


def test_a_constant_reference_has_neither_variance_nor_shift():
    edges, counts = rank_bins([4.0] * 10)
    assert rank_variance(counts) == 0
    assert rank_shift([3, 4, 4], edges, counts) == 0
    assert rank_shift([4, 5], edges, counts) == pytest.approx(math.sqrt(3) / 2)
    with pytest.raises(ValueError, match="as many"):
        rank_shift([1], [1, 2], [3])


def test_days_without_memory_or_of_whatever_memory_are_not_spoken_against_by_their_own_reference():
    for correlation, sd in ((0.0, 0.05), (0.6, 0.05), (0.8, 0.1)):
        held = 0
        for seed in range(60):
            rng = np.random.default_rng(seed)
            days = wandering(rng, 90, sd, correlation) + rng.normal(size=90) / math.sqrt(200)
            found = {each.correlation: each.sd for each in possible_days(days, [200] * 90)}
            # 0.85 of the true spread is as good: what a bound lacks in spread, the autocorrelations around it have.
            held += found.get(correlation, 0) >= 0.85 * sd
        assert held >= 52
    assert max(each.sd for each in possible_days([0.1] * 60, [100] * 60)) < 1e-9
    with pytest.raises(ValueError, match="at least 60"):
        possible_days([0.1] * 59, [100] * 59)
    with pytest.raises(ValueError, match="without rows"):
        possible_days([0.1] * 60, [0] * 60)


def test_a_long_reference_tells_how_days_go_together():
    rng = np.random.default_rng(0)
    for correlation in (0.0, 0.8, 0.95):
        found = possible_days(wandering(rng, 730, 0.05, correlation), [10**6] * 730)
        assert correlation in [each.correlation for each in found]
        assert max(abs(each.correlation - correlation) for each in found) <= 0.2


def test_the_likelihood_of_days_is_that_of_a_normal_vector():
    rng = np.random.default_rng(0)
    days, noise = rng.normal(size=5), np.full(5, 0.3)
    covariance = 0.7**2 * 0.6 ** np.abs(np.subtract.outer(np.arange(5), np.arange(5))) + np.diag(noise)
    inverse, one = np.linalg.inv(covariance), np.ones(5)
    mean = one @ inverse @ days / (one @ inverse @ one)
    expected = (days - mean) @ inverse @ (days - mean) + np.log(np.linalg.det(covariance) * (one @ inverse @ one))
    found = _unlikelihood(days, noise, np.array([[0.7]]), np.array([[0.6]]))
    assert found == pytest.approx(np.array([[expected]]))


@pytest.mark.parametrize("stream", [MEAN, dataclasses.replace(RATE, direction="both")], ids=["mean", "rate"])
def test_at_the_limit_no_ratio_is_above_1_on_average_whatever_the_day_before(stream):
    rng = np.random.default_rng(0)
    stream = dataclasses.replace(stream, day_sd=0.02, correlation=0.8, reference_days=60)
    days = wandering(rng, 200_000, 0.02, 0.8).reshape(20_000, 10)
    if isinstance(stream, MeanStream):
        values = stream.boundary + days + rng.normal(size=days.shape) / math.sqrt(500)
    else:
        values = rng.binomial(500, np.clip(stream.nulls[0] + days, 0, 1))
    trace, evidence = None, 0.0
    for look in range(10):
        ratios, trace = stream.after(Look(values[:, look], 500), trace)
        evidence = evidence + ratios
    share = np.exp(evidence).mean(axis=0)
    # The filter starts where days start; a count is binomial around a normal day only nearly.
    assert share.max() <= 1.15


def test_a_season_is_found_and_taken_off():
    days = np.arange(738_000, 738_365)
    season = season_of(0.3 + 0.15 * np.sin(2 * math.pi * days / 365.25 + 1), days)
    assert math.hypot(*season) == pytest.approx(0.15)
    assert seasonal(season, days) == pytest.approx(0.15 * np.sin(2 * math.pi * days / 365.25 + 1))
    stream = dataclasses.replace(MEAN, seasonal=True)
    assert stream.boundary > MEAN.boundary
    assert stream.after(Look(0.3, 500, 0.3))[0] == pytest.approx(stream.after(Look(0.0, 500))[0])
    assert spans_a_year([1, 360, *range(2, 359, 2)])
    assert not spans_a_year(range(359))
    assert not spans_a_year([1, 400])


def test_categories_are_counted_each_alone_and_new_ones_together():
    reference = {"a": 600, "b": 391, "rare": 9}
    found = category_looks({"a": 5, "rare": 2, "x": 1, "y": 2}, reference)
    assert found == {None: Look(3, 10), "a": Look(5, 10), "b": Look(0, 10)}


def test_the_unseen_share_is_that_of_rows_alone_in_their_category():
    few, rows = unseen_share([1, 1, 1, 1, 2, 94])
    chance = 4 * 0.96
    assert (few / rows, rows) == pytest.approx((0.04, 100 * chance / (chance + 2)))
    assert unseen_share([50, 50]) == (0, 100)


# Short versions of the bench.


@pytest.mark.parametrize("form", [np.exp, np.round])
def test_a_year_without_a_change_is_quiet_though_days_differ_and_the_column_is_skewed(bench, form):
    """At most 1 in 200 of the long version."""
    took = bench.first_alarms(bench.World(form=form, day_sd=0.05), 15)
    assert np.sum(took <= bench.LOOKS) <= 1


def test_days_that_differ_raise_alarms_where_nobody_told_the_stream(bench):
    assert np.mean(bench.first_alarms(bench.World(day_sd=0.05, known=False), 10) <= bench.LOOKS) > 0.4


@pytest.mark.parametrize("shift", [0.3, -0.3])
def test_a_shift_of_a_third_of_a_standard_deviation_is_seen_within_five_looks(bench, shift):
    took = bench.first_alarms(bench.World(shift=shift, day_rows=bench.ROWS), 40, looks=6)
    assert np.mean(took <= 5) >= 0.95


@pytest.mark.parametrize("accuracy", [0.95, 0.9, 0.8, 0.7])
def test_five_points_of_accuracy_are_seen_within_six_looks_and_nothing_without(bench, accuracy):
    took = bench.first_drops(accuracy, 0.05, 1000, looks=7)
    assert np.mean(took <= 6) >= 0.94
    assert np.mean(bench.first_drops(accuracy, 0.0, 500) <= bench.LOOKS) <= 0.02


def test_categories_that_the_reference_happens_to_lack_are_no_change_and_more_of_them_are(bench):
    assert np.mean(bench.first_unseen(1.5, 50) <= bench.LOOKS) <= 0.04
    assert np.mean(bench.first_unseen(1.5, 50, new=0.05, looks=10) <= 10) >= 0.95


@pytest.mark.parametrize("kind", ["mean", "rate"])
@pytest.mark.parametrize(("correlation", "days"), [(0.0, 60), (0.8, 60), (0.8, 365)])
def test_days_that_go_together_raise_no_more_false_alarms_than_declared(bench, kind, correlation, days):
    world = bench.Wandering(kind, correlation=correlation, days=days)
    assert np.mean(bench.years_with_alarm(world, references=16, years=8) <= bench.LOOKS) <= 0.05


def test_a_wave_of_the_year_is_learned_from_a_year(bench):
    wave = bench.Wandering("mean", sd=0.03, days=365, wave=0.15)
    assert np.mean(bench.years_with_alarm(wave, references=8, years=8) <= bench.LOOKS) <= 0.05
    moved = bench.years_with_alarm(wave, references=8, years=8, change=0.3, looks=20)
    assert np.median(moved) <= 3
