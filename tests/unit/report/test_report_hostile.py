"""Free text from a model, a data set or a policy never acts as markup and never breaks a page."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
import yaml
from hostile_fixture import SCRIPT, TEXTS
from huggingface_hub import ModelCard
from hypothesis import given, strategies as st
from markdown_it import MarkdownIt
from page_reader import DOCUMENTS, Page, page, xml
from pypdf import PdfReader

from govkit.report.blocks import Code, Num
from govkit.report.card import _Quoted
from govkit.report.escape import clean, drawable, markdown, sarif, short
from govkit.report.html import cell, prose

PLAIN_TAGS = {
    "html", "head", "meta", "title", "style", "script", "body", "header", "p", "span", "time", "h1", "h2", "div", "img",
    "dl", "dt", "dd", "code", "data", "section", "ol", "ul", "li", "strong", "nav", "a", "main", "table", "caption",
    "colgroup", "col", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "b", "wbr",
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name != "report.pdf"])
def test_no_hidden_character_is_written(hostile: Path, name: str) -> None:
    text = (hostile / name).read_text(encoding="utf-8")
    hidden = {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn"}} - {"\n"}
    assert hidden == set()
    assert "{202e}" in text.replace("\\", "")


def test_html_has_our_tags_only(hostile: Path) -> None:
    found = page(hostile)
    assert set(found.tags) == PLAIN_TAGS
    assert not [name for _, name, _ in found.attributes if name.startswith("on")]
    assert any(SCRIPT in text for text in found.free)
    assert all(v.startswith(("data:", "#")) for _, name, v in found.attributes if name in ("src", "href"))


def test_pdf_shows_them_as_text_and_keeps_page_one(hostile: Path) -> None:
    pages = PdfReader(hostile / "report.pdf").pages
    text = "".join(pages[0].extract_text().split())
    assert "\\u{001b}[31mred" in text
    assert "What was not measured".replace(" ", "") in text
    assert "Policysha256:a1a1" in text
    assert "Contents" in pages[1].extract_text()
    assert len(pages) < 60


def test_card_is_one_document_without_links_or_html(hostile: Path) -> None:
    text = (hostile / "card.md").read_text(encoding="utf-8")
    data = ModelCard(text).data
    assert data.model_name is not None
    assert data.model_name.startswith(f"Model {SCRIPT}")
    body = text.split("---\n", 2)[2]
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(body)
    inline = [child for token in tokens for child in token.children or ()]
    acting = {"link_open", "html_block", "html_inline", "fence", "hr"}
    assert acting & {token.type for token in (*tokens, *inline)} == set()
    sources = [str(token.attrs["src"]) for token in inline if token.type == "image"]
    assert len(sources) == 6
    assert all(source.startswith("figures/") for source in sources)
    # A bar that acts would add a column: GFM then drops the cells beyond the heading, and the rows lose their n.
    cells = [line.count("|") - line.count("\\|") - 1 for line in body.splitlines() if line.startswith("| ")]
    rules = [line.count("|") - 1 for line in body.splitlines() if line.startswith(("| ---", "| ---:"))]
    assert set(cells) == set(rules)


def test_machines_still_read_their_files(hostile: Path) -> None:
    suite = xml(hostile / "junit.xml")[0]
    assert len(list(suite.iter("testcase"))) == 10
    (run,) = json.loads((hostile / "results.sarif").read_bytes())["runs"]
    assert all("\x1b" not in result["message"]["text"] for result in run["results"])
    for path in (hostile / "figures").iterdir():
        tree = xml(path)
        assert not [e for e in tree.iter() if e.tag.endswith(("script", "foreignObject"))]


@given(st.text())
def test_markdown_gives_the_text_back(text: str) -> None:
    (paragraph,) = MarkdownIt("gfm-like", {"linkify": False}).parseInline("x" + markdown(text) + "x")
    assert {child.type for child in paragraph.children or ()} <= {"text", "text_special"}
    assert "".join(child.content for child in paragraph.children or ()) == "x" + clean(text) + "x"


@given(st.text())
def test_html_gives_the_text_back(text: str) -> None:
    found = Page(f"<p>{prose('x' + text + 'x')}{cell((Code(text), Num('1', '1')))}</p>")
    assert set(found.tags) <= {"p", "data", "code", "wbr"}


@given(st.text())
def test_clean_is_visible_and_settled(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert not [c for c in once if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}]
    assert drawable(drawable(once)) == drawable(once)


@given(st.text())
def test_yaml_gives_the_text_back(text: str) -> None:
    whole = yaml.dump({"a": clean(text)}, Dumper=_Quoted, allow_unicode=False, width=10**9)
    assert yaml.safe_load(whole) == {"a": clean(text)}


def test_a_surrogate_and_a_flood_are_named() -> None:
    assert clean("a\ud800b") == "a\\u{d800}b"
    assert short(TEXTS[9], 20).startswith("W" * 20 + "… (cut, sha256:")
    assert short("W" * 30, 20) != short("W" * 31, 20)
    assert sarif("[a](b) {0}") == "\\[a\\](b) {{0}}"
