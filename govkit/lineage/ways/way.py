"""What every way of training tells; a plain torch loop tells no more, one that accelerate spreads little more."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from govkit.core import Fact
from govkit.lineage.facts import NOT_APPLICABLE, OPEN, observed
from govkit.lineage.ways import method
from govkit.lineage.ways.loads import Loads
from govkit.lineage.ways.plain import arguments, finite, parameters_of
from govkit.lineage.ways.steps import Course, Steps

Facts = dict[str, dict[str, Fact]]
_NO_MODULE = "no module that holds what is trained was seen"
_NO_TOKENIZER = "no tokenizer, or tokenizers from several places, were seen to be loaded"
_UNTOLD = "a plain loop does not tell how many {} it was asked for"
_UNSIZED = "the data has no length"


@dataclass
class Shared:
    """What all ways look at."""

    loads: Loads
    steps: Steps


class Way:
    """One training, seen while it goes on; of this class itself that of a plain loop.

    Args:
        target: What runs it, or its optimizer. It is not kept alive before it begins.
        shared: What all ways look at.
        model: The model, where somebody named it.
        loader: The data loader, where somebody named it.

    Attributes:
        rank: Of several kinds of training in one process the one with the highest rank is the run's.
        began: Whether training began.
        ended: Whether it came to its own end, early or not; a plain loop does not tell.
        first_step: Optimizer step at which it began; above 0 when it was resumed.
        seed: The seed of the training.
        course: What was seen of its optimizer.
    """

    rank = 2

    def __init__(self, target: Any, shared: Shared, *, model: Any = None, loader: Any = None) -> None:
        self.began = self.ended = False
        self.first_step = 0
        self.seed = OPEN
        self.course: Course | None = None
        self._shared, self._model, self._loader = shared, model, loader
        self._weak = weakref.ref(target)
        self._kept: Any = None
        self._changes = method.unseen("no optimizer step was seen")
        self._facts: Facts = {}
        self._history: tuple[dict[str, float], ...] = ()

    def begin(self) -> None:
        """Training begins; what runs it is kept until the record is written or another of its kind begins."""
        self._kept = self.target
        self.began, self.ended = True, False

    def stepped(self, course: Course, seed: Fact) -> None:
        """The first step of an optimizer: only now is it settled which parameters can change."""
        self.begin()
        self.course, self.seed = course, seed
        self.first_step = course.first_step or 0
        self._changes = self._changes if self.model is None else method.method(self.model, course.parameters)

    @property
    def target(self) -> Any | None:
        """What runs it, as long as that exists."""
        return self._weak()

    @property
    def main(self) -> bool:
        """Whether this process is the one that saves and reports."""
        spread = sys.modules.get("torch.distributed")
        if spread is not None and spread.is_available() and spread.is_initialized():
            return bool(spread.get_rank() == 0)
        return os.environ.get("RANK", "0") == "0"

    @property
    def model(self) -> Any | None:
        """What is trained, or None where it is not known or gone."""
        return method.unwrap(self._model or (self.course and self.course.model()))

    @property
    def steps(self) -> int:
        """Optimizer steps done in this process."""
        return 0 if self.course is None else self.course.steps

    @property
    def weight(self) -> int:
        """Steps times trained tensors: a calibration after the training must not stand for it."""
        return 0 if self.course is None else self.steps * len(self.course.parameters)

    def optimizers(self) -> Iterable[Any]:
        """The optimizers that it is about."""
        return (self.target,)

    def holds(self, optimizer: Any) -> bool:
        """Whether it is about this optimizer."""
        return any(getattr(each, "optimizer", each) is optimizer for each in self.optimizers())

    def facts(self) -> Facts:
        """Facts of the parts ``method``, ``hyperparameters`` and ``tokenizer``, as of now."""
        if self.target is not None:
            told = method.tokenizer(self._cutter(), _NO_TOKENIZER)
            self._facts = {"method": self._method(), "hyperparameters": self._hyperparameters(), "tokenizer": told}
        return self._facts

    def history(self) -> tuple[dict[str, float], ...]:
        """Losses and metrics by step. Values that are not finite cannot be recorded and are left out."""
        if self.target is not None:
            self._history = tuple(row for row in map(finite, self._losses()) if row)
        return self._history

    def settle(self) -> None:
        """Keep what was seen, and no longer the model and all else that is large."""
        self.facts(), self.history()
        self._kept = None

    def save(self, folder: Path) -> bool:
        """Save model and tokenizer as safetensors; False where that cannot be done."""
        return self.model is not None and method.save(self.model, self._cutter(), folder)

    def _cutter(self) -> Any | None:
        return self._shared.loads.tokenizer()

    def _method(self) -> dict[str, Fact]:
        return self._changes

    def _hyperparameters(self) -> dict[str, Fact]:
        course = self.course
        optimizer: Any = None if course is None else course.optimizer()
        if course is None or optimizer is None:
            return {}
        others = {name: value for name, value in optimizer.defaults.items() if name not in ("lr", "weight_decay")}
        return {
            "optimizer": observed(course.kind),
            "learning_rate": observed(course.rates),
            "weight_decay": observed(course.decay, "this optimizer has none of its own"),
            "max_grad_norm": NOT_APPLICABLE if course.clip is None else observed(course.clip),
            "gradient_accumulation_steps": observed(course.batches or None, "no backward pass was seen"),
            "precision": observed(course.precision or method.precision(self.model), _NO_MODULE),
            "epochs_asked": observed(None, _UNTOLD.format("epochs")),
            "steps_done": observed(course.steps),
            "first_step": observed(course.first_step, "this optimizer does not count its steps"),
            "other_arguments": observed(arguments(others, parameters_of(type(optimizer)))),
            **self._schedule(course, self._shared.steps.scheduler(optimizer)),
            **self._rows(self._loader or course.loader),
        }

    def _schedule(self, course: Course, scheduler: Any) -> dict[str, Fact]:
        """The schedule of the learning rate; those of transformers tell how many steps were asked for."""
        told = getattr(next(iter(getattr(scheduler, "lr_lambdas", ())), None), "keywords", {})
        asked = told.get("num_training_steps") or getattr(scheduler, "total_steps", None)
        name = "constant" if scheduler is None else type(scheduler).__name__
        why = "this schedule does not tell"
        if scheduler is None:
            why = "it was made before the recording" if course.scheduled else ""
        return {
            "scheduler": observed(None if scheduler is None and why else name, why),
            "warmup_steps": observed(told.get("num_warmup_steps"), why) if why else NOT_APPLICABLE,
            "steps_asked": observed(asked, _UNTOLD.format("steps")),
            "early_stop": observed(asked and self.first_step + course.steps < asked, _UNTOLD.format("steps")),
        }

    def _rows(self, loader: Any) -> dict[str, Fact]:
        """What the data loader tells; passes are counted, not asked for."""
        if loader is None:
            names = ("batch_size", "epochs_done", "train_rows_seen", "data_seed")
            return {name: observed(None, "no batch came from a torch DataLoader") for name in names}
        size = loader.batch_size or getattr(loader.batch_sampler, "batch_size", None)
        sized = hasattr(loader.dataset, "__len__")
        epochs = round(self._shared.steps.drawn(loader) / len(loader), 6) if sized else None
        return {
            "batch_size": observed(size, "the sampler of the batches does not tell their size"),
            "epochs_done": observed(epochs, _UNSIZED),
            "train_rows_seen": observed(len(loader.dataset) if sized else None, _UNSIZED),
            "data_seed": NOT_APPLICABLE if loader.generator is None else observed(loader.generator.initial_seed()),
        }

    def _losses(self) -> Iterable[Mapping[str, Any]]:
        losses = [] if self.course is None else self.course.losses
        return [{"step": step, "loss": sum(map(float, values))} for step, values in losses]


class AccelerateWay(Way):
    """A loop whose model and optimizer an Accelerator prepared."""

    rank = 3

    def optimizers(self) -> Iterable[Any]:
        """Those that it prepared."""
        return getattr(self.target, "_optimizers", ())

    @property
    def model(self) -> Any | None:
        """The model that was prepared, without its wrappers."""
        models: Any = getattr(self.target, "_models", ())
        return self.target.unwrap_model(models[0]) if self.target and len(models) == 1 else super().model

    def _hyperparameters(self) -> dict[str, Fact]:
        accelerator: Any = self.target
        mixed, found = accelerator.mixed_precision, super()._hyperparameters()
        added = {"gradient_accumulation_steps": observed(accelerator.gradient_accumulation_steps)}
        return found | added | ({} if mixed == "no" else {"precision": observed(mixed)})
