"""A subject in Python code: a function, a torch module, a fitted scikit-learn model, or a ``Subject``."""

from __future__ import annotations

import importlib
import importlib.machinery
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from govkit.core.case import Array, Differentiable, Passes, Subject
from govkit.core.words import CLASSES, Access, Modality, Task
from govkit.engine import batches
from govkit.errors import SubjectError
from govkit.lazy import np, torch
from govkit.subjects.boundary import Boundary, source_digest
from govkit.subjects.states import answers_of, asked, columns_of, tensor_of

BATCH = 256


def python_subject(
    name: str,
    *,
    paths: Sequence[Path],
    modality: Modality,
    classes: Sequence[str],
    passes: Passes,
    task: Task = "multiclass",
    input_range: tuple[float, float] | None = None,
) -> Subject:
    """Import ``pkg.mod:NAME`` and make it a subject.

    Args:
        name: A function ``inputs -> (n, k)``, a ``torch.nn.Module`` or a class of one without arguments, an object
            with ``predict_proba`` (of a regression ``predict``), or a ``Subject``. Its digest is that of the module's
            file.
        paths: Folders in which modules are found first.
        modality: What the inputs are, where the object does not say.
        classes: Names of the classes, where the object has no ``classes``.
        passes: Counter; every row that goes forward is added.
        task: What the answers are, and how what a torch module returns is read: logits of classes, logits of labels
            each on its own, or a number.
        input_range: Smallest and largest value of a continuous input.

    Raises:
        SubjectError: The code fails when it is imported, or NAME is none of these.
    """
    thing, file = imported(name, paths)
    return subject_of(thing, Origin(name, file, tuple(paths), modality, tuple(classes), passes, input_range, task))


def subject_of(thing: Any, origin: Origin) -> Subject:
    """A subject of what a user's module holds; see ``python_subject``."""
    if is_module(thing):
        return TorchSubject(thing, origin)
    if isinstance(thing, Subject):
        return OpenObject(thing, origin) if isinstance(thing, Differentiable) else ObjectSubject(thing, origin)
    function = getattr(thing, "predict" if origin.task == "regression" else "predict_proba", thing)
    if callable(function):
        return FunctionSubject(function, thing, origin)
    raise SubjectError(
        f"{origin.name} is a {type(thing).__name__}; expected a function, a torch.nn.Module, a fitted scikit-learn "
        "model or an object with digest, access, modality, classes, path and predict"
    )


@dataclass(frozen=True)
class Origin:
    """Where Python code came from and what the audit file says about it; see ``python_subject``."""

    name: str
    file: Path
    paths: tuple[Path, ...]
    modality: Modality
    classes: tuple[str, ...]
    passes: Passes
    input_range: tuple[float, float] | None
    task: Task = "multiclass"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the code with its folders on the path; whatever it raises becomes a ``SubjectError``."""
        with Boundary(self.name), importing(self.paths):
            yield

    def classes_of(self, thing: Any) -> tuple[str, ...]:
        """The classes that the object names (``classes``, or ``classes_`` of scikit-learn), else the declared ones.

        ``classes_`` of several labels holds numbers of columns and no names.
        """
        own = getattr(thing, "classes", None)
        own = getattr(thing, "classes_", None) if own is None and self.task in CLASSES else own
        return self.classes if own is None else tuple(map(_class_name, own))


def _listed(inputs: Any) -> Any:
    """Texts as the list that a user's code expects, also where they are lazy."""
    return list(inputs) if isinstance(inputs, Sequence) else inputs


class FunctionSubject:
    """A function ``inputs -> (n, k)`` probabilities, or ``predict_proba`` of a fitted scikit-learn model."""

    access: Access = "predict"

    def __init__(self, function: Callable[[Any], Any], thing: Any, origin: Origin) -> None:
        self.function = function
        self.origin = origin
        self.digest = source_digest(origin.file, strict=False)
        self.modality = origin.modality
        self.input_range = origin.input_range
        self.classes = origin.classes_of(thing)
        self.path: Path | None = origin.file

    def predict(self, inputs: Any) -> Array:
        """What the function answers, as an array; ``Answers`` checks that it is probabilities."""
        with self.origin.running():
            answer = _array(self.function(_listed(inputs)))
        self.origin.passes.forward += len(inputs)
        return answer


