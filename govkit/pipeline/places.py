"""Where the things are that an audit file names."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from govkit.core import Audit, Passes
from govkit.core.words import Task
from govkit.errors import AuditError
from govkit.subjects.apart import Fence


@dataclass
class Places:
    """Where things are, while a case is put together.

    Attributes:
        fence: What is kept from Python code, which runs in processes of its own; None runs it in this one.
    """

    audit: Audit
    root: Path
    passes: Passes = field(default_factory=Passes)
    fence: Fence | None = None

    @property
    def task(self) -> Task:
        """The task as far as the audit file says it, which is all that loading a model needs."""
        return self.audit.columns.declared_task or "multiclass"

    def at(self, path: str) -> Path:
        """A path as the audit file says it, from the folder of that file."""
        if "\0" in path:
            raise AuditError(f"{path!r} cannot be the name of a file; it holds a null byte")
        try:
            os.fsencode(path)
        except UnicodeEncodeError:
            told = f"names of files are written in {sys.getfilesystemencoding()} here"
            raise AuditError(f"{path!a} cannot be the name of a file: {told}; set PYTHONUTF8=1") from None
        return self.root / path
