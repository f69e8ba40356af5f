"""What people sign: waivers and attestations. Each is verified before it is read, and its name is that of its key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from govkit import manifest
from govkit.core import Attestation, Waiver
from govkit.core.words import known_as
from govkit.errors import EvidenceError, UsageError
from govkit.evidence.keys import SigningKey
from govkit.evidence.locks import LOCK_FILE, HeldLock
from govkit.evidence.measured import MEASURED_FILE, HeldMeasured
from govkit.evidence.predicates import file_of, parse, type_of
from govkit.evidence.statement import (
    open_statement,
    read_bytes,
    refuse_other_name,
    refuse_other_role,
    sign,
    unverified_payload,
)
from govkit.evidence.trust import SignerRole, Trust, TrustedKey

Sort = Literal["waivers", "attestations"]
"""Folder of a bundle that holds statements of people."""

SORTS: tuple[Sort, ...] = ("waivers", "attestations")
SUBJECT = "model"
"""Name of the one subject; which model it is, the digest says."""

_KIND: dict[Sort, str] = {"waivers": "waiver", "attestations": "attestation"}
_ROLE: dict[Sort, SignerRole] = {"waivers": "waive", "attestations": "attest"}
_MODEL: dict[Sort, type[Waiver] | type[Attestation]] = {"waivers": Waiver, "attestations": Attestation}
_ENDING = file_of("")


@dataclass(frozen=True)
class Signed:
    """A verified statement of a person.

    Attributes:
        file: Its path in a bundle, for example ``waivers/W-1.sigstore.json``.
        raw: The bytes of the file.
        payload_sha256: ``sha256:<hex>`` of the signed payload; the identity of the statement.
        signer: The trusted key that signed it.
        record: What it says.
    """

    file: str
    raw: bytes
    payload_sha256: str
    signer: TrustedKey
    record: Waiver | Attestation


@dataclass(frozen=True)
class People:
    """The verified statements that go with one judgement: of people, the lock that it was held to, and who measured."""

    signed: tuple[Signed, ...] = ()
    lock: HeldLock | None = None
    measured: HeldMeasured | None = None

    @property
    def waivers(self) -> tuple[Waiver, ...]:
        """The waivers, by the names of their files."""
        return tuple(each.record for each in self.signed if isinstance(each.record, Waiver))

    @property
    def attestations(self) -> tuple[Attestation, ...]:
        """The attestations, by the names of their files."""
        return tuple(each.record for each in self.signed if isinstance(each.record, Attestation))

    def digests(self) -> dict[str, list[str]]:
        """``waivers`` and ``attestations`` -> sorted payload digests, as a verdict lists them."""
        return {
            sort: sorted(each.payload_sha256 for each in self.signed if each.file.startswith(f"{sort}/"))
            for sort in SORTS
        }

    def write(self, bundle: Path) -> None:
        """Lay the statements, byte by byte as they were signed, into a bundle."""
        for each in self.signed:
            (bundle / each.file).parent.mkdir(exist_ok=True)
            (bundle / each.file).write_bytes(each.raw)
        if self.lock is not None:
            (bundle / LOCK_FILE).write_bytes(self.lock.raw)
        if self.measured is not None:
            (bundle / MEASURED_FILE).write_bytes(self.measured.raw)


def sign_record(record: Waiver | Attestation, key: SigningKey) -> bytes:
    """The bytes of a statement file.

    Raises:
        EvidenceError: The record is no finite data.
    """
    kind = "waiver" if isinstance(record, Waiver) else "attestation"
    plain = record.model_dump(mode="json", by_alias=True, exclude_none=True)
    return sign(type_of(kind), plain, [(SUBJECT, record.model)], key)


def open_signed(raw: bytes, file: str, *, trust: Trust, as_of: str) -> Signed:
    """Verify a statement of a person, and only then read it.

    Args:
        raw: The bytes of the file.
        file: Its path in a bundle; the folder says what it must be.
        trust: Whom the verifier believes.
        as_of: UTC time to take as now.

    Raises:
        EvidenceError: As ``open_statement``, and ``EXTRA_FILE``, ``WRONG_SUBJECT``, ``WRONG_NAME`` or ``WRONG_ROLE``.
        UsageError: ``as_of`` is no time.
    """
    sort = _sort(file)
    opened = open_statement(
        raw, trust=trust, role=_ROLE[sort], predicate_type=type_of(_KIND[sort]), as_of=as_of, file=file
    )
    record, signer = parse(_MODEL[sort], opened.predicate, file=file), opened.signer
    if opened.subjects != ((SUBJECT, record.model),):
        raise EvidenceError.at(file, "WRONG_SUBJECT", "says another model than it was signed for")
    name = record.approver if isinstance(record, Waiver) else record.signer
    refuse_other_name(name, signer, file=file)
    if isinstance(record, Attestation) and record.role:
        refuse_other_role(record.role, signer, file=file)
    return Signed(file, raw, opened.payload_sha256, signer, record)


def _sort(file: str) -> Sort:
    """What a file must be; nothing but statement files may stand in a folder of statements."""
    for sort in SORTS:
        name = file.removeprefix(f"{sort}/")
        if name != file and "/" not in name and name.endswith(_ENDING) and name != _ENDING:
            return sort
    message = f"is no statement of a person; expected files called NAME{_ENDING} and nothing else"
    raise EvidenceError.at(file, "EXTRA_FILE", message)


def open_folder(folder: Path, sort: Sort, *, trust: Trust, as_of: str) -> tuple[Signed, ...]:
    """Open every statement of a folder, by name.

    Raises:
        EvidenceError: As ``open_signed`` and ``manifest.walk``; also for a folder within the folder.
        UsageError: There is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; expected one of signed {sort}")
    found = {file.path: file.sha256 for file in manifest.walk(folder)}
    # A walk does not see empty folders.
    names = sorted({*found, *(f"{path.name}/" for path in folder.iterdir() if path.is_dir())})
    for name in names:
        _sort(f"{sort}/{name}")
    return tuple(
        open_signed(
            read_bytes(folder / name, file=name, sha256=found[name]), f"{sort}/{name}", trust=trust, as_of=as_of
        )
        for name in names
    )


