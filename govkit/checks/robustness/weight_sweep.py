"""Between the base and the candidate: was it tuned too far?

Weights between those of the candidate and of its base often answer shifted rows better than either and lose nothing
where the candidate is at home (WiSE-FT, Wortsman et al. 2021, "Robust fine-tuning of zero-shot models"). Where some of
them do, the tuning went further than it had to.
"""

from __future__ import annotations

from collections.abc import Iterator

from govkit.checks._clusters import share
from govkit.checks._shared import counted, measured, missing
from govkit.core import Case, Finding, Metric, Passes, Role, check
from govkit.core.case import Array
from govkit.core.words import CLASSES
from govkit.engine import Answers
from govkit.stats import holm, mcnemar_exact, paired_difference
from govkit.subjects.modules import base_tensors, interpolated, module_of, unmixable, with_module

WEIGHTS = (0.25, 0.5, 0.75, 1.0)
"""Weights of the base; 0 is the candidate itself."""

ROLES: tuple[Role, ...] = ("test", "shifted")

FEWEST = 100
"""Shifted rows below which no gain would show; McNemar's test of four weights then misses one of ten points."""

CHANCE = 0.05


def _extra(case: Case) -> Passes:
    """Every row once for each weight."""
    if module_of(case.subject) is None or base_tensors(case.base) is None:
        return Passes()
    return Passes(forward=len(WEIGHTS) * sum(len(case.data[role]) for role in ROLES))


@check(
    "weight_sweep",
    crosswalk="check.ood",
    needs={"weights", "inputs", "base", "shifted"},
    reads=tuple(("candidate", role) for role in ROLES),
    extra=_extra,
    tasks=CLASSES,
    metrics={
        "mixed_accuracy": Metric.share(
            "Accuracy with the weights mixed with those of the base, by the weight of the base.", better="higher"
        ),
        "mixed_accuracy_change": Metric.difference(
            "Accuracy with mixed weights minus that of the candidate on the same rows."
        ),
        "tuned_past_best": Metric.share(
            "1 where some mixed weights answer shifted rows better, and test rows no worse, beyond chance.",
            better="lower",
        ),
    },
)
def weight_sweep(case: Case) -> Iterator[Finding]:
    """Accuracy on test and shifted rows with base weights 0, 0.25, 0.5, 0.75 and 1.

    What has no counterpart in the base stays as it was tuned: the head, unless the base has its own.

    The flag stands where a weight is better on the shifted rows (McNemar's exact test, Holm over the weights, 5 %) and
    not worse on the test rows (McNemar's exact test, 5 %). Without the flag a gain may still be there: see the bounds.

    Args:
        case: Candidate and base, whose weights are at hand.
    """
    test, module, base = case.data["test"], module_of(case.subject), base_tensors(case.base)
    if module is None or base is None or case.subject is None:
        who = "candidate" if module is None else "base"
        yield missing("mixed_accuracy", "unsupported", f"The weights of the {who} are not at hand.", data=test)
        return
    why = unmixable(module, base)
    if why is not None:
        yield missing("mixed_accuracy", "unsupported", f"Nothing can be mixed: {why}.", data=test)
        return
    right: dict[tuple[Role, float], Array] = {}
    for weight in (0.0, *WEIGHTS):
        answers = case.answers
        if weight:
            mixed = with_module(case.subject, interpolated(module, base, weight).module)
            answers = Answers({"candidate": mixed}, case.data, classes=case.classes, task=case.task)
        for role in ROLES:
            predictions = answers("candidate", role)
            if predictions is not None:
                right[role, weight] = predictions.labels == case.data[role].labels
    yield from _accuracies(case, right)
    yield _flag(case, right)


def _accuracies(case: Case, right: dict[tuple[Role, float], Array]) -> Iterator[Finding]:
    for (role, weight), rows in right.items():
        data, part = case.data[role], {"base_weight": f"{weight:g}"}
        yield share("mixed_accuracy", rows, data, part=part)
        if weight:
            change = paired_difference(*_flips(rows, right[role, 0.0]), len(rows))
            yield measured("mixed_accuracy_change", change, data, part=part)


def _flips(rows: Array, before: Array) -> tuple[int, int]:
    """Rows that only the mixed weights have right, and rows that only the candidate has right."""
    return int((rows & ~before).sum()), int((before & ~rows).sum())


def _flag(case: Case, right: dict[tuple[Role, float], Array]) -> Finding:
    name = "tuned_past_best"
    data = case.data["shifted"]
    if len(data) < FEWEST:
        why = f"There are {len(data)} shifted rows; to tell a gain from chance takes {FEWEST}."
        return missing(name, "too few rows", why, data=data)
    flips = {role: [_flips(right[role, weight], right[role, 0.0]) for weight in WEIGHTS] for role in ROLES}
    adjusted = holm([mcnemar_exact(gained, lost) for gained, lost in flips["shifted"]])
    found = [
        gained > lost and p < CHANCE and not (b < c and mcnemar_exact(b, c) < CHANCE)
        for (gained, lost), p, (b, c) in zip(flips["shifted"], adjusted, flips["test"], strict=True)
    ]
    return counted(name, float(any(found)), data)
