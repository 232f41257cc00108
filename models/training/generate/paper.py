"""Paper, and text set on it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw

from photos_engine.models.training.generate.fonts import Font
from photos_engine.models.training.generate.studio import Colour, Studio
from photos_engine.models.training.generate.surfaces import fractal

INKS: tuple[Colour, ...] = ((20, 20, 22), (35, 35, 40), (10, 10, 40), (60, 60, 60), (50, 40, 35))


@dataclass(frozen=True, slots=True)
class Box:
    """left, top, right and bottom in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top

    def inset(self, margin: float) -> Box:
        """Smaller by a margin on all sides."""
        return Box(self.left + margin, self.top + margin, self.right - margin, self.bottom - margin)

    def columns(self, count: int, gap: float) -> list[Box]:
        """Side by side, with a gap between."""
        width = (self.width - gap * (count - 1)) / count
        starts = [self.left + number * (width + gap) for number in range(count)]
        return [Box(start, self.top, start + width, self.bottom) for start in starts]

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """As Pillow takes it."""
        return self.left, self.top, self.right, self.bottom


def blank_sheet(studio: Studio, width: int, height: int, white: tuple[int, int] = (225, 255)) -> Image.Image:
    """Paper: nearly white, seldom coloured, a little uneven."""
    if studio.chance(0.12):
        colour = studio.pick(((250, 240, 200), (225, 235, 250), (250, 225, 225), (225, 245, 225), (240, 225, 195)))
    else:
        value = studio.count(*white)
        colour = (value, min(255, value + studio.count(-3, 1)), value - studio.count(0, 14))
    uneven = fractal(studio.random, height, width, (2, 3), 3) * studio.between(0, 3)
    return Image.fromarray((np.asarray(colour) + uneven[:, :, None]).clip(0, 255).astype(np.uint8))


def handle(studio: Studio, sheet: Image.Image) -> Image.Image:
    """What happens to paper: folds, crumples, holes."""
    pixels = np.asarray(sheet.convert("RGB"), np.float32)
    height, width = pixels.shape[:2]
    shade = np.ones((height, width), np.float32)
    if studio.chance(0.25):
        for share in studio.pick(((0.5,), (0.33, 0.67), (0.25, 0.5, 0.75))):
            distance = np.arange(height, dtype=np.float32)[:, None] - share * height
            depth = studio.between(0.03, 0.12) * studio.pick((-1, 1))
            shade += depth * np.exp(-np.abs(distance) / studio.between(3, 60)) * np.sign(distance)
    if studio.chance(0.2):
        creases = np.abs(fractal(studio.random, height, width, (3, 4), 3))
        shade *= (
            1
            - studio.between(0.03, 0.12) * np.exp(-creases * 6)
            + 0.04 * fractal(studio.random, height, width, (3, 3), 2)
        )
    made = Image.fromarray((pixels * shade[:, :, None]).clip(0, 255).astype(np.uint8))
    if studio.chance(0.12):
        draw, radius = ImageDraw.Draw(made), width * 0.012
        for share in studio.pick(((0.4, 0.6), (0.2, 0.4, 0.6, 0.8))):
            x, y = width * 0.03, height * share
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=studio.grey(40, 140))
    return made


def wrap(text: str, font: Font, width: float) -> list[str]:
    """Break text into lines of a width."""
    space, lines, length = font.getlength(" "), [""], 0.0
    for word in text.split():
        wide = font.getlength(word)
        if lines[-1] and length + space + wide > width:
            lines.append("")
        lines[-1], length = (f"{lines[-1]} {word}", length + space + wide) if lines[-1] else (word, wide)
    return lines


@dataclass(slots=True)
class Column:
    """A box that fills with text from top to bottom. y: where the next line will stand."""

    draw: ImageDraw.ImageDraw
    box: Box
    ink: Colour
    y: float = field(init=False)

    def __post_init__(self) -> None:
        self.y = self.box.top

    @property
    def room(self) -> float:
        """The height that is still free."""
        return self.box.bottom - self.y

    def set(self, text: str, font: Font, *, leading: float = 1.3, align: str = "left") -> None:
        """Set text, line by line, until it ends or the box is full; align: left, centre, right or justify."""
        pitch, lines = font.getbbox("Xg")[3] * leading, wrap(text, font, self.box.width)
        for number, line in enumerate(lines):
            if pitch > self.room:
                break
            if align == "justify" and number + 1 < len(lines) and " " in line:
                self._spread(line.split(), font)
            else:
                slack = self.box.width - font.getlength(line)
                x = self.box.left + slack * {"centre": 0.5, "right": 1.0}.get(align, 0.0)
                self.draw.text((x, self.y), line, self.ink, font)
            self.y += pitch

    def _spread(self, words: list[str], font: Font) -> None:
        lengths = [font.getlength(word) for word in words]
        gap, x = (self.box.width - sum(lengths)) / (len(words) - 1), self.box.left
        for word, length in zip(words, lengths, strict=True):
            self.draw.text((x, self.y), word, self.ink, font)
            x += length + gap

    def set_ends(self, left: str, right: str, font: Font) -> None:
        """One line, part of it at either end."""
        self.draw.text((self.box.left, self.y), left, self.ink, font)
        self.draw.text((self.box.right - font.getlength(right), self.y), right, self.ink, font)
        self.y += font.getbbox("Xg")[3] * 1.3
