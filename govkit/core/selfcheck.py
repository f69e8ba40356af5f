"""Trials of the testing itself: faults that were planted, and whether their checks found them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator

from govkit.core.recorded import Recorded

FaultName = Literal[
    "label_noise", "leak", "group_penalty", "miscalibration", "masked_gradients", "trigger", "edited_weights",
    "license_conflict",
]  # fmt: skip
SELF_CHECK = "selfcheck.json"
"""Name of the record in a bundle."""

FAULT_NAMES: tuple[FaultName, ...] = get_args(FaultName)
"""Every fault that is planted."""


class Trial(Recorded):
    """One fault: a case with it, and its clean twin, which differs in nothing else.

    Attributes:
        fault: What was planted.
        planted: The same in words.
        check: The check that must find it.
        metric: The metric that tells.
        control: Control of the shipped policy that judged; empty where none states a limit, and the trial has its own.
        value: What the check said of the planted case, in words.
        clean_value: What it said of the clean twin.
        found: Whether it found the fault: it accused the planted case, and of what was planted named at least half.
        clean_accused: Whether it accused the clean twin; None where it could not measure it, which is no acquittal.
        seconds: Time of both measurements.
        passes: Model passes of both, rows ``forward`` and ``backward``.
    """

    fault: FaultName
    planted: str
    check: str
    metric: str
    control: str = ""
    value: str
    clean_value: str
    found: bool
    clean_accused: bool | None
    seconds: Annotated[float, Field(ge=0)]
    passes: dict[Literal["forward", "backward"], Annotated[int, Field(ge=0)]]

    @property
    def ok(self) -> bool:
        """Found where it was planted, and nothing said where it was not."""
        return self.found and self.clean_accused is False


class SelfCheck(Recorded):
    """The trials of one version on one machine (``govkit.selfcheck/v1``).

    Attributes:
        tool: Name and version of what was tried.
        seed: Seed of every randomness, as text.
        trials: One a fault.
        ok: Whether every fault was found and no clean twin was accused.
    """

    schema_: Annotated[Literal["govkit.selfcheck/v1"], Field(alias="schema")] = "govkit.selfcheck/v1"
    tool: dict[Literal["name", "version"], str]
    seed: Annotated[str, Field(pattern=r"^[0-9]{1,16}$")]
    trials: Annotated[tuple[Trial, ...], Field(min_length=1)]
    ok: bool

    @model_validator(mode="after")
    def _follows_from_the_trials(self) -> SelfCheck:
        names = [trial.fault for trial in self.trials]
        if len(set(names)) < len(names):
            raise ValueError("a fault stands twice among the trials")
        if self.ok != all(trial.ok for trial in self.trials):
            raise ValueError(f"ok is {self.ok}, and the trials say otherwise")
        return self

    @property
    def sentence(self) -> str:
        """What came out of it, for a verdict or a card."""
        found = sum(trial.found for trial in self.trials)
        accused = sum(trial.clean_accused is True for trial in self.trials)
        unseen = sum(trial.clean_accused is None for trial in self.trials)
        n, name, version = len(self.trials), self.tool.get("name", ""), self.tool.get("version", "")
        said = f"self-check of {name} {version}: {found} of {n} planted faults found, "
        return said + f"{accused} of {n} clean twins accused" + (f", {unseen} not measured" if unseen else "")

    def dump(self) -> dict[str, Any]:
        """Plain data with the names that the file uses."""
        return self.model_dump(mode="json", by_alias=True)
