"""One signed statement: in-toto v1 in a DSSE envelope in a Sigstore bundle v0.3.

Formats: in-toto Attestation Framework (Statement v1), DSSE protocol v1.0.2 (pre-authentication encoding), Sigstore
bundle v0.3. ``keyid`` stays empty and the hint carries the key id: in this form other verifiers accept the file too.
Every statement has exactly one sequence of bytes, so that no byte of it can change unseen.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from govkit.core.plain import MAX_STATEMENT
from govkit.errors import EvidenceError
from govkit.evidence import canonical, moment
from govkit.evidence.keys import ORDER, SigningKey
from govkit.evidence.trust import SignerRole, Trust, TrustedKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
MAX_BYTES = MAX_STATEMENT
MAX_COMMAS = 100
"""In an envelope, which has five: without a signature nobody makes the verifier build millions of values."""

Subjects = tuple[tuple[str, str], ...]
"""``(name, "sha256:<hex>")`` of each thing that a statement is about."""

_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Statement:
    """What a verified statement says, and who says it.

    Attributes:
        predicate_type: What kind of statement.
        predicate: What it says.
        subjects: What it is about.
        payload_sha256: ``sha256:<hex>`` of the signed payload; the identity of the statement.
        signer: The trusted key that signed it.
    """

    predicate_type: str
    predicate: dict[str, Any]
    subjects: Subjects
    payload_sha256: str
    signer: TrustedKey


def sign(
    predicate_type: str,
    predicate: dict[str, Any],
    subjects: Sequence[tuple[str, str]],
    key: SigningKey,
    *,
    hint: str | None = None,
) -> bytes:
    """The bytes of a statement file.

    Args:
        predicate_type: What kind of statement, a URI.
        predicate: Plain data.
        subjects: ``(name, "sha256:<hex>")`` of each thing it is about, the main one first.
        key: Who signs.
        hint: How the file names the key, where another format asks for something else than the id of the key.

    Raises:
        EvidenceError: The predicate is no plain, finite data.
    """
    listed = [{"name": name, "digest": {"sha256": hex_of(digest)}} for name, digest in subjects]
    payload = canonical.dumps(
        {"_type": STATEMENT_TYPE, "subject": listed, "predicateType": predicate_type, "predicate": predicate}
    )
    envelope = {
        "payload": base64.b64encode(payload).decode("ascii"),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": "", "sig": base64.b64encode(key.sign(pae(payload))).decode("ascii")}],
    }
    material = {"publicKey": {"hint": hint or key.id}}
    return (
        canonical.dumps({"mediaType": MEDIA_TYPE, "verificationMaterial": material, "dsseEnvelope": envelope}) + b"\n"
    )


def open_statement(
    raw: bytes,
    *,
    trust: Trust,
    role: SignerRole | None,
    predicate_type: str,
    as_of: str,
    file: str,
    hints: Mapping[str, str] | None = None,
) -> Statement:
    """Verify a statement, and only then read it.

    Args:
        raw: The bytes of the file.
        trust: Whom the verifier believes.
        role: What the signer must be trusted for; None for what each key may say of itself.
        predicate_type: What the statement must be.
        as_of: UTC time to take as now; keys must be valid then.
        file: Name of the file, for the message.
        hints: Hint -> id of the key it selects, where another format asks for hints of its own.

    Raises:
        EvidenceError: ``BAD_JSON``, ``DUP_KEY``, ``NON_FINITE``, ``UNSIGNED_FIELD``, ``BAD_ENVELOPE``,
            ``PAYLOAD_TYPE``, ``SIG_COUNT``, ``NOT_CANONICAL``, ``UNKNOWN_KEY``, ``KEY_ROLE``, ``KEY_PERIOD``,
            ``KEY_REVOKED``, ``BAD_SIGNATURE``, ``STATEMENT_TYPE``, ``PREDICATE_TYPE`` or ``BAD_STATEMENT``.
        UsageError: ``as_of`` is no time.
    """
    payload, signature, hint = _envelope(raw, file)
    hint = hint if hints is None else hints.get(hint, "")
    signer = trusted_key(hint, trust, role, as_of=as_of, file=file)
    verify_bytes(signer, pae(payload), signature, file=file)
    predicate, subjects = read_payload(payload, predicate_type, file=file)
    return Statement(predicate_type, predicate, subjects, "sha256:" + hashlib.sha256(payload).hexdigest(), signer)


def read_payload(payload: bytes, predicate_type: str, *, file: str) -> tuple[dict[str, Any], Subjects]:
    """Predicate and subjects of a payload whose signature verified.

    Raises:
        EvidenceError: As ``open_statement`` says of payloads.
    """
    content = canonical.loads(payload, file=file)
    if canonical.dumps(content, file=file) != payload:
        raise EvidenceError.at(file, "NOT_CANONICAL", "the payload is not in its canonical form")
    _keys(content, ("_type", "subject", "predicateType", "predicate"), "the statement", file=file)
    if content["_type"] != STATEMENT_TYPE:
        raise EvidenceError.at(file, "STATEMENT_TYPE", "expected an in-toto statement v1")
    if content["predicateType"] != predicate_type:
        found = ascii(content["predicateType"])[:100]
        raise EvidenceError.at(file, "PREDICATE_TYPE", f"expected {predicate_type!r}, found {found}")
    if not isinstance(content["predicate"], dict):
        raise EvidenceError.at(file, "BAD_STATEMENT", "the predicate is no object")
    return content["predicate"], _subjects(content["subject"], file)


def read_unverified(path: Path) -> dict[str, Any]:
    """The predicate of a statement file, for those who render it. Reading proves nothing about it.

    Raises:
        EvidenceError: The file is missing or is no statement.
    """
    return unverified_payload(path)[0]["predicate"]  # type: ignore[no-any-return]


def unverified_payload(path: Path) -> tuple[dict[str, Any], str]:
    """The whole in-toto statement of a file, and ``sha256:<hex>`` of its payload, with no proof of either.

    Raises:
        EvidenceError: The file is missing or is no statement.
    """
    payload, _, _ = _envelope(read_bytes(path, file=path.name), path.name)
    content = canonical.loads(payload, file=path.name)
    _keys(content, ("_type", "subject", "predicateType", "predicate"), "the statement", file=path.name)
    _subjects(content["subject"], path.name)
    if not isinstance(content["predicate"], dict):
        raise EvidenceError.at(path.name, "BAD_STATEMENT", "the predicate is no object")
    return content, "sha256:" + hashlib.sha256(payload).hexdigest()


def payload_of(raw: bytes, *, file: str) -> bytes:
    """The signed bytes within a statement file, with no proof of them.

    Raises:
        EvidenceError: It is no statement.
    """
    return _envelope(raw, file)[0]


def read_bytes(path: Path, *, file: str, sha256: str | None = None) -> bytes:
    """The bytes of a statement file.

    Args:
        path: The file.
        file: Its name, for the message.
        sha256: Hex digest that the bytes must have, whatever happened to the file since it was taken.

    Raises:
        EvidenceError: ``MISSING_FILE``, ``TOO_LARGE`` or ``BOUND_FILE``.
    """
    try:
        # Not blocking: a pipe that took the place of the file has nothing to give and is refused as such.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise EvidenceError.at(file, "MISSING_FILE", f"cannot be read ({error.strerror})") from None
    if len(raw) > MAX_BYTES:
        raise EvidenceError.at(file, "TOO_LARGE", f"larger than {MAX_BYTES} bytes")
    if sha256 is not None and hashlib.sha256(raw).hexdigest() != sha256:
        raise EvidenceError.at(file, "BOUND_FILE", "not the file whose digest was taken")
    return raw


def pae(payload: bytes) -> bytes:
    """The bytes that are signed: DSSE's pre-authentication encoding of type and payload."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode("ascii"), len(payload), payload)


