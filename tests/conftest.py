"""Fixtures that several rooms' tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Machines under load are slow, and that is no failure.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

CORPUS_VARIABLE = "PHOTOS_ENGINE_CORPUS"


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of evaluation pictures, which users don't have."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get(CORPUS_VARIABLE, beside))
    if not folder.is_dir():
        pytest.skip(f"no evaluation pictures: set {CORPUS_VARIABLE} to their folder")
    return folder
