"""Each task goes through the corridor as a small file of predictions; odd input is a gap or an error, never a crash."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import govkit as gk

COLUMNS = {
    "binary": "{label: y, prediction: hat, score: p, base_score: base_p, groups: [sex], id: id}",
    "multiclass": (
        "{label: y, scores: {a: pa, b: pb, c: pc}, base_prediction: base_y, groups: [sex], parts: [place], id: id}"
    ),
    "ordinal": "{label: y, task: ordinal, prediction: hat, base_prediction: base_y, groups: [sex], id: id}",
    "multilabel": "{label: [a, b], predictions: {a: hat_a, b: hat_b}, scores: {a: pa, b: pb}, groups: [sex], id: id}",
    "regression": (
        "{label: y, task: regression, prediction: hat, base_prediction: base_y, range: [-20, 20], "
        "groups: [sex], id: id}"
    ),
    "ranking": "{label: y, task: ranking, score: p, base_score: base_p, groups: [sex], id: id}",
}


OUTCOMES = ("PERF", "REG", "RANK", "CAL", "GEN", "FAIR")
"""Controls on outcomes; the others ask for records that these files have not."""


def rows(task: str, n: int = 120, *, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "id": [f"{seed} {number}" for number in range(n)],
            "sex": rng.choice(["f", "m"], n),
            "place": rng.choice(["north", "south"], n),
        }
    )
    return frame.assign(**_answers(task, n, rng))


def _answers(task: str, n: int, rng: np.random.Generator) -> dict[str, object]:
    p, number = rng.uniform(size=(n, 3)).round(4), rng.normal(size=n).round(3)
    if task == "multilabel":
        truth = (rng.uniform(size=(n, 2)) < p[:, :2]).astype(int)
        hat = (p >= 0.5).astype(int)
        return {
            "a": truth[:, 0],
            "b": truth[:, 1] == 1,
            "pa": p[:, 0],
            "pb": p[:, 1],
            "hat_a": hat[:, 0],
            "hat_b": hat[:, 1],
        }
    if task == "multiclass":
        p = p / p.sum(axis=1, keepdims=True)
        names, base = np.array(["a", "b", "c"]), rng.integers(0, 3, n)
        label = names[(p.cumsum(axis=1) > rng.uniform(size=(n, 1))).argmax(axis=1)]
        return {"y": label, "pa": p[:, 0], "pb": p[:, 1], "pc": p[:, 2], "base_y": names[base]}
    if task == "ordinal":
        y = rng.integers(9, 12, n)
        return {"y": y, "hat": np.clip(y + rng.integers(-1, 2, n), 9, 11), "base_y": rng.integers(9, 12, n)}
    if task == "regression":
        return {"y": number, "hat": number + rng.normal(0, 0.3, n), "base_y": rng.normal(size=n)}
    y = (rng.uniform(size=n) < p[:, 0]).astype(int)
    scale = 7.0 if task == "ranking" else 1.0
    return {"y": y, "hat": (p[:, 0] >= 0.5).astype(int), "p": p[:, 0] * scale, "base_p": p[:, 1] * scale}


def write(folder: Path, task: str, columns: str | None = None, *, more: str = "", **tables: pd.DataFrame) -> Path:
    """The files of an audit; ``test`` is the file of predictions, and the other tables are data sets of their role."""
    tables = {"test": rows(task), **tables}
    for role, table in tables.items():
        table.to_csv(folder / f"{role}.csv", index=False)
    data = "".join(f"  {role}: {{path: {role}.csv}}\n" for role in tables if role in ("train", "shifted"))
    (folder / "audit.yaml").write_text(
        "schema: govkit.audit/v1\nsubject: {predictions: test.csv}\n"
        f"columns: {columns or COLUMNS[task]}\n{more}" + (f"data:\n{data}" if data else ""),
        encoding="utf-8",
    )
    return folder / "audit.yaml"


def measured(audit: Path) -> list[dict]:
    """Findings with the default policy, after seeing that no check crashed."""
    found: list[dict] = gk.measure(audit, policy="nist-ai-rmf-core")["findings"]
    assert [gap for gap in found if gap.get("reason") == "crashed"] == []
    assert any("value" in finding for finding in found)
    return found


@pytest.mark.parametrize("task", COLUMNS)
def test_each_task_is_measured(task: str, tmp_path: Path):
    audit = write(tmp_path, task, train=rows(task, seed=1), shifted=rows(task, seed=2))
    found = measured(audit)
    checks = {finding["check"] for finding in found if "value" in finding}
    assert {"contamination", "data_quality", "drift"} <= checks
    quality = [item for item in found if item["name"] == "suite_passed"]
    assert [item["value"] for item in quality] == [True, True, True]


MAIN = {"regression": "REG", "ranking": "RANK"}


@pytest.mark.parametrize("task", COLUMNS)
def test_each_task_is_judged_by_the_shipped_policy(task: str, tmp_path: Path):
    """Nothing is missing but what labels alone cannot tell, and no control of another task asks for anything."""
    columns = re.sub(r"base_(prediction|score): \w+, ", "", COLUMNS[task])
    more = (
        "base: {predictions: base.csv}\nincumbent: {predictions: incumbent.csv}\n"
        "absent: {shifted: there are no rows of another place or time}\n"
    )
    tables = {name: rows(task, 1500) for name in ("test", "base", "incumbent")}
    audit = write(tmp_path, task, columns, more=more, train=rows(task, 1500, seed=1), **tables)
    rulings = gk.judge(gk.measure(audit, policy="nist-ai-rmf-core"), "nist-ai-rmf-core").rulings
    states = {ruling.control: ruling.state for ruling in rulings if ruling.control.split("-")[0] in OUTCOMES}
    assert states[f"{MAIN.get(task, 'PERF')}-01"] == "pass"
    others = {name: state for name, state in states.items() if state not in ("pass", "not_applicable", "inconclusive")}
    assert others == ({f"CAL-0{k}": "unsupported" for k in range(1, 6)} if task == "ordinal" else {})


def test_a_group_that_is_answered_worse_fails_whichever_class_is_the_positive_one(tmp_path: Path):
    table = rows("multiclass", 1500)
    wrong = (table["sex"] == "f") & (table.index % 2 == 0)
    sure = np.eye(3)[
        np.where(wrong, (table["y"].map({"a": 0, "b": 1, "c": 2}) + 1) % 3, table["y"].map({"a": 0, "b": 1, "c": 2}))
    ]
    table = table.assign(pa=sure[:, 0], pb=sure[:, 1], pc=sure[:, 2])
    verdict = gk.judge(
        gk.measure(write(tmp_path, "multiclass", test=table), policy="nist-ai-rmf-core"), "nist-ai-rmf-core"
    )
    states = {ruling.control: ruling.state for ruling in verdict.rulings}
    assert states["FAIR-06"] == "fail"


def test_a_positive_class_that_nothing_has_passes_no_control_of_fairness(tmp_path: Path):
    columns = COLUMNS["binary"].replace(
        "{label: y, prediction: hat, score: p, base_score: base_p,", "{label: y, prediction: hat,"
    )
    columns = columns.replace("id: id", "id: id, classes: ['0', '1', '2']")
    verdict = gk.judge(
        gk.measure(write(tmp_path, "binary", columns, test=rows("binary", 1500)), policy="nist-ai-rmf-core"),
        "nist-ai-rmf-core",
    )
    states = {ruling.control: ruling for ruling in verdict.rulings}
    for name in ("FAIR-01", "FAIR-02", "FAIR-03"):
        assert states[name].state == "missing"
        assert "No row is of the class 2" in states[name].reason


@pytest.mark.parametrize("task", ["multilabel", "regression"])
def test_base_and_incumbent_come_as_files_in_any_order(task: str, tmp_path: Path):
    more = "base: {predictions: base.csv}\nincumbent: {predictions: incumbent.csv}\n"
    columns = COLUMNS[task].replace("base_prediction: base_y, ", "")
    other = rows(task).sample(frac=1, random_state=3)
    measured(write(tmp_path, task, columns, more=more, base=other, incumbent=other))
    label = {"multilabel": "a", "regression": "y"}[task]
    wrong = other.assign(**{label: 1 - other[label]})
    with pytest.raises(gk.UsageError, match=r"base\.csv, row 1: label is .*test\.csv says .*; same rows\?"):
        measured(write(tmp_path, task, columns, more=more, base=wrong, incumbent=other))


def _of(task: str, change: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: frame, columns: str | None = None):
    return lambda folder: write(folder, task, columns, test=change(rows(task)))


def _cell(task: str, column: str, value: object, row: int = 3):
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.astype({column: object})
        frame.loc[row, column] = value
        return frame

    return _of(task, change)


def _columns(task: str, old: str, new: str):
    assert old in COLUMNS[task]
    return _of(task, columns=COLUMNS[task].replace(old, new))


def _train(task: str, **change: Callable[[pd.DataFrame], object]):
    return lambda folder: write(folder, task, train=rows(task, seed=1).assign(**change))


def _parquet(task: str, **change: Callable[[pd.DataFrame], object]):
    """The test set as Parquet, so that text stays text."""

    def make(folder: Path) -> Path:
        audit = write(folder, task)
        rows(task).assign(**change).to_parquet(folder / "test.parquet")
        audit.write_text(audit.read_text(encoding="utf-8").replace("test.csv", "test.parquet"), encoding="utf-8")
        return audit

    return make


def _text(column: str) -> Callable[[pd.DataFrame], object]:
    return lambda frame: frame[column].astype(str)


REFUSED = {
    # labels and answers of other types
    "truths beside numbers": (_train("binary", y=lambda frame: frame["y"] == 1), ("'y'", "'0'", "'false'", "two ways")),
    "predicted truths": (_of("binary", lambda f: f.assign(hat=f["hat"] == 1)), ("row 1", "hat", "'0', '1'")),
    "fractions as text": (_parquet("binary", y=lambda f: f["y"].map({0: "0.0", 1: "1.0"})), ("row 1", "hat", "'0.0'")),
    "numbers as text": (_parquet("regression", y=_text("y")), ("test.parquet", "'y'", "string", "a number")),
    "a label that is missing": (_cell("regression", "y", None), ("row 4", "y has no value")),
    "a label that is infinite": (_cell("regression", "y", "inf"), ("row 4", "y is inf")),
    "a class that is no label": (_cell("ordinal", "hat", 12), ("row 4", "'12'", "'9', '10', '11'")),
    # answers that cannot be
    "scores that do not sum to one": (_cell("multiclass", "pa", 0.99, row=5), ("row 6", "sum to", "expected 1")),
    "an answer out of range": (_cell("regression", "hat", 20.5), ("row 4", "hat is 20.5", "[-20, 20]")),
    "a label out of range": (_cell("regression", "y", -21), ("row 4", "y is -21", "[-20, 20]")),
    "a score that is no number": (_cell("ranking", "p", "high"), ("'p'", "row 4 is 'high'")),
    "a missing score": (_cell("ranking", "p", None), ("row 4", "p has no value")),
    "a cell that is no truth": (_cell("multilabel", "a", 2), ("row 4", "a is '2'", "'0', '1'")),
    "a missing truth": (_cell("multilabel", "a", None), ("row 4", "'a'", "no value")),
    "an answer that is no truth": (_cell("multilabel", "hat_b", 0.5), ("row 4", "hat_b is '0.5'")),
    "a label's probability": (_cell("multilabel", "pb", 1.5), ("row 4", "pb is 1.5", "[0, 1]")),
    # declarations that do not fit
    "words in no order": (
        _of("ordinal", lambda f: f.assign(y=f["y"].map({9: "low", 10: "mid", 11: "high"}))),
        ("order", "'high', 'low', 'mid'", "columns.classes"),
    ),
    "a ranking of three": (_of("ranking", lambda f: f.assign(y=f.index % 3)), ("columns.task is ranking", "3 classes")),
    "binary of three": (_columns("multiclass", "{label: y,", "{label: y, task: binary,"), ("is binary", "3 classes")),
    "a regression with scores": (_columns("regression", "prediction: hat", "score: hat"), ("score", "regression")),
    "a ranking with predictions": (_columns("ranking", "score: p,", "prediction: hat,"), ("prediction", "ranking")),
    "a multilabel base in the file": (_columns("multilabel", "id: id", "base_score: pa"), ("base_score", "multilabel")),
    "several labels of one class": (
        _columns("multilabel", "{label: [a, b],", "{label: [a, b], task: ordinal,"),
        ("list",),
    ),
    "multilabel with one column": (
        _columns("binary", "{label: y,", "{label: y, task: multilabel,"),
        ("list as label",),
    ),
    "a label column twice": (_columns("multilabel", "[a, b]", "[a, a]"), ("label", "twice")),
    "a label without scores": (_columns("multilabel", "{a: pa, b: pb}", "{a: pa}"), ("columns.scores", "'b'")),
    "a label as its answer": (_columns("multilabel", "a: hat_a", "a: a"), ("'a'", "label and an answer")),
    "an upside-down range": (_columns("regression", "[-20, 20]", "[20, -20]"), ("range",)),
    "a range of classes": (_columns("binary", "id: id", "range: [0, 1]"), ("range", "classes")),
    "a group that is a part": (_columns("multiclass", "[place]", "[sex]"), ("'sex'", "groups and in parts")),
    "a group of lists": (
        _parquet("binary", sex=lambda f: [[1, 2]] * len(f)),
        ("test.parquet", "'sex'", "list", "text"),
    ),
    "a group called like missing ones": (_cell("binary", "sex", "(missing)"), ("row 4", "sex", "not known", "rename")),
    "a column without a name": (_columns("binary", "[sex]", "['']"), ("column without a name",)),
    "a class that is a number": (_columns("binary", "id: id", "positive: 1"), ("columns.positive", "in quotes")),
    "no answers": (_columns("regression", "prediction: hat, ", ""), ("stored predictions need columns.prediction",)),
    "an empty file": (_of("regression", lambda frame: frame.iloc[:0]), ("test.csv",)),
    "a ranking of a model": (
        lambda folder: _replaced(write(folder, "ranking"), "{predictions: test.csv}", "{python: x:y}"),
        ("stored scores",),
    ),
}


def _replaced(audit: Path, old: str, new: str) -> Path:
    text = audit.read_text(encoding="utf-8").replace(old, new).replace("columns: {", "columns: {input: place, ")
    audit.write_text(text + "data: {test: {path: test.csv}}\n", encoding="utf-8")
    return audit


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused(case: str, tmp_path: Path):
    make, words = REFUSED[case]
    with pytest.raises(gk.UsageError) as refused:
        gk.measure(make(tmp_path))
    message = str(refused.value)
    assert all(word in message for word in words), message


ODD = {
    "labels as text": _parquet("binary", y=_text("y")),
    "labels as fractions": _parquet("binary", y=lambda frame: frame["y"].astype(float)),
    "answers as fractions": _of("binary", lambda frame: frame.assign(hat=frame["hat"].astype(float))),
    "text in training": _train("binary", y=lambda frame: frame["y"].map({0: " 0 ", 1: " 1 "})),
    "labels of a regression that are whole": _of("regression", lambda frame: frame.assign(y=frame.index % 7)),
    "a class that the test set lacks": lambda folder: write(
        folder, "multiclass", test=rows("multiclass").query("y != 'c'"), train=rows("multiclass", seed=1)
    ),
    "a label that no row has": _of("multilabel", lambda frame: frame.assign(a=0)),
    "ties": _of("ranking", lambda frame: frame.assign(p=frame["p"].round(), base_p=1.0)),
    "tied probabilities": _of("multiclass", lambda frame: frame.assign(pa=0.25, pb=0.375, pc=0.375)),
    **{
        f"constant answers, {task}": _of(task, lambda frame, constant=constant: frame.assign(**constant))
        for task, constant in {
            "binary": {"hat": 1, "p": 1.0, "base_p": 0.5},
            "ordinal": {"hat": 10, "base_y": 9},
            "multilabel": {"hat_a": 0, "hat_b": 1, "pa": 0.0, "pb": 1.0},
            "regression": {"hat": 0.5, "base_y": 0.5},
            "ranking": {"p": 3.0},
        }.items()
    },
    "a constant truth": _of("regression", lambda frame: frame.assign(y=1.5)),
    **{f"one group, {task}": _of(task, lambda frame: frame.assign(sex="f", place="north")) for task in COLUMNS},
    **{
        f"one row, {task}": _of(task, lambda frame: frame.iloc[:1], columns)
        for task, columns in {
            **COLUMNS,
            "binary": COLUMNS["binary"].replace("id: id", "id: id, classes: ['0', '1']"),
            "multiclass": COLUMNS["multiclass"].replace("id: id", "id: id, classes: [a, b, c]"),
            "ordinal": COLUMNS["ordinal"].replace("id: id", "id: id, classes: ['9', '10', '11']"),
            "ranking": COLUMNS["ranking"].replace("id: id", "id: id, classes: ['0', '1']"),
        }.items()
    },
}


@pytest.mark.parametrize("case", ODD)
def test_odd_input_is_measured_or_a_gap(case: str, tmp_path: Path):
    measured(ODD[case](tmp_path))


MODELS = """
import numpy as np

