"""The questions of attestations are those that the standards ask for, and anybody can read them."""

from __future__ import annotations

import re

from govkit.policy import packs
from govkit.policy.templates import templates
from govkit.resources import find


def test_every_kind_of_the_standards_has_its_questions_and_there_is_no_other() -> None:
    texts = [path.read_text(encoding="utf-8") for path in find("policies/standards").glob("*.yaml")]
    asked = {kind for text in texts for kind in re.findall(r"\battest\.([a-z_]+)", text)}
    assert asked == set(templates())


def test_every_question_is_a_question_of_one_sentence() -> None:
    for kind, template in templates().items():
        assert 3 <= len(template.questions) <= 6, kind
        assert not template.title.endswith((".", "?")), kind
        for name, question in template.questions.items():
            assert re.fullmatch(r"[A-Z][^.?!:;]*\?", question), (kind, name)
            assert len(question) <= 110, (kind, name)
        assert len({*template.questions.values()}) == len(template.questions)


def test_no_statement_counts_for_longer_than_a_year() -> None:
    assert all(template.max_age_days <= 365 for template in templates().values())


def test_the_questions_are_no_policy() -> None:
    assert "attestations" not in packs()
