"""Whom the verifier believes: a file of its own, never one that comes with the evidence."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AwareDatetime, Field, ValidationError, field_serializer, field_validator, model_validator

from govkit import documents
from govkit.core import Recorded
from govkit.errors import UsageError
from govkit.evidence import moment

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

SignerRole = Literal["train", "audit", "gate", "release", "lock", "waive", "attest"]
"""What a key may sign: the run, the findings, the verdict, the release, locks, waivers, attestations."""

ROLES: tuple[SignerRole, ...] = ("train", "audit", "gate", "release", "lock")
"""What a new key may sign unless it is said otherwise: what a program makes. The two others are for people."""


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
    """

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    algorithm: Literal["ecdsa-p256-sha256"] = "ecdsa-p256-sha256"
    public_key: str
    roles: Annotated[tuple[SignerRole, ...], Field(min_length=1)]
    signs_as: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(exclude_if=lambda found: not found)] = ()
    not_before: AwareDatetime
    not_after: AwareDatetime
    revoked_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _key_has_this_id(self) -> TrustedKey:
        if key_id(self.public) != self.id:
            raise ValueError("id is not the SHA-256 of public_key: one of the two was changed")
        if self.not_after <= self.not_before:
            raise ValueError("not_after is not later than not_before")
        return self

    @field_validator("not_before", "not_after", "revoked_at", mode="before")
    @classmethod
    def _no_bare_numbers(cls, value: object) -> object:
        if not isinstance(value, str | datetime | None):
            raise ValueError("expected a time like 2026-11-24T12:00:00Z")
        return value

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


class Trust(Recorded):
    """A trust file (``govkit.trust/v1``): the keys that a verifier believes."""

    schema_: Annotated[Literal["govkit.trust/v1"], Field(alias="schema")] = "govkit.trust/v1"
    keys: Annotated[tuple[TrustedKey, ...], Field(min_length=1)]

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
    try:
        return Trust(keys=tuple(key for store in stores for key in store.keys))
    except ValidationError as error:
        raise UsageError(f"the trust files cannot be joined: {error.errors()[0]['msg']}") from None


def key_id(public: EllipticCurvePublicKey) -> str:
    """Hex SHA-256 of the DER SubjectPublicKeyInfo."""
    import hashlib

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def write_trust(path: Path, trust: Trust) -> None:
    """Write a trust file."""
    plain = trust.model_dump(mode="json", by_alias=True, exclude_none=True)
    path.write_text(documents.dump(plain), encoding="utf-8")


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
