"""The pen that writes the graph: every node and edge goes through here, so that all carry the same facts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import networkx as nx
import numpy as np

from photos_engine.graph.decided import NodeDecisions
from photos_engine.graph.themes import TagCount
from photos_engine.graph.timeline import IntVector, Timeline
from photos_engine.types import Decision, Reason, Snapshot

MAX_PROVENANCE = 5  # photos named on an edge: enough to look at, few enough for 500,000 photos


class Weaver:
    """A graph under construction, with the snapshot and timeline that it is woven from."""

    def __init__(self, snapshot: Snapshot, timeline: Timeline, decided: NodeDecisions) -> None:
        self.snapshot = snapshot
        self.timeline = timeline
        self.decided = decided
        self._ids = [snapshot.photos[row].photo.id for row in timeline.rows.tolist()]
        self._days = {day: date.fromordinal(day).isoformat() for day in np.unique(timeline.day).tolist()}
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
        self._add_edge(source, target, relation, weight, confidence, reason, self._evidence(at))

    def _add_edge(
        self,
        source: str,
        target: str,
        relation: str,
        weight: float,
        confidence: float,
        reason: str,
        evidence: Mapping[str, Any],
    ) -> None:
        self.graph.add_edge(
            source,
            target,
            relation=relation,
            weight=round(float(weight), 4),
            confidence=round(float(confidence), 4),
            reason=reason,
            **evidence,
        )

    def _evidence(self, at: IntVector) -> dict[str, Any]:
        span = {"start": self.day_text(at[0]), "end": self.day_text(at[-1])} if len(at) else {}
        return {"provenance": self.provenance(at), **span}

    def link_tags(self, source: str, found: Sequence[TagCount], at: IntVector, size: int, relation: str) -> None:
        """Write edges to the tags that stand out among a node's photos."""
        evidence = self._evidence(at) if found else {}
        for hit in found:
            tag = f"tag:{hit.tag}"
            if tag in self.graph:
                shows = f"{self.graph.nodes[tag]['label'].capitalize()} is on {hit.photos} of {size} photos"
                self._add_edge(
                    source,
                    tag,
                    relation,
                    min(1.0, hit.rate) * (1 - 1 / max(hit.lift, 1.01)),
                    1 - 1 / (1 + hit.photos),
                    f"{shows}, {hit.lift:.1f} times its usual share.",
                    evidence,
                )

    def photo_ids(self, at: IntVector) -> list[str]:
        """The ids of the photos at some positions of the timeline."""
        return [self._ids[n] for n in at.tolist()]

    def provenance(self, at: IntVector) -> dict[str, Any]:
        """Which photos and which model an inference rests on: all their number, a few of their ids."""
        spread = at[:: max(1, -(-len(at) // MAX_PROVENANCE))]
        return {"photos": self.photo_ids(spread), "count": len(at), "model": self.snapshot.model}

    def time(self, position: int) -> datetime:
        """When the photo at a position was taken, on its own clock."""
        return self.snapshot.photos[int(self.timeline.rows[position])].photo.taken

    def day_text(self, position: int) -> str:
        """The day that the photo at a position belongs to, as ISO 8601 writes it."""
        return self._days[int(self.timeline.day[position])]


def group_by_moment(at: IntVector, owner: Mapping[int, str]) -> dict[str, IntVector]:
    """The photos of each moment among some photos, moments in the order of their first; others are left out."""
    groups: dict[str, list[int]] = {}
    for n in at.tolist():
        if n in owner:
            groups.setdefault(owner[n], []).append(n)
    return {node: np.array(members) for node, members in groups.items()}


def as_slug(text: str) -> str:
    """Lower-case ASCII words joined by hyphens, for ids; other scripts keep their letters."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
    return "-".join("".join(c if c.isalnum() else " " for c in plain).split()) or "unnamed"


def as_triples(reasons: Iterable[Reason]) -> list[list[Any]]:
    """Reasons as the plain values that a node can hold."""
    return [[r.code, round(r.weight, 4), r.text] for r in reasons]
