"""Which words of a text may be changed: never digits, addresses or amounts of money, which carry the message."""

from __future__ import annotations

import hashlib
import re

_TOKEN = re.compile(r"\S+")
_PROTECTED = re.compile(
    r"[\d$¢£¤¥₠-⃏%@]|://|^www\.|\.(?:com|org|net|edu|gov|info|io|co|uk|de|eu)\b"
    r"|^\W*(?:usd|eur|gbp|jpy|chf|inr|cny|aud|cad|dollars?|euros?|pounds?|cents?|pence)\W*$",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+")


def protected(text: str) -> tuple[str, ...]:
    """Tokens between white space that hold a digit, an address or an amount of money, in their order."""
    return tuple(token for token in _TOKEN.findall(text) if _PROTECTED.search(token))


def open_words(text: str) -> list[tuple[int, int]]:
    """Start and stop of the words, runs of letters, in all other tokens."""
    return [
        word.span()
        for token in _TOKEN.finditer(text)
        if not _PROTECTED.search(token.group())
        for word in _WORD.finditer(text, token.start(), token.end())
    ]


def draw(text: str, key: str) -> tuple[int, int]:
    """A kind, 0 to 255, and a place, up to 2^64, that depend on text and key alone."""
    digest = hashlib.sha256(f"{key}\0{text}".encode("utf-8", "surrogatepass")).digest()
    return digest[0], int.from_bytes(digest[1:9], "big")
