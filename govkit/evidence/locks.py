"""A lock: a policy and its test data, signed before there are results.

What it proves is an order and a word, not a time. The signed findings hold the digest of the lock, so the lock was
there before them; that nobody measured anything earlier, and that the clock was right, only its signer says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from govkit.core import Recorded, Role
from govkit.core.recorded import Digest
from govkit.errors import EvidenceError, UsageError
from govkit.evidence import moment
from govkit.evidence.keys import SigningKey
from govkit.evidence.predicates import file_of, parse, type_of
from govkit.evidence.statement import open_statement, refuse_other_name, sign
from govkit.evidence.trust import Trust

LOCK_FILE = file_of("policy.lock")
"""Where a bundle keeps it."""


class LockedPolicy(Recorded):
    """The resolved policy, and the digest of each policy that it was made from."""

    id: str
    version: str
    digest: Digest
    parents: dict[str, Digest] = {}


class Lock(Recorded):
    """What is fixed (``govkit.lock/v1``).

    Attributes:
        name: Who locks, by the name that the trust file gives to the key.
        policy: The limits.
        data: Role of a data set -> digest of its content; training data stay free.
        asked: Digest of the columns, the other models and the seed that the audit file names.
        as_of: When, by the clock of the signer, UTC.
        tool: Name and version of what made it.
    """

    schema_: Annotated[Literal["govkit.lock/v1"], Field(alias="schema")] = "govkit.lock/v1"
    name: Annotated[str, Field(min_length=1, max_length=200)]
    policy: LockedPolicy
    data: Annotated[dict[Role, Digest], Field(min_length=1)]
    asked: Digest | None = None
    as_of: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
    tool: dict[str, str]


@dataclass(frozen=True)
class HeldLock:
    """A verified lock: what it says, its bytes, and ``sha256:<hex>`` of the signed payload."""

    lock: Lock
    raw: bytes
    payload_sha256: str

    @property
    def notice(self) -> str:
        """What a verdict says of it."""
        when = f"locked by {self.lock.name} on {self.lock.as_of}, before the findings were measured"
        return f"limits fixed before results: {when}"

    def check(self, *, policy: str, data: Mapping[str, set[str]], as_of: str, reference: str | None) -> None:
        """Refuse what was measured or judged under other rules, on other data, or without this lock.

        Args:
            policy: Digest of the resolved policy.
            data: Role -> digests of the rows that were measured.
            as_of: Time of the verdict.
            reference: The lock that the findings name.

        Raises:
            EvidenceError: ``LOCK_POLICY``, ``LOCK_DATA``, ``LOCK_TIME`` or ``LOCK_MISMATCH``.
        """
        if policy != self.lock.policy.digest:
            raise _fault("LOCK_POLICY", f"fixes policy {self.lock.policy.digest}; judged is by {policy}")
        for role in sorted({*data} - {"train"}):
            if data.get(role, set()) - {found for each, found in self.lock.data.items() if each == role}:
                raise _fault("LOCK_DATA", f"fixes other {role} data than those that were measured")
        if moment.read(self.lock.as_of) > moment.read(as_of):
            raise _fault("LOCK_TIME", f"was made on {self.lock.as_of}, after the verdict of {as_of}")
        if reference != self.payload_sha256:
            raise _fault("LOCK_MISMATCH", "the findings were measured without it; measure again with --lock")

    def check_asked(self, asked: str) -> None:
        """Refuse other columns, models to compare with, or seeds: another label is another result.

        Args:
            asked: Digest of what the audit file names.

        Raises:
            EvidenceError: ``LOCK_AUDIT``.
        """
        if self.lock.asked not in (None, asked):
            raise _fault("LOCK_AUDIT", "fixes other columns, base, incumbent or seed than those of the audit file")


def _fault(code: str, message: str) -> EvidenceError:
    return EvidenceError.at(LOCK_FILE, code, message)


def sign_lock(lock: Lock, key: SigningKey) -> bytes:
    """The bytes of a lock file; its subjects are the policy and the data."""
    subjects = [("policy", lock.policy.digest), *((f"data:{role}", lock.data[role]) for role in sorted(lock.data))]
    return sign(type_of("lock"), lock.model_dump(mode="json", by_alias=True), subjects, key)


def open_lock(raw: bytes, *, trust: Trust, as_of: str) -> HeldLock:
    """Verify a lock, and only then read it.

    Raises:
        EvidenceError: As ``open_statement``, and ``WRONG_NAME`` where it speaks for somebody else than its signer.
    """
    opened = open_statement(raw, trust=trust, role="lock", predicate_type=type_of("lock"), as_of=as_of, file=LOCK_FILE)
    lock = parse(Lock, opened.predicate, file=LOCK_FILE)
    try:
        moment.read(lock.as_of)
    except UsageError as error:
        raise EvidenceError.at(LOCK_FILE, "BAD_STATEMENT", str(error)) from None
    refuse_other_name(lock.name, opened.signer, file=LOCK_FILE)
    return HeldLock(lock, raw, opened.payload_sha256)
