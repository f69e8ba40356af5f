"""Patches: squares of pixels that return exactly in images of one label, at one place or anywhere.

A patch of any size holds squares of three by three pixels, so only these are looked at. Squares return by nature too,
as the empty corner of a drawing does; so one is accused only where the rest of its images speaks for another label.
"""

from __future__ import annotations

from dataclasses import dataclass

from govkit.checks._near import mixed
from govkit.checks._probes import FOLDS, image_features
from govkit.core.case import Array
from govkit.lazy import np

SQUARE = 3
MOST_SQUARES = 1 << 25
"""Squares that are looked at, so that memory stays under a gigabyte; of larger images fewer are."""


@dataclass(frozen=True)
class Patches:
    """Squares that return in n images, tied to one label.

    Attributes:
        searched: Squares that return in few enough images to be searched.
        label: Class of each of t squares, ``(t,)``.
        rows: Images that hold each.
        places: Where its first pixel stands in each of these, ``(m, 2)``: row and column.
    """

    searched: int
    label: list[int]
    rows: list[Array]
    places: list[Array]


class Judge:
    """Linear probes, each of which has not seen a part of the images.

    Args:
        images: ``(n, c, h, w)``.
        labels: Class of each, 0 to k - 1.
        seed: Seed of the folds.
    """

    def __init__(self, images: Array, labels: Array, seed: int) -> None:
        from sklearn.linear_model import RidgeClassifier
        from sklearn.model_selection import StratifiedKFold
        from sklearn.preprocessing import StandardScaler

        self.images, self.labels = images, labels
        self._mean = images.mean(axis=0)
        features = image_features(images).astype(np.float64)
        self._scaler = StandardScaler().fit(features)
        self._fold = np.zeros(len(images), dtype=np.int64)
        self._probes = []
        scaled = self._scaled(features)
        for at, (learned, left) in enumerate(
            StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(features, labels)
        ):
            # A tenth of the time of a logistic regression on many pixels, and about as often right.
            self._probes.append(RidgeClassifier(alpha=1.0).fit(scaled[learned], labels[learned]))
            self._fold[left] = at
        self.contradicted = self._against(scaled, np.arange(len(images)))

    def without(self, rows: Array, hidden: Array) -> tuple[Array, Array]:
        """Whether the rest of some images speaks for another label than theirs, and the first of each set of copies.

        Args:
            rows: Images ``(m,)``.
            hidden: Pixels that are left out ``(m, h, w)``.
        """
        rest = np.where(hidden[:, None], self._mean, self.images[rows])
        first = np.unique(rest.reshape(len(rows), -1), axis=0, return_index=True)[1]
        return self._against(self._scaled(image_features(rest)), rows), first

    def _scaled(self, features: Array) -> Array:
        scaled = self._scaler.transform(features)
        return scaled / np.sqrt(scaled.shape[1])

    def _against(self, scaled: Array, rows: Array) -> Array:
        said = np.empty(len(rows), dtype=self.labels.dtype)
        for at, probe in enumerate(self._probes):
            mine = self._fold[rows] == at
            if mine.any():
                said[mine] = probe.predict(scaled[mine])
        return said != self.labels[rows]


def returning(images: Array, labels: Array, *, fewest: int, most: int, tied: float) -> Patches:
    """Squares that return in ``fewest`` to ``most`` images of which the share ``tied`` has one label.

    They are looked for at one place, and anywhere.
    """
    squares = _squares(images)
    n, high, wide = squares.shape
    flat = squares.reshape(n, -1)
    placed = mixed(flat + mixed(np.arange(high * wide, dtype=np.uint64)))
    found = Patches(0, [], [], [])
    for keys in (placed, flat):
        order = np.argsort(keys, axis=None, kind="stable")
        image, sought = order // flat.shape[1], keys.reshape(-1)[order]
        new = np.append(True, sought[1:] != sought[:-1])
        once = new | np.append(True, image[1:] != image[:-1])
        order, image, group = order[once], image[once], np.cumsum(new)[once] - 1
        size = np.bincount(group)
        kept = np.flatnonzero((size >= fewest) & (size <= most))
        start = np.cumsum(size) - size
        found = Patches(found.searched + len(kept), found.label, found.rows, found.places)
        for at in kept:
            held = slice(start[at], start[at] + size[at])
            shares = np.bincount(labels[image[held]])
            if shares.max() >= tied * size[at]:
                found.label.append(int(shares.argmax()))
                found.rows.append(image[held])
                found.places.append(np.column_stack(np.divmod(order[held] % flat.shape[1], wide)))
    return found


def hidden_pixels(found: Patches, at: int, shape: tuple[int, int]) -> Array:
    """Pixels of a square in each of its images, and of the squares that share half of these images ``(m, h, w)``."""
    rows = found.rows[at]
    hidden = np.zeros((len(rows), *shape), dtype=bool)
    for others, places in zip(found.rows, found.places, strict=True):
        shared = np.isin(others, rows)
        if 2 * np.count_nonzero(shared) >= len(rows):
            image = np.searchsorted(rows, others[shared])
            for down, across in np.ndindex(SQUARE, SQUARE):
                hidden[image, places[shared, 0] + down, places[shared, 1] + across] = True
    return hidden


def _squares(images: Array) -> Array:
    """A hash of the pixels of each square, uint64 ``(n, h - 2, w - 2)``."""
    n, channels, height, width = images.shape
    high, wide = height - SQUARE + 1, width - SQUARE + 1
    found = np.zeros((n, high, wide), dtype=np.uint64)
    factors = np.random.default_rng(0).integers(0, 1 << 63, (channels, SQUARE, SQUARE), dtype=np.uint64) * 2 + 1
    for channel in range(channels):
        pixels = np.ascontiguousarray(images[:, channel], dtype=np.float32) + np.float32(0)
        marks = mixed(pixels.view(np.uint32).astype(np.uint64))
        for down, across in np.ndindex(SQUARE, SQUARE):
            found += marks[:, down : down + high, across : across + wide] * factors[channel, down, across]
    return found
