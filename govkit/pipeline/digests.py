"""Digests of what an audit file says: apart from what measures, so that a verifier need not load it."""

from __future__ import annotations

from govkit import evidence
from govkit.core import Audit


def asked_digest(audit: Audit) -> str:
    """Digest of what an audit file asks of its data and sets the model beside: what a lock fixes of it."""
    asked = ("columns", "base", "incumbent", "reference", "foreign", "feasible", "quality", "seed")
    return evidence.digest({key: value for key, value in audit.dump().items() if key in asked})


def audit_digest(audit: Audit) -> str:
    """Digest of an audit file as resolved; the policy has a digest of its own."""
    return evidence.digest({key: value for key, value in audit.dump().items() if key != "policy"})
