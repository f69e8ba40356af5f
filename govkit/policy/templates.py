"""Words from files: the questions of attestations, and what metrics mean to a reader without statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from govkit.core import Metric, Recorded
from govkit.documents import read
from govkit.errors import PolicyError
from govkit.resources import find

FILE = "attestations.yaml"


@dataclass(frozen=True)
class Plain:
    """A metric in words.

    Attributes:
        says: What it says, one sentence.
        than: What a value of it is higher or lower than.
        size: It is a size by itself, which is not told as higher or lower.
    """

    says: str
    than: str = ""
    size: bool = False


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


@lru_cache(maxsize=1)
def _metrics() -> Mapping[str, Plain]:
    data = read(find("templates") / "words.yaml", error=PolicyError).data["explained"]
    return MappingProxyType({name: Plain(**entry) for name, entry in data.items()})


def plain_metric(name: str, metric: Metric) -> Plain:
    """A metric for a reader without statistics; where no words are on file, what its check says."""
    return _metrics().get(name) or Plain(metric.what)
