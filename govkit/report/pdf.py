"""The report as PDF/A-3b and PDF/UA-1, with the signed statements attached. Same page, same bytes.

The page ends with how to check the file itself. An empty field waits for the signature, which ``evidence.sign_pdf``
writes.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from logging.handlers import BufferingHandler

from govkit.errors import GovkitError, missing_extra
from govkit.report.blocks import Code
from govkit.report.cover import VERIFY_FILE
from govkit.report.escape import drawable
from govkit.report.finishing import finish
from govkit.report.html import cell, template, without_script
from govkit.report.read import Sources
from govkit.report.words import catalog


def pdf(page: str, sources: Sources, *, own_check: bool = True) -> bytes:
    """Print the page, with the block that says how to check the file itself unless the page says it.

    Raises:
        MissingExtra: WeasyPrint or segno is not installed.
        GovkitError: WeasyPrint complained about the page, so the file could not be trusted to be complete.
    """
    try:
        from weasyprint import HTML, Attachment
        from weasyprint.urls import URLFetcher
    except ModuleNotFoundError as error:
        raise missing_extra(error) or error from None
    says = catalog()["alone"]["statements"]
    attached = [
        Attachment(string=content, name=name, description=says[name], relationship="Data", created=sources.as_of,
                   modified=sources.as_of)
        for name, content in sorted(sources.statements.items())
    ]  # fmt: skip
    plain = on_paper(page)
    with _warnings() as said:
        text = drawable(with_own_check(plain, sources) if own_check else plain)
        html = HTML(string=text, url_fetcher=URLFetcher(allowed_protocols=["data"]))
        made: bytes = html.write_pdf(
            pdf_variant="pdf/a-3b",
            pdf_tags=True,
            pdf_identifier=sha256(sources.findings_digest.encode()).digest()[:16],
            attachments=attached,
            finisher=finish,
        )
    if said:
        raise GovkitError(f"the report could not be printed: {said[0].getMessage()}")
    return made


def on_paper(page: str) -> str:
    """The page without its script and the rows that are for the screen: hidden, they cost a third of the memory."""
    return re.sub(r'<tr class="screen"[^>]*>.*?</tr>', "", without_script(page), flags=re.DOTALL)


@contextmanager
def _warnings() -> Iterator[list[logging.LogRecord]]:
    """What WeasyPrint warns about: it only logs what would make a page wrong."""
    # It keeps the records; nothing flushes them.
    said = BufferingHandler(capacity=1_000_000)
    said.setLevel(logging.WARNING)
    logger = logging.getLogger("weasyprint")
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(said)
    try:
        # WeasyPrint leaves the file of its color profile open until it is collected.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            yield said.buffer
    finally:
        logger.removeHandler(said)
        logger.propagate = propagate


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
        command=VERIFY_FILE,
        digests=[(says["rows"][name], cell((Code(digest),))) for name, digest in digests.items()],
        code=_code("\n".join([VERIFY_FILE, *(f"{name} {digest}" for name, digest in digests.items())])),
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
