"""Whose report it is: colors that can be read, and a logo that is a picture and nothing else."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from bundle_fixture import write_bundle
from page_reader import page
from pydantic import ValidationError
from pypdf import PdfReader

from govkit.core import Audit
from govkit.core.brand import Brand, contrast_to_white
from govkit.errors import AuditError, UsageError
from govkit.pipeline.branding import read_logo
from govkit.pipeline.digests import audit_digest
from govkit.pipeline.remedied_files import _beside
from govkit.report import check_logo, render

HEAD = 'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 40"'
LOGO = f'<svg {HEAD}><title>Clinic</title><rect width="120" height="40" rx="8" fill="#5b2a86"/></svg>'
BRAND = {"organization": "Clinic of <b>Saint Anywhere</b>", "contact": "Dr. A. Person, a@example.org",
         "color": "#5b2a86", "second": "#0a6e4f", "logo": "looks/mine.SVG"}  # fmt: skip


def audit(**changes: object) -> Audit:
    plain = {"schema": "govkit.audit/v1", "subject": {"predictions": "p.csv"}, "columns": {"label": "y"}}
    return Audit.model_validate({**plain, "brand": {**BRAND, **changes}})


def branded(folder: Path, logo: str = LOGO, **changes: object) -> Path:
    bundle = write_bundle(folder, audit={"brand": {**BRAND, **changes}})
    (bundle / "brand").mkdir()
    (bundle / "brand/logo.svg").write_text(logo, encoding="utf-8")
    return bundle


def png(width: int = 3, height: int = 2) -> bytes:
    """A red picture of three pixels by two, whatever it says of itself."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = zlib.compress((b"\0" + b"\xff\0\0" * 3) * 2)
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", size), chunk(b"IDAT", rows), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("color", "contrast"), [("#ffffff", 1.0), ("#000000", 21.0), ("#767676", 4.54), ("#777777", 4.48), ("#ff0000", 4.0)]
)
def test_contrast_is_that_of_the_guidelines(color: str, contrast: float) -> None:
    """Of #767676 and #777777 WCAG's own examples say that the one passes and the other does not."""
    assert contrast_to_white(color) == pytest.approx(contrast, abs=0.005)


@pytest.mark.parametrize("name", ["color", "second"])
def test_a_color_that_cannot_be_read_on_white_is_refused_with_its_contrast(name: str) -> None:
    with pytest.raises(ValidationError, match=rf"{name} #ffcc00 has a contrast of 1\.5\d to white; at least 4\.5"):
        Brand(organization="A", **{name: "#ffcc00"})


@pytest.mark.parametrize(
    "changes", [{"color": "red"}, {"color": "#12"}, {"color": "#000000;} *{x:y"}, {"logo": "a.gif"}, {"logo": "svg"},
                {"organization": ""}, {"organization": "x" * 121}, {"slogan": "we care"}]
)  # fmt: skip
def test_anything_else_than_a_brand_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        audit(**changes)


def test_the_digest_of_an_audit_file_covers_its_brand_and_needs_none() -> None:
    digests = {audit_digest(each) for each in (audit(), audit(color="#000000"), audit(organization="Other"))}
    assert len(digests) == 3
    assert "brand" not in audit().model_copy(update={"brand": None}).dump()


def test_the_logo_is_read_beside_the_audit_file_and_kept_under_one_name(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match=r"brand\.logo: .*mine\.SVG cannot be read"):
        read_logo(audit(), tmp_path)
    (tmp_path / "looks").mkdir()
    (tmp_path / "looks/mine.SVG").write_text(LOGO)
    assert read_logo(audit(), tmp_path) == {"brand/logo.svg": LOGO.encode()}
    assert read_logo(audit(logo=None), tmp_path) == {}
    (tmp_path / "looks/mine.SVG").write_text(LOGO.replace("<rect", "<script/><rect"))
    with pytest.raises(AuditError, match=r"brand\.logo: mine\.SVG: a logo holds no 'script'"):
        read_logo(audit(), tmp_path)


def test_an_audit_file_that_moves_still_finds_its_logo() -> None:
    moved = _beside(audit(), lambda path: f"../{path}")["brand"]
    assert moved.logo == "../looks/mine.SVG"
    assert moved.logo_file == "brand/logo.svg"
    assert _beside(audit(logo=None), lambda path: f"../{path}")["brand"] == audit(logo=None).brand


