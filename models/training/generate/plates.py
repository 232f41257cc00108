"""What people photograph to look it up later: type plates, serial numbers, meters, fuse boxes, wiring, stickers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from photos_engine.models.training.generate.camera import Pose, photograph, reflect
from photos_engine.models.training.generate.codes import code_128, qr
from photos_engine.models.training.generate.fonts import Typeface
from photos_engine.models.training.generate.studio import Colour, Studio
from photos_engine.models.training.generate.surfaces import metal, plain, stone

FIXED = Pose(fill=(0.4, 1.1), tilt=0.6, turn=0.2, curl=0.02, shadow=0.25)
WHOLE = Pose(fill=(0.7, 1.4), tilt=0.45, turn=0.12, curl=0, shadow=0.35)
COPPER: tuple[Colour, ...] = (
    (150, 60, 25),
    (25, 25, 28),
    (110, 110, 112),
    (30, 70, 160),
    (60, 140, 60),
    (215, 190, 40),
    (190, 30, 35),
)


def repair_reference(studio: Studio) -> Image.Image:
    """A plate, meter, box or wiring on the machine or wall that it belongs to."""
    make = studio.layout(SUBJECTS)
    sheet = make(studio)
    return photograph(studio, sheet, FIXED if make in ON_MACHINES else WHOLE, machine(studio))


def bare_machine(studio: Studio) -> Image.Image:
    """The same machines and plates without anything to read on them."""
    blank = Image.fromarray(studio.pick((metal, plain))(studio, studio.count(160, 320), studio.count(240, 460)))
    if studio.chance(0.3):
        blank = studio.cropped_photo(*blank.size)
    return photograph(studio, blank, FIXED if studio.chance(0.6) else WHOLE, machine(studio))


def machine(studio: Studio) -> Image.Image:
    """The side of an appliance or a wall: sheet metal or plastic with seams, screws and vents; or any place at all."""
    width, height = studio.pick(((390, 520), (520, 390), (420, 420)))
    if studio.chance(0.25):
        return studio.cropped_photo(width, height, 0.3)
    body = Image.fromarray(studio.pick((metal, metal, plain, stone))(studio, height, width))
    draw = ImageDraw.Draw(body)
    dark = studio.grey(15, 90)
    if studio.chance(0.4):
        step, left, right = studio.count(14, 40), studio.between(0, width * 0.3), studio.between(width * 0.6, width)
        for y in range(studio.count(0, 60), round(height * studio.between(0.3, 1)), step):
            draw.rounded_rectangle((left, y, right, y + step * 0.4), step * 0.2, fill=dark)
    for _ in range(studio.count(0, 3)):
        y = studio.count(0, height)
        ends = ((0, y), (width, y + studio.count(-40, 40))) if studio.chance(0.6) else ((y, 0), (y, height))
        draw.line(ends, dark, studio.count(1, 5))
    for _ in range(studio.count(0, 5)):
        _screw(studio, draw, studio.between(0, width), studio.between(0, height), studio.between(5, 12))
    return body


def _screw(studio: Studio, draw: ImageDraw.ImageDraw, x: float, y: float, radius: float) -> None:
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=studio.grey(110, 200), outline=(50, 50, 50))
    angle = studio.between(0, 3.1)
    across, down = radius * 0.7 * np.cos(angle), radius * 0.7 * np.sin(angle)
    draw.line((x - across, y - down, x + across, y + down), (40, 40, 40), 2)


def type_plate(studio: Studio) -> Image.Image:
    """Maker, model, serial number, ratings in rows; engraved, printed or stuck on."""
    width, height = studio.pick(((520, 320), (480, 380), (420, 420), (560, 240)))
    ground = studio.pick((metal, plain))(studio, height, width)
    if studio.chance(0.35):
        ground = np.full_like(ground, studio.pick(((248, 248, 246), (22, 22, 24), (205, 208, 210))))
    plate = Image.fromarray(ground)
    draw, writer = ImageDraw.Draw(plate), studio.writer()
    ink = (15, 15, 18) if ground.mean() > 110 else (230, 230, 225)
    draw.rounded_rectangle((6, 6, width - 7, height - 7), 10, outline=ink, width=studio.count(0, 3))
    draw.text((24, 16), writer.brand().upper(), ink, studio.font(height * 0.13, "heavy"))
    face, rows = studio.face("sans", "mono"), studio.count(4, 8)
    pitch = height * 0.7 / rows
    for row in range(rows):
        y = height * 0.24 + row * pitch
        label = studio.pick(
            ("MODEL", "TYPE", "SER. NO.", "S/N", "VOLT", "POWER", "DATE", "P/N", "IP", "MAX", "NET kg", "PROD. NO.")
        )
        value = studio.pick(
            (writer.code(), f"{writer.digits(3)} V ~ 50 Hz", f"{writer.digits(4)} W", writer.date(), writer.digits(9))
        )
        draw.text((24, y), label, ink, face.at(pitch * 0.55))
        draw.text((width * 0.34, y), value, ink, face.at(pitch * 0.62))
        if studio.chance(0.3):
            draw.rectangle((width * 0.33, y - 2, width * 0.72, y + pitch * 0.85), outline=ink)
    draw.text((width * 0.82, height * 0.66), "CE", ink, studio.font(height * 0.14, "sans"))
    if studio.chance(0.35):
        mark = code_128(writer.digits(8), 1, 34) if studio.chance(0.6) else qr(writer.code(), 2)
        plate.paste(mark, (width - mark.width - 14, 16))
    if studio.chance(0.5):
        for x, y in ((16, 16), (width - 17, 16), (16, height - 17), (width - 17, height - 17)):
            _screw(studio, draw, x, y, 7)
    return Image.fromarray(reflect(studio, np.asarray(plate))) if studio.chance(0.35) else plate


def sticker(studio: Studio) -> Image.Image:
    """Small and white: a network's name and key, a serial number with its code."""
    sheet = Image.new(
        "RGB", (420, studio.count(150, 280)), studio.pick(((250, 250, 250), (235, 238, 240), (252, 246, 215)))
    )
    draw, writer, face = ImageDraw.Draw(sheet), studio.writer(), studio.face("sans", "mono")
    y = 10
    while y < sheet.height - 90:
        text = studio.pick(
            (
                f"SN: {writer.code()}",
                f"MAC {writer.digits(12)}",
                f"Key: {writer.code()}",
                f"Model {writer.brand()} {writer.digits(3)}",
                f"PIN {writer.digits(8)}",
            )
        )
        draw.text((14, y), text, (10, 10, 12), face.at(22))
        y += 30
    sheet.paste(code_128(writer.digits(9), 2, 44).resize((300, 44)), (14, sheet.height - 60))
    if studio.chance(0.4):
        sheet.paste(qr(writer.code(), 3).resize((84, 84)), (326, sheet.height - 94))
    return sheet


