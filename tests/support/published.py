"""A small real audit of a model in a folder, its people, and all that a release needs; made in a few seconds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

import govkit as gk
from govkit import evidence

DAY, LATER = "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z"
EPOCH = "1795478400"
AUDIT = """\
schema: govkit.audit/v1
subject: {{python: "{name}.code:predict", artifact: {name}}}
data: {{test: {{path: test.csv}}}}
columns: {{input: [x], label: label, groups: [sex], id: id}}
use: {{purpose: "Sorts letters.", intent: [internal], excluded: ["Anything about people."]}}
policy: mine.yaml
"""
MODEL = """\
import json
from pathlib import Path

import numpy as np

LIMIT = json.loads((Path(__file__).parent / "weights.json").read_text())["limit"]


def predict(rows):
    sure = 1 / (1 + np.exp(-8 * (np.asarray(rows["x"], float) - LIMIT)))
    return np.column_stack([1 - sure, sure])
"""
POLICY = """\
schema: govkit.policy/v1
id: mine
version: 1.0.0
owner: {{name: "O. Owner"}}
tier: {tier}
tier_rationale: "Letters hurt nobody."
controls:
  - {{id: A, title: Better than a coin, rmf: [MEASURE 2.3], check: performance, metric: accuracy,
     require: {{min: {limit}}}, authority: {{level: none, note: ours}}, severity: high}}
"""
PEOPLE: dict[str, tuple[str, tuple[evidence.SignerRole, ...], tuple[str, ...]]] = {
    "ci": ("The pipeline", evidence.ROLES, ()),
    "auditor": ("A. Auditor", ("countersign",), ("auditor",)),
    "approver": ("B. Approver", ("countersign",), ("approver",)),
    "both": ("C. Both", ("countersign",), ("auditor", "approver")),
    "stranger": ("The pipeline", evidence.ROLES, ()),
}


@cache
def key(name: str) -> evidence.SigningKey:
    return evidence.throwaway_key(PEOPLE[name][0], "2026-11-01T00:00:00Z")


@cache
def trust() -> evidence.Trust:
    """Believes everybody but the stranger."""
    known = [(key(name), roles, signs) for name, (_, roles, signs) in PEOPLE.items() if name != "stranger"]
    return evidence.join_trust(evidence.trust_of(own, roles=roles, signs_as=signs) for own, roles, signs in known)


@dataclass(frozen=True)
class Audited:
    """A sealed bundle and its model."""

    root: Path
    model: Path

    @property
    def bundle(self) -> Path:
        return self.root / "evidence"

    @property
    def trust_file(self) -> Path:
        path = self.root / "trust.yaml"
        if not path.exists():
            evidence.write_trust(path, trust())
        return path

    def verify(self, **options: object) -> gk.Verification:
        return gk.verify(self.bundle, **{"model": self.model, "trust": trust(), "as_of": LATER, **options})

    def countersign(self, folder: Path, *names: str, roles: tuple[evidence.CounterRole, ...] = ()) -> Path:
        """A folder with a countersignature of each; ``roles`` where a key may sign as several."""
        folder.mkdir()
        for place, name in enumerate(names):
            role = roles[place] if roles else PEOPLE[name][2][0]
            raw = gk.countersign(self.bundle, role=role, key=key(name), model=self.model, trust=trust(), as_of=DAY)
            (folder / f"{name}-{role}.sigstore.json").write_bytes(raw)
        return folder

    def release(self, out: Path, log: Path, people: Path | None = None, **options: object) -> gk.Released:
        given = {"model": self.model, "key": key("ci"), "trust": trust(), "log": log, "as_of": DAY, **options}
        return gk.release(self.bundle, out=out, countersignatures=people, **given)


def prepare(root: Path, name: str, *, tier: str = "low", limit: float = 0.5, weight: float = 0.5) -> Path:
    """Everything that an audit needs, with nothing measured yet."""
    model = root / name
    model.mkdir(parents=True)
    (model / "code.py").write_text(MODEL, encoding="utf-8")
    (model / "weights.json").write_text(f'{{"limit": {weight}}}\n', encoding="utf-8")
    (model / "tokenizer").mkdir()
    (model / "tokenizer/words.txt").write_text("one\ntwo\n", encoding="utf-8")
    (root / "audit.yaml").write_text(AUDIT.format(name=name), encoding="utf-8")
    (root / "mine.yaml").write_text(POLICY.format(tier=tier, limit=limit), encoding="utf-8")
    rng = np.random.default_rng(0)
    x = rng.uniform(size=200).round(4)
    rows = pd.DataFrame({"id": range(200), "x": x, "label": (rng.uniform(size=200) < x).astype(int)})
    rows["sex"] = rng.choice(["f", "m"], 200)
    rows.to_csv(root / "test.csv", index=False)
    return root


def audited(root: Path, name: str, **options: object) -> Audited:
    """Measure, judge, sign and seal; each ``name`` can be loaded once in a process."""
    prepare(root, name, **options)
    gk.audit(root / "audit.yaml", out=root / "evidence", key=key("ci"), as_of=DAY)
    return Audited(root, root / name)
