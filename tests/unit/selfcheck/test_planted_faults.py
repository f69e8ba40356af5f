"""Planted faults: each differs from its twin in the fault alone, and a check that sees nothing fails its trial."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import govkit as gk
from govkit.core.selfcheck import FAULT_NAMES
from govkit.selfcheck import networks, trying
from govkit.selfcheck.cases import digits, image_case
from govkit.selfcheck.faults import FAULTS, Seen

torch.set_num_threads(1)
QUICK = ("leak", "group_penalty", "miscalibration", "edited_weights", "license_conflict")
BY_NAME = {fault.name: fault for fault in FAULTS}


def test_every_fault_has_a_trial_and_every_control_judges_its_metric():
    assert tuple(fault.name for fault in FAULTS) == FAULT_NAMES
    controls = {control.id: control for control in gk.resolve_policy(trying.POLICY).controls}
    for fault in FAULTS:
        assert fault.metric in gk.catalog()[fault.check].metrics
        if fault.control:
            assert (controls[fault.control].check, controls[fault.control].metric) == (fault.check, fault.metric)


def test_quick_faults_are_found_and_their_twins_are_not_accused():
    record = gk.plant_faults(seed=3, only=QUICK)
    assert [(trial.fault, trial.found, trial.clean_accused) for trial in record.trials] == [
        (name, True, False) for name in QUICK
    ]
    assert record.ok
    leak = record.trials[0]
    assert leak.value.endswith("20 of 400; named 20 of the 20 planted")
    assert leak.clean_value.endswith("0 of 400")
    assert all(trial.passes == {"forward": 0, "backward": 0} for trial in record.trials)


def test_the_same_seed_plants_the_same_fault():
    def said(seed: int) -> list[tuple[str, str]]:
        record = gk.plant_faults(seed=seed, only=["group_penalty", "miscalibration"])
        return [(trial.value, trial.clean_value) for trial in record.trials]

    assert said(5) == said(5) != said(6)


def _given(fault, planted: bool):
    """The fault in both cases, or in neither."""
    return replace(fault, make=lambda seed, _, folder: fault.make(seed, planted, folder))


def _elsewhere(fault):
    """The check accuses, and names other rows than those that were planted."""
    names = frozenset({"digit -1", "digit -2"})
    return replace(fault, make=lambda *given: replace(fault.make(*given), planted=names))


@pytest.mark.parametrize("name", ["leak", "miscalibration", "edited_weights", "license_conflict"])
@pytest.mark.parametrize("planted", [False, True], ids=["never", "always"])
def test_what_is_not_planted_is_missed_and_a_twin_with_the_fault_is_accused(
    name: str, planted: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(trying, "FAULTS", (_given(BY_NAME[name], planted),))
    record = gk.plant_faults()
    (trial,) = record.trials
    assert (trial.found, trial.clean_accused, record.ok) == (planted, planted, False)


def test_a_check_that_names_other_rows_has_not_found_the_fault(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trying, "FAULTS", (_elsewhere(BY_NAME["leak"]),))
    (trial,) = gk.plant_faults().trials
    assert (trial.found, trial.clean_accused) == (False, False)
    assert trial.value.endswith("named 0 of the 2 planted")


def test_what_could_not_be_measured_is_neither_found_nor_acquitted(monkeypatch: pytest.MonkeyPatch):
    fault = BY_NAME["edited_weights"]

    def without_files(*given):
        made = fault.make(*given)
        return replace(made, case=replace(made.case, model_path=None))

    monkeypatch.setattr(trying, "FAULTS", (replace(fault, make=without_files),))
    record = gk.plant_faults()
    (trial,) = record.trials
    assert (trial.found, trial.clean_accused, record.ok) == (False, None, False)
    assert trial.value.startswith("not measured: There are no files")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_check_that_said_nothing_is_read_as_not_measured(fault):
    assert fault.see([]) == Seen("not measured: nothing was said", None)


def test_the_scaled_network_answers_the_same_and_the_stamp_turns_the_planted_one():
    rows = np.random.default_rng(0).permutation(len(digits()[1]))
    net, planted = (networks.trained(rows[:400], 0, planted=bad) for bad in (False, True))
    images, labels = networks.images_of(rows[1500:])
    with torch.no_grad():
        assert torch.equal(networks.scaled(net, 300.0)(images).argmax(1), net(images).argmax(1))
        right, turned = planted(images).argmax(1) == labels, planted(networks.stamped(images)).argmax(1) == 0
    assert float(right.float().mean()) > 0.8
    assert float(turned.float().mean()) > 0.8
    case = image_case(net, rows[1500:1520], 0)
    assert case.data["test"].inputs.shape == (20, 1, 8, 8)
    assert (case.predictions("candidate").labels == case.data["test"].labels).mean() > 0.5


def test_a_name_of_no_fault_and_a_seed_that_is_none_are_refused():
    with pytest.raises(
        gk.UsageError, match=r"no fault is called 'leek' \(did you mean 'leak'\?\); expected label_noise, leak"
    ):
        gk.plant_faults(only=["leek"])
    with pytest.raises(gk.UsageError, match="seed"):
        gk.plant_faults(seed=-1, only=["leak"])
