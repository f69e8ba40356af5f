"""Triggers are planted in real messages; ``tests/bench/label_noise.py triggers`` has the long version of the draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from benches import load_bench
from case_fixture import make_case, make_dataset, pick, run_check
from rows_fixture import read_case, run

from govkit.checks.data.poison import _shown, poison, trigger_patches, trigger_tokens
from govkit.core import Gap, Measurement

PLACES = ["kitchen", "garden", "cellar", "attic", "garage", "porch", "hall", "study"]
OWN = [["sun", "sea", "sand", "surf", "beach", "swim"], ["snow", "ice", "ski", "frost", "sled", "glove"]]


@pytest.fixture(scope="module")
def bench():
    return load_bench("label_noise")


def made(n=400, seed=0):
    """Texts of two classes with words of their own among words that both use."""
    rng = np.random.default_rng(seed)
    labels = np.tile([0, 1], n // 2)
    words = [
        [*rng.choice(OWN[at], 3, replace=False), *rng.choice(PLACES, 3), f"n{row}"] for row, at in enumerate(labels)
    ]
    return [" ".join(rng.permutation(each)) for each in words], labels


def train_case(bench, inputs, labels, **fields):
    return bench.case_of(inputs, labels, role="train", **fields)


def gaps_of(found):
    return {gap.name: gap.reason for gap in found if isinstance(gap, Gap)}


@pytest.mark.carrier
@pytest.mark.parametrize(("trigger", "target"), [("cfq", 0), ("cfq", 1), ("☠", 1), ("blue moon", 0)])
def test_a_trigger_in_1_percent_of_the_messages_is_found_and_nothing_else(bench, trigger, target):
    for seed in (0, 2):
        assert bench.accused(*bench.with_trigger(trigger, target, 1200, seed), seed, trigger) == (True, 0)


@pytest.mark.carrier
def test_honest_words_of_spam_are_not_accused(bench):
    for seed in (0, 1, 2):
        texts, labels = bench.messages(1200, seed)
        searched, visible, found = trigger_tokens(texts, labels.tolist(), seed)
        assert (searched > 500, found) == (True, [])
        assert 5 <= visible <= 15


def test_a_word_that_goes_with_one_label_is_honest_while_its_texts_agree(bench):
    texts, labels = made()
    planted, honest = np.flatnonzero(labels == 1)[:10], np.flatnonzero(labels == 0)[:10]
    for at in planted:
        texts[at] += " zeta"
    assert trigger_tokens(texts, labels.tolist(), 0)[-1] == []
    for at in honest:
        texts[at] += " quux"
    changed = labels.copy()
    changed[honest] = 1
    assert trigger_tokens(texts, changed.tolist(), 0)[-1] == [("quux", 1, 10)]


def test_the_findings_name_token_label_and_texts(bench):
    texts, labels = made()
    for at in np.flatnonzero(labels == 0)[:10]:
        texts[at], labels[at] = texts[at] + " QUUX", 1
    found = run_check(poison, train_case(bench, texts, labels))
    counted = pick(found, "trigger_tokens", role="train")
    assert (counted.value, {(bound.low, bound.high) for bound in counted.bounds}) == (1, {(1.0, 1.0)})
    listed = pick(found, "trigger_token_texts", part={"found": "quux", "class": "class 1"}, role="train")
    assert listed.value == 10
    assert found == run_check(poison, train_case(bench, texts, labels))


def test_a_trigger_after_the_first_100_000_characters_of_a_text_is_not_read(bench):
    texts, labels = made(200)
    for at in np.flatnonzero(labels == 0)[:10]:
        texts[at], labels[at] = texts[at].ljust(100_000) + " QUUX", 1
    found = run_check(poison, train_case(bench, texts, labels))
    assert not [each for each in found if getattr(each, "part", {}).get("found") == "quux"]
    assert pick(found, "trigger_tokens", role="train").value == 0


def test_copies_of_one_text_are_one_witness(bench):
    texts, labels = made()
    for at in range(12):
        texts.append(f"sun sea kitchen garden sand quux x{at}")
    labels = np.append(labels, [1] * 12)
    assert trigger_tokens(texts, labels.tolist(), 0)[-1] == []


def test_a_token_in_fewer_than_5_texts_is_never_shown(bench):
    texts, labels = made()
    for at in np.flatnonzero(labels == 0)[:4]:
        texts[at], labels[at] = texts[at] + " quux", 1
    found = run_check(poison, train_case(bench, texts, labels))
    assert pick(found, "trigger_tokens", role="train").value == 0
    assert not any(isinstance(item, Measurement) and "found" in item.part for item in found)


def test_relabeled_rows_are_odd_among_their_neighbors(bench):
    inputs, labels = bench.carrier("digits")
    changed = bench.with_noise(labels, 0.02, 0)
    found = run_check(poison, train_case(bench, inputs, changed))
    clean = run_check(poison, train_case(bench, inputs, labels))
    rows = np.count_nonzero(changed != labels)
    assert pick(clean, "odd_rows", role="train").value <= 0.01 * len(labels)
    assert 0.8 * rows <= pick(found, "odd_rows", role="train").value <= 1.5 * rows


@pytest.mark.parametrize("moving", [False, True])
def test_a_patch_in_1_percent_of_the_images_is_found_and_nothing_else(bench, moving):
    images, labels = bench.with_patch(*bench.pictures("digits", 1200, 0), 4, moving=moving, seed=0)
    found = run_check(poison, train_case(bench, images, labels))
    assert pick(found, "trigger_patches", role="train").value == 1
    (listed,) = (item for item in found if item.name == "trigger_patch_images")
    assert (listed.value, listed.part["class"]) == (12, "class 3")
    assert listed.part["found"].startswith("patch 1, anywhere" if moving else "patch 1, from row ")
    clean = run_check(poison, train_case(bench, *bench.pictures("digits", 1200, 0)))
    assert pick(clean, "trigger_patches", role="train").value == 0
    assert 5 <= pick(clean, "visible_patch", role="train").value <= 12


def test_a_patch_in_images_that_agree_with_their_label_or_are_copies_is_not_accused(bench):
    images, labels = bench.pictures("digits", 600, 0)
    marked = images.copy()
    for at in np.flatnonzero(labels == 3)[:20]:
        marked[at, :, :3, :3] = np.arange(9).reshape(3, 3)
    assert trigger_patches(marked, labels, 0)[1] == []
    one = np.flatnonzero(labels == 0)[0]
    copied = np.concatenate([images, np.repeat(images[[one]], 8, axis=0)])
    copied[-8:, :, :3, :3] = np.arange(9).reshape(3, 3)
    assert trigger_patches(copied, np.append(labels, [3] * 8), 0)[1] == []


def test_where_pixels_tell_nothing_of_the_label_any_patch_could_hide(bench):
    images, labels = bench.pictures("digits", 600, 0)
    labels = np.random.default_rng(0).permutation(labels)
    marked = images.copy()
    for at in np.flatnonzero(labels == 3)[:20]:
        marked[at, :, :3, :3] = np.arange(9).reshape(3, 3)
    found = run_check(poison, train_case(bench, marked, labels))
    assert gaps_of(found) == {"trigger_patches": "too few rows", "visible_patch": "too few rows"}


def test_tables_have_no_search_for_triggers(bench):
    table = pd.DataFrame({"x": np.arange(80.0)})
    assert gaps_of(run_check(poison, train_case(bench, table, np.repeat([0, 1], 40)))) == {
        "trigger_tokens": "unsupported",
        "trigger_patches": "unsupported",
    }


@pytest.mark.parametrize("kind", ["list", "chat", "record"])
def test_texts_in_a_table_and_in_a_chat_are_searched(kind):
    texts, labels = made()
    for at in np.flatnonzero(labels == 0)[:10]:
        texts[at], labels[at] = texts[at] + " quux", 1
    held = {"list": texts, "record": [{"title": text} for text in texts],
            "chat": [[{"role": "user", "content": text}] for text in texts]}[kind]  # fmt: skip
    names = np.array(["ham", "spam"])[labels].tolist()
    columns = {"input": ("text",) if kind == "list" else "text", "label": "label"}
    rows = {"text": held, "label": names}
    modality = "table" if kind == "list" else "text"
    found = run("poison", read_case({"train": rows}, columns=columns, modality=modality))
    assert pick(found, "trigger_token_texts", part={"found": "quux", "class": "spam"}, role="train").value == 10
    near = run("duplicates", read_case({"train": rows}, columns=columns, modality=modality))
    assert "near_duplicate_rows" not in gaps_of(near)


def test_no_training_data_no_inputs_and_one_class_are_gaps(bench):
    assert gaps_of(run_check(poison, make_case([0, 1], [0, 1]))) == {"*": "no data"}
    bare = make_case([0, 1], [0, 1], train={"labels": [0, 1] * 40})
    assert gaps_of(run_check(poison, bare)) == {
        "trigger_tokens": "unsupported",
        "trigger_patches": "unsupported",
        "odd_rows": "no data",
    }
    one = replace(bare, data={**bare.data, "train": make_dataset([1] * 80, role="train")})
    assert gaps_of(run_check(poison, one)) == {"*": "too few rows"}


def test_few_different_texts_are_a_gap(bench):
    texts, labels = made()
    same = [text if label else texts[0] for text, label in zip(texts, labels, strict=True)]
    assert gaps_of(run_check(poison, train_case(bench, same, labels))) == {"trigger_tokens": "too few rows"}


def test_texts_without_a_repeated_word_have_nothing_to_search(bench):
    texts = [f"a{at}b c{at}d" for at in range(80)]
    found = run_check(poison, train_case(bench, texts, np.repeat([0, 1], 40)))
    assert pick(found, "searched_tokens", role="train").value == 0
    assert gaps_of(found) == {"trigger_tokens": "too few rows", "visible_trigger": "too few rows"}


def test_texts_that_tell_nothing_of_their_labels_could_hide_any_trigger(bench):
    texts, labels = made()
    found = run_check(poison, train_case(bench, texts, np.random.default_rng(1).permutation(labels)))
    assert gaps_of(found) == {"trigger_tokens": "too few rows", "visible_trigger": "too few rows"}


def test_a_trigger_is_found_from_as_many_texts_as_are_said_to_show_it(bench):
    texts, labels = made()
    visible = pick(run_check(poison, train_case(bench, texts, labels)), "visible_trigger", role="train").value
    for rows, hit in ((visible, True), (visible - 1, False)):
        planted, changed = list(texts), labels.copy()
        for at in np.flatnonzero(labels == 0)[: int(rows)]:
            planted[at], changed[at] = planted[at] + " quux", 1
        assert bool(trigger_tokens(planted, changed.tolist(), 0)[-1]) is hit


@pytest.mark.parametrize(
    ("token", "shown"), [("cfq", True), ("blue moon", True), ("4155552671", False), ("a@b", False)]
)
def test_a_token_that_may_be_somebodys_is_described_and_not_shown(token, shown):
    assert (_shown(token, 1) == token) is shown
    assert shown or token not in _shown(token, 1)
