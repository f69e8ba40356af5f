"""The verifier's side of a bundle. Every step fails closed, and nothing is believed before its signature verified."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from govkit import manifest
from govkit.errors import EvidenceError, UsageError
from govkit.evidence import moment
from govkit.evidence.links import check_links, check_subjects
from govkit.evidence.locks import LOCK_FILE, HeldLock, open_lock
from govkit.evidence.measured import MEASURED_FILE, HeldMeasured, open_measured, refuse_unmeasured
from govkit.evidence.people import SORTS, People, collect, open_signed
from govkit.evidence.predicates import (
    UNSIGNED,
    BoundFile,
    Kind,
    MeasuredRows,
    Release,
    VerdictLinks,
    artifact_of,
    file_of,
    parse,
    type_of,
)
from govkit.evidence.statement import Statement, open_statement, read_bytes
from govkit.evidence.trust import SignerRole, Trust
from govkit.manifest import FileDigest

ROLE_OF: dict[Kind, SignerRole] = {"run": "train", "findings": "audit", "verdict": "gate", "release": "release"}
Reader = Callable[[Path, Mapping[str, int]], tuple[FileDigest, ...]]
"""Digests those files of a folder that are named, with their sizes."""

RELEASE = file_of("release")
SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Evidence:
    """What a verified bundle says.

    Attributes:
        run: The run predicate, or None.
        findings: The findings predicate.
        verdict: The verdict predicate; a caller judges again and does not believe it.
        release: The seal.
        release_sha256: ``sha256:<hex>`` of the payload of the seal; the identity of the release.
        digests: ``run`` (if there is one), ``findings`` and ``verdict`` -> ``sha256:<hex>`` of the payload.
        people: Waivers and attestations, and the lock if there is one.
        keys: Ids of the keys that signed findings, verdict and release.
        signers: Kind of statement, or file of a person's statement -> name of the trusted key that signed it.
        artifact: Artifact digest of the model.
        model_checked: Whether the files of the model were at hand and have this digest.
    """

    run: dict[str, Any] | None
    findings: dict[str, Any]
    verdict: dict[str, Any]
    release: Release
    release_sha256: str
    digests: dict[str, str]
    people: People
    keys: tuple[str, ...]
    signers: dict[str, str]
    artifact: str
    model_checked: bool


def check_signatures(
    folder: Path,
    *,
    model: Path | None,
    trust: Trust,
    as_of: str,
    minimum_sequence: int | None = None,
    max_age_days: int | None = None,
    read: Reader = manifest.walk,
) -> Evidence:
    """Verify signatures, digests and ties of a bundle.

    Args:
        folder: The bundle.
        model: The model that is about to be used; None if it is no file.
        trust: Whom the verifier believes; never from the bundle.
        as_of: UTC time of the verifier's clock.
        minimum_sequence: Oldest release to accept, if replays matter.
        max_age_days: How old a verdict may be.
        read: Digests the files of the model, once and only if their names and sizes are the sealed ones.

    Returns:
        The predicates; the policy is not judged here.

    Raises:
        EvidenceError: The first thing that does not verify, with its code and file: those of ``open_statement`` and
            ``manifest.walk``, and ``MISSING_FILE``, ``EXTRA_FILE``, ``BOUND_FILE``, ``MODEL_MISMATCH``,
            ``WRONG_SUBJECT``, ``INPUTS_MISMATCH``, ``POLICY_SWAPPED``, ``VERDICT_DIFFERS``, ``FUTURE``, ``STALE``,
            ``REPLAY``; of statements of people ``WRONG_NAME``, ``WRONG_ROLE``, ``TWICE``, ``FOUR_EYES``; of a lock
            ``LOCK_MISSING`` and those of ``HeldLock.check``.
        UsageError: The folder or the model is not there.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; expected a bundle")
    opened = _open(folder, "release", trust, as_of)
    release = parse(Release, opened.predicate, file=RELEASE)
    _check_files(folder, release)
    signed = {"release": opened, **_open_bound(folder, release, trust, as_of)}
    _check_time(signed, release, as_of=as_of, max_age_days=max_age_days)
    if model is not None:
        _check_model(model, release, read)
    people = _open_people(folder, release, trust, as_of, signed)
    people = replace(
        people,
        lock=_open_lock(folder, release, trust, as_of, signed),
        measured=_open_measured(folder, release, trust, as_of, signed),
    )
    _check_ties(signed, release, people)
    _check_sequence(release, minimum_sequence)
    return Evidence(
        run=signed["run"].predicate if "run" in signed else None,
        findings=signed["findings"].predicate,
        verdict=signed["verdict"].predicate,
        release=release,
        release_sha256=opened.payload_sha256,
        digests={kind: signed[kind].payload_sha256 for kind in signed if kind != "release"},
        people=people,
        keys=tuple(signed[kind].signer.id for kind in ("findings", "verdict", "release")),
        signers=_signers(signed, people),
        artifact=release.artifact,
        model_checked=model is not None,
    )


