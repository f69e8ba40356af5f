"""What every document says, word for word: each language, profile and verdict.

A file holds the text of a page whose verdict is BLOCK, and beneath it, for each other verdict, the lines that differ.
Look at the difference, and write them anew with ``python tests/golden/test_documents_golden.py``.
"""

from __future__ import annotations

import sys
from difflib import ndiff
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
sys.path += [str(ROOT / "unit" / "report"), str(ROOT / "support")]

from bundle_fixture import write_bundle  # noqa: E402
from page_reader import Page  # noqa: E402

from govkit import core  # noqa: E402
from govkit.report import PROFILES, languages, render  # noqa: E402

GOLDEN = Path(__file__).with_name("documents")
OUTCOMES = ("BLOCK", "REVIEW", "PASS_WITH_EXCEPTIONS", "PASS")
STATES = {
    "PASS": ("pass", "ignore"),
    "PASS_WITH_EXCEPTIONS": ("fail", "warn"),
    "REVIEW": ("inconclusive", "review"),
}
"""What the controls are judged to be that are not settled, for a verdict that is milder than BLOCK."""


def judged(outcome: str) -> Any:
    """A verdict whose rulings lead to its outcome."""
    if outcome == "BLOCK":
        return lambda found: found
    state, follows = STATES[outcome]

    def milder(found: core.Verdict) -> core.Verdict:
        rulings = tuple(
            each
            if each.state in ("pass", "not_applicable")
            else each.model_copy(
                update={
                    "state": state,
                    "disposition": follows,
                    "parts": tuple(part.model_copy(update={"state": state}) for part in each.parts),
                }
            )
            for each in found.rulings
        )
        states = [each.state for each in rulings]
        controls = {each: states.count(each) for each in dict.fromkeys(states)}
        coverage = found.coverage.model_copy(update={"controls": controls})
        return found.model_copy(update={"rulings": rulings, "coverage": coverage})

    return milder


def said(folder: Path, outcome: str, profile: str, language: str) -> list[str]:
    """The lines of a page."""
    bundle = folder / outcome
    if not bundle.exists():
        write_bundle(bundle, outcome=outcome, verdict=judged(outcome))
    out = folder / f"{outcome}-{profile}-{language}"
    render(bundle, out=out, pdf=False, profile=profile, language=language)
    return [row.text for row in Page((out / "report.html").read_text(encoding="utf-8")).rows if row.text]


def golden(folder: Path, profile: str, language: str) -> str:
    """What the file holds."""
    first = said(folder, "BLOCK", profile, language)
    parts = ["# BLOCK", *first]
    for outcome in OUTCOMES:
        if outcome != "BLOCK":
            changed = (line for line in ndiff(first, said(folder, outcome, profile, language)) if line[0] in "+-")
            parts += ["", f"# {outcome}: what differs", *changed]
    return "\n".join(parts) + "\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("golden")


@pytest.mark.parametrize(("language", "profile"), list(product(languages(), PROFILES)))
def test_a_page_says_what_it_said(folder: Path, language: str, profile: str) -> None:
    expected = (GOLDEN / f"{language}-{profile}.txt").read_text(encoding="utf-8")
    assert golden(folder, profile, language) == expected, (
        f"if it is meant: python {Path(__file__).relative_to(ROOT.parent)}"
    )


def test_no_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {
        f"{each}-{name}" for each, name in product(languages(), PROFILES)
    }


if __name__ == "__main__":
    with TemporaryDirectory() as made:
        for language, profile in product(languages(), PROFILES):
            (GOLDEN / f"{language}-{profile}.txt").write_text(golden(Path(made), profile, language), encoding="utf-8")
