"""What a person sees on a terminal; with ``--json``, the same facts for machines."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json as json_module
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import govkit as gk

Tell = Callable[[str, int, int], None]
Line = tuple[str, str]
SIGN = {
    "pass": "✓ pass",
    "fail": "✗ fail",
    "inconclusive": "? inconclusive",
    "missing": "○ missing",
    "error": "! error",
    "unsupported": "○ unsupported",
    "not_applicable": "– not applicable",
}
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories of what steers a terminal, hides, or breaks a line."""

STYLE = {"pass": "green", "fail": "bold red", "error": "bold red", "not_applicable": "dim"}


def plain(text: str) -> str:
    """Text from outside on one line, without anything that a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(
        f"\\u{{{ord(character):x}}}" if unicodedata.category(character) in UNSEEN else character for character in text
    )


def lettered(text: str) -> str:
    """Text that the encoding of stdout can write: shapes as letters of the same width, the rest escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        from govkit.report.terminal import lettered as shaped

        return shaped(text, encoding)
    return text


def say(text: str) -> None:
    """One line on stdout."""
    print(lettered(plain(text)))


def refuse_existing(path: Path) -> None:
    """Results never overwrite something."""
    if path.exists() or path.is_symlink():
        raise gk.UsageError(f"{path}: already exists; name a new one with --out")
    if not path.absolute().parent.is_dir():
        raise gk.UsageError(f"{path.absolute().parent}: no such folder")


def refuse_statement(out: Path) -> None:
    """Before anything is signed: judges read only files that end like this, and nothing is overwritten."""
    if not out.name.endswith(".sigstore.json"):
        raise gk.UsageError(f"{out}: expected a name that ends in .sigstore.json; judges read no other files")
    refuse_existing(out.parent if not out.parent.exists() else out)


def write_statement(out: Path, raw: bytes) -> None:
    """Write a signed statement."""
    try:
        out.parent.mkdir(exist_ok=True)
        with out.open("xb") as stream:
            stream.write(raw)
    except OSError as error:
        raise gk.UsageError(f"{out}: cannot be written ({error.strerror}); name another file") from None
    say(f"signed: {out}")


def free_name(stem: str) -> Path:
    """The first of ``stem``, ``stem-2``, ``stem-3`` ... that does not exist here."""
    number = 1
    while (path := Path(stem if number == 1 else f"{stem}-{number}")).exists():
        number += 1
    return path


@contextmanager
def progress() -> Iterator[Tell]:
    """A progress bar on a terminal, plain lines elsewhere; both on stderr."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda text, done, total: bar.update(task, description=plain(text), completed=done, total=total or None)


def _lines() -> Tell:
    last = ""

    def tell(text: str, done: int, total: int) -> None:
        nonlocal last
        if text != last:
            last = text
            print(f"govkit: {plain(text)} ({done}/{total})" if total else f"govkit: {plain(text)}", file=sys.stderr)

    return tell


def put_json(facts: Any) -> None:
    """Facts as JSON on stdout."""
    print(json_module.dumps(facts, indent=2, ensure_ascii=True, allow_nan=False))


def put(lines: Sequence[Line]) -> None:
    """Lines of ``(text, style)``; styles only where a terminal shows them, as one block, which is drawn at once."""
    shown = [(lettered(plain(text)), style) for text, style in lines]
    if not sys.stdout.isatty():
        for text, _ in shown:
            print(text)
        return
    from rich.console import Console
    from rich.text import Text

    block = Text()
    for text, style in shown:
        block.append(f"{text}\n", style=style)
    Console(highlight=False).print(block, end="")


def printed(facts: Callable[[Any], Any]) -> Callable[[Callable[..., Iterable[Line]]], Callable[..., None]]:
    """Of a function that yields lines of something: one that prints them, or with ``json`` the facts."""

    def of_lines(lines: Callable[..., Iterable[Line]]) -> Callable[..., None]:
        @functools.wraps(lines)
        def show(found: Any, *, json: bool, **how: Any) -> None:
            if json:
                put_json(facts(found))
            else:
                put(list(lines(found, **how)))

        return show

    return of_lines


def records(found: Iterable[Any]) -> list[dict[str, Any]]:
    """Facts of several dataclasses."""
    return [dataclasses.asdict(each) for each in found]


def width() -> int:
    """Columns that a text may fill."""
    import shutil

    return max(60, min(shutil.get_terminal_size((110, 24)).columns, 140))


def wrapped(first: str, text: str, *, indent: int) -> list[Line]:
    """A text as lines of the terminal's width."""
    import textwrap

    return [
        (line, "")
        for line in textwrap.wrap(
            plain(text), width(), initial_indent=first, subsequent_indent=" " * indent, break_long_words=False
        )
    ]


