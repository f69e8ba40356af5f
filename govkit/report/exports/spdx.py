"""The bundle as SPDX 3.0.1 JSON-LD: the model, its base, its data, and how they hang together.

The profiles AI and Dataset also demand a supplier, a release time and a place of download (SPDX 3.0.1, classes
AIPackage and DatasetPackage). No record holds these, so the document uses the classes and claims no conformance to the
two profiles.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from govkit.core import Component, LicenseRecord, Measurement
from govkit.report.exports import lineage, shared
from govkit.report.exports.shared import fact, ident, said
from govkit.report.model import Report
from govkit.report.read import Sources

CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
UNKNOWN = "expandedlicensing_NoAssertionLicense"
_CREATED = "_:created"


def spdx(report: Report) -> dict[str, Any]:
    """The document."""
    sources = report.sources
    elements = list(_elements(report))
    creation = {
        "type": "CreationInfo",
        "@id": _CREATED,
        "specVersion": "3.0.1",
        "created": shared.moment(sources),
        "createdBy": [_id(sources, "agent")],
    }
    document = {
        **_element(sources, "SpdxDocument", "document"),
        "name": said(report.name),
        "profileConformance": ["core", "software", "simpleLicensing"],
        "rootElement": [_id(sources, "model")],
        "element": [each["spdxId"] for each in elements],
    }
    return {"@context": CONTEXT, "@graph": [creation, document, *elements]}


def _id(sources: Sources, *names: str | int) -> str:
    return f"urn:uuid:{ident(sources, 'spdx', *names)}"


def _element(sources: Sources, type_: str, *names: str | int) -> dict[str, Any]:
    return {"type": type_, "spdxId": _id(sources, *names), "creationInfo": _CREATED}


def _elements(report: Report) -> Iterator[dict[str, Any]]:
    sources = report.sources
    agent = _element(sources, "SoftwareAgent", "agent")
    yield {**agent, "name": f"govkit {shared.tool_version(sources)}"}
    yield _model(report)
    yield _bound(sources)
    declared = shared.expression(lineage.own_license(sources))
    yield from _licensed(sources, "model", [declared] if declared else [], None)
    base = lineage.base_of(sources)
    if base is not None:
        yield _base(sources, base)
        yield _related(sources, "base", "ancestorOf", ["model"])
        yield _related(sources, "model", "descendantOf", ["base"])
        yield from _licensed(sources, "base", *_licenses(base.license))
    yield from _data(report)


def _data(report: Report) -> Iterator[dict[str, Any]]:
    sources = report.sources
    sets = lineage.datasets(sources)
    for place, each in enumerate(sets):
        yield _dataset(report, place, each)
        yield from _licensed(sources, f"data-{place}", *_licenses(each.license))
    for relation, chosen in (
        ("trainedOn", [f"data-{place}" for place, each in enumerate(sets) if each.trained]),
        ("testedOn", [f"data-{place}" for place, each in enumerate(sets) if each.measured]),
    ):
        if chosen:
            yield _related(sources, "model", relation, chosen)


def _model(report: Report) -> dict[str, Any]:
    sources, run = report.sources, lineage.run_of(report.sources)
    subject = shared.hex_of(sources.verdict.subject)
    facts = {**run.hyperparameters, "seed": run.seed} if run else {}
    told = [*(f"{said(name)}: {fact(each)}" for name, each in sorted(run.method.items()) if fact(each))] if run else []
    told += [f"Against the record: {problem}" for problem in lineage.problems(run)]
    use = sources.audit.use
    limits = [*use.excluded, *(f"not measured: {item.risk}" for item in sources.policy.not_measured)]
    found = {
        **_element(sources, "ai_AIPackage", "model"),
        "name": said(report.name),
        "software_primaryPurpose": "model",
        "verifiedUsing": _hash(subject, "of the canonical manifest of all files of the model"),
        "ai_hyperparameter": _entries((name, fact(each)) for name, each in sorted(facts.items())),
        "ai_informationAboutTraining": "; ".join(told),
        "ai_informationAboutApplication": said(use.purpose) if use.purpose.strip() else "",
        "ai_limitation": "; ".join(said(text) for text in limits),
        "ai_metric": _entries((f"{said(m.name)} ({where})", _valued(m)) for m, where in lineage.metrics(report)),
    }
    return {key: value for key, value in found.items() if value}


def _valued(found: Measurement) -> str:
    interval = shared.ends(found).items()
    return ", ".join((shared.number(found.value), *(f"interval {name} {end}" for name, end in interval)))


def _entries(named: Iterable[tuple[str, str | None]]) -> list[dict[str, str]]:
    return [{"type": "DictionaryEntry", "key": said(key), "value": value} for key, value in named if value is not None]


def _hash(sha256: str | None, of: str) -> list[dict[str, str]]:
    return [{"type": "Hash", "algorithm": "sha256", "hashValue": sha256, "comment": of}] if sha256 else []


def _bound(sources: Sources) -> dict[str, Any]:
    """What ties the document to its bundle, and the verdict as it is."""
    verdict = sources.verdict
    rulings = {said(ruling.control): ruling.state + (", waived" if ruling.waived else "") for ruling in verdict.rulings}
    statement = {**shared.binding(sources), "verdict": shared.outcome(sources), "rulings": rulings}
    return {
        **_element(sources, "Annotation", "binding"),
        "annotationType": "other",
        "contentType": "application/json",
        "subject": _id(sources, "model"),
        "statement": json.dumps(shared.tidy(statement), sort_keys=True),
    }


def _base(sources: Sources, base: Component) -> dict[str, Any]:
    found = {
        **_element(sources, "ai_AIPackage", "base"),
        "name": fact(base.id) or "base without a name",
        "software_primaryPurpose": "model",
        "software_packageVersion": fact(base.revision),
        "verifiedUsing": _hash(shared.hex_of(base.digest.value), "of the canonical manifest of all files of the base"),
        "comment": f"id {base.id.seen}; revision {base.revision.seen}; digest {base.digest.seen}",
    }
    return {key: value for key, value in found.items() if value}


def _dataset(report: Report, place: int, each: lineage.Dataset) -> dict[str, Any]:
    found = {
        **_element(report.sources, "dataset_DatasetPackage", f"data-{place}"),
        "name": each.name,
        "software_primaryPurpose": "data",
        "software_packageVersion": each.revision,
        "dataset_datasetType": [lineage.kind_of_data(report)],
        "dataset_datasetSize": each.rows,
        "dataset_intendedUse": each.role,
        "dataset_dataCollectionProcess": each.told.get("collection"),
        "verifiedUsing": _hash(each.sha256, "of the rows, whatever their order"),
        "comment": f"name {each.seen}",
    }
    return {key: value for key, value in found.items() if value not in (None, [])}


def _licenses(record: LicenseRecord | None) -> tuple[list[str], str | None]:
    """What its evidence declares, each once, and what was concluded where that is known."""
    if record is None:
        return [], None
    said_ = (shared.expression(sign.expression) for sign in record.evidence)
    concluded = shared.expression(record.expression) if record.state == "known" else None
    return list(dict.fromkeys(each for each in said_ if each)), concluded


def _licensed(sources: Sources, of: str, declared: list[str], concluded: str | None) -> Iterator[dict[str, Any]]:
    texts = list(dict.fromkeys((*declared, *([concluded] if concluded else []))))
    names = {text: f"{of}-license-{place}" for place, text in enumerate(texts)}
    for text, name in names.items():
        made = _element(sources, "simplelicensing_LicenseExpression", name)
        yield {**made, "simplelicensing_licenseExpression": text}
    if declared:
        yield _related(sources, of, "hasDeclaredLicense", [names[text] for text in declared])
    conclusion = _related(sources, of, "hasConcludedLicense", [names[concluded]] if concluded else [])
    yield conclusion if concluded else {**conclusion, "to": [UNKNOWN]}


def _related(sources: Sources, from_: str, relation: str, to: list[str]) -> dict[str, Any]:
    """A relationship; that there are no others of its kind is never claimed."""
    return {
        **_element(sources, "Relationship", from_, relation),
        "from": _id(sources, from_),
        "relationshipType": relation,
        "to": [_id(sources, name) for name in to],
        "completeness": "noAssertion",
    }
