from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from govkit.errors import DataError
from govkit.watch import WatchFile
from govkit.watch.arrivals import arrivals, days_of

TODAY = dt.date(2026, 11, 20)


def form(path: str, by: str = "file") -> WatchFile:
    plain = {"name": "m", "model": "m", "reference": {"path": "r"}, "looks": {"path": path, "by": by}}
    return WatchFile.model_validate({**plain, "columns": {"watch": ["a"], "time": "t"}})


def names(root: Path, path: str, by: str = "file") -> list[str]:
    return [arrival.name for arrival in arrivals(form(path, by), root, today=TODAY)]


def test_looks_are_the_tables_of_a_folder_in_the_order_of_their_names(tmp_path: Path) -> None:
    folder = tmp_path / "looks"
    folder.mkdir()
    for name in ("b.csv", "a.csv", "c.csv.gz", "d.parquet", ".e.csv", "f.tmp", "watch.db", "B.csv"):
        (folder / name).write_text("a\n1\n")
    (folder / "g.csv").mkdir()
    (folder / "h.csv").symlink_to(folder / "nothing")
    found = names(tmp_path, "looks")
    assert found == sorted(found)
    assert {"a.csv", "b.csv", "B.csv", "d.parquet"} <= set(found)
    assert not {".e.csv", "f.tmp", "watch.db", "g.csv", "h.csv"} & set(found)


def test_a_pattern_names_the_looks(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    for name in ("day-1.csv", "day-2.csv", "other.csv", ".day-3.csv"):
        (tmp_path / "log" / name).write_text("a\n1\n")
    assert names(tmp_path, "log/day-*.csv") == ["day-1.csv", "day-2.csv"]
    assert names(tmp_path, "log/day-[2-9].csv") == ["day-2.csv"]
    assert names(tmp_path, "log/none-*.csv") == []


@pytest.mark.parametrize("path", ["none", "none/*.csv", "log.csv"])
def test_a_folder_that_is_not_there_is_no_quiet_one(tmp_path: Path, path: str) -> None:
    (tmp_path / "log.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match=r"no such folder|expected a folder of looks"):
        names(tmp_path, path)


def test_a_file_that_is_gone_before_it_is_asked_is_passed_over(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("a\n1\n")
    waiting = arrivals(form("."), tmp_path, today=TODAY)
    assert next(waiting).name == "a.csv"
    (tmp_path / "b.csv").unlink()
    assert list(waiting) == []


def test_a_file_that_was_touched_has_another_stamp(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n")
    before = next(arrivals(form("."), tmp_path, today=TODAY))
    os.utime(path, (1, 1))
    after = next(arrivals(form("."), tmp_path, today=TODAY))
    assert before.stamp != after.stamp
    assert before.read().equals(after.read())


def log(*times: str, zone: str | None = "UTC", unit: str = "us") -> Any:
    moments = [dt.datetime.fromisoformat(time) for time in times]
    return pa.table({"t": pa.array(moments, pa.timestamp(unit, tz=zone)), "a": range(len(times))})


LATE = ("2026-11-18T23:59:59+00:00", "2026-11-19T00:00:00+00:00", "2026-11-19T23:30:00+00:00")


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati", "+05:30"])
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_days_are_those_of_utc_in_whatever_zone_the_times_are_stored(zone: str, unit: str) -> None:
    found = {day.isoformat(): rows["a"].to_pylist() for day, rows in days_of(log(*LATE, zone=zone, unit=unit), "t")}
    assert found == {"2026-11-18": [0], "2026-11-19": [1, 2]}


def test_times_without_a_zone_and_dates_are_taken_as_utc() -> None:
    naive = log(*(time[:19] for time in LATE), zone=None)
    assert [len(rows) for _, rows in days_of(naive, "t")] == [1, 2]
    dates = pa.table({"t": pa.array([dt.date(2026, 11, 19), dt.date(2026, 11, 18)])})
    assert [day.day for day, _ in days_of(dates, "t")] == [18, 19]
    dates = dates.set_column(0, "t", dates["t"].cast(pa.date64()))
    assert [day.day for day, _ in days_of(dates, "t")] == [18, 19]


def test_a_day_before_1970_is_the_day_it_is() -> None:
    assert [day.isoformat() for day, _ in days_of(log("1969-12-31T23:59:59+00:00"), "t")] == ["1969-12-31"]


def test_today_is_not_over(tmp_path: Path) -> None:
    pq.write_table(log(*LATE, "2026-11-20T00:00:00+00:00", "2026-11-21T08:00:00+00:00"), tmp_path / "log.parquet")
    assert names(tmp_path, "log.parquet", "day") == ["2026-11-18", "2026-11-19"]


def test_a_csv_log_with_offsets_falls_into_days_too(tmp_path: Path) -> None:
    lines = ["t,a", "2026-11-18T23:30:00-05:00,1", "2026-11-18T18:00:00+00:00,2"]
    (tmp_path / "log.csv").write_text("\n".join(lines) + "\n")
    assert names(tmp_path, "log.csv", "day") == ["2026-11-18", "2026-11-19"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (pa.table({"a": [1]}), "there is no column 't'; found 'a'"),
        (pa.table({"t": ["noon"]}), "holds string; expected times"),
        (pa.table({"t": pa.array([None, dt.date(2026, 1, 1)])}), "1 rows without a time; fill them"),
        (pa.table({"t": pa.array([dt.time(1)])}), "expected times"),
    ],
)
def test_a_log_without_times_is_refused(tmp_path: Path, table: Any, said: str) -> None:
    pq.write_table(table, tmp_path / "log.parquet")
    with pytest.raises(DataError, match=r"log\.parquet") as caught:
        names(tmp_path, "log.parquet", "day")
    assert said in str(caught.value)


def test_a_log_that_is_missing_is_told_once(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        names(tmp_path, "log.csv", "day")
    assert str(caught.value).count("log.csv") == 1
