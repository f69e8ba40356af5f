"""The certificate of a signing key, for formats that carry one. Who is believed stands in the trust file alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from govkit.evidence.keys import SigningKey

FIRST, LAST = datetime(2020, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""Written into each certificate. The period in which a key is believed stands in the trust file."""


def certificate_of(key: SigningKey) -> bytes:
    """DER of the self-signed certificate; the same bytes each time, from the private key alone."""
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding

    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"govkit key {key.id[:16]}")])
    usage = dict.fromkeys(
        ("key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign"), False
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.private.public_key())
        .serial_number(int(key.id[:32], 16) or 1)
        .not_valid_before(FIRST)
        .not_valid_after(LAST)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True, content_commitment=True, encipher_only=False, decipher_only=False, **usage
            ),
            critical=True,
        )
    )
    return builder.sign(key.private, SHA256(), ecdsa_deterministic=True).public_bytes(Encoding.DER)
