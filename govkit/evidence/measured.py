"""What a measurer signs: the digest of the findings as they were written, so that nobody edits them on their way.

Findings that are measured, judged and signed in one process need no such statement. Findings that come as a file do:
the key that attests them has not seen them being measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from govkit.core import Recorded
from govkit.core.recorded import Digest
from govkit.core.verdict import BY_FILE
from govkit.errors import EvidenceError
from govkit.evidence import canonical
from govkit.evidence.keys import SigningKey
from govkit.evidence.predicates import UNSIGNED, file_of, parse, type_of
from govkit.evidence.statement import open_statement, sign
from govkit.evidence.trust import Trust, TrustedKey

MEASURED_FILE = file_of("measured")
"""Where a bundle keeps it."""


class Measured(Recorded):
    """What is signed (``govkit.measured/v1``): ``sha256:<hex>`` of the findings document in canonical JSON."""

    schema_: Annotated[Literal["govkit.measured/v1"], Field(alias="schema")] = "govkit.measured/v1"
    findings: Digest


@dataclass(frozen=True)
class HeldMeasured:
    """A verified statement of a measurer: its bytes, ``sha256:<hex>`` of its payload, who signed, and what."""

    raw: bytes
    payload_sha256: str
    signer: TrustedKey
    findings: str

    def check(self, document: Mapping[str, Any]) -> None:
        """Refuse findings that are others than those that the measurer signed.

        Raises:
            EvidenceError: ``FINDINGS_EDITED``.
        """
        if canonical.digest(dict(document)) != self.findings:
            message = f"{self.signer.name!r} signed other findings; they were edited since"
            raise EvidenceError.at(MEASURED_FILE, "FINDINGS_EDITED", message)


def sign_measured(document: Mapping[str, Any], key: SigningKey) -> bytes:
    """The bytes of the statement; its subject is the model.

    Args:
        document: The findings document.
        key: Who measured.
    """
    predicate = Measured(findings=canonical.digest(dict(document))).model_dump(mode="json", by_alias=True)
    subject = (str(document["subject"]["name"]), str(document["subject"]["digest"]))
    return sign(type_of("measured"), predicate, [subject], key)


def open_measured(raw: bytes, *, trust: Trust, as_of: str, file: str = MEASURED_FILE) -> HeldMeasured:
    """Verify the statement of a measurer, and only then read it.

    Raises:
        EvidenceError: As ``open_statement``.
    """
    opened = open_statement(
        raw, trust=trust, role="measure", predicate_type=type_of("measured"), as_of=as_of, file=file
    )
    said = parse(Measured, opened.predicate, file=file)
    return HeldMeasured(raw, opened.payload_sha256, opened.signer, said.findings)


def names_measurer(trust: Trust) -> bool:
    """Whether a trust file names who may measure; then nothing else is believed, even where that key was revoked."""
    return any("measure" in key.roles for key in trust.keys)


def refuse_unmeasured(measured: str | None, signer: TrustedKey, trust: Trust) -> None:
    """Where a trust file names measurers, one of them signed the findings, as a file or as they were measured.

    Args:
        measured: What the verdict says: the digest of a measurer's statement, ``unsigned``, or None for one process.
        signer: Who signed the findings of the bundle.
        trust: Whom the verifier believes.

    Raises:
        EvidenceError: ``FINDINGS_UNSIGNED``.
    """
    if names_measurer(trust) and (measured == UNSIGNED or (measured is None and "measure" not in signer.roles)):
        raise unsigned("the trust file names who may measure")


def unsigned(why: str) -> EvidenceError:
    """The refusal of findings that no measurer signed, and who asks for it."""
    file = file_of("findings")
    return EvidenceError.at(file, "FINDINGS_UNSIGNED", f"no measurer signed the findings, and {why}")


def notices(measured: str | None) -> tuple[str, ...]:
    """What a verdict says of the way that its findings came."""
    return (BY_FILE,) if measured == UNSIGNED else ()
