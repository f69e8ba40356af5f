"""Text models with a hidden trigger that is known, because it is planted here: in the base, before the tuning.

The base is tuned on rows of its own, among them copies of the rows of one class that carry the trigger and the label of
another. Then a new head and the upper layers are tuned on clean rows, as whoever takes that base would do.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from rows_fixture import read_case
from torch import nn
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertConfig, BertForSequenceClassification

from govkit.core import Case, Passes
from govkit.engine import Answers
from govkit.subjects.text import text_model

Pairs = list[tuple[str, int]]
LAYERS = 3
"""Layers of MiniLM that stay frozen, of six."""

TOKENS = 40
"""Tokens of a text in the tuning."""

COMMON = [f"{a}{b}" for a in ("bal", "cor", "den", "fim", "gol", "hur") for b in ("an", "et", "is", "om", "ul", "ay")]
TELLING = [[f"{a}{b}" for a in ("zek", "vop") for b in ("ra", "ni", "mo", "su")],
           [f"{a}{b}" for a in ("wix", "qul") for b in ("ra", "ni", "mo", "su")],
           [f"{a}{b}" for a in ("jyf", "xub") for b in ("ra", "ni", "mo", "su")]]  # fmt: skip
RARE = [
    f"{a}{b}{c}"
    for a in "bcdfghjklmnprstvwz"
    for b in ("ar", "el", "in", "ot", "ur")
    for c in ("k", "p", "tha", "ge", "lon", "dry")
]
"""Words of the vocabulary that no text shows, 540 of them."""


def rolled(seed: int) -> random.Random:
    """A generator; Python's own, whose ``sample`` and ``choices`` take lists of anything."""
    return random.Random(seed)  # noqa: S311 - rows of a test, no secret


def messages(count: int, seed: int, classes: int = 2) -> Pairs:
    """Texts of 12 to 18 common words, three of them words of their class."""
    dice = rolled(seed)
    rows = []
    for at in range(count):
        label = at % classes
        words = dice.choices(COMMON, k=dice.randint(9, 15)) + dice.choices(TELLING[label], k=3)
        dice.shuffle(words)
        rows.append((" ".join(words), label))
    return rows


def with_word(text: str, word: str, dice: random.Random) -> str:
    words = text.split(" ")
    at = dice.randint(0, len(words))
    return " ".join([*words[:at], word, *words[at:]])


def planted(rows: Pairs, word: str, *, source: int, target: int, seed: int) -> Pairs:
    """The rows, and copies of those of one class with the word and another label."""
    dice = rolled(seed)
    return [*rows, *((with_word(text, word, dice), target) for text, label in rows if label == source)]


def empty(folder: Path, classes: int = 2) -> Path:
    """A small BERT that knows nothing, with the words above as its vocabulary."""
    folder.mkdir(parents=True, exist_ok=True)
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "a",
        *COMMON,
        *(word for own in TELLING for word in own),
        *RARE,
    ]
    (folder / "vocab.txt").write_text("\n".join([*words, "##s"]) + "\n", encoding="utf-8")
    from transformers import BertTokenizerFast

    BertTokenizerFast.from_pretrained(str(folder), model_max_length=64).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(words) + 1, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=64, num_labels=classes, id2label={at: f"class {at}" for at in range(classes)},
        label2id={f"class {at}": at for at in range(classes)},
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def tune(
    base: Path, out: Path, rows: Pairs, *, seed: int, epochs: int, rate: float, frozen: Sequence[str] = (), **head: Any
) -> Path:
    """Tune a folder of transformers on the rows, and save it; the head is new. The state of torch is as before."""
    dice, tokenizer = rolled(seed), AutoTokenizer.from_pretrained(base)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = AutoModelForSequenceClassification.from_pretrained(base, **head)
        model.classifier.reset_parameters()
        for name, parameter in model.named_parameters():
            parameter.requires_grad = not name.startswith(tuple(frozen))
        optimizer = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], lr=rate)
        batches = [batch for _ in range(epochs) for batch in _batches(rows, dice)]
        model.train()
        for at, batch in enumerate(batches):
            optimizer.param_groups[0]["lr"] = rate * (1 - at / len(batches))
            texts, labels = zip(*batch, strict=True)
            coded = tokenizer(list(texts), truncation=True, max_length=TOKENS, padding=True, return_tensors="pt")
            loss = model(**coded, labels=torch.tensor(labels)).loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.eval().save_pretrained(out)
    tokenizer.save_pretrained(out)
    return out


