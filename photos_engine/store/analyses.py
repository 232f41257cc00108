"""Analyses: what each model saw in each photo. Two models' analyses lie side by side."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, delete, exists, func, select
from sqlalchemy.dialects.sqlite import insert

from photos_engine.store.photos import KEYS_PER_STATEMENT
from photos_engine.store.tables import analysis, file, is_present, listed, model, photo, tag
from photos_engine.types import (
    EMBEDDING_DIMENSIONS,
    AnalysedPhoto,
    Census,
    DateSource,
    DetectedObject,
    FloatArray,
    Photo,
    QualitySignals,
    SceneSignals,
    Stack,
)

# Half precision: cosines change by less than 0.001, and a million embeddings take 1 GB, not 2.
STORED_EMBEDDING = np.dtype("<f2")

_TIMED = frozenset(source.value for source in DateSource if source.is_timed)


@dataclass(frozen=True, slots=True)
class StoredSignals:
    """A `SceneSignals` without its arrays."""

    tags: dict[str, float]
    utility: dict[str, float]
    quality: QualitySignals
    print: bytes
    objects: tuple[DetectedObject, ...]
    aesthetics: float | None

    def of(self, photo: Photo, stack: Stack | None = None) -> AnalysedPhoto:
        """The photo that they were seen in, with them."""
        return AnalysedPhoto(
            photo, self.tags, self.utility, self.quality, self.print, stack, self.objects, self.aesthetics
        )


class AnalysisRepository:
    """Signals, tags and embeddings, by model."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, model_name: str, analysed: Iterable[tuple[int, SceneSignals]]) -> None:
        """Store what a model saw in photos, in place of what it saw before."""
        model_id = self._model_id(model_name)
        rows, tags = [], []
        for key, signals in analysed:
            rows.append({"photo_id": key, "model_id": model_id, **_analysis_row(signals)})
            tags += [
                {"photo_id": key, "model_id": model_id, "tag": name, "probability": round(p, 4)}
                for name, p in signals.tags.items()
            ]
        if not rows:
            return
        keys = [row["photo_id"] for row in rows]
        for table in (tag, analysis):
            self._connection.execute(delete(table).where(table.c.model_id == model_id, table.c.photo_id.in_(keys)))
        self._connection.execute(insert(analysis), rows)
        if tags:
            self._connection.execute(insert(tag), tags)

    def _model_id(self, name: str) -> int:
        self._connection.execute(insert(model).values(name=name).on_conflict_do_nothing())
        return int(self._connection.execute(select(model.c.id).where(model.c.name == name)).scalar_one())

    def embedding(self, model_name: str, key: int) -> FloatArray | None:
        """One photo's embedding, (512,) float32; None for a photo without analysis."""
        statement = select(analysis.c.embedding).join(model)
        blob = self._connection.scalar(statement.where(model.c.name == model_name, analysis.c.photo_id == key))
        return None if blob is None else _as_matrix([blob]).reshape(-1)

    def signals(self, model_name: str, keys: Sequence[int] | None = None) -> dict[int, StoredSignals]:
        """Photo key -> signals, for all photos or for some."""
        quality_columns = [analysis.c[item.name] for item in fields(QualitySignals)]
        others = (analysis.c.utility, analysis.c.print, analysis.c.objects, analysis.c.aesthetics)
        statement = select(analysis.c.photo_id, *quality_columns, *others).join(model)
        statement = statement.where(model.c.name == model_name)
        tag_statement = (
            select(tag.c.photo_id, tag.c.tag, tag.c.probability).join(model).where(model.c.name == model_name)
        )
        named: dict[str, str] = {}
        if keys is not None:
            statement = statement.where(analysis.c.photo_id.in_(listed))
            tag_statement = tag_statement.where(tag.c.photo_id.in_(listed))
            named["listed"] = json.dumps([int(key) for key in keys])
        tags: dict[int, dict[str, float]] = defaultdict(dict)
        for key, name, probability in self._connection.execute(tag_statement, named).all():
            tags[key][name] = probability
        return {
            key: StoredSignals(
                tags.get(key, {}), utility, QualitySignals(*quality), print_, _as_objects(objects), aesthetics
            )
            for key, *quality, utility, print_, objects, aesthetics in self._connection.execute(statement, named).all()
        }

    def keys(self, model_name: str) -> NDArray[np.int64]:
        """The keys of the present photos that a model has analysed, (n,) int64 ascending."""
        statement = (
            select(analysis.c.photo_id)
            .join(model)
            .where(model.c.name == model_name)
            .where(exists().where(file.c.photo_id == analysis.c.photo_id, is_present))
            .order_by(analysis.c.photo_id)
        )
        return np.array(self._connection.scalars(statement).all(), np.int64)

    def census(self, model_name: str) -> Census:
        """The present photos that a model has analysed, in columns, by time of capture, then id."""
        columns = (photo.c.id, photo.c.content_hash, photo.c.taken_utc, photo.c.date_source, analysis.c.print)
        statement = (
            select(*columns)
            .join(analysis, analysis.c.photo_id == photo.c.id)
            .join(model)
            .where(model.c.name == model_name)
            .where(exists().where(file.c.photo_id == photo.c.id, is_present))
            .order_by(photo.c.taken_utc, photo.c.content_hash)
        )
        rows = self._connection.execute(statement).all()
        keys, ids, times, sources, prints = zip(*rows, strict=True) if rows else ((),) * len(columns)
        return Census(
            keys=np.array(keys, np.int64),
            ids=ids,
            utc_s=np.array(times, np.float64),
            is_timed=np.array([source in _TIMED for source in sources], bool),
            prints=prints,
        )

    def keys_by_time(self, model_name: str) -> list[int]:
        """The keys of the present photos that a model has analysed, by time of capture, then id."""
        statement = (
            select(photo.c.id)
            .join(analysis, analysis.c.photo_id == photo.c.id)
            .join(model)
            .where(model.c.name == model_name)
            .where(exists().where(file.c.photo_id == photo.c.id, is_present))
            .order_by(photo.c.taken_utc, photo.c.content_hash)
        )
        return list(self._connection.scalars(statement))

    def embeddings(self, model_name: str, keys: NDArray[np.int64]) -> FloatArray:
        """The embeddings of analysed photos: (len(keys), 512) float32, L2-normalised, in the order of `keys`."""
        statement = select(analysis.c.photo_id, analysis.c.embedding).join(model).where(model.c.name == model_name)
        # Reading all rows beats naming most of them.
        if len(keys) <= KEYS_PER_STATEMENT:
            statement = statement.where(analysis.c.photo_id.in_(keys.tolist()))
        # At once: row by row takes thrice as long.
        blobs = {key: blob for key, blob in self._connection.execute(statement).all()}
        return _as_matrix([blobs[key] for key in keys.tolist()])

    def known_embeddings(self, model_name: str, keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], FloatArray]:
        """The embeddings of those of at most 30,000 photos that a model has analysed: keys (n,) ascending, (n, 512)."""
        statement = select(analysis.c.photo_id, analysis.c.embedding).join(model).order_by(analysis.c.photo_id)
        statement = statement.where(model.c.name == model_name, analysis.c.photo_id.in_(keys.tolist()))
        rows = self._connection.execute(statement).all()
        return np.array([key for key, _ in rows], np.int64), _as_matrix([blob for _, blob in rows])

    def saliency(self, model_name: str, key: int) -> FloatArray | None:
        """One photo's saliency map, (rows, columns) float32; None for a photo without analysis."""
        statement = select(analysis.c.saliency, analysis.c.saliency_rows).join(model)
        row = self._connection.execute(
            statement.where(model.c.name == model_name, analysis.c.photo_id == key)
        ).one_or_none()
        if row is None:
            return None
        return np.frombuffer(row.saliency, np.uint8).reshape(row.saliency_rows, -1).astype(np.float32) / np.float32(255)

    def tags_by_photo(self, model_name: str, keys: NDArray[np.int64] | None = None) -> list[tuple[int, str, float]]:
        """(photo key, tag, probability) of every tag that a model saw, in all photos or in a few."""
        statement = select(tag.c.photo_id, tag.c.tag, tag.c.probability).join(model).where(model.c.name == model_name)
        if keys is not None:
            statement = statement.where(tag.c.photo_id.in_(keys.tolist()))
        return [(key, name, probability) for key, name, probability in self._connection.execute(statement).all()]

    def tag_counts(self, model_name: str) -> dict[str, int]:
        """Tag -> how many photos have it, most frequent first."""
        count = func.count()
        statement = select(tag.c.tag, count).join(model).where(model.c.name == model_name).group_by(tag.c.tag)
        return {name: n for name, n in self._connection.execute(statement.order_by(count.desc(), tag.c.tag))}


def _analysis_row(signals: SceneSignals) -> dict[str, object]:
    return {
        "embedding": signals.embedding.astype(STORED_EMBEDDING).tobytes(),
        "print": signals.print,
        **asdict(signals.quality),
        "utility": {kind: round(float(p), 4) for kind, p in signals.utility.items()},
        "saliency": np.rint(signals.saliency * 255).astype(np.uint8).tobytes(),
        "saliency_rows": signals.saliency.shape[0],
        "objects": [[o.label, [round(float(x), 4) for x in o.box], round(float(o.score), 4)] for o in signals.objects],
        "aesthetics": None if signals.aesthetics is None else float(signals.aesthetics),
    }


def _as_objects(rows: list[list[Any]]) -> tuple[DetectedObject, ...]:
    return tuple(DetectedObject(label, (box[0], box[1], box[2], box[3]), score) for label, box, score in rows)


def _as_matrix(blobs: Sequence[bytes]) -> FloatArray:
    stored = np.frombuffer(b"".join(blobs), STORED_EMBEDDING)
    matrix: FloatArray = stored.reshape(-1, EMBEDDING_DIMENSIONS).astype(np.float32)
    # Half precision costs the unit length a little; cosines want it exact.
    matrix /= np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return matrix
