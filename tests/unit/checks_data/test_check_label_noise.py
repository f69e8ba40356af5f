"""Noise is planted in real rows; ``tests/bench/label_noise.py`` has the long version of the draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from benches import load_bench
from case_fixture import make_case, make_dataset, pick, run_check

from govkit.checks._probes import probe_features
from govkit.checks.data.label_noise import confident_counts, label_noise, noise_share
from govkit.core import Gap


@pytest.fixture(scope="module")
def bench():
    return load_bench("label_noise")


def gaps_of(found):
    return {(gap.name, gap.part.get("class")): gap.reason for gap in found if isinstance(gap, Gap)}


CARRIED = ["digits", "breast cancer", pytest.param("messages", marks=pytest.mark.carrier)]


@pytest.mark.parametrize("name", CARRIED)
def test_noise_of_5_percent_is_estimated_within_2_points(bench, name):
    found = bench.estimate(name, 0.05, 0)
    assert abs(found.value - 0.05) <= 0.02
    assert found.interval.low <= 0.05 <= found.interval.high


@pytest.mark.parametrize("name", CARRIED)
def test_clean_labels_are_hardly_doubted(bench, name):
    assert bench.estimate(name, 0.0, 0).value <= 0.02


def test_the_share_satisfies_no_limit_because_labels_wrong_for_a_whole_kind_are_not_seen(bench):
    inputs, labels = bench.carrier("digits")
    sevens = np.flatnonzero(labels == 7)
    changed = labels.copy()
    changed[sevens[: len(sevens) * 9 // 10]] = 3
    found = pick(run_check(label_noise, bench.case_of(inputs, changed)), "label_noise")
    assert found.bounds == ()
    assert found.value < np.mean(changed != labels) / 2


def test_most_relabeled_rows_are_suspect_and_the_classes_add_up(bench):
    inputs, labels = bench.carrier("digits")
    changed = bench.with_noise(labels, 0.05, 0)
    found, planted = run_check(label_noise, bench.case_of(inputs, changed)), np.count_nonzero(changed != labels)
    assert 0.6 * planted <= pick(found, "suspect_rows").value <= planted
    each = [pick(found, "suspect_rows", part={"class": f"class {at}"}) for at in range(10)]
    assert sum(item.value for item in each) == pick(found, "suspect_rows").value
    assert sum(item.n for item in each) == len(labels)


def test_suspect_rows_are_named(bench):
    inputs, labels = bench.carrier("digits")
    changed = bench.with_noise(labels, 0.05, 0)
    found = run_check(label_noise, bench.case_of(inputs, changed))
    planted = {f"row {at + 1}" for at in np.flatnonzero(changed != labels)}
    named = pick(found, "suspect_rows").rows
    assert len(named) == pick(found, "suspect_rows").value
    assert len(planted & set(named)) >= 0.9 * len(named)
    by_class = [row for at in range(10) for row in pick(found, "suspect_rows", part={"class": f"class {at}"}).rows]
    assert sorted(by_class) == sorted(named)


def test_the_joint_is_worked_by_hand():
    labels = np.array([0, 0, 0, 0, 1, 1])
    # Usual confidence: 0.6 in class 0, 0.7 in class 1.
    first = np.array([0.9, 0.8, 0.5, 0.2, 0.2, 0.4])
    counts = confident_counts(np.column_stack([first, 1 - first]), labels)
    assert counts.tolist() == [[2, 1, 1], [0, 1, 1]]
    assert noise_share(counts) == pytest.approx(4 / 6 * 1 / 3)


def test_no_doubt_at_all_is_no_certainty(bench):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    inputs = pd.DataFrame({"x": labels + rng.normal(0, 0.01, 200)})
    found = pick(run_check(label_noise, bench.case_of(inputs, labels)), "label_noise")
    assert (found.value, found.interval.low) == (0.0, 0.0)
    assert 0.01 < found.interval.high < 0.03


def test_the_same_seed_gives_the_same_findings_and_both_roles_are_judged(bench):
    inputs, labels = bench.carrier("breast cancer")
    case = bench.case_of(inputs, labels, role="train")
    case = replace(case, data={**case.data, "test": make_dataset(labels[:300], inputs=inputs.iloc[:300])})
    found = run_check(label_noise, case, sample=400)
    assert found == run_check(label_noise, case, sample=400)
    assert pick(found, "label_noise", role="train").n == 400
    assert pick(found, "label_noise", role="test").n == 300


def test_features_of_the_base_are_preferred(bench):
    labels = np.tile([0, 1], 60)
    features = np.random.default_rng(0).normal(size=(120, 3)).astype(np.float32) + 4 * labels[:, None]
    case = bench.case_of(["one and the same text"] * 120, labels, embed=lambda _role: features)
    assert pick(run_check(label_noise, case), "probe_accuracy").value > 0.95


def test_large_images_are_seen_in_blocks(bench):
    inputs, labels = bench.carrier("digits")
    large = inputs.repeat(5, axis=2).repeat(5, axis=3)
    case = bench.case_of(large, labels)
    assert probe_features(case, case.data["test"], np.arange(len(labels))).shape[1] == 20 * 20
    assert pick(run_check(label_noise, case, sample=500), "probe_accuracy").value > 0.9


def test_tables_with_categories_and_missing_cells_are_read(bench):
    labels = np.tile([0, 1], 60)
    table = pd.DataFrame({
        "kind": [None if at % 9 == 0 else ["red", "blue"][label] for at, label in enumerate(labels)],
        "size": [np.nan if at % 7 == 0 else float(label) for at, label in enumerate(labels)],
        "empty": [np.nan] * 120,
    })  # fmt: skip
    assert pick(run_check(label_noise, bench.case_of(table, labels)), "probe_accuracy").value > 0.95


def test_a_class_of_few_rows_is_a_gap_and_left_out(bench):
    inputs, labels = bench.carrier("digits")
    kept = np.sort(np.concatenate([np.flatnonzero(labels != 9), np.flatnonzero(labels == 9)[:19]]))
    found = run_check(label_noise, bench.case_of(inputs[kept], labels[kept]))
    assert gaps_of(found) == {("suspect_rows", "class 9"): "too few rows"}
    assert pick(found, "label_noise").n == len(kept) - 19


def test_rows_that_tell_nothing_of_the_labels_are_a_gap(bench):
    rng = np.random.default_rng(0)
    case = bench.case_of(pd.DataFrame({"x": rng.normal(size=400)}), rng.integers(0, 2, 400))
    found = run_check(label_noise, case)
    assert gaps_of(found) == {("label_noise", None): "unsupported", ("suspect_rows", None): "unsupported"}
    assert pick(found, "probe_accuracy").value < 0.65


def test_one_class_and_rows_without_inputs_are_gaps():
    one = gaps_of(run_check(label_noise, make_case([1] * 50, [1] * 50)))
    assert set(one.values()) == {"too few rows"}
    bare = gaps_of(run_check(label_noise, make_case([0, 1] * 50, [0, 1] * 50)))
    assert set(bare.values()) == {"no data"}
    assert {name for name, _ in bare} == {"label_noise", "suspect_rows", "probe_accuracy"}


def test_the_first_100_000_characters_of_a_text_are_read():
    case, texts = make_case([0, 1], [0, 1]), ["sun sea", "sun " * 25_000]
    longer = [texts[0], texts[1] + "kitchen garden"]
    features, of_longer = (
        probe_features(case, make_dataset([0, 1], inputs=each), np.arange(2)) for each in (texts, longer)
    )
    assert (features != of_longer).nnz == 0
