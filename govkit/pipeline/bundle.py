"""A bundle as an object: what its statements say, unverified."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from govkit.core import Finding, Recorded, Run, Verdict
from govkit.core.recorded import Digest, Long
from govkit.core.verdict import EXIT_CODE
from govkit.errors import UsageError, VerdictError
from govkit.evidence import read_unverified


def tool() -> dict[str, str]:
    """Name and version of what made a statement."""
    return {"name": "govkit", "version": importlib.metadata.version("govkit")}


FINDINGS: TypeAdapter[tuple[Finding, ...]] = TypeAdapter(Long[Finding])


class Named(Recorded):
    """The model that was measured."""

    name: str
    digest: Digest


class Ruled(Recorded):
    """The policy that said what to measure."""

    id: str
    version: str
    digest: Digest


class FindingsDocument(Recorded):
    """What ``measure`` writes (``govkit.findings/v1``)."""

    schema_: Annotated[Literal["govkit.findings/v1"], Field(alias="schema")]
    subject: Named
    policy: Ruled
    audit: Digest
    seed: Annotated[str, Field(pattern=r"^[0-9]{1,16}$")]
    tool: dict[str, str]
    lock: Digest | None = None
    incumbent: Digest | None = None
    passes: dict[Literal["forward", "backward", "declared_forward", "declared_backward"], int]
    findings: Long[Finding]


@dataclass(frozen=True)
class Bundle:
    """What a bundle says. Reading proves nothing; ``verify`` does.

    Attributes:
        path: The folder.
        verdict: The stored verdict.
        findings: All measurements and gaps.
        run: Record of the fine-tuning run, or None.
        passes: Model passes made and declared: ``forward``, ``backward``, ``declared_forward``, ``declared_backward``.
        name: What the findings call the model.
    """

    path: Path
    verdict: Verdict
    findings: tuple[Finding, ...]
    run: Run | None
    passes: dict[str, int]
    name: str = ""

    def raise_for_verdict(self) -> None:
        """Stop here unless the model passed; what the command line was told not to enforce counts all the same.

        Raises:
            VerdictError: The verdict is ``BLOCK`` (exit code 1) or ``REVIEW`` (3).
        """
        refuse_open(self.verdict, self.path)

    def dump(self) -> dict[str, Any]:
        """The facts that ``govkit show --json`` prints."""
        verdict = self.verdict.model_dump(mode="json")
        return {
            "verdict": {**verdict, "exit_code": self.verdict.exit_code},
            "coverage": verdict["coverage"],
            "findings": [finding.model_dump(mode="json") for finding in self.findings],
            "run": None if self.run is None else self.run.model_dump(mode="json", by_alias=True),
            "passes": self.passes,
        }


def refuse_open(verdict: Verdict, folder: Path) -> None:
    """Refuse a verdict that leaves something open, enforced or not.

    Raises:
        VerdictError: ``BLOCK`` or ``REVIEW``; says what stands in the way, and where more is said.
    """
    code = EXIT_CODE[verdict.outcome]
    if code:
        free = ("pass", "not_applicable")
        standing = [each for each in verdict.rulings if each.state not in free and not each.waived]
        told = "; ".join(f"{each.control} {each.state}: {each.title}" for each in standing)
        raise VerdictError(verdict.outcome, code, f"{told or 'see its notices'} ({folder}/report.html)")


def read_bundle(path: Path | str) -> Bundle:
    """Read the statements of a bundle without verifying them.

    Raises:
        UsageError: The folder is no bundle.
    """
    folder = Path(path)
    for name in ("findings", "verdict"):
        if not (folder / f"{name}.sigstore.json").is_file():
            raise UsageError(
                f"{folder}: no bundle, {name}.sigstore.json is missing; expected a folder that audit wrote"
            )
    try:
        findings = read_unverified(folder / "findings.sigstore.json")
        measured = FindingsDocument.model_validate(findings)
        verdict = read_unverified(folder / "verdict.sigstore.json")
        record = folder / "run.sigstore.json"
        return Bundle(
            path=folder,
            verdict=Verdict.model_validate(verdict["verdict"]),
            findings=measured.findings,
            run=Run.model_validate(read_unverified(record)) if record.is_file() else None,
            passes=findings["passes"],
            name=measured.subject.name,
        )
    except (ValidationError, KeyError) as error:
        raise UsageError(f"{folder}: no bundle of this version ({str(error).splitlines()[0]})") from None
