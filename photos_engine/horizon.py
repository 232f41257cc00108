"""The horizon: the one line that runs through nearly the whole of a view, and how far from level it lies."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Values = NDArray[np.float64]

_SIDE_PX = 128  # what is looked at: the picture squashed to a square
_BANDS = 32  # upright strips, each of which has a say about where the line runs
_REACH = 3  # rows above and below an edge that are compared
_STEEPEST = 0.15  # of the height, from one side to the other
_SLOPES = 31
_FAINTEST = 4.0  # levels of 255: a weaker edge is a cloud's or the noise's
_MARGIN = 0.06  # of the height, at top and bottom: a line there is a frame or a border
_SURE = 0.6  # of the strips' strongest edges, all in one direction, that lie on the line


@dataclass(frozen=True, slots=True)
class Horizon:
    """Where it meets the left and the right side, as shares of the height; sureness from `_SURE` to 1."""

    left: float
    right: float
    sureness: float

    @property
    def middle(self) -> float:
        """Its height in the middle of the picture, 0 the top."""
        return (self.left + self.right) / 2

    def tilt_degrees(self, size_px: tuple[int, int]) -> float:
        """How far the camera was turned, clockwise, for a picture of (width, height) pixels."""
        return math.degrees(math.atan2((self.left - self.right) * size_px[1], size_px[0]))


def find_horizon(picture: bytes | Image.Image) -> Horizon | None:
    """Find the horizon of a picture, or of a file's bytes; None where no line runs through all of it.

    A strip's say about a row is how strong the edge there is, of its own strongest; the line of the largest sum wins.
    So a sail or a swimmer costs the line a strip, and a roof or a table is too short. Sea, lakes and plains have one;
    of mountains and streets hardly any. Raises: OSError, ValueError or SyntaxError, as Pillow does, for what is no
    picture.
    """
    if isinstance(picture, bytes):
        with Image.open(io.BytesIO(picture)) as opened:
            return find_horizon(opened.convert("RGB"))
    small = picture.convert("YCbCr").resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BOX)
    pixels = np.asarray(small, np.float64)
    strips = pixels.reshape(_SIDE_PX, _BANDS, -1, 3).mean(2)  # (rows, strips, 3)
    says = _edges(strips)
    rows = np.arange(_SIDE_PX)
    slopes = np.linspace(-_STEEPEST, _STEEPEST, _SLOPES) * _SIDE_PX
    offsets = np.rint(np.outer(slopes, (np.arange(_BANDS) + 0.5) / _BANDS - 0.5)).astype(np.int64)  # (slopes, strips)
    places = np.clip(rows[:, None, None] + offsets, 0, _SIDE_PX - 1)  # (rows, slopes, strips)
    sums = says[places, np.arange(_BANDS)].mean(2)  # (rows, slopes)
    border = round(_MARGIN * _SIDE_PX)
    inner = np.abs(sums[border:-border])
    row, slope = np.unravel_index(int(inner.argmax()), inner.shape)
    sureness = float(inner[row, slope])
    if sureness < _SURE:
        return None
    middle, half = (border + float(row) + 0.5) / _SIDE_PX, float(slopes[slope]) / _SIDE_PX / 2
    return Horizon(middle - half, middle + half, min(1.0, sureness))


def _edges(strips: Values) -> Values:
    """(rows, strips, 3) -> (rows, strips), -1 to 1: how much lighter or darker it becomes downwards, of the most."""
    total = np.concatenate([np.zeros((1, *strips.shape[1:])), strips.cumsum(0)])
    rows = np.arange(len(strips))
    above, below = np.maximum(rows - _REACH + 1, 0), np.minimum(rows + 1 + _REACH, len(strips))
    upper = (total[rows + 1] - total[above]) / (rows + 1 - above)[:, None, None]
    lower = (total[below] - total[rows + 1]) / np.maximum(below - rows - 1, 1)[:, None, None]
    step = lower - upper
    step[-1] = 0.0
    # The channel that says most in all strips together; brightness where nothing does.
    edge = step[:, :, int(np.abs(step).max(0).mean(0).argmax())]
    says: Values = edge / np.maximum(np.abs(edge).max(0), _FAINTEST)
    return says
