"""Shapes of real failures, and compositions worked out by hand from the texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from govkit.core import Component, Fact, LicenseEvidence
from govkit.licenses import Composition, compose, conclude, declared, find, look, notice, rule
from govkit.licenses.rules import rules

OPEN = Fact(seen="unknown")
SCANCODE = "LicenseRef-scancode-"
LLAMA_2 = f"{SCANCODE}llama-2-license-2023"
LLAMA_31, LLAMA_32, LLAMA_33 = (f"{SCANCODE}llama-3.{minor}-license-2024" for minor in (1, 2, 3))
GEMMA, GEMMA_2026 = f"{SCANCODE}gemma-tou-2024-04-01", "LicenseRef-gemma-tou-2026-04-01"
STABLE, STABLE_NC = f"{SCANCODE}stability-ai-community-2024", f"{SCANCODE}stability-ai-nc-2023-12-06"
OPENAI, QWEN = f"{SCANCODE}openai-tou-20241211", f"{SCANCODE}tongyi-qianwen-2023"
BLOOM = f"{SCANCODE}bigscience-rail-1.0"
MARCO, IMAGENET = "LicenseRef-ms-marco-terms", "LicenseRef-imagenet-terms"


def part(expression: str, role: str = "base", id: str = "") -> Component:
    return Component.model_validate(
        {
            "role": role,
            "id": Fact(value=id or f"my-{role}", seen="observed"),
            "revision": OPEN,
            "digest": OPEN,
            "rows": OPEN,
            "license": conclude([declared(expression)]),
        }
    )


def parts(said: str) -> list[Component]:
    """``MIT + data CC-BY-4.0``: a base, and training data."""
    each = [one.strip() for one in said.split("+")]
    return [part(one.removeprefix("data "), "train" if one.startswith("data ") else "base") for one in each]


def answer(said: str, intent: str, label: str | None = None, stance: Any = "notice") -> Composition:
    return compose(parts(said), intent=intent.split(), declared=label, data_stance=stance)


@pytest.mark.parametrize(
    ("base", "label"),
    [
        pytest.param(LLAMA_33, "apache-2.0", id="a Llama 3.3 derivative published as Apache-2.0"),
        pytest.param(LLAMA_31, "cc-by-nc-4.0", id="a Llama 3.1 derivative published as CC-BY-NC"),
        pytest.param(LLAMA_32, "cc-by-nc-4.0", id="a Llama 3.2 derivative published as CC-BY-NC"),
        pytest.param(GEMMA, "apache-2.0", id="a Gemma 3 derivative published as Apache-2.0"),
        pytest.param(GEMMA_2026, "apache-2.0", id="the same under the terms of 2026"),
        pytest.param("CC-BY-NC-SA-4.0 + Apache-2.0", "apache-2.0", id="a merge of CC-BY-NC-SA and Apache as Apache"),
    ],
)
def test_relabeled_derivatives_are_denied(base: str, label: str) -> None:
    assert answer(base, "distribute", label).verdict == "deny"


def test_four_licenses_in_one_folder_are_a_conflict(tmp_path: Path) -> None:
    """A card, a LICENSE and two identifier files that each say something else."""
    (tmp_path / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    for name, id in (("LICENSE", "Apache-2.0"), ("LICENSE.weights", "CC-BY-NC-SA-4.0"), ("LICENSE.data", "MIT")):
        (tmp_path / name).write_text(f"SPDX-License-Identifier: {id}\n")
    record = conclude(find(tmp_path))
    assert record.state == "conflict"
    assert len({sign.expression for sign in record.evidence}) == 4
    open_part = part("MIT").model_copy(update={"license": record})
    assert compose([open_part], intent=["internal"], declared=None).verdict == "unknown"


@pytest.mark.parametrize(
    ("said", "intent", "label", "stance", "expected"),
    [
        # BY-SA 4.0, 3(b)(1): an adaptation carries BY-SA; strict takes the weights for one.
        ("Apache-2.0 + data CC-BY-SA-4.0", "distribute", "Apache-2.0", "strict", "deny"),
        # Under notice the weights are none, and 3(b) is only named.
        ("Apache-2.0 + data CC-BY-SA-4.0", "distribute", "Apache-2.0", "notice", "allow"),
        # MS MARCO: "non-commercial research purposes only".
        (f"MIT + data {MARCO}", "hosted commercial", None, "strict", "deny"),
        (f"MIT + data {MARCO}", "internal", None, "strict", "allow"),
        # ImageNet, condition 1: non-commercial; left out by a stance that has its reason elsewhere.
        (f"Apache-2.0 + data {IMAGENET}", "commercial", None, "strict", "deny"),
        (f"Apache-2.0 + data {IMAGENET}", "commercial", None, "ignore", "allow"),
        # Gemma 1.1(e)(iii): a model trained on its outputs is a Model Derivative, whatever the stance on data.
        (f"MIT + data {GEMMA}", "distribute", "MIT", "notice", "deny"),
        # Llama 2, 1.b.v: no other language model may be improved; whether this one is, a person must say.
        (f"Apache-2.0 + data {LLAMA_2}", "internal", None, "notice", "unknown"),
        # The exception of 1.b.v: Llama 2 itself.
        (f"{LLAMA_2} + data {LLAMA_2}", "distribute", "llama2", "notice", "allow"),
        # Qwen 5.b says the same; section 3 pins no license.
        (f"MIT + data {QWEN}", "internal", None, "notice", "unknown"),
        # OpenAI: no model that competes; whether it does, a person must say.
        (f"MIT + data {OPENAI}", "hosted", None, "notice", "unknown"),
        # Stability NC 1.b: not in a hosted service; 1.c: passed on under the same terms.
        (STABLE_NC, "hosted", STABLE_NC, "notice", "deny"),
        (STABLE_NC, "distribute", STABLE_NC, "notice", "allow"),
        (STABLE_NC, "distribute commercial", STABLE_NC, "notice", "deny"),
        # Stability Community III: commercial use below a revenue, after registration.
        (STABLE, "hosted commercial", STABLE, "notice", "allow"),
        # AGPL "or later": the recipient may choose version 3 alone (section 14).
        ("AGPL-3.0-or-later", "hosted", "AGPL-3.0-only", "notice", "allow"),
        # GPLv2 6 and GPLv3 5(c) each demand themselves for the whole.
        ("GPL-2.0-only + GPL-3.0-only", "distribute", None, "notice", "deny"),
        # GPLv2 6: no further restrictions; Apache 3 ends a patent license, which is one. GPLv3 7 lets it in.
        ("GPL-2.0-only + Apache-2.0", "distribute", "GPL-2.0-only", "notice", "deny"),
        ("GPL-3.0-only + Apache-2.0", "distribute", "GPL-3.0-only", "notice", "allow"),
        # MPL 3.3: a larger work may go under GPL-3.0, a secondary license (1.12).
        ("MPL-2.0 + GPL-3.0-only", "distribute", "GPL-3.0-only", "notice", "allow"),
        # BY-SA 4.0 is one-way compatible with GPLv3 (Creative Commons' list, by 1(c)).
        ("CC-BY-SA-4.0 + GPL-3.0-only", "distribute", "GPL-3.0-only", "notice", "allow"),
        # BY-SA 3.0, 4(b)(ii): a later version with the same elements; not the other way round.
        ("CC-BY-SA-3.0 + CC-BY-SA-4.0", "distribute", "CC-BY-SA-4.0", "notice", "allow"),
        ("CC-BY-SA-3.0 + CC-BY-SA-4.0", "distribute", "CC-BY-SA-3.0", "notice", "deny"),
        # BLOOM 4(a): the restrictions stay in any terms, a hosted service is distribution (1.7).
        (BLOOM, "hosted", "Apache-2.0", "notice", "deny"),
        (BLOOM, "hosted commercial", BLOOM, "notice", "allow"),
        # ODbL 4.4: share-alike for a derivative database that is publicly used; Etalab asks for a name only.
        ("MIT + data ODbL-1.0", "hosted", "MIT", "strict", "deny"),
        ("MIT + data etalab-2.0", "distribute commercial", "MIT", "strict", "allow"),
        # PolyForm Noncommercial: any noncommercial purpose.
        ("PolyForm-Noncommercial-1.0.0", "commercial", None, "notice", "deny"),
    ],
)  # fmt: skip
def test_worked_out_by_hand(said: str, intent: str, label: str | None, stance: str, expected: str) -> None:
    found = answer(said, intent, label, stance)
    assert found.verdict == expected, found.reasons


def test_rows_whose_role_nobody_named_count_as_training_data() -> None:
    unknown = part("CC-BY-NC-4.0", "unknown")
    assert compose([part("MIT"), unknown], intent=["commercial"], declared=None, data_stance="strict").verdict == "deny"


def test_a_rule_that_was_never_checked_allows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rules(), "ISC", rules()["ISC"].model_copy(update={"checked_on": None}))
    found = answer("ISC", "internal")
    assert found.verdict == "unknown"
    assert found.reasons == ("base my-base: ISC: its rule was not yet compared with the text",)
    assert answer("MIT", "internal", "ISC").verdict == "unknown"
    assert answer("ISC OR MIT", "internal").verdict == "allow"


def test_every_rule_was_compared_with_its_text() -> None:
    assert [name for name, row in rules().items() if row.checked_on is None] == []


CARD = "# A model\n\nBuilt with Llama. Use policy: https://llama.meta.com/llama3_1/use-policy\n"
LINE = (
    "Llama 3.1 is licensed under the Llama 3.1 Community License,\n"
    "Copyright (c) Meta Platforms, Inc. All Rights Reserved."
)


@pytest.fixture
def released(tmp_path: Path) -> Path:
    folder = tmp_path / "Llama-tuned"
    folder.mkdir()
    # The identifier stands for the text, which is not ours to ship.
    (folder / "LICENSE").write_text(f"SPDX-License-Identifier: {LLAMA_31}\n")
    (folder / "README.md").write_text(CARD)
    (folder / "Notice").write_text(LINE)
    return folder


def seen(folder: Path, name: str = "Llama-tuned", intent: tuple[str, ...] = ("distribute",)) -> dict[str, str]:
    found = answer(LLAMA_31, "distribute", LLAMA_31)
    states = look(found, folder, name=name, intent=intent)
    return {
        f"{owed.duty.look} {owed.duty.section}": state for owed, state in zip(found.owed, states, strict=bool(states))
    }


def test_duties_that_a_machine_can_see(released: Path) -> None:
    assert set(seen(released).values()) == {"met", "by hand"}
    assert seen(released, intent=("internal",)) == {}
    assert "not found" not in seen(released, intent=()).values()


@pytest.mark.parametrize(
    ("file", "duty"),
    [
        ("LICENSE", "license section 1.b.i(A)"),
        ("README.md", "card section 1.b.i(B)"),
        ("README.md", "card section 1.b.iv"),
        ("Notice", "notice section 1.b.iii"),
    ],
)
def test_a_missing_file_leaves_its_duty_open(released: Path, file: str, duty: str) -> None:
    (released / file).unlink()
    assert seen(released)[duty] == "not found"


def test_a_notice_without_the_line_and_a_name_without_the_prefix_are_open(released: Path) -> None:
    (released / "Notice").write_text("Llama 3.1 is licensed under the Llama 3.2 Community License")
    found = seen(released, name="Llasa-3B")
    assert (found["notice section 1.b.iii"], found["name section 1.b.i"]) == ("not found", "not found")


def test_a_permissive_label_without_the_text_is_open(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n")
    found = compose([part("MIT")], intent=["distribute"], declared="MIT")
    assert look(found, tmp_path, name="x", intent=["distribute"]) == ("not found",)


def _signed(expression: str, *lines: str) -> Component:
    sign = LicenseEvidence(
        source="license file", where="LICENSE", expression=expression, sha256="sha256:ab", copyright=lines
    )
    return part(expression).model_copy(update={"license": conclude([sign])})


def test_a_notice_names_works_licenses_and_demanded_lines() -> None:
    base = _signed(LLAMA_31, "Copyright (c) Somebody")
    text = notice([part("CC-BY-4.0", "train", "the rows"), part("MIT", "test", "rows to measure"), base])
    assert text.index("Base model: my-base") < text.index("Training data: the rows")
    assert "rows to measure" not in text
    for line in (
        f"  License: {LLAMA_31}",
        "  Copyright (c) Somebody",
        "  Llama 3.1 is licensed under the Llama 3.1 Community License, Copyright © Meta Platforms, Inc. All Rights Reserved.",  # noqa: E501
        "  Changed: its weights were tuned further.",
        "  License text: LICENSE sha256:ab",
        "  Text: https://creativecommons.org/licenses/by/4.0/legalcode",
    ):
        assert f"{line}\n" in text, line


def test_a_notice_does_not_depend_on_the_order_and_hides_nothing() -> None:
    works = [part("MIT"), part("CC-BY-4.0", "train", "b"), part("MIT", "train", "a"), part("MIT", "train", "a")]
    assert notice(works) == notice(works[::-1])
    hostile = part("MIT", id="x\u202ey\n  License: CC0-1.0")
    assert "Base model: x\\u{202e}y License: CC0-1.0\n" in notice([hostile])
    unknown = part("MIT").model_copy(update={"license": conclude([])})
    assert "  License: not established (no sign of a license was found)\n" in notice([unknown])


def test_the_table_has_what_the_two_gemma_terms_ask() -> None:
    for name in (GEMMA, GEMMA_2026):
        row = rule(name)
        assert row is not None
        assert row.outputs == "derivative"
        assert {duty.look for duty in row.duties} == {"card", "license", "notice", ""}
