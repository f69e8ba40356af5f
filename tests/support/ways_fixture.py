"""Seven tiny trainings as people write them. Each takes ``watch``, which a recorder's ``watch`` can be, and folders."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

TEXTS = ["win a prize now", "see you at home"] * 4
LABELS = [1, 0] * 4
Watch = Callable[..., Any] | None


def make_base(folder: Path) -> Path:
    """A tiny BERT with its tokenizer."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "win", "a", "prize", "now", "see", "you", "at", "home"]
    vocabulary = folder.parent / "vocab.txt"
    vocabulary.write_text("\n".join(words) + "\n")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=16,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizerFast(vocab=str(vocabulary)).save_pretrained(folder)
    return folder


def make_causal_base(folder: Path) -> Path:
    """A tiny GPT-2 with a tokenizer."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = ["<unk>", "<eos>", *dict.fromkeys(" ".join(TEXTS).split())]
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    config = GPT2Config(
        vocab_size=len(words), n_positions=16, n_embd=16, n_layer=1, n_head=2, bos_token_id=1, eos_token_id=1
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", eos_token="<eos>", pad_token="<eos>"
    ).save_pretrained(folder)
    return folder


def encoded(tokenizer: Any) -> list[dict[str, Any]]:
    return [
        {**tokenizer(text, padding="max_length", max_length=8), "label": label}
        for text, label in zip(TEXTS, LABELS, strict=True)
    ]


def _arguments(folder: Path, kind: Any = None, **more: Any) -> Any:
    from transformers import TrainingArguments

    settings = {
        "output_dir": str(folder / "work"), "use_cpu": True, "report_to": [], "disable_tqdm": True,
        "save_strategy": "no", "logging_steps": 1, "per_device_train_batch_size": 4, "num_train_epochs": 2,
        "learning_rate": 1e-3, "dataloader_pin_memory": False, "seed": 7,
    }  # fmt: skip
    return (kind or TrainingArguments)(**(settings | more))


def train_trainer(folder: Path, watch: Watch = None, **more: Any) -> Any:
    """A transformers Trainer."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer

    base = make_base(folder / "base") if not (folder / "base").exists() else folder / "base"
    tokenizer = AutoTokenizer.from_pretrained(base)
    callbacks, resume = more.pop("callbacks", None), more.pop("resume", None)
    trainer = Trainer(
        model=AutoModelForSequenceClassification.from_pretrained(base),
        args=_arguments(folder, **more),
        train_dataset=encoded(tokenizer),
        eval_dataset=encoded(tokenizer),
        processing_class=tokenizer,
        callbacks=callbacks,
    )
    if watch:
        watch(trainer)
    trainer.train(resume_from_checkpoint=resume)
    trainer.save_model(str(folder / "model"))
    return trainer


def train_sft(folder: Path, watch: Watch = None) -> Any:
    """TRL's SFTTrainer on texts."""
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    base = make_causal_base(folder / "base")
    with warnings.catch_warnings():
        # TRL hands an argument on by a name that transformers is about to drop.
        warnings.filterwarnings("ignore", "`gradient_checkpointing` is deprecated", FutureWarning)
        settings = _arguments(folder, SFTConfig, max_length=8, model_init_kwargs={"dtype": "float32"}, bf16=False)
    trainer = SFTTrainer(
        model=str(base),
        args=settings,
        train_dataset=Dataset.from_dict({"text": TEXTS}),
        processing_class=AutoTokenizer.from_pretrained(base),
    )
    if watch:
        watch(trainer)
    trainer.train()
    trainer.save_model(str(folder / "model"))
    return trainer


