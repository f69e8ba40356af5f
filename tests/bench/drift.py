"""How often the measures of drift are wrong, and what they cost beside evidently.

Run it alone for the long version (about ten minutes on one core)::

    python tests/bench/drift.py [anchors|edges|points|classifier|label_free|speed ...]

``speed`` takes the rows of a side as its environment variable ``ROWS`` (200,000 if not given).
"""

from __future__ import annotations

import operator
import os
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from case_fixture import make_case, make_dataset, pick, predictions, run_check

from govkit.checks import _two_sample
from govkit.checks.data.drift import drift
from govkit.checks.data.label_free import label_free_accuracy
from govkit.core import Case
from govkit.stats import wasserstein
from govkit.stats.drift import middle
from govkit.stats.estimate import Estimate

COLUMNS = 20


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def ends(found: Estimate, level: float) -> tuple[float, float]:
    return next((bound.low, bound.high) for bound in found.bounds if bound.level == level)


def anchors() -> None:
    """The limit is 0.1 standard deviations."""
    rng = np.random.default_rng(0)
    harmless = wasserstein(rng.normal(size=10**6), rng.normal(0.02, 1, size=10**6))
    say(f"0.02 sd, 10^6 rows: high(0.999) {ends(harmless, 0.999)[1]:.4f}")
    failed = [
        ends(wasserstein(rng.normal(size=1000), rng.normal(0.5, 1, size=1000)), 0.999)[0] > 0.1 for _ in range(1000)
    ]
    say(f"0.5 sd, 1,000 rows: fails {np.mean(failed):.1%} of 1,000")
    alarms = sum(
        any(ends(wasserstein(*rng.normal(size=(2, 100))), 0.995)[0] > 0.1 for _ in range(COLUMNS)) for _ in range(400)
    )
    say(f"no shift, 100 rows, {COLUMNS} columns: {alarms} of 400 audits alarm")


HEAVY: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "lognormal": lambda rng, n: rng.lognormal(size=n),
    "Pareto 1.5": lambda rng, n: rng.pareto(1.5, n),
    "Pareto 2.5": lambda rng, n: rng.pareto(2.5, n),
    "Cauchy to 1,000": lambda rng, n: np.clip(rng.standard_cauchy(n), -1000, 1000),
    "nine zeros in ten": lambda rng, n: np.where(rng.random(n) < 0.9, 0.0, rng.lognormal(size=n)),
    "zeros 0.96": lambda rng, n: np.where(rng.random(n) < 0.96, 0.0, rng.lognormal(size=n)),
}


def edges(draws: int = 2000) -> None:
    """A shift that lies exactly at the limit: how often the bounds miss, over the nominal share."""
    say(f"truth at the limit, {draws:,} draws: misses of low and high at 0.9, 0.95, 0.99 over nominal")
    for name, draw in HEAVY.items():
        many = np.sort(draw(np.random.default_rng(1), 1_000_000))
        ends_ = middle(many)
        inner = np.clip(many, *ends_)
        for size in (0.1, 0.5):
            shift = size * inner.std()
            truth = float(np.mean(np.clip(many + shift, *ends_) - inner) / inner.std())
            for n in (100, 1000):
                rng, levels = np.random.default_rng(0), (0.9, 0.95, 0.99)
                pairs = [(draw(rng, n), draw(rng, n) + shift) for _ in range(draws)]
                # A reference whose middle is constant is refused.
                usable = [pair for pair in pairs if operator.lt(*middle(np.sort(pair[0])))]
                found = [wasserstein(*pair) for pair in usable]
                bounds = np.array([[ends(each, level) for level in levels] for each in found])
                nominal = 1 - np.array(levels)
                low = np.mean(bounds[..., 0] > truth, axis=0) / nominal
                high = np.mean(bounds[..., 1] < truth, axis=0) / nominal
                say(f"  {name}, truth {truth:.2f}, {n} rows: low {low.round(2)}, high {high.round(2)}")


def points(draws: int = 500) -> None:
    """Mean of the point over draws, beside the truth."""
    for n in (100, 500, 2000):
        rng = np.random.default_rng(0)
        shown = [
            np.mean([wasserstein(rng.normal(size=n), rng.normal(shift, 1, n)).value for _ in range(draws)])
            for shift in (0, 0.1, 0.2, 0.5)
        ]
        say(f"{n} rows, true distance 0, 0.1, 0.2, 0.5: on average {np.round(shown, 3)}")


