"""Ancestry of weights on pairs whose relation is known: from the two real bases, from tiny nets, and generated."""

import json
import subprocess
import sys
from collections import Counter

import pytest
import torch
from ancestry_pairs import (
    KINDS,
    Pair,
    lite0_pairs,
    minilm_pairs,
    noisy,
    packed,
    random_pair,
    renamed,
    right_answers,
    tiny_pairs,
    whole,
)
from safetensors.torch import save_file
from typer.testing import CliRunner

import govkit as gk
from govkit.cli.app import app
from govkit.errors import SubjectError
from govkit.subjects.ancestry import LIMITS, MOST_LAYERS, compare_weights


def compared(pair: Pair, place):
    folders = [place / name for name in ("candidate", "base")]
    for folder in folders:
        folder.mkdir(parents=True)
    return compare_weights(pair.candidate(folders[0]), pair.base(folders[1]))


def wrong(pairs, place):
    """How many pairs there were, and those that were told wrongly."""
    bad, number = [], 0
    for number, pair in enumerate(pairs, 1):
        found = compared(pair, place / str(number))
        assert found.limits == LIMITS
        if found.answer not in pair.right:
            bad.append(f"{pair.kind}: {found.answer}; {found.reason}")
    return number, bad


@pytest.mark.carrier
@pytest.mark.long
def test_pairs_from_minilm(tmp_path):
    """None wrong; ``tests/bench/ancestry.py`` has three times as many, trained for longer."""
    number, bad = wrong(minilm_pairs(101, 2, short=True), tmp_path)
    assert not bad
    assert number >= 13


@pytest.mark.carrier
def test_pairs_from_efficientnet(tmp_path):
    number, bad = wrong(lite0_pairs(202, 2, short=True), tmp_path)
    assert not bad
    assert number >= 25


def test_pairs_of_tiny_nets_with_a_real_adapter_merged(tmp_path):
    number, bad = wrong((pair for seed in (303, 404, 505) for pair in tiny_pairs(seed)), tmp_path)
    assert not bad
    assert number >= 24


def test_generated_pairs(tmp_path):
    """At most one in two hundred wrong; the long version is ``tests/bench/ancestry.py``."""
    told = Counter()
    for number in range(100):
        kind = KINDS[number % len(KINDS)]
        candidate, base = random_pair(kind, 40_000 + number)
        found = compared(Pair(kind, right_answers(kind), whole(candidate), whole(base)), tmp_path / str(number))
        told["wrong" if found.answer not in right_answers(kind) else found.answer] += 1
    assert told["wrong"] == 0
    assert told["cannot tell"] <= 5


def net(seed=0, layers=4, width=48):
    dice = torch.Generator().manual_seed(seed)
    return {f"layer.{n}.weight": torch.randn(width, width, generator=dice) for n in range(layers)}


def written(state, folder):
    folder.mkdir()
    return whole(state)(folder)


def test_the_table_says_what_moved(tmp_path):
    base = {**net(), "head.weight": torch.ones(2, 48)}
    dice = torch.Generator().manual_seed(1)
    update = torch.randn(48, 2, generator=dice) @ torch.randn(2, 48, generator=dice)
    update *= 0.25 * base["layer.1.weight"].norm() / update.norm()
    tuned = {**base, "layer.1.weight": base["layer.1.weight"] + update, "head.weight": torch.ones(5, 48)}
    found = compare_weights(written(tuned, tmp_path / "a"), written(base, tmp_path / "b"))
    assert (found.answer, found.hits, found.compared, found.tensors) == ("derived", 4, 4, 4)
    assert found.steps == ("equal names",)
    rows = {layer.name: layer for layer in found.layers}
    assert list(rows) == ["head", "layer.0", "layer.1", "layer.2", "layer.3"]
    assert rows["layer.1"].change == pytest.approx(0.25, rel=1e-4)
    assert (rows["layer.1"].rank, rows["layer.1"].tensors) == (2, 1)
    assert all(rows[name].change == 0 for name in rows if name != "layer.1")


