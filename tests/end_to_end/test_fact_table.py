"""Every fact of a run, in every way of training: seen, told or unknown, from real runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from govkit.lineage import FACTS, TOLD

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "facts.md"
MACHINE = ("cost.energy_kwh", "cost.energy_method")
"""Whether these are measured depends on the machine."""
HEAD = """\
# The facts of a run, and how they are known

Made by `tests/end_to_end/test_fact_table.py` from real runs on one machine without an accelerator: each way of training
inside `with govkit.record(...)`, and a script that was not changed under `govkit record -- train.py`.

● observed by govkit · ◇ declared by a person or a card · ○ unknown · – has no meaning here. A number leads to the
reason.

"""
MARKS = {"observed": "●", "declared": "◇", "unknown": "○", "not_applicable": "–"}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[str]]]:
    folder = tmp_path_factory.mktemp("facts")
    for name in ("fact_table.py", "run_facts.py", "ways_fixture.py"):
        shutil.copy(ROOT / "tests" / "support" / name, folder)
    done = subprocess.run(
        [sys.executable, "fact_table.py"],
        cwd=folder, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_every_way_knows_every_fact_or_says_why_not(found: dict[str, dict[str, list[str]]]) -> None:
    names = [f"{part}.{name}" for part, facts in FACTS.items() for name in facts]
    assert len(found) == 8
    for way, facts in found.items():
        assert list(facts) == names, way
        assert [name for name, (state, why) in facts.items() if state == "unknown" and not why] == [], way


def test_of_a_trainer_everything_is_observed_that_can_be(found: dict[str, dict[str, list[str]]]) -> None:
    open_ = {name: fact for name, fact in found["Trainer"].items() if fact[0] not in ("observed", "not_applicable")}
    assert set(open_) <= {*TOLD, *MACHINE}, open_


def test_of_an_unchanged_script_nine_tenths_are_observed(found: dict[str, dict[str, list[str]]]) -> None:
    facts = {name: fact for name, fact in found["unchanged script"].items() if name not in (*TOLD, *MACHINE)}
    seen = [name for name, (state, _) in facts.items() if state in ("observed", "not_applicable")]
    assert len(seen) >= 0.9 * len(facts), set(facts) - set(seen)


def test_the_table_in_the_documents_is_fresh(found: dict[str, dict[str, list[str]]]) -> None:
    text = HEAD + table(found)
    if os.environ.get("GOVKIT_WRITE_DOCS") == "1":
        TABLE.write_text(text, encoding="utf-8")
    assert TABLE.read_text(encoding="utf-8") == text, "stale: run this test once with GOVKIT_WRITE_DOCS=1"


def table(found: dict[str, dict[str, list[str]]]) -> str:
    reasons: list[str] = []
    lines = [f"| fact | meaning | {' | '.join(found)} |", "|---|---|" + "---|" * len(found)]
    for part, facts in FACTS.items():
        for name, meaning in facts.items():
            full = f"{part}.{name}"
            cells = [cell(full, *facts[full], reasons) for facts in found.values()]
            lines.append(f"| `{full}` | {meaning} | {' | '.join(cells)} |")
    listed = [f"{number}. {reason}" for number, reason in enumerate(reasons, 1)]
    return "\n".join([*lines, "", *listed, ""])


def cell(name: str, state: str, why: str, reasons: list[str]) -> str:
    if name in MACHINE:
        state, why = "unknown", "measured where the machine shows a counter of energy (RAPL), or estimated if asked for"
    if state == "unknown" and why not in reasons:
        reasons.append(why)
    return MARKS[state] + (f" {reasons.index(why) + 1}" if state == "unknown" else "")