@pytest.mark.parametrize(
    "inner",
    [
        "<script>alert(1)</script>",
        "<rect onload='alert(1)'/>",
        "<a href='https://evil.example'><rect/></a>",
        "<image href='https://evil.example/x.png'/>",
        "<image href='data:image/png;base64,AAAA'/>",
        "<use href='#a'/>",
        "<foreignObject/>",
        "<style>@import 'https://evil.example/x.css';</style>",
        "<animate attributeName='x'/>",
        "<text>words need a font</text>",
        "<rect style='fill:url(https://evil.example/x)'/>",
        "<rect fill='url( \"//evil.example\" )'/>",
        "<rect fill='u\\72l(x)'/>",
        "<rect style='background:image-set(\"//evil.example/x\")'/>",
        "<linearGradient id='a' href='#a'/>",
        "<clipPath id='a'><rect clip-path='url(#a)'/></clipPath>",
        "<rect xmlns:x='http://www.w3.org/1999/xlink' x:href='#a'/>",
        "<rect xml:base='https://evil.example/'/>",
        "<html xmlns='http://www.w3.org/1999/xhtml'/>",
        "<?xml-stylesheet href='https://evil.example/x.css'?>",
        "<g>" * 60 + "</g>" * 60,
        "<g id='/&gt;'>" * 60 + "</g>" * 60,
        "<rect/>" * 2001,
        "<g>",
    ],
)
def test_what_runs_loads_refers_or_never_ends_is_refused(inner: str) -> None:
    with pytest.raises(UsageError, match=r"x\.svg: "):
        check_logo(f"<svg {HEAD}>{inner}</svg>".encode(), "x.svg")


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b'<!DOCTYPE svg [<!ENTITY a "b">]><svg/>', "no document type"),
        (b"<svg/>", "expected an SVG"),
        (b"\xff\xfe<svg/>", "UTF-8"),
        (f"<svg {HEAD.replace('120', '0')}/>".encode(), "viewBox"),
        (f"<svg {HEAD.replace('120', 'nan')}/>".encode(), "viewBox"),
        (f"<svg {HEAD}>{' ' * 262_144}</svg>".encode(), "make it smaller"),
        (b"GIF89a", "cannot be read"),
    ],
)
def test_what_is_no_small_drawing_is_refused(raw: bytes, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        check_logo(raw, "x.svg")


def test_shapes_that_point_into_the_file_are_fine() -> None:
    drawing = (
        f'<?xml version="1.0" encoding="UTF-8"?><svg {HEAD}><defs><linearGradient id="a"><stop offset="0" '
        'stop-color="#fff"/></linearGradient></defs><path style="fill:url(#a);opacity:.5" d="M0 0h1z"/></svg>'
    )
    assert check_logo(drawing.encode(), "x.svg") == "image/svg+xml"


def test_a_png_is_decoded_to_its_last_row() -> None:
    assert check_logo(png(), "x.PNG") == "image/png"
    for raw, says in ((png()[:-30], "cannot be decoded"), (png(5000), "5000 × 2 pixels"), (b"no", "PNG file")):
        with pytest.raises(UsageError, match=says):
            check_logo(raw, "x.png")


def test_the_report_shows_name_contact_logo_and_colors(tmp_path: Path) -> None:
    bundle = branded(tmp_path)
    for profile in ("owner", "regulator"):
        (tmp_path / profile).mkdir()
        render(bundle, out=tmp_path / profile, pdf=False, profile=profile)
        found, text = page(tmp_path / profile), (tmp_path / profile / "report.html").read_text()
        assert "Clinic of <b>Saint Anywhere</b>" in "".join(found.free)
        assert "<b>Saint" not in text
        assert ("img", "alt", BRAND["organization"]) in found.attributes
        assert ":root { --accent: #5b2a86; --second: #0a6e4f; }" in text
        assert "a@example.org" in text


def test_a_printed_logo_is_there_and_the_page_is_the_same_each_time(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "b", audit={"brand": {**BRAND, "logo": "x.png"}})
    (bundle / "brand").mkdir()
    (bundle / "brand/logo.png").write_bytes(png())
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        render(bundle, out=tmp_path / name, profile="owner")
        made.append((tmp_path / name / "report.pdf").read_bytes())
    assert made[0] == made[1]
    assert b"/Interpolate true" not in made[0]
    assert "Saint Anywhere" in PdfReader(tmp_path / "one/report.pdf").pages[0].extract_text()


def test_a_bundle_whose_logo_is_gone_or_was_changed_into_something_else_is_refused(tmp_path: Path) -> None:
    bundle = branded(tmp_path, LOGO.replace("<rect", "<script/><rect"))
    with pytest.raises(UsageError, match="holds no 'script'"):
        render(bundle, pdf=False)
    (bundle / "brand/logo.svg").unlink()
    with pytest.raises(UsageError, match=r"lacks brand/logo\.svg"):
        render(bundle, pdf=False)