def show_verdict(verdict: gk.Verdict, told: Mapping[str, tuple[str, str]] | None = None) -> None:
    """The outcome, each ruling, and what was not covered.

    Args:
        verdict: What is shown.
        told: Control -> what was seen and what to do, in plain words; without it rulings speak in the verdict's own.
    """
    from govkit.report import words

    lines: list[Line] = [("", "")]
    for ruling in verdict.rulings:
        lines += _ruling(ruling, *(told or {}).get(ruling.control, (ruling.reason, "")))
    coverage = verdict.coverage
    counts = ", ".join(f"{number} {state.replace('_', ' ')}" for state, number in coverage.controls.items() if number)
    unanswered = sum(cell.state == "open" for cell in coverage.cells)
    answered = len(coverage.cells) - unanswered
    lines += [
        ("", ""),
        (f"Controls: {counts}. Findings: {coverage.findings}; not measured: {coverage.gaps}.", ""),
        (f"NIST AI RMF: {answered} subcategories are spoken to, {unanswered} of {len(coverage.cells)} are open.", ""),
        *((f"Note: {plain(notice)}", "yellow") for notice in verdict.notices),
        (f"Judged as of {verdict.as_of}.", ""),
        (f"Verdict: {verdict.outcome}{'' if verdict.enforced else ' (evaluated, NOT ENFORCED)'}", "bold"),
        (words.catalog()["outcomes"][verdict.outcome]["says"], ""),
    ]
    put(lines)


def _ruling(ruling: gk.Ruling, seen: str, to_do: str) -> list[Line]:
    """What was asked; unless it passed what was seen, and what to do where it is open."""
    waived = " (waived)" if ruling.waived else ""
    style = STYLE.get(ruling.state, "yellow")
    first = (f"  {SIGN[ruling.state]:<17} {plain(ruling.control)}  {plain(ruling.title)}{waived}", style)
    if ruling.state == "pass":
        return [first]
    step = wrapped(f"{' ' * 20}To do: ", to_do, indent=20) if to_do else []
    return [first, *wrapped(" " * 20, seen, indent=20), *step]


def in_plain_words(folder: Path, verdict: gk.Verdict, findings: Sequence[Any]) -> dict[str, tuple[str, str]]:
    """Control -> what was seen and what to do, for somebody who knows no statistics.

    Nothing where the policy of the bundle is none of this version: then rulings speak in the verdict's own words.
    """
    from govkit.report.asked import spoken
    from govkit.report.model import Rulings
    from govkit.report.read import Judgement, policy_of

    try:
        policy = policy_of(folder)
    except gk.UsageError:
        return {}
    return spoken(Rulings(Judgement(findings=tuple(findings), verdict=verdict, policy=policy)))


def show_bundle(bundle: gk.Bundle, *, json: bool) -> None:
    """A bundle: its verdict and where its documents are."""
    if json:
        put_json(bundle.dump())
        return
    show_verdict(bundle.verdict, in_plain_words(bundle.path, bundle.verdict, bundle.findings))
    made = bundle.passes
    put(
        [
            (f"Model passes: {made['forward']} rows forward, {made['backward']} backward "
             f"(declared {made['declared_forward']} and {made['declared_backward']}).", ""),
            (f"Bundle: {plain(str(bundle.path))}  "
             "(read report.html or report.pdf; signatures are checked by `govkit verify`)", ""),
        ]
    )  # fmt: skip


@printed(lambda made: made.dump())
def show_remedy(made: gk.Remedied) -> Iterator[Line]:
    """What a remedy did: remarks, the table before and after, who is worse off, and controls that changed."""
    for remark in made.remarks:
        yield from wrapped("  - ", remark, indent=4)
    yield from _effects(made.effects)
    yield from _robust(made.robust)
    for name, title, was, now in made.changed:
        yield from wrapped("  ", f"{name} {was} -> {now}  {title}", indent=6)
    if made.unanswered:
        why = "a verdict that is milder for want of evidence is no better candidate"
        yield from _bad(f"NO LONGER ANSWERED: {', '.join(made.unanswered)}; {why}.")
    if made.standing:
        yield from _bad(
            f"These failed before and still count: {', '.join(made.standing)} (exit code {made.exit_code})."
        )
    place, beside = plain(str(made.path)), made.path / "evidence.trust.yaml"
    trust = plain(str(beside)) if beside.exists() else "YOUR-TRUST.yaml"
    yield f"Verdict: {made.before.outcome} before, {made.bundle.verdict.outcome} after.", "bold"
    yield f"New candidate: {place}  ({_holds(made.artifact)})", ""
    yield f"Check it:  govkit verify {place}/evidence --model {place}/{made.artifact} --trust {trust}", ""


def _holds(artifact: str) -> str:
    if artifact.endswith(".parquet"):
        return f"answers: {artifact}; how to make new ones: remedy.json"
    return f"weights: {artifact}; how they were made: remedy.json"


