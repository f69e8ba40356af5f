"""Lineage: what a fine-tuning run was made of, seen while it ran."""

from __future__ import annotations

from govkit.lineage.facts import FACTS, TOLD
from govkit.lineage.location import base_folder, model_folder
from govkit.lineage.reading import read_run
from govkit.lineage.recorder import Recorder, record
from govkit.lineage.rerun import Replay, replay
from govkit.lineage.script import record_script
