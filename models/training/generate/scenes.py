"""Ordinary pictures that are easily taken for utility content: words in a scene, sheets without words, textures.

All of them go through the same camera as the pictures with content.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from photos_engine.models.training.generate import surfaces
from photos_engine.models.training.generate.boards import blank_board
from photos_engine.models.training.generate.camera import FRAMES, LYING, SMALL, Pose, finish, light, photograph
from photos_engine.models.training.generate.memes import twin
from photos_engine.models.training.generate.pages import LAYOUTS as PAGES
from photos_engine.models.training.generate.paper import Box, Column
from photos_engine.models.training.generate.plates import bare_machine
from photos_engine.models.training.generate.studio import Studio
from photos_engine.models.training.generate.surfaces import fractal

HUNG = Pose(fill=(0.15, 0.45), tilt=0.7, turn=0.1, drift=0.3, curl=0, shadow=0.2)


def _place(studio: Studio) -> Image.Image:
    return studio.cropped_photo(*studio.pick(FRAMES), 0.7)


def plain_photo(studio: Studio) -> Image.Image:
    """An ordinary photo, or a part of one, through the same lens as everything else."""
    photo = studio.cropped_photo(*studio.pick(FRAMES), studio.pick((0.3, 0.6, 0.9)))
    if studio.chance(0.5):
        return finish(studio, photo)
    shade = light(studio, photo.height, photo.width)
    return finish(studio, Image.fromarray((np.asarray(photo) * shade).clip(0, 255).astype(np.uint8)))


def print_on_table(studio: Studio) -> Image.Image:
    """A sheet with a photo on it, or with nothing but a colour, lying as documents lie."""
    size = studio.pick(((600, 420), (420, 600), (500, 500)))
    if studio.chance(0.65):
        sheet = Image.new("RGB", size, studio.grey(225, 255))
        margin = studio.count(0, 40)
        sheet.paste(studio.cropped_photo(size[0] - 2 * margin, size[1] - 2 * margin), (margin, margin))
    else:
        sheet = Image.fromarray(studio.pick((surfaces.plain, surfaces.cloth, surfaces.wood))(studio, size[1], size[0]))
    return photograph(studio, sheet, LYING)


def sign(studio: Studio) -> Image.Image:
    """A street's, a shop's or a traffic sign in a scene."""
    width, height = studio.pick(((400, 120), (300, 300), (420, 240), (240, 340)))
    colour = studio.pick(
        ((20, 80, 170), (10, 110, 60), (190, 30, 35), (245, 245, 245), (250, 200, 40), studio.colour())
    )
    sheet = Image.new("RGBA", (width, height))
    draw, ink = ImageDraw.Draw(sheet), (255, 255, 255) if sum(colour) < 420 else (20, 20, 25)
    if studio.chance(0.2):
        draw.ellipse((0, 0, width - 1, height - 1), fill=colour)
    else:
        draw.rounded_rectangle(
            (0, 0, width - 1, height - 1), studio.count(0, 30), fill=colour, outline=ink, width=studio.count(0, 8)
        )
    font = studio.font(height * studio.between(0.16, 0.4), "sans", "heavy")
    words = Column(draw, Box(width * 0.1, height * 0.15, width * 0.95, height), ink)
    words.set(studio.writer().title(1, 4), font, align="centre")
    return photograph(studio, sheet, HUNG, _place(studio))


def shop_front(studio: Studio) -> Image.Image:
    """A fascia with a name above a window, across the scene."""
    sheet = Image.new("RGB", (760, 420), studio.muted(20, 220))
    draw, writer = ImageDraw.Draw(sheet), studio.writer()
    draw.text(
        (studio.between(20, 200), 20),
        writer.shop(),
        studio.pick(((255, 255, 255), (240, 210, 90), (20, 20, 20))),
        studio.font(studio.between(40, 70), "sans", "serif", "heavy"),
    )
    for part in Box(14, 120, 746, 412).columns(studio.count(1, 4), 12):
        glass = studio.cropped_photo(max(2, round(part.width)), round(part.height)).filter(ImageFilter.GaussianBlur(2))
        sheet.paste(glass, (round(part.left), round(part.top)))
        if studio.chance(0.5):
            draw.text((part.left + 10, part.top + 20), writer.words(1, 2), (255, 255, 255), studio.font(26, "sans"))
    return photograph(
        studio, sheet, Pose(fill=(0.5, 1.2), tilt=0.7, turn=0.06, drift=0.15, curl=0, shadow=0.2), _place(studio)
    )


def menu(studio: Studio) -> Image.Image:
    """A menu, a newspaper or a letter that is a small thing in a scene about something else."""
    sheet = studio.pick(PAGES[:-1])(studio)
    if studio.chance(0.5):
        tint = Image.new("RGB", sheet.size, studio.colour(120, 255))
        sheet = ImageChops.multiply(sheet, tint)
    return photograph(studio, sheet, SMALL, _place(studio))


def books(studio: Studio) -> Image.Image:
    """Spines in a row or a pile, or a cover lying about."""
    writer = studio.writer()
    if studio.chance(0.35):
        cover = studio.cropped_photo(380, 540) if studio.chance(0.5) else Image.new("RGB", (380, 540), studio.colour())
        words = Column(ImageDraw.Draw(cover), Box(20, 40, 360, 400), studio.pick(((255, 255, 255), (20, 20, 20))))
        words.set(writer.title(1, 4), studio.font(54, "serif", "sans", "heavy"), align="centre")
        return photograph(
            studio,
            cover,
            SMALL if studio.chance(0.5) else Pose(fill=(0.3, 0.7)),
            _place(studio) if studio.chance(0.6) else None,
        )
    row = Image.new("RGB", (760, 420), (40, 30, 25))
    x = 0
    while x < 740:
        wide, high = studio.count(24, 70), studio.count(280, 410)
        spine = Image.new("RGB", (high, wide), studio.muted(20, 235))
        ImageDraw.Draw(spine).text(
            (24, wide * 0.2),
            writer.title(1, 4),
            studio.pick(((255, 255, 255), (235, 210, 120), (15, 15, 15))),
            studio.font(wide * 0.5, "serif", "sans"),
        )
        row.paste(spine.rotate(studio.pick((90, 270)), expand=True), (x, 420 - high))
        x += wide + 1
    return photograph(studio, row, Pose(fill=(0.4, 1.1), tilt=0.5, turn=0.08, curl=0), _place(studio))


def poster(studio: Studio) -> Image.Image:
    """A picture with large words on a wall, behind what the photo is about."""
    sheet = studio.cropped_photo(400, 560) if studio.chance(0.6) else Image.new("RGB", (400, 560), studio.colour())
    ink = studio.pick(((255, 255, 255), (250, 220, 60), (15, 15, 15), (200, 30, 40)))
    words = Column(ImageDraw.Draw(sheet), Box(16, studio.between(10, 300), 390, 550), ink)
    for size in (60, 26, 26)[: studio.count(1, 3)]:
        words.set(studio.writer().title(1, 4), studio.font(size, "heavy", "sans"))
    place = _place(studio)
    scene = photograph(studio, sheet, HUNG, place)
    front = place.crop((0, round(place.height * 0.55), place.width, place.height))  # what stands before the wall
    scene.paste(
        front,
        (0, place.height - front.height),
        Image.linear_gradient("L").resize(front.size).point(lambda value: min(255, value * 3)),
    )
    return scene


def shirt(studio: Studio) -> Image.Image:
    """Words printed on something or somebody: dyed into the photo, not laid upon it."""
    place = _place(studio)
    layer = Image.new("RGBA", (400, 240))
    ink = studio.pick(((250, 250, 250, 255), (20, 20, 25, 255), (220, 40, 50, 255), (250, 210, 60, 255)))
    font = studio.font(studio.between(50, 110), "heavy", "sans", "hand")
    ImageDraw.Draw(layer).multiline_text((10, 10), "\n".join(studio.writer().words(1, 3).upper().split()), ink, font)
    scale = studio.between(0.15, 0.45) * place.width / 400
    word = layer.resize((max(8, round(400 * scale)), max(8, round(240 * scale)))).rotate(
        studio.random.normal(0, 12), expand=True
    )
    word.putalpha(word.getchannel("A").point(lambda value: value * 4 // 5))
    place.paste(
        word, (studio.count(0, place.width - word.width // 2), studio.count(0, place.height - word.height // 2)), word
    )
    return finish(studio, place)


def screen_in_room(studio: Studio) -> Image.Image:
    """A television, a monitor or a telephone that shows a photo, small in a scene."""
    width, height = studio.pick(((560, 320), (520, 330), (200, 400)))
    sheet = Image.new("RGB", (width, height), (18, 18, 20))
    sheet.paste(studio.cropped_photo(width - 20, height - 20), (10, 10))
    return photograph(studio, sheet, HUNG, _place(studio))


def starry_sky(studio: Studio) -> Image.Image:
    """Points of light on a dark slope of colours, sometimes above a skyline."""
    width, height = studio.pick(FRAMES)
    field = fractal(studio.random, height, width, (2, 2), 4)
    slope = np.linspace(studio.between(0.5, 1), studio.between(1, 2), height, dtype=np.float32)[:, None, None]
    pixels = (np.array(studio.pick(((8, 10, 22), (14, 16, 34), (20, 18, 30), (6, 6, 8))), np.float32) * slope) * (
        1 + 0.4 * field[:, :, None]
    )
    count = studio.count(60, 1500)
    rows, columns = studio.random.integers(0, height, count), studio.random.integers(0, width, count)
    glow = np.zeros((height, width), np.float32)
    glow[rows, columns] = 255 * studio.random.power(0.4, count)
    sky = Image.fromarray(glow.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(studio.between(0.4, 1.1)))
    pixels += np.asarray(sky, np.float32)[:, :, None] * studio.between(2, 5) * np.array([0.95, 0.97, 1.0], np.float32)
    if studio.chance(0.5):
        edge = height * (0.8 + 0.06 * fractal(studio.random, 2, width, (studio.between(2, 30), 1), 3)[0])
        pixels[np.arange(height)[:, None] > edge[None, :]] *= 0.08
    return finish(studio, Image.fromarray(pixels.clip(0, 255).astype(np.uint8)))


def texture(studio: Studio) -> Image.Image:
    """A surface and nothing else: fabric, wood, stone, metal, cardboard, a wall."""
    kinds = (
        surfaces.wood,
        surfaces.cloth,
        surfaces.cloth,
        surfaces.stone,
        surfaces.stone,
        surfaces.metal,
        surfaces.cardboard,
        surfaces.plain,
    )
    width, height = studio.pick(FRAMES)
    pixels = studio.pick(kinds)(studio, height, width) * light(studio, height, width)
    return finish(studio, Image.fromarray(pixels.clip(0, 255).astype(np.uint8)))


def gravel(studio: Studio) -> Image.Image:
    """Many small stones, tiles or leaves, each of its own grey or colour."""
    width, height = studio.pick(FRAMES)
    count = studio.count(300, 3000)
    points = studio.random.uniform((0, 0), (width, height), (count, 2))
    base, spread = np.array(studio.muted(60, 190), np.float32), studio.between(10, 45)
    picture = Image.new("RGB", (width, height), tuple(int(value * 0.35) for value in base))
    draw, size = ImageDraw.Draw(picture), (width * height / count) ** 0.5
    for x, y in points:
        shade = base + studio.random.normal(0, spread) + studio.random.normal(0, 6, 3)
        angles = np.sort(studio.random.uniform(0, 2 * np.pi, 7))
        reach = size * studio.random.uniform(0.45, 1.05, 7)
        corners = [(x + r * np.cos(a), y + r * np.sin(a)) for a, r in zip(angles, reach, strict=True)]
        draw.polygon(corners, fill=tuple(int(value) for value in shade.clip(0, 255)))
    pixels = np.asarray(picture.filter(ImageFilter.GaussianBlur(1))) * light(studio, height, width)
    return finish(studio, Image.fromarray(pixels.clip(0, 255).astype(np.uint8)))


def veil(studio: Studio) -> Image.Image:
    """Snow, fog or a white sky: a photo that hardly shows through, or a soft nothing."""
    width, height = studio.pick(FRAMES)
    field = fractal(studio.random, height, width, (2, 3), 3)
    white = surfaces.tinted(field, studio.grey(170, 250), studio.between(0.005, 0.06))
    picture = Image.blend(_place(studio).resize((width, height)), Image.fromarray(white), studio.between(0.55, 1.0))
    return finish(studio, picture)


def night(studio: Studio) -> Image.Image:
    """A photo at a twentieth of its light, with lamps."""
    place = _place(studio)
    pixels = np.asarray(place, np.float32) * studio.between(0.03, 0.25)
    lamps = Image.new("L", place.size)
    draw = ImageDraw.Draw(lamps)
    for _ in range(studio.count(0, 40)):
        x, y, radius = studio.between(0, place.width), studio.between(0, place.height), studio.between(1, 9)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    glow = np.asarray(lamps.filter(ImageFilter.GaussianBlur(studio.between(1, 5))), np.float32)[:, :, None]
    pixels += glow * np.array(studio.pick(((255, 210, 140), (200, 220, 255), (255, 120, 90)))) / 255
    return finish(studio, Image.fromarray(pixels.clip(0, 255).astype(np.uint8)))


def fur(studio: Studio) -> Image.Image:
    """Short curved hairs over soft patches of colour."""
    width, height = studio.pick(((390, 520), (520, 390)))
    patches = fractal(studio.random, height, width, (3, 3), 3)
    base = surfaces.tinted(
        patches, studio.pick(((150, 110, 70), (90, 88, 86), (215, 205, 190), (45, 40, 38), (180, 130, 80))), 0.28
    )
    picture = Image.fromarray(base)
    draw, turn = ImageDraw.Draw(picture), fractal(studio.random, height, width, (2, 2), 2)
    for x, y in studio.random.uniform((0, 0), (width, height), (2500, 2)):
        angle = float(turn[int(y), int(x)]) * 1.2 + studio.random.normal(0, 0.2)
        reach = studio.between(6, 26)
        shade = tuple(int(value) for value in (base[int(y), int(x)] * studio.between(0.7, 1.35)).clip(0, 255))
        draw.line((x, y, x + reach * np.cos(angle), y + reach * np.sin(angle)), shade, 1)
    return finish(studio, picture.filter(ImageFilter.GaussianBlur(studio.between(0, 1.2))))


# Every kind of ordinary picture, by name, with its share of them.
ORDINARY: dict[str, tuple[Callable[[Studio], Image.Image], float]] = {
    "plain_photo": (plain_photo, 0.15), "print_on_table": (print_on_table, 0.1), "sign": (sign, 0.08),
    "shop_front": (shop_front, 0.06), "menu": (menu, 0.08), "books": (books, 0.08), "poster": (poster, 0.06),
    "shirt": (shirt, 0.06), "screen_in_room": (screen_in_room, 0.04), "blank_board": (blank_board, 0.05),
    "bare_machine": (bare_machine, 0.05), "meme_twin": (twin, 0.05), "starry_sky": (starry_sky, 0.03),
    "texture": (texture, 0.04), "gravel": (gravel, 0.02), "veil": (veil, 0.02),
    "night": (night, 0.02), "fur": (fur, 0.01),
}  # fmt: skip
