"""Feasible changes of rows: what may change does, nothing else, and the worst is found where it is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from govkit.attacks import Feasible, Move, feasible, relation


def linear(weights, bias=0.0):
    """Probabilities of a linear model of two classes, by column."""

    def predict(frame):
        z = sum(weight * frame[name].to_numpy(dtype=float) for name, weight in weights.items()) + bias
        p = 1 / (1 + np.exp(-z))
        return np.column_stack([1 - p, p])

    return predict


def grid(name, *, scale=1.0, price=1.0):
    return Move((name,), tuple((value / 10,) for value in range(-50, 51)), scale, price)


def test_of_a_linear_model_the_worst_change_within_the_budget_is_found_exactly():
    """All of the budget goes where a unit of cost moves the score most: a row breaks if that beats its margin."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({name: rng.integers(-20, 21, 80) / 10 for name in "abc"})
    weights = {"a": 1.0, "b": -2.5, "c": 0.5}
    predict = linear(weights)
    labels = predict(frame).argmax(1)
    score = np.abs(sum(weight * frame[name] for name, weight in weights.items()))
    rules = Feasible((grid("a"), grid("b", price=2.0), grid("c")), budget=0.6)
    # A unit of cost moves the score by 1, 1.25 and 0.5; steps are tenths.
    exact = (score < 0.6 * 1.25 - 1e-9) | (score < 0.6 - 1e-9)
    moved = feasible(predict, frame, labels.tolist(), rules, seeds=range(80), edits=3, tries=12)
    near = np.abs(score - 0.75) < 1e-6
    assert 0.05 < exact.mean() < 0.6
    assert (np.array(moved.broken) == exact)[~near].all()


def test_changes_that_a_row_does_not_need_are_taken_back():
    frame = pd.DataFrame({"a": [0.4], "b": [0.0]})
    moved = feasible(linear({"a": 1.0}), frame, [1], Feasible((grid("a"), grid("b")), 2.0), seeds=[0], edits=4)
    assert moved.broken == [True]
    assert moved.rows[0]["b"] == 0.0
    assert moved.costs[0] == pytest.approx(abs(moved.rows[0]["a"] - 0.4))


def test_the_passes_are_within_what_is_declared_and_counted():
    asked = []

    def predict(frame):
        asked.append(len(frame))
        return linear({"a": 1.0, "b": 1.0})(frame)

    frame = pd.DataFrame({"a": np.linspace(0.1, 3, 30), "b": np.linspace(0.1, 3, 30)})
    moved = feasible(predict, frame, [1] * 30, Feasible((grid("a"), grid("b")), 2.0), seeds=range(30), edits=3, tries=8)
    assert sum(asked) == moved.forward <= 30 * 3 * 9
    assert 5 < sum(moved.broken) < 30


kinds = st.sampled_from(["x", "y", "z"])


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 9), kinds, st.integers(0, 2), st.floats(0, 1)),
        min_size=1,
        max_size=8,
    ),
    budget=st.floats(0.1, 4),
    weights=st.tuples(*[st.floats(-3, 3)] * 4),
)
def test_no_returned_row_breaks_a_declared_rule(rows, budget, weights):
    """Written apart from the search: types, ranges, sets of 0 and 1, what may not change, relations, and the cost."""
    a, b, kind, one, fixed = zip(*rows, strict=True)
    hot = np.eye(3, dtype=int)[list(one)]
    frame = pd.DataFrame(
        {"a": a, "b": [x + y for x, y in zip(a, b, strict=True)], "kind": kind, "fixed": fixed}
        | {f"hot_{at}": hot[:, at] for at in range(3)}
    )
    moves = (
        Move(("a",), tuple((value,) for value in range(10)), 2.0, 1.0),
        Move(("b",), tuple((value,) for value in range(19)), 3.0, 2.0),
        Move(("kind",), (("x",), ("y",), ("z",)), None, 0.5),
        Move(("hot_0", "hot_1", "hot_2"), ((1, 0, 0), (0, 1, 0), (0, 0, 1)), None, 1.5),
    )
    holds = relation("a <= b", ["a", "b"]).holds

    def predict(asked):
        assert list(asked.dtypes) == list(frame.dtypes)
        z = weights[0] * asked["a"] + weights[1] * asked["b"] + weights[2] * (asked["kind"] == "x")
        p = 1 / (1 + np.exp(-(z + weights[3] * asked["hot_1"]).to_numpy(dtype=float)))
        return np.column_stack([1 - p, p])

    labels = predict(frame).argmax(1).tolist()
    moved = feasible(predict, frame, labels, Feasible(moves, budget, holds), seeds=range(len(rows)), edits=3, tries=6)
    for before, after, cost in zip(frame.to_dict("records"), moved.rows, moved.costs, strict=True):
        assert after["fixed"] == before["fixed"]
        assert 0 <= after["a"] <= 9
        assert after["a"] <= after["b"]
        assert after["kind"] in {"x", "y", "z"}
        assert sorted(after[f"hot_{at}"] for at in range(3)) == [0, 0, 1]
        changed = [after[f"hot_{at}"] != before[f"hot_{at}"] for at in range(3)]
        own = abs(after["a"] - before["a"]) / 2 + 2 * abs(after["b"] - before["b"]) / 3
        own += 0.5 * (after["kind"] != before["kind"]) + 1.5 * any(changed)
        assert own == pytest.approx(cost)
        assert own <= budget + 1e-6


def test_neither_the_order_of_the_rows_nor_their_neighbors_change_what_is_found():
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(rng.normal(size=(20, 2)), columns=["a", "b"])
    predict = linear({"a": 1.0, "b": 1.0})
    labels, rules = predict(frame).argmax(1), Feasible((grid("a"), grid("b")), 1.0)
    whole = feasible(predict, frame, labels.tolist(), rules, seeds=range(20))
    order = rng.permutation(20)[:7]
    some = feasible(predict, frame.iloc[order], labels[order].tolist(), rules, seeds=order.tolist())
    assert some.rows == [whole.rows[at] for at in order]


def test_a_row_that_is_impossible_or_lacks_a_value_is_left_alone():
    frame = pd.DataFrame({"a": [1.0, np.nan, 0.1], "b": [0.0, 0.5, 0.5]})
    rules = Feasible((grid("a"),), 3.0, relation("a <= b", ["a", "b"]).holds)
    moved = feasible(linear({"a": 1.0}, 0.05), frame.fillna({"a": np.nan}), [1, 1, 1], rules, seeds=range(3))
    assert moved.rows[0] == {"a": 1.0, "b": 0.0}
    assert moved.costs[:2] == [0.0, 0.0]
    assert moved.broken == [False, False, True]


@pytest.mark.parametrize(
    ("text", "row", "holds"),
    [
        ("a <= b", {"a": 1, "b": 1}, True),
        ("a < b", {"a": 1, "b": 1}, False),
        ("a + b == 0.3", {"a": 0.1, "b": 0.2}, True),
        ("total paid >= a + 2", {"total paid": 3, "a": 1}, True),
        ("a > b", {"a": None, "b": 1}, True),
        ("a+b == 1", {"a+b": 1.0, "a": 5, "b": 5}, True),
    ],
)
def test_relations_hold_as_they_read(text, row, holds):
    assert relation(text, list(row)).holds(row) is holds


@pytest.mark.parametrize("text", ["a", "a = b", "a <= b <= a", "a <= c", "1 <= 2", "a * b <= 1", ""])
def test_a_relation_that_cannot_be_read_is_refused(text):
    with pytest.raises(ValueError, match=r"relation|neither|names no"):
        relation(text, ["a", "b"])
