"""What reading and writing reports costs: CPU seconds and peak memory of whole processes, beside their limits.

::

    python tests/bench/documents.py

A limit is missed where twice of it is not enough: other programs on the machine may cost as much again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "report"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import wide_bundle
from figures_fixture import attacks, flips, licensed, moved

import govkit as gk

NOISE = 2.0
PAGES, FIGURES, FINDINGS = 60, 40, 2000
LONG, MANY = {"columns": 32, "groups": 7}, {"columns": 12, "groups": 20}
"""Columns of groups that make so many figures and pages, and so many findings."""
RUNS = 3
"""Of what takes a second; the least of them is told."""
PEAK = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(done.returncode, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""
SIGN = """
import pathlib, sys
from govkit import evidence
path = pathlib.Path(sys.argv[1])
key = evidence.throwaway_key("The pipeline", "2026-11-01T00:00:00Z")
path.write_bytes(evidence.sign_pdf(path.read_bytes(), key, as_of="2026-11-24T00:00:00Z"))
"""


@dataclass(frozen=True)
class Row:
    """A figure, what it may be, and what it is, in CPU seconds or MB."""

    figure: str
    limit: float
    unit: str
    measured: float


def cost(*arguments: object) -> tuple[float, float]:
    """CPU seconds and peak MB of Python, under a small parent since a peak starts with that of the parent."""
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", PEAK, *command],
        check=True,
        capture_output=True,
        text=True,
    )
    code, cpu, peak = done.stdout.split()
    assert code == "0", (command, done.stderr[-2000:])
    return float(cpu), float(peak)


def least(*arguments: object) -> float:
    """CPU seconds of the quickest of some runs of a command."""
    return min(cost("-m", "govkit", *arguments)[0] for _ in range(RUNS))


def rows(folder: Path) -> Iterator[Row]:
    """Every figure, measured."""
    yield from _long_report(folder)
    yield from _many_findings(folder)
    yield Row("govkit --help", 0.5, "s", least("--help"))


def _long_report(folder: Path) -> Iterator[Row]:
    extra = [*flips(), *attacks(), *moved(60), *licensed()]
    bundle = wide_bundle.write(folder / "long", extra=extra, **LONG)
    out = folder / "long-out"
    cpu, peak = cost("-m", "govkit", "render", bundle, "--out", out)
    pages, figures = _pages(out / "report.pdf"), len(list((out / "figures").glob("*.svg")))
    assert pages >= PAGES, pages
    assert figures >= FIGURES, figures
    more, most = cost("-c", SIGN, out / "report.pdf")
    named = f"{pages} pages, {figures} figures"
    yield Row(f"{named}, all documents", 20, "s", cpu)
    yield Row(f"{named}, all documents", 700, "MB", peak)
    yield Row(f"{named}, all documents, PDF signed", 20, "s", cpu + more)
    yield Row(f"{named}, all documents, PDF signed", 700, "MB", max(peak, most))


def _many_findings(folder: Path) -> Iterator[Row]:
    bundle = wide_bundle.write(folder / "many", **MANY)
    found = len(gk.read_bundle(bundle).findings)
    assert found >= FINDINGS, found
    light, _ = cost("-m", "govkit", "render", bundle, "--out", folder / "light", "--no-pdf")
    yield Row(f"{found:,} findings, all but the PDF", 30, "s", light)
    cpu, _ = cost("-m", "govkit", "render", bundle, "--out", folder / "whole")
    pages = _pages(folder / "whole" / "report.pdf")
    yield Row(f"{found:,} findings, HTML, PDF ({pages} pages) and all documents", 30, "s", cpu)
    yield Row(f"govkit show, {found:,} findings", 1, "s", least("show", bundle))
    yield Row(f"govkit show --all, {found:,} findings", 1, "s", least("show", "--all", bundle))


def _pages(pdf: Path) -> int:
    import pikepdf

    with pikepdf.open(pdf) as opened:
        return len(opened.pages)


def main() -> int:
    """Print the table; 1 where a limit is missed by more than the noise of a machine."""
    missed = 0
    sys.stdout.write(f"{'limit':>9}{'measured':>11}  figure\n")
    with tempfile.TemporaryDirectory() as folder:
        for row in rows(Path(folder)):
            over = "  OVER" if row.measured > row.limit else ""
            missed += row.measured > NOISE * row.limit
            sys.stdout.write(f"{row.limit:>6g} {row.unit:2}{row.measured:>8.2f} {row.unit:2}  {row.figure}{over}\n")
            sys.stdout.flush()
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    sys.stdout.write(f"{os.cpu_count()} cores, load {load}\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
