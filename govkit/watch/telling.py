"""Tells one address, which the user named, of an alarm."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

SECONDS = 10
"""How long an answer is waited for."""


class _NoDetour(urllib.request.HTTPRedirectHandler):
    """An alarm goes to the address that the user named, and to no other."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow no redirection; the answer then counts as a refusal."""
        return


def post(address: str, facts: Mapping[str, Any]) -> str:
    """Send facts as JSON.

    Returns:
        Why it was not accepted; empty where it was.
    """
    body = json.dumps(dict(facts)).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "govkit"}
    request = urllib.request.Request(address, body, headers)  # noqa: S310 - the watch file takes http and https only
    # No proxy of the environment either: it would be an address that nobody named here.
    opener = urllib.request.build_opener(_NoDetour, urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=SECONDS):
            return ""
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
            return f"the answer was {error.code}"
        # The name of the error only: its words may hold the address, which may hold a secret.
        cause = getattr(error, "reason", None)
        return f"no answer, {type(cause if isinstance(cause, OSError) else error).__name__}"
