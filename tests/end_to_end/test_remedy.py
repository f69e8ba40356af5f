"""``govkit remedy``: a new candidate, audited like the old one; fitted on calibration rows alone; whole or absent."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import govkit as gk
from govkit import manifest, remedies
from govkit.cli import screen
from govkit.cli.app import app
from govkit.core import Fact, Interval
from govkit.core.audit import License
from govkit.licenses.components import component
from govkit.lineage import read_run
from govkit.lineage.cost import Clock
from govkit.pipeline import remedying
from govkit.pipeline.casework import build_case, read_audit
from govkit.pipeline.remedied_files import made_of, write_candidate, write_record

pytestmark = pytest.mark.long

AUDIT = """\
schema: govkit.audit/v1
name: loans
subject: {predictions: rows.csv}
data: {calibration: {path: cal.csv}}
columns: {label: label, score: score, base_score: base, groups: [sex], id: id}
policy: rules/p.yaml
"""
POLICY = """\
schema: govkit.policy/v1
id: p
version: 1.0.0
controls:
  - {id: A, title: "off by at most twelve points", rmf: [MEASURE 2.3], check: calibration, metric: calibration_error,
     require: {max: 0.12}, authority: {level: none, note: ours}, severity: high}
"""


def rows(n: int, seed: int) -> pd.DataFrame:
    """Thrice as sure as right, and the score of f is too low."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["f", "m"], n)
    z = rng.normal(0, 1.2, n)
    score = 1 / (1 + np.exp(-3.0 * (z - 0.3 * (sex == "f"))))
    label = (rng.random(n) < 1 / (1 + np.exp(-z))).astype(int)
    ids = np.arange(n) + 100_000 * seed
    return pd.DataFrame({"id": ids, "label": label, "score": score.round(6), "base": 0.5, "sex": sex})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows(1500, 1).to_csv(tmp_path / "rows.csv", index=False)
    rows(800, 2).to_csv(tmp_path / "cal.csv", index=False)
    (tmp_path / "audit.yaml").write_text(AUDIT, encoding="utf-8")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "p.yaml").write_text(POLICY, encoding="utf-8")
    return tmp_path


def test_the_way_from_the_command_line(folder: Path):
    out = folder / "calibrated"
    done = CliRunner().invoke(app, ["remedy", "calibrate", str(folder / "audit.yaml"), "--out", str(out)])
    assert done.exit_code == 0, (done.output[-800:], done.exception)
    assert "A fail -> pass" in done.output
    assert "Verdict: BLOCK before, PASS after." in done.output
    names = {path.name for path in out.iterdir()}
    assert names >= {"predictions.parquet", "predictions-calibration.parquet", "incumbent.parquet", "audit.yaml"}
    assert names >= {"remedy.json", "run.json", "comparison.json", "evidence", "evidence.trust.yaml"}
    assert sorted(path.name for path in folder.iterdir()) == [
        "audit.yaml",
        "cal.csv",
        "calibrated",
        "rows.csv",
        "rules",
    ]
    proof = gk.verify(out / "evidence", model=out / "predictions.parquet", trust=out / "evidence.trust.yaml")
    assert proof.verdict.outcome == "PASS"
    run, told = gk.read_run(out), json.loads((out / "remedy.json").read_text())
    assert run.base.digest.value == told["candidate"]["digest"] == manifest.artifact_digest(folder / "rows.csv")
    assert run.artifact.value == manifest.artifact_digest(out / "predictions.parquet")
    assert [(part.role, part.digest.value) for part in run.data] == [("calibration", told["fitted_on"]["digest"])]
    assert told["numbers"]["interval"]["low"] <= 3 <= told["numbers"]["interval"]["high"]
    assert str(folder) not in (out / "run.json").read_text()
    assert set(run.outputs) == names - {"run.json", "comparison.json", "evidence", "evidence.trust.yaml"}
    assert run.outputs["remedy.json"] == f"sha256:{manifest.walk(out / 'remedy.json')[0].sha256}"
    compared = json.loads((out / "comparison.json").read_text())
    assert compared["outcome"] == {"before": "BLOCK", "after": "PASS"}
    assert {each["part"].get("sex") for each in compared["effects"]} == {None, "f", "m"}
    change = [
        finding
        for finding in gk.read_bundle(out / "evidence").findings
        if finding.name == "calibration_error" and finding.compared_with == "incumbent"
    ]
    assert change[0].value < 0