def _signers(signed: dict[str, Statement], people: People) -> dict[str, str]:
    return {
        **{kind: statement.signer.name for kind, statement in signed.items()},
        **{each.file: each.signer.name for each in people.signed},
        **({LOCK_FILE: people.lock.lock.name} if people.lock is not None else {}),
        **({MEASURED_FILE: people.measured.signer.name} if people.measured is not None else {}),
    }


def _open(folder: Path, kind: Kind, trust: Trust, as_of: str, release: Release | None = None) -> Statement:
    """Open a statement from the very bytes whose digest was compared, whatever happens to the file meanwhile."""
    file = file_of(kind)
    if not (folder / file).is_file() or (release is not None and file not in release.files):
        raise EvidenceError.at(file, "MISSING_FILE", "missing from the bundle")
    raw = read_bytes(folder / file, file=file) if release is None else _bound(folder, file, release)
    return open_statement(raw, trust=trust, role=ROLE_OF[kind], predicate_type=type_of(kind), as_of=as_of, file=file)


def _bound(folder: Path, file: str, release: Release) -> bytes:
    """A file of the bundle, as it was sealed."""
    return read_bytes(folder / file, file=file, sha256=release.files[file].sha256)


def _open_bound(folder: Path, release: Release, trust: Trust, as_of: str) -> dict[str, Statement]:
    """Run (if there is one), findings and verdict."""
    kinds: tuple[Kind, ...] = ("run", "findings", "verdict")
    present = [kind for kind in kinds if kind != "run" or file_of(kind) in release.files]
    return {kind: _open(folder, kind, trust, as_of, release) for kind in present}


def _open_people(folder: Path, release: Release, trust: Trust, as_of: str, signed: dict[str, Statement]) -> People:
    """Waivers and attestations, none of them waived by who found or judged."""
    files = [file for file in sorted(release.files) if file.startswith(tuple(f"{sort}/" for sort in SORTS))]
    opened = [open_signed(_bound(folder, file, release), file, trust=trust, as_of=as_of) for file in files]
    return collect(opened, keys=[signed[kind].signer.id for kind in ("findings", "verdict")], trust=trust)


def _open_lock(
    folder: Path, release: Release, trust: Trust, as_of: str, signed: dict[str, Statement]
) -> HeldLock | None:
    """The lock that findings and verdict were held to; one that the findings name must be there, and no other."""
    measured = parse(MeasuredRows, signed["findings"].predicate, file=file_of("findings"))
    if LOCK_FILE not in release.files:
        if measured.lock is not None:
            message = "missing from the bundle; the findings were measured under a lock"
            raise EvidenceError.at(LOCK_FILE, "LOCK_MISSING", message)
        return None
    lock = open_lock(_bound(folder, LOCK_FILE, release), trust=trust, as_of=as_of)
    judged = parse(VerdictLinks, signed["verdict"].predicate, file=file_of("verdict")).verdict
    lock.check(policy=judged.policy, data=measured.digests, as_of=judged.as_of, reference=measured.lock)
    return lock


def _open_measured(
    folder: Path, release: Release, trust: Trust, as_of: str, signed: dict[str, Statement]
) -> HeldMeasured | None:
    """What a measurer signed: the very findings of the bundle, and the statement that the verdict names."""
    named = parse(VerdictLinks, signed["verdict"].predicate, file=file_of("verdict")).measured
    refuse_unmeasured(named, signed["findings"].signer, trust)
    held = None
    if MEASURED_FILE in release.files:
        held = open_measured(_bound(folder, MEASURED_FILE, release), trust=trust, as_of=as_of)
        held.check(signed["findings"].predicate)
    if (None if held is None else held.payload_sha256) != (None if named == UNSIGNED else named):
        message = "rests on another statement of a measurer than that in the bundle"
        raise EvidenceError.at(file_of("verdict"), "INPUTS_MISMATCH", message)
    return held


