"""Publishing: a release is verified before and after, numbered, countersigned by its tier, and taken back."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import published as tools
import pytest
import timestamp_authority
from published import DAY, LATER, Audited

import govkit as gk
from govkit import evidence, manifest
from govkit.errors import EvidenceError, UsageError, VerdictError

LOG = "releases.sigstore.json"


@pytest.fixture(scope="module")
def low(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    return tools.audited(tmp_path_factory.mktemp("low"), "letters_low")


@pytest.fixture(scope="module")
def high(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    return tools.audited(tmp_path_factory.mktemp("high"), "letters_high", tier="high")


@pytest.fixture(scope="module")
def out(high: Audited) -> Path:
    """A published release of a high tier."""
    people = high.countersign(high.root / "people", "auditor", "approver")
    high.release(high.root / "out", high.root / LOG, people)
    return high.root / "out"


@pytest.fixture
def copied(high: Audited, out: Path, tmp_path: Path) -> Path:
    """The release and its log, to be spoilt."""
    shutil.copytree(out, tmp_path / "out")
    shutil.copy(high.root / LOG, tmp_path / LOG)
    return tmp_path / "out"


def check(out: Path, **options: object) -> gk.Verification:
    given = {"model": out / "model", "trust": tools.trust(), "as_of": LATER, "log": out.parent / LOG, **options}
    return gk.verify(out / "evidence", **given)


def code(out: Path, **options: object) -> str:
    with pytest.raises(EvidenceError) as caught:
        check(out, **options)
    return caught.value.code


def reseal(out: Path, **changes: object) -> None:
    """What a dishonest holder of the release key can do: seal whatever is there."""
    old = evidence.read_unverified(out / "evidence/release.sigstore.json")
    (out / "evidence/release.sigstore.json").unlink()
    given = {"sequence": old["sequence"], "previous": old["previous"], "published": True, **changes}
    evidence.seal(out / "evidence", model=out / "model", outcome="PASS", key=tools.key("ci"), as_of=DAY, **given)


def test_a_release_holds_model_card_and_evidence(out: Path):
    assert sorted(path.name for path in out.iterdir()) == ["evidence", "model"]
    assert (out / "model/README.md").read_bytes() == (out / "evidence/card.md").read_bytes()
    assert {path.name for path in (out / "evidence").iterdir()} >= {"model.sig", "countersignatures", "report.pdf"}
    proof = check(out)
    assert proof.verdict.outcome == "PASS"
    assert proof.release.published
    assert [(each.signer.name, each.record.role) for each in proof.attached.countersigned] == [
        ("B. Approver", "approver"),
        ("A. Auditor", "auditor"),
    ]
    assert proof.attached.report == "The pipeline"
    assert proof.attached.model_sig
    assert proof.attached.exports
    assert proof.log is not None


def test_the_audit_itself_stays_as_it_was(high: Audited, out: Path):
    assert not high.verify().release.published
    assert not (high.model / "README.md").exists()
    for kind in ("findings", "verdict"):
        name = f"{kind}.sigstore.json"
        assert (high.bundle / name).read_bytes() == (out / "evidence" / name).read_bytes()


def test_the_card_counts_from_now_on(copied: Path):
    card = copied / "model/README.md"
    text = card.read_text(encoding="utf-8")
    card.write_text(text.replace("internal", "hosted").replace("other", "mit"), encoding="utf-8")
    assert code(copied) == "MODEL_MISMATCH"
    card.unlink()
    assert code(copied) == "MODEL_MISMATCH"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"license": "other"', '"license": "mit"', "CARD_LICENSE"),
        ('"verdict": "PASS"', '"verdict": "REVIEW"', "CARD_RESULTS_BINDING"),
        ('"license": "other"\n', '"license": "other"\n"license": "mit"\n', "CARD_DUP_KEY"),
        ("---\n", "", "CARD_FORM"),
    ],
)
def test_a_card_that_says_something_else_is_refused_though_it_is_signed(
    copied: Path, old: str, new: str, expected: str
):
    for card in (copied / "model/README.md", copied / "evidence/card.md"):
        text = card.read_text(encoding="utf-8")
        assert old in text
        card.write_text(text.replace(old, new, 1), encoding="utf-8")
    reseal(copied)
    assert code(copied, log=None) == expected


def test_a_better_figure_on_the_card_is_refused_though_it_is_signed(copied: Path):
    for card in (copied / "model/README.md", copied / "evidence/card.md"):
        lines = card.read_text(encoding="utf-8").splitlines(keepends=True)
        place = next(n for n, line in enumerate(lines) if line.strip().startswith('"value": 0.'))
        lines[place] = lines[place].split(":")[0] + ": 0.999\n"
        card.write_text("".join(lines), encoding="utf-8")
    reseal(copied)
    assert code(copied, log=None) == "CARD_METRIC"


def test_the_card_beside_the_model_is_that_of_the_bundle(copied: Path):
    (copied / "model/README.md").write_text("---\n---\n", encoding="utf-8")
    (copied / "evidence/model.sig").unlink()
    reseal(copied)
    assert code(copied, log=None) == "CARD_OTHER"


def test_a_card_that_no_bundle_holds_is_refused(copied: Path):
    for name in ("card.md", "model.sig"):
        (copied / "evidence" / name).unlink()
    (copied / "model/README.md").write_text("---\nlicense: mit\n---\nNever wrong.\n", encoding="utf-8")
    reseal(copied)
    assert code(copied, log=None) == "CARD_OTHER"


def test_a_report_without_the_statements_is_refused_though_it_is_signed_and_sealed(copied: Path):
    from weasyprint import HTML

    plain = HTML(string="<p>Never wrong.</p>").write_pdf()
    (copied / "evidence/report.pdf").write_bytes(evidence.sign_pdf(plain, tools.key("ci"), DAY))
    reseal(copied)
    assert code(copied, log=None) == "PDF_ATTACHMENT"


def test_no_log_lists_what_was_not_made_to_be_published(copied: Path):
    """Else a release key alone could leave out the card and everybody who must countersign."""
    shutil.rmtree(copied / "evidence/countersignatures")
    (copied / "evidence/model.sig").unlink()
    reseal(copied, published=False)
    assert not check(copied, log=None).release.published
    payload = evidence.unverified_payload(copied / "evidence/release.sigstore.json")[1]
    before = gk.read_log(copied.parent / LOG, trust=tools.trust(), as_of=LATER)
    entry = before.entries[0].model_copy(update={"release": payload})
    forged = before.model_copy(update={"entries": (entry,)})
    (copied.parent / LOG).write_bytes(evidence.sign_log(forged, tools.key("ci")))
    assert code(copied) == "UNLISTED"


def test_a_model_sig_of_other_files_is_refused_though_it_is_sealed(copied: Path):
    files = [file for file in manifest.walk(copied / "model") if file.path != "weights.json"]
    (copied / "evidence/model.sig").write_bytes(evidence.model_sig(files, tools.key("ci"), name="x"))
    reseal(copied)
    assert code(copied, log=None) == "MODEL_SIG_FILES"


@pytest.mark.parametrize("names", [(), ("auditor",), ("approver",)])
def test_nothing_is_published_without_the_people_that_its_tier_asks_for(
    high: Audited, tmp_path: Path, names: tuple[str, ...]
):
    people = high.countersign(tmp_path / "people", *names)
    with pytest.raises(EvidenceError, match="COUNTERSIGN_MISSING"):
        high.release(tmp_path / "out", tmp_path / LOG, people)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["people"]


def test_one_person_cannot_be_auditor_and_approver(high: Audited, tmp_path: Path):
    people = high.countersign(tmp_path / "people", "both", "both", roles=("auditor", "approver"))
    with pytest.raises(EvidenceError, match="FOUR_EYES"):
        high.release(tmp_path / "out", tmp_path / LOG, people)


def test_a_countersignature_taken_out_afterwards_is_missed(copied: Path):
    shutil.rmtree(copied / "evidence/countersignatures")
    reseal(copied)
    assert code(copied, log=None) == "COUNTERSIGN_MISSING"


def test_a_countersignature_of_another_verdict_is_refused(high: Audited, low: Audited, tmp_path: Path):
    people = low.countersign(tmp_path / "people", "auditor")
    with pytest.raises(EvidenceError, match="WRONG_SUBJECT"):
        high.release(tmp_path / "out", tmp_path / LOG, people)


def test_releases_are_numbered_and_an_older_one_is_a_replay(low: Audited, tmp_path: Path):
    log = tmp_path / LOG
    first = low.release(tmp_path / "one", log)
    kept = log.read_bytes()
    second = low.release(tmp_path / "two", log)
    assert (first.sequence, second.sequence) == (1, 2)
    one, two = check(tmp_path / "one"), check(tmp_path / "two")
    assert two.release.previous == first.payload_sha256
    assert (one.release.previous, len(two.log.entries)) == (None, 2)
    assert code(tmp_path / "one", minimum_sequence=2) == "REPLAY"
    (tmp_path / "kept").write_bytes(kept)
    assert code(tmp_path / "two", log=tmp_path / "kept") == "UNLISTED"
    assert gk.read_log(log, trust=tools.trust(), known=tmp_path / "kept", as_of=LATER).head == two.log.head
    with pytest.raises(EvidenceError, match="LOG_FORKED"):
        gk.read_log(tmp_path / "kept", trust=tools.trust(), known=log, as_of=LATER)


def test_a_release_that_was_taken_back_is_refused_from_then_on(low: Audited, tmp_path: Path):
    log = tmp_path / LOG
    low.release(tmp_path / "out", log)
    given = {"key": tools.key("ci"), "trust": tools.trust()}
    with pytest.raises(UsageError, match="has no release 2"):
        gk.revoke_release(log, 2, reason="a fault", as_of=LATER, **given)
    with pytest.raises(UsageError, match="for a reason"):
        gk.revoke_release(log, 1, reason=" ", as_of=LATER, **given)
    gk.revoke_release(log, 1, reason="It sorts the wrong letters.", as_of=LATER, **given)
    with pytest.raises(EvidenceError, match="sorts the wrong letters") as caught:
        check(tmp_path / "out")
    assert caught.value.code == "REVOKED"
    assert check(tmp_path / "out", as_of="2026-11-24T12:00:00Z").verdict.outcome == "PASS"
    with pytest.raises(UsageError, match="taken back already"):
        gk.revoke_release(log, 1, reason="again", as_of=LATER, **given)
    with pytest.raises(EvidenceError, match="REVOKED"):
        low.release(tmp_path / "again", log, as_of=LATER)
    assert not (tmp_path / "again").exists()


def test_a_log_of_a_stranger_or_of_another_model_is_refused(low: Audited, tmp_path: Path):
    log = tmp_path / LOG
    low.release(tmp_path / "out", log)
    found = gk.read_log(log, trust=tools.trust(), as_of=LATER)
    log.write_bytes(evidence.sign_log(found, tools.key("stranger")))
    assert code(tmp_path / "out") == "UNKNOWN_KEY"
    log.write_bytes(evidence.sign_log(found.model_copy(update={"name": "other"}), tools.key("ci")))
    with pytest.raises(UsageError, match="name another log"):
        low.release(tmp_path / "two", log)
    assert not (tmp_path / "two").exists()


def test_an_old_verdict_is_stale_and_one_of_tomorrow_is_refused(copied: Path):
    assert code(copied, max_age_days=0) == "STALE"
    assert check(copied, max_age_days=1).verdict.outcome == "PASS"
    assert code(copied, as_of="2026-11-23T00:00:00Z") == "FUTURE"


def test_a_model_that_does_not_pass_is_not_published(tmp_path: Path):
    bad = tools.audited(tmp_path / "bad", "letters_bad", limit=0.99)
    with pytest.raises(VerdictError, match=r"A .*Better than a coin"):
        bad.release(tmp_path / "out", tmp_path / LOG)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad"]


def test_what_a_verifier_believes_does_not_come_from_what_is_verified(copied: Path):
    inside = copied / "evidence/trust.yaml"
    evidence.write_trust(inside, tools.trust())
    with pytest.raises(UsageError, match="lies in what is to be verified"):
        check(copied, trust=inside)
    inside.rename(copied / "model/trust.yaml")
    with pytest.raises(UsageError, match="lies in what is to be verified"):
        check(copied, trust=copied / "model/trust.yaml")


def test_nothing_is_written_into_what_is_published(low: Audited, tmp_path: Path):
    for place in (low.bundle, low.model):
        for out, log in ((place / "out", tmp_path / LOG), (tmp_path / "out", place / LOG)):
            with pytest.raises(UsageError, match="lies in what is to be verified"):
                low.release(out, log)
    assert not any(tmp_path.iterdir())
    with pytest.raises(UsageError, match="lies in what is to be verified"):
        low.release(tmp_path / "out", tmp_path / LOG, trust=low.bundle / "trust.yaml")
    low.verify()


def test_a_log_behind_a_link_is_the_log(low: Audited, tmp_path: Path):
    (tmp_path / "link.json").symlink_to(LOG)
    low.release(tmp_path / "out", tmp_path / "link.json")
    given = {"key": tools.key("ci"), "trust": tools.trust(), "as_of": LATER}
    gk.revoke_release(tmp_path / "link.json", 1, reason="a fault", **given)
    assert len(gk.read_log(tmp_path / LOG, trust=tools.trust(), as_of=LATER).entries) == 2
    assert (tmp_path / "link.json").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.json", "out", LOG]


def test_a_log_that_cannot_be_written_leaves_no_release(low: Audited, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UsageError, match="No space left"):
        low.release(tmp_path / "out", tmp_path / LOG)
    assert not any(tmp_path.iterdir())


def test_a_published_release_can_be_published_again(copied: Path):
    log = copied.parent / LOG
    given = {"key": tools.key("ci"), "trust": tools.trust(), "as_of": LATER, "log": log}
    made = gk.release(copied / "evidence", model=copied / "model", out=copied.parent / "again", **given)
    assert made.sequence == 2
    again = gk.verify(made.path / "evidence", model=made.path / "model", trust=tools.trust(), as_of=LATER, log=log)
    assert again.release.card == check(copied).release.card


def test_a_time_with_a_zone_is_that_time(low: Audited, tmp_path: Path):
    log = tmp_path / LOG
    low.release(tmp_path / "out", log, as_of="2026-11-24T03:00:00+02:00")
    found = gk.read_log(log, trust=tools.trust(), as_of=LATER)
    assert found.entries[0].as_of == "2026-11-24T01:00:00Z"


def test_what_the_log_cannot_hold_is_said(low: Audited, tmp_path: Path):
    log = tmp_path / LOG
    low.release(tmp_path / "out", log)
    before = log.read_bytes()
    given = {"trust": tools.trust(), "as_of": LATER}
    with pytest.raises(UsageError, match=r"reason: .*2000"):
        gk.revoke_release(log, 1, reason="x" * 2001, key=tools.key("ci"), **given)
    with pytest.raises(UsageError, match="does not hold the key"):
        gk.revoke_release(log, 1, reason="x", key=tools.key("stranger"), **given)
    with pytest.raises(UsageError, match="does not hold the key"):
        low.release(tmp_path / "two", log, key=tools.key("stranger"))
    with pytest.raises(UsageError, match="expected a release log"):
        low.verify(log=tmp_path / "nowhere")
    with pytest.raises(UsageError, match="expected one of countersignatures"):
        low.release(tmp_path / "two", log, people=log)
    assert log.read_bytes() == before
    assert not (tmp_path / "two").exists()


def test_two_publishers_do_not_write_one_log_at_once(low: Audited, tmp_path: Path):
    script = (
        "import fcntl, os, sys, time\n"
        "place = os.open(sys.argv[1], os.O_RDONLY)\n"
        "fcntl.flock(place, fcntl.LOCK_EX)\n"
        "print(flush=True)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        with pytest.raises(UsageError, match="just now"):
            low.release(tmp_path / "out", tmp_path / LOG)
        other.kill()
    assert not (tmp_path / "out").exists()


def test_an_authority_that_the_verifier_trusts_has_seen_the_verdict(low: Audited, tmp_path: Path):
    clock = timestamp_authority.found(tmp_path / "clock")
    with timestamp_authority.serving(clock.answer) as (address, asked):
        low.release(tmp_path / "out", tmp_path / LOG, timestamp=address)
    verdict = (tmp_path / "out/evidence/verdict.sigstore.json").read_bytes()
    assert len(asked) == 1
    assert hashlib.sha256(verdict).digest() in asked[0][2]
    given = {"as_of": "2027-01-01T00:00:00Z"}
    assert check(tmp_path / "out", **given).attached.stamped is None
    trusting = tools.trust().model_copy(update={"timestamp_authorities": (clock.trusted,)})
    stamped = check(tmp_path / "out", trust=trusting, **given).attached.stamped
    assert stamped is not None
    assert stamped > "2026-11-24"
    other = timestamp_authority.found(tmp_path / "other")
    strange = tools.trust().model_copy(update={"timestamp_authorities": (other.trusted,)})
    assert code(tmp_path / "out", trust=strange, **given) == "STAMP_UNTRUSTED"
    (tmp_path / "out/evidence/stamps/verdict.tsr").write_bytes(b"\x30\x03\x02\x01\x00")
    reseal(tmp_path / "out")
    assert code(tmp_path / "out", trust=trusting, log=None, **given) == "STAMP_BAD"


def test_nothing_is_published_where_the_authority_does_not_answer(low: Audited, tmp_path: Path):
    with timestamp_authority.serving(lambda _: (500, {}, b"")) as (address, _), pytest.raises(UsageError, match="500"):
        low.release(tmp_path / "out", tmp_path / LOG, timestamp=address)
    assert not any(tmp_path.iterdir())


def test_documents_are_written_anew_and_compared(out: Path):
    names = check(out, written_anew=True).documents
    assert {"card.md", "report.html", "summary.md", "exports/bom.cdx.json", "tables/reliability.json"} <= set(names)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("card.md", "## Intended use", "100% accurate.\n\n## Intended use"),
        ("report.html", "</h1>", " and approved</h1>"),
        ("exports/bom.cdx.json", '"value": "0.', '"value": "1.'),
    ],
)
def test_a_document_that_says_more_than_the_statements_is_found(copied: Path, file: str, old: str, new: str):
    path = copied / "evidence" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    if file == "card.md":
        shutil.copy(path, copied / "model/README.md")
        (copied / "evidence/model.sig").unlink()
    reseal(copied)
    assert check(copied, log=None).verdict.outcome == "PASS"
    assert code(copied, log=None, written_anew=True) == "DOCUMENT_DIFFERS"


def test_a_summary_that_says_more_than_the_record_is_found(copied: Path):
    path = copied / "evidence/exports/verification-summary.sigstore.json"
    content = evidence.unverified_payload(path)[0]
    content["predicate"]["verifiedLevels"] = ["SLSA_BUILD_LEVEL_3"]
    subjects = [(item["name"], "sha256:" + item["digest"]["sha256"]) for item in content["subject"]]
    path.write_bytes(evidence.sign(content["predicateType"], content["predicate"], subjects, tools.key("ci")))
    reseal(copied)
    assert code(copied, log=None, written_anew=True) == "DOCUMENT_DIFFERS"


# --- the command line --------------------------------------------------------------------------------------------


def govkit(*arguments: str | Path, cwd: Path, expected: int) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "govkit", *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == expected, (arguments, done.stdout[-800:], done.stderr[-800:])
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_a_refusal_has_a_code_for_machines_too(copied: Path):
    evidence.write_trust(copied.parent / "trust.yaml", tools.trust())
    (copied / "model/weights.json").write_text("{}", encoding="utf-8")
    given = ("verify", "out/evidence", "--model", "out/model", "--trust", "trust.yaml", "--as-of", LATER)
    assert "MODEL_MISMATCH" in govkit(*given, cwd=copied.parent, expected=4)
    done = subprocess.run(
        [sys.executable, "-m", "govkit", *given, "--json"],
        cwd=copied.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(done.stdout) == {
        "verified": False,
        "code": "MODEL_MISMATCH",
        "file": "weights.json",
        "message": json.loads(done.stdout)["message"],
    }
    assert done.returncode == 4


def test_explain_tells_what_is_proved_and_what_is_not(copied: Path):
    evidence.write_trust(copied.parent / "trust.yaml", tools.trust())
    given = ("verify", "out/evidence", "--model", "out/model", "--trust", "trust.yaml", "--as-of", LATER, "--explain")
    told = " ".join(govkit(*given, "--log", LOG, cwd=copied.parent, expected=0).split())
    proved, rest = told.split("Not proved, or not asked")
    not_proved, never = rest.split("What no signature can prove")
    for words in ("byte for byte", "countersigned: B. Approver as approver, A. Auditor as auditor", "number 1"):
        assert words in proved
    for words in ("no record of the training", "Whether they are the ones you want", "No independent clock"):
        assert words in not_proved
    assert "measured honestly" in never
    told = " ".join(govkit(*given, cwd=copied.parent, expected=0).split())
    assert "taken back or replaced is not known" in told.split("Not proved, or not asked")[1]


def test_every_point_has_its_sentence(out: Path):
    from govkit.report import words

    catalog = words.catalog()["proof"]
    for point in gk.explain_proof(check(out)):
        assert catalog[point.key]["proved" if point.proved else "open"].format(**point.told)


def test_a_report_is_verified_alone(copied: Path):
    evidence.write_trust(copied.parent / "trust.yaml", tools.trust())
    given = ("verify", "out/evidence/report.pdf", "--trust", "trust.yaml", "--as-of", LATER)
    assert "signed by The pipeline" in govkit(*given, cwd=copied.parent, expected=0)
    unanswered = govkit(*given, "--log", "nowhere", "--max-age", "0", cwd=copied.parent, expected=2)
    assert "--log, --max-age: a report alone cannot answer that" in unanswered
    report = copied / "evidence/report.pdf"
    report.write_bytes(report.read_bytes() + b"\n")
    assert "PDF_ADDED" in govkit(*given, cwd=copied.parent, expected=4)


def test_a_bundle_that_was_sealed_without_its_card_is_not_published(low: Audited, tmp_path: Path):
    bare = tmp_path / "bare"
    shutil.copytree(low.bundle, bare)
    for file in ("card.md", "release.sigstore.json"):
        (bare / file).unlink()
    gk.seal(bare, model=low.model, key=tools.key("ci"))
    given = {"model": low.model, "key": tools.key("ci"), "trust": tools.trust(), "log": tmp_path / LOG, "as_of": DAY}
    with pytest.raises(UsageError, match=r"has no card\.md"):
        gk.release(bare, out=tmp_path / "out", **given)
    assert [path.name for path in tmp_path.iterdir()] == ["bare"]
