from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from govkit import documents
from govkit.errors import PolicyError
from govkit.policy import digest, dump, load, packs

Text = Callable[..., str]
Write = Callable[..., Path]


def refused(path: Path | str) -> str:
    with pytest.raises(PolicyError) as caught:
        load(path)
    return str(caught.value)


def test_a_shipped_pack_is_read_by_name_and_by_reference() -> None:
    assert load("nist-ai-rmf-core") == load("govkit:nist-ai-rmf-core@0") == load("nist-ai-rmf-core@0")


def test_every_shipped_pack_loads_and_says_its_own_name() -> None:
    assert packs()
    for name in packs():
        assert load(name).id == name


def test_a_misspelt_pack_is_told_the_nearest_or_all() -> None:
    assert "(did you mean 'nist-ai-rmf-core'?)" in refused("nist-ai-rfm-core")
    assert "(known: closed-base-api, " in refused("zzz")


def test_another_major_version_is_refused() -> None:
    assert "version 7 is asked for" in refused("nist-ai-rmf-core@7")


def test_a_path_wins_over_a_pack(write: Write, text: Text) -> None:
    assert load(str(write(text(), "nist-ai-rmf-core.yaml"))).id == "mine"


def test_a_dump_loads_again_to_the_same_policy_and_digest(write: Write) -> None:
    policy = load("nist-ai-rmf-core")
    again = load(write(dump(policy)))
    assert again == policy
    assert digest(again) == digest(policy)
    assert digest(policy).startswith("sha256:")


def test_the_digest_sees_every_limit(write: Write, text: Text) -> None:
    one, two = load(write(text())), load(write(text(require="{min: 0.81}"), "two.yaml"))
    assert digest(one) != digest(two)


def test_a_byte_order_mark_is_accepted(write: Write, text: Text) -> None:
    assert load(write(b"\xef\xbb\xbf" + text().encode())).id == "mine"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "the file is empty"),
        ("# nothing but a comment\n", "the file is empty"),
        ("- a\n- b\n", "expected keys and values at the top, found a list"),
        ("just text\n", "found text"),
        ("a: 1\n---\nb: 2\n", "expected a single document"),
        ("a: &x [1]\nb: *x\n", ":2: aliases"),
        ("a: &x {b: 1}\nc: {<<: *x}\n", ":2: aliases"),
        ("a: !!python/object/apply:os.system [ls]\n", "the tag"),
        ("a: !mine 1\n", "the tag"),
        ("1: a\n", "the key '1' is not text"),
        ("? [a, b]\n: c\n", "a list or mapping is not text"),
        ("a: 1\na: 2\n", ":2: the key 'a' stands twice; it first stands in line 1"),
        ("a: 1e999\n", "not finite"),
        ("a: 99999999999999999999\n", "too large"),
        ("a: [1, 2\n", "policy.yaml:2:"),
        ("a: \x07\n", "U+0007"),
        ("a: " + "[" * 200, "nested deeper"),
        ("a:\n\tb: 1\n", "line 2 is indented with a tab"),
    ],
)
def test_bad_yaml_is_refused_with_its_line(write: Write, content: str, expected: str) -> None:
    message = refused(write(content))
    assert expected in message
    assert "policy.yaml" in message


def test_text_that_is_not_utf_8_is_refused(write: Write) -> None:
    assert ":2: byte 3 is not UTF-8" in refused(write(b"a:\n\xff\xfe"))


def test_a_large_file_is_refused(write: Write) -> None:
    assert "larger than" in refused(write("#" * 1_000_001))


def test_a_folder_a_loop_of_links_and_a_pipe_are_refused(tmp_path: Path) -> None:
    folder, loop, pipe = tmp_path / "folder.yaml", tmp_path / "loop.yaml", tmp_path / "pipe.yaml"
    folder.mkdir()
    loop.symlink_to(loop)
    os.mkfifo(pipe)
    assert "found a folder" in refused(folder)
    assert "cannot be read" in refused(loop)
    assert "expected a regular file" in refused(pipe)
    assert "cannot be read" in refused(tmp_path / "nowhere.yaml")
    assert "cannot be the name of a file" in refused("a\0.yaml")


def test_yes_and_dates_are_text_and_true_is_a_truth() -> None:
    data = documents.parse("a: yes\nb: 2027-05-31\nc: true\nd: 1e-3\ne:\n", "x", error=PolicyError).data
    assert data == {"a": "yes", "b": "2027-05-31", "c": True, "d": 0.001, "e": None}


def test_an_empty_policy_is_refused(write: Write) -> None:
    top = "schema: govkit.policy/v1\nid: a\nversion: 1.0.0\n"
    assert "controls: is required and absent" in refused(write(top))
    assert ":4: controls: " in refused(write(top + "controls: []\n"))
    assert "controls: " in refused(write(top + "controls: {}\n"))
    assert "controls: " in refused(write(top + "controls:\n"))


