"""Texts that govkit ships in English and that a bundle repeats, in the language of the document.

``said.<code>.yaml`` among the templates holds them: ``exact`` texts, and ``patterns`` with holes, ``{n…}`` for a number
and any other name for words. What fills a hole is looked up too. A text of somebody else stays as it is.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

from govkit.report.language import DEFAULT, catalog_of, language
from govkit.resources import find, load

LONGEST = 600
"""Characters of a text that patterns are tried on; a longer one is not ours, or stands among the exact ones."""

_HOLE = re.compile(r"\{(\w+)\}")
_NUMERAL = r"[+\-−]?\d[\d.,]*(?:e[+\-]?\d+)?(?<![.,])"


def said(text: str) -> str:
    """The text in the language of the document; as it is where its catalog does not hold it."""
    return text if language() == DEFAULT else _looked_up(text, language())


@lru_cache(maxsize=4096)
def _looked_up(text: str, code: str) -> str:
    exact, patterns = _texts(code)
    plain = " ".join(text.split())
    if plain in exact:
        return exact[plain]
    for pattern, template in patterns if len(plain) <= LONGEST else ():
        if found := pattern.fullmatch(plain):
            return template.format(**{name: _filled(name, own, plain, code) for name, own in found.groupdict().items()})
    return text


def _filled(name: str, own: str, whole: str, code: str) -> str:
    """What stands in a hole: a number with the signs of the language, or words, looked up themselves."""
    if name.startswith("n"):
        signs = catalog_of(code)["numerals"]
        return own.translate(str.maketrans({",": signs["group"], ".": signs["point"]}))
    return _looked_up(own, code) if len(own) < len(whole) else own


@cache
def _texts(code: str) -> tuple[dict[str, str], tuple[tuple[re.Pattern[str], str], ...]]:
    """Exact texts, and patterns with what stands for them."""
    if not (find("templates") / f"said.{code}.yaml").is_file():
        return {}, ()
    held: dict[str, Any] = load("templates", f"said.{code}.yaml")
    patterns = tuple((_pattern(each[DEFAULT]), str(each[code])) for each in held.get("patterns") or ())
    return dict(held.get("exact") or {}), patterns


def _pattern(text: str) -> re.Pattern[str]:
    """A text as a pattern: a hole that comes again must be filled by the same."""
    made, end, seen = "", 0, set[str]()
    for hole in _HOLE.finditer(text):
        name = hole[1]
        fills = f"(?P<{name}>{_NUMERAL if name.startswith('n') else '.+?'})"
        made += re.escape(text[end : hole.start()]) + (f"(?P={name})" if name in seen else fills)
        seen.add(name)
        end = hole.end()
    return re.compile(made + re.escape(text[end:]), re.DOTALL)
