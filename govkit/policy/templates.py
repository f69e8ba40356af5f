"""The questions that people answer when they sign an attestation: ``policies/attestations.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from govkit.core import Recorded
from govkit.documents import read
from govkit.errors import PolicyError
from govkit.resources import find

FILE = "attestations.yaml"


class Template(Recorded):
    """A kind of attestation.

    Attributes:
        title: What is true once it is signed.
        role: What the signer should sign as.
        max_age_days: For how long it should count.
        questions: Id -> question of one sentence; each needs an answer.
    """

    title: Annotated[str, Field(min_length=1)]
    role: Annotated[str, Field(min_length=1)]
    max_age_days: Annotated[int, Field(gt=0)]
    questions: Annotated[dict[str, str], Field(min_length=1)]


@lru_cache(maxsize=1)
def templates() -> Mapping[str, Template]:
    """Kind -> template, sorted."""
    data = read(find("policies") / FILE, error=PolicyError).data
    return MappingProxyType({kind: Template.model_validate(data[kind]) for kind in sorted(data)})
