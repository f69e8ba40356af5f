"""Policies: read them, resolve and lint them against the checks at hand, and judge findings by them."""

from __future__ import annotations

from govkit.policy.form import digest, dump
from govkit.policy.judging import judge
from govkit.policy.read import load, packs
from govkit.policy.resolving import Problem, explain, lint, resolve

__all__ = ["Problem", "digest", "dump", "explain", "judge", "lint", "load", "packs", "resolve"]
