"""Optimizer steps, losses and batches of this process, whatever loop makes them."""

from __future__ import annotations

import contextlib
import gc
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

from govkit.lineage.reads.patching import Patches
from govkit.lineage.ways.method import unwrap
from govkit.lineage.ways.plain import Args, Kwargs, argument, arguments, parameters_of, watching

MOST_LOSSES = 4096
"""Entries of a loss curve; a longer one is thinned out evenly."""
_MOST_PASSES = 1024
_SCHEDULERS = ("LRScheduler", "ReduceLROnPlateau", "SequentialLR", "ChainedScheduler")
_HALF = {"torch.bfloat16": "bf16", "torch.float16": "fp16"}


class Course:
    """What was seen of one optimizer.

    Attributes:
        kind: Class of the optimizer.
        steps: Steps done.
        first_step: Step at which it began, by its own count; None where it does not count.
        parameters: ``id`` of the parameters that it could change, at one step or another.
        batches: Numbers of batches between two steps; ``passes`` of backward passes likewise.
        clip: Norm at which gradients were clipped before its last step.
        precision: Type that autocast used.
        losses: Step and losses whose gradients were added up in it.
        rates: Learning rate asked for, one for each group where they differ; ``decay`` likewise.
        others: Its other arguments that differ from their defaults.
        scheduled: Whether a scheduler had been made for it.
        moved: Whether its learning rate changed between two steps.
    """

    def __init__(self, optimizer: Any, model: Any) -> None:
        groups = optimizer.param_groups
        self.optimizer, self.kind = weakref.ref(optimizer), type(optimizer).__name__
        self.model: Callable[[], Any] = (lambda: None) if model is None else weakref.ref(model)
        self.steps = 0
        self.batches: set[int] = set()
        self.passes: set[int] = set()
        counts = [int(state["step"]) for state in optimizer.state.values() if "step" in state]
        self.first_step = max(counts) - 1 if counts else None
        self.clip: float | None = None
        self.precision: str | None = None
        self.losses: list[tuple[int, list[Any]]] = []
        self.loaders: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
        self.parameters: set[int] = set()
        given = {name: value for name, value in optimizer.defaults.items() if name not in ("lr", "weight_decay")}
        self.others = arguments(given, parameters_of(type(optimizer)))
        self.scheduled = any("initial_lr" in group for group in groups)
        self.moved, self._stride = False, 1
        self._size = (0, 0)
        self._now = self._look(groups)

    def _look(self, groups: Any) -> list[Any]:
        """What is trained, and the learning rates of now; both can change at any step."""
        size = len(groups), sum(each.requires_grad for group in groups for each in group["params"])
        if size != self._size:
            self._size = size
            self.parameters |= {id(each) for group in groups for each in group["params"] if each.requires_grad}
            self.rates = _same([group.get("initial_lr", group.get("lr")) for group in groups])
            self.decay = _same([group.get("weight_decay") for group in groups])
        return [group.get("lr") for group in groups if isinstance(group.get("lr"), float)]

    def note(self, optimizer: Any, losses: list[Any]) -> None:
        """A step was done."""
        self.steps += 1
        before, self._now = self._now, self._look(optimizer.param_groups)
        self.moved = self.moved or (before != self._now and len(before) == len(self._now))
        if losses and self.steps % self._stride == 0:
            self.losses.append((self.steps, losses))
            if len(self.losses) > MOST_LOSSES:
                self._stride *= 2
                self.losses = [each for each in self.losses if each[0] % self._stride == 0]

    @property
    def loader(self) -> Any | None:
        """The data loader that gave new batches to its steps, as long as that exists."""
        most = max(self.loaders, key=lambda loader: self.loaders[loader], default=None)
        # One that fetches ahead has none for the last step of a pass.
        return most if most is not None and 2 * self.loaders[most] >= self.steps else None

    def accumulated(self) -> int | None:
        """Batches whose gradients a step adds up; None where several losses of a batch cannot be told from them."""
        if self.passes == {1} or (self.batches == {1} and self.loader is not None):
            return 1
        return max(self.passes) if len(self.passes) == 1 and self.passes <= self.batches else None


