"""Texts of real licenses: known in any dress, and no longer known when a clause changes."""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Callable
from importlib.metadata import distribution

import pytest

from govkit.licenses import identify
from govkit.licenses.rules import rules, wordings
from govkit.licenses.texts import _by_words

TEXTS = [
    ("PyYAML", "LICENSE", "MIT"),
    ("annotated-types", "LICENSE", "MIT"),
    ("rich", "LICENSE", "MIT"),
    ("pydantic", "LICENSE", "MIT"),
    ("licenseclassifier", "LICENSE", "BSD-3-Clause"),
    ("Jinja2", "LICENSE.txt", "BSD-3-Clause"),
    ("MarkupSafe", "LICENSE.txt", "BSD-3-Clause"),
    ("cryptography", "LICENSE.BSD", "BSD-3-Clause"),
    ("cycler", "LICENSE", "BSD-3-Clause"),
    ("networkx", "LICENSE.txt", "BSD-3-Clause"),
    ("cryptography", "LICENSE.APACHE", "Apache-2.0"),
    ("datasets", "LICENSE", "Apache-2.0"),
    ("transformers", "LICENSE", "Apache-2.0"),
    ("numpy", "libdivide/LICENSE.txt", "Zlib"),
    ("numpy", "pythoncapi-compat/COPYING", "0BSD"),
    ("pyphen", "COPYING.GPL", "GPL-2.0-only"),
    ("shellingham", "LICENSE", "ISC"),
    ("torch", "NNPACK/LICENSE", "BSD-2-Clause"),
    ("torch", "sleef/LICENSE.txt", "BSL-1.0"),
    ("pathspec", "LICENSE", "MPL-2.0"),
    ("license-expression", "cc-by-4.0.LICENSE", "CC-BY-4.0"),
]
OWNER = re.compile(r"^\W*copyright \(c\) .*\d{4}.*$", re.IGNORECASE | re.MULTILINE)
DRESSES: dict[str, Callable[[str], str]] = {
    "other names": lambda text: OWNER.sub("Copyright (c) 1999-2024, The Regents of Nowhere", text),
    "other years": lambda text: re.sub(r"\b(19|20)\d\d, (?=[A-Z])", "2031, ", text) if len(text) < 5000 else text,
    "windows lines": lambda text: text.replace("\n", "\r\n"),
    "one line": lambda text: " ".join(text.split()),
    "narrow lines": lambda text: textwrap.fill(text, 50, break_long_words=False, break_on_hyphens=False),
    "capitals": str.upper,
    "quotation marks": lambda text: text.replace('"', "“").replace("'", "’"),
}


def _amid(text: str, sentence: str) -> str:
    lines = text.splitlines()
    return "\n".join([*lines[: len(lines) // 2], sentence, *lines[len(lines) // 2 :]])


GRANT = re.compile(r"\b(is hereby granted|are permitted|permission is granted|grants?|may)\b", re.IGNORECASE)
CONDITION = re.compile(r"\b(provided that|subject to|without)\b", re.IGNORECASE)
CHANGES: dict[str, Callable[[str], str]] = {
    "a clause added": lambda text: text.rstrip() + "\n\nThe work may not be used for commercial purposes.\n",
    "a clause inside": lambda text: _amid(text, "It may be used for academic research only."),
    "a clause negated": lambda text: GRANT.sub(r"\1 not", text, count=1),
    "a clause changed": lambda text: CONDITION.sub("unless", text, count=1),
}


def shipped(package: str, ending: str) -> str:
    found = distribution(package)
    files = [file for file in found.files or () if str(file).endswith(f"/{ending}")]
    return str(found.locate_file(min(files, key=lambda file: (len(str(file)), str(file))))).strip()


@pytest.fixture(scope="module", params=TEXTS, ids=[f"{package} {expected}" for package, _, expected in TEXTS])
def case(request: pytest.FixtureRequest) -> tuple[str, str]:
    package, ending, expected = request.param
    with open(shipped(package, ending), encoding="utf-8") as file:  # noqa: PTH123 — a path inside a wheel
        return file.read(), expected


def test_there_are_twenty_texts() -> None:
    assert len(TEXTS) >= 20


def test_a_text_is_known_in_any_dress(case: tuple[str, str]) -> None:
    text, expected = case
    assert identify(text) == expected
    for name, change in DRESSES.items():
        assert identify(change(text)) == expected, name


def test_a_text_with_another_clause_is_not_the_license(case: tuple[str, str]) -> None:
    text, expected = case
    for name, change in CHANGES.items():
        assert change(text) != text, name
        assert identify(change(text)) != expected, name


def test_a_wording_is_known_by_its_words_alone(case: tuple[str, str]) -> None:
    """With a heading before and a notice after it; not with a word less, a word more, or a limit around it."""
    text, expected = case
    if _by_words(text) is None:
        return
    assert _by_words(f"# The terms of this model\n\n{text}\n\nCopyright © 2026 Somebody") == expected
    words = text.split()
    assert _by_words(" ".join([*words[:300], *words[301:]])) is None
    assert _by_words(" ".join([*words[:300], "indeed", *words[300:]])) is None
    assert _by_words(f"{text}\n\nNo commercial use.") is None


def test_every_wording_belongs_to_a_rule() -> None:
    """Texts without a pattern in the classifier's table are known by digest, each once."""
    assert {known.id for known in wordings()} <= set(rules())
    assert len({known.sha256 for known in wordings()}) == len(wordings())
    of_models = {name for name in rules() if name.startswith("LicenseRef-")} - {known.id for known in wordings()}
    # Terms of a site, and one text that the classifier knows.
    assert of_models == {
        "LicenseRef-ms-marco-terms",
        "LicenseRef-imagenet-terms",
        "LicenseRef-scancode-openai-tou-20241211",
        "LicenseRef-scancode-openmdw-1.0",
    }


def test_the_marks_of_a_text_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    from govkit.licenses import texts
    from govkit.licenses.rules import Wording

    words = "the terms of us you may use it see our terms c us"
    known = Wording(
        id="LicenseRef-own", begins="the terms of us", words=13, sha256=hashlib.sha256(words.encode()).hexdigest()
    )
    monkeypatch.setattr(texts, "wordings", lambda: (known,))
    assert _by_words("**The Terms of Us**\n\nYou may use it; see [our terms](https://example.org/x).\n© Us") is not None
    assert _by_words("The Terms of Us. You may not use it; see our terms. (c) Us") is None