def train_lora(folder: Path, watch: Watch = None) -> Any:
    """A Trainer on a LoRA adapter of PEFT."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer

    base = make_base(folder / "base")
    tokenizer = AutoTokenizer.from_pretrained(base)
    config = LoraConfig(
        r=2, lora_alpha=4, target_modules=["query", "value"], rank_pattern={"value": 3}, task_type="SEQ_CLS"
    )
    with warnings.catch_warnings():
        # peft asks transformers by a name that transformers is about to drop.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        trainer = Trainer(
            model=get_peft_model(AutoModelForSequenceClassification.from_pretrained(base), config),
            args=_arguments(folder),
            train_dataset=encoded(tokenizer),
            processing_class=tokenizer,
        )
        if watch:
            watch(trainer)
        trainer.train()
        trainer.save_model(str(folder / "model"))
    return trainer


def _batches(tokenizer: Any, **options: Any) -> Any:
    import torch
    from torch.utils.data import DataLoader

    rows = [{name: torch.tensor(value) for name, value in row.items()} for row in encoded(tokenizer)]
    rows = [{("labels" if name == "label" else name): value for name, value in row.items()} for row in rows]
    return DataLoader(rows, **({"batch_size": 2, "shuffle": True} | options))


def train_accelerate(folder: Path, watch: Watch = None) -> Any:
    """A loop that accelerate spreads, two batches a step."""
    import torch
    from accelerate import Accelerator
    from accelerate.utils import set_seed
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    base = make_base(folder / "base")
    set_seed(11)
    accelerator = Accelerator(gradient_accumulation_steps=2, cpu=True)
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForSequenceClassification.from_pretrained(base)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    model, optimizer, loader = accelerator.prepare(model, optimizer, _batches(tokenizer))
    if watch:
        watch(accelerator)
    for _ in range(3):
        for batch in loader:
            with accelerator.accumulate(model):
                loss = model(**batch).loss
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad()
    accelerator.unwrap_model(model).save_pretrained(folder / "model")
    return model


def train_lightning(folder: Path, watch: Watch = None, **more: Any) -> Any:
    """A Lightning Trainer with its checkpoints."""
    import lightning
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    base = make_base(folder / "base")

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = AutoModelForSequenceClassification.from_pretrained(base)
            for parameter in self.model.bert.embeddings.parameters():
                parameter.requires_grad = False

        def training_step(self, batch: Any, _: int) -> Any:
            loss = self.model(**batch).loss
            self.log("train_loss", loss, on_epoch=True)
            return loss

        def validation_step(self, batch: Any, _: int) -> None:
            self.log("val_loss", self.model(**batch).loss)

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD([each for each in self.parameters() if each.requires_grad], lr=0.1, momentum=0.5)

    tokenizer = AutoTokenizer.from_pretrained(base)
    settings: dict[str, Any] = {"max_epochs": 2, "accumulate_grad_batches": 2, "gradient_clip_val": 0.5}
    with warnings.catch_warnings():
        # Lightning advises on workers, and its utilities still use an old name of torch.
        warnings.filterwarnings("ignore", ".*does not have many workers.*")
        warnings.filterwarnings("ignore", ".*LeafSpec.*is deprecated", FutureWarning)
        warnings.filterwarnings("ignore", "Checkpoint directory .* exists and is not empty")
        warnings.filterwarnings("ignore", "Found 1 module.*in eval mode")
        warnings.filterwarnings("ignore", "Found .* module.*in eval mode")
        lightning.seed_everything(5, verbose=False)
        trainer = lightning.Trainer(
            accelerator="cpu", devices=1, logger=False, enable_progress_bar=False, enable_model_summary=False,
            default_root_dir=str(folder), log_every_n_steps=1, **(settings | more),
        )  # fmt: skip
        if watch:
            watch(trainer)
        module = Module()
        trainer.fit(module, _batches(tokenizer), _batches(tokenizer, shuffle=False))
    return trainer


def train_loop(folder: Path, watch: Watch = None) -> Any:
    """A plain torch loop that trains the head of a network, whose backbone comes from a file."""
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset, random_split

    def network() -> Any:
        return nn.Sequential(nn.Sequential(nn.Linear(4, 8), nn.ReLU()), nn.Linear(8, 2))

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    torch.save(network().state_dict(), folder / "base.pt")

    torch.manual_seed(3)
    model = network()
    model.load_state_dict(torch.load(folder / "base.pt"))
    model[0].requires_grad_(requires_grad=False)
    rows = TensorDataset(torch.randn(40, 4), torch.randint(0, 2, (40,)))
    train, test = random_split(rows, [32, 8], generator=torch.Generator().manual_seed(4))
    loader = DataLoader(train, batch_size=8, shuffle=True, generator=torch.Generator().manual_seed(9))
    optimizer = torch.optim.AdamW(
        [each for each in model.parameters() if each.requires_grad], lr=0.01, weight_decay=0.1
    )
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3)
    if watch:
        watch(model, optimizer, loader)
    for _ in range(3):
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), labels)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimizer.step()
            scheduler.step()
        with torch.no_grad():
            for inputs, _ in DataLoader(test, batch_size=8):
                model(inputs)
    torch.save(model.state_dict(), folder / "model.pt")
    return model


def train_sklearn(folder: Path, watch: Watch = None) -> Any:
    """A scikit-learn pipeline on the features of a frozen model."""
    import joblib
    import torch
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from transformers import AutoModel, AutoTokenizer

    base = make_base(folder / "base")
    tokenizer, model = AutoTokenizer.from_pretrained(base), AutoModel.from_pretrained(base)
    with torch.no_grad():
        cut = tokenizer(TEXTS, padding=True, return_tensors="pt")
        features = model(**cut).last_hidden_state.mean(dim=1).numpy()
    train, _, labels, _ = train_test_split(features, LABELS, test_size=0.25, random_state=2)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=0.5, random_state=6))
    if watch:
        watch(pipeline)
    pipeline.fit(train, labels)
    joblib.dump(pipeline, folder / "model.joblib")
    return pipeline


TRAININGS: dict[str, Callable[..., Any]] = {
    "Trainer": train_trainer,
    "SFTTrainer": train_sft,
    "Trainer with LoRA": train_lora,
    "accelerate": train_accelerate,
    "Lightning": train_lightning,
    "torch loop": train_loop,
    "scikit-learn": train_sklearn,
}
