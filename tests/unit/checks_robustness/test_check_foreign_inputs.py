"""Foreign inputs: the scores beside scikit-learn, real digits, texts and tables, the user's own rows, and gaps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from attacked_fixture import Open, case_of
from case_fixture import bound, gaps, make_case, make_dataset, pick
from digit_models import network
from rows_fixture import measurements, run
from scipy.special import logsumexp
from scipy.stats import binomtest
from shifted_fixture import CLASSES, digit_case
from sklearn.covariance import EmpiricalCovariance, ledoit_wolf_shrinkage
from sklearn.metrics import roc_auc_score

from govkit.attacks.foreign import IMAGES, TABLES, TEXTS
from govkit.checks import Request, catalog, declared_passes
from govkit.checks._distance import ClassDistance
from govkit.checks.robustness.foreign_inputs import SCORES, _made
from govkit.core import Audit, Gap
from govkit.errors import DataError
from govkit.pipeline.casework import build_case
from govkit.pipeline.remedied_files import _beside

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def on_digits():
    case = digit_case(200)
    return case, run("foreign_inputs", case, rows=80)


def test_the_areas_are_those_of_scikit_learn(on_digits):
    case, found = on_digits
    known, foreign = case.data["test"].inputs[:80], _made(case, "noise", 80)
    truth = np.repeat([0, 1], 80)
    both = np.concatenate([known, foreign])
    logits = case.subject.logits(case.subject.encode(both)).detach().double().numpy()
    part = {"foreign": "noise"}
    softmax = np.exp(logits - logsumexp(logits, axis=1, keepdims=True)).max(axis=1)
    assert pick(found, "softmax_auc", part=part).value == pytest.approx(roc_auc_score(truth, -softmax), abs=1e-4)
    energy = -logsumexp(logits, axis=1)
    assert pick(found, "energy_auc", part=part).value == pytest.approx(roc_auc_score(truth, energy), abs=1e-4)
    train = case.data["train"]
    distance = nearest(case.base.base.embed(train.inputs), train.labels, case.base.base.embed(both))
    assert pick(found, "distance_auc", part=part).value == pytest.approx(roc_auc_score(truth, distance), abs=1e-4)
    sure = (softmax[80:] >= 0.9).sum()
    confident = pick(found, "confident_on_foreign", part=part)
    assert (confident.value, confident.n) == (sure / 80, 80)
    exact = binomtest(int(sure), 80, alternative="greater").proportion_ci(0.95, method="exact")
    assert bound(confident, 0.95)[0] == pytest.approx(exact.low)


def nearest(features, labels, asked) -> np.ndarray:
    """Mahalanobis distance to the nearest class mean, with scikit-learn's covariance and shrinkage put together."""
    x = features.astype(np.float64)
    means = np.stack([x[labels == label].mean(axis=0) for label in np.unique(labels)])
    away = x - means[labels]
    empirical = EmpiricalCovariance(assume_centered=True).fit(away).covariance_
    part = ledoit_wolf_shrinkage(away, assume_centered=True)
    shrunk = (1 - part) * empirical + part * np.trace(empirical) / len(empirical) * np.eye(len(empirical))
    apart = asked.astype(np.float64)[:, None] - means
    return np.sqrt(np.einsum("nki,ij,nkj->nk", apart, np.linalg.inv(shrunk), apart).min(axis=1))


def test_the_distance_is_that_of_scikit_learn_and_by_hand():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(300, 4)) @ rng.normal(size=(4, 4)) + 5, np.arange(300) % 3
    x[y == 1] += 4
    asked = rng.normal(size=(20, 4)) * 9
    assert ClassDistance.fitted(x, y)(asked) == pytest.approx(nearest(x, y, asked))
    # Nearly no shrinkage is left with many rows: two classes at 0 and 10 with variances 1 and 4.
    noise = rng.normal(size=(200_000, 2)) * [1, 2]
    labels = np.arange(200_000) % 2
    noise -= np.stack([noise[labels == each].mean(axis=0) for each in (0, 1)])[labels]
    many = ClassDistance.fitted(noise + 10 * labels[:, None], labels)
    assert many([[3, 0], [0, 4], [10, 8]]) == pytest.approx([3, 2, 1], rel=0.01)


