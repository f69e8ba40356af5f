"""Reads a policy: a shipped pack by name, or a file by its path, with everything that it extends."""

from __future__ import annotations

import re
from pathlib import Path

from govkit.core.policy import Policy
from govkit.documents import Document, nearest, read, read_text, validate
from govkit.errors import PolicyError
from govkit.policy.extend import merged, refuse_loosening
from govkit.policy.form import digest, plain
from govkit.policy.templates import FILE
from govkit.resources import find

MAX_PARENTS = 16


def packs() -> tuple[str, ...]:
    """Names of the policies that ship with govkit, sorted."""
    return tuple(sorted(path.stem for path in find("policies").glob("*.yaml") if path.name != FILE))


def load(name_or_path: str | Path) -> Policy:
    """Read a policy and resolve what it extends.

    Args:
        name_or_path: A shipped pack (``nist-ai-rmf-core``, ``govkit:nist-ai-rmf-core@0``), or the path of a YAML file.
            Whatever has a suffix or a separator is a path.

    Returns:
        The policy with its parents merged in; ``extends`` is empty, the relaxations stay in ``relax``.

    Raises:
        PolicyError: The file cannot be read, or says something that is wrong; names file, line, key and what was
            expected.
    """
    return _load(_locate(name_or_path, Path()), ())


def places(name_or_path: str | Path) -> dict[str, str]:
    """Where the controls and triggers of a policy that loads stand: id -> ``FILE:LINE``; ``""`` is the policy itself.

    What a file inherits stands where the nearest file says something of it.
    """
    path = _locate(name_or_path, Path())
    source = read(path, error=PolicyError)
    found: dict[str, str] = {}
    for reference in _parents(source):
        found |= places(_locate(reference, path.parent))
    own = ((key, index, row) for key in ("controls", "triggers") for index, row in enumerate(source.data.get(key, [])))
    found |= {row["id"]: source.spot((key, index)) for key, index, row in own}
    return {**found, "": source.spot(("schema",))}


def parents(name_or_path: str | Path) -> dict[str, str]:
    """Digest of every policy that a policy extends, as loaded, by the reference that names it."""
    path = _locate(name_or_path, Path())
    found: dict[str, str] = {}
    for reference in _parents(read(path, error=PolicyError)):
        above = _locate(reference, path.parent)
        found |= {**parents(above), reference: digest(_load(above, ()))}
    return found


def _locate(reference: str | Path, folder: Path) -> Path:
    """Path of a policy, from the name of a pack or a path relative to ``folder``."""
    text = str(reference)
    if text.startswith("govkit:"):
        return _pack(text.removeprefix("govkit:"))
    shipped = isinstance(reference, str) and text.split("@")[0] in packs()
    looks_like_path = isinstance(reference, Path) or Path(text).suffix != "" or "/" in text or "\\" in text
    return folder / text if looks_like_path and not shipped else _pack(text)


def _pack(reference: str) -> Path:
    name, _, major = reference.partition("@")
    if name not in packs():
        raise PolicyError(
            f"no policy called {name!r} ships with govkit{nearest(name, packs())}; "
            f"the path of a file needs a suffix, such as {name}.yaml"
        )
    path = find("policies") / f"{name}.yaml"
    if major:
        # The line alone: a pack is parsed once, where it is loaded.
        said = re.search(r"^version: *(\S+)", read_text(path, error=PolicyError), flags=re.MULTILINE)
        version = said[1] if said else ""
        if version.split(".")[0] != major:
            raise PolicyError(f"policy {name}: version {major} is asked for, version {version} is installed")
    return path


def _load(path: Path, chain: tuple[Path, ...]) -> Policy:
    source = read(path, error=PolicyError)
    parents = _parents(source)
    if not parents:
        return validate(source, Policy)
    here = (*chain, path.resolve())
    found = []
    for index, reference in enumerate(parents):
        try:
            parent = _locate(reference, path.parent)
            read_text(parent, error=PolicyError)
        except PolicyError as error:
            raise source.fault(("extends", index), f"extends {reference!r}: {error}") from None
        if parent.resolve() in here:
            names = " > ".join(step.name for step in (*here, parent))
            raise source.fault(("extends", index), f"the policies extend each other in a circle: {names}")
        if len(here) > MAX_PARENTS:
            raise source.fault(("extends", index), f"more than {MAX_PARENTS} policies extend each other")
        found.append(_load(parent, here))
    return _extended(source, found)


def _parents(source: Document) -> list[str]:
    parents = source.data.get("extends", [])
    parents = [parents] if isinstance(parents, str) else parents
    if not isinstance(parents, list) or not all(isinstance(name, str) for name in parents):
        raise source.fault(("extends",), "extends: expected a list of names or paths of policies")
    return parents


def _extended(source: Document, parents: list[Policy]) -> Policy:
    """The file laid over its parents; of two parents the later one is laid over the earlier, and may only tighten."""
    ground = parents[0]
    for other in parents[1:]:
        days = [day for day in (ground.review_by, other.review_by) if day is not None]
        first = {"review_by": min(days).isoformat()} if days else {}
        ground = _laid_over(ground, Document(other.id, {**plain(other), **first}, {}, PolicyError), idle=True)
    return _laid_over(ground, source)


def _laid_over(parent: Policy, source: Document, *, idle: bool = False) -> Policy:
    policy = validate(merged(plain(parent), source), Policy)
    refuse_loosening(parent, policy, source, idle=idle)
    return policy
