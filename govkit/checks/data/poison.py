"""Poison: do training rows carry a trigger, or labels that their neighbors contradict?

A planted trigger is a rare token that goes with one label whatever else the text says. Honest words go with a label
too, but the rest of their texts agrees with it; so a token is accused only where the rest of its texts speaks for
another label. A trigger in texts that bear their right label (clean-label poisoning) is not found. In images the same
is asked of squares of pixels that return exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import PositiveInt

from govkit.checks._patches import MOST_SQUARES, SQUARE, Judge, hidden_pixels, returning
from govkit.checks._probes import FEWEST, FOLDS, READ, drawn_rows, probe_features
from govkit.checks._shared import measured, missing, stated
from govkit.checks.data import plain, texts_in
from govkit.core import Case, Dataset, Finding, Metric, check, exact
from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats import Estimate

FEWEST_TEXTS = 5
"""Texts that must hold a token: what fewer hold may be a person's own, and could not be told from chance."""

RARE = 0.2
"""Largest share of the texts that hold a token which is searched; honest words above it tell what a text is about."""

TIED = 0.95
"""Share of a token's texts with one label from which it counts as tied to it."""

CONTRADICTED = 2 / 3
"""Share of these whose remaining words must speak for another label."""

ALPHA = 0.01
"""Chance of a false accusation over all tokens, as far as the test knows."""

ALIKE = 0.5
"""Cosine from which two texts count as one: a template with another number in it is no further witness."""

_WORD = re.compile(r"\w+|[^\w\s]+")

MOST = 20
"""Tokens that are listed, the surest first."""

LONGEST = 30
"""Characters of the longest token that is shown."""

NEIGHBORS = 10

METRICS = {
    "trigger_tokens": Metric(
        "Rare words and pairs of words that go with one label although the rest of their texts speaks for another.",
        better="lower",
        unit="tokens",
        low=0,
    ),
    "trigger_token_texts": Metric("Training texts that hold such a token and its label.", unit="rows", low=0),
    "visible_trigger": Metric(
        "Training texts in which a trigger must stand to be found more likely than not.", better="lower", unit="rows"
    ),
    "trigger_patches": Metric(
        "Squares of pixels that return exactly in images of one label although the rest of these speaks for another.",
        better="lower",
        unit="patches",
        low=0,
    ),
    "trigger_patch_images": Metric("Training images that hold such a square and its label.", unit="rows", low=0),
    "visible_patch": Metric(
        "Training images in which a patch must stand to be found more likely than not.", better="lower", unit="rows"
    ),
    "searched_tokens": Metric("Rare words and pairs of words that were searched.", unit="tokens", low=0),
    "odd_rows": Metric(
        f"Rows none of whose {NEIGHBORS} nearest rows has their label.", better="lower", unit="rows", low=0
    ),
}


@dataclass(frozen=True)
class Tokens:
    """Words and pairs of neighboring words of n texts.

    Attributes:
        names: Name of each of m tokens.
        weights: TF-IDF, sparse ``(n, m)``.
        labels: Class of each text, ``(n,)``.
        label: Class that most texts with the token have, ``(m,)``.
        rare: Whether the token is searched, ``(m,)``.
        tied: Whether it is rare and nearly all texts with it have one label, ``(m,)``.
        hidden: Whether the rest of a text is without it, ``(m,)``: tied tokens, and words that hardly stand elsewhere.
    """

    names: Array
    weights: Array
    labels: Array
    label: Array
    rare: Array
    tied: Array
    hidden: Array


