"""Ways to spoil a good picture: the pairwise orders that stand in for human taste.

A picture beats its own tilted, cut, badly lit or cluttered version, whatever one thinks of the picture;
and it equals its mirror image. Aesthetics learns from such pairs and is measured with them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from photos_engine.models.degrade import add_noise, crop_share, darken, nudge, overexpose, recompress, smear, tilt
from photos_engine.types import Box, FloatArray

NEUTRAL = ("mirror", "closer", "smaller", "nudged")
"""What leaves a picture as beautiful as it was."""
COMPOSITION = ("tilt", "cut", "missed")
HARMS = (
    *COMPOSITION,
    *("dark", "burnt", "flat", "cast", "blur", "motion", "noise", "compression", "pixels"),
    *("clutter", "finger", "caption"),
)
ACCIDENTS = ("floor", "pocket", "covered")
"""Shots that nobody meant to take, made from a picture or from nothing."""
_CLOSE = 0.62  # side of the windows that cut or miss the subject
_PRESENT = 0.6  # heat from which on there is a subject that can be cut off or missed


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A version of a picture, named after what was done to it."""

    kind: str
    image: Image.Image


def subject_box(heat: FloatArray) -> Box | None:
    """The box of the hottest region, (rows, columns) 0 to 1; None where nothing stands out."""
    if heat.max() < _PRESENT:
        return None
    weight = np.square(np.clip(heat - np.median(heat), 0, None))
    shares = weight.sum(0) / weight.sum(), weight.sum(1) / weight.sum()
    (left, right), (top, bottom) = (_spread(share) for share in shares)
    return (left, top, right, bottom)


def _spread(share: FloatArray) -> tuple[float, float]:
    place = (np.arange(len(share)) + 0.5) / len(share)
    mean = float((share * place).sum())
    reach = 1.5 * math.sqrt(float((share * (place - mean) ** 2).sum()))
    return max(0.0, mean - reach), min(1.0, mean + reach)


