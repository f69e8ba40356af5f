"""Publishes an audited model: model, card and evidence in one folder, countersigned, numbered, and put in a log."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from govkit import evidence, manifest
from govkit.errors import UsageError
from govkit.evidence import moment as moments
from govkit.pipeline import clock
from govkit.pipeline.attached import CARD, MODEL_SIG, released
from govkit.pipeline.bundle import read_bundle, refuse_open
from govkit.pipeline.folder import whole_folder, write_new
from govkit.pipeline.stamping import stamp
from govkit.pipeline.verification import Verification, refuse_inside, verify

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
        UsageError: The trust file does not hold the key, or lies in what is to be verified.
    """
    refuse_inside(Path(bundle), Path(model), {"trust file": trust})
    store, moment = evidence.read_trust(trust), _moment(as_of)
    signer = _trusted(key, store)
    proof = verify(bundle, model=model, trust=store, as_of=moment)
    outcome, verdict = proof.release.verdict, proof.digests["verdict"]
    record = evidence.Countersignature(
        name=signer.name, role=role, model=proof.artifact, verdict=verdict, outcome=outcome, as_of=moment
    )
    raw = evidence.sign_countersignature(record, key)
    name = f"{evidence.COUNTERSIGNATURES}/{role}.sigstore.json"
    evidence.open_countersignature(
        raw, name, trust=store, as_of=moment, verdict=verdict, artifact=proof.artifact, outcome=outcome
    )
    return raw


def _moment(as_of: str | None) -> str:
    """Now, in the one form that is signed."""
    return clock.deciding_time(None if as_of is None else moments.write(moments.read(as_of)))


def _trusted(key: evidence.SigningKey, trust: evidence.Trust) -> evidence.TrustedKey:
    """Before work begins: what nobody can verify is not signed."""
    found = trust.find(key.id)
    if found is None:
        message = f"the trust file does not hold the key {key.id[:16]} that is to sign; add it with 'govkit keys join'"
        raise UsageError(message)
    return found


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
        UsageError: ``out`` exists, the model is no folder, the log is that of another model, the trust file does not
            hold the key, or one of these lies in what is to be verified.
    """
    elsewhere = {"trust file": trust, "release log": log, "folder for the release": out}
    refuse_inside(Path(bundle), Path(model), elsewhere)
    store, moment, book = evidence.read_trust(trust), _moment(as_of), Path(os.path.realpath(log))
    publisher = _trusted(key, store).name
    if not Path(model).is_dir():
        raise UsageError(f"{model}: expected the folder of a model; a single file has no room for its card")
    with evidence.held_log(book):
        before = evidence.read_log(book, trust=store, as_of=moment) if book.exists() else None
        with evidence.replaced_log(book) as put, whole_folder(Path(out)) as draft:
            (draft / "model").mkdir()
            read = partial(manifest.walk, into=draft / "model")
            proof = verify(bundle, model=model, trust=store, as_of=moment, read=read)
            refuse_open(proof.verdict, Path(bundle))
            name = _complete(draft, Path(bundle), proof, key=key, people=countersignatures, timestamp=timestamp)
            after, payload = _sealed(draft, before, proof, names=(name, publisher), key=key, as_of=moment)
            verify(draft / "evidence", model=draft / "model", trust=store, as_of=moment, log=after)
            put(evidence.sign_log(after, key))
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
        UsageError: There is no such release, or it was taken back already, there is no reason, or the trust file does
            not hold the key.
    """
    store, moment, book = evidence.read_trust(trust), _moment(as_of), Path(os.path.realpath(log))
    publisher = _trusted(key, store).name
    if not reason.strip():
        raise UsageError("a release is taken back for a reason; say it with --reason")
    with evidence.held_log(book):
        before = evidence.read_log(book, trust=store, as_of=moment)
        found = next((entry for entry in before.releases if entry.sequence == sequence), None)
        if found is None:
            known = ", ".join(str(entry.sequence) for entry in before.releases)
            raise UsageError(f"{book}: has no release {sequence}; its releases are {known}")
        if any(entry.release == found.release for entry in before.entries if entry.action == "revoke"):
            raise UsageError(f"{book}: release {sequence} was taken back already")
        after = _extended(
            before, before.name, publisher, as_of=moment, action="revoke",
            release=found.release, artifact=found.artifact, verdict=found.verdict, reason=reason,
        )  # fmt: skip
        raw = evidence.sign_log(after, key)
        evidence.open_log(raw, trust=store, as_of=moment, file=book.name)
        with evidence.replaced_log(book) as put:
            put(raw)
    return after


