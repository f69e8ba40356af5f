"""The NOTICE file of a release: whose works are in it, under which licenses, and what was changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from govkit.core import Component
from govkit.licenses.composition import TRAINING
from govkit.licenses.expressions import alternatives
from govkit.licenses.rules import rule

_HEAD = "This model was made by fine-tuning from the works below. Their licenses hold for what it holds of them."


def notice(components: Sequence[Component]) -> str:
    """The text of a NOTICE file.

    Args:
        components: Base and data sources. Data used for measuring only is no part of the model and left out.

    Returns:
        For each work its name, license, copyright lines, the lines that its license demands, what was changed, and the
        digests of the license texts that were found. The same components give the same text, in any order of data.
    """
    works = [part for part in components if part.role == "base" or part.role in TRAINING]
    # In the order of their first words, which puts the base before the data.
    return "\n\n".join(["NOTICE", _HEAD, *sorted({"\n".join(_work(part)) for part in works})]) + "\n"


def _work(part: Component) -> Iterator[str]:
    kind = "Base model" if part.role == "base" else "Training data"
    yield _line(f"{kind}: {part.id.value if part.id.value is not None else 'not known'}")
    if part.license.expression is None:
        yield _line(f"  License: not established ({part.license.reason})")
    names = [name for choice in alternatives(part.license.expression or "") for name in choice]
    if part.license.expression is not None:
        yield _line(f"  License: {part.license.expression}")
    rules = [found for name in dict.fromkeys(names) if (found := rule(name)) is not None]
    yield from (f"  Text: {source}" for source in dict.fromkeys(row.source for row in rules))
    signs = part.license.evidence
    yield from (_line(f"  {line}") for line in dict.fromkeys(line for sign in signs for line in sign.copyright))
    yield from (f"  {duty.text}" for row in rules for duty in row.duties if duty.look == "notice")
    yield "  Changed: " + ("its weights were tuned further." if part.role == "base" else "no; it was used to train.")
    yield from (_line(f"  License text: {sign.where} {sign.sha256}") for sign in signs if sign.sha256)


def _line(text: str) -> str:
    """One line on which nothing hides or reorders text."""
    indent = " " * (len(text) - len(text.lstrip()))
    shown = (c if c.isprintable() else " " if c.isspace() else f"\\u{{{ord(c):04x}}}" for c in text)
    return indent + " ".join("".join(shown).split())