def hex_of(digest: str) -> str:
    """The hex part of ``sha256:<hex>``.

    Raises:
        EvidenceError: ``BAD_DIGEST``.
    """
    algorithm, _, value = digest.partition(":")
    if algorithm != "sha256" or not _HEX.fullmatch(value):
        raise EvidenceError("BAD_DIGEST", f"expected sha256:<64 hex digits>, found {ascii(digest)[:90]}")
    return value


def _envelope(raw: bytes, file: str) -> tuple[bytes, bytes, str]:
    """Payload, signature and hint of a file that is exactly in the one form that ``sign`` writes."""
    if raw.count(b",") > MAX_COMMAS:
        raise EvidenceError.at(file, "BAD_ENVELOPE", "holds more than one signed statement")
    outer = canonical.loads(raw, file=file)
    _keys(outer, ("mediaType", "verificationMaterial", "dsseEnvelope"), "the file", file=file)
    material, envelope = outer["verificationMaterial"], outer["dsseEnvelope"]
    _keys(material, ("publicKey",), "verificationMaterial", file=file)
    _keys(material["publicKey"], ("hint",), "publicKey", file=file)
    _keys(envelope, ("payload", "payloadType", "signatures"), "dsseEnvelope", file=file)
    if outer["mediaType"] != MEDIA_TYPE:
        raise EvidenceError.at(file, "BAD_ENVELOPE", f"mediaType is not {MEDIA_TYPE!r}")
    if envelope["payloadType"] != PAYLOAD_TYPE:
        raise EvidenceError.at(file, "PAYLOAD_TYPE", f"payloadType is not {PAYLOAD_TYPE!r}")
    signatures = envelope["signatures"]
    if not isinstance(signatures, list) or len(signatures) != 1:
        raise EvidenceError.at(file, "SIG_COUNT", "expected exactly one signature")
    _keys(signatures[0], ("keyid", "sig"), "the signature", file=file)
    if signatures[0]["keyid"] != "":
        raise EvidenceError.at(file, "UNSIGNED_FIELD", "keyid must be empty, it is not signed")
    payload, signature = _base64(envelope["payload"], file), _base64(signatures[0]["sig"], file)
    if canonical.dumps(outer, file=file) + b"\n" != raw:
        raise EvidenceError.at(file, "NOT_CANONICAL", "not the canonical bytes of its content")
    return payload, signature, str(material["publicKey"]["hint"])


