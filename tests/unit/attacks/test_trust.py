"""Which outcomes are believed: each reason at its limit, and a short table of honest and masked models."""

from dataclasses import replace

import pytest
import torch
from benches import load_bench
from digit_models import HELD_OUT, digits, held_out, network
from masked_models import HONEST, MASKED, ODD, SOFTMAX, rippled

from govkit.attacks import (
    TIERS,
    Ball,
    Outcome,
    doubts,
    foresight,
    joined,
    lender,
    most_passes,
    pgd,
    probe_gradients,
    random_noise,
    square,
    transfer,
    twin,
    unknowns,
)

torch.set_num_threads(1)
BENCH = load_bench("trust")
N, SEED = 32, 60


def sound(n=100, **changes):
    """An outcome that nothing speaks against: all rows right, half of them broken by the gradient attacks."""
    every, half = torch.ones(n, dtype=torch.bool), torch.arange(n) < n // 2
    told = torch.linspace(-1, 1, n)
    facts = dict.fromkeys(("fgsm", "climbed", "pgd", "strong", "scored", "half", "lent", "noise"), half)
    facts |= {"clean": every, "still": every, "gains": every, "told": told, "came": told}
    facts |= dict.fromkeys(("far", "flat", "flat_entropy", "tied"), ~every)
    rest = {"wobble": 0.0, "excess": 0.0, "queries": 100, "lenders": 2, "forward": 9, "backward": 4}
    return replace(Outcome(**facts, **rest), **changes)


def without(name, few, outcome):
    """The same outcome where some of the rows that stand in a field do no longer."""
    kept = getattr(outcome, name).clone()
    kept[:few] = False
    return replace(outcome, **{name: kept})


def first(count, n=100):
    return torch.arange(n) < count


def test_nothing_speaks_against_a_sound_outcome():
    assert doubts(sound()) == ()
    assert unknowns(sound()) == ()


@pytest.mark.parametrize(
    ("fine", "bad", "reason"),
    [
        (sound(flat=first(1)), sound(flat=first(2)), "the margin has no gradient (2 of 100 rows)"),
        (sound(gains=~first(20)), sound(gains=~first(21)), "a step along the gradient is no better than a random one"),
        (sound(still=~first(1)), sound(still=~first(2)), "asked with its gradient the model answers otherwise"),
        (without("fgsm", 2, sound()), without("fgsm", 3, sound()), "one step breaks what many do not (3 of 100 rows)"),
        (without("noise", 1, sound()), without("noise", 2, sound()), "random noise breaks what the gradient attack"),
        (without("scored", 2, sound()), without("scored", 3, sound()), "an attack that only asks for scores breaks"),
        (without("half", 2, sound()), without("half", 3, sound()), "half the radius breaks what the whole does not"),
        (without("lent", 2, sound()), without("lent", 3, sound()), "inputs that break another model break this one"),
        (sound(far=first(10)), sound(far=first(11)), "not even a change of half the range"),
        (sound(wobble=1e-5), sound(wobble=1e-3), "the same input gets different answers"),
        (sound(excess=1e-4), sound(excess=1e-2), "an attacked input left its ball"),
    ],
)  # fmt: skip
def test_each_reason_is_given_beyond_its_limit_and_not_at_it(fine, bad, reason):
    assert not [found for found in doubts(fine) if found.startswith(reason.split(" (")[0])]
    (found,) = [found for found in doubts(bad) if found.startswith(reason)]
    assert ":" in found, "a sentence that says what it means"


def test_large_logits_are_a_doubt_only_where_the_cross_entropy_misses_much():
    blind = sound(flat_entropy=first(100), climbed=first(100), pgd=first(50))
    assert doubts(blind)[0].startswith("logits are so large that the cross-entropy has no gradient (100 of 100 rows)")
    assert doubts(replace(blind, climbed=first(60))) == ()
    assert doubts(replace(blind, flat_entropy=first(49))) == ()


def test_what_was_not_looked_at_is_said():
    assert unknowns(sound(queries=0))[0].startswith("no attack that does without the gradient was tried")
    assert unknowns(sound(clean=first(0)))[0].startswith("no row was answered rightly")
    assert unknowns(sound(told=torch.zeros(100)))[0].startswith("on fewer than 5 rows")
    assert unknowns(sound(pgd=first(59))) == ()
    assert unknowns(sound(pgd=first(60)))[0].startswith("a stronger attack that follows the gradient still broke 10 of")


def test_foresight_sees_direction_and_size():
    told, came = torch.tensor([3.0, 4.0, 0, 0, 0, 1e-9, 1e-9, 1e-9]), torch.tensor([4.0, 3.0, 0, 0, 0, 0, 0, 0])
    assert foresight(sound(8, told=told, came=came)) == pytest.approx(24 / 25)
    assert foresight(sound(8, told=told, came=-told)) == pytest.approx(-1)
    assert foresight(sound(8, told=told, came=10 * told)) == pytest.approx(20 / 101), "a tenth of the gradient"
    assert foresight(sound(8, told=told * (told > 1), came=came)) is None, "two rows say nothing"
    (reason,) = doubts(sound(told=torch.linspace(-1, 1, 100), came=torch.linspace(-1, 1, 100).abs()))
    assert reason.startswith("the gradient does not foretell what a small random step does (agreement 0.00 of 1)")


def test_outcomes_of_batches_are_joined_row_by_row():
    whole = joined([sound(10), sound(20, wobble=0.5, queries=0)])
    assert (len(whole.clean), whole.wobble, whole.queries, whole.forward) == (30, 0.5, 100, 18)


