"""The report as one HTML file that loads nothing from elsewhere. The PDF is made from the same page.

A script of ours lets readers choose and sort rows; the page is whole without it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from govkit.report import words
from govkit.report.blocks import About, Cell, Code, Lines, Link, Mark, Num, Piece, Section
from govkit.report.brand import check_logo
from govkit.report.cover import Cover
from govkit.report.escape import brief, clean, drawable
from govkit.report.language import language
from govkit.report.model import Report
from govkit.resources import find

_NUMBER = re.compile(r"(?<![\w.,:/+\-−])[+\-−]?\d+(?:[.,]\d+)*(?:e[+\-]?\d+)?(?![\w:/\-]|[.,]\d)")
_HEX = re.compile(r"^(?:[a-z0-9]+:)?[0-9a-f]{32,}$")


def page(
    report: Report,
    shown: Cover,
    sections: tuple[Section, ...],
    *,
    figures: Mapping[str, bytes],
    whole: bool = True,
    kind: str = "regulator",
) -> str:
    """The report page.

    Args:
        report: The report model.
        shown: Page one.
        sections: The sections, in order.
        figures: Key -> SVG of the figures that could be drawn.
        whole: Whether all of page one and the contents stand before the sections; else only its head does.
        kind: Name of the profile, which the page says.
    """
    templates = find("templates")
    # Every byte of a logo is looked at that could do more than to be seen.
    logo = report.sources.logo
    stamp = (templates / f"stamp_{shown.outcome}.svg").read_bytes()
    says = words.catalog()
    named = says["profiles"]["names"][kind]
    return template("report.html.j2").render(
        cover=shown,
        sections=sections,
        whole=whole,
        kind=named,
        lang=language(),
        title=says["page"]["title"].format(kind=named, model=clean(shown.name)),
        brand=report.sources.audit.brand,
        logo="" if logo is None else data_url(logo.raw, check_logo(logo.raw, logo.name)),
        pictures={key: data_url(svg) for key, svg in figures.items()},
        stamp=data_url(stamp),
        style=Markup("\n").join(_styles(report, shown)),
        screen=style_sheet("screen.css"),
        script=(script := _own(templates / "report.js")),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
        script_says=json.dumps(says["screen"]),
        says=says,
        created=f"{report.sources.as_of:%Y-%m-%dT%H:%M:%SZ}",
        digest_short=report.sources.findings_digest[:19],
        header=drawable(brief(report.name, 60)),
    )


def template(name: str) -> Template:
    """A template of ours, which knows how cells and texts are written."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, loader=FileSystemLoader(find("templates")),
                              trim_blocks=True, lstrip_blocks=True)  # fmt: skip
    environment.filters.update(cell=cell, prose=prose, clean=clean, about=row, kind=lambda block: type(block).__name__)
    return environment.get_template(name)


def without_script(page: str) -> str:
    """The page for a reader that runs nothing."""
    return re.sub(r"<script>.*?</script>\n", "", page, flags=re.DOTALL)


def row(found: About) -> Markup:
    """Attributes of a row: its address, and what the script chooses it by, a name a line."""
    chosen = {"name": (found.name,), "states": found.states, "parts": found.parts}
    named = (Markup(' data-{}="{}"').format(key, "\n".join(map(clean, own))) for key, own in chosen.items() if own)
    return Markup(' id="{}"{}').format(found.anchor, Markup("").join(named))


def data_url(picture: bytes, kind: str = "image/svg+xml") -> str:
    """A picture inside an address."""
    return f"data:{kind};base64,{base64.b64encode(picture).decode('ascii')}"


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


def _styles(report: Report, shown: Cover) -> Iterator[Markup]:
    """Our style sheets, the colors of the one whose report it is, and what stands across each page."""
    yield from (style_sheet(name) for name in ("report.css", "profiles.css"))
    if brand := report.sources.audit.brand:
        yield Markup(":root {{ --accent: {}; --second: {}; }}").format(brand.color, brand.second)
    if shown.standing and shown.standing.style:
        yield Markup(shown.standing.style)  # noqa: S704 -- our own words and drawing


def style_sheet(name: str) -> Markup:
    """A style sheet of ours, with the words that it writes at the edges of a printed page."""
    says, sheet = words.catalog(), _own(find("templates") / name)
    for hole, said in (("{foot}", says["page"]["foot"]), ("{not_enforced}", says["not_enforced"])):
        sheet = Markup(sheet.replace(hole, re.sub(r'["\\<]', "", said)))  # noqa: S704 -- our own words
    return sheet


def _own(path: Path) -> Markup:
    """A file of ours, as it is."""
    return Markup(path.read_text(encoding="utf-8"))  # noqa: S704 -- a style sheet or a script among the templates


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
    items = [
        Markup('<li class="{}">{}</li>').format("" if at < found.print_rows else "screen", cell(item))
        for at, item in enumerate(found.items)
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
