"""The closed vocabularies that recorded things use."""

from __future__ import annotations

import unicodedata
from typing import Literal

Of = Literal["candidate", "base", "incumbent", "trivial", "labels"]
"""Whose value a finding is about. ``trivial`` gives every row the same answer, the best one for these rows."""

Task = Literal["binary", "multiclass", "ordinal", "multilabel", "regression", "ranking"]
"""What the answers are: one of two classes, of several, of several in an order; any number of labels; a number; or a
score that only puts rows in an order."""

CLASSES: frozenset[Task] = frozenset({"binary", "multiclass", "ordinal"})
"""Tasks whose answer is one class of several."""

TASKS: frozenset[Task] = CLASSES | {"multilabel", "regression", "ranking"}

LABEL = "label"
"""Part that stands for one label of a multi-label task: whatever is asked of all rows is asked of each label."""

PART_KEYS = frozenset(
    {"attack", "base", "base_weight", "bin", "class", "column", "corruption", "coverage", "expectation", "fact"}
    | {"foreign", "found", "layer", "list", "number", "source", LABEL}
)
"""What findings call a part that is no group of people: a group column of that name would be taken for it."""

Role = Literal["train", "test", "shifted", "calibration", "canary"]
"""What a data set is used for."""

Trust = Literal["trusted", "suspect", "not evaluated"]
"""Whether the number of an attack can be believed; a suspect number never passes."""

GapReason = Literal["no data", "no extra", "not run", "too few rows", "unsupported", "crashed"]

State = Literal["pass", "fail", "inconclusive", "missing", "error", "unsupported", "not_applicable"]
"""State of a ruling. Only ``pass`` and ``not_applicable`` leave the way free."""

Disposition = Literal["ignore", "warn", "review", "block"]
"""What a state leads to, mildest first."""

Severity = Literal["info", "low", "medium", "high", "critical"]

Outcome = Literal["PASS", "PASS_WITH_EXCEPTIONS", "REVIEW", "BLOCK"]
"""Mildest first."""

Better = Literal["lower", "higher"]

Seen = Literal["observed", "declared", "unknown", "not_applicable"]
"""How a fact of a run is known: seen by govkit, told by somebody, not known, or without meaning here."""

Tier = Literal["low", "medium", "high"]

Access = Literal["weights", "predict", "predictions"]
"""What an audit can reach of a subject: its weights, a predict function, or stored predictions only."""

Modality = Literal["text", "image", "table", "unknown"]


def known_as(name: str) -> str:
    """A person's name as two are compared: case, blanks, width and what is not seen make no second person."""
    seen = "".join(each for each in name if unicodedata.category(each) != "Cf")
    return " ".join(unicodedata.normalize("NFKC", seen).casefold().split())
