"""What telephones show: chats, settings, maps, feeds, articles, galleries."""

from __future__ import annotations

from collections.abc import Callable

from photos_engine.models.training.generate.screen import Screen


def status_bar(screen: Screen) -> float:
    """Time and signs, mostly a title below; gives the height where the app begins."""
    width, shown = screen.image.width, screen.studio.chance(0.9)
    if shown:
        bar = screen.accent if screen.studio.chance(0.3) else screen.ground
        screen.draw.rectangle((0, 0, width, 26), fill=bar)
        screen.text(14, 6, screen.writer.time(), 13)
        for number in range(3):
            screen.draw.rectangle((width - 64 + number * 19, 8, width - 52 + number * 19, 18), fill=screen.ink)
    top = 26.0 if shown else 0.0
    if screen.studio.chance(0.75):
        screen.draw.rectangle(
            (0, top, width, top + 46), fill=screen.studio.pick((screen.accent, screen.raised, screen.ground))
        )
        screen.text(50, top + 13, screen.writer.title(1, 2), 18)
        screen.draw.line((18, top + 23, 32, top + 23), screen.ink, 3)
        return top + 46
    return top


def foot(screen: Screen) -> None:
    """Tabs, or the bar to swipe from, or nothing."""
    width, height = screen.image.size
    if screen.studio.chance(0.5):
        screen.draw.rectangle((0, height - 50, width, height), fill=screen.raised)
        count = screen.studio.count(3, 5)
        for number in range(count):
            x = width * (number + 0.5) / count
            screen.icon(x - 10, height - 42, 20, screen.accent if number == 0 else screen.faint)
            screen.text(x - 14, height - 17, screen.writer.words(1, 1)[:6], 10, screen.faint)
    elif screen.studio.chance(0.6):
        screen.draw.rectangle((width * 0.36, height - 10, width * 0.64, height - 6), fill=screen.ink)


def chat(screen: Screen, top: float) -> None:
    """Bubbles left and right, a field to type in."""
    studio, width, height = screen.studio, screen.image.width, screen.image.height
    mine, theirs = screen.accent, screen.raised
    y = top + 10
    while y < height - 90:
        right, size = studio.chance(0.5), studio.between(13, 16)
        if studio.chance(0.1):
            x = width * 0.35 if right else 12
            screen.photo(x, y, x + width * 0.6, y + width * 0.42)
            y += width * 0.45
            continue
        text, font = screen.writer.words(2, 18).capitalize(), screen.face.at(size)
        wide = min(width * 0.7, font.getlength(text) + 24)
        lines = max(1, int(font.getlength(text) / (width * 0.7 - 24)) + 1)
        high = lines * size * 1.4 + 14
        x = width - wide - 12 if right else 12
        screen.draw.rounded_rectangle((x, y, x + wide, y + high), 12, fill=mine if right else theirs)
        screen.column(x + 12, y + 6, x + wide - 6, y + high + 8).set(text, font)
        y += high + studio.between(6, 18)
    screen.draw.rounded_rectangle((12, height - 50, width - 60, height - 14), 18, fill=screen.raised)


def settings(screen: Screen, top: float) -> None:
    """Rows with a name, a value or a switch."""
    studio, width = screen.studio, screen.image.width
    y, pitch, icons = top + 8, studio.between(42, 66), studio.chance(0.6)
    while y < screen.image.height - 50:
        if studio.chance(0.15):
            screen.text(16, y + 6, screen.writer.words(1, 2).upper(), 11, screen.accent)
            y += 28
        x = 54 if icons else 16
        if icons:
            screen.icon(16, y + 8, 26)
        screen.text(x, y + 6, screen.writer.words(1, 4).capitalize(), 15)
        if studio.chance(0.5):
            screen.text(x, y + 25, screen.writer.words(2, 6), 11, screen.faint)
        if studio.chance(0.4):
            on = studio.chance(0.5)
            screen.draw.rounded_rectangle(
                (width - 58, y + 10, width - 18, y + 32), 11, fill=screen.accent if on else screen.faint
            )
            screen.draw.ellipse(
                (width - (38 if on else 58), y + 11, width - (19 if on else 38), y + 31), fill=(250, 250, 250)
            )
        screen.draw.line((x, y + pitch - 4, width, y + pitch - 4), screen.raised)
        y += pitch


def home(screen: Screen, top: float) -> None:
    """Icons over a wallpaper."""
    width, height = screen.image.size
    screen.photo(0, 0, width, height)
    columns, y = screen.studio.count(4, 5), top + 20
    step = width / columns
    while y < height - step * 1.2:
        for column in range(columns):
            if screen.studio.chance(0.8):
                screen.icon(column * step + step * 0.2, y, step * 0.6)
                screen.text(
                    column * step + step * 0.2, y + step * 0.63, screen.writer.words(1, 1)[:8], 10, (250, 250, 250)
                )
        y += step * 1.15


