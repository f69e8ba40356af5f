"""What a loader opens because a file of the model names it: digested files of the same folder, and no other.

The names and keys are those of transformers 5: an index of shards, ``transformers_weights``, lists of configurations
and tokenizers by version, and whatever ``tokenizer_config.json`` hands to the class of a tokenizer. Where a key is not
known here, its value may be no path that leads out of the folder.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from govkit.errors import EvidenceError

WEIGHTS = {"model.safetensors": "model.safetensors.index.json", "pytorch_model.bin": "pytorch_model.bin.index.json"}
"""Weights in one file -> the index of weights in several; transformers takes the first that is there, in this order."""

LARGEST_JSON = 1 << 26
"""Bytes of a JSON file that a loader reads; the largest tokenizer that we know has 35 MB."""

_CONFIG = re.compile(
    r"(config|generation_config|tokenizer_config|special_tokens_map|processor_config|preprocessor_config"
    r"|video_preprocessor_config|feature_extractor_config|image_processor_config)(\..*)?\.json"
)
_READ_TOO = frozenset({"tokenizer.json", "vocab.json", "added_tokens.json"})

_NO_NAMES = frozenset(
    {"_name_or_path", "name_or_path", "base_model_name_or_path", "tokenizer_file", "special_tokens_map_file"}
    | {"chat_template", "id2label", "label2id", "added_tokens_decoder", "extra_special_tokens"}
    | {"additional_special_tokens", "model_specific_special_tokens", "stop_strings"}
)
"""Keys whose values no loader opens: where a model once lay, what transformers overrides, texts, labels and tokens."""

_OF_FOLDER = frozenset({"configuration_files", "fast_tokenizer_files", "transformers_weights"})
_BY_ITSELF = frozenset({"vocab", "merges", "init_inputs", "gguf_file", "tokenizer_object"})
"""Keys whose files are opened as they are named, so also from the folder in which somebody works."""

_LEADS_OUT = re.compile(r"[/\\~]|[A-Za-z]:[\\/]|file:|(.*[/\\])?\.\.([/\\]|$)", re.IGNORECASE)


def refuse_outside(folder: Path, digests: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Refuse a folder of which transformers would open something else than its own files.

    Args:
        folder: A folder that transformers saved.
        digests: Path -> SHA-256 in hex of its digested files; what is read here must be these bytes. What lies in the
            folder counts if not given.

    Returns:
        Names of the files of its weights; see ``weight_files``.

    Raises:
        EvidenceError: ``OUTSIDE`` of a name that leads out of the folder, ``BAD_INDEX`` of an index that does not fit
            the files, ``DUP_KEY``, ``BAD_JSON``, or ``CHANGED``; names the file.
    """
    files = _Files(folder, digests)
    for name in sorted(files.names):
        if _CONFIG.fullmatch(name):
            _refuse_values(name, files.read(name), files.names)
        elif name in _READ_TOO:
            files.read(name)
    return _weights(files)


def weight_files(folder: Path) -> tuple[str, ...]:
    """Names of the files that transformers loads the weights from; empty where it knows none.

    Raises:
        EvidenceError: As ``refuse_outside``, of the configuration and the index.
    """
    return _weights(_Files(folder, None))


