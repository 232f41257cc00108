"""Photos: contents with their facts, wherever their files lie."""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, exists, func, or_, select, text, update
from sqlalchemy.dialects.sqlite import insert

from photos_engine.errors import PhotoNotFound
from photos_engine.store.gathered import GatheredRepository, join_facts
from photos_engine.store.tables import (
    PHOTO_TEXT_COLUMNS,
    decision,
    file,
    is_present,
    keyword,
    listed,
    person_region,
    photo,
    photo_change,
    place,
)
from photos_engine.store.texts import TextRepository
from photos_engine.types import (
    CaptureFacts,
    DateSource,
    Decision,
    DecodedPhoto,
    GeoPoint,
    PersonRegion,
    Photo,
    Place,
    ZoneSource,
)

# SQLite's limit on the variables of one statement is 32,766; short statements also cache better.
KEYS_PER_STATEMENT = 5_000
_DECIDED = select(decision.c.subject, decision.c.decision).where(decision.c.subject_kind == "photo")
_DECIDED_OF = _DECIDED.where(decision.c.subject.in_(listed))

# Not `datetime.fromtimestamp`: on Windows it refuses times before 1970.
EPOCH = datetime.fromtimestamp(0, UTC)

_PLAIN_FACTS = (
    "camera_make",
    "camera_model",
    "lens",
    "iso",
    "exposure_s",
    "f_number",
    "focal_length_mm",
    "software",
    "rating",
    "title",
    "caption",
    "burst_id",
    "content_identifier",
)


_KEYS_OF = select(photo.c.content_hash, photo.c.id).where(photo.c.content_hash.in_(listed)).order_by(photo.c.id)
_INSERT = insert(photo).returning(photo.c.id, photo.c.content_hash)
_KEY_OF = select(photo.c.id).where(photo.c.content_hash == bindparam("content_hash"))
_SEARCH_WORDS = text("SELECT rowid FROM photo_text WHERE photo_text MATCH :query")
_QUOTE_WORDS = text(
    "SELECT snippet(photo_text, -1, '[', ']', '...', 8) FROM photo_text WHERE photo_text MATCH :query AND rowid = :key"
)
_INSERT_WORDS = text(
    f"INSERT INTO photo_text (rowid, {', '.join(PHOTO_TEXT_COLUMNS)})"
    f" VALUES (:key, {', '.join(f':{name}' for name in PHOTO_TEXT_COLUMNS)})"
)

NewPhoto = tuple[str, DecodedPhoto, Place | None]  # its path, what is in it, where it was taken


