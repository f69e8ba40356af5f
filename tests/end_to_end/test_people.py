"""A control that is not met, waived and attested by people, through the command line."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import govkit as gk
from govkit import evidence
from govkit.resources import find

DAY, NOON, EPOCH = "2026-11-27", "2026-11-27T12:00:00Z", "1795780800"
AUDIT = """\
schema: govkit.audit/v1
subject: {predictions: rows.csv}
policy: p.yaml
columns: {label: label, score: score, base_score: base, groups: [sex], id: id}
"""
POLICY = """\
schema: govkit.policy/v1
id: p
version: 1.0.0
owner: {name: "O. Owner"}
controls:
  - {id: LETTERS-01, title: Right nearly always, rmf: [MEASURE 2.3], check: performance, metric: accuracy,
     require: {min: 0.95}, authority: {level: none, note: ours}, severity: high}
  - {id: B, title: Better than a coin, rmf: [MEASURE 2.3], check: performance, metric: accuracy,
     require: {min: 0.5}, authority: {level: none, note: ours}, severity: high}
  - {id: C, title: Never waived, rmf: [MEASURE 2.3], check: performance, metric: accuracy,
     require: {min: 0.5}, authority: {level: none, note: ours}, severity: critical}
  - {id: R, title: Reviewed, rmf: [MEASURE 1.3], severity: high,
     attest: {kind: independent_review, signer_role: validator, not_same_as: [owner], fields: [scope]}}
"""
PEOPLE = {
    "ci": ("CI", evidence.ROLES),
    "all": ("One Person", (*evidence.ROLES, "waive")),
    "stranger": ("M. Risk", ("waive",)),
}


def commands() -> list[list[str]]:
    """The commands of the sections on people in policies/README.md, in their order."""
    text = (find("policies") / "README.md").read_text(encoding="utf-8")
    told = "".join(text.split(f"\n## {name}\n")[1].split("\n## ")[0] for name in ("Waivers", "Attestations"))
    lines = [line for block in told.split("```")[1::2] for line in block.strip().splitlines()]
    return [shlex.split(line.replace("my_model", "rows.csv"))[1:] for line in lines]


def govkit(*arguments: str | Path, cwd: Path, code: int) -> str:
    dated = arguments[0] in ("waiver", "attestation", "audit", "judge", "verify") and "--as-of" not in arguments
    done = subprocess.run(
        [sys.executable, "-m", "govkit", *map(str, arguments), *(["--as-of", NOON] if dated else [])],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GOVKIT_KEY_PASSWORD": "secret", "SOURCE_DATE_EPOCH": EPOCH},
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == code, (arguments, done.returncode, done.stdout[-500:], done.stderr[-800:])
    assert "Traceback" not in done.stderr
    return done.stdout if code in (0, 1, 3) else done.stderr


def fill(form: Path, out: Path | None = None, **answers: object) -> Path:
    """Fill a form in by hand."""
    found, target = yaml.safe_load(form.read_text(encoding="utf-8")), out or form
    target.write_text(yaml.safe_dump({**found, **answers}, sort_keys=False), encoding="utf-8")
    return target


FILLED = {"approver": "M. Risk", "reason": "A person reads every letter until January."}
ANSWERS = dict.fromkeys(("scope", "independence", "method", "findings"), "Said in full.")


WITH = ("--waivers", "waivers", "--attestations", "attestations", "--trust", "everybody.yaml")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys, a bundle that blocks, and what the commands of the page make of it: statements, and bundles with them."""
    folder = tmp_path_factory.mktemp("people")
    rng = np.random.default_rng(0)
    score = rng.uniform(size=300).round(4)
    rows = pd.DataFrame({"id": range(300), "label": (rng.uniform(size=300) < score).astype(int), "score": score})
    rows["base"], rows["sex"] = (score * 0.9).round(4), rng.choice(["f", "m"], 300)
    rows.to_csv(folder / "rows.csv", index=False)
    (folder / "audit.yaml").write_text(AUDIT, encoding="utf-8")
    (folder / "p.yaml").write_text(POLICY, encoding="utf-8")
    for name, (who, roles) in PEOPLE.items():
        gk.new_key(folder / name, password=b"secret", name=who, as_of=NOON, roles=roles)
    key = gk.load_key(folder / "ci" / "audit.key", b"secret")
    first = gk.audit(folder / "audit.yaml", out=folder / "evidence", key=key, as_of=NOON)
    assert first.verdict.outcome == "BLOCK"
    for command in commands():
        if command[:2] == ["waiver", "sign"]:
            fill(folder / "waiver.yaml", **FILLED)
        if command[:2] == ["attestation", "sign"]:
            fill(folder / "review.yaml", signer="V. Validator", answers=ANSWERS)
        # Nobody has reviewed the second bundle.
        govkit(*command, cwd=folder, code=1 if "evidence-2" in command else 0)
    return folder


