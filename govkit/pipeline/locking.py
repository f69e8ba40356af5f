"""Locks a policy and the test data before there are results, and holds an audit to the lock."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from govkit import checks, evidence
from govkit import policy as policies
from govkit.core import Case, Policy
from govkit.errors import EvidenceError, UsageError
from govkit.evidence import HeldLock, Lock, LockedPolicy
from govkit.pipeline import clock
from govkit.pipeline.bundle import tool
from govkit.pipeline.casework import data_digests, read_audit


def lock_policy(
    policy: str,
    *,
    audit_file: Path | str,
    key: evidence.SigningKey,
    name: str,
    out: Path | str,
    as_of: str | None = None,
) -> Lock:
    """Sign the limits of a policy and the digests of the test data, before anything is measured.

    No model is loaded and none has to be there. Training data stay free: they may still change.

    Args:
        policy: Name or path of a policy.
        audit_file: The audit file, whose data are locked.
        key: Signing key; a trust file must let it sign locks.
        name: Who locks, as the trust file calls the holder of the key.
        out: File to write; it must not exist.
        as_of: UTC time to take as now.

    Raises:
        UsageError: The policy or the data cannot be read, the data hold answers already, or ``out`` exists.
    """
    rules = policies.resolve(policies.load(policy), checks.catalog(), source=policy)
    audit, root = read_audit(Path(audit_file))
    lock = Lock(
        name=name,
        policy=LockedPolicy(
            id=rules.id, version=rules.version, digest=policies.digest(rules), parents=policies.parents(policy)
        ),
        data=data_digests(audit, root),
        as_of=as_of or clock.now(),
        tool=tool(),
    )
    try:
        with Path(out).open("xb") as file:
            file.write(evidence.sign_lock(lock, key))
    except OSError as error:
        raise UsageError(f"{out}: cannot be written ({error.strerror}); a lock is never overwritten") from None
    return lock


def open_lock(path: Path | str, *, trust: Path | str | evidence.Trust | None, as_of: str) -> HeldLock:
    """Verify the lock that an audit is to be held to.

    Raises:
        UsageError: There is no trust file, or the lock does not verify by it.
    """
    if trust is None:
        raise UsageError(f"{path}: a lock needs a trust file (--trust), which says whose is believed")
    store = trust if isinstance(trust, evidence.Trust) else evidence.read_trust(Path(trust))
    try:
        return evidence.open_lock(evidence.read_bytes(Path(path), file=str(path)), trust=store, as_of=as_of)
    except EvidenceError as error:
        raise UsageError(f"{path}: {error}") from None


def hold_case(lock: HeldLock | None, rules: Policy, case: Case, *, as_of: str) -> None:
    """Refuse, before anything is measured, what the lock does not fix.

    Raises:
        UsageError: The policy or the data are others, or the lock is of a later time.
    """
    data = {str(role): {each.digest} for role, each in case.data.items()}
    if lock is not None:
        _hold(lock, policies.digest(rules), data, as_of=as_of, reference=lock.payload_sha256)


def hold_findings(lock: HeldLock | None, document: Mapping[str, Any], rules: Policy, *, as_of: str) -> tuple[str, ...]:
    """What a verdict says of the lock that the findings were measured under.

    Raises:
        UsageError: They were measured without it, or under one that is not given.
    """
    if lock is None:
        if document.get("lock") is not None:
            raise UsageError("the findings were measured under a lock: name it with --lock")
        return ()
    rows = evidence.MeasuredRows.model_validate(document)
    _hold(lock, policies.digest(rules), rows.digests, as_of=as_of, reference=rows.lock)
    return (lock.notice,)


def _hold(lock: HeldLock, policy: str, data: Mapping[str, set[str]], *, as_of: str, reference: str | None) -> None:
    try:
        lock.check(policy=policy, data=data, as_of=as_of, reference=reference)
    except EvidenceError as error:
        raise UsageError(str(error)) from None


def under(document: Mapping[str, Any], lock: HeldLock | None) -> dict[str, Any]:
    """A findings document that names the lock it was measured under."""
    return dict(document) if lock is None else {**document, "lock": lock.payload_sha256}
