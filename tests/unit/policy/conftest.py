from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from govkit.core import Case, Check, Finding, Measurement, Metric, Policy, check
from govkit.core.finding import LEVELS, Bound, DataRef, exact

SUBJECT = "sha256:" + "a" * 64
AS_OF = "2026-11-24T12:00:00Z"


def _catalog() -> Mapping[str, Check]:
    @check(
        "performance",
        crosswalk="check.performance",
        metrics={
            "accuracy": Metric("Share right.", better="higher", low=0, high=1),
            "log_loss": Metric("Mean loss.", better="lower", unit="nats"),
        },
    )
    def performance(case: Case, *, bins: int = 15, kind: str = "plain") -> Iterator[Finding]:
        yield from ()

    @check(
        "licenses",
        crosswalk="check.license",
        metrics={
            "composition": Metric("May it be used?", words=("allow", "deny", "unknown")),
            "seen": Metric("Whether a file was seen."),
        },
    )
    def licenses(case: Case) -> Iterator[Finding]:
        yield from ()

    return {"performance": performance, "licenses": licenses}


@pytest.fixture
def catalog() -> Mapping[str, Check]:
    return _catalog()


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def writing(text: str | bytes, name: str = "policy.yaml") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return writing


@pytest.fixture
def text() -> Callable[..., str]:
    """A policy of one control as YAML text; ``tail`` is appended to the control, ``head`` stands before controls."""

    def texting(tail: str = "", head: str = "", **changes: str) -> str:
        fields = {
            "id": "A-1",
            "title": "Right often enough",
            "rmf": "[MEASURE 2.5]",
            "check": "performance",
            "metric": "accuracy",
            "require": "{min: 0.8}",
            "authority": "{level: none, note: ours}",
            "severity": "medium",
            "advice": "Train again.",
            **changes,
        }
        rows = [f"    {key}: {value}" for key, value in fields.items() if value]
        control = "  - " + rows[0].strip() + "\n" + "\n".join(rows[1:]) + "\n"
        top = "schema: govkit.policy/v1\nid: mine\nversion: 1.0.0\nreview_by: 2030-01-01\n"
        return top + head + "controls:\n" + control + tail

    return texting


def _control(**changes: Any) -> dict[str, Any]:
    fields = {
        "id": "A-1",
        "title": "Right often enough",
        "rmf": ["MEASURE 2.5"],
        "check": "performance",
        "metric": "accuracy",
        "require": {"min": 0.8},
        "authority": {"level": "none"},
        "severity": "medium",
        **changes,
    }
    return {key: value for key, value in fields.items() if value is not None}


@pytest.fixture
def control() -> Callable[..., dict[str, Any]]:
    return _control


@pytest.fixture
def policy() -> Callable[..., Policy]:
    def building(*controls: dict[str, Any], **changes: Any) -> Policy:
        data = {"schema": "govkit.policy/v1", "id": "mine", "version": "1.0.0", **changes}
        return Policy.model_validate({**data, "controls": list(controls) or [_control()]})

    return building


@pytest.fixture
def measured() -> Callable[..., Measurement]:
    """A number with bounds ``value ± width`` that grow with the level, or any value without bounds."""

    def measuring(value: Any = 0.9, width: float | None = 0.02, **changes: Any) -> Measurement:
        fields: dict[str, Any] = {"check": "performance", "name": "accuracy", "n": 600, "value": value, **changes}
        role = fields.pop("role", None)
        if role is not None:
            fields["data"] = DataRef(role=role, digest="sha256:" + "d" * 64)
        if width is not None:
            fields["bounds"] = tuple(
                Bound(level=level, low=value - width * (1 + index / 10), high=value + width * (1 + index / 10))
                for index, level in enumerate(LEVELS)
            )
        return Measurement(**fields)

    return measuring


@pytest.fixture
def counted() -> Callable[..., Measurement]:
    def counting(value: float, **changes: Any) -> Measurement:
        interval, bounds = exact(value)
        return Measurement(value=value, interval=interval, bounds=bounds, n=600, **changes)

    return counting
