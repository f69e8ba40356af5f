"""Inputs that are none of a model's task: it should not be sure of its answer to any of them.

All are made here, from a seed and from rows of the task; no data of others are shipped. Texts are as long, images as
large and tables as wide as the rows that they are made from.
"""

from __future__ import annotations

import hashlib
import random
import string
from collections.abc import Callable, Sequence
from typing import Any

from govkit.lazy import np, pd

MOST_WORDS = 25
"""Words of a text at the most."""

SCRIPTS = {
    "Greek": (0x3B1, 0x3C9),
    "Cyrillic": (0x430, 0x44F),
    "Devanagari": (0x905, 0x939),
    "Hangul": (0xAC00, 0xB000),
}
"""First and last letter of scripts, of which the first is taken that the rows do not use."""

_PROSE = {
    "N": "river stone garden kettle orchard lantern valley harbor violin meadow bakery glacier ladder pepper anchor "
    "cottage thunder saddle library basket comet willow copper island chimney forest candle bridge",
    "V": "carries follows covers shelters gathers crosses warms hides paints divides surrounds remembers",
    "A": "quiet narrow golden ancient hollow gentle crooked distant wooden pale salted northern",
    "P": "beneath beside above behind across along near beyond",
}  # fmt: skip
_SENTENCE = ("the A N V the N P the N", "every N P the A N V a N", "an old N V the A N and the N V the N")
_CODE = (
    "for {a} in range({n}): {b}[{a}] = {c}({a}) + {n}", "def {a}({b}, {c}={n}): return {b}.{c}({n})",
    "if {a} is None or len({b}) > {n}: raise ValueError({c})", "import {a}; {b} = {a}.{c}(axis={n})",
    "while ({a} < {n}) {{ {b} += {c}[{a}++]; }}", "SELECT {a}, {b} FROM {c} WHERE {a} = {n};",
)  # fmt: skip


def foreign_texts(kind: str, texts: Sequence[str], keys: Sequence[str]) -> list[str]:
    """One text for each of ``n`` texts of the task.

    Args:
        kind: A key of ``TEXTS``.
        texts: Texts of the task, which say how many words are wanted and which script is another one.
        keys: One key a row, which alone decides what stands in it.
    """
    letters = _another_script(texts) if kind == "another script" else string.ascii_lowercase
    return [
        TEXTS[kind](_chance(f"{kind}:{key}"), min(max(len(text.split()), 1), MOST_WORDS), letters)
        for text, key in zip(texts, keys, strict=True)
    ]


def _chance(key: str) -> random.Random:
    """Numbers that the key decides; they are no secret."""
    return random.Random(int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big"))  # noqa: S311


def _another_script(texts: Sequence[str]) -> str:
    held = [ord(letter) for text in texts for letter in text.lower() if letter.isalpha()]
    for low, high in SCRIPTS.values():
        if sum(low <= letter <= high for letter in held) <= 0.01 * len(held):
            break
    return "".join(chr(letter) for letter in range(low, min(high, low + 400) + 1) if chr(letter).isalpha())


def _words(chance: random.Random, count: int, letters: str) -> str:
    return " ".join("".join(chance.choices(letters, k=chance.randint(2, 9))) for _ in range(count))


def _digits(chance: random.Random, count: int, _letters: str) -> str:
    return " ".join("".join(chance.choices(string.digits, k=chance.randint(1, 8))) for _ in range(count))


def _prose(chance: random.Random, count: int, _letters: str) -> str:
    words: list[str] = []
    while len(words) < count:
        words += [
            chance.choice(_PROSE[word].split()) if word in _PROSE else word for word in chance.choice(_SENTENCE).split()
        ]
        words[-1] += "."
    return " ".join(words[-count:])


def _code(chance: random.Random, count: int, letters: str) -> str:
    lines: list[str] = []
    while sum(len(line.split()) for line in lines) < count:
        names = {name: "".join(chance.choices(letters, k=chance.randint(1, 7))) for name in "abc"}
        lines.append(chance.choice(_CODE).format(n=chance.randint(0, 99), **names))
    return "\n".join(lines)


TEXTS: dict[str, Callable[[random.Random, int, str], str]] = {
    "random letters": _words,
    "digits": _digits,
    "prose": _prose,
    "program code": _code,
    "another script": _words,
}
IMAGES = ("noise", "grey", "inverted", "shuffled pixels", "checkerboard")
TABLES = ("columns drawn apart", "outside the range")


def foreign_images(kind: str, images: Any, seeds: Sequence[int], *, span: tuple[float, float] = (0.0, 1.0)) -> Any:
    """One image for each of ``n`` images of the task.

    Args:
        kind: One of ``IMAGES``.
        images: float32 array ``(n, c, h, w)`` in ``span``.
        seeds: One seed a row, which alone decides what is random in it.
        span: Values of black and of full brightness.
    """
    low, high = span
    if kind == "inverted":
        return np.clip(low + high - images, low, high).astype(np.float32)
    made = [_image(kind, (image - low) / (high - low), np.random.default_rng(seed)) for image, seed in
            zip(images, seeds, strict=True)]  # fmt: skip
    unit = np.stack(made) if made else images
    return np.clip(low + unit * (high - low), low, high).astype(np.float32)


def _image(kind: str, image: Any, rng: Any) -> Any:
    channels, high, wide = image.shape
    if kind == "noise":
        return rng.random(image.shape)
    if kind == "grey":
        return np.full(image.shape, rng.random())
    if kind == "shuffled pixels":
        return image.reshape(channels, -1)[:, rng.permutation(high * wide)].reshape(image.shape)
    side = int(rng.integers(1, max(2, min(high, wide) // 2)))
    board = (np.arange(high)[:, None] // side + np.arange(wide)[None] // side + rng.integers(2)) % 2
    return np.broadcast_to(board, image.shape)


def foreign_table(kind: str, frame: Any, keys: Sequence[str]) -> Any:
    """One row for each of ``n`` rows of the task.

    Args:
        kind: One of ``TABLES``. ``columns drawn apart``: each value is that of some row, each of another one.
            ``outside the range``: so are categories, and numbers lie one to three widths of their column beyond its
            ends.
        frame: Rows of the task, a pandas frame.
        keys: One key a row.
    """
    columns = {}
    for at, name in enumerate(frame.columns):
        chances = np.array([[_chance(f"{kind}:{key}:{at}:{which}").random() for which in "ab"] for key in keys])
        donors = np.argsort(chances[:, 0], kind="stable")
        column = frame[name].iloc[donors].reset_index(drop=True)
        if kind == "outside the range" and frame[name].dtype.kind in "iuf":
            columns[name] = _beyond(column.to_numpy(dtype=np.float64), chances[:, 1])
        else:
            columns[name] = column
    return pd.DataFrame(columns, columns=frame.columns)


def _beyond(numbers: Any, chances: Any) -> Any:
    """Numbers one to three widths above or below all of these."""
    held = numbers[np.isfinite(numbers)]
    low, high = (float(held.min()), float(held.max())) if held.size else (0.0, 0.0)
    away = (1 + 2 * np.abs(2 * chances - 1)) * ((high - low) or max(abs(high), 1.0))
    return np.where(chances < 0.5, low - away, high + away)
