"""The pen that writes the graph: every node and edge goes through here, so that all carry the same facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from photos_engine.graph.decided import NodeDecisions
from photos_engine.graph.looks import Looks
from photos_engine.graph.themes import TagCount
from photos_engine.graph.timeline import IntVector, Timeline
from photos_engine.types import Decision, Reason, Snapshot

if TYPE_CHECKING:  # as in `persist`
    import networkx as nx

MAX_PROVENANCE = 5  # photos named on an edge: enough to look at, few enough for 500,000 photos


class Weaver:
    """A graph under construction, with the looks and timeline that it is woven from."""

    def __init__(self, snapshot: Snapshot, looks: Looks, timeline: Timeline, decided: NodeDecisions) -> None:
        import networkx as nx

        self.model = snapshot.model
        self.looks = looks
        self.timeline = timeline
        self.decided = decided
        ids = looks.photo_ids
        self._ids = [ids[row] for row in timeline.rows.tolist()]
        self._days = {day: date.fromordinal(day).isoformat() for day in np.unique(timeline.day).tolist()}
        self._moments: list[str] = []
        self._moment_of = np.full(len(timeline), -1, dtype=np.int64)
        self._evidence_of: dict[str, Mapping[str, Any]] = {}
        self.graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(model=snapshot.model, revision=snapshot.revision)

    def add(
        self,
        node: str,
        kind: str,
        label: str,
        at: IntVector | None = None,
        decided: frozenset[Decision] | None = None,
        **facts: Any,
    ) -> str:
        """Write a node; `at` are the photos that speak for it. Gives back its id.

        decided: what stands decided about it, where its id alone doesn't tell.
        """
        decided = self.decided.of(node) if decided is None else decided
        if Decision.HIDE in decided:
            facts["hidden"] = True
        if Decision.FEATURE_LESS in decided:
            facts["featured_less"] = True
        if at is not None:
            facts |= {"count": len(at), "provenance": self.provenance(at)}
        self.graph.add_node(node, kind=kind, label=label, **facts)
        return node

    def unused(self, node: str) -> str:
        """The id, or one like it where there is such a node already (two moments of one second)."""
        while node in self.graph:
            node += "+"
        return node

    def link(
        self,
        source: str,
        target: str,
        relation: str,
        *,
        at: IntVector,
        reason: str,
        weight: float = 1.0,
        confidence: float = 1.0,
    ) -> None:
        """Write an edge with the time that its photos span; `at` is in time order."""
        fact = as_fact(relation, weight=weight, confidence=confidence, reason=reason)
        self.graph.add_edge(source, target, **fact, **self.evidence(at))

    def evidence(self, at: IntVector) -> dict[str, Any]:
        """What an edge says of the photos that it rests on: some of them, their number, the time that they span."""
        span = {"start": self.day_text(at[0]), "end": self.day_text(at[-1])} if len(at) else {}
        return {"provenance": self.provenance(at), **span}

    def link_tags(self, source: str, found: Sequence[TagCount], at: IntVector, size: int, relation: str) -> None:
        """Write edges to the tags that stand out among a node's photos."""
        evidence = self.evidence(at) if found else {}
        for hit in found:
            tag = f"tag:{hit.tag}"
            if tag in self.graph:
                shows = f"{self.graph.nodes[tag]['label'].capitalize()} is on {hit.photos} of {size} photos"
                fact = as_fact(
                    relation,
                    weight=min(1.0, hit.rate) * (1 - 1 / max(hit.lift, 1.01)),
                    confidence=1 - 1 / (1 + hit.photos),
                    reason=f"{shows}, {hit.lift:.1f} times its usual share.",
                )
                self.graph.add_edge(source, tag, **fact, **evidence)

    def know_moments(
        self, nodes: Sequence[str], moments: Sequence[IntVector], evidence: Sequence[Mapping[str, Any]]
    ) -> None:
        """Remember which moment each photo is of, and what its edges rest on; moments in time order."""
        self._moments = list(nodes)
        self._evidence_of = dict(zip(nodes, evidence, strict=True))
        for n, at in enumerate(moments):
            self._moment_of[at] = n

    def link_moment(self, moment: str, target: str, relation: str, *, reason: str) -> None:
        """Write an edge that all photos of a moment speak for."""
        self.graph.add_edge(moment, target, **as_fact(relation, reason=reason), **self._evidence_of[moment])

    def by_moment(self, at: IntVector) -> list[tuple[str, IntVector]]:
        """The photos of each moment among some photos, given in time order; those of no moment are left out."""
        which = self._moment_of[at]
        at, which = at[which >= 0], which[which >= 0]
        starts = np.flatnonzero(np.diff(which, prepend=-1)).tolist()
        return [(self._moments[which[a]], at[a:b]) for a, b in pairwise([*starts, len(at)])]

    def photo_ids(self, at: IntVector) -> list[str]:
        """The ids of the photos at some positions of the timeline."""
        return [self._ids[n] for n in at.tolist()]

    def provenance(self, at: IntVector) -> dict[str, Any]:
        """Which photos and which model an inference rests on: all their number, a few of their ids."""
        spread = at[:: max(1, -(-len(at) // MAX_PROVENANCE))]
        return {"photos": self.photo_ids(spread), "count": len(at), "model": self.model}

    def time(self, position: int) -> datetime:
        """When the photo at a position was taken, on its own clock."""
        return self.looks.taken(int(self.timeline.rows[position]))

    def day_text(self, position: int) -> str:
        """The day that the photo at a position belongs to, as ISO 8601 writes it."""
        return self._days[int(self.timeline.day[position])]


def as_fact(relation: str, *, reason: str, weight: float = 1.0, confidence: float = 1.0) -> dict[str, Any]:
    """What every edge says, beside what it rests on."""
    return {
        "relation": relation,
        "weight": round(float(weight), 4),
        "confidence": round(float(confidence), 4),
        "reason": reason,
    }


def as_triples(reasons: Iterable[Reason]) -> list[list[Any]]:
    """Reasons as the plain values that a node can hold."""
    return [[r.code, round(r.weight, 4), r.text] for r in reasons]
