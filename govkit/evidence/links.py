"""What ties the statements of a bundle together. The signer checks it before sealing, the verifier after opening."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from govkit.core.words import Outcome
from govkit.errors import EvidenceError
from govkit.evidence.predicates import FindingsLinks, Release, VerdictLinks, file_of, parse
from govkit.evidence.statement import Subjects

MODEL_PREFIX = "model:"
"""Marks model files among the subjects; no path holds a colon, so a model file is never taken for a bundle file."""


def release_subjects(name: str, release: Release) -> Subjects:
    """Subjects of the release: the artifact, each file of the model, its card, each file of the bundle."""
    model = ((MODEL_PREFIX + path, entry) for path, entry in sorted(release.model_folder.items()))
    bound = (*model, *sorted(release.files.items()))
    return ((name, release.artifact), *((path, "sha256:" + entry.sha256) for path, entry in bound))


def check_subjects(kind: str, subjects: Subjects, *, name: str, release: Release) -> None:
    """The release is about all files that it names, every other statement about the artifact alone.

    Raises:
        EvidenceError: ``WRONG_SUBJECT``.
    """
    right = release_subjects(name, release)
    if subjects != (right if kind == "release" else right[:1]):
        file = file_of(kind)
        raise EvidenceError.at(file, "WRONG_SUBJECT", "is about another model or other files")


def check_links(
    findings: dict[str, Any],
    verdict: dict[str, Any],
    *,
    payloads: Mapping[str, str],
    people: Mapping[str, list[str]],
    artifact: str,
    outcome: Outcome,
) -> None:
    """Findings and verdict speak of one artifact and one policy, and the verdict of all else that is in the bundle.

    Args:
        findings: The findings predicate.
        verdict: The verdict predicate.
        payloads: ``run`` (if there is one) and ``findings`` -> ``sha256:<hex>`` of the payload.
        people: ``waivers`` and ``attestations`` -> sorted ``sha256:<hex>`` of their payloads.
        artifact: Artifact digest of the model.
        outcome: What the release says.

    Raises:
        EvidenceError: ``BAD_STATEMENT``, ``WRONG_SUBJECT``, ``INPUTS_MISMATCH``, ``POLICY_SWAPPED`` or
            ``VERDICT_DIFFERS``.
    """
    findings_file, verdict_file = file_of("findings"), file_of("verdict")
    found = parse(FindingsLinks, findings, file=findings_file)
    judged = parse(VerdictLinks, verdict, file=verdict_file)
    for file, digest in ((findings_file, found.subject.digest), (verdict_file, judged.verdict.subject)):
        if digest != artifact:
            raise EvidenceError.at(file, "WRONG_SUBJECT", "is about another model")
    if judged.inputs != payloads:
        message = "rests on other findings or another run than those in the bundle"
        raise EvidenceError.at(verdict_file, "INPUTS_MISMATCH", message)
    if {"waivers": judged.waivers, "attestations": judged.attestations} != people:
        message = "rests on other waivers or attestations than those in the bundle"
        raise EvidenceError.at(verdict_file, "INPUTS_MISMATCH", message)
    if not found.policy.digest == judged.policy.digest == judged.verdict.policy:
        message = "was judged by another policy than the findings were measured for"
        raise EvidenceError.at(verdict_file, "POLICY_SWAPPED", message)
    if judged.verdict.outcome != outcome:
        file = file_of("release")
        raise EvidenceError.at(file, "VERDICT_DIFFERS", f"says {outcome}, the verdict says {judged.verdict.outcome}")
