"""What the watch of a model in service stated: verified, and about one of the models of the audit."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from govkit import evidence, manifest
from govkit.core import times
from govkit.errors import AuditError
from govkit.pipeline import clock


def stated_service(statement: Path, *, trust: Path, models: Iterable[Path]) -> dict[str, Any]:
    """What the watch of one of some models stated.

    Args:
        statement: Its file.
        trust: The trust file that it is verified with.
        models: Folders or files of the models.

    Returns:
        The predicate, with the ``digest`` of the statement and the ``age`` of its month in days.

    Raises:
        EvidenceError: The statement does not verify.
        AuditError: It is about another model.
    """
    stated = evidence.open_statement(
        evidence.read_bytes(statement, file=statement.name),
        trust=evidence.read_trust(trust),
        role="audit",
        predicate_type=evidence.type_of("watch"),
        as_of=clock.deciding_time(),
        file=statement.name,
    )
    if stated.predicate["model"] not in set(map(manifest.artifact_digest, models)):
        raise AuditError(f"service.statement: {statement} is about another model than the candidate and the incumbent")
    year, month = map(int, stated.predicate["month"].split("-"))
    age = (times.day(clock.deciding_time()[:10]) - date(year, month, monthrange(year, month)[1])).days
    return {**stated.predicate, "digest": stated.payload_sha256, "age": age}
