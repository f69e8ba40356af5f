"""What changed, on five lines, for the place where people decide about a change: a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from govkit.core import Gap, Measurement, Of
from govkit.core.policy import RANK
from govkit.report import text, words
from govkit.report.blocks import Cell, Code
from govkit.report.changed import SQUARED
from govkit.report.charts import CHANGED
from govkit.report.cover import Cover
from govkit.report.escape import NAME, brief, markdown, short
from govkit.report.judged import state
from govkit.report.model import Report
from govkit.report.numbers import with_interval
from govkit.report.saying import in_words

MOST = 4
"""Measures that a line names."""

LONGEST = 120
"""Characters of the name of a measure or a title."""


def comment(report: Report, shown: Cover) -> str:
    """Verdict and what decides it, what got better, what got worse, what cannot be told, and how to verify."""
    return "\n".join([_verdict(report, shown), *(f"- {line}" for line in _lines(report, shown))]) + "\n"


def _lines(report: Report, shown: Cover) -> Iterable[str]:
    says, rival = words.catalog()["comment"], _rival(report)
    if rival is None:
        yield markdown(says["no_rival"])
    else:
        other = words.word("of", rival)
        found = sorted((m for m in report.measurements if _compares(m, rival)), key=_rank)
        better, worse, within = (_those(found, where) for where in (1, -1, 0))
        lead = "" if rival == "incumbent" else says["no_incumbent"]
        yield markdown(lead) + " " * bool(lead) + _line(says["better"].format(other=other), better)
        yield _line(says["worse"].format(other=other), worse)
        yield f"{_line(says['within'], within)} {_line(says['apart'], _apart(report, found, rival))}"
    digest = report.sources.findings_digest
    yield text.cell(("Verify: ", Code(shown.verify), "; findings ", Code(digest)))


def _verdict(report: Report, shown: Cover) -> str:
    """The verdict, and the open point that decides it: the first of those with the hardest consequence."""
    says, policy = words.catalog()["comment"], report.sources.policy
    stamp = shown.stamp if shown.enforced else f"{shown.stamp}, {words.catalog()['not_enforced']}"
    stamp = f"{shown.standing.title}: {stamp}" if shown.standing else stamp
    model = f"**{markdown(stamp)}** {markdown(shown.model)}, {says['by']} {markdown(short(policy.id, NAME))}"
    head = f"{model} `{policy.version}`, `{shown.date}`."
    barring = [entry for entry in report.open_points if not entry.ruling.waived]
    deciding = max(barring, key=lambda entry: RANK[entry.ruling.disposition], default=None)
    if deciding is None or RANK[deciding.ruling.disposition] < RANK["review"]:
        return f"{head} {markdown(shown.more)}"
    title = brief(deciding.ruling.title or deciding.ruling.control, LONGEST).rstrip(".")
    name = Code(deciding.ruling.control)
    point: Cell = (f"{says['decides']}: ", *state(deciding), " ", name, f" {title}. ", *in_words(deciding, report))
    return f"{head} {text.cell(point)}"


def _rival(report: Report) -> Of | None:
    """The model in service; without it the base."""
    sides = {found.compared_with for found in report.sources.findings}
    return next((rival for rival in ("incumbent", "base") if rival in sides), None)


def _compares(found: Measurement, rival: Of) -> bool:
    """Whether it compares this model with that one in a number that has a better side; squares rank no parts."""
    if not found.is_number or found.better is None:
        return False
    same = found.interval is not None and found.interval.low == found.interval.high == 0
    own = found.of == "candidate" and found.compared_with == rival
    return own and not same and not (found.part and found.name == SQUARED)


def _rank(found: Measurement) -> tuple[bool, float]:
    """All rows first, what the figure shows before the rest; then the parts that changed most."""
    if found.part:
        return True, -abs(float(found.value))
    return False, CHANGED.index(found.name) if found.name in CHANGED else len(CHANGED)


def _those(found: Sequence[Measurement], where: int) -> list[str]:
    """Improvements (1) or losses (-1) with their intervals; of what chance could explain (0) the names alone."""
    those = [m for m in found if m.interval is not None and side(m) == where]
    return [text.cell((f"{_name(m)} ", *with_interval(m))) if where else markdown(_name(m)) for m in those]


def side(found: Measurement) -> int:
    """1 where the whole interval is an improvement, -1 where all of it is a loss, 0 where chance could explain it."""
    shown = found.interval
    if shown is None or shown.low <= 0 <= shown.high:
        return 0
    return 1 if (shown.low > 0) == (found.better == "higher") else -1


def _line(title: str, items: Iterable[str]) -> str:
    says, found = words.catalog()["comment"], list(dict.fromkeys(items))
    named = [*found[:MOST], says["more"]] if len(found) > MOST else found
    return f"{markdown(title)}: {'; '.join(named) or says['nothing']}."


def _name(found: Measurement) -> str:
    where = f", {words.part(found.part)}" if found.part else ""
    rows = f", {words.word('roles', found.data.role)}" if found.data and found.data.role != "test" else ""
    return f"{brief(words.metric(found.name, found.check), LONGEST)}{where}{rows}"


def _apart(report: Report, found: Iterable[Measurement], rival: Of) -> list[str]:
    """What cannot be compared though it was asked for: gaps with their reasons, and numbers without an interval."""
    says = words.catalog()["comment"]
    gaps = [gap for gap in report.gaps if rival in (gap.of, gap.compared_with)]
    told = [f"{markdown(_asked(gap))} ({markdown(words.word('reasons', gap.reason))})" for gap in gaps]
    bare = [f"{markdown(_name(m))} ({says['no_interval']})" for m in found if m.interval is None]
    return [*told, *bare]


def _asked(gap: Gap) -> str:
    return brief(words.word("checks", gap.check) if gap.name == "*" else words.metric(gap.name, gap.check), LONGEST)
