"""Every code of a refusal is in the docs, and the docs name no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import govkit

ROOT = Path(govkit.__file__).parent
CODE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")


def raised() -> set[str]:
    """What is handed to ``EvidenceError`` as a code: directly, by a short form of a room, or from a table of codes."""
    found = set()
    for path in sorted(ROOT.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "EvidenceError" in text:
            for node in ast.walk(ast.parse(text)):
                first = node.args[:1] if isinstance(node, ast.Call) else getattr(node, "elts", [])[:1]
                values = first + (node.args[1:2] if isinstance(node, ast.Call) else [])
                values += [node.value] if isinstance(node, ast.Assign | ast.Return) else []
                found |= {each for value in values for each in _codes(value)}
    return found


def _codes(node: ast.expr) -> Iterator[str]:
    """A code, or the two of which one is chosen."""
    if isinstance(node, ast.IfExp):
        yield from (*_codes(node.body), *_codes(node.orelse))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
        yield node.value


def documented() -> set[str]:
    text = (ROOT.parent / "docs/evidence.md").read_text(encoding="utf-8").split("\n## Codes\n")[1]
    return set(re.findall(r"`([A-Z][A-Z0-9_]+)`", text))


def test_the_docs_name_no_code_that_is_never_raised():
    assert documented() - raised() == set()


def test_every_code_that_is_raised_is_in_the_docs():
    others = {"CARD", "DO_NOT_TRACK", "GX_ANALYTICS_ENABLED", "NFC", "O_PATH"}
    assert raised() - documented() - others == set()
