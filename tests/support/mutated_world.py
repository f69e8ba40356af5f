"""A small real bundle with a lock and an attestation, its model, its signers, and what is done to a copy of it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import stat
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import evidence_bundle as tools
import numpy as np
import pandas as pd

import govkit as gk
from govkit import evidence, manifest, policy as policies
from govkit.core import Attestation
from govkit.pipeline.bundle import FINDINGS

BEFORE, NOW, LATER = "2026-11-01T00:00:00Z", "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z"
NAME, PERSON = "M. Risk", "V. Alidator"
STATEMENTS = (
    "release.sigstore.json",
    "findings.sigstore.json",
    "verdict.sigstore.json",
    "policy.lock.sigstore.json",
    "attestations/R.sigstore.json",
)
KEPT = (*STATEMENTS[1:], "audit.yaml", "policy.yaml", "summary.md")
"""The other documents of a bundle are left out: for the seal one file is as good as another."""

CODE = """\
import numpy as np


def predict(frame):
    share = np.clip(frame["x"].to_numpy(dtype=float), 0.001, 0.999)
    return np.column_stack([1 - share, share])
"""
AUDIT = """\
schema: govkit.audit/v1
name: letters
subject: {python: "letters_model.code:predict", artifact: letters_model}
data: {test: {path: test.csv}}
columns: {input: [x], label: label, id: id}
policy: policy.yaml
"""
POLICY = """\
schema: govkit.policy/v1
id: mine
version: 1.0.0
owner: {name: "O. Owner"}
controls:
  - {id: A-1, title: "Right often enough", rmf: [MEASURE 2.5], check: performance, metric: accuracy,
     require: {min: 0.4}, authority: {level: none, note: "Ours."}, severity: medium}
  - {id: R, title: Reviewed, rmf: [MEASURE 1.3], severity: high,
     attest: {kind: independent_review, signer_role: validator, not_same_as: [owner], fields: [scope]}}
"""

MODEL = {
    "code.py": CODE.encode(),
    "weights/0.bin": bytes(range(256)),
    "weights/1.bin": bytes(range(256))[::-1],
    "weights/empty": b"",
}

LARGE = 2**25
"""Bytes; no file of the bundle is as large, so one that is has changed."""

Snapshot = dict[str, tuple[str, bytes]]


@dataclass
class World:
    """The pristine bytes, the copy that is mutated, and everybody's keys."""

    root: Path
    key: evidence.SigningKey
    person: evidence.SigningKey
    stranger: evidence.SigningKey
    trust: evidence.Trust
    pristine: dict[str, bytes] = field(default_factory=dict)

    @property
    def bundle(self) -> Path:
        return self.root / "evidence"

    @property
    def model(self) -> Path:
        return self.root / "model"

    def reset(self) -> None:
        """The copy as it was."""
        for top in (self.bundle, self.model):
            shutil.rmtree(top, ignore_errors=True)
        for name, data in self.pristine.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def files(self) -> list[str]:
        """Names of all files of the pristine bundle and model."""
        return sorted(self.pristine)

    def statements(self) -> list[str]:
        return [f"evidence/{name}" for name in STATEMENTS]

    def outer(self, file: str) -> dict[str, Any]:
        return json.loads((self.root / file).read_bytes())

    def payload(self, file: str) -> bytes:
        return base64.b64decode(self.outer(file)["dsseEnvelope"]["payload"])

    def signer_of(self, file: str) -> evidence.SigningKey:
        return self.person if "attestations" in file else self.key

    def sign(self, file: str, payload: bytes, key: evidence.SigningKey | None = None) -> None:
        (self.root / file).write_bytes(tools.envelope(payload, key or self.signer_of(file)))

    def reseal(self) -> None:
        """Sign a release over whatever the bundle holds now."""
        file = "evidence/release.sigstore.json"
        said = json.loads(self.payload(file))
        files = said["predicate"]["files"]
        for name in files:
            data = (self.bundle / name).read_bytes()
            files[name] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        for subject in said["subject"]:
            subject["digest"]["sha256"] = files.get(subject["name"], subject["digest"])["sha256"]
        self.sign(file, evidence.dumps(said))

    def relink(self) -> None:
        """Let the verdict, and where it can the findings, name what the bundle holds now."""
        self.link("findings", lock=self._digest("policy.lock"))
        inputs, people = {"findings": self._digest("findings")}, [self._digest("attestations/R")]
        self.link("verdict", inputs=inputs, attestations=people)
        self.reseal()

    def _digest(self, kind: str) -> str:
        return "sha256:" + hashlib.sha256(self.payload(f"evidence/{kind}.sigstore.json")).hexdigest()

    def link(self, kind: str, **changes: object) -> None:
        """Sign a statement again, with other values of its predicate."""
        file = f"evidence/{kind}.sigstore.json"
        try:
            said = evidence.loads(self.payload(file))
            said["predicate"].update(changes)
            self.sign(file, evidence.dumps(said))
        except (gk.EvidenceError, KeyError, TypeError, AttributeError):
            return  # what was made of it cannot be linked; the verifier gets it as it is

    def snapshot(self) -> Snapshot:
        """Everything that counts: kind and bytes of each file but the model card, which this release does not name."""
        found: Snapshot = {}
        for top in (self.bundle, self.model):
            for path in top.rglob("*"):
                name, status = os.fsencode(path.relative_to(self.root)).decode("latin-1"), path.lstat()
                if status.st_size > LARGE:
                    found[name] = ("large", b"")
                elif stat.S_ISREG(status.st_mode) and name != "model/README.md":
                    found[name] = ("hard link" if status.st_nlink > 1 else "file", path.read_bytes())
                elif not stat.S_ISDIR(status.st_mode) and not stat.S_ISREG(status.st_mode):
                    found[name] = ("special", b"")
        return found

    @cached_property
    def before(self) -> Snapshot:
        self.reset()
        return self.snapshot()

    def check(self) -> object:
        """What the signatures prove, as far as it has a meaning."""
        proof = evidence.check_signatures(self.bundle, model=self.model, trust=self.trust, as_of=LATER)
        files = {name: file for name, file in proof.release.files.items() if name != "verdict.sigstore.json"}
        bound = (proof.release.artifact, proof.release.model_files, proof.release.card, proof.release.verdict)
        return proof.artifact, proof.findings, proof.run, proof.people.digests(), files, bound

    def verify(self) -> object:
        """What is judged again."""
        proof = gk.verify(self.bundle, model=self.model, trust=self.trust, as_of=LATER)
        return proof.verdict, proof.artifact, proof.policy


