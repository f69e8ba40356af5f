"""The bundle as two predicates of the SLSA framework: provenance v1 and a verification summary (VSA) v1.

They are signed elsewhere, over the subjects of the findings statement. ``govkit`` reaches no SLSA level and names none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from govkit.core import Component, Fact, Run
from govkit.report.exports.lineage import made_by, problems
from govkit.report.exports.shared import binding, fact, hex_of, moment, outcome, said, tidy
from govkit.report.read import Sources

PROVENANCE = "https://slsa.dev/provenance/v1"
SUMMARY = "https://slsa.dev/verification_summary/v1"
BUILD = "urn:govkit:run:v1"
BUILDER = "urn:govkit:recorder:v1"
VERIFIER = "urn:govkit:judge:v1"
PASSED = ("PASS", "PASS_WITH_EXCEPTIONS")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def provenance(sources: Sources) -> dict[str, Any] | None:
    """How the model was made; None without a record that is seen to be the one of this model."""
    run = made_by(sources)
    if run is None:
        return None
    # SLSA wants what the caller chose in the external parameters, and what the builder adds in the internal ones.
    metadata = {"startedOn": run.started} if _TIME.fullmatch(run.started) else {}
    recorded = sources.judged.get("inputs", {}).get("run")
    if recorded:
        metadata["invocationId"] = said(recorded)
    return {
        "buildDefinition": {
            "buildType": BUILD,
            "externalParameters": tidy(
                {
                    "name": run.name,
                    "method": _values(run.method),
                    "hyperparameters": _values(run.hyperparameters),
                    "seed": run.seed.value,
                }
            ),
            "internalParameters": {
                "bound": binding(sources),
                "exit": run.exit,
                "problems": list(problems(run)),
                "declared": sorted(_declared(run)),
            },
            "resolvedDependencies": list(_dependencies(run)),
        },
        "runDetails": {"builder": {"id": BUILDER}, "metadata": metadata},
    }


def _values(facts: dict[str, Fact]) -> dict[str, Any]:
    return {name: found.value for name, found in facts.items() if fact(found) is not None}


def _declared(run: Run) -> Iterator[str]:
    """Parameters that nobody saw and somebody told."""
    for part, facts in (("method", run.method), ("hyperparameters", run.hyperparameters), ("", {"seed": run.seed})):
        yield from (said(f"{part}.{name}".strip(".")) for name, found in facts.items() if found.seen == "declared")


def _dependencies(run: Run) -> Iterator[dict[str, Any]]:
    """Base, data and code; an in-toto resource needs a digest or a URI, so what has neither is named by a URN."""
    yield _resource("base", run.base)
    for place, part in enumerate(run.data):
        yield _resource(f"data-{place}", part)
    yield _code(run)


def _code(run: Run) -> dict[str, Any]:
    """The code; a commit from which it differed, or may have, is no digest of it."""
    commit, dirty, script = (run.code.get(name, Fact(seen="unknown")) for name in ("commit", "dirty", "script_sha256"))
    digest = {}
    if dirty.value is False and isinstance(commit.value, str) and re.fullmatch(r"[0-9a-f]{40}", commit.value):
        digest["gitCommit"] = commit.value
    if sha256 := _plain_hex(script.value):
        digest["sha256"] = sha256
    told = {"commit": fact(commit) or "unknown", "dirty": fact(dirty) or "unknown", "sha256": "of the script that ran"}
    found = {"name": "code", "uri": "urn:govkit:code", "annotations": told}
    return found | ({"digest": digest} if digest else {})


def _plain_hex(value: object) -> str | None:
    return hex_of(value) or (value if isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value) else None)


def _resource(name: str, part: Component) -> dict[str, Any]:
    sha256 = hex_of(part.digest.value)
    notes = {
        "id": fact(part.id) or "unknown",
        "id_seen": part.id.seen,
        "revision": fact(part.revision) or "unknown",
        "digest_seen": part.digest.seen,
        "role": part.role,
        "license": part.license.expression if part.license.state == "known" else part.license.state,
    }
    found: dict[str, Any] = {"name": name, "uri": f"urn:govkit:{name}", "annotations": tidy(notes)}
    return found | ({"digest": {"sha256": sha256}} if sha256 else {})


def summary(sources: Sources) -> dict[str, Any]:
    """What the judge found: ``PASSED`` for a pass alone. A verdict that was not enforced is told as it is."""
    verdict = sources.verdict
    passed = verdict.outcome in PASSED
    level = re.sub(r"\W+", "_", outcome(sources))
    return {
        "verifier": {"id": VERIFIER},
        "timeVerified": moment(sources),
        "resourceUri": f"urn:govkit:model:{binding(sources)['artifact-digest']}",
        "policy": {"uri": "urn:govkit:policy", "digest": _sha256(verdict.policy)},
        "inputAttestations": list(_inputs(sources)),
        "verificationResult": "PASSED" if passed else "FAILED",
        "verifiedLevels": [f"GOVKIT_{level}" if passed else "FAILED"],
    }


def _sha256(digest: str) -> dict[str, str]:
    found = hex_of(digest)
    return {"sha256": found} if found else {}


def _inputs(sources: Sources) -> Iterator[dict[str, Any]]:
    """Payload digests of the verdict itself and of every statement that it rests on."""
    judged = sources.judged
    named = {**judged.get("inputs", {}), "findings": sources.findings_digest, "verdict": sources.verdict_digest}
    listed = [(kind, digest) for kind, digest in sorted(named.items())]
    for kind in ("waivers", "attestations"):
        listed += [(kind.removesuffix("s"), digest) for digest in judged.get(kind, ())]
    for kind, digest in listed:
        yield {"uri": f"urn:govkit:{said(kind)}:v1", "digest": _sha256(digest)}


def attestable(sources: Sources) -> list[tuple[str, str, dict[str, Any]]]:
    """What may be signed as ``(file name, predicate type, predicate)``; no provenance without a record of the run."""
    made = provenance(sources)
    found = [] if made is None else [("exports/provenance.sigstore.json", PROVENANCE, made)]
    return [*found, ("exports/verification-summary.sigstore.json", SUMMARY, summary(sources))]
