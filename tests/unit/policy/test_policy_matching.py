"""Matching findings to controls stays linear in the findings, whatever a stranger writes into them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from watchdog import alarm

from govkit.core import DataRef, Gap, Measurement
from govkit.errors import PolicyError
from govkit.policy.matching import MOST_PARTS, by_check, match


def test_parts_by_labels_are_bounded(policy: Callable[..., Any], control: Callable[..., Any]):
    """Ten thousand findings could ask for a hundred million entries."""
    rules, many = policy(control(over=["groups"])), int(MOST_PARTS**0.5) + 1
    named = [
        Gap(check="performance", part=part, reason="no data")
        for at in range(many)
        for part in ({"sex": str(at)}, {"sex": str(at), "label": str(at)})
    ]
    with pytest.raises(PolicyError, match=f"{many} parts by {many} labels"):
        match(rules.controls[0], rules, by_check(named))


def test_very_many_findings_about_all_groups_together_are_matched_in_one_pass(
    policy: Callable[..., Any], control: Callable[..., Any]
):
    rules = policy(control(over=["groups"]))
    params = rules.controls[0].params
    found = [
        Measurement(check="performance", name="accuracy", params=params, value=0.5, n=10, part={column: value})
        for at in range(8_000)
        for column, value in ((f"c{at}", "*"), (f"c{at}", "x"))
    ]
    with alarm(60):
        entries = match(rules.controls[0], rules, by_check(found)).entries
    assert sum(entry.state == "error" for entry in entries) == 8_000


def test_a_slice_by_column_takes_every_column_of_whatever_kind(policy: Callable[..., Any], control: Callable[..., Any]):
    """The distances of numbers and of categories share a name, so none is missing where the other was measured."""
    own = control(check="drift", metric="column_drift", data="shifted", over=["columns"], require={"max": 0.2})
    rules = policy(own, slices={"columns": {"by": ["column"]}})
    data = DataRef(role="shifted", digest="sha256:" + "0" * 64)
    found = [
        Measurement(
            check="drift",
            params=rules.controls[0].params,
            name=name,
            value=0.1,
            n=100,
            part={"column": column},
            data=data,
        )
        for column, plain in (("age", "wasserstein"), ("job", "total_variation"))
        for name in (plain, "column_drift")
    ]
    entries = match(rules.controls[0], rules, by_check(found)).entries
    assert [(entry.part, entry.state) for entry in entries] == [((("column", name),), None) for name in ("age", "job")]