def labels(texts):
    return np.array([[len(text) % 10 / 10, 0.75] for text in texts])

def number(texts):
    return np.array([[len(text) / 4] for text in texts])

def logits(texts):
    return np.array([[len(text), -1.0] for text in texts])
"""


def live(folder: Path, task: str, name: str, *, more: str = "") -> Path:
    """An audit of a function of texts."""
    (folder / "model.py").write_text(MODELS, encoding="utf-8")
    rows(task).assign(text=lambda frame: frame["place"] + frame["id"]).to_csv(folder / "test.csv", index=False)
    label = {"multilabel": "[a, b]", "regression": "y, task: regression, range: [-20, 20]"}[task]
    (folder / "audit.yaml").write_text(
        f"schema: govkit.audit/v1\nsubject: {{python: 'model:{name}'}}\ndata: {{test: {{path: test.csv}}}}\n"
        f"columns: {{input: text, label: {label}, groups: [sex], id: id}}\n{more}",
        encoding="utf-8",
    )
    return folder / "audit.yaml"


@pytest.mark.parametrize(("task", "name"), [("multilabel", "labels"), ("regression", "number")])
def test_a_live_model_is_measured(task: str, name: str, tmp_path: Path):
    measured(live(tmp_path, task, name))


@pytest.mark.parametrize(
    ("task", "name", "what"),
    [
        ("multilabel", "logits", "row 1: the answer is .*one for each label"),
        ("multilabel", "number", r"shape \(120, 1\); expected \(120, 2\)"),
    ],
)
def test_a_live_model_for_another_task_is_refused(task: str, name: str, what: str, tmp_path: Path):
    with pytest.raises(gk.UsageError, match=what):
        gk.measure(live(tmp_path, task, name))


def test_a_probe_answers_with_classes_only(tmp_path: Path):
    audit = live(tmp_path, "regression", "number", more="base: {model: base, head: probe}\n")
    with pytest.raises(gk.UsageError, match="a probe answers with classes; the task is regression"):
        gk.measure(audit)
