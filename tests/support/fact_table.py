"""Records every way of training for real, in one process each way after the other, and prints how each fact is known.

It works in the folder that it lies in; the last line is JSON: way -> fact -> [state, why].
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pandas as pd
import torch
from run_facts import facts_of
from ways_fixture import TRAININGS, make_base

from govkit.core import Run
from govkit.lineage import read_run, record, record_script

SCRIPT = """\
import sys
from pathlib import Path

import pandas as pd
from sklearn.model_selection import train_test_split
from ways_fixture import train_trainer

rows = pd.read_csv("rows.csv")
train_test_split(rows, test_size=0.25, random_state=0)
train_trainer(Path(sys.argv[1]))
"""
CARD = """\
---
license: apache-2.0
base_model: org/ancestor
datasets: [wikipedia]
co2_eq_emissions: {emissions: 3.2, source: codecarbon, training_type: pre-training}
---
"""
MIT = """\
MIT License

Copyright (c) 2026 The authors

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def main() -> None:
    torch.set_num_threads(1)
    prepare()
    found = {}
    for name, train in TRAININGS.items():
        folder = Path(name.replace(" ", "-"))
        hub(folder)
        with record(folder / "run") as run:
            share_out(run)
            train(folder)
        found[name] = known(read_run(folder / "run"))
    hub(Path("script"))
    code = record_script("train.py", ["script"], out="script/run", data={"rows.csv": "train"})
    assert code == 0
    found["unchanged script"] = known(read_run("script/run"))
    print(json.dumps(found))  # noqa: T201


def prepare() -> None:
    """A repository with a script, and rows with a license beside them."""
    Path("data").mkdir()
    rows().to_csv("rows.csv", index=False)
    Path("data/LICENSE").write_text(MIT)
    Path("train.py").write_text(SCRIPT)
    settings = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "train.py"], [*settings, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *command], check=True)


def rows() -> pd.DataFrame:
    return pd.DataFrame({"text": [f"message {number}" for number in range(16)], "label": [0, 1] * 8})


def hub(folder: Path) -> None:
    """The base lies in the cache of a hub, under its commit, with a card."""
    place = Path("hub/models--org--tiny/snapshots", "0" * 38 + f"{len(list(Path().glob('*/base'))):02d}").absolute()
    make_base(place)
    (place / "README.md").write_text(CARD)
    folder.mkdir()
    (folder / "base").symlink_to(place)
    (folder / "README.md").write_text(CARD)


def share_out(run: object) -> None:
    """Split the rows, and tell what they are used for."""
    from sklearn.model_selection import train_test_split

    train, test = train_test_split(rows(), test_size=0.25, random_state=0)
    train.to_csv("data/train.csv", index=False)
    test.to_csv("data/test.csv", index=False)
    said = {"revision": "1", "folder": "data", "collection": "made up", "consent": "nobody is in it"}
    run.add_data("data/train.csv", role="train", **said)
    run.add_data("data/test.csv", role="test", **said)


def known(run: Run) -> dict[str, list[str]]:
    return {name: [fact.seen, fact.why] for name, fact in facts_of(run).items()}


if __name__ == "__main__":
    main()
