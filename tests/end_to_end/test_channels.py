"""Every way to read a file, recorded under strace: each file that was opened is seen, or its channel is named."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import reading_channels
from reading_channels import CHANNELS

SCRIPT = Path(reading_channels.__file__)
TABLE = Path(__file__).parents[2] / "docs" / "channels.md"
MECHANISMS = ("hook", "wrapper", "child", "folder watch")
NAMED = {
    "pyarrow.fs": "other native readers",
    "duckdb, file_search_path": "other native readers",
    "open by ctypes": "other native readers",
    "Python child, isolated (-I)": "child processes",
    "child of another program (cat)": "child processes",
    "a shell (os.system)": "child processes",
}
"""What only the folder watch sees -> the channel that says so where no folder is declared."""
NEVER_OPENED = "datasets.load_dataset, cached"
HEAD = """# Ways to read a file, and what a recording sees of them

Made by `tests/end_to_end/test_channels.py`, which reads one file through each way while `strace -f` looks on.

- *hook*: the audit hook of Python; *wrapper*: the reader's own function, replaced while recording; *child*: reported by
  a child process; *folder watch*: inotify on the folders that were declared as holding data (Linux).
- *without it* says what is left where no folder was declared: the file is seen, or the record names the channel that it
  could not see. Never seen, and always named: {never}.
- The cached `load_dataset` opens no source file: its arguments name it, and the rows of the cache are compared.

| way to read | opened (strace) | hook | wrapper | child | folder watch | without it |
|---|---|---|---|---|---|---|
"""


def run(*command: str, home: Path) -> None:
    done = subprocess.run(command, env=os.environ | {"HF_HOME": str(home)}, capture_output=True, text=True, check=False)
    if "ptrace" in done.stderr and "not permitted" in done.stderr:
        pytest.fail("strace may not trace here (ptrace is forbidden): run the suite where it is allowed")
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], set[str]]:
    """What the recording says, and the files below the data folder that strace saw opened."""
    if shutil.which("strace") is None:
        pytest.fail("strace is not installed; `make test` installs it on Debian (see .ci/setup)")
    folder = tmp_path_factory.mktemp("channels")
    data, out, log = folder / "data", folder / "out.json", folder / "strace.log"
    data.mkdir()
    run(sys.executable, str(SCRIPT), "write", str(data), home=folder)
    trace = ("strace", "-f", "--seccomp-bpf", "-e", "trace=open,openat,openat2,creat", "-o", str(log))
    run(*trace, sys.executable, str(SCRIPT), "read", str(data), str(out), home=folder)
    text = log.read_text(encoding="utf-8")
    # "<unfinished ...>" lines carry the path; whether they succeeded is on another line, and here none fails.
    opened = re.findall(r'open(?:at2?)?\((?:AT_FDCWD, )?"([^"]+)"[^\n]*(?:= \d+|<unfinished)', text)
    files = {str(Path(path).relative_to(data)) for path in opened if Path(path).is_relative_to(data)}
    return json.loads(out.read_text()), {name for name in files if (data / name).is_file()}


def test_the_script_reads_by_at_least_45_channels():
    assert len(CHANNELS) >= 45
    assert len({file for file, _ in CHANNELS.values()}) == len(CHANNELS)


def test_every_file_that_strace_saw_is_seen_and_no_other(recorded):
    said, opened = recorded
    assert set(said["files"]) - opened == {CHANNELS[NEVER_OPENED][0]}
    assert not opened - set(said["files"])


def test_the_folder_watch_saw_all_that_strace_saw(recorded):
    said, opened = recorded
    assert {file for file, channels in said["files"].items() if "folder watch" in channels} == opened
    assert said["channels"]["declared folders"] == "seen"


def test_without_the_folder_watch_each_file_is_seen_or_its_channel_is_named(recorded):
    said, _ = recorded
    unseen = {name for name, (file, _) in CHANNELS.items() if said["files"][file] == ["folder watch"]}
    assert unseen == set(NAMED)
    for channel in NAMED.values():
        assert said["channels"][channel].startswith("not seen: ")
    assert said["channels"]["child processes"] == f"not seen: no report from {Path(sys.executable).name}, cat, sh"
    assert said["channels"]["native readers that are listed"] == "seen"


def test_what_is_counted(recorded):
    calls = recorded[0]["calls"]
    assert calls["event"] > calls["open"] > calls["first sight"] >= 40
    assert calls["wrapper"] >= 20
    assert calls["child"] >= 7


def test_the_table_in_the_documents_is_fresh(recorded):
    said, opened = recorded
    never = "; ".join(
        name for name, what in said["channels"].items() if what.startswith("not seen") and name not in NAMED.values()
    )
    rows = []
    for name, (file, _) in CHANNELS.items():
        seen = said["files"][file]
        without = f"named: {NAMED[name]}" if name in NAMED else "seen"
        marks = ["yes" if mechanism in seen else "–" for mechanism in MECHANISMS]
        rows.append(f"| {name} | {'yes' if file in opened else 'no'} | {' | '.join(marks)} | {without} |\n")
    text = HEAD.format(never=never) + "".join(rows)
    if os.environ.get("GOVKIT_WRITE_DOCS") == "1":
        TABLE.write_text(text, encoding="utf-8")
    assert TABLE.read_text(encoding="utf-8") == text, "stale: run this test once with GOVKIT_WRITE_DOCS=1"
