"""The facts of a run: every name once, with its meaning, and those that a complete lineage needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from govkit.core import Component, Fact, Run

FACTS: dict[str, dict[str, str]] = {
    "method": {
        "kind": "full, partial, head or lora: which parameters were trained",
        "trainable_parameters": "number of parameters that could change",
        "total_parameters": "number of all parameters",
        "trainable_share": "trainable_parameters / total_parameters, in [0, 1]",
        "frozen_modules": "highest modules none of whose parameters could change",
        "adapter": "rank, scaling and target modules of an adapter",
        "architecture": "class of the model",
    },
    "hyperparameters": {
        "optimizer": "class of the optimizer",
        "learning_rate": "learning rate asked for",
        "scheduler": "schedule of the learning rate",
        "warmup_steps": "steps of rising learning rate asked for",
        "weight_decay": "weight decay",
        "max_grad_norm": "norm at which gradients were clipped",
        "batch_size": "rows per device and step",
        "gradient_accumulation_steps": "steps whose gradients were added up",
        "precision": "fp32, fp16 or bf16",
        "epochs_asked": "epochs asked for",
        "epochs_done": "epochs really done",
        "steps_asked": "optimizer steps asked for",
        "steps_done": "optimizer steps really done in this run",
        "first_step": "step at which the run started; above 0 when it was resumed",
        "early_stop": "whether training ended before the steps asked for",
        "train_rows_seen": "rows of the data set that the trainer held",
        "data_seed": "seed of the order of rows, where it had one of its own",
        "other_arguments": "further arguments of the trainer that differ from its defaults, secrets and paths left out",
    },
    "code": {
        "commit": "git commit of the working folder",
        "dirty": "whether tracked files differed from that commit",
        "script": "script that ran, relative to the repository or the working folder",
        "script_sha256": "digest of the script",
    },
    "environment": {
        "python": "version of Python",
        "packages": "versions of the packages that matter",
        "platform": "operating system and machine",
        "cpu_count": "number of processors",
        "device": "device that the model was on",
        "device_name": "name of the accelerator",
    },
    "cost": {
        "wall_s": "seconds from entering to leaving the recorder",
        "cpu_s": "seconds of processor time of this process",
        "peak_rss_mb": "largest resident memory of this process so far, in 2**20 bytes",
        "peak_device_mb": "largest memory allocated on the accelerator, in 2**20 bytes",
        "energy_kwh": "energy used, where it was measured",
    },
}
"""Part of the run -> name -> meaning."""

REQUIRED: tuple[str, ...] = (
    "base.id", "base.revision", "base.digest", "base.license",
    "data.id", "data.digest", "data.rows", "data.license",
    "method.kind", "method.trainable_parameters", "method.total_parameters",
    "hyperparameters.optimizer", "hyperparameters.learning_rate", "hyperparameters.batch_size",
    "hyperparameters.epochs_done", "hyperparameters.steps_done", "hyperparameters.early_stop",
    "seed", "code.commit", "code.dirty", "environment.python", "environment.packages", "environment.device",
    "cost.wall_s", "artifact",
)  # fmt: skip
"""Facts without which the lineage is not complete; ``data.*`` holds for every data source."""

OPEN = Fact(seen="unknown")
NOT_APPLICABLE = Fact(seen="not_applicable")


def observed(value: Any) -> Fact:
    """A fact that was seen; ``unknown`` where there is no value."""
    return OPEN if value is None else Fact(value=value, seen="observed")


def stated(value: Any) -> Fact:
    """A fact that somebody declared; ``unknown`` where there is no value."""
    return OPEN if value is None else Fact(value=value, seen="declared")


def complete(part: str, found: dict[str, Fact]) -> dict[str, Fact]:
    """All facts of one part of a run in their order; what was not found is ``unknown``.

    Raises:
        KeyError: A found fact is not in ``FACTS``.
    """
    for name in found:
        FACTS[part][name]
    return {name: found.get(name, OPEN) for name in FACTS[part]}


def unknown_facts(run: Run) -> tuple[str, ...]:
    """Required facts that the run does not know, as ``part.name``; of a data source ``data[0].name``.

    A license counts as known only in the state ``known``. A run without training data lacks ``data.train``.
    """
    missing = [f"base.{name}" for name in _missing(run.base)]
    if not any(source.role == "train" for source in run.data):
        missing.append("data.train")
    for index, source in enumerate(run.data):
        missing += [f"data[{index}].{name}" for name in _missing(source)]
    for name in REQUIRED:
        part, _, fact = name.partition(".")
        if part not in ("base", "data"):
            value = getattr(run, part)
            seen = value if isinstance(value, Fact) else value.get(fact, OPEN)
            missing += [name] if seen.seen == "unknown" else []
    return tuple(missing)


def _missing(component: Component) -> Iterator[str]:
    part = "base" if component.role == "base" else "data"
    for name in REQUIRED:
        head, _, fact = name.partition(".")
        if head == part and not _knows(component, fact):
            yield fact


def _knows(component: Component, fact: str) -> bool:
    if fact == "license":
        return component.license.state == "known"
    seen: str = getattr(component, fact).seen
    return seen != "unknown"
