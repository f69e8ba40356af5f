"""The standards that ship with govkit: the 72 subcategories of the NIST AI RMF and the crosswalk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal

from govkit.documents import read
from govkit.errors import PolicyError
from govkit.resources import find, load


@dataclass(frozen=True)
class Subcategory:
    """One outcome of the NIST AI RMF 1.0 (NIST AI 100-1, tables 1 to 4), as govkit sees it.

    Attributes:
        id: For example ``MEASURE 2.11``.
        says: A paraphrase of at most 20 words.
        evidence: What kind of evidence a tool at model level can hold.
        strength: ``direct``, ``partial`` or ``pointer``.
        listed: Checks, records and attestations that speak to it.
    """

    id: str
    says: str
    evidence: Literal["automated", "documented", "organisational"]
    strength: Literal["direct", "partial", "pointer"]
    listed: tuple[str, ...]


@dataclass(frozen=True)
class Instrument:
    """A law, standard or guidance that an authority can cite, with its state on the day it was checked."""

    id: str
    title: str
    status: str
    superseded_by: str
    checked_on: str

    @property
    def stale(self) -> bool:
        """True where the text is no longer in force."""
        return self.status.startswith(("superseded", "repealed"))


@lru_cache(maxsize=2)
def _standard(name: str) -> dict[str, Any]:
    data: dict[str, Any] = read(find("policies/standards") / name, error=PolicyError).data
    return data


@lru_cache(maxsize=1)
def subcategories() -> Mapping[str, Subcategory]:
    """Id -> subcategory, in the order of the standard."""
    # Every verdict needs this file, so that it has to be read in no time.
    rows = load("policies/standards", "nist_ai_rmf.yaml")["subcategories"]
    return MappingProxyType({row["id"]: _subcategory(row) for row in rows})


def _subcategory(row: dict[str, Any]) -> Subcategory:
    return Subcategory(
        id=row["id"],
        says=row["paraphrase"],
        evidence=row["evidence"],
        strength=row["strength"],
        listed=tuple(row["govkit"]),
    )


@lru_cache(maxsize=1)
def instruments() -> Mapping[str, Instrument]:
    """Key -> instrument, from the sources of the crosswalk."""
    data = _standard("crosswalk.yaml")
    return MappingProxyType(
        {
            key: Instrument(
                id=key,
                title=row["title"],
                status=row["status"],
                superseded_by=row.get("superseded_by", ""),
                checked_on=data["checked_on"],
            )
            for key, row in data["sources"].items()
        }
    )


@lru_cache(maxsize=1)
def crosswalk() -> Mapping[str, tuple[str, ...]]:
    """Row of the crosswalk -> the subcategories that it serves."""
    rows = _standard("crosswalk.yaml")["checks"]
    return MappingProxyType({key: tuple(row["rmf"]) for key, row in rows.items()})
