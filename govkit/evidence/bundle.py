"""The signer's side of a bundle: ``attest`` signs what was found and judged, ``seal`` binds every file, last."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from govkit import manifest
from govkit.core.words import Outcome
from govkit.errors import EvidenceError, UsageError
from govkit.evidence import moment
from govkit.evidence.keys import SigningKey
from govkit.evidence.links import check_links, model_files_of, release_subjects, subjects_of
from govkit.evidence.people import unverified_digests
from govkit.evidence.predicates import BoundFile, Release, file_of, type_of
from govkit.evidence.statement import Subjects, sign, unverified_payload
from govkit.manifest import FileDigest


def attest(
    folder: Path,
    *,
    subject_name: str,
    subject_digest: str,
    findings: Mapping[str, Any],
    verdict: Mapping[str, Any],
    run: Mapping[str, Any] | None,
    key: SigningKey,
    model_files: Sequence[FileDigest] = (),
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
        model_files: What ``manifest.artifact_files`` says about the model; each file becomes a subject, so that
            other tools can check a single file.

    Returns:
        Kind of statement -> ``sha256:<hex>`` of its payload.

    Raises:
        UsageError: A statement file exists, or ``model_files`` are not those of ``subject_digest``.
        EvidenceError: A predicate holds NaN or something that is no plain data.
    """
    if model_files and manifest.digest_of(model_files) != subject_digest:
        raise UsageError(f"the files of the model do not have the digest {subject_digest}: the model has changed")
    subjects = subjects_of(subject_name, subject_digest, {file.path: file.sha256 for file in model_files})
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
) -> None:
    """Sign the release, which binds every file that is in the folder now.

    Args:
        folder: A bundle that is complete but for its release.
        artifact: Artifact digest of the model, if ``model`` is not given.
        model: The model, to digest it here; if not given, the files that ``attest`` was told of are bound.
        outcome: Outcome of the verdict.
        key: Who signs.
        as_of: UTC time to take as now.
        sequence: Number of this release of the model; a verifier can refuse older ones.

    Raises:
        UsageError: The folder is sealed already, lacks a statement, or its statements are about something else.
        EvidenceError: A file of the bundle or of the model is a link or has a bad name.
    """
    if (folder / file_of("release")).exists():
        raise UsageError(f"{folder}: is sealed already; evidence is never changed, make a new bundle")
    listed = () if model is None else manifest.artifact_files(model)
    digest = artifact if model is None else manifest.digest_of(listed)
    subjects = _attested(folder, digest, outcome)
    model_files = {file.path: file.sha256 for file in listed} or model_files_of(subjects)
    release = Release(
        files={file.path: BoundFile(sha256=file.sha256, size=file.size) for file in manifest.walk(folder)},
        artifact=digest,
        model_files=model_files,
        verdict=outcome,
        sequence=sequence,
        as_of=moment.write(moment.read(as_of)),
        tool={"name": "govkit", "version": importlib.metadata.version("govkit")},
    )
    _write(
        folder,
        "release",
        release.model_dump(mode="json", by_alias=True),
        release_subjects(subjects[0][0], release),
        key,
    )


def _attested(folder: Path, artifact: str, outcome: Outcome) -> Subjects:
    """Subjects of the findings in a folder, after the checks of a verifier: nobody seals what cannot verify."""
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
    return tuple((item["name"], "sha256:" + item["digest"]["sha256"]) for item in findings["subject"])


def _write(folder: Path, kind: str, predicate: Mapping[str, Any], subjects: Subjects, key: SigningKey) -> str:
    path = folder / file_of(kind)
    raw = sign(type_of(kind), dict(predicate), subjects, key)
    try:
        with path.open("xb") as stream:
            stream.write(raw)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); evidence is never overwritten") from None
    return unverified_payload(path)[1]
