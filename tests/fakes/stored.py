"""A library on disk that holds a scripted life: the photos of `Life`, written through the store."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from fakes.photos import make_decoded

from photos_engine.store import Store
from photos_engine.types import AnalysedPhoto, FileStamp, SceneSignals, Snapshot


def store_photos(store: Store, snapshot: Snapshot, only: Sequence[AnalysedPhoto] | None = None) -> None:
    """Let the store know the photos of a snapshot, or some of them, as its model has analysed them."""
    wanted = {item.photo.id for item in snapshot.photos if only is None or item in only}
    with store.begin() as unit:
        if unit.models.is_none_active:
            unit.models.adopt(snapshot.model)
        for item, embedding in zip(snapshot.photos, snapshot.embeddings, strict=True):
            photo = item.photo
            if photo.id not in wanted:
                continue
            facts = {"content_hash": photo.id, "size_bytes": photo.size_bytes, "format": photo.format}
            sizes = {"width_px": photo.width_px, "height_px": photo.height_px}
            decoded = make_decoded(facts=photo.facts, **facts, **sizes)
            key, _ = unit.photos.save(str(photo.path), decoded, photo.place)
            unit.files.record_image(str(photo.path), FileStamp(photo.size_bytes, 1), key)
            saliency = np.zeros((9, 9), np.float32)
            seen = (item.tags, item.utility, item.quality, item.print, saliency, item.objects, item.aesthetics)
            unit.analyses.add(snapshot.model, [(key, SceneSignals(embedding, *seen))])
        unit.touch()
