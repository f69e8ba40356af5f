"""Licenses: are those of base and data known, and do they allow the intended use?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from govkit.checks._shared import missing
from govkit.core import Case, Component, DataRef, Fact, Finding, LicenseRecord, Measurement, Metric, Role, check
from govkit.core.audit import License
from govkit.licenses import compose, conclude, declared

STATES = ("known", "unknown", "conflict")
"""Best first."""


@check(
    "licenses",
    crosswalk="check.license",
    metrics={
        "base_license": Metric("Whether the license of the base is known.", words=STATES),
        "data_license": Metric("Whether the licenses of the data of a role are known.", words=STATES),
        "composition": Metric("Whether they allow the intended use.", words=("allow", "deny", "unknown")),
        "license_expression": Metric("License of the base or of a data source, as an SPDX expression."),
        "composition_reason": Metric("Why, one sentence each."),
        "obligation": Metric("What has to be done, one sentence each."),
    },
)
def licenses(case: Case) -> Iterator[Finding]:
    """Licenses on record, joined with those that the audit file declares, and their composition for the intended use.

    A declaration adds evidence and never overrules it: where a license file says otherwise, the license is in
    ``conflict``, and a license in conflict or unknown is never taken for one that allows.
    """
    components = _components(case)
    if not components:
        why = "There is no record of the fine-tuning run and the audit file declares no licenses."
        yield missing("*", "no data", why)
        return
    yield from _base(components)
    yield from _data(case, components)
    chosen = next((item.expression for item in case.licenses if item.of == "candidate"), None)
    result = compose(components, intent=case.use.intent, declared=chosen)
    n = len(components)
    yield Measurement(name="composition", value=result.verdict, n=n)
    for name, sentences in (("composition_reason", result.reasons), ("obligation", result.obligations)):
        for number, sentence in enumerate(dict.fromkeys(sentences), 1):
            yield Measurement(name=name, value=sentence, n=n, part={"number": str(number)})


def _components(case: Case) -> list[Component]:
    """What the run was made of, or what the audit file declares in its place: for data, whatever their role."""
    if case.run is not None:
        return [_joined(part, case.licenses) for part in (case.run.base, *case.run.data)]
    roles: dict[str, list[Literal["base"] | Role]] = {"base": ["base"], "data": sorted({"train", *case.data})}
    return [
        Component(
            role=role,
            id=Fact(value=item.id, seen="declared"),
            revision=Fact(seen="unknown"),
            digest=Fact(seen="unknown"),
            rows=Fact(seen="unknown"),
            license=conclude([] if item.expression is None else [declared(item.expression)]),
        )
        for item in case.licenses
        for role in roles.get(item.of, [])
    ]


def _joined(part: Component, said: Sequence[License]) -> Component:
    """A component with what the audit file declares for it as further evidence."""
    kind = "base" if part.role == "base" else "data"
    about = [item for item in said if item.of == kind and item.id == part.id.value]
    signs = [declared(item.expression) for item in about if item.expression is not None]
    if not signs:
        return part
    return part.model_copy(update={"license": conclude([*part.license.evidence, *signs])})


def _base(components: Sequence[Component]) -> Iterator[Finding]:
    bases = [part for part in components if part.role == "base"]
    if not bases:
        yield missing("base_license", "no data", "No license of the base is recorded or declared.")
        return
    yield Measurement(name="base_license", value=_worst([part.license for part in bases]), n=len(bases))
    for part in bases:
        if part.license.expression is not None:
            where = {"base": str(part.id.value)}
            yield Measurement(name="license_expression", value=part.license.expression, n=1, part=where)


def _data(case: Case, components: Sequence[Component]) -> Iterator[Finding]:
    """The worst state for each role as a whole, and each source apart."""
    roles = sorted({part.role for part in components if part.role != "base"} | set(case.data))
    for role in roles:
        parts = [part for part in components if part.role == role]
        if not parts:
            why = f"No license of the {role} data is recorded or declared."
            yield missing("data_license", "no data", why, data=case.data[role])
            continue
        held = case.data.get(role)
        ref = held.ref if held is not None else DataRef(role=role, digest=str(parts[0].digest.value or ""))
        state = _worst([part.license for part in parts])
        yield Measurement(name="data_license", value=state, n=len(parts), data=ref)
        for number, part in enumerate(parts, 1):
            where = {"source": f"{number} {part.id.value}"}
            yield Measurement(name="data_license", value=part.license.state, n=1, part=where, data=ref)
            if part.license.expression is not None:
                yield Measurement(name="license_expression", value=part.license.expression, n=1, part=where, data=ref)


def _worst(licenses: Sequence[LicenseRecord]) -> str:
    return max((item.state for item in licenses), key=STATES.index)
