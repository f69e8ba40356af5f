"""JSON from anybody is refused by its size before anything is built of it."""

from __future__ import annotations

import pytest

from govkit.core.plain import MAX_VALUES, plain_json, refuse_crowded


@pytest.mark.parametrize("mark", [b",", b"{", b"["])
def test_each_mark_before_a_value_counts(mark: bytes) -> None:
    refuse_crowded(mark * MAX_VALUES)
    with pytest.raises(ValueError, match="more than 600,000 values"):
        refuse_crowded(mark * (MAX_VALUES + 1))


def test_a_key_that_stands_twice_is_refused_where_it_matters() -> None:
    assert plain_json(b'{"a": 1, "a": 2}') == {"a": 2}
    assert plain_json(b'{"a": 1, "b": {"a": 2}}', once=True) == {"a": 1, "b": {"a": 2}}
    with pytest.raises(ValueError, match="a key stands twice"):
        plain_json(b'{"b": {"a": 1, "a": 2}}', once=True)
