"""Every way to tamper with a bundle or its model that signatures and digests must see, each with its code."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import evidence_bundle as tools
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from evidence_bundle import LATER, NOW, Small

from govkit import evidence
from govkit.errors import EvidenceError
from govkit.evidence.keys import ORDER
from govkit.evidence.locks import HeldLock, Lock, LockedPolicy
from govkit.evidence.predicates import Release, parse
from govkit.evidence.statement import MAX_COMMAS
from govkit.evidence.verify import _open

Tamper = Callable[[Small], dict[str, Any] | None]
STRANGER = evidence.throwaway_key("Stranger", NOW)
RELEASE = "release.sigstore.json"
FINDINGS = "findings.sigstore.json"
VERDICT = "verdict.sigstore.json"
RUN = "run.sigstore.json"

# --- the model ---------------------------------------------------------------------------------------------------


def swap_shards(b: Small) -> None:
    first, second = b.model / "model-1.safetensors", b.model / "model-2.safetensors"
    one, two = first.read_bytes(), second.read_bytes()
    assert len(one) == len(two)
    first.write_bytes(two)
    second.write_bytes(one)


def flip_bit(b: Small) -> None:
    path = b.model / "config.json"
    data = bytearray(path.read_bytes())
    data[3] ^= 1
    path.write_bytes(data)


def add(name: str, data: bytes = b"") -> Tamper:
    def tamper(b: Small) -> None:
        path = b.model / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)

    return tamper


def delete(b: Small) -> None:
    (b.model / "tokenizer/vocab.txt").unlink()


def rename(b: Small) -> None:
    (b.model / "config.json").rename(b.model / "config_evil.json")


def symlink(b: Small) -> None:
    path = b.model / "config.json"
    path.rename(b.model.parent / "elsewhere")
    path.symlink_to(b.model.parent / "elsewhere")


def symlink_folder(b: Small) -> None:
    (b.model / "tokenizer").rename(b.model.parent / "elsewhere")
    (b.model / "tokenizer").symlink_to(b.model.parent / "elsewhere", target_is_directory=True)


def hard_link(b: Small) -> None:
    os.link(b.model / "config.json", b.model.parent / "elsewhere")


def fifo(b: Small) -> None:
    os.mkfifo(b.model / "pipe")


# --- the files of the bundle -------------------------------------------------------------------------------------


def other_pdf(b: Small) -> None:
    (b.folder / "report.pdf").write_bytes(b"%PDF-1.7 fairer\n")


def edited_table(b: Small) -> None:
    (b.folder / "tables/accuracy.json").write_bytes(b'[{"value":0.99}]\n')


def extra_file(b: Small) -> None:
    (b.folder / ".hidden").write_bytes(b"")


def extra_folder_file(b: Small) -> None:
    tools.write_files(b.folder, {"tables/more/x.json": b"{}"})


def bundle_symlink(b: Small) -> None:
    path = b.folder / "report.pdf"
    path.rename(b.folder.parent / "elsewhere")
    path.symlink_to(b.folder.parent / "elsewhere")


def remove(name: str) -> Tamper:
    def tamper(b: Small) -> None:
        (b.folder / name).unlink()

    return tamper


def outside_path(b: Small) -> None:
    entry = {"sha256": "0" * 64, "size": 1}
    b.reseal(files={**b.statement("release")["predicate"]["files"], "../x": entry})


def other_model_list(b: Small) -> None:
    b.reseal(model_files={"config.json": {"sha256": "0" * 64, "size": 13}})


# --- envelopes ---------------------------------------------------------------------------------------------------


def edit_outer(kind: str, edit: Callable[[dict[str, Any]], None], *, reseal: bool = False) -> Tamper:
    def tamper(b: Small) -> None:
        outer = b.outer(kind)
        edit(outer)
        b.write(kind, outer)
        if reseal:
            b.reseal()

    return tamper


def edit_payload(kind: str, *, reseal: bool) -> Tamper:
    """The payload is edited and the signature kept."""

    def edit(outer: dict[str, Any]) -> None:
        payload = base64.b64decode(outer["dsseEnvelope"]["payload"]).replace(b"small", b"smell")
        outer["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()

    return edit_outer(kind, edit, reseal=reseal)


def field_in_bundle(outer: dict[str, Any]) -> None:
    outer["note"] = "approved"


def field_in_signature(outer: dict[str, Any]) -> None:
    outer["dsseEnvelope"]["signatures"][0]["note"] = "approved"


def field_in_material(outer: dict[str, Any]) -> None:
    outer["verificationMaterial"]["tlogEntries"] = []


def key_id_filled(outer: dict[str, Any]) -> None:
    outer["dsseEnvelope"]["signatures"][0]["keyid"] = outer["verificationMaterial"]["publicKey"]["hint"]


def payload_type(outer: dict[str, Any]) -> None:
    outer["dsseEnvelope"]["payloadType"] = "application/json"


def media_type(outer: dict[str, Any]) -> None:
    outer["mediaType"] = "application/vnd.dev.sigstore.bundle.v0.2+json"


def no_signature(outer: dict[str, Any]) -> None:
    outer["dsseEnvelope"]["signatures"] = []


def second_signature(outer: dict[str, Any]) -> None:
    outer["dsseEnvelope"]["signatures"].append({"keyid": "", "sig": "AAAA"})


def hint_is_no_text(outer: dict[str, Any]) -> None:
    outer["verificationMaterial"]["publicKey"]["hint"] = 5


def payload_is_no_text(outer: dict[str, Any]) -> None:
    outer["dsseEnvelope"]["payload"] = ["e30="]


def other_base64(outer: dict[str, Any]) -> None:
    """Set bits that decoding drops: the same payload, spelled differently."""
    text = outer["dsseEnvelope"]["signatures"][0]["sig"]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = len(text.rstrip("=")) - 1
    assert text.endswith("="), "a signature of this length has no spare bits"
    spelled = text[:last] + alphabet[alphabet.index(text[last]) + 1] + text[last + 1 :]
    assert base64.b64decode(spelled) == base64.b64decode(text)
    outer["dsseEnvelope"]["signatures"][0]["sig"] = spelled


def set_signature(outer: dict[str, Any], signature: bytes) -> None:
    outer["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(signature).decode()


def get_signature(outer: dict[str, Any]) -> bytes:
    return base64.b64decode(outer["dsseEnvelope"]["signatures"][0]["sig"])


def high_s(outer: dict[str, Any]) -> None:
    r, s = decode_dss_signature(get_signature(outer))
    set_signature(outer, encode_dss_signature(r, ORDER - s))


def junk_after_signature(outer: dict[str, Any]) -> None:
    set_signature(outer, get_signature(outer) + b"\0")


def padded_integer(outer: dict[str, Any]) -> None:
    """BER allows a longer length field for the same numbers; DER does not."""
    der = get_signature(outer)
    set_signature(outer, bytes([der[0], 0x81, *der[1:]]))


def zero_signature(outer: dict[str, Any]) -> None:
    set_signature(outer, encode_dss_signature(0, 0))


def sha1_signature(b: Small) -> None:
    outer = b.outer("release")
    payload = base64.b64decode(outer["dsseEnvelope"]["payload"])
    set_signature(outer, b.key.private.sign(tools.pae(payload), ec.ECDSA(hashes.SHA1())))  # noqa: S303
    b.write("release", outer)


def duplicate_key(b: Small) -> None:
    raw = b.path("release").read_bytes()
    b.path("release").write_bytes(raw.replace(b'{"dsseEnvelope"', b'{"mediaType":"x","dsseEnvelope"', 1))


def pretty_file(b: Small) -> None:
    b.path("release").write_text(json.dumps(b.outer("release"), indent=1), encoding="utf-8")


def no_newline(b: Small) -> None:
    b.path("release").write_bytes(b.path("release").read_bytes()[:-1])


def two_newlines(b: Small) -> None:
    b.path("release").write_bytes(b.path("release").read_bytes() + b"\n")


def byte_order_mark(b: Small) -> None:
    b.path("release").write_bytes(b"\xef\xbb\xbf" + b.path("release").read_bytes())


def not_utf8(b: Small) -> None:
    b.path("release").write_bytes(b"\xff" + b.path("release").read_bytes())


def deep(b: Small) -> None:
    b.path("release").write_bytes(b"[" * 100_000)


# --- payloads, signed by the right key ---------------------------------------------------------------------------


def signed_text(change: Callable[[bytes], bytes]) -> Tamper:
    def tamper(b: Small) -> None:
        before = evidence.dumps(b.statement("release"))
        after = change(before)
        assert after != before
        b.sign("release", after)

    return tamper


def edit_statement(kind: str, edit: Callable[[dict[str, Any]], None], **release: Any) -> Tamper:
    """A statement says something else, is signed by the right key, and the release is signed over it."""

    def tamper(b: Small) -> None:
        statement = b.statement(kind)
        edit(statement)
        b.sign(kind, statement)
        if kind != "release":
            b.reseal(**release)

    return tamper


def statement_type(statement: dict[str, Any]) -> None:
    statement["_type"] = "https://in-toto.io/Statement/v0.1"


def statement_field(statement: dict[str, Any]) -> None:
    statement["note"] = "approved"


def no_subject(statement: dict[str, Any]) -> None:
    statement["subject"] = []


def odd_subject(statement: dict[str, Any]) -> None:
    statement["subject"][0]["digest"]["sha1"] = "0" * 40


def other_subject(statement: dict[str, Any]) -> None:
    statement["subject"][1]["digest"]["sha256"] = "0" * 64


def more_subjects(statement: dict[str, Any]) -> None:
    statement["subject"].append({"name": "model:config.json", "digest": {"sha256": "0" * 64}})


def fewer_subjects(statement: dict[str, Any]) -> None:
    statement["subject"].pop()


def drop_input(statement: dict[str, Any]) -> None:
    del statement["predicate"]["inputs"]["run"]


def unseen_measurer(statement: dict[str, Any]) -> None:
    statement["predicate"]["measured"] = "sha256:" + "6" * 64


def laxer_policy(statement: dict[str, Any]) -> None:
    statement["predicate"]["policy"]["digest"] = "sha256:" + "6" * 64
    statement["predicate"]["verdict"]["policy"] = "sha256:" + "6" * 64


def two_policies(statement: dict[str, Any]) -> None:
    statement["predicate"]["verdict"]["policy"] = "sha256:" + "6" * 64


def block(statement: dict[str, Any]) -> None:
    statement["predicate"]["verdict"]["outcome"] = "BLOCK"


def future_verdict(statement: dict[str, Any]) -> None:
    statement["predicate"]["verdict"]["as_of"] = LATER


def timeless_verdict(statement: dict[str, Any]) -> None:
    statement["predicate"]["verdict"]["as_of"] = "tomorrow"


def about_another(statement: dict[str, Any]) -> None:
    statement["predicate"]["verdict"]["subject"] = "sha256:" + "7" * 64


def release_field(statement: dict[str, Any]) -> None:
    statement["predicate"]["approved"] = True


def future_release(statement: dict[str, Any]) -> None:
    statement["predicate"]["as_of"] = LATER


def no_sequence(statement: dict[str, Any]) -> None:
    statement["predicate"]["sequence"] = 0


# --- whole statements --------------------------------------------------------------------------------------------


def unknown_signer(b: Small) -> None:
    forged = tools.make(b.folder.parent / "forged", key=STRANGER)
    shutil.rmtree(b.folder)
    shutil.copytree(forged.folder, b.folder)


def training_key_signs_verdict(b: Small) -> dict[str, Any]:
    trainer = evidence.throwaway_key("Trainer", NOW)
    b.sign("verdict", b.statement("verdict"), trainer)
    b.reseal()
    return {"trust": evidence.Trust(keys=(*b.trust.keys, *evidence.trust_of(trainer, roles=["train"]).keys))}


def run_as_release(b: Small) -> None:
    shutil.copy(b.path("run"), b.path("release"))


def run_as_release_by_trainer(b: Small) -> dict[str, Any]:
    run_as_release(b)
    return {"trust": evidence.trust_of(b.key, roles=["train"])}


def from_another(kind: str, *, reseal: bool) -> Tamper:
    """A statement about another model, by the same key, is copied in."""

    def tamper(b: Small) -> None:
        other = tools.make(b.folder.parent / "other", model={"model.bin": b"better"}, key=b.key)
        shutil.copy(other.path(kind), b.path(kind))
        if reseal:
            b.reseal()

    return tamper


def run_left_out(b: Small) -> None:
    b.path("run").unlink()
    b.reseal()


def findings_left_out(b: Small) -> None:
    b.path("findings").unlink()
    b.reseal()


def lock_left_out(b: Small) -> None:
    """Findings that name a lock, in a bundle that agrees in all else."""
    findings, verdict = b.statement("findings"), b.statement("verdict")
    findings["predicate"]["lock"] = "sha256:" + "7" * 64
    verdict["predicate"]["inputs"]["findings"] = "sha256:" + tools.sha256(evidence.dumps(findings))
    b.sign("findings", findings)
    b.sign("verdict", verdict)
    b.reseal()


def other_findings(b: Small) -> None:
    statement = b.statement("findings")
    statement["predicate"]["findings"][0]["value"] = 0.99
    b.sign("findings", statement)
    b.reseal()


def replay(b: Small) -> dict[str, Any]:
    return {"minimum_sequence": 2}


def before_valid(b: Small) -> dict[str, Any]:
    return {"as_of": "2026-11-24T11:59:59Z"}


def after_valid(b: Small) -> dict[str, Any]:
    return {"as_of": "2029-01-01T00:00:00Z"}


def revoked(b: Small) -> dict[str, Any]:
    entry = b.trust.keys[0].model_dump()
    return {"trust": evidence.Trust.model_validate({"keys": [{**entry, "revoked_at": NOW}]})}


def another_model(b: Small) -> dict[str, Any]:
    return {"model": tools.write_files(b.model.parent / "other-model", {"model.bin": b"better"})}


NAN = signed_text(lambda raw: raw.replace(b'"sequence":1', b'"sequence":NaN'))
HUGE = signed_text(lambda raw: raw.replace(b'"sequence":1', b'"sequence":1e999'))
TWICE = signed_text(lambda raw: raw.replace(b'"sequence":1', b'"sequence":1,"sequence":1'))
SPACED = signed_text(lambda raw: raw.replace(b'"sequence":1', b'"sequence": 1'))
MINUS_ZERO = signed_text(lambda raw: raw.replace(b'"sequence":1', b'"sequence":-0'))
PDF_SIZE = signed_text(lambda raw: raw.replace(b'"size":15', b'"size":16'))

CASES: list[tuple[str, Tamper, str, tuple[str, ...]]] = [
    ("two equal-sized shards swapped", swap_shards, "MODEL_MISMATCH", ("model-1.safetensors", "model-2.safetensors")),
    ("one bit of the model", flip_bit, "MODEL_MISMATCH", ("config.json",)),
    ("code added", add("modeling_evil.py", b"import os"), "MODEL_MISMATCH", ("modeling_evil.py",)),
    ("empty file added", add("__init__.py"), "MODEL_MISMATCH", ("__init__.py",)),
    ("file added under .git", add(".git/config", b"x"), "MODEL_MISMATCH", (".git/config",)),
    ("README.md in a sub-folder", add("tokenizer/README.md", b"x"), "MODEL_MISMATCH", ("tokenizer/README.md",)),
    ("model file deleted", delete, "MODEL_MISMATCH", ("tokenizer/vocab.txt",)),
    ("renamed, sort order kept", rename, "MODEL_MISMATCH", ("config.json", "config_evil.json")),
    ("another model", another_model, "MODEL_MISMATCH", ("model.bin", "config.json")),
    ("symlink to identical bytes", symlink, "SYMLINK", ("config.json",)),
    ("symlink to an identical folder", symlink_folder, "SYMLINK", ("tokenizer",)),
    ("hard link", hard_link, "HARDLINK", ("config.json",)),
    ("pipe", fifo, "SPECIAL", ("pipe",)),
    ("case-folding clash", add("Config.JSON", b"{}"), "CASE_CLASH", ("config.json", "Config.JSON")),
    ("clash of folders", add("Tokenizer/merges.txt"), "CASE_CLASH", ("tokenizer", "Tokenizer")),
    ("colon in a name", add("a:b"), "BAD_PATH", ("a:b",)),
    ("backslash in a name", add("a\\b"), "BAD_PATH", ("a",)),
    ("newline in a name", add("a\nb"), "BAD_PATH", ("a\\nb",)),
    ("name not in NFC", add("e\u0301"), "BAD_PATH", ("e\\u0301",)),
    ("name not UTF-8", add("a\udcff"), "BAD_PATH", ("a\\udcff",)),
    ("other PDF", other_pdf, "BOUND_FILE", ("report.pdf",)),
    ("edited table", edited_table, "BOUND_FILE", ("tables/accuracy.json",)),
    ("release lists other model files", other_model_list, "WRONG_SUBJECT", (RELEASE,)),
    ("extra file", extra_file, "EXTRA_FILE", (".hidden",)),
    ("extra file in a folder", extra_folder_file, "EXTRA_FILE", ("tables/more/x.json",)),
    ("symlink in the bundle", bundle_symlink, "SYMLINK", ("report.pdf",)),
    ("verdict missing", remove(VERDICT), "MISSING_FILE", (VERDICT,)),
    ("release missing", remove(RELEASE), "MISSING_FILE", (RELEASE,)),
    ("table missing", remove("tables/accuracy.json"), "MISSING_FILE", ("tables/accuracy.json",)),
    ("path out of the bundle", outside_path, "BAD_PATH", ("../x",)),
    ("findings edited, signature kept", edit_payload("findings", reseal=False), "BOUND_FILE", (FINDINGS,)),
    ("the same, sealed again", edit_payload("findings", reseal=True), "BAD_SIGNATURE", (FINDINGS,)),
    ("release edited, signature kept", edit_payload("release", reseal=False), "BAD_SIGNATURE", (RELEASE,)),
    ("unsigned field in the file", edit_outer("release", field_in_bundle), "UNSIGNED_FIELD", (RELEASE, "note")),
    ("unsigned field beside the hint", edit_outer("release", field_in_material), "UNSIGNED_FIELD", (RELEASE,)),
    ("unsigned field in the signature", edit_outer("release", field_in_signature), "UNSIGNED_FIELD", (RELEASE,)),
    ("the same in a sealed one", edit_outer("run", field_in_signature, reseal=True), "UNSIGNED_FIELD", (RUN,)),
    ("keyid filled", edit_outer("release", key_id_filled), "UNSIGNED_FIELD", (RELEASE, "keyid")),
    ("payloadType", edit_outer("release", payload_type), "PAYLOAD_TYPE", (RELEASE,)),
    ("mediaType", edit_outer("release", media_type), "BAD_ENVELOPE", (RELEASE,)),
    ("no signature", edit_outer("release", no_signature), "SIG_COUNT", (RELEASE,)),
    ("junk second signature", edit_outer("release", second_signature), "SIG_COUNT", (RELEASE,)),
    ("hint is no text", edit_outer("release", hint_is_no_text), "UNKNOWN_KEY", (RELEASE,)),
    ("payload is no text", edit_outer("release", payload_is_no_text), "BAD_ENVELOPE", (RELEASE,)),
    ("malleated signature", edit_outer("release", high_s), "NOT_CANONICAL", (RELEASE,)),
    ("junk after the signature", edit_outer("release", junk_after_signature), "BAD_SIGNATURE", (RELEASE,)),
    ("signature in BER", edit_outer("release", padded_integer), "BAD_SIGNATURE", (RELEASE,)),
    ("signature of zeros", edit_outer("release", zero_signature), "BAD_SIGNATURE", (RELEASE,)),
    ("SHA-1 signature", sha1_signature, "BAD_SIGNATURE", (RELEASE,)),
    ("duplicate key in the file", duplicate_key, "DUP_KEY", (RELEASE, "mediaType")),
    ("file printed nicely", pretty_file, "NOT_CANONICAL", (RELEASE,)),
    ("last newline cut", no_newline, "NOT_CANONICAL", (RELEASE,)),
    ("newline added", two_newlines, "NOT_CANONICAL", (RELEASE,)),
    ("byte order mark", byte_order_mark, "BAD_JSON", (RELEASE,)),
    ("not UTF-8", not_utf8, "BAD_JSON", (RELEASE,)),
    ("nested without end", deep, "BAD_JSON", (RELEASE,)),
    ("signed payload with NaN", NAN, "NON_FINITE", (RELEASE,)),
    ("signed payload with an overflow", HUGE, "NON_FINITE", (RELEASE,)),
    ("signed payload with a duplicate key", TWICE, "DUP_KEY", (RELEASE, "sequence")),
    ("signed payload not canonical", SPACED, "NOT_CANONICAL", (RELEASE,)),
    ("signed minus zero", MINUS_ZERO, "NOT_CANONICAL", (RELEASE,)),
    ("signed wrong size", PDF_SIZE, "BOUND_FILE", ("report.pdf",)),
    ("statement of an older type", edit_statement("release", statement_type), "STATEMENT_TYPE", (RELEASE,)),
    ("unknown field in a statement", edit_statement("run", statement_field), "UNSIGNED_FIELD", (RUN, "note")),
    ("statement about nothing", edit_statement("release", no_subject), "BAD_STATEMENT", (RELEASE,)),
    ("subject with two digests", edit_statement("release", odd_subject), "BAD_STATEMENT", (RELEASE,)),
    ("subject of the release changed", edit_statement("release", other_subject), "WRONG_SUBJECT", (RELEASE,)),
    ("subject of the release left out", edit_statement("release", fewer_subjects), "WRONG_SUBJECT", (RELEASE,)),
    ("findings about one more thing", edit_statement("findings", more_subjects), "WRONG_SUBJECT", (FINDINGS,)),
    ("unknown field in the release", edit_statement("release", release_field), "BAD_STATEMENT", (RELEASE, "approved")),
    ("sequence 0", edit_statement("release", no_sequence), "BAD_STATEMENT", (RELEASE, "sequence")),
    ("all signed by an unknown key", unknown_signer, "UNKNOWN_KEY", (RELEASE,)),
    ("verdict signed by the training key", training_key_signs_verdict, "KEY_ROLE", (VERDICT, "Trainer", "gate")),
    ("run presented as release", run_as_release, "PREDICATE_TYPE", (RELEASE,)),
    ("the same by a training key", run_as_release_by_trainer, "KEY_ROLE", (RELEASE,)),
    ("findings of another model", from_another("findings", reseal=False), "BOUND_FILE", (FINDINGS,)),
    ("the same, sealed again", from_another("findings", reseal=True), "WRONG_SUBJECT", (FINDINGS,)),
    ("run of another model", from_another("run", reseal=False), "BOUND_FILE", (RUN,)),
    ("the same, sealed again", from_another("run", reseal=True), "WRONG_SUBJECT", (RUN,)),
    ("verdict of another model, sealed again", from_another("verdict", reseal=True), "WRONG_SUBJECT", (VERDICT,)),
    ("verdict says another model inside", edit_statement("verdict", about_another), "WRONG_SUBJECT", (VERDICT,)),
    ("one input dropped", edit_statement("verdict", drop_input), "INPUTS_MISMATCH", (VERDICT,)),
    (
        "a measurer's statement that is not there",
        edit_statement("verdict", unseen_measurer),
        "INPUTS_MISMATCH",
        (VERDICT,),
    ),
    ("run left out, sealed again", run_left_out, "INPUTS_MISMATCH", (VERDICT,)),
    ("findings left out, sealed again", findings_left_out, "MISSING_FILE", (FINDINGS,)),
    ("lock left out, sealed again", lock_left_out, "LOCK_MISSING", (evidence.LOCK_FILE,)),
    ("better findings, sealed again", other_findings, "INPUTS_MISMATCH", (VERDICT,)),
    ("judged by a laxer policy", edit_statement("verdict", laxer_policy), "POLICY_SWAPPED", (VERDICT,)),
    ("verdict names two policies", edit_statement("verdict", two_policies), "POLICY_SWAPPED", (VERDICT,)),
    ("BLOCK released as PASS", edit_statement("verdict", block), "VERDICT_DIFFERS", (RELEASE, "BLOCK", "PASS")),
    ("release dated in the future", edit_statement("release", future_release), "FUTURE", (RELEASE, LATER)),
    ("verdict dated in the future", edit_statement("verdict", future_verdict), "FUTURE", (VERDICT, LATER)),
    ("verdict without a time", edit_statement("verdict", timeless_verdict), "BAD_STATEMENT", (VERDICT,)),
    ("replay of an older release", replay, "REPLAY", (RELEASE, "release 1")),
    ("key not valid yet", before_valid, "KEY_PERIOD", (RELEASE,)),
    ("key expired", after_valid, "KEY_PERIOD", (RELEASE,)),
    ("key revoked", revoked, "KEY_REVOKED", (RELEASE,)),
]


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return tools.make(tmp_path)


def test_the_untouched_bundle_verifies(small: Small) -> None:
    proof = small.check()
    assert proof.findings["findings"] == [{"name": "accuracy", "value": 0.875}]
    assert proof.run == {"schema": "govkit.run/v1", "name": "small"}
    assert proof.signers == dict.fromkeys(("run", "findings", "verdict", "release"), "Small Signer")
    assert proof.model_checked


@pytest.mark.parametrize(("tamper", "code", "names"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_tampering_is_refused(small: Small, tamper: Tamper, code: str, names: tuple[str, ...]) -> None:
    options = tamper(small) or {}
    with pytest.raises(EvidenceError) as caught:
        small.check(**options)
    assert caught.value.code == code
    assert caught.value.exit_code == 4
    for name in names:
        assert name in str(caught.value)


@pytest.mark.parametrize("attempt", range(8))
def test_another_spelling_of_base64_is_refused(small: Small, attempt: int) -> None:
    """A signature of 70 or 71 bytes leaves spare bits in its base64; one of 72 leaves none, so try payloads."""
    statement = small.statement("release")
    statement["predicate"]["tool"]["version"] = f"0.1.{attempt}"
    small.sign("release", statement)
    outer = small.outer("release")
    text = outer["dsseEnvelope"]["signatures"][0]["sig"]
    if text.endswith("="):
        other_base64(outer)
    else:
        outer["dsseEnvelope"]["signatures"][0]["sig"] = text[:10] + "\n" + text[10:]
    small.write("release", outer)
    with pytest.raises(EvidenceError) as caught:
        small.check()
    assert caught.value.code in {"NOT_CANONICAL", "BAD_ENVELOPE"}


def test_a_verifier_whose_clock_is_a_little_slow_accepts(small: Small) -> None:
    """Up to five minutes are forgiven; the key must still be valid, so it is made earlier here."""
    entry = {**small.trust.keys[0].model_dump(), "not_before": "2026-01-01T00:00:00Z"}
    trust = evidence.Trust.model_validate({"keys": [entry]})
    assert small.check(trust=trust, as_of="2026-11-24T11:55:00Z").release.as_of == NOW
    with pytest.raises(EvidenceError, match="FUTURE"):
        small.check(trust=trust, as_of="2026-11-24T11:54:59Z")


def test_the_age_of_a_verdict_is_counted_to_now(small: Small) -> None:
    assert small.check(as_of="2026-12-24T12:00:00Z", max_age_days=30)
    with pytest.raises(EvidenceError, match="STALE"):
        small.check(as_of="2026-12-24T12:00:01Z", max_age_days=30)


def test_a_file_with_many_commas_is_refused_before_it_is_parsed(small: Small) -> None:
    for many, expected in ((MAX_COMMAS, "BAD_JSON"), (MAX_COMMAS + 1, "BAD_ENVELOPE")):
        small.path("release").write_bytes(b"," * many)
        with pytest.raises(EvidenceError, match=expected):
            small.check()


def test_a_lock_may_be_as_old_as_the_verdict_and_no_younger() -> None:
    digest = "sha256:" + "1" * 64
    policy = LockedPolicy(id="small", version="1", digest=digest)
    lock = Lock(name="Ada", policy=policy, data={"test": digest}, as_of=NOW, tool={})
    held = HeldLock(lock, b"", digest)
    asked: dict[str, Any] = {"policy": digest, "data": {"test": {digest}}, "reference": digest}
    held.check(as_of=NOW, **asked)
    with pytest.raises(EvidenceError, match="LOCK_TIME"):
        held.check(as_of="2026-11-24T11:59:59Z", **asked)


def test_a_key_is_valid_on_its_first_and_last_second_and_until_revoked(small: Small) -> None:
    entry = {**small.trust.keys[0].model_dump(), "not_after": LATER, "revoked_at": "2026-11-24T12:05:00Z"}
    trust = evidence.Trust.model_validate({"keys": [entry]})
    assert small.check(trust=trust, as_of="2026-11-24T12:04:59Z")
    with pytest.raises(EvidenceError, match="KEY_REVOKED"):
        small.check(trust=trust, as_of="2026-11-24T12:05:00Z")
    del entry["revoked_at"]
    trust = evidence.Trust.model_validate({"keys": [entry]})
    assert small.check(trust=trust, as_of=LATER)
    with pytest.raises(EvidenceError, match="KEY_PERIOD"):
        small.check(trust=trust, as_of="2026-11-24T12:10:01Z")


def test_the_card_of_the_hub_may_be_added_to_the_model(small: Small) -> None:
    (small.model / "README.md").write_text("# Card, written after the audit", encoding="utf-8")
    assert small.check().model_checked


def test_hostile_names_come_escaped(small: Small) -> None:
    (small.model / "\u202efdp.exe").write_bytes(b"x")
    with pytest.raises(EvidenceError) as caught:
        small.check()
    assert "\u202e" not in str(caught.value)
    assert "\\u202e" in str(caught.value)


def test_a_statement_swapped_after_the_digests_were_compared_is_refused(small: Small) -> None:
    """Both files are signed by the right key; only the bytes whose digest was compared may be opened."""
    release = parse(Release, small.statement("release")["predicate"], file=RELEASE)
    statement = small.statement("findings")
    statement["predicate"]["findings"] = []
    small.sign("findings", statement)
    with pytest.raises(EvidenceError, match="BOUND_FILE") as caught:
        _open(small.folder, "findings", small.trust, NOW, release)
    assert caught.value.file == FINDINGS
