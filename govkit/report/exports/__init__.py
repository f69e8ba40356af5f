"""The bundle in the formats of others: each file a pure function of the signed record, never saying more than it.

CycloneDX and SPDX tell what the model is made of, OSCAL what was assessed and what is open, SLSA how the model was made
and what the judge found. ``docs/exports.md`` says for whom each file is and how to validate it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from govkit.report.exports import slsa
from govkit.report.exports.checking import BOM, PLAN, RESULTS, SPDX, check_exports
from govkit.report.exports.cyclonedx import cyclonedx
from govkit.report.exports.oscal import plan, results
from govkit.report.exports.references import check_references
from govkit.report.exports.shared import dumps
from govkit.report.exports.spdx import spdx
from govkit.report.model import Report
from govkit.report.read import read


def written(report: Report) -> dict[str, bytes]:
    """The exports that need no signature: name in the bundle -> content.

    Returns:
        CycloneDX, SPDX and both files of OSCAL; no plan of action where nothing is open.

    Raises:
        EvidenceError: ``EXPORT_DANGLING``: a reference in an OSCAL document would lead nowhere.
    """
    found = {BOM: cyclonedx(report), SPDX: spdx(report), RESULTS: results(report), PLAN: plan(report)}
    documents = {name: document for name, document in found.items() if document is not None}
    for name in documents.keys() & {RESULTS, PLAN}:
        check_references(documents[name], file=name)
    return {name: dumps(document) for name, document in documents.items()}


def attestable(bundle: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """The exports that are to be signed, over the subjects of the findings statement.

    Args:
        bundle: Folder with the statements.

    Returns:
        ``(name in the bundle, predicate type, predicate)`` of the SLSA provenance, where there is a record of the run
        that made this model, and of the verification summary.

    Raises:
        UsageError: ``bundle`` is no bundle.
    """
    return slsa.attestable(read(bundle))
