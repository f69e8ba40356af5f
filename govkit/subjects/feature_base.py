"""A base in Python code: a torch module whose outputs are features of images or of the columns of a table."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from govkit.core.case import Array, Passes
from govkit.core.words import Modality
from govkit.engine import batches
from govkit.errors import SubjectError
from govkit.lazy import np, torch
from govkit.subjects.apart import Child, Fence
from govkit.subjects.apart.remote import Weights, differentiable, file_of
from govkit.subjects.base import Features
from govkit.subjects.boundary import source_digest
from govkit.subjects.python import BATCH, Origin, float_tensor, imported, is_module, like_weights, within
from govkit.subjects.states import asked, tensor_of


class FeatureBase(Features):
    """A ``torch.nn.Module`` whose forward takes a float batch and returns features ``(n, d)``, or ``(n, ...)``.

    Images come as ``(n, c, h, w)``, tables as ``(n, columns)``. The module is asked in eval mode; its modes, its
    parameters' flags and the random state stay.

    Args:
        name: ``pkg.mod:NAME`` of the module, or of a class of one without arguments.
        paths: Folders in which modules are found first.
        modality: What the inputs are.
        passes: Counter; every row that goes forward is added.
        input_range: Smallest and largest value of an input.
        artifact: Folder or file that identifies it; the file of the Python module if not given.
        fence: What is kept from its code, which then runs in a process of its own; without it, it runs in this one.

    Raises:
        SubjectError: The code fails when it is imported, or NAME is no such module.
    """

    def __init__(
        self,
        name: str,
        *,
        paths: Sequence[Path],
        modality: Modality,
        passes: Passes,
        input_range: tuple[float, float] | None = None,
        artifact: Path | None = None,
        fence: Fence | None = None,
    ) -> None:
        super().__init__()
        self.child = None if fence is None else Child(name, kind="features", paths=paths, fence=fence)
        if self.child is None:
            thing, file = imported(name, paths)
            kind, torch_module = type(thing).__name__, is_module(thing)
        else:
            thing, file = Weights(self.child), file_of(self.child)
            kind, torch_module = str(self.child.facts.get("type")), self.child.facts.get("module") is True
        if not torch_module:
            raise SubjectError(
                f"{name} is a {kind}; a base under a probe must be a torch.nn.Module whose outputs are features (n, d)"
            )
        self.path = file if artifact is None else artifact
        self.digest = source_digest(self.path, strict=False)
        self.model, self.modality, self.passes, self.input_range = thing, modality, passes, input_range
        self.origin = Origin(name, file, tuple(paths), modality, (), passes, input_range)

    def reads(self, inputs: Any) -> bool:
        """Arrays and frames."""
        return hasattr(inputs, "dtypes") or hasattr(inputs, "dtype")

    def encode(self, inputs: Any) -> dict[str, Any]:
        """One batch, ``{"x": float32 tensor (n, ...)}``.

        Raises:
            SubjectError: A value lies outside the declared input range.
        """
        return {"x": within(float_tensor(inputs, self.origin.name), self.input_range, self.origin.name)}

    def features(self, batch: Mapping[str, Any]) -> Any:
        """The module's output with its further dimensions made one, a tensor ``(n, d)``.

        Raises:
            SubjectError: The output is not one finite row a row of input.
        """
        x, name = batch["x"], self.origin.name
        if self.child is not None:
            found = differentiable(self.child, {"x": x})
        else:
            with self.origin.running(), asked(self.model):
                found = tensor_of(self.model(like_weights(x, self.model)))
        self.passes.forward += len(x)
        if found.ndim < 2 or len(found) != len(x) or not found.is_floating_point() or 0 in found.shape[1:]:
            raise SubjectError(
                f"{name}: the features of {len(x)} rows have shape {tuple(found.shape)} ({found.dtype}); expected "
                f"floats ({len(x)}, d) with d of at least 1"
            )
        if not bool(found.isfinite().all()):
            raise SubjectError(f"{name}: some features are NaN or infinite; a probe needs finite ones")
        return found.flatten(1)

    def _key(self, inputs: Any) -> bytes:
        """Digest of the values as they are asked about, and of their shape."""
        x = float_tensor(inputs, self.origin.name).numpy()
        return hashlib.sha256(repr(x.shape).encode() + x.tobytes()).digest()

    def _embed(self, inputs: Any) -> Array:
        x = float_tensor(inputs, self.origin.name)
        with torch.no_grad():
            # Without rows the module is asked all the same: only it knows how many features there are.
            parts = [self.features({"x": x[part]}) for part in batches(len(x), BATCH)] or [self.features({"x": x})]
        return np.concatenate([part.float().cpu().numpy() for part in parts])
