from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from case_fixture import make_case

from govkit.checks import Request, declared_passes, requests_for
from govkit.checks._requests import complete
from govkit.core import Case, Check, Metric, Passes, Policy, check
from govkit.errors import PolicyError, UsageError
from govkit.subjects import Probe


class Live:
    """A subject that answers with one half."""

    digest = "sha256:00"
    access = "predict"
    modality = "table"
    classes = ("no", "yes")
    path = None

    def predict(self, inputs):
        return np.full((len(inputs), 2), 0.5)


def declare(name: str, function=None, **options) -> Check:
    def nothing(case: Case, *, bins: int = 15):
        yield from ()

    return check(name, crosswalk="check.performance", metrics={"ece": Metric("Ece.")}, **options)(function or nothing)


def policy(*controls: dict) -> Policy:
    common = {
        "title": "A rule", "rmf": ["MEASURE 2.5"], "metric": "ece", "require": {"max": 0.1},
        "authority": {"level": "none"}, "severity": "medium",
    }  # fmt: skip
    rules = [{"id": f"c{index}", **common, **control} for index, control in enumerate(controls)]
    return Policy.model_validate({"schema": "govkit.policy/v1", "id": "p", "version": "1.0.0", "controls": rules})


def test_every_check_runs_once_with_its_defaults_and_once_for_each_other_set_of_parameters():
    catalog = {"one": declare("one"), "two": declare("two")}
    asked = requests_for(
        policy(
            {"check": "two", "params": {"bins": 10}},
            {"check": "two", "params": {"bins": 15}},
            {"check": "two", "params": {"bins": 10}},
        ),
        catalog,
    )
    assert [(request.check, request.params) for request in asked] == [
        ("one", {"bins": 15}),
        ("two", {"bins": 10}),
        ("two", {"bins": 15}),
    ]


def test_without_a_policy_there_are_the_defaults():
    assert [request.params for request in requests_for(None, {"one": declare("one")})] == [{"bins": 15}]


@pytest.mark.parametrize(
    ("control", "words"),
    [
        ({"check": "on"}, "control 'c0': there is no check 'on'; expected one of one"),
        ({"check": "one", "params": {"bin": 3}}, "control 'c0': check 'one' does not take these parameters: bin: "),
        ({"check": "one", "params": {"bins": "many"}}, "control 'c0': check 'one' does not take .* bins: "),
    ],
)
def test_a_wrong_control_is_named(control, words):
    with pytest.raises(PolicyError, match=words):
        requests_for(policy(control), {"one": declare("one")})


def test_passes_are_one_forward_a_row_of_each_data_set_that_a_check_reads():
    reads = (("candidate", "test"), ("base", "test"), ("incumbent", "test"), ("candidate", "shifted"))
    catalog = {"one": declare("one", reads=reads), "two": declare("two", reads=reads[:2])}
    case = make_case([0, 1, 1], [0.1, 0.9, 0.8], shifted={"labels": [0, 1], "probs": [0.2, 0.7]})
    requests = [Request("one"), Request("two")]
    assert declared_passes(case, requests, catalog=catalog) == Passes(0, 0)
    live = replace(case, subject=Live(), base=Live())
    assert declared_passes(live, requests, catalog=catalog) == Passes(forward=3 + 3 + 2)


def test_a_probe_on_the_base_embeds_the_training_rows_once():
    catalog = {"one": declare("one", reads=(("base", "test"),)), "fit": declare("fit", reads=(("base", "train"),))}
    case = make_case([0, 1], [0.1, 0.9], train={"labels": [0, 1, 0, 1, 1], "probs": [0.1] * 5}, base=[0, 1])
    probed = replace(case, base=Probe(Live(), None, case.classes))
    for requests in ([Request("one")], [Request("one"), Request("fit")]):
        assert declared_passes(probed, requests, catalog=catalog) == Passes(forward=2 + 5)
    assert declared_passes(probed, [], catalog=catalog) == Passes(forward=5)  # it was fitted, read or not
    assert declared_passes(replace(case, base=Live()), [Request("one")], catalog=catalog) == Passes(forward=2)


def test_a_check_declares_what_it_needs_beyond_the_shared_predictions():
    def extra(case: Case, *, bins: int) -> Passes:
        return Passes(forward=bins, backward=len(case.data["test"]))

    catalog = {"one": declare("one", extra=extra), "no": declare("no", extra=extra, needs={"weights"})}
    case = make_case([0, 1], [0.1, 0.9])
    # The second lacks weights: it will be a gap, and spends nothing.
    assert declared_passes(case, [Request("one", {"bins": 7}), Request("no")], catalog=catalog) == Passes(7, 2)


def test_passes_of_an_unknown_check_are_a_usage_error():
    with pytest.raises(UsageError, match="there is no check 'x'"):
        declared_passes(make_case([0], [0]), [Request("x")], catalog={})


def test_a_parameter_without_default_must_be_given():
    def sized(case: Case, *, size: int):
        yield from ()

    declared = declare("sized", sized)
    assert complete(declared, {"size": 3}) == {"size": 3}
    with pytest.raises(UsageError, match="size"):
        complete(declared, {})
