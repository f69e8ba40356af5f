"""Each chapter of the card holds what a reader looks for there, and nothing stands in two of them."""

from __future__ import annotations

import re
from pathlib import Path


def chapters(bundle: Path) -> dict[str, str]:
    text = re.sub(r"\\([^\w\s])", r"\1", (bundle / "card.md").read_text(encoding="utf-8"))
    return {part.split("\n", 1)[0]: part for part in text.split("\n## ")[1:]}


def test_purpose_and_exclusions_stand_under_intended_use_and_only_there(bundle: Path) -> None:
    found = chapters(bundle)
    for name in ("Purpose", "Intended for", "Excluded", "Tier"):
        assert [title for title, text in found.items() if f"- **{name}:**" in text] == ["Intended use"], name
    assert "- **Artifact:** `sha256:" in found["Model details"]


def test_what_the_rows_are_stands_with_the_evaluation_data(bundle: Path) -> None:
    found = chapters(bundle)
    assert [title for title, text in found.items() if "| what the inputs are |" in text] == ["Evaluation data"]


def test_training_data_are_named_with_their_rows_and_license(bundle: Path) -> None:
    lines = chapters(bundle)["Training data"].strip().splitlines()[2:]
    assert lines
    assert all(re.fullmatch(r"- .+; rows: [\d,–]+; license: .+", line) for line in lines), lines
