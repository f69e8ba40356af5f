from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from govkit.policy import load, packs
from govkit.resources import find


def test_the_example_of_the_readme_loads(write: Callable[..., Path]) -> None:
    text = (find("policies") / "README.md").read_text(encoding="utf-8")
    example, relax = (block.split("```")[0] for block in text.split("```yaml\n")[1:])
    policy = load(write(example))
    assert {control.id for control in policy.controls} > {"CAL-01", "LETTERS-01", "LETTERS-02", "PERF-01"}
    looser = example.replace("{max: 0.03}", "{max: 0.08}") + relax
    assert load(write(looser, "looser.yaml")).relax[0].control == "CAL-01"


def test_the_readme_lists_every_pack() -> None:
    text = (find("policies") / "README.md").read_text(encoding="utf-8")
    assert all(f"| [`{name}`](" in text for name in packs())
