"""The facts of a run: every name once, with its meaning, and why some can only be told."""

from __future__ import annotations

from typing import Any

from govkit.core import Component, Fact, LicenseRecord, Run

FACTS: dict[str, dict[str, str]] = {
    "base": {
        "id": "name by which people know the base",
        "revision": "its commit or version",
        "digest": "artifact digest of its files",
        "files": "each of its files with its digest",
        "license": "license that its card, files and package name, with the digest of the text",
        "ancestors": "bases that its card names",
        "training_data": "data sets that its card names",
        "scratch_cost": "cost of its own training, where its card declares it",
    },
    "tokenizer": {
        "kind": "class of the tokenizer",
        "vocabulary": "number of its tokens",
        "digest": "digest of its rules and vocabulary",
    },
    "data": {
        "id": "name by which people know the source",
        "place": "path relative to the run's root, or name on a hub",
        "revision": "its commit or version",
        "bytes": "digest of the bytes of its file",
        "digest": "digest of its rows, whatever their order and the format of the file",
        "rows": "number of rows",
        "columns": "names of the columns",
        "role": "what it was used for",
        "license": "license that its files and package name",
        "collection": "how it was collected, as declared",
        "consent": "what the people in it agreed to, as declared",
    },
    "splits": {
        "rows": "rows of each role",
        "shared_rows": "rows that occur in more than one data source",
        "method": "how the rows were shared out",
    },
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
    "seeds": {
        "python": "seeds given to Python's generator",
        "numpy": "seeds given to numpy's generators",
        "torch": "seeds given to torch's generators",
        "hash_seed": "PYTHONHASHSEED",
        "deterministic_algorithms": "whether torch was told to use deterministic algorithms only",
        "cudnn_deterministic": "whether cuDNN was told to be deterministic",
        "cudnn_benchmark": "whether cuDNN chose algorithms by timing them",
    },
    "code": {
        "commit": "git commit of the working folder",
        "dirty": "whether tracked files differed from that commit",
        "diff_sha256": "digest of the difference from that commit",
        "script": "script that ran, relative to the run's root",
        "script_sha256": "digest of the script",
        "arguments": "its arguments, secrets and private paths left out",
        "preprocessing": "source files of the run's root that were imported, the script among them, with their digests",
    },
    "environment": {
        "python": "version of Python",
        "packages": "versions of the installed packages that were imported",
        "platform": "operating system and machine",
        "cpu": "name of the processor",
        "cpu_count": "number of processors",
        "memory_mb": "memory of the machine, in 2**20 bytes",
        "device": "device that the model was on",
        "device_name": "name of the accelerator",
    },
    "cost": {
        "wall_s": "seconds from entering to leaving the recorder",
        "cpu_s": "seconds of processor time of this process and its children that ended",
        "peak_rss_mb": "largest resident memory of this process so far, in 2**20 bytes",
        "peak_device_mb": "largest memory allocated on the accelerator, in 2**20 bytes",
        "energy_kwh": "energy used, where it was measured",
        "energy_method": "how the energy was measured",
    },
    "outcome": {
        "loss_curve": "number of entries in the history of losses and metrics",
        "outputs": "number of files of the tuned model, each with its digest",
        "artifact": "digest of the tuned model",
        "exit": "how the run ended",
    },
}
"""Part of the run -> name -> meaning. Every fact of a run stands here once."""

TOLD: dict[str, str] = {
    "base.ancestors": "only its card can tell",
    "base.training_data": "only its card can tell",
    "base.scratch_cost": "only its card can tell",
    "data.revision": "a file does not tell its version; a package or a hub does",
    "data.role": "a file does not say what it is used for",
    "data.collection": "only people know",
    "data.consent": "only people know",
}
"""Facts that no recorder can see by itself, and why."""

OPEN = Fact(seen="unknown")
NOT_APPLICABLE = Fact(seen="not_applicable")


_LEAST: dict[str, int] = {"not_applicable": 0, "observed": 1, "declared": 2, "unknown": 3}


def observed(value: Any, why: str = "") -> Fact:
    """A fact that was seen; ``unknown``, with the reason, where there is no value."""
    return Fact(seen="unknown", why=why) if value is None else Fact(value=value, seen="observed")


def stated(value: Any, why: str = "") -> Fact:
    """A fact that somebody declared; ``unknown``, with the reason, where there is no value."""
    return Fact(seen="unknown", why=why) if value is None else Fact(value=value, seen="declared", why=why)


def complete(part: str, found: dict[str, Fact]) -> dict[str, Fact]:
    """All facts of one part of a run in their order; what was not found is ``unknown``.

    Raises:
        KeyError: A found fact is not in ``FACTS``.
    """
    for name in found:
        FACTS[part][name]
    return {name: found.get(name, OPEN) for name in FACTS[part]}


def facts_of(run: Run) -> dict[str, Fact]:
    """Every fact of a run as ``part.name``; of several data sources the one that is known least."""
    found = {f"base.{name}": fact for name, fact in _of_component(run.base, "base").items()}
    sources = [_of_component(source, "data") for source in run.data]
    for name in FACTS["data"]:
        found[f"data.{name}"] = max((source[name] for source in sources), key=lambda f: _LEAST[f.seen], default=OPEN)
    for part in ("tokenizer", "splits", "method", "hyperparameters", "seeds", "code", "environment", "cost"):
        found |= {f"{part}.{name}": fact for name, fact in complete(part, getattr(run, part)).items()}
    outcome = {
        "loss_curve": observed(len(run.history) or None, "no losses or metrics were seen"),
        "outputs": observed(len(run.outputs) or None, run.artifact.why),
        "artifact": run.artifact,
        "exit": observed(None if run.exit == "unfinished" else run.exit, "its end was never recorded"),
    }
    found |= {f"outcome.{name}": fact for name, fact in outcome.items()}
    return {f"{part}.{name}": found[f"{part}.{name}"] for part, facts in FACTS.items() for name in facts}


def _of_component(component: Component, part: str) -> dict[str, Fact]:
    own = {name: getattr(component, name) for name in ("id", "revision", "digest", "rows")}
    return complete(
        part,
        {name: own[name] for name in own if name in FACTS[part]}
        | component.details
        | {"license": _license(component.license)},
    )


def _license(license: LicenseRecord) -> Fact:
    """A license in conflict is not known; one that rests on a declaration alone is declared."""
    if license.state != "known":
        return Fact(seen="unknown", why=license.reason)
    declared = all(sign.source == "declared" for sign in license.evidence)
    return Fact(value=license.expression, seen="declared" if declared else "observed")
