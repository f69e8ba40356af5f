"""The numeric libraries, loaded when first used: ``import govkit``, ``verify`` and ``judge`` need none of them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any


class _Lazy:
    """A module that is imported when a name of it is first asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name == "_module":
            self._module = importlib.import_module(self._name)
            return self._module
        return getattr(self._module, name)


if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc
    import torch
else:
    np, pd, pa, pc, torch = map(_Lazy, ("numpy", "pandas", "pyarrow", "pyarrow.compute", "torch"))
