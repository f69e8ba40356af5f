"""What a bundle says, and what its documents say beside it: a number that no statement holds is an orphan.

Nothing here uses the code that writes the documents. The ways to write a value are told once more, in decimal
arithmetic, and a number counts as true only beside another one of the same statement wherever one stands beside it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from page_reader import walk

from govkit.resources import find

SIGNED = ("run", "findings", "verdict", "waivers/*", "attestations/*")
FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MINUS = "\N{MINUS SIGN}"
EDGES = "()[]{},;:.!?'\"`*|“”…=<>"
TOGETHER = 3
"""Numbers of a line in a row that one source must hold."""
JUDGED = 0.975
"""Level of the bounds that stand beside an interval of 95 % which they contradict."""
NUMBER = re.compile(rf"[+\-{MINUS}]?(?:\d{{1,3}}(?:,\d{{3}})+|\d+)(?:\.\d+)?(?:e[+\-]\d+)?")
"""A whole word that is a number."""
NARROW, RAW, CELL = "\u0003", "\u0001", "\u0002"
"""Characters that no document holds: a space inside a number, the edge of a raw value, the edge of a cell."""
DECLARED = {
    "PDF/A-3b": "name of a standard",
    "https://www.apache.org/licenses/LICENSE-2.0": "where the text of a license is",
}
"""Words with a digit that stand in no statement and in no catalog, and why they may."""


def is_number(leaf: object) -> bool:
    return isinstance(leaf, int | float) and not isinstance(leaf, bool)


def forms(value: float) -> frozenset[str]:
    """Each way in which a document may write a value, without its sign: as it is, in points, percent, and "in 100"."""
    exact = abs(Decimal(value))
    share = 100 * exact
    # JSON writes the number 2.0 as 2, so a whole number may have been either.
    found = {_plain(exact), _digits(share, 6), repr(abs(value))}
    found |= {f"{int(exact):,}"} if exact == exact.to_integral_value() else set()
    found.add((_fixed(share, 1) if share >= 1 or not share else _digits(share, 2)).removesuffix(".0"))
    for whole in (100, 1_000, 10_000) if exact <= 1 else ():
        count = int((exact * whole).quantize(Decimal(1), ROUND_HALF_EVEN))
        rest = f" in {whole:,}"
        if abs(count - exact * whole) < Decimal("1e-9"):
            found.add(f"{count:,}{rest}")
        elif count in (0, whole):
            found.add(f"fewer than 1{rest}" if count == 0 else f"more than {whole - 1:,}{rest}")
        else:
            found.add(f"about {count:,}{rest}")
    return frozenset(found)


def _plain(exact: Decimal) -> str:
    if 0 < exact < Decimal("0.0005"):
        return _digits(exact, 2)
    if exact >= 10**9:
        return f"{float(exact):.2e}"
    if exact >= 1000 or (exact >= 10 and exact == exact.to_integral_value()):
        return _fixed(exact, 0)
    return _fixed(exact, 3 if exact < 100 else 1)


def _fixed(exact: Decimal, places: int) -> str:
    return f"{exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN):,f}"


def _digits(exact: Decimal, most: int) -> str:
    return f"{float(exact):.{most}g}"


class Piece(NamedTuple):
    """A number or name of a text: its raw value where the document tells it, as shown, and the words around it."""

    raw: str | None
    text: str
    around: tuple[str, ...] = ()


Line = tuple[Piece, ...]
"""What stands in one row of a table, or in one paragraph."""


def pieces(line: str) -> Line:
    """Words with a digit in a line, each with the words around it in its cell and the raw value marked with it."""
    found: list[Piece] = []
    for cell in line.split(CELL):
        said = [_unmark(word) for word in cell.split()]
        for place, (raw, word) in enumerate(said):
            if re.search(r"\d", word):
                pairs = [f"{one} {next_}" for (_, one), (_, next_) in pairwise(said[max(0, place - 1) : place + 2])]
                found.append(Piece(raw, word, tuple(pairs or [f"\n{word}\n"])))
    return tuple(found)


def _unmark(word: str) -> tuple[str | None, str]:
    """A word, and the raw value where it is a marked number."""
    text, mark, rest = word.partition(RAW)
    raw, _, after = rest.partition(RAW)
    # A number inside a word of a text tells nothing beside it as long as it reads as it was.
    return (
        raw if mark and not (text.endswith(raw) and (after or text != raw)) else None,
        f"{text.replace(NARROW, ' ')}{after}".strip(EDGES),
    )


@dataclass(frozen=True)
class Truth:
    """What the signed statements, the policy and the audit file of a bundle say."""

    predicates: dict[str, dict[str, Any]]
    digests: dict[str, str]
    policy: dict[str, Any]
    audit: dict[str, Any]
    files: tuple[str, ...]

    @classmethod
    @cache
    def of(cls, bundle: Path) -> Truth:
        """Read a bundle; signatures are checked elsewhere."""
        predicates, digests = {}, {}
        for pattern in SIGNED:
            for path in sorted(bundle.glob(f"{pattern}.sigstore.json")):
                payload = base64.b64decode(json.loads(path.read_bytes())["dsseEnvelope"]["payload"])
                predicates[path.name.partition(".")[0]] = json.loads(payload)["predicate"]
                digests[path.name.partition(".")[0]] = f"sha256:{hashlib.sha256(payload).hexdigest()}"
        policy, audit = (_yaml(bundle / name) for name in ("policy.yaml", "audit.yaml"))
        return cls(predicates, digests, policy, audit, tuple(_files(bundle)))

    @cached_property
    def leaves(self) -> frozenset[Any]:
        return frozenset(walk([*self.predicates.values(), self.policy, self.audit]))

    @cached_property
    def rows(self) -> frozenset[str]:
        """Findings, and declared risks with their levels, as one line each."""
        levels = {each["id"]: {"before": each["inherent"], "after": each["residual"]} for each in self.verdict["risks"]}
        declared = ({key: risk[key] for key in ("id", "impact", "likelihood")} for risk in self.policy["risks"])
        return frozenset(map(canonical, [*self.findings, *(each | levels[each["id"]] for each in declared)]))

    def asks(self, metric: str, limit: float) -> bool:
        """Whether a control asks that of a measure, or of a measure of that kind."""
        controls = (each for each in self.policy["controls"] if str(each.get("metric")).endswith(metric))
        return any(limit in (each.get("require") or {}).values() for each in controls)

    @cached_property
    def hex(self) -> str:
        """All digests, one beneath the other."""
        return "\n".join(
            str(leaf) for leaf in (*self.leaves, *self.digests.values()) if re.search("[0-9a-f]{40}", str(leaf))
        )

    @cached_property
    def findings(self) -> list[dict[str, Any]]:
        return list(self.predicates["findings"]["findings"])

    @cached_property
    def verdict(self) -> dict[str, Any]:
        return dict(self.predicates["verdict"]["verdict"])

    @cached_property
    def words(self) -> frozenset[str]:
        """Words of all strings of the bundle and of the catalogs, alone and with the next; and strings of one word."""
        said = {str(leaf) for leaf in (*self.leaves, *self.digests.values())}
        said |= {shortened(each) for each in said}
        said |= {f"{key} {leaf}" for each in self._objects() for key, leaf in each.items() if isinstance(leaf, str)}
        said |= {each[:10] for each in said if re.match(r"\d{4}-\d\d-\d\dT", each)}
        said |= {
            f"(cut, sha256:{hashlib.sha256(_flat(each).encode()).hexdigest()[:8]})" for each in said if len(each) > 60
        }
        said |= set(self.files)
        said |= {told for found in self.findings for told in _by_name(found)}
        said |= {str(leaf) for leaf in walk([catalog(), *_standards()])}
        letters = catalog()["cells"]
        said |= {
            f"{cell['id'].split()[-1]} {letters[cell['state']]['letter']}" for cell in self.verdict["coverage"]["cells"]
        }
        said |= set(DECLARED)
        return frozenset(phrase for each in said if re.search(r"\d", each) for phrase in _phrases(each))

    @cached_property
    def _sources(self) -> list[tuple[float, ...]]:
        """Numbers that belong together: of one statement, and of what is told beside it."""
        together = [tuple(leaf for leaf in _shallow(each) if is_number(leaf)) for each in self._objects()]
        return [*together, *self._judged(), *self._beside()]

    def _objects(self) -> Iterator[dict[str, Any]]:
        stack: list[Any] = [*self.predicates.values(), self.policy, self.audit]
        while stack:
            found = stack.pop()
            if isinstance(found, dict):
                yield found
            if isinstance(found, dict | list):
                stack += found.values() if isinstance(found, dict) else found

    def _judged(self) -> Iterator[tuple[float, ...]]:
        """A measurement beside the bound that judges it and the limit of the control."""
        controls = {each["id"]: each for each in self.policy["controls"]}
        for ruling in self.verdict["rulings"]:
            control = controls.get(ruling["control"], {})
            level = control.get("confidence") or self.policy["decision"]["confidence"]
            limits = tuple(leaf for leaf in walk(control.get("require")) if is_number(leaf))
            for part in ruling["parts"]:
                found = self.findings[part["finding"]] if part["finding"] >= 0 else {}
                bounds = [each for each in found.get("bounds") or () if each["level"] >= level]
                bound = min(bounds, key=lambda each: each["level"], default={})
                told = (*_shallow({k: v for k, v in found.items() if k != "params"}), *bound.values())
                yield (*limits, *(leaf for leaf in told if is_number(leaf)))

    def _beside(self) -> Iterator[tuple[float, ...]]:
        """What stands in one row: numbers of this model, of its rivals, their difference; or a bin with its shares."""
        together: dict[str, list[float]] = {}
        for found in self.findings:
            if is_number(found.get("value")):
                rows = [found["part"], found["data"]]
                key = ["bin", found["of"]] if "bin" in found["part"] else [found["check"], found["name"]]
                ends = [found["interval"] or {}, *(each for each in found["bounds"] or () if each["level"] == JUDGED)]
                own = (found["value"], found["n"], *(end.get(side) for end in ends for side in ("low", "high")))
                together.setdefault(json.dumps([key, rows]), []).extend(leaf for leaf in own if is_number(leaf))
        yield from map(tuple, together.values())

    @cached_property
    def kin(self) -> dict[str, set[int]]:
        """A number as written, or as JSON has it, to the sources that hold it."""
        index: dict[str, set[int]] = {}
        for place, source in enumerate(self._sources):
            for value in source:
                for form in forms(value):
                    index.setdefault(form, set()).add(place)
                index.setdefault(f"raw {float(value)!r}", set()).add(place)
        return index

    def orphans(self, line: Line) -> list[str]:
        """Numbers, digests, dates and names with a digit of a line that no statement holds."""
        lost = [piece.text for piece in line if _misread(piece)]
        free = [piece for piece in line if not self._named(piece)]
        held = [self._holders(piece) for piece in free]
        wide = max(1, min(TOGETHER, len(free)))
        alike = [set.intersection(*sorted(held[at : at + wide], key=len)) for at in range(len(held) - wide + 1)]
        # Each number stands in a window of numbers that one source holds.
        for place, piece in enumerate(free):
            if not any(alike[max(0, place - wide + 1) : place + 1]):
                lost.append(piece.text)
        return lost

    def _named(self, piece: Piece) -> bool:
        """Whether it stands so, with a word beside it, in a text of the bundle or of a catalog."""
        if NUMBER.fullmatch(piece.text) and is_number(_value(piece)) and not piece.around:
            return False
        return any(each in self.words for each in (piece.around if NUMBER.fullmatch(piece.text) else (piece.text,)))

    def _holders(self, piece: Piece) -> set[int]:
        value = _value(piece)
        key = f"raw {float(value)!r}" if is_number(value) else piece.text.lstrip(f"+-{MINUS}")
        return self.kin.get(key, set())


def _value(piece: Piece) -> Any:
    """The value that a document tells beside what it shows; a number of a text stands for itself."""
    if piece.raw is None or piece.raw == piece.text:
        return None
    try:
        return json.loads(piece.raw)
    except ValueError:
        return None


def _misread(piece: Piece) -> bool:
    """Whether what is shown is no way to write the value that stands with it."""
    value = _value(piece)
    if piece.raw is None or piece.raw == piece.text:
        return False
    if not is_number(value):
        return True
    sign = piece.text[:1] if piece.text[:1] in f"+{MINUS}" else ""
    turned = (sign == "+" and value <= 0) or (sign == MINUS and value >= 0)
    return turned or piece.text.lstrip(f"+{MINUS}") not in forms(value)


def _phrases(text: str) -> Iterator[str]:
    """Words and pairs of words of a text, as it is and with spaces for underscores; the whole if it is one word."""
    for line in {text, text.replace("_", " ")}:
        said = [word.strip(EDGES) for word in line.split()]
        yield from said
        yield from (f"{one} {next_}" for one, next_ in pairwise(said))
        if len(said) == 1:
            yield f"\n{said[0]}\n"


def _by_name(found: Mapping[str, Any]) -> Iterator[str]:
    """The rows that a finding is about as a text names them, alone and right before the value."""
    for column, name in found["part"].items():
        yield from (f"{column}: {name}", f"{column} {name}", f"{name}")
        if is_number(value := found.get("value")):
            sign = MINUS if value < 0 else ""
            yield from (f"{name} {lead}{form}" for form in forms(value) for lead in {sign, "+" if value > 0 else ""})


def _files(bundle: Path) -> Iterator[str]:
    return (path.relative_to(bundle).as_posix() for path in sorted(bundle.rglob("*")) if path.is_file())


def canonical(row: Mapping[str, Any]) -> str:
    """A row of data as one line; 2 and 2.0 are the same number."""
    return json.dumps(_floats(row), sort_keys=True)


def _floats(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: _floats(value) for key, value in found.items()}
    return [_floats(each) for each in found] if isinstance(found, list) else float(found) if is_number(found) else found


def shortened(digest: str) -> str:
    """A digest as a figure shows it; any other text is left alone."""
    return re.sub(r"^(sha256:[0-9a-f]{8})[0-9a-f]{56}$", r"\1", digest)


def _flat(text: str) -> str:
    return re.sub(r"[\t\n\r]+", " ", text).strip()


def _shallow(found: Mapping[str, Any]) -> Iterator[Any]:
    """Leaves of an object and of the objects right inside it, but not of its lists."""
    for value in found.values():
        yield from value.values() if isinstance(value, dict) else (value,)


@cache
def catalog(folder: str = "templates", name: str = "words.yaml") -> dict[str, Any]:
    """A file of words, as it is."""
    return _yaml(find(folder) / name)


def _yaml(path: Path) -> dict[str, Any]:
    return dict(yaml.load(path.read_bytes(), Loader=FAST))  # noqa: S506 -- a safe one


def _standards() -> Iterator[dict[str, Any]]:
    return (catalog("policies/standards", path.name) for path in sorted(find("policies/standards").glob("*.yaml")))
