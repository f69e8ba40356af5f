"""Loops, loads, saves, seeds and splits one by one, and that nothing of a hook stays behind."""

from __future__ import annotations

import json
import pickle
import random
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from torch import nn
from ways_fixture import make_base

from govkit.errors import UsageError
from govkit.lineage.reads.patching import Patches
from govkit.lineage.ways import Ways, steps
from govkit.lineage.ways.steps import owner
from govkit.lineage.ways.way import CONTESTED


class Followed:
    def __init__(self) -> None:
        self.patches, self.ticks = Patches(), 0
        self.ways = Ways(self.patches, self.tick)

    def tick(self) -> None:
        self.ticks += 1

    def told(self) -> dict[str, Any]:
        way = self.ways.primary()
        assert way is not None
        found = way.facts()
        return {name: fact.value for name, fact in (found["hyperparameters"] | found["method"]).items()}

    def undo(self) -> None:
        self.ways.release()
        self.patches.undo()


@pytest.fixture
def run() -> Iterator[Followed]:
    torch.set_num_threads(1)
    followed = Followed()
    yield followed
    followed.undo()


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))


def loss_of(model: nn.Module) -> torch.Tensor:
    return model(torch.ones(3, 4)).square().mean()


def descend(model: nn.Module, optimizer: Any, times: int = 1, *, every: int = 1) -> list[float]:
    losses = []
    for number in range(times * every):
        loss = loss_of(model)
        loss.backward()
        losses.append(loss.item())
        if (number + 1) % every == 0:
            optimizer.step()
            optimizer.zero_grad()
    return losses


def test_a_loop_without_a_data_loader(run: Followed) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    losses = descend(model, optimizer, 3, every=2)
    told, way = run.told(), run.ways.primary()
    assert way is not None
    # Two backward passes without a data loader can be two batches, or two losses of one.
    assert (told["optimizer"], told["steps_done"], told["gradient_accumulation_steps"]) == ("SGD", 3, None)
    assert told["other_arguments"] == {"momentum": 0.9}
    facts = way.facts()["hyperparameters"]
    assert {name: facts[name].why for name in ("batch_size", "epochs_done", "first_step")} == {
        "batch_size": "no batches of a torch DataLoader were seen to go into its steps",
        "epochs_done": "no batches of a torch DataLoader were seen to go into its steps",
        "first_step": "this optimizer does not count its steps",
    }
    # The loss whose gradient a step follows is the sum of those that were added up.
    summed = [losses[0] + losses[1], losses[2] + losses[3], losses[4] + losses[5]]
    assert [row["loss"] for row in way.history()] == pytest.approx(summed)
    assert way.model is model


def test_model_and_optimizer_made_before_the_recording() -> None:
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.5)
    torch.optim.lr_scheduler.StepLR(optimizer, 1)
    descend(model, optimizer, 2)
    run = Followed()
    try:
        descend(model, optimizer, 3)
        told, way = run.told(), run.ways.primary()
    finally:
        run.undo()
    assert way is not None
    assert (told["learning_rate"], told["first_step"], told["steps_done"], told["kind"]) == (0.5, 2, 3, "full")
    assert "before the recording" in way.facts()["hyperparameters"]["scheduler"].why


def test_the_schedules_of_transformers_tell_what_was_asked(run: Followed) -> None:
    from transformers import get_linear_schedule_with_warmup

    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    scheduler = get_linear_schedule_with_warmup(optimizer, 2, 10)
    for _ in range(4):
        descend(model, optimizer)
        scheduler.step()
    told = run.told()
    assert (told["learning_rate"], told["warmup_steps"], told["steps_asked"]) == (0.1, 2, 10)
    assert (told["early_stop"], told["scheduler"]) == (True, "LambdaLR")


def test_groups_with_their_own_rates(run: Followed) -> None:
    model = network()
    groups = [{"params": model[0].parameters(), "lr": 0.1}, {"params": model[2].parameters(), "weight_decay": 0.5}]
    descend(model, torch.optim.AdamW(groups, lr=0.2, weight_decay=0.0))
    assert (run.told()["learning_rate"], run.told()["weight_decay"]) == ([0.1, 0.2], [0.0, 0.5])