@pytest.mark.parametrize("name", MASKED)
def test_a_model_that_hides_its_gradient_is_suspect_at_the_cheapest_tier(name):
    found = BENCH.attacked(MASKED[name](SEED), held_out(N), "smoke", seed=SEED, radius=0.1)
    assert doubts(found)


@pytest.mark.parametrize("name", [*ODD])
def test_kinks_and_plateaus_of_an_honest_model_are_no_hidden_gradient(name):
    found = BENCH.attacked(ODD[name](SEED), held_out(N), "smoke", seed=SEED, radius=0.1)
    # Logits ten times as large hide the cross-entropy of an honest model too, which is said.
    assert [reason for reason in doubts(found) if not reason.startswith("logits are so large")] == []


@pytest.mark.parametrize("name", ["plain", "linear", "softmax outputs"])
def test_an_honest_model_is_trusted_once_scores_were_asked_for(name):
    lenders = BENCH.others(SEED)
    net = (HONEST | SOFTMAX)[name](SEED)
    found = BENCH.attacked(net, held_out(N), "gate", seed=SEED, radius=0.1, lenders=lenders)
    assert BENCH.judged(found) == "trusted"
    quick = BENCH.attacked(net, held_out(N), "smoke", seed=SEED, radius=0.1)
    assert (doubts(quick), BENCH.judged(quick)) == ((), "not evaluated")
    forward, backward = most_passes(BENCH.STEPS, tier=TIERS["gate"], classes=10, counted=1, free=1)
    assert found.forward <= N * forward
    assert found.backward <= N * backward


def test_waves_mislead_the_cheapest_tier_and_are_never_trusted():
    net, rows = rippled(1.0, 100.0)(SEED), held_out(64)
    quick, gate = (BENCH.attacked(net, rows, tier, seed=SEED, radius=0.1) for tier in ("smoke", "gate"))
    assert quick.worst.sum() - gate.worst.sum() > 0.1 * 64
    assert "trusted" not in {BENCH.judged(quick), BENCH.judged(gate)}


def test_half_precision_is_no_hidden_gradient_but_too_coarse_to_tell():
    from copy import deepcopy

    short = deepcopy(network(SEED)).bfloat16()
    found = BENCH.attacked(lambda x: short(x.bfloat16()).float(), held_out(N), "smoke", seed=SEED, radius=0.1)
    assert doubts(found) == ()
    assert unknowns(found)[0].startswith("on fewer than 5 rows the numbers of the model are fine enough")


def test_a_probe_compares_the_gradient_with_what_happens():
    x, labels = held_out(40)
    weight = torch.randn(64, 10, generator=torch.Generator().manual_seed(3))
    probe = probe_gradients(
        lambda batch: batch["x"].flatten(1) @ weight, {"x": x}, labels, Ball("linf", 1 / 255, 0.0, 1.0),
        seeds=list(range(40)),
    )  # fmt: skip
    assert torch.allclose(probe.told, probe.came, atol=0.05)
    assert float(probe.told.abs().max()) <= 1
    assert (probe.told != 0).sum() > 30


def test_a_twin_learns_and_its_examples_break_others_within_the_ball():
    x, labels = digits()
    state = torch.get_rng_state()
    own = twin(x[:-HELD_OUT], labels[:-HELD_OUT], 10, seed=1)
    again = twin(x[:-HELD_OUT], labels[:-HELD_OUT], 10, seed=1)
    assert torch.equal(state, torch.get_rng_state())
    rows, truth = held_out(100)
    assert torch.equal(own({"x": rows}), again({"x": rows}))
    assert (own({"x": rows}).argmax(1) == truth).float().mean() > 0.85
    net, ball = network(SEED), Ball("linf", 0.15, 0.0, 1.0)
    logits, seeds = (lambda batch: net(batch["x"].detach())), list(range(100))
    found = transfer(logits, {"x": rows}, truth, lender(own, counted=False)({"x": rows}, truth, seeds, ball, 10))
    noise = random_noise(logits, {"x": rows}, truth, ball, seeds=seeds, draws=1)
    assert found.broken.sum() > noise.broken.sum() + 15
    assert ball.excess(found.x, rows) <= 1e-4
    assert (found.forward, found.backward) == (100, 0), "the passes of a twin are none of the model's"


def test_a_lender_with_classes_in_another_order_is_aimed_at_the_same_class():
    net, order = network(SEED), torch.tensor([3, 1, 4, 0, 5, 9, 2, 6, 8, 7])
    x, labels = held_out(30)
    ball, seeds = Ball("linf", 0.1, 0.0, 1.0), list(range(30))
    straight = lender(lambda batch: net(batch["x"]))({"x": x}, labels, seeds, ball, 5)
    turned = lender(lambda batch: net(batch["x"])[:, order], columns=order.argsort())({"x": x}, labels, seeds, ball, 5)
    assert torch.equal(straight.x, turned.x)
    assert (straight.forward, straight.backward) == (30 * 6, 30 * 5)


def test_square_in_l2_stays_inside_and_breaks_more_than_noise():
    net, (x, labels) = network(SEED), held_out(100)
    logits, ball, seeds = (lambda batch: net(batch["x"])), Ball("l2", 0.6, 0.0, 1.0, 1 / 255), list(range(100))
    found = square(logits, {"x": x}, labels, ball, seeds=seeds, queries=100)
    assert ball.excess(found.x, x) <= 1e-4
    noise = random_noise(logits, {"x": x}, labels, ball, seeds=seeds)
    assert found.broken.sum() > noise.broken.sum() + 10
    assert found.broken.sum() <= pgd(logits, {"x": x}, labels, ball, steps=40).broken.sum() + 2
