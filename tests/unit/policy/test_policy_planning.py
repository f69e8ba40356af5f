"""The closed forms say what govkit.stats says, and the rows they give pass 9 audits in 10."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from govkit import checks, stats
from govkit.core import LEVELS, Check, Policy, Requirement
from govkit.errors import PolicyError
from govkit.policy import chances, load, plan, resolve
from govkit.policy.chances import (
    Situation,
    at_least,
    chance,
    decidable,
    fewest,
    groups_clear,
    paired_clear,
    rows_needed,
    stored,
)

Build = Callable[..., Policy]
Fields = Callable[..., dict[str, Any]]
Catalog = Mapping[str, Check]

AUDITS = 1500


@pytest.mark.parametrize("level", [0.9, 0.95, 0.999])
def test_what_clears_a_limit_is_what_the_stored_bound_clears(level: float):
    """Hundreds of tables, limits close to the bound on either side of it."""
    rng, z, at = np.random.default_rng(7), NormalDist().inv_cdf(level), LEVELS.index(level)
    wrong = []
    for _ in range(150):
        n, m = (int(each) for each in rng.integers(7, 900, 2))
        x, y = int(rng.integers(0, n + 1)), int(rng.integers(0, m + 1))
        b, c = int(rng.integers(0, n // 2)), int(rng.integers(0, n // 3))
        off = float(rng.normal() * 0.02)
        low = stats.proportion(x, n).bounds[at].low
        limit = min(max(low + off, 0.0), 1.0)
        wrong += [("share", x, n, limit)] * ((x >= fewest(n, limit, 1 - level)) != (low >= limit))
        low = stats.difference(x, n, y, m).bounds[at].low
        wrong += [("groups", x, n, y, m)] * (groups_clear((x / n, y / m), (n, m), low + off, z) != (off <= 0))
        low = stats.paired_difference(b, c, n).bounds[at].low
        wrong += [("paired", b, c, n)] * (paired_clear(b, c, n, low + off, z) != (off <= 0))
    assert not wrong


@pytest.mark.parametrize(("x", "n", "p"), [(0, 5, 0.3), (5, 5, 0.3), (6, 5, 0.3), (40, 100, 0.6), (950, 1000, 0.9)])
def test_the_tail_of_a_binomial_is_that_of_scipy(x: int, n: int, p: float):
    from scipy.stats import binom

    assert at_least(x, n, p) == pytest.approx(float(binom.sf(x - 1, n, p)), rel=1e-9, abs=1e-15)


def _passes(case: Situation, n: int) -> float:
    """Share of simulated audits in which the stored bounds of govkit.stats clear the limit."""
    rng, truth, m = np.random.default_rng(11), case.truth, case.others or n
    if case.kind == "share":
        found = stats.proportions(rng.binomial(n, truth, AUDITS), [n] * AUDITS)
    elif case.kind == "groups":
        first, second = rng.binomial(n, case.share + truth, AUDITS), rng.binomial(m, case.share, AUDITS)
        found = stats.two_groups.differences(first, [n] * AUDITS, second, [m] * AUDITS)
    else:
        spread = abs(truth) if case.kind == "loss" else case.differing
        shares = [(spread + truth) / 2, (spread - truth) / 2, 1 - spread]
        drawn = rng.multinomial(n, shares, AUDITS)
        found = stats.paired_differences(drawn[:, 0], drawn[:, 1], [n] * AUDITS)
    at, low, high = LEVELS.index(case.level), case.require.min, case.require.max
    bounds = [each.bounds[at] for each in found]
    return float(np.mean([(low is None or b.low >= low) and (high is None or b.high <= high) for b in bounds]))


SITUATIONS = [
    Situation("share", Requirement(min=0.8), 0.95, 0.9),
    Situation("share", Requirement(max=0.02), 0.95, 0.01),
    Situation("share", Requirement(min=0.99), 0.99, 0.995),
    Situation("share", Requirement(min=0.4, max=0.6), 0.95, 0.5),
    Situation("paired", Requirement(min=-0.02), 0.95, 0.0, differing=0.05),
    Situation("paired", Requirement(min=0.0), 0.95, 0.05, differing=0.1),
    Situation("paired", Requirement(max=0.02), 0.99, 0.0, differing=0.1),
    Situation("loss", Requirement(max=0.3), 0.95, 0.2),
    Situation("groups", Requirement(min=-0.1, max=0.1), 0.95, 0.05),
    Situation("groups", Requirement(min=-0.1, max=0.1), 0.95, 0.0),
    Situation("groups", Requirement(min=-0.1, max=0.1), 0.95, -0.05, share=0.9, others=5000),
    Situation("groups", Requirement(max=0.05), 0.9, 0.02, share=0.8, others=2000),
]


@pytest.mark.parametrize("case", SITUATIONS, ids=lambda case: f"{case.kind}-{case.truth}-{case.level}")
def test_the_planned_rows_pass_nine_audits_in_ten(case: Situation):
    n = rows_needed(case)
    assert n is not None
    assert 0.86 <= _passes(case, n) <= 0.94
    assert chance(case, n) >= 0.9 > chance(case, max(1, n // 2))


@pytest.mark.parametrize("case", SITUATIONS, ids=lambda case: f"{case.kind}-{case.truth}-{case.level}")
def test_the_chance_is_right_for_half_the_rows_too(case: Situation):
    n = (rows_needed(case) or 0) // 2
    assert chance(case, n) == pytest.approx(_passes(case, n), abs=0.05)


def test_no_number_of_rows_shows_a_truth_on_the_limit():
    assert rows_needed(Situation("share", Requirement(min=0.8), 0.95, 0.8)) is None
    assert rows_needed(Situation("paired", Requirement(min=0.0), 0.95, 0.0)) is None


def test_fifty_perfect_rows_cannot_show_ninety_nine_in_a_hundred():
    """0.05 ** (1 / n) is the bound of n rows that are all right: it reaches 0.99 at 299 rows."""
    case = Situation("share", Requirement(min=0.99), 0.95, 0.995)
    assert [decidable(case, n) for n in (50, 298, 299)] == [False, False, True]
    assert decidable(Situation("groups", Requirement(min=-0.1, max=0.1), 0.95, 0.0), 100)
    assert not decidable(Situation("groups", Requirement(min=-0.1, max=0.1), 0.95, 0.0), 4)
    assert decidable(Situation("paired", Requirement(min=-0.02), 0.95, 0.0), 7)
    assert decidable(Situation("paired", Requirement(min=-0.02), 0.95, 0.0), 3), "unknown is no error"
    assert not decidable(Situation("loss", Requirement(max=0.02), 0.95, 0.01), 20)


@pytest.mark.parametrize("n", [5, 12, 30, 70])
def test_what_is_refused_could_not_pass_on_any_rows(n: int):
    """Every table of n rows beside a thousand others: none clears what is called undecidable."""
    limits, at = Requirement(min=-0.05, max=0.05), LEVELS.index(0.95)
    tables = [(x, n, y, 1000) for x in range(n + 1) for y in (0, round(1000 * x / n), 1000)]
    bounds = [each.bounds[at] for each in stats.two_groups.differences(*zip(*tables, strict=True))]
    cleared = any(bound.low >= -0.05 and bound.high <= 0.05 for bound in bounds)
    assert decidable(Situation("groups", limits, 0.95, 0.0, others=1000), n) == cleared


def test_a_confidence_between_two_levels_takes_the_stricter():
    assert [stored(each) for each in (0.5, 0.95, 0.951, 0.9999)] == [0.9, 0.95, 0.975, 0.9999]


def test_a_plan_names_rows_assumption_and_what_cannot_be_told(policy: Build, control: Fields) -> None:
    mine = policy(
        control(),
        control(id="B-1", metric="log_loss", require={"max": 1.0}),
        control(id="C-1", check="contamination", metric="shared_rows", require={"max": 0}),
        control(id="D-1", over=["sex"]),
        slices={"sex": {"by": "sex"}},
        planned={"rows": {"test": 200}, "parts": {"sex": 40}},
    )
    found = plan(resolve(mine, checks.catalog()), checks.catalog())
    share, mean, count, part = found
    assert (share.needed, share.rows) == (112, 200)
    assert (share.chance or 0) > 0.95
    assert share.assumed == "if the truth is 0.9, at 95 % confidence"
    assert (mean.needed, mean.chance) == (None, None)
    assert "no formula is known" in mean.assumed
    assert count.needed == 0
    assert (part.over, part.needed, part.rows) == ("sex", 112, 40)
    told = plan(resolve(mine, checks.catalog()), checks.catalog(), rows=90, values={"A-1": 0.97, "accuracy": 0.85})
    assert told[0].rows == 90
    assert (told[0].needed or 0) < 60
    assert (told[3].needed or 0) > 300


def test_a_truth_beyond_the_limit_needs_no_sum(policy: Build, control: Fields) -> None:
    resolved = resolve(policy(control()), checks.catalog())
    found = plan(resolved, checks.catalog(), values={"accuracy": 0.7})[0]
    assert (found.needed, found.assumed) == (None, "none would do: 0.7 does not meet the limit")


BAD: list[tuple[dict[str, Any], str]] = [
    ({"values": {"acuracy": 0.9}}, "did you mean 'accuracy'"),
    ({"values": {"accuracy": 90.0}}, "from -1 to 1"),
    ({"values": {"accuracy": float("nan")}}, "from -1 to 1"),
    ({"differing": 0.0}, "share of differing rows above 0"),
    ({"rows": 0}, "at least one row"),
]


@pytest.mark.parametrize(("options", "expected"), BAD)
def test_assumptions_that_make_no_sense_are_refused(
    policy: Build, control: Fields, catalog: Catalog, options: dict[str, Any], expected: str
) -> None:
    with pytest.raises(PolicyError, match=expected):
        plan(policy(control()), catalog, **options)


def test_every_control_of_the_core_pack_has_a_plan() -> None:
    resolved = resolve(load("nist-ai-rmf-core"), checks.catalog())
    plans = plan(resolved, checks.catalog())
    assert {each.control for each in plans} == {each.id for each in resolved.controls if each.check is not None}
    assert all(each.assumed for each in plans)


def test_every_metric_that_a_plan_knows_exists() -> None:
    known = {(name, metric) for name, check in checks.catalog().items() for metric in check.metrics}
    planned = {(check, name) for check, names in chances.SHARES.items() for name in names}
    planned |= chances.PAIRED | chances.LOSSES | chances.APART | set(chances.TWO_SETS)
    assert not planned - known
    units = {metric.unit for check in checks.catalog().values() for metric in check.metrics.values()}
    assert not chances.COUNTED - units
