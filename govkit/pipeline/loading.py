"""Load what was verified: the model is copied while it is digested, so that nobody can swap it in between."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from govkit import evidence, manifest
from govkit.core import Audit
from govkit.errors import EvidenceError, UsageError
from govkit.manifest import FileDigest
from govkit.manifest.shipped import code_digest, shipped_code, unaudited
from govkit.pipeline.bundle import refuse_open
from govkit.pipeline.verification import verify


@contextmanager
def verified_load(
    bundle: Path | str,
    *,
    model: Path | str,
    trust: Path | str | evidence.Trust,
    policy: Path | str | None = None,
    as_of: str | None = None,
    minimum_sequence: int | None = None,
    max_age_days: int | None = None,
    log: Path | str | evidence.ReleaseLog | None = None,
    log_max_age_days: int | None = None,
    into: Path | str | None = None,
) -> Iterator[Path]:
    """Verify a bundle and give a private copy of its model: the very bytes that were verified.

    ::

        with gk.verified_load("evidence", model="model", trust="trust.yaml") as path:
            network = AutoModel.from_pretrained(path)

    Only the sealed files are copied, read once, and none before names and sizes of all are the sealed ones. The copy is
    removed at the end and on every error; files that are still mapped then stay readable.

    Args:
        bundle: As ``verify``, like all others but ``into``.
        model: The model that is about to be used.
        trust: Whom the consumer believes.
        policy: A policy that the consumer holds.
        as_of: UTC time to take as now.
        minimum_sequence: Oldest release to accept.
        max_age_days: Oldest verdict to accept.
        log: Release log in which the release must stand.
        log_max_age_days: Oldest last entry of the log to accept.
        into: Folder with room for the copy; by default that for temporary files. The copy lies in a new folder in it
            that only this user may enter; nobody else may be able to rename what lies in ``into`` itself.

    Yields:
        Path of the copy: a folder, or the file if the model is one file. Valid until the block is left.

    Raises:
        EvidenceError: As ``verify``; ``SHIPPED_CODE`` where code lies beside the weights that was not audited as code.
        VerdictError: The verdict is ``BLOCK`` (exit code 1) or ``REVIEW`` (3).
        UsageError: As ``verify``; or there is no room for the copy.
    """
    single = not Path(model).is_dir()
    with _private_folder(into) as private:
        place = private / "model"
        place.mkdir()

        copied: list[FileDigest] = []

        def read(source: Path, sizes: Mapping[str, int]) -> tuple[FileDigest, ...]:
            _refuse_full(private, sum(sizes.values()))
            copied[:] = manifest.walk(source, sizes, into=place)
            return tuple(copied)

        proof = verify(
            bundle, model=model, trust=trust, policy=policy, as_of=as_of,
            minimum_sequence=minimum_sequence, max_age_days=max_age_days, log=log,
            log_max_age_days=log_max_age_days, read=read,
        )  # fmt: skip
        refuse_open(proof.verdict, Path(bundle))
        _refuse_code(place, copied, proof.audit)
        yield place / Path(model).name if single else place


def _refuse_code(place: Path, files: list[FileDigest], audit: Audit) -> None:
    """Whoever loads the copy may run what lies in it, so all of that was looked at."""
    source, code = audit.subject, shipped_code(place, files)
    left = unaudited(code, allowed=source.code, python=source.python is not None)
    if left:
        more = f" and {len(left) - 1} more" if len(left) > 1 else ""
        message = (
            f"{left[0].path!r}{more}: code that ships with the model, and that nobody audited as code; take it out, or "
            f"read it, say so in the audit file (subject.code: {code_digest(code)}) and audit again"
        )
        raise EvidenceError("SHIPPED_CODE", message, file=left[0].path)


@contextmanager
def _private_folder(into: Path | str | None) -> Iterator[Path]:
    try:
        private = tempfile.TemporaryDirectory(prefix="govkit-", dir=into)
    except OSError as error:
        message = f"{into or 'folder for temporary files'}: cannot hold a copy of the model ({error.strerror})"
        raise UsageError(message) from None
    with private as name:
        yield Path(name)


def _refuse_full(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UsageError(
            f"{folder.parent}: {free:,} bytes are free, the copy of the model needs {needed:,}; name another with into"
        )
