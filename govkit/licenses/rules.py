"""The rule table: what each license allows and asks, and the names under which licenses go."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field

from govkit.core import Recorded


class Duty(Recorded):
    """One obligation, in our words.

    Attributes:
        do: What to do.
        section: Section of the license that asks for it.
        by: What satisfies it.
        look: Where a machine can see it, if it can: a ``license`` file with the text, a ``notice`` file or a ``card``
            with ``text``, or a ``name`` that begins with ``text``.
        text: Words to look for.
    """

    do: str
    section: str
    by: str
    look: Literal["license", "notice", "card", "name", ""] = ""
    text: str = ""

    def __str__(self) -> str:
        words = f": “{self.text}”" if self.look in {"notice", "card"} else ""
        return f"{self.do} ({self.section}): {self.by}{words}"


class Pin(Recorded):
    """A derivative that is shared must carry the license itself, or one that it accepts in its place.

    Attributes:
        from_: Use from which on it holds: ``distribute``, or ``hosted`` where a service over a network counts too.
        accepts: The other licenses that it accepts.
        refuses: Licenses without a pin of their own that ask for more than it lets anybody ask.
    """

    from_: Annotated[Literal["distribute", "hosted"], Field(alias="from")]
    accepts: tuple[str, ...] = ()
    refuses: tuple[str, ...] = ()


class Rule(Recorded):
    """What one license means for a model made from the licensed thing.

    Attributes:
        source: Address of the text.
        commercial: Whether commercial use is allowed.
        hosted: Whether a service over a network may offer it.
        derivatives: Whether derivatives may be made; ``private`` means made but not shared.
        pin: Share-alike or copyleft, if there is one.
        uses: Name of the list of forbidden uses that has to be passed on, or empty.
        outputs: Whether a model trained on its outputs is ``free`` of it, owes its ``duties``, counts as its
            ``derivative``, or is allowed only for some models (``conditional``).
        duties: Obligations.
        checked_on: Day of the last comparison with the license's text, None if there was none.
    """

    source: str
    commercial: Literal["allowed", "conditional", "forbidden"] = "allowed"
    hosted: Literal["allowed", "forbidden"] = "allowed"
    derivatives: Literal["allowed", "private", "forbidden"] = "allowed"
    pin: Pin | None = None
    uses: str = ""
    outputs: Literal["free", "duties", "derivative", "conditional"] = "free"
    duties: tuple[Duty, ...]
    checked_on: date | None


@cache
def _table() -> dict[str, Any]:
    # The table is a data file beside this module; pyyaml's C loader may be absent, the file is small.
    text = Path(__file__).with_name("rules.yaml").read_text(encoding="utf-8")
    table: dict[str, Any] = yaml.safe_load(text)
    return table


@cache
def rules() -> dict[str, Rule]:
    """SPDX id -> rule, for every license of the table."""
    return {name: Rule.model_validate(row) for name, row in _table()["rules"].items()}


def rule(license_id: str) -> Rule | None:
    """The rule of one license, by its normalized SPDX id, or None where the table has none."""
    return rules().get(license_id)


class Wording(Recorded):
    """A text, by its words: how it begins, how many there are, and the digest of them joined by single blanks."""

    id: str
    begins: str
    words: int
    sha256: str


@cache
def wordings() -> tuple[Wording, ...]:
    """The texts that are known word for word."""
    return tuple(Wording.model_validate(row) for row in _table()["texts"])


@cache
def limiting_words() -> frozenset[str]:
    """Words that can take away what a license gives."""
    return frozenset(_table()["limiting"].split())


def alias(name: str) -> str:
    """SPDX id of a name that hubs or package metadata use; other names come back as they are."""
    found: str = _table()["aliases"].get(name.strip().lower(), name)
    return found


def linked(address: str) -> str | None:
    """The license whose text stands at an address; None where the table has none, or several that changed there."""
    found = [name for name, row in rules().items() if _bare(row.source) == _bare(address)]
    return found[0] if len(found) == 1 else None


def _bare(address: str) -> str:
    return address.lower().partition("://")[2].removeprefix("www.").rstrip("/")


def family(name: str) -> tuple[str, ...] | None:
    """Beginnings of the ids in a family such as ``bsd``; None where the name is no family.

    An empty tuple is a word like ``other``, which no id fits by itself.
    """
    members = _table()["families"].get(name.strip().lower())
    return None if members is None else tuple(members)


def classifier(name: str) -> str | None:
    """What a trove license classifier names: an SPDX id, ``family: NAME``, or None where it is not in the table."""
    found: str | None = _table()["classifiers"].get(name.rsplit("::", 1)[-1].strip())
    return found
