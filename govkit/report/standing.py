"""What a document says of itself: a draft, not checked when it was written, or made from what does not verify."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Literal
from xml.sax.saxutils import escape

from govkit.report.escape import short
from govkit.report.words import catalog

_PAGE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 210 297"><text x="105" y="155" \
transform="rotate(-52 105 148)" text-anchor="middle" font-family="DejaVu Sans" font-weight="700" font-size="{size}" \
fill="#9b1c1c" fill-opacity="0.16">{text}</text></svg>"""
_RULE = """@media print {{ html {{ background: none; }} }}
@page {{
  background: url("data:image/svg+xml;base64,{drawing}") no-repeat center / cover;
  @bottom-center {{
    content: "{text}"; font: 700 8pt "DejaVu Sans"; color: #9b1c1c; vertical-align: top; padding-top: 4mm;
  }}
}}"""
WIDEST = 250
"""Width of the words across a page, in millimeters; a letter is about 0.78 of its height."""


@dataclass(frozen=True)
class Standing:
    """How far a document may be believed.

    Attributes:
        kind: ``draft``: nobody has signed the release. ``unchecked``: nobody verified the bundle when the document was
            written. ``unverified``: somebody did, and it does not verify.
        why: What does not verify.
    """

    kind: Literal["draft", "unchecked", "unverified"]
    why: str = ""

    @property
    def title(self) -> str:
        """The words across each page, and in the banner."""
        return str(catalog()["profiles"]["standing"][self.kind]["title"])

    @property
    def says(self) -> str:
        """What that means, for page one."""
        says = str(catalog()["profiles"]["standing"][self.kind]["says"])
        return f"{says} {short(self.why)}" if self.why else says

    @property
    def loud(self) -> bool:
        """Whether it stands across each page."""
        return self.kind != "unchecked"

    @property
    def style(self) -> str:
        """Rules that put the words across each printed page, and in its margin, where readers of text find them."""
        if not self.loud:
            return ""
        size = round(WIDEST / (0.78 * len(self.title)), 1)
        drawing = _PAGE.format(size=size, text=escape(self.title)).encode()
        return _RULE.format(drawing=base64.b64encode(drawing).decode("ascii"), text=self.title)
