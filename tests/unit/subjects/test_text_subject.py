"""A tiny BERT in a folder, asked as a subject and by hand."""

from __future__ import annotations

import json
import logging
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_text import TEXTS, WORDS, save, subject
from transformers import BertForSequenceClassification, BertTokenizer, GPT2Config, GPT2ForSequenceClassification

from govkit.core.audit import SubjectSource
from govkit.core.case import Differentiable, Passes
from govkit.errors import SubjectError
from govkit.subjects import FrozenBase, load
from govkit.subjects.text import class_names


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(
        tmp_path_factory.mktemp("tiny") / "model", id2label={0: "ham", 1: "spam"}, label2id={"ham": 0, "spam": 1}
    )


def by_hand(folder: Path, texts: list[str]) -> torch.Tensor:
    """Logits of one text at a time, without padding and without govkit."""
    tokenizer = BertTokenizer.from_pretrained(folder)
    model = BertForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        return torch.cat([model(**tokenizer(text, return_tensors="pt")).logits for text in texts])


def test_probabilities_are_those_of_the_model_row_by_row(folder: Path) -> None:
    expected = by_hand(folder, TEXTS).double().softmax(dim=1).numpy()
    found = subject(folder).predict(TEXTS)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.ptp(found[:, 1]) > 0.02  # the texts do differ


def test_what_the_subject_says_of_itself(folder: Path) -> None:
    found = subject(folder)
    assert isinstance(found, Differentiable)
    assert (found.access, found.modality, found.classes, found.path) == ("weights", "text", ("ham", "spam"), folder)
    assert found.digest.startswith("sha256:")
    assert found.predict([]).shape == (0, 2)


def test_embeddings_give_the_logits_of_the_tokens(folder: Path) -> None:
    found = subject(folder)
    batch = found.encode(TEXTS)
    assert batch["x"].dtype == torch.float32
    assert batch["x"].shape[0] == len(TEXTS)
    torch.testing.assert_close(found.logits(batch), by_hand(folder, TEXTS), atol=1e-5, rtol=0)


def test_logits_are_differentiable_and_leave_no_trace(folder: Path) -> None:
    found = subject(folder)
    found.model.train()
    found.model.bert.encoder.layer[0].eval()
    modes = [module.training for module in found.model.modules()]
    state = torch.random.get_rng_state()
    batch = found.encode(TEXTS[:2])
    x = batch["x"].requires_grad_()
    (gradient,) = torch.autograd.grad(found.logits({**batch, "x": x})[:, 1].sum(), x)
    assert gradient.abs().sum() > 0
    np.testing.assert_array_equal(found.predict(TEXTS), found.predict(TEXTS))
    assert [module.training for module in found.model.modules()] == modes
    assert all(parameter.grad is None for parameter in found.model.parameters())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_passes_are_what_an_independent_hook_counts(folder: Path) -> None:
    passes, seen = Passes(), []
    found = subject(folder, passes)
    found.model.register_forward_hook(lambda _module, _args, output: seen.append(len(output.logits)))
    found.predict(TEXTS * 20)
    found.logits(found.encode(TEXTS[:3]))
    assert passes.forward == sum(seen) == len(TEXTS) * 20 + 3
    assert passes.backward == 0


def test_texts_that_are_cut_are_logged(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="govkit"):
        answer = subject(folder).predict(["win", "money " * 40, "see " * 50])
    assert "2 of 3 texts are longer than 16 tokens and were cut" in caplog.text
    assert np.allclose(answer.sum(axis=1), 1)


def test_a_decoder_answers_and_keeps_its_gradients_closed(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "gpt", ignore=shutil.ignore_patterns("config.json", "*.safetensors"))
    shape = GPT2Config(vocab_size=len(WORDS), n_embd=16, n_layer=1, n_head=2, n_positions=16, pad_token_id=0)
    GPT2ForSequenceClassification(shape).save_pretrained(tmp_path / "gpt")
    found = subject(tmp_path / "gpt")
    assert found.access == "predict"
    assert not isinstance(found, Differentiable)
    together, alone = found.predict(TEXTS), [found.predict([text])[0] for text in TEXTS]
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_numbered_labels_are_no_names(tmp_path: Path) -> None:
    assert subject(save(tmp_path / "m", labels=3)).classes == ()
    assert class_names({1: "b", 0: "LABEL_0"}) == ("LABEL_0", "b")


