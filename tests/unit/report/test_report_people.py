"""What the documents say of waivers and attestations: who, why, down to which value, until when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bundle_fixture import ARTIFACT, statement, write_bundle
from hostile_fixture import TEXTS
from page_reader import page

from govkit.errors import UsageError
from govkit.report import render
from govkit.report.blocks import Bullets, Table
from govkit.report.model import Report
from govkit.report.people import in_lines, people
from govkit.report.read import read
from govkit.report.text import blocks


def waive(bundle: Path, **fields: Any) -> None:
    known = {"id": "W", "control": "CAL-01", "model": ARTIFACT, "owner": "T", "approver": "M",
             "reason": "A person looks at each of them.", "created": "2026-11-20", "expires": "2026-12-01"}  # fmt: skip
    statement(bundle / "waivers" / "two.sigstore.json", {**known, **fields}, "waiver")


def test_each_exception_stands_with_all_that_was_signed(bundle: Path) -> None:
    told = blocks(people(Report(read(bundle)))).replace("\\", "")
    for said in ("W-2026-014", "CAL-01", "T. Trainer", "M. Risk", "Scores are banded by a person until January."):
        assert said in told, said
    for said in ("the risk is accepted", "A person looks at each letter.", "0.035", "2026-11-20 to 2027-02-01"):
        assert said in told, said
    for said in ("independent review", "V. Validator", "validator", "2026-11-19", "scope: All 4 groups."):
        assert said in told, said


def test_an_exception_that_does_not_hold_is_named_beneath_them(tmp_path: Path) -> None:
    idle = "waiver W of CAL-01 is not applied: it expired on 2026-12-01"
    bundle = write_bundle(tmp_path, verdict=lambda v: v.model_copy(update={"notices": ("other news", idle)}))
    found = list(people(Report(read(bundle))))
    assert [each.items for each in found if isinstance(each, Bullets)] == [((idle,),)]


def test_without_them_nothing_is_said(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path)
    for sort in ("waivers", "attestations"):
        (bundle / sort / "one.sigstore.json").unlink()
    report = Report(read(bundle))
    assert (list(people(report)), in_lines(report)) == ([], [])
    render(bundle, pdf=False)
    for name in ("report.html", "card.md", "summary.md"):
        assert "What people signed" not in (bundle / name).read_text(encoding="utf-8")


def test_several_stand_by_the_names_of_their_files(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path)
    waive(bundle, id="W-2", ceiling=None)
    table = next(each for each in people(Report(read(bundle))) if isinstance(each, Table))
    assert [row[0][1].items[0] for row in table.rows] == [("W-2026-014",), ("W-2",)]  # type: ignore[union-attr]
    lines = in_lines(Report(read(bundle)))
    assert len(lines) == 3
    assert "ceiling" not in lines[1]


@pytest.mark.parametrize("text", TEXTS[:9])
def test_what_people_write_stays_text(tmp_path: Path, text: str) -> None:
    bundle = write_bundle(tmp_path)
    long = text + " and enough of it to be a reason"
    waive(bundle, id=text, owner=text, approver=text, reason=long, ticket=text, compensating=[text])
    stated = {"kind": text, "model": ARTIFACT, "signer": text, "role": text, "answers": {text: text},
              "signed_at": "2026-11-19"}  # fmt: skip
    statement(bundle / "attestations" / "two.sigstore.json", stated, "attestation")
    render(bundle, pdf=False)
    plain = write_bundle(tmp_path / "plain")
    waive(plain, ticket="x", compensating=["x"])
    statement(plain / "attestations" / "two.sigstore.json", {**stated, "kind": "k", "signer": "s", "role": "r",
              "answers": {"q": "a"}}, "attestation")  # fmt: skip
    render(plain, pdf=False)
    numbers = {"data"}  # a text may hold numbers, which are marked
    assert [tag for tag in page(bundle).tags if tag not in numbers] == [
        tag for tag in page(plain).tags if tag not in numbers
    ]
    summary = [(folder / "summary.md").read_text(encoding="utf-8").splitlines() for folder in (bundle, plain)]
    assert len(summary[0]) == len(summary[1])


def test_a_statement_that_is_none_is_refused(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path)
    waive(bundle, reason="short")
    with pytest.raises(UsageError, match="Waiver is not as expected at reason"):
        read(bundle)