def collect(signed: Iterable[Signed], *, keys: Iterable[str], trust: Trust) -> People:
    """Statements of people that may stand beside findings and a verdict.

    Args:
        signed: The statements.
        keys: Ids of the keys that sign findings and verdict: no waiver is theirs, by key or by name (four eyes).
        trust: Knows the names of keys.

    Raises:
        EvidenceError: ``FOUR_EYES``, or ``TWICE`` for two files with one statement.
    """
    seen: dict[str, str] = {}
    # By name, so that a second key makes no second person; who waives is known, so the same key has a name here too.
    names = {known_as(known.name) for key in keys if (known := trust.find(key)) is not None}
    people = People(tuple(signed))
    for each in people.signed:
        if each.payload_sha256 in seen:
            message = f"says the same as {seen[each.payload_sha256]}; keep one of them"
            raise EvidenceError.at(each.file, "TWICE", message)
        seen[each.payload_sha256] = each.file
        if isinstance(each.record, Waiver) and known_as(each.signer.name) in names:
            message = f"{each.signer.name!r} also signs findings or verdict; somebody else must waive"
            raise EvidenceError.at(each.file, "FOUR_EYES", message)
    return people


def unverified_digests(bundle: Path) -> Mapping[str, list[str]]:
    """``People.digests`` of the files in a bundle, with no proof of any.

    Raises:
        EvidenceError: A file is no statement.
    """
    return {sort: sorted(unverified_payload(path)[1] for path in (bundle / sort).glob("*")) for sort in SORTS}
