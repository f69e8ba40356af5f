"""Found parts: against plain numpy, scipy and statsmodels, and short versions of ``tests/bench/found_parts.py``."""

from __future__ import annotations

from itertools import product
from types import ModuleType

import numpy as np
import pytest
from benches import load_bench
from scipy.stats import binom, fisher_exact, norm
from statsmodels.stats.multitest import multipletests

import govkit.stats as gs
from govkit.stats.found_parts import counts, found_drops, pack, sizes, visible_drop, weak_parts


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    return load_bench("found_parts")


def packed(parts: np.ndarray) -> np.ndarray:
    return np.array([pack(part) for part in parts])


def halves(n: int, parts: int, seed: int = 0) -> np.ndarray:
    """Truths ``(parts, n)``: random parts of a third of the rows."""
    return np.random.default_rng(seed).random((parts, n)) < 1 / 3


@pytest.mark.parametrize("n", [1, 8, 63, 64, 65, 130, 1000])
def test_packed_parts_are_counted_as_plain_ones(n):
    parts = halves(n, 7)
    rows = np.random.default_rng(1).random(n) < 0.5
    members = packed(parts)
    assert (members.dtype, members.shape) == (np.uint64, (7, -(-n // 64)))
    assert sizes(members).tolist() == parts.sum(axis=1).tolist()
    assert counts(members, rows).tolist() == (parts & rows).sum(axis=1).tolist()
    assert np.unpackbits(members[0].view(np.uint8), count=n).astype(bool).tolist() == parts[0].tolist()
    assert sizes(packed(np.ones((1, n), dtype=bool))).tolist() == [n]


def exact_chances(parts: np.ndarray, new: np.ndarray, old: np.ndarray, screen: int) -> dict[int, float]:
    """Chance of a largest drop as clear as that of each tested part, over all signs of the rows that differ."""
    n, differ = new.size, (new != old).astype(int)
    size = parts.sum(axis=1)
    z = (parts @ differ - size * differ.mean()) / np.sqrt(size * (1 - size / n))
    kept = sorted(range(len(parts)), key=lambda at: -z[at])[:screen]
    inside = parts[kept][:, new != old].astype(int)
    signs = np.array(list(product([-1, 1], repeat=inside.shape[1])))
    highest = (inside @ signs.T / np.sqrt(np.maximum(inside.sum(axis=1), 1))[:, None]).max(axis=0)
    lost, won = ((parts[kept] & rows).sum(axis=1) for rows in (old & ~new, new & ~old))
    observed = (lost - won) / np.sqrt(np.maximum(lost + won, 1))
    return {at: float((highest >= one - 1e-9).mean()) for at, one in zip(kept, observed, strict=True)}


def small_world(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Six parts of 100 rows; both models are wrong in 10, and 12 rows differ, most of them to the old one's favor."""
    rng = np.random.default_rng(seed)
    parts, order = halves(100, 6, seed), rng.permutation(100)
    new, old = np.ones(100, dtype=bool), np.ones(100, dtype=bool)
    new[order[:10]] = old[order[:10]] = False
    lost = rng.random(12) < 0.8
    new[order[10:22][lost]] = old[order[10:22][~lost]] = False
    return parts, new, old


@pytest.mark.parametrize("screen", [6, 3])
@pytest.mark.parametrize("seed", range(4))
def test_the_chance_is_that_of_all_signs(seed, screen):
    parts, new, old = small_world(seed)
    chances, draws = exact_chances(parts, new, old, screen), 20_000
    drops = found_drops(packed(parts), new, old, screen=screen, flips=draws, seed=seed)
    expected = min(chances.values())
    assert drops.p_value == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / draws) + 1 / draws)
    clear = {at for at, chance in chances.items() if abs(chance - 0.05) > 0.006}
    assert {at for at, _ in drops.found} & clear == {at for at in clear if chances[at] <= 0.05}


def planted_world() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ten parts of 1,000 rows one after the other, 100 rows each; in the fourth 20 are lost and 2 won."""
    parts = np.repeat(np.eye(10, dtype=bool), 100, axis=1)
    new, old = np.ones(1000, dtype=bool), np.ones(1000, dtype=bool)
    new[300:320] = old[320:322] = False
    new[::50] = old[::50] = False
    return parts, new, old


def test_a_found_part_has_the_paired_bounds_of_all_ten_at_once():
    parts, new, old = planted_world()
    ((at, change),) = found_drops(packed(parts), new, old, screen=10, flips=999, seed=0).found
    lost, won = int((old & ~new)[300:400].sum()), int((new & ~old)[300:400].sum())
    assert (at, change.value, change.n) == (3, (won - lost) / 100, 100)
    plain = {item.level: item for item in gs.paired_difference(won, lost, 100).bounds}
    for level, tenth in ((0.90, 0.99), (0.95, 0.995), (0.99, 0.999)):
        bound = next(item for item in change.bounds if item.level == level)
        assert (bound.low, bound.high) == pytest.approx((plain[tenth].low, plain[tenth].high), abs=1e-9)
    assert change.interval.method == "corrected Tango, 10 parts at once"


def test_the_bounds_are_of_as_many_parts_as_were_tested():
    parts, new, old = planted_world()
    ((at, change),) = found_drops(packed(parts), new, old, screen=2, flips=999, seed=0).found
    ((_, wider),) = found_drops(packed(parts), new, old, screen=10, flips=999, seed=0).found
    assert at == 3
    assert change.interval.method == "corrected Tango, 2 parts at once"
    assert wider.bounds[1].low < change.bounds[1].low < change.value < change.bounds[1].high < wider.bounds[1].high


def test_a_gain_is_no_drop():
    parts, new, old = planted_world()
    assert found_drops(packed(parts), old, new, screen=10, flips=999, seed=0).found == ()
    assert found_drops(packed(parts), new, new, screen=10, flips=999, seed=0).p_value == 1.0


def test_only_the_parts_that_split_the_models_most_are_tested_whoever_loses():
    parts, new, old = planted_world()
    new[700:720] = old[720:740] = False  # split more often than the fourth part, and evenly
    for first, second in ((new, old), (old, new)):
        assert not found_drops(packed(parts), first, second, screen=1, flips=999, seed=0).found
    assert [at for at, _ in found_drops(packed(parts), new, old, screen=2, flips=999, seed=0).found] == [3]


def test_a_drop_where_rows_are_easy_is_found_beside_parts_that_are_hard_for_both():
    """What is hard for both models alike splits them no more than chance does."""
    rng = np.random.default_rng(0)
    parts = rng.random((40, 2000)) < 0.3
    hard = rng.random(2000) < 0.5
    parts[:30] &= hard
    parts[35] = ~hard & (rng.random(2000) < 0.2)
    old = rng.random(2000) < np.where(hard, 0.6, 0.99)
    new = np.where(rng.random(2000) < 0.95, old, rng.random(2000) < np.where(hard, 0.6, 0.99))
    new &= ~(parts[35] & (rng.random(2000) < 0.25))
    found = found_drops(packed(parts), new, old, screen=10, flips=999, seed=0).found
    assert next(at for at, _ in found) == 35


def test_the_surest_part_comes_first():
    parts, new, old = planted_world()
    new[500:560] = False
    found = found_drops(packed(parts), new, old, screen=10, flips=1999, seed=0).found
    assert [at for at, _ in found] == [5, 3]


def test_many_differing_rows_are_drawn_as_one():
    """One part of all rows: its statistic over random signs is nearly normal."""
    lost = np.arange(20_000) < 10_000 + round(np.sqrt(20_000))  # two standard errors
    drops = found_drops(packed(np.ones((1, 20_000), dtype=bool)), ~lost, lost, screen=1, flips=4000, seed=0)
    expected = norm.sf(2)
    assert drops.p_value == pytest.approx(expected, abs=4 * np.sqrt(expected / 4000))


def test_one_seed_gives_one_answer():
    parts, new, old = small_world(0)
    first, again, other = (found_drops(packed(parts), new, old, screen=6, flips=99, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.p_value != other.p_value


@pytest.mark.parametrize(
    ("parts", "new", "old", "message"),
    [
        (np.empty((0, 2)), np.ones(100), np.ones(100), "the number of parts is 0"),
        (np.ones((3, 1)), np.ones(100), np.ones(100), "expected packed bits of 100 rows"),
        (np.ones(3), np.ones(100), np.ones(100), "expected packed bits of 100 rows"),
        (np.ones((3, 2)), np.ones(100), np.ones(99), "new_right has 100, old_right has 99"),
        (np.ones((3, 2)), np.full(100, 0.5), np.ones(100), "new_right holds a value that is neither true"),
        (np.ones((3, 0)), np.ones(0), np.ones(0), "new_right has shape"),
    ],
)
def test_what_is_no_search_is_refused(parts, new, old, message):
    with pytest.raises(ValueError, match=message):
        found_drops(parts, new, old, screen=5, flips=9, seed=0)
    with pytest.raises(ValueError, match=message):
        visible_drop(parts, new, old, share=0.1, screen=5, seed=0)


def test_weak_parts_of_no_part_are_refused():
    with pytest.raises(ValueError, match="the number of parts is 0"):
        weak_parts(np.empty((0, 2)), np.ones(100))


@pytest.mark.parametrize("seed", range(3))
def test_weak_parts_are_those_of_scipy_and_statsmodels(seed):
    rng = np.random.default_rng(seed)
    parts = np.concatenate([halves(400, 30, seed), np.zeros((1, 400), bool), np.ones((1, 400), bool)])
    right = rng.random(400) >= 0.1 + 0.25 * parts[0] + 0.2 * parts[1]

    def tested(part: np.ndarray) -> float:
        table = [[(~right & part).sum(), (~right & ~part).sum()], [(right & part).sum(), (right & ~part).sum()]]
        return float(fisher_exact(table, alternative="greater").pvalue)

    adjusted = multipletests([tested(part) for part in parts], method="holm")[1]
    weak = dict(weak_parts(packed(parts), right))
    assert weak.keys() == set(np.flatnonzero(adjusted <= 0.05))
    assert weak
    assert [adjusted[at] for at in weak] == sorted(adjusted[at] for at in weak)
    for at, gap in weak.items():
        assert gap == pytest.approx(right[parts[at]].mean() - right[~parts[at]].mean())


def test_a_model_that_is_always_right_is_weak_nowhere():
    assert weak_parts(packed(halves(100, 5)), np.ones(100)) == ()


def test_no_drop_is_visible_where_no_part_is_as_large():
    parts, new, old = planted_world()
    assert visible_drop(packed(parts), new, old, share=0.01, screen=10, seed=0) is None
    assert visible_drop(packed(parts), new, old, share=0.10, screen=10, seed=0) is not None


def test_no_drop_is_visible_in_a_handful_of_rows():
    parts = halves(20, 10)
    assert visible_drop(packed(parts), np.ones(20), np.ones(20), share=1 / 3, screen=10, seed=0) is None


def test_the_more_the_models_differ_the_less_is_visible():
    parts, rng = packed(halves(3000, 20)), np.random.default_rng(0)
    seen = []
    for rate in (0.02, 0.10, 0.30):
        new, old = (rng.random(3000) >= rate for _ in range(2))
        visible = visible_drop(parts, new, old, share=1 / 3, screen=20, seed=0)
        assert visible is not None
        assert visible.value == pytest.approx(round(visible.value, 2))
        assert visible.bounds[1].low <= visible.value <= visible.bounds[1].high
        seen.append(visible.value)
    assert seen[0] < seen[1] < seen[2]


def test_what_is_said_to_be_visible_is_found_four_times_in_five(bench):
    """A true 80 % would fall below this once in a thousand; a drop half as large is mostly missed."""
    said, share = bench.visible(bench.World(), 30)
    assert share >= binom.ppf(0.001, 30, 0.8) / 30
    _, half = bench.visible(bench.World(), 60, drop=said / 2)
    assert half <= 0.6


@pytest.mark.parametrize("plant", ["value", "pair", "range"])
def test_a_planted_drop_is_found(bench, plant):
    assert bench.search(bench.World(plant), 60, screen=bench.SCREEN)[0] >= 54


@pytest.mark.parametrize("plant", ["value", "pair", "range"])
def test_a_planted_drop_is_found_where_accuracy_varies_anyway(bench, plant):
    assert bench.search(bench.World(plant, hard="varies"), 60, screen=bench.SCREEN)[0] >= 45


@pytest.mark.parametrize("hard", ["even", "hard part"])
def test_where_nothing_is_planted_alarms_are_rare(bench, hard):
    assert bench.search(bench.World(hard=hard), 200, screen=bench.SCREEN, seed=500)[0] <= 15


def test_the_bounds_of_what_was_found_hold(bench):
    """At 0.95, of all found parts at once: once in a thousand a true 5 % would exceed this."""
    found, low, high = bench.misses(bench.World("value"), 60)
    assert found >= 0.85
    assert max(low, high) <= binom.ppf(0.999, 60, 0.05) / 60
