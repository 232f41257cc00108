import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from photos_engine.alignment import SIDE, likeness_aligned, read_grey
from photos_engine.types import FloatArray


def scene(seed: int, size: tuple[int, int] = (320, 240)) -> Image.Image:
    """Blobs and edges: as much structure as a photograph has at this size."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 255, (9, 12), np.uint8)).resize(size, Image.Resampling.BICUBIC)
    fine = Image.fromarray(random.integers(0, 255, (36, 48), np.uint8)).resize(size, Image.Resampling.BILINEAR)
    return Image.blend(coarse, fine, 0.3)


def grey(image: Image.Image) -> FloatArray:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return read_grey(buffer.getvalue())


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 999), st.floats(0, 0.1), st.floats(0, 1), st.floats(0, 1))
def test_a_light_crop_is_found_wherever_it_was_cut(seed: int, share: float, x: float, y: float) -> None:
    image = scene(seed)
    width, height = image.width * (1 - share), image.height * (1 - share)
    left, top = x * (image.width - width), y * (image.height - height)
    cut = image.resize((300, 225), box=(left, top, left + width, top + height))
    assert likeness_aligned(grey(image), grey(cut)) > 0.97
    assert likeness_aligned(grey(cut), grey(image)) > 0.97


@pytest.mark.parametrize(
    "edit",
    [
        lambda image: image.resize((107, 80)),
        lambda image: ImageEnhance.Brightness(image).enhance(0.7),
        lambda image: ImageEnhance.Contrast(image).enhance(0.7),
        lambda image: ImageOps.expand(image, 10, 255),
        lambda image: image.filter(ImageFilter.GaussianBlur(1)),
    ],
)
def test_edits_leave_one_picture(edit: object) -> None:
    assert callable(edit)
    assert likeness_aligned(grey(scene(1)), grey(edit(scene(1)))) > 0.96


@given(st.integers(0, 999), st.integers(0, 999))
@settings(deadline=None, max_examples=40)
def test_different_scenes_stay_different(one: int, other: int) -> None:
    likeness = likeness_aligned(grey(scene(one)), grey(scene(other)))
    assert -1 <= likeness <= 1.0001
    assert (likeness > 0.96) == (one == other)


def test_nothing_is_like_nothing() -> None:
    plain = np.full((SIDE, SIDE), 7, np.float32)
    assert likeness_aligned(plain, plain) < 0.5  # two black frames may be of anything
    assert likeness_aligned(plain, grey(scene(1))) < 0.5


def test_what_is_no_picture_is_told() -> None:
    with pytest.raises((OSError, ValueError)):
        read_grey(b"no picture")
