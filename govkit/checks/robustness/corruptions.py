"""Corruptions: how much accuracy is lost where inputs are damaged as they are damaged in service?

Noise, blur, bad light and lost detail in images; mistakes, lost words and bad scans in texts; values missing, in the
wrong unit or in the wrong column in tables. Nothing looks for what fools the model, so that the numbers are what to
expect and no worst case (Hendrycks and Dietterich 2019, "Benchmarking neural network robustness to common corruptions
and perturbations").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field, PositiveInt

from govkit import stats
from govkit.attacks.corruptions import CORRUPTIONS, SMALLEST, WORST, corrupt
from govkit.attacks.table_faults import FAULTS, faulty, usual_values
from govkit.attacks.text_noise import NOISES, noisy
from govkit.checks._asked import asked_together, first_rows, refusal, row_keys
from govkit.checks._attacked import subjects_of
from govkit.checks._clusters import clusters_in, paired, share
from govkit.checks._shared import measured, missing, seed_of
from govkit.core import Case, Finding, Metric, Of, Passes, Subject, check
from govkit.core.case import Array
from govkit.core.words import GapReason
from govkit.errors import SubjectError
from govkit.lazy import np, pd, torch

METRICS = {
    "clean_accuracy": Metric.share("Accuracy on the same rows without damage.", better="higher"),
    "corrupted_accuracy": Metric.share("Accuracy on rows that are damaged in one way.", better="higher"),
    "mean_corrupted_accuracy": Metric.share("Accuracy in the mean over all ways of damage.", better="higher"),
    "corruption_drop": Metric.difference(
        "Clean accuracy less the accuracy in the mean over all ways of damage, on the same rows.", better="lower"
    ),
}
MEANS = ("mean_corrupted_accuracy", "corruption_drop")
KINDS: dict[str, Mapping[str, Any]] = {"image": CORRUPTIONS, "text": NOISES, "table": FAULTS}
IMPUTED = "missing values, usual ones put in"

Severity = Annotated[int, Field(ge=1, le=WORST)]
Blocks = dict[str, Any]
"""Name of the damage with its severity -> inputs, row for row those of the clean rows."""


def _extra(case: Case, *, rows: int, severities: tuple[int, ...]) -> Passes:
    """Most passes: a table may be unable to have a fault; where missing values are refused it is asked once more."""
    kinds, severe = len(KINDS.get(case.modality, ())), len(set(severities))
    tried = severe if case.modality == "table" else 0
    n = min(rows, len(case.data["test"]))
    return Passes(forward=n * (kinds * severe + tried) * len(list(subjects_of(case, base=True))))


@check(
    "corruptions",
    crosswalk="check.ood",
    needs={"inputs"},
    reads=(("candidate", "test"), ("base", "test")),
    extra=_extra,
    metrics=METRICS,
)
def corruptions(
    case: Case, *, rows: PositiveInt = 64, severities: Annotated[tuple[Severity, ...], Field(min_length=1)] = (2, 4)
) -> Iterator[Finding]:
    """Accuracy under each way of damage, its mean, and the drop from clean accuracy, of candidate and base.

    ``compared_with`` is the paired difference to the base on the same damaged rows. Each way is a part, for example
    ``{"corruption": "gaussian noise 3"}``, at severities from 1 to 5. In the mean and in the drop a row counts once,
    with the share of its damaged versions that are answered rightly: versions of one row are no independent rows. Which
    pixels, letters or columns are hit depends on the row and the seed alone. Where a subject refuses missing values,
    the median of the column (of categories the most frequent one) is put in their place for both models, and the part
    says so. A model that refuses another kind has a gap there, and no mean: what is left is what it chose to answer.

    Args:
        case: A live candidate with its test data, and the base beside it.
        rows: Most rows, the first in canonical order.
        severities: How bad, from 1 to 5.
    """
    data, n = case.data["test"], min(rows, len(case.data["test"]))
    tried = {of: one for of, _ in subjects_of(case, base=True) if (one := _tried(case, of, n)) is not None}
    for kind in _kinds(case, n, sorted(set(severities))):
        yield from _told(case, tried, kind)
    if not any(one.damaged or one.refused for one in tried.values()):
        for name in MEANS:
            yield missing(name, "unsupported", "No damage of these inputs could be measured.", data=data)
        return
    for one in tried.values():
        yield from _alone(one, case)
    if len(tried) > 1:
        yield from _beside(tried["candidate"], tried["base"], case)


@dataclass(frozen=True)
class Kind:
    """One kind of damage at all severities; or of texts and images all kinds, without a name.

    Attributes:
        name: The kind.
        blocks: The damaged inputs.
        instead: What is asked where a model refuses them.
        lacking: Why there are none.
    """

    name: str
    blocks: Blocks = field(default_factory=dict)
    instead: Blocks = field(default_factory=dict)
    lacking: str = ""


@dataclass(frozen=True)
class Tried:
    """What one model answered rightly, and what it refused.

    Attributes:
        of: The model.
        clean: Clean rows, ``(n,)``.
        damaged: Each damaged version of them, name -> ``(n,)``.
        refused: Kinds of damage that it does not answer.
    """

    of: Of
    clean: Array
    damaged: dict[str, Array] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    @property
    def mean(self) -> Array:
        """Share of each row's damaged versions that are answered rightly, ``(n,)``."""
        return np.mean(list(self.damaged.values()), axis=0)

    @property
    def meanless(self) -> tuple[GapReason, str] | None:
        """Why it has no mean: one over what a model chooses to answer would be better than the model."""
        if self.refused:
            return "unsupported", f"The {self.of} refuses {', '.join(self.refused)}: no mean over all kinds."
        return ("too few rows", "A mean with bounds needs two rows.") if len(self.clean) < 2 else None


