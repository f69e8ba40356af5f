"""Laws of the evidence: no byte changes unseen, and JSON has one form."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import evidence_bundle as tools
import pytest
from evidence_bundle import NOW, Small
from hypothesis import given, settings, strategies as st

from govkit import evidence, manifest
from govkit.errors import EvidenceError
from govkit.manifest import FileDigest

QUICK = settings(max_examples=200, deadline=None, derandomize=True)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    return tools.make(tmp_path_factory.mktemp("laws"))


@contextmanager
def changed(path: Path, data: bytes) -> Iterator[None]:
    before = path.read_bytes()
    path.write_bytes(data)
    try:
        yield
    finally:
        path.write_bytes(before)


def files_of(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def refusal(small: Small, path: Path, data: bytes) -> EvidenceError:
    with changed(path, data), pytest.raises(EvidenceError) as caught:
        small.check()
    return caught.value


def named(error: EvidenceError, root: Path, path: Path) -> None:
    name = path.relative_to(root).as_posix()
    assert error.file == name
    assert name in str(error)


@QUICK
@given(data=st.data())
def test_every_flipped_bit_is_refused_with_the_file_named(small: Small, data: st.DataObject) -> None:
    root = data.draw(st.sampled_from([small.folder, small.model]))
    path = data.draw(st.sampled_from(files_of(root)))
    raw = bytearray(path.read_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    named(refusal(small, path, bytes(raw)), root, path)


@QUICK
@given(data=st.data())
def test_every_cut_or_added_byte_is_refused_with_the_file_named(small: Small, data: st.DataObject) -> None:
    root = data.draw(st.sampled_from([small.folder, small.model]))
    path = data.draw(st.sampled_from(files_of(root)))
    raw = path.read_bytes()
    at = data.draw(st.integers(0, len(raw) - 1))
    added = data.draw(st.binary(max_size=3))
    new = raw[:at] + added + raw[at + (0 if added else 1) :]
    named(refusal(small, path, new), root, path)


def test_each_file_is_guarded_at_a_random_bit(small: Small) -> None:
    """No file is left to the luck of the draw above."""
    draw = random.Random(0)  # noqa: S311
    for root in (small.folder, small.model):
        for path in files_of(root):
            raw = bytearray(path.read_bytes())
            raw[draw.randrange(len(raw))] ^= 1 << draw.randrange(8)
            named(refusal(small, path, bytes(raw)), root, path)
    assert small.check().model_checked


def test_all_single_bits_of_a_statement_are_guarded() -> None:
    """Exhaustive: there is no second file that says the same."""
    key = evidence.throwaway_key("Ada", NOW)
    raw = evidence.sign("urn:x", {"ok": True}, [("m", "sha256:" + "0" * 64)], key)
    options: dict[str, Any] = {"trust": evidence.trust_of(key), "as_of": NOW, "file": "x"}
    assert evidence.open_statement(raw, role="gate", predicate_type="urn:x", **options).predicate == {"ok": True}
    for place in range(len(raw) * 8):
        forged = bytearray(raw)
        forged[place // 8] ^= 1 << place % 8
        with pytest.raises(EvidenceError):
            evidence.open_statement(bytes(forged), role="gate", predicate_type="urn:x", **options)


@QUICK
@given(raw=st.binary(max_size=200))
def test_no_bytes_crash_the_readers(raw: bytes) -> None:
    key = evidence.throwaway_key("Ada", NOW)
    with pytest.raises(EvidenceError):
        evidence.open_statement(
            raw, trust=evidence.trust_of(key), role="gate", predicate_type="urn:x", as_of=NOW, file="x"
        )


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
)
plain = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4), max_leaves=12
)


@QUICK
@given(value=plain)
def test_canonical_json_round_trips(value: Any) -> None:
    raw = evidence.dumps(value)
    assert evidence.loads(raw) == value
    assert evidence.dumps(evidence.loads(raw)) == raw


@QUICK
@given(value=st.dictionaries(text, scalars, max_size=5), order=st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(value: dict[str, Any], order: random.Random) -> None:
    items = list(value.items())
    order.shuffle(items)
    assert evidence.dumps(dict(items)) == evidence.dumps(value)


@QUICK
@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_floats_keep_every_digit(value: float) -> None:
    back = evidence.loads(evidence.dumps(value))
    assert float(back) == value
    assert math.isfinite(back)


@QUICK
@given(predicate=st.dictionaries(text, plain, max_size=4))
def test_what_is_signed_is_what_is_opened(predicate: dict[str, Any]) -> None:
    key = evidence.throwaway_key("Ada", NOW)
    raw = evidence.sign("urn:x", predicate, [("m", "sha256:" + "0" * 64)], key)
    options: dict[str, Any] = {"trust": evidence.trust_of(key), "as_of": NOW, "file": "x"}
    assert evidence.open_statement(raw, role="gate", predicate_type="urn:x", **options).predicate == predicate


names = st.from_regex(r"[a-z]{1,3}(/[a-z]{1,3})?", fullmatch=True)
files = st.builds(FileDigest, names, st.from_regex(r"[0-9a-f]{64}", fullmatch=True), st.integers(0, 2**53 - 1))


@QUICK
@given(one=st.lists(files, max_size=4, unique_by=lambda file: file.path), order=st.randoms(use_true_random=False))
def test_the_digest_knows_no_order(one: list[FileDigest], order: random.Random) -> None:
    other = list(one)
    order.shuffle(other)
    assert manifest.digest_of(other) == manifest.digest_of(one)


@QUICK
@given(one=st.sets(files, max_size=3), other=st.sets(files, max_size=3))
def test_other_files_have_another_digest(one: set[FileDigest], other: set[FileDigest]) -> None:
    assert (manifest.digest_of(one) == manifest.digest_of(other)) == (one == other)
