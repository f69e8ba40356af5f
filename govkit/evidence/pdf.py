"""The signature inside a PDF: PAdES B-B, certifying, over every byte of the file but its own.

Formats: ISO 32000-1 §12.8, ETSI EN 319 142-1. The bytes are verified first, by their positions alone; the PDF is
parsed only after a trusted key has signed all of it, so that no parser meets a file that a stranger wrote.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from govkit.errors import EvidenceError, UsageError, optional_imports
from govkit.evidence import moment
from govkit.evidence.certificate import certificate_of
from govkit.evidence.cms import MAX_BYTES, parts_of, seal_digest
from govkit.evidence.statement import trusted_key, verify_bytes
from govkit.evidence.trust import Trust, TrustedKey

if TYPE_CHECKING:
    from govkit.evidence.keys import SigningKey

FIELD = "govkit"
"""Name of the signature field."""

TRIES = 512
_SIGNATURE_BYTES = 71
_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s*\]")
_ODD = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError, NotImplementedError,
        RecursionError, MemoryError, zlib.error)  # fmt: skip
"""What a parser raises at a file that is not as it expects."""


NO_CHANGES = 1
"""Level of a certification that allows no change (ISO 32000-2, table 257)."""


@dataclass(frozen=True)
class SignedPdf:
    """A PDF that verified.

    Attributes:
        signer: The trusted key that signed it.
        attachments: Name -> bytes of the attached files.
        as_of: When it says that it was signed, UTC; empty if it does not say.
    """

    signer: TrustedKey
    attachments: dict[str, bytes]
    as_of: str


def sign_pdf(pdf: bytes, key: SigningKey, as_of: str) -> bytes:
    """Certify a PDF: it may not change in any way from now on. Equal input gives equal bytes.

    Args:
        pdf: A PDF that is not signed yet.
        key: Who signs.
        as_of: UTC time to take as now; stands in the signature.

    Raises:
        MissingExtra: pyHanko is not installed.
        UsageError: It is no PDF that can be signed, or ``as_of`` is no time.
    """
    with optional_imports():
        from pyhanko.pdf_utils.misc import PdfError
        from pyhanko.sign.general import SigningError
    moment.read(as_of)
    if _RANGE.search(pdf):
        raise UsageError("the PDF is signed already; a signed report is never changed, render it again")
    certificate = certificate_of(key)
    room = len(seal_digest(bytes(32), certificate, lambda _: bytes(_SIGNATURE_BYTES)))
    try:
        for number in range(TRIES):
            # A signature has 71 bytes about every second time. The identifier of the file is new each time, so that
            # one fits its room to the byte: what stands behind a shorter one could change unseen.
            whole, start, digest = _prepared(pdf, room, as_of, number)
            sealed = seal_digest(digest, certificate, key.sign)
            if len(sealed) == room:
                return whole[:start] + _hex(sealed) + whole[start + 2 * room + 2 :]
    except (*_ODD, PdfError, SigningError) as error:
        raise UsageError(
            f"expected a PDF that can be signed; {type(error).__name__}: {ascii(str(error))[:100]}"
        ) from None
    raise UsageError(f"no signature of {room} bytes in {TRIES} tries; sign with another key")


def check_pdf(pdf: bytes, *, trust: Trust, as_of: str, file: str = "report.pdf") -> SignedPdf:
    """Verify a signed PDF, and only then read it.

    Args:
        pdf: The bytes of the file.
        trust: Whom the verifier believes; the signer needs the role ``report``.
        as_of: UTC time to take as now.
        file: Name of the file, for the message.

    Raises:
        EvidenceError: ``PDF_UNSIGNED``, ``PDF_SIGNATURES``, ``PDF_ADDED``, ``PDF_PADDING``, ``PDF_CHANGED``,
            ``PDF_ATTACHMENT``, ``UNKNOWN_KEY``, ``KEY_ROLE``, ``KEY_PERIOD`` or ``KEY_REVOKED``.
        MissingExtra: pyHanko is not installed.
        UsageError: ``as_of`` is no time.
    """
    with optional_imports():
        import pyhanko  # noqa: F401 -- said before anything is checked
    start, end = _gap(pdf, file)
    der = _contents(pdf[start:end], file)
    view = memoryview(pdf)
    sha256 = hashlib.sha256(view[:start])
    sha256.update(view[end:])
    signer = _check_cms(der, sha256.digest(), trust=trust, as_of=as_of, file=file)
    return _read(pdf, signer, (start, end), file)


def _gap(pdf: bytes, file: str) -> tuple[int, int]:
    """Where the signature stands. All else is signed, up to the last byte of the file."""
    found = _RANGE.findall(pdf)
    if not found:
        raise EvidenceError.at(file, "PDF_UNSIGNED", "holds no signature; it may have been stripped")
    if len(found) > 1:
        raise EvidenceError.at(file, "PDF_SIGNATURES", f"expected one signature, found {len(found)}")
    first, start, end, rest = map(int, found[0])
    if end + rest < len(pdf):
        raise EvidenceError.at(file, "PDF_ADDED", f"{len(pdf) - end - rest} bytes were added after it was signed")
    if first != 0 or end + rest != len(pdf) or not 0 < start < end:
        raise _changed(file, "the signature covers other bytes than those of the file")
    return start, end


def _contents(gap: bytes, file: str) -> bytes:
    """The signature between the angle brackets, with nothing before, between or behind it."""
    if not (gap[:1] == b"<" and gap[-1:] == b">" and 2 < len(gap) <= 2 * MAX_BYTES):
        raise _changed(file, "what is not signed is no signature")
    try:
        der = bytes.fromhex(gap[1:-1].decode("ascii"))
        length = _der_length(der)
    except (ValueError, IndexError):
        raise _changed(file, "the signature cannot be read") from None
    if length < len(der):
        message = f"{len(der) - length} bytes behind the signature are not signed and could hold anything"
        raise EvidenceError.at(file, "PDF_PADDING", message)
    if _hex(der) != gap:
        raise _changed(file, "the signature is not written as govkit writes it")
    return der


def _der_length(der: bytes) -> int:
    """Length of the first DER value, with its tag."""
    if der[1] < 0x80:
        return 2 + der[1]
    size = der[1] & 0x7F
    return 2 + size + int.from_bytes(der[2 : 2 + size], "big")


def _check_cms(der: bytes, digest: bytes, *, trust: Trust, as_of: str, file: str) -> TrustedKey:
    try:
        certificate, signature, hint = parts_of(der)
    except ValueError:
        raise _changed(file, "the signature cannot be read") from None
    signer = trusted_key(hint, trust, "report", as_of=as_of, file=file)

    def proven(attributes: bytes) -> bytes:
        verify_bytes(signer, attributes, signature, file=file)
        return signature

    try:
        same = seal_digest(digest, certificate, proven) == der
    except (EvidenceError, *_ODD):
        raise _changed(file, f"the signature of {signer.name!r} does not fit the file") from None
    if not same:
        raise _changed(file, "the signature holds more, or other things, than were signed")
    return signer


def _read(pdf: bytes, signer: TrustedKey, gap: tuple[int, int], file: str) -> SignedPdf:
    """What a PDF holds that was verified."""
    from pyhanko.pdf_utils.generic import parse_pdf_date
    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.pdf_utils.reader import PdfFileReader

    try:
        reader = PdfFileReader(BytesIO(pdf))
        fields = [each.get_object() for each in reader.root["/AcroForm"]["/Fields"]]
        signatures = [field["/V"] for field in fields if field.get("/FT") == "/Sig" and "/V" in field]
        if len(signatures) != 1:
            raise EvidenceError.at(file, "PDF_SIGNATURES", f"expected one signature, found {len(signatures)}")
        (found,) = signatures
        covers = [int(number) for number in found["/ByteRange"]]
        level = reader.root["/Perms"]["/DocMDP"]["/Reference"][0]["/TransformParams"]["/P"]
        if covers != [0, gap[0], gap[1], len(pdf) - gap[1]] or level != NO_CHANGES:
            raise _changed(file, "its signature is none that forbids every change")
        said = parse_pdf_date(str(found["/M"])) if "/M" in found else None
    except (*_ODD, PdfError) as error:
        raise _changed(file, f"it cannot be read ({type(error).__name__})") from None
    try:
        attachments = _attachments(reader, file)
    except (*_ODD, PdfError) as error:
        message = f"an attachment cannot be read ({type(error).__name__})"
        raise EvidenceError.at(file, "PDF_ATTACHMENT", message) from None
    return SignedPdf(signer, attachments, "" if said is None else moment.write(said))


def _attachments(reader: Any, file: str) -> dict[str, bytes]:
    """The attached files; two of one name are refused, for two readers could show two of them."""
    listed = reader.root
    for step in ("/Names", "/EmbeddedFiles", "/Names"):
        if step not in listed:
            return {}
        listed = listed[step]
    found: dict[str, bytes] = {}
    for place in range(1, len(listed), 2):
        specified = listed[place]
        name = str(specified["/UF"])
        if name in found:
            raise EvidenceError.at(file, "PDF_ATTACHMENT", f"the attachment {ascii(name)[:80]} is listed twice")
        found[name] = bytes(specified["/EF"]["/F"].data)
    return found


def _prepared(pdf: bytes, room: int, as_of: str, number: int) -> tuple[bytes, int, bytes]:
    """The file with room for a signature, where that begins, and the digest of all the rest."""
    from pyhanko.pdf_utils.generic import ArrayObject, ByteStringObject
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
    from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigMDPSetup, SigObjSetup
    from pyhanko.sign.signers.pdf_byterange import SignatureObject

    new = hashlib.sha256(hashlib.sha256(pdf).digest() + number.to_bytes(2, "big")).digest()[:16]

    class Writer(IncrementalPdfFileWriter):  # type: ignore[misc]
        """Writes no time of its own, and no random identifier."""

        def _update_meta(self) -> None:
            pass

        @classmethod
        def _handle_id(cls, prev: Any) -> Any:
            old = prev.trailer["/ID"][0] if "/ID" in prev.trailer else new
            return ArrayObject([ByteStringObject(getattr(old, "original_bytes", old)), ByteStringObject(new)])

    place = SignatureObject(moment.read(as_of), subfilter=SigSeedSubFilter.PADES, bytes_reserved=2 * room)
    rules = SigMDPSetup(md_algorithm="sha256", certify=True, docmdp_perms=MDPPerm.NO_CHANGES)
    steps = PdfCMSEmbedder().write_cms(FIELD, Writer(BytesIO(pdf)))
    next(steps)
    steps.send(SigObjSetup(place, mdp_setup=rules))
    prepared, output = steps.send(SigIOSetup(md_algorithm="sha256"))
    return output.getvalue(), prepared.reserved_region_start, prepared.document_digest


def _hex(der: bytes) -> bytes:
    return b"<" + der.hex().upper().encode("ascii") + b">"


def _changed(file: str, what: str) -> EvidenceError:
    return EvidenceError.at(file, "PDF_CHANGED", f"changed since it was signed: {what}")
