"""``govkit demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import govkit as gk
from govkit.cli import options, screen


def demo(
    name: Annotated[str, typer.Argument(help="sms, recidivism or employment.")] = "sms",
    out: Annotated[Path | None, typer.Option("--out", help="Folder to make, instead of demo-NAME.")] = None,
    json: options.Json = False,
) -> None:
    """Walk the whole way on real input, with a throw-away key. Exit 0 when it ran, whatever the verdict."""
    run = gk.find_demo(name)
    folder = out or screen.free_name(f"demo-{name}")
    screen.refuse_existing(folder)
    with screen.progress() as tell:
        story = run(folder, tell)
    screen.show_bundle(story.bundle, json=json)
    if not json:
        screen.show_story(story, folder)
