"""What a verification proved, point by point, for those who must explain it to somebody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from govkit.pipeline.verification import Verification


@dataclass(frozen=True)
class Point:
    """One point.

    Attributes:
        key: Name of its sentence in the catalog, ``proof``.
        proved: Whether it is.
        told: What the sentence names.
    """

    key: str
    proved: bool
    told: dict[str, str] = field(default_factory=dict)


def explain_proof(found: Verification) -> tuple[Point, ...]:
    """Every point, proved or not, in the order in which a reader asks."""
    return (*_sealed(found), *_judged(found), *_attached(found), *_published(found))


def _sealed(found: Verification) -> Iterator[Point]:
    release, by = found.release, found.signers
    yield Point("model", proved=True, told={"files": f"{len(release.model_files)}"})
    yield Point("bundle", proved=True, told={"by": by["release"], "on": release.as_of})
    yield Point("run", proved="run" in by, told={"by": by.get("run", "")})
    yield Point("findings", proved=True, told={"by": by["findings"]})


def _judged(found: Verification) -> Iterator[Point]:
    by = found.signers
    people = [f"{name} ({file.partition('/')[0]})" for file, name in sorted(by.items()) if "/" in file]
    yield Point("verdict", proved=True, told={"by": by["verdict"]})
    yield Point("policy", proved=found.policy_given, told={"by": found.policy})
    yield Point("people", proved=bool(people), told={"by": ", ".join(people)})
    yield Point("lock", proved="policy.lock.sigstore.json" in by, told={"by": by.get("policy.lock.sigstore.json", "")})


def _attached(found: Verification) -> Iterator[Point]:
    attached = found.attached
    people = [f"{each.signer.name} as {each.record.role}" for each in attached.countersigned]
    yield Point("countersigned", proved=bool(people), told={"by": ", ".join(people)})
    yield Point("card", proved=found.release.card is not None)
    if "report.pdf" in found.release.files:
        unseen = attached.report is None
        yield Point("report_unseen" if unseen else "report", bool(attached.report), {"by": attached.report or ""})
    yield Point("documents", proved=bool(found.documents))
    yield Point("model_sig", proved=attached.model_sig)
    yield Point("exports", proved=bool(attached.exports), told={"by": ", ".join(attached.exports)})


def _published(found: Verification) -> Iterator[Point]:
    release, stamped = found.release, found.attached.stamped
    yield Point("published", proved=release.published, told={"by": f"{release.sequence}"})
    newest = found.log.releases[-1].sequence if found.log is not None else 0
    yield Point("log", proved=found.log is not None, told={"by": f"{release.sequence}", "newest": f"{newest}"})
    yield Point("stamp_unseen" if stamped is None else "stamp", bool(stamped), {"by": stamped or ""})