def _tried(case: Case, of: Of, n: int) -> Tried | None:
    clean = case.predictions(of)
    return None if clean is None else Tried(of, clean.labels[:n] == case.data["test"].labels[:n])


def _told(case: Case, tried: Mapping[Of, Tried], kind: Kind) -> Iterator[Finding]:
    """Ask every model about one kind and keep what it says; yield why that is lacking where it is."""
    data, part = case.data["test"], {"corruption": kind.name} if kind.name else {}
    if kind.lacking:
        yield missing("corrupted_accuracy", "unsupported", kind.lacking, data=data, part=part)
        return
    for of, right in _answered(case, tried, kind).items():
        if isinstance(right, str):
            tried[of].refused.append(kind.name or "damaged inputs")
            yield missing("corrupted_accuracy", "unsupported", right, data=data, of=of, part=part)
        else:
            tried[of].damaged.update(right)


def _answered(case: Case, which: Iterable[Of], kind: Kind) -> dict[Of, dict[str, Array] | str]:
    """Which damaged rows each model has right, or that it refuses them; all are asked what stands in for one of them.

    Models are compared on the same rows, so that values are put in for both where one refuses missing ones.
    """
    models = {of: subject for of, subject in subjects_of(case, base=True) if of in which}
    given = {of: _right(case, of, subject, kind.blocks) for of, subject in models.items()}
    if kind.instead and any(isinstance(right, str) for right in given.values()):
        given = {of: _right(case, of, subject, kind.instead) for of, subject in models.items()}
    return given


def _right(case: Case, of: Of, subject: Subject, blocks: Blocks) -> dict[str, Array] | str:
    try:
        given = asked_together(case, of, subject, list(blocks.values()))
    except SubjectError as error:
        return refusal(of, error)
    labels = case.data["test"].labels
    return {name: answers.argmax(axis=1) == labels[: len(answers)] for name, answers in zip(blocks, given, strict=True)}


def _alone(tried: Tried, case: Case) -> Iterator[Finding]:
    data, n, of = case.data["test"], len(tried.clean), tried.of
    yield share("clean_accuracy", tried.clean, data, at=slice(n), of=of)
    for name, right in tried.damaged.items():
        part = {"corruption": name}
        yield share("corrupted_accuracy", right, data, at=slice(n), of=of, part=part)
    if (why := tried.meanless) is not None:
        for name in MEANS:
            yield missing(name, *why, data=data, of=of)
        return
    some = clusters_in(data, slice(n))
    yield measured("mean_corrupted_accuracy", stats.mean(tried.mean, low=0.0, high=1.0, clusters=some), data, of=of)
    drop = stats.mean_difference(tried.clean, tried.mean, low=-1.0, high=1.0, clusters=some)
    yield measured("corruption_drop", drop, data, of=of)


