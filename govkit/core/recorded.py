"""The base of everything that enters a bundle."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, FailFast, Field

Item = TypeVar("Item")

Long = Annotated[tuple[Item, ...], FailFast()]
"""A list that a program writes: the first wrong item refuses it, so that a million of them cost no memory."""

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class Recorded(BaseModel):
    """Frozen, closed and finite: unknown keys, NaN and infinity are refused, and no message repeats what was given.

    Law: ``cls.model_validate_json(x.model_dump_json()) == x``.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, str_max_length=100_000, hide_input_in_errors=True
    )
