from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from govkit import checks
from govkit.core import Audit
from govkit.documents import parse, read_model, validate
from govkit.errors import AuditError, PolicyError
from govkit.policy import QUESTIONS, Answers, begin, lint, load, packs, understood

GIVEN: dict[str, Any] = {
    "who": "engineer",
    "reads": "table",
    "people": True,
    "groups": ["sex"],
    "harm": "money",
    "base": "weights",
    "incumbent": True,
    "rows": 3000,
    "table": "rows.csv",
    "owner": "M. Risk",
}


def _begun(**changes: Any) -> dict[str, str]:
    answers = Answers.model_validate({**GIVEN, **changes})
    return begin(answers, name="letters", as_of=date(2026, 11, 24), catalog=checks.catalog())


def test_there_are_ten_questions_and_each_is_an_answer() -> None:
    assert len(QUESTIONS) == 10
    assert [question.key for question in QUESTIONS] == list(Answers.model_fields)


@pytest.mark.parametrize(
    ("who", "harm", "base"),
    [
        ("business", "little", "weights"),
        ("school", "money", "no"),
        ("clinic", "people", "weights"),
        ("engineer", "little", "no"),
        ("engineer", "people", "weights"),
        ("business", "money", "closed"),
    ],
)
def test_whatever_is_answered_lints(write: Callable[..., Path], who: str, harm: str, base: str) -> None:
    texts = _begun(who=who, harm=harm, base=base)
    path = write(texts["policy.yaml"])
    policy = load(path)
    assert not [each for each in lint(policy, checks.catalog(), source=path) if each.level == "error"]
    assert policy.owner is not None
    assert policy.owner.name == "M. Risk"
    assert policy.review_by in (date(2027, 5, 31), date(2027, 11, 24))
    assert policy.review_by <= (load(yaml.safe_load(texts["policy.yaml"])["extends"][0]).review_by or date.max)
    assert yaml.safe_load(texts["policy.yaml"])["extends"][0].split(":")[1].split("@")[0] in packs()
    validate(parse(texts["audit.yaml"], "audit.yaml", error=AuditError), Audit)


def test_rows_that_decide_nothing_are_said_and_not_planned(write: Callable[..., Path]) -> None:
    few, many = _begun(rows=20)["policy.yaml"], _begun(rows=3000)["policy.yaml"]
    assert "# With 20 test rows these could not pass even if all came out right" in few
    assert load(write(few)).planned is None
    planned = load(write(many)).planned
    assert planned is not None
    assert planned.rows == {"test": 3000}


def test_the_audit_file_holds_what_was_said(write: Callable[..., Path]) -> None:
    full = read_model(write(_begun(reads="text")["audit.yaml"]), Audit, error=AuditError)
    assert (full.columns.input, full.columns.groups) == ("text", ("sex",))
    assert (full.columns.base_score, full.columns.incumbent_score) == ("base_score", "incumbent_score")
    bare = read_model(write(_begun(base="no", incumbent=False, groups=[])["audit.yaml"]), Audit, error=AuditError)
    assert (bare.columns.base_score, bare.columns.incumbent_score, bare.columns.groups) == (None, None, ())


UNDERSTOOD: list[tuple[str, str, Any]] = [
    ("who", " Bus ", "business"),
    ("people", "y", True),
    ("people", "no", False),
    ("groups", "sex, age", ("sex", "age")),
    ("groups", "none", ()),
    ("groups", "", ()),
    ("rows", "400", 400),
    ("owner", " M. Risk ", "M. Risk"),
]


@pytest.mark.parametrize(("key", "text", "value"), UNDERSTOOD)
def test_answers_are_understood(key: str, text: str, value: Any) -> None:
    assert understood(next(each for each in QUESTIONS if each.key == key), text) == value


NONSENSE = [
    ("who", "", "expected business or school or clinic or engineer"),
    ("who", "x", "expected business"),
    ("people", "maybe", "expected yes or no; found 'maybe'"),
    ("groups", "a,,b", "expected names with commas, or none"),
    ("rows", "many", "expected a whole number"),
    ("rows", "0", "expected a whole number"),
    ("rows", "-5", "expected a whole number"),
    ("rows", "9" * 400, "expected a whole number"),
    ("rows", "٣", "expected a whole number"),
    ("table", "", "expected the path of a table"),
    ("owner", "M.\x1b[31m Risk", "expected a name"),
    ("owner", "x" * 300, "expected a name"),
]


@pytest.mark.parametrize(("key", "text", "expected"), NONSENSE)
def test_nonsense_is_refused_with_what_would_be_an_answer(key: str, text: str, expected: str) -> None:
    with pytest.raises(PolicyError, match=expected):
        understood(next(each for each in QUESTIONS if each.key == key), text)
