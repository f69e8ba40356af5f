"""What ``check_signatures`` and ``govkit.verify`` answer to a sealed bundle that was mutated, class by class.

``python tests/bench/mutations.py [ROUNDS [SEED]]``: 20,000 rounds take about ten minutes on one core.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import mutated_world
import mutations


def main(rounds: int = 20_000, seed: int = 0) -> int:
    with tempfile.TemporaryDirectory() as folder:
        world = mutated_world.make(Path(folder))
        before, start = mutations.peak_mib(), time.perf_counter()
        tallies = mutations.run(world, rounds, seed=seed)
    sys.stdout.write(mutations.table(tallies) + "\n")
    seconds, grown = time.perf_counter() - start, mutations.peak_mib() - before
    sys.stdout.write(f"{rounds} mutations, {seconds:.0f} s, peak memory {grown:.0f} MiB above the start\n")
    wrong = [done for tally in tallies.values() for done in (*tally.accepted, *tally.crashed)]
    sys.stdout.write("".join(f"wrong: {done}\n" for done in wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
