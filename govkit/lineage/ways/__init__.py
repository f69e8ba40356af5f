"""The ways of training that govkit follows; one file a way."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from govkit.errors import UsageError
from govkit.lineage.reads.patching import Patches
from govkit.lineage.ways.calls import Calls
from govkit.lineage.ways.estimator import EstimatorWay, is_fitted
from govkit.lineage.ways.lightning import HOMES, LightningWay
from govkit.lineage.ways.loads import Load, Loads
from govkit.lineage.ways.plain import Args, Kwargs, argument, watching
from govkit.lineage.ways.steps import Course, Steps
from govkit.lineage.ways.trainer import TrainerWay
from govkit.lineage.ways.way import AccelerateWay, Shared, Way

_SUPPORTED = (
    "a transformers Trainer or a subclass of it (TRL's SFTTrainer), a Lightning Trainer, an accelerate Accelerator, "
    "a torch model with its optimizer and, if there is one, its data loader, a scikit-learn estimator or pipeline"
)
_KINDS: dict[str, type[Way]] = {
    "transformers.trainer.Trainer": TrainerWay,
    "accelerate.accelerator.Accelerator": AccelerateWay,
    "sklearn.base.BaseEstimator": EstimatorWay,
    **{f"{home}.Trainer": LightningWay for home in HOMES},
}


class Ways:
    """Hooks that see every training of this process, whether somebody names it or not.

    Args:
        patches: Where the hooks go; undone by its owner.
        tick: Called at each optimizer step.

    Attributes:
        loads: What was loaded.
        saves: Files and folders of models that were saved, the last one last.
        base_of: Tells what a model was loaded from.
        seeds: Tells the facts of the part ``seeds``.
        split_method: Tells the fact ``splits.method``.
    """

    def __init__(self, patches: Patches, tick: Callable[[], None]) -> None:
        self._ways: list[Way] = []
        self._named: Way | None = None
        self._patches, self._calls = patches, Calls(patches)
        self.seeds, self.split_method = self._calls.seeds, self._calls.split_method
        loads = Loads(patches, self._noted)
        self.loads, self.saves, self.base_of = loads.loads, loads.saves, loads.base_of
        self._shared = Shared(loads, Steps(patches, tick, known=self._model_of, began=self._stepped))
        patches.wrap("transformers.trainer", "Trainer.train", self._running)
        for home in HOMES:
            patches.wrap(home, "Trainer.fit", self._running)
        patches.wrap("accelerate.accelerator", "Accelerator.prepare", watching(self._prepared))
        patches.wrap("sklearn.base", "BaseEstimator._validate_params", watching(self._validated))

    def primary(self) -> Way | None:
        """The training that the record is about: the one that was named, else the one whose model was saved.

        Among several of the highest rank that began, where none or several were saved, it is contested.
        """
        if self._named is not None:
            return self._named
        top = max((way.rank for way in self._ways if way.began), default=None)
        claims = [way for way in self._ways if way.began and way.rank == top]
        claims = [way for way in claims if way.saves] or claims
        for way in self._ways:
            way.contested = len(claims) > 1
        return max(reversed(claims), key=lambda way: way.weight, default=None)

    def model_saves(self) -> list[Path]:
        """Where the model of the primary training was saved since that began, the last save last."""
        way = self.primary()
        return [] if way is None or way.contested else list(way.saves)

    def release(self) -> None:
        """Take the hook out that is not a patch."""
        self._shared.steps.release()

    def watch(self, *targets: Any) -> None:
        """Name the training that the record is about.

        Raises:
            UsageError: It cannot be watched, it has trained already, or another one is being watched.
        """
        parts = _parts(targets)
        target, kind = parts["target"], _kind(parts["target"])
        known = any(way.target is target for way in self._ways)
        trained = getattr(getattr(target, "state", target), "global_step", 0) or (
            kind is EstimatorWay and is_fitted(target)
        )
        if trained and not known:
            name = type(target).__name__
            raise UsageError(f"this {name} has trained already, and nothing of it was seen: watch it before it trains")
        way = self._way(**parts)
        if self._named not in (None, way):
            raise UsageError("this run watches a trainer already: record a second training in a run of its own")
        self._named = way
        if kind is EstimatorWay:
            fit = f"{type(target).__qualname__}.fit"
            self._patches.wrap(type(target).__module__, fit, watching(self._fitted))

    def _way(self, target: Any, **parts: Any) -> Way:
        """The way of what runs a training; made and listed where there is none yet."""
        found = next((way for way in self._ways if way.target is target), None)
        if found is None:
            found = (_kind(target) or Way)(target, self._shared, **parts)
            self._ways.append(found)
        return found

    def _model_of(self, optimizer: Any) -> Any | None:
        """The model that an optimizer trains, where a Trainer or the user told."""
        return next((way.model for way in self._ways if way.holds(optimizer)), None)

    def _settle(self, way: Way) -> Way:
        """A training begins: of earlier ones that nobody named, facts are kept and models let go."""
        for earlier in self._ways:
            if type(earlier) is type(way) and earlier not in (self._named, way):
                earlier.settle()
        return way

    def _running(self, original: Any, args: Args, kwargs: Kwargs) -> Any:
        way = self._settle(self._way(args[0]))
        way.begin()
        way.calls += 1
        result = original(*args, **kwargs)
        way.ended = True
        return result

    def _noted(self, thing: Any, path: Path) -> None:
        for way in self._ways:
            way.saved(thing, path)

    def _prepared(self, _: Any, args: Args, __: Kwargs) -> None:
        self._way(args[0])

    def _stepped(self, course: Course) -> None:
        optimizer = course.optimizer()
        holders = [way for way in self._ways if way.holds(optimizer) or course in way.courses]
        model = course.model()
        if not holders and model is not None:
            holders = [way for way in self._ways if type(way) is Way and way.model is model]
        for way in holders or [self._way(optimizer)]:
            self._settle(way).stepped(course, self._calls.seed())

    def _validated(self, _: Any, args: Args, __: Kwargs) -> None:
        # Three frames up is scikit-learn's own frame around ``fit``. It holds the data; one of that package further
        # up means that this fit is a part of another one, or of a search or a cross-validation.
        frame = sys._getframe(3)
        outer = frame.f_back
        while outer is not None and not str(outer.f_globals.get("__name__")).startswith("sklearn."):
            outer = outer.f_back
        if outer is None and hasattr(args[0], "predict"):
            given = [*frame.f_locals.get("args", ()), *frame.f_locals.get("kwargs", {}).values(), None]
            self._fit(args[0], given[0])

    def _fitted(self, _: Any, args: Args, kwargs: Kwargs) -> None:
        if self._named is not None and self._named.target is args[0]:
            self._fit(args[0], argument(args, kwargs, 1, "X"))

    def _fit(self, estimator: Any, data: Any) -> None:
        way = self._settle(self._way(estimator))
        if isinstance(way, EstimatorWay):
            way.fitted(data)


def _kind(target: Any) -> type[Way] | None:
    names = (f"{kind.__module__}.{kind.__qualname__}" for kind in type(target).__mro__)
    return next((_KINDS[name] for name in names if name in _KINDS), None)


def _parts(targets: tuple[Any, ...]) -> dict[str, Any]:
    """What was given to be watched; of a loop the model, the optimizer and the data loader, in any order."""
    if len(targets) == 1 and _kind(targets[0]) is not None:
        return {"target": targets[0]}
    found: dict[str, Any] = {}
    for each in targets:
        if hasattr(each, "named_parameters"):
            found["model"] = each
        elif hasattr(each, "param_groups"):
            found["target"] = getattr(each, "optimizer", each)
        elif hasattr(each, "batch_sampler"):
            found["loader"] = each
        else:
            kind = f"{type(each).__module__}.{type(each).__name__}"
            raise UsageError(f"cannot watch an object of type {kind}; supported: {_SUPPORTED}")
    if not {"model", "target"} <= found.keys():
        raise UsageError(f"cannot watch a model or an optimizer alone; supported: {_SUPPORTED}")
    return found
