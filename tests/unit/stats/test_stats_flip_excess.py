from __future__ import annotations

import numpy as np
import pytest

from govkit.core import LEVELS
from govkit.stats import excess_flips


@pytest.mark.parametrize("shares", [(0.09, 0.81, 0.01, 0.09), (0.3, 0.3, 0.2, 0.2), (0.1, 0.8, 0.0, 0.1)])
@pytest.mark.parametrize("n", [30, 400])
def test_the_bounds_miss_no_more_often_than_they_say(shares: tuple[float, ...], n: int) -> None:
    tables = np.random.default_rng(n).multinomial(n, shares, 3000)
    unique, place = np.unique(tables, axis=0, return_inverse=True)
    found = excess_flips(*unique.T)
    ends = np.array([[(each.low, each.high) for each in one.bounds] for one in found])[place.ravel()]
    lost, kept, missed, _ = shares
    truth = lost - (lost + kept) * (lost + missed)
    for at, level in enumerate(LEVELS[:4]):
        allowed = 3000 * (1 - level) + 3 * np.sqrt(3000 * (1 - level))
        assert (ends[:, at, 0] > truth + 1e-12).sum() <= allowed
        assert (ends[:, at, 1] < truth - 1e-12).sum() <= allowed


def test_two_models_without_an_error_cannot_hide_an_excess() -> None:
    (faultless,) = excess_flips([0], [300], [0], [0])
    assert faultless.value == 0.0
    assert 0 < faultless.bounds[1].high < 0.001


@pytest.mark.parametrize(("table", "text"), [((0, 0, 0, 0), "no rows"), ((-1, 2, 0, 0), "lost")])
def test_what_is_no_table_is_refused(table: tuple[int, ...], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        excess_flips(*([count] for count in table))
