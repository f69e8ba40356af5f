"""A bundle on a terminal: verdict, open points, every finding beside its limit, and what was not measured.

Only text and styles are made here; whoever prints them says how wide the terminal is.
"""

from __future__ import annotations

from collections.abc import Iterator

from govkit.report import words
from govkit.report.terminal.head import counts, head, rulings
from govkit.report.terminal.paper import Line, lettered, told
from govkit.report.terminal.seen import Seen, Wish
from govkit.report.terminal.tables import checks, missing, sides


def lines(seen: Seen, wish: Wish) -> Iterator[Line]:
    """The bundle as far as it was asked for."""
    yield from head(seen, wish)
    yield from (("", ""), *counts(seen, wish))
    made = [line for part in (rulings, sides, checks, missing) for line in part(seen, wish)]
    yield from made
    says = words.catalog()["show"]
    if not made:
        yield from (("", ""), *told(says["nothing"], wish.width))
    yield from (("", ""), *told(says["further"], wish.width, style="dim"))
