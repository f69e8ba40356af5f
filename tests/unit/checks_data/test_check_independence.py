"""Rows that belong together are suspected where nobody declared them, and rows that do not are left alone."""

import numpy as np
import pytest
from rows_fixture import gaps, measurements, read_case, run, value

from govkit.checks import Request, catalog, measure

STORED = {"label": "label", "id": "id"}


def world(persons, rows, icc, *, seed, key="person_id", accuracy=0.8, **more):
    """A table of stored answers whose mistakes are alike within a person, with the intraclass correlation given."""
    rng = np.random.default_rng(seed)
    n = persons * rows
    person = rng.permutation(np.repeat(np.arange(persons), rows))
    own = rng.random(persons) < accuracy
    right = np.where(rng.random(n) < np.sqrt(icc), own[person], rng.random(n) < accuracy)
    labels = rng.integers(0, 2, n)
    table = {
        "id": [f"r{place:05d}" for place in range(n)], "label": np.array(["ham", "spam"])[labels],
        key: [f"p{name:03d}" for name in person], **{name: list(column) for name, column in more.items()},
    }  # fmt: skip
    return table, dict(zip(table["id"], np.where(right, labels, 1 - labels).tolist(), strict=True))


def case_of(table, answers, **columns):
    return read_case(
        {"test": table}, columns=STORED | columns, modality="unknown",
        answer=lambda data: [answers[name] for name in data.ids],
    )  # fmt: skip


def found(table, answers, **columns):
    return run("independence", case_of(table, answers, **columns))


def test_persons_that_nobody_declared_are_suspected_and_weighed():
    seen = found(*world(300, 10, 0.3, seed=1))
    assert value(seen, "independence_declared") == "not declared"
    assert value(seen, "suspected_clusters") == 1.0
    (effect,) = measurements(seen, "design_effect")
    # 1 + 9 times the correlation.
    assert effect.part == {"found": "column person_id"}
    assert effect.value == pytest.approx(3.7, abs=0.8)
    assert effect.interval.low < 3.7 < effect.interval.high
    assert effect.clusters == 300
    assert not effect.bounds


def test_declared_persons_are_weighed_and_not_suspected():
    seen = found(*world(300, 10, 0.3, seed=1), cluster="person_id")
    assert value(seen, "independence_declared") == "declared"
    assert value(seen, "suspected_clusters") == 0.0
    assert value(seen, "design_effect", part={}) == pytest.approx(3.7, abs=0.8)


def test_somebody_says_that_rows_are_independent_and_the_rows_speak_against_it():
    seen = found(*world(300, 10, 0.3, seed=1), independent="the registrar: one row a visit")
    assert value(seen, "independence_declared") == "declared"
    assert value(seen, "suspected_clusters") == 1.0


def test_coarser_clusters_than_the_declared_ones_are_suspected():
    table, answers = world(60, 10, 0.4, seed=3, key="site")
    table["person"] = [f"{site}-{row % 2}" for row, site in enumerate(table["site"])]
    seen = found(table, answers, cluster="person")
    assert [item.part for item in measurements(seen, "design_effect")] == [{}, {"found": "column site"}]


def test_ids_with_a_common_stem_are_suspected():
    table, answers = world(100, 8, 0.4, seed=2)
    names = [f"{name}-{row}" for row, name in enumerate(table.pop("person_id"))]
    answers = {new: answers[old] for new, old in zip(names, table["id"], strict=True)}
    seen = found(table | {"id": names}, answers)
    assert [item.part["found"] for item in measurements(seen, "design_effect")] == ["ids with a common stem"]


def test_runs_in_time_are_suspected():
    table, answers = world(80, 10, 0.4, seed=5)
    person = table.pop("person_id")
    order = np.argsort(person, kind="stable")
    table["sent"] = np.argsort(order).tolist()
    seen = found(table, answers, time="sent")
    assert [item.part["found"] for item in measurements(seen, "design_effect")] == ["rows next to each other in time"]


def test_texts_that_repeat_exactly_or_nearly_are_suspected():
    rng = np.random.default_rng(0)
    words = [f"word{number}" for number in range(400)]
    texts = [" ".join(rng.choice(words, 40)) for _ in range(60)]
    rows = [text if copy < 2 else f"{text} {copy}" for text in texts for copy in range(4)]
    ids = [f"n{chr(97 + at // 26)}{chr(97 + at % 26)}" for at in range(240)]
    right = dict(zip(ids, np.repeat(rng.random(60) < 0.7, 4).tolist(), strict=True))
    table = {"id": ids, "text": rows, "label": ["spam"] * 240}
    seen = run(
        "independence",
        read_case(
            {"test": table}, columns={"input": "text", "label": "label", "id": "id"},
            answer=lambda data: [int(right[name]) for name in data.ids],
        ),
    )  # fmt: skip
    (effect,) = measurements(seen, "design_effect")
    assert effect.part == {"found": "rows that repeat each other"}
    assert (effect.clusters, effect.value) == (60, pytest.approx(4.0, abs=0.05))


@pytest.mark.parametrize(
    ("name", "values"),
    [("age", lambda row: row % 40), ("occupation", lambda row: "abcdefghijklmnopqrst"[row % 20]), ("rated", float)],
)
def test_a_column_that_is_no_key_is_not_suspected(name, values):
    table, answers = world(20, 10, 0.9, seed=4)
    table[name] = [values(int(person[1:])) for person in table.pop("person_id")]
    assert value(found(table, answers), "suspected_clusters") == 0.0


def test_inputs_and_groups_are_not_suspected():
    table, answers = world(60, 10, 0.9, seed=4)
    assert value(found(table, answers, groups=["person_id"]), "suspected_clusters") == 0.0
    assert value(found(table, answers), "suspected_clusters") == 1.0


def test_independent_rows_are_rarely_suspected():
    """Three ways at once, 100 worlds: 5 % would be 5 alarms, and 11 or more come in one of a hundred such runs."""
    alarms = 0
    for seed in range(100):
        table, answers = world(60, 5, 0.0, seed=seed, session=np.arange(300) // 3, sent=np.arange(300))
        table["session"] = [f"s{at}" for at in np.random.default_rng(seed).permutation(table["session"])]
        alarms += value(found(table, answers, time="sent"), "suspected_clusters") > 0
    assert alarms <= 10


def test_gaps():
    table, answers = world(10, 4, 0.0, seed=1)
    assert gaps(found(table, answers)) == {"suspected_clusters": "too few rows", "design_effect": "too few rows"}
    silent = read_case({"test": world(60, 5, 0.3, seed=1)[0]}, columns=STORED, modality="unknown")
    assert gaps(run("independence", silent)) == {"suspected_clusters": "no data", "design_effect": "no data"}


def test_the_order_of_the_file_changes_nothing():
    table, answers = world(60, 5, 0.3, seed=7)
    turned = {name: list(column)[::-1] for name, column in table.items()}
    one, other = (
        measure(case_of(each, answers), [Request("independence", {})], catalog=catalog()) for each in (table, turned)
    )
    assert one == other
