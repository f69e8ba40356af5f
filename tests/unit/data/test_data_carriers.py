"""The readers on real data."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest
from pyarrow import feather

from govkit.core.columns import Columns
from govkit.data import content_digest, count_table, read_dataset, read_table
from govkit.data.counts import TRUE_NEGATIVE, TRUE_POSITIVE

pytestmark = pytest.mark.carrier


@pytest.fixture(scope="module")
def census() -> Path:
    return Path(str(distribution("nannyml").locate_file("nannyml/datasets/data/employment_MA_analysis.pq")))


def test_the_census_is_read_and_identified_whatever_carries_it(census: Path, tmp_path: Path) -> None:
    table = read_table(census).slice(0, 20_000)
    expected, _, _ = content_digest(table)
    shuffled = table.take(np.random.default_rng(0).permutation(table.num_rows))
    feather.write_feather(shuffled, tmp_path / "acs.feather")
    shuffled.to_pandas().to_json(tmp_path / "acs.jsonl", orient="records", lines=True, double_precision=15)
    assert content_digest(read_table(tmp_path / "acs.feather"))[0] == expected
    columns = [name for name in table.column_names if name != "predicted_probability"]  # pandas cuts its digits
    again = read_table(tmp_path / "acs.jsonl")
    assert content_digest(again, columns=columns)[0] == content_digest(table, columns=columns)[0]


def test_the_shipped_model_has_its_known_accuracy(census: Path) -> None:
    """0.8272 in 2015, computed from the same file with pandas alone."""
    reference = census.with_name("employment_MA_reference.pq")
    columns = Columns(label="employed", groups=("SEX",), id="id", score="predicted_probability")
    data = read_dataset(reference, role="test", columns=columns, modality="unknown")
    counted = count_table(data.table, groups=["SEX"], label="employed", answer="prediction", positive="1")["SEX"].counts
    right = counted[:, [TRUE_POSITIVE, TRUE_NEGATIVE]].sum()
    assert right / counted.sum() == pytest.approx(0.8272, abs=5e-5)
