"""``govkit remedy harden`` and ``soup``: new weights, written with what makes the model, audited; whole or absent."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from digit_students import write_files
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizer
from typer.testing import CliRunner

import govkit as gk
from govkit import manifest, remedies
from govkit.cli.app import app
from govkit.core import Measurement
from govkit.core.columns import Columns
from govkit.data import read_dataset
from govkit.lineage.cost import Clock
from govkit.pipeline import remedying
from govkit.pipeline.casework import Casework, build_case, read_audit
from govkit.pipeline.new_weights import NewWeights, Options, right_with
from govkit.pipeline.reweighting import reweighted
from govkit.pipeline.robustness import robustness
from govkit.remedies.soup import judge

pytestmark = pytest.mark.long

COLUMNS = [f"x{number}" for number in range(6)]
CODE = """\
from pathlib import Path

from safetensors.torch import load_file
from torch import nn


class Body(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, width), nn.ReLU())

    def forward(self, x):
        return self.body(x)


class Net(Body):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.body(x))


def loaded(net, name):
    net.load_state_dict(load_file(Path(__file__).with_name(name)))
    return net.eval()


def predict(frame):
    import torch

    with torch.no_grad():
        return net(torch.tensor(frame.to_numpy(dtype="float32"))).softmax(dim=1).numpy()


base, net = loaded(Body(), "base.safetensors"), loaded(Net(), "net.safetensors")
wide = Body(64)
"""
AUDIT = """\
schema: govkit.audit/v1
name: cuts
subject: {python: "own.nets:net", artifact: own, input_range: [0, 1]}
base: {python: "own.nets:base", head: probe}
data: {train: {path: train.csv}, calibration: {path: calibration.csv}, test: {path: test.csv}}
columns: {input: [x0, x1, x2, x3, x4, x5], label: label, groups: [side]}
policy: rules.yaml
"""
POLICY = """\
schema: govkit.policy/v1
id: p
version: 1.0.0
controls:
  - {id: A, title: "right on most rows", rmf: [MEASURE 2.3], check: performance, metric: accuracy, require: {min: 0.7},
     authority: {level: none, note: ours}, severity: high}
"""


def rows(n: int, seed: int) -> pd.DataFrame:
    """The first column tells the class at a distance, with exceptions; the others nearly touch, without any."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n)
    sign = 2 * label - 1
    far = 0.5 + 0.3 * sign * np.where(rng.random(n) < 0.04, -1, 1) + rng.normal(0, 0.02, n)
    near = 0.5 + 0.03 * sign[:, None] + rng.normal(0, 0.03, (n, 5))
    frame = pd.DataFrame(np.clip(np.column_stack([far, near]), 0, 1).round(5), columns=COLUMNS)
    return frame.assign(label=label, side=rng.choice(["left", "right"], n))


def net_of() -> nn.Module:
    made: dict = {"__name__": "nets"}
    exec(CODE.partition("\n\nbase, net")[0], made)  # noqa: S102 - the code above
    return made["Net"]()


def tuned(net: nn.Module, frame: pd.DataFrame, steps: int) -> nn.Module:
    x, label = torch.tensor(frame[COLUMNS].to_numpy(dtype=np.float32)), torch.tensor(frame.label.to_numpy())
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), label).backward()
        optimizer.step()
    return net


@pytest.fixture(scope="module")
def weights() -> dict[str, dict[str, torch.Tensor]]:
    """Of a base that was trained a little, and of a candidate that was tuned on."""
    torch.manual_seed(0)
    first = tuned(net_of(), rows(400, 9), 20)
    second = tuned(copy.deepcopy(first), rows(300, 1), 120)
    body = {name: tensor for name, tensor in first.state_dict().items() if name.startswith("body")}
    return {"base": body, "net": second.state_dict()}


