"""Reads the documents back, for the tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from govkit.report.read import read

DOCUMENTS = ("card.md", "report.html", "report.pdf", "summary.md", "junit.xml", "results.sarif", "NOTICE")
SHORT = ("badge.json", "badge.svg", "comment.md")
"""Documents of a few lines."""


class Page(HTMLParser):
    """Tags, attributes and marked numbers of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.data: list[tuple[str, str]] = []
        self.free: list[str] = []
        self._inside: list[str] = []
        self._raw: str | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in ("meta", "img", "col", "wbr"):
            self._inside.append(tag)
        if tag == "data":
            self._raw = dict(attrs)["value"]

    def handle_endtag(self, tag: str) -> None:
        assert self._inside.pop() == tag

    def handle_data(self, text: str) -> None:
        if self._raw is not None:
            self.data.append((self._raw, text))
            self._raw = None
        elif not {"style", "script", "code", "time", "title", "h1", "dt"} & set(self._inside):
            self.free.append(text)


def page(bundle: Path) -> Page:
    return Page((bundle / "report.html").read_text(encoding="utf-8"))


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
