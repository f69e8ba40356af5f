"""Ask a torch model without leaving a trace: modes, gradients and random state are afterwards what they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from govkit.core.words import CLASSES, Task
from govkit.lazy import torch

_ASKED: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
"""How often each model was asked."""


@contextmanager
def asked(model: Any) -> Iterator[None]:
    """Every module in eval mode and every parameter frozen; afterwards each is as it was, one by one.

    A partly frozen model in training has some modules in train and some in eval mode, so one flag for the whole
    cannot be restored. The random state of torch on the CPU is restored too. Inside it is another one at each call, the
    same in each audit: from one and the same state a model that answers by lot would draw alike each time, and look as
    if it did not.
    """
    modes = [(module, module.training) for module in model.modules()]
    frozen = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    _ASKED[model] = _ASKED.get(model, 0) + 1
    with torch.random.fork_rng(devices=[]):
        # Not ``torch.manual_seed``: that seeds accelerators too, whose state is not restored.
        torch.default_generator.manual_seed(_ASKED[model])
        try:
            model.eval()
            for parameter, _ in frozen:
                parameter.requires_grad = False
            yield
        finally:
            for module, mode in modes:
                module.training = mode
            for parameter, wanted in frozen:
                parameter.requires_grad = wanted


def tensor_of(output: Any) -> Any:
    """The logits in what a forward returned: a tensor, a tuple that begins with one, a dict or a ModelOutput.

    Raises:
        TypeError: There is no tensor to be found.
    """
    if isinstance(output, torch.Tensor):
        return output
    if hasattr(output, "logits"):
        return tensor_of(output.logits)
    if isinstance(output, dict):
        if "logits" in output:
            return tensor_of(output["logits"])
        if len(output) == 1:
            return tensor_of(next(iter(output.values())))
        raise TypeError(f"the forward returned a dict with {', '.join(map(str, output))}; expected a key logits")
    if isinstance(output, tuple | list) and output:
        return tensor_of(output[0])
    raise TypeError(f"the forward returned {type(output).__name__}; expected logits (n, k)")


def two_columns(logits: Any) -> Any:
    """Logits ``(n, k)``; one column is the logit of the second of two classes, as a sigmoid head gives it."""
    if logits.ndim == 1:
        logits = logits[:, None]
    if logits.ndim == 2 and logits.shape[1] == 1:
        return torch.cat([torch.zeros_like(logits), logits], dim=1)
    return logits


def columns_of(logits: Any, task: Task) -> Any:
    """Logits as a task reads them ``(n, k)``: of classes two columns at least, else those there are."""
    if task in CLASSES:
        return two_columns(logits)
    return logits[:, None] if logits.ndim == 1 else logits


def softmax(logits: Any) -> Any:
    """Probabilities as a numpy array float64 ``(n, k)``."""
    return logits.detach().double().softmax(dim=1).cpu().numpy()


def answers_of(logits: Any, task: Task) -> Any:
    """Answers as a numpy array float64 ``(n, k)``: probabilities of labels or classes, or numbers."""
    if task == "multilabel":
        logits = logits.double().sigmoid()
    return logits.detach().double().cpu().numpy() if task in ("multilabel", "regression") else softmax(logits)
