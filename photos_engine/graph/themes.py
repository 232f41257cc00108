"""Tags as counts over the timeline: what is frequent where, and what is more frequent than elsewhere.

That a library of a person in Portland has many photos tagged "person" tells nothing. So a tag is tied
to a trip, a season or a year only where its rate there stands out from its rate in the whole library.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photos_engine.graph.columns import Lists
from photos_engine.graph.looks import Looks
from photos_engine.graph.timeline import IntVector, Timeline

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
    """Which tags are on which photo of the timeline: keepers only, the others have none."""

    present: Lists
    keepers: int

    @property
    def ids(self) -> tuple[str, ...]:
        """The tags, by where each comes up first."""
        return self.present.values

    def totals(self) -> IntVector:
        """(tags,): how many photos of the library carry each tag."""
        return np.bincount(self.present.codes, minlength=len(self.ids))

    def photos_by_tag(self) -> dict[str, IntVector]:
        """Tag -> the photos that carry it, positions in the timeline, ascending."""
        return self.present.rows_by_value()

    def counts(self, groups: Sequence[IntVector]) -> NDArray[np.float32]:
        """(groups, tags): the photos of each group that carry each tag."""
        starts, at = self.present.find(np.concatenate([np.zeros(0, dtype=np.int64), *groups]))
        ends = starts[np.cumsum([0, *(len(group) for group in groups)])]  # of each group's tags
        which = np.repeat(np.arange(len(groups)), np.diff(ends))
        cells = which * len(self.ids) + self.present.codes[at]
        counts = np.bincount(cells, minlength=len(groups) * len(self.ids))
        return counts.reshape(len(groups), len(self.ids)).astype(np.float32)


def build_tag_table(looks: Looks, timeline: Timeline) -> TagTable:
    """Count the tags of the timeline's keepers, with all that they imply."""
    found = looks.tags.take(timeline.rows)
    counts = timeline.keeper[found.rows]
    rows, codes = found.rows[counts], found.codes[counts]
    known, first, indices = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first)  # by where each comes up first, whenever it was imported
    starts = np.searchsorted(rows, np.arange(len(timeline) + 1))
    ids = tuple(found.values[code] for code in known[order].tolist())
    present = Lists(starts, np.argsort(order)[indices].astype(np.int32), np.ones(len(rows)), ids)
    return TagTable(present, int(timeline.keeper.sum()))


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
