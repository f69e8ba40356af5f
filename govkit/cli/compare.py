"""``govkit compare``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import govkit as gk
from govkit.cli import options, screen

if TYPE_CHECKING:
    from govkit.report.comparing import Comparison


class FailOn(StrEnum):
    """What ends the command with another exit code than 0."""

    worse = "worse"


def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="The bundle to start from.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="The bundle to judge beside it.")],
    model_a: Annotated[
        Path | None, typer.Option("--model-a", help="Model of A: verify A first; needs --trust.")
    ] = None,
    model_b: Annotated[
        Path | None, typer.Option("--model-b", help="Model of B: verify B first; needs --trust.")
    ] = None,
    trust: Annotated[Path | None, typer.Option("--trust", help="Your trust file: which keys may sign what.")] = None,
    as_of: options.AsOf = None,
    fail_on: Annotated[
        FailOn | None,
        typer.Option(
            "--fail-on", help="worse: exit 1 when something judged got worse, 3 when something is no longer measured."
        ),
    ] = None,
    markdown: Annotated[Path | None, typer.Option("--markdown", help="Write a comment for a pull request.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write one page for readers.")] = None,
    language: options.Language = "en",
    json: options.Json = False,
) -> None:
    """Say what changed from bundle A to bundle B: better, worse, not comparable, and why.

    Reading proves nothing: without --model-a, --model-b and --trust neither bundle is verified, and every output says
    so. Exit 0, whatever changed, unless --fail-on is given.
    """
    from govkit.report import check_language, comparing

    check_language(language)
    for path in filter(None, (markdown, html)):
        screen.refuse_existing(path)
    found = gk.compare_bundles(
        first, second, model_a=model_a, model_b=model_b, trust=trust, as_of=options.moment(as_of)
    )
    if markdown is not None:
        _write(markdown, comparing.markdown(found))
    if html is not None:
        _write(html, comparing.page(found, language=language))
    if json:
        screen.put_json(found.dump())
    else:
        screen.put(list(comparing.lines(found)))
    raise typer.Exit(_code(found) if fail_on else 0)


def _code(found: Comparison) -> int:
    """1 where something judged got worse, 3 where evidence is gone."""
    return 1 if found.got_worse else 3 if found.lost_evidence else 0


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise gk.UsageError(f"{path}: cannot be written ({error.strerror}); name another file") from None
