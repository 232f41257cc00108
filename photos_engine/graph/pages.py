"""Moments as the graph writes them: each a page made of its own photos alone, so it holds for as long as they do.

Moments are most of the graph, and a night's new photos touch few of them: the others' pages are taken over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from photos_engine.graph.looks import Looks
from photos_engine.graph.themes import TagTable
from photos_engine.graph.timeline import IntVector
from photos_engine.graph.weave import Weaver, as_fact
from photos_engine.types import Place, Tag

_TAGS_A_MOMENT = 4


@dataclass(frozen=True, slots=True)
class Page:
    """One moment: its node's facts, what its edges rest on, and the tags that it is tied to, each with its edge.

    `evidence` is of all its photos. A tag that is too rare in the library has no node, and the edge waits for it.
    """

    start: datetime
    end: datetime
    day: int
    place: Place | None
    label: str
    facts: Mapping[str, Any]
    evidence: Mapping[str, Any]
    shows: tuple[tuple[str, Mapping[str, Any]], ...]


Pages = Mapping[bytes, Page]
"""Pages by all that they are made of."""


def write_pages(
    weaver: Weaver,
    moments: Sequence[IntVector],
    looks: Looks,
    table: TagTable,
    places: Sequence[Place | None],
    tags: Mapping[str, Tag],
    kept: Pages,
) -> dict[bytes, Page]:
    """The page of each moment, in their order; `kept` are those of an earlier graph, of the same model and tags."""
    timeline = weaver.timeline
    marks = looks.marks[timeline.rows]
    # Of each photo whether it counts, and whether its position does.
    used = timeline.keeper.astype(np.uint8) + 2 * ~np.isnan(timeline.latitude)
    keys = [marks[at].tobytes() + used[at].tobytes() for at in moments]
    new = [(key, at) for key, at in zip(keys, moments, strict=True) if key not in kept]
    written = {
        key: _write(weaver, at, places, shows)
        for (key, at), shows in zip(new, _find_tags(weaver, table, [at for _, at in new], tags), strict=True)
    }
    return {key: written.get(key) or kept[key] for key in keys}


def add_moments(weaver: Weaver, moments: Sequence[IntVector], pages: Sequence[Page], cities: Mapping[int, str]) -> None:
    """Write the moments, tied to their city and to what they show."""
    nodes = []
    for page in pages:
        node = weaver.unused(f"moment:{page.start:%Y-%m-%dT%H:%M:%S}")
        decided = weaver.decided.of_moment(page.start, page.end, page.day)
        weaver.add(node, "moment", page.label, decided=decided, **page.facts)
        for tag, shows in page.shows:
            if tag in weaver.graph:
                weaver.graph.add_edge(node, tag, **shows, **page.evidence)
        nodes.append(node)
    weaver.know_moments(nodes, moments, [page.evidence for page in pages])
    for node, page in zip(nodes, pages, strict=True):
        if page.place:
            weaver.link_moment(node, cities[page.place.geoname_id], "at", reason=f"Taken in {page.place.city}.")


def _write(weaver: Weaver, at: IntVector, places: Sequence[Place | None], shows: Sequence[tuple[str, Any]]) -> Page:
    start, end = weaver.time(at[0]), weaver.time(at[-1])
    place = next((place for n in at.tolist() if (place := places[n])), None)
    facts = {
        "start": start.isoformat(),
        "end": end.isoformat(),
        "place": place.city if place else None,
        "photos": weaver.photo_ids(at),
        "count": len(at),
    }
    label = f"{start.day} {start:%B %Y, %H:%M}"
    return Page(start, end, int(weaver.timeline.day[at[0]]), place, label, facts, weaver.evidence(at), tuple(shows))


def _find_tags(
    weaver: Weaver, table: TagTable, moments: Sequence[IntVector], tags: Mapping[str, Tag]
) -> list[list[tuple[str, Mapping[str, Any]]]]:
    """For each moment the tags on at least half of its photos and on two of them, the most memorable first."""
    worth = np.array([tags[tag].memorable if tag in tags else 0.0 for tag in table.ids])
    by_name = np.argsort(np.argsort(np.array(table.ids, np.str_)))
    found: list[list[tuple[str, Mapping[str, Any]]]] = [[] for _ in moments]
    for start in range(0, len(moments), 512):  # blocks, so that many moments with many tags stay small
        block = moments[start : start + 512]
        counts = table.counts(block)
        sizes = np.array([max(1, int(weaver.timeline.keeper[at].sum())) for at in block])
        of, tag = np.nonzero((counts >= 2) & (2 * counts >= sizes[:, None]))
        order = np.lexsort((by_name[tag], -counts[of, tag], -worth[tag], of))
        for n, t in zip(of[order].tolist(), tag[order].tolist(), strict=True):
            if len(edges := found[start + n]) < _TAGS_A_MOMENT:
                edges.append(_as_edge(table.ids[t], int(counts[n, t]), int(sizes[n]), tags))
    return found


def _as_edge(tag: str, photos: int, size: int, tags: Mapping[str, Tag]) -> tuple[str, Mapping[str, Any]]:
    label = tags[tag].label.capitalize() if tag in tags else tag
    text = f"{label} is on {photos} of {size} photos."
    return f"tag:{tag}", as_fact("shows", weight=photos / size, confidence=1 - 1 / (1 + photos), reason=text)