def _case(folder: Path) -> gk.Case:
    return build_case(*read_audit(folder / "audit.yaml")).case


def _fitted(folder: Path, how: remedying.How) -> dict:
    group = "sex" if how in ("threshold", "reweigh") else None
    remedy, _ = remedying.fit(_case(folder), how, group, None)
    return remedy.numbers


def test_a_bundle_of_the_candidate_stands_for_measuring_it_again(folder: Path):
    gk.audit(folder / "audit.yaml", out=folder / "evidence")
    measured = gk.remedy(folder / "audit.yaml", "temperature", out=folder / "one", as_of="2026-11-24T00:00:00Z")
    given = {"as_of": "2026-11-24T00:00:00Z", "before": folder / "evidence"}
    known = gk.remedy(folder / "audit.yaml", "temperature", out=folder / "two", **given)
    assert known.before == measured.before
    assert known.dump() == measured.dump()
    for seed, what in ((7, "audit file"), (None, "model")):
        if what == "model":
            rows(1500, 3).to_csv(folder / "rows.csv", index=False)
        with pytest.raises(gk.UsageError, match=f"another {what}"):
            gk.remedy(folder / "audit.yaml", "temperature", out=folder / "three", seed=seed, **given)
    assert not (folder / "three").exists()


@pytest.mark.parametrize("how", ["temperature", "isotonic", "threshold", "reweigh"])
def test_nothing_of_the_test_is_used_in_the_fit(folder: Path, how: remedying.How):
    before = _fitted(folder, how)
    other = rows(300, 9).assign(label=lambda frame: 1 - frame.label)
    other.to_csv(folder / "rows.csv", index=False)
    assert _fitted(folder, how) == before


def _candidate(folder: Path, name: str, how: remedying.How, group: str | None) -> Path:
    """The files of a remedied candidate, without the audit of it."""
    work = build_case(*read_audit(folder / "audit.yaml"))
    fitted, _ = remedying.fit(work.case, how, group, None)
    made = remedying.answers(work.case, fitted, group)
    (folder / name).mkdir()
    write_candidate(folder / name, work, folder, made, name=fitted.name, policy=str(folder / "rules" / "p.yaml"))
    write_record(folder / name, work, fitted, Clock(), group=group, started="2026-01-01T00:00:00Z")
    return folder / name


def test_drawn_decisions_are_the_same_again_in_whatever_order_the_rows_stand(folder: Path):
    first = _candidate(folder, "first", "threshold", "sex")
    again = _candidate(folder, "again", "threshold", "sex")
    one, two = (read_run(each / "run.json").outputs for each in (first, again))
    assert one == two
    rows(1500, 1).sample(frac=1, random_state=0).to_csv(folder / "rows.csv", index=False)
    other = _candidate(folder, "other", "threshold", "sex")
    one, two = (pd.read_parquet(each / "predictions.parquet").set_index("id") for each in (first, other))
    assert one["remedied_prediction"].sort_index().equals(two["remedied_prediction"].sort_index())


