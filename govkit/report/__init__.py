"""The documents of a bundle. Each is a rendering of the signed statements; none of them computes anything.

``render()`` reads what the statements say. Whether they may be believed is the question of ``verify``.
"""

from __future__ import annotations

from pathlib import Path

from govkit.licenses import components, notice
from govkit.report.badge import badge, drawing
from govkit.report.blocks import Section
from govkit.report.brand import check_logo
from govkit.report.card import card, check_card
from govkit.report.charts import Chart, choose
from govkit.report.comment import comment
from govkit.report.cover import Cover, cover
from govkit.report.exports import attestable, check_exports, written as exported
from govkit.report.exports.shared import dumps
from govkit.report.figures import draw
from govkit.report.html import page
from govkit.report.judged import judged
from govkit.report.junit import junit
from govkit.report.language import DEFAULT as ENGLISH, check_language, languages, speaking
from govkit.report.model import Report
from govkit.report.origins import origins
from govkit.report.outcomes import measured
from govkit.report.pdf import pdf as print_page
from govkit.report.profiles import DEFAULT, PROFILES, profile_of, select
from govkit.report.read import read
from govkit.report.sarif import sarif
from govkit.report.standing import Standing
from govkit.report.summary import summary


def render(
    bundle: Path,
    *,
    out: Path | None = None,
    pdf: bool = True,
    profile: str = DEFAULT,
    language: str = ENGLISH,
    standing: Standing | None = None,
    signed: bool = True,
) -> tuple[Path, ...]:
    """Write the documents of a bundle.

    Args:
        bundle: Folder with the statements, ``policy.yaml`` and ``audit.yaml``.
        out: Folder to write into; the bundle itself if not given.
        pdf: Whether to write ``report.pdf`` too, which needs the extra ``pdf``.
        profile: For whom: ``owner``, ``engineer``, ``auditor`` or ``regulator``.
        language: Code of one of ``languages()``; the sealed bundle is written in English.
        standing: How far the documents may be believed, where they have to say so.
        signed: Whether ``report.pdf`` gets a signature, so that the documents say how to check that file alone.

    Returns:
        The written files, sorted. Of another profile than ``regulator``, of another language than English, and of a
        bundle that does not verify, these are ``report.html`` and ``report.pdf``, for no other document could carry
        the mark. Else also ``card.md``, ``summary.md``, ``comment.md``, ``badge.json``, ``badge.svg``, ``junit.xml``,
        ``results.sarif``, ``NOTICE`` where there is a record of the run, one JSON table and one SVG a figure, and the
        formats of others in ``exports/``. The same bundle gives the same bytes.

    Raises:
        UsageError: ``bundle`` is not a bundle, or there is no such profile or language.
        MissingExtra: ``pdf`` is asked for and WeasyPrint is not installed. The other documents are written.
    """
    chosen = profile_of(profile)
    with speaking(language):
        report = Report(read(bundle, out=out))
        charts = choose(report)
        drawn = {chart.key: draw(chart) for chart in charts}
        shown = cover(report, standing)
        sections = _sections(report, charts)
        own = select(chosen, report, sections, signed=signed)
        html = page(report, shown, own, figures=drawn, whole=chosen.whole, kind=chosen.name)
        files = {"report.html": html.encode()}
        if (profile, language) == (DEFAULT, ENGLISH) and (standing is None or standing.kind != "unverified"):
            files |= _beside(report, shown, sections, charts, drawn)
        written = _write(out or bundle, files)
        if pdf:
            printed = print_page(html, report.sources, own_check=chosen.whole and signed)
            written += _write(out or bundle, {"report.pdf": printed})
    return tuple(sorted(written))


def _beside(
    report: Report,
    shown: Cover,
    sections: tuple[Section, ...],
    charts: tuple[Chart, ...],
    drawn: dict[str, bytes],
) -> dict[str, bytes]:
    """The documents beside the report."""
    keys = frozenset(drawn)
    files: dict[str, bytes] = {
        **{f"tables/{chart.key}.json": dumps(chart.table) for chart in charts},
        **{f"figures/{key}.svg": svg for key, svg in drawn.items()},
        "card.md": card(report, shown, sections, figures=keys).encode(),
        "summary.md": summary(report, shown).encode(),
        "junit.xml": junit(report),
        "results.sarif": sarif(report),
        "badge.json": badge(report),
        "badge.svg": drawing(report),
        "comment.md": comment(report, shown).encode(),
        **exported(report),
    }
    if report.sources.run is not None:
        made_of = components(report.sources.run, report.sources.audit.licenses, ())
        files["NOTICE"] = notice(made_of).encode()
    return files


def _sections(report: Report, charts: tuple[Chart, ...]) -> tuple[Section, ...]:
    found = (*origins(report, charts), *measured(report, charts), *judged(report, charts))
    return tuple(section for section in found if section is not None)


def _write(folder: Path, files: dict[str, bytes]) -> list[Path]:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return [folder / name for name in files]
