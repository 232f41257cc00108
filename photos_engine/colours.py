"""The colour that a picture mostly is, in a word: what makes one wall look like yesterday's."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

_HUES = ("red", "yellow", "green", "cyan", "blue", "magenta")  # each 60 degrees around its own
_DARK = 0.25  # mean brightness below which a picture is dark before it is anything else
_COLOURFUL = 0.12  # mean of saturation times brightness below which it has no colour


def name_main_colour(jpeg: bytes) -> str:
    """Name the main colour of a picture: one of six hues, "grey" or "dark".

    Raises: OSError, ValueError or SyntaxError, as Pillow does, for what is no picture.
    """
    with Image.open(io.BytesIO(jpeg)) as opened:
        pixels = np.asarray(opened.convert("HSV").resize((32, 32), Image.Resampling.BOX), np.float32).reshape(-1, 3)
    hue, saturation, brightness = (pixels / 255).T
    if brightness.mean() < _DARK:
        return "dark"
    weight = saturation * brightness
    if weight.mean() < _COLOURFUL:
        return "grey"
    sector = np.floor(hue * len(_HUES) + 0.5).astype(np.int64) % len(_HUES)
    return _HUES[int(np.bincount(sector, weight, len(_HUES)).argmax())]
