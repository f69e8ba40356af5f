"""Whom the shipped packs let through: ideal models and models at a limit, by the rows that they are tested on.

Run it alone (a few minutes); ``--write`` also writes the tables of ``docs/packs/`` anew::

    python tests/bench/pack_power.py [--worlds 200] [--write] [PACK ...]

An ideal model is as accurate as its base and as the model in service, was trained apart from both, serves two groups
alike and states true probabilities. In each world its answers are drawn anew, the real checks measure them, and the
real judge applies each pack; what no draw decides (licenses, formats, signatures) is there and met. A model at a limit
is worse in one thing by just what a control tolerates; there tables of counts are drawn for the one bound that decides.
The short version is ``tests/unit/policy/test_pack_power.py``.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from case_fixture import make_case

import govkit as gk
from govkit import checks
from govkit.core import LEVELS, Attestation, Bound, Case, Control, Finding, Measurement, Policy, Verdict
from govkit.core.finding import DataRef
from govkit.policy import judge

ACCURACY, DISAGREEMENT, GROUPS = 0.9, 0.075, 2
"""Of an ideal model and its rivals; rows in which any two of them answer differently; equal groups in the rows."""

ROWS = (1_000, 3_000, 10_000)
DIGEST = "sha256:" + "a" * 64
AS_OF = "2026-11-24T12:00:00Z"
DRAWN = frozenset(
    {"scope", "performance", "flips", "bias", "calibration", "overfit", "found_parts", "shift_floor"}
    | {"representation"}
)
"""Checks whose findings depend on the draw; they run."""

OPEN = frozenset({"fail", "error", "missing", "unsupported", "inconclusive"})


def correlation(disagreement: float = DISAGREEMENT, accuracy: float = ACCURACY) -> float:
    """Correlation of the errors of two models of one accuracy that answer so many rows differently."""
    from scipy.optimize import brentq
    from scipy.stats import multivariate_normal

    at = NormalDist().inv_cdf(accuracy)

    def differing(r: float) -> float:
        both = multivariate_normal.cdf([at, at], cov=[[1, r], [r, 1]])
        return float(2 * (accuracy - both) - disagreement)

    return float(brentq(differing, 0.0, 0.9999))


def answers(labels: np.ndarray, rho: float, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Probabilities of class 1 ``(n,)`` of candidate, base and incumbent, each well calibrated."""
    strength = NormalDist().inv_cdf(ACCURACY)
    shared = np.where(labels == 1, strength, -strength) + np.sqrt(rho) * rng.normal(size=len(labels))
    own = np.sqrt(1 - rho) * rng.normal(size=(3, len(labels)))
    return dict(zip(("probs", "base", "incumbent"), 1 / (1 + np.exp(-2 * strength * (shared + own))), strict=True))


def rows(n: int, rho: float, rng: np.random.Generator) -> dict[str, object]:
    """One data set: labels, answers, and who is in which group; all of it unrelated to the group."""
    labels = rng.integers(0, 2, n)
    groups = {"sex": np.array(["a", "b"])[np.arange(n) % GROUPS]}
    return {"labels": labels, **answers(labels, rho, rng), "groups": groups}


def world(n: int, seed: int, *, disagreement: float = DISAGREEMENT) -> Case:
    """An ideal model: n rows to test it on, as many trained on, and as many of another year."""
    rng, rho = np.random.default_rng([seed, n]), correlation(disagreement)
    test, train, shifted = (rows(n, rho, rng) for _ in range(3))
    inputs = pd.DataFrame(rng.normal(size=(n, 4)).round(3), columns=["w", "x", "y", "z"])
    absent = dict.fromkeys(("base_data", "reference", "service"), "an ideal model needs none of it")
    case = make_case(**test, train=train, shifted=shifted, access="weights", seed=seed, absent=absent)
    table = pa.Table.from_pandas(inputs, preserve_index=False)
    return replace(case, data={**case.data, "test": replace(case.data["test"], inputs=inputs, table=table)})


def requests(packs: Sequence[Policy]) -> Iterator[checks.Request]:
    """What is measured: all that any of the packs asks of a draw."""
    yield checks.Request("scope", {})
    for pack in packs:
        yield from (checks.Request(each.check, each.params) for each in pack.controls if each.check in DRAWN)


def met(control: Control) -> Measurement:
    """A finding that meets a control which no draw decides."""
    require = control.require
    assert require is not None
    assert control.check is not None
    value = next(each for each in (require.equals, require.min, require.max) if each is not None)
    bounds = () if require.equals is not None else tuple(Bound(level=at, low=value, high=value) for at in LEVELS)
    return Measurement(
        check=control.check,
        name=control.metric or "",
        params=control.params,
        value=value,
        n=1000,
        bounds=bounds,
        part={"list": "names"} if "words" in control.over else {},
        of=control.of,
        compared_with=control.compared_with,
        data=DataRef(role=control.data, digest=DIGEST),
    )


def signed(rules: Policy) -> tuple[Attestation, ...]:
    """Every statement that a pack asks for, each by another person."""
    asked = [control.attest for control in rules.controls if control.attest is not None]
    return tuple(
        Attestation(
            kind=each.kind,
            model=DIGEST,
            signer=f"Person {number}",
            role=each.signer_role,
            answers=dict.fromkeys(each.fields, "As it was agreed."),
            signed_at="2026-11-20",
        )
        for number, each in enumerate(asked)
    )


def judged(rules: Policy, found: Sequence[Finding]) -> Verdict:
    """The verdict of a pack, with all that it asks for beside the draw."""
    access = "predictions" if rules.id == "closed-base-api" else "weights"
    facts = [
        each.model_copy(update={"value": access}) if (each.check, each.name) == ("scope", "access") else each
        for each in found
    ]
    beside = [met(each) for each in rules.controls if each.check is not None and each.check not in DRAWN]
    unique = {(each.check, each.name, each.compared_with, each.data, tuple(each.params)): each for each in beside}
    return judge(rules, [*facts, *unique.values()], subject=DIGEST, as_of=AS_OF, attestations=signed(rules))


def passes(
    packs: Sequence[Policy], n: int, worlds: int, *, disagreement: float = DISAGREEMENT, seed: int = 0
) -> dict[str, tuple[float, Mapping[str, float]]]:
    """Pack -> share of ideal models that it lets through, and what held the others up: control -> share."""
    through: Counter[str] = Counter()
    held: dict[str, Counter[str]] = {pack.id: Counter() for pack in packs}
    for number in range(worlds):
        case = world(n, seed + number, disagreement=disagreement)
        found = checks.measure(case, requests(packs))
        for pack in packs:
            verdict = judged(pack, found)
            through[pack.id] += verdict.exit_code == 0
            gating = [each for each in verdict.rulings if each.disposition in ("review", "block")]
            held[pack.id].update(f"{each.control} {each.state}" for each in gating)
    return {
        pack.id: (through[pack.id] / worlds, {name: count / worlds for name, count in held[pack.id].most_common()})
        for pack in packs
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("packs", nargs="*")
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--rows", type=int, nargs="*", default=ROWS)
    parser.add_argument("--disagreement", type=float, default=DISAGREEMENT)
    given = parser.parse_args()
    packs = [gk.resolve_policy(name) for name in given.packs or gk.packs()]
    for n in given.rows:
        for name, (share, held) in passes(packs, n, given.worlds, disagreement=given.disagreement).items():
            said = ", ".join(f"{control} {part:.2f}" for control, part in held.items())
            sys.stdout.write(f"{n:>6} {name:<20} {share:.3f}  {said}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
