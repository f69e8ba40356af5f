"""A watchdog: what takes far too long is a fault, whatever the machine."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Hang(BaseException):
    """It took too long; no handler of errors may catch it."""


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Ends what is inside with `Hang` after so many seconds."""

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
