"""Locks a policy and the test data before there are results, and holds an audit to the lock."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from govkit import evidence, policy as policies
from govkit.core import Policy
from govkit.errors import EvidenceError, UsageError
from govkit.evidence import HeldLock, Lock, LockedPolicy
from govkit.pipeline import clock
from govkit.pipeline.bundle import tool
from govkit.pipeline.casework import Casework, data_digests, read_audit
from govkit.pipeline.digests import asked_digest
from govkit.pipeline.folder import write_new
from govkit.pipeline.policy import resolve_policy


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
    rules = resolve_policy(policy)
    audit, root = read_audit(Path(audit_file))
    lock = Lock(
        name=name,
        policy=LockedPolicy(
            id=rules.id, version=rules.version, digest=policies.digest(rules), parents=policies.parents(policy)
        ),
        data=data_digests(audit, root),
        asked=asked_digest(audit),
        as_of=clock.written_time(as_of),
        tool=tool(),
    )
    write_new(Path(out), evidence.sign_lock(lock, key))
    return lock


def hold_case(lock: HeldLock | None, rules: Policy, work: Casework, *, as_of: str) -> None:
    """Refuse, before anything is measured, what the lock does not fix.

    Raises:
        UsageError: The policy, the data or what the audit file asks of them are others, or the lock is of a later time.
    """
    data = {str(role): {each.digest} for role, each in work.case.data.items()}
    if lock is not None:
        _hold(lock, policies.digest(rules), data, as_of=as_of, reference=lock.payload_sha256)
        try:
            lock.check_asked(asked_digest(work.audit))
        except EvidenceError as error:
            raise UsageError(str(error)) from None


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


def hold_measured(
    held: evidence.HeldMeasured | None, document: Mapping[str, Any], rules: Policy, *, by_file: bool
) -> str | None:
    """What a verdict says of the way that findings came: the measurer's statement, ``unsigned``, or None.

    Args:
        held: What a measurer signed.
        document: The findings.
        rules: The policy, which may ask for such a signature.
        by_file: Whether the findings were read from a file; else this process measured them.

    Raises:
        UsageError: The measurer signed other findings, or none that the policy asks for.
    """
    if held is None and by_file and rules.decision.signed_findings:
        raise UsageError(f"policy {rules.id} asks for findings that a measurer signed: measure with --key, and --trust")
    if held is None:
        return evidence.UNSIGNED if by_file else None
    try:
        held.check(document)
    except EvidenceError as error:
        raise UsageError(str(error)) from None
    return held.payload_sha256


def _hold(lock: HeldLock, policy: str, data: Mapping[str, set[str]], *, as_of: str, reference: str | None) -> None:
    try:
        lock.check(policy=policy, data=data, as_of=as_of, reference=reference)
    except EvidenceError as error:
        raise UsageError(str(error)) from None
