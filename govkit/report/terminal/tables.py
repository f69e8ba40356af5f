"""Findings of a bundle on a terminal: the models side by side, a line a measure, and what was not measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from govkit.core import Finding, Gap, Measurement
from govkit.report import words
from govkit.report.charts import CHANGED
from govkit.report.comment import side
from govkit.report.escape import NAME, sentences, short
from govkit.report.numbers import interval, number, value, with_interval
from govkit.report.saying import WORST_FIRST
from govkit.report.terminal.head import section
from govkit.report.terminal.paper import STYLES, Line, beside, cells, columns, filled, told
from govkit.report.terminal.pictures import heights, interval as picture
from govkit.report.terminal.seen import Seen, Wish, count, ends_of, title, varying
from govkit.report.terminal.series import Series, series
from govkit.report.text import plain

MOST_ROWS = 5
"""Rows of one check, where not all of them were asked for."""
MOST_SIDES = 12
MOST_GAPS = 12
SIDE = {1: "▲", -1: "▼", 0: "≈"}
UNSURE = "–"
"""Between two models without a paired difference that has an interval and a better side."""
_HEADS = ("measure", "value", "interval", "", "n", "ruling")
VALUE, PICTURE, SPAN, ROWS, MARK = 9, 15, 16, 8, 20
LONGEST = 38
"""Columns of the picture of a series."""


def sides(seen: Seen, wish: Wish) -> Iterator[Line]:
    """The base, this model and the model in service, with what the paired difference says of this model."""
    says, found = words.catalog()["show"], [each for each in seen.found(wish) if isinstance(each, Measurement)]
    asked: dict[tuple[object, ...], dict[str, Measurement]] = {}
    for each in found:
        if each.is_number and each.of in ("candidate", "base", "incumbent"):
            rows_of = (tuple(sorted(each.part.items())), each.data.role if each.data else "test")
            key = (each.check, each.name, rows_of, repr(sorted(each.params.items())))
            whose = each.of if each.compared_with is None else f"less {each.compared_with}"
            asked.setdefault(key, {}).setdefault(whose, each)
    rows = [own for own in asked.values() if "candidate" in own and ("base" in own or "incumbent" in own)]
    # What is said of all rows comes first, then what is paired, and of it what the figure of the report shows.
    rows.sort(key=_telling)
    made = partial(_beside, seen=seen, wish=wish, served=any("incumbent" in own for own in rows))
    yield from section(says["titles"]["sides"], says["sides"], rows, made, wish, most=MOST_SIDES)


def placed(row: Sequence[tuple[str, int, bool]], wish: Wish, *, style: str = "") -> Iterator[Line]:
    """Cells beside each other where the terminal is wide; else the first of them above the others."""
    if wish.wide:
        yield from columns(row, style=style)
    else:
        first, *others = (text for text, _, _ in row)
        yield from told(first, wish.width, style=style)
        yield from beside([" ".join(text.split()) for text in others], wish.width, style=style)


def _telling(own: dict[str, Measurement]) -> tuple[bool, bool, int]:
    this, paired = own["candidate"], any(" " in whose for whose in own)
    return bool(this.part), not paired, CHANGED.index(this.name) if this.name in CHANGED else len(CHANGED)


def _beside(own: dict[str, Measurement], seen: Seen, wish: Wish, *, served: bool) -> Iterator[Line]:
    """One measure of each model, arrows between them, and beneath it the paired differences."""
    says, this = words.catalog()["show"], own["candidate"]
    changes = [own[whose] for whose in ("less base", "less incumbent") if whose in own]
    judged = min(filter(seen.state, (this, *changes)), key=lambda m: WORST_FIRST.index(seen.state(m)), default=None)
    ruling, style = (seen.ruling(judged), STYLES[seen.state(judged)]) if judged else ("", "")
    pieces = [filled(plain(value(own.get("base"))), VALUE, right=True), f"{_sign(own.get('less base'))}→",
              filled(plain(value(this)), VALUE)]  # fmt: skip
    if served:
        pieces += [f"←{_sign(own.get('less incumbent'))}", filled(plain(value(own.get("incumbent"))), VALUE)]
    line, n = " ".join(pieces), count(this)
    told_ = [f"{says['change'].format(other=words.word('of', m.compared_with or ''))} {plain(with_interval(m))}"
             for m in changes]  # fmt: skip
    room = wish.width - 2 - cells(line) - 12 - MARK - 6
    row = ((title(this), room, False), (line, cells(line), False), (n, 12, False), (ruling, MARK, False))
    yield from placed(row, wish, style=style)
    for text in told_:
        yield from told(text, wish.width, indent=4, style="dim")


def _sign(change: Measurement | None) -> str:
    if change is None or change.interval is None or change.better is None:
        return UNSURE
    return SIDE[side(change)]


def checks(seen: Seen, wish: Wish) -> Iterator[Line]:
    """A section a check, in the order in which the report tells them."""
    says, by_check = words.catalog()["show"], dict[str, list[Finding]]()
    for each in seen.found(wish):
        by_check.setdefault(each.check, []).append(each)
    order = ("performance", "fairness", "calibration", "robustness", "data", "other", "license", "scope")
    measured = {name: own for name, own in by_check.items() if any(isinstance(each, Measurement) for each in own)}
    if measured:
        yield from (("", ""), (says["titles"]["checks"], "bold"))
        yield from told(says["legend"], wish.width, style="dim")
        if wish.wide:
            heads = says["columns"]
            yield from columns(_cells(wish, *(heads.get(key, "") for key in _HEADS)), style="dim")
    for name in sorted(measured, key=lambda name: (order.index(words.family(name)), name != words.family(name))):
        yield from _check(name, measured[name], seen, wish)


def _check(name: str, found: list[Finding], seen: Seen, wish: Wish) -> Iterator[Line]:
    says, names = words.catalog()["show"], varying(found)
    own = [each for each in found if isinstance(each, Measurement)]
    rows, lines = own, series(found, names)
    if not wish.all:
        told_of = {id(point) for each in lines for _, point in each.points}
        judged = sorted((m for m in own if seen.state(m)), key=lambda m: WORST_FIRST.index(seen.state(m)))
        rest_ = [m for m in own if not seen.state(m) and id(m) not in told_of]
        rest_.sort(key=lambda m: (m.of != "candidate" or m.compared_with is not None, bool(m.part)))
        rows, lines = [*judged, *rest_][:MOST_ROWS], lines[:MOST_ROWS]
    label = f"{short(words.word('checks', name), NAME)} ({short(name, NAME)})"
    yield from told(label, wish.width, indent=1, style="bold")
    for each in rows:
        yield from _row(each, names, seen, wish)
    for line in lines:
        yield from _series(line, wish)
    if left := len(own) - len(rows):
        more = says["more_of_check"].format(n=number(left).text, check=short(name, NAME))
        yield from told(more, wish.width, style="dim")


def _cells(wish: Wish, *texts: str) -> tuple[tuple[str, int, bool], ...]:
    name, value_, drawn, span, n, mark = texts
    room = _room(wish)
    return ((name, room, False), (value_, VALUE, True), (drawn, PICTURE, False), (span, SPAN, False), (n, ROWS, True),
            (mark, MARK, False))  # fmt: skip


def _room(wish: Wish) -> int:
    """Columns that are left for the name of a measure."""
    return wish.width - 2 - VALUE - PICTURE - SPAN - ROWS - MARK - 10


def _row(found: Measurement, names: frozenset[str], seen: Seen, wish: Wish) -> Iterator[Line]:
    """One measurement: a number with its picture, or a word."""
    name, style, limits = title(found, names), STYLES.get(seen.state(found), ""), seen.limits(found)
    n = number(found.n).text if wish.wide else count(found)
    trust = words.mark("trust", found.trust).said if found.trust else ""
    judged = "  ".join(filter(None, (seen.ruling(found), trust)))
    if found.is_number:
        ends, span = ends_of(found), plain(interval(found)) if found.interval else ""
        drawn = picture(float(found.value), ends, limits, seen.axis(found), width=PICTURE) if ends or limits else ""
        row = _cells(wish, name, plain(value(found)), drawn, span, n, judged)
    else:
        first, *_, last, mark = _cells(wish, name, "", "", "", n, judged)
        row = (first, (_word(found), VALUE + PICTURE + SPAN + 4, False), last, mark)
    yield from placed(row, wish, style=style)


def _word(found: Measurement) -> str:
    """A word of the catalog where it has one, else the value as it stands."""
    said = words.catalog()["values"].get(found.value) if isinstance(found.value, str) else None
    return short(str(said)) if said else plain(value(found))


def _series(line: Series, wish: Wish) -> Iterator[Line]:
    """Heights over the groups or settings, with the lowest and the highest of them by name."""
    (least, low), (most, high) = line.ends
    holes = {"low": plain(value(low)), "least": least, "high": plain(value(high)), "most": most}
    told_ = words.catalog()["show"]["series"].format(**holes, n=number(line.known).text)
    # Every second or third where more are known than fit; the lowest and the highest stand beside them by name.
    every = max(1, -(-len(line.points) // LONGEST))
    drawn = heights([None if point is None else float(point.value) for _, point in line.points[::every]])
    room, spark = _room(wish), max(VALUE + 2 + PICTURE, len(drawn))
    row = ((line.title, room, False), (drawn, spark, False), (told_, wish.width - room - spark - 6, False))
    yield from placed(row, wish)


def missing(seen: Seen, wish: Wish) -> Iterator[Line]:
    """What was asked for and not measured, each with its reason."""
    found, says = [each for each in seen.found(wish) if isinstance(each, Gap)], words.catalog()["sections"]["gaps"]
    yield from section(says["title"], says["lead"], found, partial(_gap, seen=seen, wish=wish), wish, most=MOST_GAPS)


def _gap(gap: Gap, seen: Seen, wish: Wish) -> Iterator[Line]:
    name = ", ".join(filter(None, (short(words.word("checks", gap.check), NAME), title(gap))))
    why = words.word("reasons", gap.reason)
    reason = f"{why[:1].upper()}{why[1:]}. {sentences(gap.detail, 300)}".strip()
    style = STYLES.get(seen.state(gap), "")
    room = (wish.width - 2 - MARK - 4) * 2 // 5
    row = ((name, room, False), (reason, wish.width - room - MARK - 6, False), (seen.ruling(gap), MARK, False))
    yield from placed(row, wish, style=style)
