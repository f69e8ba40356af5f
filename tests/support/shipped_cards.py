"""The script that makes and checks the shipped cards, as a module."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import govkit as gk
from govkit.demos import Story

ROOT = Path(gk.__file__).parents[1]
_SPEC = importlib.util.spec_from_file_location("cards", ROOT / "model_cards" / "cards.py")
cards = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(cards)


def hold(demo: str, story: Story) -> None:
    """The card that ships is what this run of the demo says."""
    found = cards.differences(demo, story)
    assert not found, f"model_cards/{demo} is stale, run `make cards`:\n" + "\n".join(found[:20])
