"""What goes over the channel: pickled requests to the child, and from it a bounded header with raw arrays.

What the child writes is never unpickled: it is a mark, two lengths, JSON of at most ``HEADER`` bytes, and the bytes of
arrays of listed types, whose shapes must give exactly as many.
"""

from __future__ import annotations

import json
import math
import pickle
import struct
from collections.abc import Callable
from typing import Any

from govkit.lazy import np, torch

MARK, HEADER = b"GKA1", 1 << 20
_LENGTHS, _REQUEST = struct.Struct(">4sIQ"), struct.Struct(">Q")
SIZES = {
    "bool": 1, "uint8": 1, "int8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "int64": 8, "uint64": 8,
    "float16": 2, "bfloat16": 2, "float32": 4, "float64": 8,
}  # fmt: skip
"""Types of arrays and tensors -> bytes of a number."""

MOST_DIMENSIONS = 8

Piece = tuple[str, tuple[int, ...], Any]
"""Type, shape and bytes of an array or tensor."""


class Unreadable(ValueError):
    """What came is no answer."""


def request(what: dict[str, Any]) -> bytes:
    """A request as the child reads it."""
    body = pickle.dumps(what, protocol=5)
    return _REQUEST.pack(len(body)) + body


def read_request(read: Callable[[int], bytes]) -> dict[str, Any]:
    """A request of the parent, in the child."""
    (length,) = _REQUEST.unpack(read(_REQUEST.size))
    found: dict[str, Any] = pickle.loads(read(length))  # noqa: S301 -- from the parent, who is trusted here
    return found


def answer(header: dict[str, Any], pieces: dict[str, Piece]) -> list[Any]:
    """An answer of the child, as the parts that are written one after the other."""
    listed = {name: [kind, list(shape)] for name, (kind, shape, _) in pieces.items()}
    head = json.dumps({**header, "arrays": listed}).encode()
    bodies = [memoryview(body).cast("B") if len(body) else b"" for _, _, body in pieces.values()]
    return [_LENGTHS.pack(MARK, len(head), sum(map(len, bodies))), head, *bodies]


def read_answer(read: Callable[[int], bytearray], *, limit: int) -> tuple[dict[str, Any], dict[str, Piece]]:
    """An answer of the child, in the parent.

    Args:
        read: Gives exactly so many bytes.
        limit: Largest number of bytes of its arrays.

    Raises:
        Unreadable: It is none, or larger.
    """
    mark, head, body = _LENGTHS.unpack(bytes(read(_LENGTHS.size)))
    if mark != MARK or head > HEADER:
        raise Unreadable("what it wrote is no answer")
    if body > limit:
        raise Unreadable(f"the answer has {body:,} bytes; expected at most {limit:,}")
    try:
        header = json.loads(read(head))
        arrays = {str(name): (kind, _shape(shape)) for name, (kind, shape) in header.pop("arrays").items()}
        lengths = {name: SIZES[kind] * math.prod(shape) for name, (kind, shape) in arrays.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Unreadable("its header is no answer") from error
    if sum(lengths.values()) != body:
        raise Unreadable("its arrays have other sizes than it says")
    return header, {name: (*arrays[name], read(length)) for name, length in lengths.items()}


def _shape(shape: Any) -> tuple[int, ...]:
    if len(shape) > MOST_DIMENSIONS or not all(type(size) is int and 0 <= size < 1 << 48 for size in shape):
        raise ValueError("no shape")
    return tuple(shape)


def of_array(array: Any) -> Piece:
    """A numpy array as a piece.

    Raises:
        TypeError: It holds something else than numbers.
    """
    array = np.asarray(array, order="C")
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype.name not in SIZES:  # objects and long doubles may still be numbers
        try:
            array = np.asarray(array, dtype=np.float64, order="C")
        except (TypeError, ValueError) as error:
            raise TypeError(f"the answer is no array of numbers ({error})") from error
    return array.dtype.name, array.shape, array.reshape(-1).view(np.uint8)


def of_tensor(tensor: Any) -> Piece:
    """A tensor as a piece, without its graph."""
    flat = tensor.detach().cpu().contiguous()
    kind = str(flat.dtype).removeprefix("torch.")
    if kind not in SIZES:
        raise TypeError(f"a tensor of {kind} cannot be handed over")
    return kind, tuple(flat.shape), flat.reshape(-1).view(torch.uint8).numpy()


def to_array(piece: Piece) -> Any:
    """The numpy array of a piece, writable."""
    kind, shape, body = piece
    if kind == "bfloat16":
        return to_tensor(piece).float().numpy()
    return np.frombuffer(body, dtype=kind).reshape(shape)


def to_tensor(piece: Piece) -> Any:
    """The tensor of a piece, on the CPU."""
    kind, shape, body = piece
    if not len(body):
        return torch.empty(shape, dtype=getattr(torch, kind))
    return torch.frombuffer(body, dtype=getattr(torch, kind)).reshape(shape)
