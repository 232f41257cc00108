"""Libraries without pictures: snapshots of a scripted life, for tests of everything that is derived.

`Life` writes photos one by one; `life_from_truth` takes the truth file of a scripted library. Signals are
those of an analyzer that is always right: a theme gives its tags, its own corner of the embedding space,
and a source's copies nearly the source's own vector.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np

from photos_engine.types import (
    EMBEDDING_DIMENSIONS,
    UTILITY_KINDS,
    AnalysedPhoto,
    CaptureFacts,
    DateSource,
    Decision,
    DetectedObject,
    FloatArray,
    GeoPoint,
    PersonRegion,
    Photo,
    Place,
    QualitySignals,
    Snapshot,
    Stack,
    StoredDecision,
    Tag,
    ZoneSource,
)

MODEL = "fake-1"

TAGS: Mapping[str, Tag] = {
    tag.id: tag
    for tag in (
        Tag("outdoors", "outdoors", "place", memorable=0.2),
        Tag("animal", "animal", "animal", mood="playful"),
        Tag("pet", "pet", "animal", ("animal",), mood="playful", memorable=0.7),
        Tag("dog", "dog", "animal", ("pet",), ("puppy",), "playful", 0.8),
        Tag("sport", "sport", "sport", mood="energetic", memorable=0.6),
        Tag("soccer", "soccer", "sport", ("sport",), ("football",), "energetic", 0.75),
        Tag("basketball", "basketball", "sport", ("sport",), (), "energetic", 0.75),
        Tag("cycling", "cycling", "sport", ("sport",), (), "adventurous", 0.7),
        Tag("beach", "beach", "place", ("outdoors",), ("seaside",), "uplifting", 0.85),
        Tag("snow", "snow", "weather", ("outdoors",), (), "dreamy", 0.65),
        Tag("mountain", "mountain", "nature", ("outdoors",), (), "epic", 0.75),
        Tag("glacier", "glacier", "nature", ("outdoors",), (), "epic", 0.8),
        Tag("forest", "forest", "nature", ("outdoors",), (), "serene", 0.65),
        Tag("lake", "lake", "nature", ("outdoors",), (), "serene", 0.7),
        Tag("sea", "sea", "nature", ("outdoors",), (), "serene", 0.75),
        Tag("city", "city", "place", ("outdoors",), (), "groovy", 0.55),
        Tag("park", "park", "place", ("outdoors",), (), "uplifting", 0.5),
        Tag("swimming_pool", "swimming pool", "place", (), (), "joyful", 0.7),
        Tag("dinner_table", "dinner table", "indoor", (), (), "cosy", 0.8),
        Tag("baby", "baby", "person", (), (), "tender", 0.95),
        Tag("sunset", "sunset", "time_of_day", ("outdoors",), (), "dreamy", 0.85),
        Tag("christmas", "Christmas", "event", (), (), "festive", 0.95),
        Tag("halloween", "Halloween", "event", (), (), "playful", 0.9),
        Tag("birthday_cake", "birthday cake", "food", (), (), "joyful", 0.95),
        Tag("person", "person", "person", memorable=0.5),
    )
}

THEMES: Mapping[str, tuple[str, ...]] = {
    "pet": ("dog", "pet"),
    "table": ("dinner_table",),
    "bike": ("cycling",),
    "pool": ("swimming_pool",),
    "daily": ("person",),
}

# (city, region, country, code, latitude, longitude): what a gazetteer would say around these positions.
CITIES = (
    ("Lyon", "Auvergne-Rhône-Alpes", "France", "FR", 45.764, 4.8357),
    ("Leeds", "England", "United Kingdom", "GB", 53.8008, -1.5491),
    ("Portland", "Oregon", "United States", "US", 45.5152, -122.6784),
    ("Graz", "Styria", "Austria", "AT", 47.0707, 15.4395),
    ("Chamonix", "Auvergne-Rhône-Alpes", "France", "FR", 45.9237, 6.8694),
    ("Biarritz", "Nouvelle-Aquitaine", "France", "FR", 43.4832, -1.5586),
    ("Lisbon", "Lisbon", "Portugal", "PT", 38.7223, -9.1393),
    ("Zermatt", "Valais", "Switzerland", "CH", 46.0207, 7.7491),
    ("Annecy", "Auvergne-Rhône-Alpes", "France", "FR", 45.8992, 6.1294),
    ("Barcelona", "Catalonia", "Spain", "ES", 41.3874, 2.1686),
    ("Reykjavik", "Capital Region", "Iceland", "IS", 64.1466, -21.9426),
    ("Kyoto", "Kyoto", "Japan", "JP", 35.0116, 135.7681),
    ("Cape Town", "Western Cape", "South Africa", "ZA", -33.9249, 18.4241),
    ("Amsterdam", "North Holland", "Netherlands", "NL", 52.3676, 4.9041),
    ("Jasper", "Alberta", "Canada", "CA", 52.8737, -118.0814),
    ("Honolulu", "Hawaii", "United States", "US", 21.3069, -157.8583),
    ("Auckland", "Auckland", "New Zealand", "NZ", -36.8485, 174.7633),
)
PLACES = {row[0]: Place(*row, geoname_id=n + 1) for n, row in enumerate(CITIES)}
POINTS = {name: (place.latitude, place.longitude) for name, place in PLACES.items()}

GOOD = QualitySignals(0.8, 0.8, 0.9, 0.8)
SPOILED = QualitySignals(0.05, 0.05, 0.3, 0.05)


def place_near(latitude: float, longitude: float) -> Place | None:
    """The known city within about 30 km of a position."""

    def degrees(place: Place) -> float:
        return math.hypot(place.latitude - latitude, (place.longitude - longitude) * math.cos(math.radians(latitude)))

    nearest = min(PLACES.values(), key=degrees)
    return nearest if degrees(nearest) < 0.3 else None


@dataclass
class Life:
    """A library under construction; `home` places the photos that name no place."""

    home: str | None = "Lyon"
    seed: int = 1
    items: list[AnalysedPhoto] = field(default_factory=list)
    vectors: list[FloatArray] = field(default_factory=list)
    decisions: list[StoredDecision] = field(default_factory=list)
    away: set[date] = field(default_factory=set)
    everyday: set[int] = field(default_factory=set)  # keys of photos that are left out on days away

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)
        self._themes: dict[str, FloatArray] = {}

    def shoot(
        self,
        taken: datetime,
        theme: str = "daily",
        *,
        at: str | tuple[float, float] | None = "home",
        path: str | None = None,
        tags: Iterable[str] | None = None,
        people: Iterable[str] = (),
        keywords: Iterable[str] = (),
        source: DateSource = DateSource.EXIF,
        quality: QualitySignals = GOOD,
        utility: str | None = None,
        vector: FloatArray | None = None,
        stack: Stack | None = None,
        decisions: Iterable[Decision] = (),
        size: tuple[int, int] = (4000, 3000),
        camera: bool = True,
        objects: Iterable[DetectedObject] = (),
        aesthetics: float | None = None,
    ) -> AnalysedPhoto:
        """Add one photo; a naive `taken` is in the zone of UTC+1. `at` is a city, a position, "home" or None."""
        point = self._point(at)
        name = path or f"DCIM/{taken:%Y}/IMG_{len(self.items):05d}.jpg"
        facts = CaptureFacts(
            taken=taken if taken.tzinfo else taken.replace(tzinfo=timezone(timedelta(hours=1))),
            date_source=source,
            zone_source=ZoneSource.RECORDED,
            gps=GeoPoint(*point) if point else None,
            camera_make="Acme" if camera else None,
            camera_model="Acme One" if camera else None,
            keywords=tuple(keywords),
            people=tuple(PersonRegion(person) for person in people),
        )
        photo = Photo(
            id=hashlib.blake2b(f"{self.seed}/{name}".encode(), digest_size=16).hexdigest(),
            key=len(self.items) + 1,
            paths=(Path("/photos") / name,),
            is_gone=False,
            format="JPEG",
            size_bytes=3_000_000,
            width_px=size[0],
            height_px=size[1],
            facts=facts,
            place=place_near(*point) if point else None,
            decisions=frozenset(decisions),
        )
        names = THEMES.get(theme, (theme,) if theme in TAGS else ()) if tags is None else tuple(tags)
        item = AnalysedPhoto(
            photo=photo,
            tags=dict.fromkeys(names, 0.9),
            utility={kind: 0.97 if kind == utility else 0.001 for kind in UTILITY_KINDS},
            quality=quality,
            print=hashlib.blake2b(name.encode(), digest_size=32).digest(),
            stack=stack,
            objects=tuple(objects),
            aesthetics=aesthetics,
        )
        self.items.append(item)
        self.vectors.append(self.look(theme) if vector is None else vector)
        return item

    def stay(self, start: date, days: int, at: str, theme: str = "city", photos_a_day: int = 5, **facts: Any) -> None:
        """Add a stay: some photos spread over each day from nine in the morning."""
        self.away |= {start + timedelta(day) for day in range(days)}
        for day in range(days):
            for n in range(photos_a_day):
                clock = datetime(start.year, start.month, start.day, 9) + timedelta(
                    days=day, minutes=n * 660 / photos_a_day
                )
                self.shoot(clock, theme, at=at, **facts)

    def live(self, start: date, end: date, every_days: int = 3, theme: str = "daily", at: str = "home") -> None:
        """Add everyday life: one photo every few days, except while away."""
        for n in range(0, (end - start).days, every_days):
            day = start + timedelta(n)
            item = self.shoot(datetime(day.year, day.month, day.day, 18, n % 60), theme, at=at)
            self.everyday.add(item.photo.key)

    def decide(
        self, subject: str, decision: Decision, kind: str = "node", words: str = "", about: Iterable[str] = ()
    ) -> None:
        """Record a person's decision."""
        at = datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=len(self.decisions))
        self.decisions.append(StoredDecision(subject, kind, decision, at, words, tuple(about)))

    def look(self, theme: str, near: FloatArray | None = None, noise: float = 1.0) -> FloatArray:
        """A unit vector near a theme's own direction, or near another vector."""
        if near is None:
            near = self._themes.setdefault(theme, self._unit(self._rng.standard_normal(EMBEDDING_DIMENSIONS)))
        scatter = self._unit(self._rng.standard_normal(EMBEDDING_DIMENSIONS))
        return self._unit(near + noise * scatter)

    def snapshot(self, revision: int = 1) -> Snapshot:
        """The library so far, in order of time."""
        photos = [item.photo for item in self.items]
        there = [i for i, p in enumerate(photos) if p.key not in self.everyday or p.taken.date() not in self.away]
        order = sorted(there, key=lambda i: (photos[i].taken, photos[i].key))
        empty = np.zeros((0, EMBEDDING_DIMENSIONS), dtype=np.float32)
        vectors = np.stack([self.vectors[i] for i in order]) if order else empty
        return Snapshot(MODEL, revision, tuple(self.items[i] for i in order), vectors, tuple(self.decisions))

    def _point(self, at: str | tuple[float, float] | None) -> tuple[float, float] | None:
        if at is None or (at == "home" and self.home is None):
            return None
        point = POINTS[self.home if at == "home" and self.home else at] if isinstance(at, str) else at
        jitter = self._rng.uniform(-0.01, 0.01, 2) if isinstance(at, str) else (0.0, 0.0)
        return point[0] + float(jitter[0]), point[1] + float(jitter[1])

    @staticmethod
    def _unit(vector: np.ndarray[Any, Any]) -> FloatArray:
        return (vector / np.linalg.norm(vector)).astype(np.float32)


