"""Texts that are damaged, all alike, or in another script or language than most."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from govkit.checks._quality import kind_of, marked, pieces
from govkit.core.case import Array
from govkit.lazy import np, pa, pc

SPREAD = 2000
"""Rows, evenly spread over all, in which the most frequent text is looked for and languages are told."""

SURE = 0.9
"""Probability from which a language counts as told; below it stand short texts, names and slang."""

LONGEST = 1000
"""Characters of a text by which its language is told."""

# What UTF-8 becomes when it is read as Windows-1252: the second byte of two, first as any, then without what may stand
# behind a word, such as quotes, dashes and spaces, or behind a unit.
_ANY = "[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
_RARE = "ƒ†‡ˆ‰ŠŒŽ˜šœžŸ"
DAMAGE = "|".join((
    "\ufffd", "â€", "â‚¬", "â„¢", "â†", "ðŸ", "ï»¿", "ï¿½", "[\u00c2-\u00f4][\u0080-\u0084\u0086-\u009f]",
    f"Ã[{_RARE}\u00a1-\u00aa\u00ac-\u00ba\u00bc-\u00bf]", r"(?:^|[^\p{L}])Ã[„…–—“”‘’•‚]\p{Ll}",
    "Â[\u00a0-\u00ba\u00bc-\u00bf]", f"á[º»][{_RARE}¢-ª¬-º¼-¾]", f"[ÄÅ][{_RARE}¡¢¤¥¦§¨ª¬¯´¶¸º¼½¾]",
    r"\p{Ll}[ÄÅÈ][‚™›„…–“”]\p{Ll}", "\\p{Ll}Ã\u00a0", f"(?:[ÎÏÐÑ×ØÙÛ]{_ANY}){{3}}", f"(?:[à-ï]{_ANY}{{2}}){{2}}",
))  # fmt: skip
"""What no text holds that was read as it was written, in the syntax of RE2; misses some damage, accuses no language."""

SCRIPTS = {
    "Latin": r"\p{Latin}", "Cyrillic": r"\p{Cyrillic}", "Greek": r"\p{Greek}", "Arabic": r"\p{Arabic}",
    "Hebrew": r"\p{Hebrew}", "Devanagari": r"\p{Devanagari}", "Thai": r"\p{Thai}", "Hangul": r"\p{Hangul}",
    "Han or kana": r"\p{Han}\p{Hiragana}\p{Katakana}",
}  # fmt: skip
"""Scripts that are told apart; letters of any other are one more."""


def damaged(cells: Array) -> Array:
    """Whether each text of a piece ``(m,)`` was read in a wrong encoding, or holds the sign of a lost character."""
    return _beyond_ascii(cells, lambda texts: pc.match_substring_regex(texts, DAMAGE))


def _beyond_ascii(cells: Array, ask: Callable[[Array], Array]) -> Array:
    """``ask`` the texts with a character beyond ASCII, which most texts have not; false for the others."""
    beyond = pc.fill_null(pc.invert(pc.string_is_ascii(cells)), fill_value=False)
    if not pc.any(beyond).as_py():
        return pa.repeat(pa.scalar(value=False), len(cells))
    return pc.replace_with_mask(beyond, beyond, ask(cells.filter(beyond)))


def scripts(column: Array) -> Array:
    """Which script most letters of each text are of: index into ``SCRIPTS``, int8 ``(n,)``; −1 without a letter."""
    found = np.full(len(column), -1, dtype=np.int8)
    for at, cells in pieces(column):
        part = found[at : at + len(cells)]
        part[np.asarray(pc.fill_null(pc.match_substring_regex(cells, r"\p{L}"), fill_value=False))] = 0
        # Only texts with a letter that is not Latin are counted out.
        mixed = _beyond_ascii(cells, lambda texts: pc.match_substring_regex(texts, r"[^\P{L}\p{Latin}]"))
        texts = cells.filter(mixed)
        if len(texts):
            part[np.asarray(pc.fill_null(mixed, fill_value=False))] = _most_letters(texts)
    return found


def _most_letters(texts: Array) -> Array:
    """The script of most letters of each text ``(m,)``; a text is not asked on once more than half are of one."""
    letters = _held(texts, r"\p{L}")
    counts = np.zeros((len(SCRIPTS) + 1, len(texts)), dtype=np.int32)
    open_ = np.arange(len(texts))
    for at, pattern in enumerate(SCRIPTS.values()):
        counts[at, open_] = _held(texts.take(open_), pattern)
        open_ = open_[2 * counts[at, open_] <= letters[open_]]
    counts[-1] = letters - counts.sum(axis=0)
    return counts.argmax(axis=0)


def _held(texts: Array, letters: str) -> Array:
    """How many of these letters each text holds ``(m,)``: what is left without the others, which beats counting."""
    return pc.utf8_length(pc.replace_substring_regex(texts, f"[^{letters}]+", "")).to_numpy()


def as_texts(column: Array) -> Array:
    """A column of texts; cells of other types as they print."""
    if kind_of(column.type) == "text":
        return column
    parts = ([None if cell is None else str(cell) for cell in cells.to_pylist()] for _, cells in pieces(column))
    return pa.chunked_array([pa.array(part, pa.large_string()) for part in parts], pa.large_string())


def spread(rows: int) -> range:
    """At most ``SPREAD`` rows of n, evenly spread."""
    return range(0, rows, -(-rows // SPREAD) or 1)


def _some(column: Array) -> list[str | None]:
    """The texts of the rows of ``spread``. Cell by cell: to take them all at once copies the column."""
    return [column[row].as_py() for row in spread(len(column))]


def most_frequent(column: Array, plain: Callable[[str], str]) -> Array:
    """Whether each row ``(n,)`` holds the text that is the most frequent one among those of ``spread``.

    Args:
        column: Texts.
        plain: Texts that it makes equal are one.
    """
    counts = Counter(plain(text) for text in _some(column) if text is not None)
    top = min(counts, key=lambda text: (-counts[text], text)) if counts else ""
    return marked(column, lambda cells: _equal(cells, top, plain))


def _equal(cells: Array, top: str, plain: Callable[[str], str]) -> Array:
    """Whether each text of a piece is ``top``; text of ASCII must hold how it begins for that, which Arrow sees."""
    coded = cells.dictionary_encode()
    # Arrow makes a pattern of it, and a pattern of a megabyte is too large.
    begin = next(iter(top.split()), "")[:LONGEST]
    near = pc.match_substring(coded.dictionary, begin, ignore_case=True)
    likely = np.flatnonzero(pc.or_(near, pc.invert(pc.string_is_ascii(coded.dictionary))))
    alike = np.zeros(len(coded.dictionary), dtype=bool)
    alike[likely] = [plain(text) == top for text in coded.dictionary.take(likely).to_pylist()]
    return pa.array(alike).take(coded.indices)


def languages(columns: Sequence[Array]) -> list[list[str | None]]:
    """The language of the rows of ``spread`` of each column, by its ISO 639-1 code; None where it cannot be told.

    Raises:
        ModuleNotFoundError: py3langid (BSD, works offline) is not installed.
    """
    reader: Any = importlib.import_module("py3langid.langid")
    model = reader.LanguageIdentifier.from_model_file(reader.MODEL_FILE, norm_probs=True)

    def told(text: str | None) -> str | None:
        name, probability = model.classify((text or "")[:LONGEST])
        return str(name) if text and probability >= SURE else None

    return [list(map(told, _some(column))) for column in columns]
