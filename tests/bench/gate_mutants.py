"""Faults planted one by one in the rooms that a verdict rests on: which of them does a nearby test see?

A draw of small changes to ``core``, ``policy``, ``evidence`` and ``manifest``: a comparison turned or moved by its
edge, ``and`` for ``or``, a ``not`` or a ``raise`` left out, a number one higher. Each is laid over a copy of the
package, and the tests nearest to its module, then those of its room, then the laws run until one fails.

``python tests/bench/gate_mutants.py [MANY [SEED]]``: 150 take an hour or more on one core. Exit code 1 where fewer
than 97 % are seen.
"""

from __future__ import annotations

import ast
import copy
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
ROOMS = ("core", "policy", "evidence", "manifest")
WANTED = 0.97
SECONDS = 600
NEAREST = 8
LAWS = ("tests/property/test_policy_laws.py", "tests/unit/test_documents.py", "tests/reference/test_policy_holm.py")
EQUIVALENT: dict[tuple[str, str, str], str] = {}
"""Changes that change nothing: (file, before, after) -> why."""

TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip


class Mutant(NamedTuple):
    """One change: the module, the line, the expression or statement before and after, and the whole text with it."""

    file: str
    line: int
    before: str
    after: str
    text: str


def mutants(path: Path) -> Iterator[Mutant]:
    """Every change that is tried in a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for number, node in enumerate(ast.walk(tree)):
        for after in _changed(node):
            changed = copy.deepcopy(tree)
            _put(changed, number, after)
            before, new = ast.unparse(node), ast.unparse(after)
            line = getattr(node, "lineno", 0)
            yield Mutant(
                str(path.relative_to(ROOT)), line, before, new, ast.unparse(ast.fix_missing_locations(changed))
            )


def _changed(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in TURNED:
        yield ast.Compare(node.left, [TURNED[type(node.ops[0])]()], node.comparators)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.Raise) and node.exc is not None:
        yield ast.Pass()


def _put(tree: ast.AST, number: int, after: ast.AST) -> None:
    """Put a node in the place of the one that ``ast.walk`` comes to as the given number."""
    target = next(node for at, node in enumerate(ast.walk(tree)) if at == number)
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, field, after)
            elif isinstance(value, list):
                value[:] = [after if item is target else item for item in value]


def tests_of(file: str) -> list[list[str]]:
    """What is run, nearest first: the tests that name most of what the module defines, those of its room, the laws."""
    room = Path(file).parts[1]
    folder = f"tests/unit/{room}"
    whole = (
        [folder] if (ROOT / folder).is_dir() else ["tests/unit/test_manifest.py", "tests/unit/test_hostile_folders.py"]
    )
    return [each for each in (_naming(file), whole, list(LAWS)) if each]


@cache
def _naming(file: str) -> list[str]:
    """The unit tests that are named after a module, and the ``NEAREST`` others that name most of what it defines."""
    names = _defined(ast.parse((ROOT / file).read_text(encoding="utf-8")))
    tests = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests/unit").rglob("test_*.py"))}
    after = [path for path in tests if path.stem.endswith(Path(file).stem)]
    named = {path: len(names & set(re.findall(r"\w+", text))) for path, text in tests.items() if path not in after}
    others = sorted((path for path in named if named[path]), key=lambda path: -named[path])
    return [str(path.relative_to(ROOT)) for path in (*after, *others[:NEAREST])]


def _defined(tree: ast.Module) -> set[str]:
    """Functions, classes and constants of a module."""
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    written = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return functions | {name for name in written if name.isupper()}


def seen_by(mutant: Mutant, folder: Path) -> str:
    """The first tests that fail on a mutant; empty where all pass."""
    place = folder / mutant.file
    original = place.read_text(encoding="utf-8")
    place.write_text(mutant.text, encoding="utf-8")
    try:
        for chosen in tests_of(mutant.file):
            command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider", *chosen]
            done = subprocess.run(
                command, cwd=folder, capture_output=True, timeout=SECONDS, env={**os.environ, "PYTHONPATH": str(folder)}
            )
            if done.returncode:
                return " ".join(chosen)
    except subprocess.TimeoutExpired:
        return "never ended"
    finally:
        place.write_text(original, encoding="utf-8")
    return ""


def main(many: int = 150, seed: int = 0) -> int:
    """Draw mutants, say of each that no test saw what it was, and how many were seen."""
    paths = [path for room in ROOMS for path in sorted((ROOT / "govkit" / room).rglob("*.py"))]
    every = [each for path in paths for each in mutants(path) if each[:1] + each[2:4] not in EQUIVALENT]
    drawn = random.Random(seed).sample(every, min(many, len(every)))  # noqa: S311 -- a draw, no secret
    survived = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("govkit", "tests", "policies", "model_cards", "docs", "examples"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "gallery"))
        for part in ("pyproject.toml", "README.md", "CHANGELOG.md"):
            shutil.copy(ROOT / part, folder / part)
        for number, each in enumerate(drawn, 1):
            seen = seen_by(each, folder)
            survived += not seen
            word = f"seen by {seen}" if seen else "NOT SEEN"
            sys.stdout.write(f"{number}/{many} {each.file}:{each.line} {each.before!r} -> {each.after!r}: {word}\n")
            sys.stdout.flush()
    share = 1 - survived / len(drawn)
    sys.stdout.write(f"{len(drawn) - survived} of {len(drawn)} seen ({share:.1%}), out of {len(every)} possible\n")
    return int(share < WANTED)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
