"""Where a machine can look whether a duty is met: license and NOTICE files, the card, the name of the model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from govkit.licenses.composition import Composition, Obligation
from govkit.licenses.evidence import find, texts
from govkit.licenses.expressions import parts

Seen = Literal["met", "not found", "by hand"]
"""``by hand``: no machine can see it, a person has to."""


def look(composition: Composition, folder: Path, *, name: str, intent: Sequence[str]) -> tuple[Seen, ...]:
    """Look in a model's folder for what its obligations ask.

    Args:
        composition: The obligations.
        folder: What is to be shared.
        name: Name under which it is to be shared.
        intent: The declared uses; nothing declared counts as all of them.

    Returns:
        What was seen of each obligation, in their order. Empty where the model is neither passed on nor hosted: then
        nothing is due.

    Raises:
        UsageError: The folder does not exist.
    """
    signs = find(folder)
    if intent and not {"distribute", "hosted"} & set(intent):
        return ()
    texts_of = [sign.expression for sign in signs if sign.source == "license file" and sign.expression]
    held = frozenset().union(*map(parts, texts_of))
    return tuple(_seen(owed, folder, held=held, name=name) for owed in composition.owed)


def _seen(owed: Obligation, folder: Path, *, held: frozenset[str], name: str) -> Seen:
    duty = owed.duty
    if not duty.look:
        return "by hand"
    if duty.look == "license":
        met = not held.isdisjoint({owed.license, owed.license.replace("-or-later", "-only")})
    elif duty.look == "name":
        met = _plain(name).startswith(_plain(duty.text))
    else:
        met = any(_plain(duty.text) in _plain(text) for text in texts(folder, duty.look))
    return "met" if met else "not found"


def _plain(text: str) -> str:
    """Words only, so that line breaks, quotation marks and dashes do not count."""
    return " ".join(re.findall(r"[a-z0-9]+", text.replace("©", "(c)").lower()))
