from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from govkit.documents import parse, read
from govkit.errors import PolicyError
from govkit.policy import packs, schema
from govkit.policy.schemas import MODELS
from govkit.resources import find


def _faults(kind: str, data: Any) -> list[str]:
    return [fault.message for fault in jsonschema.Draft202012Validator(schema(kind)).iter_errors(data)]


@pytest.mark.parametrize("kind", MODELS)
def test_the_shipped_file_is_what_the_models_say(kind: str) -> None:
    path = find("policies/schema") / f"govkit.{kind}.v1.json"
    assert json.loads(path.read_text(encoding="utf-8")) == schema(kind), "run: govkit policy schema KIND > FILE"
    jsonschema.Draft202012Validator.check_schema(schema(kind))


@pytest.mark.parametrize("name", packs())
def test_every_shipped_policy_is_accepted(name: str) -> None:
    assert not _faults("policy", read(find("policies") / f"{name}.yaml", error=PolicyError).data)


def test_the_shipped_tests_are_accepted() -> None:
    for path in (find("policies") / "tests").glob("*.yaml"):
        assert not _faults("policy-tests", read(path, error=PolicyError).data)


@pytest.mark.parametrize(
    "changes", [{"severety": "low"}, {"severity": "lowish"}, {"on_fail": "stop"}, {"require": {"minimum": 1}}]
)
def test_a_misspelt_word_is_refused(text: Callable[..., str], changes: dict[str, Any]) -> None:
    data = parse(text(), "policy.yaml", error=PolicyError).data
    assert not _faults("policy", data)
    data["controls"][0] |= changes
    assert _faults("policy", data)


def test_only_a_policy_that_extends_may_leave_things_out(text: Callable[..., str]) -> None:
    data = parse(text(), "policy.yaml", error=PolicyError).data
    short = {**data, "controls": [{"id": "A-1", "require": {"min": 0.9}}]}
    assert _faults("policy", short)
    assert not _faults("policy", {**short, "extends": ["nist-ai-rmf-core"]})
    bare = {key: value for key, value in data.items() if key != "controls"}
    assert _faults("policy", bare)
    assert not _faults("policy", {**bare, "extends": ["nist-ai-rmf-core"]})
    assert _faults("policy", {**data, "extends": ["x"], "controls": [{"require": {"min": 0.9}}]})


def test_a_file_may_begin_with_the_line_that_editors_read(write: Callable[..., Path], text: Callable[..., str]) -> None:
    path = write("# yaml-language-server: $schema=govkit.policy.v1.json\n" + text())
    assert read(path, error=PolicyError).data["id"] == "mine"


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(PolicyError, match=r"no schema 'polcy' \(did you mean 'policy'\?\)"):
        schema("polcy")
