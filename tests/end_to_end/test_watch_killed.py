"""A watch that is killed at any moment goes on as if nothing had happened, and two of them count each look once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from watch_fixture import AS_OF, FORM, add_look, listening, make_watch, rows_of

from govkit.watch.memory import Memory

LOOKS = 60
KILLS = 10
SEED = 20261127


def start(folder: Path, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "govkit", "watch", "watch.yaml", "--once", "--json", "--as-of", AS_OF]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def service(folder: Path, address: str) -> None:
    """Sixty days: from the twentieth on amounts are larger, from the thirtieth on answers are worse."""
    watch = make_watch(folder, form=FORM + f"webhook: {address}\n")
    for look in range(LOOKS):
        rows = rows_of(look + 1, 500, shift=0.4 * (look >= 20), accuracy=0.8 if look >= 30 else 0.9)
        # Another time in a file's name or stamp would be another file.
        os.utime(add_look(watch, f"{look:02}.csv", rows), (1_790_000_000, 1_790_000_000))


def remembered(folder: Path) -> str:
    """All that a watch remembers, as JSON."""
    memory = Memory(folder / "watch.db")
    held = {
        "looks": [vars(look) for look in memory.looks()],
        "streams": memory.streams(),
        "alarms": [vars(alarm) for alarm in memory.alarms()],
        "untold": [alarm.id for alarm in memory.alarms(untold=True)],
        "refused": [vars(each) for each in memory.refused()],
    }
    memory.close()
    return json.dumps(held, sort_keys=True)


def killed(running: subprocess.Popen[str], chance: random.Random) -> tuple[int, bool]:
    """Kill a watch some moments after a random number of events: how many it had told of, and was it still at work?"""
    assert running.stdout is not None
    lines, told = chance.randrange(8), 0
    while told < lines and running.stdout.readline():
        told += 1
    time.sleep(chance.uniform(0, 0.015 if lines else 1.0))
    running.send_signal(signal.SIGKILL)
    running.communicate(timeout=60)
    return told, running.returncode == -signal.SIGKILL


def test_killed_at_ten_random_moments_it_ends_where_an_undisturbed_one_ends(tmp_path: Path) -> None:
    with listening() as address:
        service(tmp_path / "a", address.url)
        undisturbed = start(tmp_path / "a")
        undisturbed.communicate(timeout=120)
        assert undisturbed.returncode == 1
        first = {alarm["id"]: alarm for alarm in address.taken}
        assert len(first) == len(address.taken) >= 2
    with listening() as address:
        service(tmp_path / "b", address.url)
        chance = random.Random(SEED)  # noqa: S311
        moments = [killed(start(tmp_path / "b"), chance) for _ in range(KILLS)]
        assert sum(alive for _, alive in moments) == KILLS, moments
        last = start(tmp_path / "b")
        last.communicate(timeout=120)
        assert last.returncode == 1
        assert {alarm["id"] for alarm in address.taken} == set(first)
        assert all(alarm == first[alarm["id"]] for alarm in address.taken), "an id is one alarm for ever"
    assert remembered(tmp_path / "b") == remembered(tmp_path / "a"), moments


def test_killed_between_sending_and_noting_it_an_alarm_is_sent_again(
    tmp_path: Path,
) -> None:
    """The moment is short, so it is brought about: the process ends as the address has taken the alarm."""
    script = (
        "import os, signal; from govkit.watch import telling; post = telling.post\n"
        "def once(*arguments): post(*arguments); os.kill(os.getpid(), signal.SIGKILL)\n"
        "telling.post = once\n"
        f"from govkit.watch import look_once; look_once('watch.yaml', as_of={AS_OF!r})\n"
    )
    with listening() as address:
        service(tmp_path / "a", address.url)
        done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path / "a", check=False, timeout=120)
        assert done.returncode == -signal.SIGKILL
        assert len(address.taken) == 1
        again = start(tmp_path / "a")
        again.communicate(timeout=120)
        sent = [alarm["id"] for alarm in address.taken]
    assert sent == [1, *range(1, max(sent) + 1)]
    assert address.taken[0] == address.taken[1]


def test_two_at_once_count_each_look_once_and_tell_each_alarm(tmp_path: Path) -> None:
    with listening() as address:
        service(tmp_path / "a", address.url)
        service(tmp_path / "b", address.url)
        alone = start(tmp_path / "b")
        alone.communicate(timeout=120)
        address.taken.clear()
        pair = [start(tmp_path / "a") for _ in range(2)]
        outputs = [running.communicate(timeout=120) for running in pair]
        assert [running.returncode for running in pair] == [1, 1], outputs
    told = [json.loads(line) for output, _ in outputs for line in output.splitlines()]
    counted = sorted(event["name"] for event in told if event["event"] == "look")
    assert counted == [f"{look:02}.csv" for look in range(LOOKS)]
    assert not [event for event in told if event["event"] in ("refused", "not sent")]
    assert remembered(tmp_path / "a") == remembered(tmp_path / "b")
    alarms = {event["id"] for event in told if event["event"] == "alarm"}
    assert {alarm["id"] for alarm in address.taken} == alarms == set(range(1, len(alarms) + 1))
