from __future__ import annotations

import json

import pytest

from govkit import documents
from govkit.errors import PolicyError
from govkit.resources import find, load


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("policies/standards", "nist_ai_rmf.yaml"),
        ("policies", "attestations.yaml"),
        ("templates", "words.yaml"),
    ],
)
def test_shipped_files_mean_the_same_to_the_fast_reader_and_to_the_strict_one(kind: str, name: str) -> None:
    strict = documents.read(find(kind) / name, error=PolicyError).data
    assert json.dumps(load(kind, name), default=str) == json.dumps(strict)  # a date is text to the strict one
