"""Bundles that several tests look at; each is made once a worker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import govkit as gk
from govkit.demos import Story, find

EPOCH = "1790000000"


@pytest.fixture(scope="module")
def fixed_clock() -> Iterator[None]:
    os.environ["SOURCE_DATE_EPOCH"] = EPOCH
    yield
    os.environ.pop("SOURCE_DATE_EPOCH", None)


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    gk.new_key(folder, password=b"correct horse", name="test", as_of="2026-01-01T00:00:00Z")
    return folder


def _demo(name: str, factory: pytest.TempPathFactory) -> tuple[Path, Story]:
    os.environ["SOURCE_DATE_EPOCH"] = EPOCH
    try:
        folder = factory.mktemp("demo") / name
        return folder, find(name)(folder, None)
    finally:
        os.environ.pop("SOURCE_DATE_EPOCH", None)


@pytest.fixture(scope="session")
def sms(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Story]:
    return _demo("sms", tmp_path_factory)


@pytest.fixture(scope="session")
def recidivism(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Story]:
    return _demo("recidivism", tmp_path_factory)


@pytest.fixture(scope="session")
def employment(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Story]:
    return _demo("employment", tmp_path_factory)
