"""Three tuned models under one policy: one may go into service, one is stopped, of one nobody can say yet.

All of it is made up: applicants for a course, and whether they finish it. A base knows the applicants of many schools;
each candidate is tuned on those of one. Run it in an empty folder, and name some of the three if not all are wanted; it
writes ready/, harmful/ and thin/, each with data, run record, audit.yaml and the bundle evidence/.

- ready: tuned on good data, tested on 8,000 applicants.
- harmful: two thirds of the women who finished are marked as if they had not, and test rows stand in the training data.
- thin: the same model as ready, tested on 80 applicants.
"""

from __future__ import annotations

import hashlib
import inspect
import itertools
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.torch import save_file

import govkit as gk

FEATURES = ("grades", "hours", "distance", "work", "age")


def build() -> torch.nn.Sequential:
    sizes = (5, 64, 64, 64, 64)
    layers = [torch.nn.Sequential(torch.nn.Linear(*pair), torch.nn.Tanh()) for pair in itertools.pairwise(sizes)]
    return torch.nn.Sequential(*layers, torch.nn.Linear(64, 2))


CODE = f"""\
import itertools
from pathlib import Path

import torch
from safetensors.torch import load_file


{inspect.getsource(build)}

net = build()
net.load_state_dict(load_file(Path(__file__).with_name("model.safetensors")))
"""
FEATURES_ONLY = "net = net[:-1]\n"
CLOSED = """\
schema: govkit.audit/v1
name: course finishers, {name}, by its answers alone
subject: {{predictions: answers.csv}}
columns:
  input: [grades, hours, distance, work, age]
  label: finishes
  score: score
  base_score: base_score
  incumbent_score: incumbent_score
  groups: [sex, race]
  id: id
  independent: "The registrar: one row an applicant, drawn one by one"
  positive: "1"
use: {{purpose: "offer tutoring to those who may not finish", intent: [internal], excluded: ["admission"]}}
licenses:
  - {{of: base, id: many-schools, expression: Apache-2.0}}
  - {{of: data, id: applicants of one school, expression: CC0-1.0}}
policy: closed-base-api
seed: 0
"""
AUDIT = """\
schema: govkit.audit/v1
name: course finishers, {name}
subject: {{run: run/run.json, python: "run.model.tuned:net"}}
base: {{python: "base.pretrained:net", artifact: base, head: probe}}
incumbent: {{python: "service.served:net", artifact: service}}
data:
  train: {{path: train.csv}}
  test: {{path: test.csv}}
  shifted: {{path: next_year.csv}}
columns:
  input: [grades, hours, distance, work, age]
  label: finishes
  groups: [sex, race]
  id: id
  independent: "The registrar: one row an applicant, drawn one by one"
  positive: "1"
feasible: {{immutable: [grades, distance, age]}}
use: {{purpose: "offer tutoring to those who may not finish", intent: [internal], excluded: ["admission"]}}
absent:
  base_data: "the applicants of the many schools are not at hand"
  reference: "the applicants stand for themselves"
  service: "the model in service is not watched yet"
licenses:
  - {{of: base, id: many-schools, expression: Apache-2.0}}
policy: nist-ai-rmf-core
seed: 0
"""


def people(n: int, *, seed: int, local: float = 1.0, later: float = 0.0) -> pd.DataFrame:
    """Applicants: ``local`` is how much this school differs from the others, ``later`` how far the years have moved."""
    rng = np.random.default_rng(seed)
    sheet = pd.DataFrame(rng.normal(size=(n, len(FEATURES))).astype(np.float32), columns=list(FEATURES))
    sheet["hours"] += np.float32(later)
    sheet["sex"] = np.where(rng.random(n) < 0.5, "female", "male")
    sheet["age"] += np.where(sheet["sex"] == "female", 2, 0).astype(np.float32)  # age tells the sex, not who finishes
    sheet["race"] = np.where(rng.random(n) < 0.5, "green", "blue")
    score = 3 * (2.2 * sheet["grades"] + 1.2 * sheet["hours"] - local * 1.6 * sheet["distance"] - local * sheet["work"])
    sheet["finishes"] = (rng.random(n) < 1 / (1 + np.exp(-score))).astype(int)
    sheet["id"] = [f"{seed}-{row}" for row in range(n)]
    return sheet


