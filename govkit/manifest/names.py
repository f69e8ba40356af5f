"""Names of files that mean the same file to every system, and stay in their folder."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from govkit.errors import EvidenceError

LONGEST = 4095
"""Bytes of a path; no system call takes more, so that other tools could not read such a file."""

_FORBIDDEN = re.compile(r"[\\:\x00-\x1f\x7f-\x9f]")


def refuse_bad_path(path: str) -> None:
    """Refuse a relative path that means different files to different systems, or leaves its folder.

    Raises:
        EvidenceError: ``BAD_PATH``.
    """
    wrong = (
        "it is not UTF-8" if not _encodable(path)
        else f"it is longer than {LONGEST} bytes" if len(path.encode()) > LONGEST
        else "it is not in Unicode form NFC" if not unicodedata.is_normalized("NFC", path)
        else "it holds a backslash, a colon or a control character" if _FORBIDDEN.search(path)
        else "it is not a plain relative path" if any(part in ("", ".", "..") for part in path.split("/"))
        else ""
    )  # fmt: skip
    if wrong:
        shown = ascii(path) if len(path) <= 400 else f"{path[:400]!a} …"
        raise EvidenceError("BAD_PATH", f"file name {shown}: {wrong}; rename the file", file=path)


def _encodable(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def refuse_bad_names(paths: Iterable[str]) -> None:
    """Refuse bad paths, and two paths (of files or folders) that are one on a file system without case.

    Raises:
        EvidenceError: ``BAD_PATH`` or ``CASE_CLASH``.
    """
    seen: dict[str, str] = {}
    for whole in paths:
        refuse_bad_path(whole)
        path, known = whole, False
        while path and not known:
            folded = unicodedata.normalize("NFC", path.casefold())
            known = folded in seen
            other = seen.setdefault(folded, path)
            if other != path:
                message = f"{other!r} and {path!r} differ only in case; rename one of them"
                raise EvidenceError("CASE_CLASH", message, file=path)
            path = path.rpartition("/")[0]
