"""Signs the documents of a bundle that can hold a signature of their own: the PDF, and statements for other tools."""

from __future__ import annotations

from pathlib import Path

from govkit import evidence, report

REPORT = "report.pdf"


def sign_documents(bundle: Path, place: Path, *, key: evidence.SigningKey, statements: bool = True) -> tuple[Path, ...]:
    """Sign ``report.pdf`` where there is one, and write the provenance and the verification summary.

    Args:
        bundle: The bundle that the documents were made from.
        place: Folder of the documents, before it is sealed.
        key: Who signs; the PDF is dated by the verdict.
        statements: Whether the two statements for other tools are written.

    Returns:
        The files that are new.

    Raises:
        MissingExtra: There is a PDF, and pyHanko is not installed.
    """
    page = place / REPORT
    if page.is_file():
        judged = evidence.read_unverified(bundle / "verdict.sigstore.json")["verdict"]["as_of"]
        page.write_bytes(evidence.sign_pdf(page.read_bytes(), key, as_of=judged))
    if not statements:
        return ()
    listed = evidence.unverified_payload(bundle / "findings.sigstore.json")[0]["subject"]
    subjects = [(item["name"], "sha256:" + item["digest"]["sha256"]) for item in listed]
    written = []
    for name, predicate_type, predicate in report.attestable(bundle):
        (place / name).write_bytes(evidence.sign(predicate_type, predicate, subjects, key))
        written.append(place / name)
    return tuple(written)
