"""What ships with a model beside its weights and runs, or is run: code, files that name code, and chat templates.

govkit loads the stock class and runs none of it. Whoever loads the same folder with code of its own runs what no audit
looked at, so it is found here, by name and by content, and told by a digest.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from govkit.errors import EvidenceError
from govkit.manifest import FileDigest, digest_of
from govkit.manifest.opening import LARGEST_JSON, parsed

SOURCE = frozenset({".py", ".pyc", ".pyo", ".pyw", ".pyz", ".pyx", ".so", ".pyd", ".dll", ".dylib", ".whl", ".egg"})
PICKLES = frozenset({".pkl", ".pickle", ".joblib", ".dill"})
TENSORS = frozenset({".bin", ".pt", ".pth", ".ckpt"})
"""Pickles that hold weights; whether these are safe is asked of the weights."""

KEYS = frozenset({"auto_map", "custom_pipelines", "auto_mapping"})
"""Keys that name a class to be imported: of transformers, of its pipelines, and of an adapter's base (PEFT)."""

_LIBRARIES = ("sentence_transformers.", "torch.nn.")


def shipped_code(folder: Path, files: Iterable[FileDigest]) -> tuple[FileDigest, ...]:
    """The files that are code, hold it as a pickle, or name a class or kernel to be loaded from elsewhere.

    Args:
        folder: A folder, or the one file of a model.
        files: Its digested files.
    """
    at = folder.parent if folder.is_file() else folder
    return tuple(file for file in files if _is_code(at / file.path))


def code_digest(code: Iterable[FileDigest]) -> str:
    """``sha256:<hex>`` over names, sizes and bytes of the files that ``shipped_code`` found."""
    return digest_of(code)


def unaudited(code: tuple[FileDigest, ...], *, allowed: str | None, python: bool) -> tuple[FileDigest, ...]:
    """Those of the files that no audit looked at as code.

    Args:
        code: What ``shipped_code`` found.
        allowed: ``subject.code`` of the audit file: the ``code_digest`` of the files that somebody read.
        python: The subject is Python code, whose answers were measured; what configurations name was not run by that.
    """
    if allowed == code_digest(code):
        return ()
    return tuple(file for file in code if file.path.endswith(".json")) if python else code


def templates(folder: Path, files: Iterable[FileDigest]) -> dict[str, str]:
    """Chat templates: file, with the template's name where it has one -> ``sha256:<hex>`` of its text."""
    found: dict[str, str] = {}
    for file in files if folder.is_dir() else ():
        name = file.path.rpartition("/")[2]
        if name.endswith((".jinja", ".jinja2")):
            found[file.path] = f"sha256:{file.sha256}"
        elif name in ("tokenizer_config.json", "processor_config.json", "chat_template.json"):
            for which, text in _texts(_json(folder / file.path)):
                digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
                found[f"{file.path} ({which})" if which else file.path] = f"sha256:{digest}"
    return found


def is_pickle(file: Path) -> bool:
    """By name, by the opcode that pickles since protocol 2 begin with, or as a zip archive that holds one."""
    if file.suffix.lower() in PICKLES | TENSORS:
        return True
    with file.open("rb") as stream:
        start = stream.read(2)
    if len(start) == 2 and start[0] == 0x80 and 2 <= start[1] <= 5:
        return True
    if start != b"PK" or not zipfile.is_zipfile(file):
        return False
    try:
        with zipfile.ZipFile(file) as archive:
            return any(Path(name).suffix.lower() in PICKLES | TENSORS for name in archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        # What cannot be listed may hold one.
        return True


def _is_code(file: Path) -> bool:
    ending = file.suffix.lower()
    if ending in SOURCE:
        return True
    if ending == ".json":
        return _names_code(file)
    # The header of safetensors may begin like a pickle by chance.
    return ending not in TENSORS and ending != ".safetensors" and not file.is_symlink() and is_pickle(file)


def _names_code(file: Path) -> bool:
    """Whether a JSON file names code; one that no loader can read names none, one too large to be read may."""
    if file.is_symlink() or file.stat().st_size > LARGEST_JSON:
        return not file.is_symlink()
    try:
        # Pairs, so that of a key that stands twice both values are seen.
        held = json.loads(file.read_bytes(), object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        return False
    return any(_is_named(file.name, key, value) for key, value in _values(held))


def _values(held: Any) -> Iterator[tuple[str, Any]]:
    """Every value of an object, those of its lists one by one, with the nearest key above it."""
    left = [("", held)]
    while left:
        key, value = left.pop()
        yield key, value
        if isinstance(value, tuple):
            left += [(key if key.endswith("_implementation") else name, held) for name, held in value]
        elif isinstance(value, list):
            left += [(key, each) for each in value]


def _is_named(file: str, key: str, value: Any) -> bool:
    """A class of its own, a kernel of the hub (``owner/name``), or a module that is not of sentence-transformers."""
    if key in KEYS:
        return bool(value)
    if key.endswith("_implementation"):
        return isinstance(value, str) and "/" in value
    return file == "modules.json" and key == "type" and not str(value).startswith(_LIBRARIES)


def _json(file: Path) -> Any:
    try:
        return parsed(file.name, file.read_bytes())
    except (EvidenceError, OSError):
        return None


def _texts(config: Any) -> Iterator[tuple[str, str]]:
    """Name and text of every template of a configuration."""
    held = config.get("chat_template") if isinstance(config, dict) else None
    if isinstance(held, str):
        yield "", held
    for each in held if isinstance(held, list) else ():
        if isinstance(each, dict) and isinstance(each.get("template"), str):
            yield str(each.get("name")), each["template"]
    for name, text in held.items() if isinstance(held, dict) else ():
        if isinstance(text, str):
            yield str(name), text
