"""Open a local transformers folder: nothing is downloaded, no code is run, only its digested bytes are read."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from govkit.core.case import Array
from govkit.engine import batches
from govkit.errors import SubjectError
from govkit.lazy import np, torch
from govkit.manifest import weight_files
from govkit.subjects.boundary import Boundary
from govkit.subjects.private import drop, kept_for, private_copy, reading_only
from govkit.subjects.tensors import tensors

BATCH = 64
LONGEST = 512
"""Tokens of a text at most; more is cut and logged."""

_log = logging.getLogger(__name__)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from telling about weights and progress; what matters is checked here and raised."""
    from transformers.utils import logging as chatter

    level, bars = chatter.get_verbosity(), chatter.is_progress_bar_enabled()
    chatter.set_verbosity_error()
    chatter.disable_progress_bar()
    try:
        yield
    finally:
        chatter.set_verbosity(level)
        if bars:
            chatter.enable_progress_bar()


class Opened(NamedTuple):
    """A model in eval mode, frozen, its tokenizer, and the artifact digest of the very bytes that they came from."""

    model: Any
    tokenizer: Any
    digest: str


def open_folder(folder: Path, *, head: bool, language: str | None = None, strict: bool = True) -> Opened:
    """Load model and tokenizer, the model in eval mode, frozen, float32, on the CPU.

    They are loaded from a private copy of the bytes that were digested, whatever happens to the folder meanwhile.

    Args:
        folder: A folder that transformers saved.
        head: True for a model with its head, False for the bare model.
        language: Class of transformers that loads a language model, whose weights must be safetensors; a sequence
            classifier if not given.
        strict: Refuse links, as verifying does.

    Raises:
        SubjectError: There is no such model, weights are missing in it, it needs code of its own, or something in it
            names what lies elsewhere.
    """
    copy, digest = private_copy(folder, strict=strict)
    try:
        with Boundary(f"{folder} cannot be loaded", written={str(copy): str(folder)}):
            _refuse_others(copy, folder)
            with reading_only(copy):
                model, absent, tokenizer = _load(copy, head=head, language=language)
    except BaseException:
        drop(copy)
        raise
    kept_for(tokenizer, copy)
    _named(model, tokenizer, folder)
    # What the checkpoint lacks was just drawn at random: a classifier that nobody trained.
    missing = sorted(key for key in absent if head or "pooler" not in key)
    if missing:
        more = ", ..." if len(missing) > 3 else ""
        raise SubjectError(f"{folder} lacks the weights {', '.join(missing[:3])}{more}; expected a complete model")
    model.eval()
    for parameter in model.parameters():
        parameter.requires_grad = False
    return Opened(model, tokenizer, digest)


def _refuse_others(copy: Path, folder: Path) -> None:
    """Refuse what is no whole model by itself, and weights that are not what their header says.

    Where an adapter lies beside a model, peft is what decides whether it is applied.
    """
    whole, adapter = ((copy / name).is_file() for name in ("config.json", "adapter_config.json"))
    if not whole:
        hint = "an adapter: merge it into its base first" if adapter else "missing"
        raise SubjectError(f"{folder} has no config.json ({hint}); expected a folder that transformers saved")
    if adapter:
        raise SubjectError(f"{folder} holds an adapter beside a model; merge it into the model first, or delete it")
    held: dict[str, str] = {}
    for name in weight_files(copy):
        for tensor in tensors(copy / name) if name.endswith(".safetensors") else ():
            if held.setdefault(tensor, name) != name:
                raise SubjectError(f"{folder}: {held[tensor]} and {name} both hold {tensor[:80]!a}; keep one of them")


def _named(model: Any, tokenizer: Any, folder: Path) -> None:
    """Say where the model lies, not where its copy does: what is saved later repeats it."""
    model.config._name_or_path = model.name_or_path = tokenizer.name_or_path = str(folder)
    tokenizer.init_kwargs["name_or_path"] = str(folder)


def _load(folder: Path, *, head: bool, language: str | None) -> tuple[Any, list[str], Any]:
    import transformers
    from transformers import AutoTokenizer

    kind = getattr(transformers, language or ("AutoModelForSequenceClassification" if head else "AutoModel"))
    options = {"local_files_only": True, "trust_remote_code": False}
    safe = {} if language is None else {"use_safetensors": True}
    with _quiet(), torch.random.fork_rng(devices=[]):
        model, info = kind.from_pretrained(
            str(folder), output_loading_info=True, dtype=torch.float32, weights_only=True, **safe, **options
        )
        tokenizer = AutoTokenizer.from_pretrained(str(folder), **options)
    return model, [*info["missing_keys"], *(key[0] for key in info["mismatched_keys"])], tokenizer


def max_tokens(model: Any, tokenizer: Any) -> int:
    """Tokens of a text at most: what tokenizer, positions and ``LONGEST`` allow."""
    positions = getattr(model.config, "max_position_embeddings", None) or LONGEST
    return int(min(tokenizer.model_max_length, positions, LONGEST))


def tokenize(tokenizer: Any, texts: Sequence[str], limit: int) -> list[dict[str, list[int]]]:
    """Tokens of each text, cut at ``limit``; how many were cut is logged."""
    if not len(texts):
        return []
    coded = tokenizer(list(texts), truncation=True, max_length=limit)
    if coded.encodings is None:
        cut = sum(len(ids) >= limit for ids in coded["input_ids"])
    else:
        cut = sum(bool(encoding.overflowing) for encoding in coded.encodings)
    if cut:
        _log.warning("%d of %d texts are longer than %d tokens and were cut", cut, len(texts), limit)
    return [{key: values[row] for key, values in coded.items()} for row in range(len(texts))]


def token_ids(tokenizer: Any, texts: Sequence[str], limit: int) -> list[tuple[int, ...]]:
    """Ids of the tokens of each text, cut at ``limit``."""
    return [tuple(row["input_ids"]) for row in tokenize(tokenizer, texts, limit)]


def pad(tokenizer: Any, rows: list[dict[str, list[int]]]) -> dict[str, Any]:
    """One batch of tensors, padded to its longest row."""
    with _quiet():
        return dict(tokenizer.pad(rows, return_tensors="pt"))


def embedded(model: Any, tokenizer: Any, texts: Sequence[str], limit: int) -> dict[str, Any]:
    """One padded batch with ``x``, the embeddings ``(n, tokens, width)``, in place of the ids of the tokens."""
    batch = pad(tokenizer, tokenize(tokenizer, texts, limit))
    with torch.no_grad():
        x = model.get_input_embeddings()(batch.pop("input_ids"))
    return {"x": x, **batch}


def by_length(tokenizer: Any, texts: Sequence[str], limit: int) -> Iterator[tuple[Array, dict[str, Any]]]:
    """Batches of texts of similar length, so that little is padding: row numbers and padded tensors."""
    rows = tokenize(tokenizer, texts, limit)
    order = np.argsort([len(row["input_ids"]) for row in rows], kind="stable").astype(np.int64)
    for part in batches(len(rows), BATCH):
        yield order[part], pad(tokenizer, [rows[index] for index in order[part]])
