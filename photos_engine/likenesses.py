"""Which photos are alike, pair by pair: what groups of likenesses are made of.

Prints, embeddings and recorded times are compared for the whole library at once, in columns. Where they leave it open
whether two files show one picture, the pictures are laid on each other: only for those few pairs, and only where a view
of them can be had.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photos_engine.alignment import likeness_aligned
from photos_engine.curation import assess_utility
from photos_engine.keepers import best_path, merits_of
from photos_engine.on_demand import photos_at
from photos_engine.prints import (
    Pairs,
    Words,
    as_words,
    close_prints,
    count_differing_bits,
    near_prints,
    rank_pairs,
)
from photos_engine.types import Census, Decision, FloatArray, Photo, Snapshot

Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]
View = Callable[[str], FloatArray | None]
"""Gives a photo's picture by its id, as `alignment.read_grey` does; None where there is none to be had."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two pictures must be; bits are Hamming distances of 256-bit prints, cosines of embeddings.

    Measured with ansa-2. Of 3.1 million pairs of different photographs three come within 48 bits and eleven within 64
    and 0.75; of graded edits of 120 pictures 90 and 97 % do (`benchmarks/prints.py`). But of 231 pairs of views of one
    street, metres apart, so do 7 and 71: hence the wider limit only where recorded times tell that it is one shot.
    Elsewhere all from `sure_bits` to `open_bits` is laid on each other: of the edits nearly all are then alike by 0.97,
    of the street none by more than 0.95, of 136 different pictures with near prints none within these bits by 0.93.
    On two scripted lives messenger copies of small pictures are at most 47 bits and 0.80 apart, frames of a burst 0.92,
    failed twins of a shot 0.80. Different screens and receipts come within 15 bits and 0.995: pages, screens and memes
    share a layout, so only near identity tells them apart. Of different photographs within ten minutes hardly one comes
    above 0.65; the street's lie at 0.9.
    """

    copy_bits: int = 48
    copy_cosine: float = 0.65
    timed_copy_bits: int = 64  # not below the other
    timed_copy_cosine: float = 0.75
    sure_bits: int = 24
    open_bits: int = 72
    open_cosine: float = 0.5
    aligned: float = 0.96
    text_copy_bits: int = 6
    text_copy_cosine: float = 0.985
    same_pixels_cosine: float = 0.99999
    crop_log_aspect: float = 0.12  # a light crop changes the aspect by an eighth at most; what is looked at, by any
    burst_s: float = 10.0
    burst_cosine: float = 0.80
    burst_id_s: float = 60.0
    similar_s: float = 600.0
    similar_cosine: float = 0.80


RULES = blake2b(repr(Likeness()).encode(), digest_size=4).hexdigest()
"""Names the limits that groups are made by: those of other limits are made again."""


# --- the library in columns ----------------------------------------------------------------------

_SEQUENCE = re.compile(r"(.*?)(\d{3,8})$")
# IMG_20240501_101500_BURST003, 00002IMG_00002_BURST20240501101500123_COVER, 20240501_101500_003
_BURST_NAME = re.compile(r".*?(?:(\d{8}_\d{6})\d*_BURST\d+|BURST(\d{14,17})|^(\d{8}_\d{6})_\d{3}$)")


class Columns:
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
        folders = [os.path.dirname(path) for path in self.paths]  # noqa: PTH120  of text, in a fifth of the time
        names = [_SEQUENCE.match(path.stem) for path in self.paths]
        self.series = _codes([(folder, m[1]) if m else None for m, folder in zip(names, folders, strict=True)])
        self.number = np.array([int(m[2]) if m else 0 for m in names], np.int64)
        denied = snapshot.not_duplicates
        self.is_dismissed = np.array([Decision.NOT_DUPLICATE in p.decisions or p.id in denied for p in photos], bool)

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
            item = self.items[row]  # what a person wants filtered makes no page of a photo, nor a photo of a page
            is_text[row] = assess_utility(replace(item, own_odds={}), explain=False).kind is not None
        found: Mask = is_text[pairs[:, 0]] & is_text[pairs[:, 1]]
        return found


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

_VIEWS = 512  # pictures that are kept at hand, of 37 kB each
_MOST_LOOKS = 16
"""How many others a picture is laid on: bounds the frames of a film, not a person's copies. Beyond, prints decide."""


