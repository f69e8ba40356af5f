"""Of two groups, each less the other, the gap is one hypothesis: it enters Holm's procedure once, and only there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from govkit.core import LEVELS, Bound, Measurement, Policy
from govkit.policy import judge

SUBJECT = "sha256:" + "a" * 64
LOW = {0.9: 0.12, 0.95: 0.115, 0.975: 0.101}
"""Lower bounds of a gap of 0.15; alone it fails at 95 %, one of two it does not."""

Build = Callable[..., Policy]
Fields = Callable[..., dict[str, Any]]


def gap(group: str, sign: int, **changes: Any) -> Measurement:
    ends = [(level, LOW.get(level, 0.0), 0.2) for level in LEVELS]
    bounds = [Bound(level=level, low=min(sign * a, sign * b), high=max(sign * a, sign * b)) for level, a, b in ends]
    fields = {"value": sign * 0.15, "bounds": tuple(bounds), "part": {"sex": group}, "mirrored": True, **changes}
    return Measurement(check="performance", name="accuracy", n=600, **fields)


@pytest.fixture
def state(policy: Build, control: Fields) -> Callable[..., str]:
    def judging(*found: Measurement, limit: tuple[float | None, float | None] = (-0.1, 0.1)) -> str:
        ends = {name: end for name, end in zip(("min", "max"), limit, strict=True) if end is not None}
        rules = policy(control(over=["groups"], require=ends))
        return judge(rules, found, subject=SUBJECT, as_of="2026-11-24T12:00:00Z").rulings[0].state

    return judging


def test_two_sides_of_one_comparison_count_once(state: Callable[..., str]) -> None:
    assert state(gap("f", 1), gap("m", -1)) == "fail"


@pytest.mark.parametrize(
    "other",
    [
        gap("m", -1, mirrored=False),
        gap("m", -1, value=-0.14),
        gap("m", 1),
        gap("m", -1, part={"race": "m"}),
        gap("m", -1, bounds=gap("m", -1).bounds[:-1]),
    ],
)
def test_what_is_no_mirror_image_counts_for_itself(state: Callable[..., str], other: Measurement) -> None:
    assert state(gap("f", 1), other) == "inconclusive"


def test_a_third_group_makes_it_three_comparisons(state: Callable[..., str]) -> None:
    assert state(gap("f", 1), gap("m", -1), gap("x", 1, value=0.0, bounds=())) == "inconclusive"


def test_a_limit_on_one_side_asks_two_questions(state: Callable[..., str]) -> None:
    loose = tuple(Bound(level=level, low=0.11 if level <= 0.95 else 0.0, high=0.2) for level in LEVELS)
    turned = tuple(Bound(level=each.level, low=-each.high, high=-each.low) for each in loose)
    both = gap("f", 1, bounds=loose), gap("m", -1, bounds=turned)
    assert state(*both, limit=(None, 0.1)) == "inconclusive"
    assert state(both[0], limit=(None, 0.1)) == "fail"
