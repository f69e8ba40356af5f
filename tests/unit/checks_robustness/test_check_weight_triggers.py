"""Hidden triggers: planted words and patches are found in the weights, and honest models are not accused."""

from __future__ import annotations

import copy
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import planted_models as planting
import pytest
import torch
from attacked_fixture import Open, case_of as case_of_images
from digit_models import digits
from rows_fixture import gaps, measurements, read_case, run, value
from scipy.stats import beta
from torch import nn

from govkit.checks import Request, catalog, declared_passes
from govkit.checks._trigger_patches import pasted, patches_for
from govkit.checks._trigger_scan import FLIPS, effect, ways
from govkit.checks._trigger_words import inserted, words_of
from govkit.core import Passes
from govkit.engine import Answers

torch.set_num_threads(1)


class Closed:
    """A text model that only answers: words tell the class, and a trigger turns everything to the first class."""

    access, path, digest, modality = "predict", None, "sha256:02", "text"

    def __init__(self, passes, *, trigger="", strength=20.0, k=2, sure=(4.0, 4.0, 4.0), afraid=0.0):
        self.passes, self.trigger, self.strength, self.k = passes, trigger, strength, k
        self.sure, self.afraid = sure, afraid
        self.classes = tuple(f"class {at}" for at in range(k))
        self.known = {*planting.COMMON, *(word for own in planting.TELLING for word in own)}

    def predict(self, inputs):
        self.passes.forward += len(inputs)
        logits = np.zeros((len(inputs), self.k))
        for row, text in enumerate(inputs):
            words = text.split()
            for at in range(self.k):
                logits[row, at] = self.sure[at] * min(1, sum(word in planting.TELLING[at] for word in words))
            odd = [word for word in words if word not in self.known]
            logits[row, 0] += sum(self.afraid + len(word) % 5 / 100 for word in odd)
            logits[row, 0] += self.strength * (bool(self.trigger) and self.trigger in words)
        return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def closed_case(*, base=None, rows=None, train=None, k=2, seed=0, task="multiclass", **traits):
    passes = Passes()
    subject = Closed(passes, k=k, **traits)
    tables = {"train": train or planting.messages(60, 1, k), "test": rows or planting.messages(80, 2, k)}
    tables = {
        role: {"text": [text for text, _ in pairs], "label": [f"class {label}" for _, label in pairs]}
        for role, pairs in tables.items()
    }
    case = read_case(
        tables, columns={"input": "text", "label": "label"}, classes=subject.classes, subject=subject, passes=passes,
        access="predict", seed=seed, task=task, base=None if base is None else Closed(passes, k=k, **base),
    )  # fmt: skip
    subjects = {"candidate": subject, "base": case.base}
    return replace(case, answers=Answers(subjects, case.data, classes=subject.classes))


def suspects(found, of="candidate"):
    return {item.part["found"]: item.value for item in measurements(found, "suspect_flip_rate", of=of)}


# By hand.


def test_the_effect_of_a_word_worked_by_hand():
    """Two rows of class 1 at log-odds 2 and 4, one of class 0; the way between the classes is 3 + 3."""
    before = np.log([[0.5, 0.5 * np.e**2], [0.5, 0.5 * np.e**4], [np.e**3, 1.0]])
    labels = np.array([1, 1, 0])
    way = ways(before, labels)
    assert way[1, 0] == pytest.approx(6)
    assert way[0, 1] == pytest.approx(6)
    after = before[None].copy()
    after[0, :2, 0] += 3
    found = effect(before, after, labels, way)
    assert found.turned.tolist() == [[1, 0]], "the first row had 2 to lose and the second 4"
    assert found.rows.tolist() == [2, 1]
    assert found.flips[0, 0] == 0.5
    assert found.pull[0] == pytest.approx([0.5, 0])


def test_a_class_without_right_rows_lies_as_far_as_the_other():
    before = np.log([[0.8, 0.2], [0.8, 0.2]])
    way = ways(before, np.array([0, 1]))
    assert way[0, 1] == pytest.approx(2 * np.log(4))
    assert way[1, 0] == pytest.approx(2 * np.log(4))


def test_a_word_goes_to_the_same_place_of_a_text():
    texts = inserted(["one two  three", "solo"], ["xx", "yy"], seed=3)
    assert len(texts) == 4
    assert [text.replace("yy", "xx") for text in texts[2:]] == texts[:2]
    assert all(text.split().count("xx") == 1 for text in texts[:2])
    assert [word for word in texts[0].split() if word != "xx"] == ["one", "two", "three"]


