"""Each way of training, driven for real on a tiny model, with and without ``watch``."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import ways_fixture
from ways_fixture import TRAININGS

from govkit.core import Fact
from govkit.lineage.facts import FACTS
from govkit.lineage.reads.patching import Patches
from govkit.lineage.ways import Way, Ways


@dataclass
class Seen:
    ways: Ways
    way: Way
    ticks: int
    made: Any
    folder: Path
    found: dict[str, dict[str, Fact]]
    facts: dict[str, dict[str, Any]]
    missing: list[str]


def follow(name: str, folder: Path, *, watched: bool = False, **more: Any) -> Seen:
    torch.set_num_threads(1)
    patches, ticks = Patches(), []
    ways = Ways(patches, lambda: ticks.append(1))
    try:
        made = TRAININGS[name](folder, ways.watch if watched else None, **more)
        way = ways.primary()
        assert way is not None
        found = way.facts()
        facts = {part: {key: fact.value for key, fact in seen.items()} for part, seen in found.items()}
        way.history()
    finally:
        ways.release()
        patches.undo()
    return Seen(ways, way, len(ticks), made, folder, found, facts, patches.missing)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    kept: dict[tuple[str, bool], Seen] = {}

    def run(name: str, watched: bool = False) -> Seen:
        if (name, watched) not in kept:
            kept[name, watched] = follow(name, tmp_path_factory.mktemp("way"), watched=watched)
        return kept[name, watched]

    yield run
    kept.clear()


EXPECTED: dict[str, dict[str, Any]] = {
    "Trainer": {
        "kind": "full", "trainable_parameters": 3058, "total_parameters": 3058, "frozen_modules": [],
        "architecture": "BertForSequenceClassification", "optimizer": "AdamW", "learning_rate": 1e-3,
        "scheduler": "linear", "warmup_steps": 0, "weight_decay": 0.0, "max_grad_norm": 1.0, "batch_size": 4,
        "gradient_accumulation_steps": 1, "precision": "fp32", "epochs_asked": 2, "epochs_done": 2.0,
        "steps_asked": 4, "steps_done": 4, "first_step": 0, "early_stop": False, "train_rows_seen": 8, "seed": 7,
        "vocabulary": 13, "ended": True,
    },
    "SFTTrainer": {
        "kind": "full", "architecture": "GPT2LMHeadModel", "total_parameters": 3728, "optimizer": "AdamW",
        "steps_done": 4, "epochs_done": 2.0, "early_stop": False, "train_rows_seen": 8, "seed": 7, "vocabulary": 10,
        "precision": "fp32", "ended": True,
    },
    "Trainer with LoRA": {
        # Matrices of rank 2 and 3 at two projections of width 16, and the copy of the classifier.
        "kind": "lora", "trainable_parameters": 2 * 16 * 2 + 2 * 16 * 3 + 16 * 2 + 2, "steps_done": 4, "seed": 7,
        "architecture": "PeftModelForSequenceClassification", "early_stop": False, "vocabulary": 13,
    },
    "accelerate": {
        "kind": "full", "optimizer": "AdamW", "learning_rate": 1e-3, "weight_decay": 0.01, "max_grad_norm": 1.0,
        "batch_size": 2, "gradient_accumulation_steps": 2, "precision": "fp32", "epochs_done": 3.0, "steps_done": 6,
        "first_step": 0, "train_rows_seen": 8, "scheduler": "constant", "seed": None, "vocabulary": 13,
    },
    "Lightning": {
        "kind": "partial", "frozen_modules": ["model.bert.embeddings"], "optimizer": "SGD", "learning_rate": 0.1,
        "scheduler": "constant", "max_grad_norm": 0.5, "batch_size": 2, "gradient_accumulation_steps": 2,
        "precision": "fp32", "epochs_asked": 2, "epochs_done": 2.0, "steps_asked": 4, "steps_done": 4,
        "first_step": 0, "early_stop": False, "train_rows_seen": 8, "seed": None, "other_arguments": {"momentum": 0.5},
        "vocabulary": 13, "ended": True,
    },
    "torch loop": {
        "kind": "head", "trainable_parameters": 18, "total_parameters": 58, "frozen_modules": ["0"],
        "architecture": "Sequential", "optimizer": "AdamW", "learning_rate": 0.01, "weight_decay": 0.1,
        "scheduler": "StepLR", "max_grad_norm": 2.0, "batch_size": 8, "gradient_accumulation_steps": 1,
        "precision": "fp32", "epochs_done": 3.0, "steps_done": 12, "first_step": 0, "train_rows_seen": 32,
        "data_seed": 9, "seed": None, "other_arguments": {},
    },
    "scikit-learn": {
        # 16 features and an intercept, on a frozen base of 3024 parameters.
        "kind": "head", "trainable_parameters": 17, "total_parameters": 3041, "frozen_modules": ["BertModel"],
        "architecture": "Pipeline", "optimizer": "lbfgs", "epochs_asked": 100, "early_stop": True, "precision": "fp32",
        "train_rows_seen": 6, "seed": 6, "ended": True,
        "other_arguments": {"logisticregression__C": 0.5, "logisticregression__random_state": 6},
    },
}  # fmt: skip
STEPS = {"Trainer": 4, "SFTTrainer": 4, "Trainer with LoRA": 4, "accelerate": 6, "Lightning": 4, "torch loop": 12}


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("name", TRAININGS)
def test_what_a_way_sees(seen: Any, name: str, watched: bool) -> None:
    run = seen(name, watched)
    facts = run.facts["tokenizer"] | run.facts["method"] | run.facts["hyperparameters"]
    facts |= {"seed": run.way.seed.value, "ended": run.way.ended}
    assert {key: facts[key] for key in EXPECTED[name]} == EXPECTED[name]
    assert run.missing == []
    assert (run.way.began, run.way.main, run.way.first_step) == (True, True, 0)
    assert run.way.steps == run.ticks == STEPS.get(name, 0)


@pytest.mark.parametrize("name", TRAININGS)
def test_every_fact_is_seen_or_says_why_not(seen: Any, name: str) -> None:
    found = seen(name).found
    assert {part: set(found[part]) for part in found} == {
        part: set(FACTS[part]) for part in ("method", "hyperparameters", "tokenizer")
    }
    open_facts = {key: fact for part in found.values() for key, fact in part.items() if fact.seen == "unknown"}
    assert all(fact.why for fact in open_facts.values())
    plain_loop = {"epochs_asked", "steps_asked", "early_stop"}
    # Nothing cuts text for a network of numbers.
    expected = {"accelerate": plain_loop, "torch loop": plain_loop | {"warmup_steps", *FACTS["tokenizer"]}}
    assert set(open_facts) == expected.get(name, set())
    json.dumps({key: fact.value for part in found.values() for key, fact in part.items()}, allow_nan=False)


@pytest.mark.parametrize("name", TRAININGS)
def test_base_and_saves(seen: Any, name: str) -> None:
    run = seen(name)
    base = run.folder / ("base.pt" if name == "torch loop" else "base")
    load = run.ways.base_of(run.made.model if hasattr(run.made, "train_dataset") else run.made)
    assert load is not None
    assert load.folder() == base
    last = {"torch loop": "model.pt", "scikit-learn": "model.joblib", "Lightning": "epoch=1-step=4.ckpt"}
    assert run.ways.saves[-1].name == last.get(name, "model")
    assert run.ways.saves[-1].exists()
    # Files within a folder that is saved as a whole are not saves of their own.
    assert not [path for path in run.ways.saves if path.suffix == ".safetensors"]


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("Trainer", {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}),
        ("Trainer with LoRA", {"adapter_config.json", "adapter_model.safetensors", "tokenizer.json", "README.md"}),
        ("accelerate", {"config.json", "model.safetensors", "tokenizer.json"}),
        ("Lightning", {"model.safetensors", "tokenizer.json"}),
        ("torch loop", {"model.safetensors"}),
        ("scikit-learn", set()),
    ],
)
def test_saving(seen: Any, name: str, files: set[str], tmp_path: Path) -> None:
    # Its optimizer lives as long as the newest training; after the end a watched loop keeps its own.
    run = seen(name, watched=True)
    assert run.way.save(tmp_path / "out") is bool(files)
    found = {path.name for path in (tmp_path / "out").glob("*")}
    assert files <= found
    assert not [each for each in found if each.endswith((".bin", ".pt", ".pkl"))]


def test_a_saved_loop_has_the_trained_weights(seen: Any, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    run = seen("torch loop", watched=True)
    run.way.save(tmp_path)
    saved, trained = load_file(tmp_path / "model.safetensors"), run.made.state_dict()
    assert saved.keys() == trained.keys()
    assert all(torch.equal(saved[name], trained[name]) for name in trained)


def test_the_adapter_of_a_lora(seen: Any) -> None:
    run = seen("Trainer with LoRA")
    assert run.facts["method"]["adapter"] == {
        "type": "lora", "rank": 2, "ranks": {"value": 3}, "alpha": 4, "target_modules": ["query", "value"],
        "base": str(run.folder / "base"),
    }  # fmt: skip
    assert "base_model.model.bert.embeddings" in run.facts["method"]["frozen_modules"]


def test_loss_curves(seen: Any) -> None:
    logged = [row for row in seen("Trainer").made.state.log_history if "loss" in row]
    assert [row["loss"] for row in seen("Trainer").way.history() if "loss" in row] == [row["loss"] for row in logged]
    for name, steps in STEPS.items():
        losses = [row["loss"] for row in seen(name).way.history() if "loss" in row]
        assert len(losses) == steps
        assert all(0.3 < loss < 3 for loss in losses)
    metrics = [row for row in seen("Lightning").way.history() if "val_loss" in row]
    assert [row["step"] for row in metrics] == [4]


def test_seeds_and_splits(seen: Any) -> None:
    assert {key: fact.value for key, fact in seen("accelerate").ways.seeds().items()} == {
        "python": [11], "numpy": [11], "torch": [0, 11], "hash_seed": "random", "deterministic_algorithms": False,
        "cudnn_deterministic": False, "cudnn_benchmark": False,
    }  # fmt: skip
    loop = seen("torch loop").ways
    assert loop.seeds()["torch"].value == [1, 3]
    assert "no call" in loop.seeds()["python"].why
    assert loop.split_method().value == "torch.random_split(lengths=[32, 8], seed=4)"
    assert seen("scikit-learn").ways.split_method().value == "sklearn.train_test_split(test_size=0.25, random_state=2)"
    assert "no call" in seen("Trainer").ways.split_method().why


def test_an_early_stop_of_a_trainer(tmp_path: Path) -> None:
    from transformers import EarlyStoppingCallback

    # A learning rate of 0 never improves the loss: with patience 2 training ends after the third epoch of five.
    run = follow(
        "Trainer", tmp_path, num_train_epochs=5, learning_rate=0.0, eval_strategy="epoch", save_strategy="epoch",
        load_best_model_at_end=True, metric_for_best_model="eval_loss",
        callbacks=[EarlyStoppingCallback(early_stopping_patience=2)],
    )  # fmt: skip
    told = run.facts["hyperparameters"]
    assert (told["epochs_asked"], told["epochs_done"], told["early_stop"], told["steps_done"]) == (5, 3.0, True, 6)
    # Checkpoints are folders; what lies in them is not listed.
    assert [path.name for path in run.ways.saves] == [
        "base", "checkpoint-2", "checkpoint-4", "checkpoint-6", "model",
    ]  # fmt: skip


def test_a_resumed_trainer(tmp_path: Path) -> None:
    follow("Trainer", tmp_path, max_steps=2, save_strategy="steps", save_steps=2)
    run = follow("Trainer", tmp_path, max_steps=6, resume=str(tmp_path / "work" / "checkpoint-2"))
    told = run.facts["hyperparameters"]
    assert (run.way.first_step, run.way.steps, run.ticks) == (2, 4, 4)
    assert (told["first_step"], told["steps_done"], told["steps_asked"]) == (2, 4, 6)
    # The checkpoint was loaded into the model later than the base.
    load = run.ways.base_of(run.made.model)
    assert load is not None
    assert load.place == tmp_path / "base"


def test_accumulated_gradients_are_one_step(tmp_path: Path) -> None:
    run = follow("Trainer", tmp_path, per_device_train_batch_size=2, gradient_accumulation_steps=2)
    assert (run.facts["hyperparameters"]["steps_done"], run.ticks) == (4, 4)


def test_secrets_and_places_stay_out(tmp_path: Path) -> None:
    run = follow(
        "Trainer", tmp_path, max_steps=1, hub_token="hf_abcdefghijkl", run_name="my-name", hub_model_id="me/private",
        log_level="debug",
    )  # fmt: skip
    told = json.dumps(run.facts)
    assert "hf_" not in told
    assert "my-name" not in told
    assert "private" not in told
    assert run.facts["hyperparameters"]["other_arguments"]["log_level"] == "debug"


def test_a_lightning_trainer_that_stops_early(tmp_path: Path) -> None:
    from lightning.pytorch.callbacks import EarlyStopping

    run = follow("Lightning", tmp_path, max_epochs=5, callbacks=[EarlyStopping("val_loss", patience=1, min_delta=1e9)])
    told = run.facts["hyperparameters"]
    assert (told["epochs_done"], told["steps_done"], told["steps_asked"], told["early_stop"]) == (2.0, 4, 10, True)


def test_a_model_is_let_go_when_the_next_training_begins(tmp_path: Path) -> None:
    import weakref

    patches = Patches()
    ways = Ways(patches, lambda: None)
    try:
        steps = (2, 1, 2)
        kept = [weakref.ref(ways_fixture.train_trainer(tmp_path, max_steps=number).model) for number in steps]
        gc.collect()
        assert [each() is None for each in kept] == [True, True, False]
        # The heaviest, and of equals the last one, is the run's; its facts are kept without its model.
        way = ways.primary()
        assert way is not None
        assert (way.steps, way.model is kept[2]()) == (2, True)
    finally:
        ways.release()
        patches.undo()


LATE = """
import json, sys
from pathlib import Path
from govkit.lineage.reads.patching import Patches
from govkit.lineage.ways import Ways
assert not {"torch", "transformers", "sklearn", "numpy"} & sys.modules.keys()
patches, ticks = Patches(), []
ways = Ways(patches, lambda: ticks.append(1))
import ways_fixture
ways_fixture.train_loop(Path(sys.argv[1]))
way = ways.primary()
told = {name: fact.value for name, fact in way.facts()["hyperparameters"].items()}
seen = [told["steps_done"], len(ticks), told["epochs_done"], told["scheduler"], way.seed.value, told["max_grad_norm"]]
print(json.dumps([*seen, ways.split_method().value, patches.missing, [path.name for path in ways.saves]]))
"""


def test_libraries_that_are_imported_later_are_followed_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LATE, str(tmp_path)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    split = "torch.random_split(lengths=[32, 8], seed=4)"
    assert json.loads(done.stdout) == [12, 12, 3.0, "StepLR", None, 2.0, split, [], ["base.pt", "model.pt"]]
