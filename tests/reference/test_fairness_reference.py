"""Every metric of fairlearn and aif360 that depends on counts alone, against their own call on the rows."""

from __future__ import annotations

import inspect
import logging
import os
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from case_fixture import make_case, run_check
from fairness_names import AIF360, ALL, ENTROPY, FAIRLEARN, Ours
from hypothesis import given, settings, strategies as st

from govkit.checks._fairness import PARITIES, metrics_of
from govkit.checks.outcomes.bias import bias
from govkit.checks.outcomes.individual_fairness import individual_fairness
from govkit.core import Measurement
from govkit.data.counts import CELLS, CountTable, cells_of, count_codes

logging.disable(logging.WARNING)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from aif360.datasets import BinaryLabelDataset
    from aif360.metrics import ClassificationMetric
    from fairlearn import metrics as fairlearn
    from sklearn import metrics as sklearn
logging.disable(logging.NOTSET)

TABLE = Path(__file__).parents[2] / "docs" / "fairness.md"
CLOSE = {"rtol": 0, "atol": 1e-12}
FRAME = {
    "selection_rate": fairlearn.selection_rate,
    "true_positive_rate": fairlearn.true_positive_rate,
    "true_negative_rate": fairlearn.true_negative_rate,
    "false_positive_rate": fairlearn.false_positive_rate,
    "false_negative_rate": fairlearn.false_negative_rate,
    "positive_predictive_value": sklearn.precision_score,
    "accuracy": sklearn.accuracy_score,
    "error_rate": sklearn.zero_one_loss,
    "balanced_accuracy": sklearn.balanced_accuracy_score,
    "f1": sklearn.f1_score,
}


@st.composite
def rows(draw):
    """Rows of 2 to 4 groups with weights; every group has rows of every cell, so that all rates are defined."""
    seed, groups = draw(st.integers(0, 2**32 - 1)), draw(st.integers(2, 4))
    rng = np.random.default_rng(seed)
    n = draw(st.integers(0, 60))
    codes = np.concatenate([np.repeat(np.arange(groups), 4), rng.integers(0, groups, n)])
    truth = np.concatenate([np.tile([1, 1, 0, 0], groups), rng.random(n) < rng.random()]).astype(int)
    answer = np.concatenate([np.tile([1, 0, 1, 0], groups), rng.random(n) < rng.random()]).astype(int)
    weights = rng.choice([0.1, 0.5, 1, 2, 7.25], len(codes)) if draw(st.booleans()) else np.ones(len(codes))
    return codes, truth, answer, weights


def counted(codes, truth, answer, weights) -> CountTable:
    counts = count_codes(codes, cells_of(truth, answer, 1), (codes.max() + 1, len(CELLS)), weights)
    return CountTable(tuple("abcd"[: len(counts)]), counts)


def one_and_rest(table: CountTable, index: int) -> CountTable:
    own = table.counts[index]
    return CountTable(("one", "rest"), np.stack([own, table.counts.sum(axis=0) - own]))


def classification_metric(codes, truth, answer, weights):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = pd.DataFrame({"g": codes.astype(float), "y": truth.astype(float)})
        known = BinaryLabelDataset(df=frame, label_names=["y"], protected_attribute_names=["g"])
        known.instance_weights = weights
        told = known.copy()
        told.labels = answer.astype(float)[:, None]
        others = [{"g": float(code)} for code in range(1, codes.max() + 1)]
        return ClassificationMetric(known, told, [{"g": 0.0}], others)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(rows())
def test_rates_and_spreads_are_those_of_a_frame_of_fairlearn_on_the_rows(drawn):
    """One frame holds every metric; the functions of the library are derived from such frames."""
    codes, truth, answer, weights = drawn
    ours = metrics_of(counted(*drawn))
    parameters = {name: {"sample_weight": weights} for name in FRAME}
    frame = fairlearn.MetricFrame(
        metrics=FRAME, y_true=truth, y_pred=answer, sensitive_features=codes, sample_params=parameters
    )
    spread, ratio = frame.difference(), frame.ratio()
    for name in FRAME:
        np.testing.assert_allclose(ours[name], frame.by_group[name].to_numpy(float), **CLOSE, err_msg=name)
    for rate, parity in PARITIES.items():
        if rate in FRAME:
            np.testing.assert_allclose(ours[f"{parity}_difference"], spread[rate], **CLOSE, err_msg=parity)
            np.testing.assert_allclose(ours[f"{parity}_ratio"], ratio[rate], **CLOSE, err_msg=parity)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(rows())
def test_rates_and_gaps_are_those_of_aif360_on_the_rows(drawn):
    codes, truth, answer, weights = drawn
    table = counted(*drawn)
    ours = metrics_of(table)
    metric = classification_metric(codes, truth, answer, weights)
    labels = metrics_of(counted(codes, truth, truth, weights))
    two = metrics_of(one_and_rest(table, 0))
    values = {"groups": ours, ALL: ours, "labels": labels, "labels of all": labels, "two": two}
    for name, found in AIF360.items():
        if isinstance(found, str) or found.over == "rows":
            continue
        call = getattr(metric, name)
        theirs = call(privileged=False) if "privileged" in inspect.signature(call).parameters else call()
        if found.over == "count":
            mine = table.counts[0, [int(cell) for cell in found.name]].sum()
            np.testing.assert_allclose(mine, theirs, rtol=1e-12, err_msg=name)
            continue
        mine = values[found.over][found.name]
        np.testing.assert_allclose(mine[0] if np.ndim(mine) else mine, theirs, **CLOSE, err_msg=name)


