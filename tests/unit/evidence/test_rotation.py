"""One key follows another, and keys end: what a verifier believes before and after."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import evidence_bundle as tools
import pytest
from evidence_bundle import LATER, NOW

from govkit.errors import EvidenceError, UsageError
from govkit.evidence import (
    Rotated,
    SigningKey,
    Trust,
    TrustedKey,
    accept_rotation,
    join_trust,
    read_trust,
    replace_trust,
    revoke_key,
    rotate_key,
    throwaway_key,
    trust_of,
    write_trust,
)

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
ROLES = ("audit", "gate", "release")


def at(days: float) -> str:
    return (START + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def old() -> SigningKey:
    return throwaway_key("Ada", NOW)


@pytest.fixture
def trust(old: SigningKey) -> Trust:
    return join_trust((trust_of(old, roles=ROLES), trust_of(throwaway_key("Eve", NOW), roles=["waive"])))


@pytest.fixture
def rotated(old: SigningKey, trust: Trust) -> Rotated:
    return rotate_key(old, trust, as_of=at(100))


def entry(trust: Trust, key: SigningKey) -> TrustedKey:
    found = trust.find(key.id)
    assert found is not None
    return found


def changed(key: TrustedKey, **changes: Any) -> TrustedKey:
    return TrustedKey(**{**dict(key), **changes})


def code(raw: bytes, trust: Trust, as_of: str = LATER) -> str:
    with pytest.raises(EvidenceError) as caught:
        accept_rotation(raw, trust, as_of=as_of)
    assert "rotation.sigstore.json" in str(caught.value)
    return caught.value.code


def forged(rotated: Rotated, key: SigningKey, **changes: Any) -> bytes:
    """The rotation with other values, signed as if it had been said so."""
    payload = json.loads(base64.b64decode(json.loads(rotated.statement)["dsseEnvelope"]["payload"]))
    predicate = payload["predicate"]
    new = {**predicate["new"], **changes.pop("new", {})}
    subject = changes.pop("subject", payload["subject"])
    return tools.envelope(
        tools.evidence.dumps({**payload, "subject": subject, "predicate": {**predicate, "new": new, **changes}}), key
    )


# Rotation


def test_the_new_key_takes_the_place_of_the_old_one(old: SigningKey, trust: Trust, rotated: Rotated) -> None:
    new, ended = entry(rotated.trust, rotated.key), entry(rotated.trust, old)
    assert (new.name, new.roles, new.not_before) == ("Ada", ROLES, START + timedelta(days=100))
    assert new.id != old.id
    assert ended.not_after == rotated.until == START + timedelta(days=130)
    assert rotated.trust.keys[1] == trust.keys[1]  # nobody else is touched
    accepted = accept_rotation(rotated.statement, trust, as_of=at(100))
    assert (accepted.trust, accepted.old, accepted.new) == (rotated.trust, ended, new)
    assert accepted.refused == ()


def test_the_old_key_never_lives_longer_than_it_was_to(old: SigningKey, trust: Trust) -> None:
    end = trust.keys[0].not_after
    made = rotate_key(old, trust, as_of=at(725))
    assert made.until == entry(made.trust, old).not_after == end
    assert entry(made.trust, made.key).not_after == START + timedelta(days=725 + 730)


def test_a_series_of_releases_goes_on_under_the_new_key(tmp_path: Path, old: SigningKey, trust: Trust) -> None:
    full = trust_of(old)
    made = rotate_key(old, full, as_of=at(0))
    first = tools.make(tmp_path / "1", key=old, sequence=1)
    second = tools.make(tmp_path / "2", key=made.key, sequence=2)
    assert refusal(second, full, LATER) == "UNKNOWN_KEY"
    believed = accept_rotation(made.statement, full, as_of=LATER).trust
    for small in (first, second):
        small.check(trust=believed, as_of=LATER)
        small.check(trust=believed, as_of=at(30))
    # After the end of the old key, only who looks from before it still believes the first release.
    assert refusal(first, believed, at(31)) == "KEY_PERIOD"
    first.check(trust=believed, as_of=at(29))
    second.check(trust=believed, as_of=at(31))


def refusal(small: tools.Small, trust: Trust, as_of: str) -> str:
    with pytest.raises(EvidenceError) as caught:
        small.check(trust=trust, as_of=as_of)
    return caught.value.code


def test_a_chain_of_rotations_is_accepted_link_by_link(old: SigningKey, trust: Trust) -> None:
    first = rotate_key(old, trust, as_of=at(1))
    second = rotate_key(first.key, first.trust, as_of=at(2))
    assert code(second.statement, trust, at(3)) == "UNKNOWN_KEY"
    once = accept_rotation(first.statement, trust, as_of=at(3)).trust
    twice = accept_rotation(second.statement, once, as_of=at(3)).trust
    assert {key.name for key in twice.keys} == {"Ada", "Eve"}
    assert twice.find(second.key.id) is not None


@pytest.mark.parametrize("overlap", [-1, 3651])
def test_an_overlap_is_a_number_of_days(old: SigningKey, trust: Trust, overlap: int) -> None:
    with pytest.raises(UsageError, match="3,650 days"):
        rotate_key(old, trust, as_of=at(1), overlap_days=overlap)


def test_no_overlap_ends_the_old_key_at_once(old: SigningKey, trust: Trust) -> None:
    made = rotate_key(old, trust, as_of=at(1), overlap_days=0)
    assert made.until == START + timedelta(days=1)
    assert rotate_key(old, trust, as_of=NOW, overlap_days=0).until == START + timedelta(seconds=1)


def test_a_key_that_nobody_believes_is_not_rotated(old: SigningKey, trust: Trust) -> None:
    with pytest.raises(UsageError, match="does not hold the key"):
        rotate_key(throwaway_key("Ada", NOW), trust, as_of=at(1))
    with pytest.raises(UsageError, match="has ended"):
        rotate_key(old, trust, as_of=at(731))
    with pytest.raises(UsageError, match="has ended"):
        rotate_key(old, revoke_key(trust, old.id, at=at(1))[0], as_of=at(2))


# What a verifier does not accept


def test_a_stranger_cannot_rotate(trust: Trust, rotated: Rotated) -> None:
    stranger = throwaway_key("Ada", NOW)
    own = rotate_key(stranger, trust_of(stranger), as_of=at(0))
    assert code(own.statement, trust) == "UNKNOWN_KEY"
    assert code(forged(rotated, stranger), trust, at(101)) == "UNKNOWN_KEY"


def test_the_old_key_of_somebody_else_cannot_be_rotated(old: SigningKey, rotated: Rotated) -> None:
    eve = throwaway_key("Eve", NOW)
    believed = join_trust((trust_of(old), trust_of(eve, roles=["waive"])))
    assert code(forged(rotated, eve), believed, at(101)) == "WRONG_SUBJECT"
    assert code(forged(rotated, eve, old=eve.id), believed, at(101)) == "WRONG_NAME"


def test_more_than_the_old_key_has_is_not_granted(old: SigningKey, trust: Trust, rotated: Rotated) -> None:
    more = forged(rotated, old, new={"roles": ["gate", "waive", "attest"], "signs_as": ["validator"]})
    accepted = accept_rotation(more, trust, as_of=at(101))
    assert (accepted.new.roles, accepted.new.signs_as) == (("gate",), ())
    assert accepted.refused == ("attest", "waive", "validator")
    assert code(forged(rotated, old, new={"roles": ["waive"]}), trust, at(101)) == "KEY_ROLE"


def test_the_verifiers_own_file_decides_what_the_old_key_has(old: SigningKey, rotated: Rotated) -> None:
    narrow = trust_of(old, roles=["audit", "attest"], signs_as=["validator"])
    accepted = accept_rotation(rotated.statement, narrow, as_of=at(101))
    assert (accepted.new.roles, accepted.refused) == (("audit",), ("gate", "release"))


def test_a_new_key_lasts_no_longer_than_the_old_one_was_to(old: SigningKey, trust: Trust, rotated: Rotated) -> None:
    for end in ("2099-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        accepted = accept_rotation(forged(rotated, old, new={"not_after": end}), trust, as_of=at(101))
        assert accepted.new.not_after == START + timedelta(days=100 + 730)
    ever = Trust(keys=(changed(trust.keys[0], not_after=datetime(9999, 12, 31, tzinfo=UTC)),))
    assert accept_rotation(rotated.statement, ever, as_of=at(101)).new.not_after == START + timedelta(days=830)


def test_the_end_of_the_old_key_is_never_moved_later(old: SigningKey, trust: Trust, rotated: Rotated) -> None:
    later = forged(rotated, old, old_until="2099-01-01T00:00:00Z")
    assert accept_rotation(later, trust, as_of=at(101)).old.not_after == trust.keys[0].not_after


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"new": {"name": "Bob"}}, "WRONG_NAME"),
        ({"new": {"not_before": at(102)}}, "FUTURE"),
        ({"new": {"revoked_at": at(101)}}, "BAD_STATEMENT"),
        ({"new": {"id": "a" * 64}}, "BAD_STATEMENT"),
        ({"new": {"king": True}}, "BAD_STATEMENT"),
        ({"old": "a" * 64}, "WRONG_SUBJECT"),
        ({"old_until": at(-1)}, "BAD_STATEMENT"),
        ({"old_until": 5}, "BAD_STATEMENT"),
        ({"subject": [{"name": "key", "digest": {"sha256": "a" * 64}}]}, "WRONG_SUBJECT"),
    ],
    ids=[str(number) for number in range(9)],
)
def test_what_the_old_key_signs_is_still_judged(
    old: SigningKey, trust: Trust, rotated: Rotated, changes: dict[str, Any], expected: str
) -> None:
    assert code(forged(rotated, old, **changes), trust, at(101)) == expected


def test_a_key_is_accepted_once(old: SigningKey, trust: Trust, rotated: Rotated) -> None:
    accepted = accept_rotation(rotated.statement, trust, as_of=at(101))
    assert code(rotated.statement, accepted.trust, at(101)) == "KEY_KNOWN"
    back = forged(rotated, rotated.key, old=rotated.key.id, new=plain(trust.keys[0]), subject=subject(old.id))
    assert code(back, accepted.trust, at(102)) == "KEY_KNOWN"
    itself = forged(rotated, old, new=plain(trust.keys[0]), subject=subject(old.id))
    assert code(itself, trust, at(101)) == "KEY_KNOWN"


def plain(key: TrustedKey) -> dict[str, Any]:
    return key.model_dump(mode="json", exclude_none=True)


def subject(key: str) -> list[dict[str, Any]]:
    return [{"name": "key", "digest": {"sha256": key}}]


def test_one_key_under_two_ids_is_refused(old: SigningKey, trust: Trust, rotated: Rotated) -> None:
    twice = forged(rotated, old, new={**plain(trust.keys[0]), "id": "b" * 64}, subject=subject("b" * 64))
    assert code(twice, trust, at(101)) == "BAD_STATEMENT"
    spaced = trust.keys[0].public_key.replace("\n", "\r\n")  # other text, same key, same id
    again = forged(rotated, old, new={**plain(trust.keys[0]), "public_key": spaced}, subject=subject(old.id))
    assert code(again, trust, at(101)) == "KEY_KNOWN"


def test_an_ended_key_names_no_other(old: SigningKey, trust: Trust, rotated: Rotated) -> None:
    assert code(rotated.statement, trust, at(731)) == "KEY_PERIOD"
    revoked, _ = revoke_key(trust, old.id, at=at(100.5))
    assert code(rotated.statement, revoked, at(101)) == "KEY_REVOKED"
    to_come, _ = revoke_key(trust, old.id, at=at(200))
    assert code(rotated.statement, to_come, at(101)) == "KEY_REVOKED"


def test_other_statements_of_the_old_key_are_no_rotations(tmp_path: Path, old: SigningKey, rotated: Rotated) -> None:
    small = tools.make(tmp_path, key=old)
    assert code(small.path("verdict").read_bytes(), small.trust) == "PREDICATE_TYPE"
    assert code(rotated.statement.replace(b"hint", b"hunt"), small.trust) == "UNSIGNED_FIELD"
    assert code(b"", small.trust) == "BAD_JSON"


# Revocation


def test_a_revoked_key_is_believed_only_before(tmp_path: Path, old: SigningKey) -> None:
    small = tools.make(tmp_path, key=old)
    revoked, key = revoke_key(small.trust, "Ada", at=at(1), reason="the laptop was stolen")
    assert (key.revoked_at, key.reason) == (START + timedelta(days=1), "the laptop was stolen")
    small.check(trust=revoked, as_of=at(0.9))
    assert refusal(small, revoked, at(1)) == "KEY_REVOKED"
    assert refusal(small, revoked, at(2)) == "KEY_REVOKED"


def test_a_revocation_never_moves_later(trust: Trust) -> None:
    once, key = revoke_key(trust, "Ada", at=at(5), reason="first")
    assert revoke_key(once, "Ada", at=at(6), reason="second") == (once, key)
    earlier, moved = revoke_key(once, "Ada", at=at(4))
    assert (moved.revoked_at, moved.reason) == (START + timedelta(days=4), "first")
    assert earlier.keys[1] == trust.keys[1]


def test_a_key_is_named_by_its_id_or_its_only_name(old: SigningKey, trust: Trust) -> None:
    for which in (old.id, old.id[:8], old.id[:12].upper(), "Ada"):
        assert revoke_key(trust, which, at=NOW)[1].id == old.id
    for which in (old.id[:7], "ada", "", "Bob", "0" * 8):
        with pytest.raises(UsageError, match=f"no key has the id or the name .*{old.id[:16]} 'Ada'"):
            revoke_key(trust, which, at=NOW)
    two = join_trust((trust, trust_of(throwaway_key("Ada", NOW))))
    with pytest.raises(UsageError, match="2 keys are called 'Ada'; name one by the first 8 digits"):
        revoke_key(two, "Ada", at=NOW)


# Files


def test_a_trust_file_is_replaced_with_its_permissions(tmp_path: Path, trust: Trust, rotated: Rotated) -> None:
    path, link = tmp_path / "trust.yaml", tmp_path / "link.yaml"
    write_trust(path, trust)
    path.chmod(0o640)
    link.symlink_to("trust.yaml")
    replace_trust(link, rotated.trust)
    assert link.is_symlink()
    assert read_trust(path) == rotated.trust
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.yaml", "trust.yaml"]


def test_two_changes_at_once_do_not_mix(tmp_path: Path, trust: Trust, rotated: Rotated) -> None:
    path = tmp_path / "trust.yaml"
    write_trust(path, trust)
    (tmp_path / ".trust.yaml.new").write_text("half")
    with pytest.raises(UsageError, match="nobody is changing"):
        replace_trust(path, rotated.trust)
    assert read_trust(path) == trust
    with pytest.raises(UsageError, match="cannot be replaced"):
        replace_trust(tmp_path / "none.yaml", trust)


def test_a_revoked_key_survives_its_file(tmp_path: Path, trust: Trust) -> None:
    revoked, _ = revoke_key(trust, "Ada", at=at(5), reason='"stolen": yes')
    write_trust(tmp_path / "trust.yaml", revoked)
    assert read_trust(tmp_path / "trust.yaml") == revoked
    write_trust(tmp_path / "plain.yaml", trust)
    assert "reason" not in (tmp_path / "plain.yaml").read_text()


def test_no_private_key_is_shown_or_signed(rotated: Rotated) -> None:
    assert format(rotated.key.private.private_numbers().private_value, "d") not in repr(rotated)
    assert b"PRIVATE" not in rotated.statement
