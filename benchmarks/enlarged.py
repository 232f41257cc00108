"""A library on disk that is as large as asked: what a scripted life taught, many times over, written through the store.

Its files don't exist: it is for what reads the database alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from photos_engine import PhotosEngine
from photos_engine.store import Store
from photos_engine.types import AnalysedPhoto, DecodedPhoto, FileStamp, FloatArray, SceneSignals

_AT_ONCE = 1000
_NO_PIXELS = np.zeros((1, 1, 3), np.uint8)


def write_photos(library: Path, photos: Sequence[AnalysedPhoto], embeddings: FloatArray) -> None:
    """Let a library know photos that its active model has analysed. embeddings: (n, 512) float32, row by row theirs."""
    PhotosEngine.open(library).close()  # which makes it, with a model
    with Store.open(library) as store:
        for start in range(0, len(photos), _AT_ONCE):
            with store.begin() as unit:
                analysed = []
                for n, item in enumerate(photos[start : start + _AT_ONCE], start):
                    path = item.photo.path
                    name = str(path.with_name(f"{path.stem}-{item.photo.id[:6]}{path.suffix}"))
                    key, _ = unit.photos.save(name, _as_decoded(item), item.photo.place)
                    unit.files.record_image(name, FileStamp(item.photo.size_bytes, key), key)
                    analysed.append((key, _as_signals(item, embeddings[n])))
                unit.analyses.add(unit.models.active, analysed)
                unit.touch()


def _as_decoded(item: AnalysedPhoto) -> DecodedPhoto:
    photo = item.photo
    size = (photo.size_bytes, photo.format, photo.width_px, photo.height_px)
    return DecodedPhoto(photo.id, *size, photo.facts, _NO_PIXELS, b"")


def _as_signals(item: AnalysedPhoto, embedding: FloatArray) -> SceneSignals:
    saliency = np.zeros((15, 15), np.float32)
    seen = (item.tags, item.utility, item.quality, item.print, saliency, item.objects, item.aesthetics)
    return SceneSignals(embedding, *seen)
