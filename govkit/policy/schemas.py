"""JSON Schemas of the files that people write, for editors; the models stay the authority."""

from __future__ import annotations

from typing import Any

from govkit.core import Attestation, Audit, Policy, Recorded, Waiver
from govkit.documents import nearest
from govkit.errors import PolicyError
from govkit.policy.testing import PolicyTests

MODELS: dict[str, type[Recorded]] = {
    "policy": Policy,
    "audit": Audit,
    "waiver": Waiver,
    "attestation": Attestation,
    "policy-tests": PolicyTests,
}

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a kind of file.

    Raises:
        PolicyError: There is no such kind.
    """
    if name not in MODELS:
        raise PolicyError(f"there is no schema {name!r}{nearest(name, MODELS)}")
    plain = MODELS[name].model_json_schema(by_alias=True)
    if name == "policy":
        _inherit(plain)
    return {"$schema": DIALECT, "$id": f"urn:govkit:schema:{name}:v1", **plain}


def _inherit(plain: dict[str, Any]) -> None:
    """A file that extends another writes of an inherited item only what changes: the rest may be absent."""
    full = {}
    for key, kind in (("controls", "Control"), ("triggers", "Trigger"), ("risks", "Risk")):
        full[key] = {"items": {"required": plain["$defs"][kind]["required"]}}
        plain["$defs"][kind]["required"] = ["id"]
    plain["required"].remove("controls")
    plain["if"] = {"not": {"required": ["extends"]}}
    plain["then"] = {"required": ["controls"], "properties": full}
