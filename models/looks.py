"""What can be argued about a picture's looks, measured: colour, light, contrast, and how the subject lies in it.

No human scores are at hand. These measures teach the aesthetics head, and tell afterwards what it has
learned. Each looks at the picture at the analyzer's size and is 0 to 1, the more the better.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photos_engine.types import ByteArray, FloatArray

MEASURES = ("colour", "harmony", "contrast", "exposure", "warm light", "clear", "placed", "uncut", "calm", "simple")
_LUMA = np.array((0.299, 0.587, 0.114), np.float32)  # ITU-R BT.601
_GREY = 6.0  # colourfulness below which a picture is meant to be black and white
_COLOURFUL = 35.0  # Hasler and Suesstrunk call 33 moderately, 45 averagely, 59 quite colourful
_LINES = (1 / 3, 1 / 2, 2 / 3)


def measure_looks(image: ByteArray, heat: FloatArray) -> FloatArray:
    """(h, w, 3) RGB and its saliency (rows, columns) -> (10,) in the order of `MEASURES`.

    The picture has two pixels more a side than the map has cells, or more.
    """
    picture = Image.fromarray(image)
    pixels = np.asarray(picture.reduce(2), np.float32)  # tones and colours need no detail
    luma = np.asarray(picture.convert("L"), np.float32)
    return np.array([*_colours(pixels), *_light(pixels), *_composition(luma, heat)], np.float32)


def _colours(pixels: FloatArray) -> tuple[float, float]:
    """How colourful (Hasler and Suesstrunk, SPIE 2003), and whether the hues lie together or opposite."""
    red_green = pixels[..., 0] - pixels[..., 1]
    yellow_blue = (pixels[..., 0] + pixels[..., 1]) / 2 - pixels[..., 2]
    spread = np.hypot(red_green.std(), yellow_blue.std())
    colourfulness = float(spread + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean()))
    if colourfulness < _GREY:
        return 0.65, 0.8  # the median of colour photos: black and white is a choice
    garish = np.exp(-max(0.0, colourfulness - 95) / 40)
    hue = (red_green + 1j * yellow_blue) / np.maximum(np.hypot(red_green, yellow_blue), 1e-3)
    chroma = np.hypot(red_green, yellow_blue)
    alike, opposite = (abs((chroma * hue**turns).sum()) / chroma.sum() for turns in (1, 2))
    return float((1 - np.exp(-colourfulness / _COLOURFUL)) * garish), float(max(alike, opposite))


def _light(pixels: FloatArray) -> tuple[float, float, float]:
    """Range of tones; exposure without much burnt or drowned; bright parts warm and dark ones cool."""
    luma = pixels @ _LUMA
    low, quarter, three_quarters, high = np.percentile(luma, (2, 25, 75, 98))
    burnt, mean = float((pixels.min(axis=2) >= 250).mean()), float(luma.mean())
    exposure = (
        np.exp(-6 * max(0.0, burnt - 0.05))
        * np.exp(-max(0.0, mean - 185) / 35)
        * min(1, high / 150)
        * min(1, mean / 40)
    )
    warmth = pixels[..., 0] - pixels[..., 2]
    bright, dark = float(warmth[luma >= three_quarters].mean()), float(warmth[luma <= quarter].mean())
    warm = _sigmoid((bright - 25) / 15) * _sigmoid((bright - dark - 10) / 15) * (1 - burnt)
    return float(np.clip((high - low) / 220, 0, 1)), float(exposure), float(warm)


def _composition(luma: FloatArray, heat: FloatArray) -> tuple[float, float, float, float, float]:
    """A subject that stands out, on a third or in the middle, whole, and sharper than its calm ground."""
    weight = np.square(np.clip(heat - np.median(heat), 0, None)).astype(np.float64) + 1e-9
    weight /= weight.sum()
    y, x = _grid(heat)
    at_x, at_y = float((weight * x).sum()), float((weight * y).sum())
    spread = float(np.sqrt((weight * ((x - at_x) ** 2 + (y - at_y) ** 2)).sum()))
    off = min(float(np.hypot(at_x - line, at_y - other)) for line in _LINES for other in _LINES)
    # People often stand on the lower edge, and look the better for it.
    border = float(weight[0].sum() + weight[:, 0].sum() + weight[:, -1].sum() + 0.4 * weight[-1].sum())
    detail = _detail(luma, heat.shape)
    ground = float(detail[heat <= np.median(heat)].mean())
    standing_out = float((weight * detail).sum()) - ground
    return (
        float(np.clip(1 - spread / 0.38, 0, 1)),
        max(0.0, 1 - 3 * off),
        float(np.exp(-border / 0.12)),
        _sigmoid(standing_out / 0.7),
        float(np.exp(-ground / 2)),
    )


def _grid(heat: FloatArray) -> NDArray[np.float64]:
    rows, columns = heat.shape
    return np.stack(np.meshgrid((np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns, indexing="ij"))


def _detail(luma: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Logarithm of the mean Laplacian in each cell of the heat map."""
    laplacian = np.abs(4 * luma[1:-1, 1:-1] - luma[:-2, 1:-1] - luma[2:, 1:-1] - luma[1:-1, :-2] - luma[1:-1, 2:])
    down, across = (
        np.linspace(0, side, cells + 1).round().astype(int) for side, cells in zip(laplacian.shape, shape, strict=True)
    )
    sums = np.add.reduceat(np.add.reduceat(laplacian, down[:-1], axis=0), across[:-1], axis=1)
    result: FloatArray = np.log1p(sums / np.outer(np.diff(down), np.diff(across))).astype(np.float32)
    return result


def _sigmoid(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))
