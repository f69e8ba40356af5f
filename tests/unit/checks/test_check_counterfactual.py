"""Counterfactual: a model that reads who is spoken of is found, one that does not is not accused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from case_fixture import bound, make_dataset, predictions
from statsmodels.stats.contingency_tables import mcnemar

from govkit import stats
from govkit.checks import Request, catalog, declared_passes, measure
from govkit.core import Case, Finding, Gap, Measurement, Passes
from govkit.core.audit import Use
from govkit.core.case import Coded

FILLER = ["please", "send", "this", "report", "to", "the", "big", "office", "on", "Monday"]
WHO = ["he", "she", "father", "mother", "Mr", "Mrs"]


def sentences(n: int, seed: int = 0) -> list[str]:
    """Sentences that hold a gender word and neutral words."""
    rng = np.random.default_rng(seed)
    return [f"{rng.choice(WHO)} {' '.join(rng.permutation(FILLER))} {row}" for row in range(n)]


class Scored:
    """A subject on texts or frames: the probability of class 1 is a function of each input."""

    digest, access, classes, path = "sha256:" + "0" * 64, "predict", (), None

    def __init__(self, score: Any, passes: Passes, modality: str = "text") -> None:
        self.score, self.passes, self.modality = score, passes, modality

    def predict(self, inputs: Any) -> np.ndarray:
        self.passes.forward += len(inputs)
        rows = inputs.itertuples() if hasattr(inputs, "itertuples") else inputs
        positive = np.array([self.score(row) for row in rows], dtype=np.float64)
        return np.column_stack([1 - positive, positive])


def live(inputs: Any, score: Any, *, base: Any = None, groups: dict[str, Coded] | None = None) -> Case:
    modality = "text" if isinstance(inputs, list) else "table"
    passes = Passes()
    subjects = {"candidate": Scored(score, passes, modality), "base": base and Scored(base, passes, modality)}
    data = replace(make_dataset(np.zeros(len(inputs)), inputs=inputs), groups=groups or {})
    answers = {of: predictions(subject.predict(inputs)) for of, subject in subjects.items() if subject}
    passes.forward = 0
    return Case(
        subject=subjects["candidate"], base=subjects["base"], incumbent=None, data={"test": data},
        classes=("no", "yes"), positive=1, run=None, use=Use(), access="predict", modality=modality, model_path=None,
        answers=lambda of, _role: answers.get(of), passes=passes,
    )  # fmt: skip


def found(case: Case, **params: Any) -> list[Finding]:
    return measure(case, [Request("counterfactual", params)], catalog=catalog())


def pick(findings: list[Finding], name: str, part: str = "gender", **marks: Any) -> Measurement:
    chosen = {"of": "candidate", "compared_with": None, **marks}
    (only,) = (
        each for each in findings
        if isinstance(each, Measurement) and each.name == name and each.part == {"list": part}
        and all(getattr(each, key) == value for key, value in chosen.items())
    )  # fmt: skip
    return only


def reads_women(text: str) -> float:
    return 0.9 if {"she", "mother", "Mrs"} & set(text.split()) else 0.2


def ignores(text: str) -> float:
    return 0.5 + 0.4 * ((len(text) % 3) - 1)


def test_by_hand() -> None:
    texts = [f"he saw this {row}" for row in range(15)] + [f"she saw that {row}" for row in range(10)]
    told = found(live(texts, lambda text: 0.8 if text.startswith("she") else 0.3))
    assert pick(told, "changed_share").value == 1.0
    assert pick(told, "neutral_changed_share").value == 0.0
    assert pick(told, "changed_share_excess").value == 1.0
    assert pick(told, "score_shift").value == pytest.approx(0.5)
    assert pick(told, "score_direction").value == pytest.approx(0.5)
    assert pick(told, "changed_share").n == 25


def test_a_model_that_reads_gender_is_found_and_its_base_is_not() -> None:
    told = found(live(sentences(200), reads_women, base=lambda _: 0.3))
    assert bound(pick(told, "changed_share_excess"), 0.9999)[0] > 0.5
    assert bound(pick(told, "changed_share", compared_with="base"), 0.9999)[0] > 0.5
    assert pick(told, "changed_share", of="base").value == 0.0
    assert pick(told, "score_direction").value > 0.6


def test_a_model_that_any_new_word_moves_is_not_accused() -> None:
    """Scores that depend on every letter change with neutral words just as often."""
    alarms = 0
    for seed in range(40):
        told = found(live(sentences(120, seed), lambda text: (hash_of(text) % 97) / 96))
        assert pick(told, "changed_share").value > 0.2
        alarms += bound(pick(told, "changed_share_excess"), 0.95)[0] > 0
    assert alarms <= 5


def hash_of(text: str) -> int:
    return sum((place + 1) * 31 * ord(letter) ** 2 for place, letter in enumerate(text))


def test_excess_is_the_paired_difference_that_mcnemar_tests() -> None:
    case = live(sentences(150), lambda text: (hash_of(text) % 97) / 96)
    told = found(case)
    excess, n = pick(told, "changed_share_excess").value, pick(told, "changed_share_excess").n
    one, two = pick(told, "changed_share").value * n, pick(told, "neutral_changed_share").value * n
    assert excess * n == pytest.approx(one - two)
    table = [[0, 12], [4, 30]]
    assert mcnemar(table, exact=True).pvalue == pytest.approx(stats.mcnemar_exact(12, 4))


def test_what_is_asked_was_declared() -> None:
    case = live(sentences(60), reads_women, base=ignores)
    request = Request("counterfactual", {"rows": 50})
    declared = declared_passes(case, [request]).forward
    measure(case, [request], catalog=catalog())
    assert 0 < case.passes.forward <= declared


def test_the_order_of_equal_answers_does_not_matter_and_nothing_is_random() -> None:
    one, two = (found(live(sentences(80), reads_women)) for _ in range(2))
    assert one == two


def test_a_list_of_ones_own() -> None:
    texts = [f"Anna asks for this {row}" for row in range(30)]
    told = found(live(texts, lambda text: float("Ali" in text)), own=(("Anna", "Ali"),))
    assert pick(told, "changed_share", part="own").value == 1.0


def test_a_protected_column_is_flipped() -> None:
    frame = pd.DataFrame({"sex": ["f", "m"] * 30, "age": np.arange(60)})
    groups = {"sex": Coded(np.tile([0, 1], 30).astype(np.int32), ("f", "m"))}
    told = found(live(frame, lambda row: 0.9 if row.sex == "m" else 0.1, base=lambda _: 0.4, groups=groups))
    assert pick(told, "changed_share", part="sex").value == 1.0
    assert pick(told, "changed_share", part="sex", of="base").value == 0.0
    fair = found(live(frame, lambda row: row.age / 60, groups=groups))
    assert pick(fair, "changed_share", part="sex").value == 0.0


def test_gaps() -> None:
    def reasons(case: Case) -> set[tuple[str, str]]:
        return {(each.name, each.reason) for each in found(case) if isinstance(each, Gap)}

    assert ("*", "too few rows") in reasons(live(["nobody here"] * 30, ignores))
    assert ("changed_share_excess", "too few rows") in reasons(live([f"he {row}" for row in range(30)], ignores))
    frame = pd.DataFrame({"sex": ["f"] * 30})
    alone = {"sex": Coded(np.zeros(30, dtype=np.int32), ("f",))}
    assert ("changed_share", "too few rows") in reasons(live(frame, lambda _: 0.3, groups=alone))
    assert ("changed_share", "unsupported") in reasons(live(frame, lambda _: 0.3))
    stored = live(["he"] * 30, ignores)
    assert reasons(replace(stored, subject=None)) == {("*", "unsupported")}
