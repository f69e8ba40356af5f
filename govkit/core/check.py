"""Checks: the decorator that declares one, and what it declares."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, create_model

from govkit.core.case import Passes
from govkit.core.finding import Finding
from govkit.core.words import CLASSES, Better, Of, Role, Task

Measure = Callable[..., Iterator[Finding]]


@dataclass(frozen=True)
class Metric:
    """A metric that a check can yield.

    Attributes:
        what: What it says, one plain sentence.
        better: Direction of improvement, if there is one.
        unit: Unit of the value.
        low: Smallest possible value, None if unbounded or not a number.
        high: Largest possible value.
        words: Possible words, for a metric that is no number.
        diagnosis: It tells where a model is weak and not that it is wrong, so no control may rest on it.
    """

    what: str
    better: Better | None = None
    unit: str = "share"
    low: float | None = None
    high: float | None = None
    words: tuple[str, ...] = ()
    diagnosis: bool = False

    @classmethod
    def share(cls, what: str, better: Better | None = None, *, unit: str = "share", diagnosis: bool = False) -> Metric:
        """From 0 to 1."""
        return cls(what, better, unit, low=0, high=1, diagnosis=diagnosis)

    @classmethod
    def difference(cls, what: str, better: Better | None = None, *, diagnosis: bool = False) -> Metric:
        """From -1 to 1: one share less another."""
        return cls(what, better, low=-1, high=1, diagnosis=diagnosis)


@dataclass(frozen=True)
class Check:
    """A check: its name, what it declares, and its function.

    Attributes:
        name: Unique name.
        crosswalk: Row of ``policies/standards/crosswalk.yaml``.
        needs: Of ``probabilities``, ``weights``, ``inputs``, ``train``, ``shifted``, ``run``, ``groups``, ``base``,
            ``incumbent``, ``service``: without them the whole check is one gap.
        tasks: Tasks that it can measure; others give one gap. A check of two classes measures each label of a
            multi-label task, unless it names that task itself.
        metrics: Name -> Metric; a finding with another name is a crash.
        reads: Predictions that the check asks for, where they exist.
        extra: Passes beyond these, as a function of the case and the parameters.
        last: It is measured after all others, of which it says what they left behind.
        params: pydantic model of the parameters, made from the signature.
        function: ``(case, **params) -> Iterator[Finding]``.
    """

    name: str
    crosswalk: str
    needs: frozenset[str]
    tasks: frozenset[Task]
    metrics: dict[str, Metric]
    reads: tuple[tuple[Of, Role], ...]
    extra: Callable[..., Passes] | None
    last: bool
    params: type[BaseModel]
    function: Measure


def check(
    name: str,
    *,
    crosswalk: str,
    metrics: dict[str, Metric],
    needs: set[str] | frozenset[str] = frozenset(),
    tasks: Collection[Task] = CLASSES,
    reads: tuple[tuple[Of, Role], ...] = (),
    extra: Callable[..., Passes] | None = None,
    last: bool = False,
) -> Callable[[Measure], Check]:
    """Declare a check. The keyword-only parameters of the function become the schema of its parameters."""

    def declare(function: Measure) -> Check:
        return Check(
            name=name,
            crosswalk=crosswalk,
            needs=frozenset(needs),
            tasks=frozenset(tasks),
            metrics=metrics,
            reads=reads,
            extra=extra,
            last=last,
            params=_parameter_model(name, function),
            function=function,
        )

    return declare


def _parameter_model(name: str, function: Measure) -> type[BaseModel]:
    """A closed pydantic model of the keyword-only parameters of ``function``."""
    signature = inspect.signature(function, eval_str=True)
    fields: dict[str, Any] = {
        parameter.name: (
            parameter.annotation,
            ... if parameter.default is inspect.Parameter.empty else parameter.default,
        )
        for parameter in signature.parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    return create_model(f"{name}_params", __config__=config, **fields)