def _beside(one: Tried, two: Tried, case: Case) -> Iterator[Finding]:
    """Candidate less base on the same rows, damaged in the ways that both answer."""
    data, n = case.data["test"], len(one.clean)
    both = [name for name in one.damaged if name in two.damaged]
    pairs = {"": (one.clean, two.clean), **{name: (one.damaged[name], two.damaged[name]) for name in both}}
    for name, (first, second) in pairs.items():
        metric, part = ("corrupted_accuracy", {"corruption": name}) if name else ("clean_accuracy", {})
        yield paired(metric, first, second, data, at=slice(n), compared_with="base", part=part)
    if (why := one.meanless or two.meanless) is not None:
        for name in MEANS:
            yield missing(name, *why, data=data, compared_with="base")
        return
    some = clusters_in(data, slice(n))
    apart = stats.mean_difference(one.mean, two.mean, low=-1.0, high=1.0, clusters=some)
    yield measured("mean_corrupted_accuracy", apart, data, compared_with="base")
    drops = (side.clean - side.mean for side in (one, two))
    drop = stats.mean_difference(*drops, low=-2.0, high=2.0, clusters=some)
    yield measured("corruption_drop", drop, data, compared_with="base")


def _kinds(case: Case, n: int, severities: list[int]) -> Iterator[Kind]:
    """Damaged rows; those of texts and images in one, since no model refuses some of them only."""
    data = case.data["test"]
    inputs, keys = first_rows(data.inputs, n), row_keys(case, slice(0, n))
    if case.modality == "text":
        yield Kind("", _texts(inputs, keys, severities))
    elif case.modality == "table":
        yield from _tables(inputs, keys, severities, usual_values(data.inputs))
    elif case.modality == "image":
        yield _images(case, inputs, keys, severities)
    else:
        yield Kind("", lacking="Damage is made for texts, images and tables only.")


def _texts(texts: list[str], keys: list[str], severities: list[int]) -> Blocks:
    return {
        f"{kind} {severity}": [noisy(text, kind, severity, key) for text, key in zip(texts, keys, strict=True)]
        for kind in NOISES
        for severity in severities
    }


def _images(case: Case, images: Array, keys: list[str], severities: list[int]) -> Kind:
    low, high = getattr(case.subject, "input_range", None) or (0.0, 1.0)
    if min(images.shape[-2:]) < SMALLEST:
        return Kind("", lacking=f"Images of less than {SMALLEST} pixels a side have nothing to damage.")
    if images.size and not (images.min() >= low - 1e-6 and images.max() <= high + 1e-6):
        why = f"The images reach beyond {low:g} to {high:g}; set subject.input_range: [low, high] in the audit file."
        return Kind("", lacking=why)
    x, blocks = torch.from_numpy(images.copy()), {}
    for kind in CORRUPTIONS:
        seeds = [seed_of(kind, key) for key in keys]
        for severity in severities:
            blocks[f"{kind} {severity}"] = corrupt(x, kind, severity, seeds=seeds, span=(low, high)).numpy()
    return Kind("", blocks)


def _tables(frame: Any, keys: list[str], severities: list[int], usual: Mapping[str, Any]) -> Iterator[Kind]:
    for kind in FAULTS:
        made = {severity: faulty(frame, kind, severity, keys) for severity in severities}
        if any(one is None for one in made.values()):
            why = "The table has no columns of numbers (for swaps: no two neighbors of one kind) to have this fault."
            yield Kind(kind, lacking=why)
            continue
        blocks = {f"{kind} {severity}": one for severity, one in made.items()}
        instead = {}
        if kind == "missing values":
            instead = {f"{IMPUTED} {severity}": _imputed(one, usual, frame) for severity, one in made.items()}
        yield Kind(kind, blocks, instead)


def _imputed(frame: Any, usual: Mapping[str, Any], like: Any) -> Any:
    """What was taken away replaced by the usual value; what was missing before stays so."""
    filled = pd.DataFrame(
        {name: frame[name].where(frame[name].notna() | like[name].isna(), usual.get(name)) for name in frame.columns}
    )
    truths = {name: kind for name, kind in like.dtypes.items() if kind.kind == "b"}
    return filled.astype(truths) if truths else filled
