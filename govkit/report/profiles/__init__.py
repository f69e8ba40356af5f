"""Documents for different readers, of the same facts: each a list of sections, in its order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from govkit.errors import UsageError
from govkit.report.blocks import Section
from govkit.report.model import Report
from govkit.report.profiles.index import index
from govkit.report.profiles.owner import owner

Name = Literal["owner", "engineer", "auditor", "regulator"]

MEASURED = ("scope", "license", "change", "performance", "fairness", "calibration", "data", "robustness", "other")
JUDGED = ("register", "people", "coverage", "risks", "gaps", "method", "limits")


@dataclass(frozen=True)
class Profile:
    """What one kind of reader gets.

    Attributes:
        name: Of the profile.
        sections: Keys of its sections, in their order; a section without content is left out.
        whole: Whether page one stands before them, with contents; else they are page one.
    """

    name: Name
    sections: tuple[str, ...]
    whole: bool = True


PROFILES: dict[str, Profile] = {
    each.name: each
    for each in (
        Profile("owner", ("owner-use", "owner-open", "owner-gaps", "owner-people", "owner-check"), whole=False),
        Profile("engineer", (*MEASURED, "gaps", "limits", "findings")),
        Profile("auditor", ("index", *MEASURED, *JUDGED, "findings")),
        Profile("regulator", (*MEASURED, *JUDGED, "index", "findings")),
    )
}
DEFAULT: Name = "regulator"


def profile_of(name: str) -> Profile:
    """The profile of a name.

    Raises:
        UsageError: There is none.
    """
    if name not in PROFILES:
        raise UsageError(f"there is no profile {name!r}; expected one of {', '.join(PROFILES)}")
    return PROFILES[name]


def select(profile: Profile, report: Report, found: Iterable[Section], *, signed: bool = True) -> tuple[Section, ...]:
    """The sections of a profile: those found, the index and the page for the owner, as far as it lists them."""
    known = {section.key: section for section in (*found, index(report), *owner(report, signed=signed))}
    return tuple(known[key] for key in profile.sections if key in known)
