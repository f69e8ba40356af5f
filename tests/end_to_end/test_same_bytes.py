"""Equal input, time and key give equal evidence, whatever the locale, zone, umask, order of files and hash seed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import published as tools
from published import DAY, EPOCH

from govkit import evidence, manifest

MACHINES = (
    {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "1", "umask": "0o022"},
    {"TZ": "Pacific/Auckland", "LC_ALL": "C", "PYTHONHASHSEED": "2", "umask": "0o077"},
)
SCRIPT = """
import os, sys
os.umask(int(sys.argv[1], 8))
real = os.scandir
class Turned:
    def __init__(self, place): self.found = list(real(place)); self.found.reverse()
    def __enter__(self): return iter(self.found)
    def __exit__(self, *_): pass
    def __iter__(self): return iter(self.found)
    def __next__(self): raise StopIteration
    def close(self): pass
if sys.argv[1] == "0o077":
    os.scandir = lambda place=".": Turned(place)
from govkit.cli import main
sys.argv = ["govkit", *sys.argv[2:]]
main()
"""


def run(root: Path, machine: dict[str, str], *arguments: str) -> None:
    environment = {**os.environ, **machine, "GOVKIT_KEY_PASSWORD": "secret", "SOURCE_DATE_EPOCH": EPOCH}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, machine["umask"], *arguments], cwd=root, env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


def test_two_machines_write_the_same_bundle_and_the_same_release(tmp_path: Path):
    made = []
    for place, machine in enumerate(MACHINES):
        root = tools.prepare(tmp_path / f"machine-{place}", "letters_same")
        evidence.write_key(root, tools.key("ci"), password=b"secret", trust=tools.trust())
        run(root, machine, "audit", "audit.yaml", "--key", "audit.key", "--out", "evidence", "--as-of", DAY)
        given = ("--model", "letters_same", "--trust", "trust.yaml", "--key", "audit.key", "--as-of", DAY)
        run(root, machine, "release", "new", "evidence", *given, "--log", "releases.sigstore.json", "--out", "out")
        shutil.copy(root / "releases.sigstore.json", root / "out/log")
        made.append({part: manifest.walk(root / part) for part in ("evidence", "out")})
    for part in ("evidence", "out"):
        assert made[0][part] == made[1][part]
    assert {"report.pdf", "release.sigstore.json"} <= {file.path for file in made[0]["evidence"]}
