"""A library without photos, for whoever needs one; some modules have one of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.analyzer import ColourAnalyzer

from photos_engine.library import Library
from photos_engine.store import Store


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library.open(tmp_path / "library")


@pytest.fixture
def store(library: Library) -> Iterator[Store]:
    with Store.open(library.folder) as store:
        with store.begin() as unit:
            unit.models.adopt(ColourAnalyzer.model_name)
        yield store
