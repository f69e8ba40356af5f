"""US Census: accuracy stays, calibration decays, and the audit says so with an interval."""

from __future__ import annotations

import owner_pages
import pytest
import shipped_cards
import true_bundles

from govkit.demos.telling import pick

pytestmark = pytest.mark.carrier


def test_accuracy_is_unchanged(employment):
    bundle = employment[1].bundle
    assert round(pick(bundle, "accuracy").value, 4) == 0.8272
    change = pick(bundle, "accuracy_change", role="shifted")
    assert round(pick(bundle, "accuracy").value + change.value, 4) == 0.8282
    assert change.interval.low < 0 < change.interval.high or abs(change.value) < 0.005


def test_calibration_has_decayed(employment):
    bundle = employment[1].bundle
    change = pick(bundle, "calibration_error_change", role="shifted")
    assert change.interval.low > 0
    assert round(pick(bundle, "ece").value, 4) == 0.0063
    assert round(pick(bundle, "ece", role="shifted").value, 4) == 0.0129


def test_groups_are_measured(employment):
    bundle = employment[1].bundle
    columns = {name for finding in bundle.findings for name in finding.part}
    assert {"sex", "race", "disability"} <= columns


def test_it_says_so(employment):
    assert any("calibration" in remark for remark in employment[1].remarks)


def test_the_shipped_card_says_what_this_run_says(employment):
    shipped_cards.hold("employment", employment[1])


def test_every_number_digest_and_date_of_the_documents_is_of_the_bundle_and_no_gap_is_kept_from_readers(
    employment, tmp_path
):
    true_bundles.hold(employment[1].bundle.path, tmp_path)


def test_the_page_of_the_owner_says_verdict_risks_and_next_steps_in_plain_words(employment, tmp_path):
    owner_pages.hold("employment", employment[1].bundle.path, tmp_path)
