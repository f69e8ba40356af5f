"""Bad input for every check of outcomes: an error that says what to do, or named gaps; never a crash, never NaN."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import govkit as gk
from govkit.errors import AuditError, DataError, SubjectError

MODELS = "base_prediction: base, incumbent_prediction: old, "
REST = "groups: [sex], parts: [place], id: id}"
COLUMNS = {
    "binary": "{label: y, prediction: hat, score: p, base_score: base_p, incumbent_score: old_p, " + REST,
    "multiclass": "{label: y, prediction: hat, scores: {a: pa, b: pb, c: pc}, " + MODELS + REST,
    "ordinal": "{label: y, task: ordinal, prediction: hat, " + MODELS + REST,
    "multilabel": "{label: [a, b], predictions: {a: hat_a, b: hat_b}, scores: {a: pa, b: pb}, " + REST,
    "regression": "{label: y, task: regression, prediction: hat, range: [-20, 20], " + MODELS + REST,
    "ranking": "{label: y, task: ranking, score: p, base_score: base_p, incumbent_score: old_p, " + REST,
    "live table": "{input: [sex, x], label: y, groups: [sex], id: id}",
    "live text": "{input: text, label: y, groups: [sex], id: id}",
}
STORED = ("binary", "multiclass", "ordinal", "multilabel", "regression", "ranking")
MODEL = """
import numpy as np

def of(rows):
    sex = rows["sex"] if hasattr(rows, "columns") else ["f" if " she " in text else "m" for text in rows]
    return np.array([[0.3, 0.7] if value == "f" else [0.8, 0.2] for value in sex])

def constant(rows):
    return np.tile([0.25, 0.75], (len(rows), 1))

def unknown(rows):
    return np.where(np.arange(2 * len(rows)).reshape(-1, 2) == 4, np.nan, 0.5)

def logits(rows):
    return np.tile([-1.5, 2.0], (len(rows), 1))

def twice(rows):
    return np.tile([0.75, 0.75], (len(rows), 1))

def three(rows):
    return np.tile([0.25, 0.25, 0.5], (len(rows), 1))

def one(rows):
    return np.full(len(rows), 0.5)

def words(rows):
    return [["no", "yes"] for _ in range(len(rows))]

def nothing(rows):
    return None