@pytest.fixture
def second(place: Path, tmp_path: Path) -> Path:
    shutil.copytree(place / "evidence-3", tmp_path / "bundle")
    return tmp_path / "bundle"


def verify(place: Path, bundle: Path | str, *more: str, code: int) -> str:
    return govkit("verify", bundle, "--model", "rows.csv", "--trust", "everybody.yaml", *more, cwd=place, code=code)


def test_a_waived_and_reviewed_model_passes_with_exceptions_and_verifies(place: Path):
    told = [" ".join(line.split()) for line in verify(place, "evidence-3", code=0).splitlines()]
    assert "waivers/LETTERS-01.sigstore.json signed by M. Risk" in told
    shown = json.loads(verify(place, "evidence-3", "--json", code=0))
    rulings = {each["control"]: (each["state"], each["waived"]) for each in shown["verdict"]["rulings"]}
    assert rulings == {"LETTERS-01": ("fail", True), "B": ("pass", False), "C": ("pass", False), "R": ("pass", False)}
    for sort, name in (("waivers", "LETTERS-01"), ("attestations", "review")):
        kept = place / "evidence-3" / sort / f"{name}.sigstore.json"
        assert kept.read_bytes() == (place / sort / f"{name}.sigstore.json").read_bytes()


def test_every_document_names_them(place: Path):
    bundle = place / "evidence-3"
    for name in ("report.html", "card.md", "summary.md"):
        text = (bundle / name).read_text(encoding="utf-8").replace("\\", "")
        for said in ("LETTERS-01-2026-11-27", "T. Trainer", "M. Risk", FILLED["reason"], "2026-12-27", "0.767"):
            assert said in text, (name, said)
        for said in ("independent review", "V. Validator", "validator", DAY):
            assert said in text, (name, said)
    for name in ("report.html", "card.md", "summary.md"):
        assert "What people signed" not in (place / "evidence" / name).read_text(encoding="utf-8")


def test_the_last_second_of_the_waiver_is_its_last(place: Path):
    assert "PASS_WITH_EXCEPTIONS" in verify(place, "evidence-3", "--as-of", "2026-12-27T23:59:59Z", code=0)
    assert "expired on 2026-12-27" in verify(place, "evidence-3", "--as-of", "2026-12-28T00:00:00Z", code=1)


def test_a_review_that_is_too_old_shuts_the_gate_again(place: Path):
    """The waiver is renewed; the review is not."""
    proof = gk.verify(
        place / "evidence-3", model=place / "rows.csv", trust=place / "everybody.yaml", as_of="2027-11-28T00:00:00Z"
    )
    states = {each.control: each.state for each in proof.verdict.rulings}
    assert (states["R"], proof.verdict.outcome) == ("missing", "BLOCK")


def _edit(bundle: Path) -> None:
    path = bundle / "waivers" / "LETTERS-01.sigstore.json"
    path.write_bytes(path.read_bytes().replace(b'"payload":"e', b'"payload":"f'))


def _remove(bundle: Path) -> None:
    shutil.rmtree(bundle / "waivers")


def _remove_attestation(bundle: Path) -> None:
    (bundle / "attestations" / "review.sigstore.json").unlink()


def _unsign(bundle: Path) -> None:
    path = bundle / "waivers" / "LETTERS-01.sigstore.json"
    path.write_text(json.dumps(evidence.read_unverified(path)))


def _note(bundle: Path) -> None:
    (bundle / "waivers" / "note.txt").write_text("trust me")


@pytest.mark.parametrize(
    ("forge", "says"),
    [
        (_edit, "BOUND_FILE"),
        (_remove, "MISSING_FILE"),
        (_remove_attestation, "MISSING_FILE"),
        (_unsign, "BOUND_FILE"),
        (_note, "EXTRA_FILE"),
    ],
)
def test_a_changed_or_missing_statement_does_not_verify(
    place: Path, second: Path, forge: Callable[[Path], None], says: str
):
    forge(second)
    assert says in verify(place, second, code=4)


