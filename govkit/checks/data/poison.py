"""Poison: do training rows carry a trigger, or labels that their neighbors contradict?

A planted trigger is a rare token that goes with one label whatever else the text says. Honest words go with a label
too, but the rest of their texts agrees with it; so a token is accused only where the rest of its texts speaks for
another label. A trigger in texts that bear their right label (clean-label poisoning) is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import PositiveInt

from govkit.checks._probes import FEWEST, FOLDS, drawn_rows, probe_features
from govkit.checks._shared import measured, missing, stated
from govkit.checks.data import plain
from govkit.core import Case, Dataset, Finding, Metric, check, exact
from govkit.core.case import Array
from govkit.stats import Estimate

FEWEST_TEXTS = 5
"""Texts that must hold a token: what fewer hold may be a person's own, and could not be told from chance."""

RARE = 0.05
"""Largest share of the texts that hold a token which is searched."""

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
    """Trigger tokens in the training texts, and training rows that lie among rows of other labels.

    Tokens are words, runs of signs, and pairs of neighbors, in at least 5 texts and at most 5 % of them. One that goes
    with a single label in 95 % of its texts is held against the rest of these texts: a linear probe that has not seen
    them judges them without any such token. The share that it contradicts is compared with that of all texts of the
    label (exact hypergeometric test, Bonferroni over all searched tokens, 1 %), must be two thirds, and near copies
    count once. What is found is a suspicion: an odd but honest kind of text can look the same.

    Args:
        case: The training data.
        sample: Most training rows, drawn at random.

    References:
        Gu, Dolan-Gavitt and Garg 2017, BadNets; Chen and Dai 2021, Mitigating backdoor attacks in LSTM-based text
        classification by backdoor keyword identification; Peri et al. 2020, Deep k-NN defense.
    """
    import numpy as np

    train = case.data["train"]
    rows, _ = drawn_rows(train, most=sample, seed=case.seed)
    held, labels = np.unique(train.labels[rows], return_inverse=True)
    if len(held) < 2:
        yield missing("*", "too few rows", f"Fewer than two classes have {FEWEST} training rows.", data=train)
        return
    if isinstance(train.inputs, list):
        names = [case.classes[at] for at in held]
        yield from _triggers([train.inputs[row] for row in rows], labels, names, train, case.seed)
    else:
        detail = "Triggers are searched in texts; a patch in images or a rare value in a table would not be found."
        yield missing("trigger_tokens", "unsupported", detail, data=train)
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
    import numpy as np

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
    import numpy as np
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
    import numpy as np
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
    import numpy as np

    kept: list[tuple[int, Array]] = []
    for _, at, rows in sorted(found, key=lambda item: (item[0], -len(item[2]), item[1])):
        if all(np.isin(rows, other).mean() < 1 / 2 for _, other in kept):
            kept.append((at, rows))
    return kept


def _tokens(texts: list[str], labels: list[int]) -> Tokens | None:
    """Tokens of the texts; None where no token stands in enough of them."""
    import numpy as np
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
    import numpy as np

    place = {name: at for at, name in enumerate(names)}
    bound = np.zeros_like(tied)
    for at in np.flatnonzero(tied):
        words = [place[word] for word in names[at].split(" ")]
        bound[[word for word in words if 2 * texts_with[at] >= texts_with[word]]] = True
    return bound


def _rest(tokens: Tokens) -> Array:
    """The texts without hidden tokens, of unit length where anything is left."""
    import numpy as np
    from sklearn.preprocessing import normalize

    return normalize(tokens.weights[:, np.flatnonzero(~tokens.hidden)])


def _contradicted(tokens: Tokens, seed: int) -> Array:
    """Whether a probe that has not seen a text gives it another label without hidden tokens ``(n,)``."""
    import numpy as np
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
    import numpy as np
    from scipy.sparse.csgraph import connected_components

    _, kind = connected_components((rest @ rest.T) >= ALIKE, directed=False)
    return np.unique(kind, return_index=True)[1]