"""
ANSWERS = {
    "binary": {"hat": 1, "p": 1.0, "base_p": 0.0, "old_p": 0.5},
    "multiclass": {"hat": "a", "pa": 1.0, "pb": 0.0, "pc": 0.0, "base": "b", "old": "c"},
    "ordinal": {"hat": 10, "base": 9, "old": 11},
    "multilabel": {"hat_a": 0, "hat_b": 1, "pa": 0.0, "pb": 1.0},
    "regression": {"hat": 0.1, "base": -3.7, "old": 0.1},
    "ranking": {"p": 3.0, "base_p": 0.0, "old_p": -1.0},
}
"""One answer for all rows."""

CLASSES = {
    "binary": "classes: ['0', '1'], ",
    "multiclass": "classes: [a, b, c], ",
    "ordinal": "classes: ['9', '10', '11'], ",
    "ranking": "classes: ['0', '1'], ",
}
"""What has to be declared where the rows do not show it."""


def rows(task: str, n: int = 60, *, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    sex, place = (rng.choice(names, n) for names in (["f", "m"], ["north", "south"]))
    frame = pd.DataFrame({"id": [f"{seed} {row}" for row in range(n)], "sex": sex, "place": place})
    p = rng.uniform(0.01, 0.99, (n, 3)).round(4)
    if task.startswith("live"):
        text = [f"the doctor said {'she' if who == 'f' else 'he'} works on {row}" for row, who in enumerate(sex)]
        return frame.assign(x=p[:, 0], text=text, y=rng.integers(0, 2, n))
    if task == "multilabel":
        truth, hat = (rng.uniform(size=(n, 2)) < p[:, :2]).astype(int), (p >= 0.5).astype(int)
        return frame.assign(a=truth[:, 0], b=truth[:, 1], hat_a=hat[:, 0], hat_b=hat[:, 1], pa=p[:, 0], pb=p[:, 1])
    if task == "multiclass":
        p = p / p.sum(axis=1, keepdims=True)
        names = np.array(["a", "b", "c"])
        y, base, old = names[rng.integers(0, 3, (3, n))]
        return frame.assign(y=y, hat=names[p.argmax(axis=1)], pa=p[:, 0], pb=p[:, 1], pc=p[:, 2], base=base, old=old)
    if task == "ordinal":
        y, hat, base, old = rng.integers(9, 12, (4, n))
        return frame.assign(y=y, hat=hat, base=base, old=old)
    if task == "regression":
        y = rng.normal(size=n).round(3)
        hat, base, old = y + rng.normal(0, 0.3, (3, n)).round(3)
        return frame.assign(y=y, hat=hat, base=base, old=old)
    y = (rng.uniform(size=n) < p[:, 0]).astype(int)
    return frame.assign(y=y, hat=(p[:, 0] >= 0.5).astype(int), p=p[:, 0], base_p=p[:, 1], old_p=p[:, 2])


Change = Callable[[pd.DataFrame], pd.DataFrame]


def unchanged(frame: pd.DataFrame) -> pd.DataFrame:
    return frame


@dataclass(frozen=True)
class Bad:
    """One line of the table: bad test rows, and what comes of them.

    Attributes:
        task: The task.
        change: What is bad about the test rows.
        error: The error that refuses them; None where they are measured.
        words: What its message has to hold.
        gaps: ``check.metric: reason`` of gaps that are among the findings.
        columns: A part of the declared columns, and what stands there instead.
        train: What is bad about the training rows.
        model: The function of ``MODEL`` that is asked, where the task is a live one.
    """

    task: str
    change: Change = unchanged
    error: type[gk.UsageError] | None = None
    words: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    columns: tuple[str, str] = ("", "")
    train: Change = unchanged
    model: str = "of"

    def write(self, folder: Path) -> Path:
        """Files in Parquet, so that text, numbers and truths stay what they are."""
        assert self.columns[0] in COLUMNS[self.task]
        declared = COLUMNS[self.task].replace(*self.columns, 1)
        for name, frame in (
            ("test", self.change(rows(self.task))),
            ("train", self.train(rows(self.task, seed=1))),
            ("shifted", rows(self.task, seed=2)),
        ):
            frame.to_parquet(folder / f"{name}.parquet")
        (folder / "asked.py").write_text(MODEL, encoding="utf-8")
        subject = "predictions: test.parquet" if self.task in STORED else f"python: 'asked:{self.model}'"
        roles = ("train", "shifted") if self.task in STORED else ("test", "train", "shifted")
        data = ", ".join(f"{role}: {{path: {role}.parquet}}" for role in roles)
        text = f"schema: govkit.audit/v1\nsubject: {{{subject}}}\ncolumns: {declared}\ndata: {{{data}}}\n"
        (folder / "audit.yaml").write_text(text, encoding="utf-8")
        return folder / "audit.yaml"


def put(**columns: Any) -> Change:
    """Columns with another content; a function is given the rows."""
    return lambda frame: frame.assign(**columns)


def cell(column: str, value: Any) -> Change:
    """Another value in the fourth row."""
    return lambda frame: frame.assign(**{column: [*frame[column][:3], value, *frame[column][4:]]})


def as_type(column: str, kind: Any) -> Change:
    return lambda frame: frame.assign(**{column: frame[column].astype(kind)})


def first(n: int) -> Change:
    return lambda frame: frame.iloc[:n]


def both(one: Change, two: Change) -> Change:
    return lambda frame: two(one(frame))


def never(column: str, value: Any, other: Any) -> Change:
    """Rows that have the value have the other one."""
    return lambda frame: frame.assign(**{column: frame[column].replace(value, other)})


def refused(task: str, change: Change, *words: str, **options: Any) -> Bad:
    return Bad(task, change, DataError, words, **options)


def numbers_only(frame: pd.DataFrame) -> pd.DataFrame:
    """All numbers of a regression near the smallest that there are."""
    return frame.assign(**{name: frame[name] * 1e-300 for name in ("y", "hat", "base", "old")})


def few(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}: too few rows" for name in names)


BETWEEN = few(
    "bias.selection_rate_difference",
    "bias.equalized_odds_difference",
    "bias.demographic_parity_ratio",
    "bias_origin.selection_rate_label_origin",
    "individual_fairness.between_group_theil_index",
)
"""What needs two groups."""

ALONE = {
    "binary": few("calibration.brier", "overfit.log_loss_gap", "performance.log_loss", "performance.roc_auc"),
    "multiclass": few("calibration.brier", "overfit.log_loss_gap", "performance.log_loss", "performance.roc_auc"),
    "ordinal": few("ordinal.mean_absolute_error", "performance.matthews_corrcoef"),
    "multilabel": few("multilabel.hamming_loss", "performance.log_loss", "calibration.calibration_error"),
    "regression": few("regression.mean_absolute_error", "regression.r2", "regression.spearman"),
    "ranking": few("ranking.roc_auc", "ranking.average_precision"),
}
"""What one row does not give."""

TWO = {
    "binary": few("calibration.calibration_error", "bias_origin.accuracy_origin"),
    "multiclass": few("calibration.calibration_error", "performance.roc_auc"),
    "ordinal": few("performance.balanced_accuracy_change", "found_parts.*"),
    "multilabel": few("calibration.calibration_error", "found_parts.*"),
    "regression": few("regression.spearman", "regression.mean_absolute_error_gap"),
    "ranking": (),
}
CONSTANT = {
    "regression": few("regression.spearman"),
    "ranking": (),
}


def for_each_task() -> Iterator[tuple[str, Bad]]:
    """What can be bad in any task."""
    for task in STORED:
        label = "a" if task == "multilabel" else "y"
        declared = ("groups:", f"{CLASSES.get(task, '')}groups:")
        of_classes = task not in ("regression", "ranking")
        constant = few("performance.matthews_corrcoef", "performance.precision", "bias.selection_rate_ratio")
        groups = BETWEEN if of_classes else few("regression.mean_absolute_error_gap") if task == "regression" else ()
        yield f"{task}, no rows", refused(task, first(0), "test.parquet", "no rows", columns=declared)
        yield f"{task}, one row", Bad(task, first(1), gaps=ALONE[task], columns=declared)
        yield f"{task}, two rows", Bad(task, first(2), gaps=TWO[task], columns=declared)
        yield f"{task}, one answer for all", Bad(task, put(**ANSWERS[task]), gaps=CONSTANT.get(task, constant))
        yield f"{task}, one group", Bad(task, put(sex="f", place="north"), gaps=groups)
        yield f"{task}, no group is known", Bad(task, put(sex=None), gaps=groups)
        yield f"{task}, no label is known", refused(task, put(**{label: None}), "row 1", label, "no value")
        yield f"{task}, two rows of one id", refused(task, cell("id", "0 1"), "row 4", "'0 1'", "must be unique")


NO_RANGE = ("range: [-20, 20], ", "")
TABLE = {
    **dict(for_each_task()),
    # one class or number in several types
    "numbers as labels, text as answers": Bad("binary", as_type("hat", str)),
    "text as labels, fractions as answers": Bad("binary", both(as_type("y", str), as_type("hat", float))),
    "blanks around answers": Bad("binary", lambda frame: frame.assign(hat=" " + frame["hat"].astype(str) + " ")),
    "truths beside numbers": refused("binary", as_type("y", bool), "'0' and 'false'", "in one way"),
    "truths as answers": refused("binary", as_type("hat", bool), "row 1", "hat", "expected one of '0', '1'"),
    "fractions in text": refused("ordinal", lambda f: f.assign(hat=f["hat"].map("{}.0".format)), "row 1", "'10.0'"),
    "text as a number": refused("regression", as_type("hat", str), "'hat'", "string", "a number in each row"),
    "a truth as a number": refused("regression", lambda frame: frame.assign(hat=frame["hat"] > 0), "'hat'", "bool"),
    "a truth as a score": refused("ranking", lambda frame: frame.assign(p=frame["p"] > 0.5), "'p'", "bool"),
    "labels as fractions": Bad("multilabel", as_type("a", float)),
    "answers to labels as text": Bad("multilabel", as_type("hat_a", str)),
    "answers to labels as truths": Bad("multilabel", as_type("hat_a", bool)),
    "groups as fractions, some missing": Bad(
        "binary", lambda frame: frame.assign(sex=frame["sex"].map({"f": 0.0, "m": math.nan}))
    ),
    # probabilities and numbers that cannot be
    "probabilities that sum to more": refused("multiclass", cell("pa", 0.999), "row 4", "sum to 1.9", "expected 1"),
    "probabilities that sum to less": refused("multiclass", cell("pa", 0.0), "row 4", "sum to 0.9", "expected 1"),
    "probabilities of nothing": refused("multiclass", put(pa=0.0, pb=0.0, pc=0.0), "row 1", "sum to 0;"),
    **{
        f"a probability of {bad}, {task}": refused(task, cell(column, bad), "row 4", f"{column} {found}", "[0, 1]")
        for task, column in (("binary", "p"), ("binary", "old_p"), ("multiclass", "pb"), ("multilabel", "pb"))
        for bad, found in ((-0.1, "is -0.1"), (1.1, "is 1.1"), (math.nan, "has no value"), (math.inf, "is inf"))
    },
    **{
        f"{column} is {bad}, {task}": refused(task, cell(column, bad), "row 4", f"{column} {found}", "a number")
        for task, column in (("regression", "hat"), ("regression", "y"), ("ranking", "p"))
        for bad, found in (
            (math.nan, "has no value"),
            (math.inf, "is inf"),
            (-math.inf, "is -inf"),
            (1e308, "is 1e+308"),
        )
    },
    "a number too large to square": refused(
        "regression", cell("hat", -1e41), "row 4", "hat is -1e+41", "[-1e+40, 1e+40]", columns=NO_RANGE
    ),
    "the largest numbers": Bad("regression", both(cell("y", 1e40), cell("hat", -1e40)), columns=NO_RANGE),
    "the largest range": Bad(
        "regression", both(cell("y", 1e40), cell("hat", -1e40)), columns=("[-20, 20]", "[-1.0e+40, 1.0e+40]")
    ),
    "a range too large": Bad(
        "regression", error=AuditError, words=("range", "1e+41", "up to 1e+40"), columns=("20]", "1.0e+41]")
    ),
    "a range that is no number": Bad("regression", error=AuditError, words=("range",), columns=("20]", ".nan]")),
    "the smallest numbers": Bad("regression", numbers_only, columns=NO_RANGE),
    "one truth for all": Bad("regression", put(y=0.1), gaps=few("regression.r2", "regression.spearman")),
    "one truth and one answer in training": Bad("regression", train=put(y=0.1, hat=0.1)),
    # classes that are not everywhere
    "a class that the test rows lack": Bad("multiclass", never("y", "c", "a"), gaps=few("performance.roc_auc")),
    "a rank that the test rows lack": Bad("ordinal", never("y", 10, 9), gaps=few("performance.recall")),
    "one class in the test rows": Bad(
        "binary", put(y=1), gaps=few("performance.roc_auc", "bias.false_positive_rate_difference")
    ),
    "nothing to find": Bad("ranking", put(y=0), gaps=few("ranking.roc_auc", "ranking.average_precision")),
    "everything to find": Bad("ranking", put(y=1), gaps=few("ranking.roc_auc", "ranking.average_precision")),
    "a label that no row has": Bad("multilabel", put(a=0), gaps=few("performance.recall")),
    "a label that nobody names": Bad("multilabel", put(a=0, hat_a=0), gaps=few("performance.f1")),
    "a class of the answers alone": Bad("multiclass", both(never("y", "c", "a"), cell("hat", "c"))),
    "a class that is none": refused("multiclass", cell("hat", "d"), "row 4", "'hat' is 'd'", "'a', 'b', 'c'"),
    "a class of the base that is none": refused("multiclass", cell("base", "d"), "row 4", "'base' is 'd'"),
    "a class of the training rows alone": refused(
        "multiclass", unchanged, "'d' has no column", "one column for each", train=cell("y", "d")
    ),
    "a third class in training": refused("binary", unchanged, "two classes", "found 3", train=cell("y", 2)),
    # ties, and models that are alike or perfect
    "ties of two classes": Bad("binary", put(p=0.5, base_p=0.5)),
    "ties of three classes": Bad("multiclass", put(pa=1 / 3, pb=1 / 3, pc=1 / 3)),
    "ties of a ranking": Bad(
        "ranking", lambda frame: frame.assign(p=frame["p"].round(), base_p=frame["base_p"].round())
    ),
    "models that are alike": Bad("binary", lambda frame: frame.assign(base_p=frame["p"], old_p=frame["p"])),
    "a perfect model": Bad("binary", lambda frame: frame.assign(hat=frame["y"], p=1.0 * frame["y"])),
    "a perfect model of three classes": Bad(
        "multiclass",
        lambda frame: frame.assign(hat=frame["y"], **{f"p{name}": 1.0 * (frame["y"] == name) for name in "abc"}),
    ),
    "a perfect regression": Bad("regression", lambda frame: frame.assign(hat=frame["y"])),
    "a perfect ranking": Bad("ranking", lambda frame: frame.assign(p=frame["y"])),
    # a model that is asked, as the counterfactual check does
    **{
        f"a model of {name}": Bad("live table", error=SubjectError, words=words, model=name)
        for name, words in {
            "unknown": ("row ", "(nan, 0.5)", "probabilities in [0, 1]"),
            "logits": ("row 1", "(-1.5, 2)", "softmax"),
            "twice": ("row 1", "(0.75, 0.75)", "sum to 1"),
            "three": ("shape (60, 3)", "expected (60, 2)"),
            "one": ("shape (60,)", "expected (60, 2)"),
            "words": ("no array of numbers", "could not convert string to float"),
            "nothing": ("shape ()", "expected (60, 2)"),
        }.items()
    },
    **{
        f"{task}, {what}": Bad(task, change, gaps=few(gap), columns=("groups:", "classes: ['0', '1'], groups:"))
        for task, gap in (("live table", "counterfactual.changed_share"), ("live text", "counterfactual.*"))
        for what, change in (("one row", first(1)), ("two rows", first(2)))
    },
    "live table, one group": Bad("live table", put(sex="f"), gaps=few("counterfactual.changed_share")),
    "live table, no group is known": Bad("live table", put(sex=None), gaps=few("counterfactual.changed_share")),
    "live table, one answer for all": Bad("live table", model="constant"),
    "live table, a feature that nobody knows": Bad("live table", put(x=math.nan)),
    "live table, an infinite feature": Bad("live table", cell("x", math.inf)),
    "live text, one group": Bad("live text", put(sex="f")),
    "live text, blank texts": Bad("live text", put(text=""), gaps=few("counterfactual.*")),
    "live text, no texts": refused("live text", put(text=None), "'text' has no value", "expected text"),
}


def numbers(value: Any) -> Iterator[float]:
    """Every number in findings."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, float):
        yield value


@pytest.mark.parametrize("line", TABLE)
def test_bad_rows_are_refused_or_leave_gaps_with_a_name(line: str, tmp_path: Path):
    bad = TABLE[line]
    audit = bad.write(tmp_path)
    if bad.error is not None:
        with pytest.raises(gk.UsageError) as refusal:
            gk.measure(audit)
        assert type(refusal.value) is bad.error
        message = str(refusal.value)
        assert all(word in message for word in bad.words), message
        return
    found = gk.measure(audit, policy="nist-ai-rmf-core")["findings"]
    missing = {f"{gap['check']}.{gap['name']}: {gap['reason']}" for gap in found if gap["kind"] == "gap"}
    # A warning is an error here, and an error in a check is a gap that says so.
    assert not {gap for gap in missing if "crashed" in gap}
    assert set(bad.gaps) <= missing
    assert all(map(math.isfinite, numbers(found)))
    assert any(item["kind"] == "measurement" for item in found)
