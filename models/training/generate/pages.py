"""Documents: letters, invoices, forms, contracts, articles, tables and pages of books."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw

from photos_engine.models.training.generate.camera import FLAT, LYING, Pose, photograph, scan
from photos_engine.models.training.generate.fonts import Font
from photos_engine.models.training.generate.ink import Pen, scribble
from photos_engine.models.training.generate.paper import INKS, Box, Column, blank_sheet, handle
from photos_engine.models.training.generate.studio import Colour, Studio
from photos_engine.models.training.generate.words import Writer

A4, LETTER, BOOK = (640, 905), (660, 854), (560, 800)


def document(studio: Studio) -> Image.Image:
    """A document as people keep it: scanned, photographed from above, or lying about."""
    sheet = handle(studio, studio.layout(LAYOUTS)(studio))
    way = studio.random.random()
    if way < 0.3:
        return scan(studio, sheet)
    return photograph(studio, sheet, FLAT if way < 0.45 else Pose(fill=(0.45, 0.8)) if way < 0.65 else LYING)


@dataclass(frozen=True, slots=True)
class Page:
    """An empty sheet and what will be used on it. size: of the running text, in pixels."""

    sheet: Image.Image
    draw: ImageDraw.ImageDraw
    box: Box
    writer: Writer
    ink: Colour
    size: float

    @classmethod
    def start(cls, studio: Studio, sizes: tuple[float, float], format_px: tuple[int, int] | None = None) -> Page:
        """A fresh one, of any usual format."""
        width, height = format_px or studio.pick((A4, A4, LETTER))
        sheet = blank_sheet(studio, width, height)
        box = Box(0, 0, width, height).inset(width * studio.between(0.06, 0.14))
        return cls(sheet, ImageDraw.Draw(sheet), box, studio.writer(), studio.pick(INKS), studio.between(*sizes))

    def column(self, box: Box | None = None) -> Column:
        """Where text goes; all of the page inside its margins, where no box is given."""
        return Column(self.draw, box or self.box, self.ink)

    def text(self, x: float, y: float, text: str, font: Font) -> None:
        """One line at a place."""
        self.draw.text((x, y), text, self.ink, font)


def letter(studio: Studio) -> Image.Image:
    """Head, address, date, subject, paragraphs, signature."""
    page = Page.start(studio, (11, 16))
    face, writer, size, box = studio.face("serif", "sans"), page.writer, page.size, page.box
    if studio.chance(0.7):
        accent = studio.pick((page.ink, studio.colour(0, 160)))
        page.draw.text((box.left, box.top), writer.shop(), accent, face.at(size * 1.8))
    if studio.chance(0.4):
        page.draw.ellipse((box.right - size * 4, box.top, box.right, box.top + size * 3), fill=studio.colour(20, 200))
    column = page.column()
    column.y += size * 6
    for _ in range(studio.count(3, 4)):
        column.set(f"{writer.name()} {writer.digits(2)}", face.at(size))
    column.set(writer.date(), face.at(size), align="right")
    column.y += size * 2
    column.set(writer.title(3, 6), face.at(size * 1.15))
    column.y += size
    align, leading = studio.pick(("left", "left", "justify")), studio.between(1.15, 1.6)
    for _ in range(studio.count(2, 6)):
        column.set(writer.sentences(studio.count(2, 7)), face.at(size), leading=leading, align=align)
        column.y += size * studio.between(0.5, 1.2)
    if column.room > size * 5:
        column.set(writer.title(2, 3) + ",", face.at(size))
        scribble(studio, page.draw, box.left, column.y + size, box.width * 0.3, Pen.any(studio, size * 1.7))
    return page.sheet


def contract(studio: Studio) -> Image.Image:
    """Numbered clauses from top to bottom, lines to sign on."""
    page = Page.start(studio, (9, 14))
    face, writer, size, box = studio.face("serif", "sans"), page.writer, page.size, page.box
    head = page.column()
    head.set(writer.title(2, 5).upper(), face.at(size * 1.7), align="centre")
    body = page.column(Box(box.left + size * 2, head.y + size, box.right, box.bottom - size * 5))
    number, leading = 1, studio.between(1.1, 1.4)
    while body.room > size * 2:
        page.text(box.left, body.y, f"{number}.", face.at(size))
        body.set(writer.sentences(studio.count(1, 5)), face.at(size), leading=leading, align="justify")
        body.y += size * 0.6
        number += 1
    for part in box.columns(2, box.width * 0.2):
        page.draw.line((part.left, part.bottom - size * 1.5, part.right, part.bottom - size * 1.5), page.ink, 1)
        page.text(part.left, part.bottom - size * 1.2, writer.name(), face.at(size * 0.9))
    return page.sheet


def invoice(studio: Studio) -> Image.Image:
    """Two addresses, a table of things with prices, a sum."""
    page = Page.start(studio, (10, 15))
    face, writer, size, box = studio.face("sans", "sans", "serif"), page.writer, page.size, page.box
    name = writer.pick_word("Invoice", "Rechnung", "Facture", "Factura", "Quote")
    page.draw.text((box.left, box.top), name, studio.pick((page.ink, studio.colour(20, 170))), face.at(size * 2.4))
    for part, count in zip(box.columns(2, 20), (4, 3), strict=True):
        for line in range(count):
            page.text(part.left, box.top + size * (4.2 + 1.4 * line), writer.name(), face.at(size))
    goods = Box(box.left, box.top + size * 11, box.right, box.bottom)
    below = table(studio, page, goods, studio.count(3, 14), (0.5, 0.15, 0.15, 0.2))
    sums = page.column(Box(box.left + box.width * 0.6, below, box.right, box.bottom))
    for label in ("Net", "VAT", "Total"):
        sums.set_ends(label, writer.price(900), face.at(size * (1.2 if label == "Total" else 1)))
    foot = page.column(Box(box.left, max(sums.y + size, box.bottom - size * 4), box.right, box.bottom))
    foot.set(writer.sentences(3), face.at(size * 0.8))
    return page.sheet


def table(studio: Studio, page: Page, box: Box, rows: int, shares: tuple[float, ...]) -> float:
    """Draw a table with a head; gives the height below it."""
    font, pitch, draw = studio.font(page.size, "sans"), page.size * studio.between(1.5, 2.2), page.draw
    lines, zebra = studio.chance(0.6), studio.chance(0.4)
    head = studio.pick((studio.grey(200, 235), studio.colour(60, 220)))
    y = box.top
    for row in range(rows + 1):
        if y + pitch > box.bottom:
            break
        if row == 0 or (zebra and row % 2):
            draw.rectangle((box.left, y, box.right, y + pitch), fill=head if row == 0 else (232, 236, 240))
        x = box.left
        for column, share in enumerate(shares):
            text = page.writer.good().title() if row == 0 or column == 0 else page.writer.price(200)
            page.text(x + page.size * 0.4, y + pitch * 0.15, text, font)
            if lines:
                draw.rectangle((x, y, x + share * box.width, y + pitch), outline=(140, 140, 140))
            x += share * box.width
        y += pitch
    return y + page.size * 0.5


def sheet_of_numbers(studio: Studio) -> Image.Image:
    """A table that is all of the page: timetable, statement, marks."""
    page = Page.start(studio, (8, 14), studio.pick((A4, A4, A4[::-1])))
    head = page.column()
    head.set(page.writer.title(2, 5), studio.font(page.size * 1.8, "sans", "serif"))
    columns, first = studio.count(3, 8), studio.between(0.15, 0.4)
    body = Box(page.box.left, head.y + page.size, page.box.right, page.box.bottom)
    table(studio, page, body, studio.count(8, 40), (first, *[(1 - first) / columns] * columns))
    return page.sheet


def form(studio: Studio) -> Image.Image:
    """Boxes with small labels, some filled in by hand or typewriter, boxes to tick."""
    page = Page.start(studio, (8, 12))
    face, writer, size, column = studio.face("sans"), page.writer, page.size, page.column()
    column.set(f"{writer.title(2, 4)} {writer.code()}", face.at(size * 1.9))
    pen, filled = Pen.any(studio, size * 1.3) if studio.chance(0.5) else None, studio.between(0, 1)
    while column.room > size * 6:
        high = size * studio.between(2.4, 4)
        for part in page.box.columns(studio.pick((1, 2, 2, 3, 4)), 0):
            page.draw.rectangle((part.left, column.y, part.right, column.y + high), outline=page.ink)
            page.text(part.left + 3, column.y + 2, writer.words(1, 3), face.at(size * 0.8))
            if studio.chance(filled) and pen:
                scribble(studio, page.draw, part.left + size, column.y + size * 1.2, part.width * 0.6, pen)
            elif studio.chance(filled):
                page.text(part.left + size, column.y + size, writer.name(), face.at(size * 1.2))
        column.y += high
        for _ in range(studio.count(1, 4) if studio.chance(0.3) else 0):
            column.y += size * 0.5
            page.draw.rectangle((column.box.left, column.y, column.box.left + size, column.y + size), outline=page.ink)
            column.set("    " + writer.words(4, 9), face.at(size))
    return page.sheet


def article(studio: Studio) -> Image.Image:
    """Two or three columns with a headline, headings, a picture or a chart."""
    page = Page.start(studio, (8, 12))
    body, bold, writer, size = studio.face("serif", "sans"), studio.face("serif", "sans"), page.writer, page.size
    head = page.column()
    head.set(writer.title(4, 9), bold.at(size * 2.3), align=studio.pick(("left", "centre")))
    whole = Box(page.box.left, head.y + size, page.box.right, page.box.bottom)
    for column in map(page.column, whole.columns(studio.pick((2, 2, 3)), size * 1.6)):
        wide, high = round(column.box.width), round(column.box.width * 0.66)
        while column.room > size * 2:
            if studio.chance(0.15) and column.room > wide:
                picture = studio.cropped_photo(wide, high)
                grey = studio.chance(0.5)
                page.sheet.paste(picture.convert("L") if grey else picture, (round(column.box.left), round(column.y)))
                column.y += high + size
            if studio.chance(0.25):
                column.set(writer.title(2, 4), bold.at(size * 1.2))
            column.set(writer.sentences(studio.count(2, 7)), body.at(size), leading=1.2, align="justify")
            column.y += size * 0.5
    return page.sheet


def book_page(studio: Studio) -> Image.Image:
    """One page of a book, or an opened one."""
    if studio.chance(0.67):
        return _leaf(studio)
    width, height = BOOK
    opened = Image.new("RGB", (width * 2, height))
    for number in range(2):
        opened.paste(_leaf(studio), (width * number, 0))
    gutter = Image.linear_gradient("L").rotate(90).resize((width // 5, height)).point(lambda value: value // 3)
    dark = Image.new("RGB", gutter.size, (40, 35, 30))
    opened.paste(dark, (width, 0), gutter)
    opened.paste(dark, (width - gutter.width, 0), gutter.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    return opened


def _leaf(studio: Studio) -> Image.Image:
    page = Page.start(studio, (12, 17), BOOK)
    face, writer, size, column = studio.face("serif"), page.writer, page.size, page.column()
    page.text(page.box.left, page.box.top - size * 1.5, writer.title(2, 4), face.at(size * 0.8))
    if studio.chance(0.2):
        column.y += size * 4
        column.set(writer.title(1, 4), face.at(size * 1.8), align="centre")
        column.y += size * 2
    while column.room > size * 2:
        column.set("    " + writer.sentences(studio.count(2, 9)), face.at(size), align="justify")
        column.y += 1
    page.text((page.box.left + page.box.right) / 2, page.box.bottom, writer.digits(3), face.at(size * 0.8))
    return page.sheet


def certificate(studio: Studio) -> Image.Image:
    """Framed, few large words in the middle, a seal; seen in the test side only."""
    page = Page.start(studio, (16, 24), studio.pick((A4, A4[::-1])))
    width, height = page.sheet.size
    frame = Box(0, 0, width, height).inset(width * 0.05)
    for margin in (0, 8, 14):
        page.draw.rectangle(frame.inset(margin).corners, outline=studio.colour(40, 150), width=2)
    column = page.column(frame.inset(width * 0.08))
    for scale, words in ((2.5, 2), (1, 6), (2, 2), (0.8, 24), (0.8, 18)):
        column.set(page.writer.title(words, words + 2), studio.font(page.size * scale, "serif", "hand"), align="centre")
        column.y += 14
    seal = (width * 0.45, height * 0.75, width * 0.55, height * 0.75 + width * 0.1)
    page.draw.ellipse(seal, fill=studio.colour(100, 200))
    return page.sheet


LAYOUTS: tuple[Callable[[Studio], Image.Image], ...] = (
    letter, contract, invoice, sheet_of_numbers, form, article, book_page, letter, certificate,
)  # fmt: skip
