"""Adapters that make anything a ``Subject``: a transformers folder, a frozen base, Python code, stored predictions."""

from __future__ import annotations

from govkit.subjects.ancestry import Ancestry, Layer, compare_weights
from govkit.subjects.base import Features, FrozenBase, OpenProbe, Probe, embed_role, probe
from govkit.subjects.feature_base import FeatureBase
from govkit.subjects.load import load
from govkit.subjects.python import imported