def test_a_waiver_of_another_bundle_does_not_verify_even_when_sealed_again(place: Path, second: Path):
    """Whoever holds the key of the release, and not that of the gate, cannot make up for a verdict."""
    form = fill(place / "waiver.yaml", second.parent / "waiver.yaml", ticket="RISK-2")
    sign = ("--key", "risk/audit.key", "--trust", "everybody.yaml", "--out", second.parent / "other.sigstore.json")
    govkit("waiver", "sign", form, *sign, cwd=place, code=0)
    shutil.copy(second.parent / "other.sigstore.json", second / "waivers" / "LETTERS-01.sigstore.json")
    assert "BOUND_FILE" in verify(place, second, code=4)
    (second / "release.sigstore.json").unlink()
    seal = ("seal", second, "--model", "rows.csv", "--key", "ci/audit.key")
    assert "other waivers or attestations" in govkit(*seal, cwd=place, code=2)


def test_the_steps_file_to_file_carry_them_and_leave_aside_what_is_about_another_model(place: Path, tmp_path: Path):
    form = fill(place / "waiver.yaml", tmp_path / "w.yaml", model="sha256:" + "b" * 64, id="STRAY")
    shutil.copytree(place / "waivers", tmp_path / "waivers")
    out = ("--key", "risk/audit.key", "--trust", "everybody.yaml", "--out", tmp_path / "waivers/x.sigstore.json")
    govkit("waiver", "sign", form, *out, cwd=place, code=0)
    people = ("--waivers", tmp_path / "waivers", *WITH[2:])
    govkit("measure", "audit.yaml", "--out", tmp_path / "f.json", cwd=place, code=0)
    judge = ("judge", tmp_path / "f.json", "--policy", "p.yaml")
    told = govkit(*judge, *people, "--out", tmp_path / "v.json", cwd=place, code=0)
    assert "waiver STRAY of LETTERS-01 is not applied: it is for another model" in told
    govkit(*judge, "--out", tmp_path / "bare.json", cwd=place, code=1)
    attest = ("attest", tmp_path / "f.json", tmp_path / "v.json", "--audit", "audit.yaml")
    out = ("--out", tmp_path / "bundle")
    assert "does not follow" in govkit(*attest, *out, "--key", "ci/audit.key", cwd=place, code=2)
    assert "FOUR_EYES" in govkit(*attest, *out, *people, "--key", "risk/audit.key", cwd=place, code=2)
    govkit(*attest, *out, *people, "--key", "ci/audit.key", cwd=place, code=0)
    govkit("render", tmp_path / "bundle", "--no-pdf", cwd=place, code=0)
    assert "it is for another model" in (tmp_path / "bundle" / "report.html").read_text(encoding="utf-8")
    govkit("seal", tmp_path / "bundle", "--model", "rows.csv", "--key", "ci/audit.key", cwd=place, code=0)
    assert "waiver STRAY" in verify(place, tmp_path / "bundle", code=0)


def test_who_finds_and_judges_does_not_waive(place: Path, tmp_path: Path):
    form = fill(place / "waiver.yaml", tmp_path / "w.yaml", approver="One Person")
    own = ("--trust", "all/trust.yaml", "--out", tmp_path / "own" / "a.sigstore.json")
    govkit("waiver", "sign", form, "--key", "all/audit.key", *own, cwd=place, code=0)
    given = ("--waivers", tmp_path / "own", "--trust", "all/trust.yaml", "--out", tmp_path / "out")
    assert "FOUR_EYES" in govkit("audit", "audit.yaml", *given, "--key", "all/audit.key", cwd=place, code=2)
    assert not (tmp_path / "out").exists()


def test_a_key_that_nobody_knows_neither_signs_nor_waives(place: Path, tmp_path: Path):
    out = ("--out", tmp_path / "w" / "LETTERS-01.sigstore.json")
    sign = ("waiver", "sign", "waiver.yaml", "--key", "stranger/audit.key", *out)
    assert "UNKNOWN_KEY" in govkit(*sign, "--trust", "everybody.yaml", cwd=place, code=2)
    govkit(*sign, "--trust", "stranger/trust.yaml", cwd=place, code=0)
    audit = ("audit", "audit.yaml", "--waivers", tmp_path / "w", "--out", tmp_path / "out")
    assert "UNKNOWN_KEY" in govkit(*audit, "--trust", "everybody.yaml", cwd=place, code=2)


