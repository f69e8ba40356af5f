"""The page for those who check a bundle without govkit: its commands run as they stand, and see tampering."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import evidence_bundle as tools
import mutated_world
import pytest
from evidence_bundle import NOW, Small

from govkit import evidence
from govkit.errors import EvidenceError

PAGE = Path(__file__).parents[2] / "docs" / "verify-by-hand.md"
MODEL = {
    **tools.MODEL,
    "name with spaces, 'quotes' and $(touch evil)": b"1",
    "*": b"2",
    "-rf": b"3",
    " leading": b"4",
    "größe/Ω\U0001f600.txt": b"5",
    "tokenizer-2": b"",
    "README.md": b"# A card\n",
}
STRANGER = evidence.throwaway_key("Stranger", NOW)


def script() -> str:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) >= 7
    return "".join(blocks)


def by_hand(place: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script()],
        cwd=place,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def lay(root: Path, **options: Any) -> Small:
    """A folder as the page wants it."""
    made = tools.make(root, **{"model": MODEL, **options})
    made.folder.rename(root / "evidence")
    made.folder = root / "evidence"
    evidence.write_trust(root / "trust.yaml", made.trust)
    (root / "trust.pem").write_text(made.trust.keys[0].public_key)
    return made


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return lay(tmp_path)


@pytest.mark.parametrize("with_run", [True, False])
def test_a_good_bundle_passes_from_the_first_block_to_the_last(tmp_path: Path, with_run: bool) -> None:
    small = lay(tmp_path, with_run=with_run)
    done = by_hand(small.folder.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    assert small.key.id in done.stdout
    assert done.stdout.count("Verified OK\n") == 3 + with_run
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evidence", "model", "trust.pem", "trust.yaml"]


def test_the_key_is_taken_out_of_the_trust_file(small: Small) -> None:
    pem = small.folder.parent / "trust.pem"
    pem.unlink()
    assert by_hand(small.folder.parent).returncode == 0
    assert pem.read_text() == small.trust.keys[0].public_key


def test_a_real_bundle_with_a_lock_and_an_attestation_passes_and_needs_both(tmp_path: Path) -> None:
    world = mutated_world.make(tmp_path)
    (world.root / "trust.pem").write_text(world.trust.keys[0].public_key)
    done = by_hand(world.root)
    assert done.returncode == 0, done.stdout + done.stderr
    world.sign("evidence/attestations/R.sigstore.json", b"{}")
    world.reseal()
    done = by_hand(world.root)
    assert done.returncode != 0
    assert done.stdout.rstrip().splitlines()[-1].startswith("> sha256:")


def test_a_card_that_no_release_named_may_be_written_later(small: Small) -> None:
    (small.model / "README.md").write_bytes(b"# Another card\n")
    assert by_hand(small.folder.parent).returncode == 0
    small.check()


def _flip(b: Small) -> None:
    data = bytearray((b.model / "config.json").read_bytes())
    data[3] ^= 1
    (b.model / "config.json").write_bytes(data)


def _swap(b: Small) -> None:
    first, second = b.model / "model-1.safetensors", b.model / "model-2.safetensors"
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)


def _findings(b: Small) -> None:
    said = b.statement("findings")
    said["predicate"]["findings"][0]["value"] = 0.99
    outer = b.outer("findings")
    outer["dsseEnvelope"]["payload"] = base64.b64encode(evidence.dumps(said)).decode()
    b.write("findings", outer)


def _release(b: Small) -> None:
    said = b.statement("release")
    said["predicate"]["sequence"] = 7
    outer = b.outer("release")
    outer["dsseEnvelope"]["payload"] = base64.b64encode(evidence.dumps(said)).decode()
    b.write("release", outer)


def _release_of_another(b: Small) -> None:
    shutil.copy(lay(b.folder.parent / "other", key=b.key, model=tools.MODEL).path("release"), b.path("release"))


def _verdict_of_another(b: Small) -> None:
    said = b.statement("verdict")
    said["predicate"]["verdict"]["outcome"] = "REVIEW"
    b.sign("verdict", said)


def _other_findings_sealed(b: Small) -> None:
    """The key that signs everything signs a lie about what the verdict rests on."""
    said = b.statement("findings")
    said["predicate"]["findings"][0]["value"] = 0.99
    b.sign("findings", said)
    b.reseal()


def _other_outcome_sealed(b: Small) -> None:
    b.reseal(verdict="PASS_WITH_EXCEPTIONS")


def _other_model_sealed(b: Small) -> None:
    files = b.statement("release")["predicate"]["model_files"]
    files["config.json"]["size"] += 1
    b.reseal(model_files=files)


def _other_policy_sealed(b: Small) -> None:
    said = b.statement("verdict")
    said["predicate"]["policy"]["digest"] = "sha256:" + "6" * 64
    b.sign("verdict", said)
    b.reseal()


def _run_dropped_and_sealed(b: Small) -> None:
    b.path("run").unlink()
    b.reseal()


def _run_as_findings(b: Small) -> None:
    shutil.copy(b.path("run"), b.path("findings"))
    b.reseal()


def _stranger(b: Small) -> None:
    for kind in ("run", "findings", "verdict"):
        b.sign(kind, b.statement(kind), STRANGER)
    b.reseal(STRANGER)


def _link(b: Small) -> None:
    path = b.model / "config.json"
    path.rename(b.folder.parent / "elsewhere")
    path.symlink_to(b.folder.parent / "elsewhere")


def _wrong_key(b: Small) -> None:
    (b.folder.parent / "trust.pem").write_text(evidence.trust_of(STRANGER).keys[0].public_key)


TAMPERINGS: dict[str, Callable[[Small], object]] = {
    "a bit of the model": _flip,
    "a byte of the report": lambda b: (b.folder / "report.pdf").write_bytes(b"%PDF-1.7 smell\n"),
    "a file more in the bundle": lambda b: (b.folder / "tables/more.json").write_bytes(b""),
    "a hidden file more in the bundle": lambda b: (b.folder / ".more").write_bytes(b""),
    "a file with two lines in its name": lambda b: (b.folder / "report.pdf\npolicy.yaml").write_bytes(b""),
    "a file more in the model": lambda b: (b.model / "__init__.py").write_bytes(b""),
    "a pipe in the model": lambda b: os.mkfifo(b.model / "pipe"),
    "a link to the same bytes": _link,
    "a file of the bundle missing": lambda b: (b.folder / "report.pdf").unlink(),
    "a file of the model missing": lambda b: (b.model / "tokenizer/vocab.txt").unlink(),
    "the verdict missing": lambda b: b.path("verdict").unlink(),
    "the release missing": lambda b: b.path("release").unlink(),
    "a file of the model renamed": lambda b: (b.model / "config.json").rename(b.model / "config_evil.json"),
    "a file of the bundle renamed": lambda b: (b.folder / "report.pdf").rename(b.folder / "report2.pdf"),
    "two shards swapped": _swap,
    "findings edited": _findings,
    "release edited": _release,
    "verdict of another bundle": _verdict_of_another,
    "release of another bundle": _release_of_another,
    "another key": _wrong_key,
    "signed by a stranger": _stranger,
    "other findings, sealed": _other_findings_sealed,
    "another outcome, sealed": _other_outcome_sealed,
    "another model, sealed": _other_model_sealed,
    "another policy, sealed": _other_policy_sealed,
    "the run dropped, sealed": _run_dropped_and_sealed,
    "the run as findings, sealed": _run_as_findings,
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_what_was_tampered_with_stops_the_script(small: Small, tampering: str) -> None:
    TAMPERINGS[tampering](small)
    done = by_hand(small.folder.parent)
    assert done.returncode != 0, done.stdout
    assert "command not found" not in done.stderr
    assert "syntax error" not in done.stderr
    with pytest.raises(EvidenceError):
        small.check(trust=evidence.trust_of(STRANGER) if tampering == "another key" else small.trust)
