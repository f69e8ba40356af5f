"""The record of a fine-tuning run: every fact with how it is known."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from govkit.core.recorded import Long, Recorded
from govkit.core.words import Seen

Exit = Literal["finished", "failed", "interrupted", "unfinished"]
"""How a run ended. ``unfinished``: its end was never recorded, it was killed or still goes on."""


class Fact(Recorded):
    """A value and how it is known. ``unknown`` and ``not_applicable`` carry no value.

    Attributes:
        why: Why it was not observed, where there is more to say than that nobody saw it.
    """

    value: Any = None
    seen: Seen
    why: str = ""


class LicenseEvidence(Recorded):
    """One sign of a license.

    Attributes:
        source: Where it was seen.
        where: File (relative to the component) or field that says so.
        expression: SPDX expression that it says, or None where the text was not recognized.
        sha256: Digest of the text, where there is a text.
        copyright: Its lines that say who holds the copyright.
    """

    source: Literal["license file", "card", "package classifier", "package metadata", "declared"]
    where: str
    expression: str | None
    sha256: str = ""
    copyright: tuple[str, ...] = ()


class LicenseRecord(Recorded):
    """What is concluded from the evidence about one component's license.

    Attributes:
        expression: SPDX expression, or None unless ``state`` is ``known``.
        state: ``known`` (all evidence agrees), ``conflict`` (it contradicts itself) or ``unknown``.
        reason: A sentence that names the evidence.
    """

    expression: str | None
    state: Literal["known", "conflict", "unknown"]
    reason: str
    evidence: tuple[LicenseEvidence, ...] = ()


class Component(Recorded):
    """A part that went into the model: its base, a data set.

    Attributes:
        role: ``base``, or the role of a data set; ``unknown`` where nobody said what the rows are for.
        id: Name by which people know it.
        revision: Commit or version.
        digest: Base: artifact digest of its files. Data: digest of the rows, independent of order.
        rows: Number of rows of a data set.
        license: What is known of its license.
        details: Further facts, by name: for the base its files, ancestors ...; for data its place, columns ...
        notes: What the user says besides, for example ``{"raw_duplicates": ...}``.
    """

    role: Literal["base", "train", "test", "shifted", "calibration", "canary", "unknown"]
    id: Fact
    revision: Fact
    digest: Fact
    rows: Fact
    license: LicenseRecord
    details: dict[str, Fact] = {}
    notes: dict[str, Fact] = {}


class Read(Recorded):
    """A file that the run opened for reading.

    Attributes:
        path: Relative to the run's root, or shortened to what is not private.
        channels: How it was seen: ``hook``, ``wrapper``, ``folder watch``, ``child``.
        size: Bytes at the end of the run; 0 where the file is gone.
        sha256: ``sha256:<hex>`` of its bytes at the end of the run; empty where it is gone.
    """

    path: str
    channels: tuple[str, ...]
    size: int = 0
    sha256: str = ""


class Part(Recorded):
    """One stretch of a run, from its start or resumption to its end.

    Attributes:
        started: UTC time, ISO 8601.
        exit: How it ended.
        exit_code: Of the script, where one ran.
        first_step: Optimizer step at which it began.
        steps_done: Optimizer steps seen in it.
        wall_s: Seconds.
        cpu_s: Seconds of processor time.
    """

    started: str
    exit: Exit
    exit_code: int | None = None
    first_step: int = 0
    steps_done: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0


class Problem(Recorded):
    """Something that happened in a run and speaks against what its record says.

    Attributes:
        kind: ``data changed`` while the run went on; ``data not read``: it was declared and never opened;
            ``stale cache``: rows that were trained on are not those of the file; ``other base`` than the one declared
            was loaded; ``record lost``: a part of it could not be written.
        what: A sentence that names the file or the base.
    """

    kind: Literal["data changed", "data not read", "stale cache", "other base", "record lost"]
    what: str


class Run(Recorded):
    """What a fine-tuning run was made of (``govkit.run/v1``); ``govkit.lineage.FACTS`` says what each fact means.

    Attributes:
        base: The pretrained base.
        data: Data sources.
        tokenizer: What cut the text.
        splits: How rows are shared out over the roles.
        method: ``full``, ``head``, ``partial``, ``lora`` ..., with numbers of trainable and total parameters.
        hyperparameters: As the trainer held them.
        seed: Seed of the training run.
        seeds: Every seed that was set, and flags of determinism.
        code: Commit, dirty state, script.
        environment: Python, packages, hardware.
        cost: Wall and CPU seconds, peak memory; energy where it was measured.
        outputs: Relative path -> ``sha256:<hex>`` of each file of the tuned model.
        artifact: Digest of the manifest of the tuned model.
        history: Losses and metrics by step.
        reads: Files that the run was seen to open; never a claim that it opened no other.
        channels: Channel by which something can be read -> ``seen``, or why it could not be seen.
        parts: Stretches of the run; more than one where it was resumed.
        problems: What speaks against the record.
        exit: How the last part ended.
        started: UTC time, ISO 8601.
    """

    schema_: Annotated[Literal["govkit.run/v1"], Field(alias="schema")] = "govkit.run/v1"
    name: str
    base: Component
    data: Long[Component] = ()
    tokenizer: dict[str, Fact] = {}
    splits: dict[str, Fact] = {}
    method: dict[str, Fact] = {}
    hyperparameters: dict[str, Fact] = {}
    seed: Fact
    seeds: dict[str, Fact] = {}
    code: dict[str, Fact] = {}
    environment: dict[str, Fact] = {}
    cost: dict[str, Fact] = {}
    outputs: dict[str, str] = {}
    artifact: Fact
    history: Long[dict[str, float]] = ()
    reads: Long[Read] = ()
    channels: dict[str, str] = {}
    parts: Long[Part] = ()
    problems: Long[Problem] = ()
    exit: Exit
    started: str
