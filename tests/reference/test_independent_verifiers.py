"""Our signatures under cosign, @sigstore/verify and OpenSSF model_signing.

securesystemslib, openssl and sha256sum stand in ``test_statements_reference.py``. What none of them sees: the type of a
statement (cosign does not refuse a wrong ``--type`` with a key), roles, times, and whether a policy is met.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import evidence_bundle as tools
import pytest
import rfc8785
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from evidence_bundle import NOW, Small
from model_signing import hashing, signing, verifying

from govkit import evidence, manifest
from govkit.errors import EvidenceError
from govkit.evidence import openssf
from govkit.evidence.openssf import check_model_sig, model_sig

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).parents[1] / "support" / "sigstore_js.cjs"
KINDS = ("run", "findings", "verdict", "release")
CARD = {"README.md": b"# A card\n"}
EMPTY_ROOT = {
    "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "tlogs": [],
    "certificateAuthorities": [],
    "ctlogs": [],
    "timestampAuthorities": [],
}
STRANGER = evidence.throwaway_key("Stranger", NOW)


@pytest.fixture
def small(tmp_path: Path) -> Small:
    made = tools.make(tmp_path, model={**tools.MODEL, **CARD})
    (tmp_path / "pub.pem").write_text(made.trust.keys[0].public_key)
    (tmp_path / "stranger.pem").write_text(evidence.trust_of(STRANGER).keys[0].public_key)
    (tmp_path / "root.json").write_text(json.dumps(EMPTY_ROOT))
    (tmp_path / "model.sig").write_bytes(model_sig(manifest.walk(made.model), made.key, name="small"))
    return made


def home(small: Small) -> Path:
    return small.folder.parent


def accepts(command: list[str], small: Small, **more: str) -> tuple[bool, str]:
    """Whether a program accepts, in an environment that knows no proxy and no cached root."""
    clean = {"PATH": os.environ["PATH"], "HOME": str(home(small)), "TUF_ROOT": str(home(small) / "tuf"), **more}
    done = subprocess.run(command, cwd=home(small), env=clean, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode == 0, done.stdout + done.stderr


def cosign(small: Small, bundle: Path, file: Path, *, kind: str = "release", key: str = "pub.pem") -> tuple[bool, str]:
    command = ["cosign", "verify-blob-attestation", "--key", key, "--bundle", str(bundle), "--new-bundle-format"]
    command += ["--insecure-ignore-tlog", "--trusted-root", "root.json", "--type", f"urn:govkit:{kind}:v1", str(file)]
    return accepts(command, small)


def sigstore_js(small: Small, bundle: Path, *, key: str = "pub.pem") -> tuple[bool, str]:
    assert (ROOT / ".node/node_modules/@sigstore/verify").is_dir(), "make test installs the packages for node"
    return accepts(["node", str(SCRIPT), str(bundle), key], small, NODE_PATH=str(ROOT / ".node/node_modules"))


def listing(small: Small) -> Path:
    """The text that the artifact digest is the SHA-256 of, as a file: what run, findings and verdict are about."""
    files = [{"path": f.path, "sha256": f.sha256, "size": f.size} for f in manifest.artifact_files(small.model)]
    path = home(small) / "artifact.json"
    path.write_bytes(rfc8785.dumps({"v": 1, "alg": "sha256", "files": files}))
    return path


def edited(small: Small, bundle: Path) -> Path:
    """The same signature over another payload."""
    outer = json.loads(bundle.read_bytes())
    payload = base64.b64decode(outer["dsseEnvelope"]["payload"])
    assert b"small" in payload
    outer["dsseEnvelope"]["payload"] = base64.b64encode(payload.replace(b"small", b"smell")).decode()
    path = home(small) / "edited.json"
    path.write_bytes(evidence.dumps(outer) + b"\n")
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_cosign_accepts_ours_and_refuses_forgeries(small: Small, kind: str) -> None:
    bundle, file = small.path(kind), listing(small)
    accepted, said = cosign(small, bundle, file, kind=kind)
    assert accepted
    assert said.endswith("Verified OK\n")
    accepted, said = cosign(small, bundle, file, kind=kind, key="stranger.pem")
    assert not accepted
    assert "could not verify envelope" in said
    accepted, said = cosign(small, edited(small, bundle), file, kind=kind)
    assert not accepted
    assert "could not verify envelope" in said
    file.write_bytes(file.read_bytes() + b" ")
    accepted, said = cosign(small, bundle, file, kind=kind)
    assert not accepted
    assert "digest" in said


@pytest.mark.parametrize("name", [*tools.MODEL, "report.pdf"])
def test_cosign_checks_a_single_file_of_model_or_bundle_against_the_release(small: Small, name: str) -> None:
    file = (small.model if name in tools.MODEL else small.folder) / name
    assert cosign(small, small.path("release"), file)[0]
    file.write_bytes(file.read_bytes() + b"!")
    assert not cosign(small, small.path("release"), file)[0]


def test_the_findings_name_no_single_file_so_cosign_refuses_one(small: Small) -> None:
    assert not cosign(small, small.path("findings"), small.model / "config.json", kind="findings")[0]


@pytest.mark.parametrize("kind", [*KINDS, "model.sig"])
def test_sigstore_js_accepts_ours_and_refuses_forgeries(small: Small, kind: str) -> None:
    bundle = home(small) / "model.sig" if kind == "model.sig" else small.path(kind)
    assert sigstore_js(small, bundle) == (True, "verified\n")
    assert sigstore_js(small, bundle, key="stranger.pem") == (False, "refused: SIGNATURE_ERROR\n")
    assert sigstore_js(small, edited(small, bundle)) == (False, "refused: SIGNATURE_ERROR\n")


def test_a_key_id_in_keyid_is_refused_here_and_by_cosign_and_ours_is_empty(small: Small) -> None:
    """keyid is not signed, so that a file which may fill it has many forms; ours has exactly one."""
    outer = small.outer("release")
    assert outer["dsseEnvelope"]["signatures"][0]["keyid"] == ""
    small.check()
    outer["dsseEnvelope"]["signatures"][0]["keyid"] = small.key.id
    small.write("release", outer)
    with pytest.raises(EvidenceError) as caught:
        small.check()
    assert caught.value.code == "UNSIGNED_FIELD"
    assert not cosign(small, small.path("release"), listing(small))[0]


# --- model.sig ----------------------------------------------------------------------------------------------------


def by_default(small: Small, key: str = "pub.pem") -> None:
    config = verifying.Config().use_elliptic_key_verifier(public_key=home(small) / key)
    config.verify(small.model, home(small) / "model.sig")


def strictly(small: Small, key: str = "pub.pem") -> None:
    """With nothing ignored, which the defaults do to files of git."""
    how = hashing.Config().set_ignored_paths(paths=[], ignore_git_paths=False)
    config = verifying.Config().use_elliptic_key_verifier(public_key=home(small) / key).set_hashing_config(how)
    config.verify(small.model, home(small) / "model.sig")


def by_command(small: Small, key: str = "pub.pem") -> None:
    command = [sys.executable, "-m", "model_signing", "verify", "key", "model", "--signature", "model.sig"]
    accepted, said = accepts([*command, "--public_key", key], small)
    if not accepted:
        assert "Traceback" not in said
        raise ValueError(said)


def by_us(small: Small, key: str = "pub.pem") -> None:
    trust = small.trust if key == "pub.pem" else evidence.trust_of(STRANGER)
    raw = (home(small) / "model.sig").read_bytes()
    try:
        check_model_sig(raw, manifest.walk(small.model), trust=trust, as_of=NOW)
    except EvidenceError as error:
        raise ValueError(f"{error.code}: {error}") from None


VERIFIERS = (by_default, strictly, by_command, by_us)


def _change(model: Path) -> None:
    (model / "model-1.safetensors").write_bytes(b"other shard of weights")


def _rename(model: Path) -> None:
    (model / "config.json").rename(model / "config_evil.json")


def _link(model: Path) -> None:
    shutil.move(model / "config.json", model.parent / "elsewhere")
    (model / "config.json").symlink_to(model.parent / "elsewhere")


CHANGES: dict[str, Callable[[Path], Any]] = {
    "changed": _change,
    "added": lambda model: (model / "__init__.py").write_bytes(b""),
    "removed": lambda model: (model / "tokenizer/vocab.txt").unlink(),
    "renamed": _rename,
    "another card": lambda model: (model / "README.md").write_bytes(b"# A better card\n"),
    "a link": _link,
}


@pytest.mark.parametrize("verify", VERIFIERS)
def test_model_signing_accepts_ours_and_refuses_another_key(small: Small, verify: Callable[..., None]) -> None:
    verify(small)
    with pytest.raises(ValueError, match=r"Key mismatch|UNKNOWN_KEY"):
        verify(small, "stranger.pem")


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("verify", VERIFIERS)
def test_model_signing_refuses_other_files(small: Small, verify: Callable[..., None], change: str) -> None:
    CHANGES[change](small.model)
    with pytest.raises(ValueError, match=r"Signature mismatch|symbolic link|symlink|MODEL_SIG_FILES|SYMLINK"):
        verify(small)


def test_files_of_git_are_no_part_of_the_signature_as_the_specification_has_it(small: Small) -> None:
    """The manifest of a release covers them all the same."""
    before = manifest.artifact_digest(small.model)
    for name in (".git/hook", ".github/workflow.yml", ".gitattributes", ".gitignore"):
        (small.model / name).parent.mkdir(exist_ok=True)
        (small.model / name).write_bytes(b"planted")
        for verify in VERIFIERS:
            verify(small)
        assert manifest.artifact_digest(small.model) != before
    (small.model / "tokenizer/.gitignore").write_bytes(b"not at the top")
    for verify in VERIFIERS:
        with pytest.raises(ValueError, match=r"tokenizer/\.gitignore"):
            verify(small)


def test_our_digests_of_a_model_are_those_of_the_library(small: Small) -> None:
    """Each file, the order and the root, as the library signs the same folder with its defaults."""
    (small.model / ".gitignore").write_bytes(b"x")
    pem = small.key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (home(small) / "key.pem").write_bytes(pem)
    config = signing.Config().use_elliptic_key_signer(private_key=home(small) / "key.pem")
    config.sign(small.model, home(small) / "theirs.sig")
    said = []
    ours = model_sig(manifest.walk(small.model), small.key, name="model")
    for raw in (ours, (home(small) / "theirs.sig").read_bytes()):
        statement = json.loads(base64.b64decode(json.loads(raw)["dsseEnvelope"]["payload"]))
        how = statement["predicate"]["serialization"]
        ignored = {name for name in how["ignore_paths"] if name.startswith(".git")}
        resources = statement["predicate"]["resources"]
        said.append((ignored, how["hash_type"], how["method"], resources, statement["subject"][0]["digest"]))
    assert said[0] == said[1]


def test_a_signature_of_an_earlier_version_leaves_nothing_out_and_is_good(small: Small) -> None:
    files = manifest.walk(small.model)
    whole = openssf._predicate(files, ())
    raw = evidence.sign(
        openssf.PREDICATE_TYPE, whole, [("small", openssf._root(whole["resources"]))], small.key,
        hint=openssf._hint(small.key.private.public_key()),
    )  # fmt: skip
    (home(small) / "model.sig").write_bytes(raw)
    by_us(small)
    (small.model / ".gitignore").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"MODEL_SIG_FILES.*gitignore"):
        by_us(small)


@pytest.mark.parametrize("verify", [by_default, strictly, by_command])
def test_the_library_lets_a_signature_leave_the_weights_out_and_we_do_not(
    small: Small, verify: Callable[..., None]
) -> None:
    """The list of what to ignore is read from the signed file, whatever the verifier asks for."""
    left_out = ["model-1.safetensors"]
    outer = json.loads((home(small) / "model.sig").read_bytes())
    said = json.loads(base64.b64decode(outer["dsseEnvelope"]["payload"]))
    predicate = said["predicate"]
    predicate["serialization"]["ignore_paths"] = left_out
    predicate["resources"] = [item for item in predicate["resources"] if item["name"] not in left_out]
    joined = b"".join(bytes.fromhex(item["digest"]) for item in predicate["resources"])
    hint = outer["verificationMaterial"]["publicKey"]["hint"]
    subject = [("small", "sha256:" + hashlib.sha256(joined).hexdigest())]
    (home(small) / "model.sig").write_bytes(
        evidence.sign(said["predicateType"], predicate, subject, small.key, hint=hint)
    )
    _change(small.model)
    verify(small)
    with pytest.raises(ValueError, match="MODEL_SIG_IGNORES"):
        by_us(small)


def test_what_the_library_signs_itself_is_refused_for_it_ignores_by_default(small: Small) -> None:
    pem = small.key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (home(small) / "key.pem").write_bytes(pem)
    signing.Config().use_elliptic_key_signer(private_key=home(small) / "key.pem").sign(
        small.model, home(small) / "model.sig"
    )
    by_default(small)
    with pytest.raises(ValueError, match="UNSIGNED_FIELD"):
        by_us(small)


def test_cosign_knows_no_model_sig(small: Small) -> None:
    """Its subject is a digest over digests: only the file of all of them, one after the other, has it."""
    bundle, joined = home(small) / "model.sig", home(small) / "joined"
    assert not cosign(small, bundle, small.model / "config.json")[0]
    said = json.loads(base64.b64decode(json.loads(bundle.read_bytes())["dsseEnvelope"]["payload"]))
    joined.write_bytes(b"".join(bytes.fromhex(item["digest"]) for item in said["predicate"]["resources"]))
    assert cosign(small, bundle, joined)[0]
