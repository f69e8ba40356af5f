"""JSON written anew: other keys, other values, and other spellings of the same ones."""

from __future__ import annotations

import json
import random
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

Rewrite = Callable[[random.Random, Any], bytes]
"""Plain data -> the bytes of a JSON text that says something else, or the same in another way."""


def text(tree: Any, raws: dict[str, str] | None = None, *, ordered: bool = True) -> bytes:
    """Nearly canonical JSON in which some texts (the keys of ``raws``) are replaced by what no writer would write."""
    found = json.dumps(tree, ensure_ascii=False, sort_keys=ordered, separators=(",", ":"), allow_nan=True)
    for token, raw in (raws or {}).items():
        found = found.replace(json.dumps(token), raw)
    return found.encode("utf-8", "surrogatepass")


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key or index)."""
    for key in tree if isinstance(tree, dict) else range(len(tree)):
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from places(tree[key])


def pick(draw: random.Random, tree: Any, kind: type | tuple[type, ...] = object) -> tuple[Any, Any]:
    """A place whose value is of a kind; any place where none is."""
    every = list(places(tree))
    fit = [(box, key) for box, key in every if isinstance(box[key], kind) and not isinstance(box[key], bool)]
    return draw.choice(fit or every)


def of_kind(draw: random.Random, tree: Any, kind: type) -> Any:
    """A dict or list within a tree, itself included."""
    found = [tree, *(box[key] for box, key in places(tree))]
    return draw.choice([each for each in found if isinstance(each, kind) and each] or [tree])


TOKEN = "@@here@@"


def _drop(draw: random.Random, tree: Any, inner: dict[str, Any], name: str) -> bytes:
    del inner[name]
    return text(tree)


def _add(draw: random.Random, tree: Any, inner: dict[str, Any], name: str) -> bytes:
    inner[draw.choice(["", "keyid", "note", "_type", "__proto__", "x" * 1000])] = draw.choice([0, None, "x", [], {}])
    return text(tree)


def _rename(draw: random.Random, tree: Any, inner: dict[str, Any], name: str) -> bytes:
    inner[draw.choice([name + " ", name.upper() + "_", name[::-1] + "x"])] = inner.pop(name)
    return text(tree)


def _double(draw: random.Random, tree: Any, inner: dict[str, Any], name: str) -> bytes:
    inner[TOKEN] = draw.choice([None, inner[name]])
    return text(tree, {TOKEN: json.dumps(name)}, ordered=draw.random() < 0.5)


def _wrap(draw: random.Random, tree: Any, inner: dict[str, Any], name: str) -> bytes:
    inner[name] = draw.choice([[inner[name]], {"value": inner[name]}, json.dumps(inner[name])])
    return text(tree)


def _bury(draw: random.Random, tree: Any, inner: dict[str, Any], name: str) -> bytes:
    inner[name], deep = TOKEN, draw.choice([30, 300, 900, 990, 5000, 100_000])
    opening, closing = draw.choice([("[", "]"), ('{"a":', "}")])
    return text(tree, {TOKEN: opening * deep + "0" + closing * deep})


def _retype(draw: random.Random, tree: Any, inner: dict[str, Any], name: str) -> bytes:
    box, key = pick(draw, tree)
    box[key] = draw.choice([None, True, 0, "", [], {}, [[]], "sha256:", "x" * 10_000])
    return text(tree)


def _repeat(draw: random.Random, tree: Any, inner: dict[str, Any], name: str) -> bytes:
    listed = of_kind(draw, tree, list)
    if isinstance(listed, list):
        listed.append(listed[0])
    return text(tree)


def structure(draw: random.Random, tree: Any) -> bytes:
    """Keys dropped, added, renamed or doubled; values wrapped, buried, of another type, or repeated."""
    inner = of_kind(draw, tree, dict)
    change = draw.choice([_drop, _add, _rename, _double, _wrap, _bury, _retype, _repeat])
    return change(draw, tree, inner, draw.choice(sorted(inner)))


def unicode(draw: random.Random, tree: Any) -> bytes:
    """Another spelling of a text: composed or not, invisible signs, look-alikes, marks of order, lone surrogates."""
    box, key = pick(draw, tree, str)
    value = str(box[key])
    at = draw.randrange(len(value) + 1)
    how = draw.randrange(7)
    changed = (
        value[:at] + draw.choice("\u200b\u200d\ufeff\u202e\u0301\u00ad") + value[at:],
        value.replace("a", "\u0430").replace("e", "\u0435"),
        unicodedata.normalize("NFD", value + "é"),
        value[:at] + "\ud800" + value[at:],
        value.upper() if value != value.upper() else value.lower(),
        value[:at] + draw.choice("\x00\x07\x7f\u2028\U0001f600") + value[at:],
    )  # fmt: skip
    if how == 6:
        raw = json.dumps(value)
        spelled = "".join(f"\\u{ord(sign):04x}" for sign in value if ord(sign) < 0x10000) or "x"
        box[key] = TOKEN
        return draw.choice([b"", b"\xef\xbb\xbf"]) + text(tree, {TOKEN: draw.choice([raw, f'"{spelled}"'])})
    if draw.random() < 0.2 and isinstance(box, dict):
        box[changed[how]] = box.pop(key)
    else:
        box[key] = changed[how]
    return text(tree)


NUMBERS = (
    "1.0", "1e0", "01", "+1", "-0", "-0.0", "NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e-400", "9" * 20,
    "9007199254740993", "9" * 400, "9" * 5000, "0x10", "1_000", "1.", ".5", "1E+2", "true", '"1"', "0.1e1",
    "1e999999999", "1.00000000000000000001",
)  # fmt: skip


def numbers(draw: random.Random, tree: Any) -> bytes:
    """Another spelling of a number, or a number that none should be."""
    box, key = pick(draw, tree, (int, float))
    old, box[key] = json.dumps(box[key]), TOKEN
    spellings = [f"{old}.0", f"{old}e0", f"-{old}", f"{old}0", f" {old}"] if old[-1:].isdigit() else []
    return text(tree, {TOKEN: draw.choice([*NUMBERS, *spellings])})


def order(draw: random.Random, tree: Any) -> bytes:
    """Keys, items or white space in another order."""
    how = draw.randrange(3)
    if how == 0:
        inner = of_kind(draw, tree, dict)
        if isinstance(inner, dict):
            items = list(inner.items())
            draw.shuffle(items)
            inner.clear()
            inner.update(items)
        return text(tree, ordered=False)
    if how == 1:
        listed = of_kind(draw, tree, list)
        if isinstance(listed, list):
            draw.shuffle(listed)
        return text(tree)
    return draw.choice([b" ", b"\n", b"\r\n", b"\t", b"\0"]).join([text(tree), draw.choice([b"", b"{}"])])


def anything(draw: random.Random, tree: Any) -> bytes:
    return draw.choice([structure, unicode, numbers, order])(draw, tree)
