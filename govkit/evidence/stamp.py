"""Time stamps (RFC 3161): an authority outside the house signs that it saw bytes, and when."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from govkit.errors import EvidenceError, optional_imports
from govkit.evidence import moment
from govkit.evidence.trust import TimestampAuthority, Trust

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

STAMP_FILE = "stamps/verdict.tsr"
"""Where a bundle keeps the stamp of its verdict."""

MAX_BYTES = 2**20
"""No answer of an authority is larger; usual are 1 to 10 KiB."""

_SHA256 = "2.16.840.1.101.3.4.2.1"
_IMPRINT = bytes.fromhex("300d06096086480165030402010500")
"""DER of the AlgorithmIdentifier of SHA-256."""

_CERTIFICATES = 0xA0
"""Tag of the certificates in SignedData (RFC 5652)."""

_ABOUT_CERTIFICATES = ("certificate verify error", "EKU")
"""What the library says where not the signature is wrong but who made it."""


def stamp_request(data: bytes, nonce: int) -> bytes:
    """What is sent to an authority: the SHA-256 of the data, never the data.

    Args:
        data: What is to be stamped.
        nonce: A number not used before, from 0 to 2^64 - 1; the answer must hold it.
    """
    imprint = _der(0x30, _IMPRINT + _der(0x04, hashlib.sha256(data).digest()))
    number = _der(0x02, nonce.to_bytes(nonce.bit_length() // 8 + 1, "big"))
    send_certificate = b"\x01\x01\xff"
    return _der(0x30, _der(0x02, b"\x01") + imprint + number + send_certificate)


def read_stamp(response: bytes, data: bytes, *, nonce: int | None = None, file: str = STAMP_FILE) -> TimeStampResponse:
    """A stamp of these data; who made it is not judged.

    Args:
        response: DER of the answer.
        data: What was stamped.
        nonce: Number that the answer must hold, where it was just asked for.
        file: Name of the file, for the message.

    Raises:
        EvidenceError: ``STAMP_BAD`` or ``STAMP_OTHER``.
        MissingExtra: rfc3161-client is not installed.
    """
    with optional_imports():
        from rfc3161_client import PKIStatus, decode_timestamp_response
    try:
        answer = decode_timestamp_response(_in_order(response) if len(response) <= MAX_BYTES else b"")
        granted, said = answer.status == PKIStatus.GRANTED, answer.tst_info
        found = (said.message_imprint.hash_algorithm.dotted_string, said.message_imprint.message, said.nonce)
    except ValueError:
        raise EvidenceError.at(file, "STAMP_BAD", "is no time stamp, or one that was refused") from None
    if not granted:
        raise EvidenceError.at(file, "STAMP_BAD", "the authority did not grant the time stamp")
    if found[:2] != (_SHA256, hashlib.sha256(data).digest()):
        raise EvidenceError.at(file, "STAMP_OTHER", "is the time stamp of other data")
    if nonce is not None and found[2] != nonce:
        raise EvidenceError.at(file, "STAMP_OTHER", "is the answer to another request")
    return answer


def check_stamp(
    response: bytes, data: bytes, authorities: Sequence[TimestampAuthority], *, file: str = STAMP_FILE
) -> str:
    """Verify a stamp.

    Certificates need to be valid at the time of the stamp, not now; whether one was revoked is not asked.

    Args:
        response: DER of the answer.
        data: What was stamped.
        authorities: Who is believed about times.
        file: Name of the file, for the message.

    Returns:
        UTC time at which the data were there already.

    Raises:
        EvidenceError: ``STAMP_BAD`` (no answer that grants a stamp, or damaged), ``STAMP_OTHER`` (of other data) or
            ``STAMP_UNTRUSTED`` (of nobody who is believed, or a certificate that was not valid then or not for this
            purpose).
        MissingExtra: rfc3161-client is not installed.
    """
    answer = read_stamp(response, data, file=file)
    _verify(answer, data, authorities, file)
    return moment.write(answer.tst_info.gen_time)


def check_bundle_stamp(response: bytes, verdict: bytes, trust: Trust) -> str | None:
    """Verify the stamp of a bundle.

    Args:
        response: Bytes of ``STAMP_FILE``.
        verdict: Bytes of ``verdict.sigstore.json``.
        trust: Whom the verifier believes.

    Returns:
        UTC time at which the verdict was there already; None where the trust file believes nobody about times.

    Raises:
        EvidenceError: As ``check_stamp``.
    """
    return check_stamp(response, verdict, trust.timestamp_authorities) if trust.timestamp_authorities else None


def _verify(answer: TimeStampResponse, data: bytes, authorities: Sequence[TimestampAuthority], file: str) -> None:
    from cryptography.x509 import InvalidVersion, load_pem_x509_certificate
    from rfc3161_client import VerificationError, VerifierBuilder

    roots = [load_pem_x509_certificate(each.certificate.encode("utf-8")) for each in authorities]
    if not roots:
        raise EvidenceError.at(file, "STAMP_UNTRUSTED", "nobody is believed about times")
    try:
        VerifierBuilder(roots=roots).build().verify_message(answer, data)
    except (VerificationError, InvalidVersion, ValueError) as error:
        if any(text in str(error) for text in _ABOUT_CERTIFICATES):
            named = ", ".join(each.name for each in authorities)
            message = f"not signed by a certificate for time stamps, valid then, of: {named}"
            raise EvidenceError.at(file, "STAMP_UNTRUSTED", message) from None
        raise EvidenceError.at(file, "STAMP_BAD", "the time stamp is damaged or was changed") from None


def _in_order(response: bytes) -> bytes:
    """The same answer, its certificates in the order that DER asks for and rfc3161-client 1.0.9 insists on.

    OpenSSL writes them as they come. No signature covers their order, and each is judged for itself.
    """
    try:
        token = _parts(response, 0)[1][0]
        signed = _parts(response, _parts(response, token)[1][0])[0][0]
        place = next(start for start, _ in _parts(response, signed) if response[start] == _CERTIFICATES)
        listed = _parts(response, place)
        ordered = b"".join(sorted(response[start:end] for start, end in listed))
        return response[: listed[0][0]] + ordered + response[listed[-1][1] :]
    except (IndexError, StopIteration):
        return response


def _parts(raw: bytes, at: int) -> list[tuple[int, int]]:
    """Where the parts of a DER element begin and end.

    Raises:
        IndexError: It is not whole.
    """
    start, end = _content(raw, at)
    found = []
    while start < end:
        found.append((start, _content(raw, start)[1]))
        start = found[-1][1]
    return found


def _content(raw: bytes, at: int) -> tuple[int, int]:
    """Where the content of a DER element begins and ends."""
    length, start = raw[at + 1], at + 2
    if length & 0x80:
        more = length & 0x7F
        length, start = int.from_bytes(raw[start : start + more], "big"), start + more
    return start, start + length


def _der(tag: int, content: bytes) -> bytes:
    """DER of up to 127 bytes."""
    return bytes([tag, len(content)]) + content
