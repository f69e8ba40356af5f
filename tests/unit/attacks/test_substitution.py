"""Words are replaced as the gradient advises; what is found is what a search through all words finds."""

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer, PreTrainedTokenizerFast

from govkit.attacks import Guided, Spelled, search
from govkit.core import Passes
from govkit.subjects.text import text_model

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "win",
    "money",
    "lunch",
    "see",
    "you",
    "home",
    "prize",
    "##s",
    "?",
]
WHOLE = ["win", "money", "lunch", "see", "you", "home", "prize"]
TEXTS = ["win money", "see you ?", "wins lunch", "see £5 prize home", "Money? you win", "unheard lunch"]


def folder_of(path, layers, seed=0, tokenizer=None):
    path.mkdir()
    (path / "vocab.txt").write_text("\n".join(WORDS))
    tokenizer = tokenizer or BertTokenizer(str(path / "vocab.txt"), model_max_length=16)
    tokenizer.save_pretrained(path)
    shape = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=layers, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=16,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = BertForSequenceClassification(shape)
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.4)
    model.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def subject(tmp_path_factory):
    return text_model(folder_of(tmp_path_factory.mktemp("tiny") / "model", 2), Passes())


def neighbors(text):
    """Every text with one whole word replaced by another, by hand; a word of two tokens is none, an unknown one is."""
    pieces = text.replace("?", " ?").split()
    return {
        tuple(" ".join([*pieces[:at], word, *pieces[at + 1 :]]).split())
        for at, piece in enumerate(pieces)
        if piece.lower() in {*WHOLE, "unheard"}
        for word in WHOLE
        if word != piece.lower()
    }


def test_whole_words_of_the_vocabulary_are_known(subject):
    ids, words = subject.vocabulary()
    assert isinstance(subject, Spelled)
    assert words == WHOLE
    assert ids == [WORDS.index(word) for word in WHOLE]
    assert subject.table().shape == (len(WORDS), 16)


@pytest.mark.parametrize("text", TEXTS)
def test_asked_about_all_it_finds_what_an_exhaustive_search_finds(subject, text):
    options = Guided(subject, most=200)(text, 0, 0)
    asked = {tuple(option.lower().replace("?", " ?").split()) for option in options}
    expected = {tuple(word.lower() for word in each) for each in neighbors(text)}
    assert asked == expected
    label = int(subject.predict([text])[0].argmax())
    result = search(subject.predict, [text], [label], Guided(subject, most=200), edits=1)
    best = min(subject.predict([" ".join(each)])[0][label] for each in neighbors(text))
    assert subject.predict(result.inputs)[0][label] == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("text", TEXTS)
def test_every_text_is_read_as_the_tokens_that_were_ranked(subject, text):
    (tokens,) = subject.tokens([text])
    for option in Guided(subject, most=5)(text, 1, 0):
        (read,) = subject.tokens([option])
        assert len(read) == len(tokens)
        assert sum(a != b for a, b in zip(read, tokens, strict=True)) == 1
        batch = subject.encode([option])
        torch.testing.assert_close(batch["x"][0], subject.table()[list(read)])


class Linear:
    """A bag of words on the same tokenizer: there the first choice of the gradient is the best of all."""

    access, path, digest, modality, input_range, classes = "weights", None, "sha256:03", "text", None, ()

    def __init__(self, subject, seed):
        self.subject = subject
        self.tokens, self.spans, self.vocabulary, self.table = (
            getattr(subject, name) for name in ("tokens", "spans", "vocabulary", "table")
        )
        self.weight = torch.randn(2, 16, generator=torch.Generator().manual_seed(seed))

    def encode(self, inputs):
        return self.subject.encode(inputs)

    def logits(self, batch):
        return (batch["x"] * batch["attention_mask"][..., None]).sum(1) @ self.weight.T

    def predict(self, inputs):
        with torch.no_grad():
            return np.concatenate([self.logits(self.encode([text])).double().softmax(1).numpy() for text in inputs])


@pytest.mark.parametrize("seed", range(6))
def test_of_a_linear_model_the_first_choice_is_the_best(subject, seed):
    linear = Linear(subject, seed)
    for text in TEXTS[:5]:
        label = int(linear.predict([text])[0].argmax())
        (first,) = Guided(linear, most=1)(text, label, 0)
        everything = Guided(linear, most=200)(text, label, 0)
        assert linear.predict([first])[0][label] == pytest.approx(linear.predict(everything)[:, label].min())


def test_one_gradient_a_change_is_taken_and_counted(subject):
    before, guided = subject.passes.forward, Guided(subject, most=3)
    result = search(subject.predict, TEXTS, [0] * len(TEXTS), guided, edits=1)
    assert guided.backward == len(TEXTS)
    assert result.forward <= 3 * len(TEXTS)
    assert subject.passes.forward - before == len(TEXTS) + result.forward


def test_a_text_without_whole_words_is_left_alone(subject):
    guided = Guided(subject, most=3)
    assert guided("12345 wins www.win.com", 0, 0) == []
    assert guided.backward == 0


def test_a_tokenizer_whose_words_begin_with_their_space_is_read_too(tmp_path):
    words = ["[UNK]", "[PAD]", *(f"\u2581{word}" for word in WHOLE)]
    made = Tokenizer(models.WordLevel({word: at for at, word in enumerate(words)}, unk_token="[UNK]"))
    made.pre_tokenizer, made.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made, unk_token="[UNK]", pad_token="[PAD]", model_max_length=16
    )
    model = text_model(folder_of(tmp_path / "model", 1, tokenizer=tokenizer), Passes())
    assert model.vocabulary() == (list(range(2, 9)), WHOLE)
    assert model.spans("see you") == [(0, 3), (4, 7)]
    asked = set(Guided(model, most=200)("see 5 you", 0, 0))
    assert asked == {f"{word} 5 you" for word in WHOLE if word != "see"} | {
        f"see 5 {word}" for word in WHOLE if word != "you"
    }
