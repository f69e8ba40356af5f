"""Weights and tokenizers that a process loads and saves."""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from govkit.lineage.reads.patching import Patches
from govkit.lineage.ways.plain import Args, Kwargs, argument, watching

_LOADS = (
    ("transformers.modeling_utils", "PreTrainedModel.from_pretrained", "model", 1),
    ("transformers.tokenization_utils_base", "PreTrainedTokenizerBase.from_pretrained", "tokenizer", 1),
    ("peft.peft_model", "PeftModel.from_pretrained", "adapter", 2),
)
_FILES = (("torch.serialization", "load"), ("safetensors.torch", "load_file"))
_SAVES = (
    ("transformers.modeling_utils", "PreTrainedModel.save_pretrained"), ("torch.serialization", "save"),
    ("transformers.trainer", "Trainer.save_model"), ("peft.peft_model", "PeftModel.save_pretrained"),
    ("safetensors.torch", "save_file"), ("joblib.numpy_pickle", "dump"), ("pickle", "dump"),
    ("lightning.pytorch.trainer.trainer", "Trainer.save_checkpoint"),
    ("pytorch_lightning.trainer.trainer", "Trainer.save_checkpoint"),
)  # fmt: skip
_PLACES = ("save_directory", "output_dir", "f", "filename", "file", "filepath")


@dataclass(eq=False)
class Load:
    """Something that was loaded.

    Attributes:
        place: A file or folder of this machine, or a name on a hub.
        kind: ``model``, ``adapter``, ``tokenizer``, or ``weights`` without the model that they are for.
        revision: Commit or version, where it was seen.
        cache: Folder of the hub's files, where one was given.
        models: The objects that hold it.
        architecture: Class of the first of them.
        parameters: Its number of parameters.
        tensors: What came out of a file of weights.
    """

    place: Path | str
    kind: str
    revision: str | None = None
    cache: str | None = None
    models: list[weakref.ref[Any]] = field(default_factory=list)
    architecture: str = ""
    parameters: int | None = None
    tensors: dict[int, weakref.ref[Any]] = field(default_factory=dict)

    def folder(self) -> Path | None:
        """Where it lies on this machine: a folder, or one file; None where it is not found."""
        if isinstance(self.place, Path):
            return self.place
        from huggingface_hub import try_to_load_from_cache

        name = "adapter_config.json" if self.kind == "adapter" else "config.json"
        found = try_to_load_from_cache(self.place, name, cache_dir=self.cache, revision=self.revision)
        return Path(found).parent if isinstance(found, str) else None

    def into(self, model: Any) -> None:
        """It is in this object now."""
        self.models.append(weakref.ref(model))
        if not self.architecture and hasattr(model, "parameters"):
            self.architecture = type(model).__name__
            self.parameters = sum(each.numel() for each in model.parameters())

    def share(self, model: Any) -> int:
        """How many parameters of a model it gave."""
        held = [each for each in (each() for each in self.models) if each is not None]
        return len(set().union(*map(parameters, held)) & parameters(model))


class Loads:
    """What was loaded and saved, in the order in which it happened.

    Args:
        patches: Where the hooks go.
        noted: Called with what was saved, and where.
    """

    def __init__(self, patches: Patches, noted: Callable[[Any, Path], None]) -> None:
        self._noted = noted
        self.trained: weakref.WeakSet[Any] = weakref.WeakSet()
        self.loads: list[Load] = []
        self.saves: list[Path] = []
        self._tokenizer: Any = None
        for module, name, kind, position in _LOADS:
            patches.wrap(module, name, watching(self._loading(kind, position)))
        for module, name in _FILES:
            patches.wrap(module, name, watching(self._file))
        patches.wrap("torch.nn.modules.module", "Module.load_state_dict", watching(self._filled))
        for module, name in _SAVES:
            patches.wrap(module, name, watching(self._saved))

    def base_of(self, model: Any | None) -> Load | None:
        """What last gave a model most of its weights; of what has none, such as an estimator, the only model loaded."""
        whole = [load for load in self.loads if load.kind in ("model", "weights") and load.models]
        if not hasattr(model, "parameters"):
            return whole[0] if len({str(load.place) for load in whole}) == 1 else None
        shares = [load.share(model) for load in whole]
        enough = max(max(shares, default=0) / 2, 1)
        return next((load for load, share in zip(whole[::-1], shares[::-1], strict=True) if share >= enough), None)

    def tokenizer(self) -> Any | None:
        """The tokenizer that was loaded last, where all came from one place."""
        places = {str(load.place) for load in self.loads if load.kind == "tokenizer" and load.models}
        return self._tokenizer if len(places) == 1 else None

    def _loading(self, kind: str, position: int) -> Any:
        def note(made: Any, args: Args, kwargs: Kwargs) -> None:
            place = argument(args, kwargs, position, "pretrained_model_name_or_path", "model_id")
            if place is not None:
                load = _load(place, kind, kwargs)
                # Files that it read are parts of it.
                self.loads[:] = [each for each in self.loads if not _is_in(each.place, load.place)]
                self.loads.append(load)
                load.into(made[0] if isinstance(made, tuple) else made)
                self._tokenizer = made if kind == "tokenizer" else self._tokenizer

        return note

    def _file(self, made: Any, args: Args, kwargs: Kwargs) -> None:
        path = _path(argument(args, kwargs, 0, "f", "filename"))
        if path is not None and _is_model(made):
            load = Load(path, "weights", tensors={id(each): weakref.ref(each) for each in _tensors(made)})
            self.loads.append(load)
            if hasattr(made, "parameters"):
                load.into(made)

    def _filled(self, _: Any, args: Args, kwargs: Kwargs) -> None:
        state = argument(args, kwargs, 1, "state_dict")
        given = {id(each): each for each in state.values()} if isinstance(state, Mapping) else {}
        own = parameters(args[0])
        # What is loaded once it trains is a state of the training, as a checkpoint to go on from is.
        if any(not own.isdisjoint(parameters(each)) for each in self.trained):
            return
        for load in list(self.loads):
            if 2 * sum(load.tensors[key]() is given[key] for key in load.tensors.keys() & given) >= max(len(own), 1):
                self.loads.remove(load)
                self.loads.append(load)
                load.into(args[0])

    def _saved(self, _: Any, args: Args, kwargs: Kwargs) -> None:
        thing = argument(args, kwargs, 0, "obj", "tensors", "value")
        output = getattr(getattr(thing, "args", None), "output_dir", None)
        path = _path(argument(args, kwargs, 1, *_PLACES) or output)
        if path is not None and _is_model(thing):
            listed(self.saves, path)
            self._noted(thing, path)


