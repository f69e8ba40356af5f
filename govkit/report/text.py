"""Blocks as Markdown, for the card, the summary and the comment; cells also as plain text."""

from __future__ import annotations

import re
from collections.abc import Iterable

from govkit.report import words
from govkit.report.blocks import Block, Bullets, Cell, Code, Facts, Lines, Link, Mark, Num, Picture, Piece, Table, Text
from govkit.report.escape import clean, markdown

_PLAIN_CODE = re.compile(r"^[\w:.@/+ -]+$", re.ASCII)
MOST_ROWS = 30


def cell(pieces: Cell) -> str:
    """The pieces of a cell on one line; lines that stood beneath it follow a comma, or the end of a sentence."""
    text = ""
    for piece in pieces:
        if isinstance(piece, Lines) and text:
            text += " " if text.endswith((".", "!", "?")) else ", "
        text += _piece(piece)
    return text.strip()


def _piece(piece: Piece) -> str:
    if isinstance(piece, Num):
        return piece.text
    if isinstance(piece, Code):
        return f"`{piece.text}`" if _PLAIN_CODE.match(piece.text) else markdown(piece.text)
    if isinstance(piece, Mark):
        return piece.said
    if isinstance(piece, Lines):
        return "; ".join(cell(item) for item in piece.items)
    if isinstance(piece, Link):
        return f"[{markdown(piece.path)}]({piece.path})"
    lead, tail = (" " if piece[:1].isspace() else ""), (" " if piece[-1:].isspace() else "")
    return f"{lead}{markdown(piece)}{tail}" if piece.strip() else " "


def plain(pieces: Cell) -> str:
    """The pieces of a cell as one line of plain text."""
    return clean("".join(map(_unmarked, pieces)))


def _unmarked(piece: Piece) -> str:
    if isinstance(piece, Mark):
        return piece.said
    if isinstance(piece, Lines):
        return " " + "; ".join(plain(item) for item in piece.items)
    if isinstance(piece, Link):
        return piece.path
    return piece if isinstance(piece, str) else piece.text


def blocks(found: Iterable[Block], *, figures: frozenset[str] = frozenset(), most: int | None = MOST_ROWS) -> str:
    """Blocks one beneath the other; a figure only where its file exists, of a table ``most`` rows."""
    return "\n\n".join(text for block in found if (text := _block(block, figures, most)))


def _block(block: Block, figures: frozenset[str], most: int | None) -> str:
    if isinstance(block, Table):
        return table(block, most)
    if isinstance(block, Facts):
        return "\n".join(f"- **{markdown(name)}:** {cell(value)}" for name, value in block.rows)
    if isinstance(block, Bullets):
        return "\n".join(f"- {cell(item)}" for item in block.items)
    if isinstance(block, Text):
        return f"**{cell(block.pieces)}**" if block.loud else cell(block.pieces)
    if isinstance(block, Picture) and block.key in figures:
        return f"![{markdown(block.alt)}](figures/{block.key}.svg)"
    return ""


def table(found: Table, most: int | None = MOST_ROWS) -> str:
    """A table with its caption above it."""
    heads = [markdown(column.title) or " " for column in found.columns]
    rule = ["---:" if column.right else "---" for column in found.columns]
    lines = [heads, rule, *([cell(item) for item in row] for row in found.rows[:most])]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    cut = found.cut or (most is not None and len(found.rows) > most)
    note = f"\n\n{markdown(str(words.catalog()['cut']))}" if cut else ""
    return f"*{markdown(found.caption)}*\n\n{text}{note}"
