"""Questions to the personal knowledge graph.

Everything that an answer needs is on the nodes and edges, as plain values that JSON can hold, so that a
graph read from disk answers exactly as the one that was built.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from functools import cached_property
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from photos_engine.errors import NotFound
from photos_engine.graph import persist
from photos_engine.graph.decided import KnownStay
from photos_engine.graph.interests import MIN_DAYS, as_strength, rate_interests
from photos_engine.graph.naming import as_slug
from photos_engine.graph.pages import Pages
from photos_engine.graph.records import Celebration, Home, KnownPerson, KnownPet, KnownPlace, Moment, Related
from photos_engine.types import GeoPoint, Interest, Reason, Trip

if TYPE_CHECKING:  # as in `persist`
    import networkx as nx

PLACE_KINDS = ("city", "region", "country")
EVENT_KINDS = ("trip", "day_out", "celebration")
_PRIVATE = ("stays", "hidden_photos", "renamed")  # facts of the graph that are for the engine alone
MAX_EVIDENCE = 24  # photos that a decision about a pet remembers it by

NodeData = Mapping[str, Any]
Edge = tuple[str, str] | tuple[str, str, str]


class PersonalGraph:
    """The library's people, places, times, themes and events, and how they hang together.

    Node ids read like "trip:2023-07-02-biarritz", "city:FR/Lyon", "tag:dog". Every node has `kind` and
    `label`; every edge `relation`, `weight` and `confidence` (0 to 1), `provenance` and `reason`. What a
    person hid is left out of all answers; what was featured less counts less.
    """

    def __init__(self, graph: nx.MultiDiGraph[str], pages: Pages = MappingProxyType({})) -> None:
        """pages: what the moments were written from, for the next build; a graph from disk has none."""
        self._graph = graph
        self.pages = pages

    @property
    def view(self) -> nx.MultiDiGraph[str]:
        """The graph for networkx's own algorithms; changing it raises `networkx.NetworkXError`."""
        return self._graph.copy(as_view=True)

    @property
    def model(self) -> str:
        """The model whose signals the graph was built from."""
        return str(self._graph.graph["model"])

    @property
    def revision(self) -> int:
        """The store's revision that the graph was built from."""
        return int(self._graph.graph["revision"])

    def __len__(self) -> int:
        return len(self._graph)

    def __contains__(self, node: object) -> bool:
        return node in self._graph

    # --- what there is ---------------------------------------------------------------------------

    def moments(self) -> tuple[Moment, ...]:
        """Every moment in time order."""
        return tuple(
            Moment(node, _time(d["start"]), _time(d["end"]), d.get("place"), tuple(d["photos"]))
            for node, d in self._of_kind("moment")
        )

    def trips(self) -> tuple[Trip, ...]:
        """Every stay away from home of two days or more, in time order."""
        return tuple(self._as_trip(node, d) for node, d in self._of_kind("trip"))

    def days_out(self) -> tuple[Trip, ...]:
        """Every single day well away from home, in time order."""
        return tuple(self._as_trip(node, d) for node, d in self._of_kind("day_out"))

    def celebrations(self) -> tuple[Celebration, ...]:
        """Every feast that was celebrated, in time order."""
        return tuple(
            Celebration(
                node,
                d["slug"],
                d["label"],
                date.fromisoformat(d["day"]),
                self.photo_ids(node),
                d["confidence"],
                _reasons(d),
                d.get("person"),
            )
            for node, d in self._of_kind("celebration")
        )

    def homes(self) -> tuple[Home, ...]:
        """Where the person has lived, in time order; the last one is the present home."""
        return tuple(
            Home(
                node,
                d["label"],
                GeoPoint(d["latitude"], d["longitude"]),
                d.get("country_code"),
                date.fromisoformat(d["start"]),
                date.fromisoformat(d["end"]) if d.get("end") else None,
                d["confidence"],
                _reasons(d),
            )
            for node, d in self._of_kind("home")
        )

    def pets(self) -> tuple[KnownPet, ...]:
        """Every animal that keeps coming back, by species; of one species the most photographed first."""
        return tuple(
            KnownPet(
                node,
                d["species"],
                d["label"],
                d.get("called"),
                d.get("number"),
                tuple(d["photos"]),
                d["months"],
                d["confidence"],
                _reasons(d),
            )
            for node, d in self._of_kind("pet")
        )

    def people(self) -> tuple[KnownPerson, ...]:
        """Everybody named in the photos' metadata, most photographed first."""
        found = [
            KnownPerson(node, d["label"], d["count"], date.fromisoformat(d["first"]), date.fromisoformat(d["last"]))
            for node, d in self._of_kind("person")
        ]
        return tuple(sorted(found, key=lambda p: (-p.photos, p.name)))

    def places(self) -> tuple[KnownPlace, ...]:
        """Every city, region and country with photographs, those with the most days first."""
        found = [
            KnownPlace(node, kind, d["label"], d["country_code"], d["count"], d["days"], tuple(d["years"]))
            for kind in PLACE_KINDS
            for node, d in self._of_kind(kind)
        ]
        return tuple(sorted(found, key=lambda p: (-p.days, -p.photos, p.node)))

    def interests(self, on: date | None = None) -> tuple[Interest, ...]:
        """What the person likes to photograph, as of a day (the library's last by default), strongest first.

        A tag's rate of active days, recent ones and those of the same time of year counting more, against
        the rate of a middling tag of this library; `strength` is a half for the middling, less for what makes
        no memories, and nears 1.
        """
        on = on or date.fromisoformat(self._graph.graph["last_day"])
        tags = [(node, d) for node, d in self._of_kind("tag") if d["days"]]
        lifts = rate_interests([d["months"] for _, d in tags], self._graph.graph["active_months"], [on])
        if lifts is None or not lifts.any():
            return ()
        found = []
        for (node, d), lift in zip(tags, lifts[:, 0].tolist(), strict=True):
            own = self._graph.nodes.get(f"interest:{node.partition(':')[2]}", {})
            if d["days"] >= MIN_DAYS and not own.get("hidden"):
                is_less = bool(d.get("featured_less") or own.get("featured_less"))
                strength = as_strength(lift, d["memorable"], is_less=is_less)
                text = f"{d['label'].capitalize()} on {d['days']} days, {lift:.1f} times as often as a middling theme."
                reasons = (Reason("lift", strength, text),)
                found.append(Interest(node, d["label"], round(strength, 4), d["count"], on, reasons))
        return tuple(sorted(found, key=lambda i: (-i.strength, i.node)))

    # --- how it hangs together -------------------------------------------------------------------

    def photo_ids(self, node: str) -> tuple[str, ...]:
        """All photos of a moment or an event in time order; of any other node a sample, as its provenance has it."""
        d = self.node(node)
        if d["kind"] in ("moment", "pet"):
            return tuple(d["photos"])
        if d["kind"] in EVENT_KINDS:
            there = (moment for moment in d["moments"] if moment in self._graph)  # `about` may lack some
            return tuple(photo for moment in there for photo in self._graph.nodes[moment]["photos"])
        return tuple(d.get("provenance", {}).get("photos", ()))

    def nodes_of(self, photo_id: str) -> tuple[str, ...]:
        """The moment that a photo belongs to, and the events that the moment is part of; nothing that is hidden."""
        moment = self._moment_of.get(photo_id)
        if moment is None:
            return ()
        parts = [event for _, event, d in self._graph.out_edges(moment, data=True) if d["relation"] == "part_of"]
        return tuple(node for node in (moment, *parts) if self._is_shown(node))

    def node(self, node: str) -> NodeData:
        """A node's attributes. Raises: NotFound."""
        if node not in self._graph:
            raise NotFound(f"the graph has no node {node!r}")
        data: NodeData = self._graph.nodes[node]
        return data

    def hidden(self) -> frozenset[str]:
        """The nodes that a person asked not to see, with the moments of a hidden event."""
        own = {node for node, d in self._graph.nodes(data=True) if d.get("hidden")}
        return frozenset(own | {moment for node in own for moment in self._graph.nodes[node].get("moments", ())})

    def hidden_photo_ids(self) -> frozenset[str]:
        """The photos of hidden moments, events, pets and days."""
        nodes = self._graph.nodes
        of_nodes = frozenset(photo for node in self.hidden() for photo in nodes[node].get("photos", ()))
        return of_nodes.union(self._graph.graph.get("hidden_photos", ()))

    def stays(self) -> tuple[KnownStay, ...]:
        """Every journey that is or was known, by the name that it keeps."""
        rows = self._graph.graph.get("stays", ())
        return tuple(KnownStay(name, date.fromisoformat(a), date.fromisoformat(b)) for name, a, b in rows)

    def person_node(self, name: str) -> str:
        """The node of somebody by their name in a photo's metadata, which the person may have put right."""
        node = f"person:{as_slug(name)}"
        return str(self._graph.graph.get("renamed", {}).get(node, node))

    def evidence_of(self, node: str) -> tuple[str, ...]:
        """Some photos by which to know a node again that has no name of its own: a pet among others."""
        if node not in self._graph or self._graph.nodes[node]["kind"] != "pet":
            return ()
        photos = self._graph.nodes[node]["photos"]
        return tuple(photos[:: -(-len(photos) // MAX_EVIDENCE)])

    def is_featured_less(self, node: str) -> bool:
        """Whether a person wants to see less of a node."""
        return node in self._graph and bool(self._graph.nodes[node].get("featured_less"))

    def related(self, node: str, limit: int = 10) -> tuple[Related, ...]:
        """The nodes nearest to one, directly or through a shared neighbour, strongest first.

        A shared neighbour counts the less the more it is connected (Adamic and Adar 2003). Raises: NotFound.
        """
        self.node(node)
        strength: dict[str, float] = {}
        through: dict[str, str] = {}
        for near, weight in self._neighbours(node):
            strength[near] = strength.get(near, 0.0) + weight
            hub = 1 / math.log(2 + self._graph.degree(near))
            for far, onward in self._neighbours(near):
                if far != node:
                    strength[far] = strength.get(far, 0.0) + weight * onward * hub
                    through.setdefault(far, near)
        ranked = sorted(
            (n for n in strength if self._is_shown(n) and self._graph.nodes[n]["kind"] != "moment"),
            key=lambda n: (-strength[n], n),
        )
        return tuple(self._as_related(node, n, strength[n], through.get(n)) for n in ranked[:limit])

    def why(self, edge: Edge) -> tuple[Reason, ...]:
        """The reasons of the edges between two nodes, or of the one edge with a key. Raises: NotFound."""
        a, b = edge[0], edge[1]
        self.node(a), self.node(b)
        found = [*self._edges_between(a, b), *self._edges_between(b, a)]
        chosen = [d for key, d in found if len(edge) < 3 or key == edge[2]]
        if not chosen:
            raise NotFound(f"the graph has no edge between {a!r} and {b!r}")
        return tuple(Reason(d["relation"], d["weight"], d["reason"]) for d in chosen)

    def about(self, node: str) -> PersonalGraph:
        """The node with its neighbours and the edges among them, as a graph of its own. Raises: NotFound."""
        self.node(node)
        around = {node, *self._graph.successors(node), *self._graph.predecessors(node)}
        return PersonalGraph(self._graph.subgraph(n for n in around if n == node or self._is_shown(n)).copy())

    # --- for other programs ----------------------------------------------------------------------

    def as_json(self) -> dict[str, Any]:
        """{"nodes": [...], "edges": [...]} of plain values; hidden nodes are left out."""
        shown = {n for n in self._graph if self._is_shown(n)}
        return {
            **{name: value for name, value in self._graph.graph.items() if name not in _PRIVATE},
            "nodes": [{"id": n, **self._graph.nodes[n]} for n in self._graph if n in shown],
            "edges": [
                {"source": a, "target": b, **d} for a, b, d in self._graph.edges(data=True) if a in shown and b in shown
            ],
        }

    def as_graphml(self) -> str:
        """The graph in GraphML; lists and nested values become JSON text, since GraphML has scalars only."""
        import networkx as nx

        flat: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        content = self.as_json()
        for n in content["nodes"]:
            flat.add_node(n["id"], **{k: _as_scalar(v) for k, v in n.items() if k != "id" and v is not None})
        for e in content["edges"]:
            scalars = {k: _as_scalar(v) for k, v in e.items() if k not in ("source", "target") and v is not None}
            flat.add_edge(e["source"], e["target"], **scalars)
        buffer = BytesIO()
        nx.write_graphml(flat, buffer)
        return buffer.getvalue().decode("utf-8")

    def save(self, path: Path) -> None:
        """Write the graph as gzipped JSON; the file is complete or not there."""
        persist.write_graph(self._graph, path)

    @classmethod
    def load(cls, path: Path, *, model: str, revision: int) -> PersonalGraph | None:
        """Read a graph; None where it is missing, broken, or of another model, revision or version: rebuild it then."""
        graph = persist.read_graph(path, model=model, revision=revision)
        return None if graph is None else cls(graph)

    # --- inside ----------------------------------------------------------------------------------

    @cached_property
    def _moment_of(self) -> dict[str, str]:
        moments = (item for item in self._graph.nodes(data=True) if item[1]["kind"] == "moment")
        return {photo: moment for moment, d in moments for photo in d["photos"]}

    def _is_shown(self, node: str) -> bool:
        return not self._graph.nodes[node].get("hidden")

    def _of_kind(self, kind: str) -> Iterator[tuple[str, NodeData]]:
        """Nodes of one kind that nobody hid; built in time order, so given in time order."""
        return ((n, d) for n, d in self._graph.nodes(data=True) if d["kind"] == kind and not d.get("hidden"))

    def _as_trip(self, node: str, d: NodeData) -> Trip:
        return Trip(
            node,
            d["label"],
            _time(d["start"]),
            _time(d["end"]),
            tuple(d["places"]),
            tuple(d["country_codes"]),
            self.photo_ids(node),
            d["confidence"],
            _reasons(d),
        )

    def _neighbours(self, node: str) -> Iterable[tuple[str, float]]:
        for _, other, d in self._graph.out_edges(node, data=True):
            yield other, d["weight"]
        for other, _, d in self._graph.in_edges(node, data=True):
            yield other, d["weight"]

    def _edges_between(self, a: str, b: str) -> list[tuple[Any, NodeData]]:
        return list(self._graph[a][b].items()) if self._graph.has_edge(a, b) else []

    def _as_related(self, node: str, other: str, strength: float, through: str | None) -> Related:
        d = self._graph.nodes[other]
        direct = [e for _, e in (*self._edges_between(node, other), *self._edges_between(other, node))]
        if direct:
            reasons = tuple(Reason(e["relation"], e["weight"], e["reason"]) for e in direct)
        else:
            label = self._graph.nodes[through]["label"] if through else ""
            reasons = (Reason("shared", strength, f"Both go with {label}."),)
        return Related(other, d["kind"], d["label"], round(1 - math.exp(-strength), 4), reasons)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _reasons(d: NodeData) -> tuple[Reason, ...]:
    return tuple(Reason(code, weight, text) for code, weight, text in d["reasons"])


def _as_scalar(value: object) -> str | int | float | bool:
    return value if isinstance(value, str | int | float | bool) else json.dumps(value, ensure_ascii=False)
