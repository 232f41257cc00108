"""Look-ups: which photos meet a condition, and which names the library knows. Search asks them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, or_, select, true

from photos_engine.store.gathered import GatheredRepository
from photos_engine.store.tables import analysis, decision, file, is_present, model, person_region, photo, place
from photos_engine.types import DateSource, Decision, Gathered, Place

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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


def _is_decided(what: Decision) -> ColumnElement[bool]:
    return exists().where(decision.c.subject == photo.c.content_hash, decision.c.decision == what.value)


_TRAITS: dict[Trait, ColumnElement[bool]] = {
    Trait.UPRIGHT: photo.c.height_px > photo.c.width_px,
    Trait.WIDE: photo.c.width_px > photo.c.height_px,
    Trait.SQUARE: photo.c.width_px == photo.c.height_px,
    Trait.PANORAMA: or_(photo.c.width_px >= 2 * photo.c.height_px, photo.c.height_px >= 2.5 * photo.c.width_px),
    Trait.MOVING: or_(
        photo.c.has_embedded_video != 0,
        exists().where(file.c.photo_id == photo.c.id, file.c.role == "video", file.c.gone_utc.is_(None)),
    ),
    Trait.LOCATED: photo.c.latitude.is_not(None),
    Trait.FAVOURITE: _is_decided(Decision.FAVOURITE),
    Trait.HIDDEN: _is_decided(Decision.HIDE),
}


@dataclass(frozen=True, slots=True, eq=False)
class Roster:
    """Every present photo in columns, by ascending key: what most questions about many photos need.

    keys (n,) int64; taken_utc and taken_local (n,) float64, seconds since 1970, the latter by the photo's own
    clock; date_sources (n,) uint8, places in `DATE_SOURCES`; place_ids (n,) int64, 0 for no place; is_hidden (n,).
    """

    keys: NDArray[np.int64]
    taken_utc: NDArray[np.float64]
    taken_local: NDArray[np.float64]
    date_sources: NDArray[np.uint8]
    place_ids: NDArray[np.int64]
    is_hidden: NDArray[np.bool_]


DATE_SOURCES = tuple(DateSource)


class LookupRepository:
    """Sets of photo keys by condition; photos that are gone may be among them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def roster(self) -> Roster:
        """All present photos: a fifth of a second for 100,000 of them."""
        columns = (photo.c.id, photo.c.taken_utc, photo.c.utc_offset_s, photo.c.date_source, photo.c.place_id)
        present = select(file.c.photo_id).where(is_present)
        statement = select(*columns).where(photo.c.id.in_(present)).order_by(photo.c.id)
        rows = self._connection.execute(statement).all()
        keys, taken, offsets, sources, places = zip(*rows, strict=True) if rows else ((),) * 5
        code = {source.value: number for number, source in enumerate(DATE_SOURCES)}
        hidden = select(photo.c.id).where(_is_decided(Decision.HIDE))
        key_column, taken_utc = np.array(keys, np.int64), np.array(taken, np.float64)
        return Roster(
            keys=key_column,
            taken_utc=taken_utc,
            taken_local=taken_utc + np.array(offsets, np.float64),
            date_sources=np.fromiter((code[source] for source in sources), np.uint8),
            place_ids=np.fromiter((place_id or 0 for place_id in places), np.int64),
            is_hidden=np.isin(key_column, list(self._connection.scalars(hidden))),
        )

    def years(self) -> tuple[int, int] | None:
        """The first and the last year of the photos' dates; None for an empty library."""
        row = self._connection.execute(select(func.min(photo.c.taken_utc), func.max(photo.c.taken_utc))).one()
        if row[0] is None:
            return None
        first, last = ((_EPOCH + timedelta(seconds=s)).year for s in row)
        return first, last

    def places(self) -> list[tuple[Place, int]]:
        """The places of the library's photos and how many photos each has, most first."""
        count = func.count()
        columns = [place.c[name] for name in Place.__dataclass_fields__]
        statement = select(*columns, count).join(photo, photo.c.place_id == place.c.geoname_id)
        statement = statement.group_by(place.c.geoname_id).order_by(count.desc(), place.c.geoname_id)
        return [(Place(*fields), n) for *fields, n in self._connection.execute(statement)]

    def people(self) -> list[str]:
        """The names that photos' metadata give to people."""
        own = self._connection.scalars(select(person_region.c.name).distinct())
        return sorted({*own, *(person.name for given in self._given() for person in given.people)})

    def people_counts(self) -> dict[str, int]:
        """The names that photos' metadata give to people -> how many photos each is in."""
        statement = select(person_region.c.name, func.count(person_region.c.photo_id.distinct()))
        return {name: count for name, count in self._connection.execute(statement.group_by(person_region.c.name))}

    def people_by_photo(self) -> list[tuple[int, str, float]]:
        """(photo key, name, 1.0) of every person named in a photo, each name once."""
        statement = select(person_region.c.photo_id, person_region.c.name).distinct()
        return [(key, name, 1.0) for key, name in self._connection.execute(statement)]

    def of_people(self, names: Sequence[str]) -> set[int]:
        """Photos whose metadata name one of these people, spelled exactly so."""
        own = select(person_region.c.photo_id).where(person_region.c.name.in_(names))
        keepers = {given.keeper_id for given in self._given() if not {p.name for p in given.people}.isdisjoint(names)}
        return self._keys(own) | self._keys(select(photo.c.id).where(photo.c.content_hash.in_(keepers)))

    def cameras(self) -> list[tuple[str, str]]:
        """(make, model) of the library's cameras; what is not known is empty."""
        columns = (func.coalesce(photo.c.camera_make, ""), func.coalesce(photo.c.camera_model, ""))
        return [(make, name) for make, name in self._connection.execute(select(*columns).distinct()) if make or name]

    def by_cameras(self, cameras: Sequence[tuple[str, str]]) -> set[int]:
        """Photos taken with one of these cameras, as `cameras` names them."""
        make, name = func.coalesce(photo.c.camera_make, ""), func.coalesce(photo.c.camera_model, "")
        return self._keys(select(photo.c.id).where(or_(*(and_(make == m, name == n) for m, n in cameras))))

    def lenses(self) -> list[str]:
        """The names of the library's lenses."""
        return list(self._connection.scalars(select(photo.c.lens).where(photo.c.lens.is_not(None)).distinct()))

    def by_lenses(self, lenses: Sequence[str]) -> set[int]:
        """Photos taken through one of these lenses."""
        return self._keys(select(photo.c.id).where(photo.c.lens.in_(lenses)))

    def head_counts(self, model_name: str, label: str) -> dict[int, int]:
        """Photo key -> how many people are in it: the most that were either found as `label` or named.

        Photos without a person are left out.
        """
        item = func.json_each(analysis.c.objects).table_valued("value")
        found = select(analysis.c.photo_id, func.count()).select_from(analysis.join(model).join(item, true()))
        found = found.where(model.c.name == model_name, analysis.c.objects != "[]")
        found = found.where(func.json_extract(item.c.value, "$[0]") == label).group_by(analysis.c.photo_id)
        named = select(person_region.c.photo_id, func.count()).group_by(person_region.c.photo_id)
        counts: dict[int, int] = {}
        for statement in (found, named):
            for key, count in self._connection.execute(statement):
                counts[key] = max(count, counts.get(key, 0))
        return counts

    def with_trait(self, trait: Trait) -> set[int]:
        """Photos that have a trait."""
        return self._keys(select(photo.c.id).where(_TRAITS[trait]))

    def of_formats(self, formats: Sequence[str]) -> set[int]:
        """Photos in one of these formats, as `Photo.format` names them."""
        return self._keys(select(photo.c.id).where(photo.c.format.in_(formats)))

    def rated_from(self, stars: int) -> set[int]:
        """Photos with at least so many stars."""
        keepers = {given.keeper_id for given in self._given() if (given.rating or 0) >= stars}
        given_it = and_(photo.c.content_hash.in_(keepers), func.coalesce(photo.c.rating, 0) >= 0)
        return self._keys(select(photo.c.id).where(or_(photo.c.rating >= stars, given_it)))

    def less_sharp_than(self, model_name: str, sharpness: float) -> dict[int, float]:
        """Photo key -> sharpness, for the photos below that."""
        statement = select(analysis.c.photo_id, analysis.c.sharpness).join(model)
        statement = statement.where(model.c.name == model_name, analysis.c.sharpness < sharpness)
        return {row.photo_id: row.sharpness for row in self._connection.execute(statement)}

    def seen_as_utility(self, model_name: str, kind: str, probability: float) -> set[int]:
        """Photos whose utility head gave a kind at least that probability."""
        seen = func.json_extract(analysis.c.utility, f'$."{kind}"')
        statement = select(analysis.c.photo_id).join(model)
        return self._keys(statement.where(model.c.name == model_name, seen >= probability))

    def without_camera(self) -> set[int]:
        """Photos into whose files no camera wrote its name."""
        return self._keys(select(photo.c.id).where(photo.c.camera_make.is_(None), photo.c.camera_model.is_(None)))

    def _given(self) -> Iterator[Gathered]:
        """What photos were given from their copies: a person merges tens of groups, or hundreds."""
        for rows in GatheredRepository(self._connection).all().values():
            yield from rows

    def _keys(self, statement: Select[Any]) -> set[int]:
        return set(self._connection.scalars(statement))
