"""Where a run happened: its code, its packages, its machine."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from govkit.core import Fact
from govkit.lazy import torch
from govkit.lineage.facts import NOT_APPLICABLE, observed
from govkit.lineage.privacy import Veil

_NO_GIT = "the run's root is in no git repository with a commit, or git cannot be run"
_NO_SCRIPT = "no script: an interactive session, or code that lies in no file"
_PLAIN = (
    "--binary", "--full-index", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--submodule=short",
    "--diff-algorithm=myers", "--unified=3", "--src-prefix=a/", "--dst-prefix=b/",
)  # fmt: skip
"""Options that make a difference the same whatever the user's settings of git are."""
_TOP = re.compile(r"^(\w+)(?:/|\.py,|\.[\w-]+\.so,)", re.MULTILINE)


def code(root: Path, *, script: tuple[Path, Sequence[str]] | None = None) -> dict[str, Fact]:
    """Commit and state of the run's root, and the script; called at the start. ``preprocessing`` is seen at the end.

    The difference from the commit is that of tracked files. An untracked file that was imported stands in
    ``preprocessing``. No remote address is asked for, which can hold a password.

    Args:
        root: Folder in which the run was started.
        script: The script and its arguments; those of this process if not given.
    """
    commit = _git(root, "rev-parse", "--verify", "HEAD")
    difference = _git(root, "diff", "HEAD", *_PLAIN) if commit else None
    digest = None if difference is None else _sha256(difference)
    return {
        "commit": observed(commit and commit.decode().strip(), _NO_GIT),
        "dirty": observed(None if difference is None else bool(difference), _NO_GIT),
        "diff_sha256": NOT_APPLICABLE if difference == b"" else observed(digest, _NO_GIT),
        **_script(root, script or _own_script()),
    }


def _git(root: Path, *arguments: str) -> bytes | None:
    """Output of a git command, or None where git is absent, fails or hangs."""
    command = ["git", "-C", str(root), *arguments]
    try:
        return subprocess.run(command, capture_output=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None


def _sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _own_script() -> tuple[Path, Sequence[str]] | None:
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return None if file is None else (Path(file), sys.argv[1:])


def _script(root: Path, script: tuple[Path, Sequence[str]] | None) -> dict[str, Fact]:
    if script is None or not script[0].is_file():
        return dict.fromkeys(("script", "script_sha256", "arguments"), observed(None, _NO_SCRIPT))
    veil = Veil(root)
    return {
        "script": observed(veil.path(script[0])),
        "script_sha256": observed(_sha256(script[0].read_bytes())),
        "arguments": observed(veil.arguments(script[1])),
    }


def preprocessing(root: Path, *, script: Path | None = None) -> Fact:
    """Source files beneath the root that were imported, the script among them, with their digests; called at the end.

    Installed packages and govkit itself are left out: their versions are on record. What child processes import is
    not seen, and a file that was edited after its import is digested as it is now.
    """
    home, library = root.resolve(), sysconfig.get_paths()["stdlib"]
    # Asking a lazy module for its file could import it.
    found = (getattr(module, "__dict__", {}).get("__file__") for module in list(sys.modules.values()))
    names = {str(name) for name in (*found, script) if name is not None}
    files = {Path(name).resolve() for name in names if "-packages/" not in name and not name.startswith(library)}
    own = sorted(file.relative_to(home).as_posix() for file in files if file.is_file() and file.is_relative_to(home))
    tool = Path(__file__).parents[1]
    digests = {name: _sha256((home / name).read_bytes()) for name in own if not (home / name).is_relative_to(tool)}
    return observed(digests or None, "no file that was imported lies beneath the run's root")


def environment(model: Any | None) -> dict[str, Fact]:
    """Packages that were imported so far, the machine, and where the model is. No name of a user, host or folder."""
    found = devices(model)
    return {
        "python": observed(platform.python_version()),
        "packages": observed(_packages()),
        "platform": observed(platform.platform()),
        "cpu": observed(_cpu(), "the system does not name its processor"),
        "cpu_count": observed(os.cpu_count()),
        "memory_mb": observed(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20),
        "device": observed(", ".join(found) or None, "no model was seen that says where it is"),
        "device_name": accelerator(found, lambda cuda: ", ".join(dict.fromkeys(map(cuda.get_device_name, found)))),
    }


def installed(names: Iterable[str]) -> dict[str, str]:
    """Versions of these packages, of those that are installed."""
    found = {}
    for name in sorted(names):
        try:
            found[name] = metadata.version(name)
        except (metadata.PackageNotFoundError, ValueError):
            continue
    return found


def _packages() -> dict[str, str]:
    """Imported packages; of several that share a namespace, all.

    Most packages are called like what they install. Only for the others the files of all packages are looked
    through, which makes this five times as quick as ``importlib.metadata.packages_distributions``.
    """
    tops = {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names
    found = installed(tops)
    others = tops - found.keys()
    for distribution in metadata.distributions():
        names = (distribution.read_text("top_level.txt") or "").split()
        if not others.isdisjoint(names or _TOP.findall(distribution.read_text("RECORD") or "")):
            found[distribution.name] = distribution.version
    return dict(sorted(found.items()))


def _cpu() -> str | None:
    listed = Path("/proc/cpuinfo")
    text = listed.read_text(encoding="utf-8") if listed.exists() else ""
    named = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return named[1] if named else platform.processor() or None


def devices(model: Any | None) -> list[str]:
    """Devices that the parameters of a model are on, as torch names them; empty where it does not say."""
    found: set[str] = set()
    # A model of the user that fails when it is asked must not cost the record.
    with contextlib.suppress(Exception):
        found = {str(parameter.device) for parameter in model.parameters()}  # type: ignore[union-attr]
    # Estimators of scikit-learn hold arrays in the memory of the machine.
    return sorted(found) or ["cpu"] * (type(model).__module__.partition(".")[0] == "sklearn")


def accelerator(found: Sequence[str], ask: Callable[[Any], Any]) -> Fact:
    """What ``torch.cuda`` says of the devices of a model; not applicable where they are the processor alone."""
    if found == ["cpu"]:
        return NOT_APPLICABLE
    if not found or not all(name.startswith("cuda") for name in found):
        return observed(None, "no model was seen that is on an accelerator known to torch.cuda")
    return observed(ask(torch.cuda))
