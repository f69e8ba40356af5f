"""The verdict as a badge: JSON that badge services read, and a drawing of our own that needs none of them."""

from __future__ import annotations

import json
import unicodedata
from typing import Any
from xml.etree import ElementTree as ET

from govkit.report import words
from govkit.report.escape import brief
from govkit.report.model import Report

LONGEST = 40
"""Characters of the name of the model."""

NARROW, WIDE, PAD, HEIGHT = 6.6, 12.0, 6.0, 20
"""Pixels of a character, of a wide one, beside the words, and of the whole badge."""


def badge(report: Report) -> bytes:
    """The endpoint form of shields.io (https://shields.io/badges/endpoint-badge): label, message and color."""
    shown = _look(report)
    facts = {
        "schemaVersion": 1,
        "label": brief(report.name, LONGEST),
        "message": _message(report),
        "color": shown["fill"],
        "isError": report.sources.verdict.outcome == "BLOCK",
    }
    return json.dumps(facts, indent=1, ensure_ascii=True).encode("ascii") + b"\n"


def drawing(report: Report) -> bytes:
    """The same as SVG: no font, script or address from elsewhere, and the words also for those who cannot see it."""
    shown, label = _look(report), brief(report.name, LONGEST)
    message = f"{shown['shape']} {_message(report)}"
    left, right = _width(label), _width(message)
    size = {"width": f"{left + right:.0f}", "height": str(HEIGHT)}
    root = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", **size, "role": "img"})
    ET.SubElement(root, "title").text = f"{label}: {_message(report)}"
    for x, width, fill in ((0.0, left, "24323b"), (left, right, shown["fill"])):
        ET.SubElement(
            root, "rect", {"x": f"{x:.0f}", "width": f"{width:.0f}", "height": str(HEIGHT), "fill": f"#{fill}"}
        )
    for x, width, ink, text in ((0.0, left, "ffffff", label), (left, right, shown["ink"], message)):
        place = {"x": f"{x + PAD:.0f}", "y": "14", "textLength": f"{width - 2 * PAD:.0f}"}
        style = {"fill": f"#{ink}", "font-family": "DejaVu Sans, Verdana, sans-serif", "font-size": "11"}
        ET.SubElement(root, "text", {**place, "lengthAdjust": "spacingAndGlyphs", **style}).text = text
    written: bytes = ET.tostring(root, encoding="utf-8")
    return written + b"\n"


def _look(report: Report) -> dict[str, str]:
    shown: dict[str, str] = words.catalog()["badge"][report.sources.verdict.outcome]
    return shown


def _message(report: Report) -> str:
    """What was decided, whether it stopped anything, and when: a badge outlives what it says."""
    says: dict[str, Any] = words.catalog()["badge"]
    parts = [_look(report)["text"], f"{report.sources.as_of:%Y-%m-%d}"]
    if not report.sources.verdict.enforced:
        parts.insert(1, says["not_enforced"])
    return ", ".join(parts)


def _width(text: str) -> float:
    """Pixels that a text gets; ``textLength`` makes it fit whatever the font."""
    return sum(WIDE if unicodedata.east_asian_width(each) in "WF" else NARROW for each in text) + 2 * PAD
