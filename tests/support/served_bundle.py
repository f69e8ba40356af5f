"""A small sealed bundle that ``govkit verify`` takes whole, about any model: what a server of models is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import govkit as gk
from govkit import evidence, manifest
from govkit.core import Audit
from govkit.core.finding import exact
from govkit.pipeline.bundle import tool
from govkit.pipeline.digests import audit_digest
from govkit.pipeline.policy import policy_reference
from govkit.pipeline.steps import write_statements

NOW = "2026-11-24T12:00:00Z"
POLICY = """\
schema: govkit.policy/v1
id: served
version: 1.0.0
owner: {name: "O. Owner"}
controls:
  - {id: A, title: Right more often than not, rmf: [MEASURE 2.3], check: performance, metric: accuracy,
     require: {min: 0.5}, authority: {level: none, note: ours}, severity: high}
"""
GOOD: Mapping[str, bytes] = {
    "config.json": b'{"layers": 2}',
    "model-1.safetensors": b"good weights, first shard" * 4000,
    "model-2.safetensors": b"good weights, other shard" * 4000,
    "tokenizer/vocab.txt": b"one\ntwo\n",
}


@dataclass(frozen=True)
class Served:
    """A bundle, its model, and the trust file of the one who serves it."""

    folder: Path
    model: Path
    trust: Path

    def asked(self, **changes: Any) -> dict[str, Any]:
        """Arguments of ``gk.verify`` and ``verified_load``."""
        return {"model": self.model, "trust": self.trust, "as_of": NOW, **changes}


def make(root: Path, model: Path, *, accuracy: float = 0.875) -> Served:
    """Judge a measured accuracy of a model, attest and seal."""
    folder, key = root / "bundle", evidence.throwaway_key("Small Signer", NOW)
    folder.mkdir(parents=True)
    source = root / "served.yaml"
    source.write_text(POLICY, encoding="utf-8")
    rules = gk.resolve_policy(str(source))
    audit = Audit.model_validate(
        {"schema": "govkit.audit/v1", "subject": {"model": "model"}, "columns": {"label": "label"}}
    )
    interval, bounds = exact(accuracy)
    found = gk.Measurement(
        check="performance", name="accuracy", value=accuracy, n=800, better="higher", interval=interval, bounds=bounds
    )
    document = {
        "schema": "govkit.findings/v1",
        "subject": {"name": "served", "digest": manifest.artifact_digest(model)},
        "policy": policy_reference(rules),
        "audit": audit_digest(audit),
        "seed": "0",
        "tool": tool(),
        "passes": dict.fromkeys(("forward", "backward", "declared_forward", "declared_backward"), 0),
        "findings": [found.model_dump(mode="json")],
    }
    verdict = gk.judge(document, rules, as_of=NOW)
    write_statements(folder, document, verdict, audit=audit, rules=rules, run=None, people=evidence.People(), key=key)
    evidence.seal(folder, model=model, outcome=verdict.outcome, key=key, as_of=NOW)
    evidence.write_trust(root / "trust.yaml", evidence.trust_of(key))
    return Served(folder, model, root / "trust.yaml")
