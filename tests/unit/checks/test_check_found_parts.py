from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from case_fixture import bound, coded, gaps, make_case, pick, run_check
from task_fixture import task_case

from govkit.checks._candidates import candidate_parts
from govkit.checks._labels import label_view
from govkit.checks.outcomes.found_parts import found_parts
from govkit.core import Case, Finding, Measurement
from govkit.core.columns import Columns

N = 1000
COMPARED = {"found_parts", "no_drop_p", "visible_drop"}
RNG = np.random.default_rng(0)
WORLD: dict[str, Any] = {
    "region": RNG.choice(["north", "south", "east", "west"], N, p=[0.15, 0.3, 0.3, 0.25]),
    "device": RNG.choice(["phone", "laptop"], N),
    "age": RNG.integers(20, 70, N),
}
LABELS = RNG.integers(0, 2, N)


def with_table(case: Case, table: Mapping[str, Any], **columns: Any) -> Case:
    """The case with these columns beside the labels, declared as an audit file declares them."""
    data = case.data["test"]
    held = pa.table({"label": data.labels.reshape(len(data), -1)[:, 0], **table})
    declared = Columns.model_validate({"label": "label", **columns})
    return replace(
        case, data={"test": replace(data, table=held)}, column=declared.model_dump(exclude_none=True, mode="json")
    )


def parts(table: Mapping[str, Any], n: int = N, **columns: Any) -> tuple[str, ...]:
    """Names of the candidates."""
    case = make_case(np.zeros(n, dtype=int), np.zeros(n, dtype=int), classes=("a", "b"))
    return candidate_parts(with_table(case, table, **columns), most=500)[0]


