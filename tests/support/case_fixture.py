"""A case from arrays: what a check sees, without files and models."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from govkit.checks import Request, measure
from govkit.core import Case, Check, Dataset, Finding, Gap, Measurement, Of, Passes, Predictions, Role
from govkit.core.audit import Use
from govkit.core.case import Coded


def predictions(answers: Any) -> Predictions:
    """Predictions from class indices (n,), probabilities of class 1 (n,), or probabilities (n, k)."""
    answers = np.asarray(answers)
    if answers.dtype.kind in "iub":
        return Predictions(answers.astype(np.int64))
    if answers.ndim == 1:
        answers = np.column_stack([1 - answers, answers])
    return Predictions(answers.argmax(axis=1).astype(np.int64), answers.astype(np.float64))


def coded(values: Any) -> Coded:
    """A column of names."""
    names, codes = np.unique(np.asarray(values, dtype=str), return_inverse=True)
    return Coded(codes.astype(np.int32), tuple(map(str, names)))


def make_dataset(
    labels: Any, *, role: Role = "test", groups: Mapping[str, Any] | None = None, inputs: Any = None
) -> Dataset:
    """A data set of n rows; its digest depends on the labels, the groups and the role."""
    labels = np.asarray(labels)
    labels = labels.astype(np.float64 if labels.dtype.kind == "f" else np.int64)
    columns = {name: np.asarray(values, dtype=object) for name, values in (groups or {}).items()}
    table = pa.table({"label": labels, **{name: list(values) for name, values in columns.items()}})
    content = repr((role, labels.tolist(), {name: values.tolist() for name, values in columns.items()}))
    digests = [hashlib.sha256(f"{role} {row}".encode()).hexdigest() for row in range(len(labels))]
    return Dataset(
        role=role,
        table=table,
        inputs=inputs,
        labels=labels,
        groups={name: coded(values) for name, values in columns.items()},
        ids=None,
        row_digests=np.array(digests, dtype="S64"),
        digest="sha256:" + hashlib.sha256(content.encode()).hexdigest(),
        path=Path("rows.parquet"),
    )


def make_case(
    labels: Any,
    probs: Any,
    *,
    groups: Mapping[str, Any] | None = None,
    base: Any = None,
    incumbent: Any = None,
    train: Mapping[str, Any] | None = None,
    shifted: Mapping[str, Any] | None = None,
    classes: tuple[str, ...] | None = None,
    positive: int | None = None,
    **fields: Any,
) -> Case:
    """A case of stored predictions.

    Args:
        labels: True class index of the test rows, ``(n,)``.
        probs: The candidate's answers: class indices ``(n,)`` (labels only), probabilities of class 1 ``(n,)``, or
            probabilities ``(n, k)``.
        groups: Column -> group names of the test rows.
        base: The base's answers to the test rows, in the same forms.
        incumbent: The incumbent's answers.
        train: ``{"labels": ..., "probs": ..., "base": ..., "incumbent": ..., "groups": ...}`` of the training rows.
        shifted: The same of the shifted rows.
        classes: Names of the classes; ``class 0`` ... if not given.
        positive: Index of the positive class; the last one if not given.
        fields: Any further field of :class:`Case`, for example ``seed`` or ``run``.
    """
    parts: dict[Role, Mapping[str, Any]] = {
        "test": {"labels": labels, "probs": probs, "groups": groups, "base": base, "incumbent": incumbent}
    }
    if train is not None:
        parts["train"] = train
    if shifted is not None:
        parts["shifted"] = shifted
    data = {role: make_dataset(part["labels"], role=role, groups=part.get("groups")) for role, part in parts.items()}
    answers: dict[tuple[Of, Role], Predictions] = {}
    for role, part in parts.items():
        for of, key in (("candidate", "probs"), ("base", "base"), ("incumbent", "incumbent")):
            if part.get(key) is not None:
                answers[of, role] = predictions(part[key])
    if classes is None:
        highest = max(int(item.labels.max(initial=1)) for item in (*data.values(), *answers.values()))
        classes = tuple(f"class {index}" for index in range(highest + 1))
    for role in parts:
        answers["trivial", role] = _trivial(data, role, len(classes))
    defaults: dict[str, Any] = {
        "subject": None, "base": None, "incumbent": None, "run": None, "use": Use(), "access": "predictions",
        "modality": "table", "model_path": None, "passes": Passes(), "seed": 0,
    }  # fmt: skip
    return Case(
        data=data,
        classes=classes,
        positive=len(classes) - 1 if positive is None else positive,
        answers=lambda of, role: answers.get((of, role)),
        **{**defaults, **fields},
    )


def _trivial(data: Mapping[Role, Dataset], role: Role, classes: int) -> Predictions:
    known = data[role].labels
    shares = np.bincount(known, minlength=classes) / len(known)
    rows = len(data[role])
    return Predictions(np.full(rows, shares.argmax()), np.tile(shares, (rows, 1)))


def run_check(item: Check, case: Case, **params: Any) -> list[Finding]:
    """Findings of one check, as ``measure`` returns them."""
    return measure(case, [Request(item.name, params)], catalog={item.name: item})


def pick(
    findings: list[Finding],
    name: str,
    *,
    of: Of = "candidate",
    compared_with: Of | None = None,
    part: Mapping[str, str] | None = None,
    role: Role = "test",
) -> Measurement:
    """The one measurement with these marks."""
    found = [
        finding
        for finding in findings
        if isinstance(finding, Measurement)
        and (finding.name, finding.of, finding.compared_with) == (name, of, compared_with)
        and finding.part == (part or {})
        and finding.data is not None
        and finding.data.role == role
    ]
    assert len(found) == 1, f"{len(found)} measurements of {name}, {of}, {compared_with}, {part}, {role}"
    return found[0]


def gaps(findings: list[Finding]) -> dict[tuple[str, Of, Of | None], Gap]:
    """Gaps of the whole, by name, model and rival."""
    return {(gap.name, gap.of, gap.compared_with): gap for gap in findings if isinstance(gap, Gap) and not gap.part}


def bound(finding: Measurement, level: float) -> tuple[float, float]:
    """Low and high bound at a level."""
    return next((item.low, item.high) for item in finding.bounds if item.level == level)
