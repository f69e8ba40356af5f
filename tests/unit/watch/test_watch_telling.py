from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest
from watch_fixture import AS_OF, FORM, add_look, keeping, listening, make_watch, rows_of

from govkit.watch import look_once, telling
from govkit.watch.looking import opened

FACTS = {"event": "alarm", "id": 1, "what": "caf\u00e9 = \u202ex", "found": 0.5}


def test_an_alarm_arrives_as_it_was_told() -> None:
    with listening() as address:
        assert telling.post(address.url, FACTS) == ""
    assert address.taken == [FACTS]


@pytest.mark.parametrize("answer", [400, 404, 500, 503])
def test_an_answer_that_is_no_yes_is_told_by_its_number(answer: int) -> None:
    with listening(answer) as address:
        assert telling.post(address.url, FACTS) == f"the answer was {answer}"


@pytest.mark.parametrize("answer", [302, 307])
def test_no_redirection_is_followed(answer: int) -> None:
    with listening(answer) as address:
        assert telling.post(address.url, FACTS) == f"the answer was {answer}"
    assert len(address.taken) == 1


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as address, listening() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert telling.post(address.url, FACTS) == ""
    assert (len(address.taken), proxy.taken) == (1, [])


def test_a_slow_address_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "SECONDS", 0.1)
    with listening(wait=0.5) as address:
        assert telling.post(address.url, FACTS) == "no answer, TimeoutError"


def _closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:{port}/secret-token",
        "http://secret-token.invalid/",
        "http://127.0.0.1:{port}/secret-token\u00e9",
        "http://127.0.0.1:{port}/secret-token blank",
        "http://secret-token:word@127.0.0.1:{port}/",
        "https://127.0.0.1:{port}/secret-token",
    ],
)
def test_why_an_address_does_not_answer_is_said_without_the_address(address: str) -> None:
    said = telling.post(address.format(port=_closed_port()), FACTS)
    assert re.fullmatch(r"no answer, [A-Z]?[A-Za-z]+", said)


def test_an_address_of_https_that_speaks_http_is_told_without_it() -> None:
    with listening() as address:
        said = telling.post(address.url.replace("http:", "https:"), FACTS)
    assert said
    assert "secret-token" not in said
    assert address.taken == []


def shifted(folder: Path, webhook: str) -> Path:
    watch = make_watch(folder, form=FORM + f"webhook: {webhook}\n")
    for look in range(3):
        add_look(watch, f"{look}.csv", rows_of(look + 1, shift=0.8))
    return watch


def test_an_alarm_that_was_not_taken_is_sent_again_under_its_number(tmp_path: Path) -> None:
    events, tell = keeping()
    with listening(500) as address:
        watch = shifted(tmp_path, address.url)
        assert look_once(watch, as_of=AS_OF, tell=tell) == 3
        unsent = [(event["id"], event["why"]) for event in events if event["event"] == "not sent"]
        raised = [event["id"] for event in events if event["event"] == "alarm"]
        assert unsent == [(number, "the answer was 500") for number in raised]
        address.answer = 200
        for _ in range(2):
            assert look_once(watch, as_of=AS_OF, tell=tell) == 3
    assert address.taken[: len(raised)] == address.taken[len(raised) :]
    first = address.taken[0]
    assert (first["id"], first["trigger"], first["then"], first["model"]) == (1, "SHIFT", "review", "lender")


def test_the_address_is_in_no_event_and_not_in_the_memory(tmp_path: Path) -> None:
    events, tell = keeping()
    with listening(500) as address:
        watch = shifted(tmp_path, address.url)
        look_once(watch, as_of=AS_OF, tell=tell)
    assert {event["event"] for event in events} >= {"look", "alarm", "not sent"}
    assert "secret-token" not in repr(events)
    assert b"secret-token" not in (tmp_path / "watch.db").read_bytes()


def test_another_address_goes_on_with_the_same_watch(tmp_path: Path) -> None:
    watch = make_watch(tmp_path)
    with opened(watch, now=AS_OF) as kept:
        began = kept.memory.facts()["watch"]
    watch.write_text(FORM + "webhook: https://hooks.example/other\nevery_days: 7\n")
    with opened(watch, now=AS_OF) as kept:
        assert kept.memory.facts()["watch"] == began
