"""A cache of ``load_dataset`` that serves rows which are no longer those of its files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest

from govkit.lineage.reads import CacheCheck, Reads, caches

FIRST = "x,y\n" + "".join(f"{number},a\n" for number in range(20))
SECOND = FIRST.replace("7,a", "7,b")


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text(FIRST)
    return path


def change(path: Path, text: str, *, keep_time: bool) -> None:
    before = path.stat()
    path.write_text(text)
    if keep_time:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def recorded(load: Callable[[], Any]) -> Reads:
    reads = Reads()
    reads.start()
    load()
    reads.stop()
    return reads


def load(path: Path, **more: Any) -> Any:
    return datasets.load_dataset("csv", data_files=str(path), **more)


def test_bytes_changed_and_time_kept(rows: Path):
    load(rows)
    change(rows, SECOND, keep_time=True)
    reads = recorded(lambda: load(rows))
    [check] = reads.stale_caches()
    assert (check.state, check.reason, check.files) == ("stale", "rows differ in train", (rows,))
    assert [path.suffix for path in check.cache] == [".arrow"]
    # The rows that were trained on really are the old ones.
    assert set(reads.loads[0][2]["train"]["y"]) == {"a"}


@pytest.mark.parametrize("split", [None, "train", "train[:50%]", ["train[:2]", "train[5:9]"]])
def test_a_split_is_compared_with_the_same_split(rows: Path, split: Any):
    load(rows)
    assert not recorded(lambda: load(rows, split=split)).stale_caches()
    change(rows, SECOND, keep_time=True)
    stale = recorded(lambda: load(rows, split=split)).stale_caches()
    assert [check.state for check in stale] == ["stale"]


def test_rows_that_were_read_now_are_not_compared(rows: Path):
    load(rows)
    change(rows, SECOND, keep_time=False)
    first, second = recorded(lambda: load(rows)), recorded(lambda: load(rows))
    cache = Path(second.loads[0][2]["train"].cache_files[0]["filename"])
    assert caches.check(*first.loads[0]) is None
    assert caches.check(*second.loads[0]) == CacheCheck((rows,), (cache,), "same", "")


def test_streams_have_no_cache(rows: Path):
    assert not recorded(lambda: load(rows, streaming=True)).stale_caches()


@pytest.mark.parametrize("kind", ["json", "parquet", "text"])
def test_other_builders(tmp_path: Path, kind: str):
    path = tmp_path / f"rows.{kind}"
    frame = datasets.Dataset.from_dict({"text": ["a", "b"]})
    writers = {"json": frame.to_json, "parquet": frame.to_parquet, "text": lambda p: Path(p).write_text("a\nb\n")}
    writers[kind](str(path))
    datasets.load_dataset(kind, data_files=str(path))
    data = path.read_bytes()
    stat = path.stat()
    if kind == "parquet":
        datasets.Dataset.from_dict({"text": ["a", "c"]}).to_parquet(str(path))
    else:
        path.write_bytes(data.replace(b"b", b"c"))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    reads = recorded(lambda: datasets.load_dataset(kind, data_files=str(path)))
    assert [check.state for check in reads.stale_caches()] == ["stale"]


def test_what_is_not_compared_is_listed(rows: Path, monkeypatch: pytest.MonkeyPatch):
    load(rows)
    reads = recorded(lambda: load(rows))
    with monkeypatch.context() as patch:
        patch.setattr(caches, "LIMIT", 10)
        assert [(each.state, each.reason) for each in reads.stale_caches()] == [
            ("not checked", "the files hold more than 10 bytes")
        ]
    rows.write_bytes(b"")
    assert "cannot be read again" in reads.stale_caches()[0].reason
    rows.unlink()
    assert [each.state for each in reads.stale_caches()] == ["not checked"]


def test_an_unknown_builder_and_rows_in_memory(rows: Path, tmp_path: Path):
    frame = datasets.Dataset.from_dict({"x": [1]})
    frame.save_to_disk(tmp_path / "disk")
    arrow = next((tmp_path / "disk").glob("*.arrow"))
    datasets.load_dataset("arrow", data_files=str(arrow))
    reads = recorded(lambda: datasets.load_dataset("arrow", data_files=str(arrow)))
    assert [each.state for each in reads.stale_caches()] == ["not checked"]
    load(rows)
    reads = recorded(lambda: load(rows, keep_in_memory=True))
    assert [each.state for each in reads.stale_caches()] == ["not checked"]
