"""What the verifier reads in signed predicates: the release whole, of the others what ties them together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from govkit.core import Recorded
from govkit.core.recorded import Digest
from govkit.core.words import Outcome
from govkit.errors import EvidenceError
from govkit.manifest import CARD, FileDigest, digest_of

KINDS = ("run", "findings", "verdict", "release")
"""Kinds of statements, in the order in which they are signed."""

Kind = Literal["run", "findings", "verdict", "release"]
UNSIGNED = "unsigned"
"""What a verdict says of findings that came as a file which no measurer signed."""

Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def file_of(kind: str) -> str:
    """Name of the statement file of a kind."""
    return f"{kind}.sigstore.json"


def type_of(kind: str) -> str:
    """Predicate type of a kind."""
    return f"urn:govkit:{kind}:v1"


class BoundFile(Recorded):
    """A file of the bundle or of the model."""

    sha256: Hex
    size: Annotated[int, Field(ge=0)]


class Release(Recorded):
    """The seal (``govkit.release/v1``).

    Attributes:
        files: Every file of the bundle but the release itself, by its relative path.
        artifact: Digest of the model.
        model_files: Every file that ``artifact`` covers; empty for a model that is no file.
        card: The ``README.md`` beside them; None where the model was sealed without one.
        verdict: Outcome of the verdict.
        sequence: Number of the release; a later one is higher.
        previous: ``sha256:<hex>`` of the payload of the release before it, if there is one.
        published: Whether it stands in a release log, with the countersignatures that its tier asks for.
        as_of: When it was sealed, UTC.
        tool: Name and version of what sealed it.
    """

    schema_: Annotated[Literal["govkit.release/v1"], Field(alias="schema")] = "govkit.release/v1"
    files: dict[str, BoundFile]
    artifact: Digest
    model_files: dict[str, BoundFile]
    card: BoundFile | None = None
    verdict: Outcome
    sequence: Annotated[int, Field(ge=1)]
    previous: Digest | None = None
    published: bool = False
    as_of: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
    tool: dict[str, str]

    @property
    def model_folder(self) -> dict[str, BoundFile]:
        """Every file of the model, with its card where that was sealed."""
        return self.model_files if self.card is None else {**self.model_files, CARD: self.card}


def artifact_of(files: Mapping[str, BoundFile]) -> str:
    """Artifact digest of a model with these files."""
    return digest_of(FileDigest(path, found.sha256, found.size) for path, found in files.items())


class _Loose(BaseModel):
    """Other keys belong to other rooms."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class _Digested(_Loose):
    digest: Digest


class FindingsLinks(_Loose):
    """What the findings are about, and which policy asked for them."""

    subject: _Digested
    policy: _Digested


class _Rows(_Loose):
    role: str
    digest: str


class _About(_Loose):
    data: _Rows | None = None


class MeasuredRows(_Loose):
    """Which rows the findings are about, and the lock that they were measured under."""

    lock: Digest | None = None
    findings: list[_About] = []

    @property
    def digests(self) -> dict[str, set[str]]:
        """Role of a data set -> digests of its content."""
        found: dict[str, set[str]] = {}
        for rows in (finding.data for finding in self.findings):
            if rows is not None:
                found.setdefault(rows.role, set()).add(rows.digest)
        return found


class Judged(_Loose):
    """What the verdict is about."""

    outcome: Outcome
    subject: Digest
    policy: Digest
    as_of: str


class VerdictLinks(_Loose):
    """Payload digests of all that the verdict rests on: findings, run if there is one, statements of people.

    ``measured`` is that of the measurer's statement, or ``unsigned``; None where one process measured and signed.
    """

    verdict: Judged
    inputs: dict[str, Digest]
    waivers: list[Digest] = []
    attestations: list[Digest] = []
    measured: Digest | Literal["unsigned"] | None = None
    policy: _Digested


Model = TypeVar("Model", bound=BaseModel)


def parse(model: type[Model], predicate: dict[str, Any], *, file: str) -> Model:
    """Read a predicate.

    Raises:
        EvidenceError: ``BAD_STATEMENT``; names file and key.
    """
    try:
        return model.model_validate(predicate)
    except ValidationError as error:
        item = error.errors()[0]
        key = ".".join(ascii(part).strip("'") for part in item["loc"])
        raise EvidenceError.at(file, "BAD_STATEMENT", f"{key}: {item['msg']}") from None
