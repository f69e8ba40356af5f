"""Lines for a terminal: how wide text stands there, where it breaks, and which characters a small alphabet lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import TypeAlias

from rich.cells import cell_len as cells
from rich.console import Console
from rich.text import Text

Line: TypeAlias = tuple[str, str]
"""Text and style."""

STYLES = {
    "pass": "green",
    "fail": "bold red",
    "error": "bold red",
    "missing": "red",
    "inconclusive": "yellow",
    "unsupported": "yellow",
    "waived": "cyan",
    "not_applicable": "dim",
}

_CONSOLE = Console()
_PLAIN = dict(
    zip(
        map(ord, "─━┤├│╋●◉┌┐└┘▁▂▃▄▅▆▇█✓✕✗◇□○△▲▼≈→←·–—−…‘’“”×"),
        "-=[]|+o@++++_.:-=+*#vx" + "x?oO^^v~><.---~''\"\"x",
        strict=True,
    )
)


def lettered(text: str, encoding: str) -> str:
    r"""Text that an encoding can write: shapes become letters of the same width, the rest ``\u{...}``."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(_lettered(character, encoding) for character in text)
    return text


def _lettered(character: str, encoding: str) -> str:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return _PLAIN.get(ord(character), f"\\u{{{ord(character):x}}}")
    return character


def filled(text: str, width: int, *, right: bool = False) -> str:
    """Text with blanks up to a width."""
    blank = " " * (width - cells(text))
    return blank + text if right else text + blank


def broken(text: str, width: int) -> list[str]:
    """A text as lines of at most ``width`` columns; a word that is longer is cut into pieces."""
    if cells(text) <= width:
        return [text]
    return [line.plain.strip() for line in Text(text).wrap(_CONSOLE, width, overflow="fold")]


def told(text: str, width: int, *, indent: int = 2, style: str = "") -> Iterator[Line]:
    """A text as lines beneath each other."""
    yield from ((f"{' ' * indent}{line}", style) for line in broken(text, width - indent))


def columns(row: Sequence[tuple[str, int, bool]], *, indent: int = 2, style: str = "") -> Iterator[Line]:
    """Cells ``(text, width, right)`` beside each other; what is too long goes on in the next line of its column."""
    split = [broken(text, width) for text, width, _ in row]
    for pieces in zip_longest(*split, fillvalue=""):
        line = "  ".join(
            filled(piece, width, right=right) for piece, (_, width, right) in zip(pieces, row, strict=True)
        )
        yield f"{' ' * indent}{line}".rstrip(), style


def beside(parts: Sequence[str], width: int, *, indent: int = 4, style: str = "") -> Iterator[Line]:
    """Parts on one line as long as they fit, two blanks between them; the rest on further ones."""
    line = ""
    for part in filter(None, parts):
        if line and cells(line) + 2 + cells(part) > width - indent:
            yield from told(line, width, indent=indent, style=style)
            line = part
        else:
            line = f"{line}  {part}" if line else part
    if line:
        yield from told(line, width, indent=indent, style=style)
