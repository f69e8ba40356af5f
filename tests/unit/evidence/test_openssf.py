"""An OpenSSF ``model.sig`` of ours covers every file; one that the format allows and that does not is refused."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import evidence_bundle as tools
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from evidence_bundle import NOW

from govkit import evidence, manifest
from govkit.errors import EvidenceError, UsageError
from govkit.evidence.openssf import check_model_sig, model_sig

KEY = evidence.throwaway_key("Small Signer", NOW)
STRANGER = evidence.throwaway_key("Stranger", NOW)
TRUST = evidence.trust_of(KEY)
FILES = {**tools.MODEL, "README.md": b"# A card\n", "tokenizer-2.txt": b"", "tokenizer/.gitattributes": b"* binary\n"}


@pytest.fixture
def files(tmp_path: Path) -> tuple[manifest.FileDigest, ...]:
    return manifest.walk(tools.write_files(tmp_path / "model", FILES))


def code(raw: bytes, files: tuple[manifest.FileDigest, ...], trust: evidence.Trust = TRUST) -> str:
    with pytest.raises(EvidenceError) as caught:
        check_model_sig(raw, files, trust=trust, as_of=NOW)
    return caught.value.code


def forged(raw: bytes, change: Callable[[dict[str, Any]], object], key: evidence.SigningKey = KEY) -> bytes:
    """Signed anew by a key, with another statement inside."""
    statement = json.loads(base64.b64decode(json.loads(raw)["dsseEnvelope"]["payload"]))
    change(statement)
    return with_hint(tools.envelope(evidence.dumps(statement), key), key)


def with_hint(raw: bytes, key: evidence.SigningKey) -> bytes:
    pem = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return raw.replace(key.id.encode(), hashlib.sha256(pem).hexdigest().encode())


def test_ours_is_accepted_names_its_signer_and_has_one_form(files: tuple[manifest.FileDigest, ...]) -> None:
    raw = model_sig(files, KEY, name="small")
    assert raw == model_sig(files[::-1], KEY, name="small")
    assert check_model_sig(raw, files, trust=TRUST, as_of=NOW).signer.name == "Small Signer"
    assert forged(raw, lambda _: None) == raw


def test_every_file_is_covered_in_the_order_of_the_parts_of_its_path(files: tuple[manifest.FileDigest, ...]) -> None:
    said = json.loads(base64.b64decode(json.loads(model_sig(files, KEY, name="small"))["dsseEnvelope"]["payload"]))
    names = [item["name"] for item in said["predicate"]["resources"]]
    assert sorted(names) == sorted(FILES)
    assert names.index("tokenizer/vocab.txt") < names.index("tokenizer-2.txt")
    joined = b"".join(hashlib.sha256(FILES[name]).digest() for name in names)
    assert said["subject"] == [{"name": "small", "digest": {"sha256": hashlib.sha256(joined).hexdigest()}}]


def _how(**changes: object) -> Callable[[dict[str, Any]], object]:
    return lambda said: said["predicate"]["serialization"].update(changes)


def _resource(**changes: object) -> Callable[[dict[str, Any]], object]:
    return lambda said: said["predicate"]["resources"][0].update(changes)


def _twice(said: dict[str, Any]) -> None:
    said["predicate"]["resources"].append(said["predicate"]["resources"][-1])


def _lengthened(said: dict[str, Any]) -> None:
    """As the library reads it: the last of two entries counts, and the subject fits."""
    resources = said["predicate"]["resources"]
    resources.insert(0, {**resources[0], "digest": "0" * 64})
    joined = b"".join(bytes.fromhex(item["digest"]) for item in resources)
    said["subject"][0]["digest"]["sha256"] = hashlib.sha256(joined).hexdigest()


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (_how(ignore_paths=["model-1.safetensors"]), "MODEL_SIG_IGNORES"),
        (_how(ignore_paths=[".git"]), "MODEL_SIG_IGNORES"),
        (_how(ignore_paths=None), "MODEL_SIG_IGNORES"),
        (_how(allow_symlinks=True), "MODEL_SIG_LINKS"),
        (_how(allow_symlinks=0), "MODEL_SIG_FORM"),
        (_how(method="shards", shard_size=1000), "MODEL_SIG_FORM"),
        (_how(hash_type="blake3"), "MODEL_SIG_FORM"),
        (_how(more=1), "MODEL_SIG_FORM"),
        (lambda said: said["predicate"].update(serialization=[]), "MODEL_SIG_FORM"),
        (lambda said: said["predicate"].update(more=1), "MODEL_SIG_FORM"),
        (lambda said: said["predicate"].pop("resources"), "MODEL_SIG_FORM"),
        (lambda said: said["predicate"]["resources"].append("x"), "MODEL_SIG_FORM"),
        (lambda said: said["predicate"]["resources"].reverse(), "MODEL_SIG_FORM"),
        (_resource(algorithm="sha512"), "MODEL_SIG_FORM"),
        (_resource(name=7), "MODEL_SIG_FORM"),
        (_resource(size=7), "MODEL_SIG_FORM"),
        (_resource(name="../outside"), "BAD_PATH"),
        (_resource(name="/etc/passwd"), "BAD_PATH"),
        (_resource(name="a\0b"), "BAD_PATH"),
        (_resource(name="cafe\u0301"), "BAD_PATH"),
        (_resource(name="other"), "MODEL_SIG_FILES"),
        (_resource(digest="0" * 64), "MODEL_SIG_FILES"),
        (_resource(digest=7), "MODEL_SIG_FILES"),
        (_twice, "MODEL_SIG_FILES"),
        (_lengthened, "MODEL_SIG_FILES"),
        (lambda said: said["predicate"]["resources"].pop(), "MODEL_SIG_FILES"),
        (lambda said: said["subject"][0]["digest"].update(sha256="0" * 64), "MODEL_SIG_SUBJECT"),
        (lambda said: said["subject"].append(said["subject"][0]), "MODEL_SIG_SUBJECT"),
        (lambda said: said.update(predicateType="https://model_signing/Digests/v0.1"), "PREDICATE_TYPE"),
        (lambda said: said.update(more=1), "UNSIGNED_FIELD"),
    ],
)  # fmt: skip
def test_what_the_format_allows_and_we_do_not_is_refused(
    files: tuple[manifest.FileDigest, ...], change: Callable[[dict[str, Any]], object], wanted: str
) -> None:
    assert code(forged(model_sig(files, KEY, name="small"), change), files) == wanted


@pytest.mark.parametrize("kind", ["added", "removed", "changed", "renamed"])
def test_other_files_than_those_signed_are_refused_and_named(files: tuple[manifest.FileDigest, ...], kind: str) -> None:
    raw, first = model_sig(files, KEY, name="small"), files[0]
    changed = {
        "added": (*files, manifest.FileDigest("__init__.py", "0" * 64, 0)),
        "removed": files[1:],
        "changed": (manifest.FileDigest(first.path, "0" * 64, first.size), *files[1:]),
        "renamed": (manifest.FileDigest(first.path + "x", first.sha256, first.size), *files[1:]),
    }
    with pytest.raises(EvidenceError, match="__init__.py" if kind == "added" else first.path) as caught:
        check_model_sig(raw, changed[kind], trust=TRUST, as_of=NOW)
    assert caught.value.code == "MODEL_SIG_FILES"


def test_keys_and_envelopes_are_held_to_the_rules_of_statements(files: tuple[manifest.FileDigest, ...]) -> None:
    raw = model_sig(files, KEY, name="small")
    assert code(model_sig(files, STRANGER, name="small"), files) == "UNKNOWN_KEY"
    assert code(raw, files, evidence.trust_of(KEY, roles=["train", "audit", "gate"])) == "KEY_ROLE"
    outer = json.loads(raw)
    outer["verificationMaterial"]["publicKey"]["hint"] = KEY.id
    assert code(evidence.dumps(outer) + b"\n", files) == "UNKNOWN_KEY"
    outer = json.loads(raw)
    outer["verificationMaterial"]["tlogEntries"] = []
    assert code(evidence.dumps(outer) + b"\n", files) == "UNSIGNED_FIELD"
    outer = json.loads(raw)
    outer["dsseEnvelope"]["signatures"] *= 2
    assert code(evidence.dumps(outer) + b"\n", files) == "SIG_COUNT"
    assert code(with_hint(model_sig(files, STRANGER, name="small"), STRANGER).replace(
        json.loads(model_sig(files, STRANGER, name="small"))["verificationMaterial"]["publicKey"]["hint"].encode(),
        json.loads(raw)["verificationMaterial"]["publicKey"]["hint"].encode(),
    ), files) == "BAD_SIGNATURE"  # fmt: skip


def test_a_model_without_files_is_not_signed() -> None:
    with pytest.raises(UsageError, match="there are none"):
        model_sig((), KEY, name="small")
