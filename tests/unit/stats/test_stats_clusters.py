"""Bounds of rows that belong together; short version of ``tests/bench/clusters.py``."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from benches import load_bench

from govkit import stats
from govkit.stats.estimate import ALPHAS, QUANTILES
from govkit.stats.found_parts import found_drops, pack, weak_parts
from govkit.stats.proportions import clopper_pearson
from govkit.stats.ranking import auc
from govkit.stats.unseen import points, shifts

Z = np.array(QUANTILES)


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    return load_bench("clusters")


@pytest.fixture(scope="module")
def rows() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {"y": rng.random(600) < 0.8, "z": rng.random(600) < 0.7, "g": rng.random(600) < 0.4, "f": rng.random(600)}


def estimates(rows, clusters):
    """One of every kind; ``clusters`` None: of independent rows."""
    y, z, g, f = (rows[name] for name in "yzgf")
    held = clusters and (lambda *truths: [clusters.sums(each) for each in truths])
    share = held and stats.share_design(*held(y, y | True))
    sides = held and (held(y & g, g), held(y & ~g, ~g))
    counts = [int(each.sum()) for each in (y & g, g, y & ~g, ~g)]
    ratio = counts[0] / counts[1] / (counts[2] / counts[3])
    pair = held and stats.paired_design(*held(y & ~z, z & ~y, y | True))
    yield stats.proportion(int(y.sum()), y.size, design=share)
    yield stats.difference(*counts, design=held and stats.difference_design(*sides))
    yield stats.absolute_difference(*counts, design=held and stats.difference_design(*sides))
    yield stats.ratio(*counts, design=held and stats.difference_design(*sides, ratio=ratio))
    yield stats.paired_difference(int((y & ~z).sum()), int((z & ~y).sum()), y.size, design=pair)
    yield stats.mean(f, low=0.0, high=1.0, clusters=clusters)
    yield stats.mean_difference(f, f**2, low=-1.0, high=1.0, clusters=clusters)
    yield auc(f + 0.3 * y, y, clusters=clusters)
    yield stats.auc_difference(f + 0.3 * y, f, y, clusters=clusters)
    yield stats.gap_change(y, z, g, y | True, clusters=clusters)
    totals = np.array([counts[:2], counts[2:]]).T
    by_cluster = held and tuple(map(np.array, zip(*sides, strict=True)))
    yield stats.spread(*totals, by_cluster=by_cluster)
    yield stats.spread_ratio(*totals, by_cluster=by_cluster)
    yield stats.macro_recall(*totals, design=held and stats.share_design(*by_cluster))


def test_clusters_of_one_row_leave_every_number_as_it_is(rows):
    alone = estimates(rows, stats.clusters_of(np.random.default_rng(1).permutation(600)))
    for plain, single in zip(estimates(rows, None), alone, strict=True):
        assert (plain.value, plain.bounds, plain.interval) == (single.value, single.bounds, single.interval)


def test_clusters_never_tighten_a_bound(rows):
    for plain, wide in zip(estimates(rows, None), estimates(rows, stats.clusters_of(np.arange(600) // 6)), strict=True):
        assert plain.value == wide.value
        assert all(a.low >= b.low and a.high <= b.high for a, b in zip(plain.bounds, wide.bounds, strict=True))
        assert plain.bounds != wide.bounds


@pytest.mark.parametrize(("right", "n"), [(1, 2), (5, 5), (15, 20), (90, 100), (250, 500), (500, 500)])
def test_of_truths_the_bound_is_the_exact_one_to_the_safe_side(right, n):
    share, y = right / n, np.arange(n) < right
    held = points((y - share) / n, np.full(n, 1 / n), (share / n, (1 - share) / n), (1 / n, 1 / n))
    low, exact = share - shifts([held], Z, side=0)[0], clopper_pearson(right, n, np.array(ALPHAS))[0]
    assert np.all(low <= exact * (1 + 1e-6))
    assert low == pytest.approx(exact, rel=0.07 if n == 2 else 0.01)


@pytest.mark.parametrize("count", [8, 400])
def test_at_the_bound_the_bench_reaches_the_quantile(bench, count):
    rng = np.random.default_rng(2)
    rows, hits = np.full((1, count), 10.0), rng.binomial(10, rng.beta(4, 1, (1, count))).astype(float)
    design = stats.share_design(hits, rows)
    value = hits.sum() / rows.sum()
    nothing = np.full((1, 9), np.inf), np.full((1, 9), -np.inf)
    low, high = design.bounds([value], nothing, np.array(ALPHAS))
    for at, z in enumerate(Z):
        assert bench.reached(bench.mean_adds(hits, rows, low[0, at], 0.0))[0] == pytest.approx(z, abs=0.03)
        assert bench.reached(bench.mean_adds(-hits, rows, -high[0, at], -1.0))[0] == pytest.approx(z, abs=0.03)


def test_misses_stay_at_the_nominal_rate(bench):
    """At 20 clusters, in draws of which each level up to 0.99 sees at least ten misses if it is exact."""
    for _, sure in bench.table(20_000, counts=(20,), seed=3).values():
        assert sure[:4].max() < 3.5


def test_rows_of_one_person_widen_the_bound_as_the_correlation_says(rows):
    people = np.repeat(np.random.default_rng(4).random(300) < 0.8, 10)
    design = stats.share_design(
        *(stats.clusters_of(np.arange(3000) // 10).sums(each) for each in (people, people | True))
    )
    assert design.effect[0] == pytest.approx(10, rel=0.02)
    low = stats.proportion(int(people.sum()), 3000, design=design).bounds[3].low
    assert low == pytest.approx(stats.proportion(int(people.sum()) // 10, 300).bounds[3].low, abs=0.002)


def world(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, stats.Clusters]:
    """200 persons of ten rows, whose models disagree by person; 48 parts of persons, none of them worse."""
    rng = np.random.default_rng(seed)
    key = np.arange(2000) // 10
    kinds = rng.integers(0, 6, (200, 8))[key]
    members = np.array([pack(kinds[:, j] == v) for j in range(8) for v in range(6)])
    leans = (rng.choice([-1, 1], 200)[key] > 0) == (rng.random(2000) < 0.9)
    differ = rng.random(2000) < 0.15
    return members, ~(differ & leans), ~(differ & ~leans), stats.clusters_of(key)


def test_the_search_for_drops_keeps_its_size_in_clusters():
    found = np.zeros(2)
    for seed in range(40):
        members, new, old, clusters = world(seed)
        for at, held in enumerate((None, clusters)):
            found[at] += bool(found_drops(members, new, old, screen=25, flips=199, seed=seed, clusters=held).found)
    assert found[0] >= 8
    assert found[1] <= 6


def test_weak_parts_keep_their_size_in_clusters():
    rng, found = np.random.default_rng(5), np.zeros(2)
    for seed in range(20):
        members, _, _, clusters = world(seed)
        right = rng.random(2000) < rng.beta(3.2, 0.8, 200)[clusters.codes]
        for at, held in enumerate((None, clusters)):
            found[at] += bool(weak_parts(members, right, clusters=held))
    assert found[0] >= 8
    assert found[1] <= 3


def test_a_planted_drop_is_found_in_clusters():
    members, new, old, clusters = world(0)
    part = np.unpackbits(members[0].view(np.uint8), count=2000).astype(bool)
    new = new & ~(part & (np.random.default_rng(6).random(2000) < 0.4))
    found = found_drops(members, new, old, screen=25, flips=999, seed=0, clusters=clusters).found
    assert found[0][0] == 0
    assert found[0][1].value < -0.2
    assert found[0][1].clusters == len(np.unique(clusters.codes[part]))


def test_ways_that_cross_add_up(rows):
    y = rows["y"]
    ways = [stats.clusters_of(key) for key in (np.arange(600) // 10, np.arange(600) % 60)]
    each = [stats.share_design(way.sums(y), way.rows()) for way in ways]
    both = stats.proportion(int(y.sum()), 600, design=stats.crossed(each))
    for one in each:
        assert both.bounds[3].low < stats.proportion(int(y.sum()), 600, design=one).bounds[3].low


def test_rows_in_clusters_are_planned():
    assert stats.worth(1000, per_cluster=10, correlation=0.3) == pytest.approx(1000 / 3.7)
    assert stats.clusters_for(270, per_cluster=10, correlation=0.3) == (100, 1000)
    assert stats.clusters_for(270, per_cluster=1, correlation=0.3) == (270, 270)
