"""An attack that stops when it is known on which side of a limit the robust accuracy lies; other models lend inputs."""

from __future__ import annotations

import pytest
import torch
from attacked_fixture import Closed, Open, case_of, softmax_of
from case_fixture import make_dataset
from digit_models import HELD_OUT, digits, held_out, network
from rows_fixture import gaps, measurements, run, value

from govkit.checks import Request, catalog, declared_passes
from govkit.core import LEVELS

torch.set_num_threads(1)


def case(n=300, *, base=None, taught=False, make=None):
    x, labels = held_out(n)
    net = network()
    found = case_of(
        x.numpy(), labels.numpy(), make or (lambda p: Open(net, p)),
        base=None if base is None else lambda p: Open(base, p),
    )  # fmt: skip
    if taught:
        rows, truth = (part[:-HELD_OUT].numpy() for part in digits())
        found.data["train"] = make_dataset(truth, role="train", inputs=rows)
    return found


def low_high(item):
    bound = item.bounds[LEVELS.index(0.95)]
    return bound.low, bound.high


def test_a_clear_limit_needs_few_rows_and_the_same_rows_say_the_same():
    few = run("adversarial", case(), rows=300, eps=0.1, limit=0.8)
    (robust,) = measurements(few, "robust_accuracy")
    assert robust.n == 50
    assert low_high(robust)[1] < 0.8
    assert {item.n for item in measurements(few, "clean_accuracy") + measurements(few, "trust_reason")} == {50}
    assert "Bonferroni over 4 looks" in robust.interval.method
    same = run("adversarial", case(), rows=50, eps=0.1)
    assert value(same, "robust_accuracy") == robust.value
    narrow = low_high(measurements(same, "robust_accuracy")[0])
    assert low_high(robust)[0] < narrow[0] < narrow[1] < low_high(robust)[1]


def test_a_high_robust_accuracy_stops_on_the_other_side():
    (robust,) = measurements(run("adversarial", case(), rows=300, eps=0.004, limit=0.7), "robust_accuracy")
    assert robust.n < 300
    assert low_high(robust)[0] > 0.7


def test_a_limit_near_the_truth_takes_all_rows_and_fewer_passes_than_declared():
    whole = case(120)
    truth = value(run("adversarial", whole, rows=120, eps=0.1), "robust_accuracy")
    declared = declared_passes(whole, [Request("adversarial", {"rows": 120, "limit": truth})], catalog=catalog())
    fresh = case(120)
    (robust,) = measurements(run("adversarial", fresh, rows=120, eps=0.1, limit=truth), "robust_accuracy")
    assert (robust.n, robust.value) == (120, truth)
    assert fresh.passes.forward <= declared.forward
    assert fresh.passes.backward <= declared.backward


def test_the_base_is_attacked_on_the_rows_that_the_candidate_was():
    found = run("adversarial", case(base=network(7)), rows=300, eps=0.1, limit=0.8)
    assert {item.n for item in measurements(found, "robust_accuracy")} == {50}
    (change,) = measurements(found, "robust_accuracy", compared_with="base")
    assert "Bonferroni over 4 looks" in change.interval.method
    candidate, base = (value(found, "robust_accuracy", of=of, compared_with=None) for of in ("candidate", "base"))
    assert change.value == pytest.approx(candidate - base)


def test_a_model_that_only_answers_stops_too():
    closed = case(make=lambda passes: Closed(softmax_of(network()), passes))
    (robust,) = measurements(run("adversarial", closed, rows=300, eps=0.1, limit=0.95, tier="gate"), "robust_accuracy")
    assert robust.n == 50


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_base_and_twin_lend_their_inputs_within_the_declared_passes(norm):
    net = network()
    hidden = lambda passes: Open(net, passes, twist=lambda x: torch.round(x * 255) / 255)  # noqa: E731
    masked = case(32, base=network(7), taught=True, make=hidden)
    declared = declared_passes(masked, [Request("adversarial", {"rows": 32, "tier": "gate"})], catalog=catalog())
    alone = declared_passes(case(32), [Request("adversarial", {"rows": 32, "tier": "gate"})], catalog=catalog())
    assert declared.forward - 2 * alone.forward == 32 * (12 + 2), "ten steps on the base, three questions"
    eps = {"linf": 0.1, "l2": 0.8}[norm]
    found = run("adversarial", masked, rows=32, tier="gate", eps=eps, norm=norm)
    assert masked.passes.forward <= declared.forward
    assert masked.passes.backward <= declared.backward
    (reason,) = measurements(found, "trust_reason", of="candidate")
    assert "inputs that break another model break this one where its own gradient does not" in reason.value
    assert value(found, "trust_reason", of="base") == "none"


class Doubled(Open):
    """A base that reads its images on another scale."""

    def encode(self, inputs):
        return {"x": super().encode(inputs)["x"] * 0.5}


def test_a_base_that_reads_other_tensors_lends_nothing():
    passes = []
    for make in (Doubled, None):
        alone = case(24)
        if make is not None:
            object.__setattr__(alone, "base", make(network(7), alone.passes))
        run("adversarial", alone, rows=24, tier="gate", eps=0.1, base=False)
        passes.append((alone.passes.forward, alone.passes.backward))
    assert passes[0] == passes[1]


def test_a_limit_out_of_range_is_refused():
    from govkit.errors import UsageError

    for limit in (-0.1, 1.1, float("nan")):
        with pytest.raises(UsageError, match="limit"):
            run("adversarial", case(8), limit=limit)
    assert gaps(run("adversarial", case(8), limit=0.5)) == {}
