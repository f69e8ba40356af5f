"""How well and how fast ``personal_data`` finds what was planted.

Run it alone (about a minute on one core)::

    python tests/bench/personal_data.py [kinds|speed|long ...]

``kinds``: of 2,000 made texts of each kind, how many are found; and of 40,000 texts with orders, timestamps, versions,
UUIDs, digests, ISBN and sums, how many are accused of each. The precision counts as many harmless texts as texts of a
kind. ``speed``: a million short rows. ``long``: cells of 10 MB that are made to be slow.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from personal_texts import POSITIVE, chance, negatives, sentence

from govkit.checks._identifiers import KINDS
from govkit.checks.data.personal_data import WHAT, _searched

LONG = {
    "digits": "4", "digits apart": "4 ", "pairs": "12-", "letters": "a", "capitals": "DE44", "at": "a@a.", "dots": "1.",
    "keys": "key=", "eyJ": "eyJ", "phones": "phone ", "dashes": "-----BEGIN ", "plus": "+1 ", "capitals apart": "GB12 ",
    "words": "the order was sent to our office 12 times. ", "underscores": "_", "codice": "ABCDEF12A", "xox": "xoxb-",
}  # fmt: skip


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def kinds(n: int = 2_000) -> None:
    rng = chance(1)
    clean = negatives(rng, 20 * n)
    say(f"{'kind':14} {'recall':>7} {'precision':>9} {'accused of ' + str(len(clean)):>18}")
    for name, make in POSITIVE.items():
        mine = [kind for kind in KINDS if kind.name == name]
        found = sum(any(kind.within(text) for kind in mine) for text in (sentence(rng, make(rng)) for _ in range(n)))
        accused = sum(any(kind.within(text) for kind in mine) for text in clean)
        false = accused * n / len(clean)
        say(f"{name:14} {found / n:7.4f} {found / max(found + false, 1):9.4f} {accused:18}")


def speed(n: int = 1_000_000) -> None:
    rng = chance(2)
    texts = [sentence(rng, "nothing to see here") for _ in range(900)] + negatives(rng, 95)
    texts += [sentence(rng, make(rng)) for make in list(POSITIVE.values())[:5]]
    for share, rows in (("mixed", texts), ("plain", texts[:900])):
        column = pa.chunked_array([pa.array([rows[at % len(rows)] for at in range(n)])])
        start = time.process_time()
        found = _searched("text", column)
        took = time.process_time() - start
        say(f"{n:,} {share} rows, {column.nbytes / 1e6:.0f} MB: {took:.1f} CPU s, {found['personal_rows'].sum()} found")


def long() -> None:
    assert WHAT
    for name, unit in LONG.items():
        column = pa.chunked_array([pa.array([unit * (10_000_000 // len(unit))])])
        start = time.process_time()
        _searched("text", column)
        say(f"10 MB of {name}: {time.process_time() - start:.1f} CPU s")


if __name__ == "__main__":
    for wanted in sys.argv[1:] or ["kinds", "speed", "long"]:
        {"kinds": kinds, "speed": speed, "long": long}[wanted]()
