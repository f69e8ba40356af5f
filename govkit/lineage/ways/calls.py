"""Calls that tell something of their own: seeds that were set, and functions that shared out rows over the roles."""

from __future__ import annotations

import inspect
import os
import sys
from typing import Any

from govkit.core import Fact
from govkit.lineage.facts import NOT_APPLICABLE, observed
from govkit.lineage.reads.patching import Around, Patches
from govkit.lineage.ways.plain import Args, Kwargs, arguments, parameters_of, watching

_SEEDS = {
    "python": "random:seed",
    "numpy": "numpy.random:seed numpy.random:default_rng",
    "torch": "torch:manual_seed torch.random:manual_seed torch.cuda.random:manual_seed_all",
}
_SPLITS = (
    "datasets.arrow_dataset:Dataset.train_test_split sklearn.model_selection._split:train_test_split "
    "torch.utils.data.dataset:random_split"
)
_NO_SEED = "no call was seen that seeds it; seeds of generators that are objects of their own cannot be seen"
_SEVERAL = "several seeds were set one after another: the part seeds lists them"
_MOST = 20


class Calls:
    """The seeds that a process gives to its generators, each once and the last one last, and the splits of its data."""

    def __init__(self, patches: Patches) -> None:
        self._seeds: dict[str, dict[int, None]] = {name: {} for name in _SEEDS}
        self._splits: dict[str, None] = {}
        for generator, calls in _SEEDS.items():
            for call in calls.split():
                module, _, name = call.partition(":")
                patches.wrap(module, name, watching(self._seeding(self._seeds[generator])))
        for call in _SPLITS.split():
            module, _, name = call.partition(":")
            patches.wrap(module, name, self._splitting(module.partition(".")[0], name))

    def seed(self) -> Fact:
        """The seed of torch, where there was one."""
        given = self._seeds["torch"]
        return observed(next(iter(given)) if len(given) == 1 else None, _SEVERAL if given else _NO_SEED)

    def seeds(self) -> dict[str, Fact]:
        """Facts of the part ``seeds``, as of now."""
        found = {name: observed(list(given) or None, _NO_SEED) for name, given in self._seeds.items()}
        found["hash_seed"] = observed(os.environ.get("PYTHONHASHSEED", "random"))
        flags = ("deterministic_algorithms", "cudnn_deterministic", "cudnn_benchmark")
        torch = sys.modules.get("torch")
        if torch is None:
            return found | dict.fromkeys((*flags, "torch"), NOT_APPLICABLE)
        cudnn = torch.backends.cudnn
        values = (torch.are_deterministic_algorithms_enabled(), cudnn.deterministic, cudnn.benchmark)
        return found | {name: observed(bool(value)) for name, value in zip(flags, values, strict=True)}

    def split_method(self) -> Fact:
        """The fact ``splits.method``."""
        return observed("; ".join(self._splits) or None, "no call of a function that splits data was seen")

    def _seeding(self, given: dict[int, None]) -> Any:
        def note(_: Any, args: Args, kwargs: Kwargs) -> None:
            seed: Any = next(iter((*args, *kwargs.values())), None)
            # What scipy seeds is for its own use.
            if hasattr(seed, "__index__") and _package(4) not in ("scipy", "sklearn", "numpy"):
                given.pop(int(seed), None)
                given[int(seed)] = None
                if len(given) > _MOST:
                    del given[next(iter(given))]

        return note

    def _splitting(self, package: str, name: str) -> Around:
        def around(original: Any, args: Args, kwargs: Kwargs) -> Any:
            # What a library splits for itself is no split of the run's data.
            if _package(3) != package:
                self._splits[f"{package}.{name}({_shown(original, args, kwargs)})"] = None
            return original(*args, **kwargs)

        return around


def _package(up: int) -> str:
    """Package of the code so many frames up."""
    return str(sys._getframe(up).f_globals.get("__name__", "")).partition(".")[0]


def _shown(function: Any, args: Args, kwargs: Kwargs) -> str:
    given = inspect.signature(function).bind_partial(*args, **kwargs).arguments
    # Lists are rows, but for the lengths of the parts.
    given = {name: each for name, each in given.items() if name == "lengths" or not isinstance(each, list | tuple)}
    kept = arguments(given, parameters_of(function))
    if hasattr(given.get("generator"), "initial_seed"):
        kept["seed"] = given["generator"].initial_seed()
    return ", ".join(f"{name}={value!r}" for name, value in kept.items())
