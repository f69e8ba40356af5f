"""Two bundles side by side: the answer follows from what they hold, and whatever is no same question says why."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bundle_fixture import ARTIFACT, SHIFTED, TEST, measurement, write_bundle
from hostile_fixture import SCRIPT, hostile_options
from hypothesis import given, settings, strategies as st
from markdown_it import MarkdownIt
from page_reader import Page, evidence, walk

from govkit import core
from govkit.report import comparing
from govkit.report.comparing import Comparison, Question, compare
from govkit.report.comparing.questions import judge, read_difference
from govkit.report.comparing.written import LONGEST, ON_SCREEN
from govkit.report.html import _NUMBER
from govkit.report.numbers import number as formed
from govkit.report.read import Sources, read
from govkit.report.words import catalog

OTHER = "sha256:" + "0b" * 32
THIRD = "sha256:" + "0c" * 32
FLIPPED = {"better": "worse", "worse": "better"}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    return read(write_bundle(tmp_path_factory.mktemp("plain") / "a"))


def number(name: str = "accuracy", value: Any = 0.8, **more: Any) -> core.Measurement:
    more.setdefault("better", "higher")
    return measurement(name, value, check=more.pop("check", "performance"), **more)


def holding(plain: Sources, *found: core.Finding, artifact: str = ARTIFACT, **more: Any) -> Sources:
    """The plain bundle with these findings instead of its own."""
    digest = f"sha256:{hashlib.sha256(repr((found, artifact)).encode()).hexdigest()}"
    measured = {**plain.measured, **{key: more.pop(key) for key in ("incumbent", "tool", "seed") if key in more}}
    verdict = more.pop("verdict", plain.verdict).model_copy(update={"subject": artifact})
    return replace(plain, findings=found, findings_digest=digest, measured=measured, verdict=verdict, **more)


def asked(plain: Sources, a: tuple[core.Finding, ...], b: tuple[core.Finding, ...]) -> Question:
    """The only question of two bundles with these findings."""
    (question,) = compare(holding(plain, *a), holding(plain, *b)).questions
    return question


def test_a_bundle_beside_itself_says_that_nothing_changed(plain: Sources) -> None:
    found = compare(plain, plain)
    assert found.nothing_changed
    counts = dict(found.counts)
    assert counts.pop("unchanged") > 80
    assert set(counts.values()) == {0}
    assert (found.rulings, found.gaps, found.facts, found.lost, found.got_worse) == ((), (), (), 0, False)
    assert not found.lost_evidence
    assert any(catalog()["compare"]["nothing"] in line for line, _ in comparing.lines(found))


@pytest.mark.parametrize(
    ("a", "b", "says"),
    [
        (number(value=0.8), number(value=0.9), ("better", "intervals", "")),
        (number(value=0.9), number(value=0.8), ("worse", "intervals", "")),
        (number(value=0.8, better="lower"), number(value=0.9, better="lower"), ("worse", "intervals", "")),
        (number(value=0.8), number(value=0.81), ("undecided", "", "overlap")),
        (number(value=0.8, width=0.05), number(value=0.9, width=0.05), ("undecided", "", "overlap")),
        (number(value=0.8), number(value=0.8, width=0.5), ("unchanged", "", "")),
        (number(value=0.8, width=0), number(value=0.9), ("undecided", "", "no interval")),
        (number(value=0.8, trust="suspect"), number(value=0.9, trust="trusted"), ("undecided", "", "not believed")),
        (number(value=0.8, seed="1"), number(value=0.9, seed="2"), ("not comparable", "", "other seed")),
        (number(value=0.8, seed=""), number(value=0.9, seed="2"), ("better", "intervals", "")),
        (number(value=0.8, better=None), number(value=0.9, better=None), ("changed", "", "")),
        (number("consistency_p", 0.2), number("consistency_p", 0.9), ("changed", "", "")),
        (number(value=0.8, of="base"), number(value=0.9, of="base"), ("changed", "", "")),
        (number(value="known", better=None), number(value="conflict", better=None), ("changed", "", "")),
        (number(value=True), number(value=1), ("changed", "", "")),
    ],
)  # fmt: skip
def test_two_numbers_are_judged_by_their_intervals_alone(
    a: core.Measurement, b: core.Measurement, says: tuple[str, str, str]
) -> None:
    assert judge(a, b) == says
    answer, basis, reason = says
    assert judge(b, a) == (FLIPPED.get(answer, answer), basis, reason)


def test_counts_are_compared_as_counts_and_intervals_of_two_levels_not_at_all() -> None:
    few, many = (number("rows", value, interval=core.finding.exact(value)[0], better="lower") for value in (3, 5))
    assert judge(few, many) == ("worse", "counted", "")
    wide = core.Interval(level=0.9, low=0.1, high=0.2, method="score")
    assert judge(number(value=0.8), number(value=0.15, interval=wide)) == ("not comparable", "", "other level")


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (number(value=0.03, width=0.02), ("better", "")),
        (number(value=-0.03, width=0.02), ("worse", "")),
        (number(value=0.03, width=0.02, better="lower"), ("worse", "")),
        (number(value=0.03, width=0.03), ("undecided", "chance")),
        (number(value=0.03, width=0), ("undecided", "no interval")),
        (number(value=0.03, width=0.02, trust="suspect"), ("undecided", "not believed")),
        (number(value=0.0, interval=core.finding.exact(0.0)[0]), ("unchanged", "")),
    ],
)
def test_a_paired_difference_is_read_by_where_zero_lies(found: core.Measurement, says: tuple[str, str]) -> None:
    assert read_difference(found) == says


GAP = core.Gap(check="performance", name="accuracy", reason="no data")
LEVEL = core.Interval(level=0.9, low=0.1, high=0.2, method="score")


@pytest.mark.parametrize(
    ("reason", "a", "b"),
    [
        ("other rows", number(), number(data=TEST.model_copy(update={"digest": OTHER}))),
        ("other parameters", number(params={"bins": 10}), number(params={"bins": 15})),
        ("other seed", number(seed="1"), number(seed="2")),
        ("other level", number(), number(value=0.15, interval=LEVEL)),
        ("gap in b", number(), GAP),
        ("gap in a", GAP, number()),
        ("gap in b", number(), GAP.model_copy(update={"name": "*"})),
        ("gap in b", number(part={"sex": "Female"}), GAP),
        ("unknown incumbent", number(compared_with="incumbent"), number(value=0.9, compared_with="incumbent")),
        ("unknown incumbent", number("flips_vs_incumbent"), number("flips_vs_incumbent", 0.9)),
    ],
)
def test_whatever_is_no_same_question_is_not_compared_and_says_why(
    plain: Sources, reason: str, a: core.Finding, b: core.Finding
) -> None:
    found = asked(plain, (a,), (b,))
    assert (found.answer, found.reason) == ("not comparable", reason)
    assert catalog()["compare"]["reasons"][reason]


def test_what_only_one_bundle_measured_is_named_as_such(plain: Sources) -> None:
    assert asked(plain, (number(),), ()).reason == "only in a"
    assert asked(plain, (), (number(),)).reason == "only in b"
    reasons = [
        each.reason for each in compare(holding(plain, number()), holding(plain, number(data=SHIFTED))).questions
    ]
    assert sorted(reasons) == ["only in a", "only in b"], "other roles are other questions"


def test_every_reason_turn_and_answer_has_its_word() -> None:
    says = catalog()["compare"]
    source = Path(comparing.__file__).parent
    code = "".join(path.read_text(encoding="utf-8") for path in source.glob("*.py"))
    assert [reason for reason in says["reasons"] if f'"{reason}"' not in code and "unknown" not in reason
            and "other" not in reason] == []  # fmt: skip
    assert set(says["answers"]) == set(comparing.model.ANSWERS)
    assert set(says["answers"]) - set(says["captions"]) == {"unchanged"}


@pytest.mark.parametrize(("base", "reason"), [(OTHER, "other base"), (None, "unknown base")])
def test_a_number_beside_the_base_is_compared_only_beside_the_same_base(
    plain: Sources, base: str | None, reason: str
) -> None:
    assert plain.run is not None
    digest = core.Fact(value=base, seen="observed" if base else "unknown")
    other = plain.run.model_copy(update={"base": plain.run.base.model_copy(update={"digest": digest})})
    numbers = [number(value=v, compared_with="base") for v in (0.1, 0.2)]
    exposed = [number("exposed", value=v, check="base_exposure", better="lower") for v in (0.1, 0.2)]
    alone = [number("recall", v) for v in (0.1, 0.2)]
    first, second = ([numbers[i], exposed[i], alone[i]] for i in (0, 1))
    same = compare(holding(plain, *first), holding(plain, *second))
    assert same.counts | {"better": 2, "worse": 1} == same.counts
    found = compare(holding(plain, *first), holding(plain, *second, run=other))
    assert found.reasons == {reason: 2}
    assert found.counts["better"] == 1


def test_a_paired_difference_to_the_other_model_answers_before_the_intervals_do(plain: Sources) -> None:
    pair = number(value=-0.02, width=0.01, compared_with="incumbent")
    a = holding(plain, number(value=0.80, width=0.05), artifact=OTHER)
    b = holding(plain, number(value=0.78, width=0.05), pair, incumbent=OTHER)
    (found,) = compare(a, b).questions
    assert (found.answer, found.basis, found.paired_in) == ("worse", "paired", "b")
    (mirrored,) = compare(b, a).questions
    assert (mirrored.answer, mirrored.basis, mirrored.paired_in, mirrored.paired) == ("better", "paired", "a", pair)
    shown = "\n".join(line for line, _ in comparing.lines(compare(a, b)))
    assert "B − A: −0.020 (−0.030 to −0.010)" in shown
    assert "A − B: −0.020 (−0.030 to −0.010)" in comparing.markdown(compare(b, a)).replace("\\", "")


def test_a_paired_difference_answers_also_where_the_first_was_measured_on_other_rows_or_not_at_all(
    plain: Sources,
) -> None:
    pair = number(value=0.03, width=0.01, compared_with="incumbent")
    b = holding(plain, number(value=0.83), pair, incumbent=OTHER)
    for first in ((number(data=TEST.model_copy(update={"digest": OTHER})),), ()):
        (found,) = compare(holding(plain, *first, artifact=OTHER), b).questions
        assert (found.answer, found.reason) == ("better", "")


def test_what_a_search_found_beside_the_other_model_is_no_difference(plain: Sources) -> None:
    drop = number("visible_drop", 0.3, width=0.01, better="lower", check="found_parts", compared_with="incumbent")
    found = compare(holding(plain, artifact=OTHER), holding(plain, drop, incumbent=OTHER)).questions
    assert [(each.answer, each.reason, each.paired) for each in found] == [("not comparable", "only in b", None)]


def test_a_paired_difference_to_a_third_model_answers_nothing(plain: Sources) -> None:
    pair = number(value=0.03, width=0.01, compared_with="incumbent")
    a = holding(plain, number(value=0.8), pair, artifact=OTHER, incumbent=THIRD)
    b = holding(plain, number(value=0.8), pair.model_copy(update={"value": 0.09}), incumbent=ARTIFACT)
    assert [each.reason for each in compare(a, b).questions] == ["", "other incumbent"]
    same = compare(a, replace(b, measured=a.measured))
    assert [each.answer for each in same.questions] == ["unchanged", "undecided"]


def test_two_paired_differences_that_contradict_each_other_settle_nothing(plain: Sources) -> None:
    up, down = (number(value=v, width=0.01, compared_with="incumbent") for v in (0.03, -0.03))
    a = holding(plain, number(value=0.8), up, artifact=OTHER, incumbent=ARTIFACT)
    b = holding(plain, number(value=0.8), up, incumbent=OTHER)
    (found,) = compare(a, b).questions
    assert (found.answer, found.reason) == ("undecided", "contradiction")
    (agreed,) = compare(a, holding(plain, number(value=0.8), down, incumbent=OTHER)).questions
    assert (agreed.answer, agreed.basis) == ("worse", "paired")


values = st.sampled_from([0.2, 0.21, 0.5, 0.8])
measured = st.builds(
    number,
    name=st.sampled_from(["accuracy", "recall"]),
    value=values,
    width=st.sampled_from([0.0, 0.01, 0.2]),
    better=st.sampled_from(["higher", "lower", None]),
    params=st.sampled_from([{}, {"bins": 10}]),
    part=st.sampled_from([{}, {"sex": "Female"}]),
    seed=st.sampled_from(["", "1"]),
    of=st.sampled_from(["candidate", "base"]),
    compared_with=st.sampled_from([None, "incumbent"]),
    data=st.sampled_from([TEST, SHIFTED]),
)
bundles = st.lists(st.one_of(measured, st.just(GAP)), max_size=6)


@given(bundles, bundles, st.sampled_from([None, OTHER, THIRD]), st.sampled_from([None, ARTIFACT, THIRD]))
@settings(max_examples=150, deadline=None)
def test_the_other_way_round_better_is_worse_and_nothing_else_changes(
    plain: Sources, first: list[core.Finding], second: list[core.Finding], beside_b: str | None, beside_a: str | None
) -> None:
    a = holding(plain, *first, artifact=OTHER, **({"incumbent": beside_a} if beside_a else {}))
    b = holding(plain, *second, **({"incumbent": beside_b} if beside_b else {}))
    there, back = compare(a, b), compare(b, a)
    swap = {"gap in a": "gap in b", "gap in b": "gap in a", "only in a": "only in b", "only in b": "only in a"}

    def told(found: Comparison, *, turned: bool) -> Counter[Any]:
        return Counter(
            (
                FLIPPED.get(q.answer, q.answer) if turned else q.answer,
                swap.get(q.reason, q.reason) if turned else q.reason,
                repr((q.b, q.a) if turned else (q.a, q.b)),
            )
            for q in found.questions
        )

    assert told(there, turned=False) == told(back, turned=True)
    assert len(there.gaps) == len(back.gaps)


def test_the_order_of_findings_changes_nothing(plain: Sources) -> None:
    lists = [number("limit", text, better=None) for text in ("one", "two", "three")]
    found = compare(holding(plain, *lists), holding(plain, *lists[::-1]))
    assert found.counts["unchanged"] == 3
    fewer = compare(holding(plain, *lists), holding(plain, lists[2], lists[0]))
    assert (fewer.counts["unchanged"], fewer.reasons, fewer.lost) == (2, {"only in a": 1}, 0)


# What is lost


@pytest.mark.parametrize(
    ("a", "b", "lost"),
    [
        ([number()], [GAP], 1),
        ([number()], [], 1),
        ([number(part={"sex": "Female"})], [number()], 1),
        ([number()], [number(data=TEST.model_copy(update={"digest": OTHER}))], 0),
        ([number("found_drop", part={"found": "place = east"})], [number("found_parts", 0)], 0),
        ([number("found_drop", part={"found": "place = east"})], [], 1),
        ([number("reason", "few rows", better=None)], [number()], 0),
        ([], [number()], 0),
    ],
)
def test_what_was_measured_and_is_no_longer_is_lost_and_a_part_that_vanished_is_not(
    plain: Sources, a: list[core.Finding], b: list[core.Finding], lost: int
) -> None:
    found = compare(holding(plain, *a), holding(plain, *b))
    assert (found.lost, found.lost_evidence) == (lost, bool(lost))
    if lost:
        assert "no longer measured" in comparing.markdown(found)


# Rulings, gaps, people, lineage


def ruled(plain: Sources, **changes: dict[str, Any]) -> core.Verdict:
    rulings = tuple(
        each.model_copy(update=changes.get(each.control.replace("-", "_"), {})) for each in plain.verdict.rulings
    )
    return plain.verdict.model_copy(update={"rulings": rulings})


@pytest.mark.parametrize(
    ("control", "change", "turn", "back"),
    [
        ("PERF_01", {"state": "fail", "disposition": "block"}, "harder", "milder"),
        ("FAIR_01", {"state": "pass", "disposition": "ignore"}, "milder", "harder"),
        ("FAIR_01", {"state": "inconclusive"}, "other", "other"),
        ("FAIR_01", {"waived": True}, "milder", "harder"),
        ("PERF_01", {"state": "missing", "disposition": "review"}, "no longer judged", "milder"),
        ("PERF_01", {"state": "not_applicable"}, "no longer judged", "other"),
    ],
)
def test_a_ruling_turns_by_its_consequence(
    plain: Sources, control: str, change: dict[str, Any], turn: str, back: str
) -> None:
    other = replace(plain, verdict=ruled(plain, **{control: change}))
    (found,) = compare(plain, other).rulings
    assert (found.control, found.turn) == (control.replace("_", "-"), turn)
    (mirrored,) = compare(other, plain).rulings
    assert (mirrored.turn, mirrored.a, mirrored.b) == (back, found.b, found.a)
    assert compare(plain, other).got_worse == (turn == "harder")
    assert compare(plain, other).lost_evidence == (turn == "no longer judged")


def test_controls_that_are_new_gone_or_changed_are_told_apart(plain: Sources) -> None:
    fewer = plain.verdict.model_copy(update={"rulings": plain.verdict.rulings[1:]})
    assert [(each.control, each.turn) for each in compare(plain, replace(plain, verdict=fewer)).rulings] == [
        ("PERF-01", "gone")
    ]
    assert [each.turn for each in compare(replace(plain, verdict=fewer), plain).rulings] == ["new"]
    first = plain.policy.controls[0].model_copy(update={"severity": "low"})
    policy = plain.policy.model_copy(update={"controls": (first, *plain.policy.controls[1:])})
    worse = ruled(plain, PERF_01={"state": "fail", "disposition": "block"})
    (found,) = compare(plain, replace(plain, policy=policy, verdict=worse)).rulings
    assert found.turn == "asked otherwise"
    assert not compare(plain, replace(plain, policy=policy, verdict=worse)).got_worse


def test_rows_without_a_digest_are_not_called_the_same(plain: Sources) -> None:
    unknown = core.DataRef(role="train", digest="")
    a, b = (holding(plain, number(data=TEST), number("share", value, data=unknown)) for value in (0.8, 0.9))
    found = compare(a, b)
    assert found.same_rows == found.dump()["same"]["rows"] == {"test": True, "train": None}
    assert not found.nothing_changed
    shown = "\n".join(line for line, _ in comparing.lines(found))
    assert f"{catalog()['roles']['train']}: {catalog()['absent']['fact']}" in shown
    assert compare(a, a).same_rows == {"test": True, "train": True}
    assert compare(a, a).nothing_changed


@pytest.mark.parametrize(("outcome", "turn"), [("PASS", "milder"), ("BLOCK", "same")])
def test_the_outcome_turns_by_its_rank(plain: Sources, outcome: Any, turn: str) -> None:
    other = replace(plain, verdict=plain.verdict.model_copy(update={"outcome": outcome}))
    assert compare(plain, other).outcome == turn
    assert compare(other, plain).got_worse == (turn == "milder")
    unenforced = replace(plain, verdict=plain.verdict.model_copy(update={"enforced": False}))
    assert not compare(plain, unenforced).nothing_changed
    assert "BLOCK, not enforced" in "\n".join(line for line, _ in comparing.lines(compare(plain, unenforced)))


@pytest.mark.parametrize(
    ("a", "b", "moved"),
    [
        ([], [GAP], ["new"]),
        ([GAP], [number()], ["closed"]),
        ([GAP], [], ["not asked"]),
        ([GAP], [GAP.model_copy(update={"reason": "crashed"})], ["other reason"]),
        ([GAP], [GAP.model_copy(update={"detail": "other words"})], []),
        ([GAP], [GAP.model_copy(update={"name": "*"})], ["new"]),
    ],
)
def test_gaps_come_go_or_change_their_reason(
    plain: Sources, a: list[core.Finding], b: list[core.Finding], moved: list[str]
) -> None:
    found = compare(holding(plain, *a), holding(plain, *b))
    assert [each.moved for each in found.gaps] == moved


def test_people_lineage_and_environment_are_compared_fact_by_fact(plain: Sources) -> None:
    assert plain.run is not None
    base = plain.run.base.model_copy(update={"digest": core.Fact(value=OTHER, seen="observed")})
    (train,) = plain.run.data
    train = train.model_copy(update={"license": train.license.model_copy(update={"expression": "CC-BY-NC-4.0"})})
    environment = {**plain.run.environment, "torch": core.Fact(value="2.14.0", seen="observed")}
    run = plain.run.model_copy(update={"base": base, "data": (train,), "environment": environment})
    (waiver,) = plain.waivers
    longer = waiver.model_copy(update={"expires": waiver.expires.replace(year=2029), "model": OTHER})
    b = replace(
        plain, run=run, waivers=(longer,), attestations=(), measured={**plain.measured, "tool": {"version": "9"}}
    )
    found = {(each.topic, each.what): (each.a, each.b) for each in compare(plain, b).facts}
    assert found.pop(("lineage", "base: digest"))[1] == OTHER
    assert found.pop(("lineage", "train adult.data: license")) == ("CC-BY-4.0", "CC-BY-NC-4.0")
    assert found.pop(("environment", "torch")) == ("2.13.0", "2.14.0")
    assert found.pop(("environment", "measured with")) == ("govkit 0.1.0", "9")
    assert found.pop(("people", "waiver W-2026-014 of CAL-01: expires")) == ("2027-02-01", "2029-02-01")
    gone = found.pop(("people", "attestation independent_review of V. Validator"))
    assert gone == ('role: validator; answers: {"scope": "All 4 groups."}; signed_at: 2026-11-19', None)
    assert found == {}
    (none,) = [each for each in compare(plain, replace(plain, run=None)).facts if each.what == "record of the run"]
    assert (none.a, none.b) == ("there is one", "none")


# The outputs


def told(found: Comparison) -> dict[str, str]:
    """Every output as text."""
    return {
        "terminal": "\n".join(line for line, _ in comparing.lines(found)),
        "json": json.dumps(found.dump()),
        "markdown": comparing.markdown(found),
        "html": comparing.page(found),
    }


def changed(folder: Path) -> tuple[Path, Path]:
    """Two bundles that differ in everything that can differ."""
    extra = [number(f"measure_{i}", v, check="more") for i, v in enumerate((0.2, 0.5))]
    other = [number(f"measure_{i}", v, check="more") for i, v in enumerate((0.7, 0.51))]
    gap = core.Gap(check="shift", reason="no data")

    def milder(found: core.Verdict) -> core.Verdict:
        rulings = tuple(each.model_copy(update={"state": "pass", "disposition": "ignore"}) for each in found.rulings)
        return found.model_copy(update={"rulings": rulings, "outcome": "PASS", "subject": OTHER})

    a = write_bundle(folder / "a", extra=[*extra, number("only_here", 0.3, check="more")])
    return a, write_bundle(folder / "b", extra=[*other, gap], train="census.data", verdict=milder)


def test_every_output_says_what_is_not_verified(plain: Sources) -> None:
    signed = {"findings": "The pipeline"}
    for signers, says in (((None, None), "both bundles"), ((signed, None), "bundle B"), ((None, signed), "bundle A")):
        for name, text in told(compare(plain, plain, signers=signers)).items():
            if name == "json":
                assert json.loads(text)["verified"] == {"a": bool(signers[0]), "b": bool(signers[1])}
            else:
                assert "NOT VERIFIED" in text
                assert says in text
    for name, text in told(compare(plain, plain, signers=(signed, signed))).items():
        assert "NOT VERIFIED" not in text
        assert "The pipeline" in text, name


def test_the_page_has_no_number_of_its_own(tmp_path: Path) -> None:
    a, b = changed(tmp_path)
    found = compare(read(a), read(b))
    page = Page(comparing.page(found))
    assert [text for text in page.free if _NUMBER.search(text)] == []
    known, said = zip(evidence(a), evidence(b), strict=True)
    own = {json.dumps(leaf) for leaf in walk(found.dump()) if isinstance(leaf, int | float)}
    strings = "\n".join((*said, *(leaf for leaf in walk(found.dump()) if isinstance(leaf, str))))
    orphans = {raw for raw, _ in page.data if raw not in set().union(*known) | own and raw not in strings}
    assert orphans == set()
    for raw, text in page.data:
        forms = {formed(json.loads(raw), signed=s).text for s in (True, False)} if raw in own.union(*known) else {raw}
        assert text in forms | {raw}
    assert len(page.data) > 50


def test_the_page_is_alone_and_can_be_read_without_eyes_or_a_mouse(tmp_path: Path) -> None:
    a, b = changed(tmp_path)
    found = Page(comparing.page(compare(read(a), read(b))))
    assert not {"script", "img", "link", "iframe"} & set(found.tags)
    hrefs = [value[1:] for _, name, value in found.attributes if name == "href"]
    ids = [value for _, name, value in found.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert set(hrefs) <= set(ids)
    policies = [value for _, _, value in found.attributes if value.startswith("default-src 'none'")]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]
    assert found.tags.count("h1") == found.tags.count("main") == 1
    assert found.tags.count("caption") == found.tags.count("table") > 5
    assert ("html", "lang", "en") in found.attributes
    scopes = Counter(value for tag, name, value in found.attributes if (tag, name) == ("th", "scope"))
    assert scopes["col"] + scopes["row"] == found.tags.count("th")


def test_markdown_is_tables_that_a_reader_of_pull_requests_draws(tmp_path: Path) -> None:
    a, b = changed(tmp_path)
    text = comparing.markdown(compare(read(a), read(b)))
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    kinds = Counter(token.type for token in tokens)
    assert kinds["table_open"] >= 6
    assert kinds["heading_open"] >= 7
    assert not {"html_block", "fence", "hr"} & set(kinds)
    cells = [line.count("|") - line.count("\\|") for line in text.splitlines() if line.startswith("|")]
    rules = [line.count("|") for line in text.splitlines() if line.startswith(("| ---", "| ---:"))]
    assert set(cells) == set(rules)


def test_equal_bundles_give_equal_bytes(tmp_path: Path) -> None:
    a, b = changed(tmp_path)
    assert told(compare(read(a), read(b))) == told(compare(read(a), read(b)))


@pytest.mark.parametrize("turned", [False, True])
def test_hostile_text_stays_text_in_every_output(tmp_path: Path, turned: bool) -> None:
    sides = [read(write_bundle(tmp_path / "a", **hostile_options())), read(write_bundle(tmp_path / "b"))]
    found = told(compare(*(sides[::-1] if turned else sides)))
    for text in found.values():
        hidden = {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn"}} - {"\n"}
        assert hidden == set()
    page = Page(found["html"])
    assert "script" not in page.tags
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert any(SCRIPT in text for text in page.free)
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(found["markdown"])
    inline = [child for token in tokens for child in token.children or ()]
    assert not {"link_open", "html_block", "html_inline", "fence", "hr", "image"} & {
        token.type for token in (*tokens, *inline)
    }
    assert len(found["markdown"]) <= LONGEST


def many(plain: Sources, count: int) -> Comparison:
    names = "abcdefghijklmnopqrstuvwxyz"

    def found(shift: float) -> list[core.Finding]:
        return [
            number(f"measure_{2 * names[i % 26]}", round(0.3 + (i % 7) / 20 + shift, 4), part={"region": f"r{i}"})
            for i in range(count)
        ]

    return compare(holding(plain, *found(0.0)), holding(plain, *found(0.2)))


@pytest.mark.parametrize("count", [30, 300, 2000])
def test_a_comment_fits_and_counts_what_it_leaves_out(plain: Sources, count: int) -> None:
    text = comparing.markdown(many(plain, count))
    assert len(text) <= LONGEST
    better = text.split("### Better")[1].split("###")[0]
    shown = sum(line.startswith("| measure") for line in better.splitlines())
    left = re.search(r"^([\d,]+) more rows", better, re.MULTILINE)
    assert shown + (int(left[1].replace(",", "")) if left else 0) == count
    assert bool(left) == (count > 300)


def test_the_terminal_shows_the_first_rows_of_two_thousand_findings(plain: Sources) -> None:
    lines = list(comparing.lines(many(plain, 2000)))
    assert f"  {2000 - ON_SCREEN:,} more rows are not shown here; the option --json prints all of them." in [
        line for line, _ in lines
    ]
    assert len(lines) < 60
