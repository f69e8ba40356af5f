"""Texts that govkit ships in English and that a bundle repeats, in the language of the document.

``said.<code>.yaml`` among the templates holds them: ``exact`` texts, and ``patterns`` with holes. ``{n…}`` takes a
number, ``{own…}`` the name of a column, a group or a person, which stays as it is, and any other hole words, which are
looked up too. Patterns under ``only`` are for texts of one kind. A text of somebody else stays as it is.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache, partial
from typing import Any

from govkit.report.language import DEFAULT, catalog_of, language
from govkit.resources import find, load

LONGEST = 600
"""Characters of a text that patterns are tried on; a longer one is not ours, or stands among the exact ones."""

_HOLE = re.compile(r"\{(\w+)\}")
_NUMERAL = r"[+\-−]?\d[\d.,]*(?:e[+\-]?\d+)?(?<![.,])"


def said(text: str, kind: str = "") -> str:
    """The text in the language of the document; as it is where its catalog does not hold it.

    Args:
        text: What is said.
        kind: What it is, where govkit alone writes it: the check whose word it is, or the key of a part of the rows.
    """
    return text if language() == DEFAULT else _looked_up(text, language(), kind)


@lru_cache(maxsize=4096)
def _looked_up(text: str, code: str, kind: str) -> str:
    exact, patterns = _texts(code)
    plain = " ".join(text.split())
    if plain in exact:
        return exact[plain]
    for pattern, template in (*patterns[""], *patterns.get(kind, ())) if len(plain) <= LONGEST else ():
        if found := pattern.fullmatch(plain):
            filled = partial(_filled, whole=plain, code=code, kind=kind)
            return template.format(**{name: filled(name, own) for name, own in found.groupdict().items()})
    return text


def _filled(name: str, own: str, *, whole: str, code: str, kind: str) -> str:
    """What stands in a hole: a number with the signs of the language, a name, or words, looked up themselves."""
    if name.startswith("n"):
        signs = catalog_of(code)["numerals"]
        return own.translate(str.maketrans({",": signs["group"], ".": signs["point"]}))
    return own if name.startswith("own") or len(own) == len(whole) else _looked_up(own, code, kind)


@cache
def _texts(code: str) -> tuple[dict[str, str], dict[str, tuple[tuple[re.Pattern[str], str], ...]]]:
    """Exact texts, and patterns with what stands for them: those for any text under "", others by their kind."""
    if not (find("templates") / f"said.{code}.yaml").is_file():
        return {}, {"": ()}
    held: dict[str, Any] = load("templates", f"said.{code}.yaml")
    patterns = {"": held.get("patterns") or (), **(held.get("only") or {})}
    return dict(held.get("exact") or {}), {
        kind: tuple((_pattern(each[DEFAULT]), str(each[code])) for each in own) for kind, own in patterns.items()
    }


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
