"""The levels that every measurement stores are those that a judge may ask for."""

from __future__ import annotations

from govkit.core import LEVELS


def test_the_levels_are_those_of_the_design() -> None:
    assert LEVELS == (0.9, 0.95, 0.975, 0.99, 0.995, 0.999, 0.9995, 0.9998, 0.9999)
