"""How far features lie from those of the training rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from govkit.core.case import Array
from govkit.lazy import np


@dataclass(frozen=True)
class ClassDistance:
    """Mahalanobis distance to the nearest class.

    Lee et al. 2018, "A simple unified framework for detecting out-of-distribution samples and adversarial attacks".

    Attributes:
        means: Mean of each class, ``(k, d)``.
        spread: The covariance around them, of scikit-learn.
    """

    means: Array
    spread: Any

    @classmethod
    def fitted(cls, features: Array, labels: Array) -> ClassDistance:
        """Means of the classes and one covariance around them, shrunk so that it can be inverted.

        Args:
            features: float ``(n, d)``, n >= 2.
            labels: Class of each row ``(n,)``.
        """
        from sklearn.covariance import LedoitWolf

        x = np.asarray(features, dtype=np.float64)
        _, which = np.unique(labels, return_inverse=True)
        means = np.stack([x[which == index].mean(axis=0) for index in range(which.max() + 1)])
        return cls(means, LedoitWolf(assume_centered=True).fit(x - means[which]))

    def __call__(self, features: Array) -> Array:
        """Distance of each row to the class that is nearest, float64 ``(n,)``."""
        x = np.asarray(features, dtype=np.float64)
        return np.sqrt(np.min([self.spread.mahalanobis(x - center) for center in self.means], axis=0))
