"""Lineage: what a fine-tuning run was made of, seen while it ran."""

from __future__ import annotations

from govkit.lineage.facts import FACTS, REQUIRED, unknown_facts
from govkit.lineage.location import base_folder
from govkit.lineage.reading import read_run
from govkit.lineage.recorder import Recorder, record

__all__ = ["FACTS", "REQUIRED", "Recorder", "base_folder", "read_run", "record", "unknown_facts"]
