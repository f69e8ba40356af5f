"""Time stamps from a real authority on this machine, and from its impostors."""

from __future__ import annotations

import hashlib
import re
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
import timestamp_authority
from evidence_bundle import NOW
from rfc3161_client import decode_timestamp_response
from timestamp_authority import Authority, serving

from govkit.errors import EvidenceError, UsageError
from govkit.evidence import (
    TimestampAuthority,
    Trust,
    check_bundle_stamp,
    check_stamp,
    join_trust,
    read_trust,
    throwaway_key,
    trust_of,
    write_trust,
)
from govkit.evidence.stamp import stamp_request
from govkit.pipeline.stamping import stamp

DATA = b"the bytes of verdict.sigstore.json"


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return timestamp_authority.found(tmp_path_factory.mktemp("clock") / "house")


@pytest.fixture(scope="session")
def good(authority: Authority) -> bytes:
    return authority.reply(stamp_request(DATA, 5))


@pytest.fixture
def own(tmp_path: Path) -> Authority:
    """An authority to be spoiled."""
    return timestamp_authority.found(tmp_path / "house")


def code(response: bytes, *authorities: Authority, data: bytes = DATA) -> str:
    with pytest.raises(EvidenceError, match=r"stamps/verdict\.tsr: ") as caught:
        check_stamp(response, data, [each.trusted for each in authorities])
    assert caught.value.file == "stamps/verdict.tsr"
    return caught.value.code


# The request


@pytest.mark.parametrize("nonce", [0, 1, 127, 128, 255, 256, 2**63, 2**64 - 1])
def test_openssl_reads_our_request(own: Authority, nonce: int) -> None:
    (own.place / "our").write_bytes(stamp_request(DATA, nonce))
    own.run("ts", "-query", "-in", "our", "-text", "-out", "text")
    text = (own.place / "text").read_text()
    assert "Hash Algorithm: sha256" in text
    assert "Certificate required: yes" in text
    dumped = "".join(re.findall(r"^ +00[01]0 - ([0-9a-f -]{47})", text, re.MULTILINE))
    assert re.sub("[ -]", "", dumped) == hashlib.sha256(DATA).hexdigest()
    assert decode_timestamp_response(own.reply(stamp_request(DATA, nonce))).tst_info.nonce == nonce


def test_the_request_holds_no_byte_of_the_data() -> None:
    assert DATA[:8] not in stamp_request(DATA, 7)


# What is believed


def test_a_stamp_says_when(authority: Authority, good: bytes) -> None:
    said = datetime.fromisoformat(check_stamp(good, DATA, [authority.trusted]))
    assert 0 <= (datetime.now(UTC) - said).total_seconds() < 3600
    assert said.tzinfo is not None


def test_a_chain_in_the_order_of_openssl_is_believed(own: Authority) -> None:
    response = own.reply(stamp_request(DATA, 5), chain=True)
    with pytest.raises(ValueError, match="InvalidSetOrdering"):
        decode_timestamp_response(response)
    check_stamp(response, DATA, [own.trusted])


def test_one_of_several_authorities_is_enough(authority: Authority, own: Authority, good: bytes) -> None:
    check_stamp(good, DATA, [own.trusted, authority.trusted])


def test_other_data_have_no_stamp(authority: Authority, good: bytes) -> None:
    assert code(good, authority, data=DATA + b" ") == "STAMP_OTHER"


def test_another_digest_is_no_stamp_of_ours(own: Authority) -> None:
    (own.place / "data").write_bytes(DATA)
    own.run("ts", "-query", "-data", "data", "-sha512", "-cert", "-out", "query")
    assert code(own.reply((own.place / "query").read_bytes()), own) == "STAMP_OTHER"


def test_another_authority_is_not_believed(own: Authority, good: bytes) -> None:
    assert code(good, own) == "STAMP_UNTRUSTED"
    assert code(good) == "STAMP_UNTRUSTED"


@pytest.mark.parametrize("period", [("20200101000000Z", "20210101000000Z"), ("20990101000000Z", "21000101000000Z")])
def test_a_certificate_must_be_valid_at_the_time_of_the_stamp(own: Authority, period: tuple[str, str]) -> None:
    own.certify(period=period)
    assert code(own.reply(stamp_request(DATA, 5)), own) == "STAMP_UNTRUSTED"


@pytest.mark.parametrize("purpose", ["timeStamping", "critical, codeSigning", "critical, timeStamping, codeSigning"])
def test_a_certificate_must_be_for_time_stamps_and_nothing_else(own: Authority, purpose: str) -> None:
    # OpenSSL's authority would not use such a certificate; its general signer does.
    token = own.place / "token"
    token.write_bytes(own.reply(stamp_request(DATA, 5), token=True))
    own.run("cms", "-verify", "-noverify", "-inform", "DER", "-in", "token", "-out", "said")
    assert code_of_signed(own) is None
    own.certify(purpose=purpose)
    assert code_of_signed(own) == "STAMP_UNTRUSTED"


def code_of_signed(own: Authority) -> str | None:
    own.run("cms", "-sign", "-binary", "-nodetach", "-econtent_type", "1.2.840.113549.1.9.16.1.4", "-in", "said",
            "-signer", "tsa.pem", "-inkey", "tsa.key", "-outform", "DER", "-out", "signed")  # fmt: skip
    content = bytes.fromhex("3003020100") + (own.place / "signed").read_bytes()
    try:
        check_stamp(b"\x30\x82" + len(content).to_bytes(2, "big") + content, DATA, [own.trusted])
    except EvidenceError as error:
        return error.code
    return None


