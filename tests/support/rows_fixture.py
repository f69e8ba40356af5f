"""Cases from tables that go through the real reader, with live subjects where a test gives one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from govkit.checks import Request, catalog, measure
from govkit.core import Case, Finding, Gap, Measurement, Passes, Predictions
from govkit.core.audit import Use
from govkit.core.columns import Columns
from govkit.data import read_dataset


def read_case(
    tables: Mapping[str, Mapping[str, Any]],
    *,
    columns: Mapping[str, Any],
    modality: str = "text",
    answer: Any = None,
    classes: tuple[str, ...] = ("ham", "spam"),
    **fields: Any,
) -> Case:
    """A case of tables by role; ``answer`` maps a data set to predicted class indexes ``(n,)``, for every model."""
    named = Columns.model_validate(dict(columns))
    data = {
        role: read_dataset(
            Path(f"{role}.parquet"), role=role, columns=named, modality=modality, classes=classes,
            table=pa.table(dict(table)),
        )
        for role, table in tables.items()
    }  # fmt: skip

    def answers(of, role):
        return None if answer is None or of != "candidate" else Predictions(np.asarray(answer(data[role])))

    defaults: dict[str, Any] = {
        "subject": None, "base": None, "incumbent": None, "run": None, "use": Use(), "access": "predictions",
        "model_path": None, "passes": Passes(), "seed": 0, "answers": answers,
    }  # fmt: skip
    return Case(
        data=data,
        classes=classes,
        positive=len(classes) - 1,
        modality=modality,
        column=named.model_dump(exclude_none=True),
        **{**defaults, **fields},
    )


def run(name: str, case: Case, **params: Any) -> list[Finding]:
    """Findings of one check of the catalog."""
    return measure(case, [Request(name, params)], catalog=catalog())


def value(findings: list[Finding], name: str, **where: Any) -> Any:
    """The value of the one measurement that fits: ``part``, ``of``, ``role`` and ``compared_with`` narrow it down."""
    (found,) = (item for item in measurements(findings, name, **where))
    return found.value


def measurements(findings: list[Finding], name: str, **where: Any) -> list[Measurement]:
    """Measurements of a metric that fit."""
    return [item for item in findings if isinstance(item, Measurement) and item.name == name and _fits(item, where)]


def gaps(findings: list[Finding]) -> dict[str, str]:
    """Name of each gap -> reason."""
    return {item.name: item.reason for item in findings if isinstance(item, Gap)}


def _fits(item: Measurement, where: Mapping[str, Any]) -> bool:
    role = item.data.role if item.data is not None else None
    held = {"part": item.part, "of": item.of, "role": role, "compared_with": item.compared_with}
    return all(held[key] == wanted for key, wanted in where.items())