class TorchSubject:
    """A ``torch.nn.Module`` whose forward takes a float batch and returns logits or a number; its gradients are open.

    Images come as ``(n, c, h, w)``, tables as ``(n, columns)``. Of two classes a single output is the logit of the
    second. The module is asked in eval mode; its modes, its parameters' flags and the random state stay.
    """

    access: Access = "weights"
    holds = "module"
    """Attribute with the torch module, see ``modules.module_of``."""

    def __init__(self, module: Any, origin: Origin) -> None:
        self.module = module
        self.origin = origin
        self.input_range = origin.input_range
        self.digest = source_digest(origin.file, strict=False)
        self.modality = origin.modality
        self.classes = origin.classes_of(module)
        self.path: Path | None = origin.file

    def predict(self, inputs: Any) -> Array:
        """Answers float64 ``(n, k)``: the softmax of the logits, of labels the sigmoid, of a regression the number."""
        x = float_tensor(inputs, self.origin.name)
        with torch.no_grad():
            parts = [answers_of(self.logits({"x": x[part]}), self.origin.task) for part in batches(len(x), BATCH)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.classes)))

    def encode(self, inputs: Any) -> dict[str, Any]:
        """One batch, ``{"x": float32 tensor (n, ...)}``.

        Raises:
            SubjectError: A value lies outside the declared input range: an attack would be measured against it.
        """
        return {"x": within(float_tensor(inputs, self.origin.name), self.input_range, self.origin.name)}

    def logits(self, batch: Mapping[str, Any]) -> Any:
        """Logits ``(n, k)``, differentiable in ``batch["x"]``."""
        with Boundary(self.origin.name), asked(self.module):
            logits = self.logits_with(self.module, batch)
        self.origin.passes.forward += len(batch["x"])
        return logits

    def logits_with(self, module: Any, batch: Mapping[str, Any]) -> Any:
        """The same with a module in place of its own, in the modes that it is in; not counted."""
        with self.origin.running():
            return columns_of(tensor_of(module(like_weights(batch["x"], module))), self.origin.task)


class ObjectSubject:
    """An object that is a ``Subject`` already; its rows are counted."""

    def __init__(self, thing: Subject, origin: Origin) -> None:
        self.thing: Any = thing
        self.origin = origin
        self.digest, self.path = thing.digest, thing.path
        self.access: Access = thing.access
        self.modality = thing.modality
        own = getattr(thing, "input_range", None)
        self.input_range: tuple[float, float] | None = origin.input_range if own is None else own
        self.classes = origin.classes_of(thing) if len(thing.classes) else origin.classes

    def predict(self, inputs: Any) -> Array:
        """What the object answers."""
        with self.origin.running():
            answer = _array(self.thing.predict(_listed(inputs)))
        self.origin.passes.forward += len(inputs)
        return answer


class OpenObject(ObjectSubject):
    """An object that is a ``Differentiable`` already; its rows are counted."""

    def encode(self, inputs: Any) -> dict[str, Any]:
        """The object's own batch."""
        with self.origin.running():
            batch: dict[str, Any] = self.thing.encode(inputs)
        return batch

    def logits(self, batch: Mapping[str, Any]) -> Any:
        """The object's own logits ``(n, k)``."""
        with self.origin.running():
            logits = self.thing.logits(batch)
        self.origin.passes.forward += len(batch["x"])
        return logits