def find_twins(columns: Columns, likeness: Likeness, view: View | None = None) -> Pairs:
    """Pairs of prints so near that the photos may be copies, (m, 2), the smaller row first."""
    # Of many equal prints only the first few are paired with all the others: the worthiest.
    _, print_of, sizes = np.unique(columns.prints, axis=0, return_inverse=True, return_counts=True)
    equal = np.flatnonzero(sizes[print_of] > 1)
    worths = np.zeros(len(columns.items), np.float32)
    worths[equal] = columns.worths("copy", equal)
    order = np.argsort(-worths, kind="stable")
    twins: Pairs = np.sort(order[close_prints(columns.prints[order], _radius(likeness, view))], axis=1)
    return twins


def _radius(likeness: Likeness, view: View | None) -> int:
    return likeness.timed_copy_bits if view is None else max(likeness.timed_copy_bits, likeness.open_bits)


def partners_in(
    snapshot: Snapshot, census: Census, likeness: Likeness, view: View | None = None
) -> Callable[[Indices], Mask]:
    """What says which photos, (n,), show the same pixels as one of some or are its copies."""
    words = as_words(census.prints)  # once, however often it is asked
    return lambda rows: _find_partners(snapshot, words, rows, likeness, view)


def _find_partners(snapshot: Snapshot, words: Words, rows: Indices, likeness: Likeness, view: View | None) -> Mask:
    near = near_prints(words, rows, _radius(likeness, view))
    near[rows] = True
    some = np.flatnonzero(near)
    photos = photos_at(snapshot.photos, some.tolist())
    columns = Columns(replace(snapshot, photos=photos, embeddings=snapshot.embeddings[some]))
    twins = find_twins(columns, likeness, view)
    is_asked = np.isin(some, rows)
    twins = twins[is_asked[twins].any(axis=1)]
    pairs = np.concatenate([same_pixels(columns, twins, likeness), copies(columns, twins, likeness, view)])
    partners = np.zeros(len(words), bool)
    partners[some[np.unique(pairs)]] = True
    return partners


def same_pixels(columns: Columns, twins: Pairs, likeness: Likeness) -> Pairs:
    """Which pairs of near prints show the same, pixel by pixel."""
    pairs = twins[(columns.sizes[twins[:, 0]] == columns.sizes[twins[:, 1]]).all(axis=1)]
    pairs = pairs[columns.bits(pairs) == 0]
    same: Pairs = pairs[columns.cosines(pairs) >= likeness.same_pixels_cosine]
    return same


def copies(columns: Columns, twins: Pairs, likeness: Likeness, view: View | None = None) -> Pairs:
    """Which pairs of near prints are copies of one picture. view: for a second look at those of which it is open."""
    pairs = twins[~_are_two_shots(columns, twins)]
    a, b = pairs.T
    bits, cosines, are_text = columns.bits(pairs), columns.cosines(pairs), columns.are_text(pairs)
    log_aspect = np.log(columns.sizes[:, 0] / np.maximum(1, columns.sizes[:, 1]))
    is_shaped = np.abs(log_aspect[a] - log_aspect[b]) <= likeness.crop_log_aspect
    is_copy = is_shaped & (bits <= likeness.copy_bits) & (cosines >= likeness.copy_cosine)
    # Recorded times that differ make two shots of them, so where both have one, it is the same.
    is_sure = is_shaped & columns.is_dated[a] & columns.is_dated[b]
    is_sure &= (bits <= likeness.timed_copy_bits) & (cosines >= likeness.timed_copy_cosine)
    is_copy |= is_sure
    is_sure |= is_copy & (bits <= likeness.sure_bits)
    is_same_text = is_shaped & (bits <= likeness.text_copy_bits) & (cosines >= likeness.text_copy_cosine)
    is_copy[are_text] = is_same_text[are_text]
    if view is not None:
        is_open = ~(is_sure | are_text) & (bits <= likeness.open_bits) & (cosines >= likeness.open_cosine)
        is_open[is_open] = (rank_pairs(pairs[is_open], bits[is_open]) < _MOST_LOOKS).all(axis=1)
        aligned = _lay_on_each_other(columns, pairs[is_open], view)
        is_copy[is_open] = np.where(np.isnan(aligned), is_copy[is_open], aligned >= likeness.aligned)
    found: Pairs = pairs[is_copy]
    return found


