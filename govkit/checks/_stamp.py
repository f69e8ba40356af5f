"""What ``measure`` adds to a finding, and what it does not accept from a check."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from govkit.checks._clusters import withheld
from govkit.checks._identifiers import KINDS
from govkit.core import Case, Check, Finding, Gap, Measurement


class UndeclaredFinding(Exception):
    """A check yielded what it did not declare, or the same thing twice."""


class WatchedCase(Case):
    """A case that knows whether its seed was read: then, and only then, a check used randomness."""

    @classmethod
    def of(cls, case: Case) -> WatchedCase:
        """The same case, watched."""
        watched = object.__new__(cls)
        watched.__dict__.update(vars(case), _seed_read=False)
        return watched

    @property
    def seed_was_read(self) -> bool:
        """Whether anybody has asked for ``seed`` so far."""
        return bool(vars(self)["_seed_read"])

    def __getattribute__(self, name: str) -> Any:
        if name == "seed":
            object.__getattribute__(self, "__dict__")["_seed_read"] = True
        return super().__getattribute__(name)


def stamped(
    check: Check, params: Mapping[str, Any], findings: Iterable[Finding], *, case: WatchedCase
) -> list[Finding]:
    """Findings with check, parameters, direction, unit and seed filled in.

    Raises:
        UndeclaredFinding: An undeclared metric, or two findings with one key.
    """
    found = list(findings)
    for finding in found:
        if finding.name not in check.metrics and not (isinstance(finding, Gap) and finding.name == "*"):
            raise UndeclaredFinding(f"the check does not declare the metric {finding.name!r}")
    keys = [_key(finding) for finding in found]
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise UndeclaredFinding(f"the check yielded {twice} twice")
    measurements = [finding for finding in found if isinstance(finding, Measurement)]
    # A check that names its seed where it used one is believed; else all of its numbers may depend on it.
    spread = case.seed_was_read and not any(finding.seed for finding in measurements)
    seed = str(case.seed) if spread else ""
    believed = (
        withheld(each, check.metrics[each.name], case) if isinstance(each, Measurement) else each for each in found
    )
    return [_stamp(check, dict(params), finding, seed=seed) for finding in believed]


def cleaned(error: BaseException) -> str:
    """Class and message of an error on one line, without paths and control characters, at most 300 characters.

    A message may repeat a cell; one that looks like personal data or a secret is left out.
    """
    text = re.sub(r"\s+", " ", f"{type(error).__name__}: {error}").strip().rstrip(":")
    if any(kind.within(text) for kind in KINDS):
        return f"{type(error).__name__}: message not shown"
    text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    text = re.sub(r"(?<![\w.])(?:[A-Za-z]:[\\/]|~?/)[^\s'\",;:)]*[\\/][^\s'\",;:)]*", "<path>", text)
    return text if len(text) <= 300 else f"{text[:299]}…"


def _stamp(check: Check, params: dict[str, Any], finding: Finding, *, seed: str) -> Finding:
    if isinstance(finding, Gap):
        return finding.model_copy(update={"check": check.name, "params": params})
    metric = check.metrics[finding.name]
    number = isinstance(finding.value, int | float) and not isinstance(finding.value, bool)
    update = {
        "check": check.name,
        "params": params,
        "better": metric.better,
        "unit": finding.unit or (metric.unit if number else ""),
        "seed": finding.seed or seed,
    }
    return finding.model_copy(update=update)


def _key(finding: Finding) -> str:
    """What makes a finding unique within one run of a check."""
    role = finding.data.role if finding.data is not None else None
    return json.dumps([finding.name, finding.of, finding.compared_with, finding.part, role], sort_keys=True)
