"""The generated pictures: the same from the same seed, of every kind, and codes that can be read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photos_engine.analyzers.preprocess import INPUT_SIDE_PX
from photos_engine.models import corpus
from photos_engine.models.corpus import Picture

pytest.importorskip("segno")

from photos_engine.models.training.generate import codes, shard
from photos_engine.models.training.generate.fonts import Typefaces
from photos_engine.models.training.generate.ink import STROKES
from photos_engine.models.training.generate.scenes import ORDINARY
from photos_engine.types import UTILITY_KINDS

LABELS = (*shard.KINDS, *ORDINARY)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photos")
    slope = np.linspace(0, 255, 64 * 48 * 3).reshape(48, 64, 3).astype(np.uint8)
    paths = [folder / f"{number}.png" for number in range(3)]
    for number, path in enumerate(paths):
        Image.fromarray(np.roll(slope, number * 20, axis=1)).save(path)
    return paths


def draw(label: str, number: int, photos: list[Path], *, test: bool = False) -> np.ndarray:
    picture = corpus.generated_picture(label, number, held_out=test)
    return shard.make(picture, shard.studio_for(picture, photos, photos, Typefaces.find(test=test)))


@pytest.mark.parametrize("label", LABELS)
def test_a_label_s_pictures_have_the_network_s_shape_and_something_on_them(label: str, photos: list[Path]) -> None:
    pixels = draw(label, 0, photos)
    assert pixels.shape == (INPUT_SIDE_PX, INPUT_SIDE_PX, 3)
    assert pixels.dtype == np.uint8
    assert pixels.std() > 0.5


@pytest.mark.parametrize("label", ["document", "whiteboard", "sign"])
def test_a_picture_depends_on_its_name_alone(label: str, photos: list[Path]) -> None:
    assert np.array_equal(draw(label, 3, photos), draw(label, 3, photos))
    assert not np.array_equal(draw(label, 3, photos), draw(label, 4, photos))
    assert not np.array_equal(draw(label, 3, photos), draw(label, 3, photos, test=True))


def test_without_typefaces_and_photos_pictures_are_drawn_all_the_same(tmp_path: Path) -> None:
    faces = Typefaces.find(folders=[tmp_path])
    for label in ("document", "handwriting", "meme", "receipt_laid"):
        picture = corpus.generated_picture(label, 0, held_out=False)
        assert shard.make(picture, shard.studio_for(picture, [], [], faces)).shape == (INPUT_SIDE_PX, INPUT_SIDE_PX, 3)


def test_every_kind_that_nobody_photographed_is_planned_and_the_sides_differ() -> None:
    made = {corpus.utility_kind(picture) for picture in shard.plan(10, held_out=False)}
    assert made - {None} == set(UTILITY_KINDS) - {"product"}
    assert all(picture.held_out for picture in shard.plan(10, held_out=True))
    assert sum(corpus.utility_kind(picture) is None for picture in shard.plan(100, held_out=False)) > 600


def test_the_shard_lists_what_was_drawn(tmp_path: Path, photos: list[Path]) -> None:
    pictures = [Picture(path, "coco128", "", held_out=side) for path in photos for side in (False, True)]
    assert corpus.list_generated(tmp_path) == []
    stale = tmp_path / "features" / "generated-0123.npy"
    stale.parent.mkdir()
    stale.touch()
    shard.generate(tmp_path, pictures, 1)
    listed = corpus.list_generated(tmp_path)
    assert listed == shard.plan(1, held_out=False) + shard.plan(0, held_out=True)
    assert not stale.exists()
    rows = np.load(tmp_path / "shards" / "generated.npy", mmap_mode="r")
    assert rows.shape == (len(listed), INPUT_SIDE_PX, INPUT_SIDE_PX, 3)
    assert json.loads((tmp_path / "shards" / "generated.json").read_text()) == [str(p.path) for p in listed]


def test_the_symbols_of_code_128_are_eleven_modules_wide_and_all_different() -> None:
    assert len(set(codes._CODE_128)) == 103
    assert {sum(map(int, symbol)) for symbol in codes._CODE_128} == {11}


@pytest.mark.parametrize("text", ["AB123-4567", "~photos~", "0"])
def test_a_code_128_can_be_read(text: str) -> None:
    reader = pytest.importorskip("zxingcpp")
    found = reader.read_barcodes(np.asarray(codes.code_128(text, 3, 60)))
    assert [code.text for code in found] == [text]


@pytest.mark.parametrize("digits", ["400399415548", "012345678901", "978014300723"])
def test_an_ean_13_can_be_read(digits: str) -> None:
    reader = pytest.importorskip("zxingcpp")
    found = reader.read_barcodes(np.asarray(codes.ean_13(digits, 3, 60)))
    assert [code.text[:12] for code in found] == [digits]


def test_a_qr_code_can_be_read() -> None:
    reader = pytest.importorskip("zxingcpp")
    assert [code.text for code in reader.read_barcodes(np.asarray(codes.qr("hello there", 5)))] == ["hello there"]


def test_every_letter_that_words_use_has_strokes_within_its_box() -> None:
    assert set("abcdefghijklmnopqrstuvwxyz0123456789") <= set(STROKES)
    assert all(point.isdigit() and len(point) == 2 for s in STROKES.values() for point in s.replace("|", " ").split())
