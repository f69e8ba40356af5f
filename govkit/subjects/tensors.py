"""The header of a safetensors file, read by ourselves before any library does.

A file says what it holds in JSON at its beginning. Readers differ in what they make of a name that stands twice, or of
tensors that share bytes; here such a file is refused, after a header of bounded size was read and nothing else.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from govkit.errors import GovkitError
from govkit.manifest.opening import parsed

LARGEST_HEADER = 1 << 24
"""Bytes of a header: room for some hundred thousand tensors."""

BITS = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E5M2FNUZ", "F8_E4M3FNUZ"), 8),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16), **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 64), "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip
"""Bits of a number by the name of its type."""

_SAID = {"dtype", "shape", "data_offsets"}


def tensors(file: Path) -> tuple[str, ...]:
    """Names of the tensors of a safetensors file, in the order of their bytes.

    Raises:
        ValueError: It is none: the header is longer than the file or than ``LARGEST_HEADER``, is no JSON, holds a key
            twice, or its tensors do not fill the rest of the file one after the other.
    """
    try:
        with file.open("rb") as stream:
            whole = os.fstat(stream.fileno()).st_size
            length = int.from_bytes(stream.read(8), "little")
            if whole < 8 or not 2 <= length <= min(LARGEST_HEADER, whole - 8):
                raise _bad(file, f"its header is said to have {length:,} bytes")
            header = parsed(file.name, stream.read(length))
    except GovkitError as error:
        raise ValueError(f"{file.name} is no safetensors file: {error}") from None
    if not isinstance(header, dict):
        raise _bad(file, "its header is no object")
    held = [_place(file, name, said) for name, said in header.items() if name != "__metadata__"]
    end = 0
    for start, stop, name in sorted(held):
        if start != end:
            raise _bad(file, f"the bytes of {name[:80]!a} begin at {start:,}, those before end at {end:,}")
        end = stop
    if end != whole - 8 - length:
        raise _bad(file, f"its tensors have {end:,} bytes, the file holds {whole - 8 - length:,}")
    return tuple(name for _, _, name in sorted(held))


def _place(file: Path, name: str, said: Any) -> tuple[int, int, str]:
    said = said if isinstance(said, Mapping) else {}
    shape, offsets, bits = said.get("shape"), said.get("data_offsets"), BITS.get(str(said.get("dtype")))
    if not (bits and _whole(shape) and _whole(offsets) and len(offsets) == 2 and said.keys() == _SAID):
        raise _bad(file, f"type, shape and place of {name[:80]!a} cannot be read")
    start, stop = offsets
    if (stop - start) * 8 != math.prod(shape) * bits:
        raise _bad(file, f"the shape of {name[:80]!a} does not fit its {stop - start:,} bytes")
    return start, stop, name


def _whole(value: Any) -> bool:
    """Whole numbers, few enough that their product is no work."""
    return isinstance(value, list) and len(value) <= 64 and all(type(v) is int and 0 <= v < 1 << 63 for v in value)


def _bad(file: Path, why: str) -> ValueError:
    return ValueError(f"{file.name} is no safetensors file: {why}; save the model again")
