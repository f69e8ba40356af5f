"""The border to code and files that are not govkit's: whatever fails there is an error of the subject."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from govkit.errors import EvidenceError, GovkitError, SubjectError, UsageError, missing_extra

LINKS = ("SYMLINK", "HARDLINK", "SPECIAL")


class Boundary:
    """A context in which foreign code runs; any exception leaves it as a ``SubjectError``.

    Foreign code may raise anything, ``SystemExit`` included, so the kind of the exception says nothing about govkit.
    A keyboard interrupt passes. An absent optional dependency of govkit becomes advice to install it.

    Args:
        what: Begins the message, for example ``"bank.model:predict"``.
        written: What stands in a message of foreign code -> what is written in its place.
    """

    def __init__(self, what: str, *, written: Mapping[str, str] | None = None) -> None:
        self.what = what
        self.written = dict(written or {})

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if not isinstance(error, Exception | SystemExit) or isinstance(error, GovkitError):
            return
        advice = missing_extra(error) if isinstance(error, ModuleNotFoundError) else None
        text = " ".join(str(error).split()) or "no message"
        for found, instead in self.written.items():
            text = text.replace(found, instead)
        raise advice or SubjectError(f"{self.what}: {type(error).__name__}: {text}") from error


def source_digest(path: Path, *, strict: bool = True) -> str:
    """Artifact digest of what a subject is loaded from.

    Args:
        path: A folder or a file.
        strict: Refuse links, as verifying does.

    Raises:
        SubjectError: The path is missing or holds what cannot be signed, for example a link.
    """
    from govkit.manifest import artifact_digest

    try:
        return artifact_digest(path, strict=strict)
    except (EvidenceError, UsageError) as error:
        raise unidentified(path, error) from error


def unidentified(path: Path, error: GovkitError) -> SubjectError:
    """The error of a model that no digest can stand for."""
    advice = "; copy the model to plain files" if getattr(error, "code", "") in LINKS else ""
    return SubjectError(f"{path} cannot be identified: {error}{advice}")
