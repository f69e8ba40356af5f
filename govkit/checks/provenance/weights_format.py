"""Weights format: can the files of the model be loaded without running code from them?"""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Iterator
from pathlib import Path

from govkit.checks._shared import counted, missing
from govkit.core import Case, Finding, Measurement, Metric, check
from govkit.core.words import TASKS
from govkit.errors import EvidenceError
from govkit.manifest import weight_files
from govkit.manifest.shipped import PICKLES, TENSORS, is_pickle
from govkit.subjects.tensors import tensors

SAFE = frozenset({".safetensors", ".gguf", ".onnx"})
CARRIERS = frozenset({".h5", ".hdf5", ".keras", ".pb"})
"""Formats that can hold code although they are no pickles."""

KNOWN = SAFE | PICKLES | TENSORS


@check(
    "weights_format",
    crosswalk="check.supply_chain",
    tasks=TASKS,
    metrics={
        "safe_format": Metric("Whether the weights are in a format that holds no code, and nothing else is."),
        "pickle_files": Metric("Files that run code when they are loaded.", better="lower", unit="files", low=0),
        "unsafe_imports": Metric(
            "Dangerous functions that these files call when loaded.", better="lower", unit="imports", low=0
        ),
        "unknown_imports": Metric(
            "Functions that these files call and of which nothing is known.", better="lower", unit="imports", low=0
        ),
    },
)
def weights_format(case: Case) -> Iterator[Finding]:
    """File formats of the candidate, and a scan of its pickles by picklescan; nothing is ever loaded.

    A pickle is known by its name or by its first bytes, whatever its name says, and safetensors by their header. Files
    that are neither weights nor pickles do not count. Safe are the files that transformers loads, where it knows the
    folder, and every other file of weights in it.
    """
    if case.model_path is None or case.access == "predictions":
        yield missing("*", "unsupported", "There are no files of the candidate's weights.")
        return
    files = _files(case.model_path)
    safe = [file for file in files if _is_safe(file)]
    pickles = [file for file in files if file not in safe and is_pickle(file)]
    other = [file for file in files if file not in safe and file.suffix.lower() in SAFE | CARRIERS]
    if not (safe or pickles or other):
        found = f"{len(files)} files, none of them in a known format of weights"
        yield missing("*", "no data", f"The model holds {found}; known are {', '.join(sorted(KNOWN))}.")
        return
    sound = bool(safe) and not pickles and not other and _loads_only(case.model_path, safe)
    yield Measurement(name="safe_format", value=sound, n=len(files))
    yield counted("pickle_files", len(pickles), n=len(files))
    yield from _scanned(pickles)


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def _is_safe(file: Path) -> bool:
    """By name and by content: a pickle may be called anything."""
    ending = file.suffix.lower()
    if ending == ".safetensors":
        try:
            tensors(file)
        except ValueError:
            return False
        return True
    with file.open("rb") as stream:
        start = stream.read(4)
    return start == b"GGUF" if ending == ".gguf" else ending in SAFE and not is_pickle(file)


def _loads_only(path: Path, safe: list[Path]) -> bool:
    """Whether transformers loads nothing but safe files from a folder of its own."""
    if not (path / "config.json").is_file():
        return True
    try:
        return {path / name for name in weight_files(path)} <= {*safe}
    except EvidenceError:
        return False


def _scanned(pickles: list[Path]) -> Iterator[Finding]:
    """Imports that picklescan finds by reading the opcodes; a file that it cannot read is a gap, never a zero."""
    scans = {file: _scan(file) for file in pickles}
    unread = [file.name for file, (_, _, readable) in scans.items() if not readable]
    counts = {"unsafe_imports": 0, "unknown_imports": 0}
    for unsafe, unknown, _ in scans.values():
        counts["unsafe_imports"] += unsafe
        counts["unknown_imports"] += unknown
    for name, count in counts.items():
        if unread and not count:
            why = f"{len(unread)} of {len(pickles)} pickles cannot be scanned, for example {unread[0]!r}."
            yield missing(name, "unsupported", why)
        else:
            yield counted(name, count, n=len(pickles))


def _scan(file: Path) -> tuple[int, int, bool]:
    """Dangerous imports, unknown imports, and whether all of the file could be read.

    picklescan skips what it cannot parse and only logs that, so its log is listened to.
    """
    from picklescan.scanner import scan_file_path

    complaints: list[str] = []

    def listen(record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if "FOUND" not in text and "Trying to scan as" not in text:
            complaints.append(text)
        return False

    log = logging.getLogger("picklescan")
    level = log.level
    log.setLevel(logging.WARNING)
    log.addFilter(listen)
    try:
        result = scan_file_path(str(file))
    except (OSError, ValueError, LookupError, EOFError, RuntimeError, zipfile.BadZipFile):
        return 0, 0, False
    finally:
        log.removeFilter(listen)
        log.setLevel(level)
    whole = bool(result.scanned_files) and not result.scan_err and not complaints
    return int(result.issues_count), int(result.suspicious_count), whole
