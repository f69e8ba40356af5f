"""Every fact of a run in one table, for tests that compare it with ``govkit.lineage.FACTS``."""

from __future__ import annotations

from govkit.core import Component, Fact, LicenseRecord, Run
from govkit.lineage.facts import FACTS, OPEN, complete, observed

_LEAST: dict[str, int] = {"not_applicable": 0, "observed": 1, "declared": 2, "unknown": 3}


def facts_of(run: Run) -> dict[str, Fact]:
    """Every fact of a run as ``part.name``; of several data sources the one that is known least."""
    found = {f"base.{name}": fact for name, fact in _of_component(run.base, "base").items()}
    sources = [_of_component(source, "data") for source in run.data]
    for name in FACTS["data"]:
        found[f"data.{name}"] = max((source[name] for source in sources), key=lambda f: _LEAST[f.seen], default=OPEN)
    for part in ("tokenizer", "splits", "method", "hyperparameters", "seeds", "code", "environment", "cost"):
        found |= {f"{part}.{name}": fact for name, fact in complete(part, getattr(run, part)).items()}
    outcome = {
        "loss_curve": observed(len(run.history) or None, "no losses or metrics were seen"),
        "outputs": observed(len(run.outputs) or None, run.artifact.why),
        "artifact": run.artifact,
        "exit": observed(None if run.exit == "unfinished" else run.exit, "its end was never recorded"),
    }
    found |= {f"outcome.{name}": fact for name, fact in outcome.items()}
    return {f"{part}.{name}": found[f"{part}.{name}"] for part, facts in FACTS.items() for name in facts}


def _of_component(component: Component, part: str) -> dict[str, Fact]:
    own = {name: getattr(component, name) for name in ("id", "revision", "digest", "rows")}
    return complete(
        part,
        {name: own[name] for name in own if name in FACTS[part]}
        | component.details
        | {"license": _license(component.license)},
    )


def _license(license: LicenseRecord) -> Fact:
    """A license in conflict is not known; one that rests on a declaration alone is declared."""
    if license.state != "known":
        return Fact(seen="unknown", why=license.reason)
    declared = all(sign.source == "declared" for sign in license.evidence)
    return Fact(value=license.expression, seen="declared" if declared else "observed")
