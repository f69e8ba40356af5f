"""Attacks on texts: does the answer survive what a reader overlooks?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, Field, NonNegativeInt, PositiveInt

from govkit.attacks import Spelled, most_passes, protected
from govkit.checks._attacked import Sample, beside_base, sample_of, share, subjects_of
from govkit.checks._shared import measured, missing
from govkit.checks._text_diagnosis import EMBEDDED, REASON, SUBSTITUTED, embedded, substituted
from govkit.checks._text_trials import Plan, Tried, shown, tried
from govkit.core import Case, Finding, Measurement, Metric, Of, Passes, check
from govkit.core.case import Array, Differentiable
from govkit.core.words import Trust
from govkit.stats import paired_difference

TYPED = ("typo_accuracy", "typo_accuracy_drop")
WORST = ("text_robust_accuracy", "text_robust_accuracy_drop")
NO_TEXT = "This needs texts; the check adversarial attacks images and tables."
UNTOUCHED = "None of the texts that are answered rightly holds anything that this attack may change."


def _harmless(phrase: str) -> str:
    if not phrase.strip() or protected(phrase):
        raise ValueError("a phrase is words, without digits, addresses or amounts of money")
    return phrase


def _one_word(word: str) -> str:
    if not word.isalpha():
        raise ValueError("what is replaced is one word of letters")
    return word


Radius = Annotated[float, Field(ge=0)]
Phrase = Annotated[str, AfterValidator(_harmless)]
Phrases = Annotated[tuple[Phrase, ...], Field(max_length=100)]
Word = Annotated[str, AfterValidator(_one_word), AfterValidator(_harmless)]
Synonyms = Annotated[dict[Word, Annotated[Phrases, Field(min_length=1)]], Field(max_length=100)]


def _extra(case: Case, *, rows: int, base: bool, steps: int, diagnosed: int, **params: Any) -> Passes:
    """Most passes: what breaks early costs less."""
    n, total = min(rows, len(case.data["test"])), Passes()
    few, swaps = min(n, diagnosed), params["substitutions"]
    for _, subject in subjects_of(case, base=base) if case.modality == "text" else ():
        total += Passes(forward=n * _plan(**params).most_passes)
        if isinstance(subject, Differentiable):
            forward, backward = most_passes(steps)
            total += Passes(forward=few * (forward + 1), backward=few * backward)
        if isinstance(subject, Spelled):
            total += Passes(forward=few * swaps * (1 + params["candidates"]), backward=few * swaps)
    return total


def _accuracy(what: str, *, diagnosis: bool = False) -> Metric:
    return Metric.share(what, better="higher", diagnosis=diagnosis)


@check(
    "text_attacks",
    crosswalk="check.adversarial",
    needs={"inputs"},
    reads=(("candidate", "test"), ("base", "test")),
    extra=_extra,
    metrics={
        "clean_accuracy": _accuracy("Accuracy on the attacked rows without an attack."),
        "typo_accuracy": _accuracy("Accuracy after the worst typing mistakes found."),
        "typo_accuracy_drop": Metric.share("Clean accuracy minus typo accuracy.", better="lower"),
        "text_robust_accuracy": _accuracy(
            "Accuracy after the worst of all changes that leave what a text says; of a part, after one kind."
        ),
        "text_robust_accuracy_drop": Metric.share("Clean accuracy minus the accuracy after that.", better="lower"),
        "trust_reason": Metric("Why these numbers are not to be believed, or 'none'."),
        "broken_text": Metric("A text that broke an answer, as it was scored; asked for by the parameter examples."),
        "broken_text_story": Metric("By which attack, with how many changes, and what was answered before and after."),
        EMBEDDED: _accuracy(
            "Accuracy when the embeddings of a text are moved; no text need have them, so it is for diagnosis only.",
            diagnosis=True,
        ),
        REASON: Metric("Why that number is not to be believed, or 'none'."),
        SUBSTITUTED: _accuracy(
            "Accuracy after words were replaced as the gradient advises; a text may then say something else, so it is "
            "for diagnosis only.",
            diagnosis=True,
        ),
    },
)
def text_attacks(
    case: Case,
    *,
    rows: PositiveInt = 64,
    typos: NonNegativeInt = 2,
    tries: PositiveInt = 8,
    edits: NonNegativeInt = 2,
    options: PositiveInt = 2,
    phrases: Phrases = (),
    synonyms: Synonyms | None = None,
    examples: Annotated[int, Field(ge=0, le=20)] = 0,
    diagnosed: NonNegativeInt = 16,
    steps: PositiveInt = 10,
    eps: Radius = 1.0,
    substitutions: NonNegativeInt = 1,
    candidates: PositiveInt = 8,
    base: bool = True,
) -> Iterator[Finding]:
    """Changes that leave what a text says, on the first rows in canonical order.

    Typing mistakes (Pruthi et al. 2019), letters of other alphabets that look alike, other white space, other case,
    phrases that say nothing, and synonyms of the user's own. Digits, addresses and amounts of money are never touched.
    The accuracies are upper bounds: each broken row is a proof, an unbroken one is not. No gradient is followed, so
    none can be hidden; a model that answers the same text in two ways is ``suspect``. An attack that finds something to
    change in less than half of the texts is ``not evaluated``, and one that finds nothing is a gap.

    For diagnosis the embeddings are moved along the gradient, and words are replaced as it advises (Ebrahimi et al.
    2018). Nobody can write the former, and the latter may say something else: these numbers have no bounds, and no
    control may rest on them.

    Args:
        case: The candidate, and the base beside it.
        rows: Rows to attack.
        typos: Most typing mistakes in one text.
        tries: Mistakes tried for each.
        edits: Most changes of each other kind in one text.
        options: Changes tried for each.
        phrases: Phrases that say nothing in the language of the texts; a few English ones if not given.
        synonyms: Word -> words that may stand in its place without changing what a text says.
        examples: Broken texts that the findings show. They are values of the data.
        diagnosed: Rows for diagnosis.
        steps: Steps of projected gradient descent on the embeddings.
        eps: How far each token's embedding may move, in median lengths of an embedding.
        substitutions: Most words that are replaced in one text.
        candidates: Replacements that are asked about for each.
        base: Attack the base too.
    """
    if case.modality != "text":
        these = (*TYPED, *WORST, EMBEDDED, SUBSTITUTED)
        yield from (missing(name, "unsupported", NO_TEXT, data=case.data["test"]) for name in these)
        return
    plan = _plan(typos=typos, tries=tries, edits=edits, options=options, phrases=phrases, synonyms=synonyms)
    survivors: dict[tuple[str, Of], tuple[Array, Trust | None]] = {}
    for of, subject in subjects_of(case, base=base):
        sample = sample_of(case, of, subject, rows)
        if sample is None:
            yield missing("clean_accuracy", "no data", f"The {of} has no answers to the test data.", of=of)
            continue
        yield measured("clean_accuracy", share(sample.right), sample.data, of=of)
        result = tried(sample, plan)
        for names, attacks in ((TYPED, ("typos",)), (WORST, ())):
            if result.reach(*attacks):
                survivors[names[0], of] = result.standing(*attacks), result.trust(*attacks)
        yield from _found(sample, result)
        yield from shown(sample, result, examples)
        few = sample.first(diagnosed)
        yield from _diagnosis(few, result, steps=steps, eps=eps, edits=substitutions, most=candidates)
    yield from beside_base(survivors, case.data["test"])


def _plan(
    *, typos: int, tries: int, edits: int, options: int, phrases: tuple[str, ...], synonyms: Synonyms | None, **_: Any
) -> Plan:
    return Plan(typos, tries, edits, options, phrases, synonyms or {})


def _found(sample: Sample, result: Tried) -> Iterator[Finding]:
    """Each attack as a part, the worst of all, and typing mistakes by the name that they have always had."""
    for name in result.stands:
        passes = {"forward": result.forward[name], "backward": 0}
        yield from _pair(sample, result, WORST, name, part={"attack": name}, passes=passes)
    yield from _pair(sample, result, WORST)
    yield from _pair(sample, result, TYPED, "typos")
    reason = "; ".join(result.reasons) or "none"
    yield Measurement(name="trust_reason", value=reason, n=len(sample), of=sample.of, data=sample.data.ref)


def _pair(
    sample: Sample,
    result: Tried,
    names: tuple[str, str],
    *attacks: str,
    part: dict[str, str] | None = None,
    passes: dict[str, int] | None = None,
) -> Iterator[Finding]:
    """Accuracy after some attacks, all if none is named, and what they cost; gaps where they had nothing to change."""
    where: dict[str, Any] = {"of": sample.of, "part": part or {}}
    if not result.reach(*attacks):
        for name in names:
            yield missing(name, "unsupported", UNTOUCHED, data=sample.data, **where)
        return
    where["trust"], stands = result.trust(*attacks), result.standing(*attacks)
    drop = paired_difference(int(sample.right.sum() - stands.sum()), 0, len(stands))
    yield measured(names[0], share(stands), sample.data, passes=passes, **where)
    yield measured(names[1], drop, sample.data, **where)


def _diagnosis(sample: Sample, result: Tried, *, steps: int, eps: float, edits: int, most: int) -> Iterator[Finding]:
    if len(sample):
        swaps = substituted(sample, result.ask, edits=edits, most=most) if edits else []
        yield from [*embedded(sample, steps=steps, eps=eps), *swaps]
