"""Signed evidence: canonical JSON, keys and trust, statements, and the seal over a bundle.

``attest`` signs run, findings and verdict; ``seal`` signs the release, which binds every file; ``check_signatures``
verifies all of it with a trust file of the verifier's own. Whether the policy is met is judged elsewhere, again.
"""

from __future__ import annotations

from govkit.evidence.bundle import attest, seal
from govkit.evidence.canonical import dumps, loads
from govkit.evidence.keys import SigningKey, load_key, new_key, throwaway_key, trust_of
from govkit.evidence.predicates import type_of
from govkit.evidence.statement import Statement, open_statement, read_bytes, read_unverified, sign
from govkit.evidence.trust import ROLES, SignerRole, Trust, TrustedKey, read_trust, write_trust
from govkit.evidence.verify import Evidence, check_signatures

__all__ = [
    "ROLES",
    "Evidence",
    "SignerRole",
    "SigningKey",
    "Statement",
    "Trust",
    "TrustedKey",
    "attest",
    "check_signatures",
    "dumps",
    "load_key",
    "loads",
    "new_key",
    "open_statement",
    "read_bytes",
    "read_trust",
    "read_unverified",
    "seal",
    "sign",
    "throwaway_key",
    "trust_of",
    "type_of",
    "write_trust",
]
