"""CAdES-BES signatures in exactly one form: what is not byte for byte what ``seal_digest`` makes is refused.

Formats: RFC 5652 (CMS), RFC 5035 (signing certificate), ETSI EN 319 122-1. There are no unsigned attributes, no
second certificate and no time of signing, which PAdES keeps in the dictionary of the PDF.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from govkit.errors import optional_imports

MAX_BYTES = 64 * 2**10


def seal_digest(digest: bytes, certificate: bytes, sign: Callable[[bytes], bytes]) -> bytes:
    """DER of a detached signature.

    Args:
        digest: SHA-256 of what is signed, 32 bytes.
        certificate: DER of the signer's certificate.
        sign: Gives the DER signature (ECDSA P-256 with SHA-256) of the signed attributes, which hold the digests of
            the content and of the certificate.

    Raises:
        MissingExtra: asn1crypto is not installed.
        ValueError: ``certificate`` is none.
    """
    with optional_imports():
        from asn1crypto import cms, tsp, x509
    held = x509.Certificate.load(certificate, strict=True)
    own = tsp.SigningCertificateV2({"certs": [{"cert_hash": hashlib.sha256(certificate).digest()}]})
    attributes = cms.CMSAttributes(
        [
            cms.CMSAttribute({"type": "content_type", "values": ["data"]}),
            cms.CMSAttribute({"type": "message_digest", "values": [digest]}),
            cms.CMSAttribute({"type": "signing_certificate_v2", "values": [own]}),
        ]
    )
    number = {"issuer": held.issuer, "serial_number": held.serial_number}
    signer = {
        "version": "v1",
        "sid": cms.SignerIdentifier("issuer_and_serial_number", cms.IssuerAndSerialNumber(number)),
        "digest_algorithm": {"algorithm": "sha256"},
        "signed_attrs": attributes,
        "signature_algorithm": {"algorithm": "sha256_ecdsa"},
        "signature": sign(attributes.dump()),
    }
    content = {
        "version": "v1",
        "digest_algorithms": [{"algorithm": "sha256"}],
        "encap_content_info": {"content_type": "data"},
        "certificates": [cms.CertificateChoices("certificate", held)],
        "signer_infos": [signer],
    }
    sealed: bytes = cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(content)}).dump()
    return sealed


def parts_of(der: bytes) -> tuple[bytes, bytes, str]:
    """Certificate, signature and id of the certificate's key, with no proof of any of them.

    Raises:
        MissingExtra: asn1crypto is not installed.
        ValueError: The bytes are no signature by one certificate.
    """
    with optional_imports():
        from asn1crypto import cms
    if len(der) > MAX_BYTES:
        raise ValueError(f"a signature of {len(der)} bytes")
    try:
        content = cms.ContentInfo.load(der, strict=True)["content"]
        (choice,), (signer,) = content["certificates"], content["signer_infos"]
        certificate = choice.chosen
        key = certificate["tbs_certificate"]["subject_public_key_info"].dump()
        return certificate.dump(), signer["signature"].native, hashlib.sha256(key).hexdigest()
    except (TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ValueError(f"no signature by one certificate ({type(error).__name__})") from None
