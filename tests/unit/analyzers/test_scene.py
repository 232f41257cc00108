"""The analyzer on real photographs, and its promises on a fake session."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from skimage import data

from photos_engine.analyzers import SceneAnalyzer, Taxonomy, TextEncoder
from photos_engine.analyzers.heads.prints import COPY_DISTANCE, SAME_SCENE_DISTANCE, hamming
from photos_engine.analyzers.heads.tags import TagReader
from photos_engine.errors import OutputMismatch, PhotoError
from photos_engine.models.degrade import crop_share, recompress, resize_share
from photos_engine.models.registry import load_manifest
from photos_engine.types import ByteArray


@pytest.fixture(scope="module")
def analyzer() -> SceneAnalyzer:
    return SceneAnalyzer.open()


@pytest.fixture(scope="module")
def photos() -> dict[str, ByteArray]:
    """Photographs that scikit-image carries."""
    return {"astronaut": data.astronaut(), "cat": data.chelsea(), "coffee": data.coffee(), "rocket": data.rocket()}


def test_signals_keep_their_contract(analyzer: SceneAnalyzer, photos: dict[str, ByteArray]) -> None:
    for signals in analyzer.analyze(list(photos.values())):
        assert signals.embedding.shape == (512,)
        assert signals.embedding.dtype == np.float32
        assert np.linalg.norm(signals.embedding) == pytest.approx(1, abs=1e-4)
        assert all(tag in Taxonomy.load() and 0 <= p <= 1 for tag, p in signals.tags.items())
        assert signals.utility
        assert all(0 <= p <= 1 for p in signals.utility.values())
        quality = signals.quality
        assert all(0 <= q <= 1 for q in (quality.sharpness, quality.exposure, quality.noise, quality.overall))
        assert len(signals.print) == 32
        assert signals.saliency.min() >= 0
        assert signals.saliency.max() <= 1


def test_a_batch_sees_what_one_sees_in_any_thread(analyzer: SceneAnalyzer, photos: dict[str, ByteArray]) -> None:
    images = list(photos.values()) * 2
    with ThreadPoolExecutor(4) as pool:
        alone = list(pool.map(analyzer.analyze_one, images))
    for one, many in zip(alone, analyzer.analyze(images), strict=True):
        assert one.print == many.print
        np.testing.assert_allclose(one.embedding, many.embedding, atol=1e-5)
        assert one.tags == pytest.approx(many.tags, abs=1e-4)


def test_no_pictures_give_no_signals(analyzer: SceneAnalyzer) -> None:
    assert analyzer.analyze([]) == []


@pytest.mark.parametrize("value", [0, 128, 255])
@pytest.mark.parametrize("shape", [(1, 1), (1, 20_000, 3), (300, 200, 4)])
def test_empty_looking_pictures_give_finite_signals(
    analyzer: SceneAnalyzer, shape: tuple[int, ...], value: int
) -> None:
    signals = analyzer.analyze_one(np.full(shape, value, np.uint8))
    assert np.isfinite(signals.embedding).all()
    assert np.isfinite(signals.saliency).all()
    assert np.isfinite([signals.quality.overall, *signals.tags.values(), *signals.utility.values()]).all()


def test_what_is_no_picture_is_a_photo_error(analyzer: SceneAnalyzer) -> None:
    with pytest.raises(PhotoError):
        analyzer.analyze_one(np.zeros((3, 0, 3), np.uint8))


def test_a_cat_is_a_cat_and_so_an_animal(analyzer: SceneAnalyzer, photos: dict[str, ByteArray]) -> None:
    tags = analyzer.analyze_one(photos["cat"]).tags
    assert {"cat", "animal"} <= tags.keys()
    assert "dog" not in tags


@pytest.mark.parametrize(
    ("name", "words"),
    [("cat", "a photo of a cat"), ("coffee", "a cup of coffee on a table"), ("rocket", "a tall tower at night")],
)
def test_a_picture_lies_nearest_to_its_own_description(
    analyzer: SceneAnalyzer, photos: dict[str, ByteArray], name: str, words: str
) -> None:
    others = ["two dogs running on a beach", "people skiing down a snowy mountain", "a boy plays soccer on grass"]
    scores = TextEncoder.open().encode([words, *others]) @ analyzer.analyze_one(photos[name]).embedding
    assert scores.argmax() == 0


def test_prints_know_copies_from_others(analyzer: SceneAnalyzer, photos: dict[str, ByteArray]) -> None:
    prints = {name: analyzer.analyze_one(photo).print for name, photo in photos.items()}
    for name, photo in photos.items():
        image = Image.fromarray(photo)
        copies = (recompress(image, 60), resize_share(image, 0.7), recompress(resize_share(image, 0.5), 80))
        for copy in copies:
            assert hamming(prints[name], analyzer.analyze_one(np.asarray(copy)).print) <= COPY_DISTANCE
        cropped = analyzer.analyze_one(np.asarray(crop_share(image, 0.025, 0.3, 0.8))).print
        assert hamming(prints[name], cropped) <= SAME_SCENE_DISTANCE
        assert all(hamming(prints[name], prints[other]) > SAME_SCENE_DISTANCE for other in photos if other != name)


def test_quality_orders_harm(analyzer: SceneAnalyzer, photos: dict[str, ByteArray]) -> None:
    for photo in photos.values():
        image = Image.fromarray(photo)
        longer = max(image.size)
        sharpness = [
            analyzer.analyze_one(np.asarray(image.filter(ImageFilter.GaussianBlur(longer * share)))).quality.sharpness
            for share in (0, 0.005, 1 / 60)
        ]
        assert sharpness == sorted(sharpness, reverse=True)
        dark = analyzer.analyze_one((photo * 0.12).astype(np.uint8)).quality
        assert dark.exposure < analyzer.analyze_one(photo).quality.exposure


def test_heat_lies_on_the_subject(analyzer: SceneAnalyzer, photos: dict[str, ByteArray]) -> None:
    canvas = np.full((600, 900, 3), 150, np.uint8)
    cat = np.asarray(Image.fromarray(photos["cat"]).resize((300, 200)))
    canvas[350:550, 560:860] = cat
    heat = analyzer.analyze_one(canvas).saliency
    rows, columns = heat.shape
    inside = heat[
        round(rows * 350 / 600) : round(rows * 550 / 600), round(columns * 560 / 900) : round(columns * 860 / 900)
    ]
    assert inside.mean() > 2 * heat[: rows // 2, : columns // 2].mean()


class _FakeSession:
    """Says the same of every picture, in the shapes that it was given."""

    def __init__(self, outputs: Mapping[str, tuple[int, ...]]) -> None:
        self.outputs = outputs

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        (image,) = inputs.values()
        return {name: np.zeros((len(image), *shape), np.float32) for name, shape in self.outputs.items()}


def test_a_session_that_breaks_the_contract_is_refused() -> None:
    manifest = load_manifest()
    shapes = {name: tuple(contract["shape"][1:]) for name, contract in manifest.outputs.items()}
    tags = TagReader(
        [tag.id for tag in Taxonomy.load().tags], np.ones(len(Taxonomy.load()), np.float32), Taxonomy.load()
    )
    picture = np.zeros((9, 9, 3), np.uint8)
    assert SceneAnalyzer(_FakeSession(shapes), manifest, tags).analyze_one(picture).tags == {}
    with pytest.raises(OutputMismatch, match="saliency"):
        SceneAnalyzer(_FakeSession(shapes | {"saliency": (3, 3)}), manifest, tags).analyze_one(picture)
