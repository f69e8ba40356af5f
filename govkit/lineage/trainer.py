"""Watch a transformers Trainer: what it was told, and what it really did."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

from govkit.core import Fact
from govkit.errors import UsageError
from govkit.lineage.facts import NOT_APPLICABLE, OPEN, observed

_SECRET_NAME = re.compile(r"token|key|hub|secret|passw|credential|auth|login", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"\b(hf_|sk-|ghp_|gho_|github_pat_|AKIA|xox[bp]-)\w{6,}|://[^/\s]*@")
_PLACE_NAME = re.compile(r"_dir$|_path$|^run_name$|_file$|^resume_from_checkpoint$|^project$")
_TOLD_ELSEWHERE = frozenset({
    "learning_rate", "lr_scheduler_type", "warmup_steps", "weight_decay", "max_grad_norm", "num_train_epochs",
    "max_steps", "per_device_train_batch_size", "gradient_accumulation_steps", "seed", "data_seed", "optim", "fp16",
    "bf16",
})  # fmt: skip


class Watch:
    """What a callback saw of one Trainer.

    Attributes:
        trainer: The Trainer.
        began: Whether training began.
        ended: Whether it came to its own end, early or not.
        first_step: Optimizer step at which it began.
        method: Facts about trained and frozen parameters, taken as training began.
        optimizer: Class of the optimizer.
    """

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer
        self.began = False
        self.ended = False
        self.first_step = 0
        self.method: dict[str, Fact] = {}
        self.optimizer: str | None = None
        self._callback = _callback(self)
        trainer.add_callback(self._callback)

    def release(self) -> None:
        """Take the callback out of the Trainer."""
        self.trainer.remove_callback(self._callback)

    def begin(self, state: Any, model: Any, optimizer: Any) -> None:
        """Training begins: only now is it settled which parameters can change."""
        if not self.began:
            self.first_step = int(state.global_step)
        self.began, self.ended = True, False
        self.method = method(model)
        inner = getattr(optimizer, "optimizer", optimizer)
        self.optimizer = None if inner is None else type(inner).__name__


def watch(target: Any) -> Watch:
    """Watch a training loop.

    Raises:
        UsageError: It is not one that govkit can watch; the message lists what it can.
    """
    kinds = [(kind.__module__, kind.__name__) for kind in type(target).__mro__]
    if ("transformers.trainer", "Trainer") not in kinds:
        raise UsageError(
            f"cannot watch an object of type {type(target).__module__}.{type(target).__name__}; "
            "supported: transformers.Trainer and its subclasses"
        )
    return Watch(target)


def _callback(watch: Watch) -> Any:
    from transformers import TrainerCallback

    class Observer(TrainerCallback):  # type: ignore[misc]
        """Passes the beginning and the end of training on to a ``Watch``."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
            watch.begin(state, kwargs.get("model"), kwargs.get("optimizer"))

        def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
            watch.ended = True

    return Observer()


def method(model: Any) -> dict[str, Fact]:
    """Which parameters can change: numbers, share, frozen modules, adapter."""
    total = sum(parameter.numel() for parameter in model.parameters())
    names = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    trainable = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    adapter = _adapter(model)
    return {
        "kind": observed(_kind(model, names, everything=trainable == total, adapter=adapter)),
        "trainable_parameters": observed(trainable),
        "total_parameters": observed(total),
        "trainable_share": observed(trainable / total if total else None),
        "frozen_modules": observed(list(_frozen(model, ""))),
        "adapter": observed(adapter) if adapter is not None else NOT_APPLICABLE,
        "architecture": observed(type(model).__name__),
    }


def _kind(model: Any, names: list[str], *, everything: bool, adapter: dict[str, Any] | None) -> str:
    if adapter is not None:
        return str(adapter["type"])
    if not names:
        return "none"
    if everything:
        return "full"
    prefix = getattr(model, "base_model_prefix", "")
    is_head = bool(prefix) and not any(name.startswith(f"{prefix}.") for name in names)
    return "head" if is_head else "partial"


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
        "alpha": getattr(config, "lora_alpha", None),
        "target_modules": sorted(targets) if isinstance(targets, set | list | tuple) else targets,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _frozen(module: Any, prefix: str) -> Iterator[str]:
    """Names of the highest modules that have parameters, none of which can change."""
    for name, child in module.named_children():
        able = [parameter.requires_grad for parameter in child.parameters()]
        if able and not any(able):
            yield prefix + name
        elif able:
            yield from _frozen(child, f"{prefix}{name}.")


def hyperparameters(watch: Watch) -> dict[str, Fact]:
    """What the Trainer was told and what it did."""
    args, state = watch.trainer.args, watch.trainer.state
    done = int(state.global_step) - watch.first_step
    asked = int(state.max_steps) if watch.began else None
    rows = watch.trainer.train_dataset
    return {
        "optimizer": observed(watch.optimizer),
        "learning_rate": observed(args.learning_rate),
        "scheduler": observed(_plain(args.lr_scheduler_type)),
        "warmup_steps": observed(args.warmup_steps),
        "weight_decay": observed(args.weight_decay),
        "max_grad_norm": observed(args.max_grad_norm),
        "batch_size": observed(args.per_device_train_batch_size),
        "gradient_accumulation_steps": observed(args.gradient_accumulation_steps),
        "precision": observed(_precision(args, watch.trainer.model)),
        "epochs_asked": NOT_APPLICABLE if args.max_steps > 0 else observed(args.num_train_epochs),
        "epochs_done": observed(None if state.epoch is None else round(float(state.epoch), 6)),
        "steps_asked": observed(asked),
        "steps_done": observed(done),
        "first_step": observed(watch.first_step),
        # Cut short by an error or a person is not an early stop: nobody decided it.
        "early_stop": observed(int(state.global_step) < (asked or 0)) if watch.ended else OPEN,
        "train_rows_seen": observed(len(rows) if hasattr(rows, "__len__") else None),
        "data_seed": NOT_APPLICABLE if args.data_seed is None else observed(args.data_seed),
        "other_arguments": observed(dict(_other_arguments(args))),
    }


def _precision(args: Any, model: Any) -> str:
    if args.bf16 or args.fp16:
        return "bf16" if args.bf16 else "fp16"
    kinds = {"torch.float32": "fp32", "torch.bfloat16": "bf16", "torch.float16": "fp16"}
    name = str(next(model.parameters()).dtype)
    return kinds.get(name, name)


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _other_arguments(args: Any) -> Iterator[tuple[str, Any]]:
    """Plain arguments that differ from their defaults. A name or value that looks like a secret is dropped."""
    for field in dataclasses.fields(args):
        if field.name in _TOLD_ELSEWHERE or _SECRET_NAME.search(field.name) or _PLACE_NAME.search(field.name):
            continue
        value, default = _plain(getattr(args, field.name)), _plain(field.default)
        is_plain = isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))
        if not is_plain or value == default or (isinstance(value, str) and _SECRET_VALUE.search(value)):
            continue
        yield field.name, value


def history(watch: Watch) -> tuple[dict[str, float], ...]:
    """The log of losses and metrics. Values that are not finite cannot be recorded and are left out."""
    rows = (
        {name: float(value) for name, value in entry.items() if isinstance(value, int | float) and math.isfinite(value)}
        for entry in watch.trainer.state.log_history
    )
    return tuple(row for row in rows if row)
