"""A signed report: the same bytes each time, and no byte of it can change unseen."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
import signed_report as tools
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from evidence_bundle import LATER, NOW
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm
from pyhanko_certvalidator.registry import SimpleCertificateStore
from pypdf import PdfReader, PdfWriter
from watchdog import alarm

from govkit import evidence
from govkit.errors import EvidenceError, MissingExtra, UsageError
from govkit.evidence.certificate import certificate_of
from govkit.evidence.cms import parts_of, seal_digest
from govkit.evidence.keys import ORDER

PASSWORD = b"correct horse battery staple"
STRANGER = evidence.throwaway_key("Stranger", NOW)


@dataclass
class Case:
    folder: Path
    key: evidence.SigningKey
    trust: evidence.Trust
    plain: bytes
    signed: bytes

    def check(self, pdf: bytes, **changes: object) -> evidence.SignedPdf:
        options = {"trust": self.trust, "as_of": LATER, **changes}
        return evidence.check_pdf(pdf, **options)

    def seal(self, digest: bytes) -> bytes:
        return seal_digest(digest, certificate_of(self.key), self.key.sign)

    @property
    def gap(self) -> tuple[int, int]:
        """Where the signature stands, with its angle brackets."""
        start = self.signed.index(b"/Contents <30") + 10
        return start, self.signed.index(b">", start) + 1


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("signed")
    evidence.new_key(folder / "keys", password=PASSWORD, name="Ada", as_of=NOW)
    key = evidence.load_key(folder / "keys/audit.key", PASSWORD)
    plain = tools.small(tools.write(folder / "bundle", key))
    trust = evidence.read_trust(folder / "keys/trust.yaml")
    return Case(folder, key, trust, plain, evidence.sign_pdf(plain, key, NOW))


def refused(case: Case, pdf: bytes, **changes: object) -> str:
    with pytest.raises(EvidenceError) as raised:
        case.check(pdf, **changes)
    assert raised.value.file == "report.pdf"
    return raised.value.code


def simple(key: evidence.SigningKey) -> signers.SimpleSigner:
    """The signer of pyHanko with one of our keys."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from pyhanko.keys import load_private_key_from_pemder_data

    der = key.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    held = load_private_key_from_pemder_data(der, passphrase=None)
    certificate = asn1.Certificate.load(certificate_of(key))
    return signers.SimpleSigner(certificate, held, SimpleCertificateStore())


def test_a_signed_report_says_who_signed_it_when_and_what_it_carries(case: Case) -> None:
    found = case.check(case.signed)
    assert (found.signer.name, found.as_of) == ("Ada", NOW)
    statements = {path.name: path.read_bytes() for path in (case.folder / "bundle").glob("*.sigstore.json")}
    assert sorted(statements) == ["findings.sigstore.json", "run.sigstore.json", "verdict.sigstore.json"]
    assert found.attachments == statements


def test_the_report_before_it_is_signed_is_still_in_the_file(case: Case) -> None:
    assert case.signed.startswith(case.plain)


def test_signing_twice_gives_the_same_bytes_also_in_another_process(case: Case) -> None:
    assert evidence.sign_pdf(case.plain, case.key, NOW) == case.signed
    (case.folder / "plain.pdf").write_bytes(case.plain)
    program = (
        "import os, sys, pathlib; os.umask(0o077); from govkit import evidence; place = pathlib.Path(sys.argv[1]);"
        f"key = evidence.load_key(place / 'keys/audit.key', {PASSWORD!r});"
        f"sys.stdout.buffer.write(evidence.sign_pdf((place / 'plain.pdf').read_bytes(), key, {NOW!r}))"
    )
    environment = {**os.environ, "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-c", program, case.folder], check=True, capture_output=True, env=environment
    )
    assert done.stdout == case.signed


def test_another_time_gives_another_signature_that_verifies_too(case: Case) -> None:
    other = evidence.sign_pdf(case.plain, case.key, LATER)
    assert other != case.signed
    assert case.check(other).as_of == LATER


def test_signatures_of_every_length_fill_their_room(case: Case) -> None:
    keys = [evidence.throwaway_key(f"Key {number}", NOW) for number in range(8)]
    for key in keys:
        signed = evidence.sign_pdf(case.plain, key, NOW)
        assert case.check(signed, trust=evidence.trust_of(key)).signer.id == key.id


def test_the_certificate_is_a_function_of_the_private_key_alone(case: Case) -> None:
    der = certificate_of(case.key)
    assert der == certificate_of(case.key)
    found = x509.load_der_x509_certificate(der)
    found.verify_directly_issued_by(found)
    assert found.subject.rfc4514_string() == found.issuer.rfc4514_string() == f"CN=govkit key {case.key.id[:16]}"
    assert found.public_key() == case.key.private.public_key()
    usage = found.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert (usage.value.digital_signature, usage.value.content_commitment) == (True, True)
    allowed = (usage.value.key_cert_sign, usage.value.key_agreement, usage.value.key_encipherment)
    assert allowed == (False, False, False)
    assert (found.not_valid_before_utc.year, found.not_valid_after_utc.year) == (2020, 9999)
    assert len({certificate_of(key) for key in (case.key, STRANGER)}) == 2


