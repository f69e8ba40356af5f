"""Keyless countersignatures: who has an identity, and no key, signs one of our statements through Sigstore.

The payload stays the same, byte for byte, so its digest ties the countersignature to the statement. It is one more
signature beside that of a trusted key and never takes its place: whom Sigstore knows, no trust file has to know.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from govkit.errors import EvidenceError, UsageError, optional_imports
from govkit.evidence import canonical
from govkit.evidence.statement import PAYLOAD_TYPE, Subjects, payload_of, read_payload

if TYPE_CHECKING:
    from sigstore.models import Bundle
    from sigstore.verify import Verifier

MAX_BYTES = 2**20


@dataclass(frozen=True)
class Keyless:
    """What a verified countersignature is under.

    Attributes:
        identity: Who signed, as the certificate says: an address, or the URI of a workflow.
        issuer: Who vouched for the identity, a URL.
        predicate_type: What kind of statement.
        predicate: What it says.
        subjects: What it is about.
        payload_sha256: ``sha256:<hex>`` of the signed payload; that of the statement which it countersigns.
    """

    identity: str
    issuer: str
    predicate_type: str
    predicate: dict[str, Any]
    subjects: Subjects
    payload_sha256: str


def check_keyless(
    raw: bytes, *, identity: str, issuer: str, predicate_type: str, file: str, trusted_root: Path | None = None
) -> Keyless:
    """Verify a keyless signature, without the network.

    Args:
        raw: The bytes of the file, a Sigstore bundle with a certificate.
        identity: Who must have signed.
        issuer: Who must have vouched for the identity.
        predicate_type: What the statement must be.
        file: Name of the file, for the message.
        trusted_root: ``trusted_root.json`` of a Sigstore of your own; else the public one is believed, by the roots
            that came with the library or that it fetched earlier.

    Raises:
        EvidenceError: ``KEYLESS_CERTIFICATE`` (signed with a key), ``KEYLESS_BUNDLE`` (no such bundle),
            ``KEYLESS_IDENTITY`` (signed by somebody else), ``KEYLESS_UNVERIFIED`` (certificate, log entry or signature
            do not hold), ``PAYLOAD_TYPE``, or as ``read_payload``.
        UsageError: No identity or no issuer is named, or ``trusted_root`` is none.
        MissingExtra: sigstore is not installed.
    """
    if not identity or not issuer:
        raise UsageError("a keyless signature is believed for a named identity of a named issuer; name both")
    verifier = _verifier(trusted_root)
    kind, payload = _verified(verifier, _bundle(raw, file), identity, issuer, file)
    if kind != PAYLOAD_TYPE:
        raise EvidenceError.at(file, "PAYLOAD_TYPE", f"payloadType is not {PAYLOAD_TYPE!r}")
    predicate, subjects = read_payload(payload, predicate_type, file=file)
    digest = "sha256:" + hashlib.sha256(payload).hexdigest()
    return Keyless(identity, issuer, predicate_type, predicate, subjects, digest)


def sign_keyless(statement: bytes, token: str, *, file: str) -> bytes:
    """Countersign a statement. This needs the network: certificate and log entry come from Sigstore, for all to see.

    Args:
        statement: The bytes of a statement file.
        token: Identity token (OpenID Connect) of whoever signs; never stored.
        file: Name of the statement file, for the message.

    Raises:
        EvidenceError: It is no statement.
        UsageError: The token is none or has expired, or Sigstore did not answer with a signature.
        MissingExtra: sigstore is not installed.
    """
    payload = payload_of(statement, file=file)
    with optional_imports():
        from sigstore.dsse import Statement
        from sigstore.errors import Error
        from sigstore.models import ClientTrustConfig
        from sigstore.oidc import ExpiredIdentity, IdentityError, IdentityToken
        from sigstore.sign import SigningContext
    try:
        identity = IdentityToken(token)
        context = SigningContext.from_trust_config(ClientTrustConfig.production())
        with context.signer(identity) as signer:
            signed: str = signer.sign_dsse(Statement(payload)).to_json()
    except (IdentityError, ExpiredIdentity):
        raise UsageError("the identity token is none, or has expired; ask its issuer for a new one") from None
    except (Error, OSError) as error:
        raise UsageError(f"Sigstore did not sign ({type(error).__name__}); this step needs the network") from None
    return signed.encode("utf-8")


def _verifier(trusted_root: Path | None) -> Verifier:
    with optional_imports():
        from sigstore.errors import Error
        from sigstore.models import TrustedRoot
        from sigstore.verify import Verifier
    if trusted_root is None:
        return Verifier.production(offline=True)
    try:
        return Verifier(trusted_root=TrustedRoot.from_file(str(trusted_root)))
    except (Error, ValueError, OSError) as error:
        raise UsageError(f"{trusted_root}: no trusted root of a Sigstore ({type(error).__name__})") from None


def _bundle(raw: bytes, file: str) -> Bundle:
    """The bundle that a file holds; it proves nothing yet."""
    from sigstore.errors import Error
    from sigstore.models import Bundle

    outer = canonical.loads(raw if len(raw) <= MAX_BYTES else b"", file=file)
    material = outer.get("verificationMaterial") if isinstance(outer, dict) else None
    if isinstance(material, dict) and "publicKey" in material:
        message = "is signed with a key; expected a keyless signature, which has a certificate"
        raise EvidenceError.at(file, "KEYLESS_CERTIFICATE", message)
    try:
        return Bundle.from_json(raw)
    except (Error, ValueError) as error:
        message = f"is no Sigstore bundle with a certificate ({type(error).__name__})"
        raise EvidenceError.at(file, "KEYLESS_BUNDLE", message) from None


def _verified(verifier: Verifier, bundle: Bundle, identity: str, issuer: str, file: str) -> tuple[str, bytes]:
    """Type and payload of a bundle that verifies whole."""
    from cryptography.x509 import ExtensionNotFound
    from sigstore.errors import Error
    from sigstore.verify.policy import Identity

    demanded = Identity(identity=identity, issuer=issuer)
    try:
        kind, payload = verifier.verify_dsse(bundle, demanded)
        return str(kind), bytes(payload)
    except (Error, ExtensionNotFound, ValueError) as error:
        why = ascii(str(error))[:200]
    try:
        demanded.verify(bundle.signing_certificate)
    except (Error, ExtensionNotFound, ValueError):
        raise EvidenceError.at(file, "KEYLESS_IDENTITY", f"is not signed by {identity!r} of {issuer!r}") from None
    raise EvidenceError.at(file, "KEYLESS_UNVERIFIED", f"does not verify: {why}")