def make(root: Path) -> World:
    """Lock, attest, audit and seal, once."""
    rng = np.random.default_rng(0)
    x = rng.uniform(size=60).round(3)
    rows = pd.DataFrame({"id": range(60), "x": x, "label": (rng.uniform(size=60) < x).astype(int)})
    made = root / "made"
    tools.write_files(made, {"audit.yaml": AUDIT.encode(), "policy.yaml": POLICY.encode()})
    model = tools.write_files(made / "letters_model", MODEL)
    rows.to_csv(made / "test.csv", index=False)
    key, person, stranger = (evidence.throwaway_key(name, BEFORE) for name in (NAME, PERSON, NAME))
    theirs = evidence.trust_of(person, roles=["attest"], signs_as=["validator"])
    trust = evidence.join_trust([evidence.trust_of(key), theirs])
    gk.lock_policy(
        str(made / "policy.yaml"), audit_file=made / "audit.yaml", key=key, out=made / "lock", name=NAME, as_of=BEFORE
    )
    said = Attestation(
        kind="independent_review",
        model=manifest.artifact_digest(model),
        signer=PERSON,
        role="validator",
        answers={"scope": "All of it."},
        signed_at="2026-11-20",
    )
    tools.write_files(made, {"people/R.sigstore.json": evidence.sign_record(said, person)})
    bundle = gk.audit(
        made / "audit.yaml",
        out=made / "evidence",
        key=key,
        trust=trust,
        lock=made / "lock",
        attestations=made / "people",
        as_of=NOW,
    )
    for file in manifest.walk(made / "evidence"):
        if file.path not in KEPT:
            (made / "evidence" / file.path).unlink()
    evidence.seal(made / "evidence", model=model, outcome=bundle.verdict.outcome, key=key, as_of=NOW)
    world = World(root / "copy", key, person, stranger, trust)
    shutil.copytree(made / "evidence", world.bundle)
    shutil.copytree(model, world.model)
    _shorten(world, said)
    for file in manifest.walk(world.root):
        world.pristine[file.path] = (world.root / file.path).read_bytes()
    return world


def _shorten(world: World, attestation: Attestation) -> None:
    """Keep the findings that the policy asks for: fewer bytes make room for more mutations."""
    said = json.loads(world.payload("evidence/findings.sigstore.json"))
    found = [each for each in said["predicate"]["findings"] if each["name"] == "accuracy"]
    said["predicate"]["findings"] = found
    world.sign("evidence/findings.sigstore.json", evidence.dumps(said))
    raw = (world.bundle / evidence.LOCK_FILE).read_bytes()
    judged = policies.judge(
        policies.load(str(world.bundle / "policy.yaml")),
        FINDINGS.validate_python(found),
        subject=attestation.model,
        as_of=NOW,
        attestations=(attestation,),
        notices=(evidence.open_lock(raw, trust=world.trust, as_of=NOW).notice,),
    )
    world.link("verdict", verdict=judged.model_dump(mode="json"))
    world.relink()
