"""What a page is built of. Plain data: no format, no computing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Num:
    """A number of the bundle: ``raw`` as its JSON has it, ``text`` as a reader sees it."""

    raw: str
    text: str


@dataclass(frozen=True)
class Code:
    """An identifier, a digest or a command, shown in fixed width."""

    text: str


@dataclass(frozen=True)
class Mark:
    """A state in a word, with a shape beside it. ``kind`` is of a closed vocabulary and names the style."""

    kind: str
    shape: str
    text: str

    @property
    def said(self) -> str:
        """Shape and word."""
        return f"{self.shape} {self.text}".strip()


@dataclass(frozen=True)
class Lines:
    """Short lines beneath each other inside a cell; a printed page shows the first ``print_rows`` of them."""

    items: tuple[Cell, ...]
    print_rows: int = 6


@dataclass(frozen=True)
class Link:
    """A file of the bundle, by its path."""

    path: str


Piece: TypeAlias = str | Num | Code | Mark | Lines | Link
Cell: TypeAlias = tuple[Piece, ...]


def joined(cells: Iterable[Cell], by: str) -> Cell:
    """Cells in one, with a text between them."""
    return tuple(piece for each in cells for piece in (by, *each))[1:]


def row(*cells: Piece | Cell) -> tuple[Cell, ...]:
    """The cells of a row; one piece makes a cell."""
    return tuple(each if isinstance(each, tuple) else (each,) for each in cells)


@dataclass(frozen=True)
class Column:
    """A column: its heading, its share of the width, and whether its cells stand to the right."""

    title: str
    share: int
    right: bool = False


@dataclass(frozen=True)
class About:
    """What a row is about, for readers at a screen.

    Attributes:
        anchor: Its address in the page; no other row has it.
        name: What a reader copies: the id of a control, the address of a finding.
        states: How it is judged, in words.
        parts: Which rows of the data it speaks of, a piece a column.
    """

    anchor: str
    name: str
    states: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        caption: What it shows.
        columns: Its columns.
        rows: Cells, as many as columns.
        print_rows: Rows that a printed page shows; 0 means all of them.
        cut: True where the rows are only the first of more.
        about: What each row is about; empty where the rows have no address.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    print_rows: int = 0
    cut: bool = False
    about: tuple[About, ...] = ()


@dataclass(frozen=True)
class Picture:
    """A figure: its key (file name without ending), title and the words for readers who cannot see it."""

    key: str
    title: str
    alt: str


@dataclass(frozen=True)
class Text:
    """A paragraph; ``loud`` for what may not be overlooked."""

    pieces: Cell
    loud: bool = False


@dataclass(frozen=True)
class Facts:
    """Names with their values, beneath a title where there is one."""

    rows: tuple[tuple[str, Cell], ...]
    title: Cell = ()


@dataclass(frozen=True)
class Grid:
    """The subcategories of a standard: per category its title and ``(id, letter, kind)`` of each cell."""

    caption: str
    rows: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...]
    legend: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Bullets:
    """A list of short sentences."""

    items: tuple[Cell, ...]


Block: TypeAlias = Table | Picture | Text | Facts | Grid | Bullets


@dataclass(frozen=True)
class Section:
    """A section of the report; ``key`` is its anchor."""

    key: str
    title: str
    lead: str
    blocks: tuple[Block, ...]
