"""A transformers Trainer and its subclasses, TRL's among them: what it was told, and what it really did."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from govkit.core import Fact
from govkit.lineage.facts import NOT_APPLICABLE, observed
from govkit.lineage.ways import method
from govkit.lineage.ways.plain import arguments, length, plain
from govkit.lineage.ways.steps import Course
from govkit.lineage.ways.way import Way

_TOLD = {
    "learning_rate": "learning_rate", "scheduler": "lr_scheduler_type", "warmup_steps": "warmup_steps",
    "weight_decay": "weight_decay", "max_grad_norm": "max_grad_norm", "batch_size": "per_device_train_batch_size",
    "gradient_accumulation_steps": "gradient_accumulation_steps",
}  # fmt: skip
_CALLS = "it was told to train several times"
_TOLD_ELSEWHERE = {*_TOLD.values(), "num_train_epochs", "max_steps", "seed", "data_seed", "optim", "fp16", "bf16"}


class TrainerWay(Way):
    """One Trainer."""

    rank = 5

    def stepped(self, course: Course, seed: Fact) -> None:  # noqa: ARG002
        """A step; its arguments tell the seed."""
        trainer: Any = self.target
        super().stepped(course, observed(trainer.args.seed))

    def _first(self, course: Course) -> int:  # noqa: ARG002
        """Its state does not count the first step yet."""
        trainer: Any = self.target
        return int(trainer.state.global_step)

    def optimizers(self) -> Iterable[Any]:
        """The one that it made."""
        return (getattr(self.target, "optimizer", None),)

    @property
    def model(self) -> Any | None:
        """The model without its wrappers. ``Trainer.save_model`` would add a pickle, which can hold secrets."""
        return None if self.target is None else self.target.accelerator.unwrap_model(self.target.model)

    def _cutter(self) -> Any | None:
        return getattr(self.target, "processing_class", None) or super()._cutter()

    def _hyperparameters(self) -> dict[str, Fact]:
        trainer: Any = self.target
        args, state, found = trainer.args, trainer.state, super()._hyperparameters()
        once = self.calls < 2
        asked = int(state.max_steps) if self.began and once else None
        early = "it did not come to its own end: it still goes on or was cut short" if once else _CALLS
        defaults = {field.name: field.default for field in dataclasses.fields(args)}
        others = {name: getattr(args, name) for name in defaults if name not in _TOLD_ELSEWHERE}
        mixed = "bf16" if args.bf16 else "fp16" if args.fp16 else None
        told = {name: observed(plain(getattr(args, given))) for name, given in _TOLD.items()}
        return (
            told
            | self._really(found, told)
            | {
                "optimizer": found.get("optimizer", observed(None, "no optimizer step was seen")),
                "precision": observed(mixed or method.precision(trainer.model)),
                "epochs_asked": NOT_APPLICABLE if args.max_steps > 0 else observed(args.num_train_epochs),
                "epochs_done": observed(
                    round(float(state.epoch), 6) if once and state.epoch is not None else None, _CALLS
                ),
                "steps_asked": observed(asked, _CALLS),
                "steps_done": observed(self.steps or int(state.global_step) - self.first_step),
                "first_step": observed(self.first_step),
                # Cut short by an error or a person is not an early stop: nobody decided it.
                "early_stop": observed(int(state.global_step) < (asked or 0) if self.ended else None, early),
                "train_rows_seen": observed(length(trainer.train_dataset), "the data has no length"),
                "data_seed": NOT_APPLICABLE if args.data_seed is None else observed(args.data_seed),
                "other_arguments": observed(arguments(others, defaults)),
            }
        )

    def _really(self, found: dict[str, Fact], told: dict[str, Fact]) -> dict[str, Fact]:
        """What the optimizer and the scheduler that stepped tell, where they differ from what was asked for."""
        # Its schedules are one class, and it sets the weight decay of biases to zero by itself.
        rule = next(iter(getattr(getattr(self.target, "lr_scheduler", None), "lr_lambdas", ())), None)
        name = getattr(getattr(rule, "func", rule), "__qualname__", "")
        names = {"learning_rate", "weight_decay", "scheduler", "warmup_steps"}
        names -= {"scheduler", "warmup_steps"} if str(told["scheduler"].value).partition("_")[0] in name else set()
        decay = found.get("weight_decay", NOT_APPLICABLE).value
        names -= {"weight_decay"} if decay == [told["weight_decay"].value, 0.0] else set()
        return {name: found[name] for name in names & found.keys()}

    def _losses(self) -> Iterable[Mapping[str, Any]]:
        trainer: Any = self.target
        return list(trainer.state.log_history)
