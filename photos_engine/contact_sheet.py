"""Contact sheets: pictures of what the engine chose, for a person to look at and judge.

One sheet shows one memory, one group of likenesses, or one ranking; drawn from the library's thumbnails.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from photos_engine.errors import ConfigError, NotFound, PhotoError
from photos_engine.files import write_atomically
from photos_engine.types import Box, Crop, DuplicateGroup, Memory, Photo, RankedPhoto, Reason, Wallpaper

WIDTH_PX = 1240
MARGIN_PX = 20
CELL_PX = 190
GAP_PX = 12
COVER_PX = 320  # a thumbnail's longer side: nothing is blown up
PREVIEW_PX, PREVIEW_CELL_PX = 640, 290
TITLE_PX, TEXT_PX, CAPTION_PX = 30, 16, 12
HEAD_LINES, CAPTION_LINES = 3, 5  # of one fact of a sheet's head, of one photo's caption, at most
PER_SHEET = 60
_PAPER, _INK, _PALE, _EMPTY, _MARK = "#fafaf7", "#1d1d1b", "#6b6b66", "#d8d8d2", "#e0582f"
_SYSTEM_FONTS = ("NotoSans-Regular.ttf", "DejaVuSans.ttf", "Arial Unicode.ttf", "Arial.ttf", "arial.ttf")
_PLAIN = str.maketrans({"–": "-", "—": "-", "’": "'", "“": '"', "”": '"', "·": ",", "ø": "o", "Ø": "O", "ß": "ss"})
_UNSAFE_IN_NAMES = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class Cell:
    """One photo of a sheet (or its id), what is said below it, and the crop to draw on it."""

    photo: Photo | str
    caption: str = ""
    crop: Box | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """One picture to be drawn; its file is called by `name`."""

    name: str
    title: str
    lines: tuple[str, ...]
    cells: tuple[Cell, ...]
    cover: Cell | None = None


Thumbnails = Callable[[Photo | str], Path]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def of_memories(memories: Sequence[Memory]) -> Iterator[Sheet]:
    """One sheet per memory: cover, title, reasons, photos in the order that tells it."""
    for number, memory in enumerate(memories, 1):
        facts = (memory.subtitle, f"{memory.start:%Y-%m-%d} to {memory.end:%Y-%m-%d}", f"{len(memory.photos)} photos")
        lines = (
            " | ".join(filter(None, facts)),
            f"{memory.kind}, score {memory.score:.2f}, music {memory.music.mood} {memory.music.energy:.1f}",
            _because(memory.reasons),
        )
        cells = tuple(Cell(p, f"{p.taken:%Y-%m-%d %H:%M}") for p in memory.photos)
        yield Sheet(f"{number:03}-{memory.kind}", memory.title, lines, cells, Cell(memory.cover))


def of_featured(photos: Sequence[RankedPhoto]) -> Iterator[Sheet]:
    """The featured photos, best first."""
    cells = [Cell(p.photo, f"{p.score:.2f}  {_because(p.reasons)}") for p in photos]
    yield from _in_parts("featured", "Featured", cells)


def of_wallpapers(photos: Sequence[Wallpaper]) -> Iterator[Sheet]:
    """The wallpapers, best first, each with its crop."""
    cells = [Cell(p.photo, f"{p.score:.2f}  {_because(p.reasons)}", p.crop) for p in photos]
    yield from _in_parts("wallpapers", "Wallpapers", cells)


def of_duplicates(groups: Sequence[DuplicateGroup]) -> Iterator[Sheet]:
    """One sheet per group; the first photo is the one to keep."""
    for number, group in enumerate(groups, 1):
        cells = tuple(Cell(name, "keep" if n == 0 else "") for n, name in enumerate(group.photo_ids))
        others = ", ".join(path.name for path in group.paths if path != group.keep)
        lines = (f"keep {group.keep.name}, of {others}", _because(group.reasons))
        yield Sheet(f"{number:04}-{group.kind}", f"{group.kind}, {len(group.paths)} files", lines, cells)


def _in_parts(name: str, title: str, cells: Sequence[Cell]) -> Iterator[Sheet]:
    for start in range(0, len(cells), PER_SHEET):
        part = tuple(cells[start : start + PER_SHEET])
        yield Sheet(f"{name}-{start // PER_SHEET + 1:02}", title, (f"{start + 1} to {start + len(part)}",), part)


def write_sheets(sheets: Iterable[Sheet], folder: Path, thumbnail: Thumbnails) -> int:
    """Draw each sheet into a JPEG of the folder, which is made if needed; returns how many.

    thumbnail: `PhotosEngine.thumbnail`. Raises: ConfigError where the folder can't be written to.
    """
    count = 0
    for sheet in sheets:
        buffer = BytesIO()
        draw_sheet(sheet, thumbnail).save(buffer, "JPEG", quality=88)
        try:
            path = folder / f"{_UNSAFE_IN_NAMES.sub('_', sheet.name)}.jpg"
            write_atomically(path, buffer.getvalue(), durable=False, make_folders=True)
        except OSError as error:
            raise ConfigError(f"contact sheets can't be written to {folder}: {error.strerror or error}") from error
        count += 1
    return count


def write_preview(photo: Image.Image, crops: Sequence[Crop], target: Path) -> None:
    """Draw `draw_crops` into a JPEG. Raises: ConfigError where it can't be written."""
    buffer = BytesIO()
    draw_crops(photo, crops).save(buffer, "JPEG", quality=88)
    try:
        write_atomically(target, buffer.getvalue(), durable=False)
    except OSError as error:
        raise ConfigError(f"a preview can't be written to {target}: {error.strerror or error}") from error


