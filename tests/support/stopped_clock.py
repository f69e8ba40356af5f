"""Stops the machine's clock, as seen by govkit in this process: no setting of the environment can."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from govkit.core import times
from govkit.pipeline import clock


@contextmanager
def stopped(moment: str) -> Iterator[None]:
    with mock.patch.object(clock, "_machine", return_value=times.instant(moment)):
        yield
