"""What a row is about: its address in the page, which stays from report to report, and by what a reader chooses it."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable

from govkit.core import Gap, Measurement
from govkit.report import words
from govkit.report.blocks import About
from govkit.report.model import Entry, Report

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_SLUG = 48
_DIGEST = 8


def rulings(report: Report) -> tuple[About, ...]:
    """One a ruling, in their order."""
    anchors = _apart(f"control-{_named(entry.ruling.control)}" for entry in report.entries)
    return tuple(
        About(anchor, entry.ruling.control, _states(entry), _pieces(part.part for part in entry.ruling.parts))
        for anchor, entry in zip(anchors, report.entries, strict=True)
    )


def findings(report: Report) -> dict[int, About]:
    """Identity of a finding -> what it is about; judged by every control that rests on it."""
    judged: dict[int, dict[str, None]] = {}
    for part in (part for entry in report.entries for part in entry.ruling.parts):
        judged.setdefault(part.finding, {})[words.mark("states", part.state).text] = None
    found = report.sources.findings
    anchors = _apart(_address(one) for one in found)
    return {
        id(one): About(anchor, anchor, tuple(judged.get(index, ())), _pieces([one.part]))
        for index, (anchor, one) in enumerate(zip(anchors, found, strict=True))
    }


def _address(found: Measurement | Gap) -> str:
    """Of what was asked, not of what was found: a value that moves, or is gone, keeps its address."""
    role = found.data.role if found.data else "test"
    asked = [found.check, found.name, found.of, found.compared_with, role, found.part]
    return f"finding-{_slug('-'.join((found.check, found.name, *found.part.values())), asked)}"


def _named(text: str) -> str:
    """An identifier as it stands; any other text as a slug."""
    return text if _PLAIN.fullmatch(text) else _slug(text, text)


def _slug(text: str, whole: object) -> str:
    """Letters and digits of a text, and a digest that tells apart what they do not."""
    digest = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:_DIGEST]
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower())[:_SLUG].strip("-")
    return f"{plain}-{digest}".lstrip("-")


def _apart(anchors: Iterable[str]) -> list[str]:
    """The same addresses; one that comes again carries which time it is."""
    seen: Counter[str] = Counter()
    made = []
    for anchor in anchors:
        seen[anchor] += 1
        made.append(anchor if seen[anchor] == 1 else f"{anchor}~{seen[anchor]}")
    return made


def _states(entry: Entry) -> tuple[str, ...]:
    waived = (words.mark("states", "waived").text,) if entry.ruling.waived else ()
    return (words.mark("states", entry.ruling.state).text, *waived)


def _pieces(parts: Iterable[dict[str, str]]) -> tuple[str, ...]:
    """Each column of each part by itself, so that ``sex: Female`` chooses ``label: a, sex: Female`` too."""
    pieces = (words.part(dict([item])) for part in parts for item in sorted(part.items()))
    return tuple(dict.fromkeys(pieces))
