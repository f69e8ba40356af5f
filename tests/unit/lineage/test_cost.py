"""The cost of a run, with counters in a real tree of files and real work."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from govkit.errors import MissingExtra
from govkit.lineage import cost
from govkit.lineage.cost import Clock
from govkit.lineage.facts import FACTS, NOT_APPLICABLE

FULL = 65_532_610_987


def counter(root: Path, folder: str, name: str, energy_uj: int) -> Path:
    place = root / folder
    place.mkdir(parents=True)
    (place / "name").write_text(f"{name}\n")
    (place / "max_energy_range_uj").write_text(f"{FULL}\n")
    (place / "energy_uj").write_text(f"{energy_uj}\n")
    return place / "energy_uj"


@pytest.fixture
def powercap(tmp_path: Path) -> Path:
    """Two packages, one nearly full, and counters that would count energy twice."""
    counter(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    counter(tmp_path, "intel-rapl:1", "package-1", FULL - 600_000_000)
    counter(tmp_path, "intel-rapl:0:0", "core", 0)
    counter(tmp_path, "intel-rapl:2", "psys", 0)
    counter(tmp_path, "intel-rapl-mmio:0", "package-0", 0)
    return tmp_path


def set_all(root: Path, **values: int) -> None:
    for place in root.iterdir():
        # Whole or not at all, as the kernel shows it.
        whole = place / "next"
        whole.write_text(str(values.get(place.name.replace("intel-rapl:", "p"), 99_999_999_999)))
        whole.replace(place / "energy_uj")


def test_every_cost_is_there(tmp_path: Path) -> None:
    clock = Clock(powercap=tmp_path)
    found = clock.cost(torch.nn.Linear(1, 1))
    assert list(found) == list(FACTS["cost"])
    assert found["peak_device_mb"] == NOT_APPLICABLE
    assert clock.cost(None)["peak_device_mb"].seen == "unknown"


def test_time_of_this_process_and_of_children_that_ended(tmp_path: Path) -> None:
    clock = Clock(powercap=tmp_path)
    spin = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-S", "-c", spin], check=True)
    began = time.process_time()
    while time.process_time() - began < 0.2:
        pass
    found = clock.cost(None)
    assert found["cpu_s"].value >= 0.5
    assert found["wall_s"].value >= 0.2
    assert clock.cost(None)["wall_s"].value >= found["wall_s"].value


def test_the_peak_of_memory_is_that_of_this_process_alone() -> None:
    # A child inherits the count of a large parent in ru_maxrss.
    held = b"x" * 2**28
    code = "from pathlib import Path; from govkit.lineage.cost import _peak_bytes; print(_peak_bytes())"
    small = int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)
    own = Clock().cost(None)["peak_rss_mb"].value
    assert own >= len(held) / 2**20
    assert 2**20 < small < own * 2**20


def test_energy_is_the_sum_over_packages_and_counters_may_begin_anew(powercap: Path) -> None:
    clock = Clock(powercap=powercap)
    assert "has not ended" in clock.cost(None)["energy_kwh"].why
    # 3,600 J on the first package; 600 J up to the end of the second counter, and 3,000 J from its new beginning.
    set_all(powercap, p0=3_601_000_000, p1=3_000_000_000)
    clock.stop()
    set_all(powercap, p0=9_000_000_000, p1=9_000_000_000)
    clock.stop()
    found = clock.cost(None)
    assert (found["energy_kwh"].seen, found["energy_kwh"].value) == ("observed", pytest.approx(0.002))
    assert found["energy_method"].value.startswith("counters of 2 processor package(s) (RAPL): whole machine")
    assert "without accelerators" in found["energy_method"].value


def test_a_counter_that_begins_anew_twice_is_read_in_between(powercap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "PAUSE", 0.01)
    counters = cost._Counters(powercap)
    assert counters._thread.is_alive()
    for _ in range(3):
        for energy in (FULL - 1, 5_000_000_000):
            set_all(powercap, p0=energy, p1=FULL)
            deadline = time.monotonic() + 20
            while counters._last[powercap / "intel-rapl:0"] != energy and time.monotonic() < deadline:
                time.sleep(0.005)
    found = counters.end()
    first = (FULL - 1 - 1_000_000) + 2 * (FULL - 1 - 5_000_000_000) + 3 * 5_000_000_001
    assert found["energy_kwh"].value == pytest.approx((first + 600_000_000) / 1e6 / 3.6e6)
    assert not counters._thread.is_alive()


@pytest.mark.parametrize("content", ["", "no number", None])
def test_a_counter_that_cannot_be_read_measures_nothing(powercap: Path, content: str | None) -> None:
    for broken_at_first in (True, False):
        clock = None if broken_at_first else Clock(powercap=powercap)
        if content is None:
            (powercap / "intel-rapl:1" / "energy_uj").unlink(missing_ok=True)
        else:
            (powercap / "intel-rapl:1" / "energy_uj").write_text(content)
        clock = clock or Clock(powercap=powercap)
        clock.stop()
        found = clock.cost(None)
        assert (found["energy_kwh"].seen, found["energy_method"].seen) == ("unknown", "unknown")
        assert found["energy_kwh"].why.startswith("not measured: an energy counter of the processor cannot be read")
        (powercap / "intel-rapl:1" / "energy_uj").write_text("5")


def test_a_counter_that_fails_for_a_while_measures_nothing(powercap: Path) -> None:
    counters = cost._Counters(powercap)
    energy = powercap / "intel-rapl:0" / "energy_uj"
    energy.unlink()
    counters._read()
    energy.write_text("7000000")
    assert counters.end()["energy_kwh"].seen == "unknown"


def test_without_counters_energy_is_unknown_and_no_thread_stays(tmp_path: Path) -> None:
    clock = Clock(powercap=tmp_path / "absent")
    clock.stop()
    assert clock.cost(None)["energy_kwh"].why == "not measured: this machine shows no energy counter of a processor"
    assert "govkit-energy" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.skipif(find_spec("codecarbon") is None, reason="the extra 'energy' is not installed")
def test_codecarbon_estimates_without_network_and_files(tmp_path: Path) -> None:
    """In a process of its own: any connection or written file ends it, and settings that ask for them lie ready."""
    (tmp_path / ".codecarbon.config").write_text(
        "[codecarbon]\nsave_to_file=true\nsave_to_api=true\nemissions_endpoint=http://127.0.0.1:9/\n"
        "electricitymaps_api_token=x\nforce_cpu_power=500000\n"
    )
    program = f"""
import os, sys, time
from govkit.lineage.cost import Clock
def forbid(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        os._exit(3)
    if event == "open" and str(arguments[0]).startswith({str(tmp_path)!r}) and arguments[1] not in ("r", "rb", None):
        os._exit(4)
sys.addaudithook(forbid)
clock = Clock(energy="codecarbon")
time.sleep(0.3)
assert clock.cost(None)["energy_kwh"].seen == "unknown"
clock.stop()
found = clock.cost(None)
assert (found["energy_kwh"].seen, found["energy_method"].seen) == ("declared", "observed"), found
assert 0 < found["energy_kwh"].value < 0.01, found
assert found["energy_method"].value.startswith("estimate of codecarbon 3."), found
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [".codecarbon.config"]


def test_codecarbon_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "codecarbon", None)
    with pytest.raises(MissingExtra, match=r"govkit\[energy\]"):
        Clock(energy="codecarbon")
