"""CPU time of 40 figures, drawn from findings that call for every kind of them: median and most, by kind.

Run: ``python tests/bench/figures.py``
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "report"))

from bundle_fixture import write_bundle
from figures_fixture import attacks, flips, licensed, moved

from govkit.report.charts import choose
from govkit.report.figures import draw
from govkit.report.model import Report
from govkit.report.read import read

FIGURES = 40


def main() -> None:
    """Draw and print."""
    groups = {f"column {at}": {f"group {name}": 300 for name in range(20)} for at in range(FIGURES - 8)}
    extra = [*flips(), *attacks(), *moved(60), *licensed()]
    with tempfile.TemporaryDirectory() as folder:
        report = Report(read(write_bundle(Path(folder) / "bundle", groups=groups, extra=extra)))
    start = time.process_time()
    charts = choose(report)
    chosen = time.process_time() - start
    spent: dict[str, list[float]] = {}
    size = marks = 0
    for chart in charts:
        before = time.process_time()
        svg = draw(chart)
        spent.setdefault(chart.kind, []).append(1000 * (time.process_time() - before))
        size, marks = size + len(svg), max(marks, svg.count(b'class="mark"'))
    whole = sum(map(sum, spent.values()))
    sys.stdout.write(f"{'kind':12}{'figures':>8}{'median ms':>11}{'most ms':>9}\n")
    for kind, own in spent.items():
        sys.stdout.write(f"{kind:12}{len(own):8}{statistics.median(own):11.2f}{max(own):9.2f}\n")
    sys.stdout.write(
        f"{len(charts)} figures: {whole / 1000:.3f} CPU s to draw, {chosen:.3f} to choose; "
        f"{size:,} bytes, at most {marks} marks\n"
    )


if __name__ == "__main__":
    main()
