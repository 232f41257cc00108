"""Shards hold what was decoded, several read as one, and variations stay pictures of the same thing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

torch = pytest.importorskip("torch")

from photos_engine.analyzers.preprocess import INPUT_SIDE_PX, as_input  # noqa: E402
from photos_engine.models.corpus import Picture  # noqa: E402
from photos_engine.models.training.config import AugmentConfig  # noqa: E402
from photos_engine.models.training.pictures import (  # noqa: E402
    PictureSet,
    augment,
    open_shard,
    read_ahead,
    read_rgb,
)

AS_IT_IS = AugmentConfig(mirrored=0, smallest_part=1, stretch=0, brightness=0, contrast=0, saturation=0)
VARIED = AugmentConfig(mirrored=0.5, smallest_part=0.5, stretch=0.3, brightness=0.2, contrast=0.2, saturation=0.3)


def numbered(count: int, first: int = 0) -> NDArray[np.uint8]:
    """Small pictures, each of which is filled with its number."""
    return np.tile(np.arange(first, first + count, dtype=np.uint8)[:, None, None, None], (1, 4, 4, 3))


def scenery(count: int) -> NDArray[np.uint8]:
    """Pictures with a gradient, dark on the left and bright on the right."""
    ramp = np.linspace(20, 235, 64).astype(np.uint8)
    return np.broadcast_to(ramp[None, None, :, None], (count, 48, 64, 3)).copy()


def write_pictures(folder: Path, count: int) -> list[Picture]:
    random = np.random.default_rng(0)
    found = []
    for number in range(count):
        path = folder / f"{number}.png"
        Image.fromarray(random.integers(256, size=(30 + number, 40, 3), dtype=np.uint8)).save(path)
        found.append(Picture(path, "set", "", False))
    return found


@pytest.mark.parametrize("workers", [0, 2])
def test_a_shard_holds_the_models_inputs_and_is_made_once(tmp_path: Path, workers: int) -> None:
    found = write_pictures(tmp_path, 5)
    shard = open_shard(tmp_path, "set", found, workers)
    assert shard.shape == (5, INPUT_SIDE_PX, INPUT_SIDE_PX, 3)
    for row, picture in zip(shard, found, strict=True):
        np.testing.assert_array_equal(row, as_input(read_rgb(picture.path)))
    for picture in found:
        picture.path.unlink()
    np.testing.assert_array_equal(open_shard(tmp_path, "set", found), shard)


def test_a_shard_that_was_stopped_half_way_is_made_again(tmp_path: Path) -> None:
    found = write_pictures(tmp_path, 3)
    whole = np.array(open_shard(tmp_path, "set", found))
    missing = Picture(tmp_path / "gone.png", "set", "", False)
    with pytest.raises(FileNotFoundError):
        open_shard(tmp_path, "set", [missing, *found])
    np.testing.assert_array_equal(open_shard(tmp_path, "set", found), whole)
    assert json.loads((tmp_path / "shards" / "set.json").read_text()) == [str(picture.path) for picture in found]


def test_pictures_are_read_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.fromarray(scenery(1)[0]).save(tmp_path / "turned.png", exif=exif)
    assert read_rgb(tmp_path / "turned.png").shape == (64, 48, 3)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.data())
def test_several_shards_read_as_one(sizes: list[int], data: st.DataObject) -> None:
    firsts = np.cumsum([0, *sizes])
    together = PictureSet([numbered(size, int(first)) for size, first in zip(sizes, firsts, strict=False)])
    assert len(together) == sum(sizes)
    rows = np.array(data.draw(st.lists(st.integers(0, sum(sizes) - 1), max_size=9)), np.int64)
    np.testing.assert_array_equal(together[rows][:, 0, 0, 0], rows)


def test_rows_beyond_the_pictures_are_refused() -> None:
    for row in (-1, 3):
        with pytest.raises(IndexError, match="of 3 pictures"):
            PictureSet([numbered(2), numbered(1)])[np.array([0, row])]


def test_without_variation_pictures_stay_as_they_are() -> None:
    images = torch.from_numpy(np.random.default_rng(0).integers(256, size=(3, 20, 30, 3), dtype=np.uint8))
    assert torch.equal(augment(images, AS_IT_IS, np.random.default_rng(0)), images)


def test_a_mirrored_picture_is_its_mirror_image() -> None:
    images = torch.from_numpy(scenery(8))
    always = AugmentConfig(mirrored=1, smallest_part=1, stretch=0, brightness=0, contrast=0, saturation=0)
    assert torch.equal(augment(images, always, np.random.default_rng(0)), images.flip(2))


def test_each_picture_is_varied_in_its_own_way_and_only_shows_what_was_there() -> None:
    images, random = torch.from_numpy(scenery(64)), np.random.default_rng(0)
    parts = AugmentConfig(mirrored=0.5, smallest_part=0.25, stretch=0.3, brightness=0, contrast=0, saturation=0)
    varied = augment(images, parts, random).numpy().astype(np.int64)
    assert varied.shape == (64, 48, 64, 3)
    assert 20 <= varied.min() <= varied.max() <= 235
    spans = varied[:, 24, -1, 0] - varied[:, 24, 0, 0]  # of brightness, from left to right; negative if mirrored
    assert 0.3 < (spans < 0).mean() < 0.7
    assert np.abs(spans).min() > 0.3 * 215  # half the width, narrowed
    assert len(np.unique(spans)) > 32


def test_light_and_colour_change_within_their_bounds() -> None:
    images = torch.full((64, 8, 8, 3), 100, dtype=torch.uint8)
    brighter = AugmentConfig(mirrored=0, smallest_part=1, stretch=0, brightness=0.2, contrast=0, saturation=0)
    levels = augment(images, brighter, np.random.default_rng(0)).numpy()
    assert 80 <= levels.min() < 90 < 110 < levels.max() <= 120
    images[..., 0] = 200
    paler = AugmentConfig(mirrored=0, smallest_part=1, stretch=0, brightness=0, contrast=0, saturation=0.5)
    red = augment(images, paler, np.random.default_rng(0)).numpy().astype(np.int64)
    spans = red[..., 0] - red[..., 1]
    assert 49 <= spans.min() < 60 < 140 < spans.max() <= 151
    np.testing.assert_allclose(red @ [0.299, 0.587, 0.114], 129.9, atol=1.0)  # as bright as before


def test_a_stream_is_the_same_however_many_workers_read_ahead() -> None:
    pictures, batches = PictureSet([scenery(5), scenery(3)]), [np.array([7, 0]), np.array([3, 3, 4]), np.array([1])]
    alone, helped = (list(pictures.stream(batches, VARIED, np.random.default_rng(5), workers)) for workers in (0, 3))
    for (rows, images), (others, other_images) in zip(alone, helped, strict=True):
        np.testing.assert_array_equal(rows, others)
        assert torch.equal(images, other_images)
    assert [len(images) for _, images in alone] == [2, 3, 1]
    assert not torch.equal(alone[1][1][0], alone[1][1][1])  # one picture twice, varied twice


@given(st.lists(st.integers(), max_size=12), st.integers(0, 4))
def test_reading_ahead_keeps_the_order(items: list[int], workers: int) -> None:
    assert list(read_ahead(lambda item: item * 2, items, workers)) == [item * 2 for item in items]


def test_a_failure_while_reading_ahead_reaches_the_consumer() -> None:
    with pytest.raises(ZeroDivisionError):
        list(read_ahead(lambda item: 1 // item, [1, 0, 1], 2))
