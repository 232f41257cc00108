"""Perceptual prints: 32 bytes a picture, and the search for all pairs of them that are nearly equal.

Duplicates ask for close pairs of the whole library at once; comparing each with each would take minutes
at 100,000 photos, so only prints that agree in some part are compared at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]  # (n, 4): one print a row
Pairs = NDArray[np.int64]  # (m, 2): two rows, the smaller first
Indices = NDArray[np.int64]

_BUCKET = 128
"""With how many others of its bucket a print is compared at most: bounds thousands of nearly black frames."""
_HUBS = 8
"""With how many of the rows that share one print every other is paired: bounds thousands of equal pictures."""
_NEAREST = 128
"""Of how many others a print is paired with the nearest at most: bounds thousands of frames of one camera that stands
still. A pair stays where it is among the nearest of either."""
_CANDIDATES = 1 << 20  # pairs verified at a time: 64 MB of words


def as_words(prints: Sequence[bytes]) -> Words:
    """Lay prints of 32 bytes out as rows of four words."""
    return np.frombuffer(b"".join(prints), np.uint64).reshape(-1, 4)


def count_differing_bits(words: Words, pairs: Pairs) -> Indices:
    """Give each pair's Hamming distance, (m,), 0 to 256."""
    bits: Indices = np.bitwise_count(words[pairs[:, 0]] ^ words[pairs[:, 1]]).sum(axis=1, dtype=np.int64)
    return bits


def rank_pairs(pairs: Pairs, bits: Indices) -> Pairs:
    """How many pairs of its first and of its second row are nearer than each pair, (m, 2); of equals the earlier."""
    ends = pairs.T.ravel()
    order = np.lexsort((np.tile(bits, 2), ends))
    ranked = ends[order]
    ranks = np.empty(2 * len(pairs), np.int64)
    ranks[order] = np.arange(len(ranked)) - np.searchsorted(ranked, ranked)
    return ranks.reshape(2, len(pairs)).T


def close_prints(words: Words, radius: int) -> Pairs:
    """Give the pairs of rows within a Hamming distance of `radius`, (m, 2) int64, sorted, by multi-index hashing.

    Two prints within `radius` bits agree, up to radius // 16 bits, in at least one of 16 chunks (Norouzi,
    Punjani, Fleet, "Fast search in Hamming space with multi-index hashing", CVPR 2012): so only prints whose
    chunk is equal or, from radius 16 on, one bit away are compared. Radii from 32 on miss pairs in which every chunk
    has two wrong bits: of those 64 apart every third, were bits wrong at random; of graded edits within 64 bits 1 %.
    Rows with equal prints are all paired with the first eight of them, not each with each: put the preferred rows
    first. Of more than `_NEAREST` others a print is paired with those, and with whom it is among theirs.
    """
    distinct, print_of = np.unique(words, axis=0, return_inverse=True)
    rows = np.argsort(print_of, kind="stable")
    sizes = np.bincount(print_of, minlength=len(distinct))
    starts = np.cumsum(sizes) - sizes
    found = list[Indices]()
    a, b = _close_distinct(distinct, radius).T
    for hub in range(_HUBS):
        for ours, theirs in ((np.arange(len(distinct)),) * 2, (a, b), (b, a)):
            has_hub = sizes[theirs] > hub
            ours, theirs = ours[has_hub], theirs[has_hub]
            members = rows[_ranges(starts[ours], sizes[ours])]
            found.append(_as_keys(members, np.repeat(rows[starts[theirs] + hub], sizes[ours]), len(words)))
    keys = np.unique(np.concatenate(found))
    return _as_pairs(keys[keys % (len(words) + 1) != 0], len(words))  # i * n + i is a row with itself


def near_prints(words: Words, rows: Indices, radius: int) -> NDArray[np.bool_]:
    """Say which of all rows, (n,), lie within a Hamming distance of `radius` of one of some, by comparing each."""
    near = np.zeros(len(words), bool)
    columns = np.ascontiguousarray(words.T)
    for some in np.array_split(rows, len(rows) * len(words) // _CANDIDATES + 1):
        bits = sum((np.bitwise_count(column[some, None] ^ column) for column in columns), start=np.uint16(0))
        near |= (bits <= radius).any(axis=0)
    return near


def _close_distinct(words: Words, radius: int) -> Pairs:
    chunks = np.ascontiguousarray(words).view(np.uint16)
    flips = [0] + ([1 << bit for bit in range(16)] if radius >= chunks.shape[1] else [])
    known, fresh = np.empty(0, np.int64), list[Indices]()
    for chunk in chunks.T.astype(np.int64):
        order = np.argsort(chunk, kind="stable")
        starts = np.concatenate([[0], np.bincount(chunk, minlength=1 << 16).cumsum()])
        for flip in flips:
            for pairs in _bucket_pairs(chunk, order, starts, flip):
                close = pairs[count_differing_bits(words, pairs) <= radius]
                fresh.append(_as_keys(close[:, 0], close[:, 1], len(words)))
        known = _nearest(words, np.unique(np.concatenate([known, *fresh])))  # most pairs are found by many chunks
        fresh.clear()
    return _as_pairs(known, len(words))


def _nearest(words: Words, keys: Indices) -> Indices:
    """Those pairs that are among the `_NEAREST` of one of their rows."""
    if len(keys) <= _NEAREST or np.bincount(_as_pairs(keys, len(words)).ravel()).max() <= _NEAREST:
        return keys
    pairs = _as_pairs(keys, len(words))
    kept: Indices = keys[(rank_pairs(pairs, count_differing_bits(words, pairs)) < _NEAREST).any(axis=1)]
    return kept


def _as_keys(a: Indices, b: Indices, count: int) -> Indices:
    keys: Indices = np.minimum(a, b) * count + np.maximum(a, b)
    return keys


def _as_pairs(keys: Indices, count: int) -> Pairs:
    return np.stack(np.divmod(keys, max(1, count)), axis=1)


def _ranges(starts: Indices, sizes: Indices) -> Indices:
    """Concatenate the ranges that begin at `starts` and are `sizes` long."""
    return np.arange(sizes.sum()) + np.repeat(starts - np.cumsum(sizes) + sizes, sizes)


def _bucket_pairs(chunk: Indices, order: Indices, starts: Indices, flip: int) -> Iterator[Pairs]:
    """Pairs of rows whose chunks differ exactly by `flip`, each once, in blocks."""
    values = chunk[order]
    first = np.arange(1, len(order) + 1) if flip == 0 else starts[values ^ flip]
    counts = starts[(values ^ flip) + 1] - first
    if flip:  # once for each pair of buckets, and not where hundreds of prints share the chunk: it tells nothing
        crowd = np.maximum(counts, (starts[1:] - starts[:-1])[values])
        counts[((values & flip) != 0) | (crowd > _BUCKET)] = 0
    counts = np.minimum(counts, _BUCKET)
    if not counts.any():
        return
    ends = np.cumsum(counts)
    cuts = np.unique(np.searchsorted(ends, np.arange(0, ends[-1] + _CANDIDATES, _CANDIDATES)))
    for low, high in pairwise([*cuts.tolist(), len(order)]):
        some = counts[low:high]
        left = np.repeat(np.arange(low, high), some)
        yield np.stack([order[left], order[_ranges(first[low:high], some)]], axis=1)