def test_the_steps_are_taken_only_where_they_are_needed(tmp_path):
    base = written(net(), tmp_path / "base")
    assert len(compare_weights(written(renamed(net()), tmp_path / "renamed"), base).steps) == 2
    other = compare_weights(written(net(9), tmp_path / "other"), base)
    assert other.steps == ("equal names", "equal shapes, also turned", "single rows", "singular values")
    assert (other.answer, other.layers) == ("not derived", ())


def test_a_large_base_is_not_searched_row_by_row(tmp_path, monkeypatch):
    monkeypatch.setattr("govkit.subjects.ancestry.MOST_SEARCHED", 100)
    found = compare_weights(written(net(9), tmp_path / "a"), written(net(), tmp_path / "b"))
    assert "single rows" not in found.steps


def test_the_table_is_cut_to_the_layers_that_moved_most(tmp_path):
    base = net(layers=MOST_LAYERS + 10, width=12)
    tuned = {name: tensor * (1 + number / 1000) for number, (name, tensor) in enumerate(base.items())}
    found = compare_weights(written(tuned, tmp_path / "a"), written(base, tmp_path / "b"))
    assert len(found.layers) == MOST_LAYERS
    assert min(layer.change for layer in found.layers) == pytest.approx(0.01, rel=1e-3)


def test_equal_init_seeds_look_derived_as_the_limit_says(tmp_path):
    """Not a wish: a known limit, printed beside every answer."""
    first, second = noisy(net(), 0.1, 5), noisy(net(), 0.1, 6)
    assert compare_weights(written(first, tmp_path / "a"), written(second, tmp_path / "b")).answer == "derived"
    assert any("same random numbers" in limit for limit in LIMITS)


def test_weights_far_apart_share_their_origin_and_nothing_more_is_said(tmp_path):
    """As two trainings that began with the same random numbers end: .54 to .65 of their norm apart."""
    first, second = noisy(net(), 0.5, 5), noisy(net(), 0.5, 6)
    found = compare_weights(written(first, tmp_path / "a"), written(second, tmp_path / "b"))
    assert found.answer == "shares its origin"
    assert "do not say" in found.reason


@pytest.mark.parametrize("named", ["org/base", "/home/somebody/base", None])
def test_an_adapter_alone_names_its_base_and_nobodys_folders(tmp_path, named):
    (tmp_path / "a").mkdir()
    save_file({"x.lora_A.weight": torch.ones(8, 48)}, tmp_path / "a" / "adapter_model.safetensors")
    (tmp_path / "a" / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": named}))
    found = compare_weights(tmp_path / "a", written(net(), tmp_path / "b"))
    assert (found.answer, found.tensors) == ("cannot tell", 0)
    assert "adapter alone" in found.reason
    assert "somebody" not in found.reason
    assert named is None or found.reason.endswith("base.")


def test_packed_weights_cannot_be_told(tmp_path):
    found = compare_weights(written(packed(net()), tmp_path / "a"), written(net(), tmp_path / "b"))
    assert (found.answer, found.hits, found.tensors) == ("cannot tell", 0, 4)


def test_weights_that_are_not_numbers_do_not_hit(tmp_path):
    broken = {name: tensor * float("nan") for name, tensor in net().items()}
    assert compare_weights(written(broken, tmp_path / "a"), written(net(), tmp_path / "b")).answer == "not derived"


def test_no_weights_is_an_error(tmp_path):
    with pytest.raises(SubjectError, match="holds no weights"):
        gk.compare_weights(tmp_path, written(net(), tmp_path / "b"))


def test_the_command_answers_in_words_and_for_machines(tmp_path):
    base = written(net(), tmp_path / "base")
    told = CliRunner().invoke(app, ["ancestry", str(base), str(base)])
    assert told.exit_code == 0
    assert told.stdout.startswith("derived\n4 of 4 tensors share their rows with the base.")
    assert "layer.3" in told.stdout
    assert told.stdout.count("  - ") == len(LIMITS)
    told = CliRunner().invoke(app, ["ancestry", str(written(net(3), tmp_path / "other")), str(base), "--json"])
    facts = json.loads(told.stdout)
    assert (told.exit_code, facts["answer"], facts["limits"]) == (0, "not derived", list(LIMITS))


def test_the_command_answers_2_for_bad_input(tmp_path):
    command = [sys.executable, "-m", "govkit", "ancestry", str(tmp_path), str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "holds no weights" in ended.stderr
