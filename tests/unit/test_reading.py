from __future__ import annotations

import importlib.util
import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes.photos import make_signals
from PIL import Image, ImageDraw, ImageFont

from photos_engine import PhotosEngine
from photos_engine.analyzers import reading
from photos_engine.reading import READ_KINDS
from photos_engine.store import Store
from photos_engine.types import ByteArray, FileStamp, Progress


class Parrot:
    """A reader that says what it is told, and remembers how large its pictures were."""

    name = "parrot 1"

    def __init__(self, words: str) -> None:
        self.words, self.shapes = words, list[tuple[int, ...]]()

    def read(self, pixels: ByteArray) -> str:
        self.shapes.append(pixels.shape)
        return self.words


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PhotosEngine]:
    """A library of a receipt and a photo, as an analyzer of few words sees them."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, colour in (("till", "white"), ("hill", "green")):
        Image.new("RGB", (1500, 2000), colour).save(folder / f"{name}.jpg")
    with PhotosEngine.open(tmp_path / "library", decode_workers=1) as engine:

        class Analyzer:
            model_name = engine.status().model

            def analyze(self, images: list[ByteArray]) -> list[Any]:
                return [
                    make_signals(number, utility={"receipt": 0.97 if image.mean() > 200 else 0.01}, tags={})
                    for number, image in enumerate(images)
                ]

        monkeypatch.setattr(engine._models, "analyzer", lambda _name: Analyzer())
        engine.index([folder])
        yield engine


def read_by(engine: PhotosEngine, reader: Parrot | None, monkeypatch: pytest.MonkeyPatch, **more: Any) -> int:
    monkeypatch.setattr("photos_engine.engine.open_reader", lambda _threads: reader)
    return engine.read_texts(**more)


def test_what_serves_for_reading_is_read_once_and_found(engine: PhotosEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert engine.search('"blue cheese"').stage == "none"
    parrot, steps = Parrot("2 Blue Cheese\n7.80 EUR"), list[Progress]()
    assert read_by(engine, parrot, monkeypatch, on_progress=steps.append) == 1
    assert [(step.stage, step.done, step.total) for step in steps] == [("read", 1, 1)]
    (shape,) = parrot.shapes
    assert min(shape[:2]) >= reading.READ_SHORTER_PX  # larger than it is analysed
    for query in ('"blue cheese"', "cheese", "receipts with cheese"):
        (hit,) = engine.search(query).results
        assert hit.photo.path.stem == "till"
        assert "stands in the picture" in " ".join(reason.text for reason in hit.reasons)
    assert engine.search('"cheese blue"').results == ()
    assert read_by(engine, parrot, monkeypatch) == 0
    parrot.name, parrot.words = "parrot 2", "red wine"
    assert read_by(engine, parrot, monkeypatch, limit=0) == 0
    assert read_by(engine, parrot, monkeypatch) == 1
    assert engine.search("cheese").stage == "none"
    assert len(engine.search('"red wine"').results) == 1


def test_without_the_extra_nothing_is_read(engine: PhotosEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_by(engine, None, monkeypatch) == 0
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert reading.open_reader() is None


def test_a_picture_that_changed_or_went_away_is_left_for_the_next_scan(
    engine: PhotosEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = engine.search("receipts").results[0].photo.path
    parrot = Parrot("words")
    Image.new("RGB", (800, 800), "white").save(path)
    assert read_by(engine, parrot, monkeypatch) == 0
    path.unlink()
    assert read_by(engine, parrot, monkeypatch) == 0
    assert parrot.shapes == []


def test_words_are_forgotten_with_their_photo(tmp_path: Path) -> None:
    from fakes.photos import make_decoded

    with Store.open(tmp_path) as store, store.begin() as unit:
        key, _ = unit.photos.save("/a.jpg", make_decoded("a"), None)
        unit.files.record_image("/a.jpg", FileStamp(1, 2), key)
        unit.texts.put(key, "a heron", "parrot 1")
        assert unit.texts.search("heron").tolist() == [key]
        assert unit.texts.quote("heron", key) == "a [heron]"
        assert unit.texts.unread([key, 9], "parrot 1") == [9]
        other, _ = unit.photos.save("/a.jpg", make_decoded("b"), None)
        unit.files.record_image("/a.jpg", FileStamp(1, 3), other)
        unit.photos.drop_fileless([key])
        assert unit.texts.search("heron").tolist() == []


@pytest.mark.skipif(importlib.util.find_spec("rapidocr") is None, reason="needs the extra photos-engine[ocr]")
def test_the_packaged_reader_reads_print_without_a_network(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    picture = Image.new("RGB", (640, 200), "white")
    draw = ImageDraw.Draw(picture)
    draw.text((30, 30), "Harbour Bakery", fill="black", font=ImageFont.load_default(48))
    draw.text((30, 110), "Total 12.40", fill="black", font=ImageFont.load_default(48))
    reader = reading.open_reader()
    assert reader is not None
    assert reader.name.startswith("rapidocr ")
    with caplog.at_level(logging.INFO):
        words = reader.read(np.asarray(picture))
    assert words.split("\n") == ["Harbour Bakery", "Total 12.40"]
    assert reader.read(np.full((300, 300, 3), 255, np.uint8)) == ""
    assert capfd.readouterr() == ("", "")


def test_kinds_that_are_read_are_kinds() -> None:
    from photos_engine.types import UTILITY_KINDS

    assert set(READ_KINDS) < set(UTILITY_KINDS)