def test_a_signature_names_its_key_by_its_id(case: Case) -> None:
    der = case.seal(bytes(32))
    certificate, signature, hint = parts_of(der)
    assert (certificate, hint) == (certificate_of(case.key), case.key.id)
    assert seal_digest(bytes(32), certificate, lambda _: signature) == der


def text_edited(case: Case) -> bytes:
    place = case.plain.index(b"stream") + 40
    return case.signed[:place] + bytes([case.signed[place] ^ 1]) + case.signed[place + 1 :]


def date_edited(case: Case) -> bytes:
    return case.signed.replace(b"20261124120000Z)\n/Reference", b"20271124120000Z)\n/Reference")


def overlaid(case: Case) -> bytes:
    """A new page on top of the old one, as an incremental update."""
    writer = IncrementalPdfFileWriter(BytesIO(case.signed))
    writer.root["/Lang"] = writer.root["/Lang"].__class__("fr")
    writer.update_root()
    output = BytesIO()
    writer.write(output)
    assert output.getvalue().startswith(case.signed)
    return output.getvalue()


def changed_in_cms(case: Case) -> bytes:
    place = case.gap[1] - 20
    digit = b"0" if case.signed[place : place + 1] != b"0" else b"1"
    return case.signed[:place] + digit + case.signed[place + 1 :]


def in_small_letters(case: Case) -> bytes:
    start, end = case.gap
    return case.signed[:start] + case.signed[start:end].lower() + case.signed[end:]


def padded(case: Case) -> bytes:
    return tools.embed(case.plain, case.seal, room=1000)


def with_edited_padding(case: Case) -> bytes:
    pdf = padded(case)
    place = pdf.index(b"/ByteRange") - 20
    assert pdf[place : place + 8] == b"00000000"
    return pdf[:place] + b"DEADBEEF" + pdf[place + 8 :]


def by_pyhanko(case: Case) -> bytes:
    """Signed by the trusted key, in a form that is good and not ours."""
    signer = simple(case.key)
    return tools.embed(
        case.plain, lambda digest: asyncio.run(signer.async_sign(digest, "sha256", use_pades=True)).dump()
    )


def in_second_form(case: Case) -> bytes:
    """With the other signature that fits the same payload and key: (r, n − s) for (r, s)."""

    def sign(data: bytes) -> bytes:
        r, s = decode_dss_signature(case.key.sign(data))
        return encode_dss_signature(r, ORDER - s)

    return tools.embed(case.plain, lambda digest: seal_digest(digest, certificate_of(case.key), sign))


def signed_twice(case: Case) -> bytes:
    pdf = case.plain
    for field in ("govkit", "other"):
        meta = signers.PdfSignatureMetadata(field_name=field, md_algorithm="sha256")
        pdf = signers.sign_pdf(IncrementalPdfFileWriter(BytesIO(pdf)), meta, signer=simple(case.key)).getvalue()
    return pdf


def by_pypdf(case: Case) -> bytes:
    output = BytesIO()
    PdfWriter(clone_from=PdfReader(BytesIO(case.signed))).write(output)
    return output.getvalue()


def by_pikepdf(case: Case) -> bytes:
    output = BytesIO()
    with pikepdf.open(BytesIO(case.signed)) as pdf:
        pdf.save(output)
    return output.getvalue()


def certified(level: MDPPerm) -> Callable[[Case], bytes]:
    return lambda case: tools.embed(case.plain, case.seal, level=level)


def range_moved(case: Case) -> bytes:
    start, end = case.gap
    ours = b"/ByteRange [0 %d %d %d]" % (start, end, len(case.signed) - end)
    wider = b"/ByteRange [0 %d %d %d]" % (start - 1, end, len(case.signed) - end)
    assert case.signed.count(ours) == 1
    return case.signed.replace(ours, wider)