def parsed(name: str, content: bytes) -> Any:
    """JSON in which each key of an object stands once.

    Raises:
        EvidenceError: ``DUP_KEY`` or ``BAD_JSON``.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            message = f"{name}: the key {twice[:80]!a} stands twice, so that two readers may read two things; keep one"
            raise EvidenceError("DUP_KEY", message, file=name)
        return found

    try:
        return json.loads(content, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise EvidenceError("BAD_JSON", f"{name}: cannot be read as JSON ({error})", file=name) from None


class _Files:
    """The files that lie directly in a folder."""

    def __init__(self, folder: Path, digests: Mapping[str, str] | None) -> None:
        self.folder, self.digests = folder, digests
        inside = [each.name for each in folder.iterdir() if each.is_file()] if digests is None else list(digests)
        self.names = frozenset(name for name in inside if "/" not in name)

    def read(self, name: str) -> Any:
        """One JSON file, whose bytes are the digested ones."""
        try:
            with (self.folder / name).open("rb") as stream:
                content = stream.read(LARGEST_JSON + 1)
        except OSError:
            content = b""
        if len(content) > LARGEST_JSON:
            raise EvidenceError("BAD_JSON", f"{name}: is larger than {LARGEST_JSON:,} bytes; expected less", file=name)
        if self.digests is not None and hashlib.sha256(content).hexdigest() != self.digests[name]:
            message = f"{name!r} was changed or replaced while it was read; try again"
            raise EvidenceError("CHANGED", message, file=name)
        return parsed(name, content)


def _weights(files: _Files) -> tuple[str, ...]:
    config = files.read("config.json") if "config.json" in files.names else {}
    chosen = config.get("transformers_weights") if isinstance(config, dict) else None
    if chosen is not None:
        _refuse_absent("config.json", str(chosen), files.names)
        return _shards(files, str(chosen)) if str(chosen).endswith(".index.json") else (str(chosen),)
    for whole, index in WEIGHTS.items():
        if {whole, index} <= files.names:
            message = f"{index}: stands beside {whole}, and only one of them is loaded; delete the other"
            raise EvidenceError("BAD_INDEX", message, file=index)
        if whole in files.names:
            return (whole,)
        if index in files.names:
            return _shards(files, index)
    return ()


def _shards(files: _Files, index: str) -> tuple[str, ...]:
    """The shards that an index names, all of them there, and no other of the same kind."""
    held = files.read(index)
    placed = held.get("weight_map") if isinstance(held, dict) else None
    if not (isinstance(placed, dict) and placed and all(isinstance(shard, str) for shard in placed.values())):
        message = f"{index}: holds no weight_map; expected the name of a tensor and the name of its file, at least once"
        raise EvidenceError("BAD_INDEX", message, file=index)
    shards = sorted(set(placed.values()))
    for shard in shards:
        _refuse_absent(index, shard, files.names)
    stem, dot, ending = index.removesuffix(".index.json").rpartition(".")
    alike = {name for name in files.names if name.startswith(stem) and name.endswith(dot + ending)}
    if unnamed := sorted(alike - set(shards)):
        message = f"{index}: does not name {unnamed[0]!a}, which lies beside it; delete that file, or name it"
        raise EvidenceError("BAD_INDEX", message, file=index)
    return tuple(shards)


def _refuse_absent(file: str, name: str, names: Collection[str]) -> None:
    if name in names:
        return
    if "/" in name or _LEADS_OUT.match(name):
        raise _outside(file, name)
    raise EvidenceError("BAD_INDEX", f"{file}: names the file {name[:200]!a}, which is not there", file=file)


def _outside(file: str, name: str) -> EvidenceError:
    message = (
        f"{file}: names {name[:200]!a}, which is no file of this folder; copy it into the folder and name it there"
    )
    return EvidenceError("OUTSIDE", message, file=file)


def _refuse_values(file: str, value: Any, names: Collection[str]) -> None:
    for key, text in _texts("", value):
        if key in _OF_FOLDER:
            _refuse_absent(file, text, names)
        elif key in _BY_ITSELF or _LEADS_OUT.match(text) or (key.endswith("_implementation") and "/" in text):
            raise _outside(file, text)


def _texts(key: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every text that may be a name, with the nearest key above it; tokens and labels are none."""
    left = [(key, value)]
    while left:
        key, value = left.pop()
        if isinstance(value, dict):
            # A kernel may be named for each part of a model.
            inside = key if key.endswith("_implementation") else ""
            left += [(inside or name, held) for name, held in value.items() if _may_name(name)]
        elif isinstance(value, list):
            left += [(key, each) for each in value]
        elif isinstance(value, str) and value:
            yield key, value


def _may_name(key: str) -> bool:
    return key not in _NO_NAMES and not key.endswith(("_token", "_tokens"))