def _class_name(value: Any) -> str:
    """A class as the labels of a data set are written: 1 and 1.0 are ``"1"``, truths ``"true"`` and ``"false"``."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


@contextmanager
def importing(paths: Sequence[Path]) -> Iterator[None]:
    """Find modules in ``paths`` first, and leave ``sys.path`` as it was."""
    added = [str(path.resolve()) for path in paths]
    sys.path[:0] = added
    # Compiled code beside the source would change the digest of the folder that is being audited.
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes
        for path in added:
            sys.path.remove(path)


def imported(name: str, paths: Sequence[Path]) -> tuple[Any, Path]:
    """The object that ``pkg.mod:NAME`` names (a class already made an instance), and the file of its module.

    Raises:
        SubjectError: The code fails when it is imported, or holds no such name.
    """
    module_name, colon, attribute = name.partition(":")
    if not colon or not all(part.isidentifier() for part in (*module_name.split("."), attribute)):
        raise SubjectError(f"python: {name!r} is not understood; expected pkg.mod:NAME")
    with Boundary(name), importing(paths):
        _forget_namesake(module_name, paths)
        importlib.invalidate_caches()
        module = importlib.import_module(module_name)
        if not hasattr(module, attribute):
            raise SubjectError(f"{name}: module {module_name} has no {attribute!r}; found {_public(module)}")
        thing = getattr(module, attribute)
        thing = thing() if inspect.isclass(thing) else thing
    file = getattr(module, "__file__", None)
    if file is None:
        raise SubjectError(f"{name}: module {module_name} has no file, so the model cannot be identified")
    return thing, Path(file).resolve()


def _public(module: Any) -> str:
    return ", ".join(name for name in vars(module) if not name.startswith("_")) or "nothing"


def _forget_namesake(module_name: str, paths: Sequence[Path]) -> None:
    """Drop a module of the same name that an earlier audit imported from another folder."""
    top = module_name.split(".")[0]
    here = importlib.machinery.PathFinder.find_spec(top, [str(path.resolve()) for path in paths])
    loaded = {key: module for key, module in sys.modules.items() if key == top or key.startswith(f"{top}.")}
    if here is None or not loaded:
        return
    # A package without __init__.py has no file: it is known by those of its modules.
    places = list(map(Path, here.submodule_search_locations or ()))
    files = [getattr(module, "__file__", None) for module in loaded.values()]
    if here.origin is None:
        same = all(any(Path(file).is_relative_to(place) for place in places) for file in files if file)
    else:
        same = here.origin == getattr(loaded.get(top), "__file__", None)
    for key in () if same else loaded:
        del sys.modules[key]


def is_module(thing: Any) -> bool:
    """Whether it is a ``torch.nn.Module``, without loading torch to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(thing, torch.nn.Module)


def float_tensor(inputs: Any, name: str) -> Any:
    """Images or the columns of a frame as a float32 tensor ``(n, ...)``.

    Raises:
        SubjectError: A column holds no numbers, or the inputs are texts.
    """
    if hasattr(inputs, "columns"):
        for column, kind in inputs.dtypes.items():
            if kind.kind not in "biuf":
                raise SubjectError(f"{name} reads numbers; column {column!r} holds {kind}; encode it as numbers")
        inputs = inputs.to_numpy(dtype=np.float32)
    if not isinstance(inputs, np.ndarray):
        raise SubjectError(f"{name} is a torch module and reads numbers; found {type(inputs).__name__}")
    return torch.from_numpy(np.array(inputs, dtype=np.float32))


def within(x: Any, input_range: tuple[float, float] | None, name: str) -> Any:
    """The tensor ``x`` itself, whose values lie in the declared range, if there is one.

    Raises:
        SubjectError: A value lies outside of it.
    """
    if input_range is not None and x.numel():
        low, high = input_range
        least, most = float(x.min()), float(x.max())
        if not (least >= low and most <= high):
            raise SubjectError(
                f"{name}: inputs lie in [{least:g}, {most:g}], subject.input_range says [{low:g}, {high:g}]; "
                "normalize inside the module and declare the range of its input"
            )
    return x


def like_weights(x: Any, module: Any) -> Any:
    """The batch in the type and on the device of the module's first weight."""
    for weight in module.parameters():
        if weight.is_meta:
            raise SubjectError(f"the weights of {type(module).__name__} hold no data (device meta); load them first")
        if weight.is_floating_point():
            return x.to(dtype=weight.dtype, device=weight.device)
    return x


def _array(answer: Any) -> Array:
    return answer.detach().cpu().numpy() if hasattr(answer, "detach") else np.asarray(answer)
