"""Whom the shipped packs let through: ideal models and models at a limit, by the rows that they are tested on.

Run it alone (half an hour); ``--write`` also writes the tables of ``docs/packs/`` anew::

    python tests/bench/pack_power.py [--worlds 200] [--write] [PACK ...]

An ideal model is as accurate as its base and as the model in service, was trained apart from both, serves two groups
alike and states true probabilities. In each world its answers are drawn anew, the real checks measure them, and the
real judge applies each pack; what no draw decides (licenses, formats, signatures) is there and met. A model at a limit
is worse in one thing by just what a control tolerates; there tables of counts are drawn for the one bound that decides.
The short version is ``tests/unit/policy/test_pack_power.py``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import NormalDist
from typing import Any

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
from govkit.policy.chances import stored
from govkit.stats import calibration, gap_changes
from govkit.stats.paired import paired_lows
from govkit.stats.two_groups import difference_low, ratio_low

ACCURACY, DISAGREEMENT, GROUPS = 0.9, 0.075, 2
"""Of an ideal model and its rivals; rows in which any two of them answer differently; equal groups in the rows."""

COPY = 0.015
"""The same of a smaller copy and the full model, which is what ``compressed-variant`` is about."""

ROWS = {1_000: 60, 3_000: 60, 10_000: 25}
"""Test rows -> worlds that are drawn."""

DRAWS = 40_000
DIGEST = "sha256:" + "a" * 64
AS_OF = "2026-11-24T12:00:00Z"
DRAWN = frozenset(
    {"scope", "performance", "flips", "bias", "calibration", "overfit", "found_parts", "shift_floor"}
    | {"representation"}
)
"""Checks whose findings depend on the draw; they run."""

PAGES = Path(__file__).parents[2] / "docs" / "packs"


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


def rows(n: int, rho: float, rng: np.random.Generator, *, columns: Sequence[str] = ("sex",)) -> dict[str, Any]:
    """One data set: labels, answers, and who is in which group; all of it unrelated to the group."""
    labels = rng.integers(0, 2, n)
    groups = {name: np.array(["a", "b"])[(np.arange(n) >> place) % 2] for place, name in enumerate(columns)}
    return {"labels": labels, **answers(labels, rho, rng), "groups": groups}


def world(n: int, seed: int, *, disagreement: float = DISAGREEMENT, columns: Sequence[str] = ("sex",)) -> Case:
    """An ideal model: n rows to test it on, as many trained on, and as many of another year."""
    rng, rho = np.random.default_rng([seed, n]), correlation(disagreement)
    test, train, shifted = (rows(n, rho, rng, columns=columns) for _ in range(3))
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


@dataclass(frozen=True)
class Through:
    """Share of ideal models that a pack lets through, and what held the others up: control -> share."""

    share: float
    held: Mapping[str, float]


def passes(packs: Sequence[Policy], n: int, worlds: int, *, seed: int = 0, **setting: Any) -> dict[str, Through]:
    """Pack -> what becomes of ideal models."""
    through: Counter[str] = Counter()
    held: dict[str, Counter[str]] = {pack.id: Counter() for pack in packs}
    for number in range(worlds):
        found = checks.measure(world(n, seed + number, **setting), requests(packs))
        for pack in packs:
            verdict = judged(pack, found)
            through[pack.id] += verdict.exit_code == 0
            held[pack.id].update(each.control for each in verdict.rulings if each.disposition in ("review", "block"))
    return {
        pack.id: Through(
            through[pack.id] / worlds, {name: count / worlds for name, count in held[pack.id].most_common()}
        )
        for pack in packs
    }


def settings(packs: Sequence[Policy]) -> Iterator[tuple[list[Policy], dict[str, Any]]]:
    """The packs, by the worlds that they are about."""
    own = {"compressed-variant": {"disagreement": COPY}, "nyc-ll144": {"columns": ("sex", "race")}}
    yield [pack for pack in packs if pack.id not in own], {}
    yield from (([pack], own[pack.id]) for pack in packs if pack.id in own)


# A model at one limit


def at_limits(pack: Policy, n: int, *, draws: int = DRAWS, seed: int = 0) -> dict[str, float]:
    """Control -> how often it passes a model that is at its limit; those on rates, gaps and calibration that gate."""
    differing = COPY if pack.id == "compressed-variant" else DISAGREEMENT
    found: dict[str, float] = {}
    for control in pack.controls:
        rng = np.random.default_rng([seed, n])
        alpha = 1 - stored(control.confidence or pack.decision.confidence)
        if control.on_fail in ("review", "block") and control.require is not None:
            share = _at_limit(control, n // (GROUPS if control.over else 1), differing, alpha, draws, rng)
            found |= {} if share is None else {control.id: share}
    return found


def _at_limit(
    control: Control, n: int, differing: float, alpha: float, draws: int, rng: np.random.Generator
) -> float | None:
    key = (control.check, control.metric)
    limit = control.require.min if control.require and control.require.min is not None else None
    most = control.require.max if control.require else None
    if key in PAIRED and control.compared_with in ("base", "incumbent") and limit is not None:
        return _paired(n, limit, differing, alpha, draws, rng)
    if key in CHANGED and control.compared_with == "base" and limit is not None:
        return _moved(n // 2, limit, differing, alpha, min(draws, 2000), rng)
    if key in RATES and control.compared_with is None and limit is not None:
        rate, part = RATES[key]
        return _apart(round(n * part), rate, limit, alpha, draws, rng)
    if key == ("bias", "selection_rate_ratio") and control.compared_with is None and limit is not None:
        return _ratio(n, limit, alpha, draws, rng)
    if key == ("calibration", "calibration_error") and control.compared_with is None and most is not None:
        return _miscalibrated(n, most, alpha, draws // 200, rng)
    return None


PAIRED = {("performance", "accuracy"), ("shift_floor", "floor_accuracy")}
CHANGED = {("bias", "true_positive_rate_difference")}
RATES = {
    ("bias", "true_positive_rate_difference"): (ACCURACY, 0.5),
    ("bias", "false_positive_rate_difference"): (1 - ACCURACY, 0.5),
    ("bias", "selection_rate_difference"): (0.5, 1.0),
    ("bias", "accuracy_difference"): (ACCURACY, 1.0),
    ("performance", "accuracy_change"): (ACCURACY, 1.0),
}
"""Difference of two separate groups -> the rate of the better one, and the share of the rows that carry it."""


def _paired(n: int, limit: float, differing: float, alpha: float, draws: int, rng: np.random.Generator) -> float:
    spread = max(differing, -limit)
    shares = ((spread + limit) / 2, (spread - limit) / 2, 1 - spread)
    tables, count = np.unique(rng.multinomial(n, shares, draws), axis=0, return_counts=True)
    lows = paired_lows(tables[:, 0], tables[:, 1], np.full(len(tables), n), np.array([alpha]))[:, 0]
    return float(count[lows >= limit].sum() / draws)


def _apart(n: int, rate: float, limit: float, alpha: float, draws: int, rng: np.random.Generator) -> float:
    low, high = sorted((rate, rate + limit if rate + limit > 0 else rate - limit))
    hits = np.column_stack([rng.binomial(n, low, draws), rng.binomial(n, high, draws)])
    tables, count = np.unique(hits, axis=0, return_counts=True)
    z = np.array(NormalDist().inv_cdf(1 - alpha))
    lows = difference_low(tables[:, 0], n, tables[:, 1], n, z=z)
    return float(count[np.ravel(lows) >= limit].sum() / draws)


def _ratio(n: int, limit: float, alpha: float, draws: int, rng: np.random.Generator) -> float:
    hits = np.column_stack([rng.binomial(n, 0.5 * limit, draws), rng.binomial(n, 0.5, draws)])
    tables, count = np.unique(hits, axis=0, return_counts=True)
    lows = ratio_low(tables[:, 0], n, tables[:, 1], n, z=np.array(NormalDist().inv_cdf(1 - alpha)))
    return float(count[np.ravel(lows) >= limit].sum() / draws)


def _moved(n: int, limit: float, differing: float, alpha: float, draws: int, rng: np.random.Generator) -> float:
    """One group's rate moved from that of the base by the limit, the other's not; n rows of each carry it."""
    spread = max(differing, -limit)
    inside = rng.multinomial(n, ((spread + limit) / 2, (spread - limit) / 2, 1 - spread), draws)
    outside = rng.multinomial(n, (differing / 2, differing / 2, 1 - differing), draws)
    rows_ = np.full(draws, n)
    found = gap_changes((inside[:, 0], inside[:, 1], rows_), (outside[:, 0], outside[:, 1], rows_))
    at = next(place for place, level in enumerate(LEVELS) if level >= 1 - alpha - 1e-9)
    return sum(each.bounds[at].low >= limit for each in found) / draws


def _miscalibrated(n: int, limit: float, alpha: float, draws: int, rng: np.random.Generator) -> float:
    """Every probability is stated too high by the limit."""
    at = next(place for place, level in enumerate(LEVELS) if level >= 1 - alpha - 1e-9)
    passed = 0
    for _ in range(draws):
        true = rng.uniform(0.1, 0.9, n)
        found = calibration(true + limit, (rng.random(n) < true).astype(float))
        passed += found.bounds[at].high <= limit
    return passed / draws


# A bad gap


def blocked(pack: Policy, gap: float, positives: int, *, worlds: int, seed: int = 0) -> float:
    """Share of models that a pack blocks where one of two groups has a true positive rate lower by ``gap``."""
    stopped = 0
    for number in range(worlds):
        rng = np.random.default_rng([seed + number, positives])
        test = rows(4 * positives, correlation(), rng)
        test["labels"] = np.arange(4 * positives) // 2 % 2
        test |= answers(test["labels"], correlation(), rng)
        kept = rng.random(4 * positives) < 1 - gap / ACCURACY
        test["probs"] = np.where((test["groups"]["sex"] == "a") & (test["labels"] == 1) & ~kept, 0.02, test["probs"])
        asked = [checks.Request("scope", {}), *(each for each in requests([pack]) if each.check == "bias")]
        found = checks.measure(make_case(**test, access="weights", seed=number), asked)
        fair = [each for each in pack.controls if each.check == "bias"]
        stopped += judged(pack.model_copy(update={"controls": tuple(fair), "risks": ()}), found).outcome == "BLOCK"
    return stopped / worlds


# The pages


HEAD = "| test rows | in the smaller group | an ideal model passes | what holds up others | a model at a limit passes |"
NEXT = "## Three models under it"
TITLE = "## Whom it lets through"
SAYS = """\
Simulated: {worlds} ideal models in the lines of the table (`tests/bench/pack_power.py`), each right on nine rows in
ten, as are its base and the model in service, which answer {other} otherwise; two equal groups that it serves alike;
half of the rows positive; as many training and shifted rows; true probabilities; everything that no draw decides is
there and met. At a limit a model is worse in one thing by just what a control tolerates: the highest chance over the
controls on rates, gaps and calibration that gate."""


def mark(pack: Policy) -> str:
    """What of a pack the page rests on: the limits whose findings depend on the draw."""
    drawn = [each.model_dump(mode="json", exclude={"title", "advice", "authority", "rmf"}) for each in pack.controls
             if each.check in DRAWN]  # fmt: skip
    text = json.dumps(
        [pack.decision.confidence, pack.applies and pack.applies.model_dump(mode="json"), drawn], sort_keys=True
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def section(pack: Policy, found: Mapping[int, Through], limits: Mapping[int, Mapping[str, float]], worlds: str) -> str:
    """The part of a pack's page."""
    other = "three rows in two hundred" if pack.id == "compressed-variant" else "three rows in forty"
    lines = [TITLE, "", SAYS.format(worlds=worlds, other=other), "", HEAD, "|---|---|---|---|---|"]
    for n, through in found.items():
        held = ", ".join(f"{name} {share:.0%}" for name, share in list(through.held.items())[:3]) or "nothing"
        worst = max(limits[n].values(), default=0.0)
        lines.append(f"| {n:,} | {n // GROUPS:,} | {through.share:.0%} | {held} | {worst:.0%} at most |")
    return "\n".join([*lines, "", f"<!-- limits {mark(pack)} -->", "", ""])


