"""The gallery: each picture that the page shows exists, is small and has words, and none lies there unused."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image

import govkit as gk

DOCS = Path(gk.__file__).parents[1] / "docs"
MOST_BYTES, MOST_OF_ALL = 120_000, 1_500_000
SHOWN = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", (DOCS / "gallery.md").read_text(encoding="utf-8"))


def test_the_page_shows_exactly_the_pictures_that_lie_there_each_once():
    paths = sorted((DOCS / path).relative_to(DOCS).as_posix() for _, path in SHOWN)
    assert paths == sorted(path.relative_to(DOCS).as_posix() for path in (DOCS / "images/gallery").iterdir())


def test_each_picture_is_small_and_says_in_words_what_it_shows():
    alts = [alt for alt, _ in SHOWN]
    assert len(set(alts)) == len(alts) > 10
    assert all(len(alt) > 40 for alt in alts)
    sizes = [(DOCS / path).stat().st_size for _, path in SHOWN]
    assert max(sizes) <= MOST_BYTES
    assert sum(sizes) <= MOST_OF_ALL
    for _, path in SHOWN:
        with Image.open(DOCS / path) as picture:
            assert (picture.format, picture.mode) == ("PNG", "P"), path
