"""govkit audits a fine-tuned model beside its base: measured, judged by policy, signed.

The whole way in Python::

    import govkit as gk

    with gk.record("runs/sms", base="base_model") as run:      # lineage and licenses
        run.add_data("train.csv", role="train", license="CC-BY-4.0")
        run.watch(trainer)
        trainer.train()

    bundle = gk.audit("audit.yaml", policy="nist-ai-rmf-core", out="evidence")
    print(bundle.verdict.outcome, bundle.verdict.exit_code)

A step at a time: ``measure`` (findings), ``judge`` (a verdict), ``attest`` (signed statements), ``render`` (documents),
``seal`` (the release). The way back: ``verify`` checks signatures and digests and judges again.

Importing govkit loads no numerical library; each is imported by the step that needs it. Nothing reaches the network.
"""

from __future__ import annotations

import ast
import importlib
import os
from pathlib import Path
from typing import Any

__version__ = "0.1.0"

# Set before any library loads: none of them may send anything.
for _switch in ("DO_NOT_TRACK", "HF_HUB_DISABLE_TELEMETRY"):
    os.environ.setdefault(_switch, "1")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

_STUB = ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
_HOME = {
    str(alias.asname): (str(node.module), alias.name)
    for node in _STUB.body
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
}
"""Public name -> its module, and its name there, as the stub lists them."""

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    """Load a public name from its module when it is first asked for."""
    if name not in _HOME:
        raise AttributeError(f"module 'govkit' has no attribute {name!r}")
    module, inner = _HOME[name]
    return getattr(importlib.import_module(module), inner)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
