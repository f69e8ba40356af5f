"""Damaged inputs: real digits beside a probe, texts and tables by hand, gaps, and a planted fragile model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from attacked_fixture import Open, case_of
from case_fixture import bound, gaps, make_case, pick
from digit_models import held_out, network
from rows_fixture import measurements, run
from scipy import stats as reference
from shifted_fixture import CLASSES, digit_case
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from govkit.attacks.corruptions import CORRUPTIONS
from govkit.attacks.text_noise import NOISES
from govkit.checks import Request, catalog, declared_passes
from govkit.core import Gap

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def on_digits():
    case = digit_case(120)
    return case, run("corruptions", case, severities=(1, 3, 5))


def test_every_kind_and_severity_stands_beside_the_base(on_digits):
    _, found = on_digits
    parts = [{"corruption": f"{kind} {severity}"} for kind in CORRUPTIONS for severity in (1, 3, 5)]
    for part in parts:
        candidate, base = (pick(found, "corrupted_accuracy", of=of, part=part) for of in ("candidate", "base"))
        apart = pick(found, "corrupted_accuracy", compared_with="base", part=part)
        assert apart.value == pytest.approx(candidate.value - base.value)
        assert (candidate.n, len(candidate.bounds), len(apart.bounds)) == (64, 9, 9)
    # The mildest damage costs least and the worst most, on the whole.
    mild, bad = (
        np.mean([pick(found, "corrupted_accuracy", part=part).value for part in parts[at::3]]) for at in (0, 2)
    )
    assert mild > bad + 0.1


def test_the_mean_and_the_drop_count_each_row_once(on_digits):
    _, found = on_digits
    parts = [{"corruption": f"{kind} {severity}"} for kind in CORRUPTIONS for severity in (1, 3, 5)]
    mean = pick(found, "mean_corrupted_accuracy")
    assert mean.value == pytest.approx(np.mean([pick(found, "corrupted_accuracy", part=part).value for part in parts]))
    clean, drop = pick(found, "clean_accuracy"), pick(found, "corruption_drop")
    assert drop.value == pytest.approx(clean.value - mean.value)
    assert (mean.n, drop.n) == (64, 64)
    apart = pick(found, "corruption_drop", compared_with="base")
    assert apart.value == pytest.approx(drop.value - pick(found, "corruption_drop", of="base").value)
    assert not [item for item in found if isinstance(item, Gap)]


def test_the_interval_of_the_mean_is_that_of_scipy_over_rows():
    case = digit_case(50, base=False)
    found = run("corruptions", case, severities=[5])
    shares = np.zeros(50)
    from govkit.checks.robustness.corruptions import _kinds

    (kind,) = _kinds(case, 50, [5])
    for images in kind.blocks.values():
        shares += case.subject.predict(images).argmax(axis=1) == case.data["test"].labels
    expected = reference.t.interval(0.95, 49, shares.mean() / 15, reference.sem(shares / 15))
    mean = pick(found, "mean_corrupted_accuracy")
    assert (mean.interval.low, mean.interval.high) == pytest.approx(expected)


def test_passes_are_those_declared_and_a_second_run_gives_the_same(on_digits):
    case = digit_case(120)
    declared = declared_passes(case, [Request("corruptions", {"severities": (1, 3, 5)})], catalog=catalog())
    again = run("corruptions", case, severities=(1, 3, 5))
    assert case.passes.forward == declared.forward
    assert again == on_digits[1]


def test_a_row_is_damaged_alike_wherever_it_stands(on_digits):
    """The canonical order is that of the digests, so another order stands for other rows beside it."""
    order = np.random.default_rng(0).permutation(60)
    one, two = (
        run("corruptions", digit_case(60, base=False, order=rows), severities=(1, 3, 5))
        for rows in (np.arange(60), order)
    )
    assert [item.value for item in one] == pytest.approx([item.value for item in two])


def test_a_fragile_model_is_told_from_a_sound_one():
    """A network that sees only the lowest bits of each pixel is right on clean digits and lost under any damage."""
    x, labels = held_out(200)
    table = {image.numpy().tobytes(): int(label) for image, label in zip(x, labels, strict=True)}

    class ByHeart(Open):
        def predict(self, inputs):
            self.passes.forward += len(inputs)
            answers = [table.get(np.ascontiguousarray(image).tobytes(), 0) for image in np.asarray(inputs)]
            return np.eye(10)[answers]

    fragile = digit_case(200, make=lambda passes: ByHeart(network(), passes, classes=CLASSES))
    drop = pick(run("corruptions", fragile, rows=200, severities=[1]), "corruption_drop", compared_with="base")
    assert bound(drop, 0.999)[0] > 0.3
    sound = pick(run("corruptions", digit_case(200), rows=200, severities=[1]), "corruption_drop", compared_with="base")
    assert bound(sound, 0.95)[1] < 0.1


class Words(Open):
    """Answers spam where a text holds one of some words."""

    def __init__(self, passes, words=("prize",)):
        super().__init__(None, passes, modality="text", input_range=None)
        self.words, self.access = words, "predict"

    def predict(self, inputs):
        self.passes.forward += len(inputs)
        spam = np.array([any(word in text for word in self.words) for text in inputs], dtype=float)
        return np.column_stack([1 - spam, spam])


def test_texts_that_hang_on_one_word_lose_it():
    texts = [f"claim your prize number {n} today" for n in range(40)] + [
        f"see you at lunch number {n}" for n in range(40)
    ]
    labels = np.repeat([1, 0], 40)
    rows = np.random.default_rng(1).permutation(80)
    case = case_of([texts[row] for row in rows], labels[rows], Words, base=lambda p: Words(p, ("prize", "claim")),
                   modality="text")  # fmt: skip
    declared = declared_passes(case, [Request("corruptions", {"rows": 80})], catalog=catalog())
    found = run("corruptions", case, rows=80)
    assert {item.part["corruption"] for item in found if item.part} == {f"{k} {s}" for k in NOISES for s in (2, 4)}
    assert pick(found, "clean_accuracy").value == 1.0
    assert bound(pick(found, "corruption_drop"), 0.95)[0] > 0
    # The base hangs on two words, either of which is enough.
    assert pick(found, "mean_corrupted_accuracy", compared_with="base").value < 0
    assert case.passes.forward == declared.forward


class Fitted(Open):
    """A fitted scikit-learn model on a frame."""

    def __init__(self, model, passes):
        super().__init__(None, passes, modality="table", input_range=None)
        self.model, self.access = model, "predict"

    def predict(self, inputs):
        from govkit.errors import SubjectError

        self.passes.forward += len(inputs)
        try:
            return self.model.predict_proba(inputs)
        except ValueError as error:
            raise SubjectError(str(error)) from error


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.integers(18, 80, 400), "income": rng.normal(40, 10, 400),
                          "rent": rng.normal(12, 3, 400)})  # fmt: skip
    labels = (frame["income"] + 2 * frame["rent"] + rng.normal(0, 4, 400) > 64).astype(int).to_numpy()
    return frame, labels


@pytest.mark.parametrize(("model", "takes"), [(HistGradientBoostingClassifier(max_iter=20), True),
                                              (LogisticRegression(max_iter=5000), False)])  # fmt: skip
def test_missing_values_are_asked_where_they_are_taken_and_else_replaced(people, model, takes):
    frame, labels = people
    model.fit(frame[200:], labels[200:])
    case = case_of(frame[:200].reset_index(drop=True), labels[:200], lambda p: Fitted(model, p), modality="table")
    declared = declared_passes(case, [Request("corruptions", {"severities": (1, 3, 5)})], catalog=catalog())
    found = run("corruptions", case, severities=(1, 3, 5))
    name = "missing values 5" if takes else "missing values, usual ones put in 5"
    assert {item.part["corruption"] for item in measurements(found, "corrupted_accuracy") if "5" in str(item.part)} == {
        name, "wrong unit 5", "swapped columns 5",
    }  # fmt: skip
    assert pick(found, "corrupted_accuracy", part={"corruption": "swapped columns 5"}).value < 0.8
    assert case.passes.forward <= declared.forward


class Checked(Fitted):
    """The same, which refuses a row with an age that nobody has, and repeats it."""

    def predict(self, inputs):
        from govkit.errors import SubjectError

        if inputs["age"].max() > 120:
            raise SubjectError(f"an age of {inputs['age'].max()}")
        return super().predict(inputs)


MEANS = ("mean_corrupted_accuracy", "corruption_drop")


@pytest.mark.parametrize("shy", ["candidate", "base"])
def test_a_kind_that_one_model_refuses_is_a_gap_of_its_own_and_leaves_it_without_a_mean(people, shy, caplog):
    frame, labels = people
    model = LogisticRegression(max_iter=5000).fit(frame[200:], labels[200:])
    kinds = {of: Checked if of == shy else Fitted for of in ("candidate", "base")}
    case = case_of(frame[:200].reset_index(drop=True), labels[:200], lambda p: kinds["candidate"](model, p),
                   base=lambda p: kinds["base"](model, p), modality="table")  # fmt: skip
    declared = declared_passes(case, [Request("corruptions", {"severities": (1, 3, 5)})], catalog=catalog())
    with caplog.at_level("INFO", "govkit.checks"):
        found = run("corruptions", case, severities=(1, 3, 5))
    (gap,) = [item for item in found if isinstance(item, Gap) and item.part]
    assert (gap.name, gap.of, gap.part, gap.reason) == (
        "corrupted_accuracy", shy, {"corruption": "wrong unit"}, "unsupported",
    )  # fmt: skip
    assert gap.detail == "It refuses them (SubjectError)."
    assert "an age of" in caplog.text
    whole = gaps(found)
    assert set(whole) == {(name, *where) for name in MEANS for where in ((shy, None), ("candidate", "base"))}
    assert {(item.reason, item.detail) for item in whole.values()} == {
        ("unsupported", f"The {shy} refuses wrong unit: no mean over all kinds.")
    }
    # The other model is measured whole; what both answer is compared, imputed missing values among it.
    other = "base" if shy == "candidate" else "candidate"
    assert pick(found, "corruption_drop", of=other).n == 64
    assert pick(found, "corrupted_accuracy", of=other, part={"corruption": "wrong unit 5"}).n == 64
    paired = {item.part["corruption"] for item in measurements(found, "corrupted_accuracy", compared_with="base")}
    filled = "missing values, usual ones put in"
    assert paired == {f"{kind} {severity}" for kind in (filled, "swapped columns") for severity in (1, 3, 5)}
    assert case.passes.forward <= declared.forward


def test_a_model_that_refuses_what_stands_for_missing_values_too_has_no_mean(people):
    frame, labels = people
    model = LogisticRegression(max_iter=5000).fit(frame[200:], labels[200:])
    clean = set(map(tuple, frame.to_numpy()))

    class Known(Fitted):
        def predict(self, inputs):
            from govkit.errors import SubjectError

            if not set(map(tuple, inputs.to_numpy())) <= clean:
                raise SubjectError("no row of mine")
            return super().predict(inputs)

    found = run("corruptions", case_of(frame[:200], labels[:200], lambda p: Known(model, p), modality="table"))
    assert {item.detail for item in gaps(found).values()} == {
        "The candidate refuses missing values, wrong unit, swapped columns: no mean over all kinds."
    }
    assert pick(found, "clean_accuracy").n == 64


def test_of_one_label_the_gap_does_not_say_that_a_live_candidate_is_stored():
    live, stored = replace(digit_case(30), subject=None), make_case([0, 1], [0.2, 0.7])
    why = [gaps(run("corruptions", case))["*", "candidate", None].detail for case in (live, stored)]
    assert "cannot be asked about one label alone" in why[0]
    assert "only its stored predictions are at hand" in why[1]


def test_its_gaps():
    assert set(gaps(run("corruptions", make_case([0, 1], [0.2, 0.7])))) == {("*", "candidate", None)}
    unknown = run("corruptions", replace(digit_case(30), modality="unknown"))
    assert {gap.reason for gap in gaps(unknown).values()} == {"unsupported"}
    tiny = digit_case(30, base=False)
    test = replace(tiny.data["test"], inputs=tiny.data["test"].inputs[:, :, :4, :4])
    found = run("corruptions", replace(tiny, data={**tiny.data, "test": test}))
    assert "8 pixels" in gaps(found)["corrupted_accuracy", "candidate", None].detail
    beyond = replace(digit_case(30).data["test"], inputs=digit_case(30).data["test"].inputs * 255)
    found = run("corruptions", replace(tiny, data={**tiny.data, "test": beyond}))
    assert "input_range" in gaps(found)["corrupted_accuracy", "candidate", None].detail
    alone = run("corruptions", digit_case(30, base=False), rows=1)
    assert gaps(alone)["corruption_drop", "candidate", None].reason == "too few rows"
