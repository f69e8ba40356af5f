"""Licenses: are those of base and data known, and do they allow the intended use?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from govkit.checks._shared import missing
from govkit.core import Case, Component, DataRef, Finding, LicenseRecord, Measurement, Metric, Role, check
from govkit.core.words import TASKS
from govkit.licenses import Composition, components, compose, look

STATES = ("known", "unknown", "conflict")
"""Best first."""
STANCES = ("strict", "notice", "ignore")
SEEN = ("met", "not found", "by hand")


@check(
    "licenses",
    crosswalk="check.license",
    tasks=TASKS,
    metrics={
        "base_license": Metric("Whether the license of the base is known.", words=STATES),
        "data_license": Metric("Whether the licenses of the data of a role are known.", words=STATES),
        "composition": Metric("Whether they allow the intended use.", words=("allow", "deny", "unknown")),
        "license_expression": Metric("License of the base or of a data source, as an SPDX expression."),
        "composition_reason": Metric("Why, one sentence each."),
        "obligation": Metric("What has to be done, one sentence each."),
        "obligation_met": Metric("Whether what satisfies it was found beside the model.", words=SEEN),
        "data_stance": Metric("What the licenses of training data mean for the weights.", words=STANCES),
        "data_stance_reason": Metric("Why they are left out."),
    },
)
def licenses(case: Case) -> Iterator[Finding]:
    """Licenses on record, joined with those that the audit file declares, and their composition for the intended use.

    A declaration adds evidence and never overrules it: where a license file says otherwise, the license is in
    ``conflict``, and a license in conflict or unknown is never taken for one that allows.
    """
    parts = components(case.run, case.licenses, case.data)
    if not parts:
        why = "There is no record of the fine-tuning run and the audit file declares no licenses."
        yield missing("*", "no data", why)
        return
    yield from _base(parts)
    yield from _data(case, parts)
    chosen = next((item.expression for item in case.licenses if item.of == "candidate"), None)
    result = compose(parts, intent=case.use.intent, declared=chosen, data_stance=case.use.data_stance)
    n = len(parts)
    yield Measurement(name="composition", value=result.verdict, n=n)
    yield Measurement(name="data_stance", value=case.use.data_stance, n=n)
    if case.use.data_stance_reason:
        yield Measurement(name="data_stance_reason", value=case.use.data_stance_reason, n=n)
    for number, sentence in enumerate(dict.fromkeys(result.reasons), 1):
        yield Measurement(name="composition_reason", value=sentence, n=n, part={"number": str(number)})
    yield from _obligations(case, result, n)


def _obligations(case: Case, result: Composition, n: int) -> Iterator[Finding]:
    """Each duty, and whether the folder that is to be shared holds what satisfies it."""
    folder = case.model_path if case.model_path is not None and case.model_path.is_dir() else None
    name = case.run.name if case.run is not None else ""
    seen = look(result, folder, name=name or folder.name, intent=case.use.intent) if folder is not None else ()
    for number, owed in enumerate(result.owed, 1):
        part = {"number": str(number)}
        yield Measurement(name="obligation", value=str(owed), n=n, part=part)
        if seen:
            yield Measurement(name="obligation_met", value=seen[number - 1], n=n, part=part)


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
    # Rows of which nobody said what they are for count as training data: nothing says that they are not.
    by_role: dict[Role, list[Component]] = {role: [] for role in case.data}
    for part in components:
        if part.role != "base":
            by_role.setdefault("train" if part.role == "unknown" else part.role, []).append(part)
    for role, parts in sorted(by_role.items()):
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
