"""Headers of safetensors: those of the library are read alike, hostile ones are refused with little work."""

from __future__ import annotations

import json
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings, strategies as st
from safetensors import safe_open
from safetensors.torch import save_file

from govkit.errors import SubjectError
from govkit.subjects.tensors import LARGEST_HEADER, tensors
from govkit.subjects.weights import Weights


def write(path: Path, header: Any, body: bytes = b"", *, length: int | None = None) -> Path:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(raw) if length is None else length) + raw + body)
    return path


def f32(*shape: int, at: tuple[int, int]) -> dict[str, Any]:
    return {"dtype": "F32", "shape": list(shape), "data_offsets": list(at)}


def test_what_the_library_writes_is_read_alike(tmp_path: Path) -> None:
    kinds = [torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int8, torch.int64, torch.bool]
    state = {f"t{at}": torch.zeros(at, 3).to(kind) for at, kind in enumerate(kinds)}
    state |= {"scalar": torch.tensor(1.0), "eighth": torch.zeros(5, dtype=torch.float8_e4m3fn)}
    save_file(state, tmp_path / "a.safetensors", metadata={"format": "pt"})
    assert set(tensors(tmp_path / "a.safetensors")) == set(state)


HOSTILE: dict[str, tuple[Any, bytes, int | None]] = {
    "longer than the file": ({}, b"", 1 << 20),
    "longer than all memory": ({}, b"", (1 << 64) - 1),
    "no length": (b"", b"", 0),
    "no JSON": (b"{" * 64, b"", None),
    "deep": (b"[" * 100_000, b"", None),
    "a number of a million digits": (b'{"a": ' + b"1" * 1_000_000 + b"}", b"", None),
    "no object": ([], b"", None),
    "a tensor twice": (
        b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
        b"\0" * 8, None,
    ),
    "shared bytes": ({"a": f32(2, at=(0, 8)), "b": f32(1, at=(4, 8))}, b"\0" * 8, None),
    "a hole": ({"a": f32(1, at=(0, 4)), "b": f32(1, at=(8, 12))}, b"\0" * 12, None),
    "bytes before": ({"a": f32(1, at=(4, 8))}, b"\0" * 8, None),
    "bytes behind": ({"a": f32(1, at=(0, 4))}, b"\0" * 8, None),
    "cut": ({"a": f32(2, at=(0, 8))}, b"\0" * 4, None),
    "backwards": ({"a": f32(0, at=(4, 0))}, b"\0" * 4, None),
    "another shape": ({"a": f32(3, at=(0, 8))}, b"\0" * 8, None),
    "a shape of huge numbers": ({"a": f32(*[1 << 62] * 60, at=(0, 8))}, b"\0" * 8, None),
    "a shape of many numbers": ({"a": f32(*[(1 << 62)] * 200_000, at=(0, 8))}, b"\0" * 8, None),
    "negative": ({"a": f32(-1, -1, at=(0, 4))}, b"\0" * 4, None),
    "no whole numbers": ({"a": {**f32(1, at=(0, 4)), "shape": [1.0]}}, b"\0" * 4, None),
    "truths": ({"a": {**f32(1, at=(0, 4)), "shape": [True]}}, b"\0" * 4, None),
    "an unknown type": ({"a": {**f32(1, at=(0, 4)), "dtype": "X32"}}, b"\0" * 4, None),
    "more said": ({"a": {**f32(1, at=(0, 4)), "file": "/x"}}, b"\0" * 4, None),
}  # fmt: skip


@pytest.mark.parametrize("which", HOSTILE)
def test_a_hostile_header_is_refused(tmp_path: Path, which: str) -> None:
    header, body, length = HOSTILE[which]
    file = write(tmp_path / "model.safetensors", header, body, length=length)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"model\.safetensors is no safetensors file"):
            tensors(file)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    with pytest.raises(SubjectError, match="cannot be read"):
        Weights(tmp_path)


def test_a_header_of_gigabytes_is_not_read(tmp_path: Path) -> None:
    file = write(tmp_path / "model.safetensors", b"{", length=LARGEST_HEADER + 1)
    with file.open("r+b") as stream:
        stream.truncate(1 << 33)  # a hole of the file system, no bytes
    with pytest.raises(ValueError, match="its header is said to have 16,777,217 bytes"):
        tensors(file)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=3), st.integers(0, 24))
def test_what_passes_is_what_the_library_opens(
    tmp_path_factory: pytest.TempPathFactory, places: list[tuple[int, int]], size: int
) -> None:
    """Never the other way round: a file that passes here is one that safetensors takes, with the same names."""
    path = tmp_path_factory.mktemp("s") / "a.safetensors"
    header = {f"t{at}": f32(rows, at=(4 * start, 4 * (start + rows))) for at, (start, rows) in enumerate(places)}
    write(path, header, b"\0" * size)
    try:
        names = tensors(path)
    except ValueError:
        return
    with safe_open(str(path), framework="pt") as opened:
        assert set(opened.keys()) == set(names)