def test_a_remedied_candidate_is_moved_with_its_surroundings_and_remedied_again(folder: Path):
    _candidate(folder, "once", "isotonic", None)
    moved = folder.rename(folder.with_name(f"{folder.name}_elsewhere"))
    given, root = read_audit(moved / "once" / "audit.yaml")
    assert (root / given.policy).resolve() == moved / "rules" / "p.yaml"
    work = build_case(given, root)
    fitted, test = remedying.fit(work.case, "temperature", None, None)
    assert fitted.numbers["interval"]["low"] <= 1 <= fitted.numbers["interval"]["high"]
    made = remedying.answers(work.case, fitted, None)
    remarks = " ".join(remedying.remarks_on(work, test, made["test"]))
    assert remarks.startswith("0 of 1500 answers")
    assert "fitted on the same calibration rows" in remarks
    (moved / "twice").mkdir()
    write_candidate(moved / "twice", work, root, made, name="x", policy="nist-ai-rmf-core")
    write_record(moved / "twice", work, fitted, Clock(), group=None, started="2026-01-01T00:00:00Z")
    again = build_case(*read_audit(moved / "twice" / "audit.yaml")).case
    wanted = dict(zip(work.case.data["test"].ids, made["test"].probabilities[:, 1], strict=True))
    found = dict(zip(again.data["test"].ids, again.predictions("candidate").probabilities[:, 1], strict=True))
    assert found == pytest.approx(wanted)
    assert again.data["test"].table.column_names.count("remedied_score") == 1


def test_the_candidate_takes_the_place_of_an_absent_incumbent_and_nothing_watches_it(folder: Path):
    why = "this is the first release"
    with (folder / "audit.yaml").open("a", encoding="utf-8") as file:
        file.write(f"absent: {{incumbent: {why}, shifted: there are no later rows}}\n")
    given, _ = read_audit(_candidate(folder, "once", "temperature", None) / "audit.yaml")
    assert given.incumbent is not None
    assert given.absent == {"service": why, "shifted": "there are no later rows"}


def test_calibration_rows_that_the_model_was_tuned_on_are_counted_aloud(folder: Path):
    rows(800, 2).tail(30).to_csv(folder / "train.csv", index=False)
    _audit(folder, "cal.csv}}", "cal.csv}, train: {path: train.csv}}")
    work = build_case(*read_audit(folder / "audit.yaml"))
    fitted, test = remedying.fit(work.case, "temperature", None, None)
    remarks = list(remedying.remarks_on(work, test, fitted.apply(test)))
    assert remarks[1].startswith("30 calibration rows are training rows too")


def test_killed_half_way_nothing_is_left(folder: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(remedying, "audit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        gk.remedy(folder / "audit.yaml", "temperature", out=folder / "out")
    assert sorted(path.name for path in folder.iterdir()) == ["audit.yaml", "cal.csv", "rows.csv", "rules"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: _audit(folder, "data: {calibration: {path: cal.csv}}\n", ""), "data.calibration is missing"),
        (lambda folder: rows(1500, 1).tail(50).to_csv(folder / "cal.csv", index=False), "50 of its rows (repeats"),
        (lambda folder: rows(800, 2).drop(columns="score").to_csv(folder / "cal.csv", index=False), "none of the"),
        (lambda folder: rows(15, 2).to_csv(folder / "cal.csv", index=False), "at least 20"),
        (lambda folder: (folder / "out").mkdir(), "already exists"),
        (lambda folder: _audit(folder, "score: score, ", "prediction: label_, "), "label_"),
    ],
)
def test_bad_input_is_refused_before_the_work(folder: Path, change, message: str):
    change(folder)
    before = sorted(folder.iterdir())
    done = CliRunner().invoke(app, ["remedy", "calibrate", str(folder / "audit.yaml"), "--out", str(folder / "out")])
    assert isinstance(done.exception, gk.UsageError)
    assert message in str(done.exception)
    assert done.exception.exit_code == 2
    assert sorted(folder.iterdir()) == before


def _audit(folder: Path, old: str, new: str) -> None:
    (folder / "audit.yaml").write_text(AUDIT.replace(old, new), encoding="utf-8")


def test_a_group_that_the_remedy_would_not_use_is_refused(folder: Path):
    with pytest.raises(gk.UsageError, match="--group sex: says nothing to temperature; it is for threshold or reweigh"):
        gk.remedy(folder / "audit.yaml", "temperature", group="sex", out=folder / "out")


