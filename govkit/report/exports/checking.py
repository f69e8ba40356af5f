"""Holds the exports of a bundle against its statements."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from govkit.core.plain import MAX_STATEMENT, plain_json
from govkit.documents import read_raw
from govkit.errors import EvidenceError, UsageError
from govkit.report.exports.references import ROOTS, check_references, get, listed
from govkit.report.exports.shared import BINDING, binding
from govkit.report.read import read, read_statement

BOM = "exports/bom.cdx.json"
SPDX = "exports/spdx3.json"
RESULTS = "exports/oscal-assessment-results.json"
PLAN = "exports/oscal-poam.json"
PROVENANCE_FILE = "exports/provenance.sigstore.json"
SUMMARY_FILE = "exports/verification-summary.sigstore.json"
FILES = (BOM, SPDX, RESULTS, PLAN, PROVENANCE_FILE, SUMMARY_FILE)


def check_exports(folder: Path) -> tuple[str, ...]:
    """Check that every export of a bundle is about this model, these findings and this verdict.

    The release binds the bytes of the exports, and ``verify`` checks it; this says that they belong to their bundle.

    Args:
        folder: A bundle whose statements have been verified.

    Returns:
        The exports that are there, sorted.

    Raises:
        EvidenceError: ``EXPORT_MISMATCH``: an export cannot be read, names other digests than those of the statements
            or none, or is none that govkit writes. ``EXPORT_DANGLING``: what an OSCAL file refers to does not resolve.
        UsageError: ``folder`` is no bundle.
    """
    place = folder / "exports"
    if not place.exists():
        return ()
    expected = binding(read(folder))
    found = sorted(path.relative_to(folder).as_posix() for path in place.rglob("*") if not path.is_dir())
    for name in found:
        if name not in FILES:
            raise _mismatch(name, f"is no export that govkit writes; expected some of {', '.join(FILES)}")
        if (named := _named(folder / name, name)) != {(key, value) for key, value in expected.items()}:
            wrong = next((key for key in BINDING if (key, expected[key]) not in named), "one digest twice")
            raise _mismatch(name, f"does not name the {wrong} of the statements in this bundle, and no other")
    return tuple(found)


def _mismatch(name: str, what: str) -> EvidenceError:
    return EvidenceError("EXPORT_MISMATCH", f"{name}: {what}", file=name)


def _named(path: Path, name: str) -> set[tuple[str, str]]:
    """Every binding that a document holds, wherever it stands in it."""
    try:
        if name in (PROVENANCE_FILE, SUMMARY_FILE):
            return set(_signed(path, name))
        document = _document(path, name)
        if name in (RESULTS, PLAN):
            if {*document} & {*ROOTS} != {ROOTS[name == PLAN]}:
                raise _mismatch(name, f"expected {ROOTS[name == PLAN]}")
            check_references(document, file=name)
        return set(_bindings(document))
    except RecursionError:
        raise _mismatch(name, "is nested too deeply") from None


def _document(path: Path, name: str) -> dict[str, Any]:
    try:
        document = plain_json(read_raw(path, error=UsageError, max_bytes=MAX_STATEMENT), once=True)
    except (UsageError, ValueError) as error:
        raise _mismatch(name, f"cannot be read as JSON ({ascii(str(error))[:100]})") from None
    if not isinstance(document, dict):
        raise _mismatch(name, "expected a JSON object")
    return document


def _bindings(found: Any) -> Iterator[tuple[str, str]]:
    """Properties of CycloneDX and OSCAL, and what an annotation of SPDX states."""
    if isinstance(found, dict):
        key = str(found.get("name", "")).removeprefix("govkit:")
        if key in BINDING and "value" in found:
            yield key, str(found["value"])
        if found.get("type") == "Annotation" and isinstance(found.get("statement"), str):
            yield from _stated(found["statement"])
        for value in found.values():
            yield from _bindings(value)
    elif isinstance(found, list):
        for value in found:
            yield from _bindings(value)


def _stated(text: str) -> Iterator[tuple[str, str]]:
    try:
        said = json.loads(text)
    except ValueError:
        return
    if isinstance(said, dict):
        yield from ((key, str(said[key])) for key in BINDING if key in said)


def _signed(path: Path, name: str) -> Iterator[tuple[str, str]]:
    """What a signed predicate names; its signature is checked where all signatures are."""
    try:
        predicate = read_statement(path)[1]
    except UsageError as error:
        raise _mismatch(name, str(error)) from None
    if name == PROVENANCE_FILE:
        bound = get(predicate, "buildDefinition", "internalParameters", "bound")
        yield from ((str(key), str(value)) for key, value in (bound if isinstance(bound, dict) else {}).items())
        return
    yield "artifact-digest", str(predicate.get("resourceUri")).removeprefix("urn:govkit:model:")
    for each in listed(predicate, "inputAttestations"):
        kind = str(get(each, "uri")).removeprefix("urn:govkit:").removesuffix(":v1")
        if kind in ("findings", "verdict"):
            yield f"{kind}-digest", f"sha256:{get(each, 'digest', 'sha256')}"
