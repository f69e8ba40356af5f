"""A comparison as lines for a terminal, as Markdown for a pull request, and as one page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from govkit.report import text, words
from govkit.report.blocks import Block, Facts, Mark, Table, Text
from govkit.report.comparing.model import Comparison
from govkit.report.comparing.sections import doubt, names, sections
from govkit.report.escape import clean, markdown as escaped
from govkit.report.html import style_sheet, template
from govkit.report.language import DEFAULT, speaking
from govkit.report.terminal.paper import STYLES, cells, columns

LONGEST = 65_000
"""Characters of a comment; the site of a pull request takes little more."""

SHORTER = (1000, 500, 300, 200, 130, 90, 60, 40, 25, 12, 5, 2, 0)
"""Rows of a table that are tried, until the whole is short enough."""

ON_SCREEN = 12
"""Rows of a table on a terminal."""

WIDEST = 72
"""Characters of a column on a terminal, but for the last one."""


def lines(found: Comparison) -> Iterator[tuple[str, str]]:
    """Lines of ``(text, style)`` for a terminal."""
    if told := doubt(found):
        yield told, "bold yellow"
    for section in sections(found, most=ON_SCREEN):
        yield from (("", ""), (clean(section.title), "bold"))
        for block in section.blocks:
            yield from _lines(block)


def _lines(block: Block) -> Iterator[tuple[str, str]]:
    if isinstance(block, Facts):
        yield from ((f"  {clean(name)}: {text.plain(value)}", "") for name, value in block.rows)
    elif isinstance(block, Text):
        yield f"  {text.plain(block.pieces)}", "bold" if block.loud else "dim"
    elif isinstance(block, Table):
        yield f"  {clean(block.caption)}", "dim"
        rows = [[column.title for column in block.columns], *([text.plain(item) for item in row] for row in block.rows)]
        *widths, last = (max(map(cells, column)) for column in zip(*rows, strict=True))
        room = [*(min(WIDEST, width) for width in widths), last]
        for row, style in zip(rows, ["dim", *map(_style, block.rows)], strict=True):
            placed = [(item, width, False) for item, width in zip(row, room, strict=True)]
            yield from columns(placed, indent=4, style=style)


def _style(row: Sequence[object]) -> str:
    last = row[-1]
    kinds = [piece.kind for piece in last if isinstance(piece, Mark)] if isinstance(last, tuple) else []
    return STYLES.get(kinds[0], "") if kinds else ""


def markdown(found: Comparison) -> str:
    """The comparison for a comment on a pull request, of at most ``LONGEST`` characters; what is cut is counted."""
    whole = _markdown(found, None)
    for most in SHORTER:
        if len(whole) <= LONGEST:
            break
        whole = _markdown(found, most)
    return whole


def _markdown(found: Comparison, most: int | None) -> str:
    says = words.catalog()["compare"]
    parts = [f"## {escaped(says['title'])}"]
    parts += [f"**{escaped(told)}**"] if (told := doubt(found)) else []
    for section in sections(found, most=most):
        parts.append(f"### {escaped(section.title)}")
        parts += [escaped(section.lead)] if section.lead else []
        parts.append(text.blocks(section.blocks, most=None))
    return "\n\n".join(parts) + "\n"


def page(found: Comparison, *, language: str = DEFAULT) -> str:
    """The comparison as one page, in one language, that holds everything it needs and runs nothing.

    Raises:
        UsageError: There is no such language.
    """
    with speaking(language):
        says = words.catalog()
        return template("compare.html.j2").render(
            style=Markup("\n").join(map(style_sheet, ("report.css", "screen.css"))),
            says=says["compare"],
            lang=language,
            skip=says["screen"]["skip"],
            contents=says["page"]["contents"],
            doubt=doubt(found),
            names=names(found),
            day=found.b.as_of[:10],
            sections=sections(found),
        )
