"""The analyzer on real photographs, and its promises on a fake session."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from skimage import data

from photos_engine.analyzers import SceneAnalyzer, Taxonomy, TextEncoder
from photos_engine.analyzers.heads.prints import COPY_DISTANCE, SAME_SCENE_DISTANCE, hamming
from photos_engine.analyzers.heads.tags import TagReader
from photos_engine.analyzers.scene import SCENE_LABELS
from photos_engine.errors import ModelError, OutputMismatch, PhotoError
from photos_engine.models.degrade import crop_share, recompress, resize_share
from photos_engine.models.registry import load_manifest
from photos_engine.types import ByteArray, QualitySignals, SceneSignals


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


def assert_sound(signals: SceneSignals) -> None:
    """Every number is finite, and where it may be."""
    assert np.isfinite(signals.embedding).all()
    assert np.isfinite(signals.saliency).all()
    shares = [
        *signals.tags.values(),
        *signals.utility.values(),
        *(q for q in astuple(signals.quality) if q is not None),
    ]
    shares += [edge for item in signals.objects for edge in (*item.box, item.score)]
    shares += [] if signals.aesthetics is None else [signals.aesthetics]
    assert all(0 <= share <= 1 for share in shares)


@pytest.mark.parametrize(
    "image",
    [
        np.full((5, 7, 3), np.nan, np.float32),
        np.array([[np.inf, -np.inf, 0.5]]),
        np.random.default_rng(0).integers(0, 2**16, (40, 30), np.uint16),
        np.random.default_rng(0).integers(0, 2**16, (40, 30, 3), np.uint16).astype(">u2"),
        np.random.default_rng(0).integers(-(2**31), 2**31 - 1, (8, 9, 4), np.int32),
        np.random.default_rng(0).random((20_000, 1, 2)),
        np.random.default_rng(0).random((3, 3)) > 0.5,
    ],
    ids=[
        "nan",
        "infinite",
        "16 bits grey",
        "16 bits big-endian",
        "32 bits signed",
        "a line with alpha",
        "black or white",
    ],
)
def test_odd_arrays_give_sound_signals(analyzer: SceneAnalyzer, image: NDArray[Any]) -> None:
    assert_sound(analyzer.analyze_one(image))


@pytest.mark.parametrize("value", [0, 128, 255])
@pytest.mark.parametrize("shape", [(1, 1), (1, 20_000, 3), (300, 200, 4)])
def test_empty_looking_pictures_give_finite_signals(
    analyzer: SceneAnalyzer, shape: tuple[int, ...], value: int
) -> None:
    assert_sound(analyzer.analyze_one(np.full(shape, value, np.uint8)))


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
        dark, fine = (analyzer.analyze_one((photo * light).astype(np.uint8)).quality for light in (0.12, 1))
        assert dark.overall < fine.overall
        assert dark.brightness < fine.brightness


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

    def __init__(self, outputs: Mapping[str, tuple[int, ...]], fill: float = 0.0) -> None:
        self.outputs, self.fill = outputs, fill

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        (image,) = inputs.values()
        return {name: np.full((len(image), *shape), self.fill, np.float32) for name, shape in self.outputs.items()}


def fake_analyzer(
    more: Mapping[str, Mapping[str, Any]] | None = None,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    fill: float = 0.0,
    session: type[_FakeSession] = _FakeSession,
) -> SceneAnalyzer:
    """An analyzer on a fake session, whose manifest has `more` outputs and whose session other `shapes`."""
    manifest = load_manifest()
    heads = ("embedding", "scene", "utility", "quality", "print", "saliency")
    manifest = replace(manifest, outputs={name: manifest.outputs[name] for name in heads} | dict(more or {}))
    given = {name: tuple(contract["shape"][1:]) for name, contract in manifest.outputs.items()}
    labels = json.loads(manifest.path(SCENE_LABELS).read_text(encoding="utf-8"))["tags"]
    tags = TagReader([row["tag"] for row in labels], np.ones(len(labels), np.float32), Taxonomy.load())
    return SceneAnalyzer(session(given | dict(shapes or {}), fill), manifest, tags)


PICTURE = np.zeros((9, 9, 3), np.uint8)
NEW_HEADS: dict[str, dict[str, Any]] = {
    "objects": {"shape": ["n", 24, 6], "labels": ["dog", "cat"], "thresholds": [0.5, 0.4]},
    "aesthetics": {"shape": ["n", 1]},
}


def test_a_session_that_breaks_the_contract_is_refused() -> None:
    assert fake_analyzer().analyze_one(PICTURE).tags == {}
    with pytest.raises(OutputMismatch, match="saliency"):
        fake_analyzer(shapes={"saliency": (3, 3)}).analyze_one(PICTURE)
    with pytest.raises(OutputMismatch, match="objects"):
        fake_analyzer(NEW_HEADS, {"objects": (24, 5)}).analyze_one(PICTURE)


def test_numbers_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ModelError, match="finite"):
        fake_analyzer(fill=np.nan).analyze_one(PICTURE)


def test_an_older_model_has_no_objects_and_no_aesthetics() -> None:
    signals = fake_analyzer().analyze_one(PICTURE)
    assert signals.objects == ()
    assert signals.aesthetics is None


def test_the_new_heads_become_signals() -> None:
    class _Session(_FakeSession):
        def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
            outputs = super().run(inputs)
            outputs["objects"][:, 0] = (-0.1, 0.2, 0.5, 1.2, 0.9, 1)
            outputs["aesthetics"][:] = 0.25
            return outputs

    analyzer = fake_analyzer(NEW_HEADS, session=_Session)
    for signals in analyzer.analyze([PICTURE] * 5):
        assert [(item.label, item.score) for item in signals.objects] == [("cat", pytest.approx(0.9))]
        assert signals.objects[0].box == pytest.approx((0, 0.2, 0.5, 1))
        assert signals.aesthetics == 0.25


def test_heads_that_a_manifest_describes_badly_are_refused() -> None:
    with pytest.raises(ModelError):
        fake_analyzer({"objects": {"shape": ["n", 24, 6], "labels": ["dog"]}})


def test_scores_of_quality_are_read_by_their_names(photos: dict[str, ByteArray]) -> None:
    class Session:
        def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            given = {name: np.zeros((1, *contract["shape"][1:]), np.float32) for name, contract in outputs.items()}
            given["quality"][0] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
            return {**given, "print": given["print"].astype(np.uint8)}

    manifest = load_manifest()
    names = ["level", "overall", "sharpness", "noise", "exposure", "brightness"]
    outputs = {**manifest.outputs, "quality": {"shape": ["n", 6], "scores": names}}
    tags = TagReader.open(manifest.path("scene.json"), Taxonomy.load())
    seen = SceneAnalyzer(Session(), replace(manifest, outputs=outputs), tags).analyze_one(next(iter(photos.values())))
    assert seen.quality == QualitySignals(*map(float, np.float32([0.3, 0.5, 0.4, 0.2, 0.6, 0.1])))
    outputs["quality"]["scores"] = ["sharpness", "exposure", "noise"]
    with pytest.raises(ModelError, match="quality"):
        SceneAnalyzer(Session(), replace(manifest, outputs=outputs), tags)
