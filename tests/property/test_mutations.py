"""Whatever is done to a sealed bundle or its model: it is refused by name, or nothing that counts has changed."""

from __future__ import annotations

import mutated_world
import mutations
import pytest

from govkit.errors import EvidenceError

ROUNDS = 2_000
JUDGED = 450
"""Mutations that are judged again too, which takes longer."""

BOUND_MIB = 512
"""More memory than a verifier may need for a bundle of 0.2 MB, with what the interpreter keeps."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> mutated_world.World:
    return mutated_world.make(tmp_path_factory.mktemp("mutated"))


DEEP = {
    "BAD_ENVELOPE", "BAD_JSON", "BAD_PATH", "BAD_SIGNATURE", "BAD_STATEMENT", "BOUND_FILE", "CASE_CLASH", "DUP_KEY",
    "EXTRA_FILE", "KEY_ROLE", "LOCK_MISMATCH", "MISSING_FILE", "MODEL_MISMATCH", "NON_FINITE", "NOT_CANONICAL",
    "PREDICATE_TYPE", "SIG_COUNT", "SPECIAL", "SYMLINK", "UNKNOWN_KEY", "UNSIGNED_FIELD", "WRONG_SUBJECT",
}  # fmt: skip
"""Refusals from every part of the verifier: mutations that all fall at the door would prove little."""


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
    codes = {code for tally in tallies.values() for code in tally.codes}
    assert codes >= (DEEP if verifier == "check_signatures" else {"VERDICT_DIFFERS"})
    assert sum(tally.total for tally in tallies.values()) == rounds
    assert mutations.peak_mib() - before < BOUND_MIB


def test_an_unsigned_file_of_many_small_values_takes_no_memory(world: mutated_world.World) -> None:
    """16 MiB of JSON in the place of the release would be 400 MiB of lists."""
    world.reset()
    (world.bundle / "release.sigstore.json").write_bytes(b'{"a":[' + b"[]," * (16 * 2**20 // 3) + b"0]}\n")
    before = mutations.peak_mib()
    with pytest.raises(EvidenceError) as caught:
        world.check()
    world.reset()
    assert caught.value.code == "BAD_ENVELOPE"
    assert mutations.peak_mib() - before < 100