def answers(lost: Any, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Candidate and incumbent, each right on 95 % of the rows; the candidate loses 30 points in one part."""
    rng = np.random.default_rng(seed)
    new, old = (np.where(rng.random(N) < 0.05, 1 - LABELS, LABELS) for _ in range(2))
    return np.where(lost & (rng.random(N) < 0.3), 1 - LABELS, new), old


def searched(lost: Any, table: Mapping[str, Any] = WORLD, **models: Any) -> list[Finding]:
    new, old = answers(lost)
    case = make_case(LABELS, new, **(models or {"incumbent": old}), classes=("no", "yes"))
    return run_check(found_parts, with_table(case, table))


def drops(findings: list[Finding], name: str = "found_drop") -> list[Measurement]:
    return [item for item in findings if isinstance(item, Measurement) and item.name == name]


NORTH = WORLD["region"] == "north"
NOWHERE = np.zeros(N, dtype=bool)


def test_a_part_that_nobody_declared_is_found_and_named():
    found = searched(NORTH)
    first = drops(found)[0]
    assert first.part == {"found": "region = north"}
    assert (first.compared_with, first.n) == ("incumbent", NORTH.sum())
    new, old = answers(NORTH)
    assert first.value == pytest.approx((new == LABELS)[NORTH].mean() - (old == LABELS)[NORTH].mean())
    assert bound(first, 0.95)[1] < 0
    counted = pick(found, "found_parts", compared_with="incumbent")
    assert (counted.value, bound(counted, 0.9999)) == (len(drops(found)), (len(drops(found)),) * 2)
    assert pick(found, "no_drop_p", compared_with="incumbent").value <= 0.05


def test_a_pair_of_values_and_a_range_have_names_that_the_reader_understands():
    pair = searched(NORTH & (WORLD["device"] == "phone"))
    assert drops(pair)[0].part == {"found": "region = north, device = phone"}
    middle = searched((WORLD["age"] >= 30) & (WORLD["age"] < 40))
    low, high = map(int, re.fullmatch(r"age (\d+) to under (\d+)", drops(middle)[0].part["found"]).groups())
    assert 28 <= low < high <= 42


def test_where_nothing_was_lost_nothing_is_found_and_the_visible_drop_is_said():
    found = searched(NOWHERE)
    assert pick(found, "found_parts", compared_with="incumbent").value == 0
    assert drops(found) == []
    visible = pick(found, "visible_drop", compared_with="incumbent")
    assert 0.05 < visible.value < 0.4
    assert bound(visible, 0.95)[0] <= visible.value <= bound(visible, 0.95)[1]
    assert pick(found, "searched_parts").value == len(parts(WORLD)) > 50


def test_a_part_that_is_hard_for_both_models_is_weak_but_has_not_lost():
    rng = np.random.default_rng(2)
    new, old = (np.where(rng.random(N) < 0.05 + 0.35 * NORTH, 1 - LABELS, LABELS) for _ in range(2))
    table = {**WORLD, **{f"coin {at}": rng.integers(0, 2, N) for at in range(6)}}
    found = run_check(found_parts, with_table(make_case(LABELS, new, incumbent=old), table))
    assert pick(found, "found_parts", compared_with="incumbent").value == 0
    weak = drops(found, "weak_part")
    assert weak[0].part == {"found": "region = north"}
    right = new == LABELS
    assert weak[0].value == pytest.approx(right[NORTH].mean() - right[~NORTH].mean())
    assert pick(found, "weak_parts").value > len(weak) == 10


def test_the_answer_depends_on_the_seed_alone_and_bears_it():
    first, again = searched(NORTH), searched(NORTH)
    assert first == again
    assert {item.seed for item in first if isinstance(item, Measurement)} == {"0"}


def test_the_same_rows_and_the_same_name_stand_once():
    table = {
        **WORLD,
        "copy": WORLD["region"],
        "a": np.where(np.arange(N) % 7 < 1, "1, b = 2", "1"),
        "b": np.where(np.arange(N) % 5 < 1, "2", "3"),
    }
    case = with_table(make_case(LABELS, LABELS), table)
    names, members = candidate_parts(case, most=500)
    assert len(set(names)) == len(names) == len({row.tobytes() for row in members})
    assert not [name for name in names if name.startswith("copy")]
    found = [item.part["found"] for item in drops(searched(NORTH, table))]
    assert len(set(found)) == len(found) > 0


def test_pairs_are_added_up_to_the_most_the_largest_first():
    case = with_table(make_case(LABELS, LABELS), WORLD)
    names, members = candidate_parts(case, most=500)
    paired = [row for name, row in zip(names, members, strict=True) if ", " in name]
    size = [int(np.bitwise_count(row).sum()) for row in paired]
    assert size == sorted(size, reverse=True)
    assert 0.02 * N <= size[-1] < size[0] <= 0.25 * N
    fewer = candidate_parts(case, most=len(names) - len(paired) + 3)[0]
    assert fewer == names[: len(fewer)]
    assert len([name for name in fewer if ", " in name]) == 3
    assert not [name for name in candidate_parts(case, most=1)[0] if ", " in name]


def test_no_part_is_a_few_rows_or_nearly_all():
    names, members = candidate_parts(with_table(make_case(LABELS, LABELS), WORLD), most=500)
    size = np.bitwise_count(members).sum(axis=1)
    assert len(names) == len(size)
    assert 0.02 * N <= size.min() <= size.max() <= 0.98 * N
    rare = parts({"word": ["rare"] * 19 + ["less rare"] * 20 + ["frequent"] * (N - 39)})
    assert rare == ("word = frequent", "word = less rare")


def test_candidates_do_not_know_labels_and_answers():
    rng, seen = np.random.default_rng(3), []
    for _ in range(3):
        labels, new, old = rng.integers(0, 2, (3, N))
        table = {**WORLD, "answer": new, "old answer": old, "probability": rng.random(N)}
        case = with_table(
            make_case(labels, new, incumbent=old), table,
            prediction="answer", incumbent_prediction="old answer", score="probability",
        )  # fmt: skip
        names, members = candidate_parts(case, most=500)
        seen.append((names, members.tobytes()))
    assert seen[0] == seen[1] == seen[2]
    assert {re.split(r"[ ,]", name)[0] for name in seen[0][0]} == {*WORLD}


@pytest.mark.parametrize(
    "declared",
    [
        {"prediction": "x"}, {"score": "x"}, {"scores": {"a": "x", "b": "y"}}, {"base_prediction": "x"},
        {"base_score": "x"}, {"incumbent_prediction": "x"}, {"incumbent_score": "x"}, {"id": "x"},
        {"label": "x"}, {"label": ("x", "y")}, {"label": ("x", "y"), "predictions": {"x": "z", "y": "label"}},
        {"prediction": "x", "input": ("x", "region")},
    ],
)  # fmt: skip
def test_labels_answers_and_ids_are_no_candidates(declared):
    table = {name: np.arange(N) % 4 for name in "xyz"}
    named = " ".join(parts({**table, "region": WORLD["region"]}, **declared))
    assert "region" in named
    assert not re.search(r"\bx\b", named)
    taken = {*declared.get("scores", {}).values(), *declared.get("predictions", {}).values()}
    assert not [name for name in taken if re.search(rf"\b{name}\b", named)]


def test_a_group_or_part_that_holds_labels_is_no_candidate():
    case = with_table(make_case(LABELS, LABELS, groups={"label": LABELS}), {"region": WORLD["region"]})
    case.data["test"].parts["x"] = coded(np.arange(N) % 3)
    names = candidate_parts(case, most=500)[0]
    assert [name for name in names if name.startswith("x = ")]
    assert not [name for name in names if "label" in name]


def spread(values: list[Any], kind: Any = None) -> pa.Array:
    """The values over and over, ``N`` rows in all."""
    return pa.array([values[at % len(values)] for at in range(N)], kind)


DAY = dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC)
TAKEN = {
    "whole numbers": (spread([1, 2, None]), ("c = (missing)", "c = 1", "c = 2")),
    "numbers": (spread([0.5, 2.0, float("nan")]), ("c = (missing)", "c = 0.5", "c = 2")),
    "truths": (spread([True, False]), ("c = false", "c = true")),
    "dates": (spread([DAY.date(), None]), ("c = (missing)", "c = 2024-02-29")),
    "times": (spread([DAY, None]), ("c = (missing)", "c = 2024-02-29T12:00:00+00:00")),
    "nanoseconds": (spread([1, None], pa.timestamp("ns")), ("c = (missing)", "c = 1970-01-01T00:00:00.000000001")),
    "far times": (spread([dt.datetime(9999, 1, 1), None]), ("c = (missing)", "c = 9999-01-01T00:00:00")),
    "spans": (spread([dt.timedelta(1), None]), ("c = (missing)", "c = 1 day, 0:00:00")),
    "blanks": (spread([" a ", "", " "]), ("c = (missing)", "c = a")),
    "codes": (spread(["a", "b"]).dictionary_encode(), ("c = a", "c = b")),
    "decimals": (spread([Decimal("1.50"), Decimal(2)]), ("c = 1.50", "c = 2.00")),
    "bytes": (spread([b"\xff", b""]), ("c = b''", "c = b'\\xff'")),
    "markup": (spread(["<b>\n", "\x00"]), ("c = \x00", "c = <b>")),
    "constant": (spread(["x"]), ()),
    "constant number": (spread([1.5]), ()),
    "nothing": (pa.nulls(N), ()),
    "no number": (spread([float("nan"), None]), ()),
    "no text": (pa.nulls(N, pa.string()), ()),
    "names": (pa.array([f"row {at}" for at in range(N)]), ()),
    "moments": (pa.array([DAY + dt.timedelta(hours=at) for at in range(N)]), ()),
    "lists": (spread([[1], [2], None]), ()),
    "records": (spread([{"a": 1}, {"a": 2}]), ()),
    "mappings": (spread([[("a", 1)]], pa.map_(pa.string(), pa.int64())), ()),
    "fixed lists": (spread([[1, 2], [3, 4]], pa.list_(pa.int64(), 2)), ()),
    "nanoseconds of a day": (spread([1, 2], pa.time64("ns")), ()),
}  # fmt: skip


@pytest.mark.parametrize("kind", TAKEN)
def test_a_column_of_any_kind_makes_parts_or_none(kind):
    column, expected = TAKEN[kind]
    assert parts({"c": column}) == expected
    found = searched(NORTH, {"c": column, "region": WORLD["region"]})
    assert drops(found)[0].part == {"found": "region = north"}


@pytest.mark.parametrize(
    "column",
    [
        np.arange(N), -np.arange(N) / 7, np.arange(N).astype(np.float16), np.arange(N, dtype=np.uint64) + 10**6,
        1.7e9 + np.arange(N) / 100, 1 + np.arange(N) * 1e-12, np.where(np.arange(N) % 9 == 0, np.inf, np.arange(N)),
        pa.array([Decimal(at) / 100 for at in range(N)]),
    ],
)  # fmt: skip
def test_each_range_of_a_number_has_a_name_of_its_own(column):
    """20 bins, and windows of 2, 3, 4, 6 and 8 of them; and the rows that are no number."""
    names = [name for name in parts({"c": column}) if name != "c = (missing)"]
    assert len(names) == len(set(names)) == 102


def test_a_number_that_is_mostly_zero_makes_fewer_ranges_and_none_is_empty():
    case = with_table(make_case(LABELS, LABELS), {"c": np.where(np.arange(N) % 10 < 8, 0, np.arange(N))})
    names, members = candidate_parts(case, most=500)
    assert names[:4] == ("c under 249", "c 249 to under 499", "c 499 to under 749", "c 749 or more")
    assert np.bitwise_count(members[:4]).sum(axis=1).tolist() == [849, 50, 50, 51]


@pytest.mark.parametrize("name", ["", " ", "a = b", "größe, 2", "x\ny", "<script>", "found", "cluster of 10", "words"])
def test_a_column_may_have_any_name(name):
    found = searched(NORTH, {name: WORLD["region"]})
    assert drops(found)[0].part == {"found": f"{name} = north"}


def live(inputs: Any, **fields: Any) -> Case:
    """A case whose candidate can be asked."""
    case = make_case(LABELS, answers(NORTH)[0], incumbent=answers(NORTH)[1], access="predict", **fields)
    return replace(case, data={"test": replace(case.data["test"], inputs=inputs)})


def test_of_a_model_that_is_asked_only_the_input_counts_and_what_is_declared():
    frame = pd.DataFrame({"region": WORLD["region"]})
    case = with_table(live(frame), {**WORLD, "stale answer": LABELS}, input=("region",))
    assert {name.split(" ")[0] for name in candidate_parts(case, most=500)[0]} == {"region"}
    several = replace(
        case, task="multilabel", data={"test": replace(case.data["test"], labels=np.column_stack([LABELS, LABELS]))}
    )
    assert {name.split(" ")[0] for name in candidate_parts(label_view(several, 0), most=500)[0]} == {"region"}


def test_texts_have_a_length_words_and_clusters():
    texts = [f"{'long words ' * 8 if at else 'no'} {row}" for row, at in enumerate(NORTH)]
    features = np.where(NORTH[:, None], 5.0, -5.0) + np.random.default_rng(0).normal(0, 1, (N, 3))
    case = with_table(live(texts, embed=lambda _: features.astype(np.float32)), {"t": texts}, input="t")
    names = candidate_parts(case, most=500)[0]
    for start in ("text length ", "words ", "cluster of 10 = ", "cluster of 20 = "):
        assert [name for name in names if name.startswith(start)], start
    assert drops(run_check(found_parts, case))


def test_a_declared_group_is_not_hidden_by_the_words_of_the_texts():
    case = with_table(live(["a b"] * N, groups={"words": WORLD["region"]}), {"t": ["a b"] * N}, input="t")
    assert "words = north" in candidate_parts(case, most=500)[0]


def test_equal_texts_fall_into_one_cluster():
    case = live(["a"] * N, embed=lambda _: np.zeros((N, 3), dtype=np.float32))
    assert candidate_parts(with_table(case, {"t": ["a"] * N}, input="t"), most=500)[0] == ()


@pytest.mark.parametrize("rival", ["base", "incumbent"])
def test_a_missing_rival_is_a_gap_for_each_of_its_metrics(rival):
    other = {"base": "incumbent", "incumbent": "base"}[rival]
    found = searched(NORTH, **{other: answers(NORTH)[1]})
    missing = gaps(found)
    assert missing.keys() == {(name, "candidate", rival) for name in COMPARED}
    assert {gap.reason for gap in missing.values()} == {"no data"}
    assert {item.compared_with for item in drops(found)} == {other}


def test_without_any_rival_there_are_still_weak_parts():
    found = run_check(found_parts, with_table(make_case(LABELS, answers(NORTH)[0]), WORLD))
    assert len(gaps(found)) == 2 * len(COMPARED)
    assert drops(found, "weak_part")[0].part == {"found": "region = north"}


def test_too_few_rows_are_a_gap():
    enough, few = (
        run_check(
            found_parts, with_table(make_case(LABELS[:n], LABELS[:n], base=LABELS[:n]), {"c": ["a", "b"] * (n // 2)})
        )
        for n in (100, 98)
    )
    assert ("*", "candidate", None) not in gaps(enough)
    ((key, gap),) = gaps(few).items()
    assert (key[0], gap.reason) == ("*", "too few rows")
    assert "98 rows" in gap.detail
    assert len(few) == 1


def test_no_column_is_a_gap_that_says_what_to_declare():
    (gap,) = searched(NORTH, {"constant": ["x"] * N})
    assert (gap.name, gap.reason) == ("*", "no data")
    assert "columns.parts" in gap.detail


def test_no_answers_are_a_gap():
    case = replace(with_table(make_case(LABELS, LABELS), WORLD), answers=lambda *_: None)
    (gap,) = run_check(found_parts, case)
    assert (gap.name, gap.reason) == ("*", "no data")


def test_where_no_part_is_near_a_tenth_the_visible_drop_is_a_gap():
    found = searched(NOWHERE, {"half": ["a", "b"] * (N // 2)})
    gap = gaps(found)["visible_drop", "candidate", "incumbent"]
    assert gap.reason == "too few rows"
    assert pick(found, "found_parts", compared_with="incumbent").value == 0


@pytest.mark.parametrize("task", ["regression", "ranking"])
def test_other_answers_than_classes_are_a_gap(task):
    labels = np.arange(N) / N if task == "regression" else LABELS
    (gap,) = run_check(found_parts, task_case(task, labels, {"candidate": np.arange(N) / N}))
    assert (gap.name, gap.reason) == ("*", "unsupported")


def test_an_ordinal_task_counts_answers_that_are_right():
    new, old = answers(NORTH)
    case = task_case("ordinal", LABELS, {"candidate": new, "incumbent": old}, classes=("low", "high"))
    assert drops(run_check(found_parts, with_table(case, WORLD)))[0].part == {"found": "region = north"}


def test_each_label_of_several_is_searched_and_keeps_its_name():
    new, old = answers(NORTH)
    labels = np.column_stack([LABELS, LABELS])
    models = {"candidate": np.column_stack([old, new]), "incumbent": np.column_stack([old, old])}
    case = with_table(task_case("multilabel", labels, models, classes=("calm", "hurt")), {**WORLD, "hurt": LABELS})
    declared = Columns.model_validate({"label": ("label", "hurt")}).model_dump(exclude_none=True, mode="json")
    found = run_check(found_parts, replace(case, column=declared))
    assert drops(found)[0].part == {"label": "hurt", "found": "region = north"}
    assert {item.part["label"] for item in drops(found)} == {"hurt"}
    assert not [item for item in found if "hurt =" in item.part.get("found", "")]


def test_a_range_of_a_number_with_few_values_or_declared_as_a_part_is_a_candidate():
    """Each of its values alone is too small a part to be found, or too small to be one."""
    few = parts({"c": np.arange(N) % 16})
    assert {"c = 3", "c 3 to under 5", "c 3 to under 11"} <= set(few)
    case = with_table(make_case(LABELS, LABELS, groups={"age": [str(18 + at % 70) for at in range(N)]}), {})
    names = candidate_parts(case, most=500)[0]
    assert [name for name in names if name.startswith("age ") and " to under " in name]
    # Numbers of clusters, and yes and no, have no order.
    assert not [name for name in parts({"c": np.arange(N) % 2}) if "under" in name]
