"""Makes free text safe for a document: nothing from a model, a data set or a policy may act as markup."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from govkit.report.language import catalog

LONGEST = 400
"""Characters of one free text that a document shows; the bundle holds the whole."""

NAME = 60
"""Characters of a name."""

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!~:@=$/|^'\"])")
_HIDDEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
DRAWN = (
    (0x0A, 0x0A), (0x20, 0x7E), (0xA0, 0xAC), (0xAE, 0x24F), (0x386, 0x386), (0x388, 0x38A), (0x38C, 0x38C),
    (0x38E, 0x3A1), (0x3A3, 0x3CE), (0x400, 0x45F), (0x490, 0x493), (0x2010, 0x2015), (0x2018, 0x201E),
    (0x2020, 0x2022), (0x2026, 0x2026), (0x2030, 0x2030), (0x2190, 0x2195), (0x2212, 0x2212), (0x2248, 0x2248),
    (0x2260, 0x2260), (0x2264, 0x2265), (0x25A0, 0x25A1), (0x25B2, 0x25B3), (0x25C6, 0x25C7), (0x25CB, 0x25CB),
    (0x25CF, 0x25CF), (0x2713, 0x2713), (0x2715, 0x2715),
)  # fmt: skip


def clean(text: str) -> str:
    r"""One line of visible characters.

    Line breaks and tabs become spaces. Control characters, marks that turn the direction of writing, lone
    surrogates and unassigned characters become ``\u{...}``, so that the reader sees what stands there.
    """
    if text.isprintable():
        return text.strip()
    flat = re.sub(r"[\t\n\r\u2028\u2029]+", " ", text)
    return "".join(_named(c) if unicodedata.category(c) in _HIDDEN else c for c in flat).strip()


def short(text: str, longest: int = LONGEST) -> str:
    """``clean`` text of at most ``longest`` characters; a cut is said aloud, with a digest that tells texts apart."""
    whole = clean(text)
    if len(whole) <= longest:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()
    return str(catalog()["joins"]["cut"].format(text=whole[:longest].rstrip(), digest=digest[:8]))


def brief(text: str, longest: int) -> str:
    """``clean`` text cut at a word, for page one; the sections that follow hold more of it."""
    whole = clean(text)
    return whole if len(whole) <= longest else f"{whole[:longest].rsplit(' ', 1)[0]}…"


def sentences(text: str, longest: int) -> str:
    """As many whole sentences of ``clean`` text as fit; the first is cut at a word only if it is too long itself."""
    whole = clean(text)
    if len(whole) <= longest:
        return whole
    ends = [match.end() for match in re.finditer(r"[.!?](?= )", whole) if match.end() <= longest]
    return whole[: ends[-1]] if ends else brief(whole, longest)


def drawable(text: str) -> str:
    r"""Characters that the DejaVu fonts draw; any other one becomes ``\u{...}`` instead of an empty box."""
    return "".join(c if any(low <= ord(c) <= high for low, high in DRAWN) else _named(c) for c in text)


def markdown(text: str) -> str:
    """Text for GitHub-flavored Markdown: no character keeps a meaning, also inside a table."""
    entities = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", entities)


def sarif(text: str) -> str:
    """Text for a SARIF message, where braces are placeholders and brackets are links."""
    return re.sub(r"([\\\[\]])", r"\\\1", clean(text)).replace("{", "{{").replace("}", "}}")


def _named(character: str) -> str:
    return f"\\u{{{ord(character):04x}}}"
