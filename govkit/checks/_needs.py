"""What a check needs of a case, and what is missing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from govkit.core import Case, Gap, Role
from govkit.core.words import TASKS, GapReason, Task

Answer = tuple[GapReason, str] | None


def unmet(case: Case, needs: Iterable[str], tasks: Collection[Task] = TASKS) -> Gap | None:
    """One gap for the whole check that names everything it lacks, or None if nothing is lacking.

    Args:
        case: What is to be measured.
        needs: What the check needs.
        tasks: Tasks that the check can measure.

    Raises:
        KeyError: A check declares a need that does not exist.
    """
    if case.task not in tasks:
        wanted = ", ".join(sorted(tasks))
        return Gap(
            reason="unsupported", detail=f"This check measures the tasks {wanted}; the task here is {case.task}."
        )
    answers = [answer for need in sorted(needs) if (answer := _NEEDS[need](case)) is not None]
    if not answers:
        return None
    # More data would help where data is missing; access that a subject lacks cannot be supplied.
    reasons = [reason for reason, _ in answers]
    reason: GapReason = "unsupported" if "unsupported" in reasons else reasons[0]
    return Gap(reason=reason, detail=" ".join(sentence for _, sentence in answers))


def _probabilities(case: Case) -> Answer:
    predictions = case.predictions("candidate")
    if predictions is None:
        return "no data", "There are no predictions of the candidate on the test data."
    if predictions.probabilities is None:
        return "unsupported", "The candidate gives labels only; this check needs probabilities."
    return None


def _weights(case: Case) -> Answer:
    if case.access == "weights":
        return None
    return (
        "unsupported",
        f"This check needs the weights of the candidate; only its {_REACH[case.access]} can be reached.",
    )


def _inputs(case: Case) -> Answer:
    if case.subject is None:
        stored = case.access == "predictions"  # Else the case is that of one label of a live candidate.
        why = "only its stored predictions are at hand" if stored else "it cannot be asked about one label alone"
        return "unsupported", f"This check asks the candidate; {why}."
    if case.data["test"].inputs is None:
        return "no data", "The test data hold no inputs."
    return None


def _train(case: Case) -> Answer:
    return _role(case, "train", "training data")


def _service(case: Case) -> Answer:
    detail = "There is no statement of a watch (service: {statement, trust} in the audit file)."
    return None if case.service is not None else ("no data", detail)


def _shifted(case: Case) -> Answer:
    return _role(case, "shifted", "shifted data")


def _role(case: Case, role: Role, words: str) -> Answer:
    return None if role in case.data else ("no data", f"There are no {words} (data.{role} in the audit file).")


def _run(case: Case) -> Answer:
    return None if case.run is not None else ("no data", "There is no record of the fine-tuning run.")


def _groups(case: Case) -> Answer:
    if case.data["test"].groups:
        return None
    return "no data", "No group columns are declared (columns.groups in the audit file)."


def _base(case: Case) -> Answer:
    if case.base is not None or case.predictions("base") is not None:
        return None
    return "no data", "There is no base to compare with (base in the audit file)."


def _incumbent(case: Case) -> Answer:
    if case.incumbent is not None or case.predictions("incumbent") is not None:
        return None
    return "no data", "There is no incumbent to compare with (incumbent in the audit file)."


_REACH = {"weights": "weights", "predict": "answers", "predictions": "stored predictions"}

_NEEDS: dict[str, Callable[[Case], Answer]] = {
    "probabilities": _probabilities,
    "weights": _weights,
    "inputs": _inputs,
    "train": _train,
    "service": _service,
    "shifted": _shifted,
    "run": _run,
    "groups": _groups,
    "base": _base,
    "incumbent": _incumbent,
}
