"""Statements, findings and policies that were written to exhaust their reader: refused, or read in little memory."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from evidence_bundle import envelope
from pydantic import ValidationError
from watchdog import alarm

from govkit import evidence
from govkit.core import LEVELS, Verdict
from govkit.core.plain import MAX_KEYS, MAX_VALUES, plain_json
from govkit.documents import MAX_NODES, parse
from govkit.errors import EvidenceError, PolicyError
from govkit.evidence import canonical
from govkit.pipeline.bundle import FINDINGS

MEGABYTES = 500
CHILD = """
import sys
from govkit.cli import main
sys.argv[0] = "govkit"
code = 0
try:
    main()
except SystemExit as end:
    code = end.code
# Not ru_maxrss, which starts with the memory of the parent.
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(code or 0, peak / 1024, file=sys.stderr)
"""
DIGEST = "sha256:" + "a" * 64


def crowd(item: str) -> bytes:
    return ("[" + ",".join([item] * (MAX_VALUES + 1)) + "]").encode()


@pytest.mark.parametrize("item", ["{}", "[]", "1", '{"":0}'])
def test_more_values_than_any_file_of_ours_are_refused_before_they_are_made(item: str):
    raw = crowd(item)
    with pytest.raises(ValueError, match=f"more than {MAX_VALUES:,} values"):
        plain_json(raw)
    with pytest.raises(EvidenceError, match=f"more than {MAX_VALUES:,} values") as caught:
        canonical.loads(raw)
    assert caught.value.code == "BAD_JSON"


def test_an_object_of_very_many_keys_is_refused():
    raw = json.dumps({str(number): 0 for number in range(MAX_KEYS + 1)}).encode()
    for read in (plain_json, canonical.loads):
        with pytest.raises((ValueError, EvidenceError), match=f"more than {MAX_KEYS:,} keys"):
            read(raw)
    assert len(plain_json(json.dumps({str(number): 0 for number in range(MAX_KEYS)}).encode())) == MAX_KEYS


def test_the_first_wrong_item_of_a_long_list_refuses_it():
    for read in (FINDINGS.validate_python, lambda items: Verdict.model_validate({"rulings": items})):
        with pytest.raises(ValidationError) as caught:
            read([{}] * 1000)
        assert caught.value.error_count() < 20


def test_a_policy_of_very_many_values_is_refused():
    with alarm(60), pytest.raises(PolicyError, match=f"more than {MAX_NODES:,} values"):
        parse("controls:\n" + "- {}\n" * (MAX_NODES + 1), "policy.yaml", error=PolicyError)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real bundle whose findings a stranger replaced by as many as a statement may hold."""
    folder = tmp_path_factory.mktemp("stranger")
    cards = Path(__file__).parents[2] / "model_cards"
    with tarfile.open(cards / "employment" / "evidence.tar.xz") as packed:
        packed.extractall(folder, filter="data")
    made = next(folder.rglob("findings.sigstore.json"))
    outer = json.loads(made.read_bytes())
    statement = json.loads(base64.b64decode(outer["dsseEnvelope"]["payload"]))
    statement["predicate"]["findings"] = list(findings())
    made.write_bytes(envelope(json.dumps(statement).encode(), evidence.throwaway_key("nobody", "2026-11-01T00:00:00Z")))
    (folder / "findings.json").write_bytes(json.dumps(statement["predicate"]).encode())
    return made.parent


def findings() -> Iterator[dict[str, Any]]:
    bounds = [{"level": level, "low": 0.4, "high": 0.6} for level in LEVELS]
    for number in range((MAX_VALUES - 20_000) // 60):
        yield {
            "kind": "measurement", "check": "performance", "name": "accuracy", "value": 0.5, "n": 100,
            "part": {"sex": f"g{number}"}, "bounds": bounds, "data": {"role": "test", "digest": DIGEST},
        }  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "{bundle}", "--json"),
        pytest.param(("compare", "{bundle}", "{bundle}", "--html", "{out}"), marks=pytest.mark.long),
        ("judge", "{bundle}/../findings.json", "--policy", "nist-ai-rmf-core", "--out", "{out}"),
        pytest.param(("render", "{bundle}", "--out", "{out}", "--no-pdf"), marks=pytest.mark.long),
    ],
    ids=lambda arguments: arguments[0],
)
def test_as_many_findings_as_there_may_be_are_read_in_little_memory(
    bundle: Path, tmp_path: Path, arguments: Sequence[str]
):
    told = [each.format(bundle=bundle, out=tmp_path / "out") for each in arguments]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *told],
        capture_output=True, text=True, check=True, timeout=300, env={**os.environ, "COLUMNS": "100"},
    )  # fmt: skip
    code, peak = done.stderr.split()[-2:]
    assert int(code) in (0, 1, 3), done.stderr[-500:]
    assert float(peak) < MEGABYTES