class PhotoRepository:
    """The library's photos."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._saved_places: set[int] = set()

    # --- writing ---

    def add(self, photos: Sequence[NewPhoto]) -> dict[str, int]:
        """Store photos whose contents are new, each once; returns their keys by content hash."""
        if not photos:
            return {}
        for _, _, where in photos:
            self._save_place(where)
        now = time.time()
        rows = [{"content_hash": d.content_hash, "added_utc": now, **_photo_row(d, where)} for _, d, where in photos]
        keys = {content_hash: key for key, content_hash in self._connection.execute(_INSERT, rows)}
        self._save_words([(keys[d.content_hash], path, d.facts, where) for path, d, where in photos])
        for content_hash in GatheredRepository(self._connection).all(list(keys)):  # onto a photo that was here before
            self.rewrite_words(keys[content_hash])
        return keys

    def save(self, path: str, decoded: DecodedPhoto, where: Place | None) -> tuple[int, bool]:
        """Store a decoded photo's facts, new or again; returns its key, and whether its content is new."""
        key = self.key_of(decoded.content_hash)
        if key is None:
            return self.add([(path, decoded, where)])[decoded.content_hash], True
        self._save_place(where)
        self._connection.execute(update(photo).where(photo.c.id == key).values(_photo_row(decoded, where)))
        self._forget_words(key)
        self._save_words([(key, path, decoded.facts, where)])
        if GatheredRepository(self._connection).has(decoded.content_hash):
            self.rewrite_words(key)
        return key, False

    def _save_place(self, where: Place | None) -> None:
        if where is None or where.geoname_id in self._saved_places:
            return
        row = {f.name: getattr(where, f.name) for f in fields(Place)}
        statement = insert(place).values(row)
        # Who looked it up knows it as it is now; where nothing differs nothing is written.
        differs = or_(*(place.c[name] != value for name, value in row.items()))
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=["geoname_id"], set_=row, where=differs)
        )
        self._saved_places.add(where.geoname_id)

    def _forget_words(self, key: int) -> None:
        for table in (keyword, person_region):
            self._connection.execute(delete(table).where(table.c.photo_id == key))
        self._connection.execute(text("DELETE FROM photo_text WHERE rowid = :key"), {"key": key})

    def _save_words(self, photos: Iterable[tuple[int, str, CaptureFacts, Place | None]]) -> None:
        """The words of photos that have none yet: key, path, facts, place."""
        keywords, regions, texts = [], [], []
        for key, path, facts, where in photos:
            keywords += [{"photo_id": key, "keyword": word} for word in dict.fromkeys(facts.keywords)]
            regions += [
                {"photo_id": key, "position": i, "name": p.name, "box": None if p.box is None else list(p.box)}
                for i, p in enumerate(facts.people)
            ]
            places = {"file_name": _bare_name(path), "place": "" if where is None else _place_words(where)}
            texts.append({"key": key, **places, **_words_of(facts)})
        for statement, rows in ((insert(keyword), keywords), (insert(person_region), regions), (_INSERT_WORDS, texts)):
            if rows:
                self._connection.execute(statement, rows)

    def rewrite_words(self, key: int) -> None:
        """Let full-text search know a photo by all of its facts, those included that were gathered onto it."""
        facts = self.by_keys([key])[key].facts
        statement = "UPDATE photo_text SET title = :title, caption = :caption, keywords = :keywords, people = :people"
        self._connection.execute(text(f"{statement} WHERE rowid = :key"), {"key": key, **_words_of(facts)})

    def name_files(self, key: int, paths: Iterable[str]) -> None:
        """Let full-text search know a photo by the names of these files."""
        names = " ".join(_bare_name(path) for path in paths)
        self._connection.execute(
            text("UPDATE photo_text SET file_name = :names WHERE rowid = :key"), {"key": key, "names": names}
        )

    def put(self, key: int, where: Place) -> None:
        """Say at which place a photo was taken."""
        self._save_place(where)
        self._connection.execute(update(photo).where(photo.c.id == key).values(place_id=where.geoname_id))
        self._connection.execute(
            text("UPDATE photo_text SET place = :place WHERE rowid = :key"), {"key": key, "place": _place_words(where)}
        )

    def tell_of(self, where: Place) -> None:
        """Know a place of the library by other names than before, in full-text search as well."""
        self._saved_places.discard(where.geoname_id)
        self._save_place(where)
        statement = "UPDATE photo_text SET place = :place WHERE rowid IN (SELECT id FROM photo WHERE place_id = :id)"
        self._connection.execute(text(statement), {"place": _place_words(where), "id": where.geoname_id})

    def drop_fileless(self, keys: Iterable[int]) -> None:
        """Forget those of the photos that no file holds any more, not even a gone one: they were overwritten.

        Decisions about them stay, under their content's id.
        """
        for key in keys:
            if self._connection.scalar(select(exists().where(file.c.photo_id == key))):
                continue
            self._forget_words(key)
            TextRepository(self._connection).forget(key)
            self._connection.execute(delete(photo).where(photo.c.id == key))

    # --- reading ---

    def key_of(self, content_hash: str) -> int | None:
        """The key of the photo with this content."""
        key: int | None = self._connection.scalar(_KEY_OF, {"content_hash": content_hash})
        return key

    def keys_of(self, content_hashes: Iterable[str]) -> dict[str, int]:
        """Content hash -> key, by key, for those of some contents that are in the library."""
        named = {"listed": json.dumps(list(content_hashes))}
        return {content_hash: key for content_hash, key in self._connection.execute(_KEYS_OF, named)}

    def find(self, subject: str | os.PathLike[str]) -> Photo:
        """The photo with this id, or whose file lies at this path.

        Raises: PhotoNotFound.
        """
        name = os.fspath(subject)
        key = self.key_of(name) if len(name) == 32 else None
        if key is None:
            key = self._connection.scalar(select(file.c.photo_id).where(file.c.path == _absolute(name)))
        if key is None:
            raise PhotoNotFound(f"no photo in the library with the path or id {name}")
        return self.by_keys([key])[key]

    def by_keys(self, keys: Sequence[int]) -> dict[int, Photo]:
        """Photos by their keys; unknown keys are left out."""
        found: dict[int, Photo] = {}
        for start in range(0, len(keys), KEYS_PER_STATEMENT):
            chunk = [int(key) for key in keys[start : start + KEYS_PER_STATEMENT]]
            found |= {p.key: p for p in self._load(_statements(of_keys=True), {"listed": json.dumps(chunk)})}
        return found

    def present(self) -> list[Photo]:
        """Every photo with a present file, by time of capture, then id."""
        return self._load(_statements(of_keys=False), {})

    def changed_since(self, revision: int) -> set[int]:
        """The keys of the photos that may have changed after a revision of the library, in whatever is known of them.

        The groups that they are in aside.
        """
        return set(self._connection.scalars(select(photo_change.c.photo_id).where(photo_change.c.revision > revision)))

    def count(self) -> int:
        """How many photos have a present file."""
        return int(self._connection.scalar(select(func.count(file.c.photo_id.distinct())).where(is_present)) or 0)

    def without_region(self) -> list[int]:
        """GeoNames' ids of the library's places that are known without their region."""
        return list(self._connection.scalars(select(place.c.geoname_id).where(place.c.region == "")))

    def without_place(self) -> dict[int, GeoPoint]:
        """Photo key -> where it was taken, for the photos that say so and whose place has no name."""
        statement = select(photo.c.id, photo.c.latitude, photo.c.longitude)
        rows = self._connection.execute(statement.where(photo.c.latitude.is_not(None), photo.c.place_id.is_(None)))
        return {key: GeoPoint(latitude, longitude) for key, latitude, longitude in rows}

    def count_gone(self) -> int:
        """How many photos have lost their last file."""
        total = int(self._connection.scalar(select(func.count()).select_from(photo)) or 0)
        return total - self.count()

    def search_words(self, query: str) -> list[int]:
        """The keys of the photos whose words match an FTS5 query."""
        return list(self._connection.scalars(_SEARCH_WORDS, {"query": query}))

    def quote_words(self, query: str, key: int) -> str:
        """The words of one photo that match an FTS5 query, marked by [ ], with those around them; else nothing."""
        return self._connection.scalar(_QUOTE_WORDS, {"query": query, "key": key}) or ""

    def _load(self, ask: _Statements, named: Mapping[str, str]) -> list[Photo]:
        rows = self._connection.execute(ask.photos, named).all()
        paths = self._files(ask.files, named)
        words: dict[int, list[str]] = defaultdict(list)
        for key, word in self._connection.execute(ask.keywords, named):
            words[key].append(word)
        people: dict[int, list[PersonRegion]] = defaultdict(list)
        for key, name, box in self._connection.execute(ask.people, named):
            people[key].append(PersonRegion(name, None if box is None else tuple(box)))
        # By name, and once: to ask a row for columns takes three times as long.
        owns = [dict(zip(_OWN, row, strict=False)) for row in rows]
        ids = [own["content_hash"] for own in owns] if len(owns) <= KEYS_PER_STATEMENT else None  # else those of all
        decided = self._decisions(ids)
        where: dict[int, Place] = {}
        photos = [
            _as_photo(
                *(own, _place_of(own, row, where), paths.get(own["id"], _NO_FILES)),
                *(words.get(own["id"], ()), people.get(own["id"], ()), decided),
            )
            for own, row in zip(owns, rows, strict=True)
        ]
        gathered = GatheredRepository(self._connection).all(ids)
        return [replace(p, facts=join_facts(p.facts, gathered[p.id])) if p.id in gathered else p for p in photos]

    def _files(self, statement: Select[Any], named: Mapping[str, str]) -> dict[int, _Files]:
        grouped: dict[int, _Files] = defaultdict(_Files)
        for key, path, role, gone, error in self._connection.execute(statement, named):
            files, is_there = grouped[key], gone is None and error is None
            if role == "image":
                (files.present if is_there else files.gone).append(Path(path))
            elif is_there:
                files.video = Path(path)
        return grouped

    def _decisions(self, ids: Sequence[str] | None) -> Mapping[str, frozenset[Decision]]:
        """Those about some photos, or about all, by the photo's id."""
        found: dict[str, set[Decision]] = defaultdict(set)
        statement, named = (_DECIDED, {}) if ids is None else (_DECIDED_OF, {"listed": json.dumps(ids)})
        for subject, name in self._connection.execute(statement, named):
            found[subject].add(Decision(name))
        return {subject: frozenset(names) for subject, names in found.items()}


