"""A base that is not the base is a finding that blocks; what cannot be told is a gap and never passes."""

import json
from dataclasses import replace

import pytest
import torch
from ancestry_pairs import noisy, packed, whole
from case_fixture import make_case
from rows_fixture import gaps, measurements, run, value
from safetensors.torch import save_file

import govkit as gk
from govkit.core import LEVELS
from govkit.data.dataset import PART_KEYS
from govkit.policy import judge, resolve


def net(seed):
    dice = torch.Generator().manual_seed(seed)
    return {f"layer.{n}.weight": torch.randn(40, 32, generator=dice) for n in range(4)}


def case_of(tmp_path, state, *, base=True):
    for name in ("model", "base"):
        (tmp_path / name).mkdir()
    whole(state)(tmp_path / "model")
    whole(net(0))(tmp_path / "base")
    case = make_case([0, 1], [0.2, 0.7], model_path=tmp_path / "model", access="weights")
    return replace(case, base_path=tmp_path / "base") if base else case


def test_a_tuned_model_is_derived_and_its_layers_are_measured(tmp_path):
    found = run("ancestry", case_of(tmp_path, noisy(net(0), 0.1, 1)))
    assert value(found, "ancestry") == "derived"
    assert value(found, "derived_from_base") is True
    assert "4 of 4 tensors" in value(found, "ancestry_reason")
    changes = measurements(found, "weight_change")
    assert [item.part for item in changes] == [{"layer": f"layer.{n}"} for n in range(4)]
    assert all(item.value == pytest.approx(0.1, rel=0.1) and len(item.bounds) == len(LEVELS) for item in changes)
    assert all(25 <= item.value <= 32 for item in measurements(found, "rank_of_change"))
    assert {key for item in found for key in item.part} <= PART_KEYS


def test_another_base_is_found_and_nothing_is_said_of_what_moved(tmp_path):
    found = run("ancestry", case_of(tmp_path, net(5)))
    assert value(found, "ancestry") == "not derived"
    assert value(found, "derived_from_base") is False
    assert not measurements(found, "weight_change")


def test_the_limits_stand_beside_every_answer(tmp_path):
    found = run("ancestry", case_of(tmp_path, net(5)))
    assert [item.part for item in measurements(found, "limit")] == [{"number": str(n)} for n in (1, 2, 3)]


def test_what_cannot_be_told_is_a_gap(tmp_path):
    found = run("ancestry", case_of(tmp_path, packed(net(0))))
    assert value(found, "ancestry") == "cannot tell"
    assert gaps(found) == {"derived_from_base": "unsupported"}
    assert len(measurements(found, "limit")) == 3


def test_an_adapter_alone_is_a_gap_that_names_its_base(tmp_path):
    case = case_of(tmp_path, net(0))
    (tmp_path / "model" / "model.safetensors").unlink()
    save_file({"a.lora_A.weight": torch.ones(8, 32)}, tmp_path / "model" / "adapter_model.safetensors")
    (tmp_path / "model" / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "org/name"}))
    found = run("ancestry", case)
    assert gaps(found) == {"derived_from_base": "unsupported"}
    assert "org/name" in value(found, "ancestry_reason")


def test_gaps(tmp_path):
    assert gaps(run("ancestry", case_of(tmp_path, net(0), base=False))) == {"*": "no data"}
    assert gaps(run("ancestry", make_case([0, 1], [0.2, 0.7]))) == {"*": "unsupported"}
    (tmp_path / "base" / "model.safetensors").write_bytes(b"cut off")
    case = make_case([0, 1], [0.2, 0.7], model_path=tmp_path / "model", access="weights")
    (broken,) = run("ancestry", replace(case, base_path=tmp_path / "base"))
    assert broken.reason == "unsupported"
    assert str(tmp_path) not in broken.detail


@pytest.mark.parametrize(("seed", "state"), [(0, "pass"), (5, "fail"), (None, "unsupported")])
def test_the_control_blocks_a_base_that_is_not_the_base(tmp_path, seed, state):
    case = case_of(tmp_path, packed(net(0)) if seed is None else noisy(net(seed), 0.1, 1))
    policy = gk.resolve_policy("nist-ai-rmf-core")
    control = next(item for item in policy.controls if item.id == "LIN-03")
    scope = [
        item.model_copy(update={"value": True}) if item.name == "has_base" else item for item in run("scope", case)
    ]
    findings = [*scope, *run("ancestry", case)]
    alone = policy.model_copy(update={"controls": (control,), "risks": ()})
    verdict = judge(resolve(alone, gk.catalog()), findings, subject="sha256:00", as_of="2026-06-01T00:00:00Z")
    assert [ruling.state for ruling in verdict.rulings] == [state]
    assert (verdict.outcome == "PASS") == (state == "pass")


def test_predictions_alone_are_not_asked(tmp_path):
    control = next(item for item in gk.resolve_policy("nist-ai-rmf-core").controls if item.id == "LIN-03")
    assert control.when is not None
    assert control.when.access == ("weights",)
    assert control.when.has == ("base",)
