from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from govkit.errors import UsageError
from govkit.watch.memory import Counted, Memory

LOOK = Counted("a.csv", "sha256:1", 5, "2026-11-01T00:00:00Z", {"s": -3.25}, "5 1")
SAYS = {"trigger": "T", "then": "review", "found": 0.1 + 0.2}


def opened(folder: Path) -> Memory:
    return Memory(folder / "watch.db")


def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    memory = opened(tmp_path)
    with memory.at_once():
        memory.settle({"model": "sha256:m", "days": 1})
        memory.count(LOOK, {"s": {"looks": 1}})
        memory.raise_alarm("s", "a.csv", LOOK.seen, SAYS)
        memory.refuse("b.csv", why="empty", seen=LOOK.seen)
    memory.close()
    memory = opened(tmp_path)
    assert memory.facts() == {"model": "sha256:m", "days": 1}
    assert memory.looks() == [LOOK]
    assert memory.streams() == {"s": {"looks": 1}}
    assert [(alarm.id, alarm.trigger, alarm.says, alarm.closed) for alarm in memory.alarms()] == [(1, "s", SAYS, None)]
    assert [(each.name, each.why, each.closed) for each in memory.refused()] == [("b.csv", "empty", None)]
    memory.close()


def test_a_look_is_counted_whole_or_not_at_all(tmp_path: Path) -> None:
    memory = opened(tmp_path)

    def half() -> None:
        with memory.at_once():
            memory.count(LOOK, {"s": {"looks": 1}})
            memory.raise_alarm("s", "a.csv", LOOK.seen, SAYS)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half()
    assert (memory.looks(), memory.streams(), memory.alarms()) == ([], {}, [])
    with memory.at_once():
        memory.count(LOOK, {"s": {"looks": 1}})
    assert memory.looks() == [LOOK]
    memory.close()


def test_another_process_sees_nothing_of_a_look_before_it_is_whole(tmp_path: Path) -> None:
    one, other = opened(tmp_path), opened(tmp_path)
    with one.at_once():
        one.count(LOOK, {"s": {"looks": 1}})
        assert (other.looks(), other.streams()) == ([], {})
    assert other.looks() == [LOOK]
    one.close()
    other.close()


def test_a_look_is_known_by_its_name_before_its_content(tmp_path: Path) -> None:
    memory = opened(tmp_path)
    memory.count(LOOK, {})
    memory.count(Counted("b.csv", "sha256:2", 5, LOOK.seen, {}), {})
    assert memory.seen("c.csv", "sha256:3") is None
    for name, digest, found in (("a.csv", "sha256:2", "a.csv"), ("c.csv", "sha256:2", "b.csv")):
        look = memory.seen(name, digest)
        assert look is not None
        assert look.name == found
    memory.close()


def test_an_alarm_stands_until_it_is_closed_and_numbers_never_come_back(tmp_path: Path) -> None:
    memory = opened(tmp_path)
    memory.raise_alarm("s", "a.csv", LOOK.seen, SAYS)
    assert len(memory.alarms(untold=True)) == 1
    memory.told(memory.alarms())
    assert memory.alarms(untold=True) == []
    closed = memory.close_alarms(when="2026-11-02T00:00:00Z", reason="M. repaired it")
    assert [alarm.trigger for alarm in closed] == ["s"]
    assert memory.close_alarms(when="2026-11-03T00:00:00Z", reason="again") == []
    memory.raise_alarm("s", "b.csv", LOOK.seen, SAYS)
    assert [(alarm.id, alarm.reason) for alarm in memory.alarms()] == [(1, "M. repaired it"), (2, None)]
    memory.close()


def test_a_refusal_ends_when_the_look_is_counted_and_stays_on_file_when_a_person_closed_it(tmp_path: Path) -> None:
    memory = opened(tmp_path)
    memory.refuse("a.csv", why="broken", seen=LOOK.seen)
    memory.refuse("b.csv", why="broken", seen=LOOK.seen)
    memory.close_alarms(when=LOOK.seen, reason="known")
    memory.refuse("a.csv", why="broken in another way", seen=LOOK.seen)
    memory.count(LOOK, {})
    assert [(each.name, each.reason) for each in memory.refused()] == [("a.csv", "known"), ("b.csv", "known")]
    memory.close()


def test_a_look_that_holds_again_what_was_counted_is_refused_no_longer(tmp_path: Path) -> None:
    memory = opened(tmp_path)
    memory.count(LOOK, {})
    memory.refuse("a.csv", why="holds other rows", seen=LOOK.seen)
    memory.touched("a.csv", "5 9")
    assert memory.refused() == []
    assert memory.looks()[0].stamp == "5 9"
    memory.close()


@pytest.mark.parametrize("held", [b"id,label\n1,0\n" * 200, b"SQLite format 3\x00" + b"\xff" * 500])
def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path, held: bytes) -> None:
    (tmp_path / "watch.db").write_bytes(held)
    with pytest.raises(UsageError, match=r"watch.db: is no memory of a watch"):
        opened(tmp_path)
    assert (tmp_path / "watch.db").read_bytes() == held


def test_the_database_of_something_else_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    base = sqlite3.connect(tmp_path / "watch.db")
    base.execute("CREATE TABLE looks (name TEXT)")
    base.close()
    before = (tmp_path / "watch.db").read_bytes()
    with pytest.raises(UsageError, match="is the database of something else; name a new file as state"):
        opened(tmp_path)
    assert (tmp_path / "watch.db").read_bytes() == before


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / "none" / "watch.db", tmp_path):
        with pytest.raises(UsageError, match="cannot be written"):
            Memory(path)


def test_a_memory_that_breaks_later_is_told_too(tmp_path: Path) -> None:
    memory = opened(tmp_path)

    def broken() -> None:
        with memory.at_once():
            memory.remember({"s": {}})
            memory._base.execute("INSERT INTO absent VALUES (1)")

    with pytest.raises(UsageError, match=r"watch.db: .*cannot be written \(no such table: absent\)"):
        broken()
    assert memory.streams() == {}
    memory.close()