def test_a_feature_that_never_differs_breaks_nothing():
    x = np.column_stack([np.random.default_rng(0).normal(size=50), np.ones(50)])
    assert np.isfinite(ClassDistance.fitted(x, np.arange(50) % 2)([[0, 1], [0, 2]])).all()
    assert np.isfinite(ClassDistance.fitted(np.ones((30, 2)), np.arange(30) % 2)([[1, 1]])).all()


def test_on_real_digits_the_distance_tells_what_certainty_does_not(on_digits):
    _, found = on_digits
    assert {item.part["foreign"] for item in found if item.part} == set(IMAGES)
    for kind in ("noise", "inverted", "checkerboard"):
        assert bound(pick(found, "distance_auc", part={"foreign": kind}), 0.99)[0] > 0.7
    whole = pick(found, "confident_on_foreign")
    parts = [pick(found, "confident_on_foreign", part={"foreign": kind}).value for kind in IMAGES]
    assert whole.value == pytest.approx(np.mean(parts))
    assert whole.n == 80
    apart = pick(found, "confident_on_foreign", compared_with="base", part={"foreign": "grey"})
    base = pick(found, "confident_on_foreign", of="base", part={"foreign": "grey"})
    assert apart.value == pytest.approx(
        pick(found, "confident_on_foreign", part={"foreign": "grey"}).value - base.value
    )


def test_passes_are_those_declared_and_another_order_of_the_rows_gives_the_same_kinds(on_digits):
    case = digit_case(200)
    declared = declared_passes(case, [Request("foreign_inputs", {"rows": 80})], catalog=catalog())
    assert run("foreign_inputs", case, rows=80) == on_digits[1]
    assert case.passes.forward == declared.forward


def test_an_overconfident_model_is_told_from_a_modest_one():
    """The same network with logits eight times as large is sure of everything; with a tenth of them of nothing."""
    loud, modest = (
        run("foreign_inputs", digit_case(160, make=lambda p, s=s: Open(network(), p, classes=CLASSES, scale=s)))
        for s in (8.0, 0.1)
    )
    assert bound(pick(loud, "confident_on_foreign"), 0.999)[0] > 0.4
    assert bound(pick(modest, "confident_on_foreign"), 0.95)[1] < 0.1


class Words(Open):
    """Says spam the surer the more of its letters are vowels; its answers are all that can be had."""

    def __init__(self, passes):
        super().__init__(None, passes, modality="text", input_range=None)

    def predict(self, inputs):
        self.passes.forward += len(inputs)
        share = np.array([sum(letter in "aeiou" for letter in text) / max(len(text), 1) for text in inputs])
        return np.column_stack([1 - share, share])

    encode = logits = None


class Shut(Words):
    """The same without gradients."""

    def __getattribute__(self, name):
        if name in ("encode", "logits"):
            raise AttributeError(name)
        return super().__getattribute__(name)


def test_texts_of_a_model_that_only_answers():
    texts = [f"we meet at {n} oclock, bring {n % 7} apples" for n in range(120)]
    case = case_of(texts, np.arange(120) % 2, Shut, modality="text")
    found = run("foreign_inputs", case, rows=50)
    assert {item.part["foreign"] for item in found if item.part} == set(TEXTS)
    # Digits and Greek have no vowels, so that it is sure of them.
    for kind in ("digits", "another script"):
        assert pick(found, "confident_on_foreign", part={"foreign": kind}).value == 1.0
        assert pick(found, "softmax_auc", part={"foreign": kind}).value == 0.0
    assert set(gaps(found)) == {("energy_auc", "candidate", None), ("distance_auc", "candidate", None)}


