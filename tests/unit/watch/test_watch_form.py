from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

import govkit as gk
from govkit import documents
from govkit.core import Trigger
from govkit.errors import AuditError
from govkit.watch import WatchFile
from govkit.watch.form import WatchColumns


def form(**changes: Any) -> WatchFile:
    plain = {
        "schema": "govkit.watch/v1",
        "name": "m",
        "model": "model.bin",
        "reference": {"path": "r.csv"},
        "looks": {"path": "looks"},
        "columns": {"watch": ["a"]},
    }
    return WatchFile.model_validate({**plain, **changes})


REFUSED = [
    ({"columns": {"watch": ["a"], "label": "y"}}, "belong together"),
    ({"columns": {"watch": ["a"], "prediction": "p"}}, "belong together"),
    ({"columns": {"label": "y", "prediction": "y"}}, "are both 'y'"),
    ({"columns": {}}, "nothing is watched"),
    ({"columns": {"time": "t"}}, "nothing is watched"),
    ({"columns": {"watch": ["a", "y"], "label": "y", "prediction": "p"}}, "the label, which arrives late"),
    ({"columns": {"watch": ["a", "a"]}}, "names a column twice"),
    ({"looks": {"path": "log.csv", "by": "day"}}, "day needs columns.time"),
    ({"looks": {"path": "log.csv", "by": "week"}}, "'file' or 'day'"),
    ({"schema": "govkit.watch/v2"}, "govkit.watch/v1"),
    ({"false_alarms": 0}, "greater than or equal to 0.0001"),
    ({"false_alarms": 0.5}, "less than or equal to 0.2"),
    ({"looks_a_year": 0}, "greater than or equal to 1"),
    ({"every_days": 0}, "greater than or equal to 1"),
    ({"every": 1}, "Extra inputs"),
]


@pytest.mark.parametrize(("changes", "said"), REFUSED)
def test_a_watch_that_makes_no_sense_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        form(**changes)


@pytest.mark.parametrize(
    "address",
    [
        "ftp://host/x",
        "file:///etc/passwd",
        "https://",
        "host/x",
        "https://host/a b",
        "https://host/a\nb",
        "https://h\u00f6st/x",
        "https://user:word@host/",
        "https://host:port/",
        "http://[::1/",
        "",
    ],
)
def test_what_is_no_address_is_refused_before_the_first_alarm(address: str) -> None:
    with pytest.raises(ValidationError, match="webhook is no http or https address"):
        form(webhook=address)


@pytest.mark.parametrize("address", ["https://hooks.example/T0/B1?x=1", "http://127.0.0.1:8080", "http://[::1]:80/a"])
def test_an_address_is_taken(address: str) -> None:
    assert form(webhook=address).webhook == address


def test_a_refused_address_stays_out_of_the_message(tmp_path: Path) -> None:
    path = tmp_path / "watch.yaml"
    text = "schema: govkit.watch/v1\nname: m\nmodel: m\nreference: {path: r}\nlooks: {path: l}\ncolumns: {watch: [a]}\n"
    path.write_text(text + 'webhook: "https://hooks.example/secret token"\n')
    with pytest.raises(AuditError, match="no http or https address") as caught:
        documents.read_model(path, WatchFile, error=AuditError)
    assert "secret" not in str(caught.value)


def test_an_answer_may_be_watched_beside_its_accuracy() -> None:
    assert form(columns={"watch": ["p"], "label": "y", "prediction": "p"}).columns.watch == ("p",)


def test_the_page_shows_every_key_and_is_valid() -> None:
    page = (Path(gk.__file__).parents[1] / "docs" / "watch.md").read_text(encoding="utf-8")
    shown = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])
    form = WatchFile.model_validate(shown)
    assert set(shown) == {*WatchFile.model_fields, "schema"} - {"schema_"}
    assert set(shown["columns"]) == set(WatchColumns.model_fields)
    assert form.looks.by == "file"
    (trigger,) = yaml.safe_load(page.split("```yaml\n")[2].split("```")[0])["triggers"]
    assert Trigger.model_validate(trigger).then == "retrain"
