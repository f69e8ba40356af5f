"""Bundles that several tests look at; each is made once a worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import stopped_clock

import govkit as gk
from govkit.demos import Story, find_demo

NOON = "2026-09-21T14:13:20Z"


@pytest.fixture(scope="module")
def fixed_clock() -> Iterator[None]:
    with stopped_clock.stopped(NOON):
        yield


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    gk.new_key(folder, password=b"correct horse", name="test", as_of="2026-01-01T00:00:00Z")
    return folder


def _demo(name: str, factory: pytest.TempPathFactory) -> tuple[Path, Story]:
    with stopped_clock.stopped(NOON):
        folder = factory.mktemp("demo") / name
        return folder, find_demo(name)(folder, None)


@pytest.fixture(scope="session")
def sms(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Story]:
    return _demo("sms", tmp_path_factory)


@pytest.fixture(scope="session")
def recidivism(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Story]:
    return _demo("recidivism", tmp_path_factory)


@pytest.fixture(scope="session")
def employment(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Story]:
    return _demo("employment", tmp_path_factory)
