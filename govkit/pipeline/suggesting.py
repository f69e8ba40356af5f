"""Makes a suite of expectations from the training data that an audit file names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from govkit import checks, data
from govkit.errors import AuditError
from govkit.pipeline.casework import read_audit
from govkit.pipeline.folder import write_new


def suggest_suite(audit_file: Path | str, *, out: Path | str | None = None) -> dict[str, Any]:
    """A suite that the training data meet, as a beginning for the audit file's ``quality``.

    Args:
        audit_file: The audit file; its ``data.train`` is read, and no model is loaded.
        out: File to write, JSON as great-expectations 1.x stores it; must not exist.

    Returns:
        The suite. Of the data it holds names of columns, of classes and of few categories, and rounded ends of ranges;
        no value of a column where one looks like personal data. Names of people have no form to be known by.

    Raises:
        UsageError: There are no training data, they cannot be read, or the file exists.
    """
    audit, root = read_audit(Path(audit_file))
    source = audit.data.get("train")
    if source is None:
        raise AuditError("data.train is missing: a suite is made from the training data")
    suite = checks.suggested_suite(data.read_rows(root / source.path).table, audit.columns)
    if out is not None:
        write_new(Path(out), (json.dumps(suite, indent=2) + "\n").encode())
    return suite
