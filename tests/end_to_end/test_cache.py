"""``--cache``: what is unchanged is not measured twice, what changed is, and no entry that was touched is believed."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import govkit as gk
from govkit import checks
from govkit.checks import Request
from govkit.core import Finding, Gap, Measurement
from govkit.evidence import dumps
from govkit.pipeline.cache import opened, remembered
from govkit.pipeline.casework import build_case, read_audit

SCORER = """\
from pathlib import Path

import numpy as np


def predict(rows):
    weights = np.load(Path(__file__).with_name("weights.npy"))
    chance = 1 / (1 + np.exp(-(rows.to_numpy(dtype=float) @ weights)))
    return np.column_stack([1 - chance, chance])
"""
AUDIT = """\
schema: govkit.audit/v1
subject: {python: "cached_model.scorer:predict", artifact: cached_model}
data: {test: {path: test.csv}, train: {path: train.csv}}
columns: {input: [a, b], label: label, groups: [sex], id: id}
"""
CATALOG = gk.catalog()
LEAK = Request("contamination")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model that answers, whose first test row stands in its training data."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in [name for name in sys.modules if name.startswith("cached_model")]:
        monkeypatch.delitem(sys.modules, name)
    dice = np.random.default_rng(0)
    rows = pd.DataFrame(dice.normal(size=(160, 2)).round(3), columns=["a", "b"])
    rows["label"] = (rows["a"] + dice.normal(size=160) > 0).astype(int)
    rows["sex"], rows["id"] = dice.choice(["f", "m"], 160), range(160)
    rows[:80].to_csv(tmp_path / "test.csv", index=False)
    rows[79:].to_csv(tmp_path / "train.csv", index=False)
    model = tmp_path / "cached_model"
    model.mkdir()
    (model / "scorer.py").write_text(SCORER, encoding="utf-8")
    np.save(model / "weights.npy", np.array([1.0, 0.0]))
    (tmp_path / "audit.yaml").write_text(AUDIT, encoding="utf-8")
    return tmp_path


def asked(folder: Path, request: Request = LEAK, *, seed: int | None = None, again: int = 0) -> list[bool]:
    """Whether a request is measured, by a case that is read anew; and so ``again`` times."""
    measured = []

    def ask(request: Request) -> list[Finding]:
        measured.append(request)
        return checks.measure(work.case, [request], catalog=CATALOG)

    audit, root = read_audit(folder / "audit.yaml", seed=seed)
    work = build_case(audit, root)
    kept = remembered(ask, work, folder=opened(folder / "kept"), catalog=CATALOG)
    found = []
    for _ in range(again + 1):
        before = len(measured)
        kept(request)
        found.append(len(measured) > before)
    return found


def entries(folder: Path) -> list[Path]:
    return sorted((folder / "kept").iterdir())


def test_the_second_measurement_makes_no_pass_and_says_the_same(folder: Path):
    first, second = (gk.measure(folder / "audit.yaml", cache=folder / "kept") for _ in range(2))
    plain = gk.measure(folder / "audit.yaml")
    assert first["passes"]["forward"] > 0
    assert second["passes"] == {**first["passes"], "forward": 0, "backward": 0}
    assert dumps(second["findings"]) == dumps(first["findings"]) == dumps(plain["findings"])
    assert dumps({**second, "passes": 0}) == dumps({**plain, "passes": 0})
    assert not [name for name in entries(folder) if name.suffix != ".json"]


def _change_weights(folder: Path) -> None:
    path = folder / "cached_model" / "weights.npy"
    raw = bytearray(path.read_bytes())
    raw[-9] ^= 1
    path.write_bytes(raw)


def _change_file(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def _swap_rows(folder: Path) -> None:
    lines = (folder / "test.csv").read_text(encoding="utf-8").splitlines()
    lines[1], lines[2] = lines[2], lines[1]
    (folder / "test.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


CHANGES: dict[str, Callable[[Path], None]] = {
    "one byte of the weights": _change_weights,
    "the code of the model": _change_file("cached_model/scorer.py", "1 / (1", "1.0 / (1"),
    "one cell of the test data": _change_file("test.csv", ",f,", ",m,"),
    "one cell of the training data": _change_file("train.csv", ",f,", ",m,"),
    "the order of the rows, by which findings name them": _swap_rows,
    "a key of the audit file": _change_file("audit.yaml", "groups: [sex]", "parts: [sex]"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_changes_a_finding_is_measured_anew(folder: Path, what: str):
    assert asked(folder, again=1) == [True, False]
    CHANGES[what](folder)
    assert asked(folder, again=1) == [True, False]


def test_what_a_link_leads_to_is_a_part_of_a_model(folder: Path):
    """As in the caches of hubs, where a base is a folder of links."""
    place, weights = folder / "base", folder / "weights.bin"
    place.mkdir()
    weights.write_bytes(b"one")
    (place / "model.bin").symlink_to(weights)

    def measured() -> bool:
        audit, root = read_audit(folder / "audit.yaml")
        work = build_case(audit, root)
        work = replace(work, case=replace(work.case, base_path=place))
        asked: list[Request] = []
        kept = remembered(
            lambda request: asked.append(request) or [],
            work, folder=opened(folder / "kept"), catalog=CATALOG,
        )  # fmt: skip
        kept(LEAK)
        return bool(asked)

    assert [measured(), measured()] == [True, False]
    weights.write_bytes(b"two")
    assert [measured(), measured()] == [True, False]
    (place / "more").symlink_to(folder / "cached_model")
    assert [measured(), measured()] == [True, True], "a link to a folder may lead anywhere"


def test_another_seed_another_parameter_and_another_check_are_measured(folder: Path):
    assert asked(folder) == [True]
    assert asked(folder, seed=7) == [True]
    noise = Request("label_noise", {"sample": 50})
    assert asked(folder, noise, again=1) == [True, False]
    assert asked(folder, Request("label_noise", {"sample": 51})) == [True]
    assert asked(folder, noise) == [False]
    assert asked(folder) == [False]


def test_another_version_of_any_package_is_measured_anew(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(folder / "site")
    for version in ("1.0", "1.1"):
        place = folder / "site" / "some_numbers-1.dist-info"
        place.mkdir(parents=True, exist_ok=True)
        (place / "METADATA").write_text(f"Name: some-numbers\nVersion: {version}\n", encoding="utf-8")
        assert asked(folder, again=1) == [True, False]


def _edit(path: Path, change: Callable[[dict], None]) -> None:
    entry = json.loads(path.read_bytes())
    change(entry)
    path.write_bytes(dumps(entry))


def _acquit(entry: dict) -> None:
    """The count that blocks becomes one that passes."""
    for finding in entry["findings"]:
        if finding["name"] == "shared_rows":
            finding.update(value=0, rows=[], interval={**finding["interval"], "low": 0, "high": 0})
            finding["bounds"] = [{**bound, "low": 0, "high": 0} for bound in finding["bounds"]]


TOUCHED: dict[str, Callable[[Path], object]] = {
    "a failure made a pass": lambda path: _edit(path, _acquit),
    "findings left out": lambda path: _edit(path, lambda entry: entry.update(findings=[])),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-20]),
    "empty": lambda path: path.write_bytes(b""),
    "another form": lambda path: path.write_bytes(b"[1, 2]"),
    "no text": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "of another version": lambda path: _edit(path, lambda entry: entry.update(schema="govkit.cached/v0")),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("what", TOUCHED)
def test_an_entry_that_was_touched_is_ignored_with_a_warning(folder: Path, what: str, caplog: pytest.LogCaptureFixture):
    assert asked(folder) == [True]
    (path,) = entries(folder)
    whole = path.read_bytes()
    TOUCHED[what](path)
    with caplog.at_level(logging.WARNING, logger="govkit.cache"):
        assert asked(folder) == [True]
    assert any("ignored and measured anew" in record.getMessage() for record in caplog.records)
    if what != "a folder":
        assert path.read_bytes() == whole, "what was measured anew is kept"


def test_an_entry_of_another_case_is_ignored_under_a_name_that_fits(folder: Path):
    assert asked(folder) == [True]
    (other,) = entries(folder)
    CHANGES["one cell of the training data"](folder)
    assert asked(folder) == [True]
    (mine,) = set(entries(folder)) - {other}
    mine.write_bytes(other.read_bytes())
    assert asked(folder) == [True]


def test_what_another_try_may_mend_is_not_kept(folder: Path):
    tries: list[Request] = []

    def crash(request: Request) -> list[Finding]:
        tries.append(request)
        reason = "crashed" if len(tries) == 1 else "no extra" if len(tries) == 2 else "no data"
        return [Gap(check=request.check, params=dict(request.params), reason=reason)]

    audit, root = read_audit(folder / "audit.yaml")
    work = build_case(audit, root)
    kept = remembered(crash, work, folder=opened(folder / "kept"), catalog=CATALOG)
    reasons = [kept(LEAK)[0].reason for _ in range(4)]
    assert reasons == ["crashed", "no extra", "no data", "no data"]
    assert len(tries) == 3


def test_several_may_share_a_folder(folder: Path):
    audit, root = read_audit(folder / "audit.yaml")
    work = build_case(audit, root)
    truth = checks.measure(work.case, [LEAK], catalog=CATALOG)
    kept = remembered(
        lambda _: truth, work, folder=opened(folder / "kept"), catalog=CATALOG
    )  # fmt: skip
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: kept(LEAK), range(64)))
    assert all(answer == truth for answer in answers)
    assert [path.suffix for path in entries(folder)] == [".json"]


def test_a_model_in_code_without_its_files_is_never_taken_from_the_cache(
    folder: Path, caplog: pytest.LogCaptureFixture
):
    _change_file("audit.yaml", ", artifact: cached_model", "")(folder)
    with caplog.at_level(logging.WARNING, logger="govkit.cache"):
        assert asked(folder, again=1) == [True, True]
    assert "the candidate is Python code" in caplog.text
    assert entries(folder) == []


@pytest.mark.parametrize("rival", ["base", "incumbent"])
def test_a_rival_in_code_is_known_by_its_artifact(folder: Path, rival: str, caplog: pytest.LogCaptureFixture):
    shutil.copytree(folder / "cached_model", folder / "cached_model_rival")
    head = ", head: own" if rival == "base" else ""
    source = f'{rival}: {{python: "cached_model_rival.scorer:predict", artifact: cached_model_rival{head}}}\n'
    (folder / "audit.yaml").write_text(AUDIT + source, encoding="utf-8")
    assert asked(folder, again=1) == [True, False]
    np.save(folder / "cached_model_rival" / "weights.npy", np.array([0.5, 0.5]))
    assert asked(folder) == [True]
    _change_file("audit.yaml", "artifact: cached_model_rival", "artifact: audit.yaml")(folder)
    with caplog.at_level(logging.WARNING, logger="govkit.cache"):
        assert asked(folder, again=1) == [True, True]
    assert f"the {rival} is Python code" in caplog.text


@pytest.mark.skipif(os.name != "posix", reason="modes of files are those of POSIX")
def test_a_folder_that_others_can_write_is_refused(folder: Path):
    place = folder / "kept"
    place.mkdir()
    place.chmod(0o775)
    with pytest.raises(gk.UsageError, match="others can write here"):
        gk.audit(folder / "audit.yaml", out=folder / "evidence", cache=place)
    with pytest.raises(gk.UsageError, match="others can write here"):
        gk.measure(folder / "audit.yaml", cache=place)
    place.chmod(0o755)
    assert opened(place) == place
    assert opened(folder / "new" / "deep").stat().st_mode & 0o777 == 0o700
    with pytest.raises(gk.UsageError, match="cannot hold a cache"):
        opened(folder / "test.csv")


def test_a_cache_that_cannot_be_written_ends_no_audit(folder: Path, caplog: pytest.LogCaptureFixture):
    audit, root = read_audit(folder / "audit.yaml")
    work = build_case(audit, root)
    gone = opened(folder / "kept")
    kept = remembered(
        lambda request: checks.measure(work.case, [request], catalog=CATALOG),
        work, folder=gone, catalog=CATALOG,
    )  # fmt: skip
    gone.rmdir()
    with caplog.at_level(logging.WARNING, logger="govkit.cache"):
        found = kept(LEAK)
    assert next(each.value for each in found if isinstance(each, Measurement) and each.name == "shared_rows") == 1
    assert "could not be written" in caplog.text


@pytest.mark.skipif(os.name != "posix", reason="modes of files are those of POSIX")
def test_an_entry_that_others_could_have_written_is_measured_anew(folder: Path, caplog: pytest.LogCaptureFixture):
    """Also in a folder that only lately became one's own, or whose parent is everybody's."""
    assert asked(folder, again=1) == [True, False]
    (path,) = entries(folder)
    path.chmod(0o666)
    with caplog.at_level(logging.WARNING, logger="govkit.cache"):
        assert asked(folder) == [True]
    assert "others can write it" in caplog.text
    assert asked(folder) == [False], "what was measured anew is one's own"
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
        assert asked(folder) == [True]


def _cases(folder: Path, *requests: Request) -> list[str]:
    """The checks that one audit measures, the others are in memory."""
    measured: list[str] = []

    def ask(request: Request) -> list[Finding]:
        measured.append(request.check)
        return checks.measure(work.case, [request], catalog=CATALOG)

    audit, root = read_audit(folder / "audit.yaml")
    work = build_case(audit, root)
    kept = remembered(ask, work, folder=opened(folder / "kept"), catalog=CATALOG)
    for request in requests:
        kept(request)
    work.close()
    return measured


def test_what_looks_back_on_other_checks_is_of_these_alone(folder: Path):
    """Another check asks the model more, and only then may it open what it should not."""
    last, more = Request("answer_book", {"rows": 1000}), LEAK
    assert [_cases(folder, last), _cases(folder, last)] == [["answer_book"], []]
    assert _cases(folder, more, last) == ["contamination", "answer_book"]
    assert _cases(folder, more, last) == []


def test_a_model_that_opens_rows_of_the_audit_is_asked_each_time(folder: Path):
    """From memory nobody would see it."""
    opening = 'Path(__file__).parent.parent.joinpath("test.csv").read_text()'
    _change_file("cached_model/scorer.py", "    weights", f"    {opening}\n    weights")(folder)
    more = Request("performance")
    assert [_cases(folder, more), _cases(folder, more)] == [["performance"], ["performance"]]
    assert entries(folder) == []


def test_findings_of_a_model_that_was_changed_are_not_kept(folder: Path):
    audit, root = read_audit(folder / "audit.yaml")
    work = build_case(audit, root)
    kept = remembered(lambda _: [], work, folder=opened(folder / "kept"), catalog=CATALOG)
    weights = folder / "cached_model" / "weights.npy"
    good = weights.read_bytes()
    for raw in (bytes(len(good)), good):
        weights.write_bytes(raw)
    with pytest.raises(gk.UsageError, match="was changed while it was measured"):
        kept(LEAK)
    assert entries(folder) == []
