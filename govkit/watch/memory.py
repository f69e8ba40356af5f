"""What a watch remembers: one SQLite file, in which a look is counted whole or not at all.

A look, the streams that it moved and the alarms that it raised are one transaction, so that a process that is killed
at any moment has counted it once or not yet. Telling somebody comes after: an alarm that was not told is told again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from govkit.errors import UsageError

MARK = 0x676B7701
"""Tells a memory from any other SQLite file, which is left as it is."""

_TABLES = f"""
BEGIN IMMEDIATE;
PRAGMA application_id = {MARK};
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS looks (
    name TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, rows INTEGER NOT NULL, seen TEXT NOT NULL,
    evidence TEXT NOT NULL, stamp TEXT NOT NULL, labeled INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS streams (name TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS alarms (
    id INTEGER PRIMARY KEY, trigger_id TEXT NOT NULL, look TEXT NOT NULL, seen TEXT NOT NULL, says TEXT NOT NULL,
    told INTEGER NOT NULL DEFAULT 0, closed TEXT, reason TEXT);
CREATE TABLE IF NOT EXISTS refused (
    name TEXT NOT NULL, why TEXT NOT NULL, seen TEXT NOT NULL, closed TEXT, reason TEXT,
    PRIMARY KEY (name, why)) WITHOUT ROWID;
COMMIT;
"""

_COUNT = "SELECT count(*) FROM sqlite_master"
_LOOKS = "SELECT name, digest, rows, seen, evidence, stamp, labeled FROM looks "


@dataclass(frozen=True)
class Counted:
    """A look that was counted.

    Attributes:
        name: Name of its file, or its day.
        digest: ``sha256:<hex>`` of its content.
        rows: How many.
        seen: When it was counted, UTC.
        evidence: Stream -> natural logarithm of its evidence after this look, less that of an alarm.
        stamp: What tells a file that was not touched since.
        labeled: Rows whose label was there.
    """

    name: str
    digest: str
    rows: int
    seen: str
    evidence: Mapping[str, float]
    stamp: str = ""
    labeled: int = 0


@dataclass(frozen=True)
class Alarm:
    """A trigger whose limit was passed, in one or more streams.

    Attributes:
        id: Number of the alarm; whoever receives it twice knows it by this.
        trigger: Its id.
        look: The look that settled it.
        seen: When, UTC.
        says: What was found: ``title``, ``then``, ``advice``, ``limit``, and under ``streams`` each of them.
        closed: When a person dealt with it; None while it stands.
        reason: What that person said.
    """

    id: int
    trigger: str
    look: str
    seen: str
    says: Mapping[str, Any]
    closed: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Refused:
    """A look that was not counted: its name, why, and when that was seen first; closed as an alarm is."""

    name: str
    why: str
    seen: str
    closed: str | None
    reason: str | None


class Memory:
    """The file of a watch.

    Args:
        path: The file; made where there is none.

    Raises:
        UsageError: It cannot be opened, or is no such file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._usable():
            self._base = sqlite3.connect(path, timeout=60, isolation_level=None)
        try:
            with self._usable():
                self._begin()
        except UsageError:
            self.close()
            raise

    def _begin(self) -> None:
        self._base.execute("PRAGMA synchronous = FULL")
        tables, mark = (self._base.execute(query).fetchone()[0] for query in (_COUNT, "PRAGMA application_id"))
        if tables and mark != MARK:
            raise UsageError(f"{self._path}: is the database of something else; name a new file as state")
        if not tables:
            self._base.executescript(_TABLES)

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise UsageError(f"{self._path}: is no memory of a watch or cannot be written ({error})") from error

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Everything in the block is written, or nothing; another process waits until then."""
        with self._usable():
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._base.execute("COMMIT")
            except BaseException:
                if self._base.in_transaction:
                    self._base.execute("ROLLBACK")
                raise

    def facts(self) -> dict[str, Any]:
        """What was settled when the watch began; empty before."""
        return {name: json.loads(value) for name, value in self._base.execute("SELECT name, value FROM facts")}

    def settle(self, facts: Mapping[str, Any]) -> None:
        """Write what stays the same for the life of the watch."""
        rows = [(name, json.dumps(value)) for name, value in facts.items()]
        self._base.executemany("INSERT INTO facts VALUES (?, ?)", rows)

    def looks(self) -> list[Counted]:
        """All looks that were counted, by name."""
        return self._looks("ORDER BY name")

    def seen(self, name: str, digest: str) -> Counted | None:
        """The look that was counted under this name or with this content."""
        found = self._looks("WHERE name = ? OR digest = ? ORDER BY name <> ?", name, digest, name)
        return found[0] if found else None

    def _looks(self, which: str, *values: str) -> list[Counted]:
        return [
            Counted(name, digest, rows, seen, json.loads(evidence), *rest)
            for name, digest, rows, seen, evidence, *rest in self._base.execute(_LOOKS + which, values)
        ]

    def count(self, look: Counted, streams: Mapping[str, Any]) -> None:
        """Write a look and the streams as they are after it."""
        values = (look.name, look.digest, look.rows, look.seen, json.dumps(dict(look.evidence)))
        self._base.execute("INSERT INTO looks VALUES (?, ?, ?, ?, ?, ?, ?)", (*values, look.stamp, look.labeled))
        self._base.execute("DELETE FROM refused WHERE name = ? AND closed IS NULL", (look.name,))
        self.remember(streams)

    def streams(self) -> dict[str, Any]:
        """State of each stream, as plain data."""
        return {name: json.loads(state) for name, state in self._base.execute("SELECT name, state FROM streams")}

    def remember(self, streams: Mapping[str, Any]) -> None:
        """Write the state of streams."""
        rows = [(name, json.dumps(state)) for name, state in streams.items()]
        self._base.executemany("INSERT OR REPLACE INTO streams VALUES (?, ?)", rows)

    def raise_alarm(self, trigger: str, look: str, seen: str, says: Mapping[str, Any]) -> None:
        """Write an alarm."""
        values = (trigger, look, seen, json.dumps(dict(says)))
        self._base.execute("INSERT INTO alarms (trigger_id, look, seen, says) VALUES (?, ?, ?, ?)", values)

    def alarms(self, *, untold: bool = False) -> list[Alarm]:
        """All alarms, or those that nobody was told of, oldest first."""
        query = "SELECT id, trigger_id, look, seen, says, closed, reason, told FROM alarms ORDER BY id"
        return [
            Alarm(number, trigger, look, seen, json.loads(says), closed, reason)
            for number, trigger, look, seen, says, closed, reason, told in self._base.execute(query)
            if not (untold and told)
        ]

    def told(self, alarms: Sequence[Alarm]) -> None:
        """Note that somebody was told."""
        self._base.executemany("UPDATE alarms SET told = 1 WHERE id = ?", [(alarm.id,) for alarm in alarms])

    def close_alarms(self, *, when: str, reason: str) -> list[Alarm]:
        """Close what stands, alarms and looks that were not counted, and give the alarms."""
        standing = [alarm for alarm in self.alarms() if alarm.closed is None]
        self._base.execute("UPDATE alarms SET closed = ?, reason = ? WHERE closed IS NULL", (when, reason))
        self._base.execute("UPDATE refused SET closed = ?, reason = ? WHERE closed IS NULL", (when, reason))
        return standing

    def touched(self, name: str, stamp: str) -> None:
        """Note that a file was touched and holds what it held, or holds it again."""
        self._base.execute("DELETE FROM refused WHERE name = ? AND closed IS NULL", (name,))
        self._base.execute("UPDATE looks SET stamp = ? WHERE name = ?", (stamp, name))

    def refuse(self, name: str, *, why: str, seen: str) -> None:
        """Note a look that was not counted."""
        self._base.execute("INSERT OR IGNORE INTO refused (name, why, seen) VALUES (?, ?, ?)", (name, why, seen))

    def refused(self) -> list[Refused]:
        """Looks that were not counted, by name."""
        rows = self._base.execute("SELECT name, why, seen, closed, reason FROM refused ORDER BY name, seen")
        return [Refused(*row) for row in rows]
