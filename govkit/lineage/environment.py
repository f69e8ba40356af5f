"""Where a run happened: code, packages, machine, cost."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import time
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any

from govkit.core import Fact
from govkit.lineage.facts import NOT_APPLICABLE, OPEN, observed

PACKAGES = (
    "govkit", "torch", "transformers", "tokenizers", "safetensors", "accelerate", "peft", "trl", "datasets", "numpy",
    "pandas", "pyarrow", "scikit-learn",
)  # fmt: skip
"""Packages whose version can change what a training run yields."""


def code() -> dict[str, Fact]:
    """Commit and state of the working folder and the script; no remote address, which can hold a password."""
    root = _git("rev-parse", "--show-toplevel")
    status = _git("status", "--porcelain", "--untracked-files=no") if root else None
    facts = {
        "commit": observed(_git("rev-parse", "HEAD") if root else None),
        "dirty": observed(None if status is None else bool(status)),
    }
    return facts | _script(Path(root) if root else Path.cwd())


def _git(*arguments: str) -> str | None:
    """Output of a git command, or None where git is absent, fails or hangs."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return done.stdout.strip()


def _script(root: Path) -> dict[str, Fact]:
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    # Without a file (a notebook, a prompt) there is no script to name.
    if file is None or not Path(file).is_file():
        return {"script": OPEN, "script_sha256": OPEN}
    path = Path(file).resolve()
    inside = path.is_relative_to(root.resolve())
    name = path.relative_to(root.resolve()).as_posix() if inside else path.name
    return {
        "script": observed(name),
        "script_sha256": observed(f"sha256:{sha256(path.read_bytes()).hexdigest()}"),
    }


def environment(model: Any | None) -> dict[str, Fact]:
    """Versions, machine, and the device that the model is on."""
    versions = {name: version for name in PACKAGES if (version := _version(name)) is not None}
    device = getattr(model, "device", None)
    return {
        "python": observed(platform.python_version()),
        "packages": observed(versions),
        "platform": observed(platform.platform()),
        "cpu_count": observed(os.cpu_count()),
        "device": observed(None if device is None else str(device)),
        "device_name": _device_name(device),
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _device_name(device: Any | None) -> Fact:
    if device is None:
        return OPEN
    if device.type == "cuda":
        import torch

        return observed(torch.cuda.get_device_name(device))
    return NOT_APPLICABLE if device.type == "cpu" else OPEN


class Clock:
    """Wall and processor time since it was made."""

    def __init__(self) -> None:
        self.started = time.time()
        self._wall = time.monotonic()
        self._cpu = time.process_time()

    def cost(self, model: Any | None) -> dict[str, Fact]:
        """What the run cost up to now. Energy is unknown: nothing here measures it."""
        return {
            "wall_s": observed(round(time.monotonic() - self._wall, 3)),
            "cpu_s": observed(round(time.process_time() - self._cpu, 3)),
            "peak_rss_mb": observed(round(_peak_bytes() / 2**20, 1)),
            "peak_device_mb": _peak_device(getattr(model, "device", None)),
            "energy_kwh": OPEN,
        }


def _peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return peak if sys.platform == "darwin" else peak * 1024


def _peak_device(device: Any | None) -> Fact:
    if device is None:
        return OPEN
    if device.type == "cuda":
        import torch

        return observed(round(torch.cuda.max_memory_allocated(device) / 2**20, 1))
    return NOT_APPLICABLE if device.type == "cpu" else OPEN
