"""The watch file: which rows a model was released on, where the rows of its service arrive, what is compared."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from govkit.core import Recorded
from govkit.core.audit import DataSource


class Looks(Recorded):
    """Where rows of the service arrive.

    Attributes:
        path: A folder, a pattern such as ``log/*.parquet``, or one growing log.
        by: ``file``: every file is one look. ``day``: every day of ``columns.time`` that is over is one look.
    """

    path: str
    by: Literal["file", "day"] = "file"


class WatchColumns(Recorded):
    """Names of the columns, the same in the reference and in the looks.

    Attributes:
        watch: Columns whose distribution is compared: inputs, and the answers themselves.
        label: Column of the true class. A row whose label has not arrived says nothing about accuracy.
        prediction: Column of the class that the model answered.
        time: Column of times.
    """

    watch: tuple[str, ...] = ()
    label: str | None = None
    prediction: str | None = None
    time: str | None = None


class WatchFile(Recorded):
    """A watch, as its file says it (``govkit.watch/v1``); paths are relative to that file.

    Attributes:
        name: Name of the model.
        model: Folder or file of the model in service; statements are about its digest.
        reference: Rows as at the release.
        looks: Where rows of the service arrive.
        columns: Names of the columns.
        policy: Name or path of the policy whose triggers are watched.
        false_alarms: Chance of at least one alarm without a cause in ``looks_a_year`` looks, all streams together.
        looks_a_year: Looks that a year has; after so many the tests begin anew.
        every_days: Days after which a look is due. After twice as many without one a person has to look.
        labels_days: Days after which a person has to look where accuracy is watched and no label has arrived.
        state: File that remembers what was seen.
        webhook: Address that alarms are sent to, as JSON; none unless it is named here.
    """

    schema_: Annotated[Literal["govkit.watch/v1"], Field(alias="schema")] = "govkit.watch/v1"
    name: str
    model: str
    reference: DataSource
    looks: Looks
    columns: WatchColumns
    policy: str = "nist-ai-rmf-core"
    false_alarms: Annotated[float, Field(ge=0.0001, le=0.2)] = 0.05
    looks_a_year: Annotated[int, Field(ge=1, le=100_000)] = 365
    every_days: Annotated[int, Field(ge=1, le=366)] = 1
    labels_days: Annotated[int, Field(ge=1, le=366)] = 31
    state: str = "watch.db"
    webhook: str | None = None

    @model_validator(mode="after")
    def _something_to_watch(self) -> WatchFile:
        columns = self.columns
        if (columns.label is None) != (columns.prediction is None):
            raise ValueError("columns.label and columns.prediction belong together: accuracy needs both")
        if columns.label is not None and columns.label == columns.prediction:
            raise ValueError(f"columns.label and columns.prediction are both {columns.label!r}; name two columns")
        if not columns.watch and columns.label is None:
            raise ValueError("nothing is watched: name columns.watch, or columns.label and columns.prediction")
        if columns.label in columns.watch:
            raise ValueError(f"columns.watch holds {columns.label!r}, the label, which arrives late; leave it out")
        if len(set(columns.watch)) < len(columns.watch):
            raise ValueError("columns.watch names a column twice")
        if self.looks.by == "day" and columns.time is None:
            raise ValueError("looks.by: day needs columns.time")
        return self

    @model_validator(mode="after")
    def _an_address(self) -> WatchFile:
        if self.webhook is not None and not _is_address(self.webhook):
            # It may hold a secret, so it is not shown.
            raise ValueError("webhook is no http or https address, of ASCII, without blanks and without name:password@")
        return self


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    plain = text.isascii() and text.isprintable() and " " not in text
    return plain and host and parts.scheme in ("http", "https") and "@" not in parts.netloc
