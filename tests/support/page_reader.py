"""Reads the documents back, for the tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from govkit.report.read import read

DOCUMENTS = ("card.md", "report.html", "report.pdf", "summary.md", "junit.xml", "results.sarif", "NOTICE")
SHORT = ("badge.json", "badge.svg", "comment.md")
"""Documents of a few lines."""
BLOCKS = frozenset({"p", "li", "tr", "dl", "div", "h1", "h2", "h3", "caption", "figcaption", "title", "ul"})
"""Tags that begin and end a line of a page."""
CELLS = frozenset({"th", "td", "dd", "dt", "time"})


@dataclass
class Row:
    """A line of a page.

    Attributes:
        cells: Of each cell its texts, each beside the raw value where it is a marked number.
        tag: What it is.
        media: ``screen`` or ``print`` where only one of these shows it, ``read aloud`` for the words of a picture.
        chapter: Id of the section.
        stamp: Whether it is the verdict in large letters.
    """

    cells: list[list[tuple[str | None, str]]]
    tag: str
    media: str
    chapter: str
    stamp: bool = False

    @property
    def text(self) -> str:
        """All of the line, its cells apart."""
        return " ".join(" ".join("".join(text for _, text in cell).split()) for cell in self.cells)


class Page(HTMLParser):
    """Tags, attributes, marked numbers and lines of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.data: list[tuple[str, str]] = []
        self.free: list[str] = []
        self.rows: list[Row] = []
        self._open: list[Row] = []
        self._inside: list[str] = []
        self._media: list[str] = []
        self._chapters: list[str] = []
        self._raw: str | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        own = dict(attrs)
        if tag == "img":
            self.rows.append(Row([[(None, own.get("alt") or "")]], tag, "read aloud", self._chapter))
        if tag in ("meta", "img", "col", "wbr"):
            return
        self._inside.append(tag)
        kinds = {"screen", "print"} & set((own.get("class") or "").split())
        self._media.append(next(iter(kinds), self._media[-1] if self._media else ""))
        if tag == "section":
            self._chapters.append(own.get("id") or "")
        if tag in BLOCKS:
            self._open.append(Row([[]], tag, self._media[-1], self._chapter, own.get("class") == "stamp"))
            self.rows.append(self._open[-1])
        self._cell(tag)
        if tag == "data":
            self._raw = own["value"]

    def handle_endtag(self, tag: str) -> None:
        assert self._inside.pop() == tag
        self._media.pop()
        if tag == "section":
            self._chapters.pop()
        if tag in BLOCKS:
            self._open.pop()
        self._cell(tag)

    @property
    def _chapter(self) -> str:
        return next(filter(None, reversed(self._chapters)), "")

    def _cell(self, tag: str) -> None:
        if tag in CELLS and self._open:
            self._open[-1].cells.append([])

    def handle_data(self, text: str) -> None:
        if self._open and not {"style", "script"} & set(self._inside):
            self._open[-1].cells[-1].append((self._raw, text))
        if self._raw is not None:
            self.data.append((self._raw, text))
            self._raw = None
        elif not {"style", "script", "code", "time", "title", "h1", "dt"} & set(self._inside):
            self.free.append(text)


def page(bundle: Path) -> Page:
    return Page((bundle / "report.html").read_text(encoding="utf-8"))


@cache
def rows_of(path: Path) -> tuple[Row, ...]:
    """The lines of a page that nobody changes."""
    return tuple(Page(path.read_text(encoding="utf-8")).rows)


def walk(found: Any) -> Iterator[Any]:
    """The leaves of plain data, and its keys."""
    if isinstance(found, dict):
        yield from found
        found = list(found.values())
    if isinstance(found, list | tuple):
        for item in found:
            yield from walk(item)
    else:
        yield found


def evidence(bundle: Path) -> tuple[set[str], str]:
    """Numbers of a bundle as JSON writes them, and all of its strings."""
    sources = read(bundle)
    parts = [found.model_dump(mode="json") for found in (sources.verdict, sources.policy, sources.audit)]
    parts += [found.model_dump(mode="json") for found in sources.findings]
    parts += [found.model_dump(mode="json") for found in (*sources.waivers, *sources.attestations)]
    parts += [sources.run.model_dump(mode="json")] if sources.run else []
    leaves = list(walk([*parts, sources.measured, sources.judged]))
    numbers = {json.dumps(leaf) for leaf in leaves if isinstance(leaf, int | float) and not isinstance(leaf, bool)}
    strings = [leaf for leaf in leaves if isinstance(leaf, str)]
    return numbers, "\n".join(strings)


def xml(path: Path) -> ET.Element:
    """The root of a file that we wrote."""
    return ET.fromstring(path.read_bytes())  # noqa: S314 -- our own file
