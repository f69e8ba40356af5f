"""Whom the verifier believes: a file of its own, never one that comes with the evidence."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, ValidationError, field_serializer, field_validator, model_validator

from govkit import documents
from govkit.core import Recorded
from govkit.core.times import Instant
from govkit.errors import UsageError
from govkit.evidence import moment

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

SignerRole = Literal[
    "train", "audit", "gate", "release", "lock", "report", "measure", "waive", "attest", "countersign"
]  # fmt: skip
"""What a key may sign: the run, the findings, the verdict, the release and its log, locks, the PDF report, findings as
they are measured; and of people: waivers, attestations, countersignatures."""

ROLES: tuple[SignerRole, ...] = ("train", "audit", "gate", "release", "lock", "report")
"""What a new key may sign unless it is said otherwise: what a program makes. The others are for people, and for a
machine that measures apart from the one that signs: once a trust file names it, nothing else counts as measured."""


class TrustedKey(Recorded):
    """A public key and what it is believed for.

    Attributes:
        id: Hex SHA-256 of the DER SubjectPublicKeyInfo; checked against ``public_key``.
        name: Who holds it.
        algorithm: The only one there is; it is taken from here and never from the evidence.
        public_key: PEM text.
        roles: What it may sign.
        signs_as: As what its holder may sign attestations, for example ``validator``.
        not_before: First moment of validity.
        not_after: Last moment of validity.
        revoked_at: From this moment on nothing that it signed is believed.
        reason: Why it was revoked, for people.
    """

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    algorithm: Literal["ecdsa-p256-sha256"] = "ecdsa-p256-sha256"
    public_key: str
    roles: Annotated[tuple[SignerRole, ...], Field(min_length=1)]
    signs_as: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(exclude_if=lambda found: not found)] = ()
    not_before: Instant
    not_after: Instant
    revoked_at: Instant | None = None
    reason: Annotated[str, Field(max_length=200, exclude_if=lambda found: not found)] = ""

    @model_validator(mode="after")
    def _key_has_this_id(self) -> TrustedKey:
        if key_id(self.public) != self.id:
            raise ValueError("id is not the SHA-256 of public_key: one of the two was changed")
        if self.not_after <= self.not_before:
            raise ValueError("not_after is not later than not_before")
        return self

    @field_serializer("not_before", "not_after", "revoked_at")
    def _utc(self, value: datetime | None) -> str | None:
        return None if value is None else moment.write(value)

    @property
    def public(self) -> EllipticCurvePublicKey:
        """The key itself.

        Raises:
            ValueError: ``public_key`` is not the PEM text of a P-256 public key.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        try:
            key = load_pem_public_key(self.public_key.encode("utf-8"))
        except (ValueError, UnsupportedAlgorithm):
            raise ValueError("public_key is not the PEM text of a public key") from None
        if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
            raise ValueError("public_key is not on the curve P-256")
        return key


class TimestampAuthority(Recorded):
    """Who is believed about times (RFC 3161).

    Attributes:
        name: Who it is, for people.
        certificate: PEM text of its root certificate.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    certificate: str

    @field_validator("certificate")
    @classmethod
    def _one_certificate(cls, value: str) -> str:
        from cryptography.x509 import load_pem_x509_certificates

        try:
            found = load_pem_x509_certificates(value.encode("utf-8"))
        except ValueError:
            raise ValueError("expected the PEM text of a certificate") from None
        if len(found) != 1:
            raise ValueError(f"expected one certificate, found {len(found)}: give each its own entry")
        return value


class Trust(Recorded):
    """A trust file (``govkit.trust/v1``): the keys that a verifier believes, and whom about times."""

    schema_: Annotated[Literal["govkit.trust/v1"], Field(alias="schema")] = "govkit.trust/v1"
    keys: Annotated[tuple[TrustedKey, ...], Field(min_length=1)]
    timestamp_authorities: Annotated[tuple[TimestampAuthority, ...], Field(exclude_if=lambda found: not found)] = ()

    @model_validator(mode="after")
    def _each_key_once(self) -> Trust:
        ids = [key.id for key in self.keys]
        if len(set(ids)) != len(ids):
            raise ValueError("a key stands twice: give it one entry with all its roles")
        return self

    def find(self, hint: str) -> TrustedKey | None:
        """The key with this id, or None."""
        return next((key for key in self.keys if key.id == hint), None)


def join_trust(stores: Iterable[Trust]) -> Trust:
    """One trust store of several.

    Raises:
        UsageError: A key stands in more than one of them.
    """
    read = tuple(stores)
    authorities = dict.fromkeys(each for store in read for each in store.timestamp_authorities)
    try:
        return Trust(keys=tuple(key for store in read for key in store.keys), timestamp_authorities=tuple(authorities))
    except ValidationError as error:
        raise UsageError(f"the trust files cannot be joined: {error.errors()[0]['msg']}") from None


def key_id(public: EllipticCurvePublicKey) -> str:
    """Hex SHA-256 of the DER SubjectPublicKeyInfo."""
    import hashlib

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def write_trust(path: Path, trust: Trust) -> None:
    """Write a trust file."""
    path.write_text(_text(trust), encoding="utf-8")


def _text(trust: Trust) -> str:
    return documents.dump(trust.model_dump(mode="json", by_alias=True, exclude_none=True))


def replace_trust(path: Path, trust: Trust) -> None:
    """Put another trust file in the place of one, at once and with the same permissions; a link keeps its target.

    Raises:
        UsageError: It cannot be written, or somebody else is changing it.
    """
    place = Path(os.path.realpath(path))
    draft = place.with_name(f".{place.name}.new")
    try:
        mode = stat.S_IMODE(place.stat().st_mode)
        with draft.open("x", encoding="utf-8") as stream:
            try:
                os.fchmod(stream.fileno(), mode)
                stream.write(_text(trust))
                stream.flush()
                os.fsync(stream.fileno())
                draft.replace(place)
            finally:
                draft.unlink(missing_ok=True)
    except FileExistsError:
        raise UsageError(f"{draft}: is there already; remove it if nobody is changing {place.name} now") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be replaced ({error.strerror})") from None


def read_trust(trust: Path | str | Trust) -> Trust:
    """Read a trust file; one that was read already is what it is.

    Raises:
        UsageError: It is missing, no YAML, or holds a duplicate, unknown or wrong key; names file, line and key.
    """
    if isinstance(trust, Trust):
        return trust
    path = Path(trust)
    if not path.exists():
        raise UsageError(f"{path}: cannot be read (no such trust file); see 'govkit keys new'")
    return documents.read_model(path, Trust, error=UsageError)
