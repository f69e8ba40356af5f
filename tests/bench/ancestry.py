"""How often the ancestry of weights is told wrongly: real pairs one by one, and generated pairs by kind.

::

    python tests/bench/ancestry.py [PAIRS] [SEED] [STEPS]

``PAIRS`` generated pairs (5,000 if not given) from ``SEED`` on; ``STEPS`` training steps in the real pairs, none at all
if 0. The short versions in ``tests/unit/subjects`` use the same pairs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from ancestry_pairs import (
    KINDS,
    Pair,
    lite0_pairs,
    minilm_pairs,
    random_pair,
    right_answers,
    whole,
)

from govkit.subjects.ancestry import Ancestry, compare_weights


def compared(pair: Pair) -> Ancestry:
    """The pair written to files and compared."""
    with tempfile.TemporaryDirectory() as place:
        folders = [Path(place) / name for name in ("candidate", "base")]
        for folder in folders:
            folder.mkdir()
        return compare_weights(pair.candidate(folders[0]), pair.base(folders[1]))


def generated(pairs: int, seed: int) -> dict[str, Counter[str]]:
    """Answers by kind, over pairs with seeds from ``seed`` on."""
    told: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    for number in range(pairs):
        kind = KINDS[number % len(KINDS)]
        candidate, base = random_pair(kind, seed + number)
        told[kind][compared(Pair(kind, right_answers(kind), whole(candidate), whole(base))).answer] += 1
    return told


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(pairs: int, seed: int, steps: int) -> int:
    wrong = 0
    for pair in (*minilm_pairs(seed, steps), *lite0_pairs(seed, steps)) if steps else ():
        before = time.process_time()
        seen = compared(pair)
        bad = seen.answer not in pair.right
        wrong += bad
        row = f"{pair.kind:<42} {seen.answer:<12} {seen.hits:>3} of {seen.tensors:<3}"
        say(f"{row} {time.process_time() - before:5.1f} s{'  WRONG' if bad else ''}")
    if steps:
        say(f"real pairs told wrongly: {wrong}\n")
    told = generated(pairs, seed)
    answers = ("derived", "shares its origin", "cannot tell", "not derived")
    say(f"{'generated, seeds from ' + str(seed):<30}" + "".join(f"{answer:>18}" for answer in answers))
    for kind, counts in told.items():
        say(f"{kind:<30}" + "".join(f"{counts[answer]:>18}" for answer in answers))
        wrong += sum(number for answer, number in counts.items() if answer not in right_answers(kind))
    say(f"told wrongly in all: {wrong}; generated pairs: {pairs}")
    return int(wrong > 0.005 * pairs)


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    raise SystemExit(main(*(given + [5000, 20261, 12][len(given) :])))
