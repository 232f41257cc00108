"""Any array becomes the model's input or a PhotoError; nothing crashes, nothing is NaN."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image

from photos_engine.analyzers.preprocess import INPUT_SIDE_PX, as_batch, as_input, as_rgb
from photos_engine.errors import PhotoError

SIDE = INPUT_SIDE_PX
any_array = hnp.arrays(
    dtype=st.one_of(
        hnp.boolean_dtypes(),
        hnp.integer_dtypes(),
        hnp.unsigned_integer_dtypes(),
        hnp.floating_dtypes(),
        hnp.complex_number_dtypes(),
        hnp.datetime64_dtypes(),
    ),
    shape=hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9),
)


@given(any_array)
def test_every_array_gives_input_or_photo_error(array: NDArray[Any]) -> None:
    try:
        result = as_input(array)
    except PhotoError:
        return
    assert result.shape == (SIDE, SIDE, 3)
    assert result.dtype == np.uint8


@pytest.mark.parametrize("shape", [(1, 1), (1, 20_000, 3), (20_000, 1, 3), (3, 5, 1), (4, 4, 2), (7, 9, 4)])
def test_extreme_shapes_are_pictures(shape: tuple[int, ...]) -> None:
    assert as_input(np.full(shape, 200, np.uint8)).shape == (SIDE, SIDE, 3)


@pytest.mark.parametrize("shape", [(), (5,), (0, 4, 3), (4, 0), (2, 2, 5), (1, 2, 2, 3)])
def test_what_is_no_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(PhotoError):
        as_input(np.zeros(shape, np.uint8))


def test_depths_of_one_grey_agree() -> None:
    expected = np.full((2, 2, 3), 128, np.uint8)
    grey = np.full((2, 2), 128, np.uint8)
    sixteen = grey.astype(np.uint16) * 257
    for array in (grey, sixteen, sixteen.astype(">u2"), grey.astype(np.int32), grey / 255.0, grey.astype(np.float32)):
        np.testing.assert_array_equal(as_rgb(array), expected)


def test_not_a_number_is_black_and_the_infinite_is_clipped() -> None:
    array = np.array([[np.nan, np.inf, -np.inf, 0.5]], np.float32)
    assert as_rgb(array)[0, :, 0].tolist() == [0, 255, 0, 1]


def test_alpha_is_laid_on_white() -> None:
    array = np.array([[[10, 20, 30, 255], [10, 20, 30, 0]]], np.uint8)
    assert as_rgb(array)[0].tolist() == [[10, 20, 30], [255, 255, 255]]


def test_the_whole_picture_is_seen() -> None:
    array = np.zeros((40, 400, 3), np.uint8)
    array[:, :20, 0] = array[:, -20:, 1] = 255
    small = as_input(array)
    assert small[130, 3, 0] > 200
    assert small[130, -4, 1] > 200


def test_a_picture_of_the_right_size_is_left_alone() -> None:
    array = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    np.testing.assert_array_equal(as_input(array), array)
    assert as_batch([array, array]).shape == (2, SIDE, SIDE, 3)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 1300), st.integers(1, 1300), st.integers(0, 2**32 - 1))
@example(1, 20_000, 0)  # sums that 16 bits don't hold
@example(20_000, 1, 0)
@example(1080, 1920, 0)
def test_large_pictures_are_resampled_as_pillow_would(height: int, width: int, seed: int) -> None:
    """Within rounding, which bicubic edges of noise make three levels at most."""
    array = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    expected = Image.fromarray(array).resize((SIDE, SIDE), Image.Resampling.BICUBIC, reducing_gap=1.1)
    assert np.abs(as_input(array).astype(np.int16) - np.asarray(expected)).max() <= 3


@pytest.mark.parametrize("shape", [(1024, 1024), (1080, 1920), (3000, 4001), (463, 701), (1, 700)])
@pytest.mark.parametrize("value", [0, 1, 254, 255])
def test_one_colour_stays_that_colour(shape: tuple[int, int], value: int) -> None:
    assert (as_input(np.full((*shape, 3), value, np.uint8)) == value).all()


def test_bytes_are_not_copied() -> None:
    array = np.zeros((40, 30, 3), np.uint8)
    assert np.shares_memory(as_rgb(array), array)