def meter(studio: Studio) -> Image.Image:
    """Digits in a window, perhaps dials and small print, on a round or square housing with a rim."""
    side = 520
    housing = Image.fromarray(studio.pick((plain, metal))(studio, side, side))
    draw, writer, face = ImageDraw.Draw(housing), studio.writer(), studio.face("sans", "mono")
    shape = draw.ellipse if studio.chance(0.65) else draw.rectangle
    for margin in (10, studio.count(20, 34), studio.count(36, 60)):
        shape((margin, margin, side - margin, side - margin), fill=studio.grey(60, 235), outline=studio.grey(20, 150))
    shape((62, 62, side - 62, side - 62), fill=studio.grey(200, 252))
    _counter(studio, draw, studio.between(140, 200), face)
    for _ in range(studio.count(0, 5)):
        _dial(studio, draw, studio.between(120, 400), studio.between(290, 400), studio.between(22, 44))
    for row in range(studio.count(1, 5)):
        text = studio.pick(
            (writer.brand().upper(), writer.code(), f"{writer.digits(2)} bar", f"Q3 {writer.digits(1)} R80")
        )
        draw.text((studio.between(110, 300), (95, 118, 262, 400, 424)[row]), text, (25, 25, 30), face.at(18))
    turned = housing.rotate(studio.random.normal(0, 25) if studio.chance(0.5) else 0, Image.Resampling.BICUBIC)
    return Image.fromarray(reflect(studio, np.asarray(turned))) if studio.chance(0.6) else turned


def _counter(studio: Studio, draw: ImageDraw.ImageDraw, top: float, face: Typeface) -> None:
    """A row of digits on drums, the last ones red; or the black digits of a display."""
    count, wide = studio.count(5, 8), studio.between(30, 40)
    left, window = 260 - count * wide / 2, (165, 175, 150) if studio.chance(0.3) else (35, 35, 38)
    draw.rectangle((left - 6, top - 6, left + count * wide + 6, top + wide * 1.5), fill=window)
    drum = studio.pick(((15, 15, 15), (240, 240, 235))) if window == (35, 35, 38) else window
    for number in range(count):
        red, x = number >= count - 3 and drum != window, left + number * wide
        draw.rectangle((x + 2, top, x + wide - 2, top + wide * 1.4), fill=(165, 25, 25) if red else drum)
        ink = (245, 245, 240) if red or sum(drum) < 200 else (20, 20, 20)
        draw.text((x + wide * 0.22, top + 4), str(studio.count(0, 9)), ink, face.at(wide))
    draw.text((left + count * wide + 10, top + 8), studio.pick(("kWh", "m3")), (20, 20, 20), face.at(24))


