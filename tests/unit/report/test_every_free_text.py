"""Every text of a bundle, one place after the other: either a bundle with it is refused, or it stays a text."""

from __future__ import annotations

import base64
import copy
import json
import unicodedata
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from bundle_fixture import statement, write_bundle
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt
from page_reader import Page, page, xml

from govkit.errors import UsageError
from govkit.report import PROFILES, languages, render
from govkit.report.read import read

pytestmark = pytest.mark.long

EVIL = (
    '=HYPERLINK("x") "\'><script>alert(1)</script><b onload=x>{{7*7}}{% raw %} [l](javascript:a) ![i](x) |a| `c` \n'
    "# h\u202e123\u200b\u0000\x1b[31m😀" + "W" * 10_000
)
STATEMENTS = ("run", "findings", "verdict", "waivers/one", "attestations/one")
RULES = ("policy.yaml", "audit.yaml")
OPEN = ("part", "notes", "method", "hyperparameters", "environment", "code", "cost", "params", "answers", "passes")
"""Keys whose own keys are words of somebody else."""

Place = tuple[str, ...]
Parts = dict[str, Any]


def parts_of(folder: Path) -> Parts:
    """What the files of a bundle say, by the name of the file."""
    found: Parts = {}
    for name in STATEMENTS:
        held = json.loads((folder / f"{name}.sigstore.json").read_bytes())["dsseEnvelope"]
        found[name] = json.loads(base64.b64decode(held["payload"]))["predicate"]
    return found | {name: yaml.safe_load((folder / name).read_text()) for name in RULES}


def write(folder: Path, name: str, said: Any) -> None:
    if name in RULES:
        (folder / name).write_text(yaml.safe_dump(said, sort_keys=False))
    else:
        statement(folder / f"{name}.sigstore.json", said, name.partition("/")[0].removesuffix("s"))


def places(said: Any, at: Place = ()) -> Iterator[Place]:
    """Places of texts, and of keys that are words of somebody else; those of a list are one."""
    if isinstance(said, str):
        yield at
    for key, value in said.items() if isinstance(said, dict) else ():
        if at and at[-1] in OPEN:
            yield (*at, "KEY")
        yield from places(value, (*at, key))
    for value in said if isinstance(said, list) else ():
        yield from places(value, (*at, "*"))


def put(said: Any, place: Place, text: str) -> Any:
    """The same with a text at every place of that name."""
    if not place:
        return text if isinstance(said, str) else said
    first, *rest = place
    if isinstance(said, list):
        return [put(value, tuple(rest), text) for value in said] if first == "*" else said
    if not isinstance(said, dict):
        return said
    if first == "KEY":
        return {text if at == 0 else key: value for at, (key, value) in enumerate(said.items())}
    return {key: put(value, tuple(rest), text) if key == first else value for key, value in said.items()}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle and what is to be seen of it."""
    folder = write_bundle(tmp_path_factory.mktemp("free"))
    render(folder, pdf=False)
    return folder


def hidden(text: str) -> set[str]:
    return {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn"}} - {"\n"}


def look(folder: Path, tags: set[str]) -> None:
    """Nothing of the text acts in any document."""
    seen = page(folder)
    assert set(seen.tags) <= tags | {"a"}
    assert not [name for _, name, _ in seen.attributes if name.startswith("on")]
    addresses = [value for _, name, value in seen.attributes if name in ("src", "href")]
    assert all(value.startswith(("data:", "#")) for value in addresses)
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".md", ".html", ".xml", ".sarif", ".svg") or path.name == "NOTICE":
            assert hidden(path.read_text(encoding="utf-8")) == set(), path.name
        if path.suffix in (".svg", ".xml"):
            assert not [e for e in xml(path).iter() if e.tag.endswith(("script", "foreignObject"))], path.name
    for name in ("card.md", "summary.md", "comment.md"):
        text = (folder / name).read_text(encoding="utf-8")
        body = text.split("---\n", 2)[2] if name == "card.md" else text
        tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(body)
        every = [*tokens, *(child for token in tokens for child in token.children or ())]
        acts = {token.type for token in every if token.type in {"link_open", "html_block", "html_inline", "fence"}}
        assert acts == set(), name
        sources = [str(token.attrs["src"]) for token in every if token.type == "image"]
        assert all(source.startswith("figures/") for source in sources), name
    ModelCard((folder / "card.md").read_text(encoding="utf-8"))
    json.loads((folder / "results.sarif").read_bytes())


def cases(said: Parts) -> list[tuple[str, Place]]:
    return [(name, place) for name, held in said.items() for place in dict.fromkeys(places(held))]


def test_no_text_acts_wherever_it_stands(plain: Path, tmp_path: Path) -> None:
    said, tags = parts_of(plain), set(page(plain).tags)
    taken, refused = [], []
    for at, (name, place) in enumerate(cases(said)):
        folder = write_bundle(tmp_path / str(at))
        write(folder, name, put(copy.deepcopy(said[name]), place, EVIL))
        try:
            read(folder)
        except UsageError:
            refused.append((name, place))
            continue
        render(folder, pdf=False)
        look(folder, tags)
        taken.append((name, place))
    assert len(taken) > 80
    assert {("audit.yaml", ("name",)), ("findings", ("findings", "*", "part", "KEY"))} <= set(taken)
    # A word of a closed list is no place for a text.
    assert {("verdict", ("verdict", "outcome")), ("policy.yaml", ("tier",))} <= set(refused)


def test_all_of_them_at_once_in_every_profile_and_language(plain: Path, tmp_path: Path) -> None:
    folder, said, tags = write_bundle(tmp_path / "all"), parts_of(plain), set(page(plain).tags)
    for name, place in cases(said):
        changed = put(copy.deepcopy(said[name]), place, EVIL)
        before = (folder / (name if name in RULES else f"{name}.sigstore.json")).read_bytes()
        write(folder, name, changed)
        try:
            read(folder)
            said[name] = changed
        except UsageError:
            (folder / (name if name in RULES else f"{name}.sigstore.json")).write_bytes(before)
    for profile, language in product(PROFILES, languages()):
        out = tmp_path / profile / language
        render(folder, out=out, pdf=False, profile=profile, language=language)
        text = (out / "report.html").read_text(encoding="utf-8")
        assert hidden(text) == set()
        assert set(Page(text).tags) <= tags | {"a", "h3"}
        assert Page(text).tags.count("script") == 1
    render(folder, pdf=False)
    look(folder, tags)
