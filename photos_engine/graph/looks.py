"""What each photo tells by itself: judged once, and not again for as long as the photo stays the same.

In columns, and kept in a file beside the database: reading a library's photos as values takes ten times as long as
all that the graph and memories make of them, and a night changes few.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, timedelta, timezone
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from photos_engine.columns import NONE, Coded, FloatVector, IntVector, Lists, Table
from photos_engine.curation import (
    Origin,
    QualityVerdict,
    UtilityVerdict,
    assess_quality,
    assess_utility,
    is_showable,
    read_origins,
)
from photos_engine.periods import period_in_folders
from photos_engine.types import AnalysedPhoto, DateSource, Photo, Place, QualitySignals, Snapshot, Stack, Tag
from photos_engine.worth import main_subject, rate_photo

DAY_STARTS_AT_H = 4  # a party past midnight belongs to the evening on which it began
SURE_OBJECT = 0.5  # where a detector is as often right as wrong

MIN_OVERALL = 0.3
"""Of a photo's quality, where the person didn't choose it themselves. Of 4,249 good photos of four scripted lives that
may be shown two lie below, of the seven dark or burnt-out ones among them four."""
SURE_TAG = 0.6
"""A theme's photos must show it: calibrated, so that at most two of five at the threshold and few above err."""
MIN_MEMORABLE = 0.55
"""Of a tag that a memory may be made of: most people's lives have something of it worth telling."""
_MOSTLY_TEXT = 0.9

_CAME_IN = frozenset({Origin.MESSENGER, Origin.DOWNLOAD})
_ARRIVED = _CAME_IN | {Origin.BACKUP, Origin.SCAN}
_A_MONTH = timedelta(days=31)
_UNKNOWN = 0, -1

_EPOCH = datetime(1970, 1, 1)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()

BoolVector = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Looks(Table):
    """The photos of a snapshot, judged, row by row: what may be shown, what tells of a life, when, and of what.

    ids (n,) bytes. is_shown: may be shown unasked, and stands for itself. is_own: it isn't hidden, and no utility
    content. is_placed: its day is known. is_personal: both. is_telling: it came out well enough to tell something, and
    isn't a page of writing alone. is_timed: to the second. stacks: its place in a group of likenesses, and is_keeper
    whether it stands for the group. day: ordinal of the day on its own clock, which starts at 04:00. first_day,
    last_day: between which it was surely taken; 0 and -1 where nothing is known of that. utc_s, wall_s: seconds since
    1970 in UTC and on its own clock. latitude, longitude: degrees, NaN without. worth: 0 to 1, of showing it. marks
    (n,) uint64: digests of everything that a memory made of it depends on; equal marks, equal photos. tags: with all
    that they imply, and how probable each is. objects: those that were surely found.
    """

    ids: NDArray[np.bytes_]
    is_shown: BoolVector
    is_personal: BoolVector
    is_placed: BoolVector
    is_own: BoolVector
    is_telling: BoolVector
    is_timed: BoolVector
    is_keeper: BoolVector
    day: IntVector
    first_day: IntVector
    last_day: IntVector
    utc_s: FloatVector
    wall_s: FloatVector
    latitude: FloatVector
    longitude: FloatVector
    worth: FloatVector
    marks: NDArray[np.uint64] = field(repr=False)
    stacks: Coded = field(repr=False)
    subjects: Coded = field(repr=False)
    places: Coded = field(repr=False)
    cameras: Coded = field(repr=False)
    tags: Lists = field(repr=False)
    people: Lists = field(repr=False)
    keywords: Lists = field(repr=False)
    objects: Lists = field(repr=False)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def photo_ids(self) -> list[str]:
        """The photos' ids."""
        ids: list[str] = self.ids.astype(np.str_).tolist()
        return ids

    def taken(self, row: int) -> datetime:
        """When a photo was taken, on its own clock."""
        zone = timezone(timedelta(seconds=round(float(self.wall_s[row] - self.utc_s[row]))))
        return (_EPOCH + timedelta(seconds=float(self.wall_s[row]))).replace(tzinfo=zone)

    def groups(self, rows: IntVector) -> IntVector:
        """(len(rows),): a number for the group of likenesses that each of some photos is in, -1 for none."""
        number: dict[str, int] = {}
        stacks = (self.stacks[row] for row in rows.tolist())
        groups = [NONE if stack is None else number.setdefault(stack[0], len(number)) for stack in stacks]
        return np.array(groups, np.int64)

    def stacked(self, stacks: Mapping[str, Stack]) -> Looks:
        """The same photos, judged each for itself, in their groups of likenesses: of each only one may be shown."""
        of_row = [stacks.get(photo_id) for photo_id in self.photo_ids]
        is_shown, is_keeper, marks = self.is_shown.copy(), self.is_keeper.copy(), self.marks.copy()
        for row, stack in enumerate(of_row):
            if stack is None:
                continue
            is_keeper[row] = stack.keeper_id.encode() == self.ids[row]
            is_shown[row] &= is_keeper[row] or stack.kind == "similar"
            marks[row] ^= np.frombuffer(_digest(_values_of_stack(stack)), np.uint64)[0]
        coded = Coded.of([stack and _values_of_stack(stack) for stack in of_row])
        return replace(self, is_shown=is_shown, is_keeper=is_keeper, marks=marks, stacks=coded)

    def place_values(self) -> tuple[Place, ...]:
        """The places that the codes of `places` stand for."""
        return tuple(Place(*value) for value in self.places.values)