def _words_of(facts: CaptureFacts) -> dict[str, str | None]:
    return {
        "title": facts.title,
        "caption": facts.caption,
        "keywords": " ".join(facts.keywords),
        "people": " ".join(person.name for person in facts.people),
    }


def _place_words(where: Place) -> str:
    return f"{where.city} {where.region} {where.country}"


def _bare_name(path: str) -> str:
    return Path(path).stem.encode(errors="replace").decode()


def _absolute(name: str) -> str:
    return os.path.abspath(name)  # noqa: PTH100  resolve() would follow links, and a link is a file of its own


@dataclass(frozen=True, slots=True)
class _Statements:
    """What is asked for photos and for what belongs to them, put into words once: that takes longer than to answer."""

    photos: Select[Any]
    files: Select[Any]
    keywords: Select[Any]
    people: Select[Any]


@cache
def _statements(*, of_keys: bool) -> _Statements:
    """For those that `listed` names, or for all that are present."""

    def related(key: Any) -> Any:
        return key.in_(listed) if of_keys else key.is_not(None)

    there = exists().where(file.c.photo_id == photo.c.id, is_present)
    photos = select(photo, place).outerjoin(place).where(related(photo.c.id) if of_keys else there)
    files = select(file.c.photo_id, file.c.path, file.c.role, file.c.gone_utc, file.c.error)
    people = select(person_region.c.photo_id, person_region.c.name, person_region.c.box)
    words = select(keyword.c.photo_id, keyword.c.keyword)
    return _Statements(
        photos.order_by(photo.c.taken_utc, photo.c.content_hash),
        files.where(related(file.c.photo_id)).order_by(file.c.path),
        words.where(related(keyword.c.photo_id)).order_by(keyword.c.keyword),
        people.where(related(person_region.c.photo_id)).order_by(person_region.c.position),
    )


