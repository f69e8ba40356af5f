"""What readers of OSCAL let pass: references that lead nowhere, times in the wrong order, methods of nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from govkit.core import times
from govkit.errors import EvidenceError

OSCAL_VERSION = "1.2.1"
ROOTS = ("assessment-results", "plan-of-action-and-milestones")
METHOD = re.compile("EXAMINE|INTERVIEW|TEST|UNKNOWN")
"""Values of ``method`` in the OSCAL model of assessment results."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[45][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_LISTS = {
    "observation-uuid": {"observations"},
    "risk-uuid": {"risks"},
    "finding-uuid": {"findings"},
    "party-uuids": {"parties"},
    "subject-uuid": {"components", "parties", "resources"},
    "actor-uuid": {"components", "parties"},
}
"""Kind of reference -> the lists in which what it means must stand. Any other kind is refused: nothing writes one."""

_ORDERED = (("start", "end"), ("collected", "expires"))
_TIMES = frozenset({"start", "end", "collected", "expires", "deadline", "last-modified", "published"})

Place = tuple[str, str, Any]
"""The list or object that holds it, its key (empty for the object itself), its value."""


def check_references(document: dict[str, Any], *, file: str = "") -> None:
    """Check what an OSCAL document refers to.

    Args:
        document: Assessment results, or a plan of action and milestones.
        file: Name of the file, for the message.

    Raises:
        EvidenceError: ``EXPORT_DANGLING``: a UUID stands twice or nowhere, a target is no reviewed objective, times
            are out of order, a method is none of the standard's, or the version is another one.
    """
    root = document.get(next(iter(document), ""))
    if len(document) != 1 or not {*document} <= {*ROOTS} or not isinstance(root, dict):
        raise _dangling(f"expected one of {', '.join(ROOTS)}", file)
    places = list(_walk(root, next(iter(document))))
    version = get(root, "metadata", "oscal-version")
    if version != OSCAL_VERSION:
        raise _dangling(f"oscal-version is {ascii(version)[:40]}; expected {OSCAL_VERSION!r}", file)
    faults = (*_unresolved(places), *_disordered(places), *_untargeted(root))
    if faults:
        raise _dangling(faults[0], file)


def _dangling(what: str, file: str) -> EvidenceError:
    return EvidenceError("EXPORT_DANGLING", f"{file or 'OSCAL'}: {what}; write the documents again", file=file)


def get(found: Any, *keys: str) -> Any:
    """What stands under keys inside each other; None where it does not."""
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def listed(found: Any, *keys: str) -> list[Any]:
    """The list that stands there; empty where none does."""
    value = get(found, *keys)
    return value if isinstance(value, list) else []


def _walk(found: Any, inside: str) -> Iterator[Place]:
    """Every object as ``(list, "", object)`` and every key of it."""
    if isinstance(found, dict):
        yield inside, "", found
        for key, value in found.items():
            yield inside, key, value
            yield from _walk(value, key)
    elif isinstance(found, list):
        for each in found:
            yield from _walk(each, inside)


def _unresolved(places: list[Place]) -> Iterator[str]:
    defined: dict[str, str] = {}
    for inside, key, value in places:
        if key == "uuid":
            if not isinstance(value, str) or not _UUID.fullmatch(value):
                yield f"{ascii(value)[:60]} in {inside} is no UUID"
            elif value in defined:
                yield f"the UUID {value} stands in {defined[value]} and in {inside}"
            else:
                defined[value] = inside
    for _, key, value in places:
        for each in value if isinstance(value, list) and key == "party-uuids" else [value]:
            yield from _reference(key, each, defined)


def _reference(key: str, value: Any, defined: dict[str, str]) -> Iterator[str]:
    shown = ascii(value)[:60]
    if key.endswith(("-uuid", "-uuids")):
        if key not in _LISTS:
            yield f"{key} is a reference that govkit does not write"
        elif not isinstance(value, str) or defined.get(value) not in _LISTS[key]:
            yield f"{key} {shown} is defined nowhere in {', '.join(sorted(_LISTS[key]))}"
    if key == "href" and str(value).startswith("#") and defined.get(str(value)[1:]) != "resources":
        yield f"href {shown} is no resource of the back matter"


def _disordered(places: list[Place]) -> Iterator[str]:
    for inside, key, value in places:
        if key in _TIMES and _time(value) is None:
            yield f"{key} of {inside} is no time with a zone: {ascii(value)[:40]}"
        if key == "methods" and not (
            isinstance(value, list) and value and all(METHOD.fullmatch(str(v)) for v in value)
        ):
            yield f"methods of {inside} are {ascii(value)[:60]}; expected some of {METHOD.pattern}"
        if key == "":
            for first, second in _ORDERED:
                begin, end = _time(value.get(first)), _time(value.get(second))
                if begin is not None and end is not None and end < begin:
                    yield f"{second} of {inside} is before its {first}"


def _time(value: Any) -> datetime | None:
    try:
        return times.instant(value)
    except ValueError:
        return None


def _untargeted(root: dict[str, Any]) -> Iterator[str]:
    """A finding of assessment results is about an objective that was reviewed."""
    for result in listed(root, "results"):
        chosen = listed(result, "reviewed-controls", "control-objective-selections")
        known = [get(each, "objective-id") for one in chosen for each in listed(one, "include-objectives")]
        for finding in listed(result, "findings"):
            target = get(finding, "target", "target-id")
            if target not in known:
                yield f"target-id {ascii(target)[:60]} is no objective that was reviewed"
