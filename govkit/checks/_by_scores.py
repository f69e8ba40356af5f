"""A model that only answers, as attacks ask it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from govkit.core import Subject
from govkit.lazy import np, pd, torch


class ByScores:
    """A subject that only answers, as the attacks ask one with gradients: the logits are logarithms of its answers.

    Attributes:
        subject: What is asked.
        columns: Names of the columns of a table; None for images.
        input_range: Smallest and largest value of an image, where that is declared.
    """

    def __init__(self, subject: Subject, inputs: Any) -> None:
        self.subject = subject
        self.columns = getattr(inputs, "columns", None)
        self.input_range: tuple[float, float] | None = getattr(subject, "input_range", None)

    def encode(self, inputs: Any) -> dict[str, Any]:
        """A batch, ``{"x": float32 tensor (n, ...)}``."""
        return {"x": torch.tensor(np.asarray(inputs, dtype=np.float32))}

    def logits(self, batch: Mapping[str, Any]) -> Any:
        """Logarithms of the probabilities, a tensor ``(n, k)`` without a graph; of 0 that of the least double."""
        inputs = batch["x"].numpy()
        if self.columns is not None:
            inputs = pd.DataFrame(inputs, columns=self.columns)
        probabilities = np.asarray(self.subject.predict(inputs), dtype=np.float64)
        return torch.tensor(np.log(np.maximum(probabilities, np.finfo(np.float64).tiny)))


def all_numbers(inputs: Any) -> bool:
    """Every input is a number and none is missing: beside a missing value no change has a size."""
    if hasattr(inputs, "dtypes") and not all(kind.kind in "biuf" for kind in inputs.dtypes):
        return False
    return bool(np.isfinite(np.asarray(inputs, dtype=np.float64)).all())
