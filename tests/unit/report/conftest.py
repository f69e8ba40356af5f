"""Bundles that several test files look at; a printed page costs seconds, so each is made once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from bundle_fixture import write_bundle
from hostile_fixture import hostile_options

from govkit.report import render


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered bundle."""
    folder = write_bundle(tmp_path_factory.mktemp("plain"))
    render(folder)
    return folder


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered bundle in which every free text is an attack or far too long."""
    folder = write_bundle(tmp_path_factory.mktemp("hostile"), **hostile_options())
    render(folder)
    return folder
