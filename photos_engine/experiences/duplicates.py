"""Which files show the same: exact, copy, burst and, never called duplicate, similar.

Four levels, strictest first. Each level groups what the stricter ones left standing, so a messenger's copy
of a burst frame joins its frame, and the frame joins its burst. A group is a star: every member is close
to the keeper itself, so likeness never chains from one picture to a quite different one. Groups are named
after their keeper's content, so the same group has the same id tomorrow and a dismissed one stays away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photos_engine.changes import Marks, find_affected
from photos_engine.curation import assess_utility
from photos_engine.keepers import MERIT_TEXTS, best_path, merits_of
from photos_engine.prints import Pairs, as_words, close_prints, count_differing_bits
from photos_engine.types import (
    AnalysedPhoto,
    Decision,
    DuplicateGroup,
    FloatArray,
    Photo,
    Reason,
    Snapshot,
    Stack,
)

Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two pictures must be; bits are Hamming distances of 256-bit prints, cosines of embeddings.

    Measured with ansa-2. Of 3.1 million pairs of different photographs three come within 48 bits and eleven within 64
    and 0.75; of graded edits of 120 pictures 90 and 97 % do (`benchmarks/prints.py`). But of 231 pairs of views of one
    street, metres apart, so do 7 and 71: hence the wider limit only where recorded times tell that it is one shot.
    On two scripted lives messenger copies of small pictures are at most 47 bits and 0.80 apart, frames of a burst 0.92,
    failed twins of a shot 0.80. Different screens and receipts come within 15 bits and 0.995: pages, screens and memes
    share a layout, so only near identity tells them apart. Of different photographs within ten minutes hardly one comes
    above 0.65; the street's lie at 0.9.
    """

    copy_bits: int = 48
    copy_cosine: float = 0.65
    timed_copy_bits: int = 64  # not below the other
    timed_copy_cosine: float = 0.75
    text_copy_bits: int = 6
    text_copy_cosine: float = 0.985
    same_pixels_cosine: float = 0.99999
    crop_log_aspect: float = 0.12  # a light crop changes the aspect by an eighth at most
    burst_s: float = 10.0
    burst_cosine: float = 0.80
    burst_id_s: float = 60.0
    similar_s: float = 600.0
    similar_cosine: float = 0.80


RULES = blake2b(repr(Likeness()).encode(), digest_size=4).hexdigest()
"""Names the limits that groups are made by: those of other limits are made again."""


def find_groups(snapshot: Snapshot, likeness: Likeness | None = None) -> tuple[DuplicateGroup, ...]:
    """Find every group of likenesses, by kind (strictest first) and then by the keeper's time.

    A photo that a person marked as no duplicate is in none; nor does a group come back that was dismissed
    by its id, even when it has grown since. Groups of one kind never share a photo.
    """
    likeness = likeness or Likeness()
    library = _Library(snapshot)
    standing = ~library.is_dismissed
    apart: list[Indices] = []
    groups: list[DuplicateGroup] = []
    twins = _print_twins(library, likeness.timed_copy_bits)
    levels: tuple[tuple[str, Callable[[], Pairs]], ...] = (
        ("exact", lambda: _same_pixels(library, twins, likeness)),
        ("copy", lambda: _copies(library, twins, likeness)),
        ("burst", lambda: _burst_frames(library, likeness)),
        ("similar", lambda: _same_scenes(library, likeness)),
    )
    for kind, find_pairs in levels:
        pairs = _keep_standing(find_pairs(), standing, apart)
        stars = _gather_stars(pairs, library.worths(kind, np.unique(pairs)))
        if kind == "exact":
            stars += _lone_files(library, standing, stars)
        dismissed = [star for star in stars if library.is_group_dismissed(kind, star)]
        kept = [star for star in stars if star not in dismissed]
        apart.append(_label(len(library.items), dismissed))
        for star in kept:
            standing[star[1:]] = False
        groups += [_describe(library, kind, star) for star in sorted(kept, key=lambda star: star[0])]
    return tuple(groups)


def update_groups(
    snapshot: Snapshot, before: Marks, known: Iterable[DuplicateGroup], likeness: Likeness | None = None
) -> tuple[DuplicateGroup, ...]:
    """Find what `find_groups` finds, making only those groups again that can have changed.

    before, known: what the library was like when its groups were last made, and those groups.
    """
    likeness = likeness or Likeness()
    window_s = max(likeness.similar_s, likeness.burst_s, likeness.burst_id_s)
    affected = find_affected(snapshot, before, radius=likeness.timed_copy_bits, window_s=window_s)
    if affected is None:
        return find_groups(snapshot, likeness)
    row_of = {item.photo.id: row for row, item in enumerate(snapshot.photos)}
    rows = np.flatnonzero(affected)
    part = replace(
        snapshot, photos=tuple(snapshot.photos[row] for row in rows.tolist()), embeddings=snapshot.embeddings[rows]
    )
    # Of a group with somebody who is gone all others are affected, so it is made again.
    stay = [group for group in known if all(i in row_of and not affected[row_of[i]] for i in group.photo_ids)]
    groups = [*stay, *find_groups(part, likeness)]
    return tuple(sorted(groups, key=lambda group: (_KINDS.index(group.kind), row_of[group.photo_ids[0]])))


