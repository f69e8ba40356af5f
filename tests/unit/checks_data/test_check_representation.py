"""Shares of groups beside a reference, and rows that a group lacks."""

import numpy as np
import pyarrow as pa
import pytest
from case_fixture import bound, gaps, make_case, pick, run_check
from hypothesis import given, settings, strategies as st
from scipy.stats import binomtest
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from govkit.checks.data.representation import representation
from govkit.core import LEVELS, Gap, Measurement
from govkit.core.audit import Reference
from govkit.data import content_digest
from govkit.data.reference import read_reference
from govkit.errors import AuditError, DataError
from govkit.pipeline.casework import build_case, read_audit

NEEDED = 320
"""Rows of each of two groups that show ten points: (1.645 + 0.842)**2 / (2 * 0.1**2) = 309, more for continuity."""


def people(**columns):
    return pa.table(columns)


def case_of(sex, reference=None, **others):
    groups = {"sex": np.repeat(list(sex), list(sex.values()))}
    labels = np.zeros(len(groups["sex"]), dtype=int)
    return make_case(labels, labels, groups=groups, reference=reference, classes=("a", "b"), **others)


CENSUS = people(sex=["f", "m"], count=[5000, 5000])


def test_shares_differences_and_ratios_worked_by_hand():
    found = run_check(representation, case_of({"f": 30, "m": 70}, CENSUS))
    names = ("group_share", "share_difference", "share_ratio", "rows_short")
    values = {name: pick(found, name, part={"sex": "f"}).value for name in names}
    expected = {"group_share": 0.3, "share_difference": -0.2, "share_ratio": 0.6, "rows_short": NEEDED - 30}
    assert values == pytest.approx(expected)
    assert pick(found, "share_difference", part={"sex": "f"}).n == 100
    (known_by,) = (item for item in found if item.name == "reference")
    assert known_by.value == content_digest(CENSUS)[0]
    assert pick(found, "absent_groups").value == pick(found, "unlisted_groups").value == 0.0


@pytest.mark.parametrize(("rows", "short"), [(NEEDED - 1, 1.0), (NEEDED, 0.0), (NEEDED + 5, 0.0)])
def test_rows_short_are_exact_and_0_where_there_are_enough(rows, short):
    item = pick(run_check(representation, case_of({"f": rows, "m": 400})), "rows_short", part={"sex": "f"})
    assert item.value == short
    assert {(each.low, each.high) for each in item.bounds} == {(short, short)}
    assert [each.level for each in item.bounds] == list(LEVELS)


def test_shares_without_people_are_exact_and_the_bounds_are_those_of_scipy_and_statsmodels():
    found = run_check(representation, case_of({"f": 30, "m": 70}, people(sex=["f", "m"], share=[0.5, 0.5])))
    difference, ratio = (pick(found, name, part={"sex": "f"}) for name in ("share_difference", "share_ratio"))
    for level in LEVELS:
        oracle = binomtest(30, 100).proportion_ci(2 * level - 1, method="exact")
        assert bound(difference, level) == pytest.approx((oracle.low - 0.5, oracle.high - 0.5), abs=1e-9)
        assert bound(ratio, level) == pytest.approx((oracle.low / 0.5, oracle.high / 0.5), abs=1e-9)
    assert (difference.interval.low, difference.interval.high) == pytest.approx(
        np.array(proportion_confint(30, 100, method="wilson")) - 0.5, abs=1e-9
    )


def test_counted_people_bring_chance_with_them_as_statsmodels_says():
    found = run_check(representation, case_of({"f": 120, "m": 280}, people(sex=["f", "m"], count=[150, 150])))
    difference = pick(found, "share_difference", part={"sex": "f"})
    low, high = confint_proportions_2indep(120, 400, 150, 300, compare="diff", method="newcomb", alpha=0.05)
    assert (difference.interval.low, difference.interval.high) == pytest.approx((low, high), abs=1e-6)
    plain = confint_proportions_2indep(120, 400, 150, 300, compare="diff", method="score", alpha=0.1)
    corrected = bound(difference, 0.95)
    assert corrected[0] < plain[0] < plain[1] < corrected[1]
    assert corrected == pytest.approx(plain, abs=0.004)
    exact = pick(
        run_check(representation, case_of({"f": 120, "m": 280}, people(sex=["f", "m"], share=[0.5, 0.5]))),
        "share_difference",
        part={"sex": "f"},
    )
    assert corrected[1] > bound(exact, 0.95)[1]


def test_groups_that_only_one_side_has_are_counted_and_named():
    reference = people(sex=["f", "m", "x", "y"], count=[50, 30, 15, 5])
    found = run_check(representation, case_of({"f": 50, "m": 40, "o": 10}, reference))
    assert pick(found, "absent_groups").value == 2.0
    assert pick(found, "unlisted_groups").value == 1.0
    absent = pick(found, "group_share", part={"sex": "x"})
    assert absent.value == 0.0
    assert pick(found, "share_difference", part={"sex": "x"}).value == pytest.approx(-0.15)
    assert bound(pick(found, "share_difference", part={"sex": "x"}), 0.95)[1] < 0
    assert pick(found, "rows_short", part={"sex": "x"}).value == NEEDED
    unlisted = [gap for gap in found if isinstance(gap, Gap)]
    assert {(gap.name, gap.part["sex"], gap.reason) for gap in unlisted} == {
        ("share_difference", "o", "no data"), ("share_ratio", "o", "no data")
    }  # fmt: skip


