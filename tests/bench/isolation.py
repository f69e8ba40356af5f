"""What it costs to keep code of models apart, as shares of the wall time of the same audit without it, in one run.

1. The audit of the sms demo, a folder of transformers: the process that tries the key is all that isolation adds; the
   check for an answer book is new and is told apart.
2. A Python function and a torch module on tables: measured with the code in this process, and in one of its own.
3. A batch of 64 rows that the module is asked, without and with its gradient.

::

    python tests/bench/isolation.py [AUDIT.yaml of a folder of transformers]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

import govkit as gk
from govkit import checks
from govkit.checks import Request
from govkit.demos import sms
from govkit.pipeline.casework import build_case, read_audit
from govkit.pipeline.policy import rules_of
from govkit.pipeline.signer import Signer

MODEL = """
import numpy as np
import torch

def predict(frame):
    p = 1 / (1 + np.exp(-frame["c0"].to_numpy(dtype=float)))
    return np.stack([1 - p, p], axis=1)

with torch.random.fork_rng():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(10, 256), torch.nn.ReLU(), torch.nn.Linear(256, 256), torch.nn.ReLU(),
                              torch.nn.Linear(256, 2))
"""
ATTACKED = [Request("performance", {}), Request("adversarial", {"rows": 200, "eps": 0.05, "tier": "gate"})]


def write(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that a call takes, and what it gives."""
    start = time.perf_counter()
    found = call()
    return time.perf_counter() - start, found


def folder_of_transformers(audit_file: Path, place: Path) -> None:
    """The audit of a folder, the trying of its key, and the new check."""
    gk.new_key(place / "keys", password=b"secret", name="bench", as_of="2026-01-01T00:00:00Z")
    key = place / "keys" / "audit.key"
    tried, _ = timed(lambda: Signer(key, b"secret", "2026-01-01T00:00:00Z"))
    audit, root = read_audit(audit_file)
    rules = rules_of(audit, root, None)
    work = build_case(audit, root)
    work.case.predictions("candidate")
    book, _ = timed(lambda: checks.measure(work.case, [Request("answer_book", {})]))
    work.close()
    whole, _ = timed(lambda: gk.audit(audit_file, out=place / "evidence", key=key, password=b"secret"))
    write(f"sms audit ({rules.id}): {whole:.1f} s, of which trying the key {tried:.2f} s = {tried / whole:.2%}")
    write(f"  the check for an answer book: {book:.1f} s = {book / whole:.2%}")


def python_subject(name: str, place: Path, requests: list[Request]) -> None:
    """The same checks with the code here and apart, in turn; the faster of two each."""
    audit, root = read_audit(place / f"{name}.yaml")
    rows = {}
    for apart in (False, True, False, True):

        def run(apart: bool = apart) -> None:
            work = build_case(audit, root, apart=apart)
            start = time.perf_counter()
            checks.measure(work.case, requests)
            rows.setdefault((apart, "measure"), []).append(time.perf_counter() - start)
            work.close()

        rows.setdefault((apart, "whole"), []).append(timed(run)[0])
    for what in ("measure", "whole"):
        here, beside = (min(rows[apart, what]) for apart in (False, True))
        write(f"{name}, {what}: {here:.2f} s in this process, {beside:.2f} s apart: {beside / here:.2f} times")


def batches(place: Path, asked: int = 500) -> None:
    """Milliseconds of wall time a batch of 64 rows, with the module here and apart."""
    audit, root = read_audit(place / "net.yaml")
    for apart in (False, True):
        work = build_case(audit, root, apart=apart)
        subject: Any = work.case.subject
        batch = subject.encode(work.case.data["test"].inputs[:64])
        point = {"x": batch["x"].clone().requires_grad_()}
        plain, _ = timed(lambda: [subject.logits(batch) for _ in range(asked)])  # noqa: B023 -- called at once
        open_, _ = timed(lambda: [subject.logits(point).sum().backward() for _ in range(asked)])  # noqa: B023
        work.close()
        where = "apart" if apart else "in this process"
        write(f"a batch, {where}: {1000 * plain / asked:.2f} ms, with its gradient {1000 * open_ / asked:.2f} ms")


def main() -> None:
    """All of it."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if len(sys.argv) > 1:
            audit_file = Path(sys.argv[1])
        else:
            sms.run(place / "sms")
            audit_file = place / "sms" / "audit.yaml"
        folder_of_transformers(audit_file, place)
        rng = np.random.default_rng(0)
        x = rng.normal(size=(20_000, 10)).round(4)
        frame = pd.DataFrame(x, columns=[f"c{at}" for at in range(10)]).assign(label=(x[:, 0] > 0).astype(int))
        frame.to_csv(place / "test.csv", index=False)
        (place / "models.py").write_text(MODEL, encoding="utf-8")
        for name in ("predict", "net"):
            audit = {
                "schema": "govkit.audit/v1", "subject": {"python": f"models:{name}"},
                "data": {"test": {"path": "test.csv"}}, "policy": "tier-low",
                "columns": {"input": [f"c{at}" for at in range(10)], "label": "label"},
            }  # fmt: skip
            (place / f"{name}.yaml").write_text(yaml.safe_dump(audit), encoding="utf-8")
            python_subject(name, place, ATTACKED if name == "net" else ATTACKED[:1])
        batches(place)


if __name__ == "__main__":
    main()
