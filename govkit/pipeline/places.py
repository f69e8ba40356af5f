"""Where the things are that an audit file names."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from govkit.core import Audit, Passes
from govkit.core.words import Task
from govkit.errors import AuditError


@dataclass
class Places:
    """Where things are, while a case is put together."""

    audit: Audit
    root: Path
    passes: Passes = field(default_factory=Passes)

    @property
    def task(self) -> Task:
        """The task as far as the audit file says it, which is all that loading a model needs."""
        return self.audit.columns.declared_task or "multiclass"

    def at(self, path: str) -> Path:
        """A path as the audit file says it, from the folder of that file."""
        if "\0" in path:
            raise AuditError(f"{path!r} cannot be the name of a file; it holds a null byte")
        return self.root / path
