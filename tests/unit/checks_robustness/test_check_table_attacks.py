"""Attacks on tables: models whose weak side is known, real rows, and what the audit file forbids."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from attacked_fixture import case_of
from rows_fixture import gaps, measurements, run, value
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier

import govkit as gk
from govkit.checks import Request, catalog, declared_passes
from govkit.core.audit import FeasibleChanges
from govkit.errors import AuditError


class Asked:
    """A table subject around a function of a frame."""

    access, path, digest, modality, classes = "predict", None, "sha256:02", "table", ()

    def __init__(self, function, passes):
        self.function, self.passes = function, passes

    def predict(self, inputs):
        self.passes.forward += len(inputs)
        return np.asarray(self.function(inputs))


def case_for(frame, function, *, base=None, **declared):
    labels = np.asarray(function(frame)).argmax(1)
    case = case_of(
        frame, labels, lambda passes: Asked(function, passes), modality="table",
        base=None if base is None else lambda passes: Asked(base, passes),
    )  # fmt: skip
    object.__setattr__(case, "feasible", FeasibleChanges(**declared))
    return case


def above(frame, name="a", at=0.0):
    p = 1 / (1 + np.exp(-5 * (frame[name].to_numpy(dtype=float) - at)))
    return np.column_stack([1 - p, p])


@pytest.fixture
def frame():
    rng = np.random.default_rng(3)
    return pd.DataFrame({"a": rng.normal(size=200), "b": rng.normal(size=200), "c": rng.normal(size=200)})


def test_a_model_of_one_column_breaks_where_the_budget_reaches_its_limit(frame):
    """By hand: within half a deviation of 0 the answer can be turned, beyond it cannot."""
    found = run("table_attacks", case_for(frame, above), rows=200, budget=0.5)
    spread, x = frame["a"].std(), frame["a"]
    values = np.unique(np.quantile(x, np.linspace(0, 1, 64), method="nearest"))
    lowest = values[values > 0].min()
    highest = values[values < 0].max()
    exact = np.where(x > 0, (x - highest) > 0.5 * spread, (lowest - x) > 0.5 * spread).mean()
    assert value(found, "feasible_accuracy", of="candidate") == pytest.approx(exact)
    assert value(found, "feasible_accuracy_drop") == pytest.approx(1 - exact)
    assert value(found, "breaking_share", part={"column": "a"}) == 1.0
    assert [item.part for item in measurements(found, "breaking_share")] == [{"column": "a"}]
    assert 0 < value(found, "breaking_cost") <= 0.5
    (item,) = measurements(found, "feasible_accuracy")
    assert item.trust == "trusted"
    assert len(item.bounds) == 9
    assert len(item.rows) == min(100, round(200 * (1 - exact)))


def test_what_may_not_change_protects_the_rows(frame):
    assert value(run("table_attacks", case_for(frame, above, immutable=("a",)), rows=80), "feasible_accuracy") == 1.0
    dear = run("table_attacks", case_for(frame, above, cost={"a": 100.0}), rows=80)
    assert value(dear, "feasible_accuracy") > value(run("table_attacks", case_for(frame, above), rows=80),
                                                    "feasible_accuracy")  # fmt: skip
    bound = frame.assign(b=frame["a"] + 0.01)
    tied = run("table_attacks", case_for(bound, above, relations=("a < b", "b < a + 0.02")), rows=80, edits=2)
    assert value(tied, "feasible_accuracy") > 0.9


def test_protected_attributes_are_never_changed(frame):
    case = case_for(frame, above)
    from case_fixture import coded

    object.__setattr__(case.data["test"], "groups", {"a": coded(frame["a"].round(0).astype(str))})
    assert value(run("table_attacks", case, rows=50), "feasible_accuracy") == 1.0


def test_real_trees_are_attacked_and_stay_beside_their_base(frame):
    x, y = load_breast_cancer(return_X_y=True, as_frame=True)
    trees = HistGradientBoostingClassifier(max_iter=40, random_state=0).fit(x[:300], y[:300])
    few = HistGradientBoostingClassifier(max_iter=3, random_state=0).fit(x[:300], y[:300])
    rows = x[300:].reset_index(drop=True)
    case = case_for(rows, trees.predict_proba, base=few.predict_proba)
    declared = declared_passes(case, [Request("table_attacks", {"rows": 40})], catalog=catalog())
    found = run("table_attacks", case, rows=40)
    assert case.passes.forward <= declared.forward
    candidate, base = (value(found, "feasible_accuracy", of=of, compared_with=None) for of in ("candidate", "base"))
    assert candidate < 1.0
    assert value(found, "feasible_accuracy", compared_with="base") == pytest.approx(candidate - base)


def test_a_model_that_answers_by_chance_is_suspect(frame):
    rng = np.random.default_rng(0)
    case = case_for(frame, above)
    case.subject.function = lambda asked: above(asked) if len(asked) == 200 else rng.dirichlet((1, 1), len(asked))
    found = run("table_attacks", case, rows=64)
    assert {item.trust for item in measurements(found, "feasible_accuracy")} == {"suspect"}


def test_a_model_that_knows_an_attack_by_its_company_is_suspect(frame):
    """Only an attack asks about one row several times at once; alone, each of these rows breaks."""
    honest = dict(zip(frame["b"], frame["a"], strict=True))

    def wary(asked):
        return above(asked.assign(a=asked["b"].map(honest))) if asked["b"].duplicated().any() else above(asked)

    found = run("table_attacks", case_for(frame, wary, immutable=("b", "c")), rows=100)
    assert {item.trust for item in measurements(found, "feasible_accuracy")} == {"suspect"}


@pytest.mark.parametrize(
    "declared", [{"cost": dict.fromkeys("abc", 1e6)}, {"relations": ("a + b + c == 10",)}], ids=["dear", "tied"]
)
def test_where_no_change_is_possible_nothing_is_claimed(frame, declared):
    tied = frame.assign(c=10 - frame["a"] - frame["b"])
    found = run("table_attacks", case_for(tied, above, **declared), rows=40)
    assert gaps(found)["feasible_accuracy"] == gaps(found)["feasible_accuracy_drop"] == "no data"


def test_columns_that_stand_for_a_protected_attribute_are_protected(frame):
    from case_fixture import coded

    women = (frame["a"] > 0).astype(int)
    hot = frame.assign(sex_f=women, sex_m=1 - women)
    case = case_for(hot, lambda asked: above(asked, "sex_f", 0.5))
    object.__setattr__(case.data["test"], "groups", {"sex": coded(women.map({0: "m", 1: "f"}))})
    assert value(run("table_attacks", case, rows=40), "feasible_accuracy") == 1.0


def test_columns_of_0_and_1_that_stand_for_one_category_change_together(frame):
    kinds = np.random.default_rng(1).integers(0, 3, 200)
    hot = frame.assign(**{f"kind_{at}": (kinds == at).astype(int) for at in range(3)})
    seen = []

    def function(asked):
        seen.append(asked[[f"kind_{at}" for at in range(3)]].sum(axis=1))
        return above(asked, "kind_1", 0.5)

    found = run("table_attacks", case_for(hot, function), rows=40)
    assert value(found, "breaking_share", part={"column": "kind_0, kind_1, kind_2"}) == 1.0
    assert all((total == 1).all() for total in seen)


def test_what_cannot_be_measured_is_a_gap(frame):
    only = run("table_attacks", case_for(frame[["a"]], above, immutable=("a",)))
    assert gaps(only) == {"feasible_accuracy": "no data", "feasible_accuracy_drop": "no data"}
    image = case_of(
        np.zeros((4, 1, 8, 8)), [0, 1, 0, 1], lambda passes: Asked(lambda x: np.eye(2)[[0] * len(x)], passes)
    )
    assert gaps(run("table_attacks", image)) == {"feasible_accuracy": "unsupported"}
    some = run("table_attacks", case_for(frame, above, relations=("a < 0",)), rows=30)
    (item,) = measurements(some, "feasible_accuracy")
    assert 0 < value(some, "impossible_rows") == 30 - item.n < 30
    rows = case_for(frame, above, relations=("a < -100",))
    found = run("table_attacks", rows, rows=30)
    assert gaps(found) == {"feasible_accuracy": "no data", "feasible_accuracy_drop": "no data"}


@pytest.mark.parametrize(
    "declared", [{"range": {"word": (0, 1)}}, {"relations": ("word < a",)}, {"one_hot": (("a", "b"),)}]
)
def test_rules_for_numbers_are_refused_for_words(frame, declared):
    case = case_for(frame.assign(word="x"), above, **declared)
    with pytest.raises(AuditError, match=r"needs? numbers|holds other"):
        run("table_attacks", case)


AUDIT = """
schema: govkit.audit/v1
subject: {{python: "model:predict"}}
data: {{test: {{path: test.csv}}}}
columns: {{input: [a, b], label: label, groups: [sex]}}
feasible: {feasible}
"""
MODEL = """
import numpy as np
def predict(frame):
    p = 1 / (1 + np.exp(-frame["a"].to_numpy(float)))
    return np.column_stack([1 - p, p])