def test_folders_and_trust_come_together(place: Path, tmp_path: Path):
    for given in (("--waivers", "waivers"), ("--attestations", "attestations"), ("--trust", "everybody.yaml")):
        out = ("--out", tmp_path / "out")
        assert "trust file" in govkit("audit", "audit.yaml", *given, *out, cwd=place, code=2)
        assert not (tmp_path / "out").exists()
    none = ("--waivers", "none", "--trust", "everybody.yaml", "--out", tmp_path / "out")
    assert "no such folder" in govkit("audit", "audit.yaml", *none, cwd=place, code=2)


# Forms


@pytest.mark.parametrize(
    ("control", "says"),
    [
        ("B", "B (pass) cannot be waived: nothing has to be waived"),
        ("C", "C (pass) cannot be waived: a critical control cannot be waived"),
        ("R", "R (missing) cannot be waived: missing evidence cannot be waived"),
        ("a", "no control 'a'"),
    ],
)
def test_no_form_is_written_for_what_cannot_be_waived(place: Path, tmp_path: Path, control: str, says: str):
    with pytest.raises(gk.UsageError) as caught:
        gk.draft_waiver(control, owner="T", bundle=place / "evidence", as_of=NOON)
    assert says in str(caught.value)


def test_a_waiver_is_for_one_model(place: Path):
    for options in ({}, {"model": place / "rows.csv", "bundle": place / "evidence"}):
        with pytest.raises(gk.UsageError, match="exactly one"):
            gk.draft_waiver("LETTERS-01", owner="T", **options)
    with pytest.raises(gk.UsageError, match="owner is empty"):
        gk.draft_waiver("LETTERS-01", owner=" ", model=place / "rows.csv")


def test_the_form_says_what_to_write_and_proposes_what_the_bundle_knows(place: Path):
    text = gk.draft_waiver("LETTERS-01", owner="T. Trainer", bundle=place / "evidence", as_of=NOON)
    found = yaml.safe_load(text)
    bundle = gk.read_bundle(place / "evidence")
    ruling = next(each for each in bundle.verdict.rulings if each.control == "LETTERS-01")
    assert found["ceiling"] == bundle.findings[ruling.parts[0].finding].value
    assert found["model"] == bundle.verdict.subject
    assert (found["reason"], found["approver"]) == ("", "")
    assert (str(found["created"]), str(found["expires"])) == (DAY, "2026-12-27")
    assert "why may this model be used" in text
    without = yaml.safe_load(gk.draft_waiver("LETTERS-01", owner="T", model=place / "rows.csv", as_of=NOON))
    assert without["model"] == found["model"]
    assert "ceiling" not in without


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"reason": ""}, "reason: found ''"),
        ({"reason": " " * 30}, "reason: found only blanks"),
        ({"reason": "because"}, "at least 20 characters"),
        ({"owner": "\t"}, "owner: found only blanks"),
        ({"approver": "V. Validator"}, "WRONG_NAME"),
        ({"created": "2026-11-28", "expires": "2026-11-27"}, "before its first day"),
        ({"expires": "2026-11-26", "created": "2026-11-20"}, "is over"),
        ({"expires": "2027-11-28"}, "no waiver lives more than 365"),
        ({"expires": "2026-12-28"}, "longer than the 30 days that severity high allows"),
        ({"owner": "m. risk"}, "owner and approver are the same person"),
        ({"model": "sha256:" + "b" * 64}, "it is for another model"),
        ({"ceiling": 0.9}, "is worse than its ceiling 0.9"),
        ({"control": "Z"}, "this policy has no such control"),
        ({"control": "B"}, "nothing has to be waived"),
        ({"silly": 1}, "unknown key 'silly'"),
    ],
)
def test_a_waiver_that_would_not_hold_is_not_signed(place: Path, tmp_path: Path, changes: dict[str, object], says: str):
    form = tmp_path / "waiver.yaml"
    form.write_text(
        gk.draft_waiver("LETTERS-01", owner="T. Trainer", bundle=place / "evidence", as_of=NOON), encoding="utf-8"
    )
    fill(form, **{**FILLED, **changes})
    key = gk.load_key(place / "risk" / "audit.key", b"secret")
    with pytest.raises(gk.UsageError) as caught:
        gk.sign_waiver(form, key=key, trust=place / "everybody.yaml", bundle=place / "evidence", as_of=NOON)
    assert says in str(caught.value)
    assert str(form) in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"answers": {**ANSWERS, "method": " "}}, "without an answer to method: What did you repeat"),
        ({"answers": {"scope": "All."}}, "independence: What is your part"),
        ({"signer": "M. Risk"}, "WRONG_NAME"),
        ({"role": "owner"}, "WRONG_ROLE"),
        ({"signed_at": "2026-11-28"}, "signed_at: 2026-11-28 is not yet"),
        ({"valid_until": "2026-11-26"}, "valid_until: 2026-11-26 is over"),
    ],
)
def test_a_statement_with_an_open_question_is_not_signed(
    place: Path, tmp_path: Path, changes: dict[str, object], says: str
):
    form = tmp_path / "a.yaml"
    text = gk.draft_attestation("independent_review", model=place / "rows.csv", as_of=NOON)
    form.write_text(text, encoding="utf-8")
    fill(form, **{"signer": "V. Validator", "answers": ANSWERS, **changes})
    key = gk.load_key(place / "validator" / "audit.key", b"secret")
    with pytest.raises(gk.UsageError) as caught:
        gk.sign_attestation(form, key=key, trust=place / "everybody.yaml", as_of=NOON)
    assert says in str(caught.value)