def classifier() -> None:
    """Bounds of ``two_sample_auc`` without a shift, and p-values of the kernel."""
    for rows, columns, wide in ((100, 5, 300), (100, 20, 1), (60, 80, 1)):
        _two_sample.WIDE = wide
        wrong = np.zeros(3)
        for seed in range(300):
            drawn = np.random.default_rng(seed).normal(size=(2 * rows, columns))
            low, high = ends(_two_sample.classified(drawn, rows, seed=seed), 0.95)
            wrong += (low > 0.5, high < 0.5, _two_sample.mmd(drawn, rows, seed=seed)[1] <= 0.05)
        name = "trees" if wide > columns else "line"
        say(f"{name}, {rows} rows a side, {columns} columns: low, high(0.95), p of the kernel wrong in {wrong / 300}")


def label_free() -> None:
    """How often the reader's interval of ``estimated_accuracy`` holds the accuracy of a population that shifted."""

    def draw(rng: np.random.Generator, count: int, sure: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
        stated = rng.beta(*sure, count)
        true = 1 / (1 + np.exp(-(1.6 * np.log(stated / (1 - stated)) + 0.3)))
        return (rng.random(count) < true).astype(int), stated

    labels, stated = draw(np.random.default_rng(99), 2_000_000, (3, 1.5))
    truth = np.mean(labels == (stated > 0.5))
    for test, shifted in ((150, 150), (500, 2000), (2000, 500)):
        held, errors = 0, []
        for seed in range(200):
            rng = np.random.default_rng(seed)
            known, (later, probs) = draw(rng, test, (1, 1)), draw(rng, shifted, (3, 1.5))
            case = make_case(*known, shifted={"labels": later, "probs": probs})
            found = pick(run_check(label_free_accuracy, case), "estimated_accuracy", role="shifted")
            held += found.interval.low <= truth <= found.interval.high
            errors.append(found.value - truth)
        say(
            f"{test} test and {shifted} shifted rows: interval holds in {held / 200:.1%}, "
            f"estimate {np.mean(errors):+.4f} off on average, sd {np.std(errors):.4f}"
        )


def speed() -> None:
    """CPU of the whole check, and of the distances alone, beside evidently's population stability index of the rows.

    Reading is left out on both sides, and so is loading libraries.
    """
    rows = int(os.environ.get("ROWS", "200000"))
    rng = np.random.default_rng(0)
    sides = [pd.DataFrame(rng.normal(shift, 1, size=(rows, COLUMNS))).add_prefix("c") for shift in (0, 0.05)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset

        definition = DataDefinition(numerical_columns=list(sides[0].columns))
        reference, current = (Dataset.from_pandas(side, data_definition=definition) for side in sides)
        theirs = cpu(lambda: Report([DataDriftPreset(method="psi")]).run(current, reference).dict())
    ours = cpu(lambda: [wasserstein(sides[0][name].to_numpy(), sides[1][name].to_numpy()) for name in sides[0]])
    run_check(drift, whole([side[:100] for side in sides]))  # loads what the check needs
    case = whole(sides)
    check = cpu(lambda: run_check(drift, case))
    say(f"{rows:,} rows a side, {COLUMNS} columns: evidently {theirs:.2f} s")
    say(f"the distances {ours:.2f} s, ratio {theirs / ours:.1f}; the whole check {check:.2f} s, {theirs / check:.1f}")


def whole(sides: list[pd.DataFrame]) -> Case:
    """A case with these rows as test and shifted data, with labels and answers."""
    names, rng = list(sides[0].columns), np.random.default_rng(1)
    few = make_dataset([0, 1])
    data = {
        role: replace(
            few,
            role=role,
            table=pa.Table.from_pandas(side),
            labels=rng.integers(0, 2, len(side)),
            row_digests=np.zeros(len(side), "S64"),
        )
        for role, side in zip(("test", "shifted"), sides, strict=True)
    }
    given = {role: predictions(rng.random(len(side))) for role, side in zip(data, sides, strict=True)}
    case = make_case([0, 1], [0, 1], column={"input": names})
    return replace(case, data=data, answers=lambda of, role: given[role] if of == "candidate" else None)


def cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    parts = {part.__name__: part for part in (anchors, edges, points, classifier, label_free, speed)}
    for chosen in sys.argv[1:] or parts:
        parts[chosen]()