@pytest.mark.parametrize("bad", [b"", b"hello", b"\x30", bytes.fromhex("30053003020102"), b"0" * (2**20 + 1)])
def test_what_is_no_stamp_is_bad(authority: Authority, bad: bytes) -> None:
    assert code(bad, authority) == "STAMP_BAD"


def test_a_changed_stamp_says_nothing_else(authority: Authority, good: bytes) -> None:
    said = check_stamp(good, DATA, [authority.trusted])
    codes = set()
    for place in range(0, len(good), 3):
        changed = bytearray(good)
        changed[place] ^= 1 << place % 8
        try:
            assert check_stamp(bytes(changed), DATA, [authority.trusted]) == said
        except EvidenceError as error:
            codes.add(error.code)
    assert codes == {"STAMP_BAD", "STAMP_OTHER", "STAMP_UNTRUSTED"}
    assert code(good[:-1], authority) == code(good + b"x", authority) == "STAMP_BAD"


# The trust file


def test_a_trust_file_names_who_is_believed_about_times(tmp_path: Path, authority: Authority, good: bytes) -> None:
    plain = trust_of(throwaway_key("Ada", NOW))
    trust = Trust(keys=plain.keys, timestamp_authorities=(authority.trusted,))
    write_trust(tmp_path / "trust.yaml", trust)
    assert read_trust(tmp_path / "trust.yaml") == trust
    assert check_bundle_stamp(good, DATA, trust) == check_stamp(good, DATA, [authority.trusted])
    assert check_bundle_stamp(good, DATA, plain) is None
    write_trust(tmp_path / "plain.yaml", plain)
    assert "timestamp" not in (tmp_path / "plain.yaml").read_text()


def test_joined_trust_files_keep_their_authorities(authority: Authority, own: Authority) -> None:
    one, two = (
        Trust(keys=trust_of(throwaway_key(name, NOW)).keys, timestamp_authorities=held)
        for name, held in (("Ada", (authority.trusted,)), ("Eve", (own.trusted, authority.trusted)))
    )
    assert join_trust((one, two)).timestamp_authorities == (authority.trusted, own.trusted)


def test_an_authority_is_one_certificate(authority: Authority) -> None:
    pem = authority.trusted.certificate
    for bad, message in ((pem + pem, "found 2"), ("hello", "PEM text of a certificate")):
        with pytest.raises(ValueError, match=message):
            TimestampAuthority(name="Clock House", certificate=bad)


# Asking


def test_a_stamp_is_asked_for_and_verifies(authority: Authority) -> None:
    with serving(authority.answer) as (url, asked):
        first, second = stamp(DATA, url), stamp(DATA, url)
    check_stamp(first, DATA, [authority.trusted])
    assert [(path, kind) for path, kind, _ in asked] == [("/stamp", "application/timestamp-query")] * 2
    assert asked[0][2] != asked[1][2]  # another nonce each time
    assert first != second


def test_an_answer_to_another_request_is_refused(good: bytes) -> None:
    with serving(lambda _: (200, {}, good)) as (url, _), pytest.raises(UsageError, match="STAMP_OTHER"):
        stamp(DATA, url)
    with serving(lambda _: (200, {}, good)) as (url, _), pytest.raises(UsageError, match="STAMP_OTHER"):
        stamp(b"other data", url)


@pytest.mark.parametrize("status", [500, 404, 401])
def test_an_authority_that_refuses_is_named(status: int) -> None:
    with serving(lambda _: (status, {}, b"no")) as (url, _), pytest.raises(UsageError, match=f"answered {status}"):
        stamp(DATA, url)


def test_no_redirection_is_followed(authority: Authority) -> None:
    with serving(authority.answer) as (other, asked), serving(lambda _: (307, {"Location": other}, b"")) as (url, _):
        with pytest.raises(UsageError, match="answered 307"):
            stamp(DATA, url)
        assert asked == []


def test_no_proxy_is_used(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(authority.answer) as (proxy, asked), serving(authority.answer) as (url, _):
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.delenv("no_proxy", raising=False)
        stamp(DATA, url)
        assert asked == []


def test_a_huge_answer_is_not_read_to_its_end() -> None:
    with serving(lambda _: (200, {}, bytes(8 * 2**20))) as (url, _), pytest.raises(UsageError, match="1,048,576 bytes"):
        stamp(DATA, url)


def test_an_answer_that_is_no_stamp_is_refused() -> None:
    with serving(lambda _: (200, {}, b"<html>")) as (url, _), pytest.raises(UsageError, match="STAMP_BAD"):
        stamp(DATA, url)


def test_a_short_answer_is_refused() -> None:
    cut = {"Content-Length": "1000"}
    with serving(lambda _: (200, cut, b"half")) as (url, _), pytest.raises(UsageError, match="no time stamp"):
        stamp(DATA, url, seconds=0.3)


def test_whoever_never_answers_is_left() -> None:
    done = threading.Event()

    def wait(_: bytes) -> tuple[int, dict[str, str], bytes]:
        done.wait(5)
        return 200, {}, b""

    with serving(wait) as (url, _):
        with pytest.raises(UsageError, match=r"no time stamp: .*timed out"):
            stamp(DATA, url, seconds=0.2)
        done.set()


def test_nobody_there_is_said() -> None:
    with serving(lambda _: (200, {}, b"")) as (url, _):
        pass
    with pytest.raises(UsageError, match="refused"):
        stamp(DATA, url)


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "ftp://x/y", "http://", "http://[x", "authority.example"])
def test_only_web_addresses_are_asked(url: str) -> None:
    with pytest.raises(UsageError, match="expected the address of a time stamp authority"):
        stamp(DATA, url)
