"""How far features lie from those of the training rows."""

from __future__ import annotations

from dataclasses import dataclass

from govkit.core.case import Array


@dataclass(frozen=True)
class ClassDistance:
    """Mahalanobis distance to the nearest class.

    Lee et al. 2018, "A simple unified framework for detecting out-of-distribution samples and adversarial attacks".

    Attributes:
        means: Mean of each class, ``(k, d)``.
        root: Matrix ``(d, d)`` whose product with a difference has its distance as length.
    """

    means: Array
    root: Array

    @classmethod
    def fitted(cls, features: Array, labels: Array) -> ClassDistance:
        """Means of the classes and one covariance around them, shrunk so that it can be inverted.

        Args:
            features: float ``(n, d)``, n >= 2.
            labels: Class of each row ``(n,)``.
        """
        import numpy as np
        from sklearn.covariance import LedoitWolf

        x = np.asarray(features, dtype=np.float64)
        _, which = np.unique(labels, return_inverse=True)
        means = np.stack([x[which == index].mean(axis=0) for index in range(which.max() + 1)])
        shrunk = LedoitWolf(assume_centered=True).fit(x - means[which])
        values, vectors = np.linalg.eigh(shrunk.covariance_)
        # Features that never differ would be infinitely telling; they count as the least that rounding can tell.
        floor = max(float(values.max()), np.finfo(np.float64).tiny) * 1e-10
        return cls(means, vectors / np.sqrt(np.maximum(values, floor)))

    def __call__(self, features: Array) -> Array:
        """Distance of each row to the class that is nearest, float64 ``(n,)``."""
        import numpy as np

        turned, centers = np.asarray(features, dtype=np.float64) @ self.root, self.means @ self.root
        squares = [((turned - center) ** 2).sum(axis=1) for center in centers]
        return np.sqrt(np.min(squares, axis=0))
