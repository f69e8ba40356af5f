"""``govkit keys`` on a terminal: what it writes, what it says, and that it never says a secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import stopped_clock
import timestamp_authority
from evidence_bundle import NOW
from typer.testing import CliRunner

from govkit.cli.app import app
from govkit.errors import EvidenceError, UsageError
from govkit.evidence import Trust, load_key, read_trust, throwaway_key, trust_of, write_trust

SECRET, OTHER = "correct horse", "battery staple"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOVKIT_KEY_PASSWORD", SECRET)
    with stopped_clock.stopped("2026-11-24T12:00:00Z"):
        yield tmp_path


def keys(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["keys", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    assert SECRET not in result.output
    assert "PRIVATE KEY" not in result.output
    return result.output


@pytest.fixture
def ada() -> str:
    """Id of a new key in ``ada``."""
    keys("new", "--out", "ada", "--name", "Ada", "--role", "audit", "--role", "gate")
    return load_key(Path("ada/audit.key"), SECRET.encode()).id


def test_a_new_key_has_its_certificate_and_trust_file(place: Path, ada: str) -> None:
    assert sorted(path.name for path in (place / "ada").iterdir()) == ["audit.crt", "audit.key", "trust.yaml"]
    assert read_trust(place / "ada/trust.yaml").find(ada) is not None


def test_a_trust_file_is_shown_as_a_table(ada: str) -> None:
    head, row = keys("show", "ada/trust.yaml").splitlines()
    assert head.split() == ["name", "id", "from", "to", "revoked", "may", "sign", "signs", "as"]
    assert row.split() == ["Ada", ada[:16], "2026-11-24", "2028-11-23", "–", "audit", "gate", "–"]
    assert json.loads(keys("show", "ada/trust.yaml", "--json"))["keys"][0]["id"] == ada


def test_authorities_and_hostile_names_are_shown_plainly(place: Path) -> None:
    authority = timestamp_authority.found(place / "house").trusted
    named = trust_of(throwaway_key("\x1b[31mAda\u202e", NOW), roles=["attest"], signs_as=["validator"])
    write_trust(place / "trust.yaml", Trust(keys=named.keys, timestamp_authorities=(authority,)))
    output = keys("show", "trust.yaml")
    assert "\\u{1b}[31mAda\\u{202e}" in output
    assert "\x1b" not in output
    assert output.splitlines()[1].endswith("attest    validator")
    assert output.splitlines()[2] == "times are believed from: Clock House"


def test_a_key_file_is_shown_by_its_public_half(ada: str) -> None:
    output = keys("show", "ada/audit.key")
    assert output.startswith(f"id: {ada}\npublic_key:\n-----BEGIN PUBLIC KEY-----\n")
    assert set(json.loads(keys("show", "ada/audit.key", "--json"))) == {"id", "public_key"}


def test_a_certificate_is_shown_as_openssl_shows_it(ada: str) -> None:
    shown = json.loads(keys("show", "ada/audit.crt", "--json"))
    told = subprocess.run(
        ["openssl", "x509", "-in", "ada/audit.crt", "-noout", "-fingerprint", "-sha256"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert told.strip().partition("=")[2] == shown["fingerprint_sha256"]
    assert shown["key"] == ada
    assert f"key: {ada}" in keys("show", "ada/audit.crt")


@pytest.mark.parametrize("name", ["none", ".", "text", "broken.crt"])
def test_other_files_are_not_shown(place: Path, name: str) -> None:
    (place / "text").write_text("hello")
    (place / "broken.crt").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(UsageError, match=name):
        keys("show", name)


def test_a_wrong_passphrase_is_never_shown(ada: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOVKIT_KEY_PASSWORD", OTHER)
    with pytest.raises(UsageError, match="passphrase is wrong") as caught:
        keys("show", "ada/audit.key")
    assert OTHER not in str(caught.value)
    assert ada[:8] not in str(caught.value)


def test_a_key_is_rotated_and_accepted(place: Path, ada: str) -> None:
    (place / "mine.yaml").write_bytes((place / "ada/trust.yaml").read_bytes())
    (place / "mine.yaml").chmod(0o640)
    (place / "password").write_text(OTHER + "\n")
    rotate = ("rotate", "--key", "ada/audit.key", "--trust", "ada/trust.yaml", "--out", "next")
    output = keys(*rotate, "--days-overlap", "7", "--new-password-file", "password")
    new = load_key(place / "next/audit.key", OTHER.encode()).id
    assert f"the old key {ada[:16]} ends 2026-12-01; the new one is {new[:16]}" in output
    assert sorted(path.name for path in (place / "next").iterdir()) == [
        "audit.crt", "audit.key", "rotation.sigstore.json", "trust.yaml",
    ]  # fmt: skip
    assert (place / "next/audit.key").stat().st_mode & 0o777 == 0o600
    output = keys("accept", "next/rotation.sigstore.json", "--trust", "mine.yaml")
    assert f"Ada: {new[:16]} follows {ada[:16]}, which ends 2026-12-01" in output
    assert "not granted" not in output
    assert read_trust(place / "mine.yaml") == read_trust(place / "next/trust.yaml")
    assert (place / "mine.yaml").stat().st_mode & 0o777 == 0o640
    with pytest.raises(EvidenceError, match="KEY_KNOWN"):
        keys("accept", "next/rotation.sigstore.json", "--trust", "mine.yaml")


def test_what_is_not_granted_is_said(place: Path, ada: str) -> None:
    old = read_trust(place / "ada/trust.yaml").keys[0]
    write_trust(place / "mine.yaml", Trust(keys=(type(old)(**{**dict(old), "roles": ("audit",)}),)))
    keys("rotate", "--key", "ada/audit.key", "--trust", "ada/trust.yaml", "--out", "next")
    output = keys("accept", "next/rotation.sigstore.json", "--trust", "mine.yaml")
    assert "it may sign: audit; until 2028-11-23" in output
    assert "not granted, the old key does not have it: gate" in output


def test_a_rotation_is_made_whole_or_not_at_all(place: Path, ada: str) -> None:
    rotate = ("rotate", "--key", "ada/audit.key", "--trust", "ada/trust.yaml", "--out")
    with pytest.raises(UsageError, match="already exists"):
        keys(*rotate, "ada")
    (place / "empty").write_text("")
    with pytest.raises(UsageError, match="passphrase is empty"):
        keys(*rotate, "next", "--new-password-file", "empty")
    with pytest.raises(UsageError, match="days of overlap"):
        keys(*rotate, "next", "--days-overlap", "-1")
    write_trust(place / "other.yaml", trust_of(throwaway_key("Eve", NOW)))
    with pytest.raises(UsageError, match="does not hold the key"):
        keys("rotate", "--key", "ada/audit.key", "--trust", "other.yaml", "--out", "next")
    assert sorted(path.name for path in place.iterdir()) == ["ada", "empty", "other.yaml"]
    assert len(list((place / "ada").iterdir())) == 3


def test_a_revocation_is_written_and_explained(ada: str) -> None:
    output = keys("revoke", ada[:8], "--trust", "ada/trust.yaml", "--at", "2026-11-20", "--reason", "laptop stolen")
    assert f"Ada {ada[:16]} is revoked since 2026-11-20T00:00:00Z (laptop stolen)" in output
    assert "refuses all that it ever signed as audit, gate" in output
    assert "2026-11-20T00:00:00Z (laptop stolen)" in keys("show", "ada/trust.yaml")
    assert "since 2026-11-20" in keys("revoke", "Ada", "--trust", "ada/trust.yaml")  # never later
    with pytest.raises(UsageError, match="no key has the id or the name 'Eve'"):
        keys("revoke", "Eve", "--trust", "ada/trust.yaml")


def test_who_revokes_a_key_is_told_of_those_that_it_may_have_named(place: Path, ada: str) -> None:
    keys("rotate", "--key", "ada/audit.key", "--trust", "ada/trust.yaml", "--out", "next")
    new = load_key(place / "next/audit.key", SECRET.encode()).id[:16]
    assert f"still believed as Ada: {new};" in keys("revoke", ada[:8], "--trust", "next/trust.yaml")
    assert "still believed" not in keys("revoke", new, "--trust", "next/trust.yaml")


def test_the_exit_codes_are_those_of_the_rest(place: Path, ada: str) -> None:
    (place / "bad.json").write_text("{}")
    cases = {
        ("accept", "bad.json", "--trust", "ada/trust.yaml"): (4, "govkit: BAD_ENVELOPE: bad.json: "),
        ("revoke", "Eve", "--trust", "ada/trust.yaml"): (2, "govkit: no key has"),
    }
    for arguments, (code, message) in cases.items():
        done = subprocess.run(
            [sys.executable, "-m", "govkit", "keys", *arguments], capture_output=True, text=True, env=dict(os.environ)
        )
        assert done.returncode == code
        assert done.stderr.startswith(message)
    assert ada in (place / "ada/trust.yaml").read_text()
