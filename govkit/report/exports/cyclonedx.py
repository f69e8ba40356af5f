"""The bundle as a CycloneDX 1.6 bill of materials with a model card (ECMA-424; ML-BOM)."""

from __future__ import annotations

from typing import Any

from govkit.core import Component, Measurement
from govkit.report import words
from govkit.report.exports import claims, lineage, shared
from govkit.report.exports.shared import fact, ident, said
from govkit.report.model import GROUP_DIFFERENCES, Report

MODEL = "model"
_PEOPLE = ("custodian", "steward", "owner")
"""Notes on a data set that say who answers for it."""


def cyclonedx(report: Report) -> dict[str, Any]:
    """The document."""
    sources = report.sources
    sets = lineage.datasets(sources)
    tool = {"type": "application", "name": "govkit", "version": shared.tool_version(sources)}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{ident(sources, 'cyclonedx')}",
        "version": 1,
        "metadata": {
            "timestamp": shared.moment(sources),
            "tools": {"components": [tool]},
            "component": _model(report, len(sets)),
            "properties": shared.properties(*shared.binding(sources).items(), ("verdict", shared.outcome(sources))),
        },
        "components": [_dataset(place, each) for place, each in enumerate(sets)],
        "declarations": claims.declarations(report, MODEL),
        "definitions": claims.definitions(report),
    }


def _model(report: Report, sets: int) -> dict[str, Any]:
    sources, base = report.sources, lineage.base_of(report.sources)
    sha256 = shared.hex_of(sources.verdict.subject)
    tied = "no record" if lineage.run_of(sources) is None else "this model" if lineage.made_by(sources) else "not seen"
    license_ = shared.expression(lineage.own_license(sources))
    found = {
        "type": "machine-learning-model",
        "bom-ref": MODEL,
        "name": said(report.name),
        "hashes": _hashes(sha256),
        "licenses": [{"expression": license_, "acknowledgement": "declared"}] if license_ else None,
        "pedigree": {"ancestors": [_base(base)]} if base else None,
        "modelCard": _card(report, sets),
        "properties": shared.properties(
            ("hash", "digest of the canonical manifest of all files of the model" if sha256 else None),
            ("run:wrote", tied),
            *(("run:problem", problem) for problem in lineage.problems(lineage.run_of(sources))),
        ),
    }
    return {key: value for key, value in found.items() if value}


def _base(base: Component) -> dict[str, Any]:
    found = {
        "type": "machine-learning-model",
        "bom-ref": "base",
        "name": fact(base.id) or "base without a name",
        "version": fact(base.revision),
        "hashes": _hashes(shared.hex_of(base.digest.value)),
        "licenses": _concluded(base.license.state, base.license.expression),
        "properties": shared.properties(
            ("id:seen", base.id.seen),
            ("revision:seen", base.revision.seen),
            ("digest:seen", base.digest.seen),
            ("license", f"{base.license.state}: {said(base.license.reason)}"),
        ),
    }
    return {key: value for key, value in found.items() if value}


def _dataset(place: int, each: lineage.Dataset) -> dict[str, Any]:
    record = each.license
    known = shared.properties(
        ("role", each.role),
        ("id:seen", each.seen),
        ("rows", each.rows),
        ("trained-on", "recorded" if each.trained else None),
        ("measured-on", "yes" if each.measured else None),
        ("license", f"{record.state}: {said(record.reason)}" if record else "unknown: nobody said"),
        ("hash", "digest of the rows, whatever their order" if each.sha256 else None),
        *((name, each.told.get(name)) for name in ("collection", "consent")),
    )
    governance = {f"{who}s": [{"contact": {"name": each.told[who]}}] for who in _PEOPLE if who in each.told}
    data = {"type": "dataset", "name": each.name, **({"governance": governance} if governance else {})}
    found = {
        "type": "data",
        "bom-ref": f"data-{place}",
        "name": each.name,
        "version": each.revision,
        "hashes": _hashes(each.sha256),
        "licenses": _concluded(record.state, record.expression) if record else None,
        "data": [data],
        "properties": known,
    }
    return {key: value for key, value in found.items() if value}


def _hashes(sha256: str | None) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": sha256}] if sha256 else []


def _concluded(state: str, text: str | None) -> list[dict[str, str]]:
    found = shared.expression(text) if state == "known" else None
    return [{"expression": found, "acknowledgement": "concluded"}] if found else []


def _card(report: Report, sets: int) -> dict[str, Any]:
    run = lineage.run_of(report.sources)
    architecture = fact(run.method["architecture"]) if run and "architecture" in run.method else None
    parameters: dict[str, Any] = {"datasets": [{"ref": f"data-{place}"} for place in range(sets)]}
    parameters |= {"task": task} if (task := lineage.scope(report, "task")) else {}
    parameters |= {"modelArchitecture": architecture} if architecture else {}
    facts = {**run.method, **run.hyperparameters, "seed": run.seed} if run else {}
    return {
        "modelParameters": parameters,
        "quantitativeAnalysis": {
            "performanceMetrics": [_metric(found, where) for found, where in lineage.metrics(report)]
        },
        "considerations": _considerations(report),
        "properties": shared.properties(
            *((f"run:{said(name, 'unnamed')}", fact(found)) for name, found in sorted(facts.items())),
            *(("gap", shared.sentence(gap)) for gap in report.gaps),
        ),
    }


def _metric(found: Measurement, where: str) -> dict[str, Any]:
    named = {"low": "lowerBound", "high": "upperBound"}
    interval = {named[name]: end for name, end in shared.ends(found).items()}
    metric: dict[str, Any] = {"type": said(found.name), "value": shared.number(found.value), "slice": where}
    return metric | ({"confidenceInterval": interval} if interval else {})


def _considerations(report: Report) -> dict[str, Any]:
    sources = report.sources
    use = sources.audit.use
    limits = [
        *(f"Not for: {said(text)}" for text in use.excluded),
        *(f"To be known: {said(text)}" for text in use.conditions),
        *(f"Known and not measured: {said(item.risk)}: {said(item.reason)}" for item in sources.policy.not_measured),
    ]
    risks = [
        {
            "name": f"{said(risk.description)} ({risk.residual} after the controls, {risk.inherent} before)",
            "mitigationStrategy": said(risk.reason),
        }
        for risk in sources.verdict.risks
    ]
    found = {
        "users": [words.word("intents", intent) for intent in use.intent],
        "useCases": [said(use.purpose)] if use.purpose.strip() else [],
        "technicalLimitations": limits,
        "ethicalConsiderations": risks,
        "fairnessAssessments": _fairness(report),
    }
    return {key: value for key, value in found.items() if value}


def _fairness(report: Report) -> list[dict[str, str]]:
    """What was measured of each group; nothing is said of a group without a measurement."""
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for found, _ in lineage.metrics(report):
        if found.name in GROUP_DIFFERENCES and found.part and "*" not in found.part.values():
            groups.setdefault(tuple(sorted(found.part.items())), []).append(shared.sentence(found))
    return [{"groupAtRisk": words.part(dict(part)), "harms": "; ".join(told)} for part, told in groups.items()]
