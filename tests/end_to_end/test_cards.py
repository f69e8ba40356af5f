"""The shipped cards: signed, bound to their statements, and what the code of today writes."""

from __future__ import annotations

import io
import lzma
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard
from shipped_cards import ROOT, cards

import govkit as gk
from govkit import evidence
from govkit.core import Measurement
from govkit.errors import UsageError

HOME = ROOT / "model_cards"
MOST_BYTES = 1_500_000
MITCHELL = ("Model details", "Intended use", "Factors", "Metrics", "Evaluation data", "Training data",
            "Quantitative analyses", "Ethical considerations", "Caveats and recommendations")  # fmt: skip


def test_no_card_is_stale():
    found = cards.check()
    assert not found, "run `make cards`:\n" + "\n".join(found)


def test_the_folder_holds_each_demo_and_no_key_and_stays_small():
    names = {path.name for path in HOME.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert names == {*cards.DEMOS, "templates"}
    shipped = [path for demo in cards.DEMOS for path in (HOME / demo).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in shipped) < MOST_BYTES
    assert not [path for path in (*shipped, HOME / "trust.yaml") if b"PRIVATE KEY" in path.read_bytes()]


@pytest.mark.parametrize("demo", cards.DEMOS)
def test_the_hub_reads_each_card_and_its_figures_are_measurements(demo: str):
    text = (HOME / demo / "README.md").read_text(encoding="utf-8")
    data = ModelCard(text).data
    with cards.opened(demo) as bundle:
        shipped = gk.read_bundle(bundle)
    measured = {
        (found.name, found.value)
        for found in shipped.findings
        if isinstance(found, Measurement) and found.of == "candidate" and not found.part and not found.compared_with
    }
    assert data.eval_results
    assert all((result.metric_type, result.metric_value) in measured for result in data.eval_results)
    assert data["govkit"]["verdict"] == shipped.verdict.outcome
    titles = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert tuple(titles) == MITCHELL
    use = yaml.safe_load(cards.DEMOS[demo].AUDIT)["use"]
    assert all(f"{limit}" in text for limit in use["excluded"])
    assert all((HOME / demo / path.split(")")[0]).is_file() for path in text.split("](")[1:])


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for name in ("recidivism", "trust.yaml"):
        copy = shutil.copytree if (HOME / name).is_dir() else shutil.copyfile
        copy(HOME / name, tmp_path / name)
    return tmp_path


def _repacked(home: Path, path: str, was: bytes, now: bytes) -> None:
    """Change a file of a bundle, as somebody without the key may."""
    with cards.opened("recidivism", home) as bundle:
        raw = (bundle / path).read_bytes()
        assert was in raw
        (bundle / path).write_bytes(raw.replace(was, now))
        cards.pack(bundle, home / "recidivism" / cards.ARCHIVE)


def test_an_edited_card_is_seen(copied: Path):
    card = copied / "recidivism" / "README.md"
    card.write_text(card.read_text(encoding="utf-8").replace("BLOCK", "PASS"), encoding="utf-8")
    (copied / "recidivism" / "more.md").write_text("Trust me.\n", encoding="utf-8")
    assert [fault.split(" is ")[0] for fault in cards.check(copied, ["recidivism"])] == [
        "recidivism: README.md", "recidivism: more.md",
    ]  # fmt: skip


def test_an_edited_bundle_another_key_and_a_broken_archive_are_seen(copied: Path):
    _repacked(copied, "card.md", b"BLOCK", b"PASS")
    (found,) = cards.check(copied, ["recidivism"])
    assert "BOUND_FILE" in found
    other = evidence.trust_of(evidence.throwaway_key("another", "2026-01-01T00:00:00Z"))
    (copied / "trust.yaml").unlink()
    evidence.write_trust(copied / "trust.yaml", other)
    (found,) = cards.check(copied, ["recidivism"])
    assert "UNKNOWN_KEY" in found
    (copied / "recidivism" / cards.ARCHIVE).write_bytes(b"nothing")
    (found,) = cards.check(copied, ["recidivism"])
    assert "cannot be unpacked" in found


def test_another_policy_other_words_and_another_question_make_a_card_stale(copied: Path, monkeypatch):
    from govkit.report import words

    module = cards.DEMOS["recidivism"]
    monkeypatch.setattr(module, "AUDIT", module.AUDIT.replace("without a judge", "by a machine alone"))
    monkeypatch.setitem(words.catalog()["card"]["chapters"], "factors", "Groups")
    monkeypatch.setattr(cards, "tool", lambda: {"name": "govkit", "version": "9.9.9"})
    rules = gk.resolve_policy("nist-ai-rmf-core")
    monkeypatch.setattr(gk, "resolve_policy", lambda _: rules.model_copy(update={"version": "9.9.9"}))
    found = cards.check(copied, ["recidivism"])
    for said in ("audit.yaml is not", "nist-ai-rmf-core has changed", "not made by govkit 9.9.9", "card.md is not"):
        assert any(said in fault for fault in found), (said, found)


def _member(name: str, raw: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(raw)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, raw


def _archived(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:xz", preset=1) as packed:
        for info, raw in members:
            packed.addfile(info, io.BytesIO(raw))
    return made.getvalue()


ADDED = {
    "a file beside the bundle": [_member("Makefile", b"all:")],
    "an absolute path": [_member("/evidence/evil.txt", b"evil")],
    "a second copy of a file": [_member("evidence/card.md", b"evil")],
    "a link": [_member("evidence/link", type=tarfile.SYMTYPE, linkname="card.md")],
    "a folder": [_member("evidence/more", type=tarfile.DIRTYPE)],
    "more than its bytes": [
        _member("evidence/huge", pax_headers={"GNU.sparse.map": "0,0", "GNU.sparse.size": "9" * 15})
    ],
}


@pytest.mark.parametrize("what", ADDED)
def test_an_archive_holds_the_bundle_and_nothing_else(copied: Path, what: str):
    archive = copied / "recidivism" / cards.ARCHIVE
    with tarfile.open(archive) as packed:
        own = [(info, packed.extractfile(info).read()) for info in packed.getmembers()]
    archive.write_bytes(_archived(own))
    with cards.opened("recidivism", copied):
        pass
    archive.write_bytes(_archived([*ADDED[what], *own]))  # the true one last, so that it would be the one unpacked
    with pytest.raises(UsageError, match=cards.ARCHIVE), cards.opened("recidivism", copied):
        pass


def test_an_archive_gives_no_file_another_mode_and_is_not_unpacked_without_end(copied: Path, monkeypatch):
    archive = copied / "recidivism" / cards.ARCHIVE
    with tarfile.open(archive) as packed:
        own = [(info.replace(mode=0o4755), packed.extractfile(info).read()) for info in packed.getmembers()]
    archive.write_bytes(_archived(own))
    with pytest.raises(UsageError, match="something else than"), cards.opened("recidivism", copied):
        pass
    monkeypatch.setattr(cards, "MOST_BYTES", 100_000)
    with pytest.raises(UsageError, match="no end within 100000 bytes"), cards.opened("recidivism", copied):
        pass


@pytest.mark.parametrize("more", [b"garbage", lzma.compress(b"hidden")])
def test_nothing_stands_behind_the_end_of_an_archive(copied: Path, more: bytes):
    archive = copied / "recidivism" / cards.ARCHIVE
    archive.write_bytes(archive.read_bytes() + more)
    with pytest.raises(UsageError, match="more behind its end"), cards.opened("recidivism", copied):
        pass


def test_links_and_folders_of_no_demo_are_named(copied: Path):
    figure = min((copied / "recidivism" / "figures").iterdir())
    figure.rename(copied / "same.svg")
    figure.symlink_to(copied / "same.svg")
    (copied / "more").mkdir()
    (copied / "linked").symlink_to(copied / "same.svg")
    found = cards.check(copied, ["recidivism"])
    for said in ("more: belongs to no demo", "linked: is a link", f"figures/{figure.name} is not the one"):
        assert any(said in fault for fault in found), (said, found)
