"""One key in the place of another, and the end of a key.

Who rotates a key says with the old one which key comes next; a verifier who believes the old key can so believe the
new one without meeting its holder. The verifier's own trust file stays the only judge: the new key gets at most what
the old one has there. Whoever stole the old key can rotate it too: revoke what a stolen key has named.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, field_serializer

from govkit.core import Recorded
from govkit.core.times import Instant
from govkit.errors import EvidenceError, UsageError
from govkit.evidence import moment
from govkit.evidence.keys import SigningKey, throwaway_key, trust_of
from govkit.evidence.predicates import Hex, file_of, parse, type_of
from govkit.evidence.statement import Statement, open_statement, sign
from govkit.evidence.trust import Trust, TrustedKey

ROTATION_FILE = file_of("rotation")
OVERLAP_DAYS = 30
"""Days for which the old key is believed beside the new one."""

SHORTEST = 8
"""Hex digits of a key id that name the key."""


class Rotation(Recorded):
    """What the old key says (``govkit.rotation/v1``).

    Attributes:
        old: Id of the key that signs this.
        old_until: Last moment at which its holder uses it.
        new: The key that comes next, with all that is asked for it.
    """

    schema_: Annotated[Literal["govkit.rotation/v1"], Field(alias="schema")] = "govkit.rotation/v1"
    old: Hex
    old_until: Instant
    new: TrustedKey

    @field_serializer("old_until")
    def _utc(self, value: datetime) -> str:
        return moment.write(value)


@dataclass(frozen=True)
class Rotated:
    """A key was rotated.

    Attributes:
        key: The new key, in memory only.
        trust: The signer's trust file, with both.
        statement: What the old key signed.
        until: Last moment at which the old key is believed.
    """

    key: SigningKey
    trust: Trust
    statement: bytes
    until: datetime


@dataclass(frozen=True)
class Accepted:
    """A rotation was accepted.

    Attributes:
        trust: The verifier's trust file, with both.
        old: The old key, as it is believed from now on.
        new: The new one.
        refused: Roles, and ways of signing attestations, that were asked for and that the old key does not have.
    """

    trust: Trust
    old: TrustedKey
    new: TrustedKey
    refused: tuple[str, ...]


def rotate_key(old: SigningKey, trust: Trust, *, as_of: str, overlap_days: int = OVERLAP_DAYS) -> Rotated:
    """Make the key that follows another one: same name, same roles, a period of its own.

    Args:
        old: The key that is to end.
        trust: A trust file that holds it.
        as_of: UTC time to take as now.
        overlap_days: Days for which both are believed, but never longer than the old one was to be.

    Raises:
        UsageError: The trust file does not believe the old key now, or the overlap is no number of days.
    """
    now, entry = moment.read(as_of), trust.find(old.id)
    if entry is None:
        raise UsageError(f"the trust file does not hold the key {old.id[:16]}: name the one that came with it")
    if entry.revoked_at is not None or not entry.not_before <= now <= entry.not_after:
        raise UsageError(
            f"the key {entry.name!r} has ended; nobody would believe what it says of another one: make a new key with "
            "'govkit keys new' and hand over its trust file"
        )
    if not 0 <= overlap_days <= 3650:
        raise UsageError(f"expected 0 to 3,650 days of overlap, found {overlap_days}")
    key = throwaway_key(entry.name, as_of)
    new = trust_of(key, roles=entry.roles, signs_as=entry.signs_as).keys[0]
    until = max(min(entry.not_after, now + timedelta(days=overlap_days)), entry.not_before + timedelta(seconds=1))
    plain = Rotation(old=old.id, old_until=until, new=new).model_dump(mode="json", by_alias=True, exclude_none=True)
    statement = sign(type_of("rotation"), plain, _subjects(new), old)
    return Rotated(key, _with(trust, _changed(entry, not_after=until), new), statement, until)


def accept_rotation(raw: bytes, trust: Trust, *, as_of: str, file: str = ROTATION_FILE) -> Accepted:
    """Believe the key that follows one that is believed, for no more than that one.

    It gets the old key's name, those of the old key's roles that are asked for, and a period no longer than the old
    key's was. The old key ends when its holder says, unless it ends sooner anyway.

    Args:
        raw: The bytes of the statement.
        trust: Whom the verifier believes.
        as_of: UTC time to take as now; the old key must be valid then.
        file: Name of the file, for the message.

    Raises:
        EvidenceError: As ``open_statement``, and ``WRONG_SUBJECT``, ``WRONG_NAME``, ``KEY_KNOWN``, ``KEY_REVOKED``
            (also for a revocation to come), ``KEY_ROLE`` (none of the roles that it asks for is the old key's),
            ``FUTURE`` or ``BAD_STATEMENT``.
        UsageError: ``as_of`` is no time.
    """
    opened = open_statement(raw, trust=trust, role=None, predicate_type=type_of("rotation"), as_of=as_of, file=file)
    rotation, old = parse(Rotation, opened.predicate, file=file), opened.signer
    _check(rotation, opened, trust, as_of=as_of, file=file)
    asked = rotation.new
    roles = tuple(role for role in asked.roles if role in old.roles)
    signs_as = tuple(each for each in asked.signs_as if each in old.signs_as)
    if not roles:
        message = f"asks for {', '.join(asked.roles)}; the key {old.name!r} has none of these roles here"
        raise EvidenceError.at(file, "KEY_ROLE", message)
    period = min(asked.not_after - asked.not_before, old.not_after - old.not_before)
    new = _changed(asked, roles=roles, signs_as=signs_as, not_after=asked.not_before + period)
    ended = _changed(old, not_after=min(old.not_after, rotation.old_until))
    refused = sorted({*asked.roles} - {*roles}) + sorted({*asked.signs_as} - {*signs_as})
    return Accepted(_with(trust, ended, new), ended, new, tuple(refused))


def _check(rotation: Rotation, opened: Statement, trust: Trust, *, as_of: str, file: str) -> None:
    """It speaks of its signer, of a key that is new, and of a time that has come."""
    old, new = opened.signer, rotation.new
    if old.revoked_at is not None:
        raise EvidenceError.at(file, "KEY_REVOKED", f"the key {old.name!r} is to be revoked, so it names no other")
    if rotation.old != old.id or opened.subjects != _subjects(new):
        raise EvidenceError.at(file, "WRONG_SUBJECT", "speaks of other keys than it was signed with or for")
    if new.name != old.name:
        message = f"names the new key {new.name!r}; the old one is that of {old.name!r}"
        raise EvidenceError.at(file, "WRONG_NAME", message)
    if trust.find(new.id) is not None:
        raise EvidenceError.at(file, "KEY_KNOWN", "the trust file holds the new key already")
    if new.not_before - moment.read(as_of) > moment.CLOCK_SKEW:
        raise EvidenceError.at(file, "FUTURE", f"the new key begins {moment.write(new.not_before)}; accept it then")
    if new.revoked_at is not None or rotation.old_until <= old.not_before:
        raise EvidenceError.at(file, "BAD_STATEMENT", "the new key is revoked, or the old one never began")


def revoke_key(trust: Trust, which: str, *, at: str, reason: str = "") -> tuple[Trust, TrustedKey]:
    """Believe a key no longer.

    Args:
        trust: The trust file.
        which: Id of the key or its first eight digits or more, or the name of its holder if it is one key's only.
        at: UTC time from which on it is not believed; an earlier revocation stays as it is.
        reason: Why, for people.

    Returns:
        The trust file, and the key as it stands there now.

    Raises:
        UsageError: There is no such key, there are several, or ``at`` is no time.
    """
    found, time = _find(trust, which), moment.read(at)
    if found.revoked_at is not None and found.revoked_at <= time:
        return trust, found
    revoked = _changed(found, revoked_at=time, reason=reason or found.reason)
    return _with(trust, revoked), revoked


def _find(trust: Trust, which: str) -> TrustedKey:
    by_id = [key for key in trust.keys if len(which) >= SHORTEST and key.id.startswith(which.lower())]
    found = by_id or [key for key in trust.keys if key.name == which]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"{key.id[:16]} {key.name!r}" for key in found or trust.keys[:20])
    what = f"{len(found)} keys are called {which!r}" if found else f"no key has the id or the name {which!r}"
    raise UsageError(f"{what}; name one by the first {SHORTEST} digits or more of its id: {listed}")


def _subjects(new: TrustedKey) -> tuple[tuple[str, str], ...]:
    return (("key", f"sha256:{new.id}"),)


def _changed(key: TrustedKey, **changes: object) -> TrustedKey:
    """The key with other values, checked again."""
    return TrustedKey(**{**dict(key), **changes})


def _with(trust: Trust, changed: TrustedKey, *more: TrustedKey) -> Trust:
    keys = tuple(changed if key.id == changed.id else key for key in trust.keys)
    return Trust(keys=(*keys, *more), timestamp_authorities=trust.timestamp_authorities)