def test_a_kind_without_questions_is_named(place: Path):
    with pytest.raises(gk.UsageError, match="did you mean 'independent_review'"):
        gk.draft_attestation("independent_reviews", model=place / "rows.csv")


def test_nothing_is_overwritten_and_names_are_those_that_judges_read(place: Path, tmp_path: Path):
    new = ("attestation", "new", "approval", "--model", "rows.csv", "--out", "review.yaml")
    assert "already exists" in govkit(*new, cwd=place, code=2)
    sign = ("attestation", "sign", "review.yaml", "--key", "validator/audit.key", "--trust", "everybody.yaml", "--out")
    assert "already exists" in govkit(*sign, "attestations/review.sigstore.json", cwd=place, code=2)
    assert ".sigstore.json" in govkit(*sign, tmp_path / "review.json", cwd=place, code=2)
    assert "already exists" in govkit("keys", "join", "ci/trust.yaml", "--out", "everybody.yaml", cwd=place, code=2)
    twice = ("keys", "join", "ci/trust.yaml", "ci/trust.yaml", "--out", tmp_path / "t.yaml")
    assert "stands twice" in govkit(*twice, cwd=place, code=2)


# Folders, at the time of judging


@pytest.mark.parametrize(
    ("name", "as_of", "says"),
    [
        ("note.txt", NOON, "EXTRA_FILE"),
        ("empty/", NOON, "EXTRA_FILE"),
        ("link.sigstore.json", NOON, "SYMLINK"),
        ("blank.sigstore.json", NOON, "BAD_JSON"),
        ("", "2029-01-01T00:00:00Z", "KEY_PERIOD"),
        ("", "2026-11-27T11:59:59Z", "KEY_PERIOD"),
    ],
)
def test_a_folder_that_does_not_verify_is_bad_input(place: Path, tmp_path: Path, name: str, as_of: str, says: str):
    folder = tmp_path / "waivers"
    shutil.copytree(place / "waivers", folder)
    if name.startswith("link"):
        (folder / name).symlink_to(place / "waivers" / "LETTERS-01.sigstore.json")
    elif name.endswith("/"):
        (folder / name).mkdir()
    elif name:
        (folder / name).touch()
    with pytest.raises(gk.UsageError, match=says) as caught:
        gk.open_people(waivers=folder, trust=place / "everybody.yaml", as_of=as_of)
    assert caught.value.exit_code == 2
    assert str(folder) in str(caught.value)


def test_objects_and_folders_are_judged_alike(place: Path):
    people = gk.open_people(
        waivers=place / "waivers", attestations=place / "attestations", trust=place / "everybody.yaml", as_of=NOON
    )
    document = evidence.read_unverified(place / "evidence" / "findings.sigstore.json")
    rules = gk.resolve_policy(str(place / "p.yaml"))
    judged = gk.judge(document, rules, as_of=NOON, people=people)
    assert judged == gk.read_bundle(place / "evidence-3").verdict
    assert gk.judge(document, rules, as_of=NOON).outcome == "BLOCK"
