"""A library on disk: the photos of a scripted `Life` written through the store, and what all stored ones are judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from fakes.photos import make_decoded

from photos_engine.curation import assess_quality, assess_utility
from photos_engine.store import Store, UnitOfWork
from photos_engine.types import AnalysedPhoto, FileStamp, SceneSignals, Snapshot
from photos_engine.verdicts import Verdicts


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


def judge_one_by_one(unit: UnitOfWork, model: str) -> Verdicts:
    """What every photo that a model has seen serves for, whatever was decided, by ascending key."""
    keys = unit.analyses.keys(model).tolist()
    photos, signals = unit.photos.by_keys(keys), unit.analyses.signals(model, keys)
    items = [signals[key].of(replace(photos[key], decisions=frozenset())) for key in keys]
    return Verdicts.of(items, [assess_utility(item) for item in items], [assess_quality(item) for item in items])