def _keys(value: Any, expected: tuple[str, ...], where: str, *, file: str) -> None:
    if not isinstance(value, dict):
        raise EvidenceError.at(file, "BAD_ENVELOPE", f"{where} is no object")
    if extra := sorted(set(value) - set(expected)):
        raise EvidenceError.at(file, "UNSIGNED_FIELD", f"{where} has an unknown key {ascii(extra[0])[:80]}")
    if lacking := sorted(set(expected) - set(value)):
        raise EvidenceError.at(file, "BAD_ENVELOPE", f"{where} lacks the key {lacking[0]!r}")


def _base64(text: Any, file: str) -> bytes:
    """Decode, and refuse the other spellings of the same bytes (unused bits, line breaks, URL alphabet)."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise EvidenceError.at(file, "BAD_ENVELOPE", "payload or signature is not base64") from None
    if base64.b64encode(data).decode("ascii") != text:
        raise EvidenceError.at(file, "NOT_CANONICAL", "payload or signature is not in canonical base64")
    return data


def trusted_key(hint: str, trust: Trust, role: SignerRole | None, *, as_of: str, file: str) -> TrustedKey:
    """The trusted key that the hint selects. The hint only selects; what the key may do stands in the trust file.

    Raises:
        EvidenceError: ``UNKNOWN_KEY``, ``KEY_ROLE``, ``KEY_PERIOD`` or ``KEY_REVOKED``.
        UsageError: ``as_of`` is no time.
    """
    now = moment.read(as_of)
    key = trust.find(hint)
    if key is None:
        raise EvidenceError.at(file, "UNKNOWN_KEY", "signed by a key that the trust file does not hold")
    if role is not None and role not in key.roles:
        raise EvidenceError.at(file, "KEY_ROLE", f"the key {key.name!r} is not trusted for {role!r}")
    if key.revoked_at is not None and key.revoked_at <= now:
        raise EvidenceError.at(file, "KEY_REVOKED", f"the key {key.name!r} has been revoked")
    if not key.not_before <= now <= key.not_after:
        period = f"{moment.write(key.not_before)} to {moment.write(key.not_after)}"
        raise EvidenceError.at(file, "KEY_PERIOD", f"the key {key.name!r} is valid {period}, not now")
    return key


def refuse_other_name(name: str, signer: TrustedKey, *, file: str) -> None:
    """Whoever a statement speaks for must have signed it."""
    if name != signer.name:
        raise EvidenceError.at(file, "WRONG_NAME", f"speaks for {name!r} and is signed by the key of {signer.name!r}")


def refuse_other_role(role: str, signer: TrustedKey, *, file: str) -> None:
    """A person signs only as what the trust file lets them."""
    if role not in signer.signs_as:
        allowed = ", ".join(signer.signs_as) or "nothing in particular"
        message = f"signed as {role!r}; the trust file lets {signer.name!r} sign as {allowed}"
        raise EvidenceError.at(file, "WRONG_ROLE", message)


def verify_bytes(signer: TrustedKey, message: bytes, signature: bytes, *, file: str) -> None:
    """Verify the signature of a message.

    Raises:
        EvidenceError: ``BAD_SIGNATURE``, or ``NOT_CANONICAL`` for the second form of a valid signature.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        signer.public.verify(signature, message, ec.ECDSA(SHA256()))
        r, s = decode_dss_signature(signature)
    except (InvalidSignature, ValueError):
        said = f"the signature does not fit the payload and the key {signer.name!r}"
        raise EvidenceError.at(file, "BAD_SIGNATURE", said) from None
    if s > ORDER // 2 or encode_dss_signature(r, s) != signature:
        raise EvidenceError.at(file, "NOT_CANONICAL", "the signature is a second form of a valid one")


def _subjects(listed: Any, file: str) -> Subjects:
    found = []
    try:
        for item in listed:
            name, digest = item["name"], "sha256:" + item["digest"]["sha256"]
            exact = set(item) == {"name", "digest"} and set(item["digest"]) == {"sha256"} and isinstance(name, str)
            hex_of(digest)
            if not exact:
                raise KeyError
            found.append((name, digest))
    except (TypeError, KeyError, EvidenceError):
        raise EvidenceError.at(file, "BAD_STATEMENT", "a subject is not a name with a SHA-256") from None
    if not found:
        raise EvidenceError.at(file, "BAD_STATEMENT", "the statement is about nothing")
    return tuple(found)
