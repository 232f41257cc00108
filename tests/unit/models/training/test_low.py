"""The statistics of lower layers are what they are said to be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from skimage import data

torch = pytest.importorskip("torch")

from photos_engine.analyzers.preprocess import INPUT_SIDE_PX  # noqa: E402
from photos_engine.models.training.low import STATISTICS_CHANNELS, LowStatistics, low_features  # noqa: E402

EDGES, LEVELS = 4, np.array([2, 5, 12, 25, 50, 90, 150, 200, 230, 245, 251, 254])


def _statistics(*images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Without anything in the maps."""
    batch = np.stack(images)
    maps = [np.zeros((len(batch), channels, side, side), np.float32) for channels, side in ((24, 58), (48, 29))]
    statistics, layout = low_features(batch, maps, LowStatistics())
    assert layout.shape == (len(batch), 2352)
    return statistics


def _photo() -> Image.Image:
    return Image.fromarray(data.astronaut()).resize((INPUT_SIDE_PX, INPUT_SIDE_PX))


def test_shares_are_those_of_the_brightest_and_darkest_colours() -> None:
    image = np.asarray(_photo())
    looked_at = image[::4, ::4].reshape(-1, 3).astype(int)
    shares = np.exp(_statistics(image)[0, -24:]) - 1e-3
    for found, extreme in ((shares[:12], looked_at.max(1)), (shares[12:], looked_at.min(1))):
        np.testing.assert_allclose(found, (extreme[:, None] >= LEVELS).mean(0), atol=1e-5)


@given(st.integers(0, 2**16), st.integers(1, 90))
@settings(max_examples=10, deadline=None)
def test_edges_don_t_depend_on_the_light(seed: int, brighter: int) -> None:
    image = np.random.default_rng(seed).integers(20, 160, (INPUT_SIDE_PX, INPUT_SIDE_PX, 3)).astype(np.uint8)
    plain, lit = _statistics(image, image + np.uint8(brighter))[:, : 3 * EDGES]
    np.testing.assert_allclose(plain, lit, atol=1e-3)


def test_blur_takes_detail_and_noise_brings_it_everywhere() -> None:
    photo = _photo()
    blurred = np.asarray(photo.filter(ImageFilter.GaussianBlur(3)))
    noise = np.random.default_rng(0).normal(0, 25, (INPUT_SIDE_PX, INPUT_SIDE_PX, 3))
    noisy = np.clip(np.asarray(photo) + noise, 0, 255).astype(np.uint8)
    sharp, soft, harsh = _statistics(np.asarray(photo), blurred, noisy)[:, : 3 * EDGES].reshape(3, 3, EDGES)
    assert (soft[0] < sharp[0] - 0.3).all()  # the mean over the cells
    assert (soft[1] < sharp[1]).all()  # the greatest
    assert (harsh[2] > sharp[2] + 0.5).all()  # the smallest: no cell is calm


def test_deviations_of_maps_are_those_inside_the_cells() -> None:
    random = np.random.default_rng(0)
    stage1, stage2 = (random.normal(size=shape).astype(np.float32) for shape in ((1, 24, 58, 58), (1, 48, 29, 29)))
    image = np.zeros((1, INPUT_SIDE_PX, INPUT_SIDE_PX, 3), np.uint8)
    statistics, _ = low_features(image, [stage1, stage2], LowStatistics())
    assert statistics.shape == (1, STATISTICS_CHANNELS)
    cells = stage2[0, :, :28, :28].reshape(48, 7, 4, 7, 4)  # channel, row of cells, row, column of cells, column
    deviation = np.log(cells.std((2, 4))).reshape(48, -1)
    found = statistics[0, 3 * EDGES : 3 * EDGES + 3 * 48].reshape(3, 48)
    wanted = np.stack([deviation.mean(1), deviation.max(1), deviation.min(1)])
    np.testing.assert_allclose(found, wanted, atol=1e-3)
    np.testing.assert_allclose(statistics[0, -96:-72], stage1[0].mean((1, 2)), atol=1e-5)
