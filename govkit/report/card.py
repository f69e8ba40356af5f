"""The model card: front matter for the hub, and the sections of Mitchell et al. (2019), filled by the bundle.

The front matter of a card can be held against the record that it was made from: what a hub reads is what was signed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from govkit import documents
from govkit.core import Measurement
from govkit.errors import EvidenceError, UsageError
from govkit.report import text, words
from govkit.report.blocks import Cell, Facts, Section
from govkit.report.cover import Cover
from govkit.report.escape import clean, markdown, short
from govkit.report.model import Report
from govkit.report.numbers import plain
from govkit.report.origins import intended, named, reached
from govkit.report.read import read

_REPO = re.compile(r"^[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?$", re.ASCII)
_HUB_LICENSES = frozenset(
    {
        "apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear", "cc0-1.0", "cc-by-2.0", "cc-by-3.0",
        "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0",
        "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0",
        "gpl-2.0", "gpl-3.0", "lgpl-2.1", "lgpl-3.0", "agpl-3.0", "mpl-2.0", "epl-2.0", "eupl-1.2", "isc", "unlicense",
        "afl-3.0", "artistic-2.0", "bsl-1.0", "ecl-2.0", "ms-pl", "ncsa", "ofl-1.1", "osl-3.0", "postgresql", "wtfpl",
        "zlib", "odbl", "pddl", "etalab-2.0",
    }
)  # fmt: skip
_TASKS = {"text": "text-classification", "image": "image-classification", "table": "tabular-classification"}
_METRICS = ("accuracy", "balanced_accuracy", "roc_auc", "f1", "f1_score", "macro_f1", "precision", "recall",
            "log_loss", "brier_score", "brier_score_loss", "calibration_error")  # fmt: skip
_CHAPTERS = {
    "details": ("scope", "license"),
    "use": (),
    "factors": (),
    "metrics": ("performance",),
    "evaluation": ("data",),
    "training": (),
    "analyses": ("change", "fairness", "calibration", "robustness"),
    "ethics": ("risks",),
    "caveats": ("people", "gaps", "limits"),
}
"""Chapter -> sections of the report that stand in it after what is its own."""


CARD = "card.md"
_CODES = (
    ("CARD_RESULTS_BINDING", ("govkit",), "is bound to other findings, another model or another verdict"),
    ("CARD_LICENSE", ("license", "license_name", "license_link"), "gives another license than the record"),
    ("CARD_METRIC", ("model-index",), "gives other figures than those that were signed"),
)


class _Quoted(yaml.SafeDumper):
    """Quotes every string, so that readers of YAML 1.1 and 1.2 agree on what is a number."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


_Quoted.add_representer(str, lambda dumper, found: dumper.represent_scalar("tag:yaml.org,2002:str", found, style='"'))


def card(report: Report, shown: Cover, sections: tuple[Section, ...], *, figures: frozenset[str]) -> str:
    """The card as Markdown.

    Source: M. Mitchell et al., Model Cards for Model Reporting, FAT* 2019 (sections); Hugging Face model card
    metadata (front matter).
    """
    matter = yaml.dump(front_matter(report), Dumper=_Quoted, allow_unicode=False, width=10**9, sort_keys=False)
    by_key = {section.key: section.blocks for section in sections}
    elsewhere = (Facts((*named(report).rows, *intended(report).rows)), *reached(report))
    parts = [_opening(shown)]
    for chapter, keys in _CHAPTERS.items():
        taken = [block for key in keys for block in by_key.get(key, ()) if block not in elsewhere]
        if chapter == "details":
            taken += reached(report, lambda found: not _of_data(found))
        inner = (*_own(chapter, report), text.blocks(taken, figures=figures))
        parts.append("\n\n".join([f"## {words.catalog()['card']['chapters'][chapter]}", *filter(None, inner)]))
    return f"---\n{matter}---\n\n" + "\n\n".join(parts) + "\n"


def front_matter(report: Report) -> dict[str, Any]:
    """Metadata for the hub: only what is known or was measured."""
    run, verdict = report.sources.run, report.sources.verdict
    matter: dict[str, Any] = _license(report)
    base = run.base.id.value if run else None
    if isinstance(base, str) and _REPO.match(base):
        matter["base_model"] = base
    task = _TASKS.get(str(next((m.value for m in report.family("scope") if m.name == "modality"), None)))
    if task:
        matter["pipeline_tag"] = task
    matter["tags"] = ["govkit"]
    results = _results(report, task or "other")
    if results:
        matter["model-index"] = [{"name": short(report.name, 90), "results": results}]
    matter["govkit"] = {
        "artifact": clean(verdict.subject),
        "findings": report.sources.findings_digest,
        "policy": clean(verdict.policy),
        "verdict": verdict.outcome,
        "enforced": verdict.enforced,
        "as_of": f"{report.sources.as_of:%Y-%m-%dT%H:%M:%SZ}",
    }
    return matter