def as_stacks(groups: Iterable[DuplicateGroup]) -> Mapping[str, Stack]:
    """Say for every photo in a group which keeper stands for it: its own, where it is the keeper itself.

    A photo can keep one group and be a mere member of a looser one; the latter counts, so that following
    `keeper_id` always leads towards the one photo that may be shown.
    """
    stacks: dict[str, Stack] = {}
    for group in groups:
        keeper, *others = group.photo_ids
        for photo_id in group.photo_ids if others else ():
            known = stacks.get(photo_id)
            if known is None or (known.keeper_id == photo_id and photo_id != keeper and group.kind != "similar"):
                stacks[photo_id] = Stack(group.id, group.kind, keeper)
    return stacks


def group_id(kind: str, keeper_id: str) -> str:
    """Name a group: the same for as long as its keeper, that is the keeper's content, stays the same."""
    return f"{kind}-{keeper_id[:16]}"


# --- the library in columns ----------------------------------------------------------------------

_SEQUENCE = re.compile(r"(.*?)(\d{3,8})$")
# IMG_20240501_101500_BURST003, 00002IMG_00002_BURST20240501101500123_COVER, 20240501_101500_003
_BURST_NAME = re.compile(r".*?(?:(\d{8}_\d{6})\d*_BURST\d+|BURST(\d{14,17})|^(\d{8}_\d{6})_\d{3}$)")
_KINDS = ("exact", "copy", "burst", "similar")