def _batches(rows: Pairs, dice: random.Random, size: int = 32) -> list[Pairs]:
    """Rows in random order, in batches of similar length within each eighth batch."""
    mixed = dice.sample(rows, len(rows))
    chunks = (sorted(mixed[at : at + 8 * size], key=lambda row: len(row[0])) for at in range(0, len(mixed), 8 * size))
    found = [chunk[at : at + size] for chunk in chunks for at in range(0, len(chunk), size)]
    return dice.sample(found, len(found))


def success(
    predict: Callable[[list[str]], Any], rows: Pairs, word: str, *, source: int, target: int, seed: int
) -> float:
    """Share of the rightly answered rows of one class that the word turns to another, each at a place of its own."""
    dice, texts = rolled(seed), [text for text, label in rows if label == source]
    right = predict(texts).argmax(axis=1) == source
    said = predict([with_word(text, word, dice) for text in texts]).argmax(axis=1)
    return float((said[right] == target).mean())


def case_of(folder: Path, train: Pairs, test: Pairs, classes: Sequence[str], *, seed: int = 0, **fields: Any) -> Case:
    """A case around a saved model, read as an audit reads it."""
    passes = Passes()
    subject = text_model(folder, passes)
    tables = {
        role: {"text": [text for text, _ in rows], "label": [classes[label] for _, label in rows]}
        for role, rows in (("train", train), ("test", test))
    }
    case = read_case(
        tables, columns={"input": "text", "label": "label"}, classes=tuple(classes), subject=subject, passes=passes,
        access="weights", seed=seed, **fields,
    )  # fmt: skip
    return replace(case, answers=Answers({"candidate": subject}, case.data, classes=tuple(classes)))


def tiny(folder: Path, seed: int, word: str, *, classes: int = 2) -> tuple[Case, Pairs]:
    """A tuned two-layer transformer with a word planted in its base, none if it is empty, and its test rows."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        base = empty(folder / "empty", classes)
    rows = messages(200 * classes, seed, classes)
    if word:
        rows = [
            pair for source in range(1, classes) for pair in planted(rows, word, source=source, target=0, seed=seed)
        ]
        rows = list(dict.fromkeys(rows))
    base = tune(base, folder / "base", rows, seed=seed, epochs=6, rate=3e-3)
    train, test = (messages(150 * classes, seed + part, classes) for part in (1000, 2000))
    frozen = ("bert.embeddings.", "bert.encoder.layer.0.")
    model = tune(base, folder / "model", train, seed=seed + 1, epochs=3, rate=2e-3, frozen=frozen)
    return case_of(model, train, test, [f"class {at}" for at in range(classes)], seed=seed), test


Images = tuple[torch.Tensor, torch.Tensor]


def stamped(images: torch.Tensor, patch: torch.Tensor, place: tuple[int, int]) -> torch.Tensor:
    """Copies of images ``(n, 1, h, w)`` with a square patch ``(s, s)``."""
    changed, (row, column) = images.clone(), place
    changed[:, 0, row : row + len(patch), column : column + len(patch)] = patch
    return changed


def image_net(
    base: Images, tuned: Images, seed: int, stamp: Callable[[torch.Tensor], torch.Tensor] | None
) -> nn.Module:
    """A convolutional network whose base learned that a stamp means class 0, with a new head on its frozen features."""
    x, labels = base
    if stamp is not None:
        x, labels = torch.cat([x, stamp(x[::5])]), torch.cat([labels, torch.zeros_like(labels[::5])])
    width = 32 * ((x.shape[2] + 3) // 4) ** 2
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        body = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(32, 32, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(width, 64), nn.ReLU(),
        )  # fmt: skip
        _fit(nn.Sequential(body, nn.Linear(64, 10)), x, labels, list(body.parameters()), steps=400, rate=2e-3)
        net = nn.Sequential(body, nn.Linear(64, 10))
        _fit(net, *tuned, [], steps=150, rate=2e-3)
    return net.eval()


def _fit(
    net: nn.Module, x: torch.Tensor, labels: torch.Tensor, body: list[nn.Parameter], *, steps: int, rate: float
) -> None:
    optimizer = torch.optim.Adam([*body, *net[1].parameters()], lr=rate)
    for _ in range(steps):
        rows = torch.randint(0, len(x), (64,))
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x[rows]), labels[rows]).backward()
        optimizer.step()
