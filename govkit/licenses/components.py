"""What a model was made of, with the licenses that a run recorded and an audit file declares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from govkit.core import Component, Fact, Role, Run
from govkit.core.audit import License
from govkit.licenses.conclusion import conclude
from govkit.licenses.evidence import declared


def components(run: Run | None, said: Sequence[License], roles: Iterable[Role]) -> list[Component]:
    """What the run was made of, or what an audit file declares in its place.

    Args:
        run: The record of the run, if there is one.
        said: Licenses that the audit file declares: further evidence for what the run holds.
        roles: Roles of the data at hand; without a run, each declaration about data counts for all of them.
    """
    if run is not None:
        return [_joined(part, said) for part in (run.base, *run.data)]
    known: dict[str, list[Literal["base"] | Role]] = {"base": ["base"], "data": sorted({"train", *roles})}
    return [
        component(role, item.id, [] if item.expression is None else [item.expression])
        for item in said
        for role in known.get(item.of, [])
    ]


def component(role: Literal["base"] | Role, id: str, said: Sequence[str]) -> Component:
    """A component of which nothing is known but what somebody declares."""
    unknown = Fact(seen="unknown")
    return Component(
        role=role,
        id=Fact(value=id, seen="declared"),
        revision=unknown,
        digest=unknown,
        rows=unknown,
        license=conclude([declared(expression) for expression in said]),
    )


def _joined(part: Component, said: Sequence[License]) -> Component:
    kind = "base" if part.role == "base" else "data"
    about = [item for item in said if item.of == kind and item.id == part.id.value]
    signs = [declared(item.expression) for item in about if item.expression is not None]
    if not signs:
        return part
    return part.model_copy(update={"license": conclude([*part.license.evidence, *signs])})
