"""How often the sequential tests of ``govkit watch`` raise a false alarm in a year, and how soon they see a change.

Run it alone for the long version (about eight minutes of CPU)::

    python tests/bench/watch.py [quiet|together|shifts|accuracies|unseen|speed|whole ...]
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from govkit.core import Trigger
from govkit.stats.days import possible_days, seasonal
from govkit.stats.looks import rank_bins, rank_shift, rank_variance, unseen_share
from govkit.stats.sequential import NONE, Look, MeanStream, RateStream, advance
from govkit.watch.form import WatchColumns
from govkit.watch.reference import column_of
from govkit.watch.streams import DaysLearned, Stream, day_effects, look_at, right_of, streams_of

LOOKS, ROWS = 365, 1000
DAYS, DAY_ROWS = 60, 167
"""The reference: 10,000 rows."""


SHIFT = Trigger(id="S", title="S", watch="shift", limit=0.1, then="review", authority={"level": "none"})


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def evidence(log_ratios: np.ndarray, looks_a_year: int = LOOKS) -> np.ndarray:
    """Log evidence after each look, shape ``(years, looks)``, from ratios ``(years, looks, changes)``."""
    weights = np.full((len(log_ratios), log_ratios.shape[-1]), NONE)
    path = np.empty(log_ratios.shape[:2])
    for look in range(log_ratios.shape[1]):
        weights = advance(weights, log_ratios[:, look], looks_a_year)
        path[:, look] = np.logaddexp.reduce(weights, axis=-1) - np.log(weights.shape[-1])
    return path


@dataclass(frozen=True)
class World:
    """How rows come about: days differ by ``day_sd``, all rows move by ``shift``; ``form`` is applied at the end.

    ``known`` says whether the stream learns of the days from its reference.
    """

    form: Callable[[np.ndarray], np.ndarray] = np.asarray
    day_sd: float = 0.0
    shift: float = 0.0
    known: bool = True
    limit: float = 0.0
    streams: int = 1
    day_rows: int = DAY_ROWS

    def days(self, rng: np.random.Generator, count: int, rows: int, shift: float = 0.0) -> np.ndarray:
        return self.form(rng.normal(size=(count, rows)) + rng.normal(shift, self.day_sd, size=(count, 1)))


def first_alarms(world: World, years: int, looks: int = LOOKS, seed: int = 0) -> np.ndarray:
    """Look of the first alarm of each year, from 1; ``looks + 1`` where there is none."""
    rng, alarms = np.random.default_rng(seed), []
    for _ in range(years):
        reference = world.days(rng, DAYS, world.day_rows)
        edges, counts = rank_bins(reference.ravel())
        days, learned = [rank_shift(day, edges, counts) for day in reference], DaysLearned()
        if world.known:
            learned = DaysLearned(possible_days(days, [world.day_rows] * DAYS, variance=rank_variance(counts)))
        test = MeanStream(reference_rows=reference.size, limit=world.limit, streams=world.streams)
        stream = Stream(SHIFT, "a", test).among_days(learned, DAYS)
        means = [rank_shift(day, edges, counts) for day in world.days(rng, looks, ROWS, world.shift)]
        alarms.append(alarms_of(stream, np.array(means)[None]))
    return np.concatenate(alarms)


def alarms_of(stream: Stream, values: np.ndarray, days: np.ndarray | None = None) -> np.ndarray:
    """Look of the first alarm of each year, from the values ``(years, looks)`` of looks of ``ROWS`` rows."""
    season = np.zeros(values.shape[1]) if stream.season is None or days is None else seasonal(stream.season, days)
    margins = []
    for test in stream.tests:
        trace, ratios = None, []
        for look in range(values.shape[1]):
            each, trace = test.after(Look(values[:, look], ROWS, season[look]), trace)
            ratios.append(each)
        margins.append(evidence(np.stack(ratios, axis=1)) - test.start().log_alarm)
    return first(np.min(margins, axis=0) >= 0)


def wandering(rng: np.random.Generator, shape: tuple[int, ...], sd: float, correlation: float) -> np.ndarray:
    """Day effects that go on from day to day, ``(..., days)``."""
    found = rng.normal(size=shape) * sd * math.sqrt(1 - correlation**2)
    found[..., 0] /= math.sqrt(1 - correlation**2)
    for day in range(1, shape[-1]):
        found[..., day] += correlation * found[..., day - 1]
    return found


@dataclass(frozen=True)
class Wandering:
    """True values that wander from day to day, of a mean or of an accuracy (where all sizes are a third as large).

    The reference has ``days`` of ``ROWS``; ``wave`` is the amplitude of a wave of the year, of any phase.
    """

    kind: str
    correlation: float = 0.0
    sd: float = 0.05
    days: int = DAYS
    wave: float = 0.0
    limit: float = 0.0
    streams: int = 1

    @property
    def unit(self) -> float:
        return 1.0 if self.kind == "mean" else 1 / 3

    def observed(self, rng: np.random.Generator, effects: np.ndarray) -> np.ndarray:
        """Means, or counts of right answers around 0.9."""
        if self.kind == "mean":
            return effects + rng.normal(size=effects.shape) / math.sqrt(ROWS)
        return rng.binomial(ROWS, np.clip(0.9 + self.unit * effects, 0, 1))

    def stream(self, values: np.ndarray, days: np.ndarray) -> Stream:
        """What a watch makes of a reference."""
        rows = ROWS * values.size
        if self.kind == "mean":
            test = MeanStream(reference_rows=rows, limit=self.limit, streams=self.streams)
        else:
            test = RateStream(
                reference_rows=rows,
                reference_count=int(values.sum()),
                tolerance=self.limit * self.unit,
                streams=self.streams,
            )
        plain = Stream(SHIFT, "a", test)
        looks = [
            (date.fromordinal(int(day)), {"a": Look(value, ROWS)}) for day, value in zip(days, values, strict=True)
        ]
        return plain.among_days(day_effects({"a": plain}, looks)["a"], values.size)


def years_with_alarm(
    world: Wandering, *, references: int, years: int, change: float = 0.0, looks: int = LOOKS, seed: int = 0
) -> np.ndarray:
    """Look of the first alarm of ``years`` after each of some references; a change is there from the first look on."""
    rng, found = np.random.default_rng(seed), []
    days = 738_000 + np.arange(world.days + looks)
    for _ in range(references):
        wave = world.wave * np.sin(2 * math.pi * days / 365.25 + rng.uniform(0, 2 * math.pi))
        effects = wandering(rng, (1, world.days), world.sd, world.correlation)
        later = wandering(rng, (years, looks), world.sd, world.correlation)
        reference = world.observed(rng, effects[0] + wave[: world.days])
        sign = 1 if world.kind == "mean" else -1
        values = world.observed(rng, later + wave[world.days :] + sign * change)
        if world.kind == "mean":
            reference, values = reference - reference.mean(), values - reference.mean()
        stream = world.stream(reference, days[: world.days])
        found.append(alarms_of(stream, values, days[world.days :]))
    return np.concatenate(found)


def first(alarms: np.ndarray) -> np.ndarray:
    """Number of the first look with an alarm, from truths ``(years, looks)``; one more than there are, if none."""
    return np.where(alarms.any(axis=1), alarms.argmax(axis=1), alarms.shape[1]) + 1


def first_drops(accuracy: float, drop: float, years: int, looks: int = LOOKS, reference: int = 10_000) -> np.ndarray:
    """Look of the first alarm of each year when the accuracy is ``drop`` lower than on the reference."""
    rng = np.random.default_rng(0)
    streams = [
        RateStream(reference_count=int(right), reference_rows=reference)
        for right in rng.binomial(reference, accuracy, size=years)
    ]
    right = rng.binomial(ROWS, accuracy - drop, size=(years, looks))
    ratios = np.array([stream.log_ratios(year, ROWS) for stream, year in zip(streams, right, strict=True)])
    return first(evidence(ratios) >= streams[0].start().log_alarm)


def first_unseen(exponent: float, years: int, *, new: float = 0.0, looks: int = LOOKS, seed: int = 0) -> np.ndarray:
    """Look of the first alarm over categories that the reference lacks, of 100,000 with shares ``1/rank**exponent``."""
    rng = np.random.default_rng(seed)
    shares = 1 / np.arange(1, 100_001) ** exponent
    shares /= shares.sum()
    ratios = []
    for _ in range(years):
        counts = rng.multinomial(DAYS * DAY_ROWS, shares)
        few, rows = unseen_share(counts)
        stream = RateStream(reference_count=few, reference_rows=rows, direction="up")
        missing = shares[counts == 0].sum()
        seen = rng.binomial(ROWS, missing + (1 - missing) * new, size=looks)
        ratios.append(stream.log_ratios(seen, ROWS))
    return first(evidence(np.array(ratios)) >= stream.start().log_alarm)


def quiet(years: int = 200) -> None:
    say(f"no change, {LOOKS} looks of {ROWS:,} rows, reference of {DAYS * DAY_ROWS:,}: years with a false alarm")
    worlds = {
        "lognormal": World(form=np.exp),
        "lognormal, day effect 0.05": World(form=np.exp, day_sd=0.05),
        "lognormal, day effect 0.1, limit 0.1": World(form=np.exp, day_sd=0.1, limit=0.1),
        "whole numbers, day effect 0.05": World(form=np.round, day_sd=0.05),
        "normal, day effect 0.05, not known to the stream": World(day_sd=0.05, known=False),
    }
    for name, world in worlds.items():
        say(f"  {name}: {np.mean(first_alarms(world, years) <= LOOKS):.1%} of {years}")
    for accuracy in (0.95, 0.8):
        wrong = np.mean(first_drops(accuracy, 0, 2000) <= LOOKS)
        say(f"  accuracy {accuracy}: {wrong:.2%} of 2,000")


def together(references: int = 200, years: int = 20) -> None:
    say(f"days that go together, {references * years:,} years of {LOOKS} looks of {ROWS:,}: years with a false alarm;")
    say("then looks until a change of 0.3 sd (10 points of accuracy) is seen, median and 95 % quantile (of 60)")
    worlds = [
        Wandering(kind, r, days=days) for kind in ("mean", "rate") for r in (0.0, 0.5, 0.8) for days in (60, 90, 365)
    ]
    worlds += [Wandering("mean", 0.95, days=days, limit=limit) for days in (60, 365) for limit in (0, 0.1)]
    worlds += [Wandering("mean", 0.8, sd, days, limit=0.1) for sd in (0.05, 0.1) for days in (60, 365)]
    worlds += [Wandering("mean", 0.8, streams=20), Wandering("mean", 0.8, 0.1), Wandering("rate", 0.8, limit=0.06)]
    worlds += [
        Wandering(kind, r, 0.03, days, 0.15) for kind in ("mean", "rate") for r in (0.0, 0.8) for days in (90, 365)
    ]
    for world in worlds:
        # Counts cost more.
        some = references if world.kind == "mean" else references // 4
        wrong = np.mean(years_with_alarm(world, references=some, years=years) <= LOOKS)
        took = years_with_alarm(world, references=some // 4, years=years, change=0.3, looks=60)
        what = (
            f"{world.kind} r={world.correlation} sd {world.sd} wave {world.wave} limit {world.limit} {world.days} days"
        )
        streams = "" if world.streams == 1 else f", {world.streams} streams"
        say(f"  {what}{streams}: {wrong:.2%}; {np.median(took):.0f}, {np.quantile(took, 0.95):.0f}")


def shifts(years: int = 200) -> None:
    say("a shift in every row: median and 95 % quantile of the looks until the alarm")
    worlds = {
        "0.3 sd, days known to be alike": World(shift=0.3, known=False),
        "0.3 sd": World(shift=0.3),
        "-0.3 sd": World(shift=-0.3),
        "0.3 sd, lognormal, day effect 0.05": World(form=np.exp, shift=0.3, day_sd=0.05),
        "0.3 sd, the same, reference of 60,000": World(form=np.exp, shift=0.3, day_sd=0.05, day_rows=ROWS),
        "0.3 sd, limit 0.1, 20 streams": World(shift=0.3, limit=0.1, streams=20),
        "0.3 sd, reference of 60,000": World(shift=0.3, day_rows=ROWS),
        "0.1 sd": World(shift=0.1),
    }
    for name, world in worlds.items():
        took = first_alarms(world, years, looks=30)
        say(f"  {name}: {np.median(took):.0f}, {np.quantile(took, 0.95):.0f}; within 5 {np.mean(took <= 5):.1%}")


def accuracies(years: int = 2000) -> None:
    say("accuracy falls, reference of 10,000: median and 95 % quantile of the looks until the alarm")
    for accuracy in (0.95, 0.9, 0.8, 0.7):
        for drop in (0.05, 0.02):
            took = first_drops(accuracy, drop, years, looks=100)
            say(
                f"  {accuracy} less {drop}: {np.median(took):.0f}, {np.quantile(took, 0.95):.0f}; "
                f"within 6 {np.mean(took <= 6):.1%}"
            )


def unseen(years: int = 1000) -> None:
    say(
        "categories that the reference of 10,000 rows lacks, of 100,000: years with a false alarm; looks until 2 % more"
    )
    for exponent in (1.0, 1.5, 2.0):
        wrong = np.mean(first_unseen(exponent, years) <= LOOKS)
        took = first_unseen(exponent, years, new=0.02, looks=60)
        say(f"  shares 1/rank^{exponent}: {wrong:.1%}; {np.median(took):.0f}, {np.quantile(took, 0.95):.0f}")


def speed() -> None:
    rng = np.random.default_rng(0)
    edges, counts = rank_bins(rng.normal(size=10_000))
    stream, rows = MeanStream(reference_rows=10_000), rng.normal(size=(LOOKS, ROWS))
    start, state = time.process_time(), stream.start()
    for look in rows:
        state = stream.update(state, Look(rank_shift(look, edges, counts), ROWS))
    say(f"a year of one column, look by look: {time.process_time() - start:.3f} CPU s")


WORDS = np.array([f"word{rank}" for rank in range(5000)])
NAMES = WatchColumns(watch=("amount", "items", "city", "text", "prediction"), label="label", prediction="prediction")


def service(rng: np.random.Generator, rows: int) -> pa.Table:
    """Rows of a service in which nothing ever changes; a tenth of the texts and of the labels is not there."""
    label = rng.integers(0, 3, rows)
    words = WORDS[np.minimum(rng.zipf(1.3, (rows, 3)) - 1, len(WORDS) - 1)]
    return pa.table(
        {
            "amount": rng.lognormal(size=rows),
            "items": rng.poisson(2, rows),
            "city": [f"city{rank}" for rank in np.minimum(rng.zipf(1.7, rows), 250)],
            "text": pa.array([" ".join(text) for text in words], mask=rng.uniform(size=rows) < 0.1),
            "prediction": np.where(rng.uniform(size=rows) < 0.85, label, (label + 1) % 3),
            "label": pa.array(label, mask=rng.uniform(size=rows) < 0.1),
        }
    )


def triggers_of(tolerated: dict[str, float]) -> tuple[Trigger, ...]:
    authority = {"level": "none"}
    return tuple(
        Trigger(id=watch, title=watch, watch=watch, limit=limit, then="review", authority=authority)
        for watch, limit in tolerated.items()
    )


def whole(cpu_s: float = 60.0) -> None:
    """Years through ``streams_of`` and ``look_at``, as many as fit; nothing is tolerated, the hardest case."""
    rng, began, years = np.random.default_rng(0), time.process_time(), []
    # Rows of the reference and of the looks are drawn, with replacement, from these: all that could ever come.
    world = service(rng, 200_000)
    triggers = triggers_of({"accuracy": 0.0, "shift": 0.0, "new": 0.0, "missing": 0.0})
    while time.process_time() - began < cpu_s:
        reference = world.take(rng.integers(0, len(world), DAYS * DAY_ROWS))
        columns = {name: column_of(reference, name) for name in NAMES.watch}
        streams = streams_of(triggers, columns, right_of(reference, NAMES), alpha=0.05, looks=LOOKS)
        states, alarms = {name: stream.test.start() for name, stream in streams.items()}, set()
        for _ in range(LOOKS):
            seen = look_at(world.take(rng.integers(0, len(world), ROWS)), triggers, columns, NAMES)
            states = {name: stream.test.update(states[name], seen[name]) for name, stream in streams.items()}
            alarms |= {name for name, state in states.items() if state.alarm}
        years.append(alarms)
    wrong = sum(map(bool, years))
    say(f"five columns and accuracy, {len(streams)} streams, {LOOKS} looks of {ROWS:,}, nothing tolerated:")
    say(f"  years with a false alarm: {wrong} of {len(years)} {sorted(set().union(*years))}")


if __name__ == "__main__":
    parts = {part.__name__: part for part in (quiet, together, shifts, accuracies, unseen, speed, whole)}
    for chosen in sys.argv[1:] or parts:
        parts[chosen]()
