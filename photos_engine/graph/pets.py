"""Pets: animals that keep coming back at home, told apart by how they look.

A tag names the species; the individual is what its pictures have in common. Embeddings show an animal amid its
surroundings, so two animals are told apart only where their pictures fall into groups as clear as groups get;
otherwise they are one pet of the library, and the pictures of strangers that look unlike it are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from photos_engine.graph.looks import Looks
from photos_engine.graph.themes import TagTable
from photos_engine.graph.timeline import BoolVector, FloatVector, IntVector, Timeline
from photos_engine.types import FloatArray, Tag

SURE = 0.6  # as for themes: a photo of a pet must show it
MIN_PHOTOS, MIN_DAYS, MIN_MONTHS = 4, 4, 2
MAX_PETS = 4  # of one species
CLEAR_GROUPS = 0.25
"""Mean silhouette (Rousseeuw 1987) from which on groups are a structure; below, he calls it none of substance."""
OUTLIER_DEVIATIONS = 2.5  # median absolute deviations below the median likeness to the surest photos
MAX_COMPARED = 1200  # photos that groups are found among: the others go to the nearest one
_ENOUGH_PHOTOS, _VERY_SURE = 12, 0.8


@dataclass(frozen=True, slots=True)
class FoundPet:
    """One recurring animal, with its photos (positions in the timeline, in order); `number` None: the only one."""

    species: str
    number: int | None
    at: IntVector
    months: int
    confidence: float

    @property
    def node(self) -> str:
        """Its id in the graph."""
        return f"pet:{self.species}" if self.number is None else f"pet:{self.species}-{self.number}"


def find_pets(
    looks: Looks,
    timeline: Timeline,
    table: TagTable,
    embeddings: FloatArray,
    tags: Mapping[str, Tag],
    is_away: BoolVector,
) -> tuple[FoundPet, ...]:
    """Every animal of a pet's species that recurs over months where the person lives, by species.

    embeddings: (n, 512) L2-normalised, row by row the snapshot's photos. is_away: of each photo of the timeline.
    """
    photos, found = table.photos_by_tag(), []
    for species in sorted(tag.id for tag in tags.values() if "pet" in tag.parents and tag.id in photos):
        at = photos[species]
        certainty = looks.tags.weights_of(species)[timeline.rows[at]]
        at, certainty = at[certainty >= SURE], certainty[certainty >= SURE]
        if _recurs(timeline, at, is_away):
            at, certainty = _sure_ones(at, certainty)
            groups = _tell_apart(timeline, embeddings[timeline.rows[at]], at, is_away)
            for number, members in enumerate(groups, start=1):
                typical = members[_is_typical(embeddings[timeline.rows[at[members]]], certainty[members])]
                found.append(_as_pet(species, number if len(groups) > 1 else None, at[typical], timeline))
    return tuple(found)


def _sure_ones(at: IntVector, certainty: FloatVector) -> tuple[IntVector, FloatVector]:
    """The very sure photos where there are enough of them."""
    sure = certainty >= _VERY_SURE
    return (at[sure], certainty[sure]) if np.count_nonzero(sure) >= _ENOUGH_PHOTOS else (at, certainty)


def _recurs(timeline: Timeline, at: IntVector, is_away: BoolVector) -> bool:
    """Whether something was seen on many days of several months at home: on journeys one meets other people's."""
    days = np.unique(timeline.day[at[~is_away[at]]]) if len(at) else at
    return len(at) >= MIN_PHOTOS and len(days) >= MIN_DAYS and _count_months(days) >= MIN_MONTHS


def _count_months(days: IntVector) -> int:
    return len(np.unique((days - 719163).astype("datetime64[D]").astype("datetime64[M]")))  # 719163: 1970-01-01


