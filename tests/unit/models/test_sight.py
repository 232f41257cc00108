"""The chances behind the tags, and how files become pictures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from photos_engine.errors import DecodeError, Unreadable
from photos_engine.models.sight import Sight, read_upright


@pytest.fixture(scope="module")
def sight() -> Sight:
    return Sight.open()


def test_what_is_said_lies_above_its_threshold_or_is_implied(sight: Sight) -> None:
    seen = sight.see(Image.fromarray(data.chelsea()))
    above = {tag.id for tag, chance, threshold in zip(sight.taxonomy.tags, seen.chances, sight.thresholds, strict=True)
             if chance >= threshold}  # fmt: skip
    implied = frozenset().union(*(sight.taxonomy.ancestors(tag) for tag in above))
    assert "cat" in above
    assert seen.signals.tags.keys() == above | implied
    column = [tag.id for tag in sight.taxonomy.tags].index("cat")
    assert seen.signals.tags["cat"] == pytest.approx(float(seen.chances[column]))


def test_threads_get_their_own_chances(sight: Sight) -> None:
    pictures = [Image.fromarray(array) for array in (data.chelsea(), data.coffee(), data.rocket())] * 4
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(sight.see, pictures))
    for picture, seen in zip(pictures[:3], together[:3], strict=True):
        np.testing.assert_allclose(sight.see(picture).chances, seen.chances, atol=1e-5)
    for first, again in zip(together[:3], together[9:], strict=True):
        np.testing.assert_allclose(first.chances, again.chances, atol=1e-5)


def test_pictures_are_read_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    Image.new("RGB", (40, 20)).save(tmp_path / "a.jpg", exif=exif)
    assert read_upright(tmp_path / "a.jpg").size == (20, 40)


def test_what_is_no_picture_is_a_photo_error(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(DecodeError):
        read_upright(tmp_path / "a.jpg")
    with pytest.raises(Unreadable):
        read_upright(tmp_path / "b.jpg")
