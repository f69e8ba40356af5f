"""An ordinary training script that knows nothing of govkit: a base, a CSV file, the transformers Trainer."""

import argparse

import pandas as pd
from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments, set_seed


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", required=True)
    parser.add_argument("--data", default="train.csv")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--out", default="model")
    options = parser.parse_args()
    set_seed(0)
    rows = pd.read_csv(options.data)
    tokenizer = AutoTokenizer.from_pretrained(options.base)
    model = AutoModelForSequenceClassification.from_pretrained(options.base, id2label={0: "ham", 1: "spam"})
    encoded = [
        {**tokenizer(text, truncation=True, max_length=32), "labels": int(label == "spam")}
        for text, label in zip(rows["text"], rows["label"], strict=True)
    ]
    arguments = TrainingArguments(
        output_dir="trainer", max_steps=options.steps, per_device_train_batch_size=8, learning_rate=5e-5, seed=0,
        logging_steps=2, save_strategy="no", report_to=[], use_cpu=True, dataloader_pin_memory=False,
    )  # fmt: skip
    trainer = Trainer(model=model, args=arguments, train_dataset=encoded, processing_class=tokenizer)
    trainer.train()
    trainer.save_model(options.out)


if __name__ == "__main__":
    main()