@pytest.mark.parametrize(
    ("changes", "tail", "expected"),
    [
        ({}, "    on_fial: warn\n", ":15: controls.A-1.on_fial: unknown key 'on_fial' (did you mean 'on_fail'?)"),
        ({"require": "{mim: 0.8}"}, "", ":11: controls.A-1.require.mim: unknown key 'mim' (did you mean 'min'?)"),
        ({"require": "{}"}, "", "expected min, max or equals; found none of them"),
        ({"require": "{min: 0.9, max: 0.1}"}, "", "min 0.9 is above max 0.1"),
        ({"require": "{min: .nan}"}, "", "controls.A-1.require.min: found '.nan'"),
        ({"require": "{min: NaN}"}, "", "controls.A-1.require.min: found 'NaN'"),
        ({"require": "{min: -.inf}"}, "", "controls.A-1.require.min: found '-.inf'"),
        ({"require": "{min: -Infinity}"}, "", "controls.A-1.require.min: found '-Infinity'"),
        ({"require": "{min: true}"}, "", "controls.A-1.require.min: found True"),
        ({"require": "{min: '0.8'}"}, "", "controls.A-1.require.min: found '0.8'"),
        ({"require": "{min: 0_8}"}, "", "controls.A-1.require.min: found '0_8'"),
        ({}, "    confidence: '0.95'\n", "controls.A-1.confidence: found '0.95'"),
        (
            {"severity": "hihg"},
            "",
            ":13: controls.A-1.severity: found 'hihg'; expected info, low, medium, high, critical (did you mean 'hi",
        ),
        ({"authority": ""}, "", "also needs authority"),
        ({"metric": ""}, "", "also needs metric"),
        ({"check": ""}, "", "expected exactly one of check and attest"),
        ({"rmf": "[]"}, "", "controls.A-1.rmf: "),
        ({"severity": "high"}, "    on_fail: warn\n", "severity high needs on_fail: block"),
        ({}, "    on_missing: ignore\n", "less evidence may not open the gate"),
        ({}, "    over: [sexx]\n", "slice 'sexx' is not one of groups"),
        ({}, "    when: {}\n", "an empty when excludes nothing"),
        ({}, "    when: {has: []}\n", "has is an empty list; expected at least one word"),
        ({}, "    when: {modality: [], has: [base]}\n", "modality is an empty list; expected at least one word"),
        ({}, "    when: {access: []}\n", "access is an empty list; expected at least one word"),
        ({}, "    when: {has: [shited]}\n", "did you mean 'shifted'"),
        ({"id": "'a b'"}, "", "controls.a b.id: "),
    ],
)
def test_a_misspelt_or_contradictory_policy_is_refused(
    write: Write, text: Text, changes: dict[str, str], tail: str, expected: str
) -> None:
    assert expected in refused(write(text(tail, **changes)))


def test_unknown_keys_elsewhere_name_their_own_neighbours(write: Write, text: Text) -> None:
    head = "slices:\n  sex: {by: sex, min: 3}\ndecision: {confidenc: 0.9}\n"
    message = refused(write(text(head=head)))
    assert "unknown key 'min' (did you mean 'min_n'?)" in message
    assert "unknown key 'confidenc' (did you mean 'confidence'?)" in message
    assert "unknown key 'controlz'" in refused(write(text(head="controlz: []\n"), "b.yaml"))


@pytest.mark.parametrize("day", ["2026-02-30", "2027-13-01", "2027-5-1", "20270501", "soon", "true", "2027"])
def test_a_day_that_does_not_exist_is_refused(write: Write, text: Text, day: str) -> None:
    assert ":4: review_by: " in refused(write(text().replace("review_by: 2030-01-01", f"review_by: {day}")))
    relax = f"relax: [{{control: A-1, field: require, reason: agreed in the meeting, approver: M, expires: {day}}}]\n"
    assert "expires: " in refused(write(text(head=relax)))


def test_a_parent_of_another_schema_version_is_refused_in_its_own_line(write: Write, text: Text) -> None:
    write(text().replace("govkit.policy/v1", "govkit.policy/v2"), "parent.yaml")
    message = refused(write(text(head="extends: [parent.yaml]\n", id="B-1")))
    assert "parent.yaml:1: schema: found 'govkit.policy/v2'" in message


def test_a_parent_that_is_too_large_is_refused(write: Write, text: Text) -> None:
    write(text() + "#" * 5_000_000, "parent.yaml")
    assert "parent.yaml: larger than" in refused(write(text(head="extends: [parent.yaml]\n", id="B-1")))


def test_two_controls_of_one_id_are_refused(write: Write, text: Text) -> None:
    again = text().split("controls:\n")[1]
    assert "A-1 stands more than once" in refused(write(text() + again))