def test_two_columns_crossed_are_those_of_the_reference():
    groups = {"sex": ["f", "f", "m", "m", "m"], "age": ["old", "young", "young", "young", "old"]}
    reference = people(sex=["f", "f", "m"], age=["old", "young", "young"], count=[1, 1, 2])
    found = run_check(
        representation, make_case([0] * 5, [0] * 5, groups=groups, reference=reference, classes=("a", "b"))
    )
    crossed = {
        tuple(item.part.values()): item.value
        for item in found
        if isinstance(item, Measurement) and item.name == "share_difference" and len(item.part) == 2
    }
    assert crossed == pytest.approx({("f", "old"): -0.05, ("f", "young"): -0.05, ("m", "young"): -0.1})


def test_without_a_reference_shares_and_lacking_rows_stand_and_the_rest_is_missing():
    found = run_check(representation, case_of({"f": 30, "m": 70}))
    assert {name for name, *_ in gaps(found)} == {"share_difference", "share_ratio", "absent_groups", "unlisted_groups"}
    assert all("reference" in gap.detail and gap.reason == "no data" for gap in gaps(found).values())
    assert pick(found, "group_share", part={"sex": "f"}).value == 0.3
    assert pick(found, "rows_short", part={"sex": "m"}).value == NEEDED - 70


def test_without_groups_there_is_one_gap():
    assert gaps(run_check(representation, make_case([0, 1], [0, 1])))[("*", "candidate", None)].reason == "no data"


def test_a_column_that_the_reference_lacks_is_a_gap_of_its_groups():
    groups = {"sex": ["f", "m"], "age": ["old", "young"]}
    found = run_check(representation, make_case([0, 1], [0, 1], groups=groups, reference=CENSUS))
    lacking = {(gap.name, tuple(gap.part.items())) for gap in found if isinstance(gap, Gap)}
    every = [(("age", "*"),), (("sex", "*"), ("age", "*"))]
    assert lacking == {(name, part) for name in ("share_difference", "share_ratio") for part in every}
    assert pick(found, "share_ratio", part={"sex": "f"}).value == 1.0


def test_rows_of_no_known_group_are_left_out_of_the_other_shares():
    found = run_check(representation, case_of({"f": 30, "m": 30, "(missing)": 40}, CENSUS))
    assert pick(found, "group_share", part={"sex": "f"}).value == 0.5
    assert pick(found, "group_share", part={"sex": "(missing)"}).value == 0.4
    assert pick(found, "share_difference", part={"sex": "f"}).value == 0.0
    assert pick(found, "unlisted_groups").value == 0.0
    none = [gap for gap in run_check(representation, case_of({"(missing)": 4}, CENSUS)) if isinstance(gap, Gap)]
    assert {(gap.name, gap.part["sex"]) for gap in none} == {
        (name, "*") for name in ("group_share", "share_difference", "share_ratio", "rows_short")
    }


def test_more_than_300_crossed_groups_are_a_gap_and_the_others_are_compared():
    rng = np.random.default_rng(0)
    groups = {"a": rng.integers(0, 20, 5000), "b": rng.integers(0, 20, 5000), "c": rng.integers(0, 3, 5000)}
    found = run_check(representation, make_case([0] * 5000, [0] * 5000, groups=groups, classes=("a", "b")))
    many = [gap for gap in found if isinstance(gap, Gap) and gap.part]
    assert {tuple(gap.part) for gap in many} == {("a", "b")}
    assert "400 groups" in many[0].detail
    assert len([item for item in found if item.name == "rows_short" and len(item.part) == 2]) == 120 + 1


def test_training_rows_are_compared_but_need_no_rows_to_decide():
    train = {"labels": [0] * 4, "probs": [0] * 4, "groups": {"sex": ["f", "m", "m", "m"]}}
    found = run_check(representation, case_of({"f": 2, "m": 2}, CENSUS, train=train))
    assert pick(found, "share_difference", part={"sex": "f"}, role="train").value == -0.25
    assert {item.data.role for item in found if item.name == "rows_short"} == {"test"}


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcde"), st.integers(1, 50), min_size=1),
    st.dictionaries(st.sampled_from("abcde"), st.integers(1, 500), min_size=1),
)
def test_shares_sum_to_1_and_differences_to_0_over_the_groups_of_both(rows, census):
    reference = people(sex=list(census), count=list(census.values()))
    found = run_check(representation, case_of(rows, reference), gap=0.5)
    of = {
        name: [item for item in found if isinstance(item, Measurement) and item.name == name]
        for name in representation.metrics
    }
    unlisted = sum(count for name, count in rows.items() if name not in census) / sum(rows.values())
    assert sum(item.value for item in of["group_share"]) == pytest.approx(1)
    assert sum(item.value for item in of["share_difference"]) == pytest.approx(-unlisted)
    assert of["absent_groups"][0].value == len(set(census) - set(rows))
    assert of["unlisted_groups"][0].value == len(set(rows) - set(census))
    for item in of["share_difference"] + of["share_ratio"]:
        assert all(each.low <= item.value <= each.high for each in item.bounds)