def _tell_apart(timeline: Timeline, vectors: FloatArray, at: IntVector, is_away: BoolVector) -> tuple[IntVector, ...]:
    """Groups of photos (indices into `at`), each of one animal that recurs by itself; the largest first."""
    everything: tuple[IntVector, ...] = (np.arange(len(at)),)
    sample = np.unique(np.linspace(0, len(at) - 1, min(len(at), MAX_COMPARED)).astype(np.int64))
    if len(sample) < 2 * MIN_PHOTOS:
        return everything
    apart = np.clip(1.0 - vectors[sample] @ vectors[sample].T, 0.0, 2.0).astype(np.float64)
    np.fill_diagonal(apart, 0.0)
    tree = link_by_average(apart)
    best = everything
    clearest = CLEAR_GROUPS
    for count in range(2, MAX_PETS + 1):
        label = cut_tree(tree, count)
        if (clearness := _silhouette(apart, label)) < clearest:
            continue
        centres = np.stack([vectors[sample[label == n]].mean(axis=0) for n in np.unique(label)])
        centres /= np.linalg.norm(centres, axis=1, keepdims=True)
        nearest = (vectors @ centres.T).argmax(axis=1)
        groups = [np.flatnonzero(nearest == n) for n in range(count)]
        if all(_recurs(timeline, at[group], is_away) for group in groups):
            best, clearest = tuple(sorted(groups, key=lambda group: (-len(group), int(group[0])))), clearness
    return best


Merge = tuple[float, int, int]


def link_by_average(apart: FloatVector) -> list[Merge]:
    """Average linkage: at which mean distance which groups become one, nearest first; each is told by one of its own.

    By chains of nearest neighbours (Murtagh 1983). apart: (n, n) distances. SciPy's takes ten times as long to import
    as this to run.
    """
    distance, sizes = apart.copy(), np.ones(len(apart))
    np.fill_diagonal(distance, np.inf)
    chain: list[int] = []
    merges: list[Merge] = []
    while len(merges) < len(apart) - 1:
        chain = chain or [int(np.argmax(sizes > 0))]
        here = chain[-1]
        nearest = int(np.argmin(distance[here]))
        if len(chain) < 2 or distance[here, nearest] < distance[here, chain[-2]]:
            chain.append(nearest)
            continue
        there = chain[-2]
        merges.append((float(distance[here, there]), here, there))
        joined = (sizes[here] * distance[here] + sizes[there] * distance[there]) / (sizes[here] + sizes[there])
        joined[[here, there]] = np.inf
        distance[there] = distance[:, there] = joined
        distance[here] = distance[:, here] = np.inf
        sizes[there], sizes[here] = sizes[there] + sizes[here], 0
        del chain[-2:]
    return sorted(merges, key=lambda merge: merge[0])


def cut_tree(tree: Sequence[Merge], count: int) -> IntVector:
    """(n,): which of `count` groups each is in."""
    label = np.arange(len(tree) + 1)
    for _, one, other in tree[: len(label) - count]:
        label[label == label[one]] = label[other]
    return np.unique(label, return_inverse=True)[1]


def _silhouette(apart: FloatVector, label: IntVector) -> float:
    """How much nearer photos are to their own group than to the next one, mean of -1 to 1."""
    groups = np.unique(label)
    member = (label[:, None] == groups).astype(np.float64)  # (n, groups)
    sizes = member.sum(axis=0)
    total = apart @ member
    own = (total * member).sum(axis=1) / np.maximum(sizes[member.argmax(axis=1)] - 1, 1)
    other = np.where(member > 0, np.inf, total / sizes).min(axis=1)
    alone = sizes[member.argmax(axis=1)] == 1
    score = np.where(alone, 0.0, (other - own) / np.maximum(np.maximum(own, other), 1e-12))
    return float(score.mean())


def _is_typical(vectors: FloatArray, certainty: FloatVector) -> BoolVector:
    """Which photos look like the surest ones: a pet has photos to spare, and one stranger spoils its memory."""
    if len(vectors) < _ENOUGH_PHOTOS:
        return np.ones(len(vectors), dtype=bool)
    surest = np.argsort(-certainty, kind="stable")[: max(_ENOUGH_PHOTOS, len(vectors) // 4)]
    likeness = vectors @ vectors[surest].mean(axis=0)
    middle = float(np.median(likeness))
    deviation = float(np.median(np.abs(likeness - middle)))
    return np.asarray(likeness >= middle - OUTLIER_DEVIATIONS * deviation)


def _as_pet(species: str, number: int | None, at: IntVector, timeline: Timeline) -> FoundPet:
    months = _count_months(np.unique(timeline.day[at]))
    return FoundPet(species, number, at, months, round(months / (months + 3.0), 3))
