"""In which language a document is written. A language is a catalog of words among the templates: others can add one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from govkit.errors import UsageError
from govkit.resources import find, load

DEFAULT = "en"
"""The language of the sealed bundle, and of whatever another catalog does not say."""

_FILE = re.compile(r"words\.([a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\.yaml")
_spoken: ContextVar[str] = ContextVar("language", default=DEFAULT)


def languages() -> tuple[str, ...]:
    """Codes of the languages that have a catalog, English first: ``words.es.yaml`` makes ``es`` one of them."""
    found = (_FILE.fullmatch(path.name) for path in sorted(find("templates").glob("words.*.yaml")))
    return (DEFAULT, *(each[1] for each in found if each and each[1] != DEFAULT))


def language() -> str:
    """Code of the language of the document that is being written."""
    return _spoken.get()


def check_language(code: str) -> None:
    """Refuse a language without a catalog.

    Raises:
        UsageError: There is none.
    """
    if code not in (known := languages()):
        raise UsageError(
            f"there is no language {code!r}; expected one of {', '.join(known)}. "
            "Choose one of these, or add a catalog words.CODE.yaml to the templates"
        )


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Write documents in a language.

    Raises:
        UsageError: There is no catalog of it.
    """
    check_language(code)
    before = _spoken.set(code)
    try:
        yield
    finally:
        _spoken.reset(before)


def catalog() -> dict[str, Any]:
    """The whole catalog of words of the language that is spoken."""
    return catalog_of(_spoken.get())


@cache
def catalog_of(code: str) -> dict[str, Any]:
    """The catalog of one language, laid over the English one: what it lacks is said in English."""
    english: dict[str, Any] = load("templates", "words.yaml")
    return english if code == DEFAULT else _over(english, load("templates", f"words.{code}.yaml"))


def _over(below: Any, own: Any) -> Any:
    if isinstance(below, dict) and isinstance(own, dict):
        return {key: _over(value, own[key]) if key in own else value for key, value in below.items()}
    return below if own is None else own
