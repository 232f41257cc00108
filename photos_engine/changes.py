"""Whose groups of likenesses can have changed since they were last made: after a few new photos, few.

Groups are made of pairs: photos that look nearly the same, or were taken one soon after the other. So what a new photo
changes lies among those that such pairs join it to, directly or through others, and all other groups stay.
What is unchanged is told by a digest of all that groups depend on, which costs less than a look at the pictures.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photos_engine.arrays import UNREADABLE
from photos_engine.on_demand import photos_at
from photos_engine.types import AnalysedPhoto, Census, DuplicateGroup, Snapshot

Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

_FEW = 0.01
"""Share of the library up to which what changed is looked at by itself: each is compared with everything."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What a library was like when its groups were made.

    stamp: of the groups in the store. digests: by photo id. names: of the groups; members: the ids in each. denied:
    what people said was no duplicate.
    """

    stamp: str
    digests: dict[str, int]
    names: tuple[str, ...]
    members: tuple[tuple[str, ...], ...]
    denied: frozenset[str]

    @classmethod
    def of(
        cls,
        snapshot: Snapshot,
        groups: Iterable[DuplicateGroup],
        stamp: str,
        digests: Mapping[str, int] | None = None,
    ) -> Marks:
        """Note what groups were made of. digests: as `digest_all` gives them, if at hand."""
        digests = digest_all(snapshot, Census.of(snapshot.photos)) if digests is None else digests
        return cls(stamp, dict(digests), (), (), snapshot.not_duplicates).with_groups(frozenset(), groups)

    def with_groups(self, gone: Set[str], fresh: Iterable[DuplicateGroup]) -> Marks:
        """The same, with some groups taken out by their names and others put in."""
        kept = [pair for pair in zip(self.names, self.members, strict=True) if pair[0] not in gone]
        pairs = (*kept, *((group.id, group.photo_ids) for group in fresh))
        return replace(self, names=tuple(name for name, _ in pairs), members=tuple(ids for _, ids in pairs))

    def encode(self) -> bytes:
        """These marks as the content of a file that `read` reads."""
        buffer = io.BytesIO()
        np.savez(
            buffer,
            stamp=np.array(self.stamp),
            ids=np.array(list(self.digests), "S32"),
            digests=np.array(list(self.digests.values()), np.uint64),
            names=np.array(self.names, "S"),
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
                names = tuple(file["names"].astype("U").tolist())
                return cls(str(file["stamp"]), dict(digests), names, groups, frozenset(file["denied"].tolist()))
        except UNREADABLE:  # a cache: without it all groups are made again
            return None


def digest_all(
    snapshot: Snapshot, census: Census, before: Marks | None = None, changed: Set[int] | None = None
) -> dict[str, int]:
    """Photo id -> a digest of all that groups depend on besides the content and the model.

    changed: the keys of the photos that may have changed since `before`; those of all others are taken from there.
    """
    known = before.digests if before is not None and changed is not None else {}
    anew = [
        row
        for row, (key, photo_id) in enumerate(zip(census.keys.tolist(), census.ids, strict=True))
        if photo_id not in known or (changed and key in changed)
    ]
    digests = {photo_id: known.get(photo_id, 0) for photo_id in census.ids}
    digests.update((item.photo.id, _digest(item)) for item in photos_at(snapshot.photos, anew))
    return digests


def find_affected(
    census: Census,
    before: Marks,
    digests: Mapping[str, int],
    denied: frozenset[str],
    *,
    partners: Callable[[Indices], Mask],
    window_s: float,
) -> Mask | None:
    """Say whose groups can have changed, (n,); None where it is as well to make all again.

    Whoever is in a pair with an affected photo is affected, too. digests, denied: of now, as in `Marks`. partners: says
    which photos, (n,), look so much like one of some that they are a pair; window_s: seconds up to which two photos
    are.
    """
    seeds = _changed(census, before, digests, denied)
    if seeds is None or len(seeds) > _FEW * len(census.ids):
        return None
    row_of = {photo_id: row for row, photo_id in enumerate(census.ids)}
    group_of = {photo_id: number for number, ids in enumerate(before.members) for photo_id in ids}
    run = _time_runs(census, window_s)
    affected, fresh = np.zeros(len(census.ids), bool), seeds
    while len(fresh):
        affected[fresh] = True
        reached = partners(fresh)
        reached |= np.isin(run, run[fresh][run[fresh] >= 0])
        touched = {group_of[photo_id] for row in fresh.tolist() if (photo_id := census.ids[row]) in group_of}
        reached[[row_of[i] for number in touched for i in before.members[number] if i in row_of]] = True
        fresh = np.flatnonzero(reached & ~affected)
        if affected.sum() + len(fresh) > 10 * _FEW * len(affected):
            return None
    return affected


def _changed(census: Census, before: Marks, now: Mapping[str, int], denied: frozenset[str]) -> Indices | None:
    """The rows that are new, that changed, or that were in a group with what changed or is gone."""
    new = {photo_id for photo_id in now if photo_id not in before.digests}
    altered = {photo_id for photo_id, digest in before.digests.items() if now.get(photo_id) != digest}
    if denied != before.denied or (denied and altered):  # a dismissed group is nobody's, but keeps its photos apart
        return None
    mates = {i for ids in before.members if not altered.isdisjoint(ids) for i in ids}
    seeds = (new | altered | mates) & now.keys()
    return np.array([row for row, photo_id in enumerate(census.ids) if photo_id in seeds], np.int64)


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


def _time_runs(census: Census, window_s: float) -> Indices:
    """Number the stretches of time without a longer gap, (n,); -1 for photos whose clock can't be trusted."""
    rows = np.flatnonzero(census.is_timed)
    time_s = census.utc_s[rows]
    order = np.argsort(time_s, kind="stable")
    run = np.full(len(census.ids), -1, np.int64)
    run[rows[order]] = np.cumsum(np.diff(time_s[order], prepend=-np.inf) > window_s)
    return run