class Vowels(Words):
    """The same with open logits, a text as the numbers of its letters, padded in a batch to the longest."""

    def encode(self, inputs):
        longest = max(map(len, inputs))
        return {
            "x": torch.tensor([[float(ord(one)) for one in text] + [0.0] * (longest - len(text)) for text in inputs])
        }

    def logits(self, batch):
        self.passes.forward += len(batch["x"])
        share = sum((batch["x"] == ord(vowel)).sum(1) for vowel in "aeiou")
        return torch.stack([share.double(), 3 - share.double()], dim=1)


def test_the_energy_of_texts_is_that_of_each_alone_although_batches_are_sorted_by_length():
    texts = [f"we meet at {n} oclock, " + "bring apples " * (n % 5) for n in range(120)]
    case = case_of(texts, np.arange(120) % 2, Vowels, modality="text")
    found = run("foreign_inputs", case, rows=50)
    foreign = _made(case, "prose", 50)
    alone = [float(-case.subject.logits(case.subject.encode([text])).logsumexp(1)) for text in texts[:50] + foreign]
    area = roc_auc_score(np.repeat([0, 1], 50), alone)
    assert pick(found, "energy_auc", part={"foreign": "prose"}).value == pytest.approx(area)


class Columns(Open):
    """A network on the columns of a frame."""

    def __init__(self, net, passes):
        super().__init__(net, passes, modality="table", input_range=None)

    def encode(self, inputs):
        return {"x": torch.tensor(inputs.to_numpy(dtype=np.float32, copy=True))}


def test_rows_of_a_table_and_a_model_that_refuses_some_of_them():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=100), "b": rng.normal(size=100)})
    net = torch.nn.Linear(2, 2)
    case = case_of(frame, np.arange(100) % 2, lambda p: Columns(net, p), modality="table")
    found = run("foreign_inputs", case, rows=64)
    assert {item.part["foreign"] for item in found if item.part} == set(TABLES)
    assert pick(found, "confident_on_foreign", part={"foreign": TABLES[0]}).n == 50

    class Checked(Columns):
        def predict(self, inputs):
            from govkit.errors import SubjectError

            if np.abs(np.asarray(inputs)).max() > 4:
                raise SubjectError("outside of what I know")
            return super().predict(inputs)

    for shy in ("candidate", "base"):
        kinds = {of: Checked if of == shy else Columns for of in ("candidate", "base")}
        case = case_of(frame, np.arange(100) % 2, lambda p, k=kinds: k["candidate"](net, p), modality="table",
                       base=lambda p, k=kinds: k["base"](net, p))  # fmt: skip
        found, other = run("foreign_inputs", case), "base" if shy == "candidate" else "candidate"
        refused = [item for item in found if isinstance(item, Gap) and item.part]
        # Without its answers the scores of the candidate cannot be had either.
        scores = ["softmax_auc", "energy_auc"] if shy == "candidate" else []
        assert [item.name for item in refused] == ["confident_on_foreign", *scores]
        assert {(item.part["foreign"], item.reason) for item in refused} == {("outside the range", "unsupported")}
        assert (refused[0].of, refused[0].detail) == (shy, "It refuses them (SubjectError).")
        whole = gaps(found)["confident_on_foreign", shy, None]
        assert (whole.reason, "refuses outside the range" in whole.detail) == ("unsupported", True)
        assert pick(found, "confident_on_foreign", of=other).n == 40
        assert pick(found, "confident_on_foreign", of=other, part={"foreign": "outside the range"}).n == 40
        paired = measurements(found, "confident_on_foreign", compared_with="base")
        assert [item.part for item in paired] == [{"foreign": "columns drawn apart"}]


def test_own_rows_stand_beside_the_built_in_ones(on_digits):
    x = on_digits[0].data["test"].inputs
    own = make_dataset(np.zeros(40, dtype=int), inputs=np.ascontiguousarray(x[:40, :, ::-1]))
    case = digit_case(200, foreign=own)
    declared = declared_passes(case, [Request("foreign_inputs", {})], catalog=catalog())
    found = run("foreign_inputs", case)
    part = {"foreign": "own rows"}
    assert pick(found, "confident_on_foreign", part=part).n == 40
    assert {item.name for item in found if item.part == part} == {"confident_on_foreign", *SCORES}
    (rows,) = measurements(found, "foreign_rows")
    assert (rows.value, rows.n) == (own.digest, 40)
    # They are no part of the mean over the built-in kinds.
    parts = [pick(found, "confident_on_foreign", part={"foreign": kind}).value for kind in IMAGES]
    assert pick(found, "confident_on_foreign").value == pytest.approx(np.mean(parts))
    assert case.passes.forward == declared.forward


