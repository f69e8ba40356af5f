"""Letters of other alphabets that look like a letter of ours."""

from __future__ import annotations

from govkit.attacks.open_words import draw, open_words

LOOKALIKES = {
    "a": "\u0430", "c": "\u0441\u03f2", "d": "\u0501", "e": "\u0435", "h": "\u04bb", "i": "\u0456",
    "j": "\u0458\u03f3", "o": "\u043e\u03bf", "p": "\u0440\u03c1", "q": "\u051b", "s": "\u0455", "u": "\u03c5",
    "v": "\u03bd\u0475", "w": "\u051d", "x": "\u0445", "y": "\u0443\u04af", "A": "\u0410\u0391", "B": "\u0412\u0392",
    "C": "\u0421\u03f9", "E": "\u0415\u0395", "G": "\u050c", "H": "\u041d\u0397", "J": "\u0408\u037f",
    "K": "\u041a\u039a", "M": "\u041c\u039c", "N": "\u039d", "O": "\u041e\u039f", "P": "\u0420\u03a1", "S": "\u0405",
    "T": "\u0422\u03a4", "V": "\u0474", "W": "\u051c", "X": "\u0425\u03a7", "Y": "\u04ae\u03a5", "Z": "\u0396",
}  # fmt: skip
"""Latin letter -> Cyrillic and Greek ones that Unicode lists as confusable with it (``confusables.txt``, Unicode
Technical Standard 39); those that most typefaces draw otherwise, as a Greek alpha, are left out."""


def disguise(text: str, key: str) -> str:
    """The text with one letter of an open word in another alphabet; it looks the same.

    Args:
        text: Any text.
        key: Decides which letter; the same text and key give the same.
    """
    places = [at for start, stop in open_words(text) for at in range(start, stop) if text[at] in LOOKALIKES]
    if not places:
        return text
    _, place = draw(text, key)
    at = places[place % len(places)]
    alike = LOOKALIKES[text[at]]
    return text[:at] + alike[place // len(places) % len(alike)] + text[at + 1 :]
