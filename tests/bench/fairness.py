"""What the rates of groups cost beside fairlearn's, and how often bounds that join two estimates miss.

Run a part alone, or all of it (some two minutes on one core)::

    python tests/bench/fairness.py [speed] [file] [audit] [coverage]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from govkit.checks._fairness import metrics_of
from govkit.checks._group_rates import changes, group_rates, spreads
from govkit.core import LEVELS
from govkit.data import CountTable, count_table

GROUPS = {"sex": 2, "race": 6, "age": 10}
RATES = ("selection_rate", "true_positive_rate", "false_positive_rate", "accuracy")
COLUMNS = {"label": "label", "answer": "answer", "positive": "yes"}


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def rows(n: int, seed: int = 0) -> pa.Table:
    """``n`` rows of text columns: three protected attributes, a label and an answer."""
    rng = np.random.default_rng(seed)
    columns = {name: rng.integers(0, size, n) for name, size in GROUPS.items()}
    columns |= {"label": rng.integers(0, 2, n), "answer": rng.integers(0, 2, n)}
    names = {"label": ["no", "yes"], "answer": ["no", "yes"]}
    return pa.table(
        {
            name: pa.array(names.get(name, [f"{name} {at}" for at in range(GROUPS.get(name, 0))])).take(pa.array(codes))
            for name, codes in columns.items()
        }
    )


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of all threads, and what came back."""
    before = time.process_time()
    found = function()
    return time.process_time() - before, found


def speed(n: int = 1_000_000) -> None:
    """Rates and gaps with intervals against ``MetricFrame`` without, side by side in one process."""
    from fairlearn import metrics
    from sklearn.metrics import accuracy_score

    table = rows(n)
    count_table(table.slice(0, 10), groups=list(GROUPS), **COLUMNS)
    ours, found = timed(
        lambda: {
            column: group_rates(counted, RATES)
            for column, counted in count_table(table, groups=list(GROUPS), **COLUMNS).items()
        }
    )
    frame = table.to_pandas()
    truth, answer = (frame[name].eq("yes").astype(int) for name in ("label", "answer"))
    functions = {name: getattr(metrics, name) for name in RATES[:3]} | {"accuracy": accuracy_score}
    theirs, frames = timed(
        lambda: {
            column: metrics.MetricFrame(
                metrics=functions, y_true=truth, y_pred=answer, sensitive_features=frame[column]
            ).by_group
            for column in GROUPS
        }
    )
    apart = max(
        abs(estimate.value - frames[column][name].iloc[index])
        for column, rates in found.items()
        for name in RATES
        for index, estimate in enumerate(rates[name])
    )
    say(f"{n} rows, {len(GROUPS)} attributes, {len(RATES)} metrics; CPU seconds")
    say(f"  govkit, rates and gaps with bounds at {len(LEVELS)} levels: {ours:.3f}")
    say(f"  fairlearn MetricFrame, rates alone:            {theirs:.3f}")
    say(f"  ratio {theirs / ours:.0f}; values apart by at most {apart:.1e}")


