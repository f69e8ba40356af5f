"""A bundle of very many findings, each with its interval and bounds, and with statements that are really signed."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "unit/report"))

from bundle_fixture import ARTIFACT, write_bundle

from govkit import evidence


def write(folder: Path, *, columns: int, groups: int = 20, **options: Any) -> Path:
    """A bundle with ``columns`` columns of groups; of a group are eight measurements, of a column one more."""
    named = {f"column {at}": {f"group {name}": 300 + name for name in range(groups)} for at in range(columns)}
    write_bundle(folder, groups=named, **options)
    sign(folder)
    return folder


def sign(folder: Path) -> None:
    """Sign the statements of a made-up bundle, so that it can be read as one that an audit wrote."""
    key, said = evidence.throwaway_key("The pipeline", "2026-11-01T00:00:00Z"), dict[str, Any]()
    for kind in ("run", "findings", "verdict"):
        path = folder / f"{kind}.sigstore.json"
        if path.exists():
            payload = base64.b64decode(json.loads(path.read_bytes())["dsseEnvelope"]["payload"])
            said[kind] = json.loads(payload)["predicate"]
            path.unlink()
    said["findings"]["audit"] = "sha256:" + "ad" * 32
    said["verdict"]["policy"]["digest"] = said["findings"]["policy"]["digest"] = said["verdict"]["verdict"]["policy"]
    evidence.attest(folder, subject_name="income", subject_digest=ARTIFACT, key=key, **{"run": None, **said})
