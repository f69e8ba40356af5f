"""The report as one HTML file: no script, nothing loaded from elsewhere. The PDF is made from the same page."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from govkit.report import words
from govkit.report.blocks import Cell, Code, Lines, Link, Mark, Num, Piece, Section
from govkit.report.cover import Cover
from govkit.report.escape import brief, clean, drawable
from govkit.report.model import Report
from govkit.resources import find

_NUMBER = re.compile(r"(?<![\w.,:/+\-−])[+\-−]?\d+(?:[.,]\d+)*(?:e[+\-]?\d+)?(?![\w:/\-]|[.,]\d)")
_HEX = re.compile(r"^(?:[a-z0-9]+:)?[0-9a-f]{32,}$")


def page(report: Report, shown: Cover, sections: tuple[Section, ...], *, figures: Mapping[str, bytes]) -> str:
    """The report page.

    Args:
        report: The report model.
        shown: Page one.
        sections: All sections, in order.
        figures: Key -> SVG of the figures that could be drawn.
    """
    templates = find("templates")
    environment = Environment(autoescape=True, undefined=StrictUndefined, loader=FileSystemLoader(templates),
                              trim_blocks=True, lstrip_blocks=True)  # fmt: skip
    environment.filters.update(cell=cell, prose=prose, clean=clean, kind=lambda block: type(block).__name__)
    stamp = (templates / f"stamp_{shown.outcome}.svg").read_bytes()
    return environment.get_template(
        "report.html.j2"
    ).render(
        cover=shown,
        sections=sections,
        pictures={key: data_url(svg) for key, svg in figures.items()},
        stamp=data_url(stamp),
        style=Markup((templates / "report.css").read_text(encoding="utf-8")),  # noqa: S704 -- our own style sheet
        says=words.catalog(),
        created=f"{report.sources.as_of:%Y-%m-%dT%H:%M:%SZ}",
        digest_short=report.sources.findings_digest[:19],
        header=drawable(brief(report.name, 60)),
    )


def data_url(svg: bytes) -> str:
    """An SVG inside an address."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode('ascii')}"


def cell(pieces: Cell) -> Markup:
    """The pieces of a cell, each escaped by its kind."""
    return Markup("").join(_piece(piece) for piece in pieces)


def prose(text: str) -> Markup:
    """Escaped text in which each number is marked as such."""
    whole = clean(text) if text.strip() else text
    found: list[Any] = []
    end = 0
    for match in _NUMBER.finditer(whole):
        found += [whole[end : match.start()], _data(match.group(), match.group())]
        end = match.end()
    return Markup("").join([*found, whole[end:]])


def _piece(piece: Piece) -> Markup:
    if isinstance(piece, Num):
        return _data(piece.raw, piece.text)
    if isinstance(piece, Code):
        return Markup("<code>{}</code>").format(_breakable(clean(piece.text)))
    if isinstance(piece, Mark):
        shape = Markup('<span class="shape" aria-hidden="true">{}</span> ').format(piece.shape) if piece.shape else ""
        return Markup('<span class="mark {}">{}{}</span>').format(piece.kind, shape, piece.text)
    if isinstance(piece, Lines):
        return _lines(piece)
    if isinstance(piece, Link):
        return Markup('<a href="{0}">{0}</a>').format(piece.path)
    lead, tail = (" " if piece[:1].isspace() else ""), (" " if piece[-1:].isspace() else "")
    return Markup("{}{}{}").format(lead, prose(piece), tail) if piece.strip() else Markup(" ")


def _lines(found: Lines) -> Markup:
    kinds = ("" if index < found.print_rows else "screen" for index in range(len(found.items)))
    items = [
        Markup('<li class="{}">{}</li>').format(kind, cell(item)) for kind, item in zip(kinds, found.items, strict=True)
    ]
    if len(found.items) > found.print_rows:
        items.append(Markup('<li class="print">{}</li>').format(words.catalog()["more_parts"]))
    return Markup('<ul class="parts">{}</ul>').format(Markup("").join(items))


def _data(raw: str, text: str) -> Markup:
    return Markup('<data value="{}">{}</data>').format(raw, text)


def _breakable(text: str) -> Markup | str:
    """A digest may break between groups of eight characters only, and without a hyphen."""
    if not _HEX.match(text):
        return text
    name, _, digest = text.rpartition(":")
    groups = [digest[i : i + 8] for i in range(0, len(digest), 8)]
    return Markup("{}{}").format(f"{name}:" if name else "", Markup("<wbr>").join(groups))
