"""Every code of a refusal is in the docs, and the docs name no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import govkit

ROOT = Path(govkit.__file__).parent
CODE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")


def raised() -> set[str]:
    """First arguments of ``EvidenceError(...)`` and of the short forms that rooms have for it."""
    found = set()
    for path in sorted(ROOT.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "EvidenceError" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) > 4:
                found |= {node.value} if CODE.fullmatch(node.value) else set()
    return found


def documented() -> set[str]:
    text = (ROOT.parent / "docs/evidence.md").read_text(encoding="utf-8").split("\n## Codes\n")[1]
    return set(re.findall(r"`([A-Z][A-Z0-9_]+)`", text))


def test_the_docs_name_no_code_that_is_never_raised():
    assert documented() - raised() == set()


def test_every_code_that_is_raised_is_in_the_docs():
    others = {"BLOCK", "REVIEW", "PASSED", "FAILED", "MEASURE", "MANAGE", "GOVERN"}
    assert raised() - documented() - others == set()
