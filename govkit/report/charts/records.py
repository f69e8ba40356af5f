"""Figures of what was recorded: where the model comes from, what the licenses allow, the declared risks."""

from __future__ import annotations

from typing import Any

from govkit.core import Component
from govkit.licenses import components, compose
from govkit.report.charts.chart import Axis, Chart
from govkit.report.escape import NAME, clean, short
from govkit.report.model import Report
from govkit.report.words import catalog, mark, word

LEARNED = ("base", "train", "unknown", "calibration", "canary")
"""Roles that a run learned from, or of which nobody said that it did not."""
MOST_SOURCES = 12
"""Parts of a model that a figure draws; its table holds all of them."""
ORDINALS = Axis(1.0, 5.0, (1.0, 2.0, 3.0, 4.0, 5.0))
USES = ("distribute", "hosted", "commercial")
"""Uses that are asked about where none is declared."""


def lineage(report: Report) -> Chart | None:
    """Base, data, run and model."""
    run = report.sources.run
    if run is None:
        return None
    learned_first = sorted(run.data, key=lambda part: part.role not in LEARNED)
    parts = [_part(part) for part in (run.base, *learned_first)]
    method = run.method.get("name")
    step = {"role": "run", "id": run.name, "method": method.value if method else None, "exit": run.exit}
    model = {"role": "model", "id": report.name, "digest": report.sources.verdict.subject}
    main = {"base": short(str(run.base.id.value or "–"), NAME), "run": short(run.name, NAME),
            "model": short(report.name, NAME)}  # fmt: skip
    more = max(len(parts) - 1 - MOST_SOURCES, 0)
    return Chart("lineage", "lineage", facts=(*parts, step, model), main=main, more=more)


def _part(part: Component) -> dict[str, Any]:
    return {
        "role": part.role,
        "id": part.id.value,
        "digest": part.digest.value,
        "rows": part.rows.value,
        "license": part.license.expression,
        "state": part.license.state,
    }


def _drawable(part: Component) -> Component:
    """A part under a name of visible characters, which is all that sentences about its license can hold."""
    name = part.id.model_copy(update={"value": None if part.id.value is None else clean(str(part.id.value))})
    return part.model_copy(update={"id": name})


def licenses(report: Report) -> Chart | None:
    """For each part and declared use whether its license allows it; only where the signed answer comes out, too."""
    signed, sources = report.find("composition"), report.sources
    use = sources.audit.use
    parts = [_drawable(part) for part in components(sources.run, sources.audit.licenses, ())]
    chosen = next((item.expression for item in sources.audit.licenses if item.of == "candidate"), None)
    whole = compose(parts, intent=use.intent, declared=chosen, data_stance=use.data_stance)
    if signed is None or not parts or whole.verdict != signed.value:
        return None
    rows = tuple(
        {
            **_part(part),
            "uses": {
                intent: compose((part,), intent=(intent,), declared=None, data_stance=use.data_stance).verdict
                for intent in use.intent or USES
            },
        }
        for part in parts
        if part.role in ("base", "train", "unknown")
    )
    together = word("values", str(signed.value))
    more = max(len(rows) - 1 - MOST_SOURCES, 0)
    return Chart("licenses", "licenses", findings=(signed,), facts=rows, main={"together": together}, more=more)


def risks(report: Report) -> Chart | None:
    """Declared risks by likelihood and impact, and their level after the controls."""
    declared = {risk.id: risk for risk in report.sources.policy.risks}
    rows = tuple(
        {
            "id": risk.id,
            "impact": declared[risk.id].impact,
            "likelihood": declared[risk.id].likelihood,
            "before": risk.inherent,
            "after": risk.residual,
        }
        for risk in report.sources.verdict.risks
        if risk.id in declared
    )
    levels = [{key: mark("levels", str(row[key])).text for key in ("before", "after")} for row in rows[:3]]
    says = catalog()["told"]["risk"]
    told = "; ".join(
        says.format(risk=short(str(row["id"]), NAME), **own) for row, own in zip(rows, levels, strict=False)
    )
    axes = dict.fromkeys(("impact", "likelihood"), ORDINALS)
    return Chart("risks", "risks", axes=axes, facts=rows, main={"main": told}) if rows else None
