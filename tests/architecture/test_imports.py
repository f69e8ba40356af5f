"""What an import costs, and what the house looks like."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import served_bundle
from evidence_bundle import write_files

import govkit

ROOT = Path(govkit.__file__).parent
HEAVY = (
    "numpy",
    "pandas",
    "torch",
    "scipy",
    "sklearn",
    "pyarrow",
    "transformers",
    "matplotlib",
    "weasyprint",
    "duckdb",
)


def _loaded_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(' '.join(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.split(".")[0] for name in done.stdout.split("\n")[-2].split()}


@pytest.mark.parametrize(
    "code",
    [
        "import govkit",
        "import govkit.cli.app",
        "import govkit; [getattr(govkit, name) for name in govkit.__all__]",
        "import govkit; govkit.catalog()",
    ],
)
def test_no_heavy_library_is_loaded(code: str):
    assert not _loaded_after(code) & set(HEAVY)


def test_verifying_loads_no_heavy_library(tmp_path: Path):
    served = served_bundle.make(tmp_path, write_files(tmp_path / "model", served_bundle.GOOD))
    asked = ["verify", served.folder, "--model", served.model, "--trust", served.trust, "--as-of", served_bundle.NOW]
    code = f"""
from govkit.cli import main
try:
    sys.argv = ["govkit", *{list(map(str, asked))!r}]
    main()
except SystemExit as end:
    assert end.code == 0, end.code
"""
    loaded = _loaded_after("import sys" + code)
    assert "cryptography" in loaded
    assert not loaded & {*HEAVY, "PIL", "pyhanko", "sigstore", "rfc3161_client"}


def test_each_public_name_is_found_and_no_module_hides_behind_one():
    modules = {path.stem for path in ROOT.iterdir()}
    assert not modules & set(govkit.__all__)
    assert all(getattr(govkit, name) is not None for name in govkit.__all__)


def _functions() -> list[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]]:
    return [
        (path, node)
        for path in sorted(ROOT.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def test_functions_are_short():
    long = [
        f"{path.relative_to(ROOT)}:{node.name} {length}"
        for path, node in _functions()
        if (length := (node.end_lineno or 0) - node.lineno + 1 - _docstring_lines(node)) > 40
    ]
    assert not long, long


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return (first.end_lineno or first.lineno) - first.lineno + 1
    return 0


def test_modules_fit_on_a_few_screens():
    long = [str(path) for path in ROOT.rglob("*.py") if len(path.read_text(encoding="utf-8").splitlines()) > 400]
    assert not long, long


def test_the_whole_library_stays_a_book():
    """Lines of code: docstrings, comments and blank lines are what makes a book readable and do not count."""
    rooms = Counter()
    for path in ROOT.rglob("*.py"):
        rooms[_chapter(path)] += _code_lines(path)
    assert rooms.total() <= 42_000
    assert {room: lines for room, lines in rooms.items() if lines > 4_000} == {}


def _chapter(path: Path) -> str:
    """A room; of the checks, a family; of the report, the documents for people and the exports for tools."""
    parts = path.relative_to(ROOT).parts
    return "/".join(parts[:2]) if parts[0] in ("checks", "report") and len(parts) > 2 else parts[0]


def _code_lines(path: Path) -> int:
    text = path.read_text(encoding="utf-8")
    prose = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and number not in prose
        for number, line in enumerate(text.splitlines(), 1)
    )


def test_class_names_say_what_a_thing_is():
    banned = ("Manager", "Factory", "Builder", "Handler", "Helper", "Utils", "Provider")
    names = [
        node.name
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    assert not [name for name in names if name.endswith(banned)]


def test_commands_are_short():
    long = [
        f"{path.name}:{node.name}"
        for path, node in _functions()
        if path.parent.name == "cli"
        and path.name not in ("screen.py", "options.py", "__init__.py")
        and len(node.body) > 15
    ]
    assert not long, long
