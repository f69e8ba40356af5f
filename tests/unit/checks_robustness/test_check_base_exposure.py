"""What an attack on the public base alone does to the model that was tuned from it, and to strangers."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from attacked_fixture import Closed, Open, case_of, softmax_of
from benches import load_bench
from case_fixture import make_case, make_dataset
from digit_models import digits
from rows_fixture import gaps, measurements, run, value
from scipy.stats import binomtest
from torch import nn

from govkit.checks import Request, catalog, declared_passes
from govkit.core import Passes
from govkit.stats import proportion
from govkit.subjects import probe

torch.set_num_threads(1)
ORIGIN = {"base_share", "base_identified"}


def step(at, slope=10.0):
    """Class 1 where the first column lies above ``at``."""
    return lambda x: torch.stack([slope * (at - x[:, 0]), slope * (x[:, 0] - at)], dim=1)


def table(base, candidate, values, labels, **options):
    frame = pd.DataFrame({"a": np.asarray(values, dtype=float)})
    options = {"modality": "table", "input_range": (0.0, 1.0), **options}

    class Framed(Open):
        def encode(self, inputs):
            return {"x": torch.tensor(inputs.to_numpy(dtype=np.float32))}

    makes = [lambda passes, net=net: Framed(net, passes, **options) for net in (candidate, base)]
    return case_of(frame, labels, makes[0], base=makes[1], modality="table")


ROWS, TRUE = [0.30, 0.42, 0.52, 0.58, 0.90], [0, 0, 1, 1, 1]


def test_five_rows_by_hand():
    """The base falls at 0.42, 0.52 and 0.58; the candidate, whose border lies at 0.45, holds its answer at 0.48."""
    case = table(step(0.5), step(0.45), ROWS, TRUE)
    found = run("base_exposure", case, eps=0.1)
    assert value(found, "exposed") == pytest.approx(2 / 5)
    assert value(found, "base_broken", of="base") == pytest.approx(3 / 5)
    assert value(found, "exposure_reason") == "none"
    (exposed,) = measurements(found, "exposed")
    assert (exposed.n, exposed.trust) == (5, "trusted")
    (excess,) = measurements(found, "excess_over_noise")
    assert excess.value == pytest.approx(exposed.value - value(found, "noise_broken"))
    assert len(exposed.bounds) == len(excess.bounds) == 9
    assert exposed.passes == {"forward": 105, "backward": 100}
    assert {gap.name for gap in found if gap.kind == "gap"} == ORIGIN


def test_only_right_answers_of_the_candidate_count():
    case = table(step(0.5), step(0.45), [*ROWS, 0.47], [*TRUE, 0])
    found = run("base_exposure", case, eps=0.1)
    (exposed,) = measurements(found, "exposed")
    assert (exposed.n, exposed.value) == (5, pytest.approx(2 / 5))
    # The base has that row right, and falls there.
    assert value(found, "base_broken", of="base") == pytest.approx(4 / 6)


def test_without_a_radius_nothing_breaks_and_nothing_is_trusted():
    found = run("base_exposure", table(step(0.5), step(0.45), ROWS, TRUE), eps=0.0)
    assert value(found, "exposed") == value(found, "noise_broken") == value(found, "excess_over_noise") == 0
    assert {item.trust for item in measurements(found, "exposed")} == {"not evaluated"}


def test_a_low_number_is_not_believed_where_the_attack_fails_on_the_base_itself():
    def cut(x):
        return step(0.5)(x.detach() + 0 * x.sum())

    found = run("base_exposure", table(cut, step(0.45), ROWS, TRUE), eps=0.1)
    for name in ("exposed", "excess_over_noise"):
        assert [item.trust for item in measurements(found, name)] == ["not evaluated"]
    assert value(found, "exposed") == 0
    assert "less than 50% of the right answers of the base" in value(found, "exposure_reason")


def test_neither_the_order_of_the_rows_nor_of_the_classes_matters():
    rng = np.random.default_rng(0)
    values = rng.uniform(size=40).round(3)
    labels = (values > 0.5).astype(int)
    plain = run("base_exposure", table(step(0.5), step(0.46), values, labels), eps=0.1)
    turned = run(
        "base_exposure",
        table(
            lambda x: step(0.5)(x).flip(1), lambda x: step(0.46)(x).flip(1), values, labels,
            classes=("class 1", "class 0"),
        ),
        eps=0.1,
    )  # fmt: skip
    for name in ("exposed", "noise_broken", "base_broken"):
        assert [item.value for item in measurements(turned, name)] == [item.value for item in measurements(plain, name)]


class Words:
    """A text subject that answers spam where one of its words stands in the text, the surer the more of them do."""

    access, path, digest, modality, classes = "predict", None, "sha256:01", "text", ()

    def __init__(self, passes, words):
        self.passes, self.words = passes, words

    def predict(self, inputs):
        self.passes.forward += len(inputs)
        spam = np.array([sum(word in text.lower() for word in self.words) for text in inputs]) / (len(self.words) + 1)
        spam = np.where(spam > 0, 0.5 + spam / 2, 0.2)
        return np.stack([1 - spam, spam], axis=1)


TEXTS = [f"please accept this {word} from number {number}" for number in range(15) for word in ("lottery", "parcel")]


def texts(base, candidate):
    labels = np.array([int("lottery" in text) for text in TEXTS])
    makes = [lambda passes, words=words: Words(passes, words) for words in (candidate, base)]
    return case_of(TEXTS, labels, makes[0], base=makes[1], modality="text")


def test_typing_mistakes_that_break_the_base_break_who_inherited_its_word():
    """A tuned model that still hangs on the one word of its base falls with it; one that knows better stands."""
    heir, wiser = texts(["lottery"], ["lottery"]), texts(["lottery"], ["lottery", "ottery", "lotte", "lott", "tery"])
    found, beside = (run("base_exposure", case, edits=4, tries=8) for case in (heir, wiser))
    assert value(found, "exposed") == pytest.approx(0.5)
    assert value(found, "base_broken", of="base") == pytest.approx(0.5)
    assert value(found, "excess_over_noise") > 0
    assert value(beside, "exposed") <= 0.2
    assert {item.trust for item in measurements(found, "exposed")} == {"trusted"}
    (detail,) = {gap.detail for gap in found if gap.kind == "gap"}
    assert "noise alone would accuse every student" in detail
    assert "Typing mistakes cannot be aimed" in detail


def test_texts_where_the_base_stands_give_no_trust():
    found = run("base_exposure", texts(["lottery", "lott", "tery", "otte"], ["lottery"]), edits=1)
    assert {item.trust for item in measurements(found, "exposed")} == {"not evaluated"}


def test_what_is_lacking_is_said():
    x, labels = np.zeros((4, 1, 2, 2), dtype=np.float32), np.array([0, 1, 0, 1])
    net = lambda x: step(0.5)(x.flatten(1))  # noqa: E731
    opened = lambda passes: Open(net, passes)  # noqa: E731
    ranged = lambda passes: Open(net, passes, input_range=None)  # noqa: E731
    half = make_case(labels, labels, base=labels, subject=Open(net, None), access="weights", modality="image")
    half = replace(half, data={"test": replace(half.data["test"], inputs=x)})
    cases = {
        "Only stored answers of the base": half,
        "gives answers only": case_of(x, labels, opened, base=lambda passes: Closed(softmax_of(net), passes)),
        "Images need a range": case_of(x, labels, ranged, base=ranged),
        "answers none of these rows rightly": case_of(x, np.ones(4, int), opened, base=opened),
    }
    for words, case in cases.items():
        found = run("base_exposure", case)
        assert {gap.name for gap in found} >= {"exposed", *ORIGIN}, words
        assert all(words in gap.detail for gap in found), (words, found)
    (gap,) = run("base_exposure", make_case(labels, labels, subject=Open(net, None), access="weights"))
    assert gap.name == "*"


# --- which base it was: bodies drawn at random, heads trained on them ------------------------------------------------


@pytest.fixture(scope="module")
def bench():
    return load_bench("base_attack")


def body(seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1), nn.Tanh(), nn.Conv2d(12, 12, 3, stride=2), nn.Tanh(), nn.Flatten(),
            nn.Linear(108, 10),
        ).eval()  # fmt: skip


@cache
def student(seed):
    """A head trained on the body of that seed, which stays as it is."""
    net, (x, labels) = body(seed), digits()
    optimizer = torch.optim.Adam(net[-1].parameters(), lr=0.02)
    with torch.no_grad():
        features = net[:-1](x[:400])
    for _ in range(60):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net[-1](features), labels[:400]).backward()
        optimizer.step()
    return net


@cache
def siblings(bench, seed, references=3):
    """A base and its references, bodies of consecutive seeds, each with a probe."""
    x, labels = digits()
    train = make_dataset(labels[:500].numpy(), role="train", inputs=x[:500].numpy())
    bases = [bench.features(f"drawn_{at}", body(at)) for at in range(seed, seed + 1 + references)]
    return [probe(base, train, bench.CLASSES, Passes()) for base in bases]


def family(bench, seed, candidate, *, n=80, order=None, references=3):
    base, *others = siblings(bench, seed, references)
    x, labels = (part[700 : 700 + n].numpy() for part in digits())
    order = np.arange(n) if order is None else order
    case = case_of(x[order], labels[order], lambda passes: Open(candidate, passes), base=lambda _: base)
    data = case.data["test"]
    data = replace(data, row_digests=data.row_digests[order])
    return replace(case, classes=bench.CLASSES, reference_bases=tuple(others), data={"test": data})


@pytest.mark.parametrize("seed", [30, 40])
def test_the_base_under_a_head_is_found_and_that_of_a_stranger_is_not(bench, seed):
    mine = run("base_exposure", family(bench, seed, student(seed), n=100), eps=0.15)
    other = run("base_exposure", family(bench, seed, student(seed + 5), n=100), eps=0.15)
    assert value(mine, "base_identified") == "found"
    assert value(mine, "base_share") > 0.9
    assert value(other, "base_identified") != "found"
    # Noise is no yardstick: the attack beats it on the stranger too.
    (excess,) = measurements(other, "excess_over_noise")
    assert next(bound.low for bound in excess.bounds if bound.level == 0.99) > 0.1
    for found in (mine, other):
        means_the_exact_bound(found)


def means_the_exact_bound(found):
    (share,) = measurements(found, "base_share")
    told = round(share.value * share.n)
    above, below = (binomtest(told, share.n, 0.8, alternative=side).pvalue for side in ("greater", "less"))
    expected = "found" if above < 0.05 else "not found" if below <= 0.05 else "cannot tell"
    assert value(found, "base_identified") == expected
    assert share.bounds == proportion(told, share.n).bounds


def test_passes_stay_within_the_declared_and_the_order_of_rows_does_not_matter(bench):
    case = family(bench, 20, student(20), n=40)
    base = case.base.base
    declared = declared_passes(replace(case, reference_bases=()), [Request("base_exposure", {})], catalog=catalog())
    whole = declared_passes(case_with_train(case), [Request("base_exposure", {})], catalog=catalog())
    assert declared.backward == 40 * 20
    assert whole.backward == 40 * 20 * 9
    before = base.passes.forward
    found = run("base_exposure", case, eps=0.15)
    asked = base.passes.forward - before
    # One attack on the base alone and two on all siblings; the others count for themselves here.
    assert asked <= 40 * 21 * 3 + 40
    assert case.passes.backward == whole.backward
    turned = run("base_exposure", family(bench, 20, student(20), n=40, order=np.arange(39, -1, -1)), eps=0.15)
    for name in ("exposed", "noise_broken", "base_share", "base_identified"):
        assert value(turned, name) == value(found, name)


def case_with_train(case):
    return replace(case, data={**case.data, "train": make_dataset([0, 1], role="train")})


def test_without_enough_references_it_is_said_why_noise_accuses_everybody(bench):
    found = run("base_exposure", family(bench, 20, student(20), n=30, references=2), eps=0.15)
    details = [gap.detail for gap in found if gap.kind == "gap"]
    assert len(details) == 2
    assert all("at least 3" in detail and "noise alone would accuse every student" in detail for detail in details)


def test_where_nothing_tells_them_apart_there_is_a_gap(bench):
    found = run("base_exposure", family(bench, 20, student(20), n=30), eps=0.0)
    assert gaps(found) == dict.fromkeys(ORIGIN, "too few rows")


def test_a_short_version_of_the_bench(bench):
    """Bases that were not trained: what breaks a student under a new head, and one from scratch."""
    trials = bench.trial(bench.world(121, rounds=0, rows=300), n=64, kinds=("head", "scratch"))
    told = {kind: (int(trials[kind]["base"].sum()), int(trials[kind]["mirror"].sum())) for kind in ("head", "scratch")}
    assert told["head"][0] > 2 * told["head"][1]
    assert bench.answer(trials["scratch"], 64) != "found"
    assert trials["base itself"]["plain"].mean() > 0.9


def test_beside_a_missing_value_no_change_has_a_size():
    """One empty cell in a row that is not even attacked would turn every attacked row into one."""
    found = run("base_exposure", table(step(0.5), step(0.45), [*ROWS, np.nan], [*TRUE, 0]), eps=0.1, rows=5)
    assert set(gaps(found).values()) == {"unsupported"}
    attacked = run("adversarial", table(step(0.5), step(0.45), [*ROWS, np.nan], [*TRUE, 0]), eps=0.1, rows=5)
    assert gaps(attacked)["robust_accuracy"] == "unsupported"


def test_an_answer_that_is_none_counts_as_broken():
    """A candidate that answers NaN to what it does not know has not withstood it."""
    case = table(step(0.5), step(0.45), ROWS, TRUE)
    known = {round(row, 4) for row in ROWS}
    honest = case.subject.predict
    case.subject.predict = lambda frame: np.where(
        frame["a"].round(4).isin(known).to_numpy()[:, None], honest(frame), np.nan
    )
    assert value(run("base_exposure", case, eps=0.1), "exposed") == 1.0