def _dial(studio: Studio, draw: ImageDraw.ImageDraw, x: float, y: float, radius: float) -> None:
    """Ten strokes around, and a red hand."""
    for angle in np.arange(10) * np.pi / 5:
        across, down = np.cos(angle), np.sin(angle)
        ends = (x + across * radius * 0.8, y + down * radius * 0.8, x + across * radius, y + down * radius)
        draw.line(ends, (30, 30, 30), 3)
    angle = studio.between(0, 6.3)
    reach = np.array([[np.cos(turn), np.sin(turn)] for turn in (angle, angle + 2.7, angle + 3.6)]) * radius * 0.7
    draw.polygon([(float(x + across), float(y + down)) for across, down in reach], fill=(195, 35, 35))


def fuse_box(studio: Studio) -> Image.Image:
    """Rows of breakers with labels below."""
    rows, across = studio.count(1, 3), studio.count(6, 12)
    board = Image.new("RGB", (640, rows * 200 + 40), studio.grey(190, 245))
    draw, writer, face = ImageDraw.Draw(board), studio.writer(), studio.face("sans", "hand")
    wide = 600 / across
    for row in range(rows):
        top = 20 + row * 200
        draw.rectangle((10, top - 6, 630, top + 136), fill=studio.grey(120, 200))
        for number in range(across):
            x = 20 + number * wide
            draw.rectangle((x + 2, top, x + wide - 2, top + 130), fill=studio.grey(215, 250), outline=(120, 120, 120))
            up = studio.chance(0.85)
            colour = studio.pick(((25, 25, 28), (25, 25, 28), (40, 70, 170), (190, 40, 40)))
            draw.rectangle(
                (x + wide * 0.3, top + (40 if up else 60), x + wide * 0.7, top + (70 if up else 90)), fill=colour
            )
            draw.text((x + 5, top + 8), f"B{studio.pick((10, 13, 16, 20))}", (30, 30, 30), face.at(wide * 0.28))
            draw.text((x + 4, top + 142), writer.words(1, 1)[:6], (20, 20, 60), face.at(wide * 0.3))
    return board


def wiring(studio: Studio) -> Image.Image:
    """Coloured wires that end in numbered terminals."""
    board = Image.fromarray(plain(studio, 520, 640))
    draw, face, count = ImageDraw.Draw(board), studio.face("sans"), studio.count(4, 10)
    wide, top = 560 / count, studio.between(200, 300)
    draw.rectangle(
        (30, top, 610, top + 110),
        fill=studio.pick((studio.grey(200, 245), (60, 120, 70), (35, 35, 38), (225, 150, 60))),
    )
    for number in range(count):
        x = 40 + (number + 0.5) * wide
        colour, end, reach = studio.pick(COPPER), studio.between(0, 640), np.linspace(0, 1, 16)
        for side in (-1, 1) if studio.chance(0.5) else (-1,):
            start = top + 20 if side < 0 else top + 90
            target = -20 if side < 0 else 540
            path = [(x + (end - x) * share**2, start + (target - start) * share) for share in reach]
            draw.line(path, colour, studio.count(7, 13), joint="curve")
        draw.rectangle((x - wide * 0.38, top + 10, x + wide * 0.38, top + 100), outline=(60, 60, 60), width=2)
        _screw(studio, draw, x, top + 45, wide * 0.22)
        draw.text(
            (x - 8, top + 72), str(number + 1), (20, 20, 20) if studio.chance(0.7) else (240, 240, 240), face.at(20)
        )
    return board


def display(studio: Studio) -> Image.Image:
    """A small screen with an error code and buttons; the test side's own."""
    panel = Image.fromarray(plain(studio, 300, 520))
    draw, writer = ImageDraw.Draw(panel), studio.writer()
    glow = studio.pick(((120, 230, 130), (240, 90, 60), (120, 200, 250), (30, 40, 30)))
    draw.rectangle((60, 40, 460, 170), fill=(150, 165, 130) if sum(glow) < 200 else (15, 18, 18))
    draw.text(
        (90, 50),
        studio.pick((f"E{writer.digits(2)}", f"Er {writer.digits(3)}", writer.digits(5))),
        glow,
        studio.font(90, "mono"),
    )
    for number in range(5):
        draw.ellipse((60 + number * 85, 210, 110 + number * 85, 260), fill=studio.grey(30, 220), outline=(20, 20, 20))
        draw.text((64 + number * 85, 268), writer.words(1, 1)[:7], (20, 20, 20), studio.font(15, "sans"))
    return panel


SUBJECTS: tuple[Callable[[Studio], Image.Image], ...] = (
    type_plate, type_plate, type_plate, sticker, meter, fuse_box, wiring, display,
)  # fmt: skip
ON_MACHINES = (type_plate, sticker, display)