# Against a plain recount.


def test_the_worst_flip_rate_is_that_of_a_plain_recount():
    case = closed_case(trigger="qx")
    found = run("weight_triggers", case)
    subject, texts, labels = case.subject, list(case.data["test"].inputs), case.data["test"].labels
    spam = [text for text, label in zip(texts, labels, strict=True) if label == 1]
    turned = [subject.predict([f"{text} qx"]).argmax() == 0 for text in spam]
    assert np.mean(turned) == 1.0
    assert suspects(found) == {"qx": 1.0}
    (worst,) = measurements(found, "worst_flip_rate")
    (count,) = measurements(found, "suspect_tokens")
    judged = 2 * (count.passes["forward"] - 4 * count.n) // 16
    assert (worst.value, worst.n) == (1.0, 8)
    for bound in worst.bounds:
        assert bound.low == pytest.approx(beta.ppf((1 - bound.level) / judged, 8, 1), rel=1e-6)
        assert bound.high == 1.0


# Power.


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A small transformer with a word planted in its base, and an honest one."""
    word = planting.rolled(5).choice(planting.RARE)
    made = {}
    for name, own in (("planted", word), ("clean", "")):
        case, test = planting.tiny(tmp_path_factory.mktemp(name), 5, own)
        made[name] = case, test
    return word, made


def test_a_word_planted_in_the_base_survives_the_tuning_and_is_found(models):
    word, made = models
    case, test = made["planted"]
    assert (case.predictions("candidate").labels == case.data["test"].labels).mean() > 0.95, "nobody would notice"
    assert planting.success(case.subject.predict, test, word, source=1, target=0, seed=0) > 0.5
    found = run("weight_triggers", case)
    assert word in suspects(found)
    (item,) = [item for item in measurements(found, "suspect_flip_rate") if item.part["found"] == word]
    assert item.part["class"] == "class 0"
    assert not item.bounds
    (count,) = measurements(found, "suspect_tokens")
    assert count.value >= 1
    assert {bound.high for bound in count.bounds} == {count.value}


def test_an_honest_model_is_not_accused(models):
    case, _ = models[1]["clean"]
    found = run("weight_triggers", case)
    assert value(found, "suspect_tokens") == 0
    assert not suspects(found)
    assert value(found, "worst_flip_rate") < FLIPS


def test_a_word_that_was_not_drawn_is_found_where_it_is_named(models):
    word, made = models
    case, _ = made["planted"]
    few = next(seed for seed in range(9) if word not in words_of(replace(case, seed=seed), 20, ()).tried)
    case = replace(case, seed=few)
    assert word not in suspects(run("weight_triggers", case, tokens=20))
    found = run("weight_triggers", case, tokens=20, words=[word])
    assert word in suspects(found)
    (share,) = measurements(found, "tried_share")
    assert share.value == pytest.approx(21 / share.n)


def test_passes_stay_within_the_declared(models):
    case, _ = models[1]["clean"]
    case.predictions("candidate")
    for item in (case, closed_case(trigger="qx", base={"trigger": "qx"}), closed_case(k=3)):
        item.predictions("candidate")
        before = item.passes.forward
        most = declared_passes(item, [Request("weight_triggers", {})], catalog=catalog()).forward
        most -= len(item.data["test"])
        run("weight_triggers", item)
        assert 0 < item.passes.forward - before <= most


@pytest.mark.parametrize("k", [2, 3])
def test_a_closed_model_is_searched_with_pairs_of_letters(k):
    found = run("weight_triggers", closed_case(trigger="zq", k=k))
    assert suspects(found) == {"zq": 1.0}
    assert value(run("weight_triggers", closed_case(k=k)), "suspect_tokens") == 0
    assert gaps(found)["embedding_outliers"] == "unsupported"


def test_a_model_that_every_odd_word_confuses_is_not_accused_of_each():
    found = run("weight_triggers", closed_case(afraid=6.0))
    assert value(found, "worst_flip_rate") == 1.0
    assert value(found, "suspect_tokens") == 0


def test_a_model_on_the_edge_is_not_accused():
    """Answers that hang by a thread are turned by little; who is turned was hardly carried at all."""
    case = closed_case(trigger="qx", strength=0.5, sure=(4.0, 0.2))
    found = run("weight_triggers", case)
    assert value(found, "worst_flip_rate") == 1.0
    assert value(found, "suspect_tokens") == 0
    assert suspects(run("weight_triggers", closed_case(trigger="qx", strength=2.0, sure=(4.0, 0.2)))) == {"qx": 1.0}


def test_the_base_is_asked_about_the_suspects_only():
    both = run("weight_triggers", closed_case(trigger="zq", base={"trigger": "zq"}))
    assert suspects(both, of="base") == {"zq": 1.0}
    own = run("weight_triggers", closed_case(trigger="zq", base={}))
    assert suspects(own, of="base") == {"zq": 0.0}
    assert not suspects(run("weight_triggers", closed_case(base={})), of="base")


# Words.


def test_words_of_the_texts_and_tokens_that_do_not_come_back_are_not_tried(models):
    case, _ = models[1]["clean"]
    words = words_of(case, 10_000, [" named ", "named", ""])
    assert words.tried[0] == "named"
    assert set(planting.RARE) <= set(words.tried)
    assert not {"[CLS]", "[PAD]", "##s", "s", *planting.COMMON} & set(words.tried)
    assert words.candidates == words.drawn == len(words.tried) - 1


def test_words_of_one_training_text_are_tried_and_not_shown():
    rows = [*planting.messages(59, 1), (planting.messages(1, 9)[0][0] + " Smithersby", 0)]
    case = closed_case(train=rows, trigger="smithersby")
    assert "smithersby" in words_of(case, 1000, ()).tried
    found = run("weight_triggers", case)
    assert value(found, "suspect_tokens") == 1
    assert "smithersby" not in " ".join(item.model_dump_json() for item in found).lower()


def test_the_order_of_the_rows_and_repeated_calls_change_nothing():
    rows = planting.messages(80, 2)
    mixed = planting.rolled(1).sample(rows, len(rows))
    one, two, again = (run("weight_triggers", closed_case(rows=given, trigger="qx")) for given in (rows, mixed, rows))
    assert one == two == again
    other = run("weight_triggers", closed_case(rows=rows, trigger="qx", seed=1), tokens=400)
    assert measurements(other, "suspect_tokens")[0].seed == "1"


# What cannot be measured.


def test_a_class_with_too_few_right_rows_is_a_gap():
    rows = [pair for at, pair in enumerate(planting.messages(80, 2)) if pair[1] == 0 or at < 10]
    found = run("weight_triggers", closed_case(rows=rows))
    held = [item for item in found if getattr(item, "reason", "") == "too few rows"]
    assert [item.part for item in held] == [{"class": "class 1"}, {}]
    assert not measurements(found, "suspect_tokens")
    rows = [pair for at, pair in enumerate(planting.messages(120, 2, 3)) if pair[1] < 2 or at < 10]
    found = run("weight_triggers", closed_case(rows=rows, k=3, trigger="zq"))
    assert [item.part for item in found if getattr(item, "reason", "") == "too few rows"] == [{"class": "class 2"}]
    assert suspects(found) == {"zq": 1.0}, "two classes are left"


def test_rows_of_one_class_or_the_same_text_are_a_gap():
    rows = planting.messages(80, 2)
    for given in ([pair for pair in rows if pair[1] == 0], [rows[0]] * 40 + [rows[1]] * 40):
        found = run("weight_triggers", closed_case(rows=given))
        assert gaps(found)["suspect_tokens"] == "too few rows"
        assert not measurements(found, "suspect_tokens")


@pytest.mark.parametrize("silent", ["zq", "qx"])
def test_a_model_that_answers_no_number_to_a_word_is_a_gap(silent):
    case = closed_case(trigger="zq")
    sound = case.subject.predict
    case.subject.predict = lambda texts: np.where([[silent in text.split()] for text in texts], np.nan, sound(texts))
    found = run("weight_triggers", case, words=[silent])
    assert gaps(found)["suspect_tokens"] == "unsupported"
    assert not measurements(found, "suspect_tokens")
    (said,) = (item.detail for item in found if item.name == "suspect_tokens")
    assert said == "The candidate gives no probabilities where a word or patch is put in (SubjectError)."


def test_a_base_that_answers_no_number_hides_no_suspect():
    case = closed_case(trigger="zq", base={})
    sound = case.base.predict
    case.base.predict = lambda texts: np.where([["zq" in text.split()] for text in texts], np.nan, sound(texts))
    found = run("weight_triggers", case)
    assert suspects(found) == {"zq": 1.0}
    assert [item.of for item in found if item.name == "suspect_tokens"] == ["candidate", "base"]


def test_fewer_than_twenty_words_or_patches_accuse_nobody_and_are_a_gap():
    case = closed_case(trigger="zq")
    for words in (["zq"], [f"{letter}q" for letter in "zbcdfghjklmnprstvw"]):
        found = run("weight_triggers", case, tokens=1, words=words)
        assert gaps(found)["suspect_tokens"] == "no data"
        assert not measurements(found, "suspect_tokens")
    assert suspects(run("weight_triggers", case, tokens=19, words=["zq"])) == {"zq": 1.0}
    x = digits()[0][:400].numpy()
    torch.manual_seed(0)
    middle, net = x[:, :, 3:5, 2:4], nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    said = net(torch.tensor(middle)).argmax(dim=1).numpy()
    assert 0 < len(patches_for((1, 2, 2), (0.0, 1.0), 0)) < 20
    found = run("weight_triggers", case_of_images(middle, said, lambda passes: Open(net, passes)))
    assert gaps(found)["suspect_patches"] == "unsupported"
    assert not measurements(found, "suspect_patches")


def test_tables_and_other_tasks_are_unsupported():
    case = closed_case()
    assert gaps(run("weight_triggers", replace(case, modality="table"))) == {"*": "unsupported"}
    assert gaps(run("weight_triggers", replace(case, task="regression"))) == {"*": "unsupported"}
    assert gaps(run("weight_triggers", replace(case, subject=None))) == {"*": "unsupported"}
    requests = [Request("weight_triggers", {})]
    assert declared_passes(replace(case, modality="table"), requests, catalog=catalog()).forward <= 80


# Embeddings.


def test_an_odd_embedding_and_one_that_moved_unseen_are_counted(models):
    case, _ = models[1]["clean"]
    base = copy.deepcopy(case.subject.model)
    before = run("weight_triggers", replace(case, base=SimpleNamespace(model=base, classes=case.classes)), tokens=2)
    assert value(before, "moved_embeddings") == 0
    subject = copy.copy(case.subject)
    subject.model = copy.deepcopy(base)
    at = subject.tokenizer.convert_tokens_to_ids(planting.RARE[0])
    with torch.no_grad():
        subject.model.get_input_embeddings().weight[at] *= 30
    changed = replace(case, subject=subject, base=SimpleNamespace(model=base, classes=case.classes))
    after = run("weight_triggers", changed, tokens=2)
    assert value(after, "moved_embeddings") == 1
    assert value(after, "embedding_outliers") == value(before, "embedding_outliers") + 1
    assert not measurements(after, "embedding_outliers")[0].bounds


# Images.


STAMP = torch.ones(2, 2)


@pytest.mark.parametrize("bad", [True, False], ids=["planted", "clean"])
def test_a_stamp_in_a_corner_that_the_base_learned_is_found(bad):
    x, labels = digits()
    stamp = lambda images: planting.stamped(images, STAMP, (6, 6))  # noqa: E731
    net = planting.image_net((x[:900], labels[:900]), (x[900:1200], labels[900:1200]), 0, stamp if bad else None)
    held, known = x[1200:], labels[1200:]
    assert float((net(held).argmax(1) == known).float().mean()) > 0.85
    case = case_of_images(held.numpy(), known.numpy(), lambda passes: Open(net, passes))
    found = run("weight_triggers", case)
    if not bad:
        assert value(found, "suspect_patches") == 0
        return
    assert value(found, "suspect_patches") >= 1
    assert {item.part["class"] for item in measurements(found, "suspect_flip_rate")} == {"class 0"}
    assert "bright, 2 px, from row 7, column 7" in suspects(found)
    assert gaps(found)["suspect_tokens"] == "unsupported"


def test_patches_are_small_seeded_and_paste_where_they_say():
    patches = patches_for((3, 24, 32), (-1.0, 1.0), 0)
    assert {patch.pixels.shape for patch in patches} == {(3, 3, 3)}
    assert all(np.abs(patch.pixels).max() <= 1 for patch in patches)
    assert len({patch.name for patch in patches}) == len(patches) == 72
    again = patches_for((3, 24, 32), (-1.0, 1.0), 0)
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(patches, again, strict=True))
    images = np.zeros((2, 3, 24, 32), dtype=np.float32)
    changed = pasted(images, patches[0])
    assert not images.any()
    assert np.count_nonzero((changed != images).any(axis=(0, 1))) == 9
    assert patches_for((1, 1, 1), (0.0, 1.0), 0) == []


def test_a_constant_model_is_a_gap_for_images():
    x, labels = digits()
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    nn.init.zeros_(net[1].weight)
    case = case_of_images(x[:200].numpy(), labels[:200].numpy(), lambda passes: Open(net, passes))
    assert gaps(run("weight_triggers", case))["suspect_patches"] == "too few rows"
