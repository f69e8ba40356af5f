"""Over the catalog: ten copies of each row, declared as clusters, say no more than the rows themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from case_fixture import make_case

from govkit.checks import Request, catalog, measure
from govkit.checks._clusters import EXACT
from govkit.core import Case, Finding, Gap, Interval, Measurement, Metric, check
from govkit.core.finding import LEVELS, Bound

ROWS, COPIES = 240, 10
NARROWEST, GAFFKE = 0.95, 0.6
"""Of the width of the bounds of single rows. Means and rare counts in clusters have bounds of another kind (Gaffke),
closer than those of single rows, which leave room for the worst row that was not seen."""

SEARCHED = {"found_parts", "found_drop", "weak_part"}


def case(copies: int, *, classes: int = 2) -> Case:
    rng = np.random.default_rng(3)

    def rows() -> dict[str, object]:
        labels = rng.integers(0, classes, ROWS)
        one, two, three = (1.5 * np.eye(classes)[labels] + rng.normal(size=(ROWS, classes)) for _ in range(3))
        sides = [np.exp(each) / np.exp(each).sum(axis=1, keepdims=True) for each in (one, two, three)]
        made = dict(
            zip(("probs", "base", "incumbent"), (np.repeat(side, copies, axis=0) for side in sides), strict=True)
        )
        return {
            "labels": np.repeat(labels, copies),
            "groups": {"sex": np.repeat(rng.choice(["a", "b"], ROWS), copies)},
            **made,
        }

    made = make_case(**rows(), train=rows(), shifted=rows(), classes=tuple(f"class {at}" for at in range(classes)))
    codes = np.repeat(np.arange(ROWS), copies).astype(np.int32)
    return replace(made, data={role: replace(data, cluster=codes) for role, data in made.data.items()})


def key(found: Finding) -> tuple[str, ...]:
    return found.name, found.of, str(found.compared_with), str(found.part), found.data.role if found.data else ""


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", sorted(catalog()))
def test_copies_of_rows_make_no_bound_closer(name: str, classes: int) -> None:
    alone, copied = (
        {key(each): each for each in measure(case(n, classes=classes), [Request(name)])} for n in (1, COPIES)
    )
    for place, found in copied.items():
        single = alone.get(place)
        if not isinstance(found, Measurement) or found.interval is None or found.interval.method == EXACT:
            continue
        assert not found.bounds or found.clusters is not None, place
        if isinstance(single, Measurement) and found.bounds and single.bounds and found.name not in SEARCHED:
            assert found.value == pytest.approx(single.value, abs=1e-9), place
            width, before = (each.bounds[1].high - each.bounds[1].low for each in (found, single))
            least = GAFFKE if "Gaffke" in found.interval.method else NARROWEST
            assert width >= least * before, (place, width, before, found.interval.method)


@pytest.mark.parametrize("name", ["performance", "bias", "flips", "calibration", "overfit"])
def test_clusters_of_one_row_change_nothing(name: str) -> None:
    declared = case(1)
    bare = replace(declared, data={role: replace(data, cluster=None) for role, data in declared.data.items()})
    assert measure(declared, [Request(name)]) == measure(bare, [Request(name)])


@check(
    "careless",
    crosswalk="check.performance",
    metrics={
        "number": Metric("A number."),
        "seen": Metric("A number without bounds."),
        "word": Metric("A word.", words=("yes", "no", "cannot tell")),
        "count": Metric("A count."),
    },
)
def careless(case: Case):
    data = case.data["test"]
    interval = Interval(level=0.95, low=0.4, high=0.6, method="Wilson")
    bounds = tuple(Bound(level=level, low=0.4, high=0.6) for level in LEVELS)
    yield Measurement(name="number", value=0.5, n=9, interval=interval, bounds=bounds, data=data.ref)
    yield Measurement(name="seen", value=0.5, n=9, interval=interval, data=data.ref)
    yield Measurement(name="word", value="yes", n=9, data=data.ref)
    exact = interval.model_copy(update={"method": EXACT})
    yield Measurement(name="count", value=3.0, n=9, interval=exact, bounds=bounds, data=data.ref)


def test_bounds_of_a_plug_in_that_ignores_clusters_are_withheld() -> None:
    found = {each.name: each for each in measure(case(COPIES), [Request("careless")], catalog={"careless": careless})}
    assert isinstance(found["number"], Gap)
    assert found["number"].reason == "unsupported"
    assert found["number"].detail.startswith("It is 0.5, and its bounds would take rows that belong together")
    assert found["seen"].interval is None
    assert found["word"].value == "cannot tell"
    assert found["count"].bounds
    alone = measure(case(1), [Request("careless")], catalog={"careless": careless})
    assert [each.kind for each in alone] == ["measurement"] * 4
