"""What happens to texts on their way without anybody meaning harm: mistakes, lost words, bad scans; five severities.

Nothing here looks for what fools a model. Digits, addresses and amounts of money stay as they are; a higher severity
changes what a lower one changed, and more.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from govkit.attacks.corruptions import known_severity
from govkit.attacks.open_words import protected
from govkit.attacks.typos import mistype

_PIECE = re.compile(r"\S+|\s+")
# What a scanner takes letters for.
_SCANNED = {
    "o": "0", "l": "1", "i": "l", "e": "c", "s": "5", "m": "rn", "h": "b", "g": "9", "O": "0", "I": "l", "B": "8",
    "S": "5",
}  # fmt: skip


def noisy(text: str, kind: str, severity: int, key: str) -> str:
    """Damage a text.

    Args:
        text: Any text.
        kind: A key of ``NOISES``.
        severity: 0, which changes nothing, to 5.
        key: Decides where; the same text, key and severity give the same text.

    Raises:
        ValueError: The severity is not among these.
    """
    return NOISES[kind](text, severity, f"{kind}:{key}") if known_severity(severity) else text


def _chance(key: str, place: int) -> float:
    """A number in [0, 1) that the key and the place decide."""
    return int.from_bytes(hashlib.sha256(f"{key}:{place}".encode("utf-8", "surrogatepass")).digest()[:7], "big") / 2**56


def _mistakes(text: str, severity: int, key: str) -> str:
    """Typing mistakes: one for every thirty words and severity, at least as many as the severity says."""
    for number in range(max(severity, round(severity * len(text.split()) / 30))):
        text = mistype(text, f"{key}:{number}")
    return text


def _letter_case(text: str, severity: int, key: str) -> str:
    return _letters(text, key, 0.06 * severity, lambda letter: letter.swapcase())


def _scan(text: str, severity: int, key: str) -> str:
    return _letters(text, key, 0.04 * severity, lambda letter: _SCANNED.get(letter, letter))


def _letters(text: str, key: str, rate: float, change: Callable[[str], str]) -> str:
    """A share of the letters changed, outside of what is protected."""
    parts, place = [], 0
    for piece in _PIECE.findall(text):
        if protected(piece):
            parts.append(piece)
        else:
            parts += [change(one) if _chance(key, place + at) < rate else one for at, one in enumerate(piece)]
        place += len(piece)
    return "".join(parts)


def _spaces(text: str, severity: int, key: str) -> str:
    """Spaces lost between words, and too many within words."""
    parts, place = [], 0
    for piece in _PIECE.findall(text):
        if piece.isspace():
            parts.append("" if _chance(key, place) < 0.05 * severity else piece)
        elif protected(piece) or len(piece) < 3:
            parts.append(piece)
        else:
            cut = 1 + int(_chance(key, place + 1) * (len(piece) - 1))
            parts.append(f"{piece[:cut]} {piece[cut:]}" if _chance(key, place) < 0.05 * severity else piece)
        place += len(piece)
    return "".join(parts)


def _dropped_words(text: str, severity: int, key: str) -> str:
    """A share of the words lost; the one least likely to be lost always stays."""
    pieces = _PIECE.findall(text)
    chances = [1.0 if piece.isspace() or protected(piece) else _chance(key, at)
               for at, piece in enumerate(pieces)]  # fmt: skip
    kept = max(chances, default=0.0)
    return "".join(
        piece for piece, chance in zip(pieces, chances, strict=True) if chance >= 0.06 * severity or chance == kept
    )


def _cut_short(text: str, severity: int, _key: str) -> str:
    """The end of the text lost, an eighth of its words for each severity; one word stays."""
    pieces = _PIECE.findall(text)
    return "".join(pieces[: max(1, round(len(pieces) * (1 - severity / 8)))]).rstrip() or text


NOISES: dict[str, Callable[[str, int, str], str]] = {
    "typing mistakes": _mistakes,
    "letter case": _letter_case,
    "spaces": _spaces,
    "scanning mistakes": _scan,
    "dropped words": _dropped_words,
    "cut short": _cut_short,
}
