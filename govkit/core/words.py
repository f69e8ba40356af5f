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

INDEPENDENCE = "independence"
SUSPICION = (INDEPENDENCE, "design_effect")
"""Check and metric that tell what rows are worth that seem to belong together: the verdict repeats it."""

PART_KEYS = frozenset(
    {"attack", "base", "base_weight", "bin", "class", "column", "corruption", "coverage", "expectation", "fact"}
    | {"foreign", "found", "layer", "list", "number", "source", LABEL}
)
"""What findings call a part that is no group of people: a group column of that name would be taken for it."""

Absent = Literal["base", "base_data", "groups", "incumbent", "reference", "run", "service", "shifted", "train"]
"""What an audit file may say there is none of; what it neither names nor says to be absent is not known."""

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


_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {
    chr(code)
    for first, last in ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
    for code in range(first, last + 1)
}
"""What is drawn as nothing or as a blank, beside characters of the category Cf."""

_ALIKE = str.maketrans(
    "\u0430\u0432\u0501\u0441\u0435\u04bb\u043d\u0456\u0458\u043a\u043c\u043e\u0440\u051b\u0455\u0442\u0443"
    "\u04af\u0475\u051d\u0445\u050d\u03b1\u03b2\u03b5\u03b6\u03b7\u03b9\u03ba\u03bc\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7"
    "\u03f2\u03f3\u0131",
    "abdcehhijkmopqstyyvwxgabezhikmvoptuxcji",
)
"""Letters of Cyrillic and Greek that look like a Latin one, small or large (Unicode Technical Standard 39)."""


def known_as(name: str) -> str:
    """A person's name as two are compared: what looks alike, or differs in case or blanks, makes no second person."""
    seen = "".join(each for each in name if unicodedata.category(each) != "Cf" and each not in _UNSEEN)
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", seen).casefold())
    return "".join(folded.translate(_ALIKE).replace("i\u0307", "i").split())
