"""The laws of judging by 10,000 random cases each, and the seconds that they take: which change could open a gate?

Run it alone (about a quarter of an hour)::

    python tests/bench/policy_laws.py [CASES] [LAW ...]

The short version is ``tests/property/test_policy_laws.py`` itself, with 80 cases a law.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from pathlib import Path
from types import ModuleType

TESTS = Path(__file__).parents[1]
LAWS = (
    "less_evidence_never_opens_the_gate",
    "a_measurement_that_becomes_a_gap_never_opens_the_gate",
    "more_gaps_never_open_the_gate",
    "wider_bounds_never_open_the_gate",
    "worse_values_never_open_the_gate",
    "fewer_waivers_and_statements_never_open_the_gate",
    "tighter_limits_never_open_the_gate",
    "more_confidence_never_opens_the_gate",
    "more_severity_and_harder_consequences_never_open_the_gate",
    "the_order_of_findings_changes_nothing_but_their_places",
    "no_order_of_anything_changes_the_outcome_or_a_state",
    "a_clean_pass_means_that_every_control_is_met",
    "unknown_never_passes",
)


def laws(cases: int) -> ModuleType:
    """The laws, each to be tried on so many cases."""
    os.environ["GOVKIT_LAW_CASES"] = str(cases)
    sys.path.insert(0, str(TESTS / "support"))
    spec = importlib.util.spec_from_file_location("policy_laws", TESTS / "property" / "test_policy_laws.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(cases: int, names: tuple[str, ...]) -> int:
    """A line for each law; how many do not hold."""
    module, broken = laws(cases), 0
    for name in names:
        start, holds = time.process_time(), "holds"
        try:
            getattr(module, f"test_{name}")()
        except AssertionError as error:
            holds, broken = f"DOES NOT HOLD: {error}", broken + 1
        seconds = time.process_time() - start
        sys.stdout.write(f"{name.replace('_', ' '):<58} {cases:>6} cases {seconds:7.1f} CPU s  {holds}\n")
        sys.stdout.flush()
    return broken


if __name__ == "__main__":
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    sys.exit(1 if main(many, tuple(sys.argv[2:]) or LAWS) else 0)
