"""Linear probes on rows: what the inputs alone say about the labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from govkit.core import Case, Dataset
from govkit.core.case import Array
from govkit.core.columns import LARGEST
from govkit.data.dataset import MISSING
from govkit.lazy import np

FOLDS = 5

FEWEST = 20
"""Rows below which a class cannot be told by a probe that is cross-validated."""

MOST_CATEGORIES = 50
"""Values of a column that have a feature of their own; the others share one."""

HASHED = 2**15
"""Features of a text; n-grams that share one are taken for the same."""

READ = 100_000
"""Characters of a text that are read; a single one of millions would cost gigabytes and most of the time."""

SIDE = 16
"""Images are averaged over blocks until a side has fewer than twice as many pixels: a probe can use no more."""

STRENGTH = 3.0
"""Inverse strength of the L2 penalty on features of unit length; a weaker one learns noise where they are many."""


def drawn_rows(data: Dataset, *, most: int, seed: int) -> tuple[Array, Array]:
    """Rows to work on, ``most`` at the most, sorted, and among all classes those with too few of these rows."""
    rows = np.arange(len(data))
    if len(data) > most:
        rows = np.sort(np.random.default_rng(seed).choice(len(data), most, replace=False))
    counts = np.bincount(data.labels[rows])
    few = np.flatnonzero((counts > 0) & (counts < FEWEST))
    return rows[~np.isin(data.labels[rows], few)], few


def probe_features(case: Case, data: Dataset, rows: Array) -> Array | None:
    """Features of the rows, made without their labels.

    Returns:
        ``(rows, d)``: features of the frozen base where there is one, else hashed n-grams of 2 to 4 characters (TF-IDF,
        sparse) of the first ``READ`` characters of texts, columns of a table with categories as indicators, or pixels;
        all but TF-IDF standardized and over the root of d, so that rows are about of unit length. None where the data
        hold no inputs.
    """
    from sklearn.preprocessing import StandardScaler

    features = case.embed(data.role)
    if features is not None:
        features = features[rows]
    elif isinstance(data.inputs, Sequence):
        return _text_features([data.inputs[row][:READ] for row in rows])
    elif hasattr(data.inputs, "columns"):
        features = _table_features(data.inputs.iloc[rows])
    elif data.inputs is None:
        return None
    else:
        features = image_features(data.inputs[rows])
    scaled = StandardScaler().fit_transform(np.asarray(features, dtype=np.float64))
    return scaled / np.sqrt(scaled.shape[1])


def out_of_fold(features: Array, labels: Array, seed: int) -> Array:
    """Probabilities of each row's classes, by a probe that has not seen the row.

    Args:
        features: As ``probe_features`` makes them, ``(n, d)``.
        labels: Class of each row, 0 to k - 1, each on ``FOLDS`` rows at least.
        seed: Seed of the folds.

    Returns:
        float64 ``(n, k)``.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    probe = LogisticRegression(C=STRENGTH, max_iter=5000)
    return cross_val_predict(probe, features, labels, cv=folds, method="predict_proba")


def _text_features(texts: list[str]) -> Array:
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    counted = HashingVectorizer(
        n_features=HASHED, analyzer="char_wb", ngram_range=(2, 4), alternate_sign=False, norm=None
    )
    return TfidfTransformer(sublinear_tf=True).fit_transform(counted.transform(texts))


def image_features(images: Array) -> Array:
    n, channels, high, wide = images.shape
    a, b = max(1, high // SIDE), max(1, wide // SIDE)
    blocks = images[:, :, : high // a * a, : wide // b * b].reshape(n, channels, high // a, a, wide // b, b)
    return blocks.mean(axis=(3, 5)).reshape(n, -1)


def _as_text(cell: Any) -> str:
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)


def _table_features(frame: Any) -> Array:
    """Numbers, a missing one as their mean, and indicators of the categories."""
    from sklearn.preprocessing import OneHotEncoder

    numeric = frame.select_dtypes(["number", "bool"])
    numbers = numeric.to_numpy(dtype=np.float64, na_value=np.nan)
    numbers = np.where(np.abs(numbers) <= LARGEST, numbers, np.nan)
    held = ~np.isnan(numbers)
    means = np.where(held, numbers, 0).sum(axis=0) / np.maximum(held.sum(axis=0), 1)
    parts = [np.where(held, numbers, means)]
    others = frame.drop(columns=numeric.columns)
    if len(others.columns):
        cells = others.astype(object).where(others.notna(), MISSING).map(_as_text)
        parts.append(OneHotEncoder(max_categories=MOST_CATEGORIES, sparse_output=False).fit_transform(cells.to_numpy()))
    return np.hstack(parts)
