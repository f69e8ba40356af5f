"""Our statements under other people's verifiers, and our digests under other people's tools."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import evidence_bundle as tools
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from evidence_bundle import NOW, Small
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from govkit import evidence, manifest

KINDS = ("run", "findings", "verdict", "release")


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return tools.make(tmp_path)


def their_key(pem: str) -> SSlibKey:
    """A key object with keyid "", as our envelopes carry it."""
    key = SSlibKey.from_crypto(load_pem_public_key(pem.encode()))
    return SSlibKey("", key.keytype, key.scheme, key.keyval)


def envelope(outer: dict[str, Any]) -> Envelope:
    return Envelope.from_dict(copy.deepcopy(outer["dsseEnvelope"]))  # from_dict empties what it reads


@pytest.mark.parametrize("kind", KINDS)
def test_securesystemslib_accepts_ours_and_refuses_forgeries(small: Small, kind: str) -> None:
    key, outer = their_key(small.trust.keys[0].public_key), small.outer(kind)
    assert envelope(outer).verify([key], 1)
    stranger = their_key(evidence.trust_of(evidence.throwaway_key("Stranger", NOW)).keys[0].public_key)
    with pytest.raises(VerificationError):
        envelope(outer).verify([stranger], 1)
    payload = base64.b64decode(outer["dsseEnvelope"]["payload"]).replace(b"small", b"smell")
    outer["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    with pytest.raises(VerificationError):
        envelope(outer).verify([key], 1)


def test_the_bytes_that_are_signed_are_those_of_securesystemslib(small: Small) -> None:
    theirs = envelope(small.outer("verdict")).pae()
    assert theirs == tools.pae(base64.b64decode(small.outer("verdict")["dsseEnvelope"]["payload"]))


@pytest.mark.parametrize("kind", KINDS)
def test_openssl_accepts_ours_and_refuses_forgeries(small: Small, kind: str, tmp_path: Path) -> None:
    outer = small.outer(kind)["dsseEnvelope"]
    signed = tools.pae(base64.b64decode(outer["payload"]))
    (tmp_path / "pub.pem").write_text(small.trust.keys[0].public_key)
    (tmp_path / "sig").write_bytes(base64.b64decode(outer["signatures"][0]["sig"]))
    for data, wanted in ((signed, "Verified OK"), (signed.replace(b"small", b"smell"), "Verification failure")):
        (tmp_path / "pae").write_bytes(data)
        command = ["openssl", "dgst", "-sha256", "-verify", "pub.pem", "-signature", "sig", "pae"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.stdout.strip().splitlines()[0] == wanted
        assert (done.returncode == 0) == (wanted == "Verified OK")


def test_the_hint_is_the_digest_that_openssl_computes(small: Small, tmp_path: Path) -> None:
    (tmp_path / "pub.pem").write_text(small.trust.keys[0].public_key)
    command = ["openssl", "pkey", "-pubin", "-in", "pub.pem", "-outform", "DER"]
    der = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout
    hint = small.outer("release")["verificationMaterial"]["publicKey"]["hint"]
    assert hint == hashlib.sha256(der).hexdigest()


def test_openssl_reads_the_key_file(tmp_path: Path) -> None:
    key = evidence.new_key(tmp_path, password=b"for the test", name="Ada", as_of=NOW)
    command = ["openssl", "pkey", "-in", "audit.key", "-passin", "pass:for the test", "-pubout", "-outform", "DER"]
    der = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout
    assert der == key.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_the_statement_has_the_shape_of_in_toto(small: Small) -> None:
    statement = small.statement("release")
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "urn:govkit:release:v1"
    assert all(set(item) == {"name", "digest"} for item in statement["subject"])
    assert small.outer("release")["dsseEnvelope"]["signatures"][0]["keyid"] == ""


def test_sha256sum_computes_the_digests_of_the_release(small: Small) -> None:
    release = small.statement("release")
    for folder, prefix in ((small.folder, ""), (small.model, "model:")):
        listed = [item for item in release["subject"][1:] if item["name"].startswith("model:") == bool(prefix)]
        lines = "".join(f"{item['digest']['sha256']}  {item['name'].removeprefix(prefix)}\n" for item in listed)
        done = subprocess.run(
            ["sha256sum", "--check", "--strict", "--quiet", "-"], cwd=folder, input=lines, text=True, check=False
        )
        assert listed
        assert done.returncode == 0


def test_the_artifact_digest_from_sha256sum_and_plain_json(small: Small) -> None:
    done = subprocess.run(["sha256sum", *tools.MODEL], cwd=small.model, capture_output=True, text=True, check=True)
    digests = {name: digest for digest, name in (line.split() for line in done.stdout.splitlines())}
    files = [
        {"path": name, "sha256": digests[name], "size": (small.model / name).stat().st_size} for name in sorted(digests)
    ]
    text = json.dumps({"alg": "sha256", "files": files, "v": 1}, separators=(",", ":"))
    assert manifest.artifact_digest(small.model) == "sha256:" + hashlib.sha256(text.encode()).hexdigest()
