"""A scikit-learn estimator or pipeline, fitted on rows or on the features of a frozen model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from govkit.core import Fact
from govkit.lineage.facts import FACTS, NOT_APPLICABLE, observed, unseen
from govkit.lineage.ways.plain import arguments, length, parameters_of, plain
from govkit.lineage.ways.way import Way

_LEARNED = ("coef_", "intercept_", "coefs_", "intercepts_")
_NOT_SEEN = "the rows that it was fitted to were not seen"


class EstimatorWay(Way):
    """What was seen of one estimator, the outermost that was fitted."""

    rank = 1

    _height: int | None = None
    _dtype: str | None = None

    def fitted(self, data: Any) -> None:
        """It is fitted, to these rows where they were seen."""
        self.begin()
        estimator: Any = self.target
        seeds = {each for name, each in estimator.get_params().items() if name.endswith("random_state")} - {None}
        why = "random_state was not set, or differs between its parts"
        self.seed = observed(plain(seeds.pop()) if len(seeds) == 1 else None, why)
        if data is not None:
            shape = getattr(data, "shape", None)
            self._height = int(shape[0]) if shape else length(data)
            self._dtype = str(data.dtype) if hasattr(data, "dtype") else None

    @property
    def model(self) -> Any | None:
        """The estimator."""
        return self.target

    def save(self, folder: Path) -> bool:  # noqa: ARG002
        """An estimator has no form but a pickle, which govkit does not write."""
        return False

    def _method(self) -> dict[str, Fact]:
        self.ended = self.began and is_fitted(self.target)
        final, base = _final(self.target), self._shared.loads.base_of(None)
        trained = sum(_size(getattr(final, name, None)) for name in _LEARNED) or None
        frozen = 0 if base is None else base.parameters
        total = trained + frozen if trained and frozen is not None else None
        why = "an estimator of this kind does not tell its parameters" if self.ended else "it is not fitted yet"
        return unseen("method", why) | {
            "kind": observed("full" if base is None else "head"),
            "trainable_parameters": observed(trained, why),
            "total_parameters": observed(total, why),
            "trainable_share": observed(trained / total if trained and total else None, why),
            "frozen_modules": observed([] if base is None else [base.architecture]),
            "adapter": NOT_APPLICABLE,
            "architecture": observed(type(self.target).__name__),
        }

    def _hyperparameters(self) -> dict[str, Fact]:
        final = _final(self.target)
        own: dict[str, Any] = final.get_params(deep=False)
        done: Any = getattr(final, "n_iter_", None)
        done = int(max(done)) if hasattr(done, "__len__") else done
        rate = own.get("learning_rate_init", own.get("eta0", own.get("learning_rate")))
        found = {
            "optimizer": own.get("solver"),
            "learning_rate": rate if isinstance(rate, float) else None,
            "weight_decay": own.get("alpha"),
            "batch_size": own.get("batch_size"),
            "epochs_asked": own.get("max_iter"),
            "epochs_done": done,
            "early_stop": None if done is None or not own.get("max_iter") else done < own["max_iter"],
        }
        kinds = {"float16": "fp16", "float32": "fp32", "float64": "fp64"}
        return dict.fromkeys(FACTS["hyperparameters"], NOT_APPLICABLE) | {
            **{name: observed(plain(value)) for name, value in found.items() if value is not None},
            "precision": observed(kinds.get(str(self._dtype), self._dtype), _NOT_SEEN),
            "train_rows_seen": observed(self._height, _NOT_SEEN),
            "other_arguments": observed(_others(self.target)),
        }

    def _losses(self) -> Iterable[Mapping[str, Any]]:
        losses = getattr(_final(self.target), "loss_curve_", ())
        return [{"epoch": number, "loss": float(loss)} for number, loss in enumerate(losses, 1)]


def is_fitted(estimator: Any) -> bool:
    """Whether it learned something, as scikit-learn marks it."""
    return any(name.endswith("_") and not name.startswith("_") for name in vars(_final(estimator)))


def _others(estimator: Any) -> dict[str, Any]:
    """Plain parameters of an estimator and its parts that differ from their defaults."""
    parts = {f"{name}__": part for name, part in estimator.get_params().items() if hasattr(part, "get_params")}
    return {
        prefix + name: value
        for prefix, part in {"": estimator, **parts}.items()
        if not isinstance(part, type)
        for name, value in arguments(part.get_params(deep=False), parameters_of(type(part))).items()
    }


def _final(estimator: Any) -> Any:
    """The part that predicts: the best of a search, the end of a pipeline."""
    inner = getattr(estimator, "best_estimator_", None) or (getattr(estimator, "steps", None) or [(0, None)])[-1][1]
    return _final(inner) if hasattr(inner, "get_params") else estimator


def _size(value: Any) -> int:
    return sum(map(_size, value)) if isinstance(value, list) else int(getattr(value, "size", 0))
