"""Look-ups: every photo's facts in columns, and the names that the library knows. Search asks them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select, true

from photos_engine.columns import Coded, Table
from photos_engine.store.gathered import GatheredRepository
from photos_engine.store.tables import (
    analysis,
    decision,
    file,
    is_present,
    model,
    person_region,
    photo,
    place,
)
from photos_engine.types import Decision, Gathered, Place


class Trait(StrEnum):
    """A plain fact of a file or of what a person decided, that photos can be asked for."""

    UPRIGHT = "upright"
    WIDE = "wide"
    SQUARE = "square"
    PANORAMA = "panorama"
    MOVING = "moving"
    LOCATED = "located"
    FAVOURITE = "favourite"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True, eq=False)
class Roster(Table):
    """Every present photo in columns, by ascending key: what most questions about many photos need.

    keys (n,) int64; taken_utc and taken_local (n,) float64, seconds since 1970, the latter by the photo's own
    clock; place_ids (n,) int64, 0 for no place; widths_px, heights_px (n,) int32; ratings (n,) int8, 0 for none;
    is_moving, is_located (n,). A camera is its make, a line break, its model; what is not known is empty.
    """

    keys: NDArray[np.int64]
    taken_utc: NDArray[np.float64]
    taken_local: NDArray[np.float64]
    place_ids: NDArray[np.int64]
    widths_px: NDArray[np.int32]
    heights_px: NDArray[np.int32]
    ratings: NDArray[np.int8]
    is_moving: NDArray[np.bool_]
    is_located: NDArray[np.bool_]
    date_sources: Coded
    formats: Coded
    cameras: Coded
    lenses: Coded

    def after(self, changed: NDArray[np.int64], present: Roster) -> Roster:
        """As it is now. changed (m,): the keys of photos that may have changed since; present: those of them there are.

        Photos that are new are among both.
        """
        rows = self.take(np.flatnonzero(~np.isin(self.keys, changed))).followed_by(present)
        return rows.take(np.argsort(rows.keys))


BESIDE = "\n"
"""Stands between a camera's make and its model."""


class LookupRepository:
    """What many photos are asked for at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def roster(self, some: NDArray[np.int64] | None = None) -> Roster:
        """All present photos, or those of a few: half a second for 100,000 of them."""
        columns = (
            *(photo.c.id, photo.c.taken_utc, photo.c.utc_offset_s, photo.c.date_source, photo.c.place_id),
            *(photo.c.width_px, photo.c.height_px, photo.c.rating, photo.c.has_embedded_video),
            *(photo.c.latitude.is_not(None), photo.c.format, photo.c.lens),
            func.coalesce(photo.c.camera_make, "") + BESIDE + func.coalesce(photo.c.camera_model, ""),
        )
        present = select(file.c.photo_id).where(is_present)
        statement = select(*columns).where(photo.c.id.in_(present)).order_by(photo.c.id)
        if some is not None:
            statement = statement.where(photo.c.id.in_(some.tolist()))
        rows = self._connection.execute(statement).all()
        keys, taken, offsets, sources, places, widths, heights, ratings, moving, located, formats, lenses, cameras = (
            zip(*rows, strict=True) if rows else ((),) * len(columns)
        )
        taken_utc, key_column = np.array(taken, np.float64), np.array(keys, np.int64)
        return Roster(
            keys=key_column,
            taken_utc=taken_utc,
            taken_local=taken_utc + np.array(offsets, np.float64),
            place_ids=np.fromiter((place_id or 0 for place_id in places), np.int64),
            widths_px=np.array(widths, np.int32),
            heights_px=np.array(heights, np.int32),
            ratings=self._with_given_ratings(key_column, np.fromiter((stars or 0 for stars in ratings), np.int8)),
            is_moving=np.array(moving, np.bool_) | np.isin(key_column, self._with_video()),
            is_located=np.array(located, np.bool_),
            date_sources=Coded.of(sources),
            formats=Coded.of(formats),
            cameras=Coded.of(cameras),
            lenses=Coded.of([lens or "" for lens in lenses]),
        )

    def _with_video(self) -> list[int]:
        statement = select(file.c.photo_id).where(file.c.role == "video", file.c.gone_utc.is_(None))
        return [key for key in self._connection.scalars(statement) if key is not None]

    def _with_given_ratings(self, keys: NDArray[np.int64], own: NDArray[np.int8]) -> NDArray[np.int8]:
        """Ratings, with those that photos were given from their copies; one that is rejected stays so."""
        ratings = own.copy()
        for key, rows in self._given().items():
            row = int(np.searchsorted(keys, key))
            if row < len(keys) and keys[row] == key and own[row] >= 0:
                ratings[row] = max(own[row], *(given.rating or 0 for given in rows))
        return ratings

    def decided(self) -> Mapping[Decision, NDArray[np.int64]]:
        """Decision -> the photos that it was made about, keys (n,) ascending."""
        statement = select(decision.c.decision, photo.c.id).join(photo, photo.c.content_hash == decision.c.subject)
        found: dict[Decision, list[int]] = {}
        for name, key in self._connection.execute(statement):
            found.setdefault(Decision(name), []).append(key)
        return {name: np.array(sorted(keys), np.int64) for name, keys in found.items()}

    def places(self) -> list[tuple[Place, int]]:
        """The places of the library's photos and how many photos each has, most first."""
        count = func.count()
        columns = [place.c[name] for name in Place.__dataclass_fields__]
        statement = select(*columns, count).join(photo, photo.c.place_id == place.c.geoname_id)
        statement = statement.group_by(place.c.geoname_id).order_by(count.desc(), place.c.geoname_id)
        return [(Place(*fields), n) for *fields, n in self._connection.execute(statement)]

    def people_by_photo(self) -> list[tuple[int, str, float]]:
        """(photo key, name, 1.0) of every person named in a photo or in a copy that it was merged with, once each."""
        named = {
            (key, name)
            for key, name in self._connection.execute(select(person_region.c.photo_id, person_region.c.name))
        }
        named |= {
            (key, person.name) for key, rows in self._given().items() for given in rows for person in given.people
        }
        return [(key, name, 1.0) for key, name in named]

    def _given(self) -> Mapping[int, tuple[Gathered, ...]]:
        """Photo key -> what it was given from its copies: a person merges tens of groups, or hundreds."""
        given = GatheredRepository(self._connection).all()
        keys = select(photo.c.content_hash, photo.c.id).where(photo.c.content_hash.in_(given))
        return {key: given[content_hash] for content_hash, key in self._connection.execute(keys)} if given else {}

    def people_found(self, model_name: str, label: str, keys: NDArray[np.int64] | None = None) -> list[tuple[int, int]]:
        """(photo key, how many were found as `label`) of photos with any, in all photos or in a few."""
        item = func.json_each(analysis.c.objects).table_valued("value")
        found = select(analysis.c.photo_id, func.count()).select_from(analysis.join(model).join(item, true()))
        found = found.where(model.c.name == model_name, analysis.c.objects != "[]")
        found = found.where(func.json_extract(item.c.value, "$[0]") == label).group_by(analysis.c.photo_id)
        if keys is not None:
            found = found.where(analysis.c.photo_id.in_(keys.tolist()))
        return [(key, count) for key, count in self._connection.execute(found).all()]