def test_mixed_precision(run: Followed) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    with torch.autocast("cpu", torch.bfloat16):
        loss = loss_of(model)
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    way = run.ways.primary()
    assert way is not None
    assert run.told()["precision"] == "bf16"
    # The loss and not what the scaler made of it.
    assert [row["loss"] for row in way.history()] == pytest.approx([loss.item()])


def test_parameters_that_the_optimizer_does_not_hold_are_frozen(run: Followed) -> None:
    model = network()
    descend(model, torch.optim.SGD(model[2].parameters(), lr=0.1))
    told = run.told()
    assert (told["kind"], told["trainable_parameters"], told["frozen_modules"]) == ("head", 14, ["0"])


def test_batches_that_are_only_looked_at_are_no_epochs(run: Followed) -> None:
    from torch.utils.data import DataLoader

    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loader, other = DataLoader(torch.randn(12, 4), batch_size=4), DataLoader(torch.randn(6, 4), batch_size=1)
    next(iter(loader))
    for _ in range(2):
        for rows in loader:
            model(rows).square().mean().backward()
            optimizer.step()
            for unused in other:
                model(unused)
    told = run.told()
    assert (told["epochs_done"], told["batch_size"], told["train_rows_seen"]) == (2.0, 4, 12)
    assert told["gradient_accumulation_steps"] == 1


def test_a_calibration_after_the_training_does_not_stand_for_it(run: Followed, tmp_path: Path) -> None:
    def train() -> nn.Module:
        model = network()
        descend(model, torch.optim.AdamW(model.parameters(), lr=0.1), 5)
        return model

    model = train()
    temperature = nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([temperature], lr=0.1)
    for _ in range(6):
        (model(torch.ones(3, 4)).detach() * temperature).sum().backward()
        optimizer.step()
    assert run.told()["optimizer"] is None
    torch.save(model.state_dict(), tmp_path / "model.pt")
    # The optimizer of the training is gone; what was seen of it is not.
    told = run.told()
    assert run.ways.model_saves() == [tmp_path / "model.pt"]
    assert (told["optimizer"], told["steps_done"], told["kind"]) == ("AdamW", 5, "full")


def test_two_optimizers_by_turns(run: Followed) -> None:
    model, small = network(), nn.Linear(4, 1)
    first, second = torch.optim.AdamW(model.parameters(), lr=0.1), torch.optim.SGD(small.parameters(), lr=0.1)
    for _ in range(3):
        descend(model, first)
        descend(small, second)
    way = run.ways.primary()
    assert way is not None
    facts = way.facts()["hyperparameters"] | way.facts()["method"]
    assert {(fact.seen, fact.why) for fact in facts.values()} == {("unknown", CONTESTED)}
    assert (way.history(), run.ways.model_saves(), run.ticks) == ((), [], 6)


def test_earlier_models_are_let_go(run: Followed) -> None:
    kept = []
    for _ in range(3):
        model = network()
        kept.append(weakref.ref(model))
        descend(model, torch.optim.SGD(model.parameters(), lr=0.1))
        del model
    assert [each() is None for each in kept] == [True, True, False]


def test_the_model_outlives_the_function_that_trained_it(run: Followed, tmp_path: Path) -> None:
    def main() -> None:
        model = network()
        descend(model, torch.optim.SGD(model.parameters(), lr=0.1))

    main()
    way = run.ways.primary()
    assert way is not None
    assert way.save(tmp_path)
    assert (tmp_path / "model.safetensors").exists()


def test_the_owner_of_parameters_is_the_outermost_module() -> None:
    model = network()
    outer = nn.ModuleDict({"body": model, "spare": nn.Linear(4, 4)})
    assert owner(torch.optim.SGD(model[0].parameters(), lr=0.1)) is outer
    lone = nn.Parameter(torch.ones(1))
    assert owner(torch.optim.SGD([lone], lr=0.1)) is None