class _Files:
    """The files of one photo while they are gathered."""

    __slots__ = ("gone", "present", "video")

    def __init__(self) -> None:
        self.present: list[Path] = []
        self.gone: list[Path] = []
        self.video: Path | None = None


_NO_FILES = _Files()


def _photo_row(decoded: DecodedPhoto, where: Place | None) -> dict[str, object]:
    facts = decoded.facts
    offset = facts.taken.utcoffset() or timedelta()
    return {
        "format": decoded.format,
        "size_bytes": decoded.size_bytes,
        "width_px": decoded.width_px,
        "height_px": decoded.height_px,
        "taken_utc": facts.taken.timestamp(),
        "utc_offset_s": round(offset.total_seconds()),
        "date_source": facts.date_source.value,
        "zone_source": facts.zone_source.value,
        "latitude": facts.gps and facts.gps.latitude,
        "longitude": facts.gps and facts.gps.longitude,
        "altitude_m": facts.gps and facts.gps.altitude_m,
        "place_id": where and where.geoname_id,
        "has_embedded_video": int(facts.has_embedded_video),
        **{name: getattr(facts, name) for name in _PLAIN_FACTS},
    }


_OWN = tuple(photo.c.keys())
_PLACE = slice(len(_OWN), None)


def _place_of(own: Mapping[str, Any], row: Row[Any], places: dict[int, Place]) -> Place | None:
    """Where a photo of a row of `photo` and `place` was taken; places: those met so far, each made once."""
    place_id = own["place_id"]
    if place_id is not None and place_id not in places:
        places[place_id] = Place(**dict(zip(place.c.keys(), row[_PLACE], strict=True)))
    return places.get(place_id)


def _as_photo(
    own: Mapping[str, Any],
    where: Place | None,
    files: _Files,
    keywords: Iterable[str],
    people: Iterable[PersonRegion],
    decided: Mapping[str, frozenset[Decision]],
) -> Photo:
    """One photo of its row of `photo`, by the columns' names."""
    gps = None
    if own["latitude"] is not None:
        gps = GeoPoint(own["latitude"], own["longitude"], own["altitude_m"])
    zone = timezone(timedelta(seconds=own["utc_offset_s"]))
    facts = CaptureFacts(
        taken=(EPOCH + timedelta(seconds=own["taken_utc"])).astimezone(zone),
        date_source=DateSource(own["date_source"]),
        zone_source=ZoneSource(own["zone_source"]),
        gps=gps,
        keywords=tuple(keywords),
        people=tuple(people),
        has_embedded_video=bool(own["has_embedded_video"]),
        **{name: own[name] for name in _PLAIN_FACTS},
    )
    return Photo(
        id=own["content_hash"],
        key=own["id"],
        paths=tuple(files.present or files.gone),
        is_gone=not files.present,
        format=own["format"],
        size_bytes=own["size_bytes"],
        width_px=own["width_px"],
        height_px=own["height_px"],
        facts=facts,
        place=where,
        video_path=files.video,
        decisions=decided.get(own["content_hash"], frozenset()),
    )
