"""Found parts: did the candidate get worse on rows that nobody thought of naming?

An average can stand still while the answers to one kind of row break. Declared groups show only what somebody expected;
this check looks at hundreds of parts that any column can make, and raises the alarm only where chance does not explain
the worst of them (slice finding: Chung et al. 2019, "Slice Finder"; Eyuboglu et al. 2022, "Domino").
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import PositiveInt

from govkit.checks._candidates import candidate_parts
from govkit.checks._clusters import clusters_in
from govkit.checks._shared import MODELS, READS_TEST, answers, measured, missing, stated, unrivaled
from govkit.core import Case, Finding, Metric, Of, check
from govkit.core.case import Array
from govkit.core.finding import exact
from govkit.stats import Estimate
from govkit.stats.found_parts import found_drops, visible_drop, weak_parts

FEWEST = 100
"""Rows below which nothing short of a collapse could be told from chance."""

SHARE = 0.10
"""Share of the rows in the part that ``visible_drop`` speaks of."""

MOST_WEAK = 10
"""Weak parts that are listed, the surest first."""

METRICS = {
    "found_parts": Metric(
        "Parts in which the candidate is right less often than its rival, beyond what chance explains.",
        better="lower",
        unit="parts",
        low=0,
    ),
    "found_drop": Metric.difference(
        "Accuracy of the candidate less that of its rival in a part that was found; "
        "the bounds hold for all parts that were tested at once.",
        better="higher",
    ),
    "no_drop_p": Metric.share(
        "Chance of a clearest drop as clear as this one, if neither model were better anywhere.", unit="probability"
    ),
    "visible_drop": Metric.share(
        "Smallest drop of accuracy in a tenth of the rows that would have been found with a chance of 80 %.",
        better="lower",
    ),
    "searched_parts": Metric("Parts of the rows that were looked at.", unit="parts", low=0),
    "weak_parts": Metric(
        "Parts in which the candidate is wrong more often than elsewhere, beyond what chance explains.",
        unit="parts",
        low=0,
    ),
    "weak_part": Metric.difference("Accuracy of the candidate in a weak part less its accuracy elsewhere."),
}
COMPARED = ("found_parts", "no_drop_p", "visible_drop")


@check("found_parts", crosswalk="check.regression", metrics=METRICS, reads=READS_TEST)
def found_parts(
    case: Case, *, parts: PositiveInt = 800, screen: PositiveInt = 50, flips: PositiveInt = 1999
) -> Iterator[Finding]:
    """Parts where the candidate lost accuracy against base or incumbent, found among all that the columns can make.

    Parts are values of a column, ranges of a number, clusters of similar texts, and pairs of these; they are chosen
    without looking at answers. The chance of any false alarm is 5 % a rival. A count of 0 means little where only a
    large drop would have been found: ``visible_drop`` says how large. Weak parts, where the candidate is worse than
    elsewhere whatever its rivals do, are for the reader; nearly every model has some.

    Args:
        case: The answers to the test data, and the columns beside them.
        parts: Parts up to which pairs of columns are added.
        screen: Parts in which the models disagree clearly most, which alone are tested.
        flips: Draws of the signs of the rows on which the models disagree.

    References:
        Westfall and Young 1993 (maximum over tests); McNemar 1947; Tango 1998 (bounds of the paired difference).
    """
    data, models = case.data["test"], answers(case)
    if "candidate" not in models:
        yield missing("*", "no data", "There are no predictions of the candidate on the test data.")
        return
    if len(data) < FEWEST:
        yield missing("*", "too few rows", f"There are {len(data)} rows; a search for parts needs {FEWEST}.", data=data)
        return
    names, members = candidate_parts(case, most=parts)
    if not names:
        detail = "No column makes a part of 2 to 98 % of the rows; declare columns.parts in the audit file."
        yield missing("*", "no data", detail, data=data)
        return
    right = {of: given.labels == data.labels for of, given in models.items()}
    yield stated("searched_parts", len(names), len(data), data)
    for rival in MODELS[1:]:
        if rival in right:
            both = (right["candidate"], right[rival])
            yield from _drops(case, rival, both, (names, members), screen=screen, flips=flips)
        else:
            yield from unrivaled(rival, COMPARED, data)
    weak = weak_parts(members, right["candidate"], clusters=clusters_in(data))
    yield stated("weak_parts", len(weak), len(data), data)
    for at, gap in weak[:MOST_WEAK]:
        yield stated("weak_part", gap, len(data), data, part={"found": names[at]})


def _drops(
    case: Case,
    rival: Of,
    right: tuple[Array, Array],
    searched: tuple[tuple[str, ...], Array],
    *,
    screen: int,
    flips: int,
) -> Iterator[Finding]:
    """Parts with a drop against one rival, and how small a drop would have been seen."""
    data, (names, members) = case.data["test"], searched
    drops = found_drops(members, *right, screen=screen, flips=flips, seed=case.seed, clusters=clusters_in(data))
    counted = Estimate(len(drops.found), len(data), *exact(float(len(drops.found))))
    yield measured("found_parts", counted, data, compared_with=rival)
    yield stated("no_drop_p", drops.p_value, len(data), data, compared_with=rival)
    for at, change in drops.found:
        yield measured("found_drop", change, data, compared_with=rival, part={"found": names[at]})
    visible = visible_drop(members, *right, share=SHARE, screen=screen, seed=case.seed)
    if visible is None:
        detail = "No part is near a tenth of the rows, or not even a drop by half in it would have been found."
        yield missing("visible_drop", "too few rows", detail, data=data, compared_with=rival)
    else:
        yield measured("visible_drop", visible, data, compared_with=rival)
