"""Writes the documents of a bundle anew and compares them byte for byte: then no word of them is the signer's own."""

from __future__ import annotations

import tempfile
from pathlib import Path

from govkit import evidence, manifest, report
from govkit.errors import EvidenceError, UsageError
from govkit.pipeline.bundle import tool


def check_documents(folder: Path, proof: evidence.Evidence) -> tuple[str, ...]:
    """Compare card, report, exports and all else that ``report.render`` writes with what the statements give.

    Not of the PDF, whose pages depend on the fonts of a machine; it carries the statements, to be read instead.

    Args:
        folder: The bundle.
        proof: What was verified of it.

    Returns:
        The documents that were compared.

    Raises:
        EvidenceError: ``DOCUMENT_DIFFERS``.
        UsageError: The bundle was sealed by another version of govkit, whose documents this one cannot write.
    """
    if proof.release.tool != tool():
        theirs, ours = (f"{found.get('name')} {found.get('version')}" for found in (proof.release.tool, tool()))
        raise UsageError(
            f"{folder}: sealed by {theirs}; its documents can be written anew by that only, this is {ours}"
        )
    with tempfile.TemporaryDirectory(prefix="govkit-") as name:
        place = Path(name)
        for file, bound in proof.release.files.items():
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            (place / file).write_bytes(evidence.read_bytes(folder / file, file=file, sha256=bound.sha256))
        written = [path.relative_to(place).as_posix() for path in report.render(place, pdf=False)]
        anew = {file.path: file.sha256 for file in manifest.walk(place)}
        for file in written:
            sealed = proof.release.files.get(file)
            if sealed is None or anew[file] != sealed.sha256:
                message = f"{file}: is not what the signed statements give; believe the statements and not its words"
                raise EvidenceError("DOCUMENT_DIFFERS", message, file=file)
        _check_signed(place, proof)
    return tuple(written)


def _check_signed(place: Path, proof: evidence.Evidence) -> None:
    """The statements for other tools say what the record gives; who signed them was checked before."""
    for file, _, predicate in report.attestable(place):
        if file in proof.release.files and evidence.read_unverified(place / file) != predicate:
            raise EvidenceError("DOCUMENT_DIFFERS", f"{file}: says something else than the record", file=file)
