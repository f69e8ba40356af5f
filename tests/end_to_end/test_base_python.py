"""An audit of images and of a table whose base is Python code: probe, references, attack through it, and bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

import govkit as gk
from govkit import subjects
from govkit.errors import UsageError
from govkit.pipeline.casework import build_case, read_audit
from govkit.pipeline.remedied_files import write_candidate

torch.set_num_threads(1)

BASES = """
from pathlib import Path

import torch

def body(seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return torch.nn.Sequential(
            torch.nn.Conv2d(1, 12, 3, padding=1), torch.nn.Tanh(), torch.nn.Conv2d(12, 12, 3, stride=2), torch.nn.Tanh()
        )

a, b, c, d = map(body, range(4))
again = body(0)
own = torch.nn.Sequential(body(0), torch.nn.Flatten(), torch.nn.Linear(108, 3))
broken = torch.nn.Sequential(body(0), torch.nn.Threshold(2.0, float("nan")))
number = 3

class Named(torch.nn.Module):
    classes = ("0", "1", "nine")
    def forward(self, x):
        return x.flatten(1)[:, :3]

named = Named()

with torch.random.fork_rng():
    torch.manual_seed(9)
    columns = torch.nn.Sequential(torch.nn.Linear(64, 30), torch.nn.Tanh())
"""
STUDENT = """
from pathlib import Path

import torch
from bases import body

net = torch.nn.Sequential(body(0), torch.nn.Flatten(), torch.nn.Linear(108, 3))
weights = Path(__file__).with_name("student.pt")
if weights.exists():
    net.load_state_dict(torch.load(weights, weights_only=True))
"""
AUDIT = """\
schema: govkit.audit/v1
name: digits
subject: {python: "student:net", input_range: [0, 1]}
base: {python: "bases:a", head: probe, references: ["bases:b", "bases:c", "bases:d"]}
data: {train: {path: train}, test: {path: test}, calibration: {path: test}}
columns: {input: path, label: label}
policy: p.yaml
"""
POLICY = """\
schema: govkit.policy/v1
id: p
version: 1.0.0
controls:
  - {id: PERF, title: "at most two in ten below the base", rmf: [MEASURE 2.3], check: performance, metric: accuracy,
     compared_with: base, require: {min: -0.2}, authority: {level: none, note: ours}, severity: high}
  - {id: EXPO, title: "half of the answers stand", rmf: [MEASURE 2.7], check: base_exposure, metric: exposed,
     params: {eps: 0.25, rows: 120}, require: {max: 0.5}, authority: {level: none, note: ours}, severity: low}
"""


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    pixels, labels = load_digits(n_class=3, return_X_y=True)
    return np.round(pixels / 16 * 255).astype(np.uint8), labels


def student(folder: Path, pixels: np.ndarray, labels: np.ndarray) -> None:
    """A linear head on the first body, trained for a moment, and its weights beside the code."""
    net = subjects.imported("student:net", [folder])[0]
    x, truth = torch.tensor(pixels / 255, dtype=torch.float32).reshape(-1, 1, 8, 8), torch.tensor(labels)
    optimizer = torch.optim.Adam(net[-1].parameters(), lr=0.02)
    for _ in range(60):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(x), truth).backward()
        optimizer.step()
    torch.save(net.state_dict(), folder / "student.pt")


@pytest.fixture
def folder(tmp_path: Path, digits: tuple[np.ndarray, np.ndarray]) -> Path:
    pixels, labels = digits
    for row, (image, label) in enumerate(zip(pixels[:360], labels[:360], strict=True)):
        place = tmp_path / ("train" if row < 200 else "test") / str(label)
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.reshape(8, 8)).save(place / f"{row}.png")
    for name, text in (("bases.py", BASES), ("student.py", STUDENT), ("audit.yaml", AUDIT), ("p.yaml", POLICY)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    student(tmp_path, pixels[:200], labels[:200])
    return tmp_path


def case_of(folder: Path):
    return build_case(*read_audit(folder / "audit.yaml")).case


def changed(folder: Path, old: str, new: str) -> Path:
    text = (folder / "audit.yaml").read_text(encoding="utf-8")
    assert old in text
    (folder / "audit.yaml").write_text(text.replace(old, new), encoding="utf-8")
    return folder


def test_images_are_audited_beside_a_probe_on_their_base_and_attacked_through_it(folder: Path) -> None:
    bundle = gk.audit(folder / "audit.yaml", out=folder / "evidence")
    found = {}
    for finding in bundle.findings:
        found.setdefault((finding.check, finding.name, finding.of, finding.compared_with), finding)
    accuracy = found["performance", "accuracy", "base", None]
    assert accuracy.value > 0.9
    assert found["performance", "accuracy", "candidate", "base"].kind == "measurement"
    # The base is attacked like the candidate, with a state of trust of its own.
    assert found["adversarial", "pgd_accuracy", "base", None].trust == "not evaluated"
    asked = [item for item in bundle.findings if item.check == "base_exposure" and item.params["rows"] == 120]
    exposure = {item.name: item for item in asked}
    assert exposure["exposed"].trust == "trusted"
    assert exposure["excess_over_noise"].value > 0.2
    assert exposure["base_identified"].value == "found"
    assert exposure["base_share"].value > 0.75
    # Code holds no weights that could be compared.
    (ancestry,) = [item for item in bundle.findings if item.check == "ancestry"]
    assert (ancestry.kind, ancestry.reason) == ("gap", "unsupported")
    assert not [item for item in bundle.findings if item.kind == "gap" and item.reason == "crashed"]
    assert bundle.verdict.rulings


def test_what_the_case_holds(folder: Path) -> None:
    case = case_of(folder)
    assert case.base_path == (folder / "bases.py").resolve()
    assert case.embed("test").shape == (160, 108)
    assert [item.access for item in case.reference_bases] == ["weights"] * 3
    assert case.predictions("base").labels.shape == (160,)
    (folder / "weights").mkdir()
    (folder / "weights" / "note.txt").write_text("the weights are drawn", encoding="utf-8")
    assert case_of(changed(folder, 'a", head', 'a", artifact: weights, head')).base_path == folder / "weights"


def test_a_base_with_a_head_of_its_own(folder: Path) -> None:
    changed(folder, 'a", head: probe, references: ["bases:b", "bases:c", "bases:d"]', 'own", head: own')
    case = case_of(folder)
    assert case.base.access == "weights"
    assert case.base.input_range == (0.0, 1.0)
    assert case.embed("test") is None
    assert case.predictions("base").probabilities.shape == (160, 3)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("bases:a", "bases:number", r"bases:number is a int; a base under a probe must be a torch\.nn\.Module"),
        ("bases:a", "bases:absent", r"module bases has no 'absent'"),
        ("bases:a", "nothing:a", r"ModuleNotFoundError"),
        ("bases:a", "bases:broken", r"bases:broken: some features are NaN or infinite"),
        ("bases:c", "bases:again", r"base\.references: bases:again is the base itself"),
        ("bases:c", "bases:b", r"bases:b is the reference bases:b"),
        ('bases:a", head: probe, references: ["bases:b", "bases:c", "bases:d"]', 'bases:named", head: own', "nine"),
        ("head: probe", "head: own", "references stand only beside head: probe"),
        ('python: "bases:a"', "model: model", r"base\.head: this probe reads text"),
        ('python: "bases:a"', 'python: "bases:a", artifact: w.pt', "base: .*w.pt does not exist"),
        (
            'python: "bases:a"',
            'python: "bases:a", model: m',
            "expected exactly one of from, model, python, predictions",
        ),
        ('python: "bases:a"', 'python: "bases:a", code: nowhere', "base.code: .*nowhere is no folder"),
        ('python: "bases:a"', 'python: "bases:a", code: bases.py', "base.code: .*bases.py is no folder"),
        ('python: "bases:a"', "model: m, code: x", "code stands only beside python"),
        ("{train: {path: train}, ", "{", "head: probe needs data.train"),
        (", head: probe", "", "needs head"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_written(folder: Path, old: str, new: str, message: str) -> None:
    changed(folder, old, new)
    with pytest.raises(UsageError, match=message):
        gk.audit(folder / "audit.yaml", out=folder / "evidence")
    assert not (folder / "evidence").exists()


def test_text_has_no_base_in_python(folder: Path) -> None:
    for role in ("train", "test"):
        pd.DataFrame({"text": ["a b", "c d"] * 3, "label": [0, 1] * 3}).to_csv(folder / f"{role}.csv", index=False)
    (folder / "words.py").write_text(
        "import numpy as np\ndef predict(texts):\n    return np.full((len(texts), 2), 0.5)\n", encoding="utf-8"
    )
    changed(
        folder,
        "{path: train}, test: {path: test}, calibration: {path: test}",
        "{path: train.csv}, test: {path: test.csv}",
    )
    changed(folder, "input: path", "input: text")
    changed(folder, '"student:net", input_range: [0, 1]', '"words:predict"')
    with pytest.raises(
        UsageError, match=r"this probe reads image and table; the inputs here are text: give base: .model"
    ):
        case_of(folder)


def remedied(folder: Path, out: Path):
    work = build_case(*read_audit(folder / "audit.yaml"))
    out.mkdir()
    made = {role: work.case.predictions("candidate", role) for role in ("test", "calibration")}
    write_candidate(out, work, folder, made, name="calibrate", policy="p.yaml")
    return work.case, build_case(*read_audit(out / "audit.yaml"))


def test_the_base_of_a_remedied_candidate_of_images_is_its_answers(folder: Path) -> None:
    before, work = remedied(folder, folder / "remedied")
    assert work.audit.base.predictions == "base.parquet"
    assert work.case.base is None
    base = work.case.predictions("base")
    assert np.array_equal(by_row(before, before.predictions("base").labels), by_row(work.case, base.labels))


def by_row(case, values):
    """Values of the test rows in the order of their names, which is the same for a candidate and its remedy."""
    column = "path" if "path" in case.data["test"].table.column_names else "id"
    return values[np.argsort(case.data["test"].table[column].to_pylist())]


def test_the_base_of_a_remedied_candidate_of_a_table_stays_the_model_that_it_is(folder: Path, digits) -> None:
    pixels, labels = digits
    names = [f"p{number}" for number in range(64)]
    for role, rows in (("train", slice(0, 200)), ("test", slice(200, 300)), ("calibration", slice(300, 360))):
        frame = pd.DataFrame(pixels[rows] / 255, columns=names).assign(label=labels[rows], id=range(*rows.indices(360)))
        frame.to_csv(folder / f"{role}.csv", index=False)
    (folder / "flat.py").write_text(
        "import torch\nnet = torch.nn.Sequential(torch.nn.Linear(64, 3))\n", encoding="utf-8"
    )
    (folder / "audit.yaml").write_text(
        AUDIT.replace(", references: [\"bases:b\", \"bases:c\", \"bases:d\"]", "")
        .replace("bases:a", "bases:columns")
        .replace("{path: train}, test: {path: test}, calibration: {path: test}",
                 "{path: train.csv}, test: {path: test.csv}, calibration: {path: calibration.csv}")
        .replace("student:net", "flat:net")
        .replace("{input: path, label: label}", f"{{input: [{', '.join(names)}], label: label, id: id}}"),
        encoding="utf-8",
    )  # fmt: skip
    before, work = remedied(folder, folder / "remedied")
    assert work.audit.base.code == ".."
    assert np.allclose(by_row(work.case, work.case.embed("test")), by_row(before, before.embed("test")))
    assert work.case.base_path == (folder / "bases.py").resolve()
    assert work.case.base.input_range == (0.0, 1.0)
