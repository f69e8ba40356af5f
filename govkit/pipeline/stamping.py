"""Asks an authority for a time stamp: a digest goes to the address that a user named, and nowhere else."""

from __future__ import annotations

import http.client
import secrets
import time
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    Request,
)

from govkit.errors import EvidenceError, UsageError, missing_extra
from govkit.evidence.stamp import MAX_BYTES, read_stamp, stamp_request

SECONDS = 30.0
"""How long an authority may take."""


def stamp(data: bytes, url: str, *, seconds: float = SECONDS) -> bytes:
    """Let an authority stamp data; it learns their SHA-256 and nothing else.

    No proxy is used and no redirection is followed. Whether the authority is believed, a verifier decides.

    Args:
        data: What is to be stamped.
        url: Address of the authority, http or https.
        seconds: How long it may take.

    Returns:
        DER of the answer, which is about these data and this request.

    Raises:
        UsageError: The address is none, or the authority does not answer with a stamp of these data.
        MissingExtra: rfc3161-client is not installed.
    """
    if not _is_web(url):
        raise UsageError(f"{url}: expected the address of a time stamp authority, http://… or https://…")
    try:
        import rfc3161_client  # noqa: F401 -- before anything is sent
    except ModuleNotFoundError as error:
        raise missing_extra(error) or error from None
    nonce = secrets.randbits(63)
    answer = _post(url, stamp_request(data, nonce), seconds)
    try:
        read_stamp(answer, data, nonce=nonce, file=url)
    except EvidenceError as error:
        raise UsageError(f"no time stamp: {error}") from None
    return answer


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _post(url: str, body: bytes, seconds: float) -> bytes:
    """What the authority answers, if it answers soon and at no length."""
    request = Request(url, data=body, headers={"Content-Type": "application/timestamp-query"})  # noqa: S310 -- checked
    until = time.monotonic() + seconds
    found = b""
    try:
        with _opener().open(request, timeout=seconds) as answer:
            while time.monotonic() < until and len(found) <= MAX_BYTES:
                if not (piece := answer.read1(2**16)):
                    return found
                found += piece
    except HTTPError as error:
        error.close()
        raise UsageError(f"{url}: no time stamp: the authority answered {error.code}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = getattr(error, "reason", None) or error
        raise UsageError(f"{url}: no time stamp: {type(error).__name__}: {ascii(str(why))[:200]}") from None
    what = f"more than {MAX_BYTES:,} bytes" if len(found) > MAX_BYTES else f"no whole answer in {seconds:g} seconds"
    raise UsageError(f"{url}: no time stamp: {what}")


def _opener() -> OpenerDirector:
    """Speaks HTTP and nothing else: no files, no proxies."""
    opener = OpenerDirector()
    for handler in (HTTPHandler(), HTTPSHandler(), HTTPErrorProcessor(), HTTPDefaultErrorHandler()):
        opener.add_handler(handler)
    return opener
