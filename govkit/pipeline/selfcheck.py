"""The record of a self-check, as a file that an audit can take along."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from govkit import evidence
from govkit.core.selfcheck import FAULT_NAMES, SelfCheck
from govkit.errors import EvidenceError, UsageError
from govkit.pipeline.bundle import tool


def selfcheck_bytes(record: SelfCheck) -> bytes:
    """The record as canonical JSON, with a digest of itself.

    The digest shows an edit or a damage, and no forgery: whoever writes a record can write its digest. In a bundle the
    seal binds the file.
    """
    plain = record.dump()
    return evidence.dumps({**plain, "digest": evidence.digest(plain)}) + b"\n"


def read_selfcheck(path: Path | str) -> SelfCheck:
    """The record that ``govkit selfcheck --out`` wrote; one that says that a check failed its trial is read as well.

    Raises:
        UsageError: It is none, was changed, does not hold every trial, or is about another version of govkit.
    """
    file = Path(path)
    try:
        raw = file.read_bytes()
        plain = {key: value for key, value in evidence.loads(raw).items() if key != "digest"}
        record = SelfCheck.model_validate(plain)
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror})") from None
    except (EvidenceError, ValidationError, AttributeError) as error:
        what = str(error).splitlines()[0]
        raise UsageError(f"{file}: no record of a self-check ({what}); run govkit selfcheck --out") from None
    if raw != selfcheck_bytes(record):
        raise UsageError(f"{file}: was changed after it was written; run govkit selfcheck --out again")
    if record.tool != tool():
        theirs, ours = (" ".join(each.values()) for each in (record.tool, tool()))
        raise UsageError(f"{file}: the self-check of {theirs}; this is {ours}, run govkit selfcheck --out again")
    absent = [name for name in FAULT_NAMES if name not in {trial.fault for trial in record.trials}]
    if absent:
        raise UsageError(f"{file}: holds no trial of {', '.join(absent)}; run govkit selfcheck --out without --only")
    return record
