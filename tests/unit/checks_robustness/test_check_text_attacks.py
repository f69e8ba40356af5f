"""Attacks on texts: weak models are found, sound ones are not accused, and numbers that cannot be believed say so."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from attacked_fixture import Open, case_of
from case_fixture import make_case
from rows_fixture import gaps, measurements, run, value
from text_models import HONEST, MASKED, NEUTRAL, TinyText, messages, trained

from govkit.checks import Request, catalog, declared_passes
from govkit.core import Gap, Measurement
from govkit.errors import UsageError
from govkit.policy import lint, load

torch.set_num_threads(1)

TEXTS = [f"please claim your prize {number}" for number in range(30)] + [f"see you at lunch {n}" for n in range(30)]
SPAM = np.array([1] * 30 + [0] * 30)
ATTACKS = {"typos", "homoglyphs", "spaces", "casing", "insertions"}


class Words:
    """A text subject without gradients: the words that stand in a list make it answer spam."""

    access, path, digest, modality = "predict", None, "sha256:01", "text"

    def __init__(self, passes, words, classes=(), *, fold=True, wobble=0.0):
        self.passes, self.words, self.classes, self.fold, self.wobble = passes, words, classes, fold, wobble
        self.random = np.random.default_rng(0)

    def predict(self, inputs):
        self.passes.forward += len(inputs)
        texts = [text.lower() if self.fold else text for text in inputs]
        spam = np.array([any(word in text for word in self.words) for text in texts], dtype=float)
        high = 0.1 + 0.8 * spam + self.wobble * self.random.uniform(-1, 1, len(texts))
        columns = [1 - high, high]
        return np.stack(columns[::-1] if self.classes[:1] == ("class 1",) else columns, axis=1)


def attack(words=("prize",), texts=TEXTS, labels=SPAM, *, fold=True, wobble=0.0, base=None, **params):
    make = lambda passes: Words(passes, words, fold=fold, wobble=wobble)  # noqa: E731
    return run("text_attacks", case_of(texts, labels, make, base=base, modality="text"), **params)


def robust(found, name, of="candidate"):
    return value(found, "text_robust_accuracy", part={"attack": name}, of=of)


def test_a_model_that_hangs_on_one_word_is_found_and_a_sound_one_is_not():
    weak = attack(tries=20)
    assert value(weak, "clean_accuracy") == 1.0
    assert value(weak, "typo_accuracy") <= 0.6
    (drop,) = measurements(weak, "typo_accuracy_drop")
    assert drop.value == pytest.approx(1 - value(weak, "typo_accuracy"))
    assert drop.bounds[1].low > 0.2
    sound = attack(["e your", "claim", "prize"])
    assert value(sound, "typo_accuracy") == 1.0
    assert value(sound, "typo_accuracy_drop") == 0.0
    assert gaps(sound) == dict.fromkeys(("embedding_pgd_accuracy", "substitution_accuracy"), "unsupported")


def test_typos_break_half_the_rows_that_hang_on_one_of_a_few_words():
    """Each text of eight words holds one of three that the model knows; a mistake there alone breaks it."""
    rng = np.random.default_rng(4)
    few, texts = ["prize", "winner", "claim"], []
    for row in range(64):
        words = rng.choice(NEUTRAL, 8).tolist()
        words[rng.integers(8)] = few[row % 3]
        texts.append(" ".join(words))
    found = attack(few, texts, [1] * 64)
    assert value(found, "clean_accuracy") == 1.0
    (drop,) = measurements(found, "typo_accuracy_drop")
    assert drop.value >= 0.5
    assert drop.interval.low > 0.3


def test_each_attack_is_a_part_and_the_worst_case_is_row_by_row():
    """By hand: rows hang on a letter, on a plain space, on small letters, on how they begin; each falls to one kind."""
    found = attack(["prize"], tries=20, options=20, edits=2)
    parts = {item.part["attack"] for item in measurements(found, "text_robust_accuracy") if item.part}
    assert parts == ATTACKS
    assert robust(found, "homoglyphs") <= 0.6
    assert robust(found, "spaces") <= 0.6
    assert robust(found, "casing") == robust(found, "insertions") == 1.0
    assert robust(found, "typos") == value(found, "typo_accuracy")
    worst = value(found, "text_robust_accuracy", part={})
    assert worst == 0.5
    (drop,) = measurements(found, "text_robust_accuracy_drop", part={})
    assert (drop.value, len(drop.bounds)) == (0.5, 9)
    cased = attack(["prize"], fold=False, options=20)
    assert robust(cased, "casing") <= 0.6
    start = ["See you"]
    begun = attack(start, ["See you"] * 20 + ["hello there"] * 20, [1] * 20 + [0] * 20, phrases=["See you"], typos=0)
    assert robust(begun, "insertions") == 0.5


def test_synonyms_are_tried_where_they_are_given():
    found = attack(synonyms={"prize": ["award"]}, edits=1)
    assert robust(found, "synonyms") == 0.5


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"synonyms": {"prize": ["£100"]}}, "without digits, addresses or amounts of money"),
        ({"synonyms": {"10": ["ten"]}}, "one word of letters"),
        ({"synonyms": {"prize": []}}, "synonyms"),
        ({"phrases": ["see www.win.com"]}, "without digits"),
        ({"examples": 21}, "examples"),
    ],
)
def test_what_would_change_the_message_is_refused(params, said):
    with pytest.raises(UsageError, match=said):
        attack(**params)


def test_passes_stay_within_the_declared_and_near_them():
    make = lambda passes: Words(passes, ["e your", "claim", "prize"])  # noqa: E731
    case = case_of(TEXTS, SPAM, make, base=lambda p: Words(p, ["prize"], ("class 1", "class 0")), modality="text")
    declared = declared_passes(case, [Request("text_attacks", {})], catalog=catalog())
    found = run("text_attacks", case)
    assert 0.7 * declared.forward <= case.passes.forward <= declared.forward
    assert declared.forward == 2 * 60 + 2 * 60 * (2 * 8 + 4 * 2 * 2 + 2)
    assert value(found, "typo_accuracy", of="base", compared_with=None) <= 0.8
    assert value(found, "typo_accuracy", compared_with="base") > 0
    assert value(found, "text_robust_accuracy", compared_with="base") > 0
    spent = sum(item.passes["forward"] for item in found if isinstance(item, Measurement) and item.passes)
    assert case.passes.forward - spent == 2 * 60 + 2 * 60 * 2


def test_passes_of_the_diagnosis_stay_within_the_declared():
    texts, labels = messages(40, 3)
    for kind in HONEST:
        case = case_of(texts, labels, lambda p, kind=kind: TinyText(trained(kind, 0), p), modality="text")
        request = Request("text_attacks", {"eps": 0.001})
        declared = declared_passes(case, [request], catalog=catalog())
        run("text_attacks", case, eps=0.001)
        assert case.passes.forward <= declared.forward
        assert 0.5 * declared.backward <= case.passes.backward <= declared.backward


def test_broken_texts_are_shown_only_where_they_are_asked_for():
    assert not measurements(attack(), "broken_text")
    found = attack(examples=3, options=4)
    shown = measurements(found, "broken_text")
    assert [item.part for item in shown] == [{"number": "1"}, {"number": "2"}, {"number": "3"}]
    for item, story in zip(shown, measurements(found, "broken_text_story"), strict=True):
        scored = re.sub(r"⟨U\+([0-9A-F]+)⟩", lambda match: chr(int(match[1], 16)), item.value)
        assert "prize" not in scored.lower()
        assert scored not in TEXTS
        (place,) = item.rows
        assert re.search(r"\d+$", scored)[0] == str(int(place.removeprefix("row ")) - 1)
        assert item.rows == story.rows
        assert re.fullmatch(r"\w+, [12] edits?: class 1 \(0\.900\) became class 0 \(0\.900\)", story.value)


def test_a_model_that_answers_the_same_text_in_two_ways_is_suspect_and_never_passes():
    found = attack(["e your", "claim", "prize"], wobble=0.05)
    assert "the same text gets different answers" in value(found, "trust_reason")
    gated = [item for item in found if isinstance(item, Measurement) and item.bounds and item.name != "clean_accuracy"]
    assert gated
    assert {item.trust for item in gated} == {"suspect"}
    steady = attack(["e your", "claim", "prize"])
    assert value(steady, "trust_reason") == "none"
    assert {item.trust for item in measurements(steady, "typo_accuracy")} == {None}


def test_a_model_that_answers_no_number_to_what_was_changed_is_broken_and_suspect():
    class Silent(Words):
        def predict(self, inputs):
            silent = np.array([text not in TEXTS for text in inputs])
            return np.where(silent[:, None], np.nan, super().predict(inputs))

    found = run("text_attacks", case_of(TEXTS, SPAM, lambda p: Silent(p, ["prize"]), modality="text"))
    assert value(found, "clean_accuracy") == 1.0
    assert value(found, "typo_accuracy") == value(found, "text_robust_accuracy", part={}) == 0.0
    assert {item.trust for item in measurements(found, "typo_accuracy")} == {"suspect"}


@pytest.mark.parametrize(
    ("texts", "params", "lost"),
    [
        ([f"12 {n}" for n in range(20)], {"edits": 0}, {*ATTACKS, "all", "typed"}),
        (TEXTS[:20], {"typos": 0, "edits": 0}, {*ATTACKS, "all", "typed"}),
        (TEXTS[:20], {"edits": 0}, ATTACKS - {"typos"}),
        ([f"大奖 {chr(ord('一') + n)}" for n in range(20)], {}, {"homoglyphs", "casing"}),
    ],
    ids=["digits", "no changes", "typos only", "Chinese"],
)
def test_an_attack_that_finds_nothing_to_change_is_a_gap(texts, params, lost):
    found = attack(["12", "prize", "大"], texts, [1] * 20, **params)
    assert value(found, "clean_accuracy") == 1.0
    for ending in ("", "_drop"):
        named = {"typo_accuracy" + ending: "typed", "text_robust_accuracy" + ending: "all"}
        spoken = [item for item in found if item.name in named]
        kinds = [(item.part.get("attack", named[item.name]), isinstance(item, Gap)) for item in spoken]
        assert dict(kinds) == {name: name in lost for name in {*ATTACKS, "all", "typed"}}
        assert len(kinds) == len(ATTACKS) + 2
    assert {item.reason for item in found if isinstance(item, Gap)} <= {"unsupported"}


def test_an_attack_that_reaches_few_of_the_texts_is_not_evaluated():
    texts = [f"prize {number}" for number in range(5)] + [f"12 {number}" for number in range(15)]
    found = attack(["prize", "12"], texts, [1] * 20)
    trusts = {item.part.get("attack"): item.trust for item in measurements(found, "text_robust_accuracy")}
    assert trusts == {
        **dict.fromkeys(("typos", "homoglyphs", "casing", "spaces"), "not evaluated"),
        "insertions": None,
        None: None,
    }
    assert {item.trust for item in measurements(found, "typo_accuracy_drop")} == {"not evaluated"}


def test_a_base_that_wobbles_makes_the_difference_suspect():
    found = attack(base=lambda p: Words(p, ["prize"], wobble=0.05))
    assert {item.trust for item in measurements(found, "typo_accuracy", compared_with="base")} == {"suspect"}
    assert {item.trust for item in measurements(found, "typo_accuracy", of="candidate", compared_with=None)} == {None}


def tiny(kind, seed, n=40, **how):
    texts, labels = messages(80, 50 + seed)
    case = case_of(texts, labels, lambda p: TinyText(trained(kind, seed), p, **how), modality="text")
    return run("text_attacks", case, rows=n, diagnosed=n, typos=1, tries=2, edits=1)


@pytest.mark.parametrize("kind", HONEST)
def test_an_honest_text_model_is_trusted(kind):
    found = tiny(kind, 0)
    assert value(found, "embedding_trust_reason") == "none"
    (item,) = measurements(found, "embedding_pgd_accuracy")
    assert (item.trust, item.bounds, item.interval) == ("trusted", (), None)
    assert item.value < 0.1
    assert value(found, "trust_reason") == "none"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("logits x300", "the cross-entropy has no gradient"),
        ("logits x10000", "the cross-entropy has no gradient"),
        ("dropout .1 left on", "the same input gets different answers"),
        ("quantized embeddings", "the margin has no gradient"),
        ("random gradient", "no better than a random one"),
        ("cut gradient", "the margin has no gradient"),
    ],
)
def test_a_masked_text_model_is_suspect(name, reason):
    with torch.random.fork_rng():
        found = tiny("plain", 1, **MASKED[name])
    assert reason in value(found, "embedding_trust_reason")
    assert {item.trust for item in measurements(found, "embedding_pgd_accuracy")} == {"suspect"}
    steady = not name.startswith("dropout")
    assert (value(found, "trust_reason") == "none") == steady


def test_a_model_that_answers_otherwise_than_its_gradient_says_is_suspect():
    class Other(TinyText):
        def predict(self, inputs):
            self.passes.forward += len(inputs)
            return np.array([[0.9, 0.1] if "prize" in text else [0.1, 0.9] for text in inputs])

    texts, labels = messages(40, 3)
    found = run("text_attacks", case_of(texts, labels, lambda p: Other(trained("plain", 0), p), modality="text"))
    said = value(found, "embedding_trust_reason")
    assert "answers otherwise than the model that is audited" in said


def test_classes_in_another_order_are_matched():
    straight = attack(["prize"])
    turned = lambda p: Words(p, ["prize"], ("class 1", "class 0"))  # noqa: E731
    found = run("text_attacks", case_of(TEXTS, SPAM, turned, modality="text"))
    for name in ("typo_accuracy", "typo_accuracy_drop", "clean_accuracy"):
        assert value(found, name) == value(straight, name)
    assert value(found, "trust_reason") == "none"


def test_a_second_run_gives_the_same_findings_and_leaves_the_random_state():
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    first, second = (tiny("bag", 2, n=12) for _ in range(2))
    assert first == second
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()


def test_no_control_may_rest_on_a_diagnosis():
    policy = load("nist-ai-rmf-core")
    (control,) = (item for item in policy.controls if item.metric == "text_robust_accuracy_drop")
    wrong = {"metric": "embedding_pgd_accuracy", "require": type(control.require)(min=0.1)}
    asked = control.model_copy(update=wrong)
    problems = lint(policy.model_copy(update={"controls": (asked,)}), catalog())
    assert any(item.level == "error" and "for diagnosis" in item.message for item in problems)
    assert not any("for diagnosis" in item.message for item in lint(policy, catalog()))


def test_what_is_no_text_is_a_gap():
    x = np.linspace(0, 1, 8).reshape(4, 2)
    make = lambda p: Open(lambda z: z @ torch.eye(2), p, modality="table", input_range=None)  # noqa: E731
    found = run("text_attacks", case_of(x, [1, 1, 1, 1], make, modality="table"))
    assert set(gaps(found).values()) == {"unsupported"}
    assert gaps(run("text_attacks", make_case([0, 1], [0.2, 0.7]))) == {"*": "unsupported"}
