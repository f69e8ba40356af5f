"""A real transfer: MiniLM fine-tuned on text messages, beside a linear probe on its frozen features."""

from __future__ import annotations

import re
from pathlib import Path

import owner_pages
import pytest
import shipped_cards
import true_bundles

import govkit as gk
from govkit.cli import screen
from govkit.core import Measurement
from govkit.demos.telling import pick

pytestmark = [pytest.mark.carrier, pytest.mark.long]


def test_the_tuned_model_stands_beside_its_base(sms):
    bundle = sms[1].bundle
    accuracy, base = pick(bundle, "accuracy"), pick(bundle, "accuracy", of="base")
    assert accuracy.n == base.n == 600
    assert accuracy.value > 0.97
    assert base.value > 0.96
    gain = pick(bundle, "accuracy", compared_with="base")
    assert gain.value == pytest.approx(accuracy.value - base.value)
    assert gain.interval.low < 0 < gain.interval.high, "the gain over the probe is too small to be sure of"


def test_the_change_in_calibration_is_measured(sms):
    change = pick(sms[1].bundle, "calibration_error", compared_with="base")
    assert change.interval.low <= change.value <= change.interval.high


def test_the_contradictory_license_of_the_data_is_found(sms):
    bundle = sms[1].bundle
    assert pick(bundle, "data_license", role="train").value == "conflict"
    component = next(each for each in bundle.run.data if each.role == "train")
    said = {each.expression for each in component.license.evidence}
    assert "MIT" in said
    assert any("GPL-3" in (each or "") for each in said)
    assert bundle.verdict.exit_code != 0


def test_the_duplicates_of_the_raw_file_are_said_aloud(sms):
    bundle = sms[1].bundle
    train = next(each for each in bundle.run.data if each.role == "train")
    assert train.notes["raw_rows"].value == 4862
    assert train.notes["raw_duplicates"].value == 328
    assert any("328" in remark for remark in sms[1].remarks)
    assert "328" in (bundle.path / "report.html").read_text(encoding="utf-8")


def test_the_record_is_bound_to_the_model(sms):
    bundle = sms[1].bundle
    assert pick(bundle, "artifact_matches").value is True
    assert bundle.run.exit == "finished"
    assert bundle.run.seed.value in (0, "0")
    assert {each.role for each in bundle.run.data} == {"train", "test"}


def test_passes_stay_within_what_the_checks_declare(sms):
    passes = sms[1].bundle.passes
    assert 0 < passes["forward"] <= 1.15 * passes["declared_forward"]
    assert passes["backward"] <= 1.15 * passes["declared_backward"]


def test_robustness_numbers_carry_a_trust_state(sms):
    attacked = [
        finding
        for finding in sms[1].bundle.findings
        if isinstance(finding, Measurement) and finding.name == "embedding_pgd_accuracy"
    ]
    assert {finding.of for finding in attacked} == {"candidate", "base"}
    assert all(finding.trust and finding.passes for finding in attacked)


def test_a_flipped_byte_of_the_weights_is_seen(sms):
    folder, story = sms
    weights = story.model / "model.safetensors"
    whole = weights.read_bytes()
    options = {"model": story.model, "trust": folder / "evidence.trust.yaml"}
    assert gk.verify(story.bundle.path, **options)
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        with pytest.raises(gk.EvidenceError, match=r"MODEL_MISMATCH.*model\.safetensors"):
            gk.verify(story.bundle.path, **options)
    finally:
        weights.write_bytes(whole)


def _flat(text: str) -> str:
    """Text without line breaks and with its numbers left open: they differ a little from machine to machine."""
    return re.sub(r"-?[0-9]+(\.[0-9]+)?", "#", " ".join(text.split()))


def _promised(heading: str) -> list[str]:
    """Pieces of output under a heading of the README, which leaves out what stands between them."""
    readme = (Path(gk.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```text\n(.*?)```", readme.split(f"## {heading}\n")[1].split("\n## ")[0], flags=re.DOTALL)
    return [_flat(part) for part in re.split(r"^ *\.\.\.\n", shown, flags=re.MULTILINE)]


def test_the_output_on_the_readme_is_real(sms, capsys):
    folder, story = sms
    screen.show_bundle(story.bundle, json=False)
    screen.show_story(story, folder)
    real = _flat(capsys.readouterr().out.replace(str(folder), "demo-sms"))
    promised = _promised("Two commands")
    assert len(promised) > 5
    for part in promised:
        assert part in real, part


def test_a_remedy_of_the_filter_says_what_the_readme_shows(sms, capsys):
    folder, story = sms
    made = gk.remedy(folder / "audit.yaml", "temperature", out=folder / "remedied", before=story.bundle.path)
    screen.show_remedy(made, json=False)
    real = _flat(capsys.readouterr().out)
    promised = _promised("A remedy")
    assert len(promised) > 2
    for part in promised:
        assert part in real, part
    error = next(each for each in made.effects if each.metric == "calibration_error" and not each.part)
    assert error.change.high < 0
    states = {ruling.control: ruling.state for ruling in made.bundle.verdict.rulings}
    was = {ruling.control: ruling.state for ruling in story.bundle.verdict.rulings}
    kept = ("LIC-01", "LIC-02", "LIC-03", "LIN-02", "LIN-04")
    assert {name: states[name] for name in kept} == {name: was[name] for name in kept}
    assert gk.verify(
        folder / "remedied" / "evidence",
        model=folder / "remedied" / "predictions.parquet",
        trust=folder / "remedied" / "evidence.trust.yaml",
    )


def test_the_card_does_not_promise_a_license_that_is_in_conflict(sms):
    """The tag of the base is not copied onto a model whose data license contradicts itself."""
    card = (sms[1].bundle.path / "card.md").read_text(encoding="utf-8")
    assert '"license": "other"' in card
    assert '"base_model": "all-MiniLM-L6-v2"' in card


def test_the_shipped_card_says_what_this_run_says(sms):
    shipped_cards.hold("sms", sms[1])


def test_every_number_digest_and_date_of_the_documents_is_of_the_bundle_and_no_gap_is_kept_from_readers(sms, tmp_path):
    true_bundles.hold(sms[1].bundle.path, tmp_path)


def test_the_page_of_the_owner_says_verdict_risks_and_next_steps_in_plain_words(sms, tmp_path):
    owner_pages.hold("sms", sms[1].bundle.path, tmp_path)