def look_at(snapshot: Snapshot, tags: Mapping[str, Tag]) -> Looks:
    """Judge every photo of a snapshot, in its order."""
    items = snapshot.photos
    return judge(items, tags).stacked({item.photo.id: item.stack for item in items if item.stack})


def judge(
    items: Sequence[AnalysedPhoto],
    tags: Mapping[str, Tag],
    uses: Sequence[UtilityVerdict] | None = None,
    shots: Sequence[QualityVerdict] | None = None,
) -> Looks:
    """Judge some photos, in their order, each for itself, whatever group it is in.

    uses, shots: what each serves for, and how it came out, where that is at hand.
    """
    uses = [assess_utility(item, explain=False) for item in items] if uses is None else uses
    shots = [assess_quality(item) for item in items] if shots is None else shots
    ancestors = ancestors_of(tags)
    photos = [item.photo for item in items]
    wall_s = np.array([(p.taken.replace(tzinfo=None) - _EPOCH).total_seconds() for p in photos], np.float64)
    points = [(gps.latitude, gps.longitude) if (gps := p.facts.gps) else (np.nan, np.nan) for p in photos]
    spread = [with_ancestors(item.tags, ancestors) for item in items]
    placed = np.array([is_placed(p) for p in photos], bool)
    latitude, longitude = np.array(points, np.float64).reshape(-1, 2).T
    # Utility content tells nothing about where a person was: a receipt is photographed whenever.
    own = np.array([not p.is_hidden and use.kind is None for p, use in zip(photos, uses, strict=True)], bool)
    day = np.array([_day_ordinal(s) for s in wall_s.tolist()], np.int64)
    days = [known_days(p) for p in photos]
    first_day, last_day = np.array(days, np.int64).reshape(-1, 2).T
    return Looks(
        ids=np.array([p.id for p in photos], np.bytes_) if photos else np.zeros(0, "S32"),
        is_shown=np.array([_is_shown(*parts) for parts in zip(items, uses, shots, strict=True)], bool),
        is_personal=placed & own,
        is_placed=placed,
        is_own=own,
        is_telling=~np.array([_is_poor(item) for item in items], bool)
        & ~np.array([_is_page(all_of, tags) for all_of in spread], bool),
        is_timed=np.array([p.is_timed for p in photos], bool),
        is_keeper=np.zeros(len(photos), bool),
        day=day,
        first_day=first_day.copy(),
        last_day=last_day.copy(),
        utc_s=np.array([p.taken.timestamp() for p in photos], np.float64),
        wall_s=wall_s,
        latitude=latitude.copy(),
        longitude=longitude.copy(),
        worth=np.array([rate_photo(item, tags) for item in items], np.float64),
        marks=np.frombuffer(b"".join(map(_mark, items, days)), np.uint64),
        stacks=Coded.of([None] * len(photos)),
        subjects=Coded.of([main_subject(item, tags) for item in items]),
        places=Coded.of([p.place and _values_of_place(p.place) for p in photos]),
        cameras=Coded.of([(p.facts.camera_make or "", p.facts.camera_model or "") for p in photos]),
        tags=Lists.of(spread, [all_of.values() for all_of in spread]),
        people=Lists.of([[person.name for person in p.facts.people] for p in photos]),
        keywords=Lists.of([p.facts.keywords for p in photos]),
        objects=Lists.of([dict.fromkeys(o.label for o in item.objects if o.score >= SURE_OBJECT) for item in items]),
    )


