"""What the graph's questions answer with, beyond the types that cross every layer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from photos_engine.types import GeoPoint, Reason


@dataclass(frozen=True, slots=True)
class Moment:
    """Photographs taken together; `place` is the city's name where it is known."""

    node: str
    start: datetime
    end: datetime
    place: str | None
    photo_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Celebration:
    """A feast that was celebrated; `slug` is the holiday ("christmas"), `person` whose birthday it was."""

    node: str
    slug: str
    title: str
    day: date
    photo_ids: tuple[str, ...]
    confidence: float
    reasons: tuple[Reason, ...]
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Home:
    """Where the person lived from `start` to `end`, which is None for the present home."""

    node: str
    label: str
    point: GeoPoint
    country_code: str | None
    start: date
    end: date | None
    confidence: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """Somebody whom the photos' metadata name."""

    node: str
    name: str
    photos: int
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class KnownPet:
    """An animal that keeps coming back.

    `name` is what the person or the photos' keywords call it, `label` that or its species. `number` tells it from
    others of its species, None where it is the only one.
    """

    node: str
    species: str
    label: str
    name: str | None
    number: int | None
    photo_ids: tuple[str, ...]
    months: int
    confidence: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class KnownPlace:
    """A city, region or country with photographs; `kind` says which."""

    node: str
    kind: str
    label: str
    country_code: str
    photos: int
    days: int
    years: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Related:
    """A node near to another, with how strongly (0 to 1) and why."""

    node: str
    kind: str
    label: str
    strength: float
    reasons: tuple[Reason, ...]
