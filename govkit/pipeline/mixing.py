"""``soup``: weights between those of the candidate and those of its base."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from govkit import remedies
from govkit.core import Case, Role
from govkit.core.case import Array
from govkit.errors import UsageError
from govkit.pipeline.hardening import EPS
from govkit.pipeline.new_weights import NewWeights, Options, right_with
from govkit.remedies import Fitted
from govkit.remedies.soup import Choice, Judged, choose, judge
from govkit.subjects.modules import Mixed, base_tensors, interpolated, module_of, with_module

JUDGES: dict[Role, tuple[str, str]] = {"test": ("in distribution", "test"), "shifted": ("on shifted data", "shifted")}
"""Rows that say what the mixed weights are worth, and how to name them."""

NAMED = 3
"""Tensors that a remark names."""


def mixed(case: Case, subject: Any, options: Options) -> NewWeights:
    """Mix the weights of a copy of the candidate with those of its base.

    Without ``base_weight`` the weight is the largest that loses nothing on the calibration rows.

    Args:
        case: The audited case.
        subject: Its candidate, whose module is at hand.
        options: The weight, where somebody gives one.

    Raises:
        UsageError: There is no base of that architecture, or no weight could be chosen.
    """
    tensors, module = base_tensors(case.base), module_of(subject)
    if tensors is None:
        raise UsageError(
            "soup mixes the weights with those of the base, which are not at hand: name its folder or its module "
            "(base: {model: FOLDER, head: probe} or base: {python: pkg.mod:NAME, head: probe})"
        )

    def right(weight: float) -> Array:
        return right_with(case, "calibration", with_module(subject, interpolated(module, tensors, weight).module))

    choice = None if options.base_weight is not None else _chosen(case, right)
    weight = _given(options.base_weight) if choice is None else choice.weight
    found = interpolated(module, tensors, weight)
    made = with_module(subject, found.module)
    judged = {
        name: judge(*(right_with(case, name, each) for each in (subject, made))) for name in JUDGES if name in case.data
    }
    numbers = {
        "base_weight": weight,
        "mixed_share": found.share,
        "kept": list(found.kept),
        "calibration_accuracy": None if choice is None else {f"{key:g}": a for key, a in choice.accuracy.items()},
        "change": {name: each.change.model_dump(mode="json") for name, each in judged.items()},
    }
    fitted = Fitted("weights mixed with the base", numbers, tuple(_said(case, weight, found, choice, judged)))
    tuned = found.module.state_dict()
    trained = sum(tuned[name].numel() for name in found.mixed)
    return NewWeights(fitted, made, None if choice is None else "calibration", trained, EPS[case.modality])


def _given(weight: float | None) -> float:
    if weight is None or not 0 < weight <= 1:
        raise UsageError(
            f"--base-weight {weight}: expected a number above 0, which is the candidate, and up to 1, which is the "
            "base under the tuned head"
        )
    return weight


def _chosen(case: Case, right: Callable[[float], Array]) -> Choice:
    """The weight, chosen on rows that neither judge it nor trained the candidate, which would win on those.

    Raises:
        UsageError: There are no such rows, some are of another role too, or each weight loses some.
    """
    if "calibration" not in case.data:
        raise UsageError(
            "data.calibration is missing: soup chooses the weight of the base on rows that neither training nor test "
            "holds; name their file, or give --base-weight"
        )
    barred: tuple[Role, ...] = ("train", *JUDGES)
    for role in barred:
        if role in case.data:
            remedies.refuse_shared(case.data["calibration"], case.data[role])
    return choose(right)


def _said(case: Case, weight: float, found: Mixed, choice: Choice | None, judged: dict[Role, Judged]) -> Iterator[str]:
    if choice is None:
        yield f"Base weight {weight:g}: given, not chosen."
    else:
        n = len(case.data["calibration"])
        yield f"Base weight {weight:g}: the largest of those tried that loses nothing on {n} calibration rows."
        if "train" not in case.data:
            yield "Without data.train nobody can say whether the candidate was tuned on these rows, which favors it."
    kept = f"{', '.join(found.kept[:NAMED])}{' ...' if len(found.kept) > NAMED else ''}"
    yield (
        f"{found.share:.1%} of the weights have a counterpart in the base"
        f"{f'; these stay as they were tuned: {kept}' if found.kept else ''}."
    )
    for name, each in judged.items():
        yield each.says(*JUDGES[name])
    if "shifted" not in case.data:
        yield "Without data.shifted nobody can say whether it helps where the data are others, which is what it is for."