def spoil(image: Image.Image, heat: FloatArray, other: Image.Image, random: np.random.Generator) -> Iterator[Spoiled]:
    """Yield the picture's neutral versions, then spoiled ones, then accidents.

    heat: its saliency; without a subject nothing is cut or missed. other: a picture to take clutter from.
    """
    longer = max(image.size)
    yield Spoiled("mirror", image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    box = subject_box(heat)
    yield Spoiled("closer", _crop(image, _closer(box)))
    yield Spoiled("smaller", recompress(image.resize((round(0.8 * image.width), round(0.8 * image.height))), 85))
    yield Spoiled("nudged", crop_share(nudge(image), 0.15, 0.5, 0.5))
    yield Spoiled("tilt", tilt(image, random.choice([-1, 1]) * random.uniform(8, 15)))
    if box is not None:
        yield Spoiled("cut", _crop(image, _cutting(box)))
        yield Spoiled("missed", _crop(image, _missing(heat, _CLOSE)))
    yield Spoiled("dark", darken(image, random.uniform(2.0, 3.0), random))
    yield Spoiled("burnt", overexpose(image, random.uniform(1.4, 2.4)))
    yield Spoiled("flat", ImageEnhance.Color(ImageEnhance.Contrast(image).enhance(0.35)).enhance(0.7))
    yield Spoiled("cast", _tint(image, random))
    yield Spoiled("blur", image.filter(ImageFilter.GaussianBlur(longer * random.uniform(0.006, 0.02))))
    yield Spoiled("motion", smear(image, longer * random.uniform(0.02, 0.06), random.uniform(0, math.pi)))
    yield Spoiled("noise", add_noise(image, random.uniform(18, 40), random))
    yield Spoiled("compression", recompress(image, int(random.integers(5, 14))))
    yield Spoiled("pixels", image.reduce(max(2, longer // 48)).resize(image.size, Image.Resampling.BILINEAR))
    yield Spoiled("clutter", _clutter(image, other, heat, random))
    yield Spoiled("finger", _finger(image, random))
    yield Spoiled("caption", _caption(image, random))
    floor = _crop(image, _missing(heat, 0.3)).resize(image.size, Image.Resampling.BICUBIC)
    yield Spoiled("floor", smear(floor, longer * random.uniform(0.01, 0.06), random.uniform(0, math.pi)))
    yield Spoiled("pocket", _murk(image.size, random.uniform(2, 22), random))
    yield Spoiled("covered", _murk(image.size, random.uniform(60, 150), random))


def _crop(image: Image.Image, box: Box) -> Image.Image:
    width, height = image.size
    left, top, right, bottom = box
    return image.crop((round(left * width), round(top * height), round(right * width), round(bottom * height)))


def _missing(heat: FloatArray, side: float) -> Box:
    """The window of this side that holds least of the heat."""
    return min(_windows(heat, side))[1]


def _windows(heat: FloatArray, side: float) -> Iterator[tuple[float, Box]]:
    """Windows all over the picture, with the heat that each holds."""
    rows, columns = heat.shape
    for y in np.linspace(0, 1 - side, 5).tolist():
        for x in np.linspace(0, 1 - side, 5).tolist():
            held = heat[round(y * rows) : round((y + side) * rows), round(x * columns) : round((x + side) * columns)]
            yield float(held.sum()), (x, y, x + side, y + side)


def _closer(box: Box | None) -> Box:
    """A window that holds the subject whole, as close as the spoiling ones where there is room."""
    left, top, right, bottom = (0.25, 0.25, 0.75, 0.75) if box is None else box
    side = float(np.clip(1.15 * max(right - left, bottom - top), _CLOSE, 0.92))
    x, y = (min(max(middle - side / 2, 0.0), 1 - side) for middle in ((left + right) / 2, (top + bottom) / 2))
    return (x, y, x + side, y + side)


def _cutting(box: Box) -> Box:
    """A window of the picture's aspect whose edge runs through the subject: half of it is lost, or its head."""
    x, y = (box[0] + box[2]) / 2, box[1] + 0.4 * (box[3] - box[1])
    side, lost = max((1 - x, "left"), (x, "right"), (1 - y, "top"))
    side = min(side, _CLOSE)
    left = {"left": x, "right": x - side}.get(lost, min(max(x - side / 2, 0.0), 1 - side))
    top = y if lost == "top" else min(max(y - side / 2, 0.0), 1 - side)
    return (left, top, left + side, top + side)


def _tint(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """A wrong white balance, strong."""
    gains = np.array(((1.35, 1.0, 0.45), (0.5, 0.95, 1.4), (0.7, 1.3, 0.65), (1.25, 0.7, 1.1))[random.integers(4)])
    pixels = np.asarray(image, np.float32) * gains.astype(np.float32)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _clutter(image: Image.Image, other: Image.Image, heat: FloatArray, random: np.random.Generator) -> Image.Image:
    """Foreign things standing about, mostly where it was calm."""
    result, (width, height) = image.copy(), image.size
    calm = np.argsort(heat, axis=None)[: heat.size // 2]
    for place in random.choice(calm, 6):
        y, x = divmod(int(place), heat.shape[1])
        side = round(min(width, height) * random.uniform(0.15, 0.32))
        left, top = (round(random.uniform(0, 0.6) * extent) for extent in other.size)
        piece = other.crop((left, top, left + round(0.4 * other.width), top + round(0.4 * other.height)))
        mask = Image.new("L", (side, side), 0)
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, side - 1, side - 1), side // int(random.integers(2, 8)), fill=255)
        at = (
            round((x + 0.5) / heat.shape[1] * width) - side // 2,
            round((y + 0.5) / heat.shape[0] * height) - side // 2,
        )
        result.paste(piece.resize((side, side)).rotate(random.uniform(-25, 25)), at, mask)
    return result


def _finger(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Something soft and near in front of the lens, from one side."""
    (width, height), angle = image.size, random.uniform(0, 2 * math.pi)
    reach = random.uniform(0.3, 0.5) * max(width, height)
    x, y = width / 2 + math.cos(angle) * 0.62 * width, height / 2 + math.sin(angle) * 0.62 * height
    mask = Image.new("L", image.size, 0)
    ImageDraw.Draw(mask).ellipse((x - reach, y - 0.8 * reach, x + reach, y + 0.8 * reach), fill=255)
    return Image.composite(
        _murk(image.size, random.uniform(40, 190), random), image, mask.filter(ImageFilter.GaussianBlur(reach / 9))
    )


def _caption(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Letters across the picture, as on shared pictures with sayings."""
    result = image.copy()
    draw, size = ImageDraw.Draw(result), max(10, image.height // int(random.integers(6, 12)))
    font, letters = ImageFont.load_default(size), "abcdefghiklmnoprstuvw"
    for line in range(int(random.integers(1, 4))):
        text = " ".join("".join(random.choice(list(letters), random.integers(2, 8))) for _ in range(4)).upper()
        y = image.height * (0.04 if line % 2 else 0.8) + (line // 2) * size
        draw.text(
            (image.width / 2, y), text, "white", font, anchor="ma", stroke_width=max(1, size // 12), stroke_fill="black"
        )
    return result


def _murk(size: tuple[int, int], brightness: float, random: np.random.Generator) -> Image.Image:
    """What a covered lens records: one dull warm tone with a slow gradient and noise."""
    tone = np.array((1.0, random.uniform(0.45, 0.9), random.uniform(0.3, 0.8)), np.float32) * brightness
    slope = random.normal(0, 0.35, (2, 2, 1)).astype(np.float32)
    corners = np.clip(tone * np.clip(1 + slope, 0.2, 2), 0, 255).astype(np.uint8)
    return add_noise(Image.fromarray(corners).resize(size, Image.Resampling.BICUBIC), random.uniform(1, 8), random)