def _lay_on_each_other(columns: Columns, pairs: Pairs, view: View) -> FloatArray:
    """How alike each pair's pictures are, (m,) float32; NaN where one of them can't be seen."""
    see = lru_cache(_VIEWS)(view)
    aligned = np.full(len(pairs), np.nan, np.float32)
    for number, rows in enumerate(pairs.tolist()):
        # In the order of their contents: the answer is the same, whatever else the library holds.
        one, other = (see(photo_id) for photo_id in sorted(columns.items[row].photo.id for row in rows))
        if one is not None and other is not None:
            aligned[number] = likeness_aligned(one, other)
    return aligned


def _are_two_shots(columns: Columns, pairs: Pairs) -> Mask:
    """Whether the shutter was pressed twice: recorded times differ, or one camera counted on within a second.

    A shift by whole quarters of an hour is a time zone, not another shot; a copy may have lost the fraction.
    """
    a, b = pairs.T
    gap = np.abs(columns.wall_s[a] - columns.wall_s[b])
    fraction = columns.wall_s % 1.0
    lost_fraction = (gap < 1.0) & ((fraction[a] < 1e-3) != (fraction[b] < 1e-3))
    quarter = np.abs(gap / 900.0 - np.round(gap / 900.0)) * 900.0
    is_zone_shift = (quarter < 1e-3) & (gap <= 26 * 3600)
    is_same_time = is_zone_shift | lost_fraction | (np.abs(columns.utc_s[a] - columns.utc_s[b]) < 1e-3)
    steps = np.abs(columns.number[a] - columns.number[b])
    counted_on = (columns.series[a] == columns.series[b]) & (columns.series[a] >= 0) & (steps > 0) & (steps <= 30)
    are_two: Mask = columns.is_dated[a] & columns.is_dated[b] & (~is_same_time | (counted_on & (gap < 2.0)))
    return are_two


def burst_frames(columns: Columns, likeness: Likeness) -> Pairs:
    """Which pairs were taken in one burst, the smaller row first."""
    pairs = _near_in_time(columns, max(likeness.burst_s, likeness.burst_id_s))
    a, b = pairs.T
    same_id = (columns.burst[a] == columns.burst[b]) & (columns.burst[a] >= 0)
    close = (columns.camera[a] == columns.camera[b]) & (columns.utc_s[b] - columns.utc_s[a] <= likeness.burst_s)
    close[close] = columns.cosines(pairs[close]) >= likeness.burst_cosine
    return np.sort(pairs[same_id | close], axis=1)


def same_scenes(columns: Columns, likeness: Likeness) -> Pairs:
    """Which pairs show one scene within minutes, the smaller row first."""
    pairs = _near_in_time(columns, likeness.similar_s)
    return np.sort(pairs[columns.cosines(pairs) >= likeness.similar_cosine], axis=1)


_NEIGHBOURS = 128
"""With how many following photos each is compared at most: bounds a time-lapse, not a person."""


def _near_in_time(columns: Columns, window_s: float) -> Pairs:
    """Pairs of photos with a trusted clock taken within `window_s` of each other, the earlier first."""
    order = np.flatnonzero(columns.is_timed)
    order = order[np.argsort(columns.utc_s[order], kind="stable")]
    times = columns.utc_s[order]
    found = [np.empty((0, 2), np.int64)]
    for lag in range(1, min(_NEIGHBOURS, len(order) - 1) + 1):
        hits = np.flatnonzero(times[lag:] - times[:-lag] <= window_s)
        if not len(hits):
            break
        found.append(np.stack([order[hits], order[hits + lag]], axis=1))
    return np.concatenate(found)
