from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from watch_fixture import FORM, add_look, make_watch, rows_of

from govkit import evidence, manifest
from govkit.errors import EvidenceError, UsageError
from govkit.watch import acknowledge_alarms, look_once, sign_month

BEGAN, LATER = "2026-11-18T08:00:00Z", "2026-12-01T00:00:00Z"
SECRET = "http://127.0.0.1:9/secret-token"


@pytest.fixture(scope="module")
def key() -> evidence.SigningKey:
    return evidence.throwaway_key("Ada", "2026-01-01T00:00:00Z")


@pytest.fixture
def watch(tmp_path: Path) -> Path:
    """Three looks in a town that the reference does not know, a look that cannot be read, an alarm and its end."""
    path = make_watch(tmp_path, form=FORM + f"webhook: {SECRET}\n")
    look_once(path, as_of=BEGAN)
    for look in range(3):
        rows = rows_of(look + 1, shift=0.8)
        rows.loc[:4, "city"] = "Atlantis"
        add_look(path, f"{look}.csv", rows)
    (tmp_path / "looks" / "x.csv").write_text("amount,city\n1,Atlantis,9,9\n" * 3)
    assert look_once(path, as_of="2026-11-20T08:00:00Z") == 3
    acknowledge_alarms(path, "Ada: the tariff changed", as_of="2026-11-21T08:00:00Z")
    return path


def opened(path: Path, key: evidence.SigningKey) -> dict[str, Any]:
    options = {"trust": evidence.trust_of(key), "as_of": LATER, "file": path.name}
    statement = evidence.open_statement(
        path.read_bytes(), role="gate", predicate_type=evidence.type_of("watch"), **options
    )
    model = manifest.artifact_digest(path.parent / "model.bin")
    assert statement.subjects == (("lender", model),)
    return dict(statement.predicate)


def test_a_month_says_what_was_seen(watch: Path, key: evidence.SigningKey) -> None:
    out = sign_month(watch, "2026-11", key=key, out=watch.parent / "2026-11.json", as_of=LATER)
    said = opened(out, key)
    assert (said["name"], said["month"], said["began"], said["as_of"]) == ("lender", "2026-11", BEGAN, LATER)
    assert [(look["name"], look["rows"]) for look in said["looks"]] == [(f"{look}.csv", 1000) for look in range(3)]
    alarm = said["alarms"][0]
    assert (alarm["trigger"], alarm["then"], alarm["reason"]) == ("SHIFT", "review", "Ada: the tariff changed")
    assert alarm["streams"][0]["what"] == "amount"
    assert alarm["closed"] == "2026-11-21T08:00:00Z"
    assert [each["name"] for each in said["refused"]] == ["x.csv"]
    streams = {stream["name"]: stream for stream in said["streams"]}
    assert set(streams) >= {"RIGHT", "SHIFT amount", "SHIFT city = Bern", "NEW city unlike any before"}
    assert streams["SHIFT amount"]["nearest"] >= 0 > streams["RIGHT"]["nearest"]


def test_days_before_the_watch_began_are_not_days_without_a_look(watch: Path, key: evidence.SigningKey) -> None:
    out = sign_month(watch, "2026-11", key=key, out=watch.parent / "a.json", as_of=LATER)
    assert opened(out, key)["days_without_look"] == 12  # the 18th to the 30th, less the 20th


def test_a_month_of_silence_says_so(watch: Path, key: evidence.SigningKey) -> None:
    out = sign_month(watch, "2026-12", key=key, out=watch.parent / "a.json", as_of="2027-01-01T00:00:00Z")
    said = json.loads(json.dumps(evidence.read_unverified(out)))
    assert (said["looks"], said["days_without_look"], said["alarms"], said["refused"]) == ([], 31, [], [])
    assert {stream["nearest"] for stream in said["streams"]} == {None}


def test_a_statement_holds_no_row_of_a_look_and_no_address(watch: Path, key: evidence.SigningKey) -> None:
    out = sign_month(watch, "2026-11", key=key, out=watch.parent / "a.json", as_of=LATER)
    text = json.dumps(evidence.read_unverified(out))
    assert "Bern" in text  # a stream is named by it
    for hidden in ("Atlantis", "secret-token", "127.0.0.1", str(watch.parent)):
        assert hidden not in text


def test_what_was_changed_does_not_verify(watch: Path, key: evidence.SigningKey) -> None:
    out = sign_month(watch, "2026-11", key=key, out=watch.parent / "a.json", as_of=LATER)
    other = evidence.throwaway_key("Eve", "2026-01-01T00:00:00Z")
    with pytest.raises(EvidenceError, match="UNKNOWN_KEY"):
        opened(out, other)
    envelope = json.loads(out.read_bytes())
    payload = envelope["dsseEnvelope"]["payload"] if "dsseEnvelope" in envelope else envelope["payload"]
    out.write_bytes(out.read_bytes().replace(payload[200:204].encode(), b"AAAA"))
    with pytest.raises(EvidenceError):
        opened(out, key)


@pytest.mark.parametrize(
    ("month", "as_of", "said"),
    [
        ("2026-11", "2026-11-30T23:59:59Z", "2026-11 is not over on 2026-11-30"),
        ("2026-10", LATER, "the watch began on 2026-11-18, after 2026-10"),
        ("2026-13", LATER, "'2026-13' is no month"),
        ("2026", LATER, "is no month"),
        ("2026-11-01", LATER, "is no month"),
        ("", LATER, "is no month"),
        ("2026-11", "noon", "'noon' is no date"),
    ],
)
def test_a_month_that_cannot_be_signed_leaves_no_file(
    watch: Path, key: evidence.SigningKey, month: str, as_of: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        sign_month(watch, month, key=key, out=watch.parent / "a.json", as_of=as_of)
    assert not (watch.parent / "a.json").exists()


def test_nothing_is_written_over(watch: Path, key: evidence.SigningKey) -> None:
    out = watch.parent / "a.json"
    out.write_text("mine")
    with pytest.raises(UsageError, match="already exists"):
        sign_month(watch, "2026-11", key=key, out=out, as_of=LATER)
    assert out.read_text() == "mine"


def test_a_folder_that_is_not_there_is_told(watch: Path, key: evidence.SigningKey) -> None:
    with pytest.raises(UsageError, match="none"):
        sign_month(watch, "2026-11", key=key, out=watch.parent / "none" / "a.json", as_of=LATER)


def test_a_statement_says_what_its_rate_of_false_alarms_rests_on(watch: Path, key: evidence.SigningKey) -> None:
    out = watch.parent / "said.json"
    sign_month(watch, "2026-11", key=key, out=out, as_of="2026-12-01T00:00:00Z")
    assert opened(out, key)["assumed"] == {"days": None, "correlation": None, "season": False}
