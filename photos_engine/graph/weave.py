"""The pen that writes the graph: every node and edge goes through here, so that all carry the same facts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import networkx as nx
import numpy as np

from photos_engine.graph.themes import TagCount
from photos_engine.graph.timeline import IntVector, Timeline
from photos_engine.types import Decision, Reason, Snapshot, StoredDecision

MAX_PROVENANCE = 5  # photos named on an edge: enough to look at, few enough for 500,000 photos


class Weaver:
    """A graph under construction, with the snapshot and timeline that it is woven from."""

    def __init__(self, snapshot: Snapshot, timeline: Timeline) -> None:
        self.snapshot = snapshot
        self.timeline = timeline
        self.graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(model=snapshot.model, revision=snapshot.revision)
        self._decided = _standing_decisions(snapshot.decisions)

    def add(self, node: str, kind: str, label: str, at: IntVector | None = None, **facts: Any) -> str:
        """Write a node; `at` are the photos that speak for it. Gives back its id."""
        decided = self._decided.get(node, frozenset())
        if Decision.HIDE in decided:
            facts["hidden"] = True
        if Decision.FEATURE_LESS in decided:
            facts["featured_less"] = True
        if at is not None:
            facts |= {"count": len(at), "provenance": self.provenance(at)}
        self.graph.add_node(node, kind=kind, label=label, **facts)
        return node

    def unused(self, node: str) -> str:
        """The id, or one like it where there is such a node already (twice at one place on one day)."""
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
        span = {"start": self.day_text(at[0]), "end": self.day_text(at[-1])} if len(at) else {}
        self.graph.add_edge(
            source,
            target,
            relation=relation,
            weight=round(float(weight), 4),
            confidence=round(float(confidence), 4),
            provenance=self.provenance(at),
            reason=reason,
            **span,
        )

    def link_tags(self, source: str, found: Sequence[TagCount], at: IntVector, size: int, relation: str) -> None:
        """Write edges to the tags that stand out among a node's photos."""
        for hit in found:
            tag = f"tag:{hit.tag}"
            if tag in self.graph:
                shows = f"{self.graph.nodes[tag]['label'].capitalize()} is on {hit.photos} of {size} photos"
                self.link(
                    source,
                    tag,
                    relation,
                    at=at,
                    weight=min(1.0, hit.rate) * (1 - 1 / max(hit.lift, 1.01)),
                    confidence=1 - 1 / (1 + hit.photos),
                    reason=f"{shows}, {hit.lift:.1f} times its usual share.",
                )

    def photo_ids(self, at: IntVector) -> list[str]:
        """The ids of the photos at some positions of the timeline."""
        photos = self.snapshot.photos
        return [photos[row].photo.id for row in self.timeline.rows[at].tolist()]

    def provenance(self, at: IntVector) -> dict[str, Any]:
        """Which photos and which model an inference rests on: all their number, a few of their ids."""
        spread = at[:: max(1, -(-len(at) // MAX_PROVENANCE))]
        return {"photos": self.photo_ids(spread), "count": len(at), "model": self.snapshot.model}

    def time(self, position: int) -> datetime:
        """When the photo at a position was taken, on its own clock."""
        return self.snapshot.photos[int(self.timeline.rows[position])].photo.taken

    def day_text(self, position: int) -> str:
        """The day that the photo at a position belongs to, as ISO 8601 writes it."""
        return date.fromordinal(int(self.timeline.day[position])).isoformat()


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


def _standing_decisions(decisions: Sequence[StoredDecision]) -> dict[str, frozenset[Decision]]:
    """What stands decided about each node; `undo` takes back what came before it."""
    standing: dict[str, frozenset[Decision]] = {}
    for d in sorted(decisions, key=lambda d: d.decided_utc):
        if d.subject_kind == "node":
            before = standing.get(d.subject, frozenset())
            standing[d.subject] = frozenset() if d.decision is Decision.UNDO else before | {d.decision}
    return standing
