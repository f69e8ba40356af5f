"""The torch module inside a subject: run it, put another in its place, mix its weights with those of its base."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from govkit.core.case import Differentiable, Subject
from govkit.errors import SubjectError
from govkit.lazy import torch
from govkit.subjects.ancestry import by_name
from govkit.subjects.base import FrozenBase
from govkit.subjects.boundary import Boundary
from govkit.subjects.python import TorchSubject
from govkit.subjects.text import OpenTextModel
from govkit.subjects.weights import Weights

SAME = 0.9
"""Share of the base's numbers that the candidate must hold in tensors of the same name and shape."""

Open = TypeVar("Open", bound=Subject)
Forward = Callable[[Any, Mapping[str, Any]], Any]


def module_of(subject: Any) -> Any | None:
    """The torch module of a subject, or None for one that only answers."""
    held = getattr(subject, "holds", None)
    return None if held is None else getattr(subject, held)


def with_module(subject: Open, module: Any) -> Open:
    """The same subject with another module in it: asked the same way, by the same counter."""
    other: Any = copy.copy(subject)
    setattr(other, other.holds, module)
    made: Open = other
    return made


def copied(module: Any, name: str) -> Any:
    """A module of its own, weights and all.

    Raises:
        SubjectError: It holds something that cannot be copied.
    """
    with Boundary(f"{name}: the module cannot be copied"):
        return copy.deepcopy(module)


def forward_of(subject: Subject) -> Forward:
    """``(module, batch) -> logits (n, k)`` for what the subject encodes; modes and gradients are the caller's.

    Raises:
        SubjectError: The subject has no gradients.
    """
    if isinstance(subject, TorchSubject | OpenTextModel):
        return subject.logits_with
    raise SubjectError("the gradients of this model are closed; expected a torch module or a text classifier")


def logits_of(subject: Any, inputs: Any) -> Any:
    """Logits of some inputs, a tensor ``(n, k)``, or what stands for them where the gradients of a text are closed."""
    if isinstance(subject, Differentiable):
        return subject.logits(subject.encode(inputs))
    return torch.as_tensor(subject.predict(inputs)).clamp_min(1e-30).log()


def base_tensors(base: Any) -> dict[str, Any] | None:
    """Tensors by name of the base of a case, or None where its weights are not at hand.

    Of a folder without its pooler those weights were drawn when it was opened; they are left out.
    """
    frozen = getattr(base, "base", base)
    module = module_of(frozen)
    module = getattr(frozen, "model", None) if module is None else module
    if module is None or not hasattr(module, "state_dict"):
        return None
    tensors: dict[str, Any] = dict(module.state_dict())
    if isinstance(frozen, FrozenBase):
        stored = by_name(tensors, Weights(frozen.path).shapes)
        return {name: tensor for name, tensor in tensors.items() if name in stored}
    return tensors


@dataclass(frozen=True)
class Mixed:
    """A module whose weights lie between those of the candidate and of its base.

    Attributes:
        module: A copy of the candidate with the mixed weights.
        mixed: Names of the candidate's tensors that have a counterpart in the base.
        kept: Names of those that have none, the head among them: they stay as they were tuned.
        share: Share of the candidate's numbers that were mixed.
    """

    module: Any
    mixed: tuple[str, ...]
    kept: tuple[str, ...]
    share: float


def interpolated(module: Any, base: Mapping[str, Any], weight: float, *, name: str = "candidate") -> Mixed:
    """Weights ``(1 - weight) * tuned + weight * base`` (WiSE-FT, Wortsman et al. 2021).

    Tensors are matched by name and shape, floating point only; names may begin differently, as those of a model with a
    head and without do. Running statistics of batch normalization are mixed too.

    Args:
        module: The tuned module, which stays as it is.
        base: Tensors of the base by name.
        weight: Weight of the base, in [0, 1].
        name: Begins a message.

    Raises:
        SubjectError: The base is of another architecture, see ``unmixable``.
    """
    why = unmixable(module, base)
    if why is not None:
        raise SubjectError(f"{why}; weights can only be mixed with those of the model that it was tuned from")
    made = copied(module, name)
    tuned, pairs = _floating(made.state_dict()), _pairs(made.state_dict(), base)
    # Tied weights are one tensor under two names, and are mixed once.
    once = {tuned[key].data_ptr(): (tuned[key], base[other]) for key, other in pairs.items()}
    with torch.no_grad():
        for mine, theirs in once.values():
            mine.lerp_(theirs.to(mine), weight)
    size, whole = (sum(tuned[key].numel() for key in keys) for keys in (pairs, tuned))
    return Mixed(made, tuple(pairs), tuple(key for key in tuned if key not in pairs), size / whole)


def unmixable(module: Any, base: Mapping[str, Any]) -> str | None:
    """Why a module cannot be mixed with a base: less than 90 % of its numbers have a counterpart; None if it can."""
    theirs = _floating(base)
    size = sum(theirs[other].numel() for other in _pairs(module.state_dict(), base).values())
    whole = sum(tensor.numel() for tensor in theirs.values())
    if size and size >= SAME * whole:
        return None
    return (
        f"the base is of another architecture: {size:,} of its {whole:,} weights have a counterpart of the same name "
        "and shape in the candidate"
    )


def _floating(tensors: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tensor for key, tensor in tensors.items() if tensor.is_floating_point()}


def _pairs(tuned: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, str]:
    """Names of floating-point tensors of the candidate, and of those of the base that have the same shape."""
    mine, theirs = _floating(tuned), _floating(base)
    return {key: other for key, other in by_name(mine, theirs).items() if mine[key].shape == theirs[other].shape}
