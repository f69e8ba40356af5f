"""Licenses: find what a component says about its own, conclude only where everything agrees, compose them for a use."""

from __future__ import annotations

from govkit.licenses.components import component, components
from govkit.licenses.composition import Composition, Obligation, compose
from govkit.licenses.conclusion import conclude
from govkit.licenses.duties import Seen, look
from govkit.licenses.evidence import declared, find, front_matter
from govkit.licenses.expressions import normalize
from govkit.licenses.notice import notice
from govkit.licenses.rules import Duty, Pin, Rule, rule
from govkit.licenses.texts import identify