class Steps:
    """Hooks on torch that follow every optimizer.

    Args:
        patches: Where the hooks go.
        tick: Called at each step.
        known: Tells the model that an optimizer trains, where somebody named it; else this looks for it.
        began: Called when an optimizer did its first step, or goes on after another one.
    """

    def __init__(
        self,
        patches: Patches,
        tick: Callable[[], None],
        *,
        known: Callable[[Any], Any],
        began: Callable[[Course], None],
    ) -> None:
        self._courses: WeakKeyDictionary[Any, Course] = WeakKeyDictionary()
        # Values are weak where they hold their own key.
        self._schedulers: WeakKeyDictionary[Any, weakref.ref[Any]] = WeakKeyDictionary()
        self._loaders: WeakKeyDictionary[Any, weakref.ref[Any]] = WeakKeyDictionary()
        self._drawn: WeakKeyDictionary[Any, list[int]] = WeakKeyDictionary()
        self._tick, self._known, self._began = tick, known, began
        self._hook: Any = None
        self._loader: Any = None
        self._held: Any = None
        self._last: Any = None
        self._scaled: Any = None
        self._precision: str | None = None
        self._clip: float | None = None
        self._losses: list[Any] = []
        self._batches = self._passes = 0
        self._fresh = False
        for module, name, around in (
            ("torch.optim.optimizer", "Optimizer.__init__", watching(self._listen)),
            *(("torch.optim.lr_scheduler", f"{name}.__init__", watching(self._scheduled)) for name in _SCHEDULERS),
            ("torch.nn.utils.clip_grad", "clip_grad_norm_", watching(self._clipped)),
            ("torch._tensor", "Tensor.backward", watching(self._backward)),
            ("torch.amp.grad_scaler", "GradScaler.scale", watching(self._scale)),
            ("torch.amp.autocast_mode", "autocast.__enter__", watching(self._cast)),
            ("torch.utils.data.dataloader", "DataLoader.__iter__", watching(self._pass)),
            ("torch.utils.data.dataloader", "_BaseDataLoaderIter.__next__", self._next),
        ):
            patches.wrap(module, name, around)
        if "torch.optim" in sys.modules:
            self._listen()

    def release(self) -> None:
        """Take the hook out, and let go of model and data."""
        if self._hook is not None:
            self._hook.remove()
        self._held = self._loader = None

    def scheduler(self, optimizer: Any) -> Any | None:
        """What sets the learning rate of an optimizer, as long as it exists."""
        found = self._schedulers.get(optimizer)
        return None if found is None else found()

    def drawn(self, loader: Any) -> int:
        """Batches that were trained on."""
        return min(self._drawn.get(loader, [0, 0]))

    def _listen(self, *_: Any) -> None:
        if self._hook is None:
            from torch.optim.optimizer import register_optimizer_step_post_hook

            self._hook = register_optimizer_step_post_hook(self._stepped)

    def _scheduled(self, _: Any, args: Args, __: Kwargs) -> None:
        # A scheduler made of others comes after its parts.
        self._schedulers[args[0].optimizer] = weakref.ref(args[0])

    def _clipped(self, _: Any, args: Args, kwargs: Kwargs) -> None:
        self._clip = float(argument(args, kwargs, 1, "max_norm"))

    def _scale(self, _: Any, args: Args, __: Kwargs) -> None:
        self._scaled = args[1] if hasattr(args[1], "numel") else None

    def _backward(self, _: Any, args: Args, __: Kwargs) -> None:
        loss, self._scaled = args[0] if self._scaled is None else self._scaled, None
        if loss.numel() == 1 and self._passes < _MOST_PASSES:
            # Reading a number off an accelerator would wait for it.
            self._losses.append(loss.item() if loss.device.type == "cpu" else loss.detach())
        self._passes += 1
        if self._loader is not None:
            self._drawn[self._loader][1] += 1
            # Batches that are only looked at, as an evaluation does, have no backward pass.
            self._batches, self._fresh = self._batches + self._fresh, False

    def _cast(self, _: Any, args: Args, __: Kwargs) -> None:
        if args[0]._enabled:
            self._precision = _HALF.get(str(args[0].fast_dtype))

    def _pass(self, iterator: Any, args: Args, __: Kwargs) -> None:
        self._loaders[iterator] = weakref.ref(args[0])

    def _next(self, original: Any, args: Args, kwargs: Kwargs) -> Any:
        try:
            batch = original(*args, **kwargs)
        except StopIteration:
            # Batches of which several were only looked at, as an evaluation does, are none of the next step.
            with contextlib.suppress(Exception):
                drawn, used = self._drawn.get(self._loader, [0, 0])
                self._fresh = self._fresh and drawn - used < 2
            raise
        with contextlib.suppress(Exception):
            self._batch(args)
        return batch

    def _batch(self, args: Args) -> None:
        found = self._loaders.get(args[0])
        self._loader = None if found is None else found()
        if self._loader is not None:
            self._drawn.setdefault(self._loader, [0, 0])[0] += 1
            self._fresh = True

    def _stepped(self, optimizer: Any, *_: Any) -> None:
        with contextlib.suppress(Exception):
            self._note(optimizer)
        # A step uses up what was seen since the one before.
        self._losses, self._batches, self._passes, self._clip = [], 0, 0, None
        self._tick()

    def _note(self, optimizer: Any) -> None:
        course = self._courses.get(optimizer)
        if course is None:
            course = self._courses[optimizer] = Course(optimizer, self._known(optimizer) or owner(optimizer))
        if course is not self._last:
            self._last = course
            self._began(course)
        course.note(optimizer, self._losses)
        course.batches.add(self._batches)
        course.passes.add(self._passes)
        course.clip, course.precision = self._clip, self._precision
        if self._loader is not None and self._batches:
            course.loaders[self._loader] = course.loaders.get(self._loader, 0) + 1
            self._held = self._loader


def _same(values: list[Any]) -> Any:
    """One value where all are equal."""
    numbers = [float(value) for value in values if value is not None]
    return numbers[0] if len(set(numbers)) == 1 else numbers or None


def owner(optimizer: Any) -> Any | None:
    """The outermost module that holds most of an optimizer's parameters, among all live objects."""
    wanted = {id(each) for group in optimizer.param_groups for each in group["params"]}

    def fit(root: Any) -> tuple[int, int]:
        parameters = list(root.parameters())
        return sum(id(each) in wanted for each in parameters), sum(each.numel() for each in parameters)

    best = max(_roots(), key=fit, default=None)
    return unwrap(best) if best is not None and fit(best)[0] else None


def _roots() -> Iterator[Any]:
    from torch.nn import Module

    kinds = set(_kinds(Module))
    modules = [each for each in gc.get_objects() if type(each) in kinds and "_modules" in each.__dict__]
    inner = {id(child) for module in modules for child in module._modules.values()}
    return (module for module in modules if id(module) not in inner)


def _kinds(kind: type[Any]) -> Iterator[type[Any]]:
    yield kind
    for each in type.__subclasses__(kind):
        yield from _kinds(each)
