"""Test rows and shifted rows, all columns together: does a classifier tell them apart, and does a kernel?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from govkit.checks._shared import measured, missing, stated
from govkit.core import Case, Finding, Metric
from govkit.core.case import Array
from govkit.core.columns import LARGEST
from govkit.lazy import np, pd
from govkit.stats import Estimate, auc
from govkit.stats.estimate import assemble

FEWEST = 50
"""Rows of each side below which nothing is learned."""

HASHED = 1024
CATEGORIES = 20
"""Most categories of a column that are features of their own, the most frequent ones."""

WIDE = 300
"""Most features for trees."""

Categories = Callable[[Any], Array]

KERNEL_ROWS = 1000
PERMUTATIONS = 499

METRICS = {
    "two_sample_auc": Metric.share(
        "Area under the ROC curve of a classifier that tells shifted from test rows, on a sample; 0.5 is chance.",
        better="lower",
    ),
    "mmd": Metric(
        "Squared maximum mean discrepancy of the same sample, less its noise (Gaussian kernel).",
        better="lower",
        unit="squared kernel distance",
    ),
    "mmd_p": Metric.share("Chance of such a discrepancy without drift.", better="higher", unit="probability"),
}


def told_apart(case: Case, names: list[str], categories: Categories, *, rows: int) -> Iterator[Finding]:
    """Both tests on a sample of at most ``rows`` of each side.

    Args:
        case: Test and shifted data.
        names: Columns of a table that both sides hold.
        categories: How cells that are no numbers become categories.
        rows: Most rows of a side.
    """
    shifted, rng = case.data["shifted"], np.random.default_rng(case.seed)
    sides = [case.data["test"], shifted]
    picked = [rng.permutation(len(side))[:rows] for side in sides]
    fewest = min(map(len, picked))
    features = _features(case, names, categories, picked) if fewest >= FEWEST else None
    if features is None:
        few = f"A side has {fewest} rows; both tests need {FEWEST}."
        none = "The rows have neither columns, nor texts, nor features of the base."
        for name in METRICS:
            reason, why = ("too few rows", few) if fewest < FEWEST else ("no data", none)
            yield missing(name, reason, why, data=shifted)  # type: ignore[arg-type]
        return
    count, seed = len(picked[0]), str(case.seed)
    yield measured("two_sample_auc", classified(features, count, seed=case.seed), shifted, seed=seed)
    held = [np.arange(min(count, KERNEL_ROWS)), np.arange(count, min(len(features), count + KERNEL_ROWS))]
    squared, p = mmd(features[np.concatenate(held)], len(held[0]), seed=case.seed)
    n = sum(map(len, held))
    yield stated("mmd", squared, n, shifted, seed=seed)
    yield stated("mmd_p", p, n, shifted, seed=seed)


def classified(features: Array, count: int, *, seed: int) -> Estimate:
    """Mean area under the ROC curve of two classifiers, each learned from one half and tried on the other.

    The bounds of each half hold for its classifier. They are averaged as if both erred together: the halves depend on
    each other, and DeLong's bounds over five folds were wrong more than twice as often as they say.

    Args:
        features: Rows of both sides ``(n + m, d)``.
        count: n, the rows of the first side.
        seed: Seed of the folds.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.model_selection import StratifiedKFold

    second = np.arange(len(features)) >= count
    # Trees find any change of a few columns; of many columns each says little, and a shrunken line is faster.
    model: Any = GradientBoostingClassifier(n_estimators=50, max_features="sqrt", random_state=seed)
    if features.shape[1] > WIDE:
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    folds = StratifiedKFold(2, shuffle=True, random_state=seed).split(features, second)
    found = [
        auc(model.fit(features[fit], second[fit]).decision_function(features[rest]), second[rest])
        for fit, rest in folds
    ]
    lows, highs = (
        np.mean([[getattr(bound, end) for bound in fold.bounds] for fold in found], axis=0) for end in ("low", "high")
    )
    value = float(np.mean([fold.value for fold in found]))
    return assemble(value, len(features), lows, highs, method="DeLong, mean of two halves", within=(0.0, 1.0))


