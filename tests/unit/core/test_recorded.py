"""What is refused on its way into a bundle is not repeated: it may be a cell of somebody's row."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from govkit.core.recorded import Recorded


class Named(Recorded):
    name: str


@pytest.mark.parametrize("given", [{"name": "jane" * 30_000}, {"name": ["jane"]}, {"name": "a", "more": "jane"}])
def test_a_message_does_not_repeat_what_was_given(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as refused:
        Named(**given)
    assert "jane" not in str(refused.value)
