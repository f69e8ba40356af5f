"""Every number that a shipped pack gates on stands on the page of methods, with where it was simulated."""

from __future__ import annotations

import re
from pathlib import Path

import govkit as gk

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")


def lines() -> list[list[str]]:
    """Cells of each line of the tables."""
    cells = [line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in cells if not set("".join(row)) <= set("-")]


def test_every_number_that_gates_has_a_line() -> None:
    named = {name for row in lines() for name in re.findall(r"`(\w+)`", row[0])}
    gated = {control.metric for pack in gk.packs() for control in gk.resolve_policy(pack).controls if control.metric}
    assert len(gated) > 40
    assert sorted(gated - named) == []


def test_every_line_is_full_and_names_benches_that_exist() -> None:
    benches = {path.name for path in (ROOT / "tests" / "bench").glob("*.py")}
    for row in lines():
        assert len(row) == 5, row
        assert all(row), row
        for name in re.findall(r"`(?:tests/bench/)?(\w+\.py)", row[3]):
            assert name in benches or any((ROOT / "tests").rglob(name)), row
