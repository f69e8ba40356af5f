from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from govkit.core import Component, Fact, LicenseRecord
from govkit.licenses import compose, normalize, rule
from govkit.licenses.expressions import alternatives
from govkit.licenses.rules import rules

OPEN = Fact(seen="unknown")
LLAMA, GEMMA = "LicenseRef-scancode-llama-3.1-license-2024", "LicenseRef-scancode-gemma-tou-2024-04-01"


def part(expression: str | None, role: str = "base", state: str = "known") -> Component:
    record = {"expression": expression, "state": state if expression else "unknown", "reason": "because"}
    return Component.model_validate(
        {
            "role": role,
            "id": Fact(value=f"my-{role}", seen="observed"),
            "revision": OPEN,
            "digest": OPEN,
            "rows": OPEN,
            "license": LicenseRecord.model_validate(record),
        }
    )


def verdict(
    *parts: Component, intent: tuple[str, ...] = ("distribute",), declared: str | None = None, **rest: Any
) -> str:
    return compose(parts, intent=intent, declared=declared, **rest).verdict


@pytest.mark.parametrize(
    ("base", "intent", "declared", "expected"),
    [
        ("Apache-2.0", ("distribute", "commercial"), "Apache-2.0", "allow"),
        ("Apache-2.0", ("distribute", "commercial"), None, "allow"),
        ("MIT", ("distribute",), "GPL-3.0-only", "allow"),
        ("CC-BY-NC-4.0", ("commercial",), None, "deny"),
        ("CC-BY-NC-4.0", ("internal",), None, "allow"),
        # Shapes of relabelings that were found on public hubs.
        ("CC-BY-NC-4.0", ("distribute",), "Apache-2.0", "deny"),
        (LLAMA, ("distribute",), "Apache-2.0", "deny"),
        (LLAMA, ("distribute",), "CC-BY-NC-4.0", "deny"),
        (LLAMA, ("distribute", "commercial"), "llama3.1", "allow"),
        (GEMMA, ("hosted",), "Apache-2.0", "deny"),
        (LLAMA, ("internal",), "Apache-2.0", "deny"),
        (LLAMA, ("distribute",), None, "unknown"),
        (LLAMA, ("internal",), None, "allow"),
        ("CC-BY-ND-4.0", ("distribute",), None, "deny"),
        ("CC-BY-ND-4.0", ("hosted",), None, "deny"),
        ("CC-BY-ND-4.0", ("internal",), None, "allow"),
        ("GPL-3.0-only", ("distribute",), "MIT", "deny"),
        ("GPL-3.0-only", ("hosted",), "MIT", "allow"),
        ("AGPL-3.0-only", ("hosted",), "MIT", "deny"),
        ("LGPL-3.0-only", ("distribute",), "GPL-3.0-only", "allow"),
        ("CC-BY-SA-3.0", ("distribute",), "CC-BY-SA-4.0", "allow"),
        ("CC-BY-SA-4.0", ("distribute",), "CC-BY-SA-3.0", "deny"),
        # A choice is taken where one of its licenses allows the use.
        ("MIT OR GPL-3.0-only", ("distribute",), "MIT", "allow"),
        ("MIT AND GPL-3.0-only", ("distribute",), "MIT", "deny"),
        ("WTFPL", ("internal",), None, "unknown"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", ("internal",), None, "unknown"),
        ("MIT OR WTFPL", ("distribute",), None, "allow"),
        (None, ("internal",), None, "unknown"),
        ("MIT", ("internal",), "other", "unknown"),
        ("MIT", ("internal",), "MIT OR Apache-2.0", "unknown"),
    ],
)
def test_one_base(base: str | None, intent: tuple[str, ...], declared: str | None, expected: str) -> None:
    assert verdict(part(base), intent=intent, declared=declared) == expected


def test_two_pins_exclude_each_other_under_any_label() -> None:
    for label in (None, LLAMA, GEMMA, "MIT"):
        assert verdict(part(LLAMA), part(GEMMA), declared=label) == "deny"
    assert verdict(part("LGPL-3.0-or-later"), part("GPL-3.0-or-later"), declared="GPL-3.0-only") == "allow"


def test_a_merge_of_noncommercial_and_permissive_under_a_permissive_label() -> None:
    answer = compose([part("CC-BY-NC-SA-4.0"), part("Apache-2.0")], intent=["distribute"], declared="Apache-2.0")
    assert answer.verdict == "deny"
    assert any("the declared Apache-2.0 would drop that" in reason for reason in answer.reasons)


def test_nothing_declared_is_every_use() -> None:
    assert verdict(part("CC-BY-NC-4.0"), intent=()) == "deny"
    assert verdict(part("AGPL-3.0-only"), intent=(), declared="MIT") == "deny"


def test_an_unresolved_component_names_itself_and_blocks() -> None:
    answer = compose([part("MIT"), part(None, "train")], intent=["internal"], declared=None)
    assert answer.verdict == "unknown"
    assert answer.reasons == ("train my-train: the license is not resolved (unknown): because",)


def test_a_denial_stands_beside_an_unknown() -> None:
    assert verdict(part("CC-BY-NC-4.0"), part(None, "train"), intent=("commercial",)) == "deny"


def test_no_component_is_not_permission() -> None:
    assert verdict(intent=("internal",)) == "unknown"
    assert verdict(part("MIT", "test"), intent=("internal",)) == "unknown"


@pytest.mark.parametrize(("stance", "expected"), [("strict", "deny"), ("notice", "allow"), ("ignore", "allow")])
def test_the_stance_on_training_data(stance: Any, expected: str) -> None:
    answer = compose(
        [part("MIT"), part("CC-BY-NC-SA-4.0", "train")],
        intent=["distribute", "commercial"],
        declared="MIT",
        data_stance=stance,
    )
    assert answer.verdict == expected
    assert any("train my-train" in reason for reason in answer.reasons)
    assert any("CC-BY-NC-SA-4.0" in duty for duty in answer.obligations) == (stance != "ignore")


@pytest.mark.parametrize("role", ["test", "shifted", "calibration", "canary"])
def test_data_for_measuring_does_not_bind(role: str) -> None:
    arguments: dict[str, Any] = {"intent": ("distribute", "commercial"), "declared": "MIT", "data_stance": "strict"}
    assert verdict(part("MIT"), part("CC-BY-NC-4.0", role), part(None, role), **arguments) == "allow"


def test_obligations_name_component_license_and_section() -> None:
    answer = compose([part("Apache-2.0"), part("CC-BY-4.0", "train")], intent=["distribute"], declared=None)
    assert "base my-base, Apache-2.0: pass on the NOTICE file where there is one (section 4(d))" in answer.obligations
    assert (
        "train my-train, CC-BY-4.0: credit the author, link the license and say what was changed (section 3(a))"
        in answer.obligations
    )


def test_a_condition_on_commercial_use_is_said() -> None:
    answer = compose([part(LLAMA)], intent=["distribute", "commercial"], declared="llama3.1")
    assert any("under a condition" in reason for reason in answer.reasons)
    assert any("700 million" in duty for duty in answer.obligations)


def test_the_table_is_sound() -> None:
    table = rules()
    assert len(table) >= 60
    for name, row in table.items():
        assert normalize(name) == name, name
        assert all(other in table for other in (row.pin.accepts if row.pin else ())), name
        assert row.checked_on is None or row.checked_on >= date(2026, 1, 1), name
        assert all(duty.do and duty.section and duty.by for duty in row.duties), name
        assert all(bool(duty.text) == (duty.look in {"notice", "card", "name"}) for duty in row.duties), name
        assert row.source.startswith("https://"), name
        assert not re.search("NC", name) or row.commercial == "forbidden", name
        assert not re.search(r"-SA-|GPL", name) or row.pin is not None, name


@pytest.mark.parametrize(
    ("expression", "choices"),
    [
        ("MIT", {("MIT",)}),
        ("MIT AND (Apache-2.0 OR ISC)", {("MIT", "Apache-2.0"), ("MIT", "ISC")}),
        ("not a license", set()),
        (" AND ".join(f"({a} OR {b})" for a, b in [("MIT", "ISC"), ("Zlib", "0BSD"), ("Apache-2.0", "BSL-1.0"),
            ("CC0-1.0", "Unlicense"), ("MPL-2.0", "EPL-2.0"), ("NCSA", "AFL-3.0"), ("WTFPL", "X11")]), set()),
    ],
)  # fmt: skip
def test_choices_of_an_expression(expression: str, choices: set[tuple[str, ...]]) -> None:
    assert {tuple(sorted(choice)) for choice in alternatives(expression)} == {tuple(sorted(c)) for c in choices}


ids = st.sampled_from([*sorted(rules()), None])
uses = st.sets(st.sampled_from(["internal", "distribute", "hosted", "commercial"]), min_size=1)
ORDER = {"allow": 0, "unknown": 1, "deny": 2}


@settings(deadline=None, max_examples=30)
@given(st.lists(ids, max_size=3), ids, uses, uses, st.sampled_from([None, "MIT", "GPL-3.0-only", LLAMA]))
def test_more_components_and_more_uses_never_help(
    names: list[str | None], more: str | None, some: set[str], further: set[str], label: str | None
) -> None:
    parts = [part(name) for name in [*names, "MIT"]]
    small = compose(parts, intent=sorted(some), declared=label)
    larger = compose([*parts, part(more)], intent=sorted(some), declared=label)
    wider = compose(parts, intent=sorted(some | further), declared=label)
    assert ORDER[larger.verdict] >= ORDER[small.verdict]
    assert ORDER[wider.verdict] >= ORDER[small.verdict]
    assert set(small.obligations) <= set(larger.obligations)
    assert compose(parts[::-1], intent=sorted(some), declared=label).verdict == small.verdict


def test_a_license_outside_the_table_has_no_rule() -> None:
    assert rule("WTFPL") is None
