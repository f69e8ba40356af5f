"""How often ``found_parts`` finds a planted drop, and how often it raises a false alarm.

Run it alone for the long version (a few minutes on one core)::

    python tests/bench/found_parts.py [planted|declared|nothing|visible|bounds|weak|speed ...]

5,000 rows with ten columns make 800 parts. Both models are right on 95 % of the rows; the candidate drops to 87 % in a
part of 10 % that nobody declared. ``even`` rows are all equally hard; where it ``varies``, three columns make them
harder or easier for both models.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from case_fixture import coded, make_case

from govkit.checks._candidates import candidate_parts
from govkit.stats.found_parts import counts, found_drops, sizes, visible_drop, weak_parts

WORDS = (4, 5, 6, 8, 10)
"""Values of the columns of words."""

SCREEN = 50

Rows = tuple[pd.DataFrame, np.ndarray, tuple[str, ...]]


@dataclass(frozen=True)
class World:
    """Where the models err.

    Attributes:
        plant: ``value``, ``pair``, ``range``, ``off the grid``, or nothing.
        close: Whether half of the errors are common to both models.
        hard: ``even``, ``varies`` or ``hard part``.
        drop: What the candidate loses in the planted part.
    """

    plant: str = ""
    close: bool = False
    hard: str = "even"
    drop: float = 0.08


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def frame(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Five columns of numbers and five of words."""
    numbers = {f"x{at}": rng.normal(0, 1, n) for at in range(5)}
    words = {f"w{at}": rng.integers(0, k, n).astype(str) for at, k in enumerate(WORDS)}
    return pd.DataFrame({**numbers, **words})


@cache
def rows(n: int, seed: int) -> Rows:
    """A table, the packed memberships of its parts and their names."""
    table = frame(n, np.random.default_rng(seed))
    case = make_case(np.zeros(n, dtype=int), np.zeros(n, dtype=int), classes=("a", "b"))
    data = replace(case.data["test"], inputs=table, table=pa.Table.from_pandas(table))
    names, members = candidate_parts(replace(case, data={"test": data}), most=800)
    return table, members, names


def declared(draws: int, *, kind: str, drop: float = 0.05) -> int:
    """Draws in which a drop in a range of a number of its own is found: of 16 values, or declared as a part."""
    alarms, n = 0, 5000
    for draw in range(draws):
        rng = np.random.default_rng([8, draw])
        table, age = frame(n, rng), rng.integers(18, 90, n)
        table["k"] = rng.integers(0, 16, n)
        case = make_case(np.zeros(n, dtype=int), np.zeros(n, dtype=int), classes=("a", "b"))
        parts = {"age": coded(age)} if kind == "declared" else {}
        data = replace(case.data["test"], inputs=table, table=pa.Table.from_pandas(table), parts=parts)
        _, members = candidate_parts(replace(case, data={"test": data}), most=800)
        values, width, last = (age, 9, 75) if parts else (table["k"].to_numpy(), 3, 14)
        low = rng.integers(values.min(), last)
        inside = (values >= low) & (values < low + width)
        new, old = answered(World(), table, rng)
        new &= ~(inside & (rng.random(n) < drop / 0.95))
        alarms += bool(found_drops(members, new, old, screen=SCREEN, flips=1999, seed=draw).found)
    return alarms


def planted(table: pd.DataFrame, plant: str) -> np.ndarray:
    """Rows of the planted part, about a tenth."""
    x, second, third = (table[name].rank(pct=True) for name in ("x0", "x2", "x3"))
    return {
        "value": table["w4"] == "3",
        "pair": (second < 1 / 3) & (third >= 2 / 3),
        "range": (x >= 0.20) & (x < 0.30),
        "off the grid": (x >= 0.175) & (x < 0.275),
        "": x < 0,
    }[plant].to_numpy()