def test_unknown_remedies_and_groups_are_refused(folder: Path):
    with pytest.raises(gk.UsageError, match="expected one of"):
        gk.remedy(folder / "audit.yaml", "prune", out=folder / "out")
    for how in ("threshold", "reweigh"):
        arguments = ["remedy", how, str(folder / "audit.yaml"), "--group", "age", "--out", str(folder / "out")]
        done = CliRunner().invoke(app, arguments)
        assert "--group age: is no group column" in str(done.exception)


def test_a_task_without_two_or_more_classes_is_refused(folder: Path):
    for task in ("ordinal", "regression", "ranking", "multilabel"):
        with pytest.raises(gk.UsageError, match=task):
            remedying.fit(dataclasses.replace(_case(folder), task=task), "temperature", None, None)


def test_what_is_no_longer_answered_is_named():
    """A control that lost its evidence is named, one that was never answered is not."""

    after = SimpleNamespace(verdict=_verdict(3, "pass", "missing", "not_applicable", "unsupported"))
    made = remedying.Remedied(Path(), after, _verdict(1, "fail", "fail", "pass", "missing"), (), ())
    assert made.unanswered == ["C1", "C2"]
    assert [each[0] for each in made.changed] == ["C0", "C1", "C2", "C3"]


def _verdict(exit_code: int, *states: str) -> SimpleNamespace:
    rulings = [SimpleNamespace(control=f"C{n}", title="t", state=state) for n, state in enumerate(states)]
    return SimpleNamespace(rulings=rulings, exit_code=exit_code)


@pytest.mark.parametrize(
    ("was", "now", "before", "after", "standing", "exit_code"),
    [
        ("fail", "missing", 1, 3, ["C0"], 1),
        ("fail", "unsupported", 1, 0, ["C0"], 1),
        ("fail", "missing", 3, 1, ["C0"], 1),
        ("fail", "pass", 1, 0, [], 0),
        ("pass", "missing", 0, 3, [], 3),
    ],
)
def test_a_failure_that_lost_its_evidence_still_counts(was, now, before, after, standing, exit_code):
    new = SimpleNamespace(verdict=_verdict(after, now))
    made = remedying.Remedied(Path(), new, _verdict(before, was), (), ())
    assert made.standing == standing
    assert made.exit_code == exit_code


def test_the_new_answers_owe_what_the_weights_owed(tmp_path: Path):
    """Base and training data with what is known of them; data for measuring only binds nothing."""
    (tmp_path / "answers").write_text("answers", encoding="utf-8")
    unknown = Fact(seen="unknown")
    data = (component("train", "texts", []), component("test", "others", ["MIT"]))
    base = component("base", "b", ["Apache-2.0"])
    run = gk.Run(
        name="r", base=base, data=data, seed=unknown, artifact=unknown, exit="finished", started="2026-01-01T00:00:00Z"
    )
    work = SimpleNamespace(
        name="mine", path=tmp_path / "answers", case=SimpleNamespace(run=run), audit=SimpleNamespace(licenses=())
    )
    candidate, trained = made_of(work)
    assert (candidate.id.value, candidate.license) == ("mine", base.license)
    assert trained == [data[0]]
    work.case.run, work.audit.licenses = None, (License(of="data", id="texts", expression="MIT"),)
    assert [(each.role, each.id.value, each.license.expression) for each in made_of(work)[1]] == [
        ("train", "texts", "MIT")
    ]


def test_what_a_remedy_says_and_whom_it_harms_stands_in_the_sealed_audit_file(folder: Path):
    gk.remedy(folder / "audit.yaml", "threshold", group="sex", constraint="demographic_parity", out=folder / "new")
    sealed, _ = read_audit(folder / "new" / "evidence" / "audit.yaml")
    assert any("drawn at random" in each for each in sealed.use.conditions)
    told = json.loads((folder / "new" / "comparison.json").read_text(encoding="utf-8"))
    harmed = [each for each in told["effects"] if each["part"] and each["worse"] and each["beyond_chance"]]
    assert any(each.startswith("Worse than before") for each in sealed.use.conditions) == bool(harmed)


