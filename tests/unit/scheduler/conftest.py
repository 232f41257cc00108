"""What a scheduler has to work on."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of two photos and a broken one, as the fake engine sees them: by their names."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("dog.jpg", "beach-dog.jpg", "broken.jpg"):
        (folder / name).touch()
    return folder
