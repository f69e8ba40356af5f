"""What a run cost: time, memory, and energy where something measures it."""

from __future__ import annotations

import re
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from govkit.core import Fact
from govkit.errors import optional_imports
from govkit.lineage.environment import accelerator, devices
from govkit.lineage.facts import observed, stated

POWERCAP = Path("/sys/class/powercap")
"""Where Linux shows the energy counters of the processors."""
PAUSE = 20.0
"""Seconds between two readings of a counter: the smallest begin anew after 65 kJ, which takes more than 3 kW."""


class Clock:
    """What a run cost since this was made. Its energy is known once it was stopped.

    Args:
        energy: ``codecarbon`` estimates the energy instead of reading the counters of the processors.
        powercap: Folder of those counters.

    Raises:
        MissingExtra: codecarbon is asked for and not installed.
    """

    def __init__(self, *, energy: Literal["codecarbon"] | None = None, powercap: Path = POWERCAP) -> None:
        self.started = time.time()
        self._energy = _not_measured("the run has not ended")
        self._end: Callable[[], dict[str, Fact]] | None = _estimate() if energy else _Counters(powercap).end
        self._wall, self._cpu = time.monotonic(), _cpu_seconds()

    def stop(self) -> None:
        """End the measuring of energy; a second time has no effect."""
        if self._end is not None:
            self._energy, self._end = self._end(), None

    def cost(self, model: Any | None) -> dict[str, Fact]:
        """What the run cost up to now."""
        found = devices(model)
        return {
            "wall_s": observed(round(time.monotonic() - self._wall, 3)),
            "cpu_s": observed(round(_cpu_seconds() - self._cpu, 3)),
            "peak_rss_mb": observed(round(_peak_bytes() / 2**20, 1)),
            "peak_device_mb": accelerator(
                found, lambda cuda: round(sum(map(cuda.max_memory_allocated, found)) / 2**20, 1)
            ),
            **self._energy,
        }


def _cpu_seconds() -> float:
    """User and system time of this process and of its children that ended and were waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _peak_bytes() -> int:
    status = Path("/proc/self/status")
    # The kernel's other count, ru_maxrss, is inherited from the process that started this one.
    peak = re.search(r"VmHWM:\s*(\d+)", status.read_text(encoding="utf-8") if status.exists() else "")
    number = int(peak[1]) if peak else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return number if sys.platform == "darwin" else number * 1024


def _not_measured(why: str) -> dict[str, Fact]:
    return dict.fromkeys(("energy_kwh", "energy_method"), observed(None, f"not measured: {why}"))


class _Counters:
    """Energy counters of processor packages (RAPL), read now and then since they begin anew when they are full."""

    def __init__(self, root: Path) -> None:
        self._root, self._why = root, "this machine shows no energy counter of a processor"
        self._last: dict[Path, int] = {}
        self._joules, self._over = 0.0, threading.Event()
        self._read()
        self._thread = threading.Thread(target=self._watch, name="govkit-energy", daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while self._last and not self._over.wait(PAUSE):
            self._read()

    def _read(self) -> None:
        """Add what was used since the last reading; a counter that fails ends it all."""
        now = {}
        try:
            # Beneath a package (intel-rapl:0) lie its parts (intel-rapl:0:0), whose energy is in that of the package.
            for path in self._root.glob("intel-rapl:*"):
                if path.name.count(":") == 1 and (path / "name").read_text(encoding="ascii").startswith("package"):
                    now[path] = int((path / "energy_uj").read_text(encoding="ascii"))
                    used = now[path] - self._last.get(path, now[path])
                    full = int((path / "max_energy_range_uj").read_text(encoding="ascii"))
                    self._joules += (used if used >= 0 else used + full) / 1e6
        except (OSError, ValueError) as error:
            now, self._why = {}, f"an energy counter of the processor cannot be read ({type(error).__name__})"
        self._last = now

    def end(self) -> dict[str, Fact]:
        self._over.set()
        self._thread.join()
        if self._last:
            self._read()
        if not self._last:
            return _not_measured(self._why)
        method = (
            f"counters of {len(self._last)} processor package(s) (RAPL): whole machine, other programs too; without "
            "accelerators, memory modules and cooling"
        )
        return {"energy_kwh": observed(self._joules / 3.6e6), "energy_method": observed(method)}


def _estimate() -> Callable[[], dict[str, Fact]]:
    """Let codecarbon estimate the energy, kept from the network, from files and from the user's settings of it."""
    with optional_imports():
        import codecarbon
    # Emissions are not recorded: an intensity of 0 needs no country, and no service that knows one.
    tracker = codecarbon.OfflineEmissionsTracker(
        output_methods=[], output_handlers=[], emissions_endpoint=False, electricitymaps_api_token=False,
        force_carbon_intensity_g_co2e_kwh=0.0, tracking_mode="machine", allow_multiple_runs=True, log_level="error",
        force_cpu_power=None, force_ram_power=None, force_mode_cpu_load=False, pue=1.0,
    )  # fmt: skip
    tracker.start()

    def end() -> dict[str, Fact]:
        tracker.stop()
        data = getattr(tracker, "final_emissions_data", None)
        if data is None:
            return _not_measured("codecarbon made no estimate")
        parts = ", ".join(part.description() for part in getattr(tracker, "_hardware", ()))
        method = f"estimate of codecarbon {codecarbon.__version__}: whole machine, from rated power and load of {parts}"
        return {"energy_kwh": stated(data.energy_consumed, "estimated"), "energy_method": observed(method)}

    return end
