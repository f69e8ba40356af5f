"""Publishes an audited model: model, card and evidence in one folder, countersigned, numbered, and put in a log."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from govkit import evidence, manifest
from govkit.core.verdict import EXIT_CODE
from govkit.errors import UsageError, VerdictError
from govkit.pipeline import clock
from govkit.pipeline.attached import CARD, MODEL_SIG, STAMP
from govkit.pipeline.bundle import read_bundle
from govkit.pipeline.folder import whole_folder, write_new
from govkit.pipeline.stamping import stamp
from govkit.pipeline.verification import Verification, verify

SEAL = "release.sigstore.json"
VERDICT = "verdict.sigstore.json"


@dataclass(frozen=True)
class Released:
    """A release.

    Attributes:
        path: Folder with ``model/`` and ``evidence/``.
        sequence: Its number in the log.
        payload_sha256: ``sha256:<hex>`` of the payload of its seal; what the log and a revocation name.
    """

    path: Path
    sequence: int
    payload_sha256: str


def countersign(
    bundle: Path | str,
    *,
    role: evidence.CounterRole,
    key: evidence.SigningKey,
    model: Path | str,
    trust: Path | str | evidence.Trust,
    as_of: str | None = None,
) -> bytes:
    """Sign the verdict of a bundle as its auditor or approver; the bundle is verified first.

    Args:
        bundle: The sealed bundle.
        role: As what.
        key: Key of the person.
        model: The model that the bundle is about.
        trust: Trust file; it gives the key its name and lets it sign as this.
        as_of: UTC time to take as now.

    Returns:
        The bytes of ``NAME.sigstore.json``.

    Raises:
        EvidenceError: The bundle does not verify, or the trust file does not let the key sign this.
        UsageError: The trust file does not hold the key.
    """
    store, moment = evidence.read_trust(trust), as_of or clock.now()
    proof = verify(bundle, model=model, trust=store, as_of=moment)
    signer = store.find(key.id)
    if signer is None:
        raise UsageError("the trust file does not hold the key that is to countersign; add it with 'govkit keys join'")
    verdict = evidence.unverified_payload(Path(bundle) / VERDICT)[1]
    record = evidence.Countersignature(
        name=signer.name, role=role, model=proof.artifact, verdict=verdict,
        outcome=read_bundle(bundle).verdict.outcome, as_of=moment,
    )  # fmt: skip
    raw = evidence.sign_countersignature(record, key)
    name = f"{evidence.COUNTERSIGNATURES}/{role}.sigstore.json"
    evidence.open_countersignature(raw, name, trust=store, as_of=moment, verdict=verdict, artifact=proof.artifact)
    return raw


def release(
    bundle: Path | str,
    *,
    model: Path | str,
    key: evidence.SigningKey,
    trust: Path | str | evidence.Trust,
    log: Path | str,
    out: Path | str,
    countersignatures: Path | str | None = None,
    timestamp: str | None = None,
    as_of: str | None = None,
) -> Released:
    """Publish a model whose bundle verifies and passes.

    ``out`` holds ``model/`` (every file, and the card as ``README.md``) and ``evidence/`` (the bundle with
    ``model.sig``, the countersignatures and the time stamp, sealed anew as the next release of the log). The folder
    takes its name first and the log is replaced after that, so that a log never lists what is not there.

    Args:
        bundle: The sealed bundle.
        model: Folder of the model that it is about.
        key: Who signs release, log and ``model.sig``.
        trust: Trust file by which bundle, countersignatures and log are verified, before and after.
        log: The release log; made if there is none.
        out: Folder to make.
        countersignatures: Folder of signed countersignatures; which are needed, the tier of the policy says.
        timestamp: Address of an RFC 3161 time stamp authority; nothing is sent anywhere without it.
        as_of: UTC time to take as now.

    Raises:
        EvidenceError: Something does not verify; nothing is published.
        VerdictError: The verdict is no pass.
        UsageError: ``out`` exists, the model is no folder, or the log is that of another model.
    """
    store, moment, book = evidence.read_trust(trust), as_of or clock.now(), Path(log)
    if not Path(model).is_dir():
        raise UsageError(f"{model}: expected the folder of a model; a single file has no room for its card")
    with _held(book):
        before = _read(book, store, moment) if book.exists() else None
        with whole_folder(Path(out)) as draft:
            (draft / "model").mkdir()
            read = partial(manifest.walk, into=draft / "model")
            proof = verify(bundle, model=model, trust=store, as_of=moment, read=read)
            _refuse_open(proof, Path(bundle))
            name = _complete(draft, Path(bundle), proof, key=key, people=countersignatures, timestamp=timestamp)
            after, payload = _sealed(draft, before, proof, name=name, key=key, as_of=moment)
            raw = evidence.sign_log(after, key)
            verify(draft / "evidence", model=draft / "model", trust=store, as_of=moment, log=after)
        _replace(book, raw)
    return Released(Path(out), after.entries[-1].sequence, payload)


def revoke_release(
    log: Path | str,
    sequence: int,
    *,
    reason: str,
    key: evidence.SigningKey,
    trust: Path | str | evidence.Trust,
    as_of: str | None = None,
) -> evidence.ReleaseLog:
    """Take a release back: the log gets one more entry, and whoever verifies with it refuses the model.

    Args:
        log: The release log.
        sequence: Number of the release.
        reason: Why, for those who are refused.
        key: Who signs the log.
        trust: Trust file by which the log is verified, before and after.
        as_of: UTC time to take as now.

    Raises:
        EvidenceError: The log does not verify.
        UsageError: There is no such release, or it was taken back already, or there is no reason.
    """
    store, moment, book = evidence.read_trust(trust), as_of or clock.now(), Path(log)
    if not reason.strip():
        raise UsageError("a release is taken back for a reason; say it with --reason")
    with _held(book):
        before = _read(book, store, moment)
        found = next((entry for entry in before.releases if entry.sequence == sequence), None)
        if found is None:
            known = ", ".join(str(entry.sequence) for entry in before.releases)
            raise UsageError(f"{book}: has no release {sequence}; its releases are {known}")
        if any(entry.release == found.release for entry in before.entries if entry.action == "revoke"):
            raise UsageError(f"{book}: release {sequence} was taken back already")
        after = _extended(
            before, before.name, as_of=moment, action="revoke",
            release=found.release, artifact=found.artifact, verdict=found.verdict, reason=reason,
        )  # fmt: skip
        raw = evidence.sign_log(after, key)
        evidence.open_log(raw, trust=store, as_of=moment, file=book.name)
        _replace(book, raw)
    return after


def read_log(
    log: Path | str, *, trust: Path | str | evidence.Trust, known: Path | str | None = None, as_of: str | None = None
) -> evidence.ReleaseLog:
    """Verify a release log, and that it goes on from one that was kept.

    Raises:
        EvidenceError: It does not verify, or does not go on from ``known``.
        UsageError: It cannot be read.
    """
    store, moment = evidence.read_trust(trust), as_of or clock.now()
    found = _read(Path(log), store, moment)
    if known is not None:
        evidence.check_extends(found, _read(Path(known), store, moment))
    return found


def _refuse_open(proof: Verification, bundle: Path) -> None:
    verdict = proof.verdict
    if code := EXIT_CODE[verdict.outcome]:
        message = f"{bundle}: is not published; `govkit show` says what is open"
        raise VerdictError(verdict.outcome, code, message)


def _complete(
    draft: Path,
    bundle: Path,
    proof: Verification,
    *,
    key: evidence.SigningKey,
    people: Path | str | None,
    timestamp: str | None,
) -> str:
    """Lay out a release but for its seal; the name of the model."""
    folder = draft / "evidence"
    for file, bound in proof.release.files.items():
        if file not in (MODEL_SIG, STAMP):
            _write(folder / file, evidence.read_bytes(bundle / file, file=file, sha256=bound.sha256))
    if people is not None:
        for found in manifest.walk(Path(people)):
            raw = evidence.read_bytes(Path(people) / found.path, file=found.path, sha256=found.sha256)
            _write(folder / evidence.COUNTERSIGNATURES / found.path, raw)
    if timestamp is not None:
        _write(folder / STAMP, stamp((folder / VERDICT).read_bytes(), timestamp))
    for file in proof.release.model_files:
        (draft / "model" / file).chmod(0o644)
    _write(draft / "model" / manifest.CARD, (folder / CARD).read_bytes())
    name = str(evidence.unverified_payload(folder / VERDICT)[0]["subject"][0]["name"])
    _write(folder / MODEL_SIG, evidence.model_sig(manifest.walk(draft / "model"), key, name=name))
    return name


def _write(path: Path, raw: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_new(path, raw)


def _sealed(
    draft: Path,
    before: evidence.ReleaseLog | None,
    proof: Verification,
    *,
    name: str,
    key: evidence.SigningKey,
    as_of: str,
) -> tuple[evidence.ReleaseLog, str]:
    """Seal as the next release; the log with it, and its payload digest."""
    outcome = read_bundle(draft / "evidence").verdict.outcome
    evidence.seal(
        draft / "evidence",
        model=draft / "model",
        outcome=outcome,
        key=key,
        as_of=as_of,
        sequence=len(before.entries) + 1 if before else 1,
        previous=before.releases[-1].release if before else None,
        published=True,
    )
    payload = evidence.unverified_payload(draft / "evidence" / SEAL)[1]
    entry = {"release": payload, "artifact": proof.artifact, "verdict": outcome}
    return _extended(before, name, as_of=as_of, action="release", **entry), payload


def _extended(before: evidence.ReleaseLog | None, name: str, *, as_of: str, **said: str) -> evidence.ReleaseLog:
    """A log with one more entry."""
    entries = before.entries if before else ()
    if before is not None and before.name != name:
        raise UsageError(f"the log is that of {before.name!r} and the bundle is about {name!r}; name another log")
    if entries and as_of < entries[-1].as_of:
        raise UsageError(f"the last entry of the log is of {entries[-1].as_of}, later than now ({as_of})")
    previous = entries[-1].digest if entries else None
    entry = {"sequence": len(entries) + 1, "previous": previous, "as_of": as_of, **said}
    return evidence.ReleaseLog(name=name, entries=(*entries, evidence.LogEntry.model_validate(entry)))


def _read(path: Path, trust: evidence.Trust, as_of: str) -> evidence.ReleaseLog:
    if not path.is_file():
        raise UsageError(f"{path}: no such release log; `govkit release new` makes it")
    return evidence.open_log(evidence.read_bytes(path, file=path.name), trust=trust, as_of=as_of, file=path.name)


@contextmanager
def _held(log: Path) -> Iterator[None]:
    """Nobody else publishes into this log meanwhile."""
    try:
        place = os.open(log.absolute().parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise UsageError(f"{log.absolute().parent}: cannot be opened ({error.strerror})") from None
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise UsageError(f"{log}: somebody else publishes into this log just now; try again") from None
    finally:
        os.close(place)


def _replace(path: Path, raw: bytes) -> None:
    """Put a new log in the place of the old one, in one step that a crash cannot halve."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.absolute().parent, prefix=f".{path.name}.", delete=False) as draft:
            draft.write(raw)
            draft.flush()
            os.fsync(draft.fileno())
        Path(draft.name).chmod(0o644)
        Path(draft.name).replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from None
