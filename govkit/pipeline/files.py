"""Findings and verdicts as files between the steps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from govkit import documents, evidence
from govkit.core import Verdict
from govkit.core.plain import MAX_STATEMENT
from govkit.errors import EvidenceError, UsageError
from govkit.pipeline.bundle import FindingsDocument


def read_findings(path: Path) -> dict[str, Any]:
    """A findings document that ``measure`` wrote.

    Raises:
        UsageError: It is none, or of another version.
    """
    document: dict[str, Any] = _read_json(path)
    if document.get("schema") != "govkit.findings/v1":
        raise UsageError(f"{path}: expected schema govkit.findings/v1, found {document.get('schema')!r}")
    try:
        FindingsDocument.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise UsageError(f"{path}: {key}: {first['msg']}; expected what measure wrote") from None
    return document


def read_verdict(path: Path) -> Verdict:
    """A verdict that ``judge`` wrote.

    Raises:
        UsageError: It is none.
    """
    try:
        return Verdict.model_validate(_read_json(path))
    except ValidationError as error:
        raise UsageError(f"{path}: no verdict ({str(error).splitlines()[0]})") from None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = evidence.loads(documents.read_raw(path, error=UsageError, max_bytes=MAX_STATEMENT))
    except EvidenceError as error:
        raise UsageError(f"{path}: {error}") from None
    if not isinstance(document, dict):
        raise UsageError(f"{path}: expected a JSON object, found {type(document).__name__}")
    return document


def measured_beside(findings: Path) -> Path:
    """Where the statement of who measured lies: ``f.measured.sigstore.json`` beside ``f.json``."""
    return findings.with_suffix("." + evidence.MEASURED_FILE)


def write_findings(path: Path, document: Mapping[str, Any], *, key: evidence.SigningKey | None = None) -> None:
    """Write a findings document as canonical JSON, and beside it what the key of a measurer says of it."""
    path.write_bytes(evidence.dumps(document) + b"\n")
    if key is not None:
        measured_beside(path).write_bytes(evidence.sign_measured(document, key))


def write_verdict(path: Path, verdict: Verdict) -> None:
    """Write a verdict as canonical JSON."""
    path.write_bytes(evidence.dumps(verdict.model_dump(mode="json")) + b"\n")
