"""Small real models for tests: they see colours, or how bright it is, and nothing else.

Each pairs an analyzer with a reader of words in the same space; the spaces of two models have nothing in common.
`install` puts a model into a folder as the registry wants it, and `open_fakes` lets an engine open such folders.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from photos_engine import installed
from photos_engine.models import registry
from photos_engine.types import (
    EMBEDDING_DIMENSIONS,
    ByteArray,
    DetectedObject,
    FloatArray,
    QualitySignals,
    SceneSignals,
)

COLOURS = {"scarlet": (220, 30, 10), "cobalt": (10, 60, 220), "ivory": (245, 245, 245), "pitchy": (15, 15, 15)}
"""Words that the models know and the taxonomy doesn't, with the colour of a picture of just that."""


class ColourAnalyzer:
    """Embeds a picture as its 13 by 13 colours; counts the pictures that it was shown."""

    model_name = "colours-1"

    def __init__(self) -> None:
        self.seen = 0

    def analyze(self, images: Sequence[ByteArray]) -> list[SceneSignals]:
        self.seen += len(images)
        return [self._see(image) for image in images]

    def analyze_one(self, image: ByteArray) -> SceneSignals:
        return self.analyze([image])[0]

    def _see(self, image: ByteArray) -> SceneSignals:
        small = np.asarray(Image.fromarray(image).resize((13, 13)), np.float32)
        embedding = as_embedding(small - 127.5)
        return SceneSignals(
            embedding=embedding,
            tags={"red": 0.9} if small[..., 0].mean() > small[..., 2].mean() else {"blue": 0.9},
            utility={},
            quality=QualitySignals(0.9, 0.9, 0.9, 0.9),
            print=np.packbits(embedding[:256] > 0).tobytes(),
            saliency=np.ones((9, 9), np.float32),
        )


class BrightnessAnalyzer(ColourAnalyzer):
    """Embeds a picture as its 22 by 22 shades; has heads that `ColourAnalyzer` lacks."""

    model_name = "shades-2"

    def _see(self, image: ByteArray) -> SceneSignals:
        shades = np.asarray(Image.fromarray(image).convert("L").resize((22, 22)), np.float32)
        embedding = as_embedding(shades - 127.5)
        row, column = np.unravel_index(int(shades.argmax()), shades.shape)
        box = (float(column) / 22, float(row) / 22, float(column + 1) / 22, float(row + 1) / 22)
        return SceneSignals(
            embedding=embedding,
            tags={"bright": 0.9} if shades.mean() > 127 else {"dim": 0.9},
            utility={},
            quality=QualitySignals(0.8, 0.8, 0.8, 0.8),
            print=np.packbits(embedding[:256] > 0).tobytes(),
            saliency=np.ones((17, 17), np.float32),
            objects=(DetectedObject("light", box, float(shades.max()) / 255),),
            aesthetics=float(shades.mean()) / 255,
        )


ANALYZERS = {analyzer.model_name: analyzer for analyzer in (ColourAnalyzer, BrightnessAnalyzer)}


class WordEncoder:
    """Reads a word of `COLOURS` as a picture of that colour, and any other text as a direction of its own."""

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name
        self._analyzer = ANALYZERS[model_name]()

    def encode(self, texts: Sequence[str]) -> FloatArray:
        return np.array([self._read(text) for text in texts], np.float32).reshape(-1, EMBEDDING_DIMENSIONS)

    def count_pieces(self, word: str) -> int:
        return 1

    def _read(self, text: str) -> FloatArray:
        if colour := COLOURS.get(text):
            return self._analyzer.analyze_one(np.full((64, 64, 3), colour, np.uint8)).embedding
        seed = int.from_bytes(hashlib.blake2b(f"{self.model_name} {text}".encode(), digest_size=8).digest(), "little")
        return as_embedding(np.random.default_rng(seed).standard_normal(EMBEDDING_DIMENSIONS))


def as_embedding(values: NDArray[np.floating]) -> FloatArray:
    """Numbers, filled up with zeros, as a unit vector."""
    embedding = np.zeros(EMBEDDING_DIMENSIONS, np.float32)
    embedding[: values.size] = values.ravel()
    return embedding / np.float32(max(float(np.linalg.norm(embedding)), 1e-6))


def install(folder: Path, name: str) -> Path:
    """Write the manifest of a model without files."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {
        "name": name,
        "version": "1",
        "files": {},
        "input": {"name": "image"},
        "outputs": {"embedding": {"shape": ["n", EMBEDDING_DIMENSIONS]}},
        "licences": {},
        "training_data": {},
        "metrics": {},
    }
    (folder / registry.MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    return folder


class _FakeScene:
    @staticmethod
    def open(folder: Path, *, threads: int, provider: str) -> ColourAnalyzer:
        return ANALYZERS[registry.load_manifest(folder).name]()


class _FakeText:
    @staticmethod
    def open(folder: Path) -> WordEncoder:
        return WordEncoder(registry.load_manifest(folder).name)


def open_fakes(patch: pytest.MonkeyPatch, shipped: Path) -> None:
    """Let engines open the models of this module, and find in `shipped` the one that ships with them."""
    patch.setattr(installed, "SceneAnalyzer", _FakeScene)
    patch.setattr(installed, "TextEncoder", _FakeText)
    patch.setattr(registry, "installed_folder", lambda: shipped)
