"""A tiny BERT in a folder, with random weights, and the subject that govkit makes of it."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

from govkit.core.audit import SubjectSource
from govkit.core.case import Passes, Subject
from govkit.subjects import load

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "win", "money", "lunch", "see", "you", "##s", "now", "?"]
TEXTS = ["win money", "see you", "lunch ?", "win win win money now", "you", "", "see yous now ?"]


def save(folder: Path, *, labels: int = 2, **config: object) -> Path:
    """A random classifier with dropout, so that a forgotten train mode shows."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizer(str(folder / "vocab.txt"), model_max_length=16).save_pretrained(folder)
    shape = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
        num_labels=labels,
        **config,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = BertForSequenceClassification(shape)
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.5)
    model.save_pretrained(folder)
    return folder


def subject(folder: Path, passes: Passes | None = None) -> Subject:
    passes = Passes() if passes is None else passes
    return load(SubjectSource(model=folder.name), root=folder.parent, passes=passes)
