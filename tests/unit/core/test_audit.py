"""The audit file as signed bundles hold it."""

from __future__ import annotations

import yaml

from govkit.core import Audit
from govkit.pipeline.digests import audit_digest

OLDER = """
schema: govkit.audit/v1
name: letters
subject: {model: tuned}
base: {model: base, head: probe}
data: {test: {path: test.csv}, train: {path: train.csv}}
columns: {input: text, label: label, groups: [sex], id: id}
use: {purpose: sort letters, intent: [internal]}
"""


def test_a_key_that_came_later_changes_no_digest_of_a_file_without_it() -> None:
    """A bundle that was signed before the key existed verifies as it did."""
    digest = "sha256:7cb0e71be4fed1f7eef4ed2b81186a24b6e3a6465ad833d080b1bc236e53cb95"
    assert audit_digest(Audit.model_validate(yaml.safe_load(OLDER))) == digest
