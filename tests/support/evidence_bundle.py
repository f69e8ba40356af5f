"""A small sealed bundle, and the tools of a forger."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from govkit import evidence, manifest

NOW = "2026-11-24T12:00:00Z"
LATER = "2026-11-24T12:10:00Z"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
POLICY = {"id": "small", "version": "1", "digest": "sha256:" + "5" * 64}
MODEL = {
    "config.json": b'{"layers": 2}',
    "model-1.safetensors": b"first shard of weights",
    "model-2.safetensors": b"other shard of weights",
    "tokenizer/vocab.txt": b"one\ntwo\n",
}
FILES = {
    "policy.yaml": b"schema: govkit.policy/v1\n",
    "report.pdf": b"%PDF-1.7 small\n",
    "tables/accuracy.json": b'[{"value":0.9}]\n',
}


@dataclass
class Small:
    """A bundle, its model, its signers, and what the verifier holds."""

    folder: Path
    model: Path
    key: evidence.SigningKey
    trust: evidence.Trust

    def check(self, **changes: Any) -> evidence.Evidence:
        options = {"model": self.model, "trust": self.trust, "as_of": NOW, **changes}
        return evidence.check_signatures(self.folder, **options)

    def path(self, kind: str) -> Path:
        return self.folder / f"{kind}.sigstore.json"

    def outer(self, kind: str) -> dict[str, Any]:
        return json.loads(self.path(kind).read_bytes())

    def statement(self, kind: str) -> dict[str, Any]:
        return json.loads(base64.b64decode(self.outer(kind)["dsseEnvelope"]["payload"]))

    def write(self, kind: str, outer: Mapping[str, Any]) -> None:
        self.path(kind).write_bytes(evidence.dumps(dict(outer)) + b"\n")

    def sign(self, kind: str, payload: bytes | Mapping[str, Any], key: evidence.SigningKey | None = None) -> None:
        """Sign any payload at all."""
        raw = payload if isinstance(payload, bytes) else evidence.dumps(dict(payload))
        self.path(kind).write_bytes(envelope(raw, key or self.key))

    def reseal(self, key: evidence.SigningKey | None = None, **changes: Any) -> None:
        """Sign a release over whatever the folder holds now, without the checks of an honest signer."""
        old = self.statement("release")
        self.path("release").unlink()
        bound = {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }
        files = {name: {"sha256": sha256(data), "size": len(data)} for name, data in bound.items()}
        predicate = {**old["predicate"], "files": files, **changes}
        head = [item for item in old["subject"] if item["name"] == "small" or item["name"].startswith("model:")]
        listed = [{"name": name, "digest": {"sha256": entry["sha256"]}} for name, entry in predicate["files"].items()]
        self.sign("release", {**old, "predicate": predicate, "subject": head + sorted(listed, key=_name)}, key)


def _name(item: dict[str, Any]) -> str:
    return str(item["name"])


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def pae(payload: bytes) -> bytes:
    return f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(payload)} ".encode() + payload


def envelope(payload: bytes, key: evidence.SigningKey) -> bytes:
    """A statement file, written out here a second time so that the tests do not lean on the code they test."""
    outer = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": key.id}},
        "dsseEnvelope": {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": "", "sig": base64.b64encode(key.sign(pae(payload))).decode()}],
        },
    }
    return evidence.dumps(outer) + b"\n"


def write_files(root: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def predicates(artifact: str, policy: Mapping[str, str] = POLICY) -> tuple[dict[str, Any], dict[str, Any]]:
    """Findings and verdict about an artifact."""
    findings = {
        "schema": "govkit.findings/v1",
        "subject": {"name": "small", "digest": artifact},
        "policy": dict(policy),
        "findings": [{"name": "accuracy", "value": 0.875}],
    }
    judged = {"outcome": "PASS", "subject": artifact, "policy": policy["digest"], "as_of": NOW}
    return findings, {"schema": "govkit.verdict/v1", "verdict": judged, "policy": dict(policy)}


def make(
    root: Path,
    *,
    model: Mapping[str, bytes] = MODEL,
    key: evidence.SigningKey | None = None,
    with_run: bool = True,
    sequence: int = 1,
) -> Small:
    """Attest and seal a small bundle."""
    signer = key or evidence.throwaway_key("Small Signer", NOW)
    place = write_files(root / "model", model)
    folder = write_files(root / "bundle", FILES)
    artifact = manifest.artifact_digest(place)
    findings, verdict = predicates(artifact)
    evidence.attest(
        folder,
        subject_name="small",
        subject_digest=artifact,
        findings=findings,
        verdict=verdict,
        run={"schema": "govkit.run/v1", "name": "small"} if with_run else None,
        key=signer,
    )
    evidence.seal(folder, model=place, outcome="PASS", key=signer, as_of=NOW, sequence=sequence)
    return Small(folder, place, signer, evidence.trust_of(signer))