def map_view(screen: Screen, top: float) -> None:
    """Streets, a route, a card at the foot."""
    studio, (width, height) = screen.studio, screen.image.size
    screen.draw.rectangle((0, top, width, height), fill=studio.pick(((242, 239, 233), (228, 236, 228), (40, 46, 56))))
    for _ in range(studio.count(2, 5)):
        x, y = studio.between(0, width), studio.between(top, height)
        screen.draw.ellipse(
            (x, y, x + studio.between(40, 160), y + studio.between(30, 140)),
            fill=studio.pick(((190, 220, 170), (165, 205, 235))),
        )
    for _ in range(studio.count(14, 40)):
        x, y, wide = studio.between(-50, width), studio.between(top, height), studio.count(2, 9)
        ends = ((x, y), (x + studio.between(-300, 300), y + studio.between(-300, 300)))
        screen.draw.line(ends, studio.pick(((255, 255, 255), (250, 220, 140), (205, 205, 210))), wide)
        screen.text(x, y, screen.writer.words(1, 2), 9, (110, 110, 120))
    path = [(studio.between(20, width - 20), height * 0.75)]
    for _ in range(5):
        path.append((path[-1][0] + studio.between(-60, 60), path[-1][1] - studio.between(30, 80)))
    screen.draw.line(path, (50, 110, 240), 7, joint="curve")
    screen.draw.rounded_rectangle((10, height - 150, width - 10, height - 56), 12, fill=screen.ground)
    screen.text(24, height - 138, screen.writer.title(1, 3), 18)
    screen.text(24, height - 108, f"{screen.writer.digits(2)} min", 15, screen.accent)


def feed(screen: Screen, top: float) -> None:
    """Posts with photos, names and counts."""
    width, y = screen.image.width, top + 8
    while y < screen.image.height - 60:
        screen.icon(12, y, 34)
        screen.text(56, y + 2, screen.writer.name(), 14)
        screen.text(56, y + 20, screen.writer.time(), 11, screen.faint)
        column = screen.column(12, y + 44, width - 12, y + 130)
        column.set(screen.writer.sentences(screen.studio.count(1, 2)), screen.face.at(13))
        y = column.y
        if screen.studio.chance(0.7):
            high = width * screen.studio.between(0.5, 1.0)
            screen.photo(0, y, width, y + high)
            y += high
        counts = f"{screen.writer.digits(3)}   {screen.writer.digits(2)}   {screen.writer.words(1, 1)}"
        screen.text(14, y + 8, counts, 12, screen.faint)
        y += 40


def reader(screen: Screen, top: float) -> None:
    """An article, a mail or a web page."""
    width = screen.image.width
    column = screen.column(16, top + 12, width - 16, screen.image.height - 20)
    column.set(screen.writer.title(3, 8), screen.face.at(width * 0.055))
    if screen.studio.chance(0.5):
        screen.photo(0, column.y + 8, width, column.y + 8 + width * 0.5)
        column.y += 20 + width * 0.5
    while column.room > 30:
        column.y += 8
        column.set(screen.writer.sentences(screen.studio.count(1, 4)), screen.face.at(14))
        if screen.studio.chance(0.15):
            screen.draw.rounded_rectangle((16, column.y + 8, width - 16, column.y + 50), 8, fill=screen.accent)
            column.y += 56


def keypad(screen: Screen, top: float) -> None:
    """A calculator, a dial or a keyboard below a few lines."""
    width, height = screen.image.size
    rows, columns = screen.studio.pick(((4, 3), (5, 4), (4, 10)))
    key_top = height * screen.studio.between(0.35, 0.62)
    screen.text(width * 0.3, (top + key_top) / 2 - 20, screen.writer.digits(6), 44)
    screen.column(16, top + 10, width - 16, key_top - 90).set(screen.writer.sentences(2), screen.face.at(14))
    for row in range(rows):
        for column in range(columns):
            x, y = width * column / columns, key_top + (height - key_top - 60) * row / rows
            box = (x + 3, y + 3, x + width / columns - 3, y + (height - key_top - 60) / rows - 3)
            screen.draw.rounded_rectangle(box, 8, fill=screen.accent if column == 3 and columns == 4 else screen.raised)
            screen.text(
                (box[0] + box[2]) / 2 - 5,
                (box[1] + box[3]) / 2 - 10,
                screen.writer.pick_word(*"0123456789qwertzuiop"),
                18,
            )


def gallery(screen: Screen, top: float) -> None:
    """A grid of photos."""
    columns = screen.studio.count(2, 4)
    step, y = screen.image.width / columns, top
    while y < screen.image.height:
        for column in range(columns):
            screen.photo(column * step + 1, y + 1, (column + 1) * step - 1, y + step - 1)
        y += step
        if screen.studio.chance(0.2):
            screen.draw.rectangle((0, y, screen.image.width, y + 30), fill=screen.ground)
            screen.text(12, y + 6, screen.writer.date(), 14)
            y += 30


def player(screen: Screen, top: float) -> None:
    """A picture, a title, a bar and buttons; the test side's own."""
    width, height = screen.image.size
    screen.photo(width * 0.1, top + 20, width * 0.9, top + 20 + width * 0.8)
    y = top + width * 0.8 + 50
    screen.text(width * 0.1, y, screen.writer.title(2, 4), 20)
    screen.text(width * 0.1, y + 30, screen.writer.name(), 14, screen.faint)
    screen.draw.rectangle((width * 0.1, y + 62, width * 0.9, y + 66), fill=screen.faint)
    screen.draw.rectangle((width * 0.1, y + 62, width * screen.studio.between(0.2, 0.8), y + 66), fill=screen.accent)
    for number in range(3):
        screen.icon(width * (0.25 + 0.2 * number), min(height - 70, y + 90), 40, screen.ink)


PHONE_APPS: tuple[Callable[[Screen, float], None], ...] = (
    chat, chat, settings, settings, home, map_view, feed, reader, keypad, gallery, player,
)  # fmt: skip
