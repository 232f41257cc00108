"""A small library to search: a real store and index, and an encoder that knows words by heart.

Every word has a direction of its own and a text is the sum of its words. A picture is what it shows and
three times as much of its own, as in a real space: what has half of a phrase's words is not what it says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from fakes.photos import make_decoded, make_facts, make_signals
from fakes.stored import judge_one_by_one

from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.experiences.search import Basis, Columns, Concepts, SearchSources
from photos_engine.experiences.search.understand import STOP_WORDS
from photos_engine.index import ExactIndex
from photos_engine.store import Store, UnitOfWork
from photos_engine.types import (
    EMBEDDING_DIMENSIONS,
    DateSource,
    Decision,
    DetectedObject,
    FileStamp,
    FloatArray,
    PersonRegion,
    Place,
    QualitySignals,
)

MODEL = "words-1"
TODAY = date(2024, 7, 1)
LISBON = Place("Lisbon", "Lisbon", "Portugal", "PT", 38.72, -9.14, 2267057)
SAO_PAULO = Place("São Paulo", "São Paulo", "Brazil", "BR", -23.55, -46.64, 3448439)


def encode(texts: Sequence[str]) -> FloatArray:
    """Unit vectors, (n, 512), near for texts that share words."""
    rows = [np.sum([_direction(w) for w in _words(text)] or [_direction(text)], axis=0) for text in texts]
    matrix = np.array(rows, dtype=np.float32)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix


def count_pieces(word: str) -> int:
    """The encoder knows no word as a whole, and reads Latin letters alone."""
    return len(word) if word.isascii() else 0


@cache
def known_concepts() -> Concepts:
    return Concepts.of(Taxonomy.load(), encode)


def _words(text: str) -> list[str]:
    return [word.removesuffix("s") for word in text.casefold().split() if word not in STOP_WORDS]


def _direction(word: str) -> FloatArray:
    seed = int.from_bytes(hashlib.blake2b(word.encode(errors="replace"), digest_size=8).digest(), "little")
    vector = np.random.default_rng(seed).standard_normal(EMBEDDING_DIMENSIONS).astype(np.float32)
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


@dataclass
class Library:
    """Photos, added by what they show."""

    store: Store
    index: ExactIndex = field(default_factory=lambda: ExactIndex(MODEL, EMBEDDING_DIMENSIONS))
    keys: dict[str, int] = field(default_factory=dict)
    encoded: list[str] = field(default_factory=list)

    def add(
        self,
        name: str,
        shows: str = "nothing at all",
        *,
        tags: Mapping[str, float] | None = None,
        day: str = "2023-07-14",
        date_source: DateSource = DateSource.EXIF,
        offset_h: int = 0,
        hour: int = 12,
        place: Place | None = None,
        people: Sequence[str] = (),
        decision: Decision | None = None,
        utility: Mapping[str, float] | None = None,
        sharpness: float = 0.8,
        is_gone: bool = False,
        objects: Sequence[DetectedObject] = (),
        facts: Mapping[str, Any] | None = None,
        own: float = 3.0,
        **decoded: Any,
    ) -> None:
        taken = datetime.fromisoformat(day).replace(hour=hour, tzinfo=timezone(timedelta(hours=offset_h)))
        named = tuple(PersonRegion(person) for person in people)
        known = make_facts(taken=taken, date_source=date_source, people=named, **(facts or {}))
        photo = make_decoded(name, facts=known, **decoded)
        signals = make_signals(
            embedding=_picture(name, shows, own),
            tags=dict(tags or {}),
            utility=dict(utility or {}),
            quality=QualitySignals(sharpness, 0.8, 0.8, 0.8),
            objects=tuple(objects),
        )
        path = f"/photos/{name}.jpg"
        with self.store.begin() as unit:
            key, _ = unit.photos.save(path, photo, place)
            unit.files.record_image(path, FileStamp(photo.size_bytes, 1), key)
            unit.analyses.add(MODEL, [(key, signals)])
            if decision is not None:
                unit.decisions.add(photo.content_hash, "photo", decision)
            if is_gone:
                unit.files.mark_gone([path])
        self.keys[name] = key
        self.index.add(np.array([key]), signals.embedding[None])

    def sources(self, unit: UnitOfWork, columns: Columns | None = None) -> SearchSources:
        return SearchSources(
            unit=unit,
            basis=Basis.read(unit, columns or read_columns(unit)),
            index=self.index,
            model=MODEL,
            taxonomy=Taxonomy.load(),
            encode=self._encode,
            concepts=known_concepts,
            pieces=count_pieces,
            today=TODAY,
        )

    def _encode(self, texts: Sequence[str]) -> FloatArray:
        self.encoded += texts
        return encode(texts)


def read_columns(unit: UnitOfWork, model: str = MODEL, **known: Any) -> Columns:
    """Read a library's columns, judging all photos."""
    return Columns.read(unit, model, judge_one_by_one(unit, model), **known)


def _picture(name: str, shows: str, own: float) -> FloatArray:
    vector = encode([shows])[0] + own * _direction(f"picture {name}")
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def open_library(folder: Path) -> Library:
    return Library(Store.open(folder))


def fill_with_a_life(library: Library) -> None:
    """Put in a dog, a beach or two, a Christmas, a trip to Lisbon and what lies about on every phone."""
    library.add("rex", "a dog on grass", tags={"dog": 0.9}, day="2022-05-01")
    library.add("fido", "a dog in snow", tags={"dog": 0.7, "snow": 0.9}, day="2023-01-20")
    library.add("praia_23", "a beach", tags={"beach": 0.9}, day="2023-08-02", place=LISBON, people=["Anna Müller"])
    library.add("praia_22", "a beach", tags={"beach": 0.8}, day="2022-08-02", place=SAO_PAULO)
    library.add("rua", "zithers", tags={"street": 0.8}, day="2023-08-03", place=LISBON, people=["Ben"])
    library.add("mesa_22", "a table", tags={"table": 0.8}, day="2022-12-25", facts={"keywords": ("family dinner",)})
    library.add("pinho_22", "a christmas tree", tags={"christmas_tree": 0.9, "christmas": 0.9}, day="2022-12-15")
    library.add("pinho_21", "a christmas tree", tags={"christmas_tree": 0.8, "christmas": 0.8}, day="2021-12-24")
    library.add("IMG_01234", "children playing in water", tags={"child": 0.9}, day="2021-06-05")
    library.add("Screenshot_2023", "text", day="2023-03-03", utility={"screenshot": 0.97})
    library.add("till", "text", day="2023-03-04", utility={"receipt": 0.98}, decision=Decision.FAVOURITE)
