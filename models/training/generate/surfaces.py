"""What things lie on, hang on or are made of: noise shaped into wood, cloth, stone, metal and walls."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from photos_engine.models.training.generate.studio import Colour, Pixels, Studio

Field = NDArray[np.float32]


def fractal(
    random: np.random.Generator, height: int, width: int, cells: tuple[float, float], octaves: int = 4
) -> Field:
    """Noise (height, width) of mean about 0 and deviation 1; cells: of the coarsest octave, across and down."""
    finest = 2 ** (octaves - 1)
    fine = (max(2, min(width, round(cells[0] * finest))), max(2, min(height, round(cells[1] * finest))))
    total = np.zeros(fine[::-1], np.float32)
    for octave in range(octaves):
        shape = (max(2, min(fine[1], round(cells[1] * 2**octave))), max(2, min(fine[0], round(cells[0] * 2**octave))))
        coarse = Image.fromarray(random.standard_normal(shape, np.float32))
        total += np.asarray(coarse.resize(fine, Image.Resampling.BICUBIC)) * np.float32(0.55**octave)
    total = np.asarray(Image.fromarray(total).resize((width, height), Image.Resampling.BICUBIC))
    return (total - total.mean()) / (total.std() + 1e-6)


def tinted(field: Field, colour: Colour, contrast: float) -> Pixels:
    """(h, w) about 0 -> (h, w, 3): a colour made lighter and darker by a share of itself."""
    result = np.asarray(colour, np.float32) * (1 + contrast * field[:, :, None])
    return result.clip(0, 255).astype(np.uint8)


def wood(studio: Studio, height: int, width: int) -> Pixels:
    """Planks, their grain along one side."""
    if studio.chance(0.4):
        return np.ascontiguousarray(np.rot90(planks(studio, width, height)))
    return planks(studio, height, width)


def planks(studio: Studio, height: int, width: int) -> Pixels:
    """Wood with its grain from left to right."""
    random = studio.random
    grain = fractal(random, height, width, (studio.between(1, 3), studio.between(12, 40)))
    rings = np.sin(studio.between(4, 14) * (grain + fractal(random, height, width, (1, 4), 2)))
    base = studio.pick(((150, 105, 65), (190, 150, 105), (95, 62, 40), (210, 180, 140), (60, 42, 32), (170, 120, 80)))
    pixels = tinted(grain * 0.6 + rings * 0.4, base, studio.between(0.05, 0.18))
    if studio.chance(0.4):
        step = height // studio.count(2, 5)
        for row in range(step, height - 2, step):
            pixels[row : row + 2] //= 2
    return pixels


def cloth(studio: Studio, height: int, width: int) -> Pixels:
    """Woven: fine threads, soft folds, sometimes stripes or checks."""
    y, x = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None, :]
    pitch = studio.between(2.5, 7)
    threads = np.sin(x * 2 * np.pi / pitch) * np.sin(y * 2 * np.pi / pitch)
    folds = fractal(studio.random, height, width, (2, 2), 3)
    field = 0.5 * threads + 0.9 * folds + 0.3 * studio.random.standard_normal((height, width), np.float32)
    pixels = tinted(field, studio.muted(40, 230), studio.between(0.04, 0.14))
    if studio.chance(0.35):
        wide = studio.between(12, 60)
        stripes = np.broadcast_to(x // wide % 2 == 0, (height, width))
        stripes = stripes | (y // wide % 2 == 0) if studio.chance(0.5) else stripes
        pixels[stripes] = (pixels[stripes] * np.asarray(studio.colour(90, 255)) / 255).astype(np.uint8)
    return pixels


def stone(studio: Studio, height: int, width: int) -> Pixels:
    """Speckled: worktops, asphalt, carpet, concrete."""
    fine = fractal(studio.random, height, width, (width / 6, height / 6), 3)
    return tinted(fine + fractal(studio.random, height, width, (3, 3)), studio.grey(40, 220), studio.between(0.03, 0.2))


def plain(studio: Studio, height: int, width: int) -> Pixels:
    """Painted: one colour, hardly uneven."""
    colour = studio.grey(15, 250) if studio.chance(0.5) else studio.muted(30, 240)
    return tinted(fractal(studio.random, height, width, (1, 1), 2), colour, studio.between(0.01, 0.06))


def metal(studio: Studio, height: int, width: int) -> Pixels:
    """Brushed or painted sheet metal."""
    brushed = fractal(studio.random, height, width, (2, height / 1.5), 2)
    sheen = fractal(studio.random, height, width, (1, 1), 2)
    colour = studio.pick(
        ((165, 168, 172), (200, 200, 198), (110, 112, 115), (60, 62, 66), (200, 190, 160), studio.muted(40, 200))
    )
    return tinted(0.4 * brushed + sheen, colour, studio.between(0.04, 0.14))


def cardboard(studio: Studio, height: int, width: int) -> Pixels:
    """Brown, faintly ribbed."""
    ribs = np.sin(np.arange(width, dtype=np.float32) * 2 * np.pi / studio.between(4, 9))[None, :]
    field = fractal(studio.random, height, width, (3, 3)) + 0.4 * ribs
    return tinted(field, studio.pick(((176, 138, 96), (196, 160, 118), (150, 115, 80))), 0.05)


def defocused(studio: Studio, height: int, width: int) -> Pixels:
    """Something else, out of focus."""
    photo = studio.cropped_photo(width, height, 0.3)
    return np.asarray(photo.filter(ImageFilter.GaussianBlur(studio.between(2, 14))))


def room(studio: Studio, height: int, width: int) -> Pixels:
    """Somewhere, in focus."""
    return np.asarray(studio.cropped_photo(width, height))


TABLES: tuple[Callable[[Studio, int, int], Pixels], ...] = (
    wood, wood, wood, cloth, stone, plain, plain, cardboard, defocused, room,
)  # fmt: skip
WALLS: tuple[Callable[[Studio, int, int], Pixels], ...] = (plain, plain, plain, defocused, room)