def test_old_pytorch_files_are_read_as_weights_only(folder: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(folder, old)
    (old / "model.safetensors").unlink()
    torch.save(BertForSequenceClassification.from_pretrained(folder).state_dict(), old / "pytorch_model.bin")
    np.testing.assert_allclose(subject(old).predict(TEXTS), subject(folder).predict(TEXTS), atol=1e-7)


class Payload:
    """A pickle that leaves a mark where it is run."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (__import__("os").mkdir, (str(self.mark),))


def test_a_pickle_is_not_run(folder: Path, tmp_path: Path) -> None:
    evil, mark = tmp_path / "evil", tmp_path / "mark"
    shutil.copytree(folder, evil)
    (evil / "model.safetensors").unlink()
    (evil / "pytorch_model.bin").write_bytes(pickle.dumps(Payload(mark)))
    with pytest.raises(SubjectError, match="evil"):
        subject(evil)
    assert not mark.exists()


def test_code_in_the_folder_is_not_run(folder: Path, tmp_path: Path) -> None:
    evil = tmp_path / "evil"
    shutil.copytree(folder, evil)
    config = json.loads((evil / "config.json").read_text())
    own = dict.fromkeys(("AutoConfig", "AutoModelForSequenceClassification"), "mine.Mine")
    config |= {"model_type": "mine", "auto_map": own}
    (evil / "config.json").write_text(json.dumps(config))
    (evil / "mine.py").write_text(f"import os; os.mkdir({str(tmp_path / 'mark')!r})")
    with pytest.raises(SubjectError, match="evil"):
        subject(evil)
    assert not (tmp_path / "mark").exists()


def test_a_folder_without_a_trained_head_is_refused(folder: Path, tmp_path: Path) -> None:
    BertForSequenceClassification.from_pretrained(folder).bert.save_pretrained(tmp_path / "bare")
    shutil.copy(folder / "tokenizer.json", tmp_path / "bare")
    with pytest.raises(SubjectError, match=r"lacks the weights classifier\.bias, classifier.weight"):
        subject(tmp_path / "bare")


@pytest.mark.parametrize(
    ("labels", "kind", "what"),
    [(1, None, "1 output"), (3, "multi_label_classification", "multi_label"), (2, "regression", "regression")],
)
def test_models_that_do_not_choose_one_class_are_refused(
    tmp_path: Path, labels: int, kind: str | None, what: str
) -> None:
    with pytest.raises(SubjectError, match=what):
        subject(save(tmp_path / "m", labels=labels, problem_type=kind))


def test_broken_folders_are_refused_by_name(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SubjectError, match="absent is no folder"):
        subject(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SubjectError, match=r"has no config.json \(missing\)"):
        subject(tmp_path / "empty")
    (tmp_path / "empty" / "adapter_config.json").write_text("{}")
    with pytest.raises(SubjectError, match="merge it into its base"):
        subject(tmp_path / "empty")
    cut = tmp_path / "cut"
    shutil.copytree(folder, cut)
    weights = (cut / "model.safetensors").read_bytes()
    (cut / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(SubjectError, match="cut cannot be loaded"):
        subject(cut)
    linked = tmp_path / "linked"
    shutil.copytree(folder, linked)
    (linked / "more").symlink_to(folder / "config.json")
    with pytest.raises(SubjectError, match="linked cannot be identified"):
        subject(linked)


def test_a_run_record_is_no_model_by_itself(folder: Path) -> None:
    with pytest.raises(SubjectError, match="expected a model that transformers saved"):
        load(SubjectSource(run="run.json"), root=folder.parent, passes=Passes())


def test_only_texts_are_read(folder: Path) -> None:
    for inputs in ("one text", [1, 2]):
        with pytest.raises(SubjectError, match="expected a list of str"):
            subject(folder).predict(inputs)


def test_features_are_the_mean_over_the_tokens(folder: Path) -> None:
    passes = Passes()
    base = FrozenBase(folder, passes)
    found = base.embed(TEXTS)
    tokenizer = BertTokenizer.from_pretrained(folder)
    model = BertForSequenceClassification.from_pretrained(folder).bert.eval()
    with torch.no_grad():
        by_one = [model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(0) for text in TEXTS]
    np.testing.assert_allclose(found, torch.stack(by_one).numpy(), atol=1e-5)
    assert found.dtype == np.float32
    assert base.embed(list(TEXTS)) is found
    assert passes.forward == len(TEXTS)
