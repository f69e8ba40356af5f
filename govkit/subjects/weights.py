"""The named tensors of a model, read from its files when they are asked for; nothing in them is ever run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from govkit.core.case import Array
from govkit.errors import GovkitError, SubjectError
from govkit.lazy import torch
from govkit.manifest import weight_files
from govkit.manifest.opening import WEIGHTS
from govkit.subjects.boundary import Boundary
from govkit.subjects.tensors import tensors

PICKLED = (".bin", ".pt", ".pth", ".ckpt")
NO_WEIGHTS = ("training_args", "optimizer", "scheduler", "rng_state", "scaler")
"""Beginnings of names of files that a trainer leaves beside the weights."""

SCALES = {"{}.weight_scale": 1, "{}.scale": 1, "{}.SCB": 127}
"""Name of the scale beside ``NAME.weight`` in 8-bit integers, and what it is divided by."""

WHOLE = ("I8", "U8", "I16", "I32", "int8", "uint8", "int16", "int32")
NEVER = ("I64", "U64", "BOOL", "int64", "uint64", "bool")
"""Types that no weight has: counters, positions, masks."""


class _Tensor(NamedTuple):
    """A stored tensor; ``source`` is itself, or a slice of a file."""

    shape: tuple[int, ...]
    dtype: str
    source: Any


class Weights:
    """Tensors of a folder or a single file.

    Args:
        path: A folder with safetensors (sharded or not) or PyTorch files, or one such file.

    Attributes:
        adapter: What the configuration of an adapter that stands alone says, or None for a whole model.
        shapes: Name -> shape of every tensor that can be read as numbers.
        packed: Shapes of tensors in packed formats, whose numbers are not known here.

    Raises:
        SubjectError: There are no weights, or they cannot be read without running code from them.
    """

    def __init__(self, path: Path) -> None:
        config = path / "adapter_config.json"
        alone = config.is_file() and not any((path / name).exists() for pair in WEIGHTS.items() for name in pair)
        with Boundary(f"{path}: weights cannot be read"):
            self.adapter = dict(json.loads(config.read_bytes())) if alone else None
            self._stored = {name: tensor for file in _files(path) for name, tensor in _opened(file)}
        scales = {name: self._scale(name) for name, held in self._stored.items() if held.dtype in WHOLE}
        self._scales = {name: scale for name, scale in scales.items() if scale is not None}
        self.packed = [self._stored[name].shape for name, scale in scales.items() if scale is None]
        left_out = {scale for scale, _ in self._scales.values()} | (scales.keys() - self._scales.keys())
        self.shapes = {
            name: held.shape for name, held in self._stored.items() if name not in left_out and held.dtype not in NEVER
        }

    def read(self, name: str, rows: slice = slice(None), *, axis: int = 0) -> Array:
        """A tensor as float32, or some of its rows; with ``axis=1`` some of the columns of a matrix, as rows."""
        source = self._stored[name].source
        taken = (source[rows] if axis == 0 else source[:, rows].T).to(torch.float32)
        if name in self._scales:
            scale, divisor = self._scales[name]
            factor = self._stored[scale].source[:].to(torch.float32).reshape(-1) / divisor
            factor = factor[rows] if axis == 0 and len(factor) > 1 else factor
            taken = taken * factor.reshape((1, -1) if axis else (-1, *[1] * (taken.ndim - 1)))
        return taken.numpy()

    def _scale(self, name: str) -> tuple[str, int] | None:
        """The scale stored beside whole numbers: one for all or one a row, and no zero point."""
        stem = name.removesuffix(".weight")
        rows = self._stored[name].shape[0]
        if f"{stem}.weight_zero_point" not in self._stored and f"{stem}.zero_point" not in self._stored:
            for form, divisor in SCALES.items():
                held = self._stored.get(form.format(stem))
                if held is not None and held.shape in ((1,), (rows,), (rows, 1)):
                    return form.format(stem), divisor
        return None


def _files(path: Path) -> list[Path]:
    """The files that hold the weights: those that transformers loads, or all of one format."""
    try:
        named = weight_files(path) if path.is_dir() else ()
    except GovkitError as error:
        raise SubjectError(f"{path}: weights cannot be read: {error}") from None
    if named:
        return [path / name for name in named]
    held = sorted(file for file in (path.iterdir() if path.is_dir() else [path]) if file.is_file())
    safe = [file for file in held if file.suffix == ".safetensors"]
    pickled = [file for file in held if file.suffix in PICKLED and not file.name.startswith(NO_WEIGHTS)]
    chosen = safe or pickled
    if not chosen:
        raise SubjectError(
            f"{path} holds no weights; expected safetensors or {', '.join(PICKLED)} in the folder itself"
        )
    return chosen


def _opened(file: Path) -> Iterator[tuple[str, _Tensor]]:
    """Every tensor of a file; the numbers of safetensors are not read yet."""
    if file.suffix != ".safetensors":
        yield from _flat("", _unpickled(file))
        return
    from safetensors import safe_open

    tensors(file)
    handle = safe_open(str(file), framework="pt")
    for name in handle.keys():  # noqa: SIM118 — the handle is no mapping
        part = handle.get_slice(name)
        shape = tuple(part.get_shape())
        yield name, _Tensor(shape or (1,), part.get_dtype(), part if shape else handle.get_tensor(name)[None])


def _unpickled(file: Path) -> Any:
    """Tensors of a PyTorch file; only tensors and plain containers are ever made from it."""
    import pickle

    try:
        with file.open("rb") as stream:  # only archives can be mapped; older files are read whole
            found = torch.load(file, map_location="cpu", weights_only=True, mmap=stream.read(2) == b"PK")
    except pickle.UnpicklingError:
        why = "it holds more than tensors, and nothing in it is run"
        raise SubjectError(f"{file}: refused, {why}; save the tensors as safetensors") from None
    return next((found[key] for key in ("state_dict", "model_state_dict", "model") if key in found), found)


def _flat(prefix: str, found: Any) -> Iterator[tuple[str, _Tensor]]:
    if isinstance(found, torch.Tensor):
        plain = found.detach() if found.ndim else found.detach()[None]
        yield prefix, _Tensor(tuple(plain.shape), str(plain.dtype).removeprefix("torch."), plain)
    elif isinstance(found, Mapping):
        for key, value in found.items():
            yield from _flat(f"{prefix}.{key}" if prefix else str(key), value)
