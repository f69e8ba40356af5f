"""Checks: one file a check, in four families, and the walk that measures a case with them.

``measure`` is where a crash becomes a gap. It keeps the findings of a check whole or not at all, so that nobody can
mistake half a check for one that passed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping

from govkit.checks._catalog import built_in, catalog, describe
from govkit.checks._group_rates import group_rates
from govkit.checks._labels import by_label, label_view, of_label
from govkit.checks._names import refuse_personal_names
from govkit.checks._needs import unmet
from govkit.checks._requests import Request, arguments, complete, declared_passes, find, requests_for
from govkit.checks._stamp import WatchedCase, cleaned, stamped
from govkit.checks._suggestion import suggested_suite
from govkit.core import Case, Check, Finding, Gap, Measurement, Of
from govkit.errors import MissingExtra, UsageError, missing_extra

every_check = catalog


def measure(
    case: Case,
    requests: Iterable[Request],
    *,
    catalog: Mapping[str, Check] | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[Finding]:
    """Run checks on a case.

    Args:
        case: What is measured.
        requests: Which checks, with which parameters; equal requests run once.
        catalog: Checks by name; those of :func:`catalog` if not given.
        progress: Called with the name of each check before it runs.

    Returns:
        All findings, in the order of the requests. A check that lacks something, crashes, or yields what it did not
        declare gives one gap named ``*`` and nothing else. A check that was made for one other task gives nothing at
        all: what a regression is asked is not lacking where the answers are classes.

    Raises:
        UsageError: A request names an unknown check or wrong parameters, or the check found a fault that the user
            must repair.
    """
    known = every_check() if catalog is None else catalog
    distinct = {request.key: request for request in requests}
    findings: list[Finding] = []
    for request in distinct.values():
        check = find(request.check, known)
        params = complete(check, request.params)
        if len(check.tasks) == 1 and case.task not in check.tasks:
            continue
        if progress is not None:
            progress(check.name)
        findings += _doubted(check, _run(check, Request(check.name, params), case), case)
    return findings


def _doubted(check: Check, findings: list[Finding], case: Case) -> list[Finding]:
    """The findings; suspect where a model that answers by lot was asked for more than its kept answers.

    Those are independent draws, row by row; what a check asks beyond them is one draw for each batch, whose spread no
    bound knows of.
    """
    by_lot: Collection[Of] = getattr(case.answers, "random", ())
    if check.extra is None or check.name == "repeatability" or not by_lot:
        return findings
    return [
        found.model_copy(update={"trust": "suspect"})
        if isinstance(found, Measurement) and found.is_number and {found.of, found.compared_with} & set(by_lot)
        else found
        for found in findings
    ]


def _run(check: Check, request: Request, case: Case) -> list[Finding]:
    """Findings of one check, or the one gap in their place; of a multi-label task those of each label."""
    if by_label(check, case):
        views = ((name, label_view(case, index)) for index, name in enumerate(case.classes))
        return [found for name, view in views for found in of_label(_run(check, request, view), name)]
    watched = WatchedCase.of(case)
    try:
        lacking = unmet(watched, check.needs, check.tasks)
        found = [lacking] if lacking is not None else check.function(watched, **arguments(check, request.params))
        return stamped(check, request.params, found, case=watched)
    except Exception as error:
        # The one place where a crash becomes a gap; what the user must repair, and interrupts, pass through.
        if isinstance(error, UsageError) and not isinstance(error, MissingExtra):
            raise
        return stamped(check, request.params, [_gap_of(error, check.name)], case=watched)


def _gap_of(error: Exception, name: str) -> Gap:
    advice = missing_extra(error) if isinstance(error, ModuleNotFoundError) else error
    if isinstance(advice, MissingExtra):
        return Gap(reason="no extra", detail=str(advice))
    logging.getLogger("govkit.checks").exception("the check %s crashed", name)
    return Gap(reason="crashed", detail=cleaned(error))