def file(n: int = 10_000_000) -> None:
    """A Parquet file to rates with intervals, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        pq.write_table(rows(n), path)
        say(f"{n} rows of Parquet, {path.stat().st_size / 1e6:.0f} MB, to rates and gaps with bounds:")
        subprocess.run([sys.executable, __file__, "one", str(path)], check=True)


def one(path: str) -> None:
    """CPU and memory of one file, the loading of libraries apart."""
    import govkit.stats

    count_table(rows(10), groups=list(GROUPS), **COLUMNS)
    govkit.stats.difference(1, 2, 1, 2)
    counting, tables = timed(lambda: count_table(Path(path), groups=list(GROUPS), **COLUMNS))
    rating, _ = timed(lambda: [group_rates(table, RATES) for table in tables.values()])
    # Not getrusage: there a new process begins with the peak of the one that started it.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(status["VmHWM"].split()[0]) / 1e6
    say(f"  reading and counting {counting:.2f} CPU s, rates {rating:.3f} CPU s, peak {peak:.2f} GB")


def audit(n: int = 1_000_000) -> None:
    """The check on a case with a base, the agreement with both libraries included."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
    from case_fixture import make_case, run_check

    from govkit.checks.outcomes.bias import bias

    rng = np.random.default_rng(0)
    labels, answers, base = rng.integers(0, 2, (3, n))
    groups = {name: rng.integers(0, size, n) for name, size in GROUPS.items()}
    small = make_case(labels[:500], answers[:500], groups={"sex": groups["sex"][:500]})
    run_check(bias, small)
    case = make_case(labels, answers, base=base, groups=groups)
    for crossed in (False, True):
        spent, found = timed(lambda crossed=crossed: run_check(bias, case, intersections=crossed))
        text = f"{n} rows, candidate and base, intersections {crossed}"
        say(f"check bias, {text}: {spent:.2f} CPU s, {len(found)} findings")


def coverage(draws: int = 4_000) -> None:
    """Miss rate over the nominal one of bounds that join two estimates; two groups, exact truth known."""
    rng = np.random.default_rng(0)
    say("bounds of two joined: worst miss over nominal at 0.90, 0.95, 0.975, 0.99, low and high")
    for n in (40, 200):
        for name, judged in (("predictive value, change", _changed), ("average odds", _averaged), ("odds", _odds)):
            missed, truths = np.zeros((2, 4)), []
            chances = [rng.dirichlet([4, 2, 2, 4, 1e-6]) for _ in range(2)]
            moves = [rng.dirichlet([3, 1], 5)[:, 0] for _ in range(2)]
            for at in range(draws + 1):
                # The first table is the expected one: its value is the truth.
                estimate = judged(_joint(chances, moves, n, None if at == 0 else rng))
                if at == 0:
                    truths.append(estimate.value)
                elif estimate is not None:
                    bounds = estimate.bounds[:4]
                    missed += [[b.low > truths[0] + 1e-6 for b in bounds], [b.high < truths[0] - 1e-6 for b in bounds]]
            ratio = missed / draws / (1 - np.array(LEVELS[:4]))
            say(f"  {name:26} n={n:4}  low {ratio[0].round(2)}  high {ratio[1].round(2)}")


def _joint(chances: list[Any], moves: list[Any], n: int, rng: np.random.Generator | None) -> np.ndarray:
    """Rows by group, cell of the one model and of the other, ``(2, 5, 5)``; the other flips some of the answers."""
    flipped = [1, 0, 3, 2, 4]
    shares = np.zeros((2, 5, 5))
    for group, (chance, kept) in enumerate(zip(chances, moves, strict=True)):
        shares[group, range(5), range(5)] = chance * kept
        shares[group, range(5), flipped] += chance * (1 - kept)
    if rng is None:
        return np.round(shares * 10_000_000).astype(np.int64)
    return np.stack([rng.multinomial(n, share.ravel()).reshape(5, 5) for share in shares])


def _changed(joint: np.ndarray) -> Any:
    return changes(joint, ["positive_predictive_value"])["positive_predictive_value_difference"][0]


def _averaged(joint: np.ndarray) -> Any:
    table = CountTable(("a", "b"), joint.sum(axis=2))
    return group_rates(table, ["true_positive_rate", "false_positive_rate"])["average_odds_difference"][0]


def _odds(joint: np.ndarray) -> Any:
    table = CountTable(("a", "b"), joint.sum(axis=2))
    found = spreads(table, ["true_positive_rate", "false_positive_rate"], min_rows=1)["equalized_odds_ratio"]
    assert found is None or abs(found.value - metrics_of(table)["equalized_odds_ratio"]) < 1e-12
    return found


if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]:
        one(sys.argv[2])
    else:
        for part in sys.argv[1:] or ("speed", "file", "audit", "coverage"):
            {"speed": speed, "file": file, "audit": audit, "coverage": coverage}[part]()
