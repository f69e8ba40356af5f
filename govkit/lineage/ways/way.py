"""What every way of training tells; a plain torch loop tells no more, one that accelerate spreads little more."""

from __future__ import annotations

import contextlib
import os
import sys
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from govkit.core import Fact
from govkit.lineage.facts import NOT_APPLICABLE, OPEN, observed, unseen
from govkit.lineage.ways import method
from govkit.lineage.ways.loads import Loads, holds, listed
from govkit.lineage.ways.plain import finite, length
from govkit.lineage.ways.steps import Course, Steps

Facts = dict[str, dict[str, Fact]]
_NO_MODULE = "no module that holds what is trained was seen"
_NO_TOKENIZER = "no tokenizer, or tokenizers from several places, were seen to be loaded"
_UNTOLD = "a plain loop does not tell how many {} it was asked for"
_UNSIZED = "the data has no length"
_UNFED = "no batches of a torch DataLoader were seen to go into its steps"
_MIXED = "several optimizers trained it, and they differ"
_PASSES = "the backward passes of a step are several losses, or not as many in each step"
_FAILED = "the objects of the training failed when they were asked"
CONTESTED = "several trainings were seen and nobody named one with watch"


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
        calls: How often what runs it was told to train.
        first_step: Optimizer step at which it began; above 0 when it was resumed.
        seed: The seed of the training.
        courses: What was seen of its optimizers, the newest last.
        saves: Where its model was saved since it began.
        contested: Whether another training of its rank has as good a claim to be the run's.
    """

    rank = 2

    def __init__(self, target: Any, shared: Shared, *, model: Any = None, loader: Any = None) -> None:
        self.began = self.ended = False
        self.first_step = self.calls = 0
        self.seed = OPEN
        self.courses: list[Course] = []
        self.saves: list[Path] = []
        self.contested = False
        self._shared, self._model, self._loader = shared, model, loader
        self._weak = weakref.ref(target)
        self._kept: Any = None
        self._changes = unseen("method", "no optimizer step was seen")
        self._facts: Facts = {}
        self._history: tuple[dict[str, float], ...] = ()

    def begin(self) -> None:
        """Training begins; what runs it is kept until the record is written or another of its kind begins."""
        self._kept = [self.target]
        self.began, self.ended = True, False
        if hasattr(self.model, "named_parameters"):
            self._shared.loads.trained.add(self.model)

    def stepped(self, course: Course, seed: Fact) -> None:
        """The first step of an optimizer, or one after that of another one."""
        if course not in self.courses:
            if not self.courses:
                self.seed, self.first_step = seed, self._first(course)
            self.courses.append(course)
        self.begin()
        # What it uses outlives the function that made it.
        self._kept += [each() for each in (course.optimizer, course.model)]
        self._kept.append(self._shared.steps.scheduler(course.optimizer()))

    def saved(self, thing: Any, path: Path) -> None:
        """Something was saved: the model of this training, or another one that may take the place of its file."""
        if self.began and holds(thing, self.model, self._trained()):
            listed(self.saves, path)
        elif path in self.saves:
            self.saves.remove(path)

    def _trained(self) -> set[int]:
        return {each for course in self.courses for each in course.parameters}

    def _first(self, course: Course) -> int:
        return course.first_step or 0

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
        return method.unwrap(self._model or (self.courses[0].model() if self.courses else None))

    @property
    def steps(self) -> int:
        """Optimizer steps done in this process."""
        return sum(course.steps for course in self.courses)

    @property
    def weight(self) -> int:
        """Steps times trained tensors: a calibration after the training must not stand for it."""
        return self.steps * len(self._trained())

    def optimizers(self) -> Iterable[Any]:
        """The optimizers that it is about."""
        return (self.target,)

    def holds(self, optimizer: Any) -> bool:
        """Whether it is about this optimizer."""
        return any(getattr(each, "optimizer", each) is optimizer for each in self.optimizers())

    def facts(self) -> Facts:
        """Facts of the parts ``method``, ``hyperparameters`` and ``tokenizer``, as of now."""
        if self.target is not None:
            # An object of the user that fails when it is asked must not end the training, nor leave facts of before.
            self._facts = {part: unseen(part, _FAILED) for part in ("method", "hyperparameters", "tokenizer")}
            with contextlib.suppress(Exception):
                told = method.tokenizer(self._cutter(), _NO_TOKENIZER)
                self._facts = {"method": self._method(), "hyperparameters": self._hyperparameters(), "tokenizer": told}
        contested = ("method", "hyperparameters") if self.contested else ()
        return self._facts | {part: unseen(part, CONTESTED) for part in contested}

    def history(self) -> tuple[dict[str, float], ...]:
        """Losses and metrics by step. Values that are not finite cannot be recorded and are left out."""
        if self.target is not None:
            self._history = ()
            with contextlib.suppress(Exception):
                self._history = tuple(row for row in map(finite, self._losses()) if row)
        return () if self.contested else self._history

    def settle(self) -> None:
        """Keep what was seen, and no longer the model and all else that is large."""
        self.facts(), self.history()
        self._kept = None

    def save(self, folder: Path) -> bool:
        """Save model and tokenizer as safetensors; False where that cannot be done."""
        return self.model is not None and not self.contested and method.save(self.model, self._cutter(), folder)

    def _cutter(self) -> Any | None:
        return self._shared.loads.tokenizer()

    def _method(self) -> dict[str, Fact]:
        if self.model is not None and self.courses:
            self._changes = method.method(self.model, self._trained())
        return self._changes

    def _hyperparameters(self) -> dict[str, Fact]:
        if not self.courses:
            return {}
        first, *others = [self._told(course) for course in self.courses]
        mixed = {name for each in others for name, fact in first.items() if each[name] != fact}
        return first | dict.fromkeys(mixed, observed(None, _MIXED)) | {"steps_done": observed(self.steps)}

    def _told(self, course: Course) -> dict[str, Fact]:
        return {
            "optimizer": observed(course.kind),
            "learning_rate": observed(course.rates, "this optimizer does not tell it"),
            "weight_decay": observed(course.decay, "this optimizer has none of its own"),
            "max_grad_norm": NOT_APPLICABLE if course.clip is None else observed(course.clip),
            "gradient_accumulation_steps": observed(course.accumulated() or None, _PASSES),
            "precision": observed(course.precision or method.precision(self.model), _NO_MODULE),
            "epochs_asked": observed(None, _UNTOLD.format("epochs")),
            "first_step": observed(course.first_step, "this optimizer does not count its steps"),
            "other_arguments": observed(course.others),
            **self._schedule(course, self._shared.steps.scheduler(course.optimizer())),
            **self._rows(self._loader or course.loader),
        }

    def _schedule(self, course: Course, scheduler: Any) -> dict[str, Fact]:
        """The schedule of the learning rate; those of transformers tell how many steps were asked for."""
        told = getattr(next(iter(getattr(scheduler, "lr_lambdas", ())), None), "keywords", {})
        asked = told.get("num_training_steps") or getattr(scheduler, "total_steps", None)
        name = type(scheduler).__name__ if scheduler else "changed by the script" if course.moved else "constant"
        why = "this schedule does not tell"
        if scheduler is None:
            why = "it was made before the recording" if course.scheduled else ""
        return {
            "scheduler": observed(None if scheduler is None and why else name, why),
            "warmup_steps": observed(told.get("num_warmup_steps"), why) if why else NOT_APPLICABLE,
            "steps_asked": observed(asked, _UNTOLD.format("steps")),
            "early_stop": observed(asked and self.first_step + self.steps < asked, _UNTOLD.format("steps")),
        }

    def _rows(self, loader: Any) -> dict[str, Fact]:
        """What the data loader tells; passes are counted, not asked for."""
        if loader is None:
            names = ("batch_size", "epochs_done", "train_rows_seen", "data_seed")
            return {name: observed(None, _UNFED) for name in names}
        size = loader.batch_size or getattr(loader.batch_sampler, "batch_size", None)
        batches = length(loader)
        epochs = round(self._shared.steps.drawn(loader) / batches, 6) if batches else None
        return {
            "batch_size": observed(size, "the sampler of the batches does not tell their size"),
            "epochs_done": observed(epochs, _UNSIZED),
            "train_rows_seen": observed(length(loader.dataset), _UNSIZED),
            "data_seed": NOT_APPLICABLE if loader.generator is None else observed(loader.generator.initial_seed()),
        }

    def _losses(self) -> Iterable[Mapping[str, Any]]:
        # The losses of several optimizers have no common count of steps.
        losses = self.courses[0].losses if len(self.courses) == 1 else []
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
        told = accelerator.gradient_accumulation_steps
        # The last step of a pass can have fewer batches; the setting stands where it was really reached.
        kept = self.courses and all(max(course.passes, default=0) == told for course in self.courses)
        added = {"gradient_accumulation_steps": observed(told)} if kept else {}
        return found | added | ({} if mixed == "no" else {"precision": observed(mixed)})