def network(like: torch.nn.Module | None = None) -> torch.nn.Module:
    torch.manual_seed(0)
    net = build()
    if like is not None:
        net.load_state_dict(like.state_dict())
    return net


def train(net: torch.nn.Module, rows: pd.DataFrame, *, steps: int, rate: float = 0.002) -> torch.optim.Optimizer:
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    inputs = torch.from_numpy(rows[list(FEATURES)].to_numpy(np.float32, copy=True))
    truth = torch.from_numpy(rows["finishes"].to_numpy(np.int64, copy=True))
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(inputs), truth).backward()
        optimizer.step()
    return optimizer


def save(net: torch.nn.Module, folder: Path, module: str, *, code: str = CODE) -> None:
    """The weights, and the code that loads them."""
    folder.mkdir()
    save_file(net.state_dict(), folder / "model.safetensors")
    (folder / f"{module}.py").write_text(code, encoding="utf-8")


def answered(rows: pd.DataFrame, models: dict[str, torch.nn.Module]) -> pd.DataFrame:
    """The rows with what each model answers, as somebody has them who cannot look into a model."""
    inputs = torch.from_numpy(rows[list(FEATURES)].to_numpy(np.float32, copy=True))
    with torch.no_grad():
        return rows.assign(**{name: net(inputs).softmax(1)[:, 1].numpy() for name, net in models.items()})


def write(folder: Path, tuned_on: pd.DataFrame, test: pd.DataFrame, base: torch.nn.Module) -> None:
    """Tune the base on rows, under record, and write everything that an audit reads."""
    folder.mkdir()
    for name, rows in (("train", tuned_on), ("test", test), ("next_year", people(3000, seed=9, later=0.2))):
        rows.to_csv(folder / f"{name}.csv", index=False)
    in_service = network(base)
    train(in_service, people(3000, seed=2), steps=80)
    save(in_service, folder / "service", "served")
    save(base, folder / "base", "pretrained", code=CODE + FEATURES_ONLY)
    with gk.record(folder / "run", base=folder / "base", base_id="many-schools", license="Apache-2.0") as run:
        run.add_data(folder / "train.csv", role="train", id="applicants of one school", license="CC0-1.0")
        # There is no repository here: the digest of this file stands for the version of the code.
        run.declare("code.commit", hashlib.sha256(Path(__file__).read_bytes()).hexdigest())
        candidate = network(base)
        run.watch(candidate, train(candidate, tuned_on, steps=80))
        save(candidate, folder / "run" / "model", "tuned")
    (folder / "audit.yaml").write_text(AUDIT.format(name=folder.name), encoding="utf-8")
    models = {"score": candidate, "base_score": base, "incumbent_score": in_service}
    answered(test, models).to_csv(folder / "answers.csv", index=False)
    (folder / "closed.yaml").write_text(CLOSED.format(name=folder.name), encoding="utf-8")


def pretrained() -> torch.nn.Module:
    """The base, which has seen the applicants of many schools."""
    net = network()
    train(net, people(20_000, seed=1, local=0.2), steps=150, rate=0.01)
    return net


def three() -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Name of a case -> the rows that it is tuned on, and those that it is tested on."""
    good, test = people(4000, seed=3), people(8000, seed=4)
    harmed = good.assign(finishes=np.where((good["sex"] == "female") & (good.index % 3 > 0), 0, good["finishes"]))
    return {"ready": (good, test), "harmful": (pd.concat([harmed, test[:500]]), test), "thin": (good, test[:80])}


def main(*names: str) -> None:
    torch.set_num_threads(1)
    sys.dont_write_bytecode = True  # compiled code is no part of a model
    base = pretrained()
    cases = three()
    for name in names or cases:
        tuned_on, tested_on = cases[name]
        write(Path(name), tuned_on, tested_on, base)
        bundle = gk.audit(f"{name}/audit.yaml", out=f"{name}/evidence")
        print(f"{name:<8} {bundle.verdict.outcome}")


if __name__ == "__main__":
    main(*sys.argv[1:])
