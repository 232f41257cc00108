"""Look-ups: which photos meet a condition, and which names the library knows. Search asks them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, or_, select

from photos_engine.store.tables import analysis, decision, file, is_present, model, person_region, photo, place
from photos_engine.types import DateSource, Decision, Place

_DAY_S = 86_400
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


class LookupRepository:
    """Sets of photo keys by condition; photos that are gone may be among them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def taken_within(self, spans: Iterable[tuple[date, date]]) -> dict[int, DateSource]:
        """Photos whose date, in their own zone, lies in one of the spans (both ends included)."""
        local = photo.c.taken_utc + photo.c.utc_offset_s
        found: dict[int, DateSource] = {}
        for first, last in spans:
            start, end = _seconds(first), _seconds(last) + _DAY_S
            # The index knows UTC; no zone is a day away from it.
            near = and_(photo.c.taken_utc >= start - _DAY_S, photo.c.taken_utc < end + _DAY_S)
            statement = select(photo.c.id, photo.c.date_source).where(near, local >= start, local < end)
            found |= {key: DateSource(source) for key, source in self._connection.execute(statement)}
        return found

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

    def at_places(self, geoname_ids: Sequence[int]) -> set[int]:
        """Photos taken at these places."""
        return self._keys(select(photo.c.id).where(photo.c.place_id.in_(geoname_ids)))

    def people(self) -> list[str]:
        """The names that photos' metadata give to people."""
        return list(self._connection.scalars(select(person_region.c.name).distinct().order_by(person_region.c.name)))

    def of_people(self, names: Sequence[str]) -> set[int]:
        """Photos whose metadata name one of these people, spelled exactly so."""
        return self._keys(select(person_region.c.photo_id).where(person_region.c.name.in_(names)))

    def cameras(self) -> list[tuple[str, str]]:
        """(make, model) of the library's cameras; what is not known is empty."""
        columns = (func.coalesce(photo.c.camera_make, ""), func.coalesce(photo.c.camera_model, ""))
        return [(make, name) for make, name in self._connection.execute(select(*columns).distinct()) if make or name]

    def by_cameras(self, cameras: Sequence[tuple[str, str]]) -> set[int]:
        """Photos taken with one of these cameras, as `cameras` names them."""
        make, name = func.coalesce(photo.c.camera_make, ""), func.coalesce(photo.c.camera_model, "")
        return self._keys(select(photo.c.id).where(or_(*(and_(make == m, name == n) for m, n in cameras))))

    def with_trait(self, trait: Trait) -> set[int]:
        """Photos that have a trait."""
        return self._keys(select(photo.c.id).where(_TRAITS[trait]))

    def of_formats(self, formats: Sequence[str]) -> set[int]:
        """Photos in one of these formats, as `Photo.format` names them."""
        return self._keys(select(photo.c.id).where(photo.c.format.in_(formats)))

    def rated_from(self, stars: int) -> set[int]:
        """Photos with at least so many stars."""
        return self._keys(select(photo.c.id).where(photo.c.rating >= stars))

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

    def analysed(self, model_name: str, keys: Sequence[int]) -> set[int]:
        """Those of the photos that a model has analysed."""
        statement = select(analysis.c.photo_id).join(model).where(model.c.name == model_name)
        return self._keys(statement.where(analysis.c.photo_id.in_(keys)))

    def present(self) -> set[int]:
        """Photos with a present file."""
        statement = select(file.c.photo_id).where(is_present)
        return self._keys(statement.where(file.c.photo_id.is_not(None)))

    def _keys(self, statement: Select[Any]) -> set[int]:
        return set(self._connection.scalars(statement))


def _seconds(day: date) -> float:
    return (datetime(day.year, day.month, day.day, tzinfo=UTC) - _EPOCH).total_seconds()
