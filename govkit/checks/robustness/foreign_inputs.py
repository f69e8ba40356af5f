"""Foreign inputs: is the model sure of its answer to what is none of its task, and could such inputs be told?

A model has to answer whatever it is asked. No single score tells foreign inputs from rows of the task: in trials the
distance from the training rows told strange images from digits nearly always, and took random letters for a more
ordinary text than a message. Three are measured side by side, and how often the model is sure though nothing is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field, PositiveInt

from govkit import stats
from govkit.attacks.foreign import IMAGES, TABLES, TEXTS, foreign_images, foreign_table, foreign_texts
from govkit.checks._asked import asked, first_rows, refusal, row_keys
from govkit.checks._attacked import subjects_of
from govkit.checks._clusters import clusters_in, paired, share
from govkit.checks._distance import ClassDistance
from govkit.checks._shared import measured, missing, seed_of
from govkit.core import Case, Finding, Measurement, Metric, Of, Passes, check
from govkit.core.case import Array, Differentiable
from govkit.errors import SubjectError
from govkit.lazy import np, torch
from govkit.subjects import Probe

AREA = " and rows of the task are told apart (area under the ROC curve; 0.5 is chance, 1 is always)."
METRICS = {
    "confident_on_foreign": Metric.share(
        "Share of foreign inputs that are answered with a high probability.", better="lower"
    ),
    "softmax_auc": Metric.share("How well, by the probability of the answer, foreign inputs" + AREA, better="higher"),
    "energy_auc": Metric.share("How well, by the size of the logits (energy), foreign inputs" + AREA, better="higher"),
    "distance_auc": Metric.share(
        "How well, by the distance from the training rows in the features of the base, foreign inputs" + AREA,
        better="higher",
    ),
    "foreign_rows": Metric("Digest of your own foreign rows."),
}
SCORES: dict[str, Of] = {"softmax_auc": "candidate", "energy_auc": "candidate", "distance_auc": "base"}
"""Name of a score -> the model that gives it."""

KINDS = {"text": tuple(TEXTS), "image": IMAGES, "table": TABLES}
OWN = "own rows"
BATCH = 32
"""Rows whose logits are asked for together."""

MOST_TRAINED = 20_000
"""Training rows that distances are measured from, drawn at random where there are more."""

FEWEST = 20
"""Rows of a side below which nothing is said."""

Share = Annotated[float, Field(gt=0, lt=1)]


def _extra(case: Case, *, rows: int, **_: Any) -> Passes:
    n = _most(case, rows)
    own = 0 if case.foreign is None else min(rows, len(case.foreign))
    foreign = n * len(KINDS.get(case.modality, ())) + own
    total = foreign * (1 if case.base is None else 2)
    return Passes(forward=total + (foreign + n if isinstance(case.subject, Differentiable) else 0))


def _most(case: Case, rows: int) -> int:
    """Rows of each side: foreign inputs are made from other rows than those that they are told from."""
    return min(rows, len(case.data["test"]) // 2)


@check(
    "foreign_inputs",
    crosswalk="check.ood",
    needs={"inputs", "probabilities"},
    reads=(("candidate", "test"), ("base", "test")),
    extra=_extra,
    metrics=METRICS,
)
def foreign_inputs(case: Case, *, rows: PositiveInt = 40, sure: Share = 0.9) -> Iterator[Finding]:
    """Certainty of the model on foreign inputs, and how well three scores tell them from rows of the task.

    Random letters, digits, prose, program code and another script for texts; noise, grey, inverted, shuffled and
    checkered images; table rows whose columns were drawn apart or lie outside the range. Each is a part, ``{"foreign":
    "prose"}``; so are the rows that the audit file names (``foreign``), as ``own rows``. The mean over all kinds counts
    each row, from which one input of every kind was made, once; a model that refuses a kind has none. A score that
    tells one kind may fail at another.

    Args:
        case: A live candidate that gives probabilities; the base with a probe, for distances.
        rows: Most inputs of each kind, and most rows of the task beside them.
        sure: Probability from which an answer counts as sure.

    References:
        Hendrycks and Gimpel 2017, "A baseline for detecting misclassified and out-of-distribution examples" (softmax);
        Liu et al. 2020, "Energy-based out-of-distribution detection"; Lee et al. 2018, "A simple unified framework for
        detecting out-of-distribution samples and adversarial attacks" (distance); DeLong et al. 1988 (bounds).
    """
    data, n = case.data["test"], _most(case, rows)
    kinds = KINDS.get(case.modality, ())
    if not kinds or n < FEWEST:
        why = f"The test data have {len(data)} rows; {2 * FEWEST} are needed." if kinds else "These inputs are unknown."
        yield missing("*", "too few rows" if kinds else "unsupported", why, data=data)
        return
    task = _of_task(case, n)
    sides: dict[str, _Asked] = {}
    for kind in kinds:
        sides[kind] = _asked(case, task, _made(case, kind, n), sure)
        yield from _of_kind(case, kind, sides[kind], task)
    yield from _own(case, task, rows, sure)
    yield from _whole(case, sides)
    yield from _without(case, task)


@dataclass(frozen=True)
class _Task:
    """Scores of the rows of the task, ``(n,)`` each, the higher the more foreign; None where there is none."""

    scores: dict[str, Array]
    distance: ClassDistance | None


@dataclass(frozen=True)
class _Asked:
    """What the models said to inputs of one kind: scores as of the task, of which answers each was sure, refusals."""

    scores: dict[str, Array] = field(default_factory=dict)
    sure: dict[Of, Array] = field(default_factory=dict)
    refused: dict[Of, str] = field(default_factory=dict)


def _of_task(case: Case, n: int) -> _Task:
    data, distance = case.data["test"], _distance(case)
    given = case.predictions("candidate")
    scores: dict[str, Array] = {}
    if given is not None and given.probabilities is not None:
        scores["softmax_auc"] = -given.probabilities[:n].max(axis=1)
    if isinstance(case.subject, Differentiable):
        scores["energy_auc"] = _energy(case.subject, first_rows(data.inputs, n))
    features = case.embed("test")
    if distance is not None and features is not None:
        scores["distance_auc"] = distance(features[:n])
    return _Task(scores, distance)


def _asked(case: Case, task: _Task, inputs: Any, sure: float) -> _Asked:
    """Each model on its own: what one of them refuses says nothing of the other."""
    one = _Asked()
    for of, subject in subjects_of(case, base=True):
        try:
            most = asked(case, of, subject, inputs).max(axis=1)
            one.scores.update(_scores(case, task, of, inputs, most))
            one.sure[of] = most >= sure
        except SubjectError as error:
            one.refused[of] = refusal(of, error)
    return one


def _scores(case: Case, task: _Task, of: Of, inputs: Any, most: Array) -> dict[str, Array]:
    """Scores that one model gives; ``most`` are the probabilities of its answers ``(n,)``."""
    if of == "candidate":
        energy = {"energy_auc": _energy(case.subject, inputs)} if isinstance(case.subject, Differentiable) else {}
        return {"softmax_auc": -most, **energy}
    if "distance_auc" in task.scores and task.distance is not None and isinstance(case.base, Probe):
        # The base keeps the features, which its probe has just been asked for.
        return {"distance_auc": task.distance(case.base.base.embed(inputs))}
    return {}


def _energy(subject: Differentiable, inputs: Any) -> Array:
    """Negative logarithm of the summed exponentials of the logits ``(n,)``; texts of like length share a batch."""
    n = len(inputs)
    order = sorted(range(n), key=lambda at: len(inputs[at])) if isinstance(inputs, list) else list(range(n))
    found = np.zeros(n)
    for start in range(0, n, BATCH):
        rows = order[start : start + BATCH]
        some = [inputs[at] for at in rows] if isinstance(inputs, list) else inputs[start : start + BATCH]
        with torch.no_grad():
            found[rows] = -subject.logits(subject.encode(some)).double().logsumexp(dim=1).cpu().numpy()
    if not np.isfinite(found).all():
        raise SubjectError("some logits are NaN or infinite")
    return found


def _distance(case: Case) -> ClassDistance | None:
    """Distance from the training rows in the features of the base; None without either."""
    features = case.embed("train") if "train" in case.data and isinstance(case.base, Probe) else None
    if features is None or len(features) < FEWEST:
        return None
    rows = np.arange(len(features))
    if len(rows) > MOST_TRAINED:
        rows = np.sort(np.random.default_rng(case.seed).choice(rows, MOST_TRAINED, replace=False))
    return ClassDistance.fitted(features[rows], case.data["train"].labels[rows])


def _made(case: Case, kind: str, n: int) -> Any:
    """Foreign inputs of one kind, made from the rows that follow those of the task."""
    data = case.data["test"]
    inputs = first_rows(data.inputs, 2 * n)
    keys = row_keys(case, slice(n, 2 * n))
    if case.modality == "text":
        return foreign_texts(kind, inputs[n:], keys)
    if case.modality == "table":
        return foreign_table(kind, inputs.iloc[n:], keys)
    seeds = [seed_of(kind, key) for key in keys]
    low, high = getattr(case.subject, "input_range", None) or (0.0, 1.0)
    return foreign_images(kind, inputs[n:], seeds, span=(low, high))


def _of_kind(case: Case, kind: str, one: _Asked, task: _Task) -> Iterator[Finding]:
    data, part = case.data["test"], {"foreign": kind}
    for of, sure in one.sure.items():
        yield share("confident_on_foreign", sure, data, at=slice(len(sure)), of=of, part=part)
    for of, why in one.refused.items():
        yield missing("confident_on_foreign", "unsupported", why, data=data, of=of, part=part)
    for name in (name for name in task.scores if name not in one.scores):
        yield missing(name, "unsupported", f"The {SCORES[name]} refuses them.", data=data, part=part)
    if len(one.sure) > 1:
        first, second = one.sure["candidate"], one.sure["base"]
        where = {"at": slice(len(first)), "compared_with": "base", "part": part}
        yield paired("confident_on_foreign", first, second, data, **where)
    for name, scores in one.scores.items():
        known = task.scores[name]
        foreign = np.repeat([True, False], [len(scores), len(known)])
        yield measured(name, stats.auc(np.concatenate([scores, known]), foreign), data, part=part)


def _whole(case: Case, sides: Mapping[str, _Asked]) -> Iterator[Finding]:
    """Share of sure answers in the mean over the kinds, all or none; inputs made from one row count as one."""
    data, name = case.data["test"], "confident_on_foreign"
    models: dict[Of, None] = {of: None for side in sides.values() for of in (*side.sure, *side.refused)}
    for of in models:
        refused = [kind for kind, side in sides.items() if of in side.refused]
        if refused:
            why = f"The {of} refuses {', '.join(refused)}: no mean over all kinds."
            yield missing(name, "unsupported", why, data=data, of=of)
            continue
        mean = np.mean([side.sure[of] for side in sides.values()], axis=0)
        some = clusters_in(data, slice(len(mean)))
        yield measured(name, stats.mean(mean, low=0.0, high=1.0, clusters=some), data, of=of)


def _without(case: Case, task: _Task) -> Iterator[Finding]:
    """Gaps for scores that could not be had."""
    data = case.data["test"]
    if "energy_auc" not in task.scores:
        yield missing("energy_auc", "unsupported", "The candidate gives answers only, no logits.", data=data)
    if "distance_auc" not in task.scores:
        detail = f"Distances need a base with a probe (base.head: probe) and {FEWEST} training rows (data.train)."
        yield missing("distance_auc", "no data", detail, data=data)


def _own(case: Case, task: _Task, rows: int, sure: float) -> Iterator[Finding]:
    """Which rows of the user's own were asked, and what was said to them."""
    own = case.foreign
    if own is None:
        return
    yield Measurement(name="foreign_rows", value=own.digest, n=len(own))
    if len(own) >= FEWEST:
        yield from _of_kind(case, OWN, _asked(case, task, first_rows(own.inputs, rows), sure), task)
        return
    why = f"There are {len(own)} rows of your own (foreign in the audit file); {FEWEST} are needed."
    for name in ("confident_on_foreign", *task.scores):
        yield missing(name, "too few rows", why, data=case.data["test"], part={"foreign": OWN})