def answered(world: World, table: pd.DataFrame, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Truths ``(n,)`` of the candidate and its rival: which rows does each answer right?"""
    error = np.full(len(table), 0.05)
    if world.hard == "varies":
        effect = 0.6 * table["x1"] + 0.5 * (table["w1"].astype(int) - 2) / 1.4 + 0.5 * (table["w3"] == "0")
        error = 0.05 * np.exp(effect) / np.exp(effect).mean()
    elif world.hard == "hard part":
        error = np.where(table["w3"].isin(["0"]), 0.25, 0.05)
    common = rng.random(len(table)) < error / 2 if world.close else np.zeros(len(table), dtype=bool)
    own = error / 2 / (1 - error / 2) if world.close else error
    new, old = (~common & (rng.random(len(table)) >= own) for _ in range(2))
    lost = planted(table, world.plant) & (rng.random(len(table)) < world.drop / (1 - error))
    return new & ~lost, old


def jaccard(members: np.ndarray, part: int, truth: np.ndarray) -> float:
    both = counts(members[[part]], truth)[0]
    return float(both / (sizes(members[[part]])[0] + truth.sum() - both))


def search(world: World, draws: int, *, screen: int, seed: int = 0) -> tuple[int, int]:
    """Draws with an alarm, and draws whose surest part overlaps the planted one by half (Jaccard)."""
    alarms = right = 0
    for draw in range(draws):
        table, members, _ = rows(5000, seed + draw // 10)
        new, old = answered(world, table, np.random.default_rng([seed, draw]))
        found = found_drops(members, new, old, screen=screen, flips=1999, seed=draw).found
        alarms += bool(found)
        right += bool(found) and jaccard(members, found[0][0], planted(table, world.plant)) >= 0.5
    return alarms, right


def plant_at(
    right: tuple[np.ndarray, np.ndarray], inside: np.ndarray, drop: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The same truths with a share ``drop`` of the rows of one part lost by the candidate."""
    new, old = right
    hit = rng.choice(np.flatnonzero(inside & new), round(drop * inside.sum()), replace=False)
    new = new.copy()
    new[hit] = False
    return new, old


def said(members: np.ndarray, right: tuple[np.ndarray, np.ndarray], seed: int) -> float:
    found = visible_drop(members, *right, share=0.10, screen=SCREEN, seed=seed)
    assert found is not None
    return found.value


def visible(world: World, draws: int, *, drop: float | None = None) -> tuple[float, float]:
    """Mean drop that is said to be visible, and share of draws in which that drop, planted anew, is found.

    It is planted in a part drawn among those of half to twice a tenth of the rows.
    """
    stated, hits = [], 0
    for draw in range(draws):
        table, members, _ = rows(5000, draw // 10)
        rng = np.random.default_rng([7, draw])
        right = answered(world, table, rng)
        stated.append(drop or said(members, right, draw))
        size = sizes(members)
        part = rng.choice(np.flatnonzero((size >= 250) & (size <= 1000)))
        inside = np.unpackbits(members[part].view(np.uint8), count=5000).astype(bool)
        new, old = plant_at(right, inside, stated[-1], rng)
        hits += bool(found_drops(members, new, old, screen=SCREEN, flips=1999, seed=draw).found)
    return float(np.mean(stated)), hits / draws


def misses(world: World, draws: int, level: int = 1) -> tuple[float, float, float]:
    """Share of draws in which a part is found, and in which a bound of any found part misses, low and high.

    Args:
        world: Where the models err.
        draws: Number of draws.
        level: Index of the level among ``core.LEVELS``.
    """
    counted = np.zeros(3)
    for draw in range(draws):
        table, members, _ = rows(5000, 300 + draw // 10)
        new, old = answered(world, table, np.random.default_rng([3, draw]))
        found = found_drops(members, new, old, screen=SCREEN, flips=1999, seed=draw).found
        truth = -world.drop * counts(members, planted(table, world.plant)) / sizes(members)
        bounds = [(truth[at], change.bounds[level]) for at, change in found]
        counted += [bool(found), any(true < b.low for true, b in bounds), any(true > b.high for true, b in bounds)]
    return tuple(counted / draws)


def weak(world: World, draws: int) -> int:
    """Draws in which some part of the candidate's is called weak."""
    alarms = 0
    for draw in range(draws):
        table, members, _ = rows(5000, 700 + draw // 10)
        new, _ = answered(world, table, np.random.default_rng([9, draw]))
        alarms += bool(weak_parts(members, new))
    return alarms


def planted_table(draws: int = 100) -> None:
    for hard in ("even", "varies"):
        for plant in ("value", "pair", "range", "off the grid"):
            for close in (False, True):
                world = World(plant, close, hard)
                cells = [search(world, draws, screen=screen) for screen in (25, SCREEN, 100)]
                say(f"{world}: alarm and right of {draws}; screen 25, {SCREEN}, 100: {cells}")


def declared_table(draws: int = 60) -> None:
    for kind in ("16 values", "declared"):
        say(f"range of a number, {kind}, five points in an eighth to a fifth: {declared(draws, kind=kind)} of {draws}")


def nothing_table(draws: int = 400) -> None:
    for hard in ("even", "varies", "hard part"):
        for close in (False, True):
            cells = [search(World("", close, hard), draws, screen=screen, seed=500)[0] for screen in (25, SCREEN)]
            say(f"nothing, {hard}, close={close}: alarms of {draws}; screen 25, {SCREEN}: {cells}")


def visible_table(draws: int = 200) -> None:
    for hard in ("even", "varies", "hard part"):
        for close in (False, True):
            drop, share = visible(World("", close, hard), draws)
            say(f"visible, {hard}, close={close}: {drop:.3f} said, found in {share:.0%} of {draws}")


def bounds_table(draws: int = 400) -> None:
    for drop in (0.05, 0.08, 0.15):
        for world in (
            World("value", drop=drop),
            World("range", close=True, drop=drop),
            World("pair", hard="varies", drop=drop),
        ):
            found, low, high = misses(world, draws)
            say(f"bounds at 0.95, {world}: found {found:.0%}, misses low {low:.2%}, high {high:.2%}")


def weak_table(draws: int = 400) -> None:
    say(f"weak, nothing planted: {weak(World(), draws)} of {draws}")
    for plant in ("value", "pair", "range", "off the grid"):
        say(f"weak, {plant}: {weak(World(plant), 100)} of 100")


def speed_table(n: int = 1_000_000) -> None:
    table, members, _ = rows(n, 0)
    new, old = answered(World("value"), table, np.random.default_rng(0))
    calls: dict[str, Callable[[], object]] = {
        "found_drops": lambda: found_drops(members, new, old, screen=SCREEN, flips=1999, seed=0),
        "visible_drop": lambda: visible_drop(members, new, old, share=0.10, screen=SCREEN, seed=0),
        "weak_parts": lambda: weak_parts(members, new),
    }
    for name, call in calls.items():
        start = time.process_time()
        call()
        say(f"{name}, {n} rows: {time.process_time() - start:.2f} CPU s")


TABLES: dict[str, Callable[[], None]] = {
    "planted": planted_table,
    "declared": declared_table,
    "nothing": nothing_table,
    "visible": visible_table,
    "bounds": bounds_table,
    "weak": weak_table,
    "speed": speed_table,
}


if __name__ == "__main__":
    for name in sys.argv[1:] or TABLES:
        TABLES[name]()
