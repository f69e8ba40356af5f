"""How wide a text is in DejaVu Sans, so that nothing is cut off or drawn over something else."""

from __future__ import annotations

from govkit.report.escape import DRAWN, drawable, short

_CODES = (
    "079ahdkg688ah7877dddddddddd77hhhbkeeegdcgg66ecifgdgeddfekede878haaddbdd8dd66c6kdddd9b8dchccbd7dh79dd"
    "dd7aakadhkaah99add7a9adkkkbeeeeeekedddd6666gfggggghgffffdddddddddkbdddd6666dddddddhdddddcdcedededebe"
    "bebebgdgdddddddddddgdgdgdgdgdje6666666666cc66eccc6c6c8c7c6fdfdfdhfdgdgdgdmle9e9e9dbdbdbdbd8d8d8fdfdf"
    "dfdfdfdkhdcdebebeb8dfededfebghedddgdc8gek86fc6ckfdgjdjgededbd78d8didgfffebeecbdecbd6aa6tqohgajjged66"
    "gdfdfdfdfdfddededkkgdgdecgdgdec6tqogdnefdedkkgdededdddd6666gdgde9e9fdfddbd8dbgdfhedebedddgdgdgdgddca"
    "ha6kkeebcdbbdaefedd66gde9dcefi9hhh7eecedegg6eeifdggddddgegg6debd7cedcdbbdd7ccdccdddcddceceh7cdchddgd"
    "ed666mlgffdgeeedgdmdfffgigggdeddiegemmhieemeddcbedjbddddgededbccicecjjfgcbhddddbbb666jieddcedbec88da"
    "kk7777bbbaackrhhhhhhhhhhhjjggggiihh"
)
"""Advance width of each character of ``DRAWN`` in twentieths of the size of the font, rounded up; base 36."""

_WIDTHS = dict(zip((chr(code) for low, high in DRAWN for code in range(low, high + 1)), _CODES, strict=True))


def width(text: str, size: float) -> float:
    """Width of a ``drawable`` text at a size of the font, in the unit of the size."""
    return sum(int(_WIDTHS[character], 36) for character in text) * size / 20


def fitted(text: str, size: float, room: float) -> str:
    """A free text as it can be drawn, cut where it would be wider than ``room``."""
    whole = drawable(short(text, longest=200))
    if width(whole, size) <= room:
        return whole
    while whole and width(whole + "…", size) > room:
        whole = whole[:-1]
    return whole.rstrip() + "…"


def split(text: str, size: float, room: float) -> tuple[str, str]:
    """As many words as fit on one line, and the rest."""
    words = drawable(short(text, longest=200)).split(" ")
    fits = [at for at in range(1, len(words) + 1) if width(" ".join(words[:at]), size) <= room]
    at = fits[-1] if fits else 1
    return " ".join(words[:at]), " ".join(words[at:])
