"""Thresholds by group, reweighing, and their effects: by hand, beside aif360, and what they refuse."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from case_fixture import make_case, make_dataset
from scipy.special import expit, logit

from govkit.core import Predictions
from govkit.core.case import Dataset
from govkit.errors import DataError, UsageError
from govkit.remedies import Rows, effects, refuse_shared, reweigh, rows_of, threshold


def unequal(n: int, seed: int, groups: tuple[str, ...] = ("f", "m")) -> Rows:
    """The first group is scored lower than it does."""
    rng = np.random.default_rng(seed)
    group = rng.choice(groups, n)
    z = rng.normal(0, 1.5, n)
    score = expit(z - 1.2 * (group == groups[0]))
    labels = (rng.random(n) < expit(z)).astype(np.int64)
    return Rows(labels, (score >= 0.5).astype(np.int64), np.column_stack([1 - score, score]), 1, groups=group)


def gap(labels: np.ndarray, given: Rows, among: np.ndarray) -> float:
    return abs(labels[among & (given.groups == "f")].mean() - labels[among & (given.groups == "m")].mean())


@pytest.mark.parametrize(
    ("constraint", "among"),
    [
        ("demographic_parity", lambda given: given.labels >= 0),
        ("true_positive_rate_parity", lambda given: given.labels == 1),
        ("false_positive_rate_parity", lambda given: given.labels == 0),
        ("equalized_odds", lambda given: given.labels == 1),
    ],
)
def test_a_threshold_closes_the_gap_on_test_rows(constraint: str, among):
    test = unequal(20000, 1)
    after = threshold(unequal(4000, 0), constraint=constraint, seed=3).apply(test)
    assert gap(test.predicted, test, among(test)) > 0.1
    assert gap(after.labels, test, among(test)) < 0.04
    assert after.probabilities is None


def test_thresholds_as_they_are_written_down_decide_as_fairlearn_does():
    given = unequal(3000, 4, ("a", "b", "c"))
    made = threshold(given, constraint="demographic_parity", seed=11)
    chance = np.zeros(3000)
    for name, mix in made.numbers["groups"].items():
        bounds = [float(text.removeprefix("> ")) for text in mix["thresholds"]]
        inside = given.groups == name
        chance[inside] = sum(p * (given.score[inside] > t) for p, t in zip(mix["shares"], bounds, strict=True))
    drawn = np.random.RandomState(11).rand(3000)
    assert (made.apply(given).labels == (chance >= drawn)).mean() > 0.999
    assert len({round(float(chance[given.groups == name].mean()), 6) for name in "abc"}) == 1


def test_the_same_seed_draws_the_same_decisions():
    given = unequal(1000, 0)
    first, again, other = (threshold(given, seed=seed).apply(given).labels for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_what_a_threshold_says_aloud():
    remarks = " ".join(threshold(unequal(300, 0)).remarks)
    assert "must be known when it is decided" in remarks
    assert "drawn at random" in remarks


@pytest.mark.parametrize("fit", [threshold, reweigh])
def test_a_group_without_calibration_rows_is_refused(fit):
    made = fit(unequal(300, 0))
    with pytest.raises(DataError, match=r"'x' has no rows.*join it with another group"):
        made.apply(unequal(50, 1, ("x", "m")))


@pytest.mark.parametrize("fit", [threshold, reweigh])
def test_groups_of_few_calibration_rows_are_named(fit):
    given = unequal(400, 0)
    few = np.array(["x"] * 30 + given.groups.tolist()[30:])
    labels = np.concatenate([[0, 1] * 15, given.labels[30:]])
    remarks = " ".join(fit(replace(given, groups=few, labels=labels)).remarks)
    assert "x (30 rows)" in remarks
    assert "few calibration rows" not in " ".join(fit(given).remarks)


def test_unknown_constraints_are_refused():
    with pytest.raises(UsageError, match="expected one of demographic_parity"):
        threshold(unequal(100, 0), constraint="fairness")


@pytest.mark.parametrize("fit", [threshold, reweigh])
def test_what_a_group_remedy_refuses(fit):
    given = unequal(200, 0)
    with pytest.raises(UsageError, match="--group"):
        fit(Rows(given.labels, given.predicted, given.probabilities, 1))
    with pytest.raises(UsageError, match="two classes"):
        fit(Rows(given.labels, given.predicted, np.full((200, 3), 1 / 3), 1, groups=given.groups))
    given.labels[given.groups == "f"] = 1
    with pytest.raises(DataError, match="'f' has rows of one class"):
        fit(given)


def test_weights_by_hand():
    """Of 40 rows half are f; f has 5 of 20 positive, m 15 of 20: 0.5 x 0.5 expected over 0.125 and 0.375 found."""
    labels = np.repeat([1, 0, 1, 0], [5, 15, 15, 5])
    score = np.where(labels == 1, 0.7, 0.3) + np.linspace(-0.2, 0.2, 40)
    given = Rows(labels, labels, np.column_stack([1 - score, score]), 1, groups=np.repeat(["f", "m"], 20))
    weights = {(each["group"], each["class"]): each["weight"] for each in reweigh(given).numbers["weights"]}
    assert weights == pytest.approx({("f", 1): 2, ("f", 0): 2 / 3, ("m", 1): 2 / 3, ("m", 0): 2})


def test_weights_are_those_of_the_other_reweighing_of_aif360():
    """The classic one, on its own data set class, for two groups."""
    from aif360.algorithms.preprocessing.reweighing import Reweighing
    from aif360.datasets import BinaryLabelDataset

    given = unequal(500, 2)
    frame = pd.DataFrame({"group": (given.groups == "m").astype(float), "label": given.labels.astype(float)})
    whole = BinaryLabelDataset(df=frame, label_names=["label"], protected_attribute_names=["group"])
    theirs = Reweighing(unprivileged_groups=[{"group": 0.0}], privileged_groups=[{"group": 1.0}]).fit_transform(whole)
    ours = {(each["group"], each["class"]): each["weight"] for each in reweigh(given).numbers["weights"]}
    wanted = [ours[str(group), int(label)] for group, label in zip(given.groups, given.labels, strict=True)]
    assert theirs.instance_weights == pytest.approx(np.array(wanted))


def test_the_layer_solves_its_equations():
    """Weighted residuals sum to 0, and along each column to its coefficient (penalty of one half its square)."""
    rng = np.random.default_rng(0)
    given = unequal(800, 3, ("a", "b", "c"))
    age = np.where(rng.random(800) < 0.1, np.nan, rng.normal(40, 10, 800) + 5 * given.labels)
    given = Rows(given.labels, given.predicted, given.probabilities, 1, groups=given.groups, inputs={"age": age})
    made = reweigh(given)
    weight = {(each["group"], each["class"]): each["weight"] for each in made.numbers["weights"]}
    w = np.array([weight[str(group), int(label)] for group, label in zip(given.groups, given.labels, strict=True)])
    left = w * (given.labels - made.apply(given).probabilities[:, 1])
    assert left.sum() == pytest.approx(0, abs=0.05)
    for name, column in (("log-odds of the candidate", logit(given.score)), ("age", age)):
        told = made.numbers["coefficients"][name]
        z = np.nan_to_num((column - told["mean"]) / told["deviation"])
        assert left @ z == pytest.approx(told["weight"], abs=0.05)
    assert json.loads(json.dumps(made.numbers, allow_nan=False)) == made.numbers


def test_a_layer_that_would_turn_the_order_around_is_refused():
    given = unequal(400, 0)
    with pytest.raises(DataError, match="around"):
        reweigh(Rows(1 - given.labels, given.predicted, given.probabilities, 1, groups=given.groups))


def test_effects_by_hand():
    """Of four f, one right answer is lost and one true positive with it; m does not change."""
    group = np.repeat(["f", "m"], 30)
    labels = np.tile([1, 0, 1], 20)
    before = Rows(labels, labels.copy(), np.column_stack([1 - labels, labels]).astype(float), 1, groups=group)
    after = labels.copy()
    after[:12:3] = 0
    parts = {("sex", name): group == name for name in ("f", "m")}
    found = {(e.metric, *e.part.values()): e for e in effects(before, Predictions(after), parts, seed=0)}
    lost = found["true_positive_rate", "f"]
    assert (lost.n, lost.before, lost.after, lost.worse) == (20, 1.0, 0.8, True)
    assert found["accuracy", "f"].after == pytest.approx(26 / 30)
    assert found["selection_rate", "f"].worse is False
    assert not any(each.worse for key, each in found.items() if key[1:] == ("m",))
    assert found["calibration_error", "f"].after is None
    assert lost.change is not None
    assert lost.change.low < -0.2 < lost.change.high


def test_the_harm_to_a_group_is_found_and_none_is_invented():
    """A remedy that costs f a tenth of its true positives is seen; one that changes nothing accuses nobody."""
    test = unequal(4000, 7)
    parts = {("sex", name): test.groups == name for name in ("f", "m")}
    harmed = test.predicted.copy()
    chosen = np.flatnonzero((test.groups == "f") & (test.labels == 1) & (harmed == 1))
    harmed[chosen[::10]] = 0
    sure = {(e.metric, *e.part.values()) for e in effects(test, Predictions(harmed), parts, seed=0) if e.beyond_chance}
    assert {("true_positive_rate", "f"), ("selection_rate", "f")} <= sure
    assert not any("m" in key for key in sure)
    same = effects(test, Predictions(test.predicted, test.probabilities), parts, seed=0)
    assert not any(each.worse or each.beyond_chance for each in same)


def _set(role, **columns) -> Dataset:
    data = make_dataset(np.array(columns["label"]), role=role)
    ids = np.array(columns["id"], dtype=object) if "id" in columns else None
    return Dataset(role, pa.table(columns), None, data.labels, {}, ids, data.row_digests, data.digest, data.path)


def test_rows_that_the_test_holds_too_are_refused():
    test = _set("test", label=[0, 1], text=["a", "b"], score=[0.1, 0.9])
    refuse_shared(_set("calibration", label=[0, 1], text=["c", "a"], extra=[1, 2]), test)
    with pytest.raises(DataError, match=r"1 of its rows .* are test rows too"):
        refuse_shared(_set("calibration", label=[1, 0], text=["a", "a"]), test)
    test = _set("test", label=[0, 1], id=["1", "2"], score=[0.1, 0.9])
    with pytest.raises(DataError, match=r"1 of its rows .* are test rows too"):
        refuse_shared(_set("calibration", label=[0, 1], id=["2", "3"], score=[0.3, 0.4]), test)
    with pytest.raises(DataError, match=r"1 of its rows .* are train rows too .* the candidate was tuned on these"):
        refuse_shared(_set("calibration", label=[0, 1], id=["2", "3"]), _set("train", label=[0], id=["3"]))


def test_rows_of_a_case():
    case = make_case([0, 1, 1], [0.2, 0.6, 0.7], groups={"sex": ["f", "m", "f"]})
    found = rows_of(case, "test", "sex")
    assert found is not None
    assert found.groups.tolist() == ["f", "m", "f"]
    assert found.score.tolist() == [0.2, 0.6, 0.7]
    assert rows_of(case, "shifted", None) is None
    with pytest.raises(UsageError, match="is no group column"):
        rows_of(case, "test", "race")
    with pytest.raises(UsageError, match="labels only"):
        rows_of(make_case([0, 1], [0, 1]), "test", None)


def test_numeric_inputs_without_protected_ones():
    frame = pd.DataFrame({"age": [30, 40], "sex": [0, 1], "town": ["x", "y"]})
    case = make_case([0, 1], [0.2, 0.6], groups={"sex": ["0", "1"]})
    data = Dataset(**{**vars(case.data["test"]), "inputs": frame})
    case = type(case)(**{**vars(case), "data": {"test": data}})
    found = rows_of(case, "test", None)
    assert found is not None
    assert {name: column.tolist() for name, column in found.inputs.items()} == {"age": [30.0, 40.0]}
