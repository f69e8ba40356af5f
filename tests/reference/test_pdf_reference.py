"""A signed report under other people's tools: poppler and NSS, pyHanko, qpdf, pikepdf, zbar."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pikepdf
import pytest
import signed_report as tools
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from evidence_bundle import NOW
from lxml import etree
from pikepdf import Dictionary, Name, Pdf
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from govkit import evidence
from govkit.errors import EvidenceError
from govkit.evidence.certificate import FIRST, LAST, certificate_of
from govkit.evidence.cms import seal_digest
from govkit.report.read import read

STATEMENTS = ["findings.sigstore.json", "run.sigstore.json", "verdict.sigstore.json"]


@dataclass
class Signed:
    folder: Path
    key: evidence.SigningKey
    plain: bytes

    @property
    def path(self) -> Path:
        return self.folder / "report.pdf"


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    folder, key = tmp_path_factory.mktemp("reference") / "bundle", evidence.throwaway_key("Ada", NOW)
    plain = tools.printed(tools.write(folder, key))
    (folder / "report.pdf").write_bytes(evidence.sign_pdf(plain, key, NOW))
    return Signed(folder, key, plain)


@pytest.fixture(scope="module")
def pdf(signed: Signed) -> Iterator[Pdf]:
    with pikepdf.open(signed.path) as found:
        yield found


def run(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, env={"TZ": "UTC", "LC_ALL": "C"}).stdout


def database(folder: Path, certificate: bytes, flags: str) -> str:
    """A database of NSS that holds one certificate."""
    folder.mkdir()
    (folder / "held.der").write_bytes(certificate)
    run("certutil", "-N", "-d", f"sql:{folder}", "--empty-password")
    run("certutil", "-A", "-d", f"sql:{folder}", "-n", "held", "-t", flags, "-i", folder / "held.der")
    return f"sql:{folder}"


def authority(key: evidence.SigningKey) -> bytes:
    """An authority that vouches for a key: of its name, and allowed to sign certificates, as our own are not."""
    name = x509.load_der_x509_certificate(certificate_of(key)).subject
    asked = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "encipher_only", "decipher_only")  # fmt: skip
    usage = x509.KeyUsage(**dict.fromkeys(asked, False), key_cert_sign=True, crl_sign=True)
    builder = x509.CertificateBuilder(name, name, key.private.public_key(), 7, FIRST, LAST)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return builder.add_extension(usage, critical=True).sign(key.private, SHA256()).public_bytes(Encoding.DER)


def test_poppler_says_valid_whole_and_trusted(signed: Signed, tmp_path: Path) -> None:
    told = run("pdfsig", "-nssdir", database(tmp_path / "nss", authority(signed.key), "CT,C,C"), signed.path)
    assert told.count("Signature #") == 1
    for line in (
        "Signature Field Name: govkit",
        f"Signer Certificate Common Name: govkit key {signed.key.id[:16]}",
        "Signing Time: Nov 24 2026 12:00:00",
        "Signature Type: ETSI.CAdES.detached",
        "Total document signed",
        "Signature Validation: Signature is Valid.",
        "Certificate Validation: Certificate is Trusted.",
    ):
        assert f"- {line}" in told


def test_nss_accepts_the_certificate_itself_once_it_is_pinned(signed: Signed, tmp_path: Path) -> None:
    pinned = database(tmp_path / "nss", certificate_of(signed.key), "P,P,P")
    assert "certificate is valid" in run("certutil", "-V", "-d", pinned, "-n", "held", "-u", "S")
    told = run("pdfsig", "-nssdir", pinned, signed.path)
    assert "Signature is Valid" in told
    assert "Total document signed" in told


def status(pdf: bytes, key: evidence.SigningKey) -> Any:
    """What pyHanko says of the only signature, with the certificate of a key pinned."""
    (found,) = PdfFileReader(BytesIO(pdf)).embedded_signatures
    root = asn1.Certificate.load(certificate_of(key))
    moment = datetime(2026, 11, 25, tzinfo=UTC)
    context = ValidationContext(trust_roots=[root], allow_fetching=False, moment=moment)
    return validate_pdf_signature(found, context)


def test_pyhanko_validates_it_with_its_own_rules(signed: Signed) -> None:
    found = status(signed.path.read_bytes(), signed.key)
    assert found.bottom_line
    assert (found.intact, found.valid, found.trusted, found.docmdp_ok) == (True, True, True, True)
    assert found.coverage.name == "ENTIRE_FILE"
    assert not status(signed.path.read_bytes(), evidence.throwaway_key("Stranger", NOW)).bottom_line


def test_two_changes_that_pyhanko_lets_pass_are_refused_here(signed: Signed) -> None:
    def seal(digest: bytes) -> bytes:
        return seal_digest(digest, certificate_of(signed.key), signed.key.sign)

    padded = tools.embed(signed.plain, seal, room=1000)
    place = padded.index(b"/ByteRange") - 20
    edited = padded[:place] + b"DEADBEEF" + padded[place + 8 :]
    trust = evidence.trust_of(signed.key)
    for forged, code in ((signed.path.read_bytes() + b"junk", "PDF_ADDED"), (edited, "PDF_PADDING")):
        assert status(forged, signed.key).bottom_line
        with pytest.raises(EvidenceError, match=code):
            evidence.check_pdf(forged, trust=trust, as_of=NOW)


def test_qpdf_finds_no_error_before_and_after_signing(signed: Signed, tmp_path: Path) -> None:
    (tmp_path / "plain.pdf").write_bytes(signed.plain)
    for path in (tmp_path / "plain.pdf", signed.path):
        assert "No syntax or stream encoding errors found" in run("qpdf", "--check", path)


def test_poppler_takes_the_statements_out_as_they_were_signed(signed: Signed, tmp_path: Path) -> None:
    run("pdfdetach", "-saveall", "-o", tmp_path, signed.path)
    assert sorted(path.name for path in tmp_path.iterdir()) == STATEMENTS
    for name in STATEMENTS:
        assert (tmp_path / name).read_bytes() == (signed.folder / name).read_bytes()


def test_a_camera_reads_the_command_and_the_digests(signed: Signed, tmp_path: Path, pdf: Pdf) -> None:
    last = str(len(pdf.pages))
    run("pdftoppm", "-r", "150", "-f", last, "-l", last, "-gray", "-png", "-singlefile", signed.path, tmp_path / "last")
    told = run("zbarimg", "--quiet", "--raw", "--nodbus", tmp_path / "last.png").strip().splitlines()
    sources = read(signed.folder)
    assert told == [
        "govkit verify report.pdf --trust trust.yaml",
        f"artifact {sources.verdict.subject}",
        f"findings {sources.findings_digest}",
        f"verdict {sources.verdict_digest}",
    ]
    text = "".join(run("pdftotext", "-f", last, "-l", last, "-layout", signed.path, "-").split())
    assert all("".join(line.split()[-1].split()) in text for line in told[1:])
    assert "".join(told[0].split()) in text


def elements(pdf: Pdf) -> Iterator[tuple[Dictionary, list[str]]]:
    """The elements of the structure tree, in the order of reading, with the kinds of those above."""

    def walk(element: Dictionary, above: list[str]) -> Iterator[tuple[Dictionary, list[str]]]:
        yield element, above
        for kid in kids(element):
            yield from walk(kid, [*above, str(element.S)])

    yield from walk(pdf.Root.StructTreeRoot.K[0], [])


def kids(element: Dictionary) -> list[Dictionary]:
    below = element.get("/K", [])
    listed = list(below) if isinstance(below, pikepdf.Array) else [below]
    return [kid for kid in listed if isinstance(kid, Dictionary) and kid.get("/Type") == Name.StructElem]


def test_it_says_what_it_is_and_in_which_language(pdf: Pdf) -> None:
    root = pdf.Root
    assert root.ViewerPreferences.DisplayDocTitle is True
    assert root.MarkInfo.Marked is True
    assert str(root.Lang) == "en"
    assert str(pdf.docinfo.Title).startswith("Audit report: ")
    (intent,) = root.OutputIntents
    assert intent.S == Name.GTS_PDFA1
    assert len(intent.DestOutputProfile.read_bytes()) > 1000
    assert "/Version" not in root
    xmp = root.Metadata.read_bytes()
    etree.fromstring(xmp, etree.XMLParser(resolve_entities=False))
    assert xmp.count(b"<rdf:RDF") == 1
    held = pdf.open_metadata()
    assert [held[name] for name in ("pdfaid:part", "pdfaid:conformance", "pdfuaid:part")] == ["3", "B", "1"]


def test_the_metadata_are_those_from_before_it_was_signed(signed: Signed, pdf: Pdf) -> None:
    with pikepdf.open(BytesIO(signed.plain)) as plain:
        assert plain.Root.Metadata.read_bytes() == pdf.Root.Metadata.read_bytes()
        assert dict(plain.docinfo.items()) == dict(pdf.docinfo.items())


def test_every_statement_is_attached_as_data_once(pdf: Pdf) -> None:
    assert [str(name) for name in list(pdf.Root.Names.EmbeddedFiles.Names)[::2]] == STATEMENTS
    assert [(str(held.UF), str(held.AFRelationship)) for held in pdf.Root.AF] == [(n, "/Data") for n in STATEMENTS]
    for held in pdf.Root.AF:
        assert str(held.EF.F.Params.ModDate).startswith("D:20261124")


def test_nothing_in_it_can_act(pdf: Pdf) -> None:
    forbidden = {"/JavaScript", "/JS", "/AA", "/OpenAction", "/Launch", "/XFA", "/RichMedia"}
    for held in pdf.objects:
        if isinstance(held, Dictionary | pikepdf.Stream):
            assert not forbidden & set(held.keys())
            assert held.get("/S") not in (Name.JavaScript, Name.Launch, Name.URI)
            assert not held.get("/Interpolate", False)


def test_every_font_is_embedded(pdf: Pdf) -> None:
    fonts = [held for held in pdf.objects if isinstance(held, Dictionary) and held.get("/Type") == Name.FontDescriptor]
    assert len(fonts) >= 2
    assert all({"/FontFile", "/FontFile2", "/FontFile3"} & set(font.keys()) for font in fonts)


def test_the_structure_is_one_that_a_screen_reader_can_follow(pdf: Pdf) -> None:
    found = list(elements(pdf))
    levels = [int(str(element.S)[2:]) for element, _ in found if str(element.S) in ("/H1", "/H2", "/H3", "/H4")]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    figures = [str(element.Alt) for element, _ in found if str(element.S) == "/Figure"]
    assert len(figures) >= 5
    assert all(len(alt) > 10 for alt in figures)
    heads = [str(element.A.Scope) for element, _ in found if str(element.S) == "/TH"]
    assert set(heads) == {"/Column", "/Row"}
    for element, above in found:
        assert (element.S == Name.LI) <= (above[-1:] == ["/L"])
        assert (element.S in (Name.Lbl, Name.LBody)) <= (above[-1:] == ["/LI"])
        assert (element.S == Name.L) <= ({str(kid.S) for kid in kids(element)} <= {"/LI", "/L", "/Caption"})
        assert "/ID" not in element
        assert "/Headers" not in element.get("/A", {})


def marks(page: pikepdf.Page) -> Iterator[tuple[str, int | None]]:
    """Each sequence of marked content of a page; raises at something painted outside of one."""
    depth = 0
    paints = {"Tj", "TJ", "'", '"', "f", "F", "f*", "B", "B*", "b", "b*", "S", "s", "Do", "sh", "BI"}
    for operands, operator in pikepdf.parse_content_stream(page):
        if str(operator) in ("BDC", "BMC"):
            depth += 1
            held = operands[1] if len(operands) > 1 else {}
            yield str(operands[0]), held.get("/MCID")
        elif str(operator) == "EMC":
            depth -= 1
        assert depth > 0 or str(operator) not in paints
    assert depth == 0


def test_all_that_is_painted_is_content_of_an_element_or_an_artifact(pdf: Pdf) -> None:
    numbers = list(pdf.Root.StructTreeRoot.ParentTree.Nums)
    assert [int(key) for key in numbers[::2]] == list(range(len(numbers) // 2))
    reached = {element.objgen for element, _ in elements(pdf)}
    for page in pdf.pages:
        assert page.Tabs == Name.S
        owners = numbers[2 * int(page.StructParents) + 1]
        found = list(marks(page))
        assert ("/Artifact", None) in found
        for tag, number in found:
            assert (tag == "/Artifact") == (number is None)
            assert number is None or owners[int(number)].objgen in reached


def test_every_annotation_is_printed_and_in_the_tree(pdf: Pdf) -> None:
    numbers = list(pdf.Root.StructTreeRoot.ParentTree.Nums)
    kinds = []
    for page in pdf.pages:
        for held in page.get("/Annots", []):
            kinds.append(str(held.Subtype))
            assert int(held.F) & 4
            owner = numbers[2 * int(held.StructParent) + 1]
            assert any(isinstance(kid, Dictionary) and kid.get("/Obj", {}) == held for kid in owner.K)
            assert str(held.get("/Contents", held.get("/TU", "")))
    assert kinds.count("/Widget") == 1
    assert kinds.count("/Link") > 5
