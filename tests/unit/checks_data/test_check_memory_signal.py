"""Loss of a language model on rows and on the same in other words, beside transformers row by row."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from case_fixture import make_case
from rows_fixture import gaps, measurements, read_case, run
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertModel,
    BertTokenizer,
    GPT2Config,
    GPT2LMHeadModel,
)

from govkit.checks import Request, declared_passes
from govkit.core import Passes
from govkit.errors import SubjectError
from govkit.subjects.language import COPIES, LanguageModel

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{at}" for at in range(40))]
SMALL = {"vocab_size": len(WORDS), "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}


def sentences(seed, n=40, length=12):
    return [" ".join(np.random.default_rng((seed, at)).choice(WORDS[5:], length)) for at in range(n)]


ROWS, OTHERS = sentences(0), sentences(1)


def save(folder: Path, kind: str, *, learn=(), model=None) -> Path:
    """A tiny language model that has learned some texts by heart."""
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    tokenizer = BertTokenizer(str(folder / "vocab.txt"), model_max_length=32)
    tokenizer.save_pretrained(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if kind == "masked":
            model = BertForMaskedLM(BertConfig(**SMALL, intermediate_size=32, max_position_embeddings=32))
        elif kind == "causal":
            model = GPT2LMHeadModel(GPT2Config(vocab_size=len(WORDS), n_embd=64, n_layer=2, n_head=2, n_positions=32))
        else:
            model = BertModel(BertConfig(**SMALL, intermediate_size=32, max_position_embeddings=32))
        if learn:
            batch = tokenizer(list(learn), return_tensors="pt")["input_ids"]
            rate = torch.optim.Adam(model.parameters(), lr=5e-3)
            for _ in range(60):
                rate.zero_grad()
                model(input_ids=batch, labels=batch).loss.backward()
                rate.step()
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("language")
    return {
        "masked": save(root / "masked", "masked"),
        "causal": save(root / "causal", "causal"),
        "learned": save(root / "learned", "causal", learn=ROWS),
        "headless": save(root / "headless", "headless"),
    }


def case_of(folder, rows=ROWS, others=OTHERS, column="other", **fields):
    table = {"text": list(rows), "other": list(others), "label": ["ham", "spam"] * (len(rows) // 2)}
    columns = {"input": "text", "label": "label", **({"paraphrase": column} if column else {})}
    return read_case({"test": table}, columns=columns, base_path=folder, **fields)


TEXTS = ["w1 w2 w3", "w5", "", "w7 w7 w7 w7 w7 w7 w7 w7 w7 w7 w7 w7", "w1 unheard w3 w4"]


def causal_by_hand(folder, text):
    """Mean of the negative log probabilities of known tokens after the first, one text at a time."""
    tokenizer, model = BertTokenizer.from_pretrained(folder), GPT2LMHeadModel.from_pretrained(folder).eval()
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        logs = model(input_ids=ids).logits.double().log_softmax(-1)
    each = [-logs[0, at - 1, token] for at, token in enumerate(ids[0].tolist()) if at and token > 4]
    return float(np.mean(each)) if each else np.nan


def masked_by_hand(folder, text):
    tokenizer, model = BertTokenizer.from_pretrained(folder), BertForMaskedLM.from_pretrained(folder).eval()
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    each = []
    for copy in range(8):
        places = [at for at, token in enumerate(ids[0].tolist()) if token > 4 and at % 8 == copy]
        hidden = ids.clone()
        hidden[0, places] = tokenizer.mask_token_id
        with torch.no_grad():
            logs = model(input_ids=hidden).logits.double().log_softmax(-1)
        each += [-float(logs[0, at, ids[0, at]]) for at in places]
    return float(np.mean(each)) if each else np.nan


@pytest.mark.parametrize(
    ("kind", "by_hand", "times"), [("causal", causal_by_hand, 1), ("masked", masked_by_hand, COPIES)]
)
def test_losses_are_those_of_transformers_one_text_at_a_time(folders, kind, by_hand, times):
    passes = Passes()
    found = LanguageModel(folders[kind], passes).losses(TEXTS)
    expected = [by_hand(folders[kind], text) for text in TEXTS]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.isnan(found[2])
    assert np.isfinite(found[[0, 1, 3, 4]]).all()
    assert passes == Passes(forward=times * len(TEXTS))


@pytest.mark.parametrize("kind", ["causal", "masked"])
def test_the_declared_passes_are_the_real_ones(folders, kind):
    case = case_of(folders[kind])
    declared = declared_passes(case, [Request("memory_signal", {"rows": 25})])
    (item,) = measurements(run("memory_signal", case, rows=25), "memory_signal")
    assert case.passes == declared
    assert item.passes == {"forward": declared.forward, "backward": 0}
    assert item.n == 25


def test_the_signal_is_the_paired_mean_and_carries_no_bounds(folders):
    (item,) = measurements(run("memory_signal", case_of(folders["causal"])), "memory_signal")
    expected = np.array([causal_by_hand(folders["causal"], b) - causal_by_hand(folders["causal"], a)
                         for a, b in zip(ROWS, OTHERS, strict=True)])  # fmt: skip
    assert item.value == pytest.approx(expected.mean(), abs=1e-5)
    half = 1.96 * expected.std(ddof=1) / np.sqrt(40)
    assert (item.interval.low, item.interval.high) == pytest.approx((item.value - half, item.value + half), abs=1e-5)
    assert item.bounds == ()
    assert (item.of, item.unit) == ("base", "nats a token")


def test_rows_learned_by_heart_stand_out_and_new_rows_do_not(folders):
    (known,) = measurements(run("memory_signal", case_of(folders["learned"])), "memory_signal")
    assert known.interval.low > 1
    (new,) = measurements(
        run("memory_signal", case_of(folders["learned"], sentences(2), sentences(3))), "memory_signal"
    )
    assert abs(new.value) < 0.2 * known.value


def test_gaps(folders, tmp_path):
    def reason(case):
        found = run("memory_signal", case)
        return found[0].of, gaps(found)["memory_signal"], found[0].detail

    assert reason(case_of(folders["causal"], column=None))[1] == "no data"
    assert "'absent'" in reason(case_of(folders["causal"], column="absent"))[2]
    assert reason(case_of(None))[:2] == ("base", "no data")
    assert reason(case_of(folders["headless"]))[1] == "no data"
    assert reason(case_of(folders["causal"], others=[*OTHERS[:10], *[" "] * 15, *[None] * 15]))[1] == "too few rows"
    assert reason(case_of(folders["causal"], others=["unheard"] * 40))[1] == "too few rows"
    assert reason(make_case([0, 1], [0, 1], column={"paraphrase": "label"}))[1] == "no data"


def test_a_head_that_the_files_lack_is_never_drawn_at_random(folders, tmp_path):
    folder = save(tmp_path / "pretender", "headless")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "architectures": ["BertForMaskedLM"]}))
    found = run("memory_signal", case_of(folder))
    assert gaps(found) == {"memory_signal": "unsupported"}
    assert "lacks the weights" in found[0].detail


def test_pickled_weights_are_not_opened(folders, tmp_path):
    folder = save(tmp_path / "pickled", "causal")
    state = GPT2LMHeadModel.from_pretrained(folder).state_dict()
    (folder / "model.safetensors").unlink()
    torch.save(state, folder / "pytorch_model.bin")
    found = run("memory_signal", case_of(folder))
    assert gaps(found) == {"memory_signal": "unsupported"}
    assert "safetensors" in found[0].detail
    with pytest.raises(SubjectError, match="without a language-model head"):
        LanguageModel(folders["headless"], Passes())