def listed(saves: list[Path], path: Path) -> None:
    """List a save; of a folder that is saved as a whole the files are not listed."""
    if not any(_is_in(path, saved) for saved in saves):
        saves[:] = [*(saved for saved in saves if saved != path and not _is_in(saved, path)), path]


def holds(thing: Any, model: Any, trained: Collection[int]) -> bool:
    """Whether something is a model, wraps it, or holds all of its tensors that were trained."""
    if model is None:
        return False
    inner = [*thing.values()] if isinstance(thing, Mapping) else [*thing] if isinstance(thing, list | tuple) else []
    wrapped = [thing, getattr(thing, "lightning_module", None), *getattr(thing, "__dict__", {}).values(), *inner]
    if any(each is model or not parameters(each).isdisjoint(parameters(model)) for each in wrapped):
        return True
    named = dict(model.named_parameters()) if hasattr(model, "named_parameters") else {}
    changed = {name: each.data_ptr() for name, each in named.items() if id(each) in trained}
    # A copy, as of the best state, has the same names.
    names = {name for each in (thing, *inner) if isinstance(each, Mapping) for name in each}
    places = {each.data_ptr() for each in _tensors(thing)}
    return bool(changed) and (places.issuperset(changed.values()) or names.issuperset(changed))


def _load(place: Any, kind: str, options: Mapping[str, Any]) -> Load:
    revision, cache = options.get("revision"), options.get("cache_dir")
    if os.path.exists(place):  # noqa: PTH110
        return Load(Path(os.path.abspath(place)), kind)  # noqa: PTH100
    # transformers hands a revision on as a text that also knows its commit.
    revision = getattr(revision, "resolved", None) or revision
    return Load(str(place), kind, None if revision is None else str(revision), None if cache is None else str(cache))


def _is_in(inner: Path | str, outer: Path | str) -> bool:
    return isinstance(inner, Path) and outer in inner.parents


def _path(place: Any) -> Path | None:
    """The path of a file that is named or open."""
    name = place if isinstance(place, os.PathLike) else getattr(place, "name", place)
    return Path(os.path.abspath(name)) if isinstance(name, str | os.PathLike) else None  # noqa: PTH100


def _tensors(thing: Any) -> Iterable[Any]:
    """Tensors in a dict of weights or one level below, where checkpoints keep them; not those of an optimizer."""
    for value in thing.values() if isinstance(thing, Mapping) else ():
        inner = value.values() if isinstance(value, Mapping) else (value,)
        yield from (each for each in inner if hasattr(each, "data_ptr"))


def _is_model(thing: Any) -> bool:
    """Whether it is a model, holds one, or holds the weights of one."""
    known = ("state_dict", "get_params", "save_model", "save_checkpoint")
    return any(hasattr(thing, name) for name in known) or any(True for _ in _tensors(thing))


def parameters(model: Any) -> set[int]:
    """``id`` of the parameters of a torch module; none of anything else, or of one that fails when it is asked."""
    with contextlib.suppress(Exception):
        return {id(each) for each in model.parameters()} if hasattr(model, "named_parameters") else set()
    return set()
