"""Writing by hand: letters as strokes of our own, and hand-like typefaces set unevenly; arrows, boxes, curves."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from photos_engine.models.training.generate.fonts import Typeface
from photos_engine.models.training.generate.studio import Colour, Studio

# Points (x, y) of each stroke, strokes parted by "|": x 0-6 within the letter; y 0 top, 3 x-height, 7 line, 9 below.
STROKES: Mapping[str, str] = {
    "a": "53 13 05 17 37 55 53 57", "b": "00 04 07 37 55 43 04", "c": "54 23 05 17 57",
    "d": "54 23 05 17 47 53 50 57", "e": "05 54 43 13 05 17 57", "f": "40 20 22 27|03 43",
    "g": "53 13 05 17 46 53 58 39 08", "h": "00 07 04 33 54 57", "i": "33 37|31 31", "j": "43 48 29 08|41 41",
    "k": "00 07|43 05 47", "l": "20 26 37 47", "m": "03 07 04 23 34 37 34 53 64 67", "n": "03 07 04 33 54 57",
    "o": "33 05 17 47 55 43 33", "p": "03 09 04 33 55 37 07", "q": "53 13 05 17 46 53 59", "r": "03 07 04 33 53",
    "s": "53 23 14 45 56 47 07", "t": "20 26 47 57|03 43", "u": "03 06 27 46 53 57", "v": "03 27 53",
    "w": "03 17 33 47 63", "x": "03 57|53 07", "y": "03 06 37 53 58 29 08", "z": "03 53 07 57",
    "0": "30 03 17 47 54 41 30", "1": "12 30 37", "2": "11 30 52 07 57", "3": "01 40 23 45 37 07",
    "4": "40 05 65|43 48", "5": "50 00 03 43 56 27 07", "6": "50 13 06 37 56 44 05", "7": "00 50 17",
    "8": "30 11 53 56 27 05 52 30", "9": "53 22 11 30 50 53 47", "+": "33 37|15 55", "=": "14 54|16 56", "-": "15 55",
    "/": "50 07", "(": "40 23 25 47", ")": "20 43 45 27",
}  # fmt: skip
PEN_INKS: tuple[Colour, ...] = (
    (25, 35, 120),
    (20, 20, 25),
    (30, 60, 160),
    (75, 75, 80),
    (15, 15, 60),
    (160, 30, 40),
    (20, 90, 60),
)


@dataclass(frozen=True, slots=True)
class Pen:
    """A hand and what it writes with. size: from the line to the top of tall letters, in pixels."""

    size: float
    width: float
    ink: Colour
    slant: float
    loose: float  # how far points stray, in tenths of the size
    narrow: float
    joined: bool
    face: Typeface | None  # a hand-like typeface, instead of own strokes

    @classmethod
    def any(cls, studio: Studio, size: float, inks: Sequence[Colour] = PEN_INKS, width: float = 0.09) -> Pen:
        """Somebody's hand."""
        face = studio.face("hand") if studio.chance(0.55) else None
        thick = max(1.0, size * width * studio.between(0.6, 1.5))
        joined, ink = studio.chance(0.5), studio.pick(inks)
        return cls(
            size,
            thick,
            ink,
            studio.random.normal(0.1, 0.2),
            studio.between(0.1, 0.5),
            studio.between(0.6, 1.1),
            joined,
            face,
        )

    def inked(self, ink: Colour) -> Pen:
        """The same hand with another pen."""
        return replace(self, ink=ink)


