"""Holds the front matter of a card against the record that it was made from: what a hub reads is what was signed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from govkit import documents
from govkit.errors import EvidenceError, UsageError
from govkit.report.card import front_matter
from govkit.report.model import Report
from govkit.report.read import read

CARD = "card.md"
_CODES = (
    ("CARD_RESULTS_BINDING", ("govkit",), "is bound to other findings, another model or another verdict"),
    ("CARD_LICENSE", ("license", "license_name", "license_link"), "gives another license than the record"),
    ("CARD_METRIC", ("model-index",), "gives other figures than those that were signed"),
)


def check_card(bundle: Path, text: str) -> None:
    """Compare license, figures and digests of a card with the statements of its bundle.

    Args:
        bundle: The bundle, whose statements were verified.
        text: The card.

    Raises:
        EvidenceError: ``CARD_FORM``, ``CARD_DUP_KEY``, ``CARD_RESULTS_BINDING``, ``CARD_LICENSE`` or ``CARD_METRIC``.
    """
    found, expected = _matter(text), front_matter(Report(read(bundle)))
    for code, keys, message in _CODES:
        if any(found.get(key) != expected.get(key) for key in keys):
            raise EvidenceError(code, f"{CARD}: {message}", file=CARD)


def _matter(text: str) -> dict[str, Any]:
    head, _, rest = text.partition("---\n")
    matter, end, _ = rest.partition("\n---\n")
    if head or not end:
        raise EvidenceError("CARD_FORM", f"{CARD}: expected front matter between two lines of ---", file=CARD)
    try:
        found: dict[str, Any] = documents.parse(matter, CARD, error=UsageError).data
    except UsageError as error:
        code = "CARD_DUP_KEY" if "twice" in str(error) else "CARD_FORM"
        raise EvidenceError(code, str(error), file=CARD) from None
    return found