def mmd(features: Array, count: int, *, seed: int) -> tuple[float, float]:
    """Unbiased squared maximum mean discrepancy, and its p-value by permutation (Gretton et al. 2012).

    The width of the Gaussian kernel is the median distance.

    Args:
        features: Rows of both sides ``(n + m, d)``.
        count: n, the rows of the first side.
        seed: Seed of the permutations.
    """
    rows, rng = features.astype(np.float64), np.random.default_rng(seed)
    size = (rows * rows).sum(axis=1)
    squares = np.maximum(size[:, None] + size - 2 * rows @ rows.T, 0)
    kernel = np.exp(-squares / (np.median(squares[squares > 1e-9]) if (squares > 1e-9).any() else 1.0))
    np.fill_diagonal(kernel, 0)
    first = np.arange(len(rows)) < count
    sides = np.column_stack([first, *(rng.permutation(first) for _ in range(PERMUTATIONS))]).astype(np.float64)
    n, m = count, len(rows) - count
    one = (sides * (kernel @ sides)).sum(axis=0)
    across = sides.T @ kernel.sum(axis=1) - one
    two = kernel.sum() - one - 2 * across
    found = one / (n * (n - 1)) + two / (m * (m - 1)) - 2 * across / (n * m)
    return float(found[0]), float((found >= found[0] - 1e-12).mean())


def _features(case: Case, names: list[str], categories: Categories, picked: list[Array]) -> Array | None:
    """Numbers that stand for the picked rows of both sides ``(n + m, d)``; None where there are none.

    Texts: features of the base, else hashed words and pairs of words. Images: mean and spread of each channel.
    """
    test, shifted = case.data["test"], case.data["shifted"]
    first, second = case.embed("test"), case.embed("shifted")
    if first is not None and second is not None:
        return np.concatenate([first[picked[0]], second[picked[1]]])
    if isinstance(test.inputs, Sequence):
        from sklearn.feature_extraction.text import HashingVectorizer

        texts = [side.inputs[row] for side, rows in zip((test, shifted), picked, strict=True) for row in rows]
        return HashingVectorizer(n_features=HASHED, ngram_range=(1, 2)).transform(texts).toarray()
    if getattr(test.inputs, "ndim", 0) == 4:
        pixels = np.concatenate([test.inputs[picked[0]], shifted.inputs[picked[1]]])
        return np.concatenate([pixels.mean(axis=(2, 3)), pixels.std(axis=(2, 3))], axis=1)
    columns: list[Array] = []
    for name in names:
        columns += _column(test.table[name].take(picked[0]), shifted.table[name].take(picked[1]), categories)
    return np.column_stack(columns) if columns else None


def _column(first: Array, second: Array, categories: Categories) -> Iterator[Array]:
    """Features of one column: a standardized number, or a truth for each frequent category."""
    series = [first.to_pandas(), second.to_pandas()]
    if all(pd.api.types.is_numeric_dtype(part) and not pd.api.types.is_bool_dtype(part) for part in series):
        numbers = pd.concat(series).to_numpy(dtype=np.float64, na_value=np.nan)
        known = np.abs(numbers) <= LARGEST
        if known.any():
            mean, spread = numbers[known].mean(), numbers[known].std() or 1.0
            yield np.where(known, (np.where(known, numbers, mean) - mean) / spread, 0.0)
        if not known.all():
            yield ~known
    else:
        codes, seen = pd.factorize(np.concatenate([categories(first), categories(second)]), use_na_sentinel=False)
        frequent = np.argsort(-np.bincount(codes, minlength=len(seen)), kind="stable")[:CATEGORIES]
        yield from (codes[:, None] == frequent).T
