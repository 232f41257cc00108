"""Look-ups: every photo's facts in columns, and the names that the library knows. Search asks them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, LargeBinary, cast, func, literal, select, true

from photos_engine.store.gathered import GatheredRepository
from photos_engine.store.tables import (
    analysis,
    decision,
    file,
    gathered,
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
class Column:
    """One of few values for each photo. codes (n,) int32, places in `values`."""

    codes: NDArray[np.int32]
    values: tuple[str, ...]

    @classmethod
    def of(cls, items: Sequence[str]) -> Column:
        """A column of these items."""
        numbers: dict[str, int] = {}
        codes = np.fromiter((numbers.setdefault(item, len(numbers)) for item in items), np.int32, len(items))
        return cls(codes, tuple(numbers))

    def joined(self, other: Column, order: NDArray[np.int64]) -> Column:
        """Both, one below the other, and then in this order."""
        numbers = {value: number for number, value in enumerate(self.values)}
        theirs = [numbers.setdefault(value, len(numbers)) for value in other.values]
        codes = np.concatenate([self.codes, np.array(theirs, np.int32)[other.codes]])
        return Column(codes[order], tuple(numbers))

    def of_rows(self, rows: NDArray[np.bool_]) -> Column:
        """Those of some rows."""
        return Column(self.codes[rows], self.values)

    def is_one_of(self, values: Iterable[str]) -> NDArray[np.bool_]:
        """Which rows have one of some values, (n,)."""
        named = frozenset(values)
        return np.isin(self.codes, [number for number, value in enumerate(self.values) if value in named])


@dataclass(frozen=True, slots=True, eq=False)
class Roster:
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
    date_sources: Column
    formats: Column
    cameras: Column
    lenses: Column

    def after(self, changed: NDArray[np.int64], present: Roster) -> Roster:
        """As it is now. changed (m,): the keys of photos that may have changed since; present: those of them there are.

        Photos that are new are among both.
        """
        stays = ~np.isin(self.keys, changed)
        order = np.argsort(np.concatenate([self.keys[stays], present.keys]))

        def join(mine: Any, theirs: Any) -> Any:
            if isinstance(mine, Column):
                return mine.of_rows(stays).joined(theirs, order)
            return np.concatenate([mine[stays], theirs])[order]

        return Roster(**{f.name: join(getattr(self, f.name), getattr(present, f.name)) for f in fields(self)})


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
            date_sources=Column.of(sources),
            formats=Column.of(formats),
            cameras=Column.of(cameras),
            lenses=Column.of([lens or "" for lens in lenses]),
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

    def file_marks(self, some: NDArray[np.int64] | None = None) -> list[tuple[int, bytes]]:
        """(photo key, what its file tells of its use) of every present photo, or of a few: equal marks, equal facts.

        Names and folders, format, size, whether a camera wrote into it, place, people, stars, exposure: of these and
        of what is seen, what a photo serves for and whether it is spoiled is judged.
        """
        given = select(func.group_concat(gathered.c.id)).where(gathered.c.keeper_id == photo.c.content_hash)
        facts = (
            *(photo.c.format, photo.c.width_px, photo.c.height_px, photo.c.exposure_s, photo.c.rating),
            *(c.is_(None) for c in (photo.c.camera_make, photo.c.camera_model, photo.c.f_number, photo.c.latitude)),
            select(func.count()).where(person_region.c.photo_id == photo.c.id).scalar_subquery(),
            given.scalar_subquery(),
            func.group_concat(file.c.path),
        )
        mark: Any = literal("")
        for fact in facts:
            mark = mark.concat("|").concat(func.coalesce(fact, ""))
        statement = select(photo.c.id, cast(mark, LargeBinary)).join(file, file.c.photo_id == photo.c.id)
        if some is not None:
            statement = statement.where(photo.c.id.in_(some.tolist()))
        rows = self._connection.execute(statement.where(is_present).group_by(photo.c.id))
        return [(key, mark) for key, mark in rows.all()]
