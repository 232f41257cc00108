"""What computers show: windows over a wallpaper, or one window that is all of the screen."""

from __future__ import annotations

from collections.abc import Callable

from photos_engine.models.training.generate.paper import Box
from photos_engine.models.training.generate.screen import Screen


def desktop(screen: Screen) -> None:
    """Windows over a wallpaper, or one window that is all of the screen."""
    studio, (width, height) = screen.studio, screen.image.size
    if studio.chance(0.45):
        studio.layout(WINDOWS)(screen, _title_bar(screen, Box(0, 0, width, height)))
        return
    if studio.chance(0.6):
        screen.photo(0, 0, width, height)
    for _ in range(studio.count(1, 3)):
        left, top = studio.between(0, width * 0.3), studio.between(0, height * 0.25)
        window = Box(left, top, studio.between(width * 0.7, width), studio.between(height * 0.65, height - 30))
        screen.draw.rectangle(window.corners, fill=screen.ground, outline=screen.faint)
        studio.layout(WINDOWS)(screen, _title_bar(screen, window))
    bar = height - 30 if studio.chance(0.7) else 0
    screen.draw.rectangle((0, bar, width, bar + 30), fill=screen.raised)
    for number in range(studio.count(4, 12)):
        screen.icon(8 + number * 34, bar + 5, 20)


def _title_bar(screen: Screen, window: Box) -> Box:
    top = window.top
    screen.draw.rectangle(
        (window.left, top, window.right, top + 24), fill=screen.studio.pick((screen.raised, screen.accent))
    )
    screen.text(window.left + window.width * 0.4, top + 4, screen.writer.title(1, 3), 12)
    for number in range(3):
        screen.icon(window.right - 60 + number * 19, top + 6, 11, screen.faint)
    if screen.studio.chance(0.6):
        screen.text(window.left + 8, top + 28, "   ".join(screen.writer.words(5, 8).title().split()), 11)
        top += 20
    if screen.studio.chance(0.5):
        for number in range(int(window.width / 44)):
            screen.icon(window.left + 8 + number * 30, top + 30, 16)
        top += 26
    return Box(window.left + 2, top + 26, window.right - 2, window.bottom - 2)


def listing(screen: Screen, box: Box) -> None:
    """A tree at the left, rows at the right."""
    side, y = box.left + box.width * screen.studio.between(0.15, 0.3), box.top
    screen.draw.rectangle((box.left, box.top, side, box.bottom), fill=screen.raised)
    while y < box.bottom - 18:
        screen.text(box.left + 10 + screen.studio.count(0, 2) * 12, y, screen.writer.words(1, 2)[:18], 11)
        row = "".join(
            part.ljust(22) for part in (screen.writer.words(1, 2), screen.writer.date(), screen.writer.digits(4))
        )
        screen.text(side + 10, y, row, 11)
        y += 19


def code(screen: Screen, box: Box) -> None:
    """Coloured lines of a program."""
    screen.draw.rectangle(box.corners, fill=screen.studio.pick(((30, 32, 40), (252, 252, 250), (20, 22, 24))))
    font, y = screen.studio.font(12, "mono"), box.top + 4
    colours = [screen.studio.colour(90, 220) for _ in range(4)]
    while y < box.bottom - 16:
        x = box.left + 30 + screen.studio.count(0, 5) * 16
        for word in screen.writer.words(0, 7).split():
            if x < box.right - 60:
                screen.draw.text((x, y), word, screen.studio.pick(colours), font)
            x += font.getlength(word + " ")
        y += 17


def spreadsheet(screen: Screen, box: Box) -> None:
    """Cells."""
    high, wide, y = 20, screen.studio.between(60, 110), box.top
    while y < box.bottom - high:
        x = box.left
        while x < box.right - wide:
            screen.draw.rectangle((x, y, x + wide, y + high), outline=screen.faint)
            if screen.studio.chance(0.65):
                screen.text(
                    x + 5, y + 3, screen.studio.pick((screen.writer.price(), screen.writer.words(1, 1)[:9])), 11
                )
            x += wide
        y += high


def web_page(screen: Screen, box: Box) -> None:
    """A head, columns with text and pictures."""
    screen.draw.rectangle((box.left, box.top, box.right, box.top + box.height * 0.12), fill=screen.accent)
    screen.text(box.left + 20, box.top + 8, screen.writer.title(1, 3), 22)
    body = Box(box.left + 14, box.top + box.height * 0.16, box.right - 14, box.bottom)
    for part in body.columns(screen.studio.count(1, 4), 18):
        column = screen.column(*part.corners)
        while column.room > 40:
            if screen.studio.chance(0.45) and column.room > part.width * 0.6:
                screen.photo(part.left, column.y, part.right, column.y + part.width * 0.6)
                column.y += part.width * 0.6 + 8
            column.set(screen.writer.sentences(2), screen.face.at(12))
            column.y += 8


def dialog(screen: Screen, box: Box) -> None:
    """Labels, fields, boxes to tick, buttons."""
    y = box.top + 8
    while y < box.bottom - 50:
        screen.text(box.left + 16, y, screen.writer.words(1, 3).capitalize() + ":", 12)
        left = box.left + box.width * 0.35
        screen.draw.rectangle(
            (left, y - 3, left + box.width * screen.studio.between(0.2, 0.6), y + 17),
            fill=screen.raised,
            outline=screen.faint,
        )
        if screen.studio.chance(0.6):
            screen.text(left + 5, y, screen.writer.words(1, 3), 11, screen.faint)
        y += screen.studio.between(26, 36)
    for number in range(2):
        screen.draw.rounded_rectangle(
            (box.right - 200 + number * 98, box.bottom - 36, box.right - 110 + number * 98, box.bottom - 10),
            4,
            fill=screen.accent,
        )


def editor(screen: Screen, box: Box) -> None:
    """A photo with panels of controls around it; the test side's own."""
    screen.photo(box.left, box.top, box.left + box.width * 0.72, box.bottom - 40)
    y = box.top + 10
    while y < box.bottom - 30:
        x = box.left + box.width * 0.75
        screen.text(x, y, screen.writer.words(1, 2), 11)
        screen.draw.line((x, y + 20, box.right - 12, y + 20), screen.faint, 3)
        screen.icon(x + screen.studio.between(0, box.width * 0.2), y + 15, 10, screen.accent)
        y += 34


WINDOWS: tuple[Callable[[Screen, Box], None], ...] = (listing, code, spreadsheet, web_page, dialog, dialog, editor)
