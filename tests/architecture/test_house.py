"""The house rules that no linter knows."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import govkit
from govkit.resources import find

ROOT = Path(govkit.__file__).parent
TESTS = Path(__file__).parents[1]
CLOCKS = {f"{kind}.{what}" for kind in ("datetime", "date", "time") for what in ("now", "today", "utcnow", "time")}
CHANCE = {"random", "secrets", "uuid"}


@pytest.mark.parametrize("room", ["core", "policy", "evidence"])
def test_the_trusted_rooms_have_no_clock_and_no_dice(room: str):
    """``as_of`` is an argument; a key is the one thing that needs chance, and its library brings it."""
    found = []
    for path in sorted((ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {getattr(node, "module", None) or "", *(alias.name for alias in node.names)}
                found += [f"{path.name}: {name}" for name in names if name.split(".")[0] in CHANCE]
            elif isinstance(node, ast.Call) and ast.unparse(node.func) in CLOCKS:
                found.append(f"{path.name}:{node.lineno}: {ast.unparse(node.func)}")
    assert not found


READS_THE_CLOCK = {
    "lineage/assembly.py": "when a training began and ended, as it was recorded",
    "lineage/cost.py": "how long a training took",
    "pipeline/clock.py": "the two clocks",
    "subjects/private.py": "age of a copy that a killed process left",
}
WRITES_DATES = {
    "cli/keys.py": "first day of a new key",
    "pipeline/forms.py": "date in the form of an attestation, which its signer checks",
    "pipeline/locking.py": "date of a lock, which is its signer's word",
    "pipeline/policy.py": "date for the next review in a first policy",
}
"""Modules that may follow ``SOURCE_DATE_EPOCH``: what they date is written, and nothing is decided by it."""


def test_only_dates_that_are_written_follow_the_environment():
    """Whoever sets a variable must not move what a verifier, a judge or a watch takes as now."""
    calling, writing, environment = set(), set(), set()
    for path in sorted(ROOT.rglob("*.py")):
        name, tree = path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))
        called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        calling |= {name} if called & CLOCKS else set()
        writing |= {name} if "written_time" in path.read_text(encoding="utf-8") else set()
        texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        environment |= {name} if "SOURCE_DATE_EPOCH" in texts else set()
    assert calling <= set(READS_THE_CLOCK)
    assert writing == {*WRITES_DATES, "pipeline/clock.py"}
    assert environment == {"pipeline/clock.py"}


def test_one_reader_of_times():
    """Files, people and policies write times in one form; only the rows of a data set may hold others."""
    readers = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if re.search(r"\b(fromisoformat|strptime)\(|\bAwareDatetime\b", path.read_text(encoding="utf-8"))
    }
    assert readers == {"core/times.py", "checks/data/__init__.py"}


def test_inheritance_is_at_most_two_levels_deep():
    deep = []
    for module in pkgutil.walk_packages([str(ROOT)], "govkit."):
        if module.name.endswith("__main__"):
            continue
        for name, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if kind.__module__ == module.name and _depth(kind) > 2:
                deep.append(f"{module.name}.{name}")
    assert not deep


def _depth(kind: type) -> int:
    """Levels of govkit's own classes; protocols, errors and the common root of recorded things do not count."""
    if issubclass(kind, Exception) or getattr(kind, "_is_protocol", False):
        return 0
    return sum(base.__module__.startswith("govkit.") and base.__name__ != "Recorded" for base in kind.__mro__)


def test_every_check_ships_with_its_tests():
    """A file of its own, with its gaps among what is tested, and more than a smoke test."""
    for name, check in govkit.catalog().items():
        files = list(TESTS.rglob(f"test_check_{name}.py"))
        assert len(files) == 1, f"{name}: expected one test_check_{name}.py, found {len(files)}"
        text = files[0].read_text(encoding="utf-8")
        tests = re.findall(r"^def (test_\w+)", text, flags=re.MULTILINE)
        assert len(tests) >= 3, name
        assert name == "scope" or re.search(r"\bGap\b|gap", text), f"{name}: its gaps are not tested"
        assert check.function.__doc__, name


def test_every_check_names_its_row_of_the_crosswalk():
    crosswalk = (find("policies/standards") / "crosswalk.yaml").read_text(encoding="utf-8")
    for name, check in govkit.catalog().items():
        assert f"\n  {check.crosswalk}:\n" in crosswalk, (name, check.crosswalk)


def test_the_shipped_policy_resolves_against_the_checks_and_lints_clean():
    for pack in govkit.packs():
        assert not [each for each in govkit.lint_policy(pack) if each.level == "error"]


def test_the_core_policy_is_substantial():
    policy = govkit.resolve_policy("nist-ai-rmf-core")
    assert len(policy.controls) >= 15
    standard = (find("policies/standards") / "nist_ai_rmf.yaml").read_text(encoding="utf-8")
    for control in policy.controls:
        assert control.authority is not None
        assert all(f'id: "{subcategory}"' in standard for subcategory in control.rmf), control.id
