"""The logo of a report: a file from elsewhere, which may be a picture and nothing else."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from govkit.errors import UsageError

MOST_BYTES = 256 * 1024
MOST_PIXELS = 4096
"""Of one side of a PNG."""

MOST_ELEMENTS, DEEPEST = 2000, 40
"""Elements of an SVG, and of these inside each other."""

_SVG = "{http://www.w3.org/2000/svg}"
_ELEMENTS = frozenset(
    {
        "svg", "g", "defs", "title", "desc", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon",
        "clipPath", "mask", "linearGradient", "radialGradient", "stop",
    }
)  # fmt: skip
_POINTED_TO = frozenset({"clipPath", "mask", "linearGradient", "radialGradient"})
_ATTRIBUTE = re.compile(r"^[a-zA-Z][a-zA-Z0-9:_-]*$")
_LOADS = re.compile(r"(?i)[\\@<>&]|/\*|\b(?:javascript|vbscript|data|https?|file|ftp|expression|import)\s*[:(]|//")
_URL = re.compile(r"url\((['\"]?)#[\w.-]{1,200}\1\)", re.ASCII)
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Logo:
    """A logo as a bundle holds it: its name and its bytes."""

    name: str
    raw: bytes


def check_logo(raw: bytes, name: str) -> str:
    """Look at every byte that could do more than to be seen.

    Args:
        raw: Content of the file.
        name: Name of the file, whose ending says what it is.

    Returns:
        The media type, for an address that holds the content itself.

    Raises:
        UsageError: It is too large, is no such picture, or holds anything that runs, animates, loads or refers.
    """
    if len(raw) > MOST_BYTES:
        raise UsageError(f"{name}: a logo of {len(raw):,} bytes; expected at most {MOST_BYTES:,}: make it smaller")
    if name.lower().endswith(".png"):
        _check_png(raw, name)
        return "image/png"
    _check_svg(raw, name)
    return "image/svg+xml"


def _check_png(raw: bytes, name: str) -> None:
    """A PNG that can be decoded to its last row."""
    if len(raw) < 33 or not raw.startswith(_PNG) or raw[12:16] != b"IHDR":
        raise UsageError(f"{name}: expected a PNG file; found something else")
    width, height = struct.unpack(">II", raw[16:24])
    if not (0 < width <= MOST_PIXELS and 0 < height <= MOST_PIXELS):
        raise UsageError(f"{name}: {width} × {height} pixels; expected 1 to {MOST_PIXELS} on each side")
    from io import BytesIO

    from PIL import Image, ImageFile

    # Others in this process may have asked for half a picture to count as one.
    before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
    try:
        with Image.open(BytesIO(raw), formats=("PNG",)) as picture:
            picture.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise UsageError(f"{name}: a PNG that cannot be decoded ({error}); save it again") from None
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def _check_svg(raw: bytes, name: str) -> None:
    """An SVG of shapes alone: no entities, no script, no style sheet, no text, nothing from elsewhere."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{name}: expected an SVG in UTF-8; found other bytes") from None
    head = re.sub(r"^\s*<\?xml\s[^?<>]*\?>", "", text)
    if "<!DOCTYPE" in head.upper() or "<!ENTITY" in head.upper() or "<?" in head:
        raise UsageError(f"{name}: a logo holds no document type, entity or instruction: save it as a plain SVG")
    try:
        root = ET.fromstring(text.encode())  # noqa: S314 -- no entities, of small size
    except (ET.ParseError, ValueError) as error:
        raise UsageError(f"{name}: expected an SVG; it cannot be read ({error})") from None
    if root.tag != f"{_SVG}svg":
        raise UsageError(f"{name}: expected an SVG; found the element {_plain(root.tag)}")
    for element, inside in _walk(root, name):
        _check_element(element, name, may_point=not inside)
    _check_box(root.get("viewBox", ""), name)


def _walk(root: ET.Element, name: str) -> Iterator[tuple[ET.Element, bool]]:
    """Every element, and whether it stands in what others point to; readers of SVG walk by recursion, this does not."""
    waiting, seen = [(root, 1, False)], 0
    while waiting:
        element, depth, inside = waiting.pop()
        seen += 1
        if depth > DEEPEST or seen > MOST_ELEMENTS:
            found = f"more than {MOST_ELEMENTS} elements, or more than {DEEPEST} inside each other"
            raise UsageError(f"{name}: {found}: save a simpler SVG")
        yield element, inside
        held = inside or str(element.tag).removeprefix(_SVG) in _POINTED_TO
        waiting += [(child, depth + 1, held) for child in element]


def _check_element(element: ET.Element, name: str, *, may_point: bool) -> None:
    tag = str(element.tag)
    if not tag.startswith(_SVG) or tag.removeprefix(_SVG) not in _ELEMENTS:
        allowed = ", ".join(sorted(_ELEMENTS))
        advice = "turn text into paths and save it as a plain SVG"
        raise UsageError(f"{name}: a logo holds no {_plain(tag)}; it may hold {allowed}: {advice}")
    for key, value in element.attrib.items():
        if not _harmless(key, value, may_point=may_point):
            raise UsageError(f"{name}: attribute {_plain(key)} of {_plain(tag)} runs, loads or refers: take it out")


def _harmless(key: str, value: str, *, may_point: bool) -> bool:
    """Whether an attribute only says how a shape looks; it may point inside the file, where no circle comes of it."""
    if not _ATTRIBUTE.match(key) or key.lower() == "href" or key.lower().startswith("on"):
        return key == "{http://www.w3.org/XML/1998/namespace}space"
    inner = _URL.sub("", value) if may_point else value
    return not _LOADS.search(inner) and "url" not in inner.lower()


def _check_box(box: str, name: str) -> None:
    try:
        sides = [float(each) for each in re.split(r"[\s,]+", box.strip())]
    except ValueError:
        sides = []
    if len(sides) != 4 or not all(map(math.isfinite, sides)) or min(sides[2:]) <= 0 or max(map(abs, sides)) > 1e6:
        raise UsageError(f"{name}: viewBox is {box[:60]!r}; expected four numbers that give it a size: save it again")


def _plain(name: object) -> str:
    """The name of an element or attribute without its namespace."""
    return ascii(re.sub(r"^\{[^}]*\}", "", str(name))[:40])
