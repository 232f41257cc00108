import io
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from photos_engine.horizon import find_horizon

SKY, SEA = (170, 200, 235), (30, 70, 110)


def seascape(height: float, degrees: float = 0.0, size_px: tuple[int, int] = (480, 320)) -> Image.Image:
    """Sky above sea, grainy, the line at a share of the height and the camera turned clockwise."""
    width, tall = size_px
    rise = math.tan(math.radians(degrees)) * width / 2
    picture = Image.new("RGB", size_px, SKY)
    middle = height * tall
    ImageDraw.Draw(picture).polygon([(0, middle + rise), (width, middle - rise), (width, tall), (0, tall)], SEA)
    grain = np.random.default_rng(3).normal(0, 6, (tall, width, 3))
    return Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8))


@settings(deadline=None, max_examples=40)
@given(st.floats(0.15, 0.85), st.floats(-4, 4), st.sampled_from([(480, 320), (320, 320), (640, 300)]))
def test_a_line_through_the_whole_picture_is_found_where_it_is(
    height: float, degrees: float, size_px: tuple[int, int]
) -> None:
    found = find_horizon(seascape(height, degrees, size_px))
    assert found is not None
    assert found.middle == pytest.approx(height, abs=0.015)
    assert found.tilt_degrees(size_px) == pytest.approx(degrees, abs=0.7)


def test_what_stands_in_front_of_it_hides_it_in_part_only() -> None:
    picture = seascape(0.4)
    ImageDraw.Draw(picture).rectangle((200, 60, 290, 320), (120, 60, 40))
    found = find_horizon(picture)
    assert found is not None
    assert found.middle == pytest.approx(0.4, abs=0.015)
    assert found.sureness < 0.95


def test_a_short_edge_is_none_and_neither_is_a_border() -> None:
    table = Image.new("RGB", (480, 320), SKY)
    ImageDraw.Draw(table).rectangle((120, 180, 330, 200), SEA)
    assert find_horizon(table) is None
    assert find_horizon(seascape(0.03)) is None


@pytest.mark.parametrize("size_px", [(1, 1), (1, 2000), (2000, 1), (7, 5)])
def test_nothing_is_found_where_nothing_is(size_px: tuple[int, int]) -> None:
    assert find_horizon(Image.new("RGB", size_px, SKY)) is None


def test_noise_has_none() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    assert find_horizon(Image.fromarray(noise)) is None


def test_a_file_is_read_and_what_is_no_picture_is_an_error() -> None:
    file = io.BytesIO()
    seascape(0.6).save(file, "JPEG")
    found = find_horizon(file.getvalue())
    assert found is not None
    assert found.middle == pytest.approx(0.6, abs=0.015)
    with pytest.raises(OSError, match="cannot identify"):
        find_horizon(b"no picture")
