"""What a model was made of and measured on, for exports: never more than the signed record ties to this very model."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from govkit.core import Component, LicenseRecord, Measurement, Run
from govkit.licenses import components
from govkit.report.exports.shared import fact, hex_of, rows_of, said, tidy
from govkit.report.model import DIAGRAM, Report
from govkit.report.read import Sources
from govkit.report.words import family

_KINDS = {"table": "structured", "text": "text", "image": "image"}


@dataclass(frozen=True)
class Dataset:
    """Rows that the model was trained or measured on.

    Attributes:
        name: By which people know them, else their role.
        role: What they are for.
        seen: How the record knows of them; ``measured`` where only the findings name them.
        revision: Commit or version, where known.
        sha256: Hex digest of the rows, where known.
        rows: Number of rows, where known.
        license: What is known of their license.
        trained: Whether the record of the run says that they were trained on.
        measured: Whether a measurement was taken on them.
        told: What else is known of them, by name: how they were collected, who owns them.
    """

    name: str
    role: str
    seen: str
    revision: str | None = None
    sha256: str | None = None
    rows: int | None = None
    license: LicenseRecord | None = None
    trained: bool = False
    measured: bool = False
    told: Mapping[str, str] = field(default_factory=dict)


def run_of(sources: Sources) -> Run | None:
    """The record of the run, unless it is the record of another model."""
    run = sources.run
    made = run.artifact.value if run else None
    return run if made is None or made == sources.verdict.subject else None


def made_by(sources: Sources) -> Run | None:
    """The record of the run that is seen to have written this very model."""
    run = run_of(sources)
    return run if run is not None and run.artifact.value == sources.verdict.subject else None


def base_of(sources: Sources) -> Component | None:
    """The base, where the record of the run or the audit file names it or its digest."""
    parts = components(run_of(sources), sources.audit.licenses, ())
    found = next((part for part in parts if part.role == "base"), None)
    return found if found is not None and (fact(found.id) or hex_of(found.digest.value)) else None


def datasets(sources: Sources) -> tuple[Dataset, ...]:
    """Data of the record or of the audit file first, then rows that only the findings name."""
    tested = {f.data.digest: f.data.role for f in sources.findings if f.kind == "measurement" and f.data is not None}
    known = tuple(_known(sources, tested))
    named = {each.sha256 for each in known}
    rest = ((hex_of(digest), role) for digest, role in tested.items())
    more = (
        Dataset(f"{role} rows", role, "measured", sha256=sha256, measured=True)
        for sha256, role in rest
        if sha256 not in named
    )
    return (*known, *more)


def _known(sources: Sources, tested: Mapping[str, str]) -> Iterator[Dataset]:
    run = run_of(sources)
    for part in components(run, sources.audit.licenses, ()):
        if part.role != "base":
            rows = part.rows.value
            yield Dataset(
                name=fact(part.id) or f"{part.role} data",
                role=part.role if run else "unknown",
                seen=part.id.seen,
                revision=fact(part.revision),
                sha256=hex_of(part.digest.value),
                rows=rows if isinstance(rows, int) and not isinstance(rows, bool) and rows >= 0 else None,
                license=part.license,
                trained=run is not None and part.role == "train",
                measured=part.digest.value in tested,
                told={name: text for name, each in (part.details | part.notes).items() if (text := fact(each))},
            )


def scope(report: Report, name: str) -> str | None:
    """A fact of the check ``scope`` about the candidate."""
    found = next((m.value for m in report.family("scope") if m.name == name and m.of == "candidate"), None)
    return said(found) if isinstance(found, str) and found else None


def kind_of_data(report: Report) -> str:
    """Type of the data, as SPDX calls it."""
    return _KINDS.get(scope(report, "modality") or "", "noAssertion")


def own_license(sources: Sources) -> str | None:
    """The one license that the owner declares for the model."""
    return next((each.expression for each in sources.audit.licenses if each.of == "candidate"), None)


def problems(run: Run | None) -> tuple[str, ...]:
    """What speaks against the record of the run, its end included."""
    if run is None:
        return ()
    told = tuple(said(f"{problem.kind}: {problem.what}") for problem in run.problems)
    return told if run.exit == "finished" else (*told, f"the run did not finish: {run.exit}")


def metrics(report: Report) -> list[tuple[Measurement, str]]:
    """Numbers about the model itself, each with its rows and its check; where these are the same, its parameters too.

    None of an attack whose result cannot be believed, and none of the case.
    """
    found = [(each, f"{rows_of(each)}; check: {said(each.check)}") for each in report.measurements if _own(each)]
    alike = Counter((each.name, where) for each, where in found)
    return [(each, where if alike[each.name, where] == 1 else _asked(each, where)) for each, where in found]


def _own(found: Measurement) -> bool:
    own = found.of == "candidate" and found.compared_with is None and family(found.check) != "scope"
    return own and found.is_number and found.name not in DIAGRAM and found.trust in (None, "trusted")


def _asked(found: Measurement, where: str) -> str:
    return f"{where}; parameters: {said(json.dumps(tidy(found.params), sort_keys=True))}"
