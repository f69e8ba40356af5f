"""Picks findings out of a bundle and says them in a sentence."""

from __future__ import annotations

from typing import Any

from govkit.core import Measurement
from govkit.pipeline.bundle import Bundle


def pick(bundle: Bundle, name: str, **wanted: Any) -> Measurement | None:
    """The one measurement with this metric and these fields (``role`` = role of its data), or None."""
    asked = {"of": "candidate", "compared_with": None, "part": {}, "role": "test", **wanted}
    role = asked.pop("role")
    for finding in bundle.findings:
        if (
            isinstance(finding, Measurement)
            and finding.name == name
            and (not finding.data or finding.data.role == role)
        ) and all(getattr(finding, key) == value for key, value in asked.items()):
            return finding
    return None


def shown(found: Measurement | None) -> str:
    """Value and 95 % interval of a measurement, or that there is none."""
    if found is None:
        return "not measured"
    if isinstance(found.value, bool | str):
        return str(found.value)
    interval = f" [{found.interval.low:.4f}, {found.interval.high:.4f}]" if found.interval else ""
    return f"{found.value:.4f}{interval}"
