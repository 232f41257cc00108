"""Whiteboards: marker strokes, diagrams and notes on a glossy board in a room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from photos_engine.models.training.generate.camera import FRAMES, Pose, photograph, reflect
from photos_engine.models.training.generate.ink import Pen, diagram, formula, graph, line, write
from photos_engine.models.training.generate.notes import YELLOWS
from photos_engine.models.training.generate.studio import Colour, Studio
from photos_engine.models.training.generate.surfaces import WALLS, fractal

MARKERS: tuple[Colour, ...] = ((25, 25, 30), (25, 50, 160), (190, 30, 40), (20, 120, 70), (25, 25, 30), (30, 60, 170))
NEAR = Pose(fill=(0.95, 1.5), tilt=0.35, turn=0.08, drift=0.1, curl=0, shadow=0.2)
ROOM = Pose(fill=(0.65, 1.0), tilt=0.5, turn=0.04, drift=0.08, curl=0, shadow=0.3)


def whiteboard(studio: Studio) -> Image.Image:
    """A board that somebody has written on."""
    return hang(studio, written_board(studio))


def blank_board(studio: Studio) -> Image.Image:
    """The same boards and rooms, wiped clean; or a board with a photo or coloured panels on it."""
    board, _ = empty_board(studio)
    if studio.chance(0.4):
        board = studio.cropped_photo(*board.size)
    return hang(studio, framed(studio, board))


def hang(studio: Studio, board: Image.Image) -> Image.Image:
    """Put a board on a wall and photograph it."""
    width, height = studio.pick(FRAMES)
    wall = Image.fromarray(studio.pick(WALLS)(studio, height, width))
    return photograph(studio, board, NEAR if studio.chance(0.6) else ROOM, wall)


@dataclass(frozen=True, slots=True)
class Area:
    """A part of a board, in pixels."""

    left: float
    top: float
    right: float
    bottom: float


def empty_board(studio: Studio) -> tuple[Image.Image, tuple[int, int]]:
    """A white or nearly white surface with ghosts of what was wiped off."""
    width, height = studio.pick(((900, 620), (1000, 560), (760, 620), (640, 860)))
    colour = np.asarray(studio.grey(170, 250), np.float32)
    field = fractal(studio.random, height, width, (3, 3), 3) * studio.between(0.5, 4)
    board = Image.fromarray((colour + field[:, :, None]).clip(0, 255).astype(np.uint8))
    if studio.chance(0.5):
        ghost, pen = board.copy(), Pen.any(studio, 34, MARKERS, 0.14)
        for _ in range(studio.count(1, 5)):
            write(
                studio,
                ImageDraw.Draw(ghost),
                studio.between(20, width * 0.6),
                studio.between(20, height - 60),
                studio.writer().words(2, 5),
                pen,
                width,
            )
        board = Image.blend(board, ghost.filter(ImageFilter.GaussianBlur(5)), studio.between(0.05, 0.2))
    return board, (width, height)


def written_board(studio: Studio) -> Image.Image:
    """Notes in areas, each of some kind."""
    board, (width, height) = empty_board(studio)
    draw = ImageDraw.Draw(board)
    hand = Pen.any(studio, height / studio.between(11, 24), MARKERS, 0.13)
    dry = studio.between(0.35, 0.7) if studio.chance(0.35) else 0.0  # markers that hardly write any more
    pens = [hand.inked(_paler(studio.pick(MARKERS), dry)) for _ in range(studio.pick((1, 2, 3, 3)))]
    across, down = studio.pick(((1, 1), (2, 1), (2, 1), (2, 2), (3, 1), (3, 2), (1, 2)))
    for row in range(down):
        for column in range(across):
            if across * down > 1 and studio.chance(0.12):
                continue
            area = Area(
                width * (column + 0.07) / across, height * (row + 0.08) / down,
                width * (column + 0.95) / across, height * (row + 0.93) / down,
            )  # fmt: skip
            studio.layout(CONTENTS)(studio, draw, area, pens)
    if across > 1 and studio.chance(0.4):
        line(studio, draw, (width / across, 20), (width / across, height - 20), pens[0])
    return framed(studio, board)


def _paler(ink: Colour, share: float) -> Colour:
    red, green, blue = (round(value + (200 - value) * share) for value in ink)
    return red, green, blue


def framed(studio: Studio, board: Image.Image) -> Image.Image:
    """Frame, tray with pens, reflections."""
    edge, width, height = studio.count(4, 16), board.width, board.height
    tray = studio.count(0, 26)
    whole = Image.new(
        "RGB",
        (width + 2 * edge, height + 2 * edge + tray),
        studio.pick(((170, 172, 175), (200, 200, 200), (90, 90, 92), (60, 45, 35), (235, 235, 235))),
    )
    pixels = np.asarray(board)
    whole.paste(Image.fromarray(reflect(studio, pixels)) if studio.chance(0.5) else board, (edge, edge))
    draw = ImageDraw.Draw(whole)
    if tray > 12:
        for _ in range(studio.count(0, 5)):
            x = studio.count(edge, width - 90)
            draw.rectangle((x, height + 2 * edge, x + 60, height + 2 * edge + 7), fill=studio.pick(MARKERS))
    return whole


def _lines(studio: Studio, draw: ImageDraw.ImageDraw, area: Area, pens: list[Pen]) -> None:
    y, pen, writer = area.top, studio.pick(pens), studio.writer()
    mark = studio.pick(("", "- ", "1 ", "+ "))
    while y + pen.size < area.bottom * studio.between(0.7, 1.0):
        write(
            studio,
            draw,
            area.left,
            y,
            mark + writer.words(1, 6),
            studio.pick(pens) if studio.chance(0.2) else pen,
            area.right,
        )
        y += pen.size * studio.between(1.3, 1.9)


def _sums(studio: Studio, draw: ImageDraw.ImageDraw, area: Area, pens: list[Pen]) -> None:
    y, pen = area.top, studio.pick(pens)
    while y + pen.size < area.bottom:
        write(studio, draw, area.left + studio.between(0, 60), y, formula(studio, pen), pen, area.right)
        y += pen.size * studio.between(1.4, 2.2)


def _diagram(studio: Studio, draw: ImageDraw.ImageDraw, area: Area, pens: list[Pen]) -> None:
    diagram(studio, draw, area.left, area.top, area.right, area.bottom, pens)


def _graph(studio: Studio, draw: ImageDraw.ImageDraw, area: Area, pens: list[Pen]) -> None:
    graph(studio, draw, area.left, area.top, area.right, area.bottom, pens)


def _stickies(studio: Studio, draw: ImageDraw.ImageDraw, area: Area, pens: list[Pen]) -> None:
    side = studio.between(60, 100)
    for _ in range(studio.count(3, 10)):
        x, y = (
            studio.between(area.left, max(area.left + 1, area.right - side)),
            studio.between(area.top, max(area.top + 1, area.bottom - side)),
        )
        draw.rectangle((x, y, x + side, y + side), fill=studio.pick(YELLOWS))
        pen = Pen.any(studio, side / 6, MARKERS)
        for row in range(3):
            write(studio, draw, x + 5, y + 8 + row * side / 4, studio.writer().words(1, 3), pen, x + side)


def _table(studio: Studio, draw: ImageDraw.ImageDraw, area: Area, pens: list[Pen]) -> None:
    pen, rows, columns = studio.pick(pens), studio.count(3, 6), studio.count(2, 4)
    high, wide = (area.bottom - area.top) / rows, (area.right - area.left) / columns
    for row in range(1, rows):
        line(studio, draw, (area.left, area.top + row * high), (area.right, area.top + row * high), pen)
    for column in range(1, columns):
        line(studio, draw, (area.left + column * wide, area.top), (area.left + column * wide, area.bottom), pen)
    for row in range(rows):
        for column in range(columns):
            if studio.chance(0.75):
                write(
                    studio,
                    draw,
                    area.left + (column + 0.1) * wide,
                    area.top + (row + 0.3) * high,
                    studio.writer().words(1, 1),
                    pen,
                    area.left + (column + 1) * wide,
                )


CONTENTS: tuple[Callable[[Studio, ImageDraw.ImageDraw, Area, list[Pen]], None], ...] = (
    _lines, _lines, _diagram, _sums, _graph, _stickies, _table,
)  # fmt: skip
