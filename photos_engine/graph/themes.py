"""Tags as counts over the timeline: what is frequent where, and what is more frequent than elsewhere.

That a library of a person in Portland has many photos tagged "person" tells nothing. So a tag is tied
to a trip, a season or a year only where its rate there stands out from its rate in the whole library.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from photos_engine.graph.looks import Looks
from photos_engine.graph.timeline import IntVector, Timeline

if TYPE_CHECKING:  # below, scipy is imported where a graph is built: reading one takes less time without it
    from scipy import sparse

MIN_PHOTOS = 3
MIN_LIFT = 1.5
MIN_SURPRISE = 3.0  # standard deviations above what chance gives


@dataclass(frozen=True, slots=True)
class TagCount:
    """One tag's count in a group of photos; `lift` is its rate there over its rate in the library."""

    tag: str
    photos: int
    rate: float
    lift: float
    surprise: float


@dataclass(frozen=True, slots=True)
class TagTable:
    """Which tag is on which photo of the timeline: (n photos, n tags) sparse 0/1, keepers only."""

    ids: tuple[str, ...]
    present: sparse.csr_matrix
    keepers: int

    def totals(self) -> IntVector:
        """(tags,): how many photos of the library carry each tag."""
        return np.asarray(self.present.sum(axis=0)).ravel().astype(np.int64)

    def photos_by_tag(self) -> dict[str, IntVector]:
        """Tag -> the photos that carry it, positions in the timeline, ascending."""
        columns = self.present.tocsc()
        columns.sort_indices()
        at = columns.indices.astype(np.int64)
        return {tag: at[a:b] for tag, (a, b) in zip(self.ids, pairwise(columns.indptr.tolist()), strict=True)}

    def counts(self, groups: Sequence[IntVector]) -> NDArray[np.float32]:
        """(groups, tags): the photos of each group that carry each tag."""
        from scipy import sparse

        member = sparse.csr_matrix(
            (
                np.ones(sum(len(g) for g in groups), dtype=np.float32),
                np.concatenate([np.zeros(0, dtype=np.int64), *groups]),
                np.cumsum([0, *(len(g) for g in groups)]),
            ),
            shape=(len(groups), self.present.shape[0]),
        )
        return np.asarray((member @ self.present).toarray(), dtype=np.float32)


def build_tag_table(looks: Looks, timeline: Timeline) -> TagTable:
    """Count the tags of the timeline's keepers, with all that they imply."""
    from scipy import sparse

    found = looks.tags.take(timeline.rows)
    counts = timeline.keeper[found.rows]
    rows, codes = found.rows[counts], found.codes[counts]
    known, first, indices = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first)  # by where each comes up first, whenever it was imported
    starts = np.searchsorted(rows, np.arange(len(timeline) + 1))
    present = sparse.csr_matrix(
        (np.ones(len(rows), dtype=np.float32), np.argsort(order)[indices], starts), shape=(len(timeline), len(known))
    )
    return TagTable(tuple(found.values[code] for code in known[order].tolist()), present, int(timeline.keeper.sum()))


def standing_out(table: TagTable, timeline: Timeline, groups: Sequence[IntVector], limit: int) -> list[list[TagCount]]:
    """For each group of photos the tags that are much more frequent there than elsewhere, strongest first."""
    if not groups or not table.ids:
        return [[] for _ in groups]
    totals = table.totals().astype(np.float64)
    sizes = np.array([max(1, int(timeline.keeper[g].sum())) for g in groups], dtype=np.float64)
    result = []
    for start in range(0, len(groups), 512):  # blocks, so that many moments with many tags stay small
        block = table.counts(groups[start : start + 512]).astype(np.float64)
        size = sizes[start : start + 512, None]
        base = (totals[None, :] + 1) / (table.keepers + 2)
        rate = block / size
        lift = rate / base
        surprise = (block - size * base) / np.sqrt(size * base * (1 - np.minimum(base, 0.999)))
        good = (block >= MIN_PHOTOS) & (lift >= MIN_LIFT) & (surprise >= MIN_SURPRISE)
        for g in range(block.shape[0]):
            hits = np.flatnonzero(good[g])
            hits = hits[np.argsort(-surprise[g, hits], kind="stable")][:limit]
            result.append(
                [
                    TagCount(
                        table.ids[t], int(block[g, t]), float(rate[g, t]), float(lift[g, t]), float(surprise[g, t])
                    )
                    for t in hits.tolist()
                ]
            )
    return result
