"""A small Sigstore on this machine: its own certificate authority, certificate log and signature log, in memory."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

ISSUER_V1, ISSUER_V2 = (ObjectIdentifier(f"1.3.6.1.4.1.57264.1.{number}") for number in (1, 8))
SCT_LIST = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
START = datetime(2026, 11, 24, 12, tzinfo=UTC)
PAYLOAD_TYPE = "application/vnd.in-toto+json"

Key = ec.EllipticCurvePrivateKey


def key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def spki(private: Key) -> bytes:
    return private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def sign(private: Key, data: bytes) -> bytes:
    return private.sign(data, ec.ECDSA(SHA256()))


def der(tag: int, content: bytes) -> bytes:
    """DER of up to 255 bytes."""
    return bytes([tag, len(content)] if len(content) < 128 else [tag, 0x81, len(content)]) + content


@dataclass
class House:
    """Keys of the three services."""

    authority: Key = field(default_factory=key)
    certificate_log: Key = field(default_factory=key)
    signature_log: Key = field(default_factory=key)

    def __post_init__(self) -> None:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "house")])
        self.root = (
            self._builder(name, name, self.authority, 3650)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(sign_certificates=True), critical=True)
            .sign(self.authority, SHA256())
        )

    def write_root(self, path: Path) -> Path:
        """``trusted_root.json``."""
        since = {"start": "2020-01-01T00:00:00Z"}

        def log(private: Key) -> dict[str, Any]:
            public = {"rawBytes": b64(spki(private)), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": since}
            identity = {"keyId": b64(hashlib.sha256(spki(private)).digest())}
            return {"baseUrl": "https://house.invalid", "hashAlgorithm": "SHA2_256", "publicKey": public,
                    "logId": identity}  # fmt: skip

        chain = {"certificates": [{"rawBytes": b64(self.root.public_bytes(Encoding.DER))}]}
        authority = {"subject": {"organization": "house", "commonName": "house"}, "uri": "https://house.invalid",
                     "certChain": chain, "validFor": since}  # fmt: skip
        root = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(self.signature_log)],
            "certificateAuthorities": [authority],
            "ctlogs": [log(self.certificate_log)],
            "timestampAuthorities": [],
        }
        path.write_text(json.dumps(root))
        return path

    def sign(self, payload: bytes, *, identity: str, issuer: str, kind: str = PAYLOAD_TYPE, minutes: int = 1) -> bytes:
        """A bundle: certificate for a key of the moment, signature, and log entry so many minutes later."""
        private = key()
        certificate = self._certificate(private, identity, issuer)
        encoded = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload
        signature = b64(sign(private, encoded))
        entry = self._entry(payload, signature, certificate, START + timedelta(minutes=minutes))
        bundle = {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": b64(certificate.public_bytes(Encoding.DER))},
                "tlogEntries": [entry],
                "timestampVerificationData": {"rfc3161Timestamps": []},
            },
            "dsseEnvelope": {
                "payload": b64(payload),
                "payloadType": kind,
                "signatures": [{"sig": signature, "keyid": ""}],
            },
        }
        return json.dumps(bundle).encode()

    def _builder(self, subject: x509.Name, issuer: x509.Name, private: Key, days: float) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(private.public_key())
            .serial_number(int.from_bytes(hashlib.sha256(spki(private)).digest()[:8], "big") + 1)
            .not_valid_before(START)
            .not_valid_after(START + timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        )

    def _certificate(self, private: Key, identity: str, issuer: str) -> x509.Certificate:
        """Valid for ten minutes, with the promise of the certificate log (RFC 6962) within."""
        known = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.authority.public_key())
        text = issuer.encode()
        builder = (
            self._builder(x509.Name([]), self.root.subject, private, 10 / 1440)
            .add_extension(known, critical=False)
            .add_extension(_usage(sign_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(identity)]), critical=True)
            .add_extension(x509.UnrecognizedExtension(ISSUER_V1, text), critical=False)
            .add_extension(x509.UnrecognizedExtension(ISSUER_V2, der(0x0C, text)), critical=False)
        )
        body = builder.sign(self.authority, SHA256()).tbs_certificate_bytes
        time = int(START.timestamp() * 1000).to_bytes(8, "big")
        issued_by = hashlib.sha256(spki(self.authority)).digest()
        promised = sign(
            self.certificate_log,
            b"\0\0" + time + b"\0\1" + issued_by + len(body).to_bytes(3, "big") + body + b"\0\0",
        )
        log = hashlib.sha256(spki(self.certificate_log)).digest()
        promise = b"\0" + log + time + b"\0\0\x04\x03" + len(promised).to_bytes(2, "big") + promised
        listed = len(promise).to_bytes(2, "big") + promise
        extension = der(0x04, len(listed).to_bytes(2, "big") + listed)
        return builder.add_extension(x509.UnrecognizedExtension(SCT_LIST, extension), critical=False).sign(
            self.authority, SHA256()
        )

    def _entry(self, payload: bytes, signature: str, certificate: x509.Certificate, time: datetime) -> dict[str, Any]:
        """Entry of a log that holds this one thing."""
        verifier = b64(certificate.public_bytes(Encoding.PEM))
        digest = {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()}
        spec = {"envelopeHash": digest, "payloadHash": digest,
                "signatures": [{"signature": signature, "verifier": verifier}]}  # fmt: skip
        body = rfc8785.dumps({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec})
        identity = hashlib.sha256(spki(self.signature_log)).digest()
        seconds = int(time.timestamp())
        promised = {"body": b64(body), "integratedTime": seconds, "logID": identity.hex(), "logIndex": 0}
        root = hashlib.sha256(b"\0" + body).digest()
        note = f"house\n1\n{b64(root)}\n"
        signed = b64(identity[:4] + sign(self.signature_log, note.encode()))
        return {
            "logIndex": "0",
            "logId": {"keyId": b64(identity)},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(seconds),
            "inclusionPromise": {"signedEntryTimestamp": b64(sign(self.signature_log, rfc8785.dumps(promised)))},
            "inclusionProof": {"logIndex": "0", "rootHash": b64(root), "treeSize": "1", "hashes": [],
                               "checkpoint": {"envelope": f"{note}\n\u2014 house {signed}\n"}},
            "canonicalizedBody": b64(body),
        }  # fmt: skip


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    others = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
         "decipher_only"), False)  # fmt: skip
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        **others,
    )