def life_from_truth(truth: Mapping[str, Any]) -> tuple[Snapshot, dict[str, str]]:
    """A perfect analyzer's snapshot of a scripted library's truth file, and photo id -> path.

    Exact copies become second paths of one photo, as content identity has it; messenger copies and frames
    of bursts are stacked.
    """
    life = Life(home=None, seed=int(truth.get("seed", 0)))
    by_path: dict[str, AnalysedPhoto] = {}
    row_of: dict[str, int] = {}
    for path, facts in truth["photos"].items():
        original = facts.get("duplicate_of")
        if facts.get("copy") == "exact":
            first = row_of[original]
            photo = replace(life.items[first].photo, paths=(*life.items[first].photo.paths, Path("/photos") / path))
            life.items[first] = replace(life.items[first], photo=photo)
            continue
        twin = original or facts.get("burst") or facts.get("spoils")
        near = life.vectors[row_of[twin]] if twin and twin != path else None
        keeper = original or facts.get("burst")
        stack = Stack(keeper, "copy" if original else "burst", by_path[keeper].photo.id) if keeper in by_path else None
        is_photo = facts["kind"] == "photo"
        item = life.shoot(
            datetime.fromisoformat(facts["taken"]).replace(tzinfo=timezone(timedelta(hours=facts["offset_h"]))),
            facts.get("theme", "daily"),
            at=tuple(facts["gps"]) if facts["gps"] else None,
            path=path,
            tags=None if is_photo else (),
            source=DateSource.EXIF if facts["has_exif"] else DateSource.FILE_TIME,
            quality=GOOD if facts["quality"] == "ok" else SPOILED,
            utility=None if is_photo else facts["kind"],
            vector=None if near is None else life.look("", near, 0.2),
            stack=stack,
            camera=facts["has_exif"],
        )
        by_path[path], row_of[path] = item, len(life.items) - 1
    snapshot = life.snapshot()
    return snapshot, {str(i.photo.id): str(i.photo.path.relative_to("/photos")) for i in snapshot.photos}