def _license(report: Report) -> dict[str, Any]:
    """The declared license, or that of the base, and only where the licenses together were found to allow the use.

    A hub reads this field as a promise: with one license in conflict or unknown there is nothing to promise.
    """
    allowed = any(found.name == "composition" and found.value == "allow" for found in report.family("license"))
    own = [lic.expression for lic in report.sources.audit.licenses if lic.of == "candidate"]
    run = report.sources.run
    base = [run.base.license.expression] if run and run.base.license.state == "known" else []
    expression = next((e for e in (*own, *base) if e), None) if allowed else None
    name = re.sub(r"-(only|or-later)$", "", (expression or "").lower())
    if name in _HUB_LICENSES:
        return {"license": name}
    return {"license": "other", "license_name": short(expression, 80) if expression else "unknown"}


def _results(report: Report, task: str) -> list[dict[str, Any]]:
    found = [m for name in _METRICS if (m := report.find(name)) and m.is_number]
    by_data: dict[str, list[Measurement]] = {}
    for m in found:
        by_data.setdefault(m.data.digest if m.data else "unknown", []).append(m)
    return [
        {
            "task": {"type": task},
            "dataset": {"name": f"test rows {short(digest, 80)}", "type": "test"},
            "metrics": [{"type": m.name, "name": words.metric(m.name), "value": m.value} for m in measured],
        }
        for digest, measured in by_data.items()
    ]


def _opening(shown: Cover) -> str:
    lines = [f"# {markdown(shown.model)}", f"**{shown.stamp}.** {markdown(shown.says)}"]
    if shown.standing:
        lines.append(f"**{markdown(shown.standing.title)}.** {markdown(shown.standing.says)}")
    if not shown.enforced:
        lines.append(f"**{words.catalog()['not_enforced']}.** {words.catalog()['not_enforced_says']}")
    points = [f"- **{markdown(point.title)}:** {text.cell(point.reason)}" for point in shown.points]
    lines += ["\n".join(points)] if points else []
    lines.append(words.catalog()["card"]["check"].format(command=f"`{shown.verify}`"))
    return "\n\n".join(lines)


def _own(chapter: str, report: Report) -> Iterable[str]:
    """What a chapter says before its sections."""
    says = words.catalog()["card"]
    if chapter == "details":
        yield text.blocks([named(report)])
    if chapter == "use":
        yield text.blocks([intended(report)])
    if chapter == "factors":
        columns = ", ".join(markdown(short(c, 80)) for c in report.compared_columns) or says["no_groups"]
        yield says["groups"].format(columns=columns)
        yield markdown(says["ethical"])
    if chapter == "evaluation":
        yield text.blocks(reached(report, _of_data))
    if chapter == "training":
        yield "\n".join(_trained_on(report)) or says["no_training"]
    # What a watch of a model in service stated.
    service = {m.name: text.cell(plain(m.value)) for m in report.measurements if m.check == "service_record"}
    if chapter == "caveats" and service:
        yield markdown(says["service"].format(**service))


def _of_data(found: Measurement) -> bool:
    """Whether it tells which rows and models were at hand; the rest of its section tells of the weights."""
    return found.check == "scope"


def _trained_on(report: Report) -> Iterable[str]:
    """A line for each source of training rows: its name, how many, and its license."""
    says, run = words.catalog()["card"], report.sources.run
    for part in run.data if run else ():
        if part.role == "train":
            name = markdown(short(str(part.id.value or says["unnamed"]), 120))
            state = words.mark("license_states", part.license.state)
            found: Cell = (f"{part.license.expression} ", state) if part.license.expression else (state,)
            rows = text.cell(plain(part.rows.value))
            yield "- " + says["training"].format(name=name, rows=rows, license=text.cell(found))


def check_card(bundle: Path, text: str) -> None:
    """Compare license, figures and digests of a card with the statements of its bundle.

    Args:
        bundle: The bundle, whose statements were verified.
        text: The card.

    Raises:
        EvidenceError: ``CARD_FORM``, ``CARD_DUP_KEY``, ``CARD_RESULTS_BINDING``, ``CARD_LICENSE`` or ``CARD_METRIC``.
    """
    found, expected = _matter(text), front_matter(Report(read(bundle)))
    for code, keys, message in _CODES:
        if any(found.get(key) != expected.get(key) for key in keys):
            raise EvidenceError(code, f"{CARD}: {message}", file=CARD)


def _matter(text: str) -> dict[str, Any]:
    head, _, rest = text.partition("---\n")
    matter, end, _ = rest.partition("\n---\n")
    if head or not end:
        raise EvidenceError("CARD_FORM", f"{CARD}: expected front matter between two lines of ---", file=CARD)
    try:
        found: dict[str, Any] = documents.parse(matter, CARD, error=UsageError).data
    except UsageError as error:
        code = "CARD_DUP_KEY" if "twice" in str(error) else "CARD_FORM"
        raise EvidenceError(code, str(error), file=CARD) from None
    return found
