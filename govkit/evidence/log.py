"""The release log: which releases of a model there are, in order, and which of them are taken back.

One signed statement holds all entries, each with the digest of the one before it, so that neither the last line nor any
other can be changed, dropped or added without the key. A log that somebody kept shows whether a later one goes on from
it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field

from govkit.core import Recorded
from govkit.core.recorded import Digest, Long
from govkit.core.words import Outcome
from govkit.errors import EvidenceError
from govkit.evidence import canonical, moment
from govkit.evidence.keys import SigningKey
from govkit.evidence.predicates import Release, file_of, parse, type_of
from govkit.evidence.statement import open_statement, refuse_other_name, sign
from govkit.evidence.trust import Trust

LOG_FILE = file_of("releases")
"""What a log is usually called."""


class Entry(Recorded):
    """A line of the log.

    Attributes:
        sequence: 1 for the first, then one more each.
        previous: Digest of the entry before; None for the first.
        as_of: When, UTC.
        action: A new release, or a release taken back.
        release: Payload digest of the release.
        artifact: Digest of the model.
        verdict: Outcome of the release.
        reason: Why it is taken back.
    """

    sequence: Annotated[int, Field(ge=1)]
    previous: Digest | None
    as_of: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
    action: Literal["release", "revoke"]
    release: Digest
    artifact: Digest
    verdict: Outcome
    reason: Annotated[str, Field(max_length=2000)] = ""

    @property
    def digest(self) -> str:
        """``sha256:<hex>`` of the entry, which the next one holds."""
        return canonical.digest(self.model_dump(mode="json"))


class ReleaseLog(Recorded):
    """All entries, oldest first (``govkit.releases/v1``).

    Attributes:
        name: Name of the model.
        publisher: Who signs log and releases, by the name that the trust file gives to the key; a key that follows
            another one has its name.
        entries: The lines.
    """

    schema_: Annotated[Literal["govkit.releases/v1"], Field(alias="schema")] = "govkit.releases/v1"
    name: Annotated[str, Field(min_length=1)]
    publisher: Annotated[str, Field(min_length=1, max_length=200)]
    entries: Annotated[Long[Entry], Field(min_length=1)]

    @property
    def head(self) -> str:
        """Digest of the last entry, which stands for all."""
        return self.entries[-1].digest

    @property
    def releases(self) -> tuple[Entry, ...]:
        """The releases, without what is said of them later."""
        return tuple(entry for entry in self.entries if entry.action == "release")

    def revocation(self, *, release: str, artifact: str, as_of: str) -> Entry | None:
        """The entry that takes a release back, or another release of the very same model."""
        now = moment.write(moment.read(as_of))
        taken_back = (each for each in self.entries if each.action == "revoke" and each.as_of <= now)
        return next((each for each in taken_back if release == each.release or artifact == each.artifact), None)


def sign_log(log: ReleaseLog, key: SigningKey) -> bytes:
    """The bytes of a log file; its subjects are its head and the models.

    Raises:
        EvidenceError: ``LOG_CHAIN``: the entries do not follow from each other.
    """
    check_chain(log)
    models = sorted({entry.artifact for entry in log.entries})
    subjects = [("head", log.head), *((f"{log.name}@{digest[7:19]}", digest) for digest in models)]
    return sign(type_of("releases"), log.model_dump(mode="json", by_alias=True), subjects, key)


def open_log(raw: bytes, *, trust: Trust, as_of: str, file: str = LOG_FILE) -> ReleaseLog:
    """Verify a log, and only then read it.

    Raises:
        EvidenceError: As ``open_statement``, and ``LOG_CHAIN`` or ``WRONG_NAME``.
    """
    opened = open_statement(
        raw, trust=trust, role="release", predicate_type=type_of("releases"), as_of=as_of, file=file
    )
    log = parse(ReleaseLog, opened.predicate, file=file)
    check_chain(log, file=file)
    refuse_other_name(log.publisher, opened.signer, file=file)
    if opened.subjects[0] != ("head", log.head):
        raise EvidenceError.at(file, "LOG_CHAIN", "is signed for another head than its last entry")
    return log


def check_chain(log: ReleaseLog, *, file: str = LOG_FILE) -> None:
    """Each entry follows from the one before, and takes back only what was released.

    Raises:
        EvidenceError: ``LOG_CHAIN``.
    """
    first = log.entries[0]
    right = first.sequence == 1 and first.previous is None and first.action == "release"
    for before, entry in pairwise(log.entries):
        follows = (entry.sequence, entry.previous) == (before.sequence + 1, before.digest)
        right = right and follows and before.as_of <= entry.as_of
    if not right or not _sound(log.entries):
        message = "its entries are no chain; an entry was changed, dropped, added or stands twice"
        raise EvidenceError.at(file, "LOG_CHAIN", message)


def _sound(entries: Sequence[Entry]) -> bool:
    """No release stands twice, and each is taken back at most once, after it was made and as what it was."""
    standing: dict[str, Entry] = {}
    for entry in entries:
        before = standing.get(entry.release)
        made = None if before is None else (before.action, before.artifact, before.verdict)
        if made != (None if entry.action == "release" else ("release", entry.artifact, entry.verdict)):
            return False
        standing[entry.release] = entry
    return True


def check_extends(log: ReleaseLog, known: ReleaseLog) -> None:
    """A log goes on from one that was seen earlier.

    Raises:
        EvidenceError: ``LOG_FORKED``.
    """
    if log.entries[: len(known.entries)] != known.entries:
        message = "does not go on from the log that is known; entries were rewritten or dropped"
        raise EvidenceError.at(LOG_FILE, "LOG_FORKED", message)


def check_listed(log: ReleaseLog, release: Release, payload: str, *, signer: str, as_of: str) -> None:
    """A release was made to be published, stands in the log as it says, and is not taken back.

    One that was not made to be published has no card and nobody's countersignature, so no log can list it.

    Args:
        log: The verified log.
        release: The verified seal.
        payload: ``sha256:<hex>`` of its payload.
        signer: Name of the key that signed it.
        as_of: UTC time to take as now.

    Raises:
        EvidenceError: ``WRONG_NAME``, ``UNLISTED`` or ``REVOKED``.
        UsageError: ``as_of`` is no time.
    """
    if signer != log.publisher:
        message = f"is the log of {log.publisher!r}, and {signer!r} signed the release; ask the signer for it"
        raise EvidenceError.at(LOG_FILE, "WRONG_NAME", message)
    listed = next((entry for entry in log.releases if entry.release == payload), None)
    before = [entry.release for entry in log.releases if listed is not None and entry.sequence < listed.sequence]
    found = (release.sequence, release.previous, release.artifact, release.verdict)
    previous = before[-1] if before else None
    if listed is None or found != (listed.sequence, previous, listed.artifact, listed.verdict) or not release.published:
        file = file_of("release")
        raise EvidenceError.at(file, "UNLISTED", f"this release does not stand in the log of {log.name!r}")
    taken_back = log.revocation(release=payload, artifact=release.artifact, as_of=as_of)
    if taken_back is not None:
        when = f"taken back on {taken_back.as_of}"
        raise EvidenceError.at(LOG_FILE, "REVOKED", f"this model was {when}: {taken_back.reason}")