def test_the_screen_names_who_is_worse_off_in_eighty_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "80")
    change = Interval(level=0.95, low=-0.2, high=-0.1, method="m")
    asked = {"metric": "true_positive_rate", "n": 90, "before": 0.6, "after": 0.45, "change": change}
    effects = (
        remedies.Effect(**asked | {"after": 0.6}, part={}),
        remedies.Effect(**asked, part={"race": "a"}, worse=True, beyond_chance=True),
        remedies.Effect(**asked, part={"race": "b"}, worse=True),
    )
    ruling = {"control": "C", "title": "a long title " * 9}
    before = SimpleNamespace(outcome="PASS", rulings=[SimpleNamespace(**ruling, state="pass")])
    after = SimpleNamespace(outcome="BLOCK", rulings=[SimpleNamespace(**ruling, state="fail")])
    made = remedying.Remedied(Path("new"), SimpleNamespace(verdict=after), before, ("seen",), effects)
    assert remedying.harms(effects) == (
        "Worse than before, by more than chance explains: race a (true positive rate).",
    )
    screen.show_remedy(made, json=False)
    shown = capsys.readouterr().out
    assert "race a\n  true positive rate           90    0.600    0.450   -0.200 to -0.100\n" in shown
    assert "Not shown: 1 values of groups" in shown
    assert "WORSE, more than chance explains: race a (true positive rate).\n" in shown
    assert "Worse, chance could explain it: race b (true positive rate).\n" in shown
    assert "C pass -> fail" in shown
    assert max(len(line) for line in shown.splitlines() if not line.startswith(("New", "Check"))) <= 80


LIVE = """\
import numpy as np

def predict(frame):
    z = np.column_stack([frame["x"], frame["y"], -frame["x"]]) * 3.0
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
"""
LIVE_AUDIT = """\
schema: govkit.audit/v1
subject: {python: "h8_live:predict"}
base: {predictions: base.csv}
data: {test: {path: test.csv}, calibration: {path: cal.csv}, shifted: {path: shifted.csv}}
columns: {input: [x, y], label: kind, groups: [sex], prediction: said, classes: [a, b, c]}
"""


def test_a_live_candidate_of_three_classes_becomes_a_file_that_reads_back(tmp_path: Path):
    rng = np.random.default_rng(0)
    (tmp_path / "h8_live.py").write_text(LIVE, encoding="utf-8")
    (tmp_path / "audit.yaml").write_text(LIVE_AUDIT, encoding="utf-8")
    for name, n in (("test", 60), ("cal", 200), ("shifted", 40)):
        frame = pd.DataFrame({"x": rng.normal(size=n), "y": rng.normal(size=n), "sex": rng.choice(["f", "m"], n)})
        frame["kind"] = rng.choice(["a", "b", "c"], n)
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
        if name == "test":
            frame.assign(said="b").to_csv(tmp_path / "base.csv", index=False)
    given, root = read_audit(tmp_path / "audit.yaml")
    work = build_case(given, root)
    fitted, _ = remedying.fit(work.case, "isotonic", None, None)
    made = remedying.answers(work.case, fitted, None)
    assert set(made) == {"test", "calibration", "shifted"}
    (tmp_path / "new").mkdir()
    write_candidate(tmp_path / "new", work, root, made, name="x", policy="nist-ai-rmf-core")
    write_record(tmp_path / "new", work, fitted, Clock(), group=None, started="2026-01-01T00:00:00Z")
    again = build_case(*read_audit(tmp_path / "new" / "audit.yaml")).case
    for role, wanted in made.items():
        found = again.predictions("candidate", role)
        assert found is not None
        assert sorted(map(tuple, found.probabilities.round(9))) == sorted(map(tuple, wanted.probabilities.round(9)))
        assert np.bincount(found.labels, minlength=3).tolist() == np.bincount(wanted.labels, minlength=3).tolist()
    assert set(again.predictions("base").labels.tolist()) == {1}
    old, new = work.case.predictions("candidate"), again.predictions("incumbent")
    assert sorted(map(tuple, new.probabilities.round(9))) == sorted(map(tuple, old.probabilities.round(9)))