def test_long_loss_curves_are_thinned_out(run: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "MOST_LOSSES", 8)
    model = network()
    descend(model, torch.optim.SGD(model.parameters(), lr=0.1), 40)
    way = run.ways.primary()
    assert way is not None
    numbers = [row["step"] for row in way.history()]
    assert numbers == [8, 16, 24, 32, 40]


# --- watch -------------------------------------------------------------------------------------------------------


def test_what_is_watched_goes_first(run: Followed) -> None:
    model, other = network(), network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    run.ways.watch(optimizer, model)
    run.ways.watch(model, optimizer)
    descend(other, torch.optim.AdamW(other.parameters(), lr=0.1), 9)
    way = run.ways.primary()
    assert way is not None
    assert (way.began, way.steps, way.facts()["hyperparameters"]) == (False, 0, {})
    descend(model, optimizer)
    assert (way.began, way.steps, way.model is model, run.told()["optimizer"]) == (True, 1, True, "SGD")
    with pytest.raises(UsageError, match="watches a trainer already"):
        run.ways.watch(LogisticRegression())


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (("loop",), r"type builtins\.str; supported: a transformers Trainer"),
        ((nn.Linear(1, 1),), "a model or an optimizer alone"),
        ((nn.Linear(1, 1), 3), r"type builtins\.int"),
        ((), "a model or an optimizer alone"),
        ((LogisticRegression().fit([[0.0], [1.0]], [0, 1]),), "this LogisticRegression has trained already"),
    ],
)
def test_what_cannot_be_watched(run: Followed, targets: tuple[Any, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run.ways.watch(*targets)


# --- estimators --------------------------------------------------------------------------------------------------

X, Y = np.random.default_rng(0).normal(size=(30, 3)), [0, 1] * 15


def test_the_outermost_estimator_is_the_run(run: Followed) -> None:
    scaled = StandardScaler().fit_transform(X)
    search = GridSearchCV(LogisticRegression(random_state=1), {"C": [0.5, 2.0]}, cv=2).fit(scaled, Y)
    told, way = run.told(), run.ways.primary()
    assert way is not None
    assert (told["architecture"], told["trainable_parameters"], told["train_rows_seen"]) == ("GridSearchCV", 4, 30)
    assert (told["kind"], told["precision"], way.seed.value) == ("full", "fp64", 1)
    assert way.model is search
    assert way.ended


def test_an_iterative_estimator(run: Followed) -> None:
    # It splits rows for itself, which is no split of the run's data.
    model = MLPClassifier((4,), max_iter=30, random_state=2, early_stopping=True, n_iter_no_change=3).fit(X, Y)
    told, way = run.told(), run.ways.primary()
    assert way is not None
    assert (told["optimizer"], told["learning_rate"], told["epochs_asked"]) == ("adam", 0.001, 30)
    assert (told["epochs_done"], told["early_stop"]) == (model.n_iter_, model.n_iter_ < 30)
    assert told["trainable_parameters"] == 3 * 4 + 4 + 4 + 1
    assert [row["loss"] for row in way.history()] == model.loss_curve_
    assert run.ways.split_method().seen == "unknown"


class Threshold(BaseEstimator):
    """One that does not call scikit-learn's own frame around ``fit``."""

    def fit(self, X: Any, y: Any) -> Threshold:
        self.limit_ = float(np.mean(X[np.asarray(y) == 0]))
        return self

    def predict(self, X: Any) -> Any:
        return np.asarray(X)[:, 0] > self.limit_


def test_an_estimator_with_a_fit_of_its_own_is_seen_when_watched(run: Followed, tmp_path: Path) -> None:
    model = Threshold()
    run.ways.watch(model)
    model.fit(X=X, y=Y)
    assert (run.told()["train_rows_seen"], run.ways.primary().began) == (30, True)  # type: ignore[union-attr]
    # Hooks are not on the object: it can be pickled as ever.
    joblib.dump(model, tmp_path / "model.joblib")
    assert pickle.loads(pickle.dumps(model)).limit_ == model.limit_  # noqa: S301
    assert run.ways.saves == [tmp_path / "model.joblib"]


# --- loads and saves ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("loads") / "base")


def test_the_revision_of_a_base_from_a_hub(run: Followed, base: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    commit = "0123456789abcdef0123456789abcdef01234567"
    home = tmp_path / "models--org--tiny"
    (home / "snapshots" / commit).mkdir(parents=True)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(commit)
    for file in base.iterdir():
        Path(home / "snapshots" / commit / file.name).symlink_to(file)
    model = AutoModelForSequenceClassification.from_pretrained("org/tiny", revision="main", cache_dir=str(tmp_path))
    load = run.ways.base_of(model)
    assert load is not None
    assert (load.place, load.revision, load.folder()) == ("org/tiny", commit, home / "snapshots" / commit)


def test_of_two_models_the_trained_one_tells_the_base(run: Followed, base: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    AutoModelForSequenceClassification.from_pretrained(base).save_pretrained(tmp_path / "teacher")
    teacher = AutoModelForSequenceClassification.from_pretrained(tmp_path / "teacher")
    student = AutoModelForSequenceClassification.from_pretrained(base)
    whole = nn.ModuleDict({"student": student})
    places = [run.ways.base_of(each) for each in (teacher, student, whole, network())]
    assert [load and load.place for load in places] == [tmp_path / "teacher", base, base, None]


@pytest.mark.parametrize("kind", ["torch", "torch checkpoint", "safetensors", "load_model", "whole"])
def test_weights_from_a_file(run: Followed, tmp_path: Path, kind: str) -> None:
    from safetensors import torch as safetensors

    model, file = network(), tmp_path / "weights"
    if kind == "torch":
        torch.save(model.state_dict(), file)
        model.load_state_dict({**torch.load(file)})
    elif kind == "torch checkpoint":
        optimizer = torch.optim.AdamW(model.parameters())
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}, file)
        model.load_state_dict(torch.load(file)["model"])
    elif kind == "safetensors":
        safetensors.save_file(model.state_dict(), file)
        model.load_state_dict(safetensors.load_file(file))
    elif kind == "load_model":
        safetensors.save_model(model, str(file))
        safetensors.load_model(model, file)
    else:
        torch.save(model, file)
        model = torch.load(file, weights_only=False)
    load = run.ways.base_of(model)
    assert load is not None
    assert (load.place, load.kind, load.parameters, run.ways.saves) == (file, "weights", 44, [file])


def test_what_holds_no_model_is_no_save_and_no_load(run: Followed, tmp_path: Path) -> None:
    model = network()
    optimizer = torch.optim.AdamW(model.parameters())
    descend(model, optimizer)
    torch.save(optimizer.state_dict(), tmp_path / "optimizer.pt")
    torch.load(tmp_path / "optimizer.pt")
    joblib.dump([1, 2], tmp_path / "rows.joblib")
    with (tmp_path / "rows.pkl").open("wb") as stream:
        pickle.dump({"rows": [1]}, stream)
    assert (run.ways.saves, run.ways.loads) == ([], [])


# peft asks transformers by a name that transformers is about to drop.
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
def test_an_adapter_is_no_base(run: Followed, base: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, PeftModel, get_peft_model
    from transformers import AutoModelForSequenceClassification

    config = LoraConfig(r=2, target_modules=["query"], task_type="SEQ_CLS")
    get_peft_model(AutoModelForSequenceClassification.from_pretrained(base), config).save_pretrained(tmp_path / "lora")
    model = PeftModel.from_pretrained(AutoModelForSequenceClassification.from_pretrained(base), tmp_path / "lora")
    load = run.ways.base_of(model)
    assert load is not None
    assert load.place == base
    assert [(each.kind, each.place) for each in run.ways.loads][-1] == ("adapter", tmp_path / "lora")
    assert run.ways.saves == [tmp_path / "lora"]


# --- seeds and splits --------------------------------------------------------------------------------------------


def test_seeds(run: Followed) -> None:
    random.seed(1)
    np.random.seed(2)
    np.random.default_rng(seed=np.int64(3))
    np.random.default_rng()
    torch.manual_seed(4)
    torch.manual_seed(5)
    torch.manual_seed(4)
    torch.Generator().manual_seed(99)
    found = {name: fact.value for name, fact in run.ways.seeds().items()}
    assert {name: found[name] for name in ("python", "numpy", "torch")} == {
        "python": [1], "numpy": [2, 3], "torch": [5, 4],
    }  # fmt: skip


def test_flags_of_determinism(run: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "17")
    torch.use_deterministic_algorithms(mode=True)
    try:
        found = run.ways.seeds()
    finally:
        torch.use_deterministic_algorithms(mode=False)
    assert (found["deterministic_algorithms"].value, found["hash_seed"].value) == (True, "17")


def test_splits_hold_no_rows(run: Followed) -> None:
    from datasets import Dataset

    rows = ["a secret text", "another"] * 4
    train_test_split(rows, [0, 1] * 4, test_size=0.25, random_state=1, stratify=[0, 1] * 4)
    Dataset.from_dict({"text": rows}).train_test_split(test_size=2, seed=3)
    told = run.ways.split_method().value
    assert told == (
        "sklearn.train_test_split(test_size=0.25, random_state=1); "
        "datasets.Dataset.train_test_split(test_size=2, seed=3)"
    )


# --- after the end -----------------------------------------------------------------------------------------------


def hooked() -> dict[str, Callable[..., Any]]:
    import accelerate
    import safetensors.torch
    import transformers
    from torch.amp.autocast_mode import autocast
    from torch.utils.data import DataLoader

    return {
        "backward": torch.Tensor.backward, "step": torch.optim.Optimizer.__init__, "seed": torch.manual_seed,
        "clip": nn.utils.clip_grad_norm_, "loader": DataLoader.__iter__, "cast": autocast.__enter__,
        "numpy": np.random.seed, "python": random.seed, "trainer": transformers.Trainer.train,
        "load": transformers.PreTrainedModel.from_pretrained.__func__,  # type: ignore[attr-defined]
        "accelerate": accelerate.Accelerator.prepare, "dump": joblib.dump, "split": train_test_split,
        "validate": BaseEstimator._validate_params, "save": torch.save, "fill": nn.Module.load_state_dict,
        "file": safetensors.torch.load_file,
    }  # fmt: skip


def test_nothing_stays_behind(tmp_path: Path) -> None:
    from torch.optim import optimizer

    before, hooks = hooked(), len(optimizer._global_optimizer_post_hooks)
    run = Followed()
    try:
        assert not [name for name, function in hooked().items() if function is before[name]]
        model = network()
        descend(model, torch.optim.SGD(model.parameters(), lr=0.1))
        assert len(optimizer._global_optimizer_post_hooks) == hooks + 1
    finally:
        run.undo()
    assert [name for name, function in hooked().items() if function is not before[name]] == []
    assert len(optimizer._global_optimizer_post_hooks) == hooks
    descend(model, torch.optim.SGD(model.parameters(), lr=0.1))
    assert run.ticks == 1


def test_a_trainer_that_is_watched_after_it_was_seen(make_trainer: Any) -> None:
    before = make_trainer()
    before.train()
    run = Followed()
    try:
        with pytest.raises(UsageError, match="this Trainer has trained already"):
            run.ways.watch(before)
        trainer = make_trainer()
        trainer.train()
        run.ways.watch(trainer)
        way = run.ways.primary()
        assert way is not None
        assert (way.model is trainer.model, way.steps, run.ticks) == (True, 2, 2)
        json.dumps([fact.model_dump() for part in way.facts().values() for fact in part.values()])
    finally:
        run.undo()
