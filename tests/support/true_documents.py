"""The documents of a bundle read back: what no statement holds, and whether a single changed digit is seen."""

from __future__ import annotations

import json
import random
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from page_reader import Page, Row, rows_of, walk
from true_values import CELL, MINUS, NARROW, RAW, Truth, canonical, catalog, forms, is_number, pieces, shortened

RUN = re.compile(rf"[+\-{MINUS}]?\d+(?:[.,]\d+)*(?:e[+\-]?\d+)?")
HEX = re.compile(r"[0-9a-f]{16,}")
MARGINS = ("-x", "0", "-y", "40", "-W", "595", "-H", "745")
"""The page in points without the lines above and below it, which repeat the name, the digest and the page number."""


@dataclass(frozen=True)
class Document:
    """A document as lines of text.

    Attributes:
        name: Its file.
        lines: What it says.
        orphans: Finds in lines what nothing stands behind.
        whole: Whether it can be judged as a whole only.
    """

    name: str
    lines: tuple[str, ...]
    orphans: Callable[[Sequence[str]], list[str]]
    whole: bool = False

    @property
    def digits(self) -> int:
        """How many digits it shows."""
        return sum(1 for line in self.lines for _ in _digits(line))

    def found(self, count: int, seed: int = 0) -> float:
        """Share of ``count`` changes of a digit, each alone, that are seen."""
        chance = random.Random(seed)  # noqa: S311 -- no secret
        places = [(row, at) for row, line in enumerate(self.lines) for at in _digits(line)]
        if not places:
            return 1.0
        seen = 0
        for row, at in (chance.choice(places) for _ in range(count)):
            line = self.lines[row]
            other = chance.choice([digit for digit in "0123456789" if digit != line[at]])
            changed = f"{line[:at]}{other}{line[at + 1 :]}"
            whole = (*self.lines[:row], changed, *self.lines[row + 1 :])
            seen += bool(self.orphans(whole if self.whole else (changed,)))
        return seen / count


def _digits(line: str) -> Iterator[int]:
    """Places of digits that a reader sees."""
    shown = re.sub(f"{RAW}[^{RAW}]*{RAW}", lambda raw: "x" * len(raw.group()), line)
    return (match.start() for match in re.finditer("[0-9]", shown))


def documents(bundle: Path, pages: Iterable[Path] = ()) -> Iterator[Document]:
    """Each document of a bundle, and further pages that were made of it."""
    truth = Truth.of(bundle)
    against = partial(_told, truth=truth)
    for name in ("card.md", "summary.md", "comment.md", "NOTICE"):
        if (bundle / name).is_file():
            yield Document(name, _markdown((bundle / name).read_text(encoding="utf-8")), against)
    for path in (bundle / "report.html", *pages):
        name = path.relative_to(bundle).as_posix() if path.is_relative_to(bundle) else f"{path.parent.name}/{path.name}"
        yield Document(name, _rows(rows_of(path)), against)
    yield Document(
        "report.pdf", printed(bundle / "report.pdf"), partial(_unlike_the_page, bundle=bundle, truth=truth), whole=True
    )
    for path in sorted((bundle / "tables").glob("*.json")):
        lines = tuple(path.read_text(encoding="utf-8").splitlines())
        yield Document(f"tables/{path.name}", lines, partial(_untabled, truth=truth), whole=True)
        drawn = path.parent.parent / "figures" / f"{path.stem}.svg"
        yield Document(f"figures/{drawn.name}", _texts(drawn), _drawn(json.loads(path.read_bytes())))


def _told(lines: Sequence[str], truth: Truth) -> list[str]:
    return [orphan for line in lines for orphan in truth.orphans(pieces(line))]


def _markdown(text: str) -> tuple[str, ...]:
    """Lines of a Markdown document, without what keeps a character from being markup."""
    plain = re.sub(r"\\([\W_])", r"\1", text.replace("](", "] ("))
    return tuple(line.replace("|", CELL) for line in plain.splitlines())