"""


def write(folder, frame, feasible):
    rows = frame[["a", "b"]].assign(label=(frame["a"] > 0).astype(int), sex=["f", "m"] * 100)
    rows.to_csv(folder / "test.csv", index=False)
    (folder / "model.py").write_text(MODEL)
    (folder / "audit.yaml").write_text(AUDIT.format(feasible=feasible))
    return folder / "audit.yaml"


def test_the_audit_file_says_what_may_change(frame, tmp_path):
    audit = write(tmp_path, frame, '{immutable: [b], range: {a: [-3, 3]}, relations: ["a <= 3"], cost: {a: 0.5}}')
    bundle = gk.audit(audit, out=tmp_path / "evidence")
    found = [item for item in bundle.findings if item.check == "table_attacks"]
    assert value(found, "feasible_accuracy") < 0.9


@pytest.mark.parametrize(
    ("feasible", "said"),
    [
        ("{immutable: [aa]}", r"'aa' is no input"),
        ('{relations: ["a <= d"]}', r"'d' is neither"),
        ("{range: {a: [3, 1]}}", r"smallest number before"),
        ("{cost: {a: 0}}", r"greater than 0"),
        ("{imutable: [a]}", r"immutable"),
    ],
)
def test_a_misspelt_rule_is_refused_before_anything_is_asked(frame, tmp_path, feasible, said):
    audit = write(tmp_path, frame, feasible)
    with pytest.raises(AuditError, match=said):
        gk.audit(audit, out=tmp_path / "evidence")
    assert not (tmp_path / "evidence").exists()
