"""Whose report it is: name, logo and colors."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from govkit.core.recorded import Recorded

LEAST_CONTRAST = 4.5
"""Of text to what lies behind it (WCAG 2.2, 1.4.3, level AA)."""


class Brand(Recorded):
    """Whose report it is: what stands on its first page beside the verdict, and in which colors.

    Attributes:
        organization: Its name.
        contact: Whom to ask, in one line.
        logo: An SVG or PNG file of at most 256 kB; the bundle keeps its bytes.
        color: Color of headings, ``#rrggbb``; dark enough to be read on white.
        second: Color of the line beside them, the same.
    """

    organization: Annotated[str, Field(min_length=1, max_length=120)]
    contact: Annotated[str, Field(max_length=200)] = ""
    logo: str | None = None
    color: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")] = "#0b5c7a"
    second: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")] = "#0b5c7a"

    @property
    def logo_file(self) -> str | None:
        """Where a bundle keeps the logo."""
        return None if self.logo is None else f"brand/logo.{self.logo.rpartition('.')[2].lower()}"

    @model_validator(mode="after")
    def _logo_is_a_picture(self) -> Brand:
        if self.logo is not None and not self.logo.lower().endswith((".svg", ".png")):
            raise ValueError(f"logo is {self.logo!r}; expected a file that ends with .svg or .png")
        return self

    @model_validator(mode="after")
    def _colors_can_be_read(self) -> Brand:
        for name in ("color", "second"):
            found = contrast_to_white(getattr(self, name))
            if found < LEAST_CONTRAST:
                said = f"{name} {getattr(self, name)} has a contrast of {found:.2f} to white"
                raise ValueError(f"{said}; at least {LEAST_CONTRAST} is needed to read it: choose a darker one")
        return self


def contrast_to_white(color: str) -> float:
    """Contrast of ``#rrggbb`` to white, from 1 (white) to 21 (black).

    Source: WCAG 2.2, definitions of contrast ratio and of relative luminance.
    """
    shares = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in shares)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)
