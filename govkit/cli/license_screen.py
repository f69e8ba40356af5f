"""What a person sees of licenses: what was found, what follows, and what a rule says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import govkit as gk
from govkit.cli.screen import Line, plain, printed, wrapped


@printed(lambda found: found.model_dump(mode="json"))
def show_licenses(found: gk.LicenseCheck) -> Iterator[Line]:
    """Signs, answer, reasons and duties."""
    result, stance = found.composition, f"{found.use.data_stance} {found.use.data_stance_reason}".strip()
    says = {
        "allow": "allowed only with the duties that were not found",
        "deny": "denied",
        "unknown": "unknown: not allowed",
    }
    seen = found.seen or ("not looked for",) * len(result.owed)
    for part in found.components:
        yield from wrapped("", f"{part.role} {part.id.value}: {part.license.state}; {part.license.reason}", indent=4)
    yield f"{'allowed' if found.allowed else says[result.verdict]} (training data: {plain(stance)})", "bold"
    duties = [f"[{how}] {owed.who}: {owed.duty}" for owed, how in zip(result.owed, seen, strict=True)]
    for text in (*result.reasons, *duties):
        yield from wrapped("  ", text, indent=6)


@printed(lambda found: found.model_dump(mode="json", by_alias=True))
def show_license(found: gk.LicenseFacts) -> Iterator[Line]:
    """Rows of the rule table."""
    known = found.license.expression or found.license.state
    yield from wrapped("", f"{found.name}: {known}; {found.license.reason}", indent=4)
    for each, row in found.rules.items():
        yield each if row else f"{each}: not in the rule table, which allows nothing", "bold"
        for text in [] if row is None else [*_allows(row), *map(str, row.duties)]:
            yield from wrapped("  ", text, indent=6)


def _allows(row: Any) -> Iterator[str]:
    yield f"commercial: {row.commercial}; as a service: {row.hosted}; derivatives: {row.derivatives}"
    yield f"use restrictions: {row.uses or 'none'}; a model trained on its outputs: {row.outputs}"
    if row.pin:
        yield f"a derivative ({row.pin.from_}) carries it{' or '.join(['', *row.pin.accepts])}"
    yield f"{row.source}, compared with it: {row.checked_on or 'never, so the rule allows nothing'}"
