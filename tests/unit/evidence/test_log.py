"""The release log: no line can be changed, dropped, added or put elsewhere, and it says what is taken back."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from evidence_bundle import LATER, NOW

from govkit import evidence
from govkit.errors import EvidenceError
from govkit.evidence import LogEntry, ReleaseLog

KEY = evidence.throwaway_key("Publisher", NOW)
TRUST = evidence.trust_of(KEY)
DAYS = ("2026-11-24T12:00:00Z", "2026-11-24T12:01:00Z", "2026-11-24T12:02:00Z", "2026-11-24T12:03:00Z")


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def log_of(*said: tuple[str, int], artifacts: dict[int, int] | None = None, days: Sequence[str] = DAYS) -> ReleaseLog:
    """A log of ``(action, number of the release)``."""
    entries: list[LogEntry] = []
    for place, (action, number) in enumerate(said):
        model = (artifacts or {}).get(number, number)
        entries.append(
            LogEntry(
                sequence=place + 1, previous=entries[-1].digest if entries else None, as_of=days[place], action=action,
                release=digest(number), artifact=digest(100 + model), verdict="PASS",
                reason="a fault" if action == "revoke" else "",
            )
        )  # fmt: skip
    return ReleaseLog(name="small", publisher="Publisher", entries=tuple(entries))


THREE = log_of(("release", 1), ("release", 2), ("revoke", 1))


def code(call: Any) -> str:
    with pytest.raises(EvidenceError) as caught:
        call()
    return caught.value.code


def release_of(log: ReleaseLog, number: int) -> evidence.Release:
    """The seal of a release as it stands in a log."""
    releases = log.releases
    place = [entry.release for entry in releases].index(digest(number))
    return evidence.Release(
        files={}, artifact=releases[place].artifact, model_files={}, verdict="PASS", sequence=releases[place].sequence,
        previous=releases[place - 1].release if place else None, published=True, as_of=NOW, tool={},
    )  # fmt: skip


def test_a_log_is_read_as_it_was_signed() -> None:
    raw = evidence.sign_log(THREE, KEY)
    assert evidence.open_log(raw, trust=TRUST, as_of=NOW) == THREE
    assert raw == evidence.sign_log(THREE, KEY)


def test_every_other_order_choice_or_copy_of_entries_is_no_chain() -> None:
    entries = THREE.entries
    wrong = 0
    for length in range(1, 4):
        for chosen in itertools.product(entries, repeat=length):
            log = ReleaseLog(name="small", publisher="Publisher", entries=chosen)
            if chosen == entries[: len(chosen)]:
                evidence.sign_log(log, KEY)
                continue
            wrong += 1
            assert code(lambda log=log: evidence.sign_log(log, KEY)) == "LOG_CHAIN"
    assert wrong == 3 + 9 + 27 - 3


@pytest.mark.parametrize(
    "changes",
    [
        {"release": digest(9)},
        {"artifact": digest(9)},
        {"verdict": "BLOCK"},
        {"as_of": "2026-11-24T11:00:00Z"},
        {"sequence": 3},
        {"action": "revoke"},
        {"reason": "x"},
    ],
)
def test_a_changed_line_breaks_the_next_one(changes: dict[str, Any]) -> None:
    first, second, *rest = THREE.entries
    forged = ReleaseLog(name="small", publisher="Publisher", entries=(first, second.model_copy(update=changes), *rest))
    assert code(lambda: evidence.sign_log(forged, KEY)) == "LOG_CHAIN"


def test_no_entry_is_older_than_the_one_before() -> None:
    said = (("release", 1), ("release", 2))
    evidence.sign_log(log_of(*said, days=(DAYS[1], DAYS[1])), KEY)
    assert code(lambda: evidence.sign_log(log_of(*said, days=(DAYS[1], DAYS[0])), KEY)) == "LOG_CHAIN"


def test_the_last_line_cannot_be_changed_without_the_key() -> None:
    raw = evidence.sign_log(THREE, evidence.throwaway_key("Stranger", NOW))
    assert code(lambda: evidence.open_log(raw, trust=TRUST, as_of=NOW)) == "UNKNOWN_KEY"
    trainer = evidence.trust_of(KEY, roles=("train",))
    assert code(lambda: evidence.open_log(evidence.sign_log(THREE, KEY), trust=trainer, as_of=NOW)) == "KEY_ROLE"


def test_a_log_may_not_be_signed_for_another_head() -> None:
    plain = THREE.model_dump(mode="json", by_alias=True)
    raw = evidence.sign(evidence.type_of("releases"), plain, [("head", digest(5))], KEY)
    assert code(lambda: evidence.open_log(raw, trust=TRUST, as_of=NOW)) == "LOG_CHAIN"


def test_what_is_taken_back_was_released_and_is_taken_back_once() -> None:
    for said in (
        [("revoke", 1)],
        [("release", 1), ("revoke", 2)],
        [("release", 1), ("release", 1)],
        [("release", 1), ("revoke", 1), ("revoke", 1)],
        [("release", 1), ("revoke", 1), ("release", 1)],
    ):
        assert code(lambda said=said: evidence.sign_log(log_of(*said), KEY)) == "LOG_CHAIN"


def test_a_release_must_stand_in_the_log_just_as_it_says() -> None:
    second = release_of(THREE, 2)
    evidence.check_listed(THREE, second, digest(2), signer="Publisher", as_of=LATER)
    for changes, payload in (
        ({}, digest(3)),
        ({"sequence": 1}, digest(2)),
        ({"previous": None}, digest(2)),
        ({"artifact": digest(9)}, digest(2)),
        ({"verdict": "BLOCK"}, digest(2)),
        ({"published": False}, digest(2)),
    ):
        other = second.model_copy(update=changes)
        assert (
            code(lambda o=other, p=payload: evidence.check_listed(THREE, o, p, signer="Publisher", as_of=LATER))
            == "UNLISTED"
        )


def test_a_release_is_refused_from_the_moment_it_was_taken_back() -> None:
    first = release_of(THREE, 1)
    assert code(lambda: evidence.check_listed(THREE, first, digest(1), signer="Publisher", as_of=DAYS[2])) == "REVOKED"
    evidence.check_listed(THREE, first, digest(1), signer="Publisher", as_of=DAYS[1])


def test_a_time_is_compared_as_a_time_whatever_its_zone() -> None:
    first = release_of(THREE, 1)
    there = "2026-11-24T02:02:00-10:00"
    assert code(lambda: evidence.check_listed(THREE, first, digest(1), signer="Publisher", as_of=there)) == "REVOKED"
    evidence.check_listed(THREE, first, digest(1), signer="Publisher", as_of="2026-11-25T01:01:00+13:00")


def test_a_release_is_taken_back_as_what_it_was() -> None:
    first, second, third = THREE.entries
    for changes in ({"artifact": digest(9)}, {"verdict": "BLOCK"}):
        forged = ReleaseLog(
            name="small", publisher="Publisher", entries=(first, second, third.model_copy(update=changes))
        )
        assert code(lambda f=forged: evidence.sign_log(f, KEY)) == "LOG_CHAIN"


def test_a_model_that_was_taken_back_does_not_come_again_under_a_new_number() -> None:
    again = log_of(("release", 1), ("revoke", 1), ("release", 2), artifacts={2: 1})
    assert (
        code(lambda: evidence.check_listed(again, release_of(again, 2), digest(2), signer="Publisher", as_of=LATER))
        == "REVOKED"
    )


def test_the_log_of_another_publisher_says_nothing_of_a_release() -> None:
    second = release_of(THREE, 2)
    assert code(lambda: evidence.check_listed(THREE, second, digest(2), signer="Another", as_of=LATER)) == "WRONG_NAME"
    other = evidence.throwaway_key("Another", NOW)
    raw = evidence.sign_log(THREE, other)
    assert code(lambda: evidence.open_log(raw, trust=evidence.trust_of(other), as_of=NOW)) == "WRONG_NAME"


def test_a_log_that_was_kept_shows_that_a_later_one_was_rewritten() -> None:
    longer = log_of(("release", 1), ("release", 2), ("revoke", 1), ("release", 3))
    evidence.check_extends(longer, THREE)
    evidence.check_extends(THREE, THREE)
    other = log_of(("release", 1), ("release", 2), ("release", 3))
    for found in (other, log_of(("release", 1), ("release", 2))):
        assert code(lambda found=found: evidence.check_extends(found, THREE)) == "LOG_FORKED"
