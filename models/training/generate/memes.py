"""Captioned pictures as they go round: a photo with large words over, above or below it; sayings on a ground."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from photos_engine.models.training.generate.camera import compress
from photos_engine.models.training.generate.fonts import Font
from photos_engine.models.training.generate.paper import wrap
from photos_engine.models.training.generate.studio import Studio

SIZES = ((520, 520), (600, 450), (480, 600), (600, 400))


def meme(studio: Studio) -> Image.Image:
    """One of the usual forms, saved once more than was good for it."""
    return compress(studio, studio.layout(LAYOUTS)(studio), 25, 90)


def twin(studio: Studio) -> Image.Image:
    """The photo that a meme would be made of, or several, without the words."""
    if studio.chance(0.2):
        return compress(studio, _panels(studio, words=False), 25, 90)
    return compress(studio, studio.cropped_photo(*studio.pick(SIZES), 0.75), 25, 90)


def over(studio: Studio) -> Image.Image:
    """White letters with a black edge, above and below."""
    picture = studio.cropped_photo(*studio.pick(SIZES), 0.75)
    draw, size = ImageDraw.Draw(picture), picture.height * studio.between(0.075, 0.14)
    font = studio.font(size, "heavy")
    for share in studio.pick(((0.02,), (0.98,), (0.02, 0.98), (0.02, 0.98), (0.02, 0.98))):
        _band(draw, picture, studio.writer().words(2, 9).upper(), font, share, "white", round(size * 0.07))
    return picture


def _band(
    draw: ImageDraw.ImageDraw, picture: Image.Image, text: str, font: Font, share: float, fill: str, edge: int
) -> None:
    lines = wrap(text, font, picture.width * 0.94)[:3]
    pitch = font.getbbox("X")[3] * 1.15
    y = picture.height * share - (pitch * len(lines) if share > 0.5 else 0)
    for line in lines:
        x = (picture.width - font.getlength(line)) / 2
        draw.text((x, y), line, fill, font, stroke_width=edge, stroke_fill="black" if fill == "white" else "white")
        y += pitch


def bar(studio: Studio) -> Image.Image:
    """Words on a bar above or below the photo."""
    photo = studio.cropped_photo(*studio.pick(SIZES), 0.75)
    dark, size = studio.chance(0.25), photo.width * studio.between(0.05, 0.075)
    font = studio.font(size, "sans", "heavy")
    lines = wrap(studio.writer().words(5, 22).capitalize(), font, photo.width * 0.92)[:5]
    pitch = font.getbbox("Xg")[3] * 1.2
    high = round(pitch * len(lines) + size)
    whole = Image.new("RGB", (photo.width, photo.height + high), (15, 15, 15) if dark else "white")
    below = studio.chance(0.25)
    whole.paste(photo, (0, 0 if below else high))
    draw = ImageDraw.Draw(whole)
    for number, line in enumerate(lines):
        x = (photo.width - font.getlength(line)) / 2 if studio.test or dark else photo.width * 0.04
        draw.text(
            (x, (photo.height if below else 0) + size / 2 + number * pitch), line, "white" if dark else "black", font
        )
    return whole


def _panels(studio: Studio, *, words: bool) -> Image.Image:
    across, down = studio.pick(((1, 2), (2, 1), (2, 2), (1, 3)))
    wide, high = 600 // across, (640 // down if across > 1 else 280)
    whole = Image.new("RGB", (wide * across, high * down), "white")
    font = studio.font(high * 0.11, "heavy", "sans")
    for row in range(down):
        for column in range(across):
            panel = studio.cropped_photo(wide - 4, high - 4)
            if words and (studio.chance(0.7) or row + column == 0):
                _band(
                    ImageDraw.Draw(panel),
                    panel,
                    studio.writer().words(2, 7),
                    font,
                    studio.pick((0.03, 0.97)),
                    "white",
                    2,
                )
            whole.paste(panel, (column * wide + 2, row * high + 2))
    return whole


def panels(studio: Studio) -> Image.Image:
    """Several photos with words."""
    return _panels(studio, words=True)


def choice(studio: Studio) -> Image.Image:
    """Photos on one side, what they mean on the other."""
    rows, high, wide = studio.count(2, 4), 200, 300
    whole = Image.new("RGB", (wide * 2, rows * high), "white")
    draw, font = ImageDraw.Draw(whole), studio.font(30, "sans")
    for row in range(rows):
        whole.paste(studio.cropped_photo(wide, high - 3), (0, row * high))
        for number, line in enumerate(wrap(studio.writer().words(2, 8), font, wide - 30)[:4]):
            draw.text((wide + 15, row * high + 20 + number * 38), line, "black", font)
    return whole


def saying(studio: Studio) -> Image.Image:
    """Words in the middle of a gradient, a colour or a faded photo; the test side's own."""
    width, height = studio.pick(SIZES)
    share = np.linspace(0, 1, height)[:, None, None]
    ground = (1 - share) * np.array(studio.colour()) + share * np.array(studio.colour())
    picture = Image.fromarray(np.broadcast_to(ground, (height, width, 3)).astype(np.uint8))
    if studio.chance(0.5):
        picture = Image.blend(picture, studio.cropped_photo(width, height), 0.5)
    draw, font = ImageDraw.Draw(picture), studio.font(width * 0.07, "sans", "serif", "hand")
    lines = wrap(studio.writer().words(6, 16).capitalize(), font, width * 0.84)
    for number, line in enumerate(lines):
        x, y = (width - font.getlength(line)) / 2, height * 0.5 + (number - len(lines) / 2) * width * 0.095
        draw.text((x, y), line, "white", font, stroke_width=1, stroke_fill="black")
    return picture


LAYOUTS: tuple[Callable[[Studio], Image.Image], ...] = (over, over, bar, bar, panels, choice, saying)