@check("poison", crosswalk="check.backdoor", needs={"train"}, metrics=METRICS)
def poison(case: Case, *, sample: PositiveInt = 10_000) -> Iterator[Finding]:
    """Trigger tokens in the training texts, patches in images, and training rows that lie among rows of other labels.

    Tokens are words, runs of signs, and pairs of neighbors, in at least 5 texts and at most 20 % of them. One that goes
    with a single label in 95 % of its texts is held against the rest of these texts: a linear probe that has not seen
    them judges them without any such token. The share that it contradicts is compared with that of all texts of the
    label (exact hypergeometric test, Bonferroni over all searched tokens, 1 %), must be two thirds, and near copies
    count once. What is found is a suspicion: an odd but honest kind of text can look the same. The first 100,000
    characters of a text are read.

    Images are searched for squares of 3 by 3 pixels, at one place or anywhere, that return in as many images; the same
    is asked of the rest of these images, by a probe on their pixels. What is blended in, changes from image to image or
    was compressed with loss does not return exactly and is not found. Where no square returns no probe is needed.

    Args:
        case: The training data.
        sample: Most training rows, drawn at random; of large images fewer, so that their squares fit in memory.

    References:
        Gu, Dolan-Gavitt and Garg 2017, BadNets; Chen and Dai 2021, Mitigating backdoor attacks in LSTM-based text
        classification by backdoor keyword identification; Peri et al. 2020, Deep k-NN defense.
    """
    train = case.data["train"]
    images = train.inputs if getattr(train.inputs, "ndim", 0) == 4 and min(train.inputs.shape[2:]) >= SQUARE else None
    most = sample if images is None else min(sample, MOST_SQUARES // (images.shape[2] * images.shape[3]))
    rows, _ = drawn_rows(train, most=most, seed=case.seed)
    held, labels = np.unique(train.labels[rows], return_inverse=True)
    if len(held) < 2:
        yield missing("*", "too few rows", f"Fewer than two classes have {FEWEST} training rows.", data=train)
        return
    texts, names = texts_in(case, train), [case.classes[at] for at in held]
    if images is not None:
        yield from _patches(images[rows], labels, names, train, case.seed)
    elif texts is not None:
        yield from _triggers([texts[row][:READ] for row in rows], labels, names, train, case.seed)
    else:
        detail = "Triggers are searched in texts and images; a rare value in a table would not be found."
        for metric in ("trigger_tokens", "trigger_patches"):
            yield missing(metric, "unsupported", detail, data=train)
    features = probe_features(case, train, rows)
    if features is None:
        yield missing("odd_rows", "no data", "The training data hold no inputs to compare.", data=train)
    else:
        yield stated("odd_rows", odd_rows(features, labels).sum(), len(rows), train)


def odd_rows(features: Array, labels: Array) -> Array:
    """Whether none of the nearest rows, by Euclidean distance, has a row's label ``(n,)``."""
    from sklearn.neighbors import NearestNeighbors

    near = NearestNeighbors(n_neighbors=NEIGHBORS).fit(features).kneighbors(return_distance=False)
    return (labels[near] != labels[:, None]).all(axis=1)


def _triggers(texts: list[str], labels: Array, classes: list[str], train: Dataset, seed: int) -> Iterator[Finding]:
    once = dict(zip(map(plain, texts), labels, strict=True))
    if np.bincount(list(once.values()), minlength=len(classes)).min() < FEWEST:
        detail = f"A class has fewer than {FEWEST} different training texts."
        yield missing("trigger_tokens", "too few rows", detail, data=train)
        return
    searched, visible, found = trigger_tokens(list(once), list(once.values()), seed)
    yield stated("searched_tokens", searched, len(once), train)
    if visible is None:
        detail = f"In {len(once)} different texts not even a trigger in {RARE:.0%} of them would be found."
        for metric in ("trigger_tokens", "visible_trigger"):
            yield missing(metric, "too few rows", detail, data=train)
        return
    yield stated("visible_trigger", visible, len(once), train)
    yield measured("trigger_tokens", Estimate(len(found), len(once), *exact(float(len(found)))), train)
    for at, (name, label, count) in enumerate(found[:MOST], 1):
        part = {"found": _shown(name, at), "class": classes[label]}
        yield stated("trigger_token_texts", count, len(once), train, part=part)


def _patches(images: Array, labels: Array, classes: list[str], train: Dataset, seed: int) -> Iterator[Finding]:
    count = len(images)
    visible, found = trigger_patches(images, labels, seed)
    if visible is None:
        detail = f"By {count} images not even a patch in {RARE:.0%} of them would be found."
        for metric in ("trigger_patches", "visible_patch"):
            yield missing(metric, "too few rows", detail, data=train)
        return
    yield stated("visible_patch", visible, count, train)
    yield measured("trigger_patches", Estimate(len(found), count, *exact(float(len(found)))), train)
    for at, (place, label, held) in enumerate(found[:MOST], 1):
        where = "anywhere" if place is None else f"from row {place[0] + 1}, column {place[1] + 1}"
        part = {"found": f"patch {at}, {where}", "class": classes[label]}
        yield stated("trigger_patch_images", held, count, train, part=part)


def trigger_patches(
    images: Array, labels: Array, seed: int
) -> tuple[int | None, list[tuple[tuple[int, int] | None, int, int]]]:
    """Squares of pixels that go with a label that the rest of their images contradicts.

    Args:
        images: ``(n, c, h, w)``.
        labels: Class of each, 0 to k - 1.
        seed: Seed of the folds.

    Returns:
        The images that make a patch visible, None where no number does; and place (None where it moves), class and
        number of images of the patches found, the surest first.
    """
    from scipy.stats import hypergeom

    most = int(max(RARE * len(images), FEWEST_TEXTS))
    squares = returning(images, labels, fewest=FEWEST_TEXTS, most=most, tied=TIED)
    if not squares.rows:
        return FEWEST_TEXTS, []
    judge, found = Judge(images, labels, seed), []
    for at, (label, holding) in enumerate(zip(squares.label, squares.rows, strict=True)):
        own = labels[holding] == label
        rows = holding[own]
        against, first = judge.without(rows, hidden_pixels(squares, at, images.shape[2:])[own])
        seen, base = int(against[first].sum()), judge.contradicted.copy()
        base[rows] = against
        mine = labels == label
        chance = hypergeom.sf(seen - 1, mine.sum(), base[mine].sum(), len(first)) * squares.searched
        if seen >= max(FEWEST_TEXTS, CONTRADICTED * len(first)) and chance <= ALPHA:
            found.append((float(chance), at, rows))
    named: list[tuple[tuple[int, int] | None, int, int]] = []
    for at, rows in _strongest(found):
        row, column = squares.places[at].T
        fixed = (row == row[0]).all() and (column == column[0]).all()
        named.append(((int(row[0]), int(column[0])) if fixed else None, squares.label[at], len(rows)))
    return _visible(judge.contradicted, labels, squares.searched), named


def _shown(name: str, at: int) -> str:
    """A token by name, unless it could be a number, an address or a key of somebody: these are only described."""
    if len(name) <= LONGEST and not re.search("[0-9@]", name):
        return name
    return f"token {at}, not shown: {len(name)} characters"


def trigger_tokens(
    texts: list[str], labels: list[int], seed: int
) -> tuple[int, int | None, list[tuple[str, int, int]]]:
    """Tokens that go with a label that the rest of their texts contradicts.

    Args:
        texts: Different texts, n of them.
        labels: Class of each, 0 to k - 1.
        seed: Seed of the folds.

    Returns:
        How many tokens were searched; the texts that make a trigger visible, None where no number does; and name, class
        and number of texts of the tokens found, the surest first.
    """
    from scipy.stats import hypergeom

    tokens = _tokens(texts, labels)
    if tokens is None:
        return 0, None, []
    contradicted = _contradicted(tokens, seed)
    searched, rest, columns = int(tokens.rare.sum()), _rest(tokens), tokens.weights.tocsc()
    found: list[tuple[float, int, Array]] = []
    for at in np.flatnonzero(tokens.tied):
        own = tokens.labels == tokens.label[at]
        holding = columns.indices[columns.indptr[at] : columns.indptr[at + 1]]
        rows = np.sort(holding[own[holding]])
        if contradicted[rows].mean() < CONTRADICTED:
            continue
        apart = rows[_first_of_its_kind(rest[rows])]
        seen = int(contradicted[apart].sum())
        chance = hypergeom.sf(seen - 1, own.sum(), (contradicted & own).sum(), len(apart)) * searched
        if seen >= max(FEWEST_TEXTS, CONTRADICTED * len(apart)) and chance <= ALPHA:
            found.append((float(chance), int(at), rows))
    named = [(str(tokens.names[at]), int(tokens.label[at]), len(rows)) for at, rows in _strongest(found)]
    return searched, _visible(contradicted, tokens.labels, searched), named


def _visible(contradicted: Array, labels: Array, searched: int) -> int | None:
    """Fewest texts with a trigger that would be accused where the probe errs as often as on all texts, for any label.

    Texts that were relabeled are contradicted as often as the probe is right on texts of the label that they had.
    """
    from scipy.stats import hypergeom

    counts = np.bincount(labels)
    wrong = np.bincount(labels[contradicted], minlength=len(counts))
    most = 0
    for at, n in enumerate(counts):
        texts = np.arange(FEWEST_TEXTS, min(int(RARE * len(labels)), n) + 1)
        seen = np.floor((1 - (np.delete(wrong, at) / np.delete(counts, at)).max()) * texts)
        sure = hypergeom.sf(seen - 1, n, wrong[at], texts) * searched <= ALPHA
        enough = texts[sure & (seen >= np.maximum(FEWEST_TEXTS, CONTRADICTED * texts))]
        if not len(enough):
            return None
        most = max(most, int(enough[0]))
    return most


def _strongest(found: list[tuple[float, int, Array]]) -> list[tuple[int, Array]]:
    """Without the tokens most of whose texts a surer one has: the pairs that a trigger makes with its neighbors."""
    kept: list[tuple[int, Array]] = []
    for _, at, rows in sorted(found, key=lambda item: (item[0], -len(item[2]), item[1])):
        if all(np.isin(rows, other).mean() < 1 / 2 for _, other in kept):
            kept.append((at, rows))
    return kept


def _tokens(texts: list[str], labels: list[int]) -> Tokens | None:
    """Tokens of the texts; None where no token stands in enough of them."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    reader = TfidfVectorizer(
        tokenizer=_WORD.findall, token_pattern=None, ngram_range=(1, 2), min_df=FEWEST_TEXTS, sublinear_tf=True
    )
    try:
        weights = reader.fit_transform(texts).tocsr()
    except ValueError:
        # How the vectorizer says that nothing is frequent enough.
        return None
    known = np.array(labels)
    holds = (weights > 0).astype(np.int64)
    by_label = np.stack([np.asarray(holds[known == at].sum(axis=0)).ravel() for at in range(known.max() + 1)])
    texts_with = by_label.sum(axis=0)
    rare = texts_with <= max(RARE * len(texts), FEWEST_TEXTS)
    tied = rare & (by_label.max(axis=0) >= TIED * texts_with)
    names = reader.get_feature_names_out()
    hidden = tied | _bound(names, texts_with, tied)
    return Tokens(names, weights, known, by_label.argmax(axis=0), rare, tied, hidden)


def _bound(names: Array, texts_with: Array, tied: Array) -> Array:
    """Whether a word stands in a tied pair in at least half of its texts, and so speaks for the pair ``(m,)``."""
    place = {name: at for at, name in enumerate(names)}
    bound = np.zeros_like(tied)
    for at in np.flatnonzero(tied):
        words = [place[word] for word in names[at].split(" ")]
        bound[[word for word in words if 2 * texts_with[at] >= texts_with[word]]] = True
    return bound


def _rest(tokens: Tokens) -> Array:
    """The texts without hidden tokens, of unit length where anything is left."""
    from sklearn.preprocessing import normalize

    return normalize(tokens.weights[:, np.flatnonzero(~tokens.hidden)])


def _contradicted(tokens: Tokens, seed: int) -> Array:
    """Whether a probe that has not seen a text gives it another label without hidden tokens ``(n,)``."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    said = np.empty_like(tokens.labels)
    for learned, left in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(tokens.weights, tokens.labels):
        # Hidden tokens take part in the learning, so that they and not the words beside them explain their texts.
        probe = LogisticRegression(C=3.0, class_weight="balanced", max_iter=5000)
        probe.fit(tokens.weights[learned], tokens.labels[learned])
        probe.coef_[:, tokens.hidden] = 0
        said[left] = probe.predict(tokens.weights[left])
    remains = np.asarray((_rest(tokens) != 0).sum(axis=1)).ravel() > 0
    return (said != tokens.labels) & remains


def _first_of_its_kind(rest: Array) -> Array:
    """Index of the first text of each set of near copies."""
    from scipy.sparse.csgraph import connected_components

    _, kind = connected_components((rest @ rest.T) >= ALIKE, directed=False)
    return np.unique(kind, return_index=True)[1]
