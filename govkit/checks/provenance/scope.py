"""Scope: what kind of case is this, and what could be looked at?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from govkit.checks._shared import counted, groups_of
from govkit.checks.data import texts_in
from govkit.core import Case, Finding, Measurement, Metric, check
from govkit.core.words import TASKS, Absent, Access, Modality, Task

IMPLIED: dict[str, Absent] = {"base_data": "base", "parts": "groups", "reference": "groups", "service": "incumbent"}
"""What cannot be there without something else: no watch of a model in service without such a model."""


@check(
    "scope",
    crosswalk="record.run",
    tasks=TASKS,
    metrics={
        "task": Metric("What the answers are.", words=get_args(Task)),
        "modality": Metric("What the inputs are.", words=get_args(Modality)),
        "access": Metric("What could be reached of the candidate.", words=get_args(Access)),
        "has_base": Metric("Whether the pretrained base stands beside the candidate."),
        "has_incumbent": Metric("Whether the model in service stands beside the candidate."),
        "has_run": Metric("Whether there is a record of the fine-tuning run."),
        "has_shifted": Metric("Whether there are shifted data."),
        "has_train": Metric("Whether there are training data."),
        "has_groups": Metric("Whether group columns are declared."),
        "has_parts": Metric("Whether columns are declared whose values are seen apart, groups among them."),
        "has_base_data": Metric("Whether training sets of the base are named."),
        "has_reference": Metric("Whether it is known whom the rows are to stand for."),
        "has_texts": Metric("Whether the inputs are texts or chats, be they columns of a table."),
        "has_media": Metric("Whether the inputs are texts, chats or images."),
        "has_service": Metric("Whether there is a statement of the watch of a model in service."),
        "absence": Metric("Why there is none, by the word of the audit file."),
        "has_clusters": Metric("Whether it is declared which rows belong together."),
        "classes": Metric("Number of classes, or of labels; 0 of a regression.", unit="classes", low=0),
        "rows": Metric("Rows of a data set, and of each group in it.", unit="rows", low=0),
    },
)
def scope(case: Case) -> Iterator[Finding]:
    """Facts about the case by which a policy decides where its controls apply.

    Of what the audit file neither names nor says to be ``absent`` nothing is known: leaving it out excludes no control.
    """
    n, texts = len(case.data["test"]), texts_in(case, case.data["test"]) is not None
    unseen: str | bool = "unknown" if case.modality == "unknown" else False
    words: dict[str, str | bool] = {
        "task": case.task,
        "modality": case.modality,
        "access": case.access,
        "has_texts": texts or unseen,
        "has_media": texts or case.modality == "image" or unseen,
        "has_clusters": case.data["test"].cluster is not None,
    }
    there = {
        "base": case.base is not None or case.predictions("base") is not None,
        "incumbent": case.incumbent is not None or case.predictions("incumbent") is not None,
        "run": case.run is not None,
        "shifted": "shifted" in case.data,
        "train": "train" in case.data,
        "groups": bool(case.data["test"].groups),
        "parts": bool(case.data["test"].groups or case.data["test"].parts),
        "base_data": bool(case.base_trained_on),
        "reference": case.reference is not None,
        "service": case.service is not None,
    }
    for name, named in there.items():
        absent = {name, IMPLIED.get(name)} & case.absent.keys()
        words[f"has_{name}"] = named or ("unknown" if not absent else False)
    for name, value in words.items():
        yield Measurement(name=name, value=value, n=n)
    for name, reason in sorted(case.absent.items()):
        yield Measurement(name="absence", value=reason, n=n, part={"fact": name})
    yield counted("classes", len(case.classes), n=n)
    for data in case.data.values():
        yield counted("rows", len(data), data)
        for part, inside in groups_of(data):
            yield counted("rows", int(inside.sum()), data, n=int(inside.sum()), part=part)