FORGED: list[tuple[str, Callable[[Case], bytes], set[str]]] = [
    ("text edited", text_edited, {"PDF_CHANGED"}),
    ("date of signing edited", date_edited, {"PDF_CHANGED"}),
    ("an update over it", overlaid, {"PDF_ADDED"}),
    ("junk behind it", lambda case: case.signed + b"junk", {"PDF_ADDED"}),
    ("a line break behind it", lambda case: case.signed + b"\n", {"PDF_ADDED"}),
    ("junk before it", lambda case: b"junk" + case.signed, {"PDF_ADDED"}),
    ("signed by a stranger", lambda case: evidence.sign_pdf(case.plain, STRANGER, NOW), {"UNKNOWN_KEY"}),
    ("a signature with padding", padded, {"PDF_PADDING"}),
    ("padding edited", with_edited_padding, {"PDF_PADDING"}),
    ("signature in small letters", in_small_letters, {"PDF_CHANGED"}),
    ("signature edited", changed_in_cms, {"PDF_CHANGED"}),
    ("signature of another form", by_pyhanko, {"PDF_CHANGED"}),
    ("signature in its second form", in_second_form, {"PDF_CHANGED"}),
    ("signature that certifies nothing", lambda case: tools.embed(case.plain, case.seal, level=None), {"PDF_CHANGED"}),
    ("signature that lets forms be filled", certified(MDPPerm.FILL_FORMS), {"PDF_CHANGED"}),
    ("signature that lets notes be added", certified(MDPPerm.ANNOTATE), {"PDF_CHANGED"}),
    ("range moved", range_moved, {"PDF_CHANGED"}),
    ("two signatures", signed_twice, {"PDF_SIGNATURES"}),
    ("saved again by pypdf", by_pypdf, {"PDF_CHANGED", "PDF_UNSIGNED", "PDF_ADDED"}),
    ("saved again by pikepdf", by_pikepdf, {"PDF_CHANGED", "PDF_UNSIGNED", "PDF_ADDED"}),
    ("not signed", lambda case: case.plain, {"PDF_UNSIGNED"}),
    ("signature stripped", lambda case: case.signed[: len(case.plain)], {"PDF_UNSIGNED"}),
    ("empty", lambda _: b"", {"PDF_UNSIGNED"}),
    ("no PDF", lambda case: tools.sealed_bytes(b"no PDF", case.seal, len(case.seal(bytes(32)))), {"PDF_CHANGED"}),
]


@pytest.mark.parametrize(("forge", "codes"), [pytest.param(*rest, id=name) for name, *rest in FORGED])
def test_a_forged_report_is_refused(case: Case, forge: Callable[[Case], bytes], codes: set[str]) -> None:
    forged = forge(case)
    assert forged != case.signed
    assert refused(case, forged) in codes


def test_a_report_that_was_cut_anywhere_is_refused(case: Case) -> None:
    start, end = case.gap
    for length in (1, len(case.plain), start, start + 1, start + 700, end - 1, end, len(case.signed) - 1):
        assert refused(case, case.signed[:length]).startswith("PDF_")


def test_no_byte_can_change_unseen(case: Case) -> None:
    dice = random.Random(8)  # noqa: S311 -- the same places each time
    start = len(case.plain)
    places = [dice.randrange(len(case.signed)) for _ in range(100)]
    places += [dice.randrange(start, len(case.signed)) for _ in range(300)]
    for place in places:
        other = bytes([case.signed[place] ^ dice.randrange(1, 256)])
        assert refused(case, case.signed[:place] + other + case.signed[place + 1 :])


@pytest.mark.parametrize("size", [1, 64, 4096])
def test_no_bytes_can_be_lost_or_doubled_unseen(case: Case, size: int) -> None:
    dice = random.Random(size)  # noqa: S311 -- the same places each time
    for place in (dice.randrange(len(case.signed) - size) for _ in range(30)):
        rest = case.signed[place + size :]
        assert refused(case, case.signed[:place] + rest)
        assert refused(case, case.signed[: place + size] + case.signed[place:])


@pytest.mark.parametrize(
    ("changes", "as_of", "code"),
    [
        ({"roles": ("audit", "gate", "release")}, LATER, "KEY_ROLE"),
        ({"revoked_at": "2026-11-24T12:05:00Z"}, LATER, "KEY_REVOKED"),
        ({}, "2029-01-01T00:00:00Z", "KEY_PERIOD"),
        ({}, "2026-11-24T11:59:59Z", "KEY_PERIOD"),
    ],
)
def test_the_signer_must_be_trusted_for_reports_now(
    case: Case, changes: dict[str, object], as_of: str, code: str
) -> None:
    entry = {**case.trust.keys[0].model_dump(), **changes}
    assert refused(case, case.signed, trust=evidence.Trust.model_validate({"keys": (entry,)}), as_of=as_of) == code


def with_names(case: Case, change: Callable[[pikepdf.Pdf], None]) -> bytes:
    """The report with other attachments, signed by the trusted key."""
    output = BytesIO()
    with pikepdf.open(BytesIO(case.plain)) as pdf:
        change(pdf)
        pdf.save(output)
    return evidence.sign_pdf(output.getvalue(), case.key, NOW)


def listed_twice(pdf: pikepdf.Pdf) -> None:
    names = pdf.Root.Names.EmbeddedFiles.Names
    names.extend([names[0], names[1]])