def draw_sheet(sheet: Sheet, thumbnail: Thumbnails) -> Image.Image:
    """One sheet as an RGB picture of `WIDTH_PX`, as high as it needs."""
    columns = (WIDTH_PX - 2 * MARGIN_PX + GAP_PX) // (CELL_PX + GAP_PX)
    rows = math.ceil(len(sheet.cells) / columns)
    left = MARGIN_PX + (COVER_PX + GAP_PX * 2 if sheet.cover else 0)
    width = WIDTH_PX - left - MARGIN_PX
    lines = [line for text in sheet.lines for line in _fold(text, TEXT_PX, width, HEAD_LINES)]
    captions = [_fold(cell.caption, CAPTION_PX, CELL_PX, CAPTION_LINES) for cell in sheet.cells]
    head = max(
        MARGIN_PX + TITLE_PX * 2 + len(lines) * _line_px(TEXT_PX) + GAP_PX,
        (COVER_PX if sheet.cover else 0) + 2 * MARGIN_PX,
    )
    row_px = CELL_PX + max(map(len, captions), default=0) * _line_px(CAPTION_PX) + 2 * GAP_PX
    picture = Image.new("RGB", (WIDTH_PX, head + rows * row_px + MARGIN_PX), _PAPER)
    draw = ImageDraw.Draw(picture)
    if sheet.cover:
        _paste(picture, sheet.cover, (MARGIN_PX, MARGIN_PX), COVER_PX, thumbnail)
    _write(draw, (left, MARGIN_PX), _fold(sheet.title, TITLE_PX, width, 1), TITLE_PX, _INK)
    _write(draw, (left, MARGIN_PX + TITLE_PX * 2), lines, TEXT_PX, _PALE)
    for number, (cell, caption) in enumerate(zip(sheet.cells, captions, strict=True)):
        row, column = divmod(number, columns)
        corner = (MARGIN_PX + column * (CELL_PX + GAP_PX), head + row * row_px)
        _paste(picture, cell, corner, CELL_PX, thumbnail)
        _write(draw, (corner[0], corner[1] + CELL_PX + 3), caption, CAPTION_PX, _PALE)
    return picture