def write(studio: Studio, draw: ImageDraw.ImageDraw, x: float, y: float, text: str, pen: Pen, limit: float) -> float:
    """Write one line of text with its top at y, up to `limit`; gives where it ended."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()  # hand-like faces have few accents
    for word in plain.split():
        wide = len(word) * pen.size * 0.55 * pen.narrow
        if x + wide > limit:
            break
        rise = studio.random.normal(0, 0.04 * pen.size)
        if pen.face is not None:
            x = _set_word(studio, draw, x, y + rise, word, pen)
        else:
            x = _stroke_word(studio, draw, x, y + rise, word.lower(), pen)
        x += pen.size * studio.between(0.25, 0.5)
    return x


def scribble(studio: Studio, draw: ImageDraw.ImageDraw, x: float, y: float, width: float, pen: Pen) -> None:
    """A name or a word by hand in the space given."""
    write(studio, draw, x, y, studio.writer().name(), pen, x + width)


def _set_word(studio: Studio, draw: ImageDraw.ImageDraw, x: float, y: float, word: str, pen: Pen) -> float:
    assert pen.face is not None
    font = pen.face.at(pen.size * 1.25 * studio.between(0.95, 1.05))
    *_, right, bottom = font.getbbox(word)
    patch = Image.new("L", (max(2, int(right + 4)), max(2, int(bottom + 4))))
    ImageDraw.Draw(patch).text((0, 0), word, 255, font, stroke_width=0 if pen.width < 2 else round(pen.width / 3))
    patch = patch.rotate(studio.random.normal(0, 1.2), Image.Resampling.BILINEAR, expand=True)
    draw.bitmap((round(x), round(y)), patch, pen.ink)
    return x + right


def _stroke_word(studio: Studio, draw: ImageDraw.ImageDraw, x: float, y: float, word: str, pen: Pen) -> float:
    unit = pen.size / 7
    before: NDArray[np.float64] | None = None
    for letter in word:
        strokes = STROKES.get(letter)
        if strokes is None:
            x += unit * 3
            before = None
            continue
        for number, stroke in enumerate(strokes.split("|")):
            points = np.array([(int(pair[0]), int(pair[1])) for pair in stroke.split()], np.float64)
            points += studio.random.normal(0, pen.loose, points.shape)
            points[:, 0] = points[:, 0] * pen.narrow + (7 - points[:, 1]) * pen.slant
            points = points * unit + (x, y)
            if number == 0 and pen.joined and before is not None:
                points = np.vstack([before, points])
            curve(draw, points, pen)
            before = points[-1] if number == 0 else before
        x += unit * (6.2 * pen.narrow + studio.random.normal(0.6, 0.3))
    return x


def curve(draw: ImageDraw.ImageDraw, points: NDArray[np.float64], pen: Pen) -> None:
    """Draw a smooth line through points (n, 2)."""
    smooth = points
    for _ in range(2 if len(points) > 2 else 0):  # Chaikin's corner cutting
        first, second = smooth[:-1], smooth[1:]
        cut = np.stack([0.75 * first + 0.25 * second, 0.25 * first + 0.75 * second], 1).reshape(-1, 2)
        smooth = np.vstack([smooth[:1], cut, smooth[-1:]])
    draw.line([(float(x), float(y)) for x, y in smooth], pen.ink, max(1, round(pen.width)), joint="curve")


def line(
    studio: Studio, draw: ImageDraw.ImageDraw, start: tuple[float, float], end: tuple[float, float], pen: Pen
) -> None:
    """A line drawn without a ruler."""
    points = np.linspace(start, end, 5) + studio.random.normal(0, pen.size * 0.05, (5, 2))
    curve(draw, points, pen)


def arrow(
    studio: Studio, draw: ImageDraw.ImageDraw, start: tuple[float, float], end: tuple[float, float], pen: Pen
) -> None:
    """A line with a head."""
    line(studio, draw, start, end, pen)
    back = np.arctan2(start[1] - end[1], start[0] - end[0])
    for turn in (-0.45, 0.45):
        tip = (end[0] + pen.size * 0.7 * np.cos(back + turn), end[1] + pen.size * 0.7 * np.sin(back + turn))
        line(studio, draw, end, tip, pen)


def outline(
    studio: Studio, draw: ImageDraw.ImageDraw, left: float, top: float, right: float, bottom: float, pen: Pen
) -> None:
    """A box, or something round, drawn by hand."""
    if studio.chance(0.65):
        corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
        for start, end in pairwise(corners):
            line(studio, draw, start, end, pen)
        return
    angles = np.linspace(0, 2 * np.pi * 1.03, 20)
    round_ = np.stack(
        [
            (left + right) / 2 + np.cos(angles) * (right - left) / 2,
            (top + bottom) / 2 + np.sin(angles) * (bottom - top) / 2,
        ],
        1,
    )
    curve(draw, round_ + studio.random.normal(0, pen.size * 0.04, round_.shape), pen)


def diagram(
    studio: Studio, draw: ImageDraw.ImageDraw, left: float, top: float, right: float, bottom: float, pens: Sequence[Pen]
) -> None:
    """Boxes with words, joined by arrows."""
    across, down = studio.count(2, 3), studio.count(1, 3)
    wide, high = (right - left) / across, (bottom - top) / down
    centres = []
    for row in range(down):
        for column in range(across):
            if studio.chance(0.2):
                continue
            pen = studio.pick(pens)
            x, y = left + (column + studio.between(0.4, 0.6)) * wide, top + (row + studio.between(0.4, 0.6)) * high
            outline(studio, draw, x - wide * 0.32, y - high * 0.28, x + wide * 0.32, y + high * 0.28, pen)
            write(studio, draw, x - wide * 0.26, y - pen.size / 2, studio.writer().words(1, 2), pen, x + wide * 0.3)
            centres.append((x, y))
    for (x, y), (u, v) in pairwise(centres):
        reach = studio.between(0.3, 0.38)
        arrow(
            studio,
            draw,
            (x + (u - x) * reach, y + (v - y) * reach),
            (u - (u - x) * reach, v - (v - y) * reach),
            studio.pick(pens),
        )


def graph(
    studio: Studio, draw: ImageDraw.ImageDraw, left: float, top: float, right: float, bottom: float, pens: Sequence[Pen]
) -> None:
    """Two axes and a curve or two."""
    pen = pens[0]
    arrow(studio, draw, (left, bottom), (left, top), pen)
    arrow(studio, draw, (left, bottom), (right, bottom), pen)
    for other in pens[:2]:
        share = np.linspace(0, 1, 12)
        heights = 0.5 + 0.4 * np.sin(share * studio.between(1, 8) + studio.between(0, 6)) * share ** studio.between(
            0, 1.5
        )
        curve(draw, np.stack([left + share * (right - left) * 0.9, bottom - heights * (bottom - top)], 1), other)


def formula(studio: Studio, pen: Pen) -> str:
    """Letters and digits as in sums."""
    parts = [studio.pick("xyzabtuvfgn") + studio.pick(("", "2", "n", "(x)", "0")) for _ in range(studio.count(2, 5))]
    return f" {studio.pick(('+', '-', '='))} ".join(parts) + (
        " = " + str(studio.count(0, 99)) if pen.narrow > 0.8 else ""
    )