@settings(max_examples=4, deadline=None, derandomize=True)
@given(rows())
def test_each_function_of_fairlearn_on_the_rows(drawn):
    codes, truth, answer, weights = drawn
    ours = metrics_of(counted(*drawn))
    fold = {ALL: float, "min": np.min, "max": np.max}
    for name, found in FAIRLEARN.items():
        if isinstance(found, Ours) and found.over in fold:
            theirs = getattr(fairlearn, name)(truth, answer, sensitive_features=codes, sample_weight=weights)
            np.testing.assert_allclose(fold[found.over](ours[found.name]), theirs, **CLOSE, err_msg=name)
    np.testing.assert_allclose(
        ours["selection_rate"][0], fairlearn.mean_prediction(truth, answer[codes == 0], weights[codes == 0]), **CLOSE
    )


def test_individual_measures_are_those_of_aif360_on_the_rows():
    rng = np.random.default_rng(5)
    truth, answer, group = rng.integers(0, 2, (3, 300))
    group[:60] = 2
    features = pd.DataFrame(rng.integers(0, 4, (300, 3)).astype(float), columns=list("uvw"))
    case = make_case(truth, answer, groups={"g": group})
    found = run_check(individual_fairness, with_inputs(case, features))
    values = {(item.name, item.of, item.part.get("g")): item.value for item in found if isinstance(item, Measurement)}
    metric = classification_metric(group, truth, answer, np.ones(300))
    for name in ENTROPY:
        assert values[name, "candidate", None] == pytest.approx(getattr(metric, name)(), abs=1e-12)
        theirs = getattr(metric, f"between_group_{name}")()
        assert values[f"between_group_{name}", "candidate", "0"] == pytest.approx(theirs, abs=1e-12)
        theirs = getattr(metric, f"between_all_groups_{name}")()
        assert values[f"between_group_{name}", "candidate", "*"] == pytest.approx(theirs, abs=1e-12)
    # Their consistency is that of the first data set they are given, labels or answers.
    for of, given_labels in (("labels", truth), ("candidate", answer)):
        frame = features.assign(g=group.astype(float), y=given_labels.astype(float))
        data = BinaryLabelDataset(df=frame, label_names=["y"], protected_attribute_names=["g"])
        data.features = features.to_numpy()
        theirs = ClassificationMetric(data, data.copy()).consistency(n_neighbors=5)
        assert values["consistency", of, None] == pytest.approx(float(theirs[0]), abs=1e-12)


def with_inputs(case, features):
    return replace(case, data={"test": replace(case.data["test"], inputs=features)})


def test_every_name_of_the_libraries_is_carried_or_has_a_reason():
    names = [name for name in dir(ClassificationMetric) if not name.startswith("_")]
    assert set(FAIRLEARN) == set(fairlearn.__all__)
    assert set(AIF360) == set(names)
    measured = {check.name: check.metrics for check in (bias, individual_fairness)}
    for found in (*FAIRLEARN.values(), *AIF360.values()):
        if isinstance(found, Ours) and found.check and found.over != "count":
            assert found.name in measured[found.check], found


HEAD = """\
# The metrics of fairlearn and aif360, and ours

Made by `tests/reference/test_fairness_reference.py`, which compares each with the library's own call on the rows, with
its default options, to 1e-12, weights included; those of `individual_fairness` without weights, which aif360 ignores
there. Where aif360 sets an unprivileged group against a privileged one, ours sets a group against everybody else.

"""
OVER = {
    "groups": "", ALL: "of all groups", "min": "the least of the groups", "max": "the largest of the groups",
    "labels": "of the labels", "labels of all": "of the labels", "two": "of the group and the rest", "rows": "",
    "count": "a count of the table",
}  # fmt: skip


def test_the_table_in_the_documents_is_fresh():
    text = HEAD + "\n".join([*table_of("fairlearn", FAIRLEARN), "", *table_of("aif360", AIF360)]) + "\n"
    if os.environ.get("GOVKIT_WRITE_DOCS") == "1":
        TABLE.write_text(text, encoding="utf-8")
    assert TABLE.read_text(encoding="utf-8") == text, "stale: run this test once with GOVKIT_WRITE_DOCS=1"


def table_of(library: str, names: dict[str, Ours | str]) -> list[str]:
    lines = [f"| {library} | ours | check |", "|---|---|---|"]
    for name, found in sorted(names.items(), key=lambda pair: (isinstance(pair[1], str), pair[0].lower())):
        if isinstance(found, str):
            lines.append(f"| `{name}` | not carried: {found} | – |")
        else:
            counted = found.over == "count"
            ours = OVER["count"] if counted else ", ".join(filter(None, (f"`{found.name}`", OVER[found.over])))
            where = "`govkit.data.count_table`" if counted else found.check or "`metrics_of`"
            lines.append(f"| `{name}` | {ours} | {where} |")
    return lines
