"""A Lightning Trainer: its limits and metrics, and the optimizer loop that it runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from govkit.core import Fact
from govkit.lineage.facts import NOT_APPLICABLE, observed
from govkit.lineage.ways.steps import Course
from govkit.lineage.ways.way import Way

HOMES = ("lightning.pytorch.trainer.trainer", "pytorch_lightning.trainer.trainer")
"""Modules that hold the same Trainer."""
_PRECISION = {"32-true": "fp32", "16-mixed": "fp16", "16-true": "fp16", "bf16-mixed": "bf16", "bf16-true": "bf16"}


class LightningWay(Way):
    """One Lightning Trainer."""

    rank = 4
    _first_epoch = 0

    def _first(self, course: Course) -> int:  # noqa: ARG002
        """It does not count its first step yet."""
        trainer: Any = self.target
        self._first_epoch = trainer.current_epoch
        return int(trainer.global_step)

    def optimizers(self) -> Iterable[Any]:
        """Those of its module."""
        return getattr(self.target, "optimizers", ())

    @property
    def model(self) -> Any | None:
        """The module that it trains."""
        return getattr(self.target, "lightning_module", None)

    def _hyperparameters(self) -> dict[str, Fact]:
        trainer: Any = self.target
        found, clip = super()._hyperparameters(), trainer.gradient_clip_val
        limited = trainer.max_epochs is not None and trainer.max_epochs >= 0
        asked = trainer.max_steps if trainer.max_steps >= 0 else trainer.estimated_stepping_batches if limited else None
        asked = asked if isinstance(asked, int) else None
        automatic = getattr(self.model, "automatic_optimization", True)
        early = "it still goes on, was cut short, or had no limit"
        done = found.get("epochs_done", NOT_APPLICABLE).value
        return found | {
            "max_grad_norm": observed(clip) if clip else NOT_APPLICABLE,
            **({"gradient_accumulation_steps": observed(trainer.accumulate_grad_batches)} if automatic else {}),
            "precision": observed(_PRECISION.get(str(trainer.precision), str(trainer.precision))),
            "epochs_asked": observed(trainer.max_epochs) if limited else NOT_APPLICABLE,
            "epochs_done": observed(trainer.current_epoch if done is None else self._first_epoch + done),
            "steps_asked": NOT_APPLICABLE if asked is None else observed(asked),
            "first_step": observed(self.first_step),
            "early_stop": observed(trainer.global_step < asked if self.ended and asked else None, early),
        }

    def _losses(self) -> Iterable[Mapping[str, Any]]:
        """The loss of each step, and the metrics at the end."""
        metrics = {name: float(value) for name, value in getattr(self.target, "callback_metrics", {}).items()}
        return [*super()._losses(), {"step": self.steps, **metrics} if metrics else {}]
