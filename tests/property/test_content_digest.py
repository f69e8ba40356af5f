"""The digest of files that hypothesis invents: one for all formats and orders, another for any change."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pyarrow as pa
from hypothesis import given, settings, strategies as st
from pyarrow import csv, feather, parquet

from govkit.data import batches_digest, content_digest, file_digest, streaming as streaming_module

SCHEMA = {"t": "text", "f": "float", "i": "int", "b": "bool", "w": "time"}
TYPES = {
    "t": pa.string(), "f": pa.float64(), "i": pa.int64(), "b": pa.bool_(), "w": pa.timestamp("us"),
}  # fmt: skip
# Text that looks like something else is in it on purpose: the schema says that it is text.
cells = {
    "t": st.sampled_from(["", "1", "nan", "true", "2020-01-02", "01", " x", 'a"b,\n']) | st.text(
        st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=6
    ),
    "f": st.floats(width=64),
    # JSON writes numbers of any size, of which Arrow reads those beyond 64 bits as floats.
    "i": st.integers(-(2**63), 2**63 - 1),
    "b": st.booleans(),
    "w": st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)),
}  # fmt: skip
Rows = list[dict[str, object]]
rows = st.lists(st.fixed_dictionaries({name: st.none() | cell for name, cell in cells.items()}), min_size=1, max_size=9)


def as_table(found: Rows, names: list[str] | None = None) -> pa.Table:
    return pa.table({name: pa.array([row[name] for row in found], TYPES[name]) for name in names or TYPES})


def write(found: Rows, names: list[str], folder: Path) -> list[Path]:
    places = [folder / f"t.{suffix}" for suffix in ("csv", "jsonl", "parquet", "arrow")]
    data = as_table(found, names)
    csv.write_csv(data, places[0])
    plain = [{k: row[k].isoformat() if isinstance(row[k], datetime) else row[k] for k in names} for row in found]
    places[1].write_text("".join(json.dumps(row) + "\n" for row in plain))
    parquet.write_table(data, places[2], row_group_size=3)
    feather.write_feather(data, places[3], chunksize=2)
    return places


@settings(max_examples=60, deadline=None)
@given(rows, st.randoms(use_true_random=False))
def test_one_digest_for_all_formats_and_orders(found: Rows, random: Random) -> None:
    expected, digests, _ = content_digest(as_table(found))
    shuffled, names = random.sample(found, len(found)), random.sample(list(TYPES), len(TYPES))
    size = random.choice([64, 300, 1 << 24])
    with (
        TemporaryDirectory() as folder,
        patch("govkit.data.jsonl.BLOCK", size),
        patch.object(streaming_module, "HELD", size),
    ):
        for place in write(shuffled, names, Path(folder)):
            assert file_digest(place, schema=SCHEMA).digest == expected, place.suffix
        with (Path(folder) / "kept").open("w+b") as kept:
            batches = as_table(shuffled, names).to_batches(max_chunksize=2)
            assert batches_digest(batches, names, keep=kept).digest == expected
            kept.seek(0)
            assert kept.read().hex().encode() == b"".join(digests.tolist())


def different(one: object, other: object) -> bool:
    """As a reader sees it: all NaN are one."""
    return repr(one) != repr(other)


@settings(max_examples=40, deadline=None)
@given(rows, st.data())
def test_another_digest_for_one_changed_cell_and_for_a_row_more(found: Rows, data: st.DataObject) -> None:
    row, name = data.draw(st.integers(0, len(found) - 1)), data.draw(st.sampled_from(list(TYPES)))
    old = found[row][name]
    changed = [dict(each) for each in found]
    changed[row][name] = data.draw((st.none() | cells[name]).filter(lambda new: different(new, old)))
    more = [*found, found[row]]
    twice = [*more, found[row]]
    with TemporaryDirectory() as folder:
        versions = []
        for number, each in enumerate((found, changed, more, twice)):
            (Path(folder) / str(number)).mkdir()
            versions.append(write(each, list(TYPES), Path(folder) / str(number)))
        for places in zip(*versions, strict=True):
            assert len({file_digest(place, schema=SCHEMA).digest for place in places}) == 4, places[0].suffix


@settings(max_examples=12, deadline=None)
@given(st.integers(-(2**53), 2**53), st.integers(0, 4), st.integers(0, 4))
def test_typed_formats_tell_apart_what_csv_cannot(number: int, before: int, after: int) -> None:
    """1 and "1", NaN and null, null and "", 1 and true, beside cells that are the same."""
    pairs = [
        ([number, None], [str(number), None]),
        ([1.5, float("nan")], [1.5, None]),
        (["x", None], ["x", ""]),
        ([1, None], [True, None]),
        ([None, None], ["", None]),
    ]
    with TemporaryDirectory() as folder:
        for pair in pairs:
            for suffix in ("jsonl", "parquet", "arrow"):
                found = set()
                for side in pair:
                    data = pa.table({"a": [None] * before + side + [None] * after, "n": range(before + 2 + after)})
                    place = Path(folder, f"t.{suffix}")
                    if suffix == "jsonl":
                        place.write_text("".join(json.dumps(row) + "\n" for row in data.to_pylist()))
                    else:
                        (parquet.write_table if suffix == "parquet" else feather.write_feather)(data, place)
                    found.add(file_digest(place).digest)
                assert len(found) == 2, (suffix, pair)
