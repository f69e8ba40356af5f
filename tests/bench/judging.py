"""Seconds to judge 2,000 findings again by other policies, in a program of its own: no model, no data are needed.

Run it alone (some seconds); another Python is that of an environment with the base dependencies only::

    python tests/bench/judging.py [PYTHON]
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import govkit as gk
from govkit.core import LEVELS
from govkit.policy import packs

FINDINGS = 2000
AS_OF = "2026-11-27T12:00:00Z"
DIGEST = "sha256:" + "a" * 64
PARTS: list[dict[str, str]] = [{}, *({"group": f"g{number}"} for number in range(9))]


def findings() -> Iterator[dict[str, Any]]:
    """Facts of a case, then every metric of every check on all rows and on nine groups, with bounds at nine levels."""
    facts = {"task": "binary", "modality": "table", "access": "weights", "has_base": True, "has_groups": True}
    for name, value in facts.items():
        yield {"kind": "measurement", "check": "scope", "name": name, "value": value, "n": 0}
    for check, of, part in itertools.product(gk.catalog().values(), ("candidate", "base"), PARTS):
        params = check.params().model_dump(mode="json")
        for name, metric in check.metrics.items() if check.name != "scope" else ():
            value = metric.words[0] if metric.words else 0.5
            ends = [{"level": each, "low": 0.5 - each / 9, "high": 0.5 + each / 9} for each in LEVELS]
            yield {
                "kind": "measurement", "check": check.name, "params": params, "name": name, "of": of, "value": value,
                "n": 1000, "bounds": [] if metric.words else ends, "part": part,
                "data": {"role": "test", "digest": DIGEST},
            }  # fmt: skip


def document(many: int = FINDINGS) -> dict[str, Any]:
    """What ``govkit measure`` would have written."""
    return {
        "schema": "govkit.findings/v1",
        "subject": {"name": "model", "digest": DIGEST},
        "policy": {"id": "other", "version": "1.0.0", "digest": DIGEST},
        "audit": DIGEST,
        "seed": "0",
        "tool": {"name": "govkit"},
        "passes": {"forward": 0, "backward": 0, "declared_forward": 0, "declared_backward": 0},
        "findings": list(itertools.islice(findings(), many)),
    }


def timed(python: str, file: Path, policy: str) -> tuple[float, float, int]:
    """Wall seconds, CPU seconds and exit code of ``govkit judge``."""
    out = file.with_name(f"{policy}.json")
    out.unlink(missing_ok=True)
    command = [python, "-m", "govkit", "judge", file, "--policy", policy, "--out", out, "--as-of", AS_OF]
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False, cwd=file.parent)
    wall, after = time.perf_counter() - start, os.times()
    assert done.returncode in (0, 1, 3), done.stderr.decode()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, spent, done.returncode


def main(python: str) -> None:
    """A line for each policy: the fastest of three runs."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "findings.json")
        file.write_text(json.dumps(document()), encoding="utf-8")
        sys.stdout.write(f"{FINDINGS} findings, {file.stat().st_size / 1e6:.1f} MB, by {python}\n")
        for policy in packs():
            wall, spent, code = min(timed(python, file, policy) for _ in range(3))
            sys.stdout.write(f"{policy:<24} {wall:5.2f} s wall {spent:5.2f} s CPU  exit {code}\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else sys.executable)