@pytest.fixture
def folder(tmp_path: Path, weights: dict[str, dict[str, torch.Tensor]]) -> Path:
    for seed, name in enumerate(("train", "calibration", "test"), start=1):
        rows(300 if name == "train" else 120, seed).to_csv(tmp_path / f"{name}.csv", index=False)
    own = tmp_path / "own"
    own.mkdir()
    (own / "nets.py").write_text(CODE, encoding="utf-8")
    for name, tensors in weights.items():
        save_file(tensors, own / f"{name}.safetensors")
    (tmp_path / "audit.yaml").write_text(AUDIT, encoding="utf-8")
    (tmp_path / "rules.yaml").write_text(POLICY, encoding="utf-8")
    return tmp_path


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_harden_from_the_command_line(folder: Path):
    before, out = contents(folder), folder / "hard"
    arguments = ["remedy", "harden", str(folder / "audit.yaml"), "--eps", "0.1", "--epochs", "100", "--out", str(out)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, (done.output[-800:], done.exception)
    assert "robust accuracy, changes up to 0.1, 120 test rows" in done.output
    assert f"--model {out}/model" in done.output
    assert {name: content for name, content in contents(folder).items() if name.parts[0] != "hard"} == before
    proof = gk.verify(out / "evidence", model=out / "model", trust=out / "evidence.trust.yaml")
    assert proof.verdict.outcome == "PASS"
    compared = json.loads((out / "comparison.json").read_text(encoding="utf-8"))
    (robust,) = compared["robust"]
    assert robust["after"] >= robust["before"] + 0.15
    assert robust["trust"] == ["trusted", "trusted"]
    clean = next(each for each in compared["effects"] if each["metric"] == "accuracy" and not each["part"])
    assert clean["after"] >= clean["before"] - 0.05
    assert {each["part"].get("side") for each in compared["effects"]} == {None, "left", "right"}
    run, told = gk.read_run(out), json.loads((out / "remedy.json").read_text(encoding="utf-8"))
    assert run.base.digest.value == told["candidate"]["digest"] == manifest.artifact_digest(folder / "own")
    assert run.artifact.value == manifest.artifact_digest(out / "model")
    assert [(part.role, part.digest.value) for part in run.data] == [("train", told["fitted_on"]["digest"])]
    assert run.method["trainable_parameters"].value == told["numbers"]["trained"] == 74
    sealed, _ = read_audit(out / "evidence" / "audit.yaml")
    assert (sealed.subject.python, sealed.subject.artifact) == ("model:model", "model")
    assert any("against changes of each value by up to 0.1" in each for each in sealed.use.conditions)


def test_soup_in_python(folder: Path):
    rows(150, 7).to_csv(folder / "shifted.csv", index=False)
    _write(folder, "test.csv}}", "test.csv}, shifted: {path: shifted.csv}}")
    before = contents(folder)
    made = gk.remedy(folder / "audit.yaml", "soup", base_weight=0.5, out=folder / "soup")
    assert {name: content for name, content in contents(folder).items() if name.parts[0] != "soup"} == before
    assert made.artifact == "model"
    said = " ".join(made.remarks)
    assert "Base weight 0.5: given, not chosen." in said
    assert "stay as they were tuned: head.weight, head.bias" in said
    assert "in distribution: accuracy" in said
    assert "on shifted data: accuracy" in said
    again = build_case(*read_audit(made.path / "audit.yaml"), apart=False).case
    tensors = again.subject.module.state_dict()
    case = build_case(*read_audit(folder / "audit.yaml"), apart=False).case
    base, old = case.base.base.model.state_dict(), case.subject.module.state_dict()
    torch.testing.assert_close(tensors["body.0.weight"], (base["body.0.weight"] + old["body.0.weight"]) / 2)
    assert torch.equal(tensors["head.weight"], old["head.weight"])
    run = gk.read_run(made.path)
    assert run.data == ()
    assert gk.verify(made.path / "evidence", model=made.path / "model", trust=made.path / "evidence.trust.yaml")


def _new(folder: Path, how: str, out: str, **options: object) -> tuple[Casework, NewWeights]:
    """The files of a new candidate without the audit of it."""
    given, root = read_audit(folder / "audit.yaml")
    work = build_case(given, root, apart=False)
    made = reweighted(work.case, how, Options(**options))
    (folder / out).mkdir()
    made.write(
        folder / out, work, root, policy="nist-ai-rmf-core", remarks=(), clock=Clock(), started="2026-01-01T00:00:00Z"
    )
    return work, made


def test_the_audited_model_stays_in_memory_and_a_hardened_one_is_hardened_again(folder: Path):
    given, root = read_audit(folder / "audit.yaml")
    work = build_case(given, root, apart=False)
    was = copy.deepcopy(work.case.subject.module.state_dict())
    reweighted(work.case, "harden", Options(epochs=1))
    assert all(torch.equal(was[name], tensor) for name, tensor in work.case.subject.module.state_dict().items())
    _new(folder, "harden", "once", epochs=1)
    moved = folder.rename(folder.with_name(f"{folder.name}_elsewhere")) / "once"
    first, _ = _new(moved, "harden", "twice", epochs=1)
    last = build_case(*read_audit(moved / "twice" / "audit.yaml"), apart=False).case
    assert not np.array_equal(
        last.predictions("candidate").probabilities, first.case.predictions("candidate").probabilities
    )
    # Who stood in service before the first remedy still does.
    for case in (first.case, last):
        found = case.predictions("incumbent").probabilities
        np.testing.assert_allclose(found, work.case.predictions("candidate").probabilities, atol=1e-6)
    assert last.base.digest == first.case.base.digest


def test_a_weight_is_chosen_on_calibration_rows_alone(folder: Path):
    def chosen() -> float:
        return reweighted(
            build_case(*read_audit(folder / "audit.yaml"), apart=False).case, "soup", Options()
        ).fitted.numbers

    before = chosen()
    rows(80, 11).assign(label=lambda frame: 1 - frame.label).to_csv(folder / "test.csv", index=False)
    after = chosen()
    assert after["base_weight"] == before["base_weight"]
    assert after["calibration_accuracy"] == before["calibration_accuracy"]
    assert after["change"] != before["change"]


def test_a_soup_says_where_nobody_knows_the_training_rows(folder: Path):
    _write(folder, "wide = Body(64)", "first = loaded(Net(), 'net.safetensors')", name="own/nets.py")
    said = "nobody can say whether the candidate was tuned on these rows"
    made = reweighted(build_case(*read_audit(folder / "audit.yaml"), apart=False).case, "soup", Options())
    assert said not in " ".join(made.fitted.remarks)
    _write(folder, "train: {path: train.csv}, ", "")
    _write(folder, '"own.nets:base", head: probe', '"own.nets:first", head: own')
    made = reweighted(build_case(*read_audit(folder / "audit.yaml"), apart=False).case, "soup", Options())
    assert said in " ".join(made.fitted.remarks)


def test_training_uses_nothing_of_the_test(folder: Path):
    made = []
    for seed in (3, 12):
        rows(60, seed).to_csv(folder / "test.csv", index=False)
        case = build_case(*read_audit(folder / "audit.yaml"), apart=False).case
        made.append(reweighted(case, "harden", Options(epochs=1)).subject.module.state_dict())
    assert all(torch.equal(tensor, made[1][name]) for name, tensor in made[0].items())


def test_killed_half_way_nothing_is_left(folder: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    before = contents(folder)
    monkeypatch.setattr(remedying, "audit", interrupted)
    monkeypatch.setattr(remedying, "robustness", lambda *_: ((), ()))
    with pytest.raises(KeyboardInterrupt):
        gk.remedy(folder / "audit.yaml", "harden", epochs=1, out=folder / "out")
    assert contents(folder) == before


def _write(folder: Path, old: str, new: str, *, name: str = "audit.yaml") -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")


def nothing(_: Path) -> None:
    """The files are good."""


def _shared(folder: Path) -> None:
    rows(120, 3).tail(40).to_csv(folder / "train.csv", index=False)


def _chosen_on_training_rows(folder: Path) -> None:
    pd.concat([rows(120, 2), rows(300, 1).head(30)]).to_csv(folder / "calibration.csv", index=False)


def _gaps(folder: Path) -> None:
    # A probe of the base would refuse such rows before.
    _without(folder, "base")
    frame = rows(300, 1)
    frame.loc[[3, 8], ["x1", "x2"]] = np.nan
    frame.loc[9, "x0"] = np.inf
    frame.to_csv(folder / "train.csv", index=False)


def _gaps_without_a_range(folder: Path) -> None:
    _gaps(folder)
    _write(folder, ", input_range: [0, 1]", "")


def _stored(folder: Path) -> None:
    rows(120, 3).assign(score=0.7).to_csv(folder / "test.csv", index=False)
    _write(folder, '{python: "own.nets:net", artifact: own, input_range: [0, 1]}', "{predictions: test.csv}")
    _write(folder, "label: label", "label: label, score: score")
    _write(folder, ", test: {path: test.csv}", "")
    _write(folder, 'base: {python: "own.nets:base", head: probe}\n', "")


@pytest.mark.parametrize(
    ("how", "change", "options", "message"),
    [
        ("harden", lambda f: _write(f, "nets:net", "nets:predict"), (), "a model that only answers: name its torch"),
        ("soup", _stored, (), "stored predictions: name its torch"),
        ("harden", lambda f: _without(f, "train"), (), "data.train is missing"),
        ("harden", _shared, (), "40 of its rows"),
        ("harden", _gaps, (), "train.csv: 3 of 300 rows have missing or infinite values"),
        ("harden", _gaps_without_a_range, (), "train.csv: 3 of 300 rows have missing or infinite values"),
        ("harden", nothing, ("--eps", "1.5"), "larger than the range"),
        ("harden", nothing, ("--eps", "0"), "expected a number above 0"),
        ("harden", nothing, ("--epochs", "0"), "from 1 to 1000"),
        ("harden", nothing, ("--base-weight", "0.5"), "is for soup"),
        ("harden", nothing, ("--method", "isotonic"), "of harden expected one of pgd, free, trades"),
        ("harden", nothing, ("--group", "side"), "says nothing to harden"),
        ("harden", lambda f: (f / "out").mkdir(), (), "already exists"),
        ("soup", _chosen_on_training_rows, (), "30 of its rows (repeats counted once) are train rows too"),
        ("soup", lambda f: _without(f, "calibration"), (), "data.calibration is missing"),
        ("soup", lambda f: _write(f, "own.nets:base", "own.nets:wide"), (), "another architecture"),
        ("soup", lambda f: _without(f, "base"), (), "weights with those of the base, which are not at hand"),
        ("soup", nothing, ("--base-weight", "1.5"), "expected a number above 0"),
        ("soup", nothing, ("--eps", "0.1"), "--eps 0.1: says nothing to soup; it is for harden"),
        ("threshold", nothing, ("--eps", "0.1"), "says nothing to threshold"),
    ],
)
def test_bad_input_is_refused_before_the_work(folder: Path, how: str, change, options: tuple[str, ...], message: str):
    change(folder)
    before = sorted(folder.rglob("*"))
    done = CliRunner().invoke(app, ["remedy", how, str(folder / "audit.yaml"), "--out", str(folder / "out"), *options])
    assert isinstance(done.exception, gk.UsageError), (done.output[-500:], done.exception)
    assert message in str(done.exception)
    assert done.exception.exit_code == 2
    assert sorted(folder.rglob("*")) == before


def _without(folder: Path, what: str) -> None:
    if what == "base":
        _write(folder, 'base: {python: "own.nets:base", head: probe}\n', "")
        return
    if what == "train":
        # Without training rows there is no probe either.
        _without(folder, "base")
    _write(folder, f"{what}: {{path: {what}.csv}}, ", "")


@pytest.mark.parametrize(
    ("code", "audit", "message"),
    [
        (("self.head = nn.Linear(8, 2)", "self.head = nn.Linear(8, 2); self.b = __import__('torch').rand(2) * 9"), None,
         "logits differ by"),
        (None, ("artifact: own, ", ""), "subject.artifact names the folder that holds all it needs"),
    ],
)  # fmt: skip
def test_a_model_that_cannot_be_made_again_is_refused_and_nothing_is_written(folder: Path, code, audit, message: str):
    if code is not None:
        _write(folder, *code, name="own/nets.py")
        _write(folder, "return self.head(self.body(x))", "return self.head(self.body(x)) + self.b", name="own/nets.py")
    if audit is not None:
        _write(folder, *audit)
    before = contents(folder)
    with pytest.raises(gk.UsageError, match=message):
        gk.remedy(folder / "audit.yaml", "soup", base_weight=0.5, out=folder / "out")
    assert contents(folder) == before


@pytest.mark.carrier
def test_a_student_of_digits_stands_what_broke_it_and_a_soup_says_what_it_costs(tmp_path: Path):
    """Pictures; the base saw MNIST, of which the shifted rows are."""
    case = build_case(*read_audit(write_files(tmp_path, sizes=(1000, 20, 100, 100))), apart=False).case
    made = reweighted(case, "harden", Options(eps=0.1, method="free"))
    (robust,), said = robustness(case, made.case(case), 0.1)
    assert robust.after >= robust.before + 0.15
    assert robust.trust == ("trusted", "trusted")
    assert said == ()
    clean = judge(right_with(case, "test", case.subject), right_with(case, "test", made.subject))
    assert clean.after >= clean.before - 0.05
    soup = reweighted(case, "soup", Options(base_weight=0.5))
    told = [each for each in soup.fitted.remarks if "accuracy" in each]
    for role, says in zip(("test", "shifted"), told, strict=True):
        moved = right_with(case, role, soup.subject).mean() - right_with(case, role, case.subject).mean()
        assert says.startswith("WORSE") == (moved < 0)
        assert f"change {moved:+.3f} (95 % interval" in says


def test_pictures_under_another_name_are_the_same_rows(tmp_path: Path):
    for role, numbers in (("train", (0, 90)), ("test", (90, 180))):
        names = [f"{role}-{number}.png" for number in numbers]
        for name, number in zip(names, numbers, strict=True):
            Image.new("L", (4, 4), number).save(tmp_path / name)
        pd.DataFrame({"image": names, "label": ["a", "b"]}).to_csv(tmp_path / f"{role}.csv", index=False)
    columns = Columns(input="image", label="label")
    train, test = (
        read_dataset(tmp_path / f"{role}.csv", role=role, columns=columns, modality="image", classes=("a", "b"))
        for role in ("train", "test")
    )
    assert remedies.shared_rows(train, test) == 0
    (tmp_path / "test-180.png").write_bytes((tmp_path / "train-90.png").read_bytes())
    again = read_dataset(tmp_path / "test.csv", role="test", columns=columns, modality="image", classes=("a", "b"))
    assert remedies.shared_rows(train, again) == 1


@pytest.mark.parametrize(
    ("after", "trust", "says"),
    [
        (0.2, "trusted", "WORSE under attack: robust accuracy 0.300 -> 0.200."),
        (0.3, "trusted", "NO BETTER under attack"),
        (0.9, "suspect", "not to be believed"),
        (0.9, "trusted", ""),
    ],
)
def test_nothing_gained_and_what_cannot_be_believed_are_said(monkeypatch, folder: Path, after, trust, says: str):
    values = iter([(0.3, "trusted"), (after, trust)])

    def measured(*_: object) -> Measurement:
        value, state = next(values)
        return Measurement(name="robust_accuracy", value=value, n=9, trust=state)

    monkeypatch.setattr("govkit.pipeline.robustness._attacked", measured)
    case = build_case(*read_audit(folder / "audit.yaml"), apart=False).case
    _, said = robustness(case, case, 0.1)
    assert says in " ".join(said)
    assert bool(said) == bool(says)


WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "win", "money", "lunch", "see", "you", "now", "?"]
TEXT_AUDIT = """\
schema: govkit.audit/v1
subject: {model: tuned}
base: {model: bare, head: probe}
data: {train: {path: train.csv}, calibration: {path: calibration.csv}, test: {path: test.csv}}
columns: {input: text, label: label}
"""


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    """A tiny classifier of texts that are spam where they name money, and the bare model that it was made from."""
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    shape = {
        "vocab_size": 12, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
        "max_position_embeddings": 16,
    }  # fmt: skip
    torch.manual_seed(0)
    tokenizer = BertTokenizer(str(tmp_path / "vocab.txt"), model_max_length=16)
    model = BertForSequenceClassification(
        BertConfig(**shape, num_labels=2, id2label={0: "spam", 1: "ham"}, label2id={"spam": 0, "ham": 1})
    )
    bare = BertModel(BertConfig(**shape))
    bare.load_state_dict(model.bert.state_dict())
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS[5:], 6)) for _ in range(260)]
    frame = pd.DataFrame({"text": texts}).drop_duplicates()
    frame["label"] = ["spam" if "money" in text else "ham" for text in frame.text]
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    own = torch.tensor([model.config.label2id[name] for name in frame.label])
    batch = tokenizer(list(frame.text), return_tensors="pt", padding=True)
    for _ in range(60):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(**batch).logits, own).backward()
        optimizer.step()
    for name, saved in (("tuned", model), ("bare", bare)):
        saved.save_pretrained(tmp_path / name)
        tokenizer.save_pretrained(tmp_path / name)
    for name, part in zip(("train", "calibration", "test"), np.array_split(np.arange(len(frame)), 3), strict=True):
        frame.iloc[part].to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "audit.yaml").write_text(TEXT_AUDIT, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("method", ["pgd", "free", "trades"])
def test_a_text_model_is_hardened_in_its_embeddings(messages: Path, method: str):
    work, made = _new(messages, "harden", "new", method=method, epochs=3, eps=0.1)
    again = build_case(*read_audit(messages / "new" / "audit.yaml"), apart=False).case
    old, new = work.case.subject.model.state_dict(), again.subject.model.state_dict()
    changed = {name for name, tensor in old.items() if not torch.equal(tensor, new[name])}
    assert "bert.embeddings.word_embeddings.weight" not in changed
    assert {"classifier.weight", "bert.encoder.layer.0.attention.self.query.weight"} <= changed
    np.testing.assert_allclose(
        again.predictions("candidate").probabilities,
        made.case(work.case).predictions("candidate").probabilities,
        atol=1e-5,
    )
    (robust,), _ = robustness(work.case, made.case(work.case), 0.1)
    assert robust.metric == "embedding_pgd_accuracy"
    assert robust.after >= robust.before - 0.1
    assert again.subject.classes == ("spam", "ham")


def test_a_soup_of_texts_finds_the_base_without_its_head(messages: Path):
    _, made = _new(messages, "soup", "new", base_weight=1.0)
    again = build_case(*read_audit(messages / "new" / "audit.yaml"), apart=False).case
    bare = again.base.base.model.state_dict()
    assert torch.equal(
        again.subject.model.bert.embeddings.word_embeddings.weight, bare["embeddings.word_embeddings.weight"]
    )
    assert made.fitted.numbers["kept"] == ["classifier.weight", "classifier.bias"]