class _Library:
    """What the comparisons need of every photo, as one array per fact."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.items = snapshot.photos
        self.embeddings = snapshot.embeddings
        photos = [item.photo for item in self.items]
        self.paths = [best_path(photo) for photo in photos]
        self.prints = as_words([item.print for item in self.items])
        self.sizes = np.array([(p.width_px, p.height_px) for p in photos], np.float64).reshape(-1, 2)
        self.is_timed = np.array([p.is_timed for p in photos], bool)  # for bursts, and as evidence against a copy
        self.is_dated = np.array([p.is_dated for p in photos], bool)
        self.utc_s = np.array([p.taken.timestamp() for p in photos], np.float64)
        self.wall_s = np.array([p.taken.replace(tzinfo=UTC).timestamp() for p in photos], np.float64)
        self.camera = _codes([(p.facts.camera_make, p.facts.camera_model) for p in photos])
        self.burst = _codes([_burst_key(p, path) for p, path in zip(photos, self.paths, strict=True)])
        names = [_SEQUENCE.match(path.stem) for path in self.paths]
        self.series = _codes([(path.parent, m[1]) if m else None for m, path in zip(names, self.paths, strict=True)])
        self.number = np.array([int(m[2]) if m else 0 for m in names], np.int64)
        denied = snapshot.not_duplicates
        self.is_dismissed = np.array([Decision.NOT_DUPLICATE in p.decisions or p.id in denied for p in photos], bool)
        self._denied_groups = {subject for subject in denied if subject.partition("-")[0] in _KINDS}

    def cosines(self, pairs: Pairs) -> FloatArray:
        """Give the embeddings' cosine of each pair, (m,) float32, without gathering all rows at once."""
        blocks = np.array_split(pairs, max(1, len(pairs) // 8192 + 1))
        rows = self.embeddings
        cosines: list[FloatArray] = [np.einsum("ij,ij->i", rows[b[:, 0]], rows[b[:, 1]]) for b in blocks]
        return np.concatenate(cosines)

    def bits(self, pairs: Pairs) -> Indices:
        """Give the Hamming distance of each pair's prints, (m,)."""
        return count_differing_bits(self.prints, pairs)

    def worths(self, kind: str, rows: Indices) -> FloatArray:
        """Weigh what speaks for keeping each of some photos in groups of a kind, (m,) float32."""
        merits = merits_of(kind)
        return np.array([sum(merits(self.items[row]).values()) for row in rows.tolist()], np.float32)

    def are_text(self, pairs: Pairs) -> Mask:
        """Say for which pairs, (m,), both are utility content: pages, screens, memes. A copy of one is one, too."""
        is_text = np.zeros(len(self.items), bool)
        for row in np.unique(pairs).tolist():
            is_text[row] = assess_utility(self.items[row]).kind is not None
        found: Mask = is_text[pairs[:, 0]] & is_text[pairs[:, 1]]
        return found

    def is_group_dismissed(self, kind: str, star: Sequence[int]) -> bool:
        # Any member's name counts: the keeper of the day of the decision may have been overtaken by a better file.
        ids = (self.items[index].photo.id for index in star)
        return bool(self._denied_groups) and any(group_id(kind, photo_id) in self._denied_groups for photo_id in ids)


def _codes(values: Sequence[object]) -> Indices:
    """Number equal values equally; None gets -1."""
    known: dict[object, int] = {}
    return np.array([-1 if value is None else known.setdefault(value, len(known)) for value in values], np.int64)


def _burst_key(photo: Photo, path: Path) -> str | None:
    if photo.facts.burst_id:
        return photo.facts.burst_id
    found = _BURST_NAME.match(path.stem)
    return f"{path.parent}/{found[found.lastindex or 0]}" if found else None


# --- pairs, level by level -----------------------------------------------------------------------


def _print_twins(library: _Library, radius: int) -> Pairs:
    # Of many equal prints only the first few are paired with all the others: the worthiest.
    _, print_of, sizes = np.unique(library.prints, axis=0, return_inverse=True, return_counts=True)
    equal = np.flatnonzero(sizes[print_of] > 1)
    worths = np.zeros(len(library.items), np.float32)
    worths[equal] = library.worths("copy", equal)
    order = np.argsort(-worths, kind="stable")
    twins: Pairs = np.sort(order[close_prints(library.prints[order], radius)], axis=1)
    return twins


def _same_pixels(library: _Library, twins: Pairs, likeness: Likeness) -> Pairs:
    pairs = twins[(library.sizes[twins[:, 0]] == library.sizes[twins[:, 1]]).all(axis=1)]
    pairs = pairs[library.bits(pairs) == 0]
    same: Pairs = pairs[library.cosines(pairs) >= likeness.same_pixels_cosine]
    return same


def _copies(library: _Library, twins: Pairs, likeness: Likeness) -> Pairs:
    a, b = twins.T
    log_aspect = np.log(library.sizes[:, 0] / np.maximum(1, library.sizes[:, 1]))
    bits, is_text = library.bits(twins), library.are_text(twins)
    # Recorded times that differ make two shots of them, so where both have one, it is the same.
    widest = np.where(library.is_dated[a] & library.is_dated[b], likeness.timed_copy_bits, likeness.copy_bits)
    is_close = bits <= np.where(is_text, likeness.text_copy_bits, widest)
    is_close &= np.abs(log_aspect[a] - log_aspect[b]) <= likeness.crop_log_aspect
    is_close &= ~_are_two_shots(library, twins)
    least = np.where(bits <= likeness.copy_bits, likeness.copy_cosine, likeness.timed_copy_cosine)
    least[is_text] = likeness.text_copy_cosine
    is_close[is_close] = library.cosines(twins[is_close]) >= least[is_close]
    copies: Pairs = twins[is_close]
    return copies


def _are_two_shots(library: _Library, pairs: Pairs) -> Mask:
    """Whether the shutter was pressed twice: recorded times differ, or one camera counted on within a second.

    A shift by whole quarters of an hour is a time zone, not another shot; a copy may have lost the fraction.
    """
    a, b = pairs.T
    gap = np.abs(library.wall_s[a] - library.wall_s[b])
    fraction = library.wall_s % 1.0
    lost_fraction = (gap < 1.0) & ((fraction[a] < 1e-3) != (fraction[b] < 1e-3))
    quarter = np.abs(gap / 900.0 - np.round(gap / 900.0)) * 900.0
    is_zone_shift = (quarter < 1e-3) & (gap <= 26 * 3600)
    is_same_time = is_zone_shift | lost_fraction | (np.abs(library.utc_s[a] - library.utc_s[b]) < 1e-3)
    steps = np.abs(library.number[a] - library.number[b])
    counted_on = (library.series[a] == library.series[b]) & (library.series[a] >= 0) & (steps > 0) & (steps <= 30)
    are_two: Mask = library.is_dated[a] & library.is_dated[b] & (~is_same_time | (counted_on & (gap < 2.0)))
    return are_two


def _burst_frames(library: _Library, likeness: Likeness) -> Pairs:
    pairs = _near_in_time(library, max(likeness.burst_s, likeness.burst_id_s))
    a, b = pairs.T
    same_id = (library.burst[a] == library.burst[b]) & (library.burst[a] >= 0)
    close = (library.camera[a] == library.camera[b]) & (library.utc_s[b] - library.utc_s[a] <= likeness.burst_s)
    close[close] = library.cosines(pairs[close]) >= likeness.burst_cosine
    return np.sort(pairs[same_id | close], axis=1)


def _same_scenes(library: _Library, likeness: Likeness) -> Pairs:
    pairs = _near_in_time(library, likeness.similar_s)
    return np.sort(pairs[library.cosines(pairs) >= likeness.similar_cosine], axis=1)


_NEIGHBOURS = 128
"""With how many following photos each is compared at most: bounds a time-lapse, not a person."""


def _near_in_time(library: _Library, window_s: float) -> Pairs:
    """Pairs of photos with a trusted clock taken within `window_s` of each other, the earlier first."""
    order = np.flatnonzero(library.is_timed)
    order = order[np.argsort(library.utc_s[order], kind="stable")]
    times = library.utc_s[order]
    found = [np.empty((0, 2), np.int64)]
    for lag in range(1, min(_NEIGHBOURS, len(order) - 1) + 1):
        hits = np.flatnonzero(times[lag:] - times[:-lag] <= window_s)
        if not len(hits):
            break
        found.append(np.stack([order[hits], order[hits + lag]], axis=1))
    return np.concatenate(found)


# --- groups --------------------------------------------------------------------------------------


def _keep_standing(pairs: Pairs, standing: Mask, apart: Sequence[Indices]) -> Pairs:
    """Drop pairs with a member that is already represented, or that a person set apart at a stricter level."""
    a, b = pairs.T
    kept = standing[a] & standing[b]
    for label in apart:
        kept &= (label[a] < 0) | (label[a] != label[b])
    left: Pairs = pairs[kept]
    return left


def _gather_stars(pairs: Pairs, worths: FloatArray) -> list[list[int]]:
    """Let the worthiest photo keep all its free neighbours, then the next; equal worth goes to the earlier.

    worths: of the photos in the pairs, in the order of their rows.
    """
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.lexsort((both[:, 1], both[:, 0]))]
    nodes, starts = np.unique(both[:, 0], return_index=True)
    neighbours = dict(zip(nodes.tolist(), np.split(both[:, 1], starts[1:]), strict=False))
    taken: set[int] = set()
    stars = []
    for node in nodes[np.lexsort((nodes, -worths))].tolist():
        members = [] if node in taken else [other for other in neighbours[node].tolist() if other not in taken]
        if members:
            stars.append([node, *members])
            taken.update(stars[-1])
    return stars


def _lone_files(library: _Library, standing: Mask, stars: Sequence[Sequence[int]]) -> list[list[int]]:
    grouped = {index for star in stars for index in star}
    return [
        [index]
        for index, item in enumerate(library.items)
        if len(item.photo.paths) > 1 and standing[index] and index not in grouped
    ]


def _label(count: int, stars: Sequence[Sequence[int]]) -> Indices:
    label = np.full(count, -1, np.int64)
    for number, star in enumerate(stars):
        label[list(star)] = number
    return label


def _describe(library: _Library, kind: str, star: Sequence[int]) -> DuplicateGroup:
    members = [library.items[index] for index in star]
    paths = [library.paths[index] for index in star]
    if kind == "exact":
        paths += [path for item in members for path in item.photo.paths if path not in paths]
    keeper_id = members[0].photo.id
    return DuplicateGroup(
        id=group_id(kind, keeper_id),
        kind=kind,
        keep=paths[0],
        paths=tuple(paths),
        photo_ids=tuple(item.photo.id for item in members),
        reasons=(_likeness_reason(library, kind, star), *_keeper_reasons(kind, members)),
    )


def _likeness_reason(library: _Library, kind: str, star: Sequence[int]) -> Reason:
    spokes = np.array([(star[0], member) for member in star[1:]], np.int64).reshape(-1, 2)
    if not len(spokes):
        return Reason("same_bytes", 1.0, "The files are identical.")
    if kind == "exact":
        return Reason("same_pixels", 1.0, "The files differ, but show the same pixels.")
    if kind == "copy":
        bits = int(library.bits(spokes).max())
        return Reason("print_distance", 1.0 - bits / 256, f"Their prints differ in at most {bits} of 256 bits.")
    cosine, span_s = float(library.cosines(spokes).min()), float(np.ptp(library.utc_s[list(star)]))
    if kind == "burst":
        code = "burst_id" if (library.burst[list(star)] >= 0).all() else "within_seconds"
        return Reason(code, cosine, f"They were taken within {span_s:.1f} s and look alike ({cosine:.2f}).")
    return Reason("same_scene", cosine, f"They show one scene within {span_s / 60:.0f} min ({cosine:.2f}).")


def _keeper_reasons(kind: str, members: Sequence[AnalysedPhoto]) -> Iterator[Reason]:
    """Name what the keeper has over every other member, weightiest first."""
    merits = merits_of(kind)
    best, *others = (merits(item) for item in members)
    leads = {name: value - max(other[name] for other in others) for name, value in best.items()} if others else {}
    for name, lead in sorted(leads.items(), key=lambda entry: -entry[1]):
        if lead > 0.01:
            yield Reason(f"keeper_{name}", lead, MERIT_TEXTS[name])
