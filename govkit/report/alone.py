"""The block of a printed report that says how to check the file itself: a command, digests, a code for cameras."""

from __future__ import annotations

from govkit.errors import missing_extra
from govkit.report.blocks import Code
from govkit.report.html import cell, template
from govkit.report.read import Sources
from govkit.report.words import catalog

VERIFY = "govkit verify report.pdf --trust trust.yaml"


def with_own_check(page: str, sources: Sources) -> str:
    """The page with the block at its end.

    Raises:
        MissingExtra: segno is not installed.
    """
    says = catalog()["alone"]
    digests = {
        "artifact": sources.verdict.subject,
        "findings": sources.findings_digest,
        "verdict": sources.verdict_digest,
    }
    block = template("alone.html.j2").render(
        says=says,
        command=VERIFY,
        digests=[(says["rows"][name], cell((Code(digest),))) for name, digest in digests.items()],
        code=_code("\n".join([VERIFY, *(f"{name} {digest}" for name, digest in digests.items())])),
    )
    before, end, after = page.rpartition("</main>")
    return f"{before}{block}{end}{after}"


def _code(text: str) -> str:
    """A QR code as an address."""
    try:
        import segno
    except ModuleNotFoundError as error:
        raise missing_extra(error) or error from None
    address: str = segno.make(text, error="m", micro=False).svg_data_uri(border=4, encode_minimal=False)
    return address
