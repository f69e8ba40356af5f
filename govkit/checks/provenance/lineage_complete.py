"""Lineage: is it on record what the model was made of, and is this the model that the record is about?"""

from __future__ import annotations

from collections.abc import Iterator

from govkit.checks._shared import counted, missing
from govkit.core import Case, Component, Fact, Finding, LicenseRecord, Measurement, Metric, Run, check
from govkit.core.words import TASKS
from govkit.errors import EvidenceError, UsageError
from govkit.manifest import artifact_digest

UNKNOWN = Fact(seen="unknown")


@check(
    "lineage_complete",
    crosswalk="record.lineage",
    tasks=TASKS,
    needs={"run"},
    metrics={
        "complete": Metric("Whether every required fact of the run is known."),
        "unknown_facts": Metric("Required facts that are not known.", better="lower", unit="facts", low=0),
        "declared_facts": Metric("Required facts that were told and not seen.", better="lower", unit="facts", low=0),
        "unknown_fact": Metric("A required fact that is not known, by name."),
        "artifact_matches": Metric("Whether the model's files are those that the run wrote."),
        "contradictions": Metric("Sightings that speak against the record.", better="lower", unit="sightings", low=0),
        "contradiction": Metric("What was seen that speaks against the record, one sentence each."),
    },
)
def lineage_complete(case: Case) -> Iterator[Finding]:
    """The facts of the run without which a model cannot be traced: what it came from, how it was tuned, what came out.

    Required: id, digest and license of the base; digest, rows and license of every training set, and at least one of
    these; the method and the number of trainable parameters; the seed; the commit of the code; the version of Python;
    that the run finished; the digest of what it wrote. A fact that is marked as not applicable counts as known.

    Against a record speak data that changed during the run, a cache that served other rows than its file, weights that
    came from another base than the declared one, and entries that could not be written.
    """
    run = case.run
    if run is None:
        return
    facts = _required(run)
    unknown = sorted(name for name, seen in facts.items() if seen == "unknown")
    declared = sum(seen == "declared" for seen in facts.values())
    yield Measurement(name="complete", value=not unknown, n=len(facts))
    against = len(run.problems)
    for name, count in (("unknown_facts", len(unknown)), ("declared_facts", declared), ("contradictions", against)):
        yield counted(name, count, n=len(facts))
    for number, problem in enumerate(run.problems, 1):
        told = f"{problem.kind}: {problem.what}"
        yield Measurement(name="contradiction", value=told, n=1, part={"number": str(number)})
    for name in unknown:
        yield Measurement(name="unknown_fact", value=name, n=1, part={"fact": name})
    yield _match(case, run)


def _required(run: Run) -> dict[str, str]:
    """Name of each required fact -> how it is known."""
    base = run.base
    facts = {"base.id": base.id.seen, "base.digest": base.digest.seen, "base.license": _seen(base.license)}
    trained = [part for part in run.data if part.role == "train"]
    stray = [part for part in run.data if part.role == "unknown"]
    for number, part in enumerate(trained, 1):
        facts |= {f"train.{number}.{name}": seen for name, seen in _of_data(part).items()}
    facts["train"] = "observed" if trained else "unknown"
    # Rows that were read and of which nobody said what for may have been trained on.
    facts |= {f"role of {part.id.value}": "unknown" for part in stray}
    for group, name in (
        (run.method, "method.kind"),
        (run.method, "method.trainable_parameters"),
        (run.code, "code.commit"),
        (run.environment, "environment.python"),
    ):
        facts[name] = group.get(name.split(".")[1], UNKNOWN).seen
    finished = "observed" if run.exit == "finished" else "unknown"
    return {**facts, "seed": run.seed.seen, "artifact": run.artifact.seen, "exit": finished}


def _of_data(part: Component) -> dict[str, str]:
    return {"digest": part.digest.seen, "rows": part.rows.seen, "license": _seen(part.license)}


def _seen(license: LicenseRecord) -> str:
    """A license in conflict is not known; one that rests on a declaration alone is declared."""
    if license.state != "known":
        return "unknown"
    return "declared" if all(sign.source == "declared" for sign in license.evidence) else "observed"


def _match(case: Case, run: Run) -> Finding:
    """Compare the digest of the files at hand with the one on record."""
    name = "artifact_matches"
    if case.model_path is None:
        return missing(name, "unsupported", "There are no files of the candidate to compare with the record.")
    if run.artifact.value is None:
        return missing(name, "no data", "The record holds no digest of the tuned model.")
    try:
        digest = artifact_digest(case.model_path)
    except (EvidenceError, UsageError) as error:
        return missing(name, "unsupported", f"The files of the candidate cannot be identified: {error}")
    return Measurement(name=name, value=digest == run.artifact.value, n=1)
