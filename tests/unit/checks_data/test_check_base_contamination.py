"""Test rows that stand in what the base was trained on."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from case_fixture import make_case
from hypothesis import given, settings, strategies as st
from rows_fixture import gaps, measurements, read_case, run, value

from govkit.core import Predictions
from govkit.data import bytes_digest
from govkit.errors import DataError
from govkit.pipeline.casework import build_case, read_audit

TEXT = {"input": "text", "label": "label", "id": "id"}


def rows(texts):
    return {
        "text": texts,
        "label": ["spam" if number % 3 == 0 else "ham" for number in range(len(texts))],
        "id": [f"row {number}" for number in range(len(texts))],
    }


def base_case(texts, *paths, **fields):
    return read_case({"test": rows(texts)}, columns=TEXT, base_trained_on=paths, **fields)


TEXTS = [f"message number {number}" for number in range(42)]


@pytest.mark.parametrize("column", ["text", "content"])
def test_shared_rows_are_counted_and_named_over_all_files(tmp_path, column):
    pq.write_table(pa.table({column: [text.upper() for text in TEXTS[:5]] + ["a"] * 9}), tmp_path / "one.parquet")
    (tmp_path / "shards").mkdir()
    for at, some in enumerate((TEXTS[3:8], ["b", None, "c"], TEXTS[40:])):
        pq.write_table(
            pa.table({column: some, "n": [1] * len(some)}), tmp_path / "shards" / f"{at}.parquet", row_group_size=2
        )
    found = run("base_contamination", base_case(TEXTS, tmp_path / "one.parquet", tmp_path / "shards"))
    assert value(found, "base_shared_rows") == 10.0
    assert value(found, "base_shared_share") == pytest.approx(10 / 42)
    digests = {item.part["source"]: item.value for item in measurements(found, "base_data")}
    assert digests == {path.name: bytes_digest(path) for path in (tmp_path / "one.parquet", tmp_path / "shards")}
    (item,) = measurements(found, "base_shared_rows")
    assert set(item.rows) == {f"row {number}" for number in (*range(8), 40, 41)}
    assert {(bound.low, bound.high) for bound in item.bounds} == {(10.0, 10.0)}


def test_lines_of_json_are_read_too_and_nothing_shared_is_0(tmp_path):
    (tmp_path / "base.jsonl").write_text('{"text": "other"}\n{"text": "message number 100"}\n')
    found = run("base_contamination", base_case(TEXTS, tmp_path / "base.jsonl"))
    assert value(found, "base_shared_rows") == 0.0
    assert measurements(found, "base_shared_rows")[0].rows == ()


def test_who_named_nothing_never_passes(tmp_path):
    for case in (base_case(TEXTS), make_case([0, 1], [0.2, 0.7], base=[0.1, 0.2])):
        found = run("base_contamination", case)
        assert gaps(found) == {"*": "no data"}
        assert "base.trained_on" in found[0].detail
        assert measurements(found, "base_shared_rows") == []


def test_what_cannot_be_compared_is_a_gap(tmp_path):
    pq.write_table(pa.table({"n": [1, 2]}), tmp_path / "numbers.parquet")
    found = run("base_contamination", base_case(TEXTS, tmp_path / "numbers.parquet"))
    assert gaps(found) == {"*": "no data"}
    assert "numbers.parquet" in found[0].detail
    stored = make_case([0, 1], [0.2, 0.7], base_trained_on=(tmp_path / "numbers.parquet",))
    assert gaps(run("base_contamination", stored)) == {"*": "unsupported"}
    with pytest.raises(DataError, match="absent"):
        run("base_contamination", base_case(TEXTS, tmp_path / "absent.parquet"))


def test_tables_are_compared_by_their_input_columns_and_by_value(tmp_path):
    columns = {"input": ("age", "sex"), "label": "label"}
    test = {"age": [30, 31, 32], "sex": ["f", "m", "f"], "label": ["ham", "spam", "ham"]}
    (tmp_path / "base.csv").write_text("sex,age,other\nF,30.0,1\nm,99,2\nf,31,3\n")
    case = read_case({"test": test}, columns=columns, modality="table", base_trained_on=(tmp_path / "base.csv",))
    assert value(run("base_contamination", case), "base_shared_rows") == 1.0
    (tmp_path / "base.csv").write_text("age\n30\n")
    assert gaps(run("base_contamination", case)) == {"*": "no data"}


def test_accuracy_stands_apart_for_base_and_candidate(tmp_path):
    pq.write_table(pa.table({"text": TEXTS[:12]}), tmp_path / "base.parquet")
    case = base_case(TEXTS, tmp_path / "base.parquet")
    test = case.data["test"]
    touched = np.isin(test.inputs, TEXTS[:12])
    given_answers = {"candidate": test.labels, "base": np.where(touched, test.labels, 1 - test.labels)}
    object.__setattr__(case, "answers", lambda of, _: Predictions(given_answers[of]) if of in given_answers else None)
    found = run("base_contamination", case)
    expected = {"base_clean_accuracy": (1.0, 0.0, 30), "base_touched_accuracy": (1.0, 1.0, 12)}
    for name, (candidate, base, n) in expected.items():
        assert (value(found, name, of="candidate"), value(found, name, of="base")) == (candidate, base)
        assert measurements(found, name, of="base")[0].n == n
    change = measurements(found, "base_clean_accuracy_difference", of="base")[0]
    assert change.value == -1.0
    assert change.bounds[1].high < -0.5
    assert value(found, "base_clean_accuracy_difference", of="candidate") == 0.0
    pq.write_table(pa.table({"text": ["none of them"]}), tmp_path / "base.parquet")
    assert gaps(run("base_contamination", case)) == {
        "base_touched_accuracy": "too few rows", "base_clean_accuracy_difference": "too few rows"
    }  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from("abcdef"), min_size=3), st.lists(st.sampled_from("abcxyz")), st.integers(1, 4))
def test_the_count_is_that_of_python_however_the_file_is_cut(tmp_path_factory, test, trained, group):
    path = tmp_path_factory.mktemp("base") / "base.parquet"
    pq.write_table(pa.table({"text": pa.array(trained, pa.string())}), path, row_group_size=group)
    found = run("base_contamination", base_case(test, path))
    assert value(found, "base_shared_rows") == sum(text in trained for text in test)


def test_the_audit_file_names_what_the_base_was_trained_on(tmp_path):
    (tmp_path / "rows.csv").write_text("text,label,score\nwin money,spam,0.9\nsee you,ham,0.2\nlunch?,ham,0.1\n")
    pq.write_table(pa.table({"text": ["Win  money"]}), tmp_path / "corpus.parquet")
    (tmp_path / "audit.yaml").write_text(
        "subject: {predictions: rows.csv}\ncolumns: {input: text, label: label, score: score}\n"
        "base: {predictions: base.csv, trained_on: [corpus.parquet]}\n"
    )
    (tmp_path / "base.csv").write_text("label,score\nspam,0.9\nham,0.2\nham,0.1\n")
    audit, root = read_audit(tmp_path / "audit.yaml")
    assert audit.base.trained_on == ("corpus.parquet",)
    case = build_case(audit, root).case
    found = run("base_contamination", case)
    assert value(found, "base_shared_rows") == 1.0
    assert measurements(found, "base_shared_rows")[0].rows == ("row 1",)