def test_few_own_rows_are_not_judged(on_digits):
    x = on_digits[0].data["test"].inputs
    for n in (19, 20):
        found = run("foreign_inputs", digit_case(200, foreign=make_dataset(np.zeros(n, dtype=int), inputs=x[:n])))
        own = [item for item in found if item.part == {"foreign": "own rows"}]
        assert {item.name for item in own} == {"confident_on_foreign", *SCORES}
        assert {getattr(item, "reason", None) for item in own} == {"too few rows" if n == 19 else None}


MODEL = """
import numpy as np
def predict(texts):
    share = np.array([text.count("e") / max(len(text), 1) for text in texts])
    return np.column_stack([1 - share, share])
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "letters.py").write_text(MODEL)
    rows = [f"row {n} of the task,{n % 2}" for n in range(60)]
    (tmp_path / "test.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    (tmp_path / "foreign.csv").write_text("text,note\n" + "\n".join(f"etwas anderes {n},x" for n in range(30)) + "\n")
    return tmp_path


def audit(**more) -> Audit:
    given = {
        "subject": {"python": "letters:predict"}, "data": {"test": {"path": "test.csv"}},
        "columns": {"input": "text", "label": "label"}, **more,
    }  # fmt: skip
    return Audit.model_validate(given)


def test_an_audit_file_names_rows_without_labels(folder):
    case = build_case(audit(foreign={"path": "foreign.csv"}), folder).case
    assert len(case.foreign) == 30
    assert sorted(case.foreign.inputs)[0] == "etwas anderes 0"
    found = run("foreign_inputs", case)
    assert pick(found, "confident_on_foreign", part={"foreign": "own rows"}).n == 30
    assert build_case(audit(), folder).case.foreign is None
    lines = (folder / "foreign.csv").read_text().splitlines()
    (folder / "foreign.csv").write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")
    other = build_case(audit(foreign={"path": "foreign.csv"}), folder).case
    assert other.foreign.digest == case.foreign.digest
    assert list(other.foreign.inputs) == list(case.foreign.inputs)


def test_foreign_rows_that_cannot_be_asked_about_are_refused(folder):
    (folder / "foreign.csv").write_text("other\nx\n")
    with pytest.raises(DataError, match=r"foreign\.csv has no column 'text'; found 'other'$"):
        build_case(audit(foreign={"path": "foreign.csv"}), folder)


def test_stored_predictions_leave_the_rows_unread_and_the_check_says_so(folder):
    (folder / "test.csv").write_text("text,label\n1,1\n0,0\n")
    stored = {"subject": {"predictions": "test.csv"}, "data": {}, "columns": {"label": "label", "prediction": "text"}}
    case = build_case(audit(foreign={"path": "foreign.csv"}, **stored), folder).case
    assert case.foreign is None
    assert gaps(run("foreign_inputs", case))["*", "candidate", None].reason == "unsupported"


def test_the_audit_file_of_a_remedied_candidate_names_the_same_rows():
    beside = _beside(audit(foreign={"path": "foreign.csv"}), lambda path: f"../{path}")
    assert beside["foreign"].path == "../foreign.csv"


def test_its_gaps():
    assert set(gaps(run("foreign_inputs", make_case([0, 1], [0.2, 0.7])))) == {("*", "candidate", None)}
    few = gaps(run("foreign_inputs", digit_case(30)))
    assert few["*", "candidate", None].reason == "too few rows"
    unknown = gaps(run("foreign_inputs", replace(digit_case(60), modality="unknown")))
    assert unknown["*", "candidate", None].reason == "unsupported"
    assert set(gaps(run("foreign_inputs", digit_case(60, base=False)))) == {("distance_auc", "candidate", None)}
