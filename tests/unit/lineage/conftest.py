"""A tiny base, its tokenizer and a real Trainer on them; everything is made here, nothing is downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast, Trainer, TrainingArguments

ROWS = [{"text": text, "label": label} for text, label in [("win a prize now", 1), ("see you at home", 0)] * 4]


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("bases") / "tiny-base"
    folder.mkdir()
    words = "[PAD] [UNK] [CLS] [SEP] [MASK] win a prize now see you at home"
    vocabulary = folder.parent / "vocab.txt"
    vocabulary.write_text("\n".join(words.split()) + "\n")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=13,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizerFast(vocab=str(vocabulary)).save_pretrained(folder)
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# tiny\n")
    return folder


@pytest.fixture
def make_trainer(tiny_base: Path, tmp_path: Path) -> Any:
    def make(*, freeze: tuple[str, ...] = (), callbacks: Any = None, kind: type = Trainer, **arguments: Any) -> Trainer:
        model = BertForSequenceClassification.from_pretrained(tiny_base, num_labels=2)
        tokenizer = BertTokenizerFast.from_pretrained(tiny_base)
        for name, parameter in model.named_parameters():
            parameter.requires_grad = not name.startswith(freeze) if freeze else True
        encoded = [
            {**tokenizer(row["text"], padding="max_length", max_length=8), "label": row["label"]} for row in ROWS
        ]
        settings = {
            "output_dir": str(tmp_path / "work"),
            "use_cpu": True,
            "report_to": [],
            "disable_tqdm": True,
            "save_strategy": "no",
            "logging_steps": 1,
            "per_device_train_batch_size": 4,
            "max_steps": 2,
            "learning_rate": 1e-3,
            "dataloader_pin_memory": False,
            "seed": 7,
        }
        return kind(
            model=model,
            args=TrainingArguments(**(settings | arguments)),
            train_dataset=encoded,
            eval_dataset=encoded,
            processing_class=tokenizer,
            callbacks=callbacks,
        )

    return make