def write(text: str, page: Path) -> None:
    """Put the part in its place before the three models."""
    whole = page.read_text(encoding="utf-8")
    before, after = whole.split(NEXT)
    page.write_text(before.split(TITLE)[0] + text + NEXT + after, encoding="utf-8")


def main() -> None:
    """Print what becomes of ideal models and of models at a limit; with ``--write`` also into the pages."""
    parser = argparse.ArgumentParser()
    parser.add_argument("packs", nargs="*")
    parser.add_argument("--worlds", type=int)
    parser.add_argument("--rows", type=int, nargs="*", default=list(ROWS))
    parser.add_argument("--disagreement", type=float)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    packs = [gk.resolve_policy(name) for name in given.packs or gk.packs()]
    found: dict[str, dict[int, Through]] = {pack.id: {} for pack in packs}
    worlds = {n: given.worlds or ROWS[n] for n in given.rows}
    for n in given.rows:
        for some, setting in settings(packs):
            own = {"disagreement": given.disagreement} if given.disagreement else {}
            for name, through in passes(some, n, worlds[n], **setting, **own).items() if some else ():
                found[name][n] = through
                said = ", ".join(f"{control} {part:.2f}" for control, part in through.held.items())
                sys.stdout.write(f"{n:>6} {name:<20} {through.share:.3f}  {said}\n")
                sys.stdout.flush()
    for pack in packs:
        limits = {n: at_limits(pack, n) for n in given.rows}
        for n, shares in limits.items():
            said = ", ".join(f"{control} {share:.3f}" for control, share in shares.items())
            sys.stdout.write(f"{n:>6} {pack.id:<20} at limits  {said}\n")
        if pack.id == "nist-ai-rmf-core":
            share = blocked(pack, 0.25, 200, worlds=40)
            sys.stdout.write(f"{pack.id}: a gap of 0.25 with 200 positive rows a group is blocked in {share:.2f}\n")
        if given.write:
            write(section(pack, found[pack.id], limits, ", ".join(map(str, worlds.values()))), PAGES / f"{pack.id}.md")


if __name__ == "__main__":
    main()
