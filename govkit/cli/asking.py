"""Plain questions on a terminal. Nonsense is asked again, at most three times; whoever leaves gets nothing written."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import govkit as gk
from govkit.cli import screen

if TYPE_CHECKING:
    from govkit.policy import Answers, Question

TRIES = 3


def ask_all() -> Answers:
    """Ask every question.

    Raises:
        UsageError: Nobody can type here, whoever typed went away, or gave no answer three times.
    """
    from govkit.policy import QUESTIONS, Answers

    if sys.stdin is None or not sys.stdin.isatty():
        raise gk.UsageError("nobody can type here; give the answers in a file: --answers FILE.yaml")
    try:
        return Answers(**{question.key: _ask(question) for question in QUESTIONS})
    except (EOFError, KeyboardInterrupt):
        raise gk.UsageError("the questions were not answered to the end; nothing was written") from None


def _ask(question: Question) -> object:
    from govkit.policy import understood

    hint = f" ({', '.join(question.words) or question.form})"
    for _ in range(TRIES):
        try:
            return understood(question, input(f"{question.asks}{hint} "))
        except gk.UsageError as error:
            screen.say(f"  {error}")
    raise gk.UsageError(f"{question.asks} {TRIES} times no answer; nothing was written")
