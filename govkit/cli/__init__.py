"""The command line: the only place that prints, reads the environment of a terminal, and exits."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys

from govkit.errors import GovkitError, missing_extra


def main() -> None:
    """Run the command line; an error becomes one message and its exit code, never a traceback.

    Exit codes: 0 done or passed, 1 blocked, 2 bad usage or input, 3 a person must decide, 4 evidence does not verify,
    70 an error of govkit itself, 130 interrupted.
    """
    # Libraries log to nowhere; govkit's own log is for whoever asks for it.
    logging.getLogger().addHandler(logging.NullHandler())
    own = logging.getLogger("govkit")
    own.addHandler(logging.StreamHandler())
    wished = os.environ.get("GOVKIT_LOG", "").upper()
    own.setLevel(logging.getLevelNamesMapping().get(wished, logging.CRITICAL))
    # A reader that goes away ends the program as it ends others; Python's exit code 1 would read as a verdict.
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    # What others have installed beside govkit takes no part in reading evidence.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        from govkit.cli.app import app

        # A short program that loads large libraries: collecting their garbage often only costs time.
        gc.set_threshold(50_000, 20, 100)
        app()
    except KeyboardInterrupt:
        _end("interrupted; what was not finished was not written", 130)
    except Exception as error:  # noqa: BLE001 — Python's own exit code 1 would read as a verdict that blocks
        _end(*_told(error))


def _told(error: Exception) -> tuple[str, int]:
    """Message and exit code of an error."""
    known = missing_extra(error) if isinstance(error, ModuleNotFoundError) else error
    if isinstance(known, GovkitError):
        return str(known), known.exit_code
    logging.getLogger("govkit").error("internal error", exc_info=error)
    return f"internal error, {type(error).__name__}: {error}; GOVKIT_LOG=ERROR shows where", GovkitError.exit_code


def _end(message: str, code: int) -> None:
    from govkit.cli.screen import plain

    for line in message.splitlines():
        print(f"govkit: {plain(line)}", file=sys.stderr)
    sys.exit(code)
