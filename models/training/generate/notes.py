"""Handwriting on paper: lined, squared or plain pages, notebooks, cards, sticky notes, shopping lists, sums."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image, ImageDraw

from photos_engine.models.training.generate.camera import FLAT, LYING, Pose, photograph, scan
from photos_engine.models.training.generate.ink import PEN_INKS, Pen, diagram, formula, graph, line, write
from photos_engine.models.training.generate.paper import blank_sheet, handle
from photos_engine.models.training.generate.studio import Studio

YELLOWS = ((250, 235, 110), (255, 190, 200), (180, 230, 170), (170, 215, 245), (255, 205, 120))


def handwriting(studio: Studio) -> Image.Image:
    """Something written by hand, scanned or photographed."""
    sheet = studio.layout(LAYOUTS)(studio)
    way = studio.random.random()
    if way < 0.3:
        return scan(studio, handle(studio, sheet))
    return photograph(
        studio, handle(studio, sheet), FLAT if way < 0.55 else Pose(fill=(0.45, 0.8)) if way < 0.65 else LYING
    )


def ruled(studio: Studio, width: int, height: int) -> tuple[Image.Image, float]:
    """Paper as notebooks have it, and the distance of its lines (or of lines as one would write them)."""
    pitch = height / studio.between(18, 34)
    if studio.chance(0.25):
        sheet = Image.new("RGB", (width, height), studio.pick(((250, 243, 170), (247, 238, 190))))
    else:
        sheet = blank_sheet(studio, width, height)
    draw, way = ImageDraw.Draw(sheet), studio.random.random()
    ink = studio.pick(((150, 180, 220), (180, 190, 200), (170, 200, 190), (190, 170, 200)))
    if way < 0.7:
        for number in range(1, int(height / pitch)):
            draw.line((0, number * pitch, width, number * pitch), ink)
    if 0.4 < way < 0.7:
        for number in range(1, int(width / pitch)):
            draw.line((number * pitch, 0, number * pitch, height), ink)
    if way < 0.4 and studio.chance(0.6):
        draw.line((width * 0.12, 0, width * 0.12, height), (225, 120, 130), 1)
    return sheet, pitch


def running_text(studio: Studio) -> Image.Image:
    """A page full of words."""
    width, height = studio.pick(((640, 860), (560, 760), (700, 620)))
    sheet, pitch = ruled(studio, width, height)
    draw, writer = ImageDraw.Draw(sheet), studio.writer()
    pen = Pen.any(studio, pitch * studio.between(0.55, 0.85))
    left, right, last = width * studio.between(0.06, 0.16), width * 0.96, studio.between(0.4, 1.0) * height
    y = pitch * studio.count(1, 3)
    while y + pitch < last:
        if studio.chance(0.9):
            ink = studio.pick(PEN_INKS) if studio.chance(0.04) else pen.ink
            write(
                studio,
                draw,
                left,
                y + pitch * 0.2,
                writer.words(6, 14),
                pen.inked(ink),
                right if studio.chance(0.8) else width * 0.6,
            )
        y += pitch
    return sheet


def items(studio: Studio) -> Image.Image:
    """A list: things to buy or to do, some crossed out."""
    width, height = studio.pick(((420, 640), (500, 500), (360, 760)))
    sheet, pitch = ruled(studio, width, height)
    pitch = max(pitch, height / 18)
    draw, writer = ImageDraw.Draw(sheet), studio.writer()
    pen = Pen.any(studio, pitch * studio.between(0.5, 0.8), width=0.11)
    write(studio, draw, width * 0.1, pitch * 0.5, writer.words(1, 2), pen, width)
    for row in range(2, studio.count(5, 15)):
        end = write(
            studio,
            draw,
            width * 0.15,
            row * pitch + pitch * 0.2,
            f"- {writer.good()} {writer.digits(1)}",
            pen,
            width * 0.95,
        )
        if studio.chance(0.2):
            line(studio, draw, (width * 0.15, row * pitch + pitch * 0.6), (end, row * pitch + pitch * 0.6), pen)
    return sheet


def lecture(studio: Studio) -> Image.Image:
    """Notes with sums, graphs and diagrams between the words."""
    width, height = 640, 860
    sheet, pitch = ruled(studio, width, height)
    draw, writer = ImageDraw.Draw(sheet), studio.writer()
    pen = Pen.any(studio, pitch * studio.between(0.5, 0.8))
    pens = [pen, pen.inked(studio.pick(PEN_INKS))]
    y = pitch
    while y < height - pitch * 6:
        way = studio.random.random()
        if way < 0.2:
            shape = studio.pick((diagram, graph))
            shape(studio, draw, width * 0.2, y + pitch, width * 0.8, y + pitch * 6, pens)
            y += pitch * 7
            continue
        text = formula(studio, pen) if way < 0.5 else writer.words(4, 9)
        write(
            studio,
            draw,
            width * (0.25 if way < 0.5 else 0.08),
            y,
            text,
            studio.pick(pens) if way > 0.8 else pen,
            width * 0.95,
        )
        y += pitch
    return sheet


def sticky_note(studio: Studio) -> Image.Image:
    """One small coloured square with a few words."""
    sheet = Image.new("RGB", (400, 400), studio.pick(YELLOWS))
    draw, writer, pen = ImageDraw.Draw(sheet), studio.writer(), Pen.any(studio, studio.between(36, 60), width=0.12)
    for row in range(studio.count(2, 5)):
        write(studio, draw, 30, 30 + row * pen.size * 1.5, writer.words(1, 3), pen, 390)
    return sheet


def card(studio: Studio) -> Image.Image:
    """A written card or letter without lines; the test side's own."""
    sheet = blank_sheet(studio, 720, 500)
    draw, writer, pen = ImageDraw.Draw(sheet), studio.writer(), Pen.any(studio, studio.between(18, 28))
    y = 40.0
    while y < 440:
        write(studio, draw, 50, y, writer.words(4, 12), pen, 680)
        y += pen.size * 1.7
    return sheet


LAYOUTS: tuple[Callable[[Studio], Image.Image], ...] = (running_text, running_text, items, lecture, sticky_note, card)
