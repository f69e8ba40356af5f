"""The content digest against a second one, written cell by cell in plain Python from what the first says it does."""

from __future__ import annotations

import hashlib
import json
import math
import struct
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import parquet

from govkit.data import batches_digest, content_digest, file_digest

NULL, BOOL, INT, FLOAT, TEXT, BYTES, TIME, BIG = range(8)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def number(value: float) -> bytes:
    """Whole numbers that 64 bits hold are integers, whatever type carries them; −0.0 and the rest are float64."""
    if isinstance(value, float) and (not math.isfinite(value) or not value.is_integer() or str(value) == "-0.0"):
        return bytes([FLOAT]) + struct.pack("<d", math.nan if math.isnan(value) else value)
    whole = int(value)
    if -(2**63) <= whole < 2**63:
        return bytes([INT]) + whole.to_bytes(8, "little", signed=True)
    if 0 <= whole < 2**64:
        return bytes([BIG]) + whole.to_bytes(8, "little")
    return bytes([FLOAT]) + struct.pack("<d", value)


def cell(value: object) -> bytes:
    """33 bytes: a tag, then the value in 8 little-endian bytes, or the SHA-256 of a text."""
    if value is None:
        found = bytes([NULL])
    elif isinstance(value, bool):
        found = bytes([BOOL]) + int(value).to_bytes(8, "little")
    elif isinstance(value, Decimal):
        found = number(float(value))
    elif isinstance(value, int | float):
        found = number(value)
    elif isinstance(value, datetime):
        instant = value if value.tzinfo else value.replace(tzinfo=UTC)
        found = bytes([TIME]) + ((instant - EPOCH) // timedelta(microseconds=1)).to_bytes(8, "little", signed=True)
    elif isinstance(value, str):
        found = bytes([TEXT]) + hashlib.sha256(value.encode()).digest()
    else:
        assert isinstance(value, bytes)
        found = bytes([BYTES]) + hashlib.sha256(value).digest()
    return found.ljust(33, b"\0")


def reference(rows: list[dict[str, object]]) -> str:
    """SHA-256 of the scheme, the names, the number of rows and the sorted row digests."""
    names = sorted(rows[0])
    digests = sorted(hashlib.sha256(b"".join(cell(row[name]) for name in names)).digest() for row in rows)
    head = json.dumps(["govkit.rows/v1", names, len(rows)]).encode()
    return f"sha256:{hashlib.sha256(head + b''.join(digests)).hexdigest()}"


def table(seed: int, n: int = 400) -> pa.Table:
    rng = np.random.default_rng(seed)
    odd = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 5e-324, 1e308, 2.0**53, 2.0**63, -(2.0**63), 2.0**64, 1e19])
    floats = np.where(rng.random(n) < 0.5, rng.choice(odd, n), np.round(rng.normal(size=n), 1))
    columns = {
        "floats": pa.array(floats),
        "small": pa.array(rng.normal(size=n).astype(np.float32)),
        "whole": pa.array(rng.integers(-(2**63), 2**63 - 1, n)),
        "bytes8": pa.array(rng.integers(0, 255, n, dtype=np.uint8)),
        "wide": pa.array(rng.integers(0, 2**64 - 1, n, dtype=np.uint64)),
        "truth": pa.array(rng.random(n) < 0.5),
        "Text": pa.array(rng.choice(["", "1", "é", "日本", "a\0b", "x" * 100], n).tolist()),
        "code": pa.array(rng.choice(["u", "v"], n).tolist()).dictionary_encode(),
        "raw": pa.array([bytes(row) for row in rng.integers(0, 255, (n, 3), dtype=np.uint8)]),
        "when": pa.array(rng.integers(-(2**50), 2**50, n), pa.timestamp("us")),
        "zoned": pa.array(rng.integers(0, 2**31, n), pa.timestamp("s", tz="Europe/Berlin")),
        "vast": pa.array([Decimal(int(c)) * 10**30 for c in rng.integers(-99, 99, n)], pa.decimal256(50, 3)),
        "money": pa.array([Decimal(int(c)) / 100 for c in rng.integers(-(10**6), 10**6, n)], pa.decimal128(12, 2)),
    }
    holes = {name: rng.random(n) < 0.1 for name in columns}
    return pa.table(
        {
            name: pc.if_else(pa.array(holes[name]), pa.scalar(None, column.type), column)
            for name, column in columns.items()
        }
    )


@pytest.mark.parametrize("seed", range(4))
def test_the_digest_is_what_it_says(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = table(seed)
    expected = reference(data.to_pylist())
    assert content_digest(data)[0] == expected
    monkeypatch.setattr("govkit.data.streaming.HELD", 64)
    assert batches_digest(data.to_batches(max_chunksize=37), data.column_names).digest == expected
    parquet.write_table(data, tmp_path / "t.parquet", row_group_size=50)
    assert file_digest(tmp_path / "t.parquet").digest == expected


def test_fine_times() -> None:
    """Nanoseconds have a tag of their own, and only where microseconds would round."""
    data = pa.table({"w": pa.array([5_000, 5_001, -1, None], pa.timestamp("ns"))})
    cells = [bytes([TIME]) + (5).to_bytes(8, "little"), bytes([8]) + (5001).to_bytes(8, "little")]
    cells += [bytes([8]) + b"\xff" * 8, b""]
    digests = sorted(hashlib.sha256(each.ljust(33, b"\0")).hexdigest() for each in cells)
    assert [row.decode() for row in content_digest(data)[1]] == digests
