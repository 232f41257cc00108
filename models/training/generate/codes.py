"""Barcodes that really say something, on labels, tickets, boxes and packages.

Code 128 (set B) and EAN-13 are encoded here, from the tables of ISO/IEC 15417 and 15420; QR codes by `segno`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import segno
from PIL import Image, ImageDraw

from photos_engine.models.training.generate.camera import FLAT, LYING, Pose, photograph
from photos_engine.models.training.generate.paper import Box, Column, blank_sheet
from photos_engine.models.training.generate.studio import Studio
from photos_engine.models.training.generate.surfaces import cardboard, plain

# Widths of bars and spaces, six a symbol, for the values 0 to 102, then start B; the stop has seven.
_CODE_128 = """
    212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231
    113222 123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211
    212123 212321 232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131
    113123 113321 133121 313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111
    314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211
    241211 221114 413111 241112 134111 111242 121142 121241 114212 124112 124211 411212 421112 421211 212141
    214121 412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131
""".split()  # noqa: SIM905 -- a table
_START_B, _STOP, _START_B_VALUE = "211214", "2331112", 104
# EAN-13: the seven modules of every digit in the sets A and C (B is C mirrored); the first digit chooses A or B.
_EAN_A = "0001101 0011001 0010011 0111101 0100011 0110001 0101111 0111011 0110111 0001011".split()  # noqa: SIM905
_EAN_SETS = "AAAAAA AABABB AABBAB AABBBA ABAABB ABBAAB ABBBAA ABABAB ABABBA ABBABA".split()  # noqa: SIM905


def barcode(studio: Studio) -> Image.Image:
    """A code as people photograph it: a label on a thing, or the code alone."""
    way = studio.random.random()
    if way < 0.25:
        sheet = any_code(studio)
        margin = studio.count(8, 40)
        quiet = Image.new("RGB", (sheet.width + 2 * margin, sheet.height + 2 * margin), "white")
        quiet.paste(sheet, (margin, margin))
        return photograph(studio, quiet, FLAT if studio.chance(0.5) else LYING)
    sheet = studio.layout(LABELS)(studio)
    if way < 0.6:
        return photograph(studio, sheet, Pose(fill=(0.45, 0.95)))
    height, width = studio.pick(((520, 390), (390, 520)))
    ground = studio.pick((cardboard, cardboard, plain))(studio, height, width)
    return photograph(studio, sheet, Pose(fill=(0.5, 1.0), curl=0.05), Image.fromarray(ground))


def any_code(studio: Studio) -> Image.Image:
    """One code of any sort."""
    writer, way = studio.writer(), studio.random.random()
    if way < 0.35:
        return code_128(writer.code(), studio.count(2, 4), studio.count(50, 130))
    if way < 0.65:
        return ean_13(writer.digits(12), studio.count(2, 4), studio.count(60, 150))
    return qr(writer.words(2, 12), studio.count(4, 9))


def code_128(text: str, module_px: int, height_px: int) -> Image.Image:
    """Code 128 of a text in ASCII, with quiet zones of ten modules."""
    values = [ord(letter) - 32 for letter in text]
    check = (_START_B_VALUE + sum((place + 1) * value for place, value in enumerate(values))) % 103
    widths = "".join([_START_B, *(_CODE_128[value] for value in (*values, check)), _STOP])
    modules = "".join(str((place + 1) % 2) * int(width) for place, width in enumerate(widths))
    return _bars(modules, module_px, height_px)


def ean_13(digits: str, module_px: int, height_px: int) -> Image.Image:
    """EAN-13 of twelve digits and the one that checks them."""
    check = -sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10
    first, left, right = digits[0], digits[1:7], digits[7:] + str(check)
    modules = "101"
    for digit, kind in zip(left, _EAN_SETS[int(first)], strict=True):
        modules += _EAN_A[int(digit)] if kind == "A" else _ean_c(digit)[::-1]
    return _bars(modules + "01010" + "".join(map(_ean_c, right)) + "101", module_px, height_px)


def _ean_c(digit: str) -> str:
    return _EAN_A[int(digit)].translate(str.maketrans("01", "10"))


def _bars(modules: str, module_px: int, height_px: int) -> Image.Image:
    row = np.array([255 - 255 * int(module) for module in "0" * 10 + modules + "0" * 10], np.uint8)
    return Image.fromarray(np.tile(np.repeat(row, module_px), (height_px, 1))).convert("RGB")


def qr(text: str, module_px: int) -> Image.Image:
    """A QR code with its quiet zone."""
    matrix = np.array([list(row) for row in segno.make_qr(text).matrix_iter(border=3)], np.uint8)
    return Image.fromarray(np.kron(255 - 255 * matrix, np.ones((module_px, module_px), np.uint8))).convert("RGB")


def product_label(studio: Studio) -> Image.Image:
    """The back of a package: small print beside a code."""
    width, height = studio.pick(((520, 360), (400, 420)))
    paper = studio.muted(90, 255) if studio.chance(0.6) else studio.grey(230, 255)
    sheet = Image.new("RGB", (width, height), paper)
    draw, writer, ink = ImageDraw.Draw(sheet), studio.writer(), (20, 20, 20) if sum(paper) > 330 else (240, 240, 240)
    face, code = studio.face("sans"), ean_13(writer.digits(12), 2, studio.count(90, 170))
    small_print = Column(draw, Box(14, 12, width - 12, height * 0.45), ink)
    small_print.set(writer.sentences(5), face.at(studio.between(9, 13)), leading=1.1)
    sheet.paste(code, (studio.count(4, max(5, width - code.width)), height - code.height - 14))
    return sheet


def parcel_label(studio: Studio) -> Image.Image:
    """An address, large letters, a code below."""
    sheet = blank_sheet(studio, 420, 600, (235, 255))
    draw, writer, face = ImageDraw.Draw(sheet), studio.writer(), studio.face("sans")
    for row in range(5):
        draw.text((20, 20 + row * 24), f"{writer.name()} {writer.digits(4)}", (10, 10, 10), face.at(17))
    draw.line((0, 160, 420, 160), (0, 0, 0), 3)
    draw.text((20, 170), writer.code(), (0, 0, 0), studio.font(64, "heavy"))
    draw.line((0, 260, 420, 260), (0, 0, 0), 3)
    code = code_128(writer.digits(12), 2, 170)
    sheet.paste(code.resize((400, 170)), (10, 280))
    draw.text((110, 460), writer.digits(14), (0, 0, 0), face.at(20))
    if studio.chance(0.5):
        sheet.paste(qr(writer.words(3, 8), 3).resize((105, 105)), (300, 485))
    return sheet


def ticket(studio: Studio) -> Image.Image:
    """A boarding pass or an entry ticket."""
    sheet = Image.new("RGB", (640, 260), studio.pick(((250, 250, 250), studio.colour(180, 255))))
    draw, writer, face = ImageDraw.Draw(sheet), studio.writer(), studio.face("sans")
    draw.rectangle((0, 0, 640, 46), fill=studio.colour(20, 190))
    draw.text((16, 8), writer.shop().upper(), (255, 255, 255), studio.font(26, "heavy"))
    for row in range(3):
        for column in range(3):
            draw.text((20 + column * 130, 70 + row * 60), writer.words(1, 1), (110, 110, 110), face.at(12))
            draw.text(
                (20 + column * 130, 86 + row * 60),
                studio.pick((writer.date(), writer.time(), writer.code()[:6])),
                (15, 15, 15),
                face.at(22),
            )
    code = (
        qr(writer.words(4, 10), 4) if studio.chance(0.6) else code_128(writer.digits(8), 2, 200).rotate(90, expand=True)
    )
    sheet.paste(code.resize((170, 170)), (450, 66))
    return sheet


def price_tag(studio: Studio) -> Image.Image:
    """A shelf's or a sticker's tag; the test side's own."""
    sheet = Image.new("RGB", (420, 240), studio.pick(((255, 255, 255), (255, 225, 60), (250, 250, 240))))
    draw, writer = ImageDraw.Draw(sheet), studio.writer()
    draw.text((16, 10), writer.good().title(), (20, 20, 20), studio.font(30, "sans"))
    draw.text((210, 60), writer.price(), (180, 20, 20), studio.font(70, "heavy"))
    sheet.paste(ean_13(writer.digits(12), 2, 80).resize((190, 80)), (10, 140))
    return sheet


LABELS: tuple[Callable[[Studio], Image.Image], ...] = (product_label, product_label, parcel_label, ticket, price_tag)
