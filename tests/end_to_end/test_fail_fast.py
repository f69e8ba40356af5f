"""``--fail-fast``: it stops only where the whole measurement blocks too, and says what it left out."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from case_fixture import make_case
from pydantic import NonNegativeInt

import govkit as gk
from govkit.checks import Request
from govkit.core import Case, Check, Finding, Gap, Measurement, Metric, Passes, Policy, Waiver, check, exact
from govkit.core.finding import LEVELS, Bound
from govkit.pipeline.failing_fast import cheapest_first, until_a_failure
from govkit.policy import judge

SUBJECT = "sha256:" + "a" * 64
AS_OF = "2026-11-24T12:00:00Z"
GROUPS = ("f", "m", "x")


def declared(name: str, extra: int = 0) -> Check:
    def function(case: Case, *, k: NonNegativeInt = 0) -> Iterator[Finding]:
        yield from ()

    cost = (lambda _case, **_: Passes(forward=extra)) if extra else None
    metrics = {"accuracy": Metric("A share.", better="higher")}
    return check(name, crosswalk="check.performance", metrics=metrics, extra=cost)(function)


CATALOG = {"scope": gk.catalog()["scope"], "cheap": declared("cheap"), "dear": declared("dear", extra=10)}
REQUESTS = [Request("scope"), *(Request(name, {"k": k}) for name in ("cheap", "dear") for k in range(3))]


def drawn(dice: random.Random) -> tuple[Policy, dict[str, list[Finding]]]:
    """A policy, and what each request finds: some of it beyond its limit at some level only."""
    controls = [
        {
            "id": f"C-{number}", "title": "t", "rmf": ["MEASURE 2.5"], "check": dice.choice(["cheap", "dear"]),
            "metric": "accuracy", "params": {"k": dice.randrange(3)}, "over": dice.choice([[], ["groups"], ["words"]]),
            "require": dice.choice([{"min": 0.5}, {"max": 0.5}]), "authority": {"level": "none"},
            "severity": dice.choice(["low", "medium"]), "on_fail": dice.choice(["block", "block", "review"]),
            "when": dice.choice([None, None, {"has": ["base"]}]),
        }
        for number in range(dice.randint(2, 6))
    ]  # fmt: skip
    head = {"schema": "govkit.policy/v1", "id": "p", "version": "1.0.0", "slices": {"words": {"by": "list"}}}
    policy = Policy.model_validate({**head, "controls": controls})
    scope: list[Finding] = [Measurement(check="scope", name="has_base", value=dice.random() < 0.5, n=0)]
    scope += [Measurement(check="scope", name="rows", value=99.0, n=99, part={"sex": name}) for name in GROUPS]
    found = {REQUESTS[0].key: scope}
    for request in REQUESTS[1:]:
        # Groups are known beforehand, lists of words only once the check has run.
        parts = [{}, *({"sex": name} for name in GROUPS), *({"list": str(at)} for at in range(4))]
        found[request.key] = [_measured(dice, request, part) for part in parts if dice.random() < 0.9]
    return policy, found


def _measured(dice: random.Random, request: Request, part: dict[str, str]) -> Measurement:
    # Beyond the limit of one half by any number of the levels.
    wide = 0.01 + 0.05 * dice.random()
    value = 0.5 + dice.choice([-1, 1]) * wide * (1 + 4 * dice.random())
    bounds = tuple(
        Bound(level=level, low=value - wide * (1 + at / 2), high=value + wide * (1 + at / 2))
        for at, level in enumerate(LEVELS)
    )
    return Measurement(
        check=request.check, params=dict(request.params), name="accuracy", value=value, n=99, part=part, bounds=bounds
    )


def test_whenever_it_stops_early_the_whole_measurement_blocks_too():
    stopped, misled = 0, 0
    for seed in range(200):
        policy, found = drawn(random.Random(seed))  # noqa: S311 - an example, no secret
        asked: list[str] = []

        def ask(request: Request, found=found, asked=asked) -> list[Finding]:
            asked.append(request.key)
            return found[request.key]

        def judged(findings, policy=policy):
            return judge(policy, findings, subject=SUBJECT, as_of=AS_OF)

        fast = until_a_failure(ask, make_case([0, 1], [0.1, 0.9]), REQUESTS, judged=judged, catalog=CATALOG)
        everything = [finding for request in REQUESTS for finding in found[request.key]]
        left = [each for each in fast if isinstance(each, Gap) and "--fail-fast" in each.detail]
        whole, said = judged(everything), judged(fast)
        if len(asked) == len(REQUESTS):
            assert fast == everything
        else:
            stopped += 1
            assert len(left) == len(REQUESTS) - len(asked)
            assert (whole.outcome, said.outcome) == ("BLOCK", "BLOCK")
            (named,) = {each.detail.split()[0] for each in left}
            ruling = next(each for each in whole.rulings if each.control == named)
            assert (ruling.state, ruling.disposition) == ("fail", "block")
        misled += _a_hasty_stop_would_be_wrong(policy, found, whole)
    assert stopped > 50
    assert misled > 0, "no example tells a whole family from a part of one"


def _a_hasty_stop_would_be_wrong(policy, found, whole) -> bool:
    """Whether some control fails on a part of what is measured, and not on all of it."""
    sound = {each.control for each in whole.rulings if each.state != "fail"}
    so_far: list[Finding] = []
    for request in REQUESTS:
        so_far += found[request.key]
        rulings = judge(policy, so_far, subject=SUBJECT, as_of=AS_OF).rulings
        if any(each.state == "fail" and each.control in sound for each in rulings):
            return True
    return False


def test_the_facts_come_first_then_what_costs_no_pass():
    dearer = {**gk.catalog()}
    case = make_case([0, 1] * 20, [0.1, 0.9] * 20)
    requests = [Request(name) for name in ("weight_triggers", "bias", "contamination", "lineage_complete", "scope")]
    names = [each.check for each in cheapest_first(case, requests, dearer)]
    assert names == ["scope", "lineage_complete", "bias", "contamination", "weight_triggers"]
    order = [each.check for each in cheapest_first(case, REQUESTS, CATALOG)]
    assert order == ["scope", "cheap", "cheap", "cheap", "dear", "dear", "dear"]


@pytest.mark.parametrize("waived", [False, True], ids=["plain", "waived"])
def test_an_exact_count_beyond_its_limit_stops_at_once_unless_somebody_waived_it(waived: bool):
    interval, bounds = exact(3.0)
    given = {"check": "cheap", "params": {"k": 0}}
    count = Measurement(**given, name="accuracy", value=3.0, n=9, interval=interval, bounds=bounds)
    control = {
        **given, "id": "C", "title": "t", "rmf": ["MEASURE 2.5"], "metric": "accuracy", "require": {"max": 0},
        "authority": {"level": "none"}, "severity": "high",
    }  # fmt: skip
    waiver = Waiver(
        id="W", control="C", model=SUBJECT, owner="a", approver="b", reason="the three rows are known and harmless",
        created="2026-11-20", expires="2026-11-30",
    )  # fmt: skip
    policy = Policy.model_validate({"schema": "govkit.policy/v1", "id": "p", "version": "1.0.0", "controls": [control]})
    asked = []

    def ask(request):
        asked.append(request)
        return [count] if request == REQUESTS[1] else []

    def judged(found):
        return judge(policy, found, subject=SUBJECT, as_of=AS_OF, waivers=[waiver] if waived else [])

    only = [REQUESTS[0], REQUESTS[1], *REQUESTS[4:]]
    fast = until_a_failure(ask, make_case([0, 1], [0.1, 0.9]), only, judged=judged, catalog=CATALOG)
    assert asked == (only if waived else only[:2])
    assert {each.detail for each in fast[1:]} == (set() if waived else {"C had failed already (--fail-fast)."})


@pytest.fixture
def leaking(tmp_path: Path) -> Path:
    """Stored answers whose test rows all stand in the training data."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"id": range(120), "x": rng.normal(size=120), "label": rng.integers(0, 2, 120)})
    rows["score"] = np.where(rows["label"] == 1, 0.9, 0.1)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    rows.drop(columns="score").to_csv(tmp_path / "train.csv", index=False)
    (tmp_path / "audit.yaml").write_text(
        "schema: govkit.audit/v1\nsubject: {predictions: rows.csv}\ndata: {train: {path: train.csv}}\n"
        "columns: {input: [x], label: label, score: score, id: id}\n",
        encoding="utf-8",
    )
    return tmp_path


def test_a_leak_ends_the_audit_and_the_bundle_says_what_was_not_run(leaking: Path):
    told: list[str] = []
    bundle = gk.audit(
        leaking / "audit.yaml", out=leaking / "evidence", fail_fast=True, progress=lambda what, *_: told.append(what)
    )
    assert (bundle.verdict.outcome, bundle.verdict.exit_code) == ("BLOCK", 1)
    assert "check contamination" in told
    assert "check table_attacks" not in told
    left = {each.check: each for each in bundle.findings if isinstance(each, Gap) and "--fail-fast" in each.detail}
    assert left["table_attacks"].detail == "DATA-01 had failed already (--fail-fast)."
    assert "DATA-01 had failed" in (leaking / "evidence" / "report.html").read_text(encoding="utf-8")
    trust = leaking / "evidence.trust.yaml"
    assert gk.verify(bundle.path, model=leaking / "rows.csv", trust=trust).verdict.outcome == "BLOCK"