def _robust(found: Sequence[Any]) -> Iterator[Line]:
    """What attacks left right before and after, each with its interval and whether it can be believed."""
    for each in found:
        yield f"{each.metric.replace('_', ' ')}, changes up to {each.eps:.3g}, {each.n} test rows", "bold"
        sides = zip(("before", "after"), (each.before, each.after), each.intervals, each.trust, strict=True)
        for when, value, interval, trust in sides:
            span = "" if interval is None else f"{interval.low:.3f} to {interval.high:.3f}"
            yield f"  {when:<22} {value:>8.3f}   {span}   {trust or 'not evaluated'}", ""


def _effects(effects: Sequence[Any]) -> Iterator[Line]:
    """Everybody, then whatever changed for a group beyond chance; the rest is named where it is worse, else counted."""
    shown = [each for each in effects if each.beyond_chance or not each.part]
    yield f"{'on the test rows':<24} {'rows':>8} {'before':>8} {'after':>8}   change (95 %)", "bold"
    for part, several in itertools.groupby(shown, key=_part):
        yield part, ""
        for each in several:
            change = "" if each.change is None else f"{each.change.low:+.3f} to {each.change.high:+.3f}"
            after = "none" if each.after is None else f"{each.after:.3f}"
            name = each.metric.replace("_", " ")
            yield f"  {name:<22} {each.n:>8} {each.before:>8.3f} {after:>8}   {change}", ""
    if left := len(effects) - len(shown):
        rest = f"Not shown: {left} values of groups, within chance or not comparable (comparison.json)."
        yield from wrapped("", rest, indent=4)
    worse = [each for each in effects if each.worse]
    yield from _bad(_named("WORSE, more than chance explains", [each for each in worse if each.beyond_chance]))
    yield from wrapped(
        "", _named("Worse, chance could explain it", [e for e in worse if not e.beyond_chance]), indent=4
    )
    yield from [] if worse else [("Worse for nobody, as far as the test rows tell.", "")]


def _named(title: str, effects: Sequence[Any]) -> str:
    """Parts, each with what got worse for it; nothing where there are none."""
    found = [
        f"{part} ({', '.join(each.metric.replace('_', ' ') for each in several)})"
        for part, several in itertools.groupby(effects, key=_part)
    ]
    return f"{title}: {'; '.join(found)}." if found else ""


def _bad(text: str) -> list[Line]:
    return [(line, "bold red") for line, _ in wrapped("", text, indent=4)]


def _part(effect: Any) -> str:
    return ", ".join(f"{plain(column)} {plain(name)}" for column, name in effect.part.items()) or "everybody"


def show_story(story: Any, folder: Path) -> None:
    """What a demo says aloud, and how to go on."""
    lines = [("", ""), ("What is true of it:", "bold")]
    for remark in story.remarks:
        lines += wrapped("  - ", remark, indent=4)
    bundle, trust = story.bundle, folder / "evidence.trust.yaml"
    lines += [
        ("", ""),
        (f"A gate would have answered exit code {bundle.verdict.exit_code} ({bundle.verdict.outcome}).", "bold"),
        (plain(f"Check it:  govkit verify {bundle.path} --model {story.model} --trust {trust}"), ""),
    ]
    put(lines)


@printed(list)
def show_checks(described: Sequence[dict[str, Any]], *, detail: bool) -> Iterator[Line]:
    """The checks, a line each, or one in detail."""
    for each in described:
        yield f"{each['name']:<18} {each['question']}", "bold" if detail else ""
        if detail:
            yield f"  needs: {', '.join(each['needs']) or 'nothing'}", ""
            for name, schema in each["params"].items():
                yield f"  parameter {name}: {schema.get('type', 'value')}, default {schema.get('default')}", ""
            yield from ((f"  metric {metric['name']}: {metric['what']}", "") for metric in each["metrics"])


@printed(dataclasses.asdict)
def show_replay(found: gk.Replay) -> Iterator[Line]:
    """What repeating a run showed."""
    for name, state in found.here.items():
        yield f"{name:<28} {plain(state)}", "" if state == "same" else "yellow"
    away = "their tensors cannot be compared" if found.distance is None else f"relative distance {found.distance:.3g}"
    noise = "" if found.noise is None else f"; two of {found.reruns} reruns are up to {found.noise:.3g} apart"
    yield f"weights: {found.answer}; {away}{noise}", "bold"


@printed(dataclasses.asdict)
def show_ancestry(found: gk.Ancestry) -> Iterator[Line]:
    """The answer, why, what moved, and the limits that stand beside every answer."""
    yield found.answer, "bold"
    yield from wrapped("", found.reason, indent=0)
    if found.steps:
        yield f"Compared by {', '.join(found.steps)}.", "dim"
    if found.layers:
        yield f"{'layer':<40} {'tensors':>7} {'change':>8} {'rank':>6}", ""
    for each in found.layers:
        yield f"{plain(each.name):<40} {each.tensors:>7} {each.change:>8.2g} {each.rank:>6}", ""
    yield "Limits:", "bold"
    for text in found.limits:
        yield from wrapped("  - ", text, indent=4)
