"""CPU seconds of every check of the outcomes family on many rows: ``python tests/bench/outcomes.py [ROWS]``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from dataclasses import replace

from case_fixture import coded, make_case

from govkit.checks import Request, catalog, measure
from govkit.checks._catalog import describe
from govkit.core import Case


def large_case(n: int, seed: int = 0) -> Case:
    """Two classes, three models, three group columns, six input columns, training and shifted rows."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(0, 1.5, n)
    truth = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(int)

    def stated(noise: float) -> np.ndarray:
        return 1 / (1 + np.exp(-(logit + rng.normal(0, noise, n))))

    groups = {"sex": rng.integers(0, 2, n), "race": rng.integers(0, 5, n), "age": rng.integers(0, 9, n)}
    answers = {"probs": stated(0.5), "base": stated(1.0), "incumbent": stated(0.7)}
    other = {"labels": truth, **answers}
    # make_case writes every cell of its table; here the table is made of columns.
    case = make_case(truth, answers["probs"], base=answers["base"], incumbent=answers["incumbent"],
                     train=other, shifted=other)  # fmt: skip
    frame = pd.DataFrame({f"x{at}": rng.normal(size=n) for at in range(6)})
    test = replace(case.data["test"], groups={name: coded(values) for name, values in groups.items()}, inputs=frame)
    return replace(case, data={**case.data, "test": test})


def main(rows: int) -> None:
    """One line a check, and the sum."""
    case, total = large_case(rows), 0.0
    for name, check in catalog().items():
        if describe(check)["family"] == "outcomes":
            start = time.process_time()
            found = measure(case, [Request(name)])
            spent = time.process_time() - start
            total += spent
            sys.stdout.write(f"{name:<22} {spent:7.2f} CPU s  {len(found):5d} findings\n")
    sys.stdout.write(f"{'all':<22} {total:7.2f} CPU s  on {rows} rows\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
