"""Near duplicates: CPU and memory of the search by number of texts, and its recall beside every pair compared.

Run it alone (about two minutes)::

    python tests/bench/near_duplicates.py
"""

from __future__ import annotations

import json
import random
import subprocess
import sys

import numpy as np

from govkit.checks import _near
from govkit.checks.data import plain

SIZES = (10_000, 100_000, 1_000_000)
CHILD = """
import json, sys, time
sys.path.insert(0, sys.argv[2])
from near_duplicates import written
from govkit.checks import _near
from govkit.checks.data import plain
texts = written(int(sys.argv[1]))
start = time.process_time()
found = int(_near.near_rows(_near.text_prints(texts, plain)).sum())
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([found, time.process_time() - start, peak / 1024]))
"""


def written(rows: int, seed: int = 0, *, words: int = 14) -> list[str]:
    """Texts of about 90 characters; every tenth is an earlier one with one to three letters changed."""
    drawn = random.Random(seed)  # noqa: S311 - no secret
    letters = "etaoinshrdlucmfwyp"
    lexicon = ["".join(drawn.choices(letters, k=drawn.randint(2, 9))) for _ in range(20_000)]
    texts = [" ".join(drawn.choices(lexicon, k=words)) for _ in range(rows - rows // 10)]
    for _ in range(rows // 10):
        twin = list(drawn.choice(texts))
        for at in drawn.sample(range(len(twin)), drawn.randint(1, 3)):
            twin[at] = drawn.choice(letters)
        texts.append("".join(twin))
    return texts


def templated(rows: int, seed: int = 0) -> list[str]:
    """Texts of one form letter: many pairs are near, many others nearly so."""
    drawn = random.Random(seed)  # noqa: S311 - no secret
    towns = ("Rome", "Oslo", "Kyoto", "Lagos", "Lima")
    return [
        f"Dear customer, your parcel {drawn.randint(1, 300)} is waiting for you at the post office in the middle of "
        f"{drawn.choice(towns)}; please bring your identity card, the code {drawn.randint(1, 200)} and a pen to sign."
        for _ in range(rows)
    ]


def every_pair(texts: list[str]) -> np.ndarray:
    """Rows near to an earlier one, by the sets themselves."""
    sets = [ngrams(text) for text in texts]
    return np.array([any(near(held, earlier) for earlier in sets[:row]) for row, held in enumerate(sets)])


def ngrams(text: str) -> set[str]:
    """The n-grams of the padded text, by slices."""
    padded = "\U0010ffff" * (_near.GRAM - 1) + plain(text) + "\U0010ffff" * (_near.GRAM - 1)
    return {padded[at : at + _near.GRAM] for at in range(len(padded) - _near.GRAM + 1)}


def near(one: set[str], other: set[str]) -> bool:
    """Whether the Jaccard similarity of two sets is at least the limit."""
    if min(len(one), len(other)) < _near.SIMILARITY * max(len(one), len(other)):
        return False
    common = len(one & other)
    return common >= _near.SIMILARITY * (len(one) + len(other) - common)


def main() -> None:
    """Print what it costs and what it finds."""
    for name, texts in (("random words", written(3000, words=30)), ("a form letter", templated(1500))):
        found, known = _near.near_rows(_near.text_prints(texts, plain)), every_pair(texts)
        sys.stdout.write(
            f"{name}, {len(texts)} texts: {known.sum()} near rows; recall {(found & known).sum() / known.sum():.4f}, "
            f"wrongly found {(found & ~known).sum()}\n"
        )
    for rows in SIZES:
        command = [sys.executable, "-c", CHILD, str(rows), __file__.rpartition("/")[0]]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found_rows, cpu, peak = json.loads(done.stdout)
        sys.stdout.write(f"{rows:,} texts: {found_rows} near rows, {cpu:.1f} CPU s, peak {peak:,.0f} MB\n")


if __name__ == "__main__":
    main()
