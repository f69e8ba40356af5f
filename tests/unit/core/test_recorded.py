"""What is refused on its way into a bundle is not repeated: it may be a cell of somebody's row."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from govkit.core.recorded import Recorded
from govkit.core.words import known_as


class Named(Recorded):
    name: str


@pytest.mark.parametrize("given", [{"name": "jane" * 30_000}, {"name": ["jane"]}, {"name": "a", "more": "jane"}])
def test_a_message_does_not_repeat_what_was_given(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as refused:
        Named(**given)
    assert "jane" not in str(refused.value)


ALIKE = {
    "Ana Pop": "\u0410na \u0420\u043ep",
    "Zo\u00eb": "Zoe\u0308",
    "\u0412\u043e\u0432\u0430": "\u0432\u043e\u0432\u0430",
    "\u039d\u03af\u03ba\u03bf\u03c2": "\u039d\u038a\u039a\u039f\u03a3",
    "\u0130rem": "irem",
}
APART = "Ana Pop,Ann Pop,\u0930\u093e\u092e,\u0930\u092e\u093e,Jos\u00e9,Jose,\u738b\u82b3,\u738b\u65b9"


def test_names_that_look_alike_are_one_name_and_others_are_not():
    assert all(known_as(one) == known_as(two) for one, two in ALIKE.items())
    assert len(set(map(known_as, APART.split(",")))) == len(APART.split(","))
