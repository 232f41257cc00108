import io

import numpy as np
import pytest
from PIL import Image

from photos_engine.colours import name_main_colour


def jpeg(*colour: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((200, 30, 30), "red"), ((230, 200, 20), "yellow"), ((40, 160, 50), "green"), ((30, 200, 210), "cyan"),
        ((40, 80, 200), "blue"), ((200, 40, 180), "magenta"), ((128, 128, 128), "grey"), ((255, 255, 255), "grey"),
        ((20, 10, 40), "dark"),
    ],
)  # fmt: skip
def test_plain_colours_have_their_names(colour: tuple[int, int, int], name: str) -> None:
    assert name_main_colour(jpeg(*colour)) == name


def test_the_colour_that_is_most_of_it_counts() -> None:
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:30], pixels[30:] = (40, 80, 200), (230, 200, 20)  # a sky over a beach
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    assert name_main_colour(buffer.getvalue()) == "blue"


def test_what_is_no_picture_is_told() -> None:
    with pytest.raises((OSError, ValueError)):
        name_main_colour(b"nothing")
