"""A screen to draw on: its size, its theme, and what most apps put on it."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image, ImageDraw

from photos_engine.models.training.generate.fonts import Typeface
from photos_engine.models.training.generate.paper import Box, Column
from photos_engine.models.training.generate.studio import Colour, Studio
from photos_engine.models.training.generate.words import Writer


@dataclass
class Screen:
    """A canvas with a theme."""

    studio: Studio
    image: Image.Image
    draw: ImageDraw.ImageDraw
    writer: Writer
    face: Typeface
    ground: Colour
    raised: Colour
    ink: Colour
    faint: Colour
    accent: Colour

    @classmethod
    def switch_on(cls, studio: Studio, size: tuple[int, int]) -> Screen:
        """An empty screen, light or dark."""
        dark, tint = studio.chance(0.35), studio.count(-6, 6)
        ground = (
            (studio.grey(8, 40) if dark else studio.grey(236, 255)) if studio.chance(0.85) else studio.colour(20, 235)
        )
        dark = sum(ground) < 380
        raised: Colour = tuple(min(255, max(0, value + (22 if dark else -14) + tint)) for value in ground)  # type: ignore[assignment]
        ink, faint = ((235, 235, 238), (140, 140, 148)) if dark else ((25, 25, 28), (130, 130, 138))
        image = Image.new("RGB", size, ground)
        return cls(
            studio,
            image,
            ImageDraw.Draw(image),
            studio.writer(),
            studio.face("sans"),
            ground,
            raised,
            ink,
            faint,
            studio.colour(20, 230),
        )

    def text(self, x: float, y: float, text: str, size: float, ink: Colour | None = None) -> None:
        """One line."""
        self.draw.text((x, y), text, ink or self.ink, self.face.at(size))

    def column(self, left: float, top: float, right: float, bottom: float) -> Column:
        """A place for running text."""
        return Column(self.draw, Box(left, top, right, bottom), self.ink)

    def photo(self, left: float, top: float, right: float, bottom: float) -> None:
        """A photo in a place."""
        size = (max(2, round(right - left)), max(2, round(bottom - top)))
        self.image.paste(self.studio.cropped_photo(*size), (round(left), round(top)))

    def icon(self, x: float, y: float, size: float, colour: Colour | None = None) -> None:
        """A small coloured shape."""
        fill = colour or self.studio.colour(30, 230)
        if self.studio.chance(0.5):
            self.draw.ellipse((x, y, x + size, y + size), fill=fill)
        else:
            self.draw.rounded_rectangle((x, y, x + size, y + size), size * 0.22, fill=fill)
