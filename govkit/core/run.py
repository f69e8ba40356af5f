"""The record of a fine-tuning run: every fact with how it is known."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from govkit.core.recorded import Recorded
from govkit.core.words import Seen


class Fact(Recorded):
    """A value and how it is known. ``unknown`` and ``not_applicable`` carry no value."""

    value: Any = None
    seen: Seen


class LicenseEvidence(Recorded):
    """One sign of a license.

    Attributes:
        source: Where it was seen.
        where: File (relative to the component) or field that says so.
        expression: SPDX expression that it says, or None where the text was not recognized.
        sha256: Digest of the text, where there is a text.
    """

    source: Literal["license file", "card", "package classifier", "package metadata", "declared"]
    where: str
    expression: str | None
    sha256: str = ""


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
        role: ``base``, or the role of a data set.
        id: Name by which people know it.
        revision: Commit or version.
        digest: Base: artifact digest of its files. Data: digest of the rows, independent of order.
        rows: Number of rows of a data set.
        license: What is known of its license.
        notes: Facts about the component, for example ``{"raw_duplicates": ...}``.
    """

    role: Literal["base", "train", "test", "shifted", "calibration", "canary"]
    id: Fact
    revision: Fact
    digest: Fact
    rows: Fact
    license: LicenseRecord
    notes: dict[str, Fact] = {}


class Run(Recorded):
    """What a fine-tuning run was made of (``govkit.run/v1``).

    Attributes:
        base: The pretrained base.
        data: Data sources.
        method: ``full``, ``head``, ``partial``, ``lora`` ..., with numbers of trainable and total parameters.
        hyperparameters: As the trainer held them.
        seed: Seed of the training run.
        code: Commit, dirty state, script.
        environment: Python, packages, hardware.
        cost: Wall and CPU seconds, peak memory; energy where it was measured.
        outputs: Relative path -> ``sha256:<hex>`` of each file of the tuned model.
        artifact: Digest of the manifest of the tuned model.
        history: Losses and metrics by step.
        exit: ``finished``, ``failed`` or ``interrupted``.
        started: UTC time, ISO 8601.
    """

    schema_: Annotated[Literal["govkit.run/v1"], Field(alias="schema")] = "govkit.run/v1"
    name: str
    base: Component
    data: tuple[Component, ...] = ()
    method: dict[str, Fact] = {}
    hyperparameters: dict[str, Fact] = {}
    seed: Fact
    code: dict[str, Fact] = {}
    environment: dict[str, Fact] = {}
    cost: dict[str, Fact] = {}
    outputs: dict[str, str] = {}
    artifact: Fact
    history: tuple[dict[str, float], ...] = ()
    exit: Literal["finished", "failed", "interrupted"]
    started: str
