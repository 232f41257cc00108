"""What each photo tells by itself: judged once a refresh, and not again for as long as the photo stays the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from photos_engine.curation import Origin, is_showable, read_origins
from photos_engine.types import AnalysedPhoto, DateSource, Photo, Snapshot, Tag

DAY_STARTS_AT_H = 4  # a party past midnight belongs to the evening on which it began

_CAME_IN = frozenset({Origin.MESSENGER, Origin.DOWNLOAD})

_EPOCH = datetime(1970, 1, 1)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Look:
    """One photo, judged: whether it may be shown, whether it tells of a life, when it was, what it shows.

    day: ordinal of the day on its own clock, which starts at 04:00. utc_s, wall_s: seconds since 1970 in UTC
    and on its own clock. tags: with all that they imply. mark: a digest of everything that a memory made of
    it depends on; equal marks, equal photos.
    """

    item: AnalysedPhoto
    is_shown: bool  # may be shown unasked, and stands for itself
    is_personal: bool  # its day is known, it isn't hidden, and no utility content
    day: int
    utc_s: float
    wall_s: float
    tags: Mapping[str, float] = field(repr=False)
    mark: bytes = field(repr=False)


def look_at(snapshot: Snapshot, tags: Mapping[str, Tag], earlier: Mapping[str, Look] | None = None) -> tuple[Look, ...]:
    """Judge every photo of a snapshot, in its order; `earlier` looks, by photo id, hold where nothing changed."""
    ancestors, earlier = ancestors_of(tags), earlier or {}
    looks = []
    for item in snapshot.photos:
        known = earlier.get(item.photo.id)
        is_as_it_was = known is not None and (known.item is item or known.item == item)
        looks.append(known if known is not None and is_as_it_was else _look(item, ancestors))
    return tuple(looks)


def ancestors_of(tags: Mapping[str, Tag]) -> dict[str, frozenset[str]]:
    """Every tag's parents, their parents, and so on; a loop in the taxonomy ends where it began."""
    closed: dict[str, frozenset[str]] = {}
    for tag in tags:
        seen: set[str] = set()
        todo = list(tags[tag].parents)
        while todo:
            parent = todo.pop()
            if parent not in seen and parent != tag:
                seen.add(parent)
                todo += tags[parent].parents if parent in tags else ()
        closed[tag] = frozenset(seen)
    return closed


def with_ancestors(found: Mapping[str, float], ancestors: Mapping[str, frozenset[str]]) -> dict[str, float]:
    """Tags with everything that they imply: a poodle is a dog is an animal, each at least as certain."""
    spread = dict(found)
    for tag, probability in found.items():
        for ancestor in ancestors.get(tag, ()):
            if probability > spread.get(ancestor, 0.0):
                spread[ancestor] = probability
    return spread


def day_of(taken: datetime) -> date:
    """The day that a photo belongs to on its own clock, days starting at 04:00."""
    return date.fromordinal(_day_ordinal((taken.replace(tzinfo=None) - _EPOCH).total_seconds()))


def _day_ordinal(wall_s: float) -> int:
    return int((wall_s - DAY_STARTS_AT_H * 3600) // 86400) + _EPOCH_ORDINAL


def is_placed(photo: Photo) -> bool:
    """Whether its day is certain enough to tell a story by: recorded, or written in the name that a camera gave it.

    A messenger or a browser also writes a day there, that on which the picture came. What only a folder or the file's
    own time tells is a guess.
    """
    if photo.is_dated or photo.facts.date_source is not DateSource.FILE_NAME:
        return photo.is_dated
    return _CAME_IN.isdisjoint(frozenset[Origin]().union(*map(read_origins, photo.paths)))


def _look(item: AnalysedPhoto, ancestors: Mapping[str, frozenset[str]]) -> Look:
    photo = item.photo
    verdict = is_showable(item)
    # Utility content tells nothing about where a person was: a receipt is photographed whenever.
    is_useful = any(reason.code.startswith("utility_") for reason in verdict.reasons)
    wall_s = (photo.taken.replace(tzinfo=None) - _EPOCH).total_seconds()
    return Look(
        item=item,
        is_shown=verdict.ok,
        is_personal=is_placed(photo) and not photo.is_hidden and not is_useful,
        day=_day_ordinal(wall_s),
        utc_s=photo.taken.astimezone(UTC).timestamp(),
        wall_s=wall_s,
        tags=with_ancestors(item.tags, ancestors),
        mark=_mark(item),
    )


def _mark(item: AnalysedPhoto) -> bytes:
    facts, stack = item.photo.facts, item.stack
    told = (
        *(item.photo.id, item.photo.key, item.photo.width_px, item.photo.height_px, item.photo.place),
        *(sorted(item.photo.decisions), facts.taken, facts.rating, facts.people, item.quality, item.aesthetics),
        *(item.tags, stack and (stack.kind, stack.group_id, stack.keeper_id)),
    )
    return hashlib.blake2b(repr(told).encode("utf-8", "backslashreplace"), digest_size=8).digest()