def read_log(
    log: Path | str, *, trust: Path | str | evidence.Trust, known: Path | str | None = None, as_of: str | None = None
) -> evidence.ReleaseLog:
    """Verify a release log, and that it goes on from one that was kept.

    Raises:
        EvidenceError: It does not verify, or does not go on from ``known``.
        UsageError: It cannot be read.
    """
    store, moment = evidence.read_trust(trust), _moment(as_of)
    found = evidence.read_log(Path(log), trust=store, as_of=moment)
    if known is not None:
        evidence.check_extends(found, evidence.read_log(Path(known), trust=store, as_of=moment))
    return found


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
    if CARD not in proof.release.files:
        raise UsageError(f"{bundle}: has no {CARD}, which a release needs; write it by `govkit render` before the seal")
    for file, bound in proof.release.files.items():
        if file not in (MODEL_SIG, evidence.STAMP_FILE):
            _write(folder / file, evidence.read_bytes(bundle / file, file=file, sha256=bound.sha256))
    if people is not None:
        _add_people(folder / evidence.COUNTERSIGNATURES, Path(people))
    if timestamp is not None:
        _write(folder / evidence.STAMP_FILE, stamp((folder / VERDICT).read_bytes(), timestamp))
    for each in released(proof.release):
        (draft / "model" / each.path).chmod(0o644)
    if proof.release.card is None:  # else it was copied with the model
        _write(draft / "model" / manifest.CARD, (folder / CARD).read_bytes())
    name = str(evidence.unverified_payload(folder / VERDICT)[0]["subject"][0]["name"])
    _write(folder / MODEL_SIG, evidence.model_sig(manifest.walk(draft / "model"), key, name=name))
    return name


def _add_people(folder: Path, people: Path) -> None:
    if not people.is_dir():
        raise UsageError(f"{people}: no such folder; expected one of countersignatures")
    for found in manifest.walk(people):
        _write(folder / found.path, evidence.read_bytes(people / found.path, file=found.path, sha256=found.sha256))


def _write(path: Path, raw: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_new(path, raw)


def _sealed(
    draft: Path,
    before: evidence.ReleaseLog | None,
    proof: Verification,
    *,
    names: tuple[str, str],
    key: evidence.SigningKey,
    as_of: str,
) -> tuple[evidence.ReleaseLog, str]:
    """Seal as the next release of ``names``, the model and the publisher; the log with it, and its payload digest."""
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
    return _extended(before, *names, as_of=as_of, action="release", **entry), payload


def _extended(
    before: evidence.ReleaseLog | None, name: str, publisher: str, *, as_of: str, **said: str
) -> evidence.ReleaseLog:
    """A log with one more entry."""
    entries = before.entries if before else ()
    if before is not None and before.publisher != publisher:
        raise UsageError(f"the log is that of {before.publisher!r} and the key that of {publisher!r}; name another log")
    if before is not None and before.name != name:
        raise UsageError(f"the log is that of {before.name!r} and the bundle is about {name!r}; name another log")
    if entries and as_of < entries[-1].as_of:
        raise UsageError(f"the last entry of the log is of {entries[-1].as_of}, later than now ({as_of})")
    previous = entries[-1].digest if entries else None
    entry = {"sequence": len(entries) + 1, "previous": previous, "as_of": as_of, **said}
    try:
        entries = (*entries, evidence.LogEntry.model_validate(entry))
        return evidence.ReleaseLog(name=name, publisher=publisher, entries=entries)
    except ValidationError as error:
        item = error.errors()[0]
        raise UsageError(f"this cannot be put into the log: {item['loc'][-1]}: {item['msg']}") from None
