"""Which parameters of a model are trained, what cuts its text, and how both are saved."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from govkit.core import Fact
from govkit.lineage.facts import FACTS, NOT_APPLICABLE, observed, unseen

_digests: WeakKeyDictionary[Any, tuple[int, str]] = WeakKeyDictionary()


def unwrap(model: Any) -> Any:
    """The model inside the wrappers of torch that compile it or spread it over devices."""
    while type(model).__name__ in ("DistributedDataParallel", "DataParallel", "OptimizedModule"):
        model = getattr(model, "_orig_mod", None) or model.module
    return model


def method(model: Any, trained: Collection[int] | None = None) -> dict[str, Fact]:
    """Which parameters can change: numbers, share, frozen modules, adapter.

    Args:
        model: A torch module.
        trained: ``id`` of the parameters that optimizers could change; those that take gradients if not given.
    """

    def able(parameter: Any) -> bool:
        return bool(parameter.requires_grad) if trained is None else id(parameter) in trained

    total = sum(parameter.numel() for parameter in model.parameters())
    names = [name for name, parameter in model.named_parameters() if able(parameter)]
    trainable = sum(parameter.numel() for parameter in model.parameters() if able(parameter))
    adapter = _adapter(model)
    kind = str(adapter["type"]) if adapter else "full" if trainable == total else _kind(model, names)
    return {
        "kind": observed(kind),
        "trainable_parameters": observed(trainable),
        "total_parameters": observed(total),
        "trainable_share": observed(trainable / total if total else None),
        "frozen_modules": observed(list(_frozen(model, "", able))),
        "adapter": observed(adapter) if adapter is not None else NOT_APPLICABLE,
        "architecture": observed(type(model).__name__),
    }


def _kind(model: Any, names: list[str]) -> str:
    if not names:
        return "none"
    children = [name for name, child in model.named_children() if any(True for _ in child.parameters())]
    if len(children) == 1 and all(name.startswith(f"{children[0]}.") for name in names):
        inner = len(children[0]) + 1
        return _kind(getattr(model, children[0]), [name[inner:] for name in names])
    prefix = getattr(model, "base_model_prefix", "")
    if prefix in children:
        return "partial" if any(name.startswith(f"{prefix}.") for name in names) else "head"
    is_last = len(children) > 1 and all(name.startswith(f"{children[-1]}.") for name in names)
    return "head" if is_last else "partial"


def _adapter(model: Any) -> dict[str, Any] | None:
    configs = getattr(model, "peft_config", None)
    if not configs:
        return None
    config = next(iter(configs.values()))
    kind = getattr(config.peft_type, "value", config.peft_type)
    targets = getattr(config, "target_modules", None)
    facts = {
        "type": str(kind).lower(),
        "rank": getattr(config, "r", None),
        "ranks": getattr(config, "rank_pattern", None) or None,
        "alpha": getattr(config, "lora_alpha", None),
        "target_modules": sorted(targets) if isinstance(targets, set | list | tuple) else targets,
        "base": getattr(config, "base_model_name_or_path", None) or None,
        "base_revision": getattr(config, "revision", None),
    }
    return {name: value for name, value in facts.items() if value is not None}


def _frozen(module: Any, prefix: str, able: Any) -> Iterator[str]:
    """Names of the highest modules that have parameters, none of which can change."""
    for name, child in module.named_children():
        free = [able(parameter) for parameter in child.parameters()]
        if free and not any(free):
            yield prefix + name
        elif free:
            yield from _frozen(child, f"{prefix}{name}.", able)


def precision(model: Any) -> str | None:
    """Type of the parameters, or None without a model."""
    name = "" if model is None else next((str(parameter.dtype) for parameter in model.parameters()), "")
    return {"torch.float32": "fp32", "torch.bfloat16": "bf16", "torch.float16": "fp16"}.get(name, name) or None


def tokenizer(cutter: Any | None, why: str) -> dict[str, Fact]:
    """Class, size and digest of a tokenizer, or of the one in a processor."""
    cutter = getattr(cutter, "tokenizer", cutter)
    if cutter is None:
        return unseen("tokenizer", why)
    if not hasattr(cutter, "get_vocab"):
        return dict.fromkeys(FACTS["tokenizer"], NOT_APPLICABLE)
    size = len(cutter)
    if _digests.get(cutter, (0, ""))[0] != size:
        _digests[cutter] = (size, _digest(cutter))
    return {
        "kind": observed(type(cutter).__name__),
        "vocabulary": observed(size),
        "digest": observed(_digests[cutter][1]),
    }


def _digest(cutter: Any) -> str:
    """Digest of rules and vocabulary. How texts are padded and cut changes with every call and is left out."""
    backend = getattr(cutter, "backend_tokenizer", None)
    rules = {"vocabulary": cutter.get_vocab()} if backend is None else json.loads(backend.to_str())
    kept = {name: rule for name, rule in rules.items() if name not in ("truncation", "padding")}
    return f"sha256:{sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()}"


def save(model: Any, cutter: Any | None, folder: Path) -> bool:
    """Save a model, or its adapter, as safetensors, and its tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    if hasattr(model, "save_pretrained"):
        model.save_pretrained(folder)
    else:
        from safetensors.torch import save_model

        save_model(model, str(folder / "model.safetensors"))
    if cutter is not None:
        cutter.save_pretrained(folder)
    return True