COLUMNS = 40


def drawn(share, *, seed, whole):
    """Bounds on the share of a group that is half of the people, in 40 columns of three data sets of 400 rows."""
    rng = np.random.default_rng(seed)
    sets = [{f"c{at}": np.where(rng.random(400) < share, "f", "m") for at in range(COLUMNS)} for _ in range(3)]
    others = {
        role: {"labels": [0] * 400, "probs": [0] * 400, "groups": groups}
        for role, groups in zip(("train", "shifted"), sets[1:], strict=True)
    }
    halves = {f"c{at}": np.where(rng.random(2000) < 0.5, "f", "m") for at in range(COLUMNS)}
    reference = people(**halves, count=[1] * 2000) if whole else people(c0=["f", "m"], share=[0.5, 0.5])
    found = run_check(
        representation,
        make_case([0] * 400, [0] * 400, groups=sets[0], reference=reference, classes=("a", "b"), **others),
    )
    return [
        item
        for item in found
        if isinstance(item, Measurement) and item.name == "share_difference" and list(item.part.values()) == ["f"]
    ]


def test_a_fair_draw_is_accused_no_more_often_than_the_level_says():
    bounds = [bound(item, 0.9) for item in drawn(0.5, seed=0, whole=True)]
    assert len(bounds) == 3 * COLUMNS
    limit = 0.1 + 3 * np.sqrt(0.1 * 0.9 / len(bounds))
    assert np.mean([high < 0 for _, high in bounds]) <= limit
    assert np.mean([low > 0 for low, _ in bounds]) <= limit


def test_a_group_drawn_at_two_thirds_of_its_share_is_found():
    found = drawn(1 / 3, seed=0, whole=True)
    assert np.mean([bound(item, 0.999)[1] < 0 for item in found]) >= 0.95


def read(tmp_path, text, groups=("sex",), **keys):
    (tmp_path / "census.csv").write_text(text)
    return read_reference(tmp_path / "census.csv", Reference(path="census.csv", **keys), groups)


def test_a_reference_is_read_from_people_counts_or_shares(tmp_path):
    expected = {"sex": ["f", "m"], "count": [2, 1]}
    assert read(tmp_path, "sex,age\nf,1\nm,2\nf,3\n").to_pydict() == expected
    assert read(tmp_path, "sex,n\nf,1\nm,1\nf,1\nx,0\n", count="n").to_pydict() == expected
    assert read(tmp_path, "sex,p\nf,0.25\nm,0.75\n", share="p").to_pydict() == {
        "sex": ["f", "m"],
        "share": [0.25, 0.75],
    }
    assert read(tmp_path, "sex,n\nf,1\n,2\n", count="n").to_pydict() == {"sex": ["(missing)", "f"], "count": [2, 1]}


@pytest.mark.parametrize(
    ("text", "keys", "said"),
    [
        ("age\n1\n", {}, "none of the group columns"),
        ("sex,n\nf,1\n", {"count": "m"}, "no column 'm'"),
        ("sex,n\nf,1.5\n", {"count": "n"}, "row 1: n is 1.5"),
        ("sex,n\nf,1\nm,-1\n", {"count": "n"}, "row 2: n is -1"),
        ("sex,n\nf,1\nm,\n", {"count": "n"}, "row 2: n is None"),
        ("sex,n\nf,many\n", {"count": "n"}, "row 1: n is 'many'"),
        ("sex,n\nf,0\n", {"count": "n"}, "sums to 0"),
        ("sex,n\nf,50\nm,60\n", {}, "each combination of sex stands once"),
        ("sex,p\nf,40\nm,60\n", {"share": "p"}, "sums to 100; expected 1"),
    ],
)
def test_a_reference_that_cannot_be_meant_is_refused(tmp_path, text, keys, said):
    with pytest.raises(DataError, match=said):
        read(tmp_path, text, **keys)


def test_the_audit_file_names_the_reference(tmp_path):
    (tmp_path / "rows.csv").write_text("label,answer,sex\na,a,f\nb,b,m\nb,a,m\n")
    (tmp_path / "census.csv").write_text("sex,n\nf,50\nm,50\n")
    text = (
        "subject: {predictions: rows.csv}\ncolumns: {label: label, prediction: answer, groups: [sex]}\n"
        "reference: {path: census.csv, count: n}\n"
    )
    (tmp_path / "audit.yaml").write_text(text)
    case = build_case(*read_audit(tmp_path / "audit.yaml")).case
    assert pick(run_check(representation, case), "share_ratio", part={"sex": "m"}).value == pytest.approx(4 / 3)
    (tmp_path / "audit.yaml").write_text(text.replace("count: n", "count: n, share: n"))
    with pytest.raises(AuditError, match="both count and share"):
        read_audit(tmp_path / "audit.yaml")
