"""Countersignatures: an auditor or an approver signs the very verdict, beside the key of the pipeline.

An attestation is about a model and stands below a verdict; a countersignature is about a verdict and stands beside it.
How many there must be depends on the tier of the policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from govkit.core import Recorded
from govkit.core.recorded import Digest
from govkit.core.words import Outcome, Tier, known_as
from govkit.errors import EvidenceError
from govkit.evidence import moment
from govkit.evidence.keys import SigningKey
from govkit.evidence.predicates import file_of, parse, type_of
from govkit.evidence.statement import open_statement, refuse_other_name, refuse_other_role, sign
from govkit.evidence.trust import Trust, TrustedKey

FOLDER = "countersignatures"
"""Where a bundle keeps them."""

CounterRole = Literal["auditor", "approver"]
DEMANDED: dict[Tier, tuple[CounterRole, ...]] = {"low": (), "medium": ("approver",), "high": ("auditor", "approver")}
"""Tier of the policy -> who must have countersigned before a release is published; each another person."""


class Countersignature(Recorded):
    """What is signed (``govkit.countersignature/v1``).

    Attributes:
        name: Who signs, by the name that the trust file gives to the key.
        role: As what.
        model: Artifact digest of the model.
        verdict: ``sha256:<hex>`` of the payload of the verdict.
        outcome: What that verdict says.
        as_of: When, UTC.
    """

    schema_: Annotated[Literal["govkit.countersignature/v1"], Field(alias="schema")] = "govkit.countersignature/v1"
    name: Annotated[str, Field(min_length=1, max_length=200)]
    role: CounterRole
    model: Digest
    verdict: Digest
    outcome: Outcome
    as_of: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]


@dataclass(frozen=True)
class Countersigned:
    """A verified countersignature: its file, the trusted key, and what it says."""

    file: str
    signer: TrustedKey
    record: Countersignature


def sign_countersignature(record: Countersignature, key: SigningKey) -> bytes:
    """The bytes of a countersignature file; its subjects are the model and the verdict."""
    subjects = [("model", record.model), ("verdict", record.verdict)]
    return sign(type_of("countersignature"), record.model_dump(mode="json", by_alias=True), subjects, key)


def open_countersignature(
    raw: bytes, file: str, *, trust: Trust, as_of: str, verdict: str, artifact: str, outcome: Outcome
) -> Countersigned:
    """Verify a countersignature, and only then read it.

    Args:
        raw: The bytes of the file.
        file: Its path in the bundle, for the message.
        trust: Whom the verifier believes.
        as_of: UTC time to take as now.
        verdict: ``sha256:<hex>`` of the payload of the verdict that it must be about.
        artifact: Artifact digest of the model that it must be about.
        outcome: What that verdict says.

    Raises:
        EvidenceError: As ``open_statement``, and ``EXTRA_FILE``, ``WRONG_SUBJECT``, ``WRONG_NAME``, ``WRONG_ROLE`` or
            ``FUTURE``.
    """
    name = file.removeprefix(f"{FOLDER}/")
    if "/" in name or not name.removesuffix(file_of("")) or not name.endswith(file_of("")):
        message = f"is no countersignature; expected files called NAME{file_of('')} and nothing else"
        raise EvidenceError.at(file, "EXTRA_FILE", message)
    kind = type_of("countersignature")
    opened = open_statement(raw, trust=trust, role="countersign", predicate_type=kind, as_of=as_of, file=file)
    record, signer = parse(Countersignature, opened.predicate, file=file), opened.signer
    about = (("model", record.model), ("verdict", record.verdict))
    if opened.subjects != about or (*about, record.outcome) != (("model", artifact), ("verdict", verdict), outcome):
        raise EvidenceError.at(file, "WRONG_SUBJECT", "is about another verdict or another model")
    refuse_other_name(record.name, signer, file=file)
    refuse_other_role(record.role, signer, file=file)
    moment.refuse_future(record.as_of, as_of=as_of, file=file)
    return Countersigned(file, signer, record)


def check_demanded(found: Sequence[Countersigned], *, tier: Tier, keys: Iterable[str], trust: Trust) -> None:
    """Everybody whom the tier demands has countersigned, each another person, and none of them found or judged.

    Persons are told apart by key and by name, so that a second key makes no second person.

    Args:
        found: Verified countersignatures of one verdict.
        tier: Tier of the policy.
        keys: Ids of the keys that signed findings, verdict and release.
        trust: Knows the names of keys.

    Raises:
        EvidenceError: ``FOUR_EYES`` or ``COUNTERSIGN_MISSING``.
    """
    taken = {known_as(known.name) for key in keys if (known := trust.find(key)) is not None}
    for each in found:
        if known_as(each.signer.name) in taken:
            message = f"{each.signer.name!r} signed more than one part; somebody else must countersign"
            raise EvidenceError.at(each.file, "FOUR_EYES", message)
        taken.add(known_as(each.signer.name))
    lacking = [role for role in DEMANDED[tier] if role not in {each.record.role for each in found}]
    if lacking:
        message = f"a release of tier {tier} must be countersigned by an {' and an '.join(lacking)}"
        raise EvidenceError.at(FOLDER, "COUNTERSIGN_MISSING", message)
