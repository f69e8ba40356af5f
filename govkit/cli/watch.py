"""``govkit watch``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from json import dumps
from pathlib import Path
from typing import Annotated, Any

import typer

import govkit as gk
from govkit.cli import options, screen

SHOWN = 3
"""Streams that one line names."""

CALLS_FOR = {"review": "A person must look", "retrain": "Train again", "withdraw": "Take it out of service"}


def watch(
    watch_file: Annotated[Path, typer.Argument(help="The watch file.")],
    once: Annotated[bool, typer.Option("--once", help="Look once and end, for cron and CI.")] = False,
    every: Annotated[int, typer.Option("--every", min=1, help="Seconds between two rounds.")] = 60,
    acknowledge: Annotated[
        str | None, typer.Option("--acknowledge", help="Close what stands: who, and what was done about it.")
    ] = None,
    statement: Annotated[str | None, typer.Option("--statement", help="Sign a month that is over: 2026-11.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="File for the statement.")] = None,
    key: options.MaybeKey = None,
    password_file: options.PasswordFile = None,
    as_of: options.AsOf = None,
    json: options.Json = False,
) -> None:
    """Compare the rows of a model in service with those it was released on, as they arrive.

    Exit 0 nothing stands, 1 an alarm calls for retraining or withdrawal, 3 a person must look, 2 bad input. With --json
    each event is one line of JSON.
    """
    if acknowledge is not None and statement is not None:
        raise gk.UsageError("--acknowledge and --statement are two calls; the first is to come before the second")
    moment = options.moment(as_of)
    if acknowledge is not None:
        closed = gk.acknowledge_alarms(watch_file, acknowledge, as_of=moment)
        screen.say(f"closed: {closed} alarms")
        return
    if statement is not None:
        if key is None or out is None:
            raise gk.UsageError("--statement needs --key and --out")
        signer = gk.load_key(key, options.passphrase(password_file))
        screen.say(f"signed: {gk.sign_month(watch_file, statement, key=signer, out=out, as_of=moment)}")
        return
    while True:
        code = gk.look_once(watch_file, as_of=moment, tell=_json_line if json else _line)
        if once:
            raise typer.Exit(code)
        time.sleep(every)


def _json_line(event: dict[str, Any]) -> None:
    print(dumps(event, ensure_ascii=True, allow_nan=False), flush=True)


def _line(event: dict[str, Any]) -> None:
    """An event in words."""
    kind = event["event"]
    if kind == "look":
        screen.say(f"look {event['name']}: {event['rows']:,} rows, {_first(event['beyond']) or 'quiet'}")
    elif kind == "refused":
        screen.say(f"look {event['name']} is not counted: {event['why']}")
    elif kind == "overdue":
        screen.say(f"no look for {event['days']} days, since {event['last']}")
    elif kind == "unlabeled":
        screen.say(f"no label for {event['days']} days, since {event['last']}: accuracy is not watched")
    elif kind == "not sent":
        screen.say(f"alarm {event['id']} could not be sent: {event['why']}; it is sent again next time")
    elif kind == "alarm":
        _alarm(event)
    elif kind == "assumed":
        _assumed(event)
    else:
        _state(event)


def _assumed(event: dict[str, Any]) -> None:
    """On what the chance of a false alarm rests."""
    days, season = event["days"], "known" if event["season"] else "too short to tell, so its wave would be a change"
    known = (
        f"autocorrelation up to {event['correlation']:g} allowed for" if days else "too short to tell, taken as alike"
    )
    screen.say(f"how days differ: {known}; season: {season}")


def _first(names: Sequence[str], most: int = SHOWN) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _alarm(event: dict[str, Any]) -> None:
    screen.say(f"ALARM {event['id']} ({event['trigger']}) since look {event['look']}. No longer true:")
    screen.say(f"  {event['title']}")
    for stream in event["streams"][:SHOWN]:
        screen.say(f"  {_found(stream)}")
    if len(event["streams"]) > SHOWN:
        screen.say(f"  and {len(event['streams']) - SHOWN} more")
    screen.say(f"  Tolerated: {event['limit']:g}. {CALLS_FOR[event['then']]}. {event['advice']}".rstrip())


def _found(stream: dict[str, Any]) -> str:
    if stream["kind"] == "share":
        of = f"of {stream['rows']:,} rows of that look"
        return f"{stream['what']}: {stream['found']:.1%} {of}, {stream['usual']:.1%} at the release"
    way = "above" if stream["found"] > 0 else "below"
    return f"{stream['what']}: {abs(stream['found']):.2f} standard deviations {way} the release, by rank"


def _state(event: dict[str, Any]) -> None:
    standing = ", ".join(map(str, event["alarms"])) or "none"
    refused = f"; not counted: {_first(event['refused'])}" if event["refused"] else ""
    screen.say(f"{event['looks']} looks counted{refused}; alarms that stand: {standing}")
