"""License texts: which license a text is, word for word.

Model licenses and other long texts are known by the digest of their words. For all others the identification is
licenseclassifier's, a port of Google's licensecheck. It finds a license inside a text; two checks around it make sure
that the text is the license and nothing more: no limiting word stands outside the match, and the match adds none to
the license's own pattern. Without them a sentence such as "not for commercial use" added to a permissive license would
pass.
"""

from __future__ import annotations

import gzip
import json
import re
from difflib import SequenceMatcher
from functools import cache
from hashlib import sha256
from importlib import import_module
from importlib.resources import files
from typing import Any

from govkit.licenses.expressions import normalize
from govkit.licenses.rules import limiting_words, wordings

_WORD = re.compile(r"[a-z0-9]+")
_LINK_TARGET = re.compile(r"\]\([^)]*\)")
_ENDORSE = re.compile(
    r"\b(neither|none|names?)((?: [a-z0-9]+){0,40}?) (?:may|shall|will)(?: not)? be (used to endorse)\b"
)
_GROUP = re.compile(r"\(\(((?:(?!\(\(|\)\)).)*)\)\)(\?\?)?", re.DOTALL)
_SPDX_LINE = re.compile(r"^\W*SPDX-License-Identifier:\s*(?P<id>[^*\n]+?)\W*$", re.MULTILINE)


def identify(text: str) -> str | None:
    """SPDX expression that a license text is, or None where it is not exactly the text of known licenses.

    A line ``SPDX-License-Identifier: ...`` or a text that is nothing but an expression counts as well. Texts of several
    licenses in one file apply together (``AND``). None also means that the extra ``licenses`` is not installed and the
    text would have been needed.
    """
    return _by_identifier(text) or _by_words(text) or _by_text(text)


def _by_identifier(text: str) -> str | None:
    named = {match["id"] for match in _SPDX_LINE.finditer(text)}
    rest = _SPDX_LINE.sub("", text)
    if not named and len(text.split()) <= 3:
        named, rest = {text.strip()}, ""
    if len(named) != 1 or _limits(rest):
        return None
    return normalize(named.pop())


def _by_words(text: str) -> str | None:
    words = _WORD.findall(_LINK_TARGET.sub("]", text).replace("©", "(c)").lower())
    joined = f" {' '.join(words)} "
    for known in wordings():
        first = joined.partition(f" {known.begins} ")[0].count(" ")
        inside = " ".join(words[first : first + known.words])
        outside = [*words[:first], *words[first + known.words :]]
        if sha256(inside.encode()).hexdigest() == known.sha256 and limiting_words().isdisjoint(outside):
            return known.id
    return None


def _by_text(text: str) -> str | None:
    try:
        classifier = import_module("licenseclassifier")
    except ModuleNotFoundError:
        return None
    matches = classifier.identify_license(text)
    if not matches or _limits(_outside(text, matches)):
        return None
    if any(_adds(match.id, text[match.start : match.end]) for match in matches):
        return None
    ids = {match.id for match in matches}
    # The appendix of a GNU text shows a notice with "or any later version"; it grants nothing by itself.
    ids -= {f"{name}-or-later" for name in ids}
    return normalize(" AND ".join(sorted(ids)))


def _outside(text: str, matches: list[Any]) -> str:
    starts, ends = [match.start for match in matches], [match.end for match in matches]
    return "\n".join(text[end:start] for end, start in zip([0, *ends], [*starts, None], strict=True))


def _limits(text: str) -> bool:
    return not limiting_words().isdisjoint(_WORD.findall(text.lower()))


def _adds(license_id: str, matched: str) -> bool:
    """Whether the matched text holds a limiting word that no pattern of the license has at that place."""
    text = " ".join(_WORD.findall(matched.lower()))
    words = _ENDORSE.sub(_names, text).split()
    patterns = _patterns().get(license_id, ())
    return not any(_within(pattern, words) for pattern in patterns)


def _names(match: re.Match[str]) -> str:
    """The endorsement clause of BSD-like licenses names people: a slot for any words but limiting ones."""
    slot = set(match[2].split()) - {"nor"}
    return match[0] if slot & limiting_words() else f"{match[1]} {match[3]}"


def _within(pattern: tuple[str, ...], words: list[str]) -> bool:
    for tag, _, _, low, high in SequenceMatcher(None, pattern, words, autojunk=True).get_opcodes():
        if tag in {"insert", "replace"} and not limiting_words().isdisjoint(words[low:high]):
            return False
    return True


@cache
def _patterns() -> dict[str, tuple[tuple[str, ...], ...]]:
    """Words of each license in order, in up to three wordings, from licenseclassifier's own table."""
    packed = files("licenseclassifier").joinpath("_engine", "licenses.json.gz").read_bytes()
    found: dict[str, list[tuple[str, ...]]] = {}
    for entry in json.loads(gzip.decompress(packed)):
        # In these patterns //** comment **// is no text and __20__ stands for up to 20 words of any kind.
        text = re.sub(r"//\*\*.*?\*\*//|__\d+__", " ", entry["lre"], flags=re.DOTALL)
        if text.strip():
            wordings = (text, _wording(text, least=0), _wording(text, least=10))
            found.setdefault(entry["id"], []).extend(tuple(_WORD.findall(each.lower())) for each in wordings)
    return {name: tuple(dict.fromkeys(patterns)) for name, patterns in found.items()}


def _wording(text: str, *, least: int) -> str:
    """One wording of a pattern: of ``((a || b))`` the first, and ``((a))??`` where it has at least so many words."""
    changed = 1
    while changed:
        text, changed = _GROUP.subn(lambda group: _chosen(group, least), text)
    return text


def _chosen(group: re.Match[str], least: int) -> str:
    first: str = group[1].split("||")[0]
    return "" if group[2] and len(_WORD.findall(first)) < least else first
