"""A subject of which only its answers are known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from govkit.subjects.boundary import source_digest


@dataclass(frozen=True)
class PredictionsFile:
    """A file of stored predictions.

    Attributes:
        path: The file.
        digest: Its artifact digest: the identity of what is audited.
    """

    path: Path
    digest: str

    @classmethod
    def at(cls, path: Path) -> PredictionsFile:
        """Identify the file.

        Raises:
            SubjectError: There is no such file.
        """
        return cls(path, source_digest(path))