def draw_crops(photo: Image.Image, crops: Sequence[Crop]) -> Image.Image:
    """A picture with the first crop marked on it, and below what each crop leaves, with its score and reasons."""
    whole = photo.convert("RGB")
    whole.thumbnail((WIDTH_PX - 2 * MARGIN_PX, PREVIEW_PX))
    columns = (WIDTH_PX - 2 * MARGIN_PX + GAP_PX) // (PREVIEW_CELL_PX + GAP_PX)
    texts = [f"{crop.score:.2f}  {_because(crop.reasons)}" for crop in crops]
    captions = [_fold(text, CAPTION_PX, PREVIEW_CELL_PX, CAPTION_LINES) for text in texts]
    row_px = PREVIEW_CELL_PX + max(map(len, captions), default=0) * _line_px(CAPTION_PX) + 2 * GAP_PX
    head = MARGIN_PX + whole.height + GAP_PX
    sheet = Image.new("RGB", (WIDTH_PX, head + math.ceil(len(crops) / columns) * row_px + MARGIN_PX), _PAPER)
    draw = ImageDraw.Draw(sheet)
    sheet.paste(whole, (MARGIN_PX, MARGIN_PX))
    for crop, (ink, width) in reversed(list(zip(crops, ((_MARK, 4), *((_EMPTY, 1),) * len(crops)), strict=False))):
        draw.rectangle(_on(crop.box, (MARGIN_PX, MARGIN_PX), whole.size), outline=ink, width=width)
    for number, (crop, caption) in enumerate(zip(crops, captions, strict=True)):
        row, column = divmod(number, columns)
        corner = (MARGIN_PX + column * (PREVIEW_CELL_PX + GAP_PX), head + row * row_px)
        part = photo.convert("RGB").crop(_on(crop.box, (0, 0), photo.size, edge=0))
        part.thumbnail((PREVIEW_CELL_PX, PREVIEW_CELL_PX))
        sheet.paste(part, corner)
        _write(draw, (corner[0], corner[1] + PREVIEW_CELL_PX + 3), caption, CAPTION_PX, _PALE)
    return sheet


def _on(box: Box, corner: tuple[int, int], size: tuple[int, int], *, edge: int = 1) -> Box:
    """Where a box of a picture lies that is shown at a corner, in pixels; the last ones are `edge` further in."""
    (left, top), (width, height) = corner, size
    return (left + box[0] * width, top + box[1] * height, left + box[2] * width - edge, top + box[3] * height - edge)


def _paste(picture: Image.Image, cell: Cell, corner: tuple[int, int], side: int, thumbnail: Thumbnails) -> None:
    """Put a photo into a square, with its crop; a photo that can't be had leaves the square empty, with the reason."""
    draw = ImageDraw.Draw(picture)
    try:
        with Image.open(thumbnail(cell.photo)) as opened:
            photo = opened.convert("RGB")
    except (PhotoError, NotFound, OSError) as error:
        draw.rectangle((*corner, corner[0] + side - 1, corner[1] + side - 1), fill=_EMPTY)
        text = _fold(str(error), CAPTION_PX, side - 12, CAPTION_LINES)
        _write(draw, (corner[0] + 6, corner[1] + side // 2), text, CAPTION_PX, _INK)
        return
    photo.thumbnail((side, side))
    left, top = corner[0] + (side - photo.width) // 2, corner[1] + (side - photo.height) // 2
    picture.paste(photo, (left, top))
    if cell.crop:
        draw.rectangle(_on(cell.crop, (left, top), photo.size), outline=_MARK, width=3)


def _write(draw: ImageDraw.ImageDraw, corner: tuple[int, int], lines: Sequence[str], size: int, ink: str) -> None:
    font, _ = _font(size)
    for number, line in enumerate(lines):
        draw.text((corner[0], corner[1] + number * _line_px(size)), line, ink, font)


def _line_px(size: int) -> int:
    return size * 3 // 2


def _fold(text: str, size: int, width: int, most: int) -> list[str]:
    """A text in at most so many lines of a width, broken between words, and cut off where it is longer still."""
    font, has_many_letters = _font(size)
    text = text.encode("utf-8", "replace").decode() if has_many_letters else _as_ascii(text)
    lines: list[str] = []
    words = text.split()
    while words and len(lines) < most:
        count = next((n for n in range(1, len(words)) if font.getlength(" ".join(words[: n + 1])) > width), len(words))
        lines.append(" ".join(words[:count]))
        words = words[count:]
    if words:
        lines[-1] += " ..."
    return [_cut(line, font, width) for line in lines]


def _cut(line: str, font: Font, width: int) -> str:
    if font.getlength(line) <= width:
        return line
    text = line.removesuffix(" ...")
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text + "..."


@cache
def _font(size: int) -> tuple[Font, bool]:
    """A font of the system, which has letters beyond English; otherwise Pillow's own, which has none."""
    for name in _SYSTEM_FONTS:
        try:
            return ImageFont.truetype(name, size), True
        except OSError:
            continue
    return ImageFont.load_default(size), False


def _as_ascii(text: str) -> str:
    """Text in plain English letters: accents dropped, dashes straight, what has no such letter as `?`."""
    plain = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    return "".join(c for c in plain if not unicodedata.combining(c)).encode("ascii", "replace").decode()


def _because(reasons: Iterable[Reason]) -> str:
    return " ".join(r.text for r in sorted(reasons, key=lambda r: -abs(r.weight))[:3])
