"""Contact sheets show what was chosen, whatever state the photos are in."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from fakes.library import Life
from PIL import Image

from photos_engine.contact_sheet import (
    WIDTH_PX,
    Cell,
    Sheet,
    _as_ascii,
    _fold,
    draw_crops,
    draw_sheet,
    of_featured,
    of_wallpapers,
    write_sheets,
)
from photos_engine.errors import ConfigError, Unreadable
from photos_engine.types import Crop, Photo, RankedPhoto, Reason, Wallpaper

BLUE, MARK = (40, 90, 200), (224, 88, 47)


@pytest.fixture
def photos() -> list[Photo]:
    life = Life()
    return [life.shoot(datetime(2023, 7, 1, 12, minute)).photo for minute in range(7)]


@pytest.fixture
def thumbnail(tmp_path: Path) -> Path:
    path = tmp_path / "thumbnail.png"  # lossless, so that its colour can be looked for
    Image.new("RGB", (320, 160), BLUE).save(path)
    return path


def count(picture: Image.Image, colour: tuple[int, int, int]) -> int:
    return int(np.all(np.asarray(picture) == colour, axis=2).sum())


def test_every_photo_is_on_the_sheet_and_the_cover_is_larger(photos: list[Photo], thumbnail: Path) -> None:
    cells = tuple(map(Cell, photos))
    bare = draw_sheet(Sheet("a", "Title", (), cells), lambda _: thumbnail)
    assert bare.width == WIDTH_PX
    assert count(bare, BLUE) == len(photos) * 190 * 95
    covered = draw_sheet(Sheet("a", "Title", (), cells, cover=cells[0]), lambda _: thumbnail)
    assert count(covered, BLUE) == count(bare, BLUE) + 320 * 160


def test_a_crop_is_drawn_onto_its_photo(photos: list[Photo], thumbnail: Path) -> None:
    (sheet,) = of_wallpapers([Wallpaper(photos[0], 0.5, (0.25, 0.0, 0.75, 1.0), ())])
    picture = draw_sheet(sheet, lambda _: thumbnail)
    assert count(picture, MARK) > 2 * 95 * 3
    assert count(picture, MARK) + count(picture, BLUE) == 190 * 95


def test_a_preview_shows_the_picture_and_what_each_crop_leaves() -> None:
    picture = Image.new("RGB", (300, 200), BLUE)
    crops = [Crop((0.0, 0.0, 0.5, 1.0), 0.9, ()), Crop((0.5, 0.0, 1.0, 0.5), 0.5, (Reason("kept", 1.0, "Kept."),))]
    preview = draw_crops(picture, crops)
    assert preview.width == WIDTH_PX
    assert count(preview, MARK) > 150
    assert count(preview, BLUE) > 300 * 200 * 0.9 + 150 * 200 + 150 * 100


def test_a_photo_that_cannot_be_had_leaves_its_place_empty(photos: list[Photo], thumbnail: Path) -> None:
    def only_the_first(photo: Photo | str) -> Path:
        if photo == photos[0]:
            return thumbnail
        raise Unreadable("/photos/\udcff.jpg", "it is gone")

    picture = draw_sheet(Sheet("a", "Odd \udcff title", ("long " * 500,), tuple(map(Cell, photos))), only_the_first)
    assert count(picture, BLUE) == 190 * 95


def test_long_texts_go_on_below_and_only_what_is_longer_still_is_cut_off() -> None:
    words = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    lines = _fold(" ".join(words), 12, 90, 9)
    assert len(lines) > 2
    assert " ".join(lines).split() == words
    first, last = _fold(" ".join(words), 12, 90, 2)
    assert lines[0] == first
    assert last.endswith("...")
    (cut,) = _fold("a" * 400, 12, 90, 3)
    assert cut.endswith("...")
    assert _fold("", 12, 90, 3) == []


def test_long_rankings_go_on_a_second_sheet(photos: list[Photo], thumbnail: Path, tmp_path: Path) -> None:
    ranked = [RankedPhoto(photos[n % 7], 0.5, (Reason("a", 1.0, "Sharp."),)) for n in range(61)]
    assert write_sheets(of_featured(ranked), tmp_path / "new" / "sheets", lambda _: thumbnail) == 2
    assert sorted(p.name for p in (tmp_path / "new" / "sheets").iterdir()) == ["featured-01.jpg", "featured-02.jpg"]


def test_a_folder_that_cannot_be_made_is_one_clear_error(photos: list[Photo], thumbnail: Path) -> None:
    sheets = [Sheet("a", "Title", (), (Cell(photos[0]),))]
    with pytest.raises(ConfigError, match="can't be written"):
        write_sheets(sheets, thumbnail / "below-a-file", lambda _: thumbnail)


@pytest.mark.parametrize(
    ("text", "plain"), [("2021–2024, Kyōto", "2021-2024, Kyoto"), ("Reykjavík 京 \udcff", "Reykjavik ? ?")]
)
def test_a_font_without_the_letters_still_says_it(text: str, plain: str) -> None:
    assert _as_ascii(text) == plain
