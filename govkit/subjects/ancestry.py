"""Does a model share its weights with a possible base? Compared tensor by tensor, and what moved in each layer."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats import ancestry as stats
from govkit.subjects.weights import Weights

SAMPLE, SCREEN, SEARCHED = 256, 4, 48
"""Rows of a tensor that are compared; one in how many is looked at first; rows that are searched for."""

FEWEST_ROWS, FEWEST_NUMBERS, SHORTEST = 12, 144, 4
"""Smaller tensors do not count: too little to tell chance from origin."""

SEARCH_LENGTH, MOST_SEARCHED = 128, 400_000_000
"""Shorter rows have neighbors by chance; a base with more parameters is not searched row by row."""

MOST_LAYERS = 60
"""Lines of the table of what moved: those that moved most."""

LIMITS = (
    "It says that weights are shared, not which model came first: a sibling tuned from the same base looks like a "
    "child, so of several possible bases take the nearest.",
    "Two trainings from scratch that began with the same random numbers share their origin; where they ended close to "
    "each other they look derived.",
    "A base whose hidden units were rotated or mixed is not recognized by its rows; where singular values give it "
    "away, the answer is that it cannot tell.",
)
"""What no answer can rule out; printed beside every answer."""


@dataclass(frozen=True)
class Layer:
    """What moved in one layer.

    Attributes:
        name: Beginning of the names of its tensors.
        tensors: How many of them have a counterpart in the base.
        change: Norm of the difference over the norm of the base.
        rank: Largest rank of the change of a tensor: directions that carry 99 % of it.
    """

    name: str
    tensors: int
    change: float
    rank: int


@dataclass(frozen=True)
class Ancestry:
    """Whether a candidate shares its weights with a base.

    Attributes:
        answer: ``derived``, ``shares its origin``, ``cannot tell`` or ``not derived``.
        reason: Why, in a sentence.
        hits: Tensors that share their rows with the base.
        compared: Tensors that had a counterpart in the base.
        tensors: Tensors of the candidate that count.
        layers: What moved, in the order of the model, at most 60 layers; empty unless weights are shared.
        steps: What was tried to find the counterparts.
        limits: What no answer can rule out.
    """

    answer: stats.Answer
    reason: str
    hits: int = 0
    compared: int = 0
    tensors: int = 0
    layers: tuple[Layer, ...] = ()
    steps: tuple[str, ...] = ()
    limits: tuple[str, ...] = LIMITS


def compare_weights(candidate: Path, base: Path) -> Ancestry:
    """Compare the weights of a model with those of a possible base.

    Args:
        candidate: Folder or file of the model.
        base: Folder or file of the possible base.

    Returns:
        The answer with its reason, what moved, and the limits of the method.

    Raises:
        SubjectError: One of them holds no weights, or weights that cannot be read without running code.
    """
    mine, theirs = Weights(Path(candidate)), Weights(Path(base))
    for who, given in (("candidate", mine), ("base", theirs)):
        if given.adapter is not None:
            of = str(given.adapter.get("base_model_name_or_path") or "a base that it does not name")
            of = Path(of).name if Path(of).is_absolute() else of  # where somebody keeps it is nobody's business
            return Ancestry("cannot tell", f"The {who} is an adapter alone; its configuration says it belongs to {of}.")
    pairs, steps = _Pairs(mine, theirs), []
    looks = {"equal names": _align_names, "equal shapes, also turned": _align_shapes, "single rows": _search_rows}
    if sum(map(math.prod, theirs.shapes.values())) > MOST_SEARCHED:
        del looks["single rows"]
    for step, look in looks.items():
        if 2 * len(pairs.found) < pairs.seen().tensors:
            steps.append(step)
            look(pairs)
    if stats.answer(pairs.seen())[0] == "not derived":
        steps.append("singular values")
        pairs.same_spectra = _rotated(pairs)
    seen = pairs.seen()
    layers: tuple[Layer, ...] = ()
    if seen.hits:
        layers, change = _layers(pairs)
        seen = replace(seen, change=change)
    return Ancestry(*stats.answer(seen), seen.hits, seen.compared, seen.tensors, layers, tuple(steps))


class _Pairs:
    """Tensors of both sides, and which belong together.

    Attributes:
        names: Tensors of the candidate that count.
        named: Tensor of the candidate -> tensor of the base with the same name.
        found: Tensor of the candidate that hits -> its tensor of the base, and 1 where that is stored transposed;
            None where its rows come from several.
        compared: Tensors of the candidate that had a counterpart.
        highest: Largest z among tensors aligned by name.
        same_spectra: Whether singular values agree.
    """

    def __init__(self, mine: Weights, theirs: Weights) -> None:
        self.mine, self.theirs = mine, theirs
        self.names = [name for name, shape in mine.shapes.items() if _counts(shape)]
        self.named = by_name(mine.shapes, theirs.shapes)
        self.found: dict[str, tuple[str, int] | None] = {}
        self.compared: set[str] = set()
        self.highest, self.same_spectra = 0.0, False
        self.sample = lru_cache(maxsize=256)(_sample)

    def seen(self) -> stats.Seen:
        tensors = len(self.names) + sum(len(shape) > 1 and shape[0] >= FEWEST_ROWS for shape in self.mine.packed)
        return stats.Seen(tensors, len(self.compared), len(self.found), self.highest, self.same_spectra)


def _counts(shape: tuple[int, ...]) -> bool:
    return len(shape) > 1 and shape[0] >= FEWEST_ROWS and _length(shape) >= max(SHORTEST, FEWEST_NUMBERS / shape[0])


def _length(shape: tuple[int, ...]) -> int:
    return math.prod(shape[1:])


def by_name(mine: Collection[str], theirs: Collection[str]) -> dict[str, str]:
    """Equal names, or names that are equal but for a beginning that one side has."""
    starts = {".".join([*name.split(".")[:cut], ""]) for name in (*mine, *theirs) for cut in range(1, 4)}
    tries = [{name: name for name in mine if name in theirs}]
    for start in sorted(starts):
        tries.append({name: cut for name in mine if (cut := name.removeprefix(start)) in theirs})
        tries.append({name: start + name for name in mine if start + name in theirs})
    return max(tries, key=len)


def _spaced(rows: int, most: int) -> slice:
    return slice(0, rows, -(-rows // most))


def _sample(weights: Weights, name: str, rows: int, axis: int = 0) -> Array:
    """Evenly spaced rows among the first ones, or columns."""
    return stats.unit_rows(weights.read(name, _spaced(rows, SAMPLE), axis=axis), even=True)


def _align_names(pairs: _Pairs) -> None:
    for name, other in pairs.named.items():
        shape, theirs = pairs.mine.shapes[name], pairs.theirs.shapes[other]
        if not (_counts(shape) and _counts(theirs) and _length(shape) == _length(theirs)):
            continue
        rows = min(shape[0], theirs[0])
        d, z = stats.alignment(pairs.sample(pairs.mine, name, rows), pairs.sample(pairs.theirs, other, rows))
        pairs.compared.add(name)
        pairs.highest = max(pairs.highest, z)
        if z >= stats.HIT_Z and d >= stats.HIT_D:
            pairs.found[name] = other, 0


def _align_shapes(pairs: _Pairs) -> None:
    """Every base tensor of the same shape, or of that shape transposed."""
    for name in [name for name in pairs.names if name not in pairs.found]:
        shape = pairs.mine.shapes[name]
        wanted = (shape, shape[::-1])[: 2 if len(shape) == 2 else 1]
        places = [(other, axis) for axis in range(len(wanted)) for other in _shaped(pairs.theirs, wanted[axis])]
        pairs.compared.update([name] * bool(places))
        hit = next((place for place in places if _hits(pairs, name, *place)), None)
        if hit is not None:
            pairs.found[name] = hit


def _shaped(weights: Weights, shape: tuple[int, ...]) -> list[str]:
    return [name for name, held in weights.shapes.items() if held == shape]


def _hits(pairs: _Pairs, name: str, other: str, axis: int) -> bool:
    """A few of the rows first, then all."""
    rows = pairs.mine.shapes[name][0]
    mine, base = pairs.sample(pairs.mine, name, rows), pairs.sample(pairs.theirs, other, rows, axis)
    few = max(FEWEST_ROWS, len(mine) // SCREEN)
    if stats.alignment(mine[:few], base[:few])[1] < stats.TRIED_Z / SCREEN:
        return False
    d, z = stats.alignment(mine, base)
    return z >= stats.TRIED_Z and d >= stats.HIT_D


def _search_rows(pairs: _Pairs) -> None:
    """Some rows of each tensor among all base rows of that length, an embedding apart; a hit if half are found."""
    best: dict[str, Array] = {}
    rows = {
        name: stats.unit_rows(pairs.mine.read(name, _spaced(shape[0], SEARCHED)))
        for name, shape in pairs.mine.shapes.items()
        if name in pairs.names and name not in pairs.found and _length(shape) >= SEARCH_LENGTH
    }
    for other, shape in pairs.theirs.shapes.items():
        searching = [name for name, few in rows.items() if few.shape[1] == _length(shape) and _counts(shape)]
        if searching and shape[0] <= 20 * _length(shape):
            units = stats.unit_rows(pairs.theirs.read(other))
            for name in searching:
                best[name] = np.maximum(best.get(name, 0), (rows[name] @ units.T).max(axis=1))
    pairs.compared.update(best)
    pairs.found.update({name: None for name, cosines in best.items() if np.median(cosines) > stats.SEARCH_COSINE})


def _rotated(pairs: _Pairs, *, most: int = 5) -> bool:
    """Whether the singular values of both sides agree, in a few tensors of equal names."""
    shapes = pairs.mine.shapes
    alike = [
        (name, other)
        for name, other in pairs.named.items()
        if name in pairs.names
        and shapes[name] == pairs.theirs.shapes[other]
        and 32 <= min(shapes[name][0], _length(shapes[name])) <= 2048
    ]
    chosen = alike[:: max(1, len(alike) // most)][:most]
    apart = [stats.spectra_apart(pairs.mine.read(name), pairs.theirs.read(other)) for name, other in chosen]
    return bool(apart) and bool(np.median(apart) < stats.SAME_SPECTRUM)


def _layers(pairs: _Pairs) -> tuple[tuple[Layer, ...], float | None]:
    """What moved in each layer, over tensors with a counterpart whose rows are as long; more rows do not count.

    With the change over the tensors that hit, as a share of their norm; None where there is nothing to compare.
    """
    hits: list[tuple[float, float]] = []
    parts: dict[str, list[tuple[float, float, int]]] = {}
    counterparts = {name: (other, 0) for name, other in pairs.named.items()} | pairs.found
    for name, place in counterparts.items():
        if place is None:
            continue
        mine, base = pairs.mine.read(name), pairs.theirs.read(place[0], axis=place[1])
        rows = min(len(mine), len(base))
        if mine.shape[1:] == base.shape[1:]:
            moved = stats.moved(mine[:rows], base[:rows])
            parts.setdefault(_layer(name), []).append(moved)
            hits += [moved[:2]] if name in pairs.found else []
    table = []
    for layer, tensors in parts.items():
        changed, was, rank = (list(column) for column in zip(*tensors, strict=True))
        change = math.sqrt(sum(changed) / sum(was)) if any(was) else float(any(changed))
        table.append(Layer(layer, len(tensors), change, max(rank)))
    kept = sorted(table, key=lambda layer: -layer.change)[:MOST_LAYERS]
    norms = [sum(column) for column in zip(*hits, strict=True)]
    return tuple(layer for layer in table if layer in kept), math.sqrt(norms[0] / norms[1]) if any(norms[1:]) else None


def _layer(name: str) -> str:
    """Up to the first number in the name; without one, all but the last part."""
    parts = name.split(".")
    number = next((place for place, part in enumerate(parts) if part.isdigit()), len(parts) - 2)
    return ".".join(parts[: number + 1]) or name
