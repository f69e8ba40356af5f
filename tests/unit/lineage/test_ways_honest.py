"""What a record must not say: cases in which the obvious reading of a training is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import torch
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, Sampler, TensorDataset

from govkit.lineage.reads.patching import Patches
from govkit.lineage.ways import Ways

ROWS = TensorDataset(torch.ones(16, 4))


@pytest.fixture
def ways() -> Iterator[Ways]:
    torch.set_num_threads(1)
    patches = Patches()
    followed = Ways(patches, lambda: None)
    yield followed
    followed.release()
    patches.undo()


def told(ways: Ways) -> dict[str, Any]:
    way = ways.primary()
    assert way is not None
    found = way.facts()
    return {name: fact.value for part in ("hyperparameters", "method") for name, fact in found[part].items()}


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 2))


def step(model: nn.Module, optimizer: Any, rows: torch.Tensor | None = None) -> None:
    optimizer.zero_grad()
    model(torch.ones(3, 4) if rows is None else rows).square().mean().backward()
    optimizer.step()


def sgd(model: nn.Module, rate: float = 0.1) -> torch.optim.SGD:
    return torch.optim.SGD(model.parameters(), lr=rate)


class Endless(Sampler[int]):
    def __iter__(self) -> Iterator[int]:
        while True:
            yield 0


def test_a_sampler_without_an_end(ways: Ways) -> None:
    model = network()
    optimizer = sgd(model)
    loader = DataLoader(ROWS, batch_size=8, sampler=Endless())
    for number, (rows,) in enumerate(loader):
        if number == 3:
            break
        step(model, optimizer, rows)
    facts = told(ways)
    assert (facts["batch_size"], facts["epochs_done"], facts["steps_done"]) == (8, None, 3)


class Sign(torch.optim.Optimizer):
    def __init__(self, parameters: Any, step_size: float = 0.1) -> None:
        super().__init__(parameters, {"step_size": step_size})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        pass


def test_an_optimizer_without_a_learning_rate(ways: Ways) -> None:
    model = network()
    step(model, Sign(model.parameters()))
    assert (told(ways)["optimizer"], told(ways)["learning_rate"], told(ways)["steps_done"]) == ("Sign", None, 1)


def test_the_estimator_that_was_saved_is_the_run(ways: Ways, tmp_path: Path) -> None:
    rows, labels = np.random.default_rng(0).normal(size=(40, 3)), [0, 1] * 20
    scaler, model = StandardScaler().fit(rows), LogisticRegression(C=0.5).fit(rows, labels)
    joblib.dump(model, tmp_path / "model.joblib")
    joblib.dump(scaler, tmp_path / "scaler.joblib")
    cross_val_score(model, rows, labels, cv=2)
    assert told(ways)["architecture"] == "LogisticRegression"
    DummyClassifier().fit(rows, labels)
    assert (told(ways)["architecture"], ways.model_saves()) == ("LogisticRegression", [tmp_path / "model.joblib"])
    assert ways.saves[-1] == tmp_path / "scaler.joblib"


def test_saves_of_the_trained_model(ways: Ways, tmp_path: Path) -> None:
    model = network()
    torch.save(model.state_dict(), tmp_path / "before.pt")
    step(model, sgd(model))
    torch.save({"logits": model(torch.ones(3, 4))}, tmp_path / "predictions.pt")
    torch.save(model.state_dict(), tmp_path / "model.pt")
    copy = {name: each.clone() for name, each in model.state_dict().items()}
    torch.save({"model": copy, "epoch": 1}, tmp_path / "copy.pt")
    torch.save(network(), tmp_path / "other.pt")
    assert [path.name for path in ways.model_saves()] == ["model.pt", "copy.pt"]
    torch.save(network(), tmp_path / "copy.pt")
    assert [path.name for path in ways.model_saves()] == ["model.pt"]


def test_a_sweep_is_told_by_its_best(ways: Ways, tmp_path: Path) -> None:
    for rate, saved in ((1.0, True), (0.001, False)):
        model = network()
        optimizer = sgd(model, rate)
        for _ in range(2 if saved else 5):
            step(model, optimizer)
        if saved:
            torch.save(model.state_dict(), tmp_path / "best.pt")
    assert (told(ways)["learning_rate"], told(ways)["steps_done"]) == (1.0, 2)
    torch.save(model.state_dict(), tmp_path / "last.pt")
    assert (told(ways)["learning_rate"], ways.model_saves()) == (None, [])


def test_the_last_load_that_filled_the_model_is_its_base(ways: Ways, tmp_path: Path) -> None:
    for name in ("first.pt", "second.pt", "head.pt"):
        torch.save(network().state_dict(), tmp_path / name)
    model, student = network(), nn.Linear(4, 2)
    for name in ("second.pt", "first.pt"):
        model.load_state_dict(torch.load(tmp_path / name))
    head = {name: each for name, each in torch.load(tmp_path / "head.pt").items() if name == "1.bias"}
    model.load_state_dict(head, strict=False)
    step(model, sgd(model))
    model.load_state_dict(torch.load(tmp_path / "second.pt"))
    load = ways.base_of(model)
    assert load is not None
    assert load.place == tmp_path / "first.pt"
    # A teacher is no base of its student.
    assert ways.base_of(student) is None


def test_two_optimizers_of_a_function(ways: Ways, tmp_path: Path) -> None:
    def main() -> None:
        first, second = network(), nn.Linear(4, 8)
        optimizers = sgd(first), sgd(second)
        for _ in range(5):
            step(second, optimizers[1])
            step(first, optimizers[0])
        torch.save(first.state_dict(), tmp_path / "model.pt")

    main()
    assert (told(ways)["steps_done"], told(ways)["architecture"]) == (5, "Sequential")


def test_parameters_that_are_trained_later(ways: Ways) -> None:
    model = network()
    model[0].requires_grad_(requires_grad=False)
    optimizer = torch.optim.SGD(model[1].parameters(), lr=0.1)
    step(model, optimizer)
    assert told(ways)["kind"] == "head"
    model[0].requires_grad_(requires_grad=True)
    optimizer.add_param_group({"params": model[0].parameters(), "lr": 0.01})
    step(model, optimizer)
    facts = told(ways)
    assert (facts["kind"], facts["learning_rate"], facts["scheduler"]) == ("full", [0.1, 0.01], "constant")


def test_a_model_with_an_optimizer_for_each_part(ways: Ways) -> None:
    model = network()
    for part, rate in ((model[0], 0.1), (model[1], 0.2)):
        step(model, sgd(part, rate))
    facts = told(ways)
    assert (facts["kind"], facts["learning_rate"], facts["steps_done"]) == ("full", None, 2)


@pytest.mark.parametrize("kind", ["evaluation", "kept batches"])
def test_batches_of_other_loaders(ways: Ways, kind: str) -> None:
    model, loader = network(), DataLoader(ROWS, batch_size=4)
    optimizer = sgd(model)
    kept = list(loader) if kind == "kept batches" else []
    for _ in range(6):
        step(model, optimizer, kept[0][0] if kept else None)
        if not kept:
            for (rows,) in loader:
                model(rows)
    facts = told(ways)
    assert [facts[name] for name in ("batch_size", "epochs_done", "train_rows_seen")] == [None, None, None]


def test_learning_rates_that_change(ways: Ways) -> None:
    model = network()
    optimizer = sgd(model)
    step(model, optimizer)
    optimizer.param_groups[0]["lr"] = 0.01
    step(model, optimizer)
    assert told(ways)["scheduler"] == "changed by the script"
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    assert told(ways)["scheduler"] == type(scheduler).__name__


def test_what_accelerate_really_added_up(ways: Ways) -> None:
    from accelerate import Accelerator

    accelerator, model = Accelerator(cpu=True), network()
    model, optimizer, loader = accelerator.prepare(model, sgd(model), DataLoader(ROWS, batch_size=2))
    for number, (rows,) in enumerate(loader, 1):
        accelerator.backward(model(rows).square().mean())
        if number % 4 == 0:
            optimizer.step()
    assert (told(ways)["gradient_accumulation_steps"], told(ways)["steps_done"]) == (4, 2)


def test_several_seeds(ways: Ways) -> None:
    torch.manual_seed(1)
    model = network()
    with torch.random.fork_rng():
        torch.manual_seed(777)
    step(model, sgd(model))
    way = ways.primary()
    assert way is not None
    assert (way.seed.value, ways.seeds()["torch"].value) == (None, [1, 777])


def test_a_trainer_with_an_optimizer_of_the_script(ways: Ways, make_trainer: Any) -> None:
    trainer = make_trainer()
    trainer.optimizer = torch.optim.SGD(trainer.model.parameters(), lr=0.5, weight_decay=0.3)
    trainer.lr_scheduler = torch.optim.lr_scheduler.ConstantLR(trainer.optimizer, factor=1.0)
    trainer.train()
    trainer.train()
    facts = told(ways)
    assert [facts[name] for name in ("optimizer", "learning_rate", "weight_decay", "scheduler")] == [
        "SGD", 0.5, 0.3, "ConstantLR",
    ]  # fmt: skip
    assert (facts["steps_done"], facts["steps_asked"], facts["first_step"]) == (4, None, 0)
