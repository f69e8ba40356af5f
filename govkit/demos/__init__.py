"""The shipped demos: the whole way on real input that a package index carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from govkit.pipeline.bundle import Bundle
from govkit.pipeline.measuring import Progress


@dataclass(frozen=True)
class Story:
    """What a demo leaves behind.

    Attributes:
        bundle: The evidence.
        model: What was audited: a folder or a file of predictions.
        remarks: What is true of it and worth saying aloud, one sentence each, with the figures of the bundle.
    """

    bundle: Bundle
    model: Path
    remarks: tuple[str, ...]


Demo = Callable[[Path, Progress | None], Story]


def find_demo(name: str) -> Demo:
    """A demo by name.

    Raises:
        UsageError: There is no such demo.
    """
    from govkit.demos import employment, recidivism, sms
    from govkit.documents import nearest
    from govkit.errors import UsageError

    demos: dict[str, Demo] = {"sms": sms.run, "recidivism": recidivism.run, "employment": employment.run}
    if name not in demos:
        raise UsageError(f"no demo is called {name!r}{nearest(name, tuple(demos))}")
    return demos[name]
