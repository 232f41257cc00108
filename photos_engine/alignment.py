"""Whether two pictures are one, but for a crop, a frame, their size and their light: laid on each other, and compared.

A second look, where prints and embeddings leave it open. Prints tell copies from other pictures as long as both show
the same part of the scene; a cut edge or a white frame moves every cell. Here the middle of one picture is searched for
in the other, a little larger and smaller, first coarsely and then around the best place.
"""

from __future__ import annotations

import io
import itertools

import numpy as np
from PIL import Image

from photos_engine.types import FloatArray

SIDE = 96  # of a grey picture, in pixels: both sides, so that no aspect matters
_MIDDLE = 0.7  # of either side: what is searched for
_SCALES = np.geomspace(0.85, 1 / 0.85, 7)  # an edge or a frame of a tenth, cut from one side or from both
_SHIFT = 0.12  # of a side: how far off it is searched
_COARSE, _FINE = 24, 48  # pixels a side of the two looks
_ENOUGH = 0.98  # most copies aren't cropped, and a search costs thirty times as much as one look
_HOPELESS = 0.75  # coarse likeness below which no fine look is worth it
_STEPS = (0.02, 0.01, 0.005)  # of a side, and of the scale: how finely the best place is closed in on

Place = tuple[float, float, float]  # how far down and across from the middle, in shares of a side; the scale


def read_grey(jpeg: bytes) -> FloatArray:
    """Read a picture as (96, 96) float32 grey values, squeezed into a square.

    Raises: OSError, ValueError or SyntaxError, as Pillow does, for what is no picture.
    """
    with Image.open(io.BytesIO(jpeg)) as opened:
        opened.draft("L", (2 * SIDE, 2 * SIDE))
        return np.asarray(opened.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR), np.float32)


def likeness_aligned(one: FloatArray, other: FloatArray) -> float:
    """How well the middle of the one correlates with the best place of the other, -1 to 1.

    Where it is `_ENOUGH` at the same place, no better one is searched for. one, other: as `read_grey` gives them.
    """
    in_place = _correlate(_middle_of(one, _FINE), Image.fromarray(other), (0.0, 0.0, 1.0))
    if in_place >= _ENOUGH:
        return in_place
    likeness, place = _look_coarsely(one, other)
    return likeness if likeness < _HOPELESS else _close_in(one, other, place)


def _look_coarsely(one: FloatArray, other: FloatArray) -> tuple[float, Place]:
    """The best correlation at whole pixels of small pictures, and where."""
    middle = _middle_of(one, _COARSE)
    length, best = round(_COARSE * _MIDDLE), (-1.0, (0.0, 0.0, 1.0))
    for scale in _SCALES.tolist():
        side = round(_COARSE / scale)
        picture = np.asarray(Image.fromarray(other).resize((side, side), Image.Resampling.BILINEAR))
        slack = (side - length) / 2
        first, last = (round(min(max(slack + way * _SHIFT * side, 0), 2 * slack)) for way in (-1, 1))
        windows = np.lib.stride_tricks.sliding_window_view(
            picture[first : last + length, first : last + length], (length, length)
        ).reshape(-1, length * length)
        spread = length * windows.std(axis=1)
        correlations = windows @ middle / np.maximum(spread, 1e-3)
        row, column = divmod(int(correlations.argmax()), last - first + 1)
        place = ((first + row - slack) / side, (first + column - slack) / side, scale)
        best = max(best, (float(correlations.max()), place))
    return best


def _close_in(one: FloatArray, other: FloatArray, place: Place) -> float:
    """The best correlation around a place, between pixels, uphill in ever smaller steps."""
    middle, picture = _middle_of(one, _FINE), Image.fromarray(other)
    best = _correlate(middle, picture, place)
    for step in _STEPS:
        is_rising = True
        while is_rising:
            is_rising = False
            for axis, way in itertools.product(range(3), (-step, step)):
                down, across, scale = (value + way * (axis == n) for n, value in enumerate(place))
                tried = (down, across, scale)
                likeness = _correlate(middle, picture, tried)
                if likeness > best + 1e-4:
                    best, place, is_rising = likeness, tried, True
    return best


def _correlate(middle: FloatArray, picture: Image.Image, place: Place) -> float:
    """How well what was searched for correlates with one place; -1 outside of the picture."""
    down, across, scale = place
    half = _MIDDLE * scale / 2
    left, top, right, bottom = (SIDE * (0.5 + way * half + at) for way in (-1, 1) for at in (across, down))
    box = (left, top, right, bottom)
    if min(box) < 0 or max(box) > SIDE:
        return -1.0
    length = round(_FINE * _MIDDLE)
    part = np.asarray(picture.resize((length, length), Image.Resampling.BILINEAR, box=box)).ravel()
    return float(middle @ part) / max(length * float(part.std()), 1e-3)


def _middle_of(grey: FloatArray, side: int) -> FloatArray:
    """The middle of a picture at a size, flat, with a mean of 0 and a length of 1."""
    length = round(side * _MIDDLE)
    first, last = SIDE * (1 - _MIDDLE) / 2, SIDE * (1 + _MIDDLE) / 2
    box = (first, first, last, last)
    part = np.asarray(Image.fromarray(grey).resize((length, length), Image.Resampling.BILINEAR, box=box)).ravel()
    middle: FloatArray = part - part.mean()
    return middle / max(1e-6, float(np.linalg.norm(middle)))
