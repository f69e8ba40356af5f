"""The engine ``presidio`` beside the library itself; it has an extra of its own that ``make`` does not install."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from case_fixture import make_case
from rows_fixture import gaps, run, value

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("presidio_analyzer") is None,
    reason="needs the extra presidio: pip install 'govkit[presidio]'",
)
CARD = "4012 8888 8888 1881"


def test_presidio_counts_rows_and_says_what_it_does_not_look_for():
    texts = ["nothing", f"card {CARD}", "write to jane@example.org", "call +49 171 1234567", None]
    case = make_case([0, 1], [0.2, 0.7])
    table = pa.table({"text": texts, CARD: [CARD] * 5})
    data = replace(case.data["test"], table=table, labels=np.zeros(5, dtype=np.int64))
    case = replace(case, data={"test": data})
    found = run("personal_data", case, engine="presidio")
    part = {"column": "text"}
    counts = {name: value(found, name, part=part) for name in ("card_rows", "email_rows", "phone_rows")}
    assert counts == {"card_rows": 1.0, "email_rows": 1.0, "phone_rows": 1.0}
    assert value(found, "personal_rows", part=part) == 3.0
    assert value(found, "card_rows", part={"column": "column 2, name not shown"}) == 5.0
    assert {"national_id_rows", "secret_rows"} <= gaps(found).keys()
    names = [item for item in found if item.name == "name_rows" and not item.part]
    assert len(names) == 1, "counted with a model, a gap without"
    assert CARD not in str(found)
    assert "jane" not in str(found)
