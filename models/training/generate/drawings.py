"""Ink and colour on paper that is not writing: clip art, sketches, what children draw, comics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from photos_engine.models.training.generate.camera import photograph, scan
from photos_engine.models.training.generate.ink import Pen, curve, scribble
from photos_engine.models.training.generate.studio import Colour, Studio

Drawer = Callable[[Studio, Sequence[Path]], Image.Image]

_SIDE_PX = 420
_CRAYONS: tuple[Colour, ...] = (
    (200, 35, 30), (30, 65, 185), (25, 135, 55), (235, 185, 30), (120, 65, 25), (25, 25, 25), (195, 70, 150),
)  # fmt: skip


def clip_art(studio: Studio, art: Sequence[Path]) -> Image.Image:
    """One of some pictures with transparent ground, on white or pale."""
    with Image.open(studio.pick(art)) as opened:
        opened.thumbnail((_SIDE_PX, _SIDE_PX))
        figure = opened.convert("RGBA")
    width, height = (side + studio.count(8, 120) for side in figure.size)
    ground = Image.new("RGB", (width, height), (255, 255, 255) if studio.chance(0.7) else studio.colour(190, 255))
    ground.paste(figure, (studio.count(0, width - figure.width), studio.count(0, height - figure.height)), figure)
    return ground


def line_drawing(studio: Studio, art: Sequence[Path]) -> Image.Image:
    """The outlines of clip art, as a colouring book has them."""
    edges = clip_art(studio, art).convert("L").filter(ImageFilter.GaussianBlur(1)).filter(ImageFilter.FIND_EDGES)
    strength = studio.between(3, 8)
    lines = ImageOps.invert(edges.point(lambda value: min(255, round(value * strength))))
    return lines.crop((2, 2, lines.width - 2, lines.height - 2)).convert("RGB")


def sketch(studio: Studio, _: Sequence[Path]) -> Image.Image:
    """A photo as if drawn with a soft pencil: divided by its own blur."""
    grey = studio.photo().convert("L").resize((_SIDE_PX, _SIDE_PX))
    soft = np.asarray(grey.filter(ImageFilter.GaussianBlur(studio.between(2, 9))), np.float32)
    pixels = np.asarray(grey, np.float32) * 255 / (soft + 1)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).convert("RGB")


def painting(studio: Studio, _: Sequence[Path]) -> Image.Image:
    """A photo in a few flat colours."""
    photo = studio.photo().resize((_SIDE_PX, _SIDE_PX)).filter(ImageFilter.ModeFilter(studio.pick((5, 7, 9))))
    return ImageOps.posterize(photo, studio.count(2, 4))


def childs_picture(studio: Studio, _: Sequence[Path]) -> Image.Image:
    """Houses, suns, trees, people and animals by an unsteady hand, sometimes with a name."""
    width, height = studio.pick(((420, 300), (300, 420), (400, 400)))
    sheet = Image.new("RGB", (width, height), studio.grey(225, 255))
    draw, is_mono = ImageDraw.Draw(sheet), studio.chance(0.4)
    crayons = (studio.grey(20, 110),) if is_mono else _CRAYONS
    pen = Pen.any(studio, studio.between(18, 34), crayons, studio.between(0.06, 0.22))
    for _figure in range(studio.count(1, 6)):
        middle = np.array((studio.between(0.15, 0.85) * width, studio.between(0.2, 0.8) * height))
        reach = studio.between(0.08, 0.3) * min(width, height)
        for points in studio.pick(_FIGURES)(studio):
            shaken = points + studio.random.normal(0, 0.05, points.shape)
            curve(draw, middle + reach * shaken, pen.inked(studio.pick(crayons)))
    if studio.chance(0.6):
        rows = height * studio.between(0.82, 0.97) + studio.random.normal(0, 5, 30)
        curve(draw, np.stack([np.linspace(0, width, 30), rows], axis=1), pen.inked(studio.pick(crayons)))
    if studio.chance(0.2):
        scribble(studio, draw, studio.between(5, width / 2), studio.between(5, height - 40), width / 2, pen)
    return sheet


def comic(studio: Studio, art: Sequence[Path]) -> Image.Image:
    """Panels of clip art with a few words above."""
    page = Image.new("RGB", (360, 480), (255, 255, 255))
    draw, rows, columns = ImageDraw.Draw(page), studio.count(2, 4), studio.count(1, 3)
    wide, high = 350 // columns, 470 // rows
    drawn = line_drawing if studio.chance(0.4) else clip_art
    for row in range(rows):
        for column in range(columns):
            panel = drawn(studio, art).resize((wide - 8, high - 8))
            place = (6 + column * wide, 6 + row * high)
            page.paste(panel, place)
            draw.rectangle((*place, place[0] + wide - 8, place[1] + high - 8), outline=(0, 0, 0), width=2)
            if studio.chance(0.7):
                words = studio.writer().words(1, 3)
                draw.rectangle((*place, place[0] + (wide - 8) * 0.7, place[1] + 20), (255, 255, 255), (0, 0, 0))
                draw.text((place[0] + 4, place[1] + 3), words, (0, 0, 0), studio.font(11, "hand", "sans"))
    return page


def lettering(studio: Studio, art: Sequence[Path]) -> Image.Image:
    """A name in large type on a flat colour, as logos, posters and title cards have it, sometimes with a figure."""
    width, height = studio.pick(((420, 300), (300, 420), (400, 400), (460, 200)))
    is_dark = studio.chance(0.6)
    ground, ink = studio.colour(0, 140) if is_dark else studio.colour(180, 255), studio.colour(*_INKS[is_dark])
    sheet = Image.new("RGB", (width, height), ground)
    if studio.chance(0.4):
        with Image.open(studio.pick(art)) as opened:
            opened.thumbnail((width * 0.4, height * 0.4))
            figure = opened.convert("RGBA")
        sheet.paste(figure, ((width - figure.width) // 2, studio.count(4, 20)), figure)
    draw, face, size = ImageDraw.Draw(sheet), studio.face("serif", "sans", "heavy", "hand"), studio.between(30, 64)
    top = height * studio.between(0.25, 0.5)
    for _line in range(studio.count(1, 3)):
        words = studio.writer().words(1, 2)
        words = words.upper() if studio.chance(0.4) else words.title()
        font = face.at(min(size, 1.7 * width / max(1, len(words))))
        left = max(6.0, (width - draw.textlength(words, font)) / 2)
        draw.text((left, top), words, ink, font)
        top += size * 1.15
    return sheet


_INKS = {True: (200, 255), False: (0, 110)}

DRAWERS: tuple[tuple[Drawer, float], ...] = (
    (clip_art, 0.22), (line_drawing, 0.18), (childs_picture, 0.22), (sketch, 0.11), (painting, 0.06), (comic, 0.09),
    (lettering, 0.12),
)  # fmt: skip


def drawing(studio: Studio, art: Sequence[Path]) -> Image.Image:
    """One of them, as a file, scanned, or photographed lying about."""
    shares = np.array([share for _, share in DRAWERS])
    drawn = DRAWERS[int(studio.random.choice(len(DRAWERS), p=shares / shares.sum()))][0](studio, art)
    if studio.chance(0.45):
        return drawn
    return scan(studio, drawn) if studio.chance(0.35) else photograph(studio, drawn)


# --- figures: strokes, (n, 2) each, about the middle and about as large as 1 -----------------------


def _ring(x: float, y: float, radius: float) -> NDArray[np.float64]:
    turn = np.linspace(0, 2 * np.pi, 14)
    return np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn)], axis=1)


def _stroke(*points: tuple[float, float]) -> NDArray[np.float64]:
    return np.array(points, np.float64)


def _house(studio: Studio) -> list[NDArray[np.float64]]:
    roof = studio.between(0.4, 1.0)
    walls = _stroke((-0.7, 0), (0.7, 0), (0.7, 1), (-0.7, 1), (-0.7, 0), (0, -roof), (0.7, 0))
    return [walls, _stroke((-0.1, 1), (-0.1, 0.5), (0.2, 0.5), (0.2, 1)), _ring(-0.4, 0.35, 0.15)]


def _sun(studio: Studio) -> list[NDArray[np.float64]]:
    turns = np.linspace(0, 2 * np.pi, studio.count(5, 12))
    rays = [np.outer((0.7, studio.between(0.9, 1.3)), (np.cos(turn), np.sin(turn))) for turn in turns]
    return [_ring(0, 0, 0.5), *rays]


def _tree(studio: Studio) -> list[NDArray[np.float64]]:
    crown = [_ring(studio.between(-0.4, 0.4), studio.between(-0.8, -0.3), studio.between(0.2, 0.5)) for _ in range(4)]
    return [_stroke((-0.1, 1), (-0.1, 0)), _stroke((0.1, 1), (0.1, 0)), *crown]


def _person(studio: Studio) -> list[NDArray[np.float64]]:
    arms = studio.between(-0.3, 0.3)
    face = [_ring(0, -0.8, 0.28), _ring(-0.1, -0.85, 0.03), _ring(0.1, -0.85, 0.03)]
    limbs = [_stroke((0, -0.5), (0, 0.3)), _stroke((-0.5, -0.2 + arms), (0, -0.3), (0.5, -0.2 + arms))]
    skirt = _stroke((0, -0.4), (-0.4, 0.4), (0.4, 0.4), (0, -0.4))
    legs = [_stroke((-0.3, 1), (0, 0.3)), _stroke((0.3, 1), (0, 0.3))]
    return [*face, *limbs, *legs, *([skirt] if studio.chance(0.4) else [])]


def _animal(studio: Studio) -> list[NDArray[np.float64]]:
    body = _ring(0, 0, 0.5) * (1.4, 0.7)
    legs = [_stroke((x, 0.3), (x, 0.8)) for x in (-0.5, -0.3, 0.3, 0.5)]
    return [body, _ring(0.8, -0.35, 0.28), *legs, _stroke((-0.7, 0), (-1.1, studio.between(-0.6, 0.3)))]


def _flower(studio: Studio) -> list[NDArray[np.float64]]:
    turns = np.linspace(0, 2 * np.pi, studio.count(4, 8), endpoint=False)
    petals = [_ring(0.4 * np.cos(turn), -0.5 + 0.4 * np.sin(turn), 0.22) for turn in turns]
    return [_ring(0, -0.5, 0.2), *petals, _stroke((0, -0.1), (0.05, 1))]


def _hatching(studio: Studio) -> list[NDArray[np.float64]]:
    across = np.linspace(-0.8, 0.8, studio.count(8, 24))
    down = np.where(np.arange(len(across)) % 2, 0.5, -0.5)
    return [np.stack([across, down], axis=1)]


_FIGURES = (_house, _sun, _tree, _person, _person, _animal, _flower, _hatching)
