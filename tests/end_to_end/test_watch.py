"""A model in service, watched by the command line: what each thing that can happen is told as, and its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from watch_fixture import AS_OF, FORM, POLICY, TRIGGERS, add_look, make_watch, rows_of

from govkit import evidence
from govkit.watch.memory import Memory


def run(folder: Path, *options: str, as_of: str = AS_OF, code: int) -> str:
    """One call of ``govkit watch``; the loop would never end, so every look is taken once."""
    what = options if set(options) & {"--acknowledge", "--statement"} else ("--once", *options)
    done = subprocess.run(
        [sys.executable, "-m", "govkit", "watch", "watch.yaml", *what, "--as-of", as_of],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GOVKIT_KEY_PASSWORD": "correct horse"},
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == code, (done.returncode, done.stdout[-800:], done.stderr[-800:])
    assert "Traceback" not in done.stderr
    return done.stderr if code == 2 else done.stdout


def events(folder: Path, *, as_of: str = AS_OF, code: int) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(folder, "--json", as_of=as_of, code=code).splitlines()]


def kinds(told: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in told]


def looks_of(folder: Path) -> list[str]:
    memory = Memory(folder / "watch.db")
    names = [look.name for look in memory.looks()]
    memory.close()
    return names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_watch(tmp_path)
    add_look(tmp_path / "watch.yaml", "a.csv", rows_of(1))
    return tmp_path


def add(folder: Path, name: str, rows: pd.DataFrame) -> Path:
    return add_look(folder / "watch.yaml", name, rows)


def test_quiet_looks_pass_and_each_event_is_one_line_of_json(folder: Path) -> None:
    for look in range(2, 12):
        add(folder, f"b{look:02}.csv", rows_of(look))
    told = events(folder, code=0)
    assert kinds(told) == ["assumed"] + ["look"] * 11 + ["state"]
    assert told[-1] == {"event": "state", "looks": 11, "alarms": [], "refused": []}
    assert kinds(events(folder, code=0)) == ["state"]


def test_a_shift_of_amounts_is_told_by_the_name_of_its_column(folder: Path) -> None:
    for look in range(2, 8):
        add(folder, f"b{look}.csv", rows_of(look, shift=0.4))
    told = events(folder, code=3)
    alarm = next(event for event in told if event["event"] == "alarm")
    assert (alarm["trigger"], alarm["streams"][0]["what"], alarm["then"]) == ("SHIFT", "amount", "review")
    assert alarm["streams"][0]["found"] == pytest.approx(0.4, abs=0.1)
    assert alarm["look"] in ("b2.csv", "b3.csv", "b4.csv")
    text = run(folder, code=3)
    assert "alarms that stand: 1" in text
    assert "ALARM" not in text  # it was told


def test_another_column_that_moves_later_raises_an_alarm_of_its_own(folder: Path) -> None:
    for look in range(2, 6):
        add(folder, f"b{look}.csv", rows_of(look, shift=0.4))
    events(folder, code=3)
    for look in range(6, 10):
        add(folder, f"b{look}.csv", rows_of(look, shift=0.4).assign(city="Rome"))
    told = [event for event in events(folder, code=3) if event["event"] == "alarm"]
    assert [event["trigger"] for event in told] == ["SHIFT"]
    assert {stream["column"] for stream in told[0]["streams"]} == {"city"}


def test_labels_that_never_arrive_bring_a_person_to_look(folder: Path) -> None:
    run(folder, code=0)
    add(folder, "b.csv", rows_of(2).assign(label=None))
    assert kinds(events(folder, as_of="2026-12-20T12:00:00Z", code=0)) == ["look", "state"]
    add(folder, "c.csv", rows_of(3).assign(label=None))
    told = events(folder, as_of="2026-12-23T12:00:00Z", code=3)
    assert kinds(told) == ["look", "unlabeled", "state"]
    assert (told[1]["last"], told[1]["days"]) == (AS_OF, 33)
    assert "no label for 33 days" in run(folder, as_of="2026-12-23T12:00:00Z", code=3)


def test_an_accuracy_six_points_lower_calls_for_training(folder: Path) -> None:
    for look in range(2, 20):
        add(folder, f"b{look:02}.csv", rows_of(look, accuracy=0.84))
    text = run(folder, code=1)
    assert "No longer true:\n  Right\n  accuracy: 83.8% of 1,000 rows of that look, 90.3% at the release\n" in text
    assert "\n  Tolerated: 0.02. Train again." in text
    run(folder, code=1)


def test_closing_an_alarm_begins_its_stream_anew(folder: Path) -> None:
    for look in range(2, 8):
        add(folder, f"b{look}.csv", rows_of(look, shift=0.4))
    alarms = kinds(events(folder, code=3)).count("alarm")
    assert f"closed: {alarms} alarms" in run(folder, "--acknowledge", "M.: the tariff rose, audited again", code=0)
    assert run(folder, code=0).startswith("7 looks counted; alarms that stand: none")
    assert "closed: 0 alarms" in run(folder, "--acknowledge", "M.: nothing stands", code=0)
    for look in range(8, 14):
        add(folder, f"c{look}.csv", rows_of(look, shift=0.4))
    told = events(folder, code=3)
    assert next(event["id"] for event in told if event["event"] == "alarm") == alarms + 1
    assert "found nothing" in run(folder, "--acknowledge", " ", code=2)
    assert "two calls" in run(folder, "--acknowledge", "M.: seen", "--statement", "2026-09", code=2)


def test_a_file_that_cannot_be_read_is_told_once_and_counted_when_it_is_repaired(folder: Path) -> None:
    broken = folder / "looks" / "b.csv"
    broken.write_text("amount,city,label,prediction\n1,2\n")
    (refused,) = [event for event in events(folder, code=3) if event["event"] == "refused"]
    assert refused["name"] == "b.csv"
    assert kinds(events(folder, code=3)) == ["state"]
    add(folder, "b.csv", rows_of(2))
    assert kinds(events(folder, code=0)) == ["look", "state"]
    assert looks_of(folder) == ["a.csv", "b.csv"]


def test_looks_that_are_not_like_the_reference_are_not_counted(folder: Path) -> None:
    add(folder, "b.csv", rows_of(2).drop(columns="city"))
    add(folder, "c.csv", rows_of(2).drop(columns="prediction"))
    add(folder, "d.csv", rows_of(2).astype({"amount": str}).assign(amount="much"))
    add(folder, "e.csv", rows_of(2).iloc[:0])
    rows_of(2).iloc[:0].to_parquet(folder / "looks" / "f.parquet")
    told = events(folder, code=3)
    said = {event["name"]: event["why"] for event in told if event["event"] == "refused"}
    assert "there is no column 'city'" in said["b.csv"]
    assert "there is no column 'prediction'" in said["c.csv"]
    assert "holds string; the reference holds numbers" in said["d.csv"]
    assert "no rows" in said["e.csv"]
    assert "no rows" in said["f.parquet"]
    assert looks_of(folder) == ["a.csv"]


def test_a_counted_file_that_changes_is_told_and_its_old_rows_end_that(folder: Path) -> None:
    run(folder, code=0)
    add(folder, "a.csv", rows_of(5))
    told = events(folder, code=3)
    assert told[0]["why"].startswith("holds other rows than when it was counted")
    run(folder, "--acknowledge", "M.: they were written twice", code=0)
    assert kinds(events(folder, code=0)) == ["state"]
    add(folder, "a.csv", rows_of(6))
    assert kinds(events(folder, code=3)) == ["refused", "state"], "yet other rows are another change"
    add(folder, "a.csv", rows_of(1))
    assert kinds(events(folder, code=0)) == ["state"]


def test_the_same_rows_under_another_name_count_once(folder: Path) -> None:
    run(folder, code=0)
    add(folder, "b.csv", rows_of(1))
    rows_of(1).to_parquet(folder / "looks" / "c.parquet")
    told = events(folder, code=3)
    assert [event["why"] for event in told[:-1]] == ["holds the rows of a.csv, which were counted"] * 2
    assert looks_of(folder) == ["a.csv"]


def test_rows_in_another_order_are_the_same_rows(folder: Path) -> None:
    run(folder, code=0)
    add(folder, "a.csv", rows_of(1).sample(frac=1, random_state=3))
    assert kinds(events(folder, code=0)) == ["state"]


CHANGES = [
    ("model.bin", "weights", "other weights", "the model is not the one"),
    ("watch.yaml", "[amount, city]", "[amount]", "the watch is not the one"),
    ("watch.yaml", "prediction: prediction}", "prediction: prediction, time: when}", "the watch is not the one"),
    ("watch.yaml", "name: lender", "name: lender\nfalse_alarms: 0.1", "the watch is not the one"),
    ("policy.yaml", "limit: 0.1", "limit: 0.2", "the policy is not the one"),
]


def test_what_decides_may_not_change_under_a_watch(folder: Path) -> None:
    run(folder, code=0)
    for file, old, new, said in CHANGES:
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new))
        assert said in run(folder, code=2)
        (folder / file).write_text(text)
    run(folder, code=0)


def test_looks_that_stop_arriving_are_told_on_the_third_day(folder: Path) -> None:
    run(folder, code=0)
    run(folder, as_of="2026-11-22T12:00:00Z", code=0)
    told = events(folder, as_of="2026-11-23T12:00:00Z", code=3)
    assert told[0] == {"event": "overdue", "last": AS_OF, "days": 3}
    add(folder, "b.csv", rows_of(2))
    run(folder, as_of="2026-11-23T12:00:00Z", code=0)


def test_a_watch_in_which_no_look_ever_arrived_is_overdue_too(tmp_path: Path) -> None:
    make_watch(tmp_path)
    run(tmp_path, code=0)
    assert "no look for 3 days" in run(tmp_path, as_of="2026-11-23T12:00:00Z", code=3)


def test_a_policy_without_triggers_watches_nothing(tmp_path: Path) -> None:
    make_watch(tmp_path, policy=POLICY)
    assert "policy watched has no triggers" in run(tmp_path, code=2)
    assert not (tmp_path / "watch.db").exists()


def test_triggers_that_fit_no_column_watch_nothing(tmp_path: Path) -> None:
    triggers = "\n".join(line for line in TRIGGERS.splitlines() if "watch: new" in line or line == "triggers:")
    form = FORM.replace("[amount, city], label: label, prediction: prediction", "[amount]")
    make_watch(tmp_path, form=form, policy=POLICY + triggers + "\n")
    assert "no trigger of the policy watched fits a column" in run(tmp_path, code=2)


def test_labels_are_not_named_in_vain(tmp_path: Path) -> None:
    triggers = "\n".join(line for line in TRIGGERS.splitlines() if "watch: accuracy" not in line)
    make_watch(tmp_path, policy=POLICY + triggers + "\n")
    assert "has no trigger that watches accuracy" in run(tmp_path, code=2)


def test_labels_that_have_not_arrived_say_nothing_about_accuracy(folder: Path) -> None:
    for look in range(2, 12):
        rows = rows_of(look, accuracy=0.5).astype({"label": object})
        rows["label"] = None
        add(folder, f"b{look:02}.csv", rows)
    run(folder, code=0)
    memory = Memory(folder / "watch.db")
    counted = [(each["looks"], each["rows"]) for each in memory.streams()["RIGHT"]]
    memory.close()
    assert set(counted) == {(1, 1000)}
    rows = rows_of(20)
    rows["label"] = np.where(np.arange(len(rows)) < 300, rows["label"], np.nan)
    add(folder, "c.csv", rows)
    run(folder, code=0)
    memory = Memory(folder / "watch.db")
    assert {each["rows"] for each in memory.streams()["RIGHT"]} == {1300}
    memory.close()


def test_days_of_a_growing_log_are_counted_when_they_are_over(tmp_path: Path) -> None:
    form = FORM.replace("looks: {path: looks}", "looks: {path: log.csv, by: day}")
    make_watch(tmp_path, form=form.replace("label: label,", "label: label, time: when,"))
    reference = pd.read_csv(tmp_path / "reference.csv")
    reference.assign(when="2026-10-01").to_csv(tmp_path / "reference.csv", index=False)
    days = [rows_of(day, 300).assign(when=f"2026-11-{day}T23:30:00Z") for day in (18, 19, 20)]
    pd.concat(days[:2]).to_csv(tmp_path / "log.csv", index=False)
    run(tmp_path, as_of="2026-11-19T23:45:00Z", code=0)
    assert looks_of(tmp_path) == ["2026-11-18"]
    pd.concat(days).to_csv(tmp_path / "log.csv", index=False)
    run(tmp_path, as_of="2026-11-20T23:45:00Z", code=0)
    assert looks_of(tmp_path) == ["2026-11-18", "2026-11-19"]
    pd.concat([days[0].iloc[:-1], *days[1:]]).to_csv(tmp_path / "log.csv", index=False)
    told = events(tmp_path, as_of="2026-11-20T23:45:00Z", code=3)
    assert (told[0]["name"], told[0]["why"][:10]) == ("2026-11-18", "holds othe")


@pytest.mark.parametrize("path", ["none", "none/*.csv"])
def test_a_folder_of_looks_that_is_missing_is_no_quiet_one(tmp_path: Path, path: str) -> None:
    make_watch(tmp_path, form=FORM.replace("path: looks", f"path: '{path}'"))
    assert "none" in run(tmp_path, code=2)


def test_hostile_names_are_shown_and_not_obeyed(folder: Path) -> None:
    add(folder, "\x1b[31mred\u202e.csv", rows_of(2))
    text = run(folder, code=0)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "red" in text


def test_a_month_is_signed_by_the_command_line(folder: Path, key_folder: Path) -> None:
    run(folder, code=0)
    key = ("--key", str(key_folder / "audit.key"), "--out", "2026-11.json")
    assert "is not over" in run(folder, "--statement", "2026-11", *key, code=2)
    assert "--statement needs --key and --out" in run(folder, "--statement", "2026-11", code=2)
    run(folder, "--statement", "2026-11", *key, as_of="2026-12-01", code=0)
    trust = evidence.read_trust(key_folder / "trust.yaml")
    options = {"trust": trust, "as_of": "2026-12-01T00:00:00Z", "file": "2026-11.json"}
    raw, kind = (folder / "2026-11.json").read_bytes(), evidence.type_of("watch")
    assert evidence.open_statement(raw, role="audit", predicate_type=kind, **options).predicate["month"] == "2026-11"


def test_a_memory_of_an_older_version_goes_on_with_what_it_knows(folder: Path) -> None:
    events(folder, code=0)
    memory = Memory(folder / "watch.db")
    # It kept one state of each stream, without a trace, and one spread of days.
    older = {name: {key: value for key, value in states[0].items() if key != "trace"}
             for name, states in memory.streams().items()}  # fmt: skip
    with memory.at_once():
        memory.remember(older)
        memory._base.execute("UPDATE facts SET value = ? WHERE name = 'day_effects'", ('{"SHIFT amount": 0.07}',))
        memory._base.execute("UPDATE facts SET value = '60' WHERE name = 'days'")
    memory.close()
    for look in range(2, 6):
        add(folder, f"b{look}.csv", rows_of(look, shift=0.6))
    assert "alarm" in kinds(events(folder, code=3))
    memory = Memory(folder / "watch.db")
    assert {name: states[0]["looks"] for name, states in memory.streams().items()} == dict.fromkeys(older, 5)
    memory.close()
