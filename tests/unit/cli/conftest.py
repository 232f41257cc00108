"""The command line over an engine in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fakes.engine import FakeEngine

from photos_engine.cli import main
from photos_engine.cli.face import Face


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("beach-dog.jpg", "broken.jpg", "dog.jpg", "dog-copy.jpg", "mountain.jpg", "receipt.jpg"):
        (folder / name).touch()
    return folder


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    return FakeEngine(tmp_path / "library")


@pytest.fixture
def run(engine: FakeEngine) -> Callable[..., Result]:
    """Runs one command."""

    def invoke(*arguments: object) -> Result:
        words = [str(argument) for argument in arguments]
        return CliRunner().invoke(main, words, obj=Face(lambda _: engine), prog_name="photos-engine")

    return invoke
