"""The forms of a policy: plain data, canonical digest, YAML text."""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785

from govkit import documents
from govkit.core.policy import Policy
from govkit.errors import PolicyError


def plain(policy: Policy) -> dict[str, Any]:
    """The policy as JSON data with the names that the file uses; keys without a value are left out."""
    return policy.model_dump(mode="json", by_alias=True, exclude_none=True)


def digest(policy: Policy) -> str:
    """``sha256:<hex>`` of the canonical JSON (RFC 8785) of a policy.

    Raises:
        PolicyError: A parameter is a number that canonical JSON cannot carry.
    """
    try:
        canonical = rfc8785.dumps(plain(policy))
    except rfc8785.CanonicalizationError as error:
        raise PolicyError(f"policy {policy.id}: a value has no canonical form ({error})") from None
    return "sha256:" + hashlib.sha256(canonical).hexdigest()


def dump(policy: Policy) -> str:
    """YAML text of a policy. ``load`` of that text gives an equal policy with the same digest."""
    return documents.dump(plain(policy))
