"""The border to code and files that are not govkit's: whatever fails there is an error of the subject."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from govkit.errors import EvidenceError, GovkitError, SubjectError, UsageError, missing_extra


class Boundary:
    """A context in which foreign code runs; any exception leaves it as a ``SubjectError``.

    Foreign code may raise anything, ``SystemExit`` included, so the kind of the exception says nothing about govkit.
    A keyboard interrupt passes. An absent optional dependency of govkit becomes advice to install it.

    Args:
        what: Begins the message, for example ``"bank.model:predict"``.
    """

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if not isinstance(error, Exception | SystemExit) or isinstance(error, GovkitError):
            return
        advice = missing_extra(error) if isinstance(error, ModuleNotFoundError) else None
        text = " ".join(str(error).split()) or "no message"
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
        raise SubjectError(f"{path} cannot be identified: {error}; copy the model to plain files") from error