def _is_shown(item: AnalysedPhoto, use: UtilityVerdict, shot: QualityVerdict) -> bool:
    """Whether it may be shown where it stands for itself."""
    return all(reason.code.startswith("not_keeper_") for reason in is_showable(item, use, shot).reasons)


_values_of_place = attrgetter(*(f.name for f in fields(Place)))
_values_of_stack = attrgetter(*(f.name for f in fields(Stack)))
_values_of_quality = attrgetter(*(f.name for f in fields(QualitySignals)))


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


def _is_poor(item: AnalysedPhoto) -> bool:
    """Whether it came out so badly that it tells nothing, and nobody said that they like it all the same."""
    if item.quality.overall >= MIN_OVERALL:
        return False
    return not (item.photo.is_favourite or (item.photo.facts.rating or 0) > 0)


def _is_page(found: Mapping[str, float], tags: Mapping[str, Tag]) -> bool:
    """Whether a photo shows writing and nothing worth remembering: no proof of a document, but no memory either."""
    if found.get("text", 0.0) < _MOSTLY_TEXT:
        return False
    return not any(p >= SURE_TAG and tag in tags and tags[tag].memorable >= MIN_MEMORABLE for tag, p in found.items())


def known_days(photo: Photo) -> tuple[int, int]:
    """The first and the last day on which a photo can have been taken, as ordinals; 0 and -1 where nothing tells.

    What a folder is named after says a day or a month, where it doesn't rather say when its files came, were saved or
    scanned; a year in a longer name is too often a number of something else.
    """
    if is_placed(photo):
        day = day_of(photo.taken).toordinal()
        return day, day
    if photo.facts.date_source is DateSource.FOLDER:
        local = photo.taken.replace(tzinfo=None)
        for path in photo.paths:
            period = period_in_folders(path) if _ARRIVED.isdisjoint(read_origins(path)) else None
            if period and period.first <= local < period.end and period.end - period.first <= _A_MONTH:
                return period.first.toordinal(), period.end.toordinal() - 1
    return _UNKNOWN


def _mark(item: AnalysedPhoto, days: tuple[int, int]) -> bytes:
    photo, facts = item.photo, item.photo.facts
    told = (
        *(photo.id, photo.key, photo.width_px, photo.height_px, photo.place and _values_of_place(photo.place)),
        *(sorted(photo.decisions), facts.taken.isoformat(), facts.rating, facts.people),
        *(_values_of_quality(item.quality), item.aesthetics, days, item.tags),
    )
    return _digest(told)


def _digest(told: object) -> bytes:
    return hashlib.blake2b(repr(told).encode("utf-8", "backslashreplace"), digest_size=8).digest()
