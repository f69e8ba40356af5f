"""Makes the pictures of ``docs/gallery.md`` from the evidence that ships in ``model_cards`` (``make gallery``).

Reports are written anew from the signed statements, drawn by poppler and Chromium, and kept as small palette images,
which are replaced together. The two models of the comparison are those of ``docs/compare.md``.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

import published  # noqa: E402
from PIL import Image, ImageColor  # noqa: E402, TID253
from shipped_cards import cards  # noqa: E402

import govkit as gk  # noqa: E402
from govkit import report  # noqa: E402
from govkit.report import comparing  # noqa: E402

HOME = Path(__file__).resolve().parent / "gallery"
SHOWN = "employment"
"""The demo whose page is shown on screens."""
SCREENS = ((360, 1100, "light"), (768, 1000, "light"), (1440, 900, "light"), (1440, 900, "dark"))
MOST_BYTES = 110_000
ACROSS, GAP = 10, 6
"""Pages in a row of a contact sheet, and the room around each, in pixels."""
INKS = (
    *("#ffffff", "#f0f0f0", "#dedede", "#c8c8c8", "#afafaf", "#919191", "#6e6e6e", "#3c3c3c"),  # paper and type
    *("#b8bec6", "#f0f5f6", "#c4dce6", "#80a8b8", "#1a536b", "#8e1b1f", "#d09090", "#f6d9a8"),
)
"""Colors of a contact sheet: too few for a program to choose well."""
SERVED = 'incumbent: {python: "letters_served.code:predict", artifact: letters_served}\n'


def main() -> None:
    """Draw everything, then replace the pictures."""
    with TemporaryDirectory(prefix="govkit-gallery-") as name:
        place = Path(name)
        (place / "drawn").mkdir()
        screens: list[dict[str, Any]] = []
        sheets: dict[str, bytes] = {}
        for demo in cards.DEMOS:
            sys.stderr.write(f"{demo} ...\n")
            whole, owner = (_rendered(demo, place / demo / profile, profile) for profile in ("regulator", "owner"))
            _page(whole / "report.pdf", place / "drawn" / f"{demo}-page-1.png")
            _page(owner / "report.pdf", place / "drawn" / f"{demo}-owner.png")
            sheets[f"{demo}-pages.png"] = _sheet(whole / "report.pdf", place)
        for width, height, scheme in SCREENS:
            out = place / "drawn" / f"{SHOWN}-{width}{'-dark' if scheme == 'dark' else ''}.png"
            screens.append(_screen(place / SHOWN / "regulator" / "report.html", out, width, height, scheme))
        screens.append(_screen(_compared(place), place / "drawn" / "compared.png", 1000, 1100, "light"))
        _shoot(screens)
        drawn = {path.name: _small(Image.open(path)) for path in (place / "drawn").iterdir()}
        HOME.mkdir(exist_ok=True)
        for old in HOME.glob("*.png"):
            old.unlink()
        for file, raw in {**drawn, **sheets}.items():
            (HOME / file).write_bytes(raw)


def _rendered(demo: str, out: Path, profile: str) -> Path:
    """The documents of a shipped bundle for one kind of reader; its seal is checked by `make test`."""
    with cards.opened(demo) as bundle:
        report.render(bundle, out=out, profile=profile)
    return out


def _page(pdf: Path, out: Path) -> None:
    stem = str(out.with_suffix(""))
    subprocess.run(["pdftoppm", "-r", "80", "-f", "1", "-l", "1", "-singlefile", "-png", str(pdf), stem], check=True)


def _sheet(pdf: Path, place: Path) -> bytes:
    """All pages of a report beside each other, too small to read: what a reader sees who leafs through it."""
    folder = place / "pages" / pdf.parent.parent.name
    folder.mkdir(parents=True)
    subprocess.run(["pdftoppm", "-r", "60", "-png", str(pdf), str(folder / "page")], check=True)
    pages = [Image.open(path).convert("RGB") for path in sorted(folder.iterdir())]
    inks = Image.new("P", (1, 1))
    inks.putpalette([part for ink in INKS for part in ImageColor.getrgb(ink)])
    tries = (_beside(pages, wide).quantize(palette=inks, dither=Image.Dither.NONE) for wide in range(120, 40, -10))
    return _first_small(tries)


def _beside(pages: list[Image.Image], wide: int) -> Image.Image:
    high, rows = round(wide * pages[0].height / pages[0].width), -(-len(pages) // ACROSS)
    sheet = Image.new("RGB", (ACROSS * (wide + GAP) + GAP, rows * (high + GAP) + GAP), "#b8bec6")
    for number, page in enumerate(pages):
        row, column = divmod(number, ACROSS)
        small = page.resize((wide, high), Image.Resampling.LANCZOS)
        sheet.paste(small, (GAP + column * (wide + GAP), GAP + row * (high + GAP)))
    return sheet


def _screen(page: Path, out: Path, width: int, height: int, scheme: str) -> dict[str, Any]:
    return {"page": str(page), "out": str(out), "width": width, "height": height, "scheme": scheme}


def _shoot(screens: list[dict[str, Any]]) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("chromium is not installed: run make test once, which installs it")
    command = ["node", str(Path(__file__).with_name("screens.cjs")), chromium, json.dumps(screens)]
    subprocess.run(command, env={**os.environ, "NODE_PATH": str(ROOT / ".node" / "node_modules")}, check=True)


def _compared(place: Path) -> Path:
    """A model a little worse than the one in service, which stood beside it when it was audited."""
    served = published.audited(place / "before", "letters_before", weight=0.5)
    root = published.prepare(place / "after", "letters_after", weight=0.62)
    shutil.copytree(served.model, root / "letters_served", ignore=shutil.ignore_patterns("__pycache__"))
    with (root / "audit.yaml").open("a", encoding="utf-8") as audit:
        audit.write(SERVED)
    gk.audit(root / "audit.yaml", out=root / "evidence", key=published.key("ci"), as_of=published.DAY)
    found = gk.compare_bundles(
        served.bundle,
        root / "evidence",
        model_a=served.model,
        model_b=root / "letters_after",
        trust=published.trust(),
        as_of=published.LATER,
    )
    page = place / "compared.html"
    page.write_text(comparing.page(found), encoding="utf-8")
    return page


def _small(picture: Image.Image) -> bytes:
    """A palette image of as many colors as there is room for."""
    whole = picture.convert("RGB")
    return _first_small(whole.quantize(colors, dither=Image.Dither.NONE) for colors in (256, 128, 64, 32, 16))


def _first_small(tries: Iterable[Image.Image]) -> bytes:
    """The first that fits into ``MOST_BYTES``, else the last."""
    raw = io.BytesIO()
    for picture in tries:
        raw = io.BytesIO()
        picture.save(raw, "PNG", optimize=True)
        if raw.tell() <= MOST_BYTES:
            break
    return raw.getvalue()


if __name__ == "__main__":
    main()
