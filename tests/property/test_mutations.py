"""Whatever is done to a sealed bundle or its model: it is refused by name, or nothing that counts has changed."""

from __future__ import annotations

from pathlib import Path

import mutated_world
import mutations
import pytest

ROUNDS = 2_000
JUDGED = 360
"""Mutations that are judged again too, which takes longer."""

BOUND_MIB = 512
"""More memory than a verifier may need for a bundle of 0.2 MB, with what the interpreter keeps."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> mutated_world.World:
    return mutated_world.make(tmp_path_factory.mktemp("mutated"))


@pytest.mark.parametrize(("verifier", "rounds", "seed"), [("check_signatures", ROUNDS, 0), ("verify", JUDGED, 1)])
def test_no_mutation_is_accepted_and_none_crashes_or_hangs_a_verifier(
    world: mutated_world.World, verifier: str, rounds: int, seed: int
) -> None:
    before = mutations.peak_mib()
    tallies = mutations.run(world, rounds, seed=seed, verifiers=(verifier,))
    for (kind, _), tally in tallies.items():
        assert tally.accepted == [], kind
        assert tally.crashed == [], kind
        assert tally.codes.total() > tally.total / 3, kind
    assert sum(tally.total for tally in tallies.values()) == rounds
    assert mutations.peak_mib() - before < BOUND_MIB


def test_the_classes_reach_deep_into_the_verifier(world: mutated_world.World) -> None:
    """A mutation that is always refused at the door would prove little."""
    tallies = mutations.run(world, 900, seed=2, verifiers=("check_signatures",))
    codes = {code for tally in tallies.values() for code in tally.codes}
    assert codes >= {
        "BAD_ENVELOPE", "BAD_JSON", "BAD_PATH", "BAD_SIGNATURE", "BAD_STATEMENT", "BOUND_FILE", "CASE_CLASH", "DUP_KEY",
        "EXTRA_FILE", "KEY_ROLE", "LOCK_MISMATCH", "MISSING_FILE", "MODEL_MISMATCH", "NON_FINITE", "NOT_CANONICAL",
        "PREDICATE_TYPE", "SIG_COUNT", "SPECIAL", "SYMLINK", "UNKNOWN_KEY", "UNSIGNED_FIELD", "WRONG_SUBJECT",
    }  # fmt: skip
