"""The signer's side of a bundle: ``attest`` signs what was found and judged, ``seal`` binds every file, last."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from govkit import manifest
from govkit.core.words import Outcome
from govkit.errors import EvidenceError, UsageError
from govkit.evidence import moment
from govkit.evidence.key_files import refuse_secrets
from govkit.evidence.keys import SigningKey
from govkit.evidence.links import check_links, release_subjects
from govkit.evidence.people import unverified_digests
from govkit.evidence.predicates import BoundFile, Release, artifact_of, file_of, type_of
from govkit.evidence.statement import Subjects, sign, unverified_payload


def attest(
    folder: Path,
    *,
    subject_name: str,
    subject_digest: str,
    findings: Mapping[str, Any],
    verdict: Mapping[str, Any],
    run: Mapping[str, Any] | None,
    key: SigningKey,
) -> dict[str, str]:
    """Sign run, findings and verdict into an existing folder.

    Args:
        folder: Where the statement files go.
        subject_name: Name of the model.
        subject_digest: Artifact digest of the model.
        findings: The findings predicate.
        verdict: The verdict predicate; its ``inputs`` are set here.
        run: The run predicate, if there is one.
        key: Who signs.

    Returns:
        Kind of statement -> ``sha256:<hex>`` of its payload.

    Raises:
        UsageError: A statement file exists.
        EvidenceError: A predicate holds NaN or something that is no plain data.
    """
    subjects = ((subject_name, subject_digest),)
    digests: dict[str, str] = {}
    for kind, predicate in (("run", run), ("findings", findings)):
        if predicate is not None:
            digests[kind] = _write(folder, kind, predicate, subjects, key)
    digests["verdict"] = _write(folder, "verdict", {**verdict, "inputs": dict(digests)}, subjects, key)
    return digests


def seal(
    folder: Path,
    *,
    artifact: str = "",
    model: Path | None = None,
    outcome: Outcome,
    key: SigningKey,
    as_of: str,
    sequence: int = 1,
    previous: str | None = None,
    published: bool = False,
) -> None:
    """Sign the release, which binds every file that is in the folder now.

    Args:
        folder: A bundle that is complete but for its release.
        artifact: Artifact digest of the model, if ``model`` is not given because it is no file.
        model: The model, whose files are bound too; the card among them only if this is ``published``.
        outcome: Outcome of the verdict.
        key: Who signs.
        as_of: UTC time to take as now.
        sequence: Number of this release of the model; a verifier can refuse older ones.
        previous: ``sha256:<hex>`` of the payload of the release before.
        published: Whether it goes into a release log.

    Raises:
        UsageError: The folder is sealed already, lacks a statement, its statements are about something else, or a
            private key lies in it or among the files of the model.
        EvidenceError: A file of the bundle or of the model is a link or has a bad name.
    """
    if (folder / file_of("release")).exists():
        raise UsageError(f"{folder}: is sealed already; evidence is never changed, make a new bundle")
    files = {} if model is None else _bound(model)
    card = files.pop(manifest.CARD, None) if model is not None and model.is_dir() else None
    digest = artifact if model is None else artifact_of(files)
    name = _attested(folder, digest, outcome)
    release = Release(
        files=_bound(folder),
        artifact=digest,
        model_files=files,
        card=card if published else None,
        verdict=outcome,
        sequence=sequence,
        previous=previous,
        published=published,
        as_of=moment.write(moment.read(as_of)),
        tool={"name": "govkit", "version": importlib.metadata.version("govkit")},
    )
    predicate = release.model_dump(mode="json", by_alias=True)
    _write(folder, "release", predicate, release_subjects(name, release), key)


def _bound(place: Path) -> dict[str, BoundFile]:
    """Every file of a folder, or the one file; none of them is secret."""
    files = manifest.walk(place)
    refuse_secrets((file.path, place / file.path if place.is_dir() else place) for file in files)
    return {file.path: BoundFile(sha256=file.sha256, size=file.size) for file in files}


def _attested(folder: Path, artifact: str, outcome: Outcome) -> str:
    """Name of the model that was measured, after the checks of a verifier: nobody seals what cannot verify."""
    kinds = ("run", "findings", "verdict") if (folder / file_of("run")).exists() else ("findings", "verdict")
    try:
        read = {kind: unverified_payload(folder / file_of(kind)) for kind in kinds}
        findings, verdict = (read[kind][0] for kind in ("findings", "verdict"))
        payloads = {kind: read[kind][1] for kind in kinds if kind != "verdict"}
        check_links(
            findings["predicate"],
            verdict["predicate"],
            payloads=payloads,
            people=unverified_digests(folder),
            artifact=artifact,
            outcome=outcome,
        )
    except EvidenceError as error:
        raise UsageError(f"{folder}: cannot be sealed for {artifact or 'no model'}: {error}") from None
    return str(findings["subject"][0]["name"])


def _write(folder: Path, kind: str, predicate: Mapping[str, Any], subjects: Subjects, key: SigningKey) -> str:
    path = folder / file_of(kind)
    raw = sign(type_of(kind), dict(predicate), subjects, key)
    try:
        with path.open("xb") as stream:
            stream.write(raw)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); evidence is never overwritten") from None
    return unverified_payload(path)[1]
