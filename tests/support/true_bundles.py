"""What the tests of the demos ask of the documents of a bundle: nothing more than it says, and nothing less."""

from __future__ import annotations

from math import prod
from pathlib import Path

from page_reader import rows_of
from told_gaps import unlisted, untold
from true_documents import documents, misled, numerals
from true_values import Truth

from govkit.report import render

FLOORS = {".pdf": 1.0, ".html": 0.92, ".md": 0.83, ".json": 0.97, ".svg": 0.77}
"""Share of changed digits that must be seen, at the least, over all digits of the documents of a kind."""
FOREIGN = "es"
CHANGES = 200
"""Changes tried in each document; tables and figures are many and small, and get a fifth of them."""


def hold(bundle: Path, out: Path) -> None:
    """Ask that nothing in any document of a bundle is an orphan, and that a wrong digit would have been seen."""
    pages = []
    for profile in ("owner", "engineer", "auditor"):
        (out / profile).mkdir()
        pages.append(render(bundle, out=out / profile, pdf=False, profile=profile)[0])
    foreign = [out / f"{profile}-{FOREIGN}" for profile in ("owner", "regulator")]
    for folder in foreign:
        folder.mkdir()
        render(bundle, out=folder, pdf=False, profile=folder.name.partition("-")[0], language=FOREIGN)
    assert [each for page in (bundle / "report.html", *pages) for each in misled(bundle, page)] == []
    assert [each for folder in foreign for each in misled(bundle, folder / "report.html", FOREIGN)] == []
    for folder, page in zip(foreign, (pages[0], bundle / "report.html"), strict=True):
        assert numerals(folder / "report.html") == numerals(page)
    found = list(documents(bundle, pages))
    assert {one.name: lost for one in found if (lost := one.orphans(one.lines))} == {}
    seen: dict[str, list[tuple[float, int]]] = {}
    for one in found:
        kind = Path(one.name).suffix
        if kind in FLOORS:
            share = one.found(CHANGES // 5 if kind in (".json", ".svg") else CHANGES)
            seen.setdefault(kind, []).append((share, one.digits))
    shares = {kind: sum(map(prod, own)) / sum(digits for _, digits in own) for kind, own in seen.items()}
    assert all(shares[kind] >= floor for kind, floor in FLOORS.items()), shares
    assert untold(bundle, pages[1:]) == []
    shown = rows_of(bundle / "report.html")
    *_, last = [row for row in shown if row.chapter == "gaps" and row.tag == "tr" and row.text]
    assert unlisted(Truth.of(bundle), [row for row in shown if row is not last])
