"""The statistics that tell a common origin of weights: worked by hand, on planted cases, and at their edges."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from govkit.stats import ancestry as gs


def matrix(seed, rows=64, columns=48):
    return np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)


def z_of(candidate, base):
    return gs.alignment(gs.unit_rows(candidate, even=True), gs.unit_rows(base, even=True))[1]


def test_three_rows_worked_by_hand():
    """Cosines of unequal rows 0, 0, .6: d = 1 - 1.2/6 = .8, variance .72/6 - .04 = .08, z = .8 (3 / .08)^.5."""
    rows = np.array([[1, 0, 0], [0, 1, 0], [0, 0.6, 0.8]])
    d, z = gs.alignment(rows, rows)
    assert d == pytest.approx(0.8)
    assert z == pytest.approx(0.8 * np.sqrt(3 / 0.08))


def test_unit_rows_lose_their_mean_and_their_length():
    assert gs.unit_rows([[3.0, 1.0], [1.0, 1.0]]) == pytest.approx(np.array([[1.0, 0.0], [-1.0, 0.0]]))
    assert not gs.unit_rows(np.ones((4, 3))).any()
    assert np.isfinite(gs.unit_rows([[np.inf, 1.0], [np.nan, 2.0]])).all()


def test_the_strong_directions_are_cut_down_to_the_median():
    """Three orthogonal directions of size 9, 3 and 1 become 3, 3 and 1 before the rows get their length."""
    q = np.linalg.qr(matrix(0, 7, 7) - matrix(0, 7, 7).mean(0))[0]
    left = q[:, :3] - q[:, :3].mean(0)
    left = np.linalg.qr(left)[0]
    left = left[:, np.abs(left.sum(0)) < 1e-5][:, :3]
    assert left.shape == (7, 3)
    given_ = left * [9.0, 3.0, 1.0]
    assert np.linalg.svd(gs._evened(given_.astype(np.float32)), compute_uv=False) == pytest.approx([3, 3, 1], abs=1e-4)


@pytest.mark.parametrize("shape", [(12, 12), (64, 48), (48, 200), (40, 5, 3, 3)])
def test_the_same_rows_hit_whatever_was_done_to_them(shape):
    base = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    for changed in (base, 3 * base, base + 0.3 * np.random.default_rng(4).normal(size=shape), np.sign(base) * base**2):
        assert z_of(changed, base) > gs.HIT_Z


def test_rows_in_another_order_do_not_hit():
    base = matrix(1)
    assert abs(z_of(np.roll(base, 1, axis=0), base)) < gs.QUIET_Z


def test_chance_stays_below_the_limit_and_spreads_like_a_standard_score():
    scores = [z_of(matrix(2 * seed, 48, 32), matrix(2 * seed + 1, 48, 32)) for seed in range(600)]
    assert np.std(scores) == pytest.approx(1.0, abs=0.15)
    assert abs(np.mean(scores)) < 0.2
    assert max(scores) < gs.QUIET_Z


def test_one_learned_direction_in_two_unrelated_tables_is_no_origin():
    """Without cutting the strong direction down, the agreement of what was learned looks like a hit."""
    hits = {True: 0, False: 0}
    for seed in range(60):
        dice = np.random.default_rng(seed)
        worth = dice.normal(size=(120, 1))
        mine, base = (worth @ dice.normal(size=(1, 32)) + 0.1 * dice.normal(size=(120, 32)) for _ in range(2))
        for even in hits:
            d, z = gs.alignment(gs.unit_rows(mine, even=even), gs.unit_rows(base, even=even))
            hits[even] += z >= gs.HIT_Z and d >= gs.HIT_D
    assert hits[False] > 10
    assert hits[True] == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100), st.integers(0, 5))
def test_scale_and_a_common_row_change_nothing(seed, scale, extra):
    base = matrix(seed, 20 + extra, 24)
    other = base + 0.5 * matrix(seed + 1, 20 + extra, 24)
    moved = scale * (other + matrix(seed + 2, 1, 24))
    assert z_of(moved, base) == pytest.approx(z_of(other, base), rel=0.02)


def test_nothing_that_varies_gives_no_score():
    assert gs.alignment(np.zeros((5, 3)), np.zeros((5, 3))) == (0.0, 0.0)
    assert gs.alignment(np.ones((1, 3)), np.ones((1, 3))) == (0.0, 0.0)
    assert z_of(np.ones((20, 20)), matrix(1, 20, 20)) == 0.0


def test_a_rotation_keeps_the_spectrum_and_chance_does_not():
    trained = matrix(5, 64, 64) @ np.diag(np.linspace(0.1, 3, 64))
    turned = np.linalg.qr(matrix(6, 64, 64))[0] @ trained
    assert gs.spectra_apart(turned, trained) < 1e-3
    assert gs.spectra_apart(turned + 0.01 * trained.std() * matrix(7, 64, 64), trained) < gs.SAME_SPECTRUM
    for size in (32, 64, 256):
        scale = np.diag(np.linspace(0.1, 3, size))
        for seed in range(8):
            one, other = (matrix(2 * seed + number, size, size) @ scale for number in (0, 1))
            assert gs.spectra_apart(one, other) > 2 * gs.SAME_SPECTRUM


def test_what_moved_and_its_rank():
    base = matrix(9, 600, 40)
    update = matrix(10, 600, 3) @ matrix(11, 3, 40)
    changed, was, rank = gs.moved(base + update, base)
    assert changed == pytest.approx(float((update.astype(np.float64) ** 2).sum()), rel=1e-4)
    assert was == pytest.approx(float((base.astype(np.float64) ** 2).sum()), rel=1e-4)
    assert rank == 3
    assert gs.moved(base, base)[::2] == (0.0, 0)
    assert gs.moved(np.array([1.0, 2.0]), np.array([1.0, 4.0])) == (4.0, 17.0, 1)
    assert gs.moved(np.zeros((4, 4)), np.zeros((4, 4))) == (0.0, 0.0, 0)


@pytest.mark.parametrize(
    ("seen", "right"),
    [
        (gs.Seen(39, 39, 39, 54.0, change=0.1), "derived"),
        (gs.Seen(39, 39, 20, 54.0, change=0.39), "derived"),
        (gs.Seen(39, 39, 20, 54.0, change=0.4), "shares its origin"),
        (gs.Seen(39, 39, 39, 54.0), "shares its origin"),
        (gs.Seen(39, 39, 19, 54.0), "cannot tell"),
        (gs.Seen(4, 4, 2, 54.0), "cannot tell"),
        (gs.Seen(2, 2, 2, 54.0), "cannot tell"),
        (gs.Seen(0, 0, 0, 0.0), "cannot tell"),
        (gs.Seen(39, 39, 0, 3.3), "not derived"),
        (gs.Seen(39, 39, 0, 5.0), "cannot tell"),
        (gs.Seen(39, 19, 0, 1.0), "cannot tell"),
        (gs.Seen(39, 20, 0, 1.0), "not derived"),
        (gs.Seen(39, 39, 0, 1.0, same_spectra=True), "cannot tell"),
    ],
)
def test_the_rule(seen, right):
    answer, reason = gs.answer(seen)
    assert answer == right
    assert reason.endswith(".")