def _rows(rows: Iterable[Row]) -> tuple[str, ...]:
    return tuple(CELL.join("".join(_marked(*piece) for piece in cell) for cell in row.cells) for row in rows)


def _marked(raw: str | None, text: str) -> str:
    """Text; a marked number as one word with its raw value."""
    return text if raw is None else f"{text.replace(' ', NARROW)}{RAW}{raw}{RAW}"


# The printed report is the page on paper: number for number.


@cache
def printed(pdf: Path) -> tuple[str, ...]:
    """The text of each page, without its margins."""
    made = subprocess.run(["pdftotext", "-raw", *MARGINS, pdf, "-"], capture_output=True, check=True)
    return tuple(made.stdout.decode().split("\f")[:-1])


def runs(text: str) -> Counter[str]:
    """How often each run of digits stands in a text; a digest may break after each eight characters."""
    apart = HEX.sub(lambda found: re.sub("(.{8})", r"\1 ", found.group()), text)
    return Counter(RUN.findall(apart))


def _total(texts: Iterable[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for text in texts:
        found.update(runs(text))
    return found


def _joined(text: str, truth: Truth) -> str:
    """Text in which a digest that the end of a line broke is whole."""
    halves = re.compile(r"([0-9a-f]{6,})\n([0-9a-f]{6,})")
    while broken := [found for found in halves.finditer(text) if "".join(found.groups()) in truth.hex]:
        text = text.replace(broken[0].group(), "".join(broken[0].groups()))
    return text


def _unlike_the_page(paper: Sequence[str], bundle: Path, truth: Truth) -> list[str]:
    """Numbers that stand in print more or less often than on the page, in its figures and in the check of the file."""
    found = _total(_joined(page, truth) for page in paper)
    expected = _on_the_page(bundle, truth) + _contents(paper, bundle)
    return [*(found - expected).elements(), *(expected - found).elements()]


def _on_the_page(bundle: Path, truth: Truth) -> Counter[str]:
    """What is printed of the page, and the digests by which the file is checked alone."""
    digests = (truth.verdict["subject"], truth.digests["findings"], truth.digests["verdict"])
    return _page(bundle)[0] + _total(digests)


@cache
def _page(bundle: Path) -> tuple[Counter[str], list[str]]:
    """Numbers of what is printed of report.html with its figures, and the titles of its sections."""
    rows = rows_of(bundle / "report.html")
    said = [
        "".join(text for _, text in cell)
        for row in rows
        if row.media not in ("screen", "read aloud")
        for cell in row.cells
    ]
    said += [text for path in (bundle / "figures").glob("*.svg") for text in _texts(path)]
    return _total(said), [row.text for row in rows if row.tag == "h2" and row.chapter and row.text]


def _contents(paper: Sequence[str], bundle: Path) -> Counter[str]:
    """Numbers of sections, which stand in the contents and in the headings, and the pages where these are found."""
    found, lines = Counter[str](), [frozenset(page.splitlines()) for page in paper]
    for place, title in enumerate(_page(bundle)[1], start=1):
        heading = f"{place} {title}"
        found += Counter({str(place): 2})
        found += Counter(str(number) for number, page in enumerate(lines, start=1) if heading in page)
    return found


# The verdict and the digest at the edges of each page.


def misled(bundle: Path, page: Path, language: str = "") -> list[str]:
    """What a page, and the file printed of it, says of the verdict or of the findings at its head or in a margin.

    Args:
        bundle: Whose page it is.
        page: ``report.html``; a ``report.pdf`` beside it is read too.
        language: Code of its language where it is not English.
    """
    truth = Truth.of(bundle)
    says = catalog("templates", f"words.{language}.yaml" if language else "words.yaml")["outcomes"]
    stamp, digest = says[truth.verdict["outcome"]]["stamp"], truth.digests["findings"][: len("sha256:") + 12]
    others = {own["stamp"] for own in says.values()} - {stamp}
    shown = Page(page.read_text(encoding="utf-8"))
    edges = {tag: value for tag, name, value in shown.attributes if name == "data-short"}
    (told,) = (row.text for row in shown.rows if row.stamp)
    lost = [f"{page}: {found}" for found in (edges["div"], told) if found != stamp]
    lost += [f"{page}: foot {edges['p']}"] if edges["p"] != digest else []
    paper = _whole(page.with_suffix(".pdf")) if page.with_suffix(".pdf").is_file() else []
    for number, lines in enumerate(paper, start=1):
        lost += [f"page {number} lacks {each}" for each in (stamp, digest) if not any(each in line for line in lines)]
        lost += [f"page {number} says {line}" for line in lines if line in others]
    return lost


def _whole(pdf: Path) -> list[list[str]]:
    """The lines of each printed page, with its margins."""
    made = subprocess.run(["pdftotext", "-raw", pdf, "-"], capture_output=True, check=True).stdout.decode()
    return [page.splitlines() for page in made.split("\f")[:-1]]


def numerals(page: Path) -> Counter[str]:
    """The digits of each number that a page marks, whatever signs its language sets between them."""
    return Counter(re.sub(r"\D", "", text) for _, text in Page(page.read_text(encoding="utf-8")).data)


# Tables and figures.


def _untabled(lines: Sequence[str], truth: Truth) -> list[str]:
    """What the table of a figure holds beside findings, limits, declared risks, licenses and round ticks."""
    try:
        table = json.loads("\n".join(lines))
    except ValueError:
        return ["no JSON"]
    lost = [str(row) for row in table["rows"] if canonical(row) not in truth.rows and not _recorded(row, truth)]
    lost += [f"{name} {each}" for name, own in table["limits"].items() for each in own if not truth.asks(name, each)]
    return lost + [name for name, ticks in table.get("ticks", {}).items() if not _round(ticks)]


def _recorded(row: Mapping[str, Any], truth: Truth) -> bool:
    """Whether a row about a component of the run says only what statements say; its role is a word of the figure."""
    return (
        "id" in row
        and "impact" not in row
        and not [leaf for key, leaf in row.items() if key not in ("role", "state", "uses") and leaf not in truth.leaves]
    )


def _round(ticks: Sequence[float]) -> bool:
    """Whether ticks are multiples of one step of 1, 2 or 5 times a power of ten, one beside the other."""
    apart = {f"{high - low:.6g}" for low, high in pairwise(ticks)}
    step = float(next(iter(apart), 1))
    return len(apart) < 2 and f"{step:e}"[0] in "125" and all(abs(at / step - round(at / step)) < 1e-6 for at in ticks)


def _texts(svg: Path) -> tuple[str, ...]:
    return tuple(each.text or "" for each in ET.parse(svg).iter() if each.tag.endswith("text"))  # noqa: S314 -- ours


def _drawn(table: Mapping[str, Any]) -> Callable[[Sequence[str]], list[str]]:
    """Finds numbers of a figure that its table does not hold."""
    leaves = [leaf for leaf in walk([table["rows"], table["limits"], table["not_drawn"]]) if leaf is not None]
    known = {form for leaf in leaves if is_number(leaf) for form in forms(leaf)}
    alone = {f"{abs(leaf):g}" for leaf in walk(table.get("ticks")) if is_number(leaf)}
    alone |= {form for form in known if re.search(r"\.\d{3}$", form)}
    texts = [leaf for leaf in leaves if isinstance(leaf, str)]
    said = "\n".join(f" {text} " for leaf in texts for text in (leaf, shortened(leaf)))

    def undrawn(lines: Sequence[str]) -> list[str]:
        # A number that stands alone is a tick of an axis, or a value with all of its decimals.
        free = ((line, piece.text) for line in lines for piece in pieces(line) if f" {piece.text} " not in said)
        return [text for line, text in free if text.lstrip(f"+-{MINUS}") not in (alone if line == text else known)]

    return undrawn
