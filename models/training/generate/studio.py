"""What every maker of pictures is handed: chance, typefaces and the photos of its side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photos_engine.models.training.generate.fonts import Font, Typeface, Typefaces
from photos_engine.models.training.generate.words import Writer

Item = TypeVar("Item")
Colour = tuple[int, int, int]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Studio:
    """photos: ordinary ones of the same side (training or test); scans: real flat receipts of that side.

    Every list of layouts ends with one that only the test side uses.
    """

    random: np.random.Generator
    faces: Typefaces
    photos: Sequence[Path]
    scans: Sequence[Path]
    test: bool

    def chance(self, probability: float) -> bool:
        """True in that share of cases."""
        return bool(self.random.random() < probability)

    def between(self, low: float, high: float) -> float:
        """Any number of a range."""
        return float(self.random.uniform(low, high))

    def count(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return int(self.random.integers(low, high + 1))

    def pick(self, items: Sequence[Item]) -> Item:
        """One of several."""
        return items[int(self.random.integers(len(items)))]

    def layout(self, items: Sequence[Item]) -> Item:
        """One of several layouts; the last is kept for the test side, which uses it half of the time."""
        return items[-1] if self.test and self.chance(0.5) else self.pick(items[:-1])

    def colour(self, low: int = 0, high: int = 255) -> Colour:
        """Any colour with channels in a range."""
        red, green, blue = (int(value) for value in self.random.integers(low, high + 1, 3))
        return red, green, blue

    def muted(self, low: int = 0, high: int = 255) -> Colour:
        """A colour as paint and cloth have it: nearer to grey than `colour`."""
        colour = self.colour(low, high)
        mean, share = sum(colour) / 3, self.between(0.0, 0.7)
        red, green, blue = (round(mean + share * (value - mean)) for value in colour)
        return red, green, blue

    def grey(self, low: int, high: int) -> Colour:
        """A grey, hardly tinted."""
        value = self.count(low, high)
        red, green, blue = (min(255, max(0, value + int(shift))) for shift in self.random.integers(-4, 5, 3))
        return red, green, blue

    def face(self, *roles: str) -> Typeface:
        """A typeface of one of the roles."""
        return self.faces.pick(self.random, self.pick(roles))

    def font(self, size_px: float, *roles: str) -> Font:
        """A typeface of one of the roles, at a size."""
        return self.face(*roles).at(size_px)

    def writer(self) -> Writer:
        """Somebody to write the text."""
        return Writer.hire(self.random)

    def photo(self) -> Image.Image:
        """An ordinary photo."""
        if not self.photos:
            return Image.fromarray(self.random.integers(0, 256, (6, 8, 3), np.uint8)).resize((320, 240))
        with Image.open(self.pick(self.photos)) as image:
            return image.convert("RGB")

    def cropped_photo(self, width: int, height: int, least: float = 0.5) -> Image.Image:
        """Part of an ordinary photo, at least that share of its sides, in a given size."""
        photo = self.photo()
        share = self.between(least, 1.0)
        scale = min(photo.width / width, photo.height / height) * share
        left = self.between(0, photo.width - width * scale)
        top = self.between(0, photo.height - height * scale)
        box = (left, top, left + width * scale, top + height * scale)
        return photo.resize((width, height), Image.Resampling.BICUBIC, box=box)