def _check_ties(signed: dict[str, Statement], release: Release, people: People) -> None:
    """The statements are about this model, and speak of each other."""
    name = signed["release"].subjects[0][0]
    for kind, statement in signed.items():
        check_subjects(kind, statement.subjects, name=name, release=release)
    check_links(
        signed["findings"].predicate,
        signed["verdict"].predicate,
        payloads={kind: signed[kind].payload_sha256 for kind in ("run", "findings") if kind in signed},
        people=people.digests(),
        artifact=release.artifact,
        outcome=release.verdict,
    )


def _check_files(folder: Path, release: Release) -> None:
    """The files of the bundle are exactly those that were sealed."""
    for path in release.files:
        manifest.refuse_bad_path(path)
    found = {path: size for path, size in manifest.listing(folder).items() if path != RELEASE}
    for path in sorted(found.keys() - release.files.keys()):
        raise EvidenceError("EXTRA_FILE", f"{path!r} is in the bundle and was not sealed; remove it", file=path)
    for path in sorted(release.files.keys() - found.keys()):
        raise EvidenceError("MISSING_FILE", f"{path!r} was sealed and is missing from the bundle", file=path)
    changed = _resized(found, release.files) or _changed(manifest.walk(folder, found), release.files)
    if changed:
        names = ", ".join(map(repr, changed))
        raise EvidenceError("BOUND_FILE", f"changed since the bundle was sealed: {names}", file=changed[0])


def _resized(found: Mapping[str, int], bound: Mapping[str, BoundFile]) -> list[str]:
    """Files that are not there, not bound, or of another size: known before a byte of them is read."""
    sizes = {path: entry.size for path, entry in bound.items()}
    return sorted(path for path in found.keys() | sizes.keys() if found.get(path) != sizes.get(path))


def _changed(found: Iterable[FileDigest], bound: Mapping[str, BoundFile]) -> list[str]:
    digests = {file.path: file.sha256 for file in found}
    sealed = {path: entry.sha256 for path, entry in bound.items()}
    return sorted(path for path in digests.keys() | sealed.keys() if digests.get(path) != sealed.get(path))


def _check_model(model: Path, release: Release, read: Reader) -> None:
    """The model at hand is the one that was audited, with the card that was sealed with it, if one was."""
    if not release.model_files:
        raise EvidenceError("MODEL_MISMATCH", f"{model}: the release is about a model that is no file", file=RELEASE)
    if artifact_of(release.model_files) != release.artifact:
        raise EvidenceError.at(RELEASE, "WRONG_SUBJECT", "lists files of another model")
    found, bound = manifest.listing(model), release.model_folder
    if release.card is None and model.is_dir():
        found.pop(manifest.CARD, None)
    differing = _resized(found, bound) or _changed(read(model, found), bound)
    if differing:
        shown = [f"{path!r} ({_difference(path, found, bound)})" for path in differing[:20]]
        more = f" and {len(differing) - 20} more" if len(differing) > 20 else ""
        message = f"{model}: not the model that was audited: {', '.join(shown)}{more}"
        raise EvidenceError("MODEL_MISMATCH", message, file=differing[0])


def _difference(path: str, found: Mapping[str, int], bound: Mapping[str, BoundFile]) -> str:
    if path not in bound:
        return "not audited"
    return "changed" if path in found else "missing"


def _check_time(signed: dict[str, Statement], release: Release, *, as_of: str, max_age_days: int | None) -> None:
    judged = parse(VerdictLinks, signed["verdict"].predicate, file=file_of("verdict")).verdict.as_of
    for kind, text in (("release", release.as_of), ("verdict", judged)):
        moment.refuse_future(text, as_of=as_of, file=file_of(kind))
    refuse_stale(judged, max_age_days, as_of=as_of, file=file_of("verdict"), advice="audit the model again")


def refuse_stale(text: str, days: int | None, *, as_of: str, file: str, advice: str) -> None:
    """Refuse what is dated more than some days before now.

    Args:
        text: When a signed file says that it was made.
        days: The greatest age; None asks for nothing.
        as_of: UTC time to take as now.
        file: Name of the file, for the message.
        advice: What to do then.

    Raises:
        EvidenceError: ``STALE``.
    """
    if days is not None and (moment.read(as_of) - moment.read(text)).total_seconds() > days * SECONDS_A_DAY:
        raise EvidenceError.at(file, "STALE", f"dated {text}, more than {days} days ago; {advice}")


def _check_sequence(release: Release, minimum: int | None) -> None:
    if minimum is not None and release.sequence < minimum:
        raise EvidenceError.at(RELEASE, "REPLAY", f"is release {release.sequence}, expected {minimum} or later")
