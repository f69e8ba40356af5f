"""The README does what it says: every snippet is run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import yaml
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
)

import govkit as gk

ROOT = Path(gk.__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def snippet(language: str) -> str:
    found = re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)
    assert len(found) == 1, language
    return found[0]


WORDS = ("good", "fine", "great", "nice", "bad", "poor", "awful", "sad", "film", "book", "day", "food")


def _tokenizer() -> PreTrainedTokenizerFast:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    vocabulary = {word: number for number, word in enumerate((*special, *WORDS))}
    words = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a small base, a model on it, and data, under the names that the README uses."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=17, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, num_labels=2
    )
    tokenizer = _tokenizer()
    for name, model in (("base_model", BertModel(config)), ("my_model", BertForSequenceClassification(config))):
        model.save_pretrained(tmp_path / name)
        tokenizer.save_pretrained(tmp_path / name)
    for name, n in (("train", 60), ("test", 80)):
        texts = [f"{WORDS[i % 8]} {WORDS[8 + i % 4]} {WORDS[(i * 7) % 8]} {name} {i}" for i in range(n)]
        labels = ["bad" if i % 8 >= 4 else "good" for i in range(n)]
        sheet = {"id": range(n), "text": texts, "label": labels, "sex": ["f" if i % 3 else "m" for i in range(n)]}
        pd.DataFrame(sheet).to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "audit.yaml").write_text(snippet("yaml"), encoding="utf-8")
    return tmp_path


def _govkit(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "govkit", *arguments], capture_output=True, text=True, check=False)


def test_snippets_are_as_short_as_promised():
    assert len(snippet("yaml").splitlines()) == 6
    assert len(snippet("sh").splitlines()) <= 5
    code = [line for line in snippet("python").splitlines() if line.strip()]
    assert len(code) <= 8


def test_the_gate_in_ci(folder: Path):
    """Each line is run; the audit of an untrained model must not pass, and the proof must agree with it."""
    (folder / "password").write_text("secret", encoding="utf-8")
    assert _govkit("keys", "new", "--out", ".", "--password-file", "password").returncode == 0
    codes = []
    for line in snippet("sh").splitlines():
        if line.startswith("govkit "):
            done = _govkit(*line.split()[1:])
            assert "Traceback" not in done.stderr
            codes.append(done.returncode)
        else:
            subprocess.run(["sh", "-c", line], check=True)
    linted, audited, verified = codes
    assert linted == 0
    assert audited in (1, 3)
    assert verified == audited
    assert "summary" not in (folder / "summary.md").read_text(encoding="utf-8")[:1]
    assert (folder / "summary.md").stat().st_size > 100


def _trainer(folder: Path) -> Trainer:
    rows = [
        {"input_ids": [2, 5 + i % 12, 3], "attention_mask": [1, 1, 1], "labels": int(i % 8 >= 4)} for i in range(60)
    ]
    arguments = TrainingArguments(
        output_dir=str(folder / "trainer"), max_steps=2, report_to=[], use_cpu=True, disable_tqdm=True,
        save_strategy="no", dataloader_pin_memory=False,
    )  # fmt: skip
    model = BertForSequenceClassification.from_pretrained(folder / "my_model")
    return Trainer(model=model, args=arguments, train_dataset=rows, processing_class=_tokenizer())


def test_the_python_api(folder: Path):
    names: dict[str, Any] = {"trainer": _trainer(folder)}
    exec(snippet("python"), names)  # noqa: S102 — the README's own words
    bundle = names["bundle"]
    assert bundle.verdict.exit_code in (1, 3)
    run = gk.read_run("runs/mine")
    assert run.exit == "finished"
    assert run.data[0].license.expression == "CC-BY-4.0"


def test_two_audits_of_the_same_run_give_the_same_bytes(folder: Path, key_folder: Path, fixed_clock: None):
    """Equal findings; statements, card, HTML, PDF and every other file equal byte by byte."""
    trainer = _trainer(folder)
    with gk.record("runs/mine", base="base_model") as run:
        run.add_data("train.csv", role="train", license="CC-BY-4.0")
        run.watch(trainer)
        trainer.train()
    text = snippet("yaml").replace("{model: my_model}", "{run: runs/mine/run.json}")
    text = text.replace("{model: base_model, head: probe}", "{from: run, head: probe}")
    (folder / "audit.yaml").write_text(text, encoding="utf-8")
    key = {"key": key_folder / "audit.key", "password": b"correct horse"}
    first, second = (gk.audit("audit.yaml", out=name, **key) for name in ("one", "two"))
    assert first.findings == second.findings
    assert first.run is not None
    names = sorted(str(path.relative_to(first.path)) for path in first.path.rglob("*") if path.is_file())
    assert {"run.sigstore.json", "card.md", "report.html", "report.pdf", "release.sigstore.json"} <= set(names)
    for name in names:
        assert (first.path / name).read_bytes() == (second.path / name).read_bytes(), name


def test_the_audit_file_is_the_schema_of_the_docs():
    audit = yaml.safe_load(snippet("yaml"))
    assert audit["schema"] == "govkit.audit/v1"
    assert gk.Audit.model_validate(audit)


def test_the_help_names_the_commands_of_the_page():
    listed = _govkit("--help").stdout
    for command in ("demo", "audit", "verify", "keys", "policy", "checks", "remedy"):
        assert f" {command} " in listed


def test_the_picture_exists():
    for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file(), path


def test_the_commands_for_a_policy_of_ones_own_exist(tmp_path: Path) -> None:
    """``policy init`` asks on a terminal; it is typed into elsewhere."""
    (block,) = re.findall(r"```\n(govkit policy init letters.*?)```", README, flags=re.DOTALL)
    commands = [line.split("#")[0].split() for line in block.splitlines()]
    assert [command[1] for command in commands] == ["policy", "policy", "policy", "selfcheck"]

    def said(*words: str) -> str:
        command = [sys.executable, "-m", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert "--answers" in said(*commands[0][:3], "--help")
    assert "PERF-01" in said(*commands[1][:3], "small-business")
    assert "10 in 100 lower and at most 10 in 100 higher" in said(*commands[2])
    assert "Plant faults" in said(*commands[3], "--help")
