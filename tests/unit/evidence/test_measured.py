"""Who has to have signed the findings, where a trust file names measurers."""

from __future__ import annotations

from pathlib import Path

import pytest
from evidence_bundle import make

from govkit import evidence
from govkit.errors import EvidenceError
from govkit.evidence.measured import UNSIGNED, refuse_unmeasured
from govkit.evidence.trust import TrustedKey

STATEMENT = "sha256:" + "6" * 64


def trust_of(place: Path, *roles: str) -> tuple[evidence.Trust, TrustedKey]:
    trust = evidence.trust_of(make(place).key, roles=roles)
    return trust, trust.keys[0]


@pytest.mark.parametrize("measured", [UNSIGNED, STATEMENT, None])
def test_without_a_measurer_in_the_trust_file_nothing_is_asked(tmp_path: Path, measured: str | None) -> None:
    trust, gate = trust_of(tmp_path, "gate")
    refuse_unmeasured(measured, gate, trust)


def test_where_one_is_named_the_findings_are_a_measurers(tmp_path: Path) -> None:
    trust, measurer = trust_of(tmp_path, "gate", "measure")
    gate = measurer.model_copy(update={"roles": ("gate",)})
    for measured, signer in ((STATEMENT, gate), (STATEMENT, measurer), (None, measurer)):
        refuse_unmeasured(measured, signer, trust)
    for measured, signer in ((None, gate), (UNSIGNED, gate), (UNSIGNED, measurer)):
        with pytest.raises(EvidenceError, match="the trust file names who may measure") as refused:
            refuse_unmeasured(measured, signer, trust)
        assert refused.value.code == "FINDINGS_UNSIGNED"
