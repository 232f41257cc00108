"""Receipts: strips of thermal paper with a shop's head, goods, sums and a foot; drawn, or real scans laid anew."""

from __future__ import annotations

from PIL import Image, ImageDraw

from photos_engine.models.training.generate.camera import Pose, photograph, scan
from photos_engine.models.training.generate.codes import code_128, qr
from photos_engine.models.training.generate.fonts import Font
from photos_engine.models.training.generate.paper import Box, Column, blank_sheet, handle
from photos_engine.models.training.generate.studio import Studio

STRIP = Pose(fill=(0.7, 1.2), tilt=0.5, turn=0.3, curl=0.02)


def receipt(studio: Studio) -> Image.Image:
    """A receipt drawn by us, scanned or photographed."""
    sheet = handle(studio, strip(studio))
    if studio.chance(0.25):
        return scan(studio, sheet)
    return photograph(studio, sheet, STRIP)


def rephotographed(studio: Studio) -> Image.Image:
    """A real receipt that was scanned flat, photographed as if it lay about; a drawn one where no scan is at hand."""
    if not studio.scans:
        return receipt(studio)
    with Image.open(studio.pick(studio.scans)) as image:
        sheet = image.convert("RGB")
    return photograph(studio, handle(studio, sheet), STRIP)


def strip(studio: Studio) -> Image.Image:
    """Flat: a narrow sheet as long as what is on it."""
    width = studio.count(280, 360)
    sheet = blank_sheet(studio, width, 1400, (215, 255))
    writer, face, size = studio.writer(), studio.face("mono", "mono", "sans"), studio.between(12, 17)
    font, margin = face.at(size), studio.between(8, 24)
    column = Column(ImageDraw.Draw(sheet), Box(margin, margin, width - margin, 1380), studio.grey(15, 110))
    column.set(writer.shop().upper(), face.at(size * studio.between(1.3, 2.2)), align="centre")
    for _ in range(studio.count(2, 6)):
        text = studio.pick((writer.name(), f"Tel {writer.digits(9)}", f"{writer.date()} {writer.time()}"))
        column.set(text, font, leading=1.25, align=studio.pick(("centre", "centre", "left")))
    column.y += size * 0.5
    _rule(studio, column, font)
    for _ in range(studio.count(2, 22)):
        column.set_ends(f"{studio.count(1, 3)} {writer.good()}"[:16].upper(), writer.price(), font)
    _rule(studio, column, font)
    total = writer.pick_word("TOTAL", "SUMME", "TOTAL EUR", "Total CHF")
    column.set_ends(total, writer.price(300), face.at(size * 1.4))
    for label in ("CASH", "VAT 7.7%", "CARD", "CHANGE")[: studio.count(1, 4)]:
        column.set_ends(label, writer.price(200), font)
    column.y += size
    column.set(writer.sentences(studio.count(1, 2)), font, align="centre")
    if studio.chance(0.45):
        mark = code_128(writer.digits(10), 2, 50) if studio.chance(0.6) else qr(writer.code() * 2, 4)
        mark = mark.resize((min(mark.width, int(column.box.width)), mark.height))
        sheet.paste(mark, (round((width - mark.width) / 2), round(column.y + size)))
        column.y += size * 2 + mark.height
    return sheet.crop((0, 0, width, min(1400, round(column.y + studio.between(20, 90)))))


def _rule(studio: Studio, column: Column, font: Font) -> None:
    style = studio.pick("-*_")
    if style == "_":
        column.draw.line((column.box.left, column.y + 4, column.box.right, column.y + 4), column.ink, 1)
        column.y += 12
    else:
        column.set_ends(style * 28, "", font)
