"""Whose groups of likenesses can have changed since they were last made: after a few new photos, few.

Groups are made of pairs: photos that look nearly the same, or were taken one soon after the other. So what a new photo
changes lies among those that such pairs join it to, directly or through others, and all other groups stay.
What is unchanged is told by a digest of all that groups depend on, which costs less than a look at the pictures.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from photos_engine.types import AnalysedPhoto, DuplicateGroup, Snapshot

Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

_FEW = 0.01
"""Share of the library up to which what changed is looked at by itself: each is compared with everything."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What a library was like when its groups were made.

    stamp: of the groups in the store. digests: by photo id. members: the ids in each group. denied: what people
    said was no duplicate.
    """

    stamp: str
    digests: dict[str, int]
    members: tuple[tuple[str, ...], ...]
    denied: frozenset[str]

    @classmethod
    def of(cls, snapshot: Snapshot, groups: Iterable[DuplicateGroup], stamp: str) -> Marks:
        """Note what groups were made of."""
        digests = {item.photo.id: _digest(item) for item in snapshot.photos}
        return cls(stamp, digests, tuple(group.photo_ids for group in groups), snapshot.not_duplicates)

    def encode(self) -> bytes:
        """These marks as the content of a file that `read` reads."""
        buffer = io.BytesIO()
        np.savez(
            buffer,
            stamp=np.array(self.stamp),
            ids=np.array(list(self.digests), "S32"),
            digests=np.array(list(self.digests.values()), np.uint64),
            members=np.array([photo_id for ids in self.members for photo_id in ids], "S32"),
            sizes=np.array([len(ids) for ids in self.members], np.int64),
            denied=np.array(sorted(self.denied), "U"),
        )
        return buffer.getvalue()

    @classmethod
    def read(cls, path: Path, stamp: str | None) -> Marks | None:
        """The marks in a file, if they belong to the groups with this stamp; None for what can't be read."""
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                if str(file["stamp"]) != stamp:
                    return None
                digests = zip(file["ids"].astype("U").tolist(), file["digests"].tolist(), strict=True)
                members, ends = file["members"].astype("U").tolist(), np.cumsum(file["sizes"]).tolist()
                groups = tuple(tuple(members[a:b]) for a, b in zip([0, *ends], ends, strict=False))
                return cls(str(file["stamp"]), dict(digests), groups, frozenset(file["denied"].tolist()))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):  # a cache: without it all groups are made again
            return None


def find_affected(
    snapshot: Snapshot, before: Marks, *, partners: Callable[[Indices], Mask], window_s: float
) -> Mask | None:
    """Say whose groups can have changed, (n,); None where it is as well to make all again.

    Whoever is in a pair with an affected photo is affected, too. partners: says which photos, (n,), look so much like
    one of some that they are a pair; window_s: seconds up to which two photos are.
    """
    seeds = _changed(snapshot, before)
    if seeds is None or len(seeds) > _FEW * len(snapshot.photos):
        return None
    row_of = {item.photo.id: row for row, item in enumerate(snapshot.photos)}
    group_of = {photo_id: number for number, ids in enumerate(before.members) for photo_id in ids}
    run = _time_runs(snapshot, window_s)
    affected, fresh = np.zeros(len(snapshot.photos), bool), seeds
    while len(fresh):
        affected[fresh] = True
        reached = partners(fresh)
        reached |= np.isin(run, run[fresh][run[fresh] >= 0])
        touched = {
            group_of[photo_id] for row in fresh.tolist() if (photo_id := snapshot.photos[row].photo.id) in group_of
        }
        reached[[row_of[i] for number in touched for i in before.members[number] if i in row_of]] = True
        fresh = np.flatnonzero(reached & ~affected)
        if affected.sum() + len(fresh) > 10 * _FEW * len(affected):
            return None
    return affected


def _changed(snapshot: Snapshot, before: Marks) -> Indices | None:
    """The rows that are new, that changed, or that were in a group with what changed or is gone."""
    now = {item.photo.id: _digest(item) for item in snapshot.photos}
    new = {photo_id for photo_id in now if photo_id not in before.digests}
    altered = {photo_id for photo_id, digest in before.digests.items() if now.get(photo_id) != digest}
    denied = snapshot.not_duplicates
    if denied != before.denied or (denied and altered):  # a dismissed group is nobody's, but keeps its photos apart
        return None
    mates = {i for ids in before.members if not altered.isdisjoint(ids) for i in ids}
    seeds = (new | altered | mates) & now.keys()
    return np.array([row for row, item in enumerate(snapshot.photos) if item.photo.id in seeds], np.int64)


def _digest(item: AnalysedPhoto) -> int:
    """64 bits of what groups depend on besides the content and the model: the file, its facts, what was decided."""
    photo, facts = item.photo, item.photo.facts
    told = (
        [str(path) for path in photo.paths],
        (photo.format, photo.size_bytes, photo.width_px, photo.height_px, sorted(photo.decisions)),
        (facts.taken.isoformat(), facts.date_source.value, facts.camera_make, facts.camera_model, facts.burst_id),
        (facts.gps is None, facts.exposure_s, facts.f_number, facts.rating, not facts.people),
    )
    return int.from_bytes(blake2b(repr(told).encode(), digest_size=8).digest(), "big")


def _time_runs(snapshot: Snapshot, window_s: float) -> Indices:
    """Number the stretches of time without a longer gap, (n,); -1 for photos whose clock can't be trusted."""
    photos = [item.photo for item in snapshot.photos]
    rows = np.flatnonzero([photo.is_timed for photo in photos])
    time_s = np.array([photos[row].taken.timestamp() for row in rows.tolist()])
    order = np.argsort(time_s, kind="stable")
    run = np.full(len(photos), -1, np.int64)
    run[rows[order]] = np.cumsum(np.diff(time_s[order], prepend=-np.inf) > window_s)
    return run
