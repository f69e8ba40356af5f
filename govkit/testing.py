"""Plug-in of pytest. Loaded by every run of pytest, so it loads nothing before a test asks for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture(scope="session")
def assert_policy() -> Callable[..., None]:
    """``govkit.assert_policy``: a bundle, or its folder, that must have passed its policy."""
    import govkit

    return govkit.assert_policy