def damaged(pdf: pikepdf.Pdf) -> None:
    names = pdf.Root.Names.EmbeddedFiles.Names
    names[1].EF.F = pdf.make_stream(b"no deflated data", Filter=pikepdf.Name.FlateDecode)


def lost(pdf: pikepdf.Pdf) -> None:
    del pdf.Root.Names.EmbeddedFiles.Names[1]["/EF"]


@pytest.mark.parametrize("change", [listed_twice, damaged, lost])
def test_attachments_that_two_readers_could_read_differently_are_refused(
    case: Case, change: Callable[[pikepdf.Pdf], None]
) -> None:
    assert refused(case, with_names(case, change)) == "PDF_ATTACHMENT"


def test_a_report_without_attachments_has_none(case: Case) -> None:
    signed = with_names(case, lambda pdf: pdf.Root.__delattr__("Names"))
    assert case.check(signed).attachments == {}


def test_a_pdf_without_a_field_gets_one() -> None:
    output = BytesIO()
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.write(output)
    key = evidence.throwaway_key("Ada", NOW)
    signed = evidence.sign_pdf(output.getvalue(), key, NOW)
    assert signed == evidence.sign_pdf(output.getvalue(), key, NOW)
    assert evidence.check_pdf(signed, trust=evidence.trust_of(key), as_of=NOW).attachments == {}


HOSTILE = {
    "a bomb": b"%PDF-1.7\n1 0 obj<</Kids[1 0 R]/Parent 1 0 R>>endobj\n" + b"[" * 200_000,
    "a loop of references": b"%PDF-1.7\n" + b"".join(b"%d 0 obj %d 0 R endobj\n" % (n, n % 9 + 1) for n in range(1, 10))
    + b"xref\n0 1\ntrailer<</Root 1 0 R/Prev 9/Size 10>>\nstartxref\n9\n%%EOF",
    "many ranges": b"/ByteRange [" * 200_000 + b" " * 200_000,
    "a large number": b"/ByteRange [0 1 2 " + b"9" * 200_000 + b"]",
}  # fmt: skip


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_stranger_brings_no_parser_to_its_knees(case: Case, body: bytes) -> None:
    with alarm(60):
        assert refused(case, body) == "PDF_UNSIGNED"
        if b"/ByteRange" not in body:
            room = len(seal_digest(bytes(32), certificate_of(STRANGER), lambda _: bytes(71)))
            sealed = tools.sealed_bytes(
                body, lambda digest: seal_digest(digest, certificate_of(STRANGER), STRANGER.sign), room
            )
            assert refused(case, sealed) == "UNKNOWN_KEY"
            own = tools.sealed_bytes(
                body, case.seal, len(seal_digest(bytes(32), certificate_of(case.key), lambda _: bytes(71)))
            )
            assert refused(case, own) == "PDF_CHANGED"


@pytest.mark.parametrize("gap", [b"<>", b"<30>", b"<3080>", b"<30850000000000>", b"<zz>", b"(30)", b"<3082FFFF00>"])
def test_a_signature_that_is_none_is_refused(case: Case, gap: bytes) -> None:
    start, end = case.gap
    tail = case.signed[end:]
    old = b"[0 %d %d %d]" % (start, end, len(tail))
    new = b"[0 %d %d %d]" % (start, start + len(gap), len(tail))
    assert refused(case, case.signed[:start] + gap + tail.replace(old, new.ljust(len(old)))) == "PDF_CHANGED"


@pytest.mark.parametrize(
    ("pdf", "says"),
    [
        (lambda case: case.signed, "signed already"),
        (lambda _: b"", "expected a PDF"),
        (lambda _: b"no PDF at all", "expected a PDF"),
        (lambda case: case.plain[:2000], "expected a PDF"),
    ],
)
def test_what_cannot_be_signed_is_refused(case: Case, pdf: Callable[[Case], bytes], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        evidence.sign_pdf(pdf(case), case.key, NOW)


def test_a_time_that_is_none_is_refused(case: Case) -> None:
    with pytest.raises(UsageError, match="as_of"):
        evidence.sign_pdf(case.plain, case.key, "yesterday")


def test_without_the_extra_it_says_which_one(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "pyhanko"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match=r"govkit\[pdf\]"):
        evidence.sign_pdf(case.plain, case.key, NOW)
    with pytest.raises(MissingExtra, match=r"govkit\[pdf\]"):
        case.check(case.signed)


def test_the_second_half_of_the_identifier_is_new_and_the_first_stays(case: Case) -> None:
    before, after = (PdfReader(BytesIO(pdf)).trailer["/ID"] for pdf in (case.plain, case.signed))
    raw = [[getattr(half, "original_bytes", half) for half in pair] for pair in (before, after)]
    assert raw[0][0] == raw[1][0]
    assert raw[0][1] != raw[1][1]
