"""Checks of texts that are too many for the memory say what they say of a list."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from rows_fixture import read_case, run

from govkit.checks import data as of_data
from govkit.data import digest, spool, texts

WORDS = np.array(
    ["the", "cat", "sat", "on", "a", "mat", "and", "then", "it", "ran", "far", "away", "from", "my", "small", "dog"]
)


def tables() -> dict[str, dict[str, pa.Array]]:
    rng = np.random.default_rng(0)
    said = [" ".join(rng.choice(WORDS, 30)) for _ in range(80)]
    said += [said[3].upper(), said[4] + "!", "mail me: ann@example.org", "чужой текст здесь"]
    labels = ["ham", "spam"] * (len(said) // 2)
    train = {"text": pa.array(said), "label": pa.array(labels)}
    test = {"text": pa.array([*said[:6], said[7] + "?", "new words"]), "label": pa.array(["spam", "ham"] * 4)}
    return {"test": test, "train": train}


@pytest.mark.parametrize("name", ["duplicates", "contamination", "personal_data", "data_quality", "poison"])
def test_findings_of_lazy_texts_are_those_of_a_list(name, monkeypatch):
    columns = {"input": "text", "label": "label"}
    expected = run(name, read_case(tables(), columns=columns))
    for module, what in ((spool, "LARGE"), (spool, "HELD"), (spool, "PIECE"), (digest, "SORTED"), (of_data, "ROWS")):
        monkeypatch.setattr(module, what, 7)
    monkeypatch.setattr(spool, "PILE", 500)
    case = read_case(tables(), columns=columns)
    assert all(isinstance(data.inputs, texts.Texts) for data in case.data.values())
    assert run(name, case) == expected
