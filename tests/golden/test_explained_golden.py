"""What a reader without statistics is told of a control, and of what is open: asked, seen, to do, all in words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from reading_level import grade, syllables

import govkit as gk
from govkit import checks
from govkit.cli import policy_screen, screen
from govkit.core import LEVELS, Bound, DataRef, Gap, Interval, Measurement, Policy, Verdict
from govkit.policy import explain, judge
from govkit.report.asked import spoken
from govkit.report.model import Rulings
from govkit.report.read import Judgement

GOLDEN = Path(__file__).with_name("explained.txt")
KINDS = {"CAL-01": "a share with a range", "FAIR-01": "groups", "DATA-01": "a count", "LIC-03": "a word",
         "EDU-01": "a statement"}  # fmt: skip
PLAIN_PACKS = ("small-business", "education", "tier-low")

SNAKE = re.compile(r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b")
NAMED = re.compile(r"`[^`]*`|^ *- [a-z._]+(?: or [a-z._]+)?:", flags=re.MULTILINE)
"""Commands, and keys of the audit file with their words behind them: these have to be typed as they are."""

SYMBOL = re.compile(r"[≥≤<>=−±→]|(?<![0-9] )%|(?<![\w-])-[0-9]")
JARGON = re.compile(r"\b(confidence|candidate|incumbent|minus|p-value|debiased|root mean square|Holm|bound)\b", re.I)


def _measured(check: str, name: str, value: Any, n: int, width: float = 0.0, **more: Any) -> Measurement:
    exact = isinstance(value, int) and not isinstance(value, bool)
    spread = () if isinstance(value, bool | str) else LEVELS
    bounds = tuple(Bound(level=level, low=value - width, high=value + width) for level in spread)
    method = "exact count" if exact else "made up"
    interval = Interval(level=0.95, low=value - width, high=value + width, method=method) if spread else None
    data = DataRef(role="test", digest="sha256:" + "0" * 64)
    return Measurement(check=check, name=name, value=value, n=n, bounds=bounds, interval=interval, data=data, **more)


def _findings(policy: Policy) -> list[Any]:
    params = {control.id: control.params for control in policy.controls}
    gap = "true_positive_rate_difference"
    return [
        _measured("scope", "task", "binary", 1).model_copy(update={"data": None}),
        _measured("calibration", "calibration_error", 0.106, 600, 0.04, params=params["CAL-01"]),
        *(
            _measured("bias", gap, value, 37, 0.19, part={"sex": sex}, params=params["FAIR-01"])
            for sex, value in (("female", -0.053), ("male", 0.053))
        ),
        _measured(
            "contamination", "shared_rows", 7, 600, params=params["DATA-01"],
            rows=tuple(f"row-{number}" for number in range(7)),
        ),
        Gap(check="licenses", name="composition", reason="no data", detail="The license of the base is not known."),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def policy() -> Policy:
    return gk.resolve_policy("education")


@pytest.fixture(scope="module")
def verdict(policy: Policy) -> Verdict:
    return judge(policy, _findings(policy), subject="sha256:" + "1" * 64, as_of="2026-11-24T12:00:00Z")


def _explained(policy: Policy, name: str, capsys: pytest.CaptureFixture[str]) -> str:
    policy_screen.show_explanation(explain(policy, name, checks.catalog()), json=False)
    return capsys.readouterr().out


def _open_lines(policy: Policy, verdict: Verdict, capsys: pytest.CaptureFixture[str]) -> str:
    """The five open rulings as `govkit audit` and `govkit show` print them."""
    told = spoken(Rulings(Judgement(findings=tuple(_findings(policy)), verdict=verdict, policy=policy)))
    only = verdict.model_copy(update={"rulings": tuple(each for each in verdict.rulings if each.control in KINDS)})
    screen.show_verdict(only, told)
    return capsys.readouterr().out.strip("\n").split("\n\n")[0] + "\n"


def test_five_controls_and_five_open_lines_read_as_they_did(
    policy: Policy, verdict: Verdict, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    pages = [*(_explained(policy, name, capsys) for name in KINDS), _open_lines(policy, verdict, capsys)]
    assert f"\n{'=' * 100}\n\n".join(pages) == GOLDEN.read_text(encoding="utf-8")


def test_each_open_line_says_what_was_asked_what_was_seen_and_what_to_do(
    policy: Policy, verdict: Verdict, capsys: pytest.CaptureFixture[str]
) -> None:
    states = {each.control: each.state for each in verdict.rulings if each.control in KINDS}
    assert states == {"CAL-01": "fail", "FAIR-01": "inconclusive", "DATA-01": "fail", "LIC-03": "missing",
                      "EDU-01": "missing"}  # fmt: skip
    told = spoken(Rulings(Judgement(findings=tuple(_findings(policy)), verdict=verdict, policy=policy)))
    shown = _open_lines(policy, verdict, capsys)
    assert shown.count("To do: ") == len(KINDS)
    for name in KINDS:
        seen, to_do = told[name]
        assert seen.endswith((".", "!"))
        assert to_do.endswith((".", "?"))
        assert _foreign(f"{seen}\n{to_do}") == []
    assert "more rows" in told["FAIR-01"][1], "what is good but not sure asks for rows, not for another model"
    assert "govkit attestation new human_oversight" in told["EDU-01"][1]
    assert "row-0" in told["DATA-01"][0]
    assert grade(shown) <= 10


def _foreign(text: str) -> list[str]:
    """What a reader would stumble over."""
    bare = NAMED.sub("", text)
    return [match.group() for pattern in (SNAKE, SYMBOL, JARGON) for match in pattern.finditer(bare)]


@pytest.mark.parametrize("pack", PLAIN_PACKS)
def test_no_control_of_a_plain_pack_needs_statistics(pack: str, capsys: pytest.CaptureFixture[str]) -> None:
    policy = gk.resolve_policy(pack)
    for control in policy.controls:
        told = _explained(policy, control.id, capsys)
        assert _foreign(told) == [], control.id
        assert "What to do when it is not met\n  " in told
        assert "gives no advice" not in told, control.id


@pytest.mark.parametrize("pack", gk.packs())
def test_no_screen_asks_for_more_than_ten_years_of_school_and_every_limit_is_in_words(pack: str) -> None:
    policy = gk.resolve_policy(pack)
    for control in policy.controls:
        words = explain(policy, control.id, checks.catalog())["words"]
        assert grade("\n".join(sentence for told in words.values() for sentence in told)) <= 10, control.id
        assert _foreign("\n".join(words.get("What counts as met", ()))) == [], control.id


def test_the_grade_is_that_of_the_formula() -> None:
    counts = {"table": 2, "times": 1, "rate": 1, "wanted": 2, "people": 2, "probability": 5, "the": 1}
    assert {word: syllables(word) for word in counts} == counts
    assert grade("The cat sat on the mat.") == pytest.approx(0.39 * 6 + 11.8 - 15.59)
    hard = "Debiased calibration estimation necessitates sophisticated distributional considerations."
    assert grade(hard) > 10
    assert _foreign("accuracy_gap of candidate minus base −0.02, with 97.5 % confidence") == [
        "accuracy_gap", "−", "candidate", "minus", "confidence",
    ]  # fmt: skip
