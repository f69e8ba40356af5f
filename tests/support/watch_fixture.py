"""A small model in service: its reference, its looks, a policy that watches it, and an address that takes alarms."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

POLICY = """\
schema: govkit.policy/v1
id: watched
version: 1.0.0
controls:
  - {id: A-1, title: Its use is written down, rmf: [MAP 1.1], severity: low, attest: {kind: intended_use}}
"""

TRIGGERS = """\
triggers:
  - {id: RIGHT, title: Right, watch: accuracy, limit: 0.02, then: retrain, authority: {level: none}}
  - {id: SHIFT, title: Alike, watch: shift, limit: 0.1, then: review, authority: {level: none}}
  - {id: NEW, title: Known, watch: new, limit: 0.02, then: review, authority: {level: none}}
  - {id: EMPTY, title: Filled, watch: missing, limit: 0.02, then: review, authority: {level: none}}
"""

FORM = """\
schema: govkit.watch/v1
name: lender
model: model.bin
reference: {path: reference.csv}
looks: {path: looks}
columns: {watch: [amount, city], label: label, prediction: prediction}
policy: policy.yaml
"""

AS_OF = "2026-11-20T12:00:00Z"


def rows_of(seed: int, n: int = 1000, *, shift: float = 0.0, accuracy: float = 0.9) -> pd.DataFrame:
    """Rows of the service; ``shift`` moves the logarithm of the amounts, whose standard deviation is 1."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n)
    return pd.DataFrame(
        {
            "amount": np.exp(rng.normal(shift, 1, n)).round(6),
            "city": rng.choice(["Bern", "Oslo", "Rome"], n),
            "label": label,
            "prediction": np.where(rng.uniform(size=n) < accuracy, label, 1 - label),
        }
    )


def make_watch(folder: Path, *, form: str = FORM, policy: str = POLICY + TRIGGERS) -> Path:
    """A watch that has not begun; its looks are in ``looks``."""
    (folder / "looks").mkdir(parents=True)
    (folder / "model.bin").write_bytes(b"weights")
    (folder / "policy.yaml").write_text(policy, encoding="utf-8")
    (folder / "watch.yaml").write_text(form, encoding="utf-8")
    rows_of(0, 10_000).to_csv(folder / "reference.csv", index=False)
    return folder / "watch.yaml"


def add_look(watch: Path, name: str, rows: pd.DataFrame) -> Path:
    """One more look, there at once as a service would put it."""
    path = watch.parent / "looks" / name
    rows.to_csv(path, index=False)
    return path


class Address:
    """A loopback address that keeps what it is sent; ``answer`` says what it answers, after ``wait`` seconds."""

    def __init__(self, answer: int = 200, wait: float = 0.0) -> None:
        self.answer, self.wait, self.taken, self.url = answer, wait, [], ""
        self.taken: list[dict[str, Any]]

    def handler(self) -> type[BaseHTTPRequestHandler]:
        address = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                address.taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                time.sleep(address.wait)
                self.send_response(address.answer)
                if address.answer in (302, 307):
                    self.send_header("Location", address.url + "/elsewhere")
                self.end_headers()

            do_GET = do_POST  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Stay silent."""

            def handle(self) -> None:
                """A caller that is killed or tired of waiting is no fault."""
                try:
                    super().handle()
                except ConnectionError:
                    return

        return Handler


@contextmanager
def listening(answer: int = 200, wait: float = 0.0) -> Iterator[Address]:
    """An ``Address`` while the block runs."""
    address = Address(answer, wait)
    with ThreadingHTTPServer(("127.0.0.1", 0), address.handler()) as server:
        address.url = f"http://127.0.0.1:{server.server_port}/secret-token"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield address
        finally:
            server.shutdown()
            thread.join()


def keeping() -> tuple[list[dict[str, Any]], Callable[[dict[str, Any]], None]]:
    """Events, and what they are told to."""
    events: list[dict[str, Any]] = []
    return events, events.append
