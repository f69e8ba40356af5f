"""The page for the owner, held to sentences that somebody wrote down who had read it cold."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from page_reader import Page
from reading_level import grade

from govkit.report import render

EXPECTED = Path(__file__).parents[1] / "end_to_end" / "owner_pages.yaml"
HARDEST = 9
"""School year of the United States that has to do."""
NUMBER = r"[0-9][0-9,.]*"


def hold(name: str, bundle: Path, out: Path) -> None:
    """Ask that verdict, risks and next steps stand on the page in that order, on one sheet, in plain words."""
    render(bundle, out=out, profile="owner")
    shown = [row.text for row in Page((out / "report.html").read_text(encoding="utf-8")).rows]
    printed = subprocess.run(["pdftotext", "-raw", out / "report.pdf", "-"], capture_output=True, check=True).stdout
    paper, place = "".join(printed.decode().split()), 0
    for sentence in _sentences(yaml.safe_load(EXPECTED.read_text(encoding="utf-8"))[name]):
        # A number sign stands for a number that differs a little from machine to machine.
        said = re.escape(sentence).replace(r"\#", NUMBER)
        found = [at for at in range(place, len(shown)) if re.search(said, shown[at])]
        assert found, sentence
        place = found[0]
        assert re.search(re.escape("".join(sentence.split())).replace(r"\#", NUMBER), paper), sentence
    told = "\n".join(row for row in shown if "govkit verify" not in row)
    assert grade(told) <= HARDEST
    about = subprocess.run(["pdfinfo", out / "report.pdf"], capture_output=True, text=True, check=True).stdout
    assert re.search(r"^Pages: +1$", about, re.MULTILINE)
    assert "(A4)" in about


def _sentences(found: Any) -> Iterator[str]:
    for each in found.values() if isinstance(found, dict) else found:
        if isinstance(each, str):
            yield each
        else:
            yield from _sentences(each)
